"""What signals did while a plant was stepped, and what is read from such courses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Course:
    """One value over time."""

    time_s: Floats
    value: Floats

    def at(self, time_s: float) -> float:
        """Return the value at a time."""
        return float(np.interp(time_s, self.time_s, self.value))

    def mean(self, start_s: float, end_s: float) -> float:
        """Return the mean over a stretch of time."""
        return float(self.between(start_s, end_s).value.mean())

    def between(self, start_s: float, end_s: float) -> "Course":
        """Return a stretch of time."""
        inside = (self.time_s >= start_s - 1e-9) & (self.time_s <= end_s + 1e-9)
        return Course(self.time_s[inside], self.value[inside])

    def changed(self, function: Callable[[Floats], Floats]) -> "Course":
        """Return ``function`` of the value over the same time: a unit, a difference."""
        return Course(self.time_s, function(self.value))

    def slope(self, start_s: float, end_s: float) -> float:
        """Return the slope of a straight line through a stretch of time, a second."""
        part = self.between(start_s, end_s)
        return float(np.polyfit(part.time_s, part.value, 1)[0])

    def highest(self) -> tuple[float, float]:
        """Return time and value of the greatest value."""
        place = int(np.argmax(self.value))
        return float(self.time_s[place]), float(self.value[place])

    def lowest(self) -> tuple[float, float]:
        """Return time and value of the least value."""
        place = int(np.argmin(self.value))
        return float(self.time_s[place]), float(self.value[place])

    def reaches(self, value: float, after_s: float = 0.0) -> float:
        """Return the first time after ``after_s`` at which the course crosses ``value``; NaN if it does not."""
        part = self.between(after_s, float("inf"))
        over = part.value >= value
        turned = np.flatnonzero(over != over[0])
        if turned.size == 0:
            return float("nan")
        k = int(turned[0])
        before, after = part.value[k - 1], part.value[k]
        share = (value - before) / (after - before)
        return float(part.time_s[k - 1] + share * (part.time_s[k] - part.time_s[k - 1]))

    def response_s(self, start_s: float, end_s: float, share: float = 0.63) -> float:
        """Return how long after ``start_s`` the course has made ``share`` of its change until ``end_s``."""
        before, after = self.at(start_s), self.at(end_s)
        return self.between(start_s, end_s).reaches(before + share * (after - before)) - start_s


class Recorder:
    """Keeps rows of values while a plant is stepped."""

    def __init__(self, names: Sequence[str]) -> None:
        """Keep the values of ``names``."""
        self._names = list(names)
        self._time: list[float] = []
        self._rows: list[Floats] = []

    def note(self, time_s: float, row: Floats) -> None:
        """Add a row (names,); it is copied."""
        self._time.append(time_s)
        self._rows.append(np.array(row))

    def courses(self) -> dict[str, Course]:
        """Return the course of each name."""
        time_s, rows = np.array(self._time), np.array(self._rows)
        return {name: Course(time_s, rows[:, k]) for k, name in enumerate(self._names)}
