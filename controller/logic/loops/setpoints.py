"""Set-points: who gives them, how fast they move, and how a loop joins a cascade without a bump."""

import numpy as np

from controller.core.loop_plan import Bools
from controller.core.plan import Plan
from controller.core.state import State
from controller.core.tags import Floats
from controller.logic.loops.ends import FADE_S
from controller.logic.loops.memory import CAS, IMAN, MAN, Bound, Route, Work


def follow_pv(plan: Plan, state: State, work: Work) -> None:
    """Let the set-points of loops that do not control follow the PV, where the loop says so."""
    loops, actual = plan.loops, state["loop.mode_act"]
    follows = (actual <= MAN) | ((actual == IMAN) & (state["loop.mode"] == CAS))
    np.copyto(state["loop.joins"], True, where=actual != CAS)
    follows &= loops.sp_tracks
    if np.count_nonzero(follows):
        follows &= np.isfinite(work.pv)
        np.copyto(state["loop.sp"], work.pv, where=follows)
        within = np.minimum(np.maximum(work.pv, loops.sp_lo), loops.sp_hi)
        np.copyto(state["loop.sp_used"], within, where=follows)


def move(plan: Plan, state: State, bound: Bound, value: Floats) -> None:
    """Move the set-points in use of one group towards what their modes name."""
    used, wish, lo, hi = bound.used, bound.sp, bound.sp_lo, bound.sp_hi
    in_cascade = None
    if bound.route is not None:
        _take_given(state, bound, bound.route, value)
        in_cascade = bound.actual == CAS
        wish = np.where(in_cascade, _joined(bound, in_cascade), wish)
    if bound.group.has_sp_limits:
        lo, hi = _moving_limits(plan, bound, value)
    wish = np.maximum(wish, lo)
    np.minimum(wish, hi, out=wish)
    most = bound.sp_rate * bound.dt
    moved = np.maximum(wish, used - most)
    np.minimum(moved, used + most, out=moved)
    np.copyto(used, moved, where=bound.due)
    if in_cascade is not None:
        np.copyto(bound.sp, used, where=in_cascade)  # so CAS -> AUTO keeps the set-point
        wish -= used  # what its speed leaves to do
        np.logical_or(used >= hi, wish > bound.sp_slack, out=bound.no_rise)
        np.logical_or(used <= lo, wish < -bound.sp_slack, out=bound.no_fall)


def _moving_limits(plan: Plan, bound: Bound, value: Floats) -> tuple[Floats, Floats]:
    """Return the limits of the set-points: those of the loop, and what tags say within them."""
    loops, rows, lo, hi = plan.loops, bound.group.rows, bound.sp_lo, bound.sp_hi
    lower, upper = value.take(loops.sp_lo_from.row[rows], axis=0), value.take(loops.sp_hi_from.row[rows], axis=0)
    least = np.where(loops.sp_lo_from.is_there[rows] & (lower > lo), lower, lo)
    most = np.where(loops.sp_hi_from.is_there[rows] & (upper < hi), upper, hi)
    return np.minimum(least, hi), np.maximum(most, lo)


def _take_given(state: State, bound: Bound, route: Route, value: Floats) -> None:
    """Take the set-points that masters and tags give; a lost tag leaves the last."""
    given = state["loop.op"].take(route.master, axis=0)
    given *= route.gain
    given += route.base
    np.maximum(given, route.lo, out=given)
    np.minimum(given, route.hi, out=given)
    if route.has_tag:
        np.copyto(given, value.take(route.tag, axis=0), where=route.is_tag)
    is_known = np.isfinite(given)
    is_known &= route.is_led
    np.copyto(bound.spr, given, where=is_known)


def _joined(bound: Bound, in_cascade: Bools) -> Floats:
    """Return the set-points given, with the fading difference to where each loop stood when it joined."""
    gap = bound.sp_gap
    joins = bound.joins & in_cascade
    joins &= bound.due
    if np.count_nonzero(gap):
        np.multiply(gap, np.exp(-bound.dt / FADE_S), out=gap, where=bound.due)
        gap[np.abs(gap) < bound.sp_slack] = 0.0
    elif not np.count_nonzero(joins):
        return bound.spr
    difference = bound.used - bound.spr
    is_small = np.abs(difference) < bound.sp_slack
    np.copyto(gap, np.where(is_small, 0.0, difference), where=joins)
    np.copyto(bound.joins, False, where=joins)
    return bound.spr + gap
