"""Names and order of the turbine island's inputs and signals; those of the motors follow."""

from plc_sim.process.motors import lettered, motor_names
from plc_sim.process.turbine_island_parameters import IslandParameters

ORDERS = (  # 0 or 1, to the turbine's PLC
    "turbine.trip",
    "turbine.reset",
    "turbine.synchronise",
    "turbine.isochronous",
    "turbine.barring.command",
    "generator_breaker.open",
    "grid_breaker.open",
    "grid_breaker.close",
)
INPUTS = (
    *ORDERS,
    "generator.excitation",
    "turbine.speed_setpoint",
    "turbine.load_setpoint",
    "generator.voltage_setpoint",
    "turbine.drains",
    "extraction_1.valve",
    "extraction_2.valve",
    "extraction_3.valve",
    "gland.valve",
    "oil.cooler_valve",
    "vacuum.breaker",
    "condensate.valve",
    "hotwell.dump_valve",
    "bypass.spray_a",
    "bypass.spray_b",
    "make_up.valve",
    "deaerator.extraction_valve",
    "deaerator.auxiliary_valve",
    "bypass.valve_a",
    "bypass.valve_b",
    "bypass_condenser.valve",
    "tower.bypass_valve",
    "diesel.command",
)
ROW = {name: slice(row, row + 1) for row, name in enumerate(INPUTS)}
EXTRACTION_VALVES = slice(ROW["extraction_1.valve"].start, ROW["extraction_3.valve"].stop)
CONDENSATE_VALVES = slice(ROW["condensate.valve"].start, ROW["bypass.spray_b"].stop)
BYPASS_VALVES = slice(ROW["bypass.valve_a"].start, ROW["bypass.valve_b"].stop)


def input_names(p: IslandParameters) -> tuple[str, ...]:
    """Return all inputs: the table above, a command for every motor, a speed for every fan."""
    motors = motor_names(p)
    fans = motors[: p.cooling.fans]
    return (*INPUTS, *(f"{name}.command" for name in motors), *(f"{name}.speed" for name in fans))


def command_rows(p: IslandParameters) -> slice:
    """Return the rows of the motors' commands among the inputs."""
    return slice(len(INPUTS), len(INPUTS) + len(motor_names(p)))


def fan_speed_rows(p: IslandParameters) -> slice:
    """Return the rows of the tower fans' speeds among the inputs."""
    first = command_rows(p).stop
    return slice(first, first + p.cooling.fans)


def signal_names(p: IslandParameters) -> tuple[str, ...]:
    """Return all signals, in the order in which the island hands them out."""
    return (
        "turbine.speed",
        "turbine.inlet_pressure",
        "turbine.flow",
        "turbine.governor_position",
        "turbine.stop_valve_a",
        "turbine.stop_valve_b",
        "turbine.stop_valve_a_open",
        "turbine.stop_valve_b_open",
        "turbine.reset_state",
        "turbine.first_out",
        "turbine.mode",
        "turbine.load_target",
        "turbine.governor_demand",
        "turbine.barring.running",
        "oil.pressure",
        "control_oil.pressure",
        "gland.pressure",
        "oil.temperature",
        "oil.level",
        "generator.power",
        "generator.voltage",
        "generator.reactive_power",
        "generator.frequency",
        "house.voltage",
        "house.power",
        "generator_breaker.closed",
        "grid_breaker.closed",
        "generator.lock_out",
        "diesel.ready",
        "diesel.running",
        "ups.on_battery",
        "bypass.position_a",
        "bypass.position_b",
        *(f"{name}.running" for name in motor_names(p)),
        "turbine.inlet_temperature",
        "turbine.axial_displacement",
        "turbine.differential_expansion",
        "turbine.exhaust_temperature",
        *lettered("turbine.vibration", p.shaft.bearings),
        *lettered("turbine.bearing", p.shaft.bearings),
        "extraction_1.pressure",
        "extraction_2.pressure",
        "extraction_3.pressure",
        "extraction_1.flow",
        "extraction_2.flow",
        "extraction_3.flow",
        "condenser.pressure",
        "bypass_condenser.pressure",
        "hotwell.level",
        "bypass_condenser.level",
        "condensate.flow",
        "condensate.pressure",
        "condensate.conductivity",
        "make_up.flow",
        "bypass.spray_flow",
        "demin_tank.level",
        "cooling.inlet_temperature",
        "cooling.outlet_temperature",
        "cooling.flow",
        "bypass.temperature_a",
        "bypass.temperature_b",
        "bypass.flow",
        "deaerator.pressure",
        "deaerator.level",
        "deaerator.temperature",
    )
