"""Deaerator and feedwater tank: a heating section that sets the pressure, over a tank of water. Arrays are (1, batch).

All water and steam that enter mix in the head; its boiling pressure is the deaerator's (not below ambient: the vent).
The tank below takes the head's water. When the pressure falls under the tank's boiling point, the tank flashes: that
heats the head and holds the pressure up. Auxiliary steam comes through a heating pipe in the tank: it warms the tank
as long as that is much colder than the head, as before a start; otherwise it rises to the head. Extraction steam enters
the head alone, and a tank a little colder than the head just stays so.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.cycle import Balance, Cycle, water_j_kg
from plc_sim.process.expansion_tables import BoilingTable, boiling_table
from plc_sim.process.flow import checked_root

Floats = npt.NDArray[np.float64]

SUCTION_M = 0.05  # level below which feedwater pumps lose their flow
COLD_J_KG = 5e4  # by which the tank is below the head when it condenses all auxiliary steam


@dataclass(frozen=True, slots=True)
class Deaerator:
    """Head and tank."""

    head: Floats  # J/kg
    tank: Floats  # J/kg
    mass: Floats  # kg in the tank
    pressure: Floats
    temperature: Floats  # of the tank
    cycle: Cycle
    table: BoilingTable
    log_rangeability: float

    @classmethod
    def build(cls, state: State, cycle: Cycle, start: Balance | None) -> "Deaerator":
        """Add the state, steady as ``start`` says, or (None) cold and filled."""
        p, cooling = cycle.parameters.tank, cycle.parameters.cooling
        table = boiling_table()
        pressure = cooling.barometric_pa if start is None else start.tank_pa
        warm = table.at(np.array([pressure]))
        h = water_j_kg(cooling.ambient_k) if start is None else warm.h_w.item()
        return cls(
            head=state.add("island.deaerator.head", ("head",), fill=h),
            tank=state.add("island.deaerator.tank", ("tank",), fill=h),
            mass=state.add("island.deaerator.mass", ("tank",), fill=p.level_m * p.area_m2 * p.density_kg_m3),
            pressure=state.add("island.deaerator.pressure", ("head",), fill=pressure),
            temperature=state.add(
                "island.deaerator.temperature", ("tank",), fill=cooling.ambient_k if start is None else warm.t.item()
            ),
            cycle=cycle,
            table=table,
            log_rangeability=float(np.log(p.rangeability)),
        )

    def extraction(self, position: Floats, pressure: Floats) -> Floats:
        """Return the steam that would flow from the extraction at ``pressure``; a check valve stands in the line."""
        opening = np.expm1(position * self.log_rangeability) / np.expm1(self.log_rangeability)
        return self.cycle.extraction_valve_k * opening * checked_root(pressure - self.pressure)[0]

    def step(
        self, flow: Floats, watts: Floats, *, auxiliary: Floats, steam_j_kg: Floats, feedwater: Floats, dt: float
    ) -> None:
        """Advance; ``flow`` kg/s of water and steam with ``watts`` of enthalpy come in, ``feedwater`` leaves.

        ``auxiliary`` kg/s of steam with ``steam_j_kg`` come through the heating pipe.
        """
        p = self.cycle.parameters.tank
        below = auxiliary * np.minimum(np.maximum((self.head - self.tank) * (1.0 / COLD_J_KG), 0.0), 1.0)
        above = auxiliary - below
        flash = p.flash_kg_s * np.maximum(self.tank - self.head, 0.0)  # W; the steam returns as water
        share = dt / p.head_kg
        drained = flow + above
        self.head[...] = (self.head + share * (watts + above * steam_j_kg + flash)) / (1.0 + share * drained)
        mass = np.maximum(self.mass, 1.0)
        gained = drained * self.head + below * steam_j_kg - flash
        self.tank[...] = (mass * self.tank + dt * gained) / (mass + dt * (drained + below))
        np.maximum(self.mass + dt * (drained + below - feedwater), 0.0, out=self.mass)
        boiling = self.table.pressure_of_water(self.head)
        self.pressure[...] = np.maximum(boiling, self.cycle.parameters.cooling.barometric_pa)
        self.temperature[...] = np.interp(self.tank, self.table.values[1], self.table.values[0])

    def suction(self) -> Floats:
        """Return the share of their flow that pumps below the tank can still draw: 1 but for the last centimetres."""
        return np.minimum(self.level() * (1.0 / SUCTION_M), 1.0)

    def level(self) -> Floats:
        """Return the tank's level, m."""
        p = self.cycle.parameters.tank
        return self.mass * (1.0 / (p.area_m2 * p.density_kg_m3))
