"""Names of the final elements and signals of flue-gas cleaning, in the order of their rows.

Rows of the compartments, numbered from 0, stand behind the single ones: each name for all compartments.
"""

from collections.abc import Sequence

from plc_sim.process.flue_gas_parameters import ANALYSERS

RATES = ("ammonia", "carrier", "dilution", "slurry", "quench", "lime", "carbon")  # dosed to a line
GASES = ANALYSERS[:9]  # analysers with two ranges
DOSING_INPUTS = (  # as ``RATES``
    "sncr.ammonia_valve",
    "sncr.carrier_valve",
    "reactor.dilution_valve",
    "reactor.slurry_valve",
    "quench.valve",
    "dosing.lime_speed",
    "dosing.carbon_speed",
)
SINGLE_INPUTS = (
    *DOSING_INPUTS,
    "sncr.lance_1",
    "sncr.lance_2",
    "sncr.lance_3",
    "sncr.pump",
    "sncr.pump_b",
    "atomiser.command",
    "conveying.lime_blower",
    "conveying.carbon_blower",
    "filter.bypass_a",
    "filter.bypass_b",
    "id_fan.command",
    "id_fan.speed",
    "id_fan.damper",
    "cems.standby",
    "cems.calibrate",
    "cems.maintenance",
)
COMPARTMENT_INPUTS = ("inlet", "outlet", "pulse", "heater", "rotary")
RATE_SIGNALS = (  # as ``RATES``
    "sncr.ammonia_flow",
    "sncr.carrier_flow",
    "reactor.dilution_flow",
    "reactor.slurry_flow",
    "quench.flow",
    "dosing.lime_rate",
    "dosing.carbon_rate",
)
TEMPERATURE_SIGNALS = ("reactor.gas_in", "filter.gas_in", "filter.gas_out", "stack.gas")  # as ``draught.POINTS``
MACHINE_SIGNALS = (  # as ``draught.TEMPERATURES``
    "id_fan.bearing_1",
    "id_fan.bearing_2",
    "id_fan.winding_1",
    "id_fan.winding_2",
    "id_fan.winding_3",
)
SINGLE_SIGNALS = (
    *RATE_SIGNALS,
    "sncr.air_pressure",
    *TEMPERATURE_SIGNALS,
    "reactor.gas_out",
    "atomiser.speed",
    "atomiser.vibration",
    "atomiser.bearing",
    "atomiser.running",
    "conveying.lime_flowing",
    "conveying.carbon_flowing",
    "filter.dp",
    "filter.pulse_pressure",
    "filter.broken_bag",
    "duct.economiser_pressure",
    "id_fan.inlet_pressure",
    "id_fan.outlet_pressure",
    "stack.pressure",
    "id_fan.running",
    "id_fan.speed",
    "id_fan.power",
    "id_fan.current",
    *MACHINE_SIGNALS,
    "id_fan.vibration_1",
    "id_fan.vibration_2",
    "stack.velocity",
    "stack.flow",
    "cems.status",
    *(f"cems.{name}" for name in ANALYSERS),
    *(f"cems.{name}_range" for name in GASES),
    *(f"cems.{name}_qal" for name in ANALYSERS),
)
COMPARTMENT_SIGNALS = ("dp", "hopper", "hopper_high")


def rows(single: Sequence[str], of_compartments: Sequence[str], count: int) -> dict[str, int]:
    """Return the row of each name: the single ones, then each of the compartments' for all ``count`` compartments."""
    names = [*single, *(f"filter.{name}_{number}" for name in of_compartments for number in range(count))]
    return {name: row for row, name in enumerate(names)}
