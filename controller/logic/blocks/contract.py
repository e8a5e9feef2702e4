"""What every kind of calculation is: one function over a group, arrays (n, width, batch) in, (n, batch) out.

``codes`` is None when every input is Good, the usual case, in which a kind need not look at quality at all. A result is
NaN exactly where its code is BAD.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from controller.core.plan import DerivedGroup, Ints
from controller.core.quality import Codes
from controller.core.tags import Floats

Counts = npt.NDArray[np.int64]
Result = tuple[Floats, Codes]

_NO_FLOATS: Final = np.empty((0, 0))
_NO_RING: Final = np.empty((0, 0, 0))
_NO_CODES: Final = np.empty((0, 0, 0), dtype=np.uint32)
_NO_COUNTS: Final = np.empty((0, 0), dtype=np.int64)
_FEW_COLUMNS: Final = 5
_NO_NUMBERS: Final = np.empty(0, dtype=np.intp)


@dataclass(slots=True)
class Memory:
    """What one group remembers: views of the state registry, each (n, batch) unless said otherwise.

    ``own`` is NaN until first used, or retained (totals, latches). ``rest`` is what a sum lost by rounding, or the sum
    over a ring. ``ring`` and ``codes`` (n, turns, batch) hold the inputs of the last turns, ``at`` (1, 1) the place the
    next one takes; ``usable`` and ``good`` count those in the window. ``length`` (n,) is how far each member looks
    back, ``first`` (n,) where its part begins in a list of all, of rings or of points.
    """

    rows: slice  # of the tag table
    own: Floats
    rest: Floats = field(default_factory=lambda: _NO_FLOATS)
    ring: Floats = field(default_factory=lambda: _NO_RING)
    codes: Codes = field(default_factory=lambda: _NO_CODES)
    at: Counts = field(default_factory=lambda: _NO_COUNTS)
    usable: Counts = field(default_factory=lambda: _NO_COUNTS)
    good: Counts = field(default_factory=lambda: _NO_COUNTS)
    length: Ints = field(default_factory=lambda: _NO_NUMBERS)
    first: Ints = field(default_factory=lambda: _NO_NUMBERS)


ALL_GOOD: Final = np.zeros((1, 1), dtype=np.uint32)
"""The code of a whole group; an array, because to write a number into an array takes three times as long."""

Block = Callable[[DerivedGroup, Floats, Codes | None, Memory, int], Result]
"""``block(group, x, codes, memory, turns)``; ``turns`` of the group have passed since the last evaluation."""


def worst(codes: Codes | None) -> Codes:
    """Return the worst code over the inputs; padding repeats the first input and changes nothing."""
    return ALL_GOOD if codes is None else np.maximum.reduce(codes, axis=1)


def code_of(codes: Codes | None) -> Codes:
    """Return the code of the first input."""
    return ALL_GOOD if codes is None else codes[:, 0]


def largest(x: Floats) -> Floats:
    """Return the largest input of each member; one call for each column is faster than one reduction of few."""
    if x.shape[1] > _FEW_COLUMNS:
        return np.maximum.reduce(x, axis=1)
    result = x[:, 0]
    for column in range(1, x.shape[1]):
        result = np.maximum(result, x[:, column])
    return result


def smallest(x: Floats) -> Floats:
    """Return the smallest input of each member."""
    if x.shape[1] > _FEW_COLUMNS:
        return np.minimum.reduce(x, axis=1)
    result = x[:, 0]
    for column in range(1, x.shape[1]):
        result = np.minimum(result, x[:, column])
    return result
