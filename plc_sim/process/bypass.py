"""Steam bypass: two valves with desuperheaters into the bypass condenser. Arrays are (2, batch): valve a, b."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.cycle import Cycle
from plc_sim.process.expansion_tables import Expansion, expansion
from plc_sim.process.first_order import lag

Floats = npt.NDArray[np.float64]

NOTHING_KG_S = 0.01


@dataclass(frozen=True, slots=True)
class Bypass:
    """Valves and the steam behind the desuperheaters."""

    position: Floats
    temperature: Floats
    stuck: Floats  # disturbance: 1 does not move
    cycle: Cycle
    steam: Expansion
    log_outlet: float
    valve_k: float  # kg/s = k * position * header pressure

    @classmethod
    def build(cls, state: State, cycle: Cycle, temperature_k: float) -> "Bypass":
        """Add the state: shut, pipes at ``temperature_k``."""
        names = ("bypass_a", "bypass_b")
        p = cycle.parameters.bypass
        return cls(
            position=state.add("island.bypass", names),
            temperature=state.add("island.bypass_temperature", names, fill=temperature_k),
            stuck=state.add("disturbance.bypass_stuck", names),
            cycle=cycle,
            steam=expansion(),
            log_outlet=float(np.log(p.outlet_pa)),
            valve_k=p.capacity_kg_s / cycle.header_pa,
        )

    def move(self, demand: Floats, dt: float) -> Floats:
        """Travel towards ``demand`` and return the conductance, kg/(s Pa): fast while it is far away."""
        p = self.cycle.parameters.bypass
        away = demand - self.position
        travel = np.where(np.abs(away) > p.fast_from, dt / p.fast_s, dt / p.slow_s)
        self.position[...] += np.minimum(np.maximum(away, -travel), travel) * (1.0 - self.stuck)
        return self.valve_k * self.position

    def mix(self, flow: Floats, watts: Floats, spray: Floats, spray_j_kg: Floats, rest_k: Floats, dt: float) -> None:
        """Advance the outlet temperatures; ``watts`` is the steam's enthalpy flow. At rest they fall to ``rest_k``."""
        h = (watts + spray * spray_j_kg) / np.maximum(flow + spray, NOTHING_KG_S)
        mixed_k = self.steam.state.at(np.full_like(h, self.log_outlet), h)[2]
        target = np.where(flow > NOTHING_KG_S, mixed_k, rest_k)
        share = lag(dt, self.cycle.parameters.bypass.temperature_s)
        self.temperature[...] += (target - self.temperature) * share
