"""Fit the bed to its design point by letting it run in long steps. Nothing here runs in the plant's step.

Fitted at full load: the burning rate of char on the burn-out of the carbon, the fly ash on its share, the fire's end
and the hottest bar on their positions. The other constants of the grate are parameters.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from controller.core.errors import PlantError
from controller.core.reduce import ordered_sum
from controller.core.state import State
from plc_sim.process.combustion_parameters import GROUPS, GrateParameters, values, zone_values
from plc_sim.process.grate import ASH, CHAR, GROUP_OF_ZONE, VOLATILES, Around, Bed, Released
from plc_sim.process.waste import Waste

Floats = npt.NDArray[np.float64]

LONG_S = 60.0
ROUNDS = 3000
SLOWEST = 0.05  # grate speed for the first guess
ENDLESS = 1e9  # Nm3/s of oxygen
GAIN = 0.02
CLOSE = 1e-7
GUESS = 0.3  # share of what would lie there if nothing left but ash
FASTEST = 5.0  # the fit takes a greater relative error for this one


def full_load(bed: Bed) -> Around:
    """Return what acts on the bed at full load."""
    areas = bed.parameters
    none = np.zeros_like(bed.feed_kg_s)
    moisture = values(bed.waste.parameters, "moisture")
    return Around(
        feed=bed.waste.split(bed.feed_kg_s, moisture),
        speed=zone_values(areas, "speed_{}", GROUPS),
        air=bed.normal_air,
        air_k=bed.full_air_k,
        radiation=none + 1.0,
        oxygen=none + ENDLESS,
    )


def fitted(
    state: State, lines: tuple[str, ...], grate: list[GrateParameters], waste: Waste, air: Floats, air_k: Floats
) -> tuple[Bed, Released]:
    """Add the state of the bed, settled at full load, with fitted coefficients; return what it releases there too.

    ``air`` (zones, lines, 1) and ``air_k`` (lines, 1) at full load. PlantError when the fit is impossible.
    """
    alone, out = _fit(Bed.build(State(batch=1), lines, grate, waste, air, air_k))
    bed = Bed.build(state, lines, grate, waste, air, air_k)
    for name in ("kg", "fire", "blown", "fed", "burning", "bar"):
        getattr(bed, name)[...] = getattr(alone, name)
    coefficients = {name: getattr(alone, name) for name in ("char_1_s", "ash_share", "fire_end", "bar_k_w")}
    return replace(bed, **coefficients), out


def _fit(bed: Bed) -> tuple[Bed, Released]:
    around = full_load(bed)
    burnout = values(bed.waste.parameters, "burnout")
    areas = bed.parameters
    fly = values(areas, "fly_ash_share")
    light(bed, around)
    carbon = around.feed[VOLATILES] * bed.waste.carbon + around.feed[CHAR]
    unburnt = np.ones_like(burnout)
    for _ in range(ROUNDS):
        out = bed.step(around, LONG_S)
        unburnt = (out.ash[VOLATILES] * bed.waste.carbon + out.ash[CHAR]) / carbon / (1.0 - burnout)
        flown = out.fly_ash / around.feed[ASH] / fly
        bed.char_1_s[...] *= np.minimum(np.maximum(unburnt, 1.0 / FASTEST), FASTEST) ** GAIN
        bed.ash_share[...] *= np.minimum(np.maximum(flown, 1.0 / FASTEST), FASTEST) ** -GAIN
        if np.max(np.abs(unburnt - 1.0)) < CLOSE and np.max(np.abs(flown - 1.0)) < CLOSE:
            rise = values(areas, "bar_rise_k") / np.max(bed.burning, axis=0)
            bed.bar[...] = around.air_k + rise * bed.burning
            mean = bed.fire_position() / bed.fire_end
            return replace(bed, fire_end=values(areas, "fire_end") / mean, bar_k_w=rise), out
    left = 100.0 * float(np.max(unburnt * (1.0 - burnout)))
    raise PlantError(
        f"grate: at full load {left:.2f} % of the carbon stays unburnt whatever the burning rate of char; "
        "shorten release_s or drying_s, or lower burnout (process: grate, waste)"
    )


def light(bed: Bed, around: Around) -> None:
    """Put on the bed what it holds about, burning, with normal air."""
    bed.fire[...] = 1.0
    bed.blown[...] = np.minimum(around.air / bed.normal_air, 2.0)
    total = ordered_sum(around.feed)
    bed.fed[...] = total
    bed.bar[...] = around.air_k
    speed = np.maximum(around.speed[GROUP_OF_ZONE], SLOWEST)
    bed.kg[...] = around.feed[:, np.newaxis] / (bed.out_1_s * speed)
    bed.kg[:ASH] *= GUESS
