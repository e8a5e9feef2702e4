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
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.errors import ConfigError, Issue
from controller.core.state import State
from plc_sim.compiled.rows import Field, Part, Rows
from plc_sim.points import OutputPoint, Scaling

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

AT_ONCE = 1e9  # strokes per second of an element without stroke time
LIMIT_SWITCH = 0.02  # from an end of the stroke


class Board(NamedTuple):
    """Rows that outputs can drive: an array (rows, batch) and where "L1/feedwater.valve" stands in it."""

    array: Floats
    rows: Mapping[str, int]


@dataclass(slots=True)
class Element:
    """What one final element does in a period; all of them at once are the same formula on arrays (outputs, batch)."""

    scaling: Scaling
    raw: Floats  # the output register
    airless_s: Floats  # for how long there has been no instrument air; 0 where there is
    accepted: Floats  # demand behind the dead band
    drive: Floats
    position: Floats
    is_stuck: Mask
    speed: Floats  # share of the normal stroke rate
    stiction: Floats  # S
    slip: Floats  # J
    turned: Floats  # drive when the stem came to rest
    direction: Floats  # 1 opens, -1 closes
    is_moving: Mask
    opens: Floats  # strokes in a period
    closes: Floats
    dead_band: Floats
    by_air: Mask
    fails: Mask  # to a position; else it stays
    fail: Floats
    fail_hold_s: Floats
    fail_travel: Floats

    def step(self) -> None:
        """Move for one period."""
        scaling = self.scaling
        demand = scaling.fraction(scaling.rounded(self.raw))
        np.copyto(self.accepted, demand, where=np.abs(demand - self.accepted) > self.dead_band)
        goal, most = self._driven_by()
        before = self.drive.copy()
        opens, closes = np.minimum(self.opens * self.speed, most), np.minimum(self.closes * self.speed, most)
        moved = before + np.minimum(np.maximum(goal - before, -closes), opens)
        self.drive[...] = np.where(self.is_stuck, self.position, moved)
        np.copyto(self.position, self._stem(before), where=~self.is_stuck)

    def _driven_by(self) -> tuple[Floats, Floats]:
        """Return where each drive goes and the most that it travels for it: to its demand, or where air is lost."""
        without = self.by_air & (self.airless_s > 0.0)
        is_due = self.fails & (self.airless_s >= self.fail_hold_s)
        goal = np.where(without, np.where(is_due, self.fail, self.drive), self.accepted)
        return goal, np.where(without, self.fail_travel, AT_ONCE)

    def _stem(self, before: Floats) -> Floats:
        """Return where the stem stands now that the drive has moved on from ``before``."""
        drive, direction = self.drive, self.direction
        rests = self.is_moving & ((drive - before) * direction <= 0.0)
        np.copyto(self.turned, before, where=rests)
        excursion = (drive - self.turned) * direction
        is_resting = rests | ~self.is_moving
        returns = is_resting & (excursion < -self.stiction)
        self.is_moving[...] = ~is_resting | (excursion > self.slip) | returns
        np.copyto(direction, -direction, where=returns)
        behind = drive - direction * (0.5 * (self.stiction - self.slip))
        stem = np.where(self.is_moving, np.minimum(np.maximum(behind, 0.0), 1.0), self.position)
        is_free = (self.stiction <= 0.0) | (drive <= 0.0) | (drive >= 1.0)
        return np.where(is_free, drive, stem)


class Actuators:
    """Valves, drives and switches behind all outputs."""

    def __init__(
        self, points: tuple[OutputPoint, ...], boards: Sequence[Board], state: State, *, period_s: float
    ) -> None:
        """Add the state; every element stands where the initial condition of what it drives wants it."""
        keys = [p.key for p in points]
        places = _places(points, boards)
        self._driven = [(board.array, *_of_board(places, number)) for number, board in enumerate(boards)]
        self.scaling = Scaling.of(points, saturates=False)
        self._period_s = period_s
        initial = np.concatenate([boards[board].array[row : row + 1] for board, row in places])
        self.initial_raw: Floats = self.scaling.raw_of_fraction(initial)
        initial = self.scaling.fraction(self.initial_raw)
        self.position: Floats = state.add("actuator.position", keys, fill=initial)
        self.drive: Floats = state.add("actuator.drive", keys, fill=initial)
        self.is_stuck: Mask = state.add("actuator.stuck", keys, dtype=np.bool_)
        self.speed: Floats = state.add("actuator.speed", keys, fill=1.0)
        self.stiction: Floats = state.add("actuator.stiction", keys)
        self.slip: Floats = state.add("actuator.slip", keys)
        self._airless_s: Floats = state.add("actuator.airless_s", ("air",))
        moving = {
            "accepted": state.add("actuator.accepted", keys, fill=initial),
            "drive": self.drive,
            "position": self.position,
            "is_stuck": self.is_stuck,
            "speed": self.speed,
            "stiction": self.stiction,
            "slip": self.slip,
            "turned": state.add("actuator.turned", keys, fill=initial),
            "direction": state.add("actuator.direction", keys, fill=1.0),
            "is_moving": state.add("actuator.moving", keys, dtype=np.bool_),
        }
        constants = self._travels(points) | self._fails(points)
        self._fields: dict[str, Field | Part] = {name: Field(array) for name, array in moving.items()}
        self._fields |= {name: Field.constant(array) for name, array in constants.items()}
        self._fields["scaling"] = Part.constant(self.scaling)
        self._fields["airless_s"] = Field(self._airless_s, np.zeros(len(keys), dtype=np.intp))

    def elements(self, raw: Floats) -> Rows[Element]:
        """Return all elements, following the output registers ``raw``, (outputs, batch)."""
        return Rows(Element, {"raw": Field(raw), **self._fields}, Element.step)

    def step(self, raw: Floats, air: Floats) -> None:
        """Move for one period towards ``raw``, the output registers, and act on the process.

        ``air`` (1, batch) is 1 where there is enough instrument air, else 0.
        """
        self.feel(air)
        self.elements(raw).run()
        self.act()

    def feel(self, air: Floats) -> None:
        """Take the air of this period."""
        self._airless_s[...] = (self._airless_s + self._period_s) * (air < 0.5)

    def act(self) -> None:
        """Set what the elements drive."""
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

    def _travels(self, points: tuple[OutputPoint, ...]) -> dict[str, npt.NDArray[Any]]:
        """Return how far each element travels in a period, and what it does not move for."""
        strokes = [p.actuator.stroke_s for p in points]
        closes = [p.actuator.stroke_s if p.actuator.close_s is None else p.actuator.close_s for p in points]
        return {
            "opens": _column([_travel(stroke_s, self._period_s) for stroke_s in strokes]),
            "closes": _column([_travel(stroke_s, self._period_s) for stroke_s in closes]),
            "dead_band": _column([p.actuator.dead_band_pct / 100.0 for p in points]),
        }

    def _fails(self, points: tuple[OutputPoint, ...]) -> dict[str, npt.NDArray[Any]]:
        """Return what each element does without instrument air."""
        runs = {p.owner for p in points if p.form == "bool" and p.actuator.stroke_s == 0.0}
        by_air = [p.actuator.stroke_s > 0.0 and p.has_feedback and p.owner not in runs for p in points]
        ends = [np.nan if p.fail.position == "hold" else p.fail.position for p in points]
        share = (_column(ends) - self.scaling.lo) / self.scaling.span
        rates = _column([p.fail.rate_per_min for p in points]) / self.scaling.span * (self._period_s / 60.0)
        return {
            "by_air": np.array(by_air, dtype=np.bool_).reshape(-1, 1),
            "fails": ~np.isnan(share),
            "fail": np.where(np.isnan(share), 0.0, np.minimum(np.maximum(share, 0.0), 1.0)),
            "fail_hold_s": _column([p.fail.hold_s for p in points]),
            "fail_travel": np.where(rates > 0.0, rates, AT_ONCE),
        }


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
