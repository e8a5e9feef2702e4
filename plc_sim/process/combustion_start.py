"""Find the steady state of combustion at a firing: by letting it run in long steps while the final elements follow.

The steady state does not depend on the step. Fans follow the wanted oxygen with the design's ratio of primary to
secondary air, the heater's valves the wanted air temperature in split range; feeder and grate follow the throughput.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.errors import PlantError
from plc_sim.process.ash import Fallen
from plc_sim.process.combustion import NOISE, Boundary, Combustion, Fired
from plc_sim.process.combustion_signals import INPUT, SIGNAL
from plc_sim.process.furnace import Draught

Floats = npt.NDArray[np.float64]

LONG_S = 5.0
ROUNDS = 6000
STILL_K = 2e-4  # change of the gas temperatures in a round
STILL_O2 = 1e-6
OXYGEN_GAIN = 0.1  # relative change of the air for the relative error of the oxygen taken, each round
FAN_GAIN = 0.3
HEATER_GAIN = 2e-4  # of the valves for each K
AIR_O2 = 0.2069  # wet volume share in ambient air
FEWEST = 200
LEAST_NM3_S = 1e-3  # air flow, so that a fan that stands can start


class Firing(NamedTuple):
    """What is fired, (lines, 1)."""

    throughput: Floats  # share of full load
    lhv_j_kg: Floats
    oxygen: Floats  # wet volume share behind the third pass
    primary_k: Floats
    burner_load: Floats  # (burners, lines, 1); 0: off


def steady(combustion: Combustion, firing: Firing, boundary: Boundary) -> tuple[Floats, Fired]:
    """Bring the state to where it stands still; return the inputs that keep it there, and its results.

    The furnace pressure is held at its normal value, levels and the walls' cleanliness where they are. PlantError when
    it does not come to rest, with what still moves.
    """
    c, inputs = combustion, _inputs(combustion, firing)
    noise = np.zeros((len(NOISE), *c.furnace.flow.shape))
    moisture = c.chute.waste.moisture(firing.lhv_j_kg)
    c.chute.moisture[...] = moisture
    c.chute.mean_moisture[...] = moisture
    share = c.air.full_nm3_s / (c.air.full_nm3_s + c.secondary_nm3_s)
    total = (c.air.full_nm3_s + c.secondary_nm3_s) * firing.throughput
    heater = np.full_like(c.furnace.flow, 0.6)
    fans = inputs[INPUT["fan.demand"]]
    held = [(array, array.copy()) for array in (c.chute.mass, c.air.drain, c.ash.level, c.furnace.cleanliness)]
    moved = error = np.inf
    for number in range(ROUNDS):
        before = c.furnace.gas_k.copy()
        c.furnace.pressure[...] = -c.furnace.draught_pa
        inward = Draught(-c.furnace.draught_pa - c.furnace.resistance * c.furnace.flow**2, 0.0 * c.furnace.flow)
        fired = c.step(inputs, boundary._replace(draught=inward), noise, LONG_S)
        for array, value in held:
            array[...] = value
        total = total * (1.0 - OXYGEN_GAIN * (fired.gas.o2 - firing.oxygen) / (AIR_O2 - firing.oxygen))
        wanted = np.stack([share * total, (1.0 - share) * total])
        fans *= 1.0 + FAN_GAIN * (wanted / np.maximum(c.signals[SIGNAL["air.flow"]], LEAST_NM3_S) - 1.0)
        np.minimum(fans, 1.0, out=fans)
        heater = np.minimum(np.maximum(heater + HEATER_GAIN * (firing.primary_k - c.air.temperature[0]), 0.0), 1.0)
        inputs[INPUT["heater.extraction_valve"]] = np.minimum(2.0 * heater, 1.0)
        inputs[INPUT["heater.drum_valve"]] = np.maximum(2.0 * heater - 1.0, 0.0)
        moved = float(np.max(np.abs(c.furnace.gas_k - before)))
        error = float(np.max(np.abs(fired.gas.o2 - firing.oxygen)))
        if number > FEWEST and moved < STILL_K and error < STILL_O2:
            inputs[INPUT["heater.drain_valve"]] = (fired.extraction_kg_s + fired.drum_kg_s) / c.air.drain_kg_s
            inputs[INPUT["ash.water_valve"]] = c.ash.make_up(Fallen(fired.ash_kg_s, fired.boiler_ash_kg_s))
            return inputs, fired
    raise PlantError(
        f"combustion does not come to rest at this firing: gas temperatures still move by {moved:.2g} K, oxygen is "
        f"off by {100.0 * error:.2g} points; choose another initial load"
    )


def _inputs(combustion: Combustion, firing: Firing) -> Floats:
    """Return the inputs of full load (inputs, lines, batch), with feeder, grate and burners as the firing has them."""
    inputs = np.repeat(combustion.full_load, combustion.furnace.flow.shape[1], axis=2)
    for name in ("feeder.speed", "grate.speed"):
        inputs[INPUT[name]] *= firing.throughput
    inputs[INPUT["burner.load"]] = firing.burner_load
    for name in ("burner.valve", "burner.ignitor"):
        inputs[INPUT[name]] = firing.burner_load > 0.0
    return inputs
