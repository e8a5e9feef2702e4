"""Removal of HCl, SO2, HF by lime and of mercury by carbon: at once in the gas, and in the cake on the bags.

An exponent for each trace: ``left = exp(-exponent)``. In the gas it follows the stoichiometric ratio of what is fed, in
the cake what lies there unused; both fall in hotter and drier gas. The cake's exponent saturates with its inventory, so
a lost lime feed shows slowly, and falls for minutes after a pulse has opened the cloth. Rows are hcl, so2, hf, hg.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.reduce import ordered_sum
from plc_sim.process.design import column
from plc_sim.process.flue_gas_design import CARBON, LIME_LEFT, LIME_PER_ACID, FlueGasDesign

Floats = npt.NDArray[np.float64]

TINY = 1e-12
MOST_RATIO = 10.0  # stoichiometric ratio above which nothing changes any more


class Left(NamedTuple):
    """What the gas still has in front of the filter, and the factor of gas state for the exponents in the cake."""

    traces: Floats  # (4, lines, batch) kg/s
    factor: Floats  # (lines, batch)


@dataclass(frozen=True, slots=True)
class Sorption:
    """Constants of all lines."""

    direct: Floats  # (4, lines, 1)
    in_cake: Floats  # (4, 1, lines, 1)
    full_ratio: Floats
    carbon_kg_s: Floats
    best_k: Floats
    loss_per_k: Floats
    highest: Floats
    full_h2o: Floats
    humidity_gain: Floats
    half: Floats
    open_loss: Floats
    full_cake: Floats  # (2, 1, lines, 1) kg/m2 of lime and carbon

    @classmethod
    def build(cls, design: FlueGasDesign) -> "Sorption":
        """Collect the constants."""
        parameters = [p.sorption for p in design.line]

        def of(name: str) -> Floats:
            return column([getattr(p, name) for p in parameters])

        return cls(
            direct=design.direct,
            in_cake=design.in_cake[:, np.newaxis],
            full_ratio=of("full_ratio"),
            carbon_kg_s=of("carbon_kg_s"),
            best_k=of("best_k"),
            loss_per_k=of("loss_per_k"),
            highest=of("highest"),
            full_h2o=design.gas.h2o,
            humidity_gain=of("humidity_gain"),
            half=of("half_share"),
            open_loss=of("open_loss"),
            full_cake=design.cake_kg_m2[[LIME_LEFT, CARBON]][:, np.newaxis],
        )

    def in_gas(self, traces: Floats, *, lime: Floats, carbon: Floats, gas_k: Floats, h2o: Floats) -> Left:
        """Return what ``traces`` (4) leave behind; ``lime`` and ``carbon`` fed in kg/s."""
        factor = np.minimum(1.0 - self.loss_per_k * (gas_k - self.best_k), self.highest)
        factor = np.maximum(factor, 0.0) * (1.0 + self.humidity_gain * (h2o - self.full_h2o))
        needed = ordered_sum(LIME_PER_ACID * traces[:3])
        ratio = np.minimum(lime / np.maximum(needed, TINY), MOST_RATIO) / self.full_ratio
        dose = np.stack([ratio, ratio, ratio, carbon / self.carbon_kg_s])
        return Left(traces * np.exp(-dose * self.direct * factor), factor)

    def in_cake_exponents(self, cake: Floats, opened: Floats, factor: Floats) -> Floats:
        """Return (4, compartments, lines, batch) for ``cake`` (3, ...) kg/m2; ``opened`` 1 directly after a pulse."""
        stock = cake[[LIME_LEFT, CARBON]] / self.full_cake
        lime, carbon = stock / (stock + self.half) * (1.0 - self.open_loss * opened) * factor
        return np.stack([lime, lime, lime, carbon]) * self.in_cake
