"""Main and bypass condenser: saturated shells with air, cooled in series by one stream of water. Arrays are (2, batch).

``T = T_in + duty (1 / (m cp) + r sqrt(m0 / m))``: the approach grows with the duty over the root of the flow. All that
comes in is condensed and leaves to the hotwell; shell, tubes and film keep the heat of a slow change.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.cycle import AIR_J_KG_K, WATER_J_KG_K, Balance, Cycle, air_pa
from plc_sim.process.expansion_tables import BoilingTable, boiling_table

Floats = npt.NDArray[np.float64]

SLACK_GLAND = 20.0  # times the leak that unsealed glands let in
SEALED_PA = 3000.0  # gland steam above ambient that seals


class Condensed(NamedTuple):
    """One step's results, (2, batch)."""

    flow: Floats  # kg/s to the hotwells
    j_kg: Floats
    duty: Floats  # W to the cooling water
    relieved: Floats  # kg/s blown off
    relieved_j_kg: Floats


@dataclass(frozen=True, slots=True)
class Condensers:
    """Rows: main, bypass."""

    temperature: Floats
    air: Floats  # kg
    pressure: Floats
    water: Floats  # J/kg of the condensate at the temperature of now
    vapour: Floats  # J/kg of saturated steam
    duty: Floats
    fouling: Floats  # disturbance: factor on the approach
    air_leak: Floats  # disturbance: more air, kg/s
    cycle: Cycle
    table: BoilingTable
    metal: Floats
    r: Floats
    volume: Floats
    leak: Floats
    air_pa: Floats

    @classmethod
    def build(cls, state: State, cycle: Cycle, start: Balance | None) -> "Condensers":
        """Add the state, steady as ``start`` says, or (None) cold and full of air."""
        c, cooling = cycle.parameters.condensers, cycle.parameters.cooling
        names = ("main", "bypass")
        volume = np.array([[c.volume_m3], [c.bypass_volume_m3]])
        table = boiling_table()
        normal_air = air_pa(cycle.parameters, cycle.condensing_k)
        if start is None:
            temperature = np.full((2, 1), cooling.ambient_k)
            inside = np.maximum(cooling.barometric_pa - table.pressure(temperature), 0.0)
            duty = 0.0
        else:
            warm = cooling.full_k + start.duty_w / (cycle.cooling_kg_s * WATER_J_KG_K)
            temperature = np.array([[start.condensing_k], [warm]])
            evacuation = np.array([[c.evacuation_m3_s], [c.bypass_evacuation_m3_s]])
            inside = np.array([[c.leak_kg_s], [c.bypass_leak_kg_s]]) * AIR_J_KG_K * temperature / evacuation
            duty = np.array([[start.duty_w], [0.0]])
        return cls(
            temperature=state.add("island.condenser.temperature", names, fill=temperature),
            air=state.add("island.condenser.air", names, fill=inside * volume / (AIR_J_KG_K * temperature)),
            pressure=state.add("island.condenser.pressure", names, fill=table.pressure(temperature) + inside),
            water=state.add("island.condenser.water", names, fill=table.at_temperature(temperature).h_w),
            vapour=state.add("island.condenser.vapour", names, fill=table.at_temperature(temperature).h_s),
            duty=state.add("island.condenser.duty", names, fill=duty),
            fouling=state.add("disturbance.condenser_fouling", names, fill=1.0),
            air_leak=state.add("disturbance.condenser_air_leak", names),
            cycle=cycle,
            table=table,
            metal=np.array([[c.metal_j_k], [c.bypass_metal_j_k]]),
            r=np.array([[cycle.condenser_r / (1.0 + normal_air / c.air_pa)], [cycle.bypass_r]]),
            volume=volume,
            leak=np.array([[c.leak_kg_s], [c.bypass_leak_kg_s]]),
            air_pa=np.array([[c.air_pa], [1e12]]),  # the bypass condenser's approach is that with its air
        )

    def step(
        self,
        flow: Floats,
        watts: Floats,
        *,
        cooling_kg_s: Floats,
        cooling_k: Floats,
        vacuum: Floats,
        breaker: Floats,
        gland_pa: Floats,
        dt: float,
    ) -> Condensed:
        """Advance; ``flow`` kg/s and its ``watts`` of enthalpy come in, ``vacuum`` (1, batch) sums the pump speeds."""
        c = self.cycle.parameters.condensers
        t = self.temperature
        relieved = np.minimum(np.maximum(self.pressure - c.relief_pa, 0.0) * c.relief_kg_s_pa, flow)
        flow = flow - relieved
        relieved_j_kg = self.vapour.copy()
        watts = watts - relieved * relieved_j_kg
        inside = self.air * AIR_J_KG_K * t / self.volume
        resistance = self.r * self.fouling * (1.0 + inside / self.air_pa)
        capacity = cooling_kg_s * WATER_J_KG_K
        spread = np.sqrt(cooling_kg_s * (self.cycle.cooling_kg_s * WATER_J_KG_K**2))
        conductance = capacity / (1.0 + spread * resistance)
        before = self.duty[0:1] / np.maximum(capacity, 1e3)
        inlet = np.concatenate([cooling_k, cooling_k + before])
        surplus = watts - flow * self.water - conductance * (t - inlet)
        change = surplus / (self.metal / dt + flow * WATER_J_KG_K + conductance)
        t += change
        self.duty[...] = conductance * (t - inlet)
        self._breathe(vacuum, breaker, gland_pa, dt)
        condensate = self.water + WATER_J_KG_K * change
        pressure, self.water[...], self.vapour[...] = self.table.at_temperature(t)
        self.pressure[...] = pressure + self.air * AIR_J_KG_K * t / self.volume
        return Condensed(flow, condensate, self.duty, relieved, relieved_j_kg)

    def _breathe(self, vacuum: Floats, breaker: Floats, gland_pa: Floats, dt: float) -> None:
        """Advance the air inside: leaks and breaker in, vacuum pumps out (implicit)."""
        c, baro = self.cycle.parameters.condensers, self.cycle.parameters.cooling.barometric_pa
        # A leak into vacuum is choked up to half the ambient pressure.
        drive = np.minimum(np.maximum(2.0 * (1.0 - self.pressure / baro), 0.0), 1.0)
        open_glands = 1.0 - np.minimum(np.maximum(gland_pa / SEALED_PA, 0.0), 1.0)
        let_in = self.leak + self.air_leak
        let_in[0:1] += c.leak_kg_s * SLACK_GLAND * open_glands + c.breaker_kg_s * breaker
        out = np.concatenate([vacuum * c.evacuation_m3_s, np.full_like(vacuum, c.bypass_evacuation_m3_s)])
        self.air[...] = (self.air + dt * let_in * drive) / (1.0 + dt * out / self.volume)
