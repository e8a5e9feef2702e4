"""The ends of loops: what is asked of final elements and slaves, and the way back from there to the output.

What is really sent may differ from what the output of a split loop gives: one branch is forced while another goes on,
or the elements stood at places that no output explains when the controller started. The difference is kept per end and
fades, so a release or a start moves nothing at once.
"""

import math

import numpy as np

from controller.core.loop_plan import Bools
from controller.core.plan import Plan
from controller.core.state import State
from controller.core.tags import Floats
from controller.logic.loops.memory import LO, OOS

FADE_S = 20.0  # a difference has faded to a third
_NO_GAP = 1e-9  # of an end's unit


class Routes:
    """Arrays of the ends as the scan needs them, made once."""

    def __init__(self, plan: Plan) -> None:
        ends, drive = plan.loops.ends, plan.loops.drive
        self.loop = ends.loop[drive]
        self.output = ends.output[drive]
        self.gain = ends.span / ends.at_span
        self.base = ends.lo - ends.at * self.gain
        self.lo, self.hi = np.minimum(ends.lo, ends.lo + ends.span), np.maximum(ends.lo, ends.lo + ends.span)
        self.drive_gain, self.drive_base = self.gain[drive], self.base[drive]
        self.drive_lo, self.drive_hi = self.lo[drive], self.hi[drive]
        self.is_bool = ends.is_bool[drive]
        self.has_bool = bool(self.is_bool.any())
        several = np.bincount(ends.loop, minlength=1)[ends.loop] > 1
        self.may_gap = several[drive, np.newaxis] & ~self.is_bool
        self.has_split = bool(several[drive].any())
        loops = ends.loop[drive]
        by_loop = np.argsort(loops, kind="stable")
        self.sorted = by_loop
        self.first = np.flatnonzero(np.diff(loops[by_loop], prepend=-1))
        self.owner = loops[by_loop][self.first]
        has_slave = np.isin(self.owner, ends.loop[ends.slave >= 0])
        self.is_final = ~has_slave[:, np.newaxis]  # drives final elements only
        self.driven = self.output[by_loop]
        floor = np.minimum(ends.at, ends.at + ends.at_span)
        self.lowest = np.minimum.reduceat(floor, ends.first, axis=0) if len(ends.first) else floor
        self.is_slave = (ends.slave >= 0)[:, np.newaxis]
        self.has_slave = bool(self.is_slave.any())
        self.way_gain = ends.at_span / ends.span * ends.counts
        self.way_base = (ends.at - floor) * ends.counts - ends.lo * self.way_gain
        self.way_length = np.abs(ends.at_span) * ends.counts
        self.split = np.searchsorted(ends.owner, plan.loops.split.loop)


def demand(plan: Plan, state: State) -> Floats:
    """Return what the loops ask of the final elements they drive, (drive, batch), in the element's unit."""
    routes: Routes = state.scratch["loops.routes"]
    asked = state["loop.op"].take(routes.loop, axis=0)
    asked *= routes.drive_gain
    asked += routes.drive_base
    np.maximum(asked, routes.drive_lo, out=asked)
    np.minimum(asked, routes.drive_hi, out=asked)
    if routes.has_split:
        gap = state["end.gap"]
        if np.count_nonzero(gap):
            asked += gap.take(plan.loops.drive, axis=0)
            gap *= math.exp(-plan.period_ns * 1e-9 / FADE_S)
            gap[np.abs(gap) < _NO_GAP] = 0.0
    if routes.has_bool:
        np.copyto(asked, asked >= 0.5, where=routes.is_bool)
    return asked


def wish(plan: Plan, state: State, mv: Floats, *, has_failed: bool) -> Floats:
    """Return what loops ask of all outputs (outputs, batch): NaN without a loop; the last value if control failed."""
    asked = np.full(mv.shape, np.nan)
    output = state.scratch["loops.routes"].output
    asked[output] = mv[output] if has_failed else demand(plan, state)
    return asked


def way_back(plan: Plan, state: State, mv: Floats) -> Floats:
    """Return the outputs (loops with ends, batch) in % that explain where final elements and slaves stand.

    Ranges that follow one another add up; of equal ranges the first counts.
    """
    loops = plan.loops
    ends, routes = loops.ends, state.scratch["loops.routes"]
    stands = mv.take(ends.output, axis=0, mode="clip")
    if routes.has_slave:
        np.copyto(stands, state["loop.sp_used"].take(ends.slave, axis=0, mode="clip"), where=routes.is_slave)
    stands *= routes.way_gain
    stands += routes.way_base
    np.maximum(stands, 0.0, out=stands)
    np.minimum(stands, routes.way_length, out=stands)
    total = np.add.reduceat(stands, ends.first, axis=0)
    output = total + routes.lowest
    split = loops.split
    if len(split.loop):
        output[routes.split] = _on_line(split.travel, split.output, total[routes.split])
    return output


def _on_line(travel: Floats, output: Floats, total: Floats) -> Floats:
    found = output[:, 0] + np.zeros_like(total)
    for k in range(travel.shape[1] - 1):  # few points; a level part of the line (a gap) is passed once it is left
        length = travel[:, k + 1] - travel[:, k]
        beyond = total - travel[:, k]
        level = length <= 0.0
        part = np.where(level, beyond > 1e-9, np.minimum(np.maximum(beyond / np.where(level, 1.0, length), 0.0), 1.0))
        found += part * (output[:, k + 1] - output[:, k])
    return found


def follow(plan: Plan, state: State, mv: Floats, is_forced: Bools) -> None:
    """Let loops whose final elements all were forced follow what is sent; arrays (outputs, batch)."""
    routes: Routes = state.scratch["loops.routes"]
    if not len(routes.owner):
        return
    forced = state["loop.is_forced"]
    if not np.count_nonzero(is_forced):
        forced[...] = False
        return
    forced[...] = take_over(plan, state, mv, is_forced)
    actual = state["loop.mode_act"]
    np.copyto(actual, LO, where=forced & (actual != OOS))


def take_over(plan: Plan, state: State, mv: Floats, where: Bools) -> Bools:
    """Continue from what the marked outputs (outputs, batch) hold.

    A loop takes over the output when all its final elements are marked; what is left becomes the gap of each end.
    Return where loops took over (loops, batch).
    """
    loops, op = plan.loops, state["loop.op"]
    ends, routes = loops.ends, state.scratch["loops.routes"]
    takes = np.zeros(op.shape, dtype=np.bool_)
    if not len(routes.owner):
        return takes
    each = np.logical_and.reduceat(where.take(routes.driven, axis=0), routes.first, axis=0)
    each &= routes.is_final
    takes[routes.owner] = each
    back = np.full(op.shape, np.nan)
    back[ends.owner] = way_back(plan, state, mv)
    np.copyto(op, back, where=takes & np.isfinite(back))
    np.copyto(state["loop.is_tracking"], True, where=takes)
    marked = where.take(routes.output, axis=0)
    marked &= routes.may_gap
    if np.count_nonzero(marked):
        given = op[routes.loop] * routes.drive_gain + routes.drive_base
        given = np.minimum(np.maximum(given, routes.drive_lo), routes.drive_hi)
        sent = mv[routes.output]
        gap = state["end.gap"][loops.drive]
        np.copyto(gap, sent - given, where=marked & np.isfinite(sent))
        state["end.gap"][loops.drive] = gap
    return takes
