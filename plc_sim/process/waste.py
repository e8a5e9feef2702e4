"""What waste is made of, what it needs and gives when it burns, and how its moisture fixes its heating value.

The dry matter has one composition; moisture is free: ``LHV(w) = LHV_dry (1 - w) - 2.442 MJ/kg w``. Dry matter is cut
into volatiles, char (pure carbon) and ash; sulphur and chlorine that stay in the ash are ash. All (lines, 1).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.errors import PlantError
from plc_sim.process.combustion_parameters import WasteParameters, values
from plc_sim.process.gas import KMOL_NM3

Floats = npt.NDArray[np.float64]

EVAPORATION_J_KG = 2.442e6  # of water at 25 C, where heat is counted from
CARBON, HYDROGEN, OXYGEN, NITROGEN = 12.011, 1.008, 15.999, 14.007
SULPHUR, CHLORINE, WATER = 32.06, 35.45, 18.015
OXYGEN_AIR = 0.2095  # volume share in dry air
SUM_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Waste:
    """Yields of a line's waste; Nm3 and kg for each kg of volatiles unless said."""

    parameters: tuple[WasteParameters, ...]
    dry_lhv: Floats  # J/kg
    volatile_share: Floats  # of the dry matter
    char_share: Floats
    ash_share: Floats
    volatile_j_kg: Floats
    char_j_kg: Floats
    # Nm3
    oxygen: Floats  # demand
    carbon_dioxide: Floats
    vapour: Floats
    other: Floats  # nitrogen and acid gases
    char_nm3: float  # oxygen demand and carbon dioxide of a kg of char
    vapour_nm3: float  # of a kg of moisture
    # kg
    hcl: Floats
    so2: Floats
    carbon: Floats

    @classmethod
    def of(cls, parameters: list[WasteParameters]) -> "Waste":
        """Calculate the yields; PlantError when the composition does not add up."""
        areas = parameters
        parts = ("carbon", "hydrogen", "oxygen", "nitrogen", "sulphur", "chlorine", "ash")
        moisture = values(areas, "moisture")
        wet = {part: values(areas, part) for part in parts}
        total = moisture + sum(wet.values())
        if np.any(np.abs(total - 1.0) > SUM_TOLERANCE):
            raise PlantError(f"waste: its shares with moisture and ash must add up to 1, found {total[:, 0].tolist()}")
        dry = {part: share / (1.0 - moisture) for part, share in wet.items()}
        gone_s = dry["sulphur"] * values(areas, "sulphur_released")
        gone_cl = dry["chlorine"] * values(areas, "chlorine_released")
        ash = dry["ash"] + dry["sulphur"] - gone_s + dry["chlorine"] - gone_cl
        char = values(areas, "char")
        volatile = 1.0 - ash - char
        c, h, o, n, s, cl = (
            share / volatile
            for share in (dry["carbon"] - char, dry["hydrogen"], dry["oxygen"], dry["nitrogen"], gone_s, gone_cl)
        )
        vapour = 0.5 * (h / HYDROGEN - cl / CHLORINE)  # kmol
        oxygen = c / CARBON + s / SULPHUR + 0.5 * vapour - 0.5 * o / OXYGEN
        dry_lhv, char_j_kg = values(areas, "dry_lhv_j_kg"), values(areas, "char_j_kg")
        return cls(
            parameters=tuple(parameters),
            dry_lhv=dry_lhv,
            volatile_share=volatile,
            char_share=char,
            ash_share=ash,
            volatile_j_kg=(dry_lhv - char * char_j_kg) / volatile,
            char_j_kg=char_j_kg,
            oxygen=KMOL_NM3 * oxygen,
            carbon_dioxide=KMOL_NM3 * c / CARBON,
            vapour=KMOL_NM3 * vapour,
            other=KMOL_NM3 * (0.5 * n / NITROGEN + s / SULPHUR + cl / CHLORINE),
            char_nm3=KMOL_NM3 / CARBON,
            vapour_nm3=KMOL_NM3 / WATER,
            hcl=cl * (CHLORINE + HYDROGEN) / CHLORINE,
            so2=s * (SULPHUR + 2.0 * OXYGEN) / SULPHUR,
            carbon=c,
        )

    def lhv(self, moisture: Floats) -> Floats:
        """Return the lower heating value, J/kg."""
        return self.dry_lhv - (self.dry_lhv + EVAPORATION_J_KG) * moisture

    def moisture(self, lhv_j_kg: Floats) -> Floats:
        """Return the moisture that gives a heating value, the inverse of ``lhv``."""
        return (self.dry_lhv - lhv_j_kg) / (self.dry_lhv + EVAPORATION_J_KG)

    def split(self, flow: Floats, moisture: Floats) -> Floats:
        """Return moisture, volatiles, char and ash of a flow of waste, (4, lines, batch)."""
        water = flow * moisture
        dry = flow - water
        parts = np.empty((4, *dry.shape))
        parts[0] = water
        parts[1] = dry * self.volatile_share
        parts[2] = dry * self.char_share
        parts[3] = dry * self.ash_share
        return parts
