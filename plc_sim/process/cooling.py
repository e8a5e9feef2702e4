"""Cooling water: pumps, tower and basin. Arrays are (1, batch).

The tower's air takes heat in proportion to its flow and to the enthalpy of saturated air at the returning water's
temperature over that at the wet bulb; the fans set the air flow. Evaporated water is made up and not counted.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.reduce import ordered_sum
from controller.core.state import State
from plc_sim.process.cycle import WATER_J_KG_K, Balance, Cycle
from plc_sim.process.expansion_tables import boiling_table
from plc_sim.process.water import LineTable

Floats = npt.NDArray[np.float64]

LOWEST_K = 250.0


@dataclass(frozen=True, slots=True)
class Cooling:
    """Basin and tower."""

    basin: Floats  # K: cold water
    returning: Floats  # K
    flow: Floats  # kg/s
    wet_bulb: Floats  # disturbance: the weather, K
    cycle: Cycle
    air_j_kg: LineTable  # enthalpy of saturated air by temperature
    air_kg_s: float  # effective air flow with all fans at full speed

    @classmethod
    def build(cls, state: State, cycle: Cycle, start: Balance | None) -> "Cooling":
        """Add the state; the tower is sized by the full duty of the cycle."""
        p = cycle.parameters.cooling
        table = saturated_air(p.barometric_pa)
        warm = p.full_k + cycle.condenser_w / (cycle.cooling_kg_s * WATER_J_KG_K)
        span = table.at(np.array([warm, p.wet_bulb_k]))
        running = start is not None
        rise = start.duty_w / (cycle.cooling_kg_s * WATER_J_KG_K) if start is not None else 0.0
        cold = p.full_k if running else p.ambient_k
        return cls(
            basin=state.add("island.basin", ("water",), fill=cold),
            returning=state.add("island.cooling_return", ("water",), fill=cold + rise),
            flow=state.add("island.cooling_flow", ("water",), fill=cycle.cooling_kg_s * running),
            wet_bulb=state.add("disturbance.wet_bulb", ("air",), fill=p.wet_bulb_k if running else p.ambient_k - 3.0),
            cycle=cycle,
            air_j_kg=table,
            air_kg_s=cycle.condenser_w
            / (float(span[0] - span[1]) * (p.natural_draught + (1.0 - p.natural_draught) * p.fan_speed)),
        )

    def fan_speed(self, duty_w: float) -> float:
        """Return the fan speed that holds the design temperature at ``duty_w`` and the design wet bulb."""
        p = self.cycle.parameters.cooling
        warm = p.full_k + duty_w / (self.cycle.cooling_kg_s * WATER_J_KG_K)
        span = self.air_j_kg.at(np.array([warm, p.wet_bulb_k]))
        share = duty_w / (self.air_kg_s * float(span[0] - span[1]))
        return min(max((share - p.natural_draught) / (1.0 - p.natural_draught), 0.0), 1.0)

    def step(self, fans: Floats, pumps: Floats, bypass: Floats, duty_w: Floats, dt: float) -> Floats:
        """Advance; ``fans`` and ``pumps`` are speeds (n, batch), ``duty_w`` all heat (1, batch). Returns tower W."""
        p = self.cycle.parameters.cooling
        self.flow[0] = ordered_sum(pumps) * p.pump_kg_s
        capacity = self.flow * WATER_J_KG_K
        self.returning[...] = self.basin + duty_w / np.maximum(capacity, 1e3)
        speed = ordered_sum(fans)[np.newaxis] / fans.shape[0]
        air = self.air_kg_s * (p.natural_draught + (1.0 - p.natural_draught) * speed)
        wetted = np.sqrt(np.minimum(self.flow / self.cycle.cooling_kg_s, 1.0)) * (1.0 - bypass)
        enthalpy = self.air_j_kg.at(np.concatenate([self.returning, self.wet_bulb]))
        removed = air * wetted * (enthalpy[0:1] - enthalpy[1:2])
        self.basin[...] += (duty_w - removed) * (dt / (p.basin_kg * WATER_J_KG_K))
        return removed


def saturated_air(barometric_pa: float) -> LineTable:
    """Return the enthalpy of saturated air over its temperature; above boiling it is cut off."""
    t = np.linspace(LOWEST_K, 365.0, 231)
    table = boiling_table()
    vapour = np.where(t > 275.0, table.pressure(t), 611.0 * np.exp(0.073 * (t - 273.15)))
    humidity = 0.622 * vapour / np.maximum(barometric_pa - vapour, 0.1 * barometric_pa)
    celsius = t - 273.15
    return LineTable(t, 1006.0 * celsius + humidity * (2.501e6 + 1860.0 * celsius))
