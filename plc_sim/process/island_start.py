"""Inputs of the turbine island that hold a steady state."""

import numpy as np
import numpy.typing as npt

from plc_sim.process.condensate import forward_position, make_up_position
from plc_sim.process.cooling import Cooling
from plc_sim.process.cycle import Balance, Cycle
from plc_sim.process.design import possible
from plc_sim.process.island_rows import ROW, command_rows, fan_speed_rows, input_names
from plc_sim.process.shaft import load, terminal_power
from plc_sim.process.turbine_island_parameters import IslandParameters

Floats = npt.NDArray[np.float64]


def commands(p: IslandParameters, *, runs: bool) -> Floats:
    """Return the motor commands of normal operation (the reserve stands still), or all off."""
    on = [
        *(True for _ in range(p.cooling.fans)),
        *(number < p.cooling.pumps_running for number in range(p.cooling.pumps)),
        *(number < 1 for number in range(p.condensate.count)),
        *(True, False),  # vacuum
        *(False, False),  # lube oil comes from the shaft pump
        *(True, False),  # control oil
    ]
    return np.array(on, dtype=np.float64)[:, np.newaxis] * runs


def initial_inputs(c: Cycle, cooling: Cooling, start: Balance | None) -> Floats:
    """Return the inputs (n, 1) that hold the steady state ``start``, or (None) all 0: everything off and shut."""
    p = c.parameters
    inputs = np.zeros((len(input_names(p)), 1))
    if start is not None:
        for name, value in _positions(c, start).items():
            inputs[ROW[name]] = value
        inputs[command_rows(p)] = commands(p, runs=True)
        inputs[fan_speed_rows(p)] = cooling.fan_speed(start.duty_w)
    return inputs


def _positions(c: Cycle, start: Balance) -> dict[str, float]:
    """Return the inputs that hold the steady state; PlantError when one is beyond its range."""
    p, g = c.parameters, c.parameters.governor
    difference = max(float(start.path.pressure[2, 0]) - start.tank_pa, 1e-9)
    opening = start.extraction[1] / (c.extraction_valve_k * np.sqrt(difference))
    r = p.tank.rangeability
    auxiliary = p.tank.auxiliary_kg_s * start.header_pa / c.header_pa
    positions = {
        "turbine.speed_setpoint": p.shaft.nominal_hz / g.speed_span_hz,
        "turbine.load_setpoint": terminal_power(c, start.shaft_w) / g.load_span_w,
        "generator.voltage_setpoint": p.generator.voltage_v / g.voltage_span_v,
        "generator.excitation": 1.0,
        "extraction_1.valve": 1.0,
        "extraction_2.valve": 1.0,
        "extraction_3.valve": 1.0,
        "gland.valve": p.oil.gland_position,
        "oil.cooler_valve": p.oil.oil_position,
        "condensate.valve": forward_position(c, start),
        "hotwell.dump_valve": p.condensate.recirculation_share,
        "make_up.valve": make_up_position(c, start),
        "deaerator.extraction_valve": min(float(np.log1p(opening * (r - 1.0)) / np.log(r)), 1.0),
        "deaerator.auxiliary_valve": start.auxiliary_kg_s / auxiliary,
    }
    return {name: possible(value, name, load(c, start)) for name, value in positions.items()}
