"""The arbiter: every output has exactly one owner, and the owner's value is what is sent.

Protection goes before local, local before manual, manual before automatic. Whoever loses follows: a loop whose output
is forced continues from what was sent, an operator's wish is replaced by it, so nothing moves when the force ends.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from controller.core.plan import Bools, Mode, Plan
from controller.core.state import State
from controller.core.tags import Floats


class Owner(IntEnum):
    """Who decides an output in this scan."""

    NOBODY = 0  # the last value stands; NaN as long as none is known
    AUTO = 1
    MANUAL = 2
    LOCAL = 3  # its loop is in LO: what the loop tracks is sent
    PROTECTION = 4  # a trip or an interlock


# As numbers: an attribute of an Enum costs a microsecond in Python 3.11, and these are asked for in every scan.
_NOBODY, _AUTO, _MANUAL, _LOCAL, _PROTECTION = (np.int8(owner) for owner in Owner)
_MODE_LO, _MODE_MAN = np.int8(Mode.LO), np.int8(Mode.MAN)


def add_state(plan: Plan, state: State) -> None:
    """Add who owns each output; found anew in every scan, so nothing is retained."""
    state.add("output.owner", plan.output.keys, dtype=np.int8, fill=_NOBODY)
    state.add("output.is_forced", plan.output.keys, dtype=np.bool_)


def arbitrate(
    plan: Plan, state: State, *, demand: Floats, mode: npt.NDArray[np.int8], operator: Floats, forces: Floats
) -> Bools:
    """Set ``output.mv`` and ``output.owner``; return where protection forces (outputs, batch).

    ``demand`` is what the loops ask, ``operator`` what a person asks of outputs without a loop, both (outputs, batch)
    in the output's unit, NaN where nobody asks; ``mode`` (loops, batch) holds the actual modes; ``forces`` (outputs,
    batch) is NaN where protection is content. An mv that nobody decides keeps its value. The mv stays in the range.
    """
    out, mv = plan.output, state["output.mv"]
    owner, is_forced = state["output.owner"], state["output.is_forced"]
    np.isfinite(forces, out=is_forced)
    owner[...] = _asking(plan, demand, mode, operator)
    np.copyto(owner, _PROTECTION, where=is_forced)

    has_loop = (out.loop >= 0)[:, np.newaxis]
    decided = (owner >= _AUTO) & (owner <= _LOCAL)
    np.copyto(mv, demand, where=decided & has_loop)
    np.copyto(mv, operator, where=decided & ~has_loop)
    np.copyto(mv, forces, where=is_forced)
    np.maximum(mv, out.lo, out=mv)
    np.minimum(mv, out.hi, out=mv)
    return is_forced


def _asking(plan: Plan, demand: Floats, mode: npt.NDArray[np.int8], operator: Floats) -> npt.NDArray[np.int8]:
    """Return the owner each output has without protection."""
    driven = np.flatnonzero(plan.output.loop >= 0)
    actual = mode[plan.output.loop[driven]]
    is_asked = np.isfinite(demand[driven])
    owner = np.isfinite(operator).astype(np.int8) * _MANUAL
    of_loop = np.zeros_like(actual, dtype=np.int8)
    np.copyto(of_loop, _AUTO, where=is_asked & (actual > _MODE_MAN))
    np.copyto(of_loop, _MANUAL, where=is_asked & (actual == _MODE_MAN))
    np.copyto(of_loop, _LOCAL, where=is_asked & (actual == _MODE_LO))
    owner[driven] = of_loop
    return owner
