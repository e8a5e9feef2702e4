"""A turbine island on a steam header with a constant steam flow, for tests."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.cycle import Boundary, Cycle, balance, design
from plc_sim.process.turbine_island import TurbineIsland
from plc_sim.process.turbine_island_parameters import AREAS, IslandParameters
from plc_sim.turbine_plc import TurbinePlc
from tests.unit.plc_sim.turbine_island_numbers import ISLAND

Floats = npt.NDArray[np.float64]

T_H = 1.0 / 3.6
HEADER_KG_PA = 31.33 / 5600.0  # 8.3 GJ/MPa in both boilers: 31.33 kg/s of steam change 5.6 kPa/s
DT = 0.1
DRUM_WATER_J_KG = 1277.7e3
STEAM_J_KG = 3295.5e3


def parameters(changes: Mapping[str, Mapping[str, float]] | None = None) -> IslandParameters:
    """Return the parameters, some of them changed by area and name."""
    changed = changes or {}
    areas = {name: model.model_validate(ISLAND[name] | dict(changed.get(name, {}))) for name, model in AREAS.items()}
    return IslandParameters(**areas)  # pyright: ignore[reportArgumentType]  typed by the area table


def boundary(steam_t_h: float = 225.6, air_heater_t_h: float = 14.7, drum_t_h: float = 5.12) -> Boundary:
    """Return the boundary for a steam flow: 1 % blowdown and the drum's steam to the air heaters on top."""
    one = np.ones((1, 1))
    return Boundary(
        header_pa=one,
        header_j_kg=one * STEAM_J_KG,
        air_heater_kg_s=one * (air_heater_t_h * T_H),
        drum_steam_kg_s=one * (drum_t_h * T_H),
        drum_steam_j_kg=one * DRUM_WATER_J_KG,
        feedwater_kg_s=one * ((steam_t_h * 1.01 + drum_t_h) * T_H),
    )


def make_cycle(changes: Mapping[str, Mapping[str, float]] | None = None) -> Cycle:
    return design(parameters(changes), boundary())


class IslandRig:
    """Steps the island in lockstep; ``steam_kg_s`` comes into the header, ``at`` is the rest of its boundary."""

    def __init__(
        self, *, batch: int = 1, cold: bool = False, changes: Mapping[str, Mapping[str, float]] | None = None
    ) -> None:
        cycle = make_cycle(changes)
        start = None if cold else balance(cycle, boundary(), 225.6 * T_H)
        self.state = State(batch)
        self.island = TurbineIsland.build(self.state, cycle, start)
        self.plc = TurbinePlc.build(self.state, self.island)
        self.island.refresh(self.plc)
        self.header_pa: Floats = np.full((1, batch), 93200.0 if start is None else start.header_pa)
        self.steam_kg_s = 0.0 if cold else 225.6 * T_H
        self.at = boundary(0.0, 0.0, 0.0) if cold else boundary()
        self.holds_pressure = cold  # the header's pressure is given
        self.house_w: Floats = np.full((1, batch), 6.8e6)

    def run(self, seconds: float, dt: float = DT) -> "IslandRig":
        for _ in range(round(seconds / dt)):
            taken = self.island.demand(self.plc, self.header_pa, self.house_w, dt)
            if not self.holds_pressure:
                change = (self.steam_kg_s - taken.flow) / (HEADER_KG_PA / dt + taken.slope)
                self.header_pa = self.header_pa + change
            self.island.step(self.plc, self.at._replace(header_pa=self.header_pa), dt)
        return self

    def set(self, **inputs: float) -> "IslandRig":
        """Set inputs; a dot of a name is written as two underscores."""
        for name, value in inputs.items():
            self.island.inputs[self.island.input_names.index(name.replace("__", "."))] = value
        return self

    def get(self, name: str) -> float:
        return float(self.island.signals[self.island.signal_names.index(name), 0])

    def input(self, name: str) -> float:
        return float(self.island.inputs[self.island.input_names.index(name), 0])

    def trip_motor(self, name: str) -> "IslandRig":
        self.island.motors.tripped[self.island.motors.names.index(name)] = 1.0
        return self
