"""What released gas, air and gas burners bring into the furnace: an element balance, its heat, and the pollutants.

Heat is counted from 25 C and vapour: the lower heating value. Nitrogen oxides and carbon monoxide follow oxygen and
temperature of the furnace by empirical formulas; acid gases follow the released chlorine and sulphur. (lines, batch).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.air import Air
from plc_sim.process.ash import Fallen
from plc_sim.process.burners import METHANE_KG_NM3, Flames
from plc_sim.process.combustion_parameters import CombustionParameters, values
from plc_sim.process.furnace import CONTENT
from plc_sim.process.gas_heat import REFERENCE_K, VAPOUR_J_KG
from plc_sim.process.grate import ASH, CHAR, MOISTURE, VOLATILES, Released
from plc_sim.process.waste import EVAPORATION_J_KG, OXYGEN_AIR, Waste

Floats = npt.NDArray[np.float64]

REFERENCE_O2 = 0.11  # dry, of the figures of raw gas
CORRECTION_O2 = 0.209  # dry oxygen of air in the correction to the reference
NOTHING_NM3_S = 1e-9
METHANE_O2 = 2.0  # Nm3/Nm3
STILL = 0.3  # share of full flow below which the casing takes less from the gas


class AirFlows(NamedTuple):
    """Air that enters, Nm3/s dry, and its temperatures."""

    primary: Floats
    secondary: Floats
    false: Floats
    primary_k: Floats
    secondary_k: Floats


class Leak(NamedTuple):
    """Boiling water from a tube of the furnace walls."""

    kg_s: Floats
    j_kg: Floats


@dataclass(frozen=True, slots=True)
class Flame:
    """Coefficients of all lines, and what faults change."""

    waste: Waste
    air: Air
    chlorine: Floats  # disturbance: factor on the released chlorine
    sulphur: Floats
    mercury: Floats
    co_peak: Floats  # disturbance: added to the raw gas, kg/Nm3 dry at 11 % oxygen
    gas_j_nm3: Floats
    burner_nox: Floats
    lost_share: Floats
    casing_w_k: Floats
    ambient_k: Floats
    dust_share: Floats
    ash_j_kg: Floats
    full_o2: Floats
    full_k: Floats
    nox: Floats  # kg/Nm3 at full load, and its slopes
    nox_by_o2: Floats
    nox_by_k: Floats
    nox_least: Floats
    co_least: Floats
    co_most: Floats
    co_oxygen: Floats
    traces: Floats  # (3, lines, 1) HF, TOC, Hg kg/Nm3

    @classmethod
    def build(
        cls, state: State, lines: tuple[str, ...], parameters: list[CombustionParameters], waste: Waste, air: Air
    ) -> "Flame":
        """Add the disturbances."""
        f = [p.furnace for p in parameters]
        b = [p.burner for p in parameters]
        g = [p.grate for p in parameters]
        ambient = values(f, "ambient_k")
        return cls(
            waste=waste,
            air=air,
            chlorine=state.add("disturbance.chlorine", lines, fill=1.0),
            sulphur=state.add("disturbance.sulphur", lines, fill=1.0),
            mercury=state.add("disturbance.mercury", lines, fill=1.0),
            co_peak=state.add("disturbance.co_peak", lines),
            gas_j_nm3=values(b, "gas_j_nm3"),
            burner_nox=values(b, "nox_kg_nm3"),
            lost_share=values(f, "lost_share"),
            casing_w_k=values(f, "casing_w") / (values(f, "wall_k") - ambient),
            ambient_k=ambient,
            dust_share=values(g, "dust_share"),
            ash_j_kg=values(g, "ash_j_kg_k") * (values(g, "ash_k") - REFERENCE_K),
            full_o2=values(f, "full_o2"),
            full_k=values(f, "plane_k"),
            nox=values(f, "nox_kg_nm3"),
            nox_by_o2=values(f, "nox_by_o2"),
            nox_by_k=values(f, "nox_by_k"),
            nox_least=values(f, "nox_least_kg_nm3"),
            co_least=values(f, "co_least_kg_nm3"),
            co_most=values(f, "co_most_kg_nm3"),
            co_oxygen=values(f, "co_oxygen"),
            traces=np.stack([values(f, name) for name in ("hf_kg_nm3", "toc_kg_nm3", "hg_kg_nm3")]),
        )

    def power(self, out: Released) -> Floats:
        """Return the heat that the waste releases, lower heating value, W."""
        w = self.waste
        return out.volatiles * w.volatile_j_kg + out.char * w.char_j_kg - out.vapour * EVAPORATION_J_KG

    def enter(
        self, out: Released, flames: Flames, air: AirFlows, leak: Leak, losing: Floats, o2: Floats, plane_k: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Return the gas made, Nm3/s, what it brings (CONTENT, lines, batch) in W, Nm3/s, kg/s, and ``power(out)``.

        ``losing`` W leaves through the casing; ``o2`` and ``plane_k`` are those of the furnace.
        """
        w, humidity = self.waste, self.air.humidity
        all_air = air.primary + air.secondary + air.false
        char = out.char * w.char_nm3
        demand = out.volatiles * w.oxygen + char
        gas = flames.burnt
        entering = np.empty((len(CONTENT), *all_air.shape))
        power = self.power(out)
        entering[0] = (
            (power + gas * self.gas_j_nm3) * (1.0 - self.lost_share)
            + air.primary * self.air.enthalpy(air.primary_k)
            + (air.secondary + air.false) * self.air.enthalpy(air.secondary_k)
            + leak.kg_s * (leak.j_kg - VAPOUR_J_KG)
            - self.fallen(out).bottom * self.ash_j_kg
            - losing
        )
        entering[1] = OXYGEN_AIR * all_air - demand - METHANE_O2 * gas
        entering[2] = (
            out.volatiles * w.vapour + (out.vapour + leak.kg_s) * w.vapour_nm3 + humidity * all_air + 2.0 * gas
        )
        entering[3] = out.volatiles * w.carbon_dioxide + char + gas
        nitrogen = (1.0 - OXYGEN_AIR) * all_air + out.volatiles * w.other + flames.unburnt
        flow = entering[1] + entering[2] + entering[3] + nitrogen

        dry = flow - entering[2]
        reference = np.maximum(CORRECTION_O2 * dry - entering[1], 0.0) / (CORRECTION_O2 - REFERENCE_O2)
        of_waste = reference * demand / (demand + METHANE_O2 * gas + NOTHING_NM3_S)
        nox = self.nox + self.nox_by_o2 * (o2 - self.full_o2) + self.nox_by_k * (plane_k - self.full_k)
        entering[4] = of_waste * np.maximum(nox, self.nox_least) + (reference - of_waste) * self.burner_nox
        co = self.co_least + self.co_most * np.exp(np.maximum(o2, 0.0) / -self.co_oxygen)
        entering[5] = of_waste * (co + self.co_peak)
        entering[6] = out.volatiles * w.hcl * self.chlorine
        entering[7] = out.volatiles * w.so2 * self.sulphur
        entering[8] = of_waste * self.traces[0]
        entering[9] = of_waste * self.traces[1] + flames.unburnt * METHANE_KG_NM3
        entering[10] = out.fly_ash * self.dust_share
        entering[11] = of_waste * self.traces[2] * self.mercury
        entering[12] = 0.0
        return flow, entering, power

    def fallen(self, out: Released) -> Fallen:
        """Return the ash that falls: off the grate with what is unburnt in it, and in the passes."""
        ash = out.ash
        bottom = ash[MOISTURE] + ash[VOLATILES] + ash[CHAR] + ash[ASH]
        return Fallen(bottom, out.fly_ash * (1.0 - self.dust_share))

    def losing(self, wall_k: Floats, share: Floats) -> Floats:
        """Return the heat that the gas loses through the casing, W; ``share`` of full gas flow."""
        return self.casing_w_k * np.maximum(wall_k - self.ambient_k, 0.0) * np.minimum(share / STILL, 1.0)
