"""From numbers to conditions and back: limits with hysteresis, codes, delays, latches, choices, turns.

Delays are counted in turns of the group. While an input is BAD nothing is known: the result is BAD, a delay neither
runs out nor starts again, a switch keeps its position for when the input returns.
"""

import numpy as np

from controller.core.plan import DerivedGroup
from controller.core.quality import BAD, UNCERTAIN, Codes, Mask
from controller.core.tags import Floats
from controller.logic.blocks.contract import ALL_GOOD, Block, Memory, Result

_OFF = -1.0  # the count of a delay that does not run


def above(group: DerivedGroup, x: Floats, codes: Codes | None, memory: Memory, _turns: int) -> Result:
    """Return ``x >= limit``; once true, true until ``x <= limit - hysteresis``."""
    p, was_on = group.params, memory.own == 1.0
    is_on = (x[:, 0] >= p["limit"]) | (was_on & (x[:, 0] > p["release"]))
    return _switched(is_on, codes, memory)


def below(group: DerivedGroup, x: Floats, codes: Codes | None, memory: Memory, _turns: int) -> Result:
    """Return ``x <= limit``; once true, true until ``x >= limit + hysteresis``."""
    p, was_on = group.params, memory.own == 1.0
    is_on = (x[:, 0] <= p["limit"]) | (was_on & (x[:, 0] < p["release"]))
    return _switched(is_on, codes, memory)


def equals(group: DerivedGroup, x: Floats, codes: Codes | None, memory: Memory, _turns: int) -> Result:
    """Return whether the input, to the nearest whole number, is the value."""
    return _switched(np.rint(x[:, 0]) == group.params["value"], codes, memory)


def _switched(is_on: Mask, codes: Codes | None, memory: Memory) -> Result:
    result = is_on.astype(np.float64)
    if codes is None:
        memory.own[...] = result
        return result, ALL_GOOD
    is_bad = codes[:, 0] >= BAD
    np.copyto(memory.own, result, where=~is_bad)
    np.copyto(result, np.nan, where=is_bad)
    return result, codes[:, 0]


def _delay(runs_while: float) -> Block:
    """Return the on-delay (``runs_while`` 1) or the off-delay (0): the result follows after ``turns`` of that input."""

    def evaluate(group: DerivedGroup, x: Floats, codes: Codes | None, memory: Memory, turns: int) -> Result:
        # own: turns since the input took the value runs_while; _OFF while it has the other. An on-delay begins with its
        # first evaluation; an off-delay that has never seen its input true is NaN, which is below no limit: over.
        own, need = memory.own, group.params["turns"]
        count = own + turns
        if turns > 1:
            np.copyto(count, 0.0, where=own == _OFF)
        if runs_while:
            np.fmax(count, 0.0, out=count)
        np.minimum(count, need, out=count)
        np.copyto(count, _OFF, where=x[:, 0] != runs_while)
        result = (count >= need if runs_while else count < need).astype(np.float64)
        if codes is None:
            own[...] = count
            return result, ALL_GOOD
        is_bad = codes[:, 0] >= BAD
        np.copyto(own, count, where=~is_bad)
        np.copyto(result, np.nan, where=is_bad)
        return result, codes[:, 0]

    return evaluate


on_delay = _delay(1.0)
off_delay = _delay(0.0)


def latch(_group: DerivedGroup, x: Floats, codes: Codes | None, memory: Memory, _turns: int) -> Result:
    """Return true from the first input (set) until the second (reset); reset wins.

    Unknown is only what the inputs leave open: a latched one with an unknown reset stays latched, Uncertain.
    """
    own, is_set, is_reset = memory.own, x[:, 0], x[:, 1]
    if codes is None:
        np.maximum(own, is_set, out=own)
        np.copyto(own, 0.0, where=is_reset >= 0.5)
        return own.copy(), ALL_GOOD
    np.copyto(own, 1.0, where=is_set >= 0.5)
    np.copyto(own, 0.0, where=is_reset >= 0.5)
    result, (set_code, reset_code) = own.copy(), (codes[:, 0], codes[:, 1])
    is_unknown = (set_code >= BAD) & (own == 0.0) & ~(is_reset >= 0.5)
    np.copyto(result, np.nan, where=is_unknown)
    worst = np.maximum(set_code, reset_code)
    code = np.where(is_unknown, set_code, np.where(worst >= UNCERTAIN, np.uint32(UNCERTAIN), worst))
    return result, code.astype(np.uint32)


def choice(_group: DerivedGroup, x: Floats, codes: Codes | None, _memory: Memory, _turns: int) -> Result:
    """Return the second input while the first is true, else the third; only the chosen one's quality counts."""
    is_then = x[:, 0] >= 0.5
    result = np.where(is_then, x[:, 1], x[:, 2])
    if codes is None:
        return result, ALL_GOOD
    code = np.maximum(codes[:, 0], np.where(is_then, codes[:, 1], codes[:, 2]))
    np.copyto(result, np.nan, where=codes[:, 0] >= BAD)
    return result, np.where(codes[:, 0] >= BAD, codes[:, 0], code)


def turn(group: DerivedGroup, x: Floats, codes: Codes | None, memory: Memory, turns: int) -> Result:
    """Return the number of the step, from 1; 0 while the input is false."""
    p, own, runs = group.params, memory.own, x[:, 0] >= 0.5
    count = np.where(own >= 0.0, own + turns, 0.0) % (p["turns"] * p["steps"])
    count = np.where(runs, count, _OFF)
    step = np.where(runs, count // p["turns"] + 1.0, 0.0)
    if codes is None:
        own[...] = count
        return step, ALL_GOOD
    is_bad = codes[:, 0] >= BAD
    np.copyto(own, count, where=~is_bad)
    np.copyto(step, np.nan, where=is_bad)
    return step, codes[:, 0]
