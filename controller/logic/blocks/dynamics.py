"""Filters: lag, lead-lag, slope, ramp. Each starts at rest with its first input and stands still while it is BAD."""

import numpy as np

from controller.core.plan import DerivedGroup
from controller.core.quality import Codes
from controller.core.tags import Floats
from controller.logic.blocks.contract import Memory, Result, code_of


def lag(group: DerivedGroup, x: Floats, codes: Codes | None, memory: Memory, turns: int) -> Result:
    """Return the first-order filter, exact for an input that was constant since the last evaluation."""
    return _filtered(group, x[:, 0], memory, turns), code_of(codes)


def lead_lag(group: DerivedGroup, x: Floats, codes: Codes | None, memory: Memory, turns: int) -> Result:
    """Return ``gain (slow + lead (x - slow))``, ``slow`` the lagged input."""
    slow = _filtered(group, x[:, 0], memory, turns)
    result = x[:, 0] - slow
    result *= group.params["lead"]
    result += slow
    result *= group.params["gain"]
    return result, code_of(codes)


def slope(group: DerivedGroup, x: Floats, codes: Codes | None, memory: Memory, turns: int) -> Result:
    """Return the rate at which the lagged input moves: exact for a ramp, once the filter has settled."""
    before = memory.own.copy()
    now = _filtered(group, x[:, 0], memory, turns)
    rate = now - before
    rate *= group.params["gain"] / turns
    np.copyto(rate, 0.0 * x[:, 0], where=np.isnan(before))  # the first time: at rest, if there is an input
    return rate, code_of(codes)


def ramp(group: DerivedGroup, x: Floats, codes: Codes | None, memory: Memory, turns: int) -> Result:
    """Return the input with limited speed."""
    own = memory.own
    result = np.maximum(x[:, 0], own - group.params["down"] * turns)
    np.minimum(result, own + group.params["up"] * turns, out=result)
    return _kept(result, x[:, 0], own), code_of(codes)


def _filtered(group: DerivedGroup, x: Floats, memory: Memory, turns: int) -> Floats:
    share = group.params["share"] if turns == 1 else -np.expm1(turns * np.log1p(-group.params["share"]))
    result = x - memory.own
    result *= share
    result += memory.own
    return _kept(result, x, memory.own)


def _kept(result: Floats, x: Floats, own: Floats) -> Floats:
    """Remember the result; where nothing was remembered it is the input, where the input is BAD nothing changes."""
    is_new = np.isnan(result)
    if np.count_nonzero(is_new):
        np.copyto(result, x, where=is_new)
        np.copyto(own, result, where=~np.isnan(result))
    else:
        own[...] = result
    return result
