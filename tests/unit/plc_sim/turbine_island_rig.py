"""A turbine island on a steam header with a constant steam flow, for tests."""

import functools
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.cycle import Balance, Boundary, Cycle, balance, design
from plc_sim.process.island_flows import Crossing
from plc_sim.process.island_rows import input_names, signal_names
from plc_sim.process.island_start import initial_inputs
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


def full_load_of(cycle: Cycle) -> tuple[Cycle, Balance]:
    return cycle, balance(cycle, boundary(), 225.6 * T_H)


@functools.cache
def full_load() -> tuple[Cycle, Balance]:
    return full_load_of(make_cycle())


class IslandRig:
    """Steps the island in lockstep; ``steam_kg_s`` comes into the header, ``at`` is the rest of its boundary."""

    def __init__(
        self, *, batch: int = 1, cold: bool = False, changes: Mapping[str, Mapping[str, float]] | None = None
    ) -> None:
        cycle, full = full_load() if changes is None else full_load_of(make_cycle(changes))
        start = None if cold else full
        self.state = State(batch)
        self.island = TurbineIsland.build(self.state, cycle, start)
        self.plc = TurbinePlc.build(self.state, self.island)
        self.input_names = input_names(cycle.parameters)
        self.signal_names = signal_names(cycle.parameters)
        initial = initial_inputs(cycle, self.island.cooling, start)
        self.inputs = self.state.add("inputs", self.input_names, fill=initial)
        self.signals = self.state.add("signals", self.signal_names)
        self.island.publish(self.plc, self.signals)
        self.crossing: Crossing | None = None  # of the last step
        self.header_pa: Floats = np.full((1, batch), 93200.0 if start is None else start.header_pa)
        self.steam_kg_s = 0.0 if cold else 225.6 * T_H
        self.at = boundary(0.0, 0.0, 0.0) if cold else boundary()
        self.holds_pressure = cold  # the header's pressure is given
        self.house_w: Floats = np.full((1, batch), 6.8e6)

    def run(self, seconds: float, dt: float = DT) -> "IslandRig":
        for _ in range(round(seconds / dt)):
            taken = self.island.demand(self.plc, self.inputs, self.header_pa, self.house_w, dt)
            if not self.holds_pressure:
                change = (self.steam_kg_s - taken.flow) / (HEADER_KG_PA / dt + taken.slope)
                self.header_pa = self.header_pa + change
            at = self.at._replace(header_pa=self.header_pa)
            self.crossing = self.island.step(self.plc, self.inputs, taken, at, dt)
            self.island.publish(self.plc, self.signals)
        return self

    def set(self, **inputs: float) -> "IslandRig":
        """Set inputs; a dot of a name is written as two underscores."""
        for name, value in inputs.items():
            self.inputs[self.input_names.index(name.replace("__", "."))] = value
        return self

    def get(self, name: str) -> float:
        return float(self.signals[self.signal_names.index(name), 0])

    def input(self, name: str) -> float:
        return float(self.inputs[self.input_names.index(name), 0])

    def trip_motor(self, name: str) -> "IslandRig":
        self.island.motors.tripped[self.island.motors.names.index(name)] = 1.0
        return self
