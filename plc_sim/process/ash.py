"""Where ash goes: bottom ash through the wet extractor, whose water seals the furnace, boiler ash on its conveyor.

Bottom ash falls into the water, boils a part of it away, and leaves wet; a valve makes up for both. Ash that no machine
carries away stays where it fell. Arrays are (lines, batch); both kinds of ash (2, lines, batch).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.combustion_parameters import AshParameters, values

Floats = npt.NDArray[np.float64]

WATER_KG_M3 = 1000.0


class Fallen(NamedTuple):
    """Dry ash that falls, kg/s."""

    bottom: Floats
    boiler: Floats


class Carried(NamedTuple):
    """One step's results."""

    is_running: Floats  # extractor, 0 or 1
    bottom: Floats  # kg/s wet, to the bunker
    boiler: Floats  # kg/s


@dataclass(frozen=True, slots=True)
class Ash:
    """Ash handling of all lines."""

    kg: Floats  # (2, lines, batch) dry ash in the extractor and in front of the conveyor
    level: Floats  # m, of the extractor's water; ash displaces next to none
    jammed: Floats  # disturbance: 1 the extractor stands whatever its drive does
    leak: Floats  # disturbance: water lost, kg/s
    hold_s: Floats  # (2, lines, 1) that ash lies in a running extractor, on a running conveyor
    area_m2: Floats
    make_up_kg_s: Floats  # valve open
    wet: Floats  # kg water that leave with a kg of dry ash
    boiled: Floats  # kg water that a kg of ash boils away
    seal_m: Floats
    overflow_m: Floats
    normal_m: Floats

    @classmethod
    def build(cls, state: State, lines: tuple[str, ...], ash: list[AshParameters], fallen: Fallen) -> "Ash":
        """Add the state, steady with ``fallen`` and the water at its normal level."""
        hold_s = np.stack([values(ash, "extractor_s"), values(ash, "conveyor_s")])
        keys = [f"{line}/{kind}" for kind in Fallen._fields for line in lines]
        normal, moisture = values(ash, "normal_m"), values(ash, "wet_moisture")
        return cls(
            kg=state.add("ash.kg", keys, fill=(hold_s * np.stack(fallen)).reshape(-1, 1)).reshape(2, len(lines), -1),
            level=state.add("ash.level", lines, fill=normal),
            jammed=state.add("disturbance.ash_extractor_jammed", lines),
            leak=state.add("disturbance.ash_water_leak", lines),
            hold_s=hold_s,
            area_m2=values(ash, "water_m2"),
            make_up_kg_s=values(ash, "make_up_kg_s"),
            wet=moisture / (1.0 - moisture),
            boiled=values(ash, "boiled_kg_kg"),
            seal_m=values(ash, "seal_m"),
            overflow_m=values(ash, "overflow_m"),
            normal_m=normal,
        )

    def step(self, fallen: Fallen, drives: Floats, valve: Floats, dt: float) -> Carried:
        """Advance by ``dt``; ``drives`` (2, lines, batch) of extractor and conveyor 0 or 1, ``valve`` 0..1."""
        running = drives * np.stack([1.0 - self.jammed, np.ones_like(self.jammed)])
        share = running * (dt / self.hold_s)
        lying = (self.kg + dt * np.stack(fallen)) / (1.0 + share)
        self.kg[...] = lying
        bottom, boiler = lying * share / dt
        lost = self.wet * bottom + self.boiled * fallen.bottom + self.leak
        change = (self.make_up_kg_s * valve - lost) * (dt / (WATER_KG_M3 * self.area_m2))
        self.level[...] = np.minimum(np.maximum(self.level + change, 0.0), self.overflow_m)
        return Carried(running[0], bottom * (1.0 + self.wet), boiler)

    def unsealed(self) -> Floats:
        """Return how much of the seal against air is gone, 0..1."""
        return np.maximum(1.0 - self.level / self.seal_m, 0.0)

    def make_up(self, fallen: Fallen) -> Floats:
        """Return the position of the valve that holds the level."""
        return (self.wet + self.boiled) * fallen.bottom / self.make_up_kg_s
