"""Steam: outlet of each boiler, stop valve, vent, safety valves, and the common header.

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
from plc_sim.process.design import Design, column
from plc_sim.process.flow import checked_root, root
from plc_sim.process.island_flows import Demand

Floats = npt.NDArray[np.float64]


class Steam(NamedTuple):
    """One step's results, kg/s."""

    superheated: Floats  # from the drum through the superheater
    relieved: Floats  # by the drum's safety valve
    leaving: Floats  # to the header and the vent: what the steam flow meter sees


@dataclass(frozen=True, slots=True)
class SteamPath:
    """From the drums to the header."""

    enthalpy: Floats  # (lines, batch) steam leaving the superheater, J/kg
    outlet: Floats  # (lines, batch) Pa
    header: Floats  # (1, batch) Pa
    header_j_kg: Floats  # (1, batch)
    drum_safety: Floats  # (lines, batch) 0 shut, 1 open
    outlet_safety: Floats
    design: Design
    table: water.SteamTable
    outlet_storage: Floats  # kg/Pa
    header_storage: float
    header_kg: float
    vent_k: Floats  # kg/s = k * position * pressure over ambient
    drum_safety_pa: Floats
    outlet_safety_pa: Floats
    drum_safety_k: Floats  # kg/s = k * pressure when open
    outlet_safety_k: Floats
    reseat: Floats

    @classmethod
    def build(cls, state: State, design: Design) -> "SteamPath":
        """Add the state: cold, at ambient pressure, safety valves shut."""
        line = design.line
        full, ambient = design.steam_kg_s, design.barometric_pa
        drum_pa = column([p.steam.drum_safety_pa for p in line])
        outlet_pa = column([p.steam.outlet_safety_pa for p in line])
        volume = column([p.steam.superheater_volume_m3 for p in line])
        header_volume = design.common.header.volume_m3 * len(line)
        saturated = float(water.saturation_table().at(np.array([ambient])).h_s[0])
        return cls(
            enthalpy=state.add("steam.enthalpy", design.lines, fill=saturated),
            outlet=state.add("steam.outlet_pressure", design.lines, fill=ambient),
            header=state.add("steam.header_pressure", ("header",), fill=ambient),
            header_j_kg=state.add("steam.header_enthalpy", ("header",), fill=saturated),
            drum_safety=state.add("steam.drum_safety", design.lines),
            outlet_safety=state.add("steam.outlet_safety", design.lines),
            design=design,
            table=water.steam_table(),
            outlet_storage=volume * design.steam_by_pressure,
            header_storage=header_volume * float(design.steam_by_pressure[0, 0]),
            header_kg=header_volume * float(design.steam_kg_m3[0, 0]),
            vent_k=column([p.steam.vent_share for p in line]) * full / (design.outlet_pa - ambient),
            drum_safety_pa=drum_pa,
            outlet_safety_pa=outlet_pa,
            drum_safety_k=column([p.steam.drum_safety_share for p in line]) * full / drum_pa,
            outlet_safety_k=column([p.steam.outlet_safety_share for p in line]) * full / outlet_pa,
            reseat=1.0 - column([p.steam.safety_reseat_share for p in line]),
        )

    def step(
        self, *, stop_valve: Floats, vent: Floats, demand: Demand, drum_pa: Floats, gained: Floats, dt: float
    ) -> Steam:
        """Advance by ``dt``; positions 0..1, ``demand`` from the header, ``gained`` kg/s of spray less what is lost."""
        d = self.design
        rho = self.table.at(self.outlet, self.enthalpy)[1]
        thick = np.sqrt(rho)
        k1, k2 = d.superheater_k * thick, d.line_k * thick * stop_valve
        r1, s1 = root(drum_pa - self.outlet)
        r2, s2 = checked_root(self.outlet - self.header)
        f1, g1, f2, g2 = k1 * r1, k1 * s1, k2 * r2, k2 * s2
        self._lift(self.drum_safety, drum_pa, self.drum_safety_pa)
        self._lift(self.outlet_safety, self.outlet, self.outlet_safety_pa)
        safety_k = self.outlet_safety * self.outlet_safety_k
        over = np.maximum(self.outlet - d.barometric_pa, 0.0)
        vent_k = vent * self.vent_k

        pivot = self.outlet_storage / dt + g1 + g2 + vent_k + safety_k
        surplus = f1 + gained - f2 - vent_k * over - safety_k * self.outlet
        through = g2 / pivot
        into_header = ordered_sum(f2 + through * surplus)[np.newaxis] - demand.flow
        stiffness = self.header_storage / dt + ordered_sum(g2 - through * g2)[np.newaxis] + demand.slope
        header_change = into_header / stiffness
        outlet_change = (surplus + g2 * header_change) / pivot
        self.outlet[...] = np.maximum(self.outlet + outlet_change, d.barometric_pa)
        self.header[...] = np.maximum(self.header + header_change, d.barometric_pa)
        superheated = f1 - g1 * outlet_change
        to_header = np.maximum(f2 + g2 * (outlet_change - header_change), 0.0)
        share = dt / (self.header_kg + dt * ordered_sum(to_header)[np.newaxis])
        self.header_j_kg[...] += share * ordered_sum(to_header * (self.enthalpy - self.header_j_kg))[np.newaxis]
        return Steam(
            superheated=superheated,
            relieved=self.drum_safety * self.drum_safety_k * drum_pa,
            leaving=to_header + vent_k * over,
        )

    def _lift(self, valve: Floats, p_pa: Floats, opens_pa: Floats) -> None:
        """Pop safety valves open at their pressure; they reseat below it."""
        np.copyto(valve, 1.0, where=p_pa >= opens_pa)
        np.copyto(valve, 0.0, where=p_pa < opens_pa * self.reseat)
