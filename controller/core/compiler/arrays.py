"""Small makers of plan arrays: columns (n, 1) that broadcast over the batch, row numbers (n,)."""

from collections.abc import Iterable, Sequence
from math import inf

import numpy as np
import numpy.typing as npt

from controller.core import models
from controller.core.models.protection import Cause
from controller.core.plan import Bools, Ints
from controller.core.tags import Floats


def column(numbers: Iterable[float]) -> Floats:
    """Return numbers as a column."""
    return np.array(list(numbers), dtype=np.float64).reshape(-1, 1)


def mask(answers: Iterable[bool]) -> Bools:
    """Return answers as a column."""
    return np.array(list(answers), dtype=np.bool_).reshape(-1, 1)


def rows(numbers: Iterable[int]) -> Ints:
    """Return row numbers."""
    return np.array(list(numbers), dtype=np.intp)


def nanoseconds(seconds: Iterable[float]) -> npt.NDArray[np.int64]:
    """Return seconds as a column of whole nanoseconds."""
    return np.array([round(s * 1e9) for s in seconds], dtype=np.int64).reshape(-1, 1)


def starts(sizes: Sequence[int]) -> list[int]:
    """Return where each run begins when runs of ``sizes`` stand one after another."""
    return [sum(sizes[:n]) for n in range(len(sizes))]


def limit_of(spec: models.Limit) -> tuple[float, float]:
    """Return (limit, sign) with the meaning ``sign * value >= sign * limit``."""
    if spec.above is not None:
        return spec.above, 1.0
    if spec.below is not None:
        return spec.below, -1.0
    if isinstance(spec, Cause) and spec.is_bad:
        return inf, 1.0  # no value is true: only bad channels make the vote act
    return 0.5, 1.0 if spec.is_true else -1.0


def next_phase(rates: Iterable[int], rate: int) -> int:
    """Return the phase of the next group of ``rate`` after those of ``rates``: equal rates take turns."""
    return sum(other == rate for other in rates) % rate
