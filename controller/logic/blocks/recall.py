"""Kinds that remember the past: totals, dead times, rolling means.

A ring holds the inputs of the last turns, as long as the longest of the group; each member looks back its own number.
"""

import numpy as np

from controller.core.plan import DerivedGroup
from controller.core.quality import BAD, GOOD, UNCERTAIN, UNCERTAIN_LAST_USABLE, UNCERTAIN_SUB_NORMAL, Codes
from controller.core.tags import Floats
from controller.logic.blocks.contract import ALL_GOOD, Memory, Result

_ENOUGH = 0.75  # share of good inputs that makes a good mean


def total(group: DerivedGroup, x: Floats, codes: Codes | None, memory: Memory, turns: int) -> Result:
    """Add up the first input; the second sets the total to zero. While the input is BAD the total stands, Uncertain.

    The rounding of each addition is carried to the next (Kahan), so a year of scans loses nothing.
    """
    own, rest = memory.own, memory.rest
    step = x[:, 0] * (group.params["share"] * turns)
    if codes is not None:
        np.copyto(step, 0.0, where=codes[:, 0] >= BAD)
    step += rest
    now = own + step
    np.subtract(step, now - own, out=rest)
    own[...] = now
    if x.shape[1] > 1:
        is_reset = (x[:, 1] >= 0.5) & group.used[:, 1, None]
        np.copyto(own, 0.0, where=is_reset)
        np.copyto(rest, 0.0, where=is_reset)
    if codes is None:
        return own.copy(), ALL_GOOD
    worst = np.maximum.reduce(codes, axis=1)
    return own.copy(), np.where(worst >= BAD, np.uint32(UNCERTAIN_LAST_USABLE), worst)


def dead_time(group: DerivedGroup, x: Floats, codes: Codes | None, memory: Memory, turns: int) -> Result:
    """Return the input of ``ring`` turns ago with its quality; before there was one, the first input."""
    code = _codes_of(codes, memory)
    is_first = np.isnan(memory.own)
    if is_first.any():
        is_first &= code < BAD
        np.copyto(memory.ring, x, where=is_first[:, None, :])
        np.copyto(memory.codes, code[:, None, :], where=is_first[:, None, :])
        np.copyto(memory.own, 1.0, where=is_first)
    at = int(memory.at[0, 0])
    for _ in range(min(turns, group.ring) - 1):  # turns that were missed had this input too
        _remember(memory, at, x[:, 0], code)
        at = (at + 1) % group.ring
    result, found = _looked_back(memory, at)
    _remember(memory, at, x[:, 0], code)
    memory.at[...] = (at + 1) % group.ring
    return np.where(found >= BAD, np.nan, result), found


def rolling_mean(group: DerivedGroup, x: Floats, codes: Codes | None, memory: Memory, turns: int) -> Result:
    """Return the mean of the usable inputs of the window; Good with enough good ones, BAD without any usable.

    The sum moves with the window and is added up anew once a ring, so that rounding cannot gather.
    """
    code = _codes_of(codes, memory)
    given = x[:, 0] if codes is None else np.where(code < BAD, x[:, 0], 0.0)
    at = int(memory.at[0, 0])
    for _ in range(min(turns, group.ring)):
        left, left_code = _looked_back(memory, at)
        memory.rest += given - left
        if codes is not None or left_code.any():
            memory.usable += (code < BAD).astype(np.int64) - (left_code < BAD)
            memory.good += (code < UNCERTAIN).astype(np.int64) - (left_code < UNCERTAIN)
        _remember(memory, at, given, code)
        at = (at + 1) % group.ring
        if at == 0:
            _add_up(memory)
    memory.at[...] = at
    ring = group.params["ring"]
    if codes is None and (memory.good == ring).all():
        return memory.rest / ring, ALL_GOOD
    mean = np.where(memory.usable > 0, memory.rest / np.maximum(memory.usable, 1), np.nan)
    few = np.where(memory.good >= _ENOUGH * ring, np.uint32(GOOD), np.uint32(UNCERTAIN_SUB_NORMAL))
    return mean, np.where(memory.usable > 0, few, np.maximum(code, np.uint32(BAD)))


def _codes_of(codes: Codes | None, memory: Memory) -> Codes:
    return np.zeros(memory.own.shape, dtype=np.uint32) if codes is None else codes[:, 0]


def _looked_back(memory: Memory, at: int) -> tuple[Floats, Codes]:
    """Return the input each member had ``length`` turns ago; the place is that of the turn which is written next."""
    depth, batch = memory.ring.shape[1:]
    place = (at - memory.length) % depth
    place += memory.first
    ring, codes = memory.ring.reshape(-1, batch), memory.codes.reshape(-1, batch)
    return ring.take(place, axis=0), codes.take(place, axis=0)


def _remember(memory: Memory, at: int, x: Floats, code: Codes) -> None:
    memory.ring[:, at] = x
    memory.codes[:, at] = code


def _add_up(memory: Memory) -> None:
    """Add up the window of each member, oldest place first, in the same order for every width of the batch."""
    depth = memory.ring.shape[1]
    for member, length in enumerate(memory.length):
        memory.rest[member] = np.add.accumulate(memory.ring[member, depth - length :], axis=0)[-1]
