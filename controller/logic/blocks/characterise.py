"""A broken line through points, held outside of the first and the last."""

from typing import Final

import numpy as np
import numpy.typing as npt

from controller.core.plan import DerivedGroup
from controller.core.quality import Codes
from controller.core.tags import Floats
from controller.logic.blocks.contract import Memory, Result, code_of

_WIDE: Final = 8  # plants, from which a call for each knee is faster than one array of all


def characterise(group: DerivedGroup, x: Floats, codes: Codes | None, memory: Memory, _turns: int) -> Result:
    """Return ``gives[k] + slope[k] (x - at[k])`` in the section k that x lies in; the last section is flat."""
    p = group.params
    result = np.maximum(x[:, 0], p["at"][:, :1])
    section = _section(result, p["knee"]) + memory.first[:, None]
    result -= p["at"].take(section, mode="clip")
    result *= p["slope"].take(section, mode="clip")
    result += p["gives"].take(section, mode="clip")
    return result, code_of(codes)


def _section(x: Floats, knee: Floats) -> npt.NDArray[np.int8]:
    """Return how many knees (n, points - 1) lie at or below x; a line has at most 100 points."""
    if x.shape[1] <= _WIDE:
        return np.add.reduce((x[:, None, :] >= knee[:, :, None]).view(np.int8), axis=1, dtype=np.int8)
    section = np.zeros(x.shape, dtype=np.int8)
    for column in range(knee.shape[1]):
        section += (x >= knee[:, column, None]).view(np.int8)
    return section
