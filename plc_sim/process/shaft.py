"""Turbine valves, rotor, generator and grid, at the short step of the turbine's PLC.

One rotor on an infinite bus (a swing with damping), on the house load alone, or free. Speed is a share of nominal, so
that the steam's power is ``flow * work * n (2 - n)``: the torque at standstill is twice that at nominal speed. All
arrays are (1, batch) but the valves (3, batch): governor, stop a, stop b.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.cycle import Balance, Cycle
from plc_sim.process.design import possible
from plc_sim.process.first_order import lag

Floats = npt.NDArray[np.float64]

ALIVE = 0.7  # of nominal voltage: below it motors drop out
TURN = 2.0 * np.pi
LEAST_TORQUE_SPEED = 0.1  # below it the generator does not brake with its full power


class Orders(NamedTuple):
    """What the PLC wants from the shaft."""

    valves: Floats  # (3, batch) 0..1
    slowest: Floats  # (1, batch) share of nominal speed at which the barring motor turns the shaft, 0 without it


class Controls(Protocol):
    """The turbine's PLC as the process sees it; it moves the shaft's breakers itself."""

    def step(self, dt: float) -> Orders:
        """Advance the logic by ``dt`` and return the orders that hold now."""
        ...


class Taken(NamedTuple):
    """Means over the short steps of one step."""

    admitted: Floats  # kg/s from the header
    flow: Floats  # kg/s out of the steam chest
    conductance: Floats  # kg/(s Pa) of the valves: the derivative of ``admitted`` by the inlet pressure
    power: Floats  # W from the steam
    output: Floats  # W at the generator's terminals
    ideal: Floats  # W that the steam would give at nominal speed


@dataclass(frozen=True, slots=True)
class Shaft:
    """Valves, rotor, breakers."""

    valves: Floats
    chest: Floats  # kg/s that leave the steam chest; ``chest_s`` times it is the steam inside
    speed: Floats
    angle: Floats  # rad, rotor against the grid, within half a turn
    breakers: Floats  # (2, batch) generator, grid
    power: Floats  # W at the terminals
    voltage: Floats  # share of nominal
    grid_speed: Floats  # disturbance: frequency of the grid, share of nominal
    grid_lost: Floats  # disturbance: 1 no grid behind its breaker
    valve_stuck: Floats  # (3, batch) disturbance: 1 does not move
    lock_out: Floats  # disturbance: 1 the generator's protection has acted (86G)
    house: Floats  # W that the house would take at nominal voltage
    churn: Floats  # W that the last stages take from the rotor
    cycle: Cycle

    @classmethod
    def build(cls, state: State, cycle: Cycle, start: Balance | None) -> "Shaft":
        """Add the state: on the grid with the steam of ``start``, or (None) at standstill."""
        g = cycle.parameters.generator
        runs = float(start is not None)
        flow = 0.0 if start is None else start.turbine_kg_s
        output = 0.0 if start is None else terminal_power(cycle, start.shaft_w)
        position = 0.0 if start is None else admission(cycle, start)
        return cls(
            valves=state.add(
                "island.valves", ("governor", "stop_a", "stop_b"), fill=np.array([[position], [runs], [runs]])
            ),
            chest=state.add("island.chest", ("flow",), fill=flow),
            speed=state.add("island.speed", ("shaft",), fill=runs),
            angle=state.add("island.angle", ("rotor",), fill=np.arcsin(output / (g.pull_out * g.rated_va))),
            breakers=state.add("island.breakers", ("generator", "grid"), fill=np.array([[runs], [1.0]])),
            power=state.add("island.power", ("generator",), fill=output),
            voltage=state.add("island.voltage", ("generator",), fill=runs),
            grid_speed=state.add("disturbance.grid_speed", ("grid",), fill=1.0),
            grid_lost=state.add("disturbance.grid_lost", ("grid",)),
            valve_stuck=state.add("disturbance.turbine_valve_stuck", ("governor", "stop_a", "stop_b")),
            lock_out=state.add("disturbance.generator_lock_out", ("generator",)),
            house=state.add("island.house", ("load",), fill=g.house_w),
            churn=state.add("island.churn", ("exhaust",)),
            cycle=cycle,
        )

    def run(self, controls: Controls, inlet_over_root_pv: Floats, work: Floats, *, steps: int, dt: float) -> Taken:
        """Advance by ``steps`` short steps of ``dt``.

        ``inlet_over_root_pv`` is (inlet - exhaust pressure) / sqrt(p * v), ``work`` J per kg of inlet steam.
        """
        p, s = self.cycle.parameters.turbine_steam, self.cycle.parameters.shaft
        share, kept = lag(dt, p.chest_s), p.chest_s / dt
        before = self.chest.copy()
        unit = 0.5 * self.cycle.valve_k * inlet_over_root_pv
        moves = 1.0 - self.valve_stuck
        opened, steam, ideal, output = (np.zeros_like(before) for _ in range(4))
        for _ in range(steps):
            orders = controls.step(dt)
            away = orders.valves - self.valves
            self.valves[...] += np.minimum(np.maximum(away, -dt / s.valve_close_s), dt / s.valve_open_s) * moves
            open_share = self.valves[0:1] * (self.valves[1:2] + self.valves[2:3])
            opened += open_share
            change = (unit * open_share - self.chest) * share
            self.chest[...] += change
            ideal_w = (unit * open_share - change * kept) * work
            torque = ideal_w * (2.0 - self.speed)
            steam += torque * self.speed
            ideal += ideal_w
            self._turn(torque, orders.slowest, dt)
            output += self.power
        mean = 1.0 / steps
        admitted = unit * opened * mean
        return Taken(
            admitted=admitted,
            flow=admitted - (self.chest - before) * (kept * mean),
            conductance=0.5 * self.cycle.valve_k * mean * opened,
            power=steam * mean,
            output=output * mean,
            ideal=ideal * mean,
        )

    def on_grid(self) -> Floats:
        """Return 1 where the generator runs on the grid."""
        return self.breakers[0:1] * self.breakers[1:2] * (1.0 - self.grid_lost)

    def alone(self) -> Floats:
        """Return 1 where the generator feeds the house without the grid."""
        return self.breakers[0:1] * (1.0 - self.breakers[1:2] * (1.0 - self.grid_lost))

    def _turn(self, torque_w: Floats, slowest: Floats, dt: float) -> None:
        """Advance rotor and angle; the angle uses the new speed, which keeps the swing's energy."""
        p, g = self.cycle.parameters.shaft, self.cycle.parameters.generator
        speed = self.speed
        slip = speed - self.grid_speed
        pull_w = g.rated_va * (g.pull_out * self.voltage * np.sin(self.angle) + g.damping * slip)
        self.power[...] = self.on_grid() * pull_w + self.alone() * self.house * self.voltage
        drawn_w = self.power + generator_loss(self.cycle, self.power, self.voltage)
        friction_w = p.mechanical_loss_w * (p.standstill_friction + (1.0 - p.standstill_friction) * speed)
        braking_w = drawn_w / np.maximum(speed, LEAST_TORQUE_SPEED) + friction_w + self.churn
        turned = speed + (torque_w - braking_w) * (dt / (p.start_time_s * p.rated_w))
        speed[...] = np.maximum(turned, slowest)
        angle = self.angle + TURN * p.nominal_hz * dt * (speed - self.grid_speed)
        self.angle[...] = angle - TURN * np.rint(angle / TURN)


def generator_loss(cycle: Cycle, output_w: Floats, voltage: Floats) -> Floats:
    """Return the generator's loss: iron with the square of the voltage, copper with the square of the load."""
    g = cycle.parameters.generator
    loaded = output_w * (1.0 / full_output(cycle))
    return g.full_loss_w * ((1.0 - g.load_loss_share) * voltage * voltage + g.load_loss_share * loaded * loaded)


def full_output(cycle: Cycle) -> float:
    """Return the electric power at the design point."""
    return cycle.work_w - cycle.parameters.shaft.mechanical_loss_w - cycle.parameters.generator.full_loss_w


def terminal_power(cycle: Cycle, shaft_w: float) -> float:
    """Return the steady electric power for ``shaft_w`` from the steam."""
    available = shaft_w - cycle.parameters.shaft.mechanical_loss_w
    output = available
    for _ in range(50):
        output = available - float(generator_loss(cycle, np.array([output]), np.array([1.0]))[0])
    return output


def admission(cycle: Cycle, at: Balance) -> float:
    """Return the governor valves' position that takes the steady flow; PlantError when they are too small for it."""
    over = (at.path.pressure[0, 0] - at.path.pressure[4, 0]) / np.sqrt(at.path.pv[0, 0])
    position = float(at.turbine_kg_s / (cycle.valve_k * over))
    return possible(position, "opening of the turbine's governor valves", load(cycle, at))


def load(cycle: Cycle, at: Balance) -> float:
    """Return the steam to the turbine as a share of that at its design point."""
    return at.turbine_kg_s / cycle.parameters.turbine_steam.full_flow_kg_s
