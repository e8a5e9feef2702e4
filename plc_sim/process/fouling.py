"""Deposits on the tubes of the convection pass: they grow with the gas that passes; soot blowers or rappers clean.

Each blower cleans its own section of a bank; a bank transfers heat as the mean of its sections. All is a share of the
heat transfer at full load: 1 is the ordinary state between two cleanings. Arrays are (sections or banks, lines, batch).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.convection_parameters import ConvectionParameters
from plc_sim.process.design import column
from plc_sim.process.flow import lag_share

Floats = npt.NDArray[np.float64]

BANKS = ("bundle", "sh3", "sh2", "sh1", "economiser")  # in the order of the gas


@dataclass(frozen=True, slots=True)
class Fouling:
    """Sections of all banks; blowers are numbered from 1 in the order of the gas."""

    section: Floats  # (sections, lines, batch)
    deposit: Floats  # (banks, lines, batch) a further factor that no blower removes; changed by faults
    first: npt.NDArray[np.intp]  # first section of each bank
    count: Floats  # (banks, 1, 1) sections of each bank
    number: Floats  # (sections, 1, 1) the blower of each section
    clean: Floats
    dirty: Floats
    fouling_s: Floats
    cleaning_s: Floats
    steam_kg_s: Floats  # of one blower

    @classmethod
    def build(cls, state: State, lines: tuple[str, ...], parameters: list[ConvectionParameters]) -> "Fouling":
        """Add the state: every section in its ordinary state. All lines have the blowers of the first one."""
        counts = [int(getattr(parameters[0], f"{bank}_blowers")) for bank in BANKS]
        total = sum(counts)
        keys = [f"{line}/{number + 1}" for number in range(total) for line in lines]
        banks = [f"{line}/{bank}" for bank in BANKS for line in lines]
        return cls(
            section=state.add("fouling.section", keys, fill=1.0).reshape(total, len(lines), -1),
            deposit=state.add("disturbance.deposit", banks, fill=1.0).reshape(len(BANKS), len(lines), -1),
            first=np.cumsum([0, *counts[:-1]]),
            count=np.array(counts, dtype=np.float64).reshape(-1, 1, 1),
            number=np.arange(1.0, total + 1.0).reshape(-1, 1, 1),
            clean=column([p.clean for p in parameters]),
            dirty=column([p.dirty for p in parameters]),
            fouling_s=column([p.fouling_s for p in parameters]),
            cleaning_s=column([p.cleaning_s for p in parameters]),
            steam_kg_s=column([p.blower_kg_s for p in parameters]),
        )

    def factor(self) -> Floats:
        """Return the heat transfer of each bank (banks, lines, batch)."""
        return np.add.reduceat(self.section, self.first, axis=0) / self.count * self.deposit

    def step(self, blower: Floats, gas_share: Floats, dt: float) -> Floats:
        """Advance by ``dt`` and return the steam to the blower at work; ``blower`` 0: none, (lines, batch)."""
        at_work = self.number == np.rint(blower)
        growth = lag_share(dt, self.fouling_s) * gas_share
        self.section[...] += (self.dirty - self.section) * growth
        self.section[...] += at_work * (self.clean - self.section) * lag_share(dt, self.cleaning_s)
        blown = (blower >= 0.5) & (blower < self.number[-1] + 0.5)
        return blown * self.steam_kg_s
