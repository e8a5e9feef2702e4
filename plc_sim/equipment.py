"""Motors: starter, converter and motor protection in the PLC, and what their meters show.

A motor is an output with a run command of which a tag reads a general signal: running, fault, local, available,
current, power, speed, bearing and winding temperatures, vibrations (``GENERAL``, as "fault.K-2401.CMD"). The contactor
follows the command while there is supply and neither fault nor isolation; in local control it stays as it is until it
falls. The process input that the command drives is the contactor.

What the process shows of a motor itself is taken from there: a motor's quantities are the signals that the tags of its
device read, by the last part of their name ("id_fan.bearing_1"). Motor protection watches them: a trip value with a
high one of the same kind beside it, standing for a time, is a fault. A fault is latched until the command is off and
its cause gone. Arrays are (motors, batch) unless said.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.errors import ConfigError, Issue
from controller.core.state import State
from plc_sim.actuators import Board
from plc_sim.equipment_parameters import ON_BATTERY, ON_DIESEL, EquipmentParameters, Process
from plc_sim.motor_devices import GENERAL, KINDS, MotorDevice, motor_devices
from plc_sim.points import Points
from plc_sim.process.first_order import lag
from plc_sim.supplies import Supply

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]

DISTURBANCES = ("fault", "local", "isolated", "bearing", "vibration")
LONG_S = 3600.0  # a motor of the initial condition has been running
MOST_LOAD = 1.5  # that a winding feels: a start is over before it has felt more


@dataclass(frozen=True, slots=True)
class Disturbances:
    """What goes wrong with motors, changed by faults."""

    fault: Floats  # 1: the protection trips
    local: Floats  # 1: switched to local control
    isolated: Floats  # 1: locked off for work
    bearing: Floats  # K added to the general bearing temperatures
    vibration: Floats  # m/s added to the general vibrations, at full speed


class Equipment:
    """All motors; ``signals`` returns the general signals of ``signal_names``, "L1/fault.K-2401.CMD"."""

    def __init__(
        self,
        points: Points,
        parameters: EquipmentParameters,
        process: Process,
        *,
        inputs: Board,
        signals: Board,
        state: State,
        period_s: float,
        barometric_pa: float,
    ) -> None:
        """Add the state; a motor runs where the initial condition of the process wants it.

        ``inputs`` and ``signals`` are those of the process. ConfigError for an emergency supply of an unknown motor.
        """
        devices = motor_devices(points, signals.rows, barometric_pa)
        keys = [d.motor.key for d in devices]
        self.keys = tuple(keys)
        self._parameters, self._period_s = parameters, period_s
        self._inputs, self._signals = inputs.array, signals.array
        self._output = np.array([d.output for d in devices], dtype=np.intp)
        driven = [f"{d.motor.instance}/{d.motor.actuator.drives}" for d in devices]
        self._input = np.array([inputs.rows[name] for name in driven], dtype=np.intp)
        self.signal_names, self._shown = _shown(devices)
        self._size(devices)
        self._feed(devices, process)
        self._watch(devices)
        on = inputs.array[self._input] >= 0.5
        self.closed: Mask = state.add("motor.closed", keys, dtype=np.bool_, fill=on)
        self.fault: Mask = state.add("motor.fault", keys, dtype=np.bool_)
        self.available: Mask = state.add("motor.available", keys, dtype=np.bool_, fill=True)
        self.speed: Floats = state.add("motor.speed", keys, fill=on)  # share of full speed
        self.power: Floats = state.add("motor.power", keys)
        self.current: Floats = state.add("motor.current", keys)
        self.bearing_k: Floats = state.add("motor.bearing", keys)
        self.winding_k: Floats = state.add("motor.winding", keys)
        self._closed_s: Floats = state.add("motor.closed_s", keys, fill=on * LONG_S)
        self._standing_s: Floats = state.add("motor.standing_s", keys)
        self.disturbances = Disturbances(
            **{name: state.add(f"disturbance.motor_{name}", keys) for name in DISTURBANCES}
        )
        self._measure()
        self.bearing_k[...], self.winding_k[...] = self._warm()

    def step(self, position: Floats, supply: Supply) -> None:
        """Advance by one period and set the contactors; ``position`` (outputs, batch) are the orders."""
        p, gone, dt = self._parameters, self.disturbances, self._period_s
        ordered = position[self._output] >= 0.5
        fed = self._on_battery | (self._on_diesel & (supply.diesel >= 0.5)) | (supply.bus >= 0.5)
        is_local = gone.local >= 0.5
        self.fault[...] = (gone.fault >= 0.5) | self._protect() | (self.fault & ordered)
        healthy = fed & ~self.fault & (gone.isolated < 0.5)
        self.available[...] = healthy & ~is_local
        self.closed[...] = np.where(is_local, self.closed, ordered) & healthy
        self._closed_s[...] = (self._closed_s + dt) * self.closed
        wanted = np.ones_like(self.speed)
        np.copyto(wanted, position[self._ramp], where=self._has_ramp)
        wanted *= self.closed
        self.speed[...] += np.minimum(np.maximum(wanted - self.speed, -dt / p.coast_s), dt / p.run_up_s)
        self._inputs[self._input] = self.closed
        self._measure()
        bearing, winding = self._warm()
        self.bearing_k[...] += (bearing - self.bearing_k) * lag(dt, p.bearing_s)
        self.winding_k[...] += (winding - self.winding_k) * lag(dt, p.winding_s)

    def signals(self) -> Floats:
        """Return the general signals, (names, batch), in SI units."""
        running = self.closed & (self._closed_s >= self._parameters.feedback_s)
        shake = self._vibration()
        states = (running, self.fault, self.disturbances.local, self.available, self.current, self.power, self.speed)
        machine = (self.bearing_k, self.bearing_k, shake, shake, self.winding_k, self.winding_k, self.winding_k)
        return np.concatenate([every.astype(np.float64) for every in (*states, *machine)])[self._shown]

    def _size(self, devices: Sequence[MotorDevice]) -> None:
        """Collect ratings, converters, and the power meters of the process."""
        share = self._parameters.rated_range
        self._rated_a = _column([d.span("current") * share for d in devices])
        self._rated_w = _column([d.span("power") * share for d in devices])
        self._has_ramp = _flags([d.ramp is not None for d in devices])
        self._ramp = np.array([d.ramp or 0 for d in devices], dtype=np.intp)
        self._starts_hard = _flags([not d.has_converter for d in devices])
        meters = [d.rows("power") for d in devices]
        self._is_metered = _flags([bool(rows) for rows in meters])
        self._meter = np.array([rows[0] if rows else 0 for rows in meters], dtype=np.intp)

    def _feed(self, devices: Sequence[MotorDevice], process: Process) -> None:
        """Collect which motors the emergency supplies feed."""
        motors = [(d.motor.instance, d.motor.name) for d in devices]
        issues: list[Issue] = []
        fed: dict[str, list[bool]] = {}
        for area in (ON_DIESEL, ON_BATTERY):
            named = {(instance, name) for instance, areas in process.items() for name in areas.get(area, {})}
            fed[area] = [motor in named for motor in motors]
            for instance, name in sorted(named.difference(motors)):
                text = "no motor has this run command"
                issues.append(Issue("process parameters", 0, f"{instance}.process.{area}.{name}", text))
        if issues:
            raise ConfigError(issues)
        self._on_diesel, self._on_battery = _flags(fed[ON_DIESEL]), _flags(fed[ON_BATTERY])

    def _watch(self, devices: Sequence[MotorDevice]) -> None:
        """Collect the signals of the process that the protection watches, sorted by motor and kind."""
        p = self._parameters
        limits = {
            "bearing": (p.bearing_high_k, p.bearing_trip_k),
            "vibration": (p.vibration_high_m_s, p.vibration_trip_m_s),
            "winding": (p.winding_high_k, p.winding_trip_k),
        }
        groups = [(n, kind, rows) for n, d in enumerate(devices) for kind in KINDS if (rows := d.rows(kind))]
        sizes = [len(rows) for _, _, rows in groups]
        self._watched = np.array([row for _, _, rows in groups for row in rows], dtype=np.intp)
        self._high = _column([limits[kind][0] for _, kind, rows in groups for _ in rows])
        self._trip = _column([limits[kind][1] for _, kind, rows in groups for _ in rows])
        self._needed = _column([min(size, 2) for size in sizes])  # high ones, that with the trip value among them
        self._group_starts = np.cumsum([0, *sizes])[:-1]
        motors = [n for n, _, _ in groups]
        self._watched_motor = np.array(sorted(set(motors)), dtype=np.intp)
        self._motor_starts = np.array([motors.index(n) for n in self._watched_motor], dtype=np.intp)

    def _protect(self) -> Mask:
        """Return where a trip value has stood long enough."""
        p = self._parameters
        stands = (self.bearing_k >= p.bearing_trip_k) | (self.winding_k >= p.winding_trip_k)
        stands |= self._vibration() >= p.vibration_trip_m_s
        if self._watched.size:
            value = self._signals[self._watched]
            tripped = np.add.reduceat((value >= self._trip) * 1.0, self._group_starts, axis=0)
            high = np.add.reduceat((value >= self._high) * 1.0, self._group_starts, axis=0)
            voted = (tripped >= 1.0) & (high >= self._needed)
            stands[self._watched_motor] |= np.add.reduceat(voted * 1.0, self._motor_starts, axis=0) >= 1.0
        self._standing_s[...] = (self._standing_s + self._period_s) * stands
        return stands & (self._standing_s >= p.trip_s)

    def _measure(self) -> None:
        """Set power and current: magnetising and load current are at right angles."""
        p, closed = self._parameters, self.closed * 1.0
        self.power[...] = self._rated_w * p.load * self.speed * self.speed * self.speed * closed
        np.copyto(self.power, self._signals[self._meter], where=self._is_metered)
        load = p.load * self.speed
        np.copyto(load, self.power / np.maximum(self._rated_w, 1.0), where=self._rated_w > 0.0)
        idle = p.no_load_current * p.no_load_current
        share = np.sqrt(idle + (1.0 - idle) * load * load)
        starting = p.starting_current * (1.0 - self.speed) * self._starts_hard
        self.current[...] = closed * self._rated_a * np.maximum(share, starting)

    def _vibration(self) -> Floats:
        """Return the general vibration, m/s."""
        return (self._parameters.vibration_m_s + self.disturbances.vibration) * self.speed * self.speed

    def _warm(self) -> tuple[Floats, Floats]:
        """Return where the general bearing and winding temperatures go, K."""
        p = self._parameters
        load = np.minimum(self.current / np.maximum(self._rated_a, 1.0), MOST_LOAD)
        bearing = p.room_k + p.bearing_rise_k * self.speed + self.disturbances.bearing
        return bearing, p.room_k + p.winding_rise_k * load * load


def _shown(devices: Sequence[MotorDevice]) -> tuple[list[str], Rows]:
    """Return the names of the general signals that tags read, and their rows among all general signals."""
    names: list[str] = []
    rows: list[int] = []
    for number, device in enumerate(devices):
        for kind in device.general:
            names.append(f"{device.motor.instance}/{GENERAL[kind]}.{device.motor.name}")
            rows.append(kind * len(devices) + number)
    return names, np.array(rows, dtype=np.intp)


def _flags(values: Sequence[bool]) -> Mask:
    return np.array(values, dtype=np.bool_).reshape(-1, 1)


def _column(values: Sequence[float]) -> Floats:
    return np.array(values, dtype=np.float64).reshape(-1, 1)
