"""One value out of several of equal meaning: median, average, highest, lowest, and their spread.

An input that is BAD is left out; the result is then Uncertain, and BAD only when none is left.
"""

from typing import Final

import numpy as np

from controller.core.plan import DerivedGroup, Ints
from controller.core.quality import BAD, GOOD, UNCERTAIN_SUB_NORMAL, Codes
from controller.core.tags import Floats
from controller.logic.blocks.contract import ALL_GOOD, Memory, Result, largest, smallest, worst

_THREE: Final = 3
_WIDE: Final = 8  # plants, from which comparing is faster


def median(group: DerivedGroup, x: Floats, codes: Codes | None, _memory: Memory, _turns: int) -> Result:
    """Return the middle one, of an even number the mean of the two."""
    if codes is None and group.is_full:
        width = x.shape[1]
        if width == _THREE and x.shape[2] > _WIDE:
            return _middle_of_three(x), ALL_GOOD
        x.sort(axis=1)
        if width % 2:
            return x[:, width // 2] + 0.0, ALL_GOOD  # -0 and 0 are equal, which one stands here is chance: always 0
        return 0.5 * (x[:, width // 2 - 1] + x[:, width // 2]) + 0.0, ALL_GOOD
    ordered, count, code = _sorted_usable(group, x, codes)
    middle = 0.5 * (_pick(ordered, (count - 1) // 2) + _pick(ordered, count // 2))
    return np.where(count == 0, np.nan, middle + 0.0), code


def _middle_of_three(x: Floats) -> Floats:
    """Return the middle one by comparing: over a wide batch twenty times as fast as sorting three by three."""
    low, high = np.minimum(x[:, 0], x[:, 1]), np.maximum(x[:, 0], x[:, 1])
    np.minimum(high, x[:, 2], out=high)
    np.maximum(low, high, out=low)
    low += 0.0  # see above
    return low


def average(group: DerivedGroup, x: Floats, codes: Codes | None, _memory: Memory, _turns: int) -> Result:
    """Return the mean; additions in the order of the inputs, so that every batch has the same last bit."""
    if codes is None and group.is_full:
        total = x[:, 0].copy()
        for column in range(1, x.shape[1]):
            total += x[:, column]
        total /= group.size
        return total, ALL_GOOD
    usable = np.broadcast_to(group.used[:, :, None], x.shape) if codes is None else _usable(group, codes)
    total = np.zeros((x.shape[0], x.shape[2]))
    for column in range(x.shape[1]):
        total += np.where(usable[:, column], x[:, column], 0.0)
    count = np.add.reduce(usable, axis=1, dtype=np.intp)
    return np.where(count == 0, np.nan, total / np.maximum(count, 1)), _code(group, usable, count, codes)


def spread(_group: DerivedGroup, x: Floats, codes: Codes | None, _memory: Memory, _turns: int) -> Result:
    """Return the largest less the smallest; 0 with one input."""
    if codes is None:
        return largest(x) - smallest(x), ALL_GOOD
    return np.fmax.reduce(x, axis=1) - np.fmin.reduce(x, axis=1), _left_over(codes)


def highest(_group: DerivedGroup, x: Floats, codes: Codes | None, _memory: Memory, _turns: int) -> Result:
    """Return the largest."""
    if codes is None:
        return largest(x), ALL_GOOD
    return np.fmax.reduce(x, axis=1), _left_over(codes)


def lowest(_group: DerivedGroup, x: Floats, codes: Codes | None, _memory: Memory, _turns: int) -> Result:
    """Return the smallest."""
    if codes is None:
        return smallest(x), ALL_GOOD
    return np.fmin.reduce(x, axis=1), _left_over(codes)


def _left_over(codes: Codes) -> Codes:
    """Return the code when BAD inputs are left out. Padding repeats the first input and changes nothing."""
    is_bad = codes >= BAD
    used = np.maximum.reduce(np.where(is_bad, np.uint32(GOOD), codes), axis=1)
    missing = np.where(np.logical_or.reduce(is_bad, axis=1), np.uint32(UNCERTAIN_SUB_NORMAL), np.uint32(GOOD))
    code = np.maximum(used, missing)
    return np.where(np.logical_and.reduce(is_bad, axis=1), np.maximum.reduce(codes, axis=1), code)


def _usable(group: DerivedGroup, codes: Codes) -> np.ndarray:
    return (codes < BAD) & group.used[:, :, None]


def _sorted_usable(group: DerivedGroup, x: Floats, codes: Codes | None) -> tuple[Floats, Ints, Codes]:
    """Return the values sorted, unusable ones behind the usable, how many are usable, and the code of the result."""
    usable = _usable(group, np.zeros(x.shape, dtype=np.uint32) if codes is None else codes)
    ordered = np.sort(np.where(usable, x, np.inf), axis=1)
    count = np.add.reduce(usable, axis=1, dtype=np.intp)  # integers: their sum has no last bit to lose
    np.copyto(ordered, 0.0, where=(count == 0)[:, None, :])  # nothing usable: no inf - inf below
    return ordered, count, _code(group, usable, count, codes)


def _code(group: DerivedGroup, usable: np.ndarray, count: Ints, codes: Codes | None) -> Codes:
    if codes is None:
        return np.zeros(count.shape, dtype=np.uint32)
    used = np.maximum.reduce(np.where(usable, codes, GOOD), axis=1)
    used = np.where(count < group.size, np.maximum(used, UNCERTAIN_SUB_NORMAL), used)
    return np.where(count == 0, worst(codes), used).astype(np.uint32)


def _pick(ordered: Floats, position: Ints) -> Floats:
    place = np.broadcast_to(np.maximum(position, 0), (ordered.shape[0], ordered.shape[2]))
    return np.take_along_axis(ordered, place[:, None, :], axis=1)[:, 0, :]
