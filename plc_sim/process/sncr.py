"""SNCR: ammonia water from the mixing skid through the lances into the furnace; NOx removed, ammonia slip.

Removal, slip and oxidation follow from the gas temperature at the lances and the molar ratio of ammonia to NOx. What
meets no NOx slips, burns to NO (hot) or to N2. The carrier line holds liquid: a stop of the pump shows minutes later.
Arrays are (lines, batch).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.reduce import ordered_sum
from controller.core.state import State
from plc_sim.process.design import column
from plc_sim.process.flue_gas_design import NH3, NOX, WATER, FlueGasDesign

Floats = npt.NDArray[np.float64]

TINY = 1e-15
MOST_RATIO = 20.0  # NSR above which nothing changes any more


class FurnaceGas(NamedTuple):
    """Gas temperatures that lances see, K."""

    roof: Floats  # at the last air
    plane: Floats  # the 2 s plane
    first_pass: Floats  # behind it


class Injected(NamedTuple):
    """One step's results, kg/s."""

    nox: Floats  # left in the gas
    nh3: Floats  # slip
    water: Floats  # vapour into the furnace gas: injected, and made by the reaction
    liquid: Floats  # water injected: what the furnace has to evaporate


@dataclass(frozen=True, slots=True)
class Sncr:
    """The injection of all lines."""

    line_kg: Floats  # NH3 in the carrier line
    holdup_kg: Floats
    places: Floats  # (3 temperatures, 3 levels, lines, 1) weights
    best_k: Floats
    below_k: Floats
    above_k: Floats
    efficiency: Floats
    ratio_k: Floats
    slip_log2: Floats
    doubling_k: Floats
    oxidation: Floats
    oxidation_k: Floats
    oxidation_width_k: Floats

    @classmethod
    def build(cls, state: State, design: FlueGasDesign) -> "Sncr":
        """Add the state: no ammonia in the line."""
        parameters = [p.sncr for p in design.line]

        def of(name: str) -> Floats:
            return column([getattr(p, name) for p in parameters])

        level = np.stack([of(f"level_{number}") for number in (1, 2, 3)])
        places = np.stack([np.maximum(1.0 - level, 0.0), 1.0 - np.abs(level - 1.0), np.maximum(level - 1.0, 0.0)])
        return cls(
            line_kg=state.add("sncr.line_ammonia", design.lines),
            holdup_kg=of("line_kg"),
            places=places,
            best_k=of("best_k"),
            below_k=of("below_k"),
            above_k=of("above_k"),
            efficiency=of("efficiency"),
            ratio_k=of("ratio_k"),
            slip_log2=column([math.log2(p.slip_share) for p in parameters]),
            doubling_k=of("slip_doubling_k"),
            oxidation=of("oxidation_share"),
            oxidation_k=of("oxidation_k"),
            oxidation_width_k=of("oxidation_width_k"),
        )

    def step(
        self, *, nox: Floats, furnace: FurnaceGas, lances: Floats, ammonia: Floats, liquid: Floats, dt: float
    ) -> Injected:
        """Advance by ``dt``; ``lances`` (3) 0..1, ``ammonia`` NH3 and ``liquid`` all that enters the line, kg/s."""
        share = liquid * (dt / self.holdup_kg)
        filled = self.line_kg + dt * ammonia
        self.line_kg[...] = filled / (1.0 + share)
        injected = self._injected(liquid)

        level = self.places[0] * furnace.roof + self.places[1] * furnace.plane + self.places[2] * furnace.first_pass
        open_ = np.maximum(lances, TINY)
        over = ordered_sum(level * open_) / ordered_sum(open_) - self.best_k
        width = np.where(over < 0.0, self.below_k, self.above_k)
        z = over / width
        window = self.efficiency * np.exp(-z * z)
        fed, found = injected / NH3, nox / NOX
        ratio = np.minimum(fed / np.maximum(found, TINY), MOST_RATIO)
        reduced = found * window * -np.expm1(-self.ratio_k * ratio)
        rest = fed - reduced
        slip = rest * np.exp2(np.minimum(self.slip_log2 - over / self.doubling_k, 0.0))
        hot = np.minimum((self.oxidation_k - self.best_k - over) / self.oxidation_width_k, 50.0)
        oxidised = (rest - slip) * (self.oxidation / (1.0 + np.exp(hot)))
        water = self.water(liquid)
        return Injected(
            nox=(found - reduced + oxidised) * NOX,
            nh3=slip * NH3,
            water=water + (fed - slip) * (1.5 * WATER),
            liquid=water,
        )

    def water(self, liquid: Floats) -> Floats:
        """Return the water in what the lances inject, kg/s: the furnace has to evaporate it."""
        return liquid - self._injected(liquid)

    def _injected(self, liquid: Floats) -> Floats:
        """Return the ammonia that leaves the carrier line, kg/s NH3."""
        return self.line_kg * (liquid / self.holdup_kg)
