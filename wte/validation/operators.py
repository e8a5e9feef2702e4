"""Operators who move the plant from one state to another: programs that wait, ramps, hands, and a record of it all.

A program is a generator: it moves final elements and yields a ``Wait``. Several programs run at the same time, as the
men at boiler and turbine do. They act once a second; every tenth second is kept.
"""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field

import numpy as np

from controller.core.errors import PlantError
from wte.validation.course import Course, Recorder
from wte.validation.shift import Floats, Hand, Shift

KEPT_S = 10
MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Wait:
    """Until something holds, or for a time; what takes longer than ``at_most_min`` is a failure of the plant."""

    at_most_min: float
    until: Callable[[], bool] | None = None
    what: str = ""


Program = Generator[Wait, None, None]


@dataclass(frozen=True, slots=True)
class _Ramp:
    array: Floats
    target: float
    per_s: float

    def move(self) -> None:
        self.array[...] = np.minimum(np.maximum(self.target, self.array - self.per_s), self.array + self.per_s)


@dataclass(slots=True)
class Operators:
    """People at the desk of one plant; ``watched`` signals, by their full names, are kept."""

    shift: Shift
    watched: tuple[str, ...]
    steps: dict[str, float] = field(default_factory=dict[str, float])  # when each step began, s
    duties: dict[str, Callable[[], None]] = field(default_factory=dict[str, Callable[[], None]])
    seconds: int = 0
    _ramps: dict[str, _Ramp] = field(default_factory=dict[str, _Ramp])
    _times: list[float] = field(default_factory=list[float])
    _rows: list[Floats] = field(default_factory=list[Floats])

    def run(self, *programs: Program) -> None:
        """Run programs side by side until all have ended; PlantError where one waits for too long."""
        waiting = {program: (next(program), self.seconds) for program in programs}
        while waiting:
            self._pass_a_second()
            for program, (wait, since) in list(waiting.items()):
                over_s = self.seconds - since - wait.at_most_min * MINUTE_S
                if wait.until is not None and not wait.until():
                    if over_s >= 0.0:
                        raise PlantError(f"{wait.what}: not within {wait.at_most_min:g} min, at {self.clock()}")
                    continue
                if wait.until is None and over_s < 0.0:
                    continue
                after = next(program, None)
                if after is None:
                    del waiting[program]
                else:
                    waiting[program] = (after, self.seconds)

    def _pass_a_second(self) -> None:
        for name, ramp in list(self._ramps.items()):
            ramp.move()
            if (ramp.array == ramp.target).all():
                del self._ramps[name]
        for duty in list(self.duties.values()):
            duty()
        self.shift.run(1.0)
        self.seconds += 1
        if self.seconds % KEPT_S == 0:
            plant = self.shift.plant
            self._times.append(float(self.seconds))
            self._rows.append(plant.signals[[plant.signal_row[name] for name in self.watched], 0])

    def step(self, name: str) -> None:
        """Note that a step begins."""
        self.steps[name] = float(self.seconds)

    def clock(self) -> str:
        """Return the time since the beginning."""
        return f"{self.seconds // 3600} h {self.seconds // 60 % 60:02d} min"

    def put(self, value: float | Floats, *inputs: str) -> None:
        """Set inputs of all lines, or common ones, by their short names."""
        for name in inputs:
            self._ramps.pop(name, None)
            self.shift.plant.input_board[name][...] = value

    def ramp(self, name: str, target: float, per_min: float) -> None:
        """Move an input, or the set-point of the hand of this name, at a rate."""
        array = self.shift.set_points[name] if name in self.shift.hands else self.shift.plant.input_board[name]
        self._ramps[name] = _Ramp(array, target, per_min / MINUTE_S)

    def stop(self, *names: str) -> None:
        """End ramps where they are."""
        for name in names:
            self._ramps.pop(name, None)

    def hold(self, name: str, hand: Hand, set_point: float | None = None) -> None:
        """Put a hand on its input; without a set-point it holds what it finds."""
        self.shift.put_on(name, hand)
        found = self.shift.plant.signal_board[hand.signal]
        self.shift.set_points[name] = found.copy() if set_point is None else np.full_like(found, set_point)

    def aim(self, name: str, set_point: float) -> None:
        """Give the hand of this name another set-point."""
        self._ramps.pop(name, None)
        self.shift.set_points[name][...] = set_point

    def leave(self, *names: str) -> None:
        """Take hands off; what they held stays where it is."""
        for name in names:
            self._ramps.pop(name, None)
            self.shift.hands.pop(name, None)

    def see(self, signal: str) -> Floats:
        """Return a signal by its short name, of all lines."""
        return self.shift.plant.signal_board[signal][:, 0]

    def at(self, inputs: str) -> Floats:
        """Return where an input stands, of all lines."""
        return self.shift.plant.input_board[inputs][:, 0]

    def mean(self, name: str, seconds: float) -> float:
        """Return the mean of a watched signal over the last ``seconds``, or NaN before these have passed."""
        count = round(seconds / KEPT_S)
        if len(self._rows) < count:
            return float("nan")
        column = self.watched.index(name)
        return float(np.mean([row[column] for row in self._rows[-count:]]))

    def courses(self) -> dict[str, Course]:
        """Return what the watched signals did."""
        recorder = Recorder(self.watched)
        for time_s, row in zip(self._times, self._rows, strict=True):
            recorder.note(time_s, row)
        return recorder.courses()


def numbered(text: str, numbers: Iterable[object]) -> tuple[str, ...]:
    """Return ``text`` with each of ``numbers`` in place of ``{}``."""
    return tuple(text.format(number) for number in numbers)
