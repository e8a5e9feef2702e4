"""Steam: superheater and outlet of each boiler, stop valve, vent, safety valves, the header, the turbine's admission.

Outlet and header pressures are advanced together, linearly implicitly (an arrow matrix, solved by hand). The stop valve
is a stop-check valve: no steam flows from the header into a boiler. Arrays are (lines, batch); the header's (1, batch).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.reduce import ordered_sum
from controller.core.state import State
from plc_sim.process import water
from plc_sim.process.design import Design, Steady, column
from plc_sim.process.flow import checked_root, lag_share, root
from plc_sim.process.turbine import Admission

Floats = npt.NDArray[np.float64]

LEAST_FLOW = 0.03  # share of full flow below which heat and lag of the superheater are those of this flow


class Steam(NamedTuple):
    """One step's results, kg/s, Pa, K."""

    from_drum: Floats  # superheater and drum safety valve
    leaving: Floats  # to the header and the vent: what the steam flow meter sees
    temperature: Floats
    turbine: Floats  # (batch,)


@dataclass(frozen=True, slots=True)
class SteamPath:
    """From the drums to the turbine."""

    enthalpy: Floats  # (lines, batch) steam leaving the superheater, J/kg
    outlet: Floats  # (lines, batch) Pa
    header: Floats  # (1, batch) Pa
    drum_safety: Floats  # (lines, batch) 0 shut, 1 open
    outlet_safety: Floats
    design: Design
    table: water.SteamTable
    superheater_s: Floats
    outlet_storage: Floats  # kg/Pa
    header_storage: float
    vent_k: Floats  # kg/s = k * position * outlet pressure
    drum_safety_pa: Floats
    outlet_safety_pa: Floats
    drum_safety_k: Floats  # kg/s = k * pressure when open
    outlet_safety_k: Floats
    reseat: Floats

    @classmethod
    def build(cls, state: State, design: Design, start: Steady) -> "SteamPath":
        """Add the state, steady as ``start`` says, safety valves shut."""
        line = design.line
        full = design.steam_kg_s
        drum_pa = column([p.steam.drum_safety_pa for p in line])
        outlet_pa = column([p.steam.outlet_safety_pa for p in line])
        volume = column([p.steam.superheater_volume_m3 for p in line])
        header_volume = design.common.header.volume_m3 * len(line)
        return cls(
            enthalpy=state.add("steam.enthalpy", design.lines, fill=start.superheater_j_kg),
            outlet=state.add("steam.outlet_pressure", design.lines, fill=start.outlet_pa),
            header=state.add("steam.header_pressure", ("header",), fill=start.header_pa),
            drum_safety=state.add("steam.drum_safety", design.lines),
            outlet_safety=state.add("steam.outlet_safety", design.lines),
            design=design,
            table=water.steam_table(),
            superheater_s=column([p.steam.superheater_s for p in line]),
            outlet_storage=volume * design.steam_by_pressure,
            header_storage=header_volume * float(design.steam_by_pressure[0, 0]),
            vent_k=column([p.steam.vent_share for p in line]) * full / design.outlet_pa,
            drum_safety_pa=drum_pa,
            outlet_safety_pa=outlet_pa,
            drum_safety_k=column([p.steam.drum_safety_share for p in line]) * full / drum_pa,
            outlet_safety_k=column([p.steam.outlet_safety_share for p in line]) * full / outlet_pa,
            reseat=1.0 - column([p.steam.safety_reseat_share for p in line]),
        )

    def step(
        self,
        *,
        stop_valve: Floats,
        vent: Floats,
        admission: Admission,
        drum_pa: Floats,
        drum_steam_j_kg: Floats,
        heat_w: Floats,
        dt: float,
    ) -> Steam:
        """Advance by ``dt``; valve positions 0..1, ``heat_w`` all heat of each line."""
        d = self.design
        temperature, rho = self.table.at(self.outlet, self.enthalpy)
        thick = np.sqrt(rho)
        k1, k2 = d.superheater_k * thick, d.line_k * thick * stop_valve
        r1, s1 = root(drum_pa - self.outlet)
        r2, s2 = checked_root(self.outlet - self.header)
        f1, g1, f2, g2 = k1 * r1, k1 * s1, k2 * r2, k2 * s2
        self._lift(self.drum_safety, drum_pa, self.drum_safety_pa)
        self._lift(self.outlet_safety, self.outlet, self.outlet_safety_pa)
        safety_k = self.outlet_safety * self.outlet_safety_k
        vent_k = vent * self.vent_k
        turbine_k = d.turbine_k * admission.position + d.auxiliary_k

        pivot = self.outlet_storage / dt + g1 + g2 + vent_k + safety_k
        surplus = f1 - f2 - (vent_k + safety_k) * self.outlet
        through = g2 / pivot
        into_header = ordered_sum(f2 + through * surplus) - turbine_k * self.header
        header_change = into_header / (self.header_storage / dt + ordered_sum(g2 - through * g2) + turbine_k)
        outlet_change = (surplus + g2 * header_change) / pivot
        self.outlet[...] += outlet_change
        self.header[...] += header_change
        from_drum = f1 - g1 * outlet_change
        to_header = f2 + g2 * (outlet_change - header_change)

        self._superheat(from_drum, drum_steam_j_kg, heat_w, dt)
        turbine = admission.step(self.header[0], dt)
        return Steam(
            from_drum=from_drum + self.drum_safety * self.drum_safety_k * drum_pa,
            leaving=np.maximum(to_header, 0.0) + vent_k * self.outlet,
            temperature=temperature,
            turbine=turbine,
        )

    def _lift(self, valve: Floats, p_pa: Floats, opens_pa: Floats) -> None:
        """Pop safety valves open at their pressure; they reseat below it."""
        np.copyto(valve, 1.0, where=p_pa >= opens_pa)
        np.copyto(valve, 0.0, where=p_pa < opens_pa * self.reseat)

    def _superheat(self, flow: Floats, inlet_j_kg: Floats, heat_w: Floats, dt: float) -> None:
        """Lag the enthalpy that heat and flow give; spray water, not modelled, keeps it below the hottest."""
        d = self.design
        flow = np.maximum(flow, LEAST_FLOW * d.steam_kg_s)
        target = np.minimum(inlet_j_kg + d.superheater_share * heat_w / flow, d.hottest_j_kg)
        self.enthalpy[...] += (target - self.enthalpy) * lag_share(dt, self.superheater_s * d.steam_kg_s / flow)
