"""The burners' own PLC at 20 ms: purge, lighting, flame safety (after EN 746-2 and EN 12952-8).

The controller orders start and load; the PLC works lance, ignitor, two gas block valves and the vent between them, and
sees the flame itself. A start needs the air damper open, and a furnace that is purged, or in which a burner burns, or
that is hot enough to light gas by itself. Lance in, ignitor on, then gas at the lighting load: vent shut, first and
second valve open. Without a flame within the safety time, without the flame later, with the gas pressure outside its
limits, without combustion air, and by the emergency stop of the line, the burner is locked out: valves shut, vent open.
The lock-out ends when the start order is off and its cause gone. The load follows its order once the flame stands, as
far as the air damper allows.

Burners are found by what outputs drive: ``burner_1.start``, and with it ``burner_1.load`` and ``burner_1.air``. Arrays
are (burners, batch) unless said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.errors import ConfigError
from controller.core.state import State
from plc_sim.actuators import LIMIT_SWITCH, Board
from plc_sim.equipment_parameters import BURNER_PLC, BurnerPlcParameters, Process, read
from plc_sim.points import OutputPoint

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]

SCAN_S = 0.02
START = ".start"  # a burner is what an output gives this order
OFF, LANCE, IGNITE, LIGHT, HOLD, RUN, LOCKED = (float(n) for n in range(7))  # phases
CAUSES = ("no flame at the start", "flame lost", "gas pressure", "combustion air", "emergency stop")
NO_FLAME, FLAME_LOST, GAS_PRESSURE, NO_AIR, STOPPED = (float(n) for n in range(1, 6))  # places in ``CAUSES``, from 1
SWITCHES = ("valve_1_open", "valve_1_closed", "valve_2_open", "valve_2_closed", "vent_open", "vent_closed")
BURNER_SIGNALS = (*SWITCHES, "ignitor_on", "lance_in", "lock_out")
DRIVEN = ("valve", "ignitor", "load")  # inputs of the process
AIR_FLOWS = ("pa.flow", "sa.flow")
VALVES = ("valve_1", "valve_2", "vent")


class _Seen(NamedTuple):
    """What all scans of one step see of the process and of the controller's orders."""

    is_ordered: Mask
    is_lit: Mask
    may_start: Mask
    standing: Floats  # cause that stands whatever the burner does, 0 none


@dataclass(frozen=True, slots=True)
class _Parameters:
    """Those of all lines, (lines, 1), and of the burners' lines, (burners, 1)."""

    line: dict[str, Floats]
    burner: dict[str, Floats]


def orders(points: Sequence[OutputPoint]) -> list[OutputPoint]:
    """Return the start orders of all burners, those of one line together."""
    found = [p for p in points if p.actuator.drives.endswith(START) and p.actuator.drives.startswith("burner_")]
    instances = list(dict.fromkeys(p.instance for p in found))
    return sorted(found, key=lambda p: instances.index(p.instance))


class BurnerPlc:
    """All burners. ``board`` is what outputs drive: the start orders; ``signals`` what ``signal_names`` name."""

    def __init__(
        self,
        points: Sequence[OutputPoint],
        process: Process,
        *,
        common: str,
        inputs: Board,
        signals: Board,
        state: State,
        period_s: float,
        barometric_pa: float,
    ) -> None:
        """Add the state; a burner burns where the initial condition has its valves open.

        ``inputs`` and ``signals`` are those of the process, ``common`` the instance with the gas supply. ConfigError
        when the process lacks one of them or a line its parameters.
        """
        starts = orders(points)
        names = [f"{p.instance}/{p.actuator.drives.removesuffix(START)}" for p in starts]
        self.lines = tuple(dict.fromkeys(p.instance for p in starts))
        self._line = np.array([self.lines.index(p.instance) for p in starts], dtype=np.intp)
        self._first = np.array([list(self._line).index(n) for n in range(len(self.lines))], dtype=np.intp)
        self._bit = np.array([[2.0 ** (n - self._first[line])] for n, line in enumerate(self._line)])
        self._scans = round(period_s / SCAN_S)
        self._dt = period_s / self._scans
        self._p = _parameters(self.lines, process, barometric_pa, self._line)
        self._inputs, self._signals = inputs.array, signals.array
        self._input = {what: _rows(starts, inputs.rows, [f"{n}.{what}" for n in names]) for what in (*DRIVEN, "air")}
        self._signal = {
            "flame": _rows(starts, signals.rows, [f"{name}.flame" for name in names]),
            "gas.pressure": _rows(starts, signals.rows, [f"{common}/gas.pressure"]),
        } | {
            what: _rows(starts, signals.rows, [f"{line}/{what}" for line in self.lines])
            for what in (*AIR_FLOWS, "furnace.roof", "emergency_stop.line")
        }
        self.signal_names = [f"{name}.{what}" for what in BURNER_SIGNALS for name in names]
        self.signal_names += [f"{line}/burners.fault" for line in self.lines]
        self._add_state(names, state)

    def _add_state(self, names: Sequence[str], state: State) -> None:
        burns = self._inputs[self._input["valve"]] >= 0.5
        keys = [f"{name}{START}" for name in names]
        self.board = Board(state.add("burner_plc.start", keys, fill=burns), {key: row for row, key in enumerate(keys)})
        self.phase: Floats = state.add("burner_plc.phase", names, fill=np.where(burns, RUN, OFF))
        self.cause: Floats = state.add("burner_plc.cause", names)  # of the lock-out: place in ``CAUSES`` from 1, 0 none
        self.lance: Floats = state.add("burner_plc.lance", names, fill=burns)
        self._timer_s: Floats = state.add("burner_plc.timer", names)  # in this phase; lighting: with the gas on
        self._dark_s: Floats = state.add("burner_plc.dark", names)
        valves = state.add("burner_plc.valves", [f"{name}.{valve}" for valve in VALVES for name in names])
        self.valves = valves.reshape(len(VALVES), len(names), state.batch)  # 1: open
        self.valves[...] = np.stack([burns, burns, ~burns])
        self.purge_nm3: Floats = state.add("burner_plc.purge_volume", self.lines)
        self._purge_s: Floats = state.add("burner_plc.purge_time", self.lines)
        self.is_purged: Mask = state.add("burner_plc.purged", self.lines, dtype=np.bool_)
        self._had_fire: Mask = state.add("burner_plc.fire", self.lines, dtype=np.bool_)

    def step(self) -> None:
        """Run all scans of one period and act on the process, whose inputs hold load and air as ordered."""
        seen = self._look(self._dt * self._scans)
        for _ in range(self._scans):
            self._scan(seen, self._dt)
        p, works = self._p.burner, self._has_gas_order()
        load = self._inputs[self._input["load"]]
        allowed = np.minimum(load, self._inputs[self._input["air"]] * p["load_per_air"])
        load = np.where(self.phase == RUN, np.maximum(allowed, p["light_load"]), p["light_load"])
        self._inputs[self._input["load"]] = load * works
        self._inputs[self._input["valve"]] = np.minimum(self.valves[0], self.valves[1])
        self._inputs[self._input["ignitor"]] = self._is_igniting()

    def signals(self) -> Floats:
        """Return limit switches, ignitor, lance, cause of lock-out and the lines' fault bits, (names, batch)."""
        switches = [switch for valve in self.valves for switch in (valve >= 1.0 - LIMIT_SWITCH, valve <= LIMIT_SWITCH)]
        shown = [*switches, self._is_igniting(), self.lance >= 1.0 - LIMIT_SWITCH, self.cause]
        bits = (self.phase == LOCKED) * self._bit
        faults: Floats = np.add.reduceat(bits, self._first, axis=0)
        return np.concatenate([*(one.astype(np.float64) for one in shown), faults])

    def _look(self, dt: float) -> _Seen:
        """Read the process once for this step, and purge."""
        signal, row, p = self._signals, self._signal, self._p.line
        is_lit = signal[row["flame"]] >= 0.5
        air = signal[row["pa.flow"]] + signal[row["sa.flow"]]
        flames = np.add.reduceat(is_lit * 1.0, self._first, axis=0)
        has_fire = (flames >= 1.0) | (signal[row["furnace.roof"]] >= p["hot_k"])
        has_air = air >= p["kept_air_nm3_s"]
        self._purge(air, has_fire, has_air, dt)
        permit = self.is_purged | has_fire
        gas = signal[row["gas.pressure"]]
        limits = self._p.burner
        standing = np.zeros_like(self.cause)
        np.copyto(standing, GAS_PRESSURE, where=(gas <= limits["gas_low_pa"]) | (gas >= limits["gas_high_pa"]))
        np.copyto(standing, NO_AIR, where=~has_air[self._line])
        np.copyto(standing, STOPPED, where=(signal[row["emergency_stop.line"]] >= 0.5)[self._line])
        is_aired = self._inputs[self._input["air"]] >= limits["light_air"]
        may_start = permit[self._line] & is_aired & (standing == 0.0)
        return _Seen(self.board.array >= 0.5, is_lit, may_start, standing)

    def _purge(self, air: Floats, has_fire: Mask, has_air: Mask, dt: float) -> None:
        """Count the air of the purge; a purge is good until the fire after it has gone out or the air is lost."""
        p = self._p.line
        went_out = self._had_fire & ~has_fire
        counts = (air >= p["purge_air_nm3_s"]) & ~went_out
        self.purge_nm3[...] = (self.purge_nm3 + air * dt) * counts
        self._purge_s[...] = (self._purge_s + dt) * counts
        is_done = (self.purge_nm3 >= p["purge_nm3"]) & (self._purge_s >= p["purge_s"])
        self.is_purged[...] = (self.is_purged | is_done) & ~went_out & has_air
        self._had_fire[...] = has_fire

    def _scan(self, seen: _Seen, dt: float) -> None:
        """Run the logic for one scan and move what it works."""
        p, phase = self._p.burner, self.phase
        gas_flows = (self.valves[0] >= 1.0 - LIMIT_SWITCH) & (self.valves[1] >= 1.0 - LIMIT_SWITCH)
        self._timer_s[...] = np.where((phase == LIGHT) & ~gas_flows, 0.0, self._timer_s + dt)
        self._dark_s[...] = (self._dark_s + dt) * ~seen.is_lit
        cause = seen.standing.copy()
        np.copyto(cause, FLAME_LOST, where=(phase >= HOLD) & (self._dark_s >= p["flame_out_s"]))
        is_late = (phase == LIGHT) & ~seen.is_lit & (self._timer_s >= p["safety_s"])
        np.copyto(cause, NO_FLAME, where=is_late)
        works = (phase >= LANCE) & (phase <= RUN)
        locks = works & (cause > 0.0)
        np.copyto(self.cause, cause, where=locks)
        self._advance(seen, gas_flows, works, locks)
        self._move(dt)

    def _advance(self, seen: _Seen, gas_flows: Mask, works: Mask, locks: Mask) -> None:
        """Set the next phase."""
        p, phase, timer = self._p.burner, self.phase, self._timer_s
        is_shut = (self.valves[0] <= LIMIT_SWITCH) & (self.valves[1] <= LIMIT_SWITCH)
        is_safe = is_shut & (self.valves[2] >= 1.0 - LIMIT_SWITCH)
        frees = (phase == LOCKED) & ~seen.is_ordered & (seen.standing == 0.0)
        following = phase.copy()
        for now, then, when in (
            (OFF, LANCE, seen.is_ordered & seen.may_start & is_safe),
            (LANCE, IGNITE, self.lance >= 1.0 - LIMIT_SWITCH),
            (IGNITE, LIGHT, timer >= p["ignitor_s"]),
            (LIGHT, HOLD, seen.is_lit & gas_flows),
            (HOLD, RUN, timer >= p["hold_s"]),
        ):
            np.copyto(following, then, where=(phase == now) & when)
        np.copyto(following, OFF, where=frees | (works & ~seen.is_ordered))
        np.copyto(following, LOCKED, where=locks)
        np.copyto(self.cause, 0.0, where=frees)
        np.copyto(timer, 0.0, where=following != phase)
        phase[...] = following

    def _move(self, dt: float) -> None:
        """Move valves and lance for one scan: the vent shuts before the first valve opens, that before the second."""
        p, valves = self._p.burner, self.valves
        has_gas = self._has_gas_order()
        first = has_gas & (valves[2] <= LIMIT_SWITCH)
        second = first & (valves[0] >= 1.0 - LIMIT_SWITCH)
        wanted = np.stack([first * 1.0, second * 1.0, ~has_gas * 1.0])
        most, least = dt / p["valve_open_s"], -dt / p["valve_close_s"]
        valves[...] += np.minimum(np.maximum(wanted - valves, least), most)
        is_in = ((self.phase >= LANCE) & (self.phase <= RUN)) * 1.0
        travel = dt / p["lance_s"]
        self.lance[...] += np.minimum(np.maximum(is_in - self.lance, -travel), travel)

    def _has_gas_order(self) -> Mask:
        return (self.phase >= LIGHT) & (self.phase <= RUN)

    def _is_igniting(self) -> Mask:
        return (self.phase >= IGNITE) & (self.phase <= HOLD)


def _parameters(lines: Sequence[str], process: Process, barometric_pa: float, line_of: Rows) -> _Parameters:
    """Return the parameters as arrays; pressures become absolute."""
    found = [read(process, line, BURNER_PLC, BurnerPlcParameters) for line in lines]
    line: dict[str, Floats] = {}
    for name in BurnerPlcParameters.model_fields:
        shift = barometric_pa if name.startswith("gas_") else 0.0
        line[name] = np.array([getattr(one, name) + shift for one in found], dtype=np.float64).reshape(-1, 1)
    return _Parameters(line, {name: values[line_of] for name, values in line.items()})


def _rows(starts: Sequence[OutputPoint], rows: Mapping[str, int], names: Sequence[str]) -> Rows:
    """Return the rows of names; ConfigError with those that the process does not have."""
    missing = [name for name in names if name not in rows]
    if missing:
        text = f"a burner needs {', '.join(missing)}, which the simulated plant does not have"
        raise ConfigError([starts[0].issue("actuator.drives", text)])
    return np.array([rows[name] for name in names], dtype=np.intp)
