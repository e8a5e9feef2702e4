"""Where flue-gas cleaning stands at the start: steady on a given gas, found with the equations of the step itself.

Long steps bring lags and heat capacities to rest at once; what must not grow with them (cake, salts, hoppers, clocks
of the analysers) is put back. Final elements stand where a controller would hold them.
"""

import numpy as np
import numpy.typing as npt

from controller.core.errors import PlantError
from controller.core.reduce import ordered_sum
from plc_sim.process.design import column
from plc_sim.process.draught import INLET
from plc_sim.process.flue_gas_cleaning import (
    AMMONIA,
    CARBON,
    CARRIER,
    DILUTION,
    LIME,
    SLURRY,
    Cleaned,
    FlueGasCleaning,
    Surroundings,
)
from plc_sim.process.flue_gas_design import LIME_PER_ACID, NH3, NOX
from plc_sim.process.gas import Gas
from plc_sim.process.sncr import FurnaceGas

Floats = npt.NDArray[np.float64]

ROUNDS = 60  # of the search for the final elements; dilution water and fan speed gain a factor of three each
FLUSH = 120  # steps that fill the plug flows
LONG_S = 3600.0
ALWAYS_ON = (
    "atomiser.command",
    "sncr.pump",
    "sncr.lance_2",
    "conveying.lime_blower",
    "conveying.carbon_blower",
    "id_fan.command",
)


def idle_inputs(cleaning: FlueGasCleaning, batch: int) -> Floats:
    """Return final elements of a cold line: all stands still, compartments open."""
    inputs = np.zeros((len(cleaning.inputs), len(cleaning.design.lines), batch))
    for name, row in cleaning.inputs.items():
        if name.startswith(("filter.inlet", "filter.outlet")) or name == "id_fan.damper":
            inputs[row] = 1.0
    return inputs


def settle(
    cleaning: FlueGasCleaning, gas: Gas, furnace: FurnaceGas, inputs: Floats, around: Surroundings, signals: Floats
) -> None:
    """Bring everything but the slow stocks to rest on ``gas`` with the final elements where ``inputs`` has them."""
    for _ in range(FLUSH):
        _long_step(cleaning, gas, furnace, inputs, around, signals)
    cleaning.step(gas, furnace, inputs, around, signals, 1e-9)


def start(
    cleaning: FlueGasCleaning,
    gas: Gas,
    furnace: FurnaceGas,
    economiser_pa: Floats | float,
    around: Surroundings,
    signals: Floats,
) -> Floats:
    """Return final elements with which the lines clean ``gas``, and bring them to rest there.

    Ratios and temperatures are those of full load, whatever the flow of the gas; ``economiser_pa`` is gauge.
    PlantError when a final element would have to open beyond its full stroke.
    """
    inputs = _dosing(cleaning, gas)
    row, full, draught = cleaning.inputs, cleaning.full_rates, cleaning.draught
    line = cleaning.design.line
    leaving_k = column([p.reactor.full_out_k for p in line])
    carbon = column([p.sorption.carbon_kg_s / p.draught.clean_nm3_s for p in line])
    in_slurry = (1.0 - cleaning.lime_share) * inputs[row["reactor.slurry_valve"]] * full[SLURRY]
    inputs[row["id_fan.speed"]] = column([p.id_fan.full_speed for p in line])
    for _ in range(ROUNDS):
        cleaned = _long_step(cleaning, gas, furnace, inputs, around, signals)
        needed = cleaning.reactor.water_for(cleaned.reactor_gas, draught.temperature[INLET], leaving_k)
        inputs[row["reactor.dilution_valve"]] = np.maximum(needed - in_slurry, 0.0) / full[DILUTION]
        inputs[row["dosing.carbon_speed"]] = carbon * cleaned.stack.flow / full[CARBON]
        inputs[row["id_fan.speed"]] = draught.speed_for(gas.flow, economiser_pa)
    for name, place in row.items():
        if not (inputs[place] <= 1.0).all():
            raise PlantError(
                f"flue-gas cleaning cannot start on this gas: {name} would stand at {inputs[place].max():.0%}; "
                "choose a lower initial load or change its design point in the configuration (process:)"
            )
    settle(cleaning, gas, furnace, inputs, around, signals)
    # Their controllers have had the heaters of the hoppers on for half of the time; now they are off.
    hoppers = cleaning.filter
    hoppers.hopper_k[...] += 0.5 * hoppers.heater_k
    cleaning.step(gas, furnace, inputs, around, signals, 1e-9)
    return inputs


def _dosing(cleaning: FlueGasCleaning, gas: Gas) -> Floats:
    """Return final elements with all motors on, and reagents in the ratios of full load to what ``gas`` brings."""
    inputs = idle_inputs(cleaning, gas.flow.shape[1])
    row, full = cleaning.inputs, cleaning.full_rates
    for name in row:
        if name in ALWAYS_ON or name.startswith("filter.rotary"):
            inputs[row[name]] = 1.0
    line = cleaning.design.line
    lime = ordered_sum(LIME_PER_ACID * np.stack([gas.hcl, gas.so2, gas.hf]))
    slurry = column([p.sorption.slurry_ratio for p in line])
    dry = column([p.sorption.full_ratio for p in line]) - slurry
    ammonia = column([p.sncr.full_ratio for p in line]) * gas.nox * (NH3 / NOX) / cleaning.ammonia_share
    inputs[row["sncr.ammonia_valve"]] = ammonia / full[AMMONIA]
    inputs[row["sncr.carrier_valve"]] = column([p.dosing.full_carrier_kg_s for p in line]) / full[CARRIER]
    inputs[row["reactor.slurry_valve"]] = slurry * lime / cleaning.lime_share / full[SLURRY]
    inputs[row["dosing.lime_speed"]] = dry * lime / full[LIME]
    return inputs


def _long_step(
    cleaning: FlueGasCleaning, gas: Gas, furnace: FurnaceGas, inputs: Floats, around: Surroundings, signals: Floats
) -> Cleaned:
    """Take a long step and put back what must not grow with it."""
    f, cems = cleaning.filter, cleaning.cems
    kept = (f.cake, f.hopper_kg, f.salt, cems.due_s, cems.error)
    stock = [array.copy() for array in kept]
    cleaned = cleaning.step(gas, furnace, inputs, around, signals, LONG_S)
    for array, value in zip(kept, stock, strict=True):
        array[...] = value
    return cleaned
