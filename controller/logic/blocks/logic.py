"""Three-valued logic over bool tags: true, false, unknown (BAD)."""

import numpy as np

from controller.core.plan import DerivedGroup
from controller.core.quality import BAD, UNCERTAIN, Codes
from controller.core.tags import Floats
from controller.logic.blocks.contract import ALL_GOOD, Memory, Result, code_of, largest, smallest


def any_of(_group: DerivedGroup, x: Floats, codes: Codes | None, _memory: Memory, _turns: int) -> Result:
    """Return OR: true wins, then unknown. Padding repeats an input, which changes no OR."""
    if codes is None:
        return largest(x), ALL_GOOD
    is_settled = np.logical_or.reduce(x >= 0.5, axis=1)  # a BAD input is NaN and settles nothing
    return _unless_unknown(is_settled.astype(np.float64), is_settled, codes)


def all_of(_group: DerivedGroup, x: Floats, codes: Codes | None, _memory: Memory, _turns: int) -> Result:
    """Return AND: false wins, then unknown."""
    if codes is None:
        return smallest(x), ALL_GOOD
    is_settled = np.logical_or.reduce(x < 0.5, axis=1)
    return _unless_unknown((~is_settled).astype(np.float64), is_settled, codes)


def negation(_group: DerivedGroup, x: Floats, codes: Codes | None, _memory: Memory, _turns: int) -> Result:
    """Return NOT; of unknown it is unknown."""
    return 1.0 - x[:, 0], code_of(codes)


def _unless_unknown(result: Floats, is_settled: np.ndarray, codes: Codes) -> Result:
    """Return the result, unknown where nothing settles it; one that a BAD input did not unsettle is Uncertain."""
    worst = np.maximum.reduce(codes, axis=1)
    is_unknown = (worst >= BAD) & ~is_settled
    np.copyto(result, np.nan, where=is_unknown)
    code = np.where(is_unknown, worst, np.where(worst >= UNCERTAIN, UNCERTAIN, worst))
    return result, code.astype(np.uint32)
