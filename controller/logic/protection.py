"""Protection: channels are compared, votes counted, rows latched, outputs forced. Depends on nothing but its inputs.

One evaluation is a fixed chain of array operations without a branch on a plant's values; only events loop, over what
changed. Shapes: channels (c, batch), parts (p, batch), votes (v, batch), rows (r, batch), outputs (o, batch).

A part counts channels, a vote counts parts (most votes have one). A count has three answers. With T true and B bad of
M, N needed, the suspended ones left out of M:

    on_unknown trip       true T >= N, unknown T + B >= N (acts like true), else false
    on_unknown excluded   true T >= min(N, M - B), unknown B = M, else false; unknown does not act, or acts after 30 s

The delay runs while the vote acts. It is cleared when the good channels deny the vote, and stands still, neither
running out nor starting again, while only bad channels keep the vote from being true.

A latched row acts until it is reset. One without latch acts while its vote does and it is armed, and with reset
conditions on until these hold.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from controller.core.clock import NS_PER_S, Now
from controller.core.event import EventKind
from controller.core.plan import Bools, Plan, TripState
from controller.core.quality import BAD, GOOD, GOOD_LOCAL_OVERRIDE, Codes
from controller.core.state import State
from controller.core.tags import Floats
from controller.logic import suspension
from controller.logic.emit import Emit
from controller.logic.protection_work import Work

SEVERITY_LATCHED: Final = 1000
SEVERITY_ACTED: Final = 800
SEVERITY_ENDED: Final = 100

_UNKNOWN_TRIP_NS: Final = 30 * NS_PER_S  # the "30 s" of excluded_trip_after_30s
_IDLE: Final = np.iinfo(np.int64).max  # start time of a delay that does not run
_SUB_CODE_MASK: Final = 0xFFFF  # limit and info bits, below a status code's sub-code


def add_state(plan: Plan, state: State) -> None:
    """Add what protection remembers.

    Latches and first-out are retained by key alone: an edited row keeps its latch. Delays start anew after a restart.
    """
    p = plan.protection
    votes = [f"{p.keys[row]}.{number}" for number, row in enumerate(p.vote_row)]
    state.add("protection.acting", p.keys, dtype=np.bool_, is_retained=True)
    state.add("protection.rank", p.keys, dtype=np.int64, is_retained=True)  # 0: not in the first-out list
    state.add("protection.tripped_utc", p.keys, dtype=np.int64, is_retained=True)  # ns, of the rank
    state.add("protection.acting_since", p.keys, dtype=np.int64)  # mono ns; long ago after a restart
    state.add("protection.since", votes, dtype=np.int64, fill=_IDLE)  # mono ns at which a vote's delay began
    state.add("protection.bad_since", votes, dtype=np.int64, fill=_IDLE)  # mono ns since all its channels are bad
    of_row = np.searchsorted(p.reset_first, np.arange(len(p.reset_row)), side="right") - 1
    held = [f"{p.keys[of_row[number]]}.{number}" for number in np.flatnonzero(p.reset_hold[:, 0])]
    state.add("protection.reset_since", held, dtype=np.int64, fill=_IDLE)  # mono ns since a reset condition holds
    state.add("protection.manual", p.keys, dtype=np.bool_)  # tripped by hand since the last evaluation
    state.add("protection.cause", p.keys, dtype=np.int8)  # 0 healthy, 1 true, 2 unknown
    state.add("protection.resettable", p.keys, dtype=np.bool_)
    suspension.add_state(plan, state)


def evaluate(plan: Plan, state: State, work: Work, value: Floats, quality: Codes, *, now: Now, emit: Emit) -> Floats:
    """Evaluate all rows for one instant; return the forces (outputs, batch), NaN where an output is not forced.

    ``value`` and ``quality`` are the whole tag table (rows, batch): channels, armed and reset conditions are read from
    it, and the members of the protection rows and the ``.ACT`` of actions written into it. The result is a buffer of
    ``work``.
    """
    mono = int(now.mono)
    suspension.pass_time(plan, state, work.suspended, value, mono, emit)
    _compare(work, value, quality)
    _count_channels(work)
    _count_parts(work)
    _delay(plan, state, work, mono)
    _meet(state, work, mono)
    _latch(plan, state, work, now, emit)
    _show(plan, state, work)
    value[work.target] = work.table
    quality[work.target] = GOOD
    return _force(plan, state, work, mono)


# --- one evaluation, step by step ------------------------------------------------------------------------------------


def _compare(w: Work, value: Floats, quality: Codes) -> None:
    """Judge every channel, armed condition and reset condition: true, bad, or (neither) healthy.

    Written by hand, a value (local override) never counts as a healthy channel: it is true or it is bad. A suspended
    channel is neither true nor bad.
    """
    np.take(value, w.source, axis=0, out=w.value, mode="clip")
    np.take(quality, w.source, axis=0, out=w.quality, mode="clip")
    np.isnan(w.value, out=w.is_true)
    np.greater_equal(w.quality, BAD, out=w.is_bad)
    np.logical_or(w.is_bad, w.is_true, out=w.is_bad)
    np.multiply(w.value, w.sign, out=w.value)
    np.greater_equal(w.value, w.limit, out=w.is_true)
    np.greater(w.is_true, w.is_bad, out=w.is_true)  # true and not bad

    # The status codes of a local override are GOOD_LOCAL_OVERRIDE up to the next sub-code; the subtraction wraps.
    np.subtract(w.quality[: w.channels], np.uint32(GOOD_LOCAL_OVERRIDE), out=w.sub_code)
    np.less_equal(w.sub_code, np.uint32(_SUB_CODE_MASK), out=w.is_override)
    np.greater(w.is_override, w.is_true[: w.channels], out=w.is_override)  # written by hand and not true
    np.logical_or(w.is_bad[: w.channels], w.is_override, out=w.is_bad[: w.channels])
    if w.suspended.has_channels:
        np.greater(w.tested[:, : w.channels], w.suspended.channels, out=w.tested[:, : w.channels])

    np.logical_or(w.armed, w.armed_bad, out=w.armed)  # an unknown armed condition arms
    np.logical_or(w.armed, w.is_always_armed, out=w.armed)


def _count_channels(w: Work) -> None:
    """Count the channels of each part: set ``part`` to certain (true), could be true, all bad, some channel true."""
    certain, could, all_bad, some_true = w.part
    s = w.suspended
    w.of_part.count(w.tested[:, : w.channels], w.part_count)
    np.greater_equal(w.part_bad, s.least_size, out=all_bad)
    np.add(w.part_true, w.part_bad, out=w.part_number)
    np.greater_equal(w.part_number, s.part_need, out=could)  # would be true if every bad channel were
    np.greater(w.part_true, 0, out=some_true)

    np.multiply(w.part_bad, w.part_excluded, out=w.part_number)
    np.subtract(s.part_size, w.part_number, out=w.part_number)  # channels in the count
    np.minimum(w.part_number, s.part_need, out=w.part_number)
    np.maximum(w.part_number, 1, out=w.part_number)  # none left: never true
    np.greater_equal(w.part_true, w.part_number, out=certain)


def _count_parts(w: Work) -> None:
    """Count the parts of each vote: set ``certain``, ``could``, ``unknown``, ``run`` and ``all_bad``."""
    s = w.suspended
    w.of_vote.count(w.part, w.vote_count)
    np.greater_equal(w.n_all_bad, s.least_parts, out=w.all_bad)
    np.greater_equal(w.n_could, s.vote_need, out=w.could)

    np.multiply(w.n_all_bad, w.excluded, out=w.number)
    np.subtract(s.vote_size, w.number, out=w.number)
    np.minimum(w.number, s.vote_need, out=w.number)
    np.maximum(w.number, 1, out=w.number)
    np.greater_equal(w.n_certain, w.number, out=w.certain)

    np.logical_and(w.could, w.trips_unknown, out=w.mask)
    np.logical_or(w.certain, w.mask, out=w.run)
    np.logical_or(w.mask, w.all_bad, out=w.unknown)  # where it is certain, that wins


def _delay(plan: Plan, state: State, w: Work, mono: int) -> None:
    """Run the delays and the 30 s of all channels bad: set ``acts``, and ``run`` where the 30 s are over."""
    since, bad_since = state["protection.since"], state["protection.bad_since"]
    np.greater(w.n_true, 0, out=w.mask)
    np.logical_and(w.mask, w.could, out=w.mask)  # only bad channels keep it from being true
    np.logical_or(w.mask, w.all_bad, out=w.mask)
    np.logical_or(w.mask, w.run, out=w.mask)
    np.logical_not(w.mask, out=w.mask)
    np.copyto(since, _IDLE, where=w.mask)
    np.minimum(since, mono, out=since, where=w.run)
    np.subtract(mono, since, out=w.elapsed)
    np.greater_equal(w.elapsed, plan.protection.vote_delay, out=w.acts)
    np.logical_and(w.acts, w.run, out=w.acts)

    np.logical_not(w.all_bad, out=w.mask)
    np.copyto(bad_since, _IDLE, where=w.mask)
    np.minimum(bad_since, mono, out=bad_since, where=w.all_bad)
    np.subtract(mono, bad_since, out=w.elapsed)
    np.greater_equal(w.elapsed, _UNKNOWN_TRIP_NS, out=w.due)
    np.logical_and(w.due, w.trips_later, out=w.due)
    np.logical_or(w.acts, w.due, out=w.acts)
    np.logical_or(w.run, w.due, out=w.run)


def _meet(state: State, w: Work, mono: int) -> None:
    """Set ``reset_met``: rows whose reset conditions hold, each for its time."""
    if len(w.held):
        since = state["protection.reset_since"]
        holds = w.reset_true[w.held]
        np.copyto(since, _IDLE, where=~holds)
        np.minimum(since, mono, out=since, where=holds)
        w.reset_true[w.held] = mono - since >= w.hold
    np.logical_not(w.reset_true, out=w.reset_true)
    w.resets_of_row.any(w.reset_true, w.reset_met)
    np.logical_not(w.reset_met, out=w.reset_met)


def _latch(plan: Plan, state: State, w: Work, now: Now, emit: Emit) -> None:
    """Join votes to rows, arm, latch; record what began and what ended."""
    p, acting, manual = plan.protection, state["protection.acting"], state["protection.manual"]
    w.of_row.any(w.vote, w.row)
    np.logical_or(w.reset_met, w.never_returns, out=w.changed)
    np.greater(acting, w.changed, out=w.changed)  # acts until its reset conditions hold
    np.logical_or(w.row_acts, w.changed, out=w.changed)
    np.logical_and(w.changed, w.armed, out=w.changed)
    if w.suspended.has_rows:
        np.greater(w.changed, w.suspended.rows, out=w.changed)
    if np.count_nonzero(manual):
        np.logical_or(w.changed, manual, out=w.changed)
        manual[...] = False
    np.logical_and(acting, p.latch, out=w.acting)
    np.logical_or(w.acting, w.changed, out=w.acting)
    np.not_equal(w.acting, acting, out=w.changed)
    if np.count_nonzero(w.changed):
        _record(plan, state, w, now, emit)
        acting[...] = w.acting


def _show(plan: Plan, state: State, w: Work) -> None:
    """Fill ``table``, the rows people see, and what a reset needs to know."""
    p, acting, s = plan.protection, state["protection.acting"], w.suspended
    cause, resettable = state["protection.cause"], state["protection.resettable"]
    np.multiply(w.row_unknown.view(np.int8), 2, out=cause)
    np.copyto(cause, 1, where=w.row_certain)
    if s.is_any:
        np.copyto(cause, 1, where=s.tests)  # a test drives the vote
    np.equal(cause, 0, out=w.row_mask)
    np.logical_and(acting, p.latch, out=resettable)
    np.logical_and(resettable, w.row_mask, out=resettable)
    np.logical_and(resettable, w.reset_met, out=resettable)

    trip_state, shown_cause, armed, first_out, bad, bypass, left = w.shown
    w.channels_of_row.count(w.is_bad[: w.channels], w.row_bad)
    bad[...] = w.row_bad
    first_out[...] = state["protection.rank"]
    armed[...] = w.armed
    shown_cause[...] = cause
    bypass[...] = s.shown_kind
    left[...] = s.shown_left
    np.greater(w.row_bad, 0, out=w.row_mask)
    np.multiply(w.row_mask, float(TripState.DEGRADED), out=trip_state)
    np.copyto(trip_state, float(TripState.CAUSE_SHOWN), where=w.row_shown)
    if s.is_any:
        np.copyto(trip_state, float(TripState.BYPASSED), where=s.rows)
        np.copyto(trip_state, float(TripState.TEST), where=s.tests)
    np.copyto(trip_state, w.acting_code, where=acting)
    np.copyto(trip_state, float(TripState.RESETTABLE), where=resettable)
    np.take(acting, p.action_row, axis=0, out=w.action_uses, mode="clip")
    w.rows_of_action.any(w.action_uses, w.action_true)
    w.action_acts[...] = w.action_true


def _force(plan: Plan, state: State, w: Work, mono: int) -> Floats:
    """Return the forces: of the acting effects on one output, the first in the order of priority."""
    p, acting = plan.protection, state["protection.acting"]
    if not np.count_nonzero(acting):  # the usual case
        w.forces[w.forced_output] = np.nan
        return w.forces
    np.take(acting, p.effect_row, axis=0, out=w.effect_acts, mode="clip")
    if len(w.later):
        acted = mono - state["protection.acting_since"][p.effect_row[w.later]]
        w.effect_acts[w.later] &= acted >= p.effect_after[w.later]
    np.copyto(w.first_effect, len(w.effect_number))
    np.copyto(w.first_effect, w.effect_number, where=w.effect_acts)
    np.minimum.reduceat(w.first_effect, w.output_first, axis=0, out=w.chosen)
    np.take(w.effect_value, w.chosen, out=w.forced, mode="clip")
    w.forces[w.forced_output] = w.forced
    return w.forces


# --- events and first-out --------------------------------------------------------------------------------------------


def _record(plan: Plan, state: State, w: Work, now: Now, emit: Emit) -> None:
    """List first-outs and emit the events of the rows that changed (``w.acting`` against the state)."""
    p, before = plan.protection, state["protection.acting"]
    latched_before = before & p.latch
    rose = w.acting & ~before
    np.copyto(state["protection.acting_since"], int(now.mono), where=rose)
    for rows in w.group_rows:
        release_first_out(state, rows, latched_before)
        _number_first_out(state, rows, rose & p.latch, int(now.utc))
    for row, column in np.argwhere(w.changed):
        if rose[row, column]:
            _emit_trip(plan, state, w, row=int(row), column=int(column), emit=emit)
        else:
            emit(EventKind.TRIP_CLEARED, p.keys[row], plant=int(column), severity=SEVERITY_ENDED)


def release_first_out(state: State, rows: npt.NDArray[np.intp], latched: Bools) -> None:
    """Clear a group's first-out list in the columns where none of its rows is latched."""
    rank = state["protection.rank"]
    released = rank[rows]
    released[:, ~latched[rows].any(axis=0)] = 0
    rank[rows] = released


def _number_first_out(state: State, rows: npt.NDArray[np.intp], tripped: Bools, utc: int) -> None:
    """Give the rows of one group that latched in this scan the next number, all the same; listed ones keep theirs."""
    rank, tripped_utc = state["protection.rank"], state["protection.tripped_utc"]
    listed, times = rank[rows], tripped_utc[rows]
    fresh = tripped[rows] & (listed == 0)
    np.copyto(listed, listed.max(axis=0) + 1, where=fresh)
    np.copyto(times, utc, where=fresh)
    rank[rows], tripped_utc[rows] = listed, times


def _emit_trip(plan: Plan, state: State, w: Work, *, row: int, column: int, emit: Emit) -> None:
    """Emit that a row began to act, with the first channel of the first acting vote that stands for it.

    Tripped by hand, it has no such channel; the command before it tells by whom.
    """
    p = plan.protection
    is_latching = bool(p.latch[row, 0])
    kind = EventKind.TRIP_LATCHED if is_latching else EventKind.TRIP_ACTED
    severity = SEVERITY_LATCHED if is_latching else SEVERITY_ACTED
    first_out = int(state["protection.rank"][row, column])
    vote = next((v for v in range(p.row_first[row], w.row_end[row]) if w.acts[v, column]), None)
    if vote is None:
        data: dict[str, str | float | int | bool] = {"manual": True, "first_out": first_out}
        emit(kind, p.keys[row], plant=column, severity=severity, data=data)
        return
    channels = range(p.part_first[p.vote_first[vote]], w.part_end[w.vote_end[vote] - 1])
    channel = next((c for c in channels if w.is_true[c, column]), None)
    if channel is None:
        channel = next(c for c in channels if w.is_bad[c, column])
    reading = float(w.value[channel, column] * w.sign[channel, 0])  # the buffer holds sign * value
    limit = float(p.channel_limit[channel, 0])
    emit(
        kind,
        p.keys[row],
        plant=column,
        severity=severity,
        value=None if np.isnan(reading) else reading,
        limit=limit if np.isfinite(limit) else None,
        quality=int(w.quality[channel, column]),
        data={
            "channel": plan.tags.rows[p.channel_row[channel]].key,
            "true": int(np.count_nonzero(w.is_true[channels, column])),
            "bad": int(np.count_nonzero(w.is_bad[channels, column])),
            "first_out": first_out,
        },
    )
