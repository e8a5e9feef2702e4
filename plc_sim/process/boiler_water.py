"""The water of the boilers: drums with their circuits, drum wall temperatures, blowdown and what is dissolved.

Boiling pressure is the drum's pressure down to ambient; colder water lies under air of ambient pressure. Conductivity
stands for the salts in the water; feedwater brings them, blowdown and leaks take them, steam carries a trace of the
water over, more of it the higher the level. Arrays are (lines, batch).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.design import Design, column
from plc_sim.process.drum import STATES, Flows, Inside
from plc_sim.process.flow import lag_share

Floats = npt.NDArray[np.float64]

ENOUGH_WATER = 0.4  # of the riser and downcomer volume: with less the tubes are no longer cooled by boiling
CARRY_MOST = 0.5  # share of the water's conductivity that priming steam shows at most


@dataclass(frozen=True, slots=True)
class BoilerWater:
    """Drums of all lines."""

    drum: Floats  # (4, lines, batch) of ``STATES``
    metal: Floats  # K, drum wall
    salt: Floats  # S/m of the water
    design: Design
    metal_s: Floats
    blowdown_k: Floats  # kg/s = k * position * root(dp)
    static_pa: Floats  # height of the drum above the blowdown tank
    feedwater_s_m: Floats
    carry_over: Floats
    priming: Floats
    cooled_m3: Floats

    @classmethod
    def build(cls, state: State, design: Design, ambient_k: float) -> "BoilerWater":
        """Add the state: cold water at normal level."""
        d, lines = design, design.lines
        keys = [f"{line}/{name}" for name in STATES for line in lines]
        line = [p.drum for p in d.line]
        feedwater = column([p.feedwater_s_m for p in line])
        blowdown = column([p.blowdown_kg_s for p in line])
        static = column([p.feedwater.static_pa for p in d.line])
        new = cls(
            drum=state.add("drum", keys).reshape(len(STATES), len(lines), state.batch),
            metal=state.add("drum.metal", lines, fill=ambient_k),
            salt=state.add("drum.salt", lines, fill=feedwater * d.economiser_kg_s / blowdown),
            design=d,
            metal_s=column([p.metal_lag_s for p in line]),
            blowdown_k=blowdown
            / (column([p.blowdown_position for p in line]) * np.sqrt(d.drum_pa - d.barometric_pa + static)),
            static_pa=static,
            feedwater_s_m=feedwater,
            carry_over=column([p.carry_over for p in line]),
            priming=column([p.priming for p in line]),
            cooled_m3=ENOUGH_WATER * (d.drum.geometry.v_r + d.drum.geometry.v_dc),
        )
        none = np.zeros_like(blowdown)
        cold = d.drum.water.pressure(none + ambient_k)
        new.drum[...] = d.drum.steady(cold, Flows(none, none, none, none, none))
        return new

    def inside(self) -> Inside:
        """Return what follows from the state of the drums."""
        return self.design.drum.inside(self.drum)

    def pressure(self) -> Floats:
        """Return the pressure in the drums."""
        return np.maximum(self.drum[1], self.design.barometric_pa)

    def step(self, inside: Inside, flows: Flows, gained_s_m: Floats, dt: float) -> Inside:
        """Advance by ``dt`` and return the new inside.

        All water but the feedwater leaves with ``flows.blowdown``; ``gained_s_m`` is by how much the feedwater's
        conductivity is above the normal one.
        """
        d, drum = self.design, self.drum
        s = inside.saturation
        water_kg = s.rho_w * drum[0]
        brought = flows.feedwater * (self.feedwater_s_m + gained_s_m - self.salt)
        evaporated = (flows.feedwater - flows.blowdown) * self.salt
        self.salt[...] += (brought + evaporated) * (dt / water_kg)
        self.metal[...] += (s.t - self.metal) * lag_share(dt, self.metal_s)
        # Boiling needs water in the circuit; with plenty of it the factor is exactly 1.
        cooled = flows._replace(heat=flows.heat * np.minimum(drum[0] / self.cooled_m3, 1.0))
        return d.drum.step(drum, inside, cooled, dt)

    def blowdown(self, position: Floats, drum_pa: Floats) -> Floats:
        """Return the blowdown through its valve, kg/s; without pressure the water runs out by its height."""
        return self.blowdown_k * position * np.sqrt(drum_pa - self.design.barometric_pa + self.static_pa)

    def steam_salt(self, level: Floats) -> Floats:
        """Return the conductivity of the steam, S/m, at a level in m."""
        share = self.carry_over * np.exp(np.minimum(self.priming * np.maximum(level, 0.0), 20.0))
        return self.salt * np.minimum(share, CARRY_MOST)
