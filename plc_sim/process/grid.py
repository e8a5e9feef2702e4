"""Voltage, house bus, emergency diesel: the electrical side that is slower than the rotor. Arrays are (1, batch)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.first_order import lag
from plc_sim.process.shaft import ALIVE, Shaft
from plc_sim.process.turbine_island_parameters import IslandParameters

Floats = npt.NDArray[np.float64]

MOST_VOLTS_PER_HERTZ = 1.05


@dataclass(frozen=True, slots=True)
class Grid:
    """Voltages are shares of nominal."""

    house: Floats  # voltage of the house bus
    frequency: Floats  # of the house bus, 1/s
    reactive: Floats  # var of the generator
    diesel_s: Floats  # time since the diesel was ordered to run
    diesel: Floats  # 0/1 running
    diesel_blocked: Floats  # disturbance
    house_voltage: Floats  # disturbance: factor on the house bus
    parameters: IslandParameters
    grid_voltage: float  # seen through the transformer

    @classmethod
    def build(cls, state: State, p: IslandParameters) -> "Grid":
        """Add the state: on a healthy grid."""
        g = p.generator
        return cls(
            house=state.add("island.house_voltage", ("bus",), fill=1.0),
            frequency=state.add("island.frequency", ("bus",), fill=p.shaft.nominal_hz),
            reactive=state.add("island.reactive", ("generator",), fill=0.0),
            diesel_s=state.add("island.diesel_s", ("diesel",)),
            diesel=state.add("island.diesel", ("diesel",)),
            diesel_blocked=state.add("disturbance.diesel_blocked", ("diesel",)),
            house_voltage=state.add("disturbance.house_voltage", ("bus",), fill=1.0),
            parameters=p,
            grid_voltage=1.0 - g.full_var * g.transformer_reactance / g.rated_va,
        )

    def step(self, shaft: Shaft, *, excited: Floats, setpoint: Floats, diesel: Floats, dt: float) -> None:
        """Advance; ``setpoint`` is the generator voltage as a share of nominal, ``excited`` and ``diesel`` orders."""
        g = self.parameters.generator
        target = (excited >= 0.5) * np.minimum(setpoint, MOST_VOLTS_PER_HERTZ * shaft.speed)
        shaft.voltage[...] += (target - shaft.voltage) * lag(dt, g.excitation_s)
        fed = shaft.breakers[1:2] * (1.0 - shaft.grid_lost)
        alone = shaft.alone()
        self.house[...] = (fed + alone * shaft.voltage) * self.house_voltage
        nominal = self.parameters.shaft.nominal_hz
        self.frequency[...] = nominal * (fed * shaft.grid_speed + alone * shaft.speed)
        v = shaft.voltage
        on_grid = (g.rated_va / g.transformer_reactance) * v * (v - self.grid_voltage)
        tangent = float(np.tan(np.arccos(g.house_power_factor)))
        self.reactive[...] = np.where(shaft.on_grid() >= 0.5, on_grid, alone * shaft.power * tangent)
        self.diesel_s[...] = (self.diesel_s + dt) * (diesel >= 0.5) * (1.0 - self.diesel_blocked)
        self.diesel[...] = self.diesel_s >= g.diesel_start_s

    def bus(self) -> Floats:
        """Return 1 where the house bus feeds its motors."""
        return (self.house >= ALIVE).astype(np.float64)

    def essential(self) -> Floats:
        """Return 1 where the house bus or the diesel feeds the essential motors."""
        return np.maximum(self.bus(), self.diesel)
