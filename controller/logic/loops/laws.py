"""The laws of loops, one group at a time: PID, two-position, station."""

import numpy as np

from controller.core.loop_plan import Bools, LoopGroup
from controller.core.plan import Plan
from controller.core.quality import Codes
from controller.core.state import State
from controller.core.tags import Floats
from controller.logic import derived
from controller.logic.blocks import pid
from controller.logic.loops import setpoints
from controller.logic.loops.ends import FADE_S
from controller.logic.loops.memory import AUTO, MAN, RCAS, Bound, Work
from controller.logic.loops.modes import find_blocks

_LIMIT_PCT = 1e-6  # an output this close to its limit stands at it


def control(plan: Plan, state: State, value: Floats, quality: Codes, before: int, after: int) -> None:
    """Run loops, and the calculated tags that need them, in order, from scan count ``before`` to ``after``.

    Afterwards ``loop.op`` is what the loops demand; each group's ``.OP`` rows hold it as soon as the group has run.
    """
    work: Work = state.scratch["loops"]
    if plan.loops.keys:
        _prepare(plan, state, value, work, before, after)
    has_bad = bool(np.count_nonzero(np.isfinite(work.pv)) < work.pv.size)
    for group in plan.control:
        if not isinstance(group, LoopGroup):
            passed = derived.turns(group, before, after)
            if passed:
                derived.evaluate(state, group, value, quality, passed)
            continue
        bound = work.bound[group.rows.start]
        if group.is_late:
            _read_again(plan, bound, value)
        setpoints.move(plan, state, bound, value)
        if group.law == "pid":
            _run_pid(plan, bound, value, has_bad=has_bad)
        elif group.law == "two_position":
            _run_two_position(plan, bound)
        else:
            _run_station(plan, bound)
        value[group.op] = bound.op


def _prepare(plan: Plan, state: State, value: Floats, work: Work, before: int, after: int) -> None:
    """Find what does not depend on the order of the loops, for all of them at once."""
    loops, actual = plan.loops, state["loop.mode_act"]
    turns = after // loops.rate - before // loops.rate
    np.greater(turns, 0, out=work.due)
    np.multiply(np.maximum(turns, 1) * loops.rate, plan.period_ns * 1e-9, out=work.dt)
    value.take(loops.pv, axis=0, out=work.pv, mode="clip")
    np.multiply(work.pv, work.pv_scale, out=work.y)
    work.y += work.pv_zero
    setpoints.follow_pv(plan, state, work)
    kp, ti = state["loop.kp"], state["loop.ti"]
    if len(loops.schedule.loop):
        kp, ti = _scheduled(plan, state, value, kp, ti)
    pid.find_coefficients(
        work.coefficients, kp=kp, ti=ti, td=state["loop.td"], n=loops.n, action=loops.action, dt=work.dt
    )
    find_blocks(plan, state, value, work)
    computes = (actual >= AUTO) & (actual <= RCAS)
    np.copyto(state["loop.is_tracking"], True, where=~computes)
    np.logical_and(computes, work.due, out=work.computes)


def _scheduled(plan: Plan, state: State, value: Floats, kp: Floats, ti: Floats) -> tuple[Floats, Floats]:
    """Return the tuning with its schedule; a new gain moves no output, a lost tag leaves the last factors."""
    table = plan.loops.schedule
    x = value[table.of]
    is_known = np.isfinite(x)
    x = np.where(is_known, x, table.at[:, 0])
    kp_factor, ti_factor = table.kp[:, 0] + 0.0 * x, table.ti[:, 0] + 0.0 * x
    for k in range(table.at.shape[1] - 1):
        width = table.at[:, k + 1] - table.at[:, k]
        share = np.minimum(np.maximum((x - table.at[:, k]) / np.where(width > 0.0, width, 1.0), 0.0), 1.0)
        kp_factor += share * (table.kp[:, k + 1] - table.kp[:, k])
        ti_factor += share * (table.ti[:, k + 1] - table.ti[:, k])
    old = state["loop.kp_factor"][table.loop]
    kp_factor = np.where(is_known, kp_factor, old)
    ti_factor = np.where(is_known, ti_factor, state["loop.ti_factor"][table.loop])
    if np.count_nonzero(kp_factor != old):
        memory = pid.Memory(*(state[f"pid.{name}"] for name in ("integral", "d", "d_input", "p")))
        pid.retune(memory, table.loop, kp_factor / old, kp_factor / old)
    state["loop.kp_factor"][table.loop], state["loop.ti_factor"][table.loop] = kp_factor, ti_factor
    return kp * state["loop.kp_factor"], ti * state["loop.ti_factor"]


def _read_again(plan: Plan, bound: Bound, value: Floats) -> None:
    """Take process values that were calculated after ``_prepare``."""
    loops, rows = plan.loops, bound.group.rows
    value.take(loops.pv[rows], axis=0, out=bound.pv, mode="clip")
    np.multiply(bound.pv - loops.pv_lo[rows], 100.0 / loops.pv_span[rows], out=bound.y)


def _run_pid(plan: Plan, bound: Bound, value: Floats, *, has_bad: bool) -> None:
    group, op, lo, hi = bound.group, bound.op, bound.op_lo, bound.op_hi
    r = bound.used * bound.r_scale
    r += bound.r_zero
    if group.has_feedforward:
        before = bound.ff.copy()
        _feed_forward(plan, bound, value, before)
        if group.has_correction:
            lo, hi = _corrected(plan, bound, before)
        if has_bad:
            _hold(plan, bound, before)
    floor, ceiling = lo, hi
    if group.has_block:
        floor = np.where(bound.may_not_fall, np.maximum(lo, np.minimum(op, hi)), lo)
        ceiling = np.where(bound.may_not_rise, np.minimum(hi, np.maximum(op, lo)), hi)
    aligns = bound.computes & bound.is_tracking
    if np.count_nonzero(aligns):
        aligns &= np.isfinite(bound.y)
        pid.track(bound.tuning, bound.memory, r=r, y=bound.y, ff=bound.ff, op=op, where=aligns)
        np.copyto(bound.is_tracking, False, where=aligns)
    pid.step(
        bound.tuning,
        bound.memory,
        r=r,
        y=bound.y,
        ff=bound.ff if group.has_feedforward else None,
        op=op,
        lo=floor,
        hi=ceiling,
        where=bound.computes,
        dt=bound.dt,
        no_more=bound.no_more if group.is_master else None,
        no_less=bound.no_less if group.is_master else None,
        push=_external_reset(plan, bound, value) if group.has_reset else None,
    )
    if group.is_slave:
        at_hi, at_lo = op >= ceiling - _LIMIT_PCT, op <= floor + _LIMIT_PCT
        if group.is_master:
            at_hi |= bound.no_more
            at_lo |= bound.no_less
        bound.no_rise |= np.where(bound.is_reverse, at_hi, at_lo)
        bound.no_fall |= np.where(bound.is_reverse, at_lo, at_hi)


def _feed_forward(plan: Plan, bound: Bound, value: Floats, before: Floats) -> None:
    """Read the feed-forward. A bad one stays as it was; when it returns, the integral takes up the difference."""
    source, rows, ff = plan.loops.ff, bound.group.rows, bound.ff
    found = value.take(source.row[rows], axis=0)
    found *= plan.loops.ff_gain[rows]
    is_known = np.isfinite(found)
    reads = source.is_there[rows] & bound.due
    np.copyto(ff, found, where=is_known & reads)
    if np.count_nonzero(is_known) < is_known.size or np.count_nonzero(bound.ff_is_lost):
        returns = bound.ff_is_lost & is_known & reads
        np.add(bound.memory.integral, before - ff, out=bound.memory.integral, where=returns)
        np.copyto(before, ff, where=returns)
        np.copyto(bound.ff_is_lost, ~is_known, where=reads)


def _corrected(plan: Plan, bound: Bound, before: Floats) -> tuple[Floats, Floats]:
    """Return the limits of the output that leave the PID its correction of the feed-forward ``ff``.

    An output that stands outside (it was moved by hand) comes back slowly instead of at once.
    """
    loops, rows, ff = plan.loops, bound.group.rows, bound.ff
    scale = np.where(loops.correction_of_ff[rows], np.abs(ff) / 100.0, 1.0)
    least, most = loops.correction_lo[rows] * scale, loops.correction_hi[rows] * scale
    fade = np.exp(-bound.dt / FADE_S)
    stands = bound.op - before
    most = most + np.maximum(stands - most, 0.0) * fade
    least = least - np.maximum(least - stands, 0.0) * fade
    lo, hi = loops.op_lo[rows], loops.op_hi[rows]
    return np.minimum(np.maximum(ff + least, lo), hi), np.minimum(np.maximum(ff + most, lo), hi)


def _hold(plan: Plan, bound: Bound, before: Floats) -> None:
    """Let the feed-forward go on where a bad PV holds the rest."""
    loops, rows, op = plan.loops, bound.group.rows, bound.op
    holds = (bound.actual == MAN) & (bound.target >= AUTO) & bound.due
    if np.count_nonzero(holds):
        moved = np.minimum(np.maximum(op + bound.ff - before, loops.op_lo[rows]), loops.op_hi[rows])
        move = loops.op_rate[rows] * bound.dt
        np.copyto(op, np.minimum(np.maximum(moved, op - move), op + move), where=holds)


def _external_reset(plan: Plan, bound: Bound, value: Floats) -> Floats:
    """Return by how much the integral follows the selected output: a first-order approach within Ti."""
    source, rows = plan.loops.reset_from, bound.group.rows
    selected = value.take(source.row[rows], axis=0)
    is_known = source.is_there[rows] & np.isfinite(selected)
    return np.where(is_known, (selected - bound.op) * bound.tuning.share, 0.0)


def _run_two_position(plan: Plan, bound: Bound) -> None:
    """On at one side of the dead band, off at the other, between them as it was."""
    loops, rows, op = plan.loops, bound.group.rows, bound.op
    lo, hi = loops.op_lo[rows], loops.op_hi[rows]
    error = (bound.used - bound.pv) * loops.action[rows]
    band = loops.dead_band[rows]
    wish = np.where(error > band, hi, np.where(error < -band, lo, np.where(op >= 0.5 * (lo + hi), hi, lo)))
    _move_to(bound, wish, bound.computes & np.isfinite(bound.pv))


def _run_station(plan: Plan, bound: Bound) -> None:
    """Send the process value, in the unit of the output; after a change of mode it goes there slowly."""
    loops, rows, op = plan.loops, bound.group.rows, bound.op
    wish = (bound.pv - loops.out_lo[rows]) * (100.0 / loops.out_span[rows])
    gap, where = bound.memory.integral, bound.computes & np.isfinite(bound.pv)
    joins = where & bound.is_tracking
    if np.count_nonzero(gap):
        np.multiply(gap, np.exp(-bound.dt / FADE_S), out=gap, where=where)
        gap[np.abs(gap) < _LIMIT_PCT] = 0.0
    if np.count_nonzero(joins):
        np.copyto(gap, np.where(loops.is_switch[rows], 0.0, op - wish), where=joins)
        np.copyto(bound.is_tracking, False, where=joins)
    wish += gap
    wish = np.minimum(np.maximum(wish, loops.op_lo[rows]), loops.op_hi[rows])
    if bound.tuning.max_speed is not None:
        move = bound.tuning.max_speed * bound.dt
        wish = np.minimum(np.maximum(wish, op - move), op + move)
    _move_to(bound, wish, where)


def _move_to(bound: Bound, wish: Floats, where: Bools) -> None:
    """Set the output, unless a block stands in the way."""
    may_not = (bound.may_not_rise & (wish > bound.op)) | (bound.may_not_fall & (wish < bound.op))
    np.copyto(bound.op, wish, where=where & ~may_not)
