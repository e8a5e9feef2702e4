"""Gas burners: gas flow, flame, heat. The flame safety itself is in the burner PLC. Arrays (BURNERS, lines, batch).

Gas is taken as methane with the heating value of the parameters. A burner lights with its ignitor, at the flame of its
own, or in a hot furnace; gas without a flame leaves unburnt.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.combustion_parameters import BURNERS, BurnerParameters, values
from plc_sim.process.flow import lag_share

Floats = npt.NDArray[np.float64]

METHANE_KG_NM3 = 16.043 / 22.414
LEAST_LOAD = 0.02  # of full gas flow that a flame needs


class Orders(NamedTuple):
    """What the burner PLC does to each burner, (BURNERS, lines, batch)."""

    valve: Floats  # 1: both block valves open
    load: Floats  # 0..1
    ignitor: Floats
    air: Floats


class Flames(NamedTuple):
    """One step's results, (lines, batch)."""

    burnt: Floats  # Nm3/s gas
    unburnt: Floats


@dataclass(frozen=True, slots=True)
class Burners:
    """All burners."""

    gas: Floats  # Nm3/s
    flame: Floats  # 0 or 1
    out: Floats  # disturbance: 1 the flame cannot stand
    full_nm3_s: Floats
    turndown: Floats
    hot_k: Floats
    gas_s: Floats
    gas_j_nm3: Floats
    nox_kg_nm3: Floats

    @classmethod
    def build(cls, state: State, lines: tuple[str, ...], burner: list[BurnerParameters]) -> "Burners":
        """Add the state: all out."""
        keys = [f"{line}/{number + 1}" for number in range(BURNERS) for line in lines]
        shape = (BURNERS, len(lines), -1)
        gas_j_nm3 = values(burner, "gas_j_nm3")
        return cls(
            gas=state.add("burner.gas", keys).reshape(shape),
            flame=state.add("burner.flame", keys).reshape(shape),
            out=state.add("disturbance.burner_out", keys).reshape(shape),
            full_nm3_s=values(burner, "power_w") / gas_j_nm3,
            turndown=values(burner, "turndown"),
            hot_k=values(burner, "auto_ignition_k"),
            gas_s=values(burner, "gas_s"),
            gas_j_nm3=gas_j_nm3,
            nox_kg_nm3=values(burner, "nox_kg_nm3"),
        )

    def step(self, orders: Orders, supply: Floats, furnace_k: Floats, oxygen: Floats, dt: float) -> Flames:
        """Advance by ``dt``; ``supply`` is the gas pressure, share of normal.

        ``oxygen`` is the volume share in the furnace: without any nothing burns.
        """
        wanted = self.full_nm3_s * np.maximum(orders.load, self.turndown) * np.sqrt(np.maximum(supply, 0.0))
        is_open = orders.valve >= 0.5
        gas = self.gas
        gas += (wanted - gas) * lag_share(dt, self.gas_s)
        gas *= is_open
        is_lit = (self.flame > 0.0) | (orders.ignitor >= 0.5) | (furnace_k >= self.hot_k)
        burns = is_lit & (gas > LEAST_LOAD * self.full_nm3_s) & (self.out < 0.5) & (oxygen > 0.0)
        self.flame[...] = burns
        lit = gas * burns
        burnt = lit[0] + lit[1] + lit[2] + lit[3]
        return Flames(burnt, gas[0] + gas[1] + gas[2] + gas[3] - burnt)
