"""Which faults stand: a table in the state, so that it is saved and restored with the plant.

For those who have registers only, a fault is known by its number, a target by its place in the fault's list of targets
and a choice by its place in the list of choices, both from 1.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.errors import PlantError
from controller.core.state import State

Floats = npt.NDArray[np.float64]

MOST = 64  # faults that stand at once
MOST_ARGS = 4  # numbers a fault takes
FAULT, TARGET, SINCE, ARGS = 0, 1, 2, 3  # columns


@dataclass(frozen=True, slots=True)
class Standing:
    """A fault that stands: its number, its target's (0: it has none) and its arguments, None where not given."""

    fault: int
    target: int
    args: tuple[float | None, ...]


class Record:
    """The table of standing faults, (MOST, 3 + MOST_ARGS, batch): fault (0: a free row), target, step, arguments."""

    def __init__(self, state: State) -> None:
        keys = [f"{row}" for row in range(1, MOST + 1)]
        self._rows: Floats = state.add("fault.standing", keys, depth=ARGS + MOST_ARGS)

    def standing(self) -> list[Standing]:
        """Return the faults that stand in the first plant."""
        rows = self._rows[self.used(), :, 0].tolist()
        return [
            Standing(int(fault), int(target), tuple(None if math.isnan(arg) else arg for arg in args))
            for fault, target, _, *args in rows
        ]

    def used(self) -> list[int]:
        """Return the rows in use."""
        return np.flatnonzero(self._rows[:, FAULT, 0]).tolist()

    def fault_of(self, row: int) -> tuple[int, int, float]:
        """Return number, target and the step at which the fault of a row was set."""
        fault, target, since = self._rows[row, :ARGS, 0].tolist()
        return int(fault), int(target), since

    def arg(self, row: int, place: int) -> Floats:
        """Return an argument, (batch,), NaN where it was not given."""
        return self._rows[row, ARGS + place]

    def rows_for(self, fault: int, targets: Sequence[int]) -> list[int]:
        """Return a row for each target: that of the same fault on it, else a free one; PlantError when all are used."""
        held = {(int(f), int(t)): row for row, (f, t) in enumerate(self._rows[:, :SINCE, 0].tolist()) if f}
        free = (row for row, number in enumerate(self._rows[:, FAULT, 0].tolist()) if not number)
        rows = [held[fault, target] if (fault, target) in held else next(free, None) for target in targets]
        found = [row for row in rows if row is not None]
        if len(found) < len(rows):
            raise PlantError(f"{len(held)} faults stand, and no more than {MOST} can: clear some first")
        return found

    def note(
        self, row: int, fault: int, target: int, step: int, args: Mapping[int, float | Sequence[float] | Floats]
    ) -> None:
        """Write one row; ``args`` are the arguments given by their place, from 0."""
        self._rows[row] = np.nan
        self._rows[row, FAULT], self._rows[row, TARGET], self._rows[row, SINCE] = fault, target, step
        for place, value in args.items():
            self._rows[row, ARGS + place] = value

    def rows_of(self, fault: int, targets: Sequence[int]) -> list[int]:
        """Return the rows where the fault stands on one of ``targets``."""
        return [row for row in self.used() if self.fault_of(row)[0] == fault and self.fault_of(row)[1] in targets]

    def remove(self, rows: Sequence[int]) -> None:
        """Take rows off the record."""
        self._rows[rows] = 0.0
