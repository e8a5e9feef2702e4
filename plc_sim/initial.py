"""Initial conditions by name: where a simulated plant can begin.

``cold``: all at ambient, at rest. ``hot standby``: boilers shut in at pressure, without fire, burners ready to hold
it; one feedwater pump runs, the turbine is tripped. ``60%`` to ``110%``: steady at a share of the full throughput of
the usual waste; ``100% 8.8 MJ/kg``: of other waste, which the crane then brings from there on; ``110% 6.8 MJ/kg
burners``: with the first pair of burners at its least load. A condition is found once, kept
in the user's cache and copied into every plant that begins there.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from controller.core.errors import PlantError
from controller.core.state import State
from plc_sim import cache
from plc_sim.line_up import firing, line_up
from plc_sim.plant import Plant, Process
from plc_sim.process.drum import Flows
from plc_sim.process.expansion_tables import boiling_table

COLD, STANDBY = "cold", "hot standby"
FIRST_PUMP = 0
BELOW_K = 15.0  # by which superheaters and economiser are colder than the boiling water
KEPT = 16  # conditions of one process that are kept
_LOAD = re.compile(r"(?P<load>\d+(\.\d+)?)\s*%(\s+(?P<lhv>\d+(\.\d+)?)\s*MJ/kg)?(?P<burners>\s+burners)?")


def begin(plant: Plant, process: Process, barometric_pa: float, name: str) -> None:
    """Put ``plant`` of any batch at the named condition; PlantError naming what exists."""
    if name != COLD:
        for slot, values in _standing(json.dumps(_plain(process)), barometric_pa, name).items():
            plant.state[slot][...] = values


@lru_cache(maxsize=KEPT)
def _standing(process: str, barometric_pa: float, name: str) -> Mapping[str, npt.NDArray[Any]]:
    """Return the state of one plant that stands there; an earlier start has found it, or it is found now."""
    path = cache.default_folder() / f"{cache.key_of(process, str(barometric_pa), name)}.initial"
    kept = cache.take(path)
    if kept is None:
        state = _found(process, barometric_pa, name).state
        arrays = {key: (s.array.dtype.str, s.array.shape, s.array.tobytes()) for key, s in state.slots.items()}
        kept = msgspec.msgpack.encode(arrays)
        cache.tell(cache.write(path, kept))
    return {
        key: np.frombuffer(data, dtype=dtype).reshape(shape)
        for key, (dtype, shape, data) in msgspec.msgpack.decode(kept).items()
    }


def _found(process: str, barometric_pa: float, name: str) -> Plant:
    read: Process = json.loads(process)
    if name == STANDBY:
        return _hot_standby(read, barometric_pa)
    load, lhv_mj_kg, has_burners = _load(name)
    if lhv_mj_kg is None and not has_burners:
        return line_up(read, barometric_pa, load)
    plant = Plant(read, State(batch=1), barometric_pa)
    usual = firing(plant, load)
    lhv = usual.lhv_j_kg if lhv_mj_kg is None else 0.0 * usual.lhv_j_kg + lhv_mj_kg * 1e6
    burners = usual.burner_load.copy()
    if has_burners:
        burners[:2] = np.array([[line.operation.burner_load] for line in plant.design.line])
    return line_up(read, barometric_pa, usual._replace(lhv_j_kg=lhv, burner_load=burners))


def _plain(process: Process) -> Process:
    return {instance: {area: dict(values) for area, values in areas.items()} for instance, areas in process.items()}


def _load(name: str) -> tuple[float, float | None, bool]:
    """Return share of the throughput, MJ/kg where another waste is named, and whether burners are lit."""
    found = _LOAD.fullmatch(name.strip())
    if found is None:
        raise PlantError(
            f'initial condition "{name}": choose "{COLD}", "{STANDBY}" or a load such as "100%", of other waste '
            '"100% 8.8 MJ/kg", with burners "110% 6.8 MJ/kg burners"'
        )
    lhv = found["lhv"]
    return float(found["load"]) / 100.0, None if lhv is None else float(lhv), found["burners"] is not None


def _hot_standby(process: Process, barometric_pa: float) -> Plant:
    """Fill the boilers with water and steam at the standby pressure; metal and gas have its temperature."""
    plant = Plant(process, State(batch=1), barometric_pa)
    d, none = plant.design, np.zeros((len(plant.lines), 1))
    p = none + np.array([[line.operation.standby_pa] for line in d.line])
    hot = d.drum.water.at(p)
    plant.water.drum[...] = d.drum.steady(p, Flows(none, none, none, none, none))
    plant.steam.outlet[...] = p
    plant.steam.enthalpy[...] = hot.h_s
    furnace = plant.combustion.furnace
    plant.convection.metal[...] = hot.t - BELOW_K
    for temperature in (plant.water.metal, furnace.flame_k, furnace.gas_k):
        temperature[...] = hot.t
    furnace.surface[...] = hot.t**4
    air = plant.combustion.air
    furnace.content[0] = air.enthalpy(hot.t) / (1.0 + air.humidity)
    tank = plant.island.deaerator
    warm = boiling_table().at(np.array([[d.common.island.tank.auxiliary_pa]]))
    for state, value in ((tank.head, warm.h_w), (tank.tank, warm.h_w), (tank.temperature, warm.t)):
        state[...] = value
    tank.pressure[...] = d.common.island.tank.auxiliary_pa
    inputs, pump = plant.input_board, plant.pumps[FIRST_PUMP]
    speed = np.sqrt((float(p.max()) + d.common.pumps.rated_pa * 0.1) / d.common.pumps.shutoff_pa)
    inputs[f"{pump}.command"][...] = 1.0
    inputs[f"{pump}.min_flow_valve"][...] = 1.0
    inputs["pumps.speed"][...] = speed
    plant.feedwater.speed[FIRST_PUMP] = speed
    plant.feedwater.header[...] = p.max()
    plant.step(1e-9)
    return plant
