"""Final elements: what an output register does to the process, for all outputs at once.

The positioner's dead band, travel at the stroke rate, then stiction; sticking fast and slowness are faults. Positions
are shares of the range, 0..1, (outputs, batch).

Stiction is the model of Kano, Maruta, Kugemoto and Shimizu, "Practical model and detection algorithm for valve
stiction" (IFAC DYCOPS 2004), with two parameters, shares of the stroke: ``S``, how far the drive has to turn back until
the stem moves, and ``J``, how far the stem slips when it breaks away. The stem rests when the drive stops or turns; it
goes on after J in the old direction or S in the other one; moving, it is behind the drive by half of S - J. At the ends
of its travel the drive has force to spare: a valve shuts and opens fully. With S and J 0 the stem is where the drive
is.

Instrument air moves whatever has a stroke and a feedback of its position, unless it belongs to equipment with a run
command: motor, burner. Without air it goes to the fail position of its output, as that says: held for a time, then by
its spring, or slowly where the trapped air leaks away.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.errors import ConfigError, Issue
from controller.core.state import State
from plc_sim.points import OutputPoint, Scaling

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

AT_ONCE = 1e9  # strokes per second of an element without stroke time
LIMIT_SWITCH = 0.02  # from an end of the stroke


class Board(NamedTuple):
    """Rows that outputs can drive: an array (rows, batch) and where "L1/feedwater.valve" stands in it."""

    array: Floats
    rows: Mapping[str, int]


class Actuators:
    """Valves, drives and switches behind all outputs."""

    def __init__(
        self, points: tuple[OutputPoint, ...], boards: Sequence[Board], state: State, *, period_s: float
    ) -> None:
        """Add the state; every element stands where the initial condition of what it drives wants it."""
        keys = [p.key for p in points]
        places = _places(points, boards)
        self._driven = [(board.array, *_of_board(places, number)) for number, board in enumerate(boards)]
        self.scaling = Scaling(points, saturates=False)
        self._period_s = period_s
        self._opens = _column([_travel(p.actuator.stroke_s, period_s) for p in points])
        self._closes = _column(
            [
                _travel(p.actuator.stroke_s if p.actuator.close_s is None else p.actuator.close_s, period_s)
                for p in points
            ]
        )
        self._dead_band = _column([p.actuator.dead_band_pct / 100.0 for p in points])
        self._add_fail(points)
        initial = np.concatenate([boards[board].array[row : row + 1] for board, row in places])
        self.initial_raw: Floats = self.scaling.raw_of_fraction(initial)
        initial = self.scaling.fraction(self.initial_raw)
        self.accepted: Floats = state.add("actuator.accepted", keys, fill=initial)  # demand behind the dead band
        self.drive: Floats = state.add("actuator.drive", keys, fill=initial)
        self.position: Floats = state.add("actuator.position", keys, fill=initial)
        self.is_stuck: Mask = state.add("actuator.stuck", keys, dtype=np.bool_)
        self.speed: Floats = state.add("actuator.speed", keys, fill=1.0)  # share of the normal stroke rate
        self.stiction: Floats = state.add("actuator.stiction", keys)  # S
        self.slip: Floats = state.add("actuator.slip", keys)  # J
        self._turned: Floats = state.add("actuator.turned", keys, fill=initial)  # drive when the stem came to rest
        self._direction: Floats = state.add("actuator.direction", keys, fill=1.0)  # 1 opens, -1 closes
        self._is_moving: Mask = state.add("actuator.moving", keys, dtype=np.bool_)
        self._airless_s: Floats = state.add("actuator.airless_s", ("air",))

    def _add_fail(self, points: tuple[OutputPoint, ...]) -> None:
        """Collect what each element does without instrument air."""
        runs = {p.owner for p in points if p.form == "bool" and p.actuator.stroke_s == 0.0}
        by_air = [p.actuator.stroke_s > 0.0 and p.has_feedback and p.owner not in runs for p in points]
        self._by_air = np.array(by_air).reshape(-1, 1)
        ends = [np.nan if p.fail.position == "hold" else p.fail.position for p in points]
        share = (_column(ends) - self.scaling.lo) / self.scaling.span
        self._fails = ~np.isnan(share)
        self._fail = np.where(self._fails, np.minimum(np.maximum(share, 0.0), 1.0), 0.0)
        self._fail_hold_s = _column([p.fail.hold_s for p in points])
        rates = _column([p.fail.rate_per_min for p in points]) / self.scaling.span * (self._period_s / 60.0)
        self._fail_travel = np.where(rates > 0.0, rates, AT_ONCE)

    def step(self, raw: Floats, air: Floats) -> None:
        """Move for one period towards ``raw``, the output registers, and act on the process.

        ``air`` (1, batch) is 1 where there is enough instrument air, else 0.
        """
        demand = self.scaling.fraction(raw)
        np.copyto(self.accepted, demand, where=np.abs(demand - self.accepted) > self._dead_band)
        goal, most = self._driven_by(air)
        before = self.drive.copy()
        opens, closes = np.minimum(self._opens * self.speed, most), np.minimum(self._closes * self.speed, most)
        moved = before + np.minimum(np.maximum(goal - before, -closes), opens)
        self.drive[...] = np.where(self.is_stuck, self.position, moved)
        np.copyto(self.position, self._stem(before), where=~self.is_stuck)
        for array, rows, numbers in self._driven:
            array[rows] = self.position[numbers]

    @property
    def is_open(self) -> Mask:
        """The limit switches of the open end, (outputs, batch)."""
        return self.position >= 1.0 - LIMIT_SWITCH

    @property
    def is_closed(self) -> Mask:
        """The limit switches of the closed end."""
        return self.position <= LIMIT_SWITCH

    def _driven_by(self, air: Floats) -> tuple[Floats, Floats]:
        """Return where each drive goes and the most that it travels for it: to its demand, or where air is lost."""
        is_lost = air < 0.5
        self._airless_s[...] = (self._airless_s + self._period_s) * is_lost
        fails = self._by_air & is_lost
        is_due = self._fails & (self._airless_s >= self._fail_hold_s)
        goal = np.where(fails, np.where(is_due, self._fail, self.drive), self.accepted)
        return goal, np.where(fails, self._fail_travel, AT_ONCE)

    def _stem(self, before: Floats) -> Floats:
        """Return where the stem stands now that the drive has moved on from ``before``."""
        drive, direction = self.drive, self._direction
        rests = self._is_moving & ((drive - before) * direction <= 0.0)
        np.copyto(self._turned, before, where=rests)
        excursion = (drive - self._turned) * direction
        is_resting = rests | ~self._is_moving
        returns = is_resting & (excursion < -self.stiction)
        self._is_moving[...] = ~is_resting | (excursion > self.slip) | returns
        np.copyto(direction, -direction, where=returns)
        behind = drive - direction * (0.5 * (self.stiction - self.slip))
        stem = np.where(self._is_moving, np.minimum(np.maximum(behind, 0.0), 1.0), self.position)
        is_free = (self.stiction <= 0.0) | (drive <= 0.0) | (drive >= 1.0)
        return np.where(is_free, drive, stem)


def _travel(stroke_s: float, period_s: float) -> float:
    return period_s / stroke_s if stroke_s > 0.0 else AT_ONCE


def _column(values: Sequence[float]) -> Floats:
    return np.array(values, dtype=np.float64).reshape(-1, 1)


def _of_board(places: Sequence[tuple[int, int]], board: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the rows of one board that are driven, and the outputs that do it."""
    numbers = [number for number, (found, _) in enumerate(places) if found == board]
    return np.array([places[n][1] for n in numbers], dtype=np.intp), np.array(numbers, dtype=np.intp)


def _places(points: tuple[OutputPoint, ...], boards: Sequence[Board]) -> list[tuple[int, int]]:
    """Return the board and row that each output drives; each is driven once."""
    places: list[tuple[int, int]] = []
    issues: list[Issue] = []
    driven: dict[str, str] = {}
    for point in points:
        name = f"{point.instance}/{point.actuator.drives}"
        found = [(number, board.rows[name]) for number, board in enumerate(boards) if name in board.rows]
        if not found:
            known = sorted({key for board in boards for key in board.rows if key.startswith(f"{point.instance}/")})
            here = ", ".join(key.split("/", 1)[1] for key in known)
            text = f"the simulated plant has no input {point.actuator.drives!r}; {point.instance} has {here}"
            issues.append(point.issue("actuator.drives", text))
        elif name in driven:
            issues.append(point.issue("actuator.drives", f"{driven[name]} drives {point.actuator.drives} already"))
        else:
            driven[name] = point.key
            places.append(found[0])
    if issues:
        raise ConfigError(issues)
    return places
