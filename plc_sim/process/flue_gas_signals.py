"""What instruments can see of flue-gas cleaning; (lines, batch) each, SI, pressures absolute."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from plc_sim.process.bag_filter import BagFilter, Filtered
from plc_sim.process.cems import Cems
from plc_sim.process.draught import ECONOMISER, FAN_IN, FAN_OUT, STACK_FOOT, Draught
from plc_sim.process.flue_gas_design import FlueGasDesign
from plc_sim.process.flue_gas_names import GASES, MACHINE_SIGNALS, RATE_SIGNALS, TEMPERATURE_SIGNALS
from plc_sim.process.flue_gas_parameters import ANALYSERS
from plc_sim.process.gas import Gas
from plc_sim.process.reactor import Reactor

Floats = npt.NDArray[np.float64]


class Shown(NamedTuple):
    """Pieces after a step, and its results."""

    rates: Floats  # (7, lines, batch) kg/s
    blowers: Floats  # (2, lines, batch) 0 or 1
    reactor: Reactor
    filter: BagFilter
    filtered: Filtered
    draught: Draught
    fan_runs: Floats
    clean: Gas
    cems: Cems


def publish(
    signals: Floats, rows: Mapping[str, int], shown: Shown, status: Floats, design: FlueGasDesign, air_pa: Floats
) -> None:
    """Fill ``signals``, which has ``rows``; ``status`` of the CEMS, ``air_pa`` instrument air, gauge."""
    barometric = design.barometric_pa
    values: dict[str, Floats] = {
        **dict(zip(RATE_SIGNALS, shown.rates, strict=True)),
        "sncr.air_pressure": barometric + np.minimum(design.lance_air_pa, air_pa),
        "conveying.lime_flowing": shown.blowers[0],
        "conveying.carbon_flowing": shown.blowers[1],
        **_reactor(shown.reactor),
        **_filter(shown.filter, shown.filtered, design),
        **_draught(shown.draught, shown.clean, barometric),
        "id_fan.running": shown.fan_runs,
        "cems.status": status,
        **{f"cems.{name}": value for name, value in zip(ANALYSERS, shown.cems.shown, strict=True)},
        **{f"cems.{name}_range": value for name, value in zip(GASES, shown.cems.is_high, strict=True)},
        **{f"cems.{name}_qal": value for name, value in zip(ANALYSERS, shown.cems.qal, strict=True)},
    }
    for name, row in rows.items():
        signals[row] = values[name]


def _reactor(reactor: Reactor) -> dict[str, Floats]:
    return {
        "reactor.gas_out": reactor.temperature,
        "atomiser.speed": reactor.speed * reactor.full_hz,
        "atomiser.vibration": reactor.vibration(),
        "atomiser.bearing": reactor.bearing,
        "atomiser.running": reactor.is_running(),
    }


def _filter(bags: BagFilter, filtered: Filtered, design: FlueGasDesign) -> dict[str, Floats]:
    values = {
        "filter.dp": filtered.dp_pa,
        "filter.pulse_pressure": design.barometric_pa + bags.tank_pa,
        "filter.broken_bag": np.minimum(filtered.dust * bags.detector, 1.0),
    }
    for number in range(design.compartments):
        values[f"filter.dp_{number}"] = filtered.compartment_dp_pa[number]
        values[f"filter.hopper_{number}"] = bags.hopper_k[number]
        values[f"filter.hopper_high_{number}"] = 1.0 * (bags.hopper_kg[number] >= bags.high_kg)
    return values


def _draught(draught: Draught, clean: Gas, barometric: float) -> dict[str, Floats]:
    vibration = draught.vibration()
    electric_w = draught.electric_w()
    return {
        **dict(zip(TEMPERATURE_SIGNALS, draught.temperature, strict=True)),
        "duct.economiser_pressure": barometric + draught.pressure[ECONOMISER],
        "id_fan.inlet_pressure": barometric + draught.pressure[FAN_IN],
        "id_fan.outlet_pressure": barometric + draught.pressure[FAN_OUT],
        "stack.pressure": barometric + draught.pressure[STACK_FOOT],
        "id_fan.speed": draught.speed,
        "id_fan.power": electric_w,
        "id_fan.current": electric_w * draught.ampere_per_w,
        **dict(zip(MACHINE_SIGNALS, draught.machine_k, strict=True)),
        "id_fan.vibration_1": vibration[0],
        "id_fan.vibration_2": vibration[1],
        "stack.velocity": draught.velocity(clean.flow),
        "stack.flow": clean.flow,
    }
