"""Modes: from the target to the actual mode.

The reasons for a difference, in this order: out of service, forced or tracking (LO), a bad PV, a slave or a reader that
does not follow (IMAN).
"""

import numpy as np

from controller.core.event import EventKind
from controller.core.loop_plan import Bools, LoopPlan, Sources
from controller.core.plan import Plan
from controller.core.quality import BAD, Codes
from controller.core.state import State
from controller.core.tags import Floats
from controller.logic.emit import Emit
from controller.logic.loops.ends import way_back
from controller.logic.loops.memory import AUTO, CAS, IMAN, LO, MAN, OOS, RCAS, Modes, Work


def to_manual(state: State, where: Bools) -> None:
    """Leave no loop on automatic where marked, (batch,) or (loops, batch)."""
    mode = state["loop.mode"]
    np.copyto(mode, MAN, where=(mode != OOS) & where)


def find_modes(plan: Plan, state: State, value: Floats, quality: Codes, emit: Emit, periods: int = 1) -> None:
    """Find every actual mode, and the outputs of the loops that track something else than a final element."""
    loops, target, actual = plan.loops, state["loop.mode"], state["loop.mode_act"]
    if not loops.keys:
        return
    waited = actual == IMAN
    pv_is_bad = quality.take(loops.pv, axis=0) >= BAD
    has_bad = np.count_nonzero(pv_is_bad)
    if has_bad:
        _shed(loops, target, pv_is_bad & (target >= AUTO) & ~loops.holds, emit)
    _expire(plan, state, target, emit, periods)
    actual[...] = target
    if has_bad:
        np.copyto(actual, MAN, where=pv_is_bad & (target >= AUTO))
    if loops.sp_from.any:
        is_lost = loops.sp_from.is_there & (quality.take(loops.sp_from.row, axis=0) >= BAD)
        np.copyto(actual, AUTO, where=is_lost & (actual == CAS))
    np.copyto(actual, LO, where=state["loop.is_forced"] & (target != OOS))
    if loops.track.any:
        _track(plan, state, value, periods)
    if loops.links.levels:
        _wait(plan, state, actual)
        _follow_inner(plan, state, value, waited)


def _shed(loops: LoopPlan, target: Modes, sheds: Bools, emit: Emit) -> None:
    for row, column in np.argwhere(sheds):
        emit(EventKind.MODE_SHED, loops.keys[row], plant=int(column), value=float(target[row, column]))
    np.copyto(target, MAN, where=sheds)


def _expire(plan: Plan, state: State, target: Modes, emit: Emit, periods: int) -> None:
    """Leave RCAS for AUTO where the program has fallen silent."""
    is_remote = target == RCAS
    if not np.count_nonzero(is_remote):
        return
    age = state["loop.rcas_age"]
    age += periods * plan.period_ns * 1e-9
    np.copyto(age, 0.0, where=~is_remote)
    late = is_remote & (age > plan.loops.rcas_timeout)
    for row, column in np.argwhere(late):
        text = f"no set-point for {plan.loops.rcas_timeout[row, 0]:g} s"
        emit(EventKind.MODE_SHED, plan.loops.keys[row], plant=int(column), value=float(RCAS), text=text)
    np.copyto(target, AUTO, where=late)


def is_true(value: Floats, sources: Sources) -> Bools:
    """Return where the bool tag of each loop is true; one that is BAD, or that a loop does not have, is not."""
    return sources.is_there & (value.take(sources.row, axis=0) >= 0.5)


def _track(plan: Plan, state: State, value: Floats, periods: int) -> None:
    loops, op, actual = plan.loops, state["loop.op"], state["loop.mode_act"]
    tracks = is_true(value, loops.track) & (state["loop.mode"] != OOS)
    if np.count_nonzero(tracks):
        np.copyto(actual, LO, where=tracks)
        move = loops.op_rate * (periods * plan.period_ns * 1e-9)
        moved = np.minimum(np.maximum(loops.track_at, op - move), op + move)
        np.copyto(op, moved, where=tracks & ~state["loop.is_forced"])


def _wait(plan: Plan, state: State, actual: Modes) -> None:
    """Set IMAN where nobody takes what a loop gives; level by level, because whoever waits is not followed either."""
    links = plan.loops.links
    output_is_forced = state["output.is_forced"]
    for level in links.levels:
        mode = actual.take(level.target, axis=0)
        free = mode == CAS
        if level.has_named:
            free |= level.is_named & (mode >= AUTO) & (mode <= RCAS)
        if level.has_output:
            free = np.where(level.is_output, ~output_is_forced[level.output], free)
        if np.count_nonzero(free) < free.size:
            taken = np.logical_or.reduceat(free, level.first, axis=0)
            own_mode = actual[level.loop]
            np.copyto(own_mode, IMAN, where=~taken & (own_mode >= AUTO))
            actual[level.loop] = own_mode


def _follow_inner(plan: Plan, state: State, value: Floats, waited: Bools) -> None:
    """Set the outputs of waiting loops to where their slaves (or what ``initial`` names) stand.

    Also of those that waited until now: their slaves begin to follow in this scan, and must find themselves.
    """
    loops, op = plan.loops, state["loop.op"]
    waits = waited | (state["loop.mode_act"] == IMAN)
    if not np.count_nonzero(waits):
        return
    back = np.full(op.shape, np.nan)
    if len(loops.links.slave_loop):
        back[loops.ends.owner] = way_back(plan, state, state["output.mv"])
    if loops.initial.any:
        np.copyto(back, value.take(loops.initial.row, axis=0), where=loops.initial.is_there)
    back = np.minimum(np.maximum(back, loops.op_lo), loops.op_hi)
    np.copyto(op, back, where=waits & np.isfinite(back))


def find_blocks(plan: Plan, state: State, value: Floats, work: Work) -> None:
    """Mark masters that must not push on, because all their slaves are at a limit (last scan), and what blocks say."""
    loops, actual = plan.loops, state["loop.mode_act"]
    links = loops.links
    if len(links.slave_loop):
        slave = loops.ends.slave[links.slave_end]
        follows = actual[slave] == CAS
        up, down = state["loop.no_rise"][slave] | ~follows, state["loop.no_fall"][slave] | ~follows
        falls = loops.ends.at_span[links.slave_end] < 0.0
        if falls.any():
            up, down = np.where(falls, down, up), np.where(falls, up, down)
        work.no_more[links.slave_loop] = np.logical_and.reduceat(up, links.slave_first, axis=0)
        work.no_less[links.slave_loop] = np.logical_and.reduceat(down, links.slave_first, axis=0)
    if loops.raise_block.any or loops.lower_block.any:
        work.may_not_rise[...] = is_true(value, loops.raise_block)
        work.may_not_fall[...] = is_true(value, loops.lower_block)
