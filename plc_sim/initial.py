"""Initial conditions by name: where a simulated plant can begin.

``cold``: all at ambient, at rest. ``hot standby``: boilers shut in at pressure, without fire, burners ready to hold
it; one feedwater pump runs, the turbine is tripped. ``60%`` to ``110%``: steady at a share of the full throughput of
waste. A condition is found once in a process and copied into every plant that begins there.
"""

import json
from functools import lru_cache

import numpy as np

from controller.core.errors import PlantError
from controller.core.state import State
from plc_sim.line_up import line_up, take_over
from plc_sim.plant import Plant, Process
from plc_sim.process.drum import Flows
from plc_sim.process.expansion_tables import boiling_table

COLD, STANDBY = "cold", "hot standby"
FIRST_PUMP = 0
BELOW_K = 15.0  # by which superheaters and economiser are colder than the boiling water
KEPT = 16  # conditions of one process that are kept


def begin(plant: Plant, process: Process, barometric_pa: float, name: str) -> None:
    """Put ``plant`` of any batch at the named condition; PlantError naming what exists."""
    if name != COLD:
        take_over(plant, _standing(json.dumps(_plain(process)), barometric_pa, name))


@lru_cache(maxsize=KEPT)
def _standing(process: str, barometric_pa: float, name: str) -> Plant:
    read: Process = json.loads(process)
    if name == STANDBY:
        return _hot_standby(read, barometric_pa)
    return line_up(read, barometric_pa, _load(name))


def _plain(process: Process) -> Process:
    return {instance: {area: dict(values) for area, values in areas.items()} for instance, areas in process.items()}


def _load(name: str) -> float:
    text = name.removesuffix("%").strip()
    if not name.endswith("%") or not text.replace(".", "", 1).isdigit():
        raise PlantError(f'initial condition "{name}": choose "{COLD}", "{STANDBY}" or a load such as "100%"')
    return float(text) / 100.0


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
