"""Condensate: hotwells, pumps, LP heater, make-up and the tank of demineralised water. Arrays are (1, batch).

The pressure side takes up little water per pressure and is advanced linearly implicitly, with check valves behind
every pump and user. Water leaves a hotwell with the enthalpy at the start of the step: mass and energy close.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.reduce import ordered_sum
from controller.core.state import State
from plc_sim.process.cycle import Balance, Cycle, water_j_kg
from plc_sim.process.expansion_tables import boiling_table
from plc_sim.process.first_order import lag
from plc_sim.process.flow import checked_root

Floats = npt.NDArray[np.float64]

WATER_KG_M3 = 990.0
SUCTION_M = 0.05  # hotwell level below which the pumps lose their flow
TANK_BAND = 0.05  # of the tank: from full supply to none
DRAIN_PA = 1e5  # pressure difference at which the bypass drain passes its capacity
MAKE_UP_PA = 85e3  # vacuum at which the make-up valve passes its capacity


class Drawn(NamedTuple):
    """What leaves, kg/s."""

    forward: Floats  # to the deaerator
    spray: Floats  # (2, batch) to the bypass desuperheaters
    dumped: Floats  # to the demineralised water tank
    make_up: Floats
    bypass_drain: Floats  # from the bypass condenser's hotwell to the main condenser


class Wells(NamedTuple):
    """Surfaces and pressures around the pumps, (1, batch)."""

    main_pa: Floats
    bypass_pa: Floats
    deaerator_pa: Floats


@dataclass(frozen=True, slots=True)
class Condensate:
    """Rows of ``mass`` and ``j_kg``: hotwell of the main and of the bypass condenser."""

    header: Floats  # Pa behind the pumps
    mass: Floats  # (2, batch)
    j_kg: Floats  # (2, batch)
    heater: Floats  # J/kg leaving the LP heater
    tank: Floats  # kg of demineralised water
    conductivity: Floats  # S/m
    tube_leak: Floats  # disturbance: cooling water into the main hotwell, kg/s
    supply: Floats  # disturbance: factor on the supply of demineralised water
    cycle: Cycle
    pump_k: float  # kg/s = k * root(dp)
    users_k: Floats  # (4, 1): deaerator, dump, sprays
    make_up_j_kg: float

    @classmethod
    def build(cls, state: State, cycle: Cycle, start: Balance | None) -> "Condensate":
        """Add the state, steady as ``start`` says, or (None) cold and filled."""
        p, c = cycle.parameters.condensate, cycle.parameters.condensers
        ambient = water_j_kg(cycle.parameters.cooling.ambient_k)
        level = p.hotwell_level_m * p.hotwell_area_m2 * WATER_KG_M3
        wells = np.array([[level], [c.bypass_hotwell_kg * c.bypass_hotwell_level]])
        hot = ambient if start is None else np.array([[start.hotwell_j_kg], [water_j_kg(start.condensing_k)]])
        used = 0.0 if start is None else start.make_up_kg_s / p.supply_kg_s
        drop = (p.shutoff_pa - p.rated_pa) / p.rated_kg_s**2
        return cls(
            header=state.add(
                "island.condensate.header",
                ("pressure",),
                fill=cycle.parameters.cooling.barometric_pa
                if start is None
                else discharge_pa(cycle, start.condensate_kg_s, float(start.path.pressure[4, 0])),
            ),
            mass=state.add("island.hotwell.mass", ("main", "bypass"), fill=wells),
            j_kg=state.add("island.hotwell.j_kg", ("main", "bypass"), fill=hot),
            heater=state.add("island.heater", ("out",), fill=ambient if start is None else start.heated_j_kg),
            tank=state.add("island.demin", ("tank",), fill=p.tank_kg * (p.tank_level - TANK_BAND * used)),
            conductivity=state.add("island.conductivity", ("hotwell",), fill=p.conductivity_s_m),
            tube_leak=state.add("disturbance.tube_leak", ("main",)),
            supply=state.add("disturbance.demin_supply", ("supply",), fill=1.0),
            cycle=cycle,
            pump_k=1.0 / np.sqrt(drop),
            users_k=users_k(cycle),
            make_up_j_kg=water_j_kg(p.make_up_k),
        )

    def draw(
        self,
        pumps: Floats,
        positions: Floats,
        make_up: Floats,
        drain: Floats,
        wells: Wells,
        sinks_pa: Floats,
        dt: float,
    ) -> Drawn:
        """Advance the pressure side.

        ``pumps`` are speeds (n, batch), ``positions`` (4, batch) of the valves to deaerator, dump, sprays with
        ``sinks_pa`` behind them.
        """
        p, c = self.cycle.parameters.condensate, self.cycle.parameters.condensers
        level = self.mass[0:1] * (1.0 / (WATER_KG_M3 * p.hotwell_area_m2))
        covered = np.minimum(level * (1.0 / SUCTION_M), 1.0)
        rise = p.shutoff_pa * pumps * pumps * covered - (self.header - wells.main_pa)
        roots, slopes = checked_root(np.concatenate([rise, self.header - sinks_pa]))
        n = pumps.shape[0]
        pumped = self.pump_k * ordered_sum(roots[:n])
        pumped_slope = self.pump_k * ordered_sum(slopes[:n])
        conductance = self.users_k * positions
        flow, slope = conductance * roots[n:], conductance * slopes[n:]
        change = (pumped - ordered_sum(flow)) / (p.storage_kg_pa / dt + pumped_slope + ordered_sum(slope))
        self.header[...] += change
        flow = np.maximum(flow + slope * change, 0.0)
        dumped = flow[1:2] * np.maximum(positions[1:2] - p.recirculation_share, 0.0)
        dumped /= np.maximum(positions[1:2], p.recirculation_share)
        differences = np.concatenate([self.cycle.parameters.cooling.barometric_pa - wells.main_pa, wells.bypass_pa])
        differences[1:2] += c.bypass_drain_static_pa - wells.main_pa
        rooted = checked_root(differences)[0]
        has_water = np.minimum(self.mass[1:2] * (20.0 / c.bypass_hotwell_kg), 1.0)
        return Drawn(
            forward=flow[0:1],
            spray=flow[2:4],
            dumped=dumped,
            make_up=make_up * rooted[0:1] * (p.make_up_kg_s / MAKE_UP_PA**0.5) * (self.tank > 0.0),
            bypass_drain=drain * rooted[1:2] * (c.bypass_drain_kg_s / DRAIN_PA**0.5) * has_water,
        )

    def fill(self, drawn: Drawn, flow: Floats, j_kg: Floats, cooling_j_kg: Floats, dt: float) -> None:
        """Advance the hotwells and the tank; ``flow`` (2, batch) with ``j_kg`` comes from the condensers."""
        p = self.cycle.parameters.condensate
        gains, heat = flow.copy(), flow * j_kg
        gains[0:1] += drawn.make_up + self.tube_leak
        heat[0:1] += drawn.make_up * self.make_up_j_kg + self.tube_leak * cooling_j_kg
        leaving = drawn.forward + drawn.spray[0:1] + drawn.spray[1:2] + drawn.dumped
        leaving = np.concatenate([leaving, drawn.bypass_drain])
        heat -= leaving * self.j_kg
        held = self.mass * self.j_kg + dt * heat
        self.mass[...] += dt * (gains - leaving)
        self.j_kg[...] = held / np.maximum(self.mass, 1.0)
        short = (p.tank_level - self.tank / p.tank_kg) * (1.0 / TANK_BAND)
        supplied = p.supply_kg_s * self.supply * np.minimum(np.maximum(short, 0.0), 1.0)
        tank = self.tank + dt * (supplied + drawn.dumped - drawn.make_up)
        np.minimum(tank, p.tank_kg, out=self.tank)  # a full tank overflows
        through = np.maximum(gains[0:1], 1.0)
        target = p.conductivity_s_m + p.cooling_conductivity_s_m * self.tube_leak / through
        self.conductivity[...] += (target - self.conductivity) * lag(dt, p.conductivity_s)

    def gained_s_m(self) -> Floats:
        """Return by how much the condensate's conductivity is above the normal one, S/m."""
        return self.conductivity - self.cycle.parameters.condensate.conductivity_s_m

    def heater_steam(self, forward: Floats, steam_j_kg: Floats, drain_j_kg: Floats) -> Floats:
        """Return the extraction steam that the LP heater would condense."""
        flow = np.maximum(forward, 1e-3)
        ntu = self.cycle.heater_ntu * np.sqrt(self.cycle.heater_kg_s / flow)
        duty = -forward * np.maximum(drain_j_kg - self.j_kg[0:1], 0.0) * np.expm1(-ntu)
        return duty / np.maximum(steam_j_kg - drain_j_kg, 1e6)

    def heat(self, forward: Floats, watts: Floats, dt: float) -> None:
        """Advance the LP heater with ``watts`` from the extraction steam."""
        share = dt / self.cycle.parameters.condensate.heater_kg
        self.heater[...] = (self.heater + share * (forward * self.j_kg[0:1] + watts)) / (1.0 + share * forward)


def discharge_pa(cycle: Cycle, forward_kg_s: float, suction_pa: float) -> float:
    """Return the pressure behind one condensate pump that also feeds the recirculation."""
    p = cycle.parameters.condensate
    drop = (p.shutoff_pa - p.rated_pa) / p.rated_kg_s**2
    head, recirculated = p.shutoff_pa, 0.0
    for _ in range(50):
        head = p.shutoff_pa - drop * (forward_kg_s + recirculated) ** 2
        recirculated = p.dump_kg_s * p.recirculation_share * math.sqrt(head / p.rated_pa)
    return head + suction_pa


def users_k(cycle: Cycle) -> Floats:
    """Return kg/s per position and root of the pressure difference: deaerator, dump, sprays."""
    p, bypass = cycle.parameters.condensate, cycle.parameters.bypass
    full = discharge_pa(cycle, cycle.heater_kg_s, cycle.exhaust_pa)
    behind = full - cycle.parameters.tank.pressure_pa - p.static_pa
    spray = bypass.spray_kg_s / math.sqrt(p.rated_pa - bypass.outlet_pa)
    forward = cycle.heater_kg_s / (p.full_valve_position * math.sqrt(behind))
    return np.array([[forward], [p.dump_kg_s / math.sqrt(p.rated_pa)], [spray], [spray]])


def forward_position(cycle: Cycle, at: Balance) -> float:
    """Return the position of the valve to the deaerator at the steady flow."""
    p = cycle.parameters.condensate
    discharge = discharge_pa(cycle, at.condensate_kg_s, float(at.path.pressure[4, 0]))
    behind = discharge - at.tank_pa - p.static_pa
    return float(at.condensate_kg_s / (users_k(cycle)[0, 0] * np.sqrt(behind)))


def make_up_position(cycle: Cycle, at: Balance) -> float:
    """Return the position of the make-up valve at the steady flow."""
    vacuum = cycle.parameters.cooling.barometric_pa - float(at.path.pressure[4, 0])
    return float(at.make_up_kg_s / (cycle.parameters.condensate.make_up_kg_s * np.sqrt(vacuum / MAKE_UP_PA)))


def water_at(t_k: Floats) -> Floats:
    """Return the enthalpy of water at ``t_k``."""
    values = boiling_table().values
    return np.interp(t_k, values[0], values[1])
