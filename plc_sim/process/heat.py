"""Heat to water and steam: what the fire gives while it is released, and what the bed still gives when it is not.

Without the release the gas and volatiles are gone within a minute; the burning bed goes on at a falling rate for most
of an hour, which is why feedwater is needed long after a boiler trip. Arrays are (lines, batch), shares of full heat.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.flow import lag_share
from plc_sim.process.parameters import HeatParameters

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Heat:
    """The fire of all lines; its state are the two parts of the heat, the firing they follow, and the disturbance."""

    fast: Floats
    bed: Floats
    disturbance: Floats  # factor on the heat
    firing: Floats  # share of full heat that the fire gives when released
    bed_share: Floats
    fast_s: Floats
    decay_s: Floats
    relight_s: Floats

    @classmethod
    def build(cls, state: State, lines: tuple[str, ...], parameters: list[HeatParameters], share: Floats) -> "Heat":
        """Add the state; start released and steady at ``share`` (lines, 1)."""
        bed_share = np.array([[p.bed_share] for p in parameters])
        return cls(
            fast=state.add("heat.fast", lines, fill=share * (1.0 - bed_share)),
            bed=state.add("heat.bed", lines, fill=share * bed_share),
            disturbance=state.add("heat.disturbance", lines, fill=1.0),
            firing=state.add("heat.firing", lines, fill=share),
            bed_share=bed_share,
            fast_s=np.array([[p.fast_s] for p in parameters]),
            decay_s=np.array([[p.decay_s] for p in parameters]),
            relight_s=np.array([[p.relight_s] for p in parameters]),
        )

    def step(self, release: Floats, factor: Floats, dt: float) -> Floats:
        """Return the heat (lines, batch); ``release`` 0 or 1, ``factor`` a disturbance of the fire (1: none)."""
        lit = release >= 0.5
        target = self.firing * lit
        quick = lag_share(dt, self.fast_s)
        self.fast[...] += (target * (1.0 - self.bed_share) - self.fast) * quick
        bed_tau = np.where(lit, self.relight_s, self.decay_s)
        self.bed[...] += (target * self.bed_share - self.bed) * lag_share(dt, bed_tau)
        self.disturbance[...] += (factor - self.disturbance) * quick
        return (self.fast + self.bed) * self.disturbance
