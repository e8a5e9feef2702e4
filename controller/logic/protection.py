"""Protection: channels are compared, votes counted, rows latched, outputs forced. Depends on nothing but its inputs.

One evaluation is a fixed chain of array operations without a branch on a plant's values; only events loop, over what
changed. Shapes: channels (c, batch), votes (v, batch), rows (r, batch), outputs (o, batch); the batch is last.

A vote has three answers. With T true and B bad channels of M, N needed:

    on_unknown trip       true T >= N, unknown T + B >= N (acts like true), else false
    on_unknown excluded   true T >= min(N, M - B), unknown B = M, else false; unknown does not act, or acts after 30 s

The delay runs while the vote acts. It is cleared when the good channels deny the vote, and stands still, neither
running out nor starting again, while only bad channels keep the vote from being true.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from controller.core.clock import NS_PER_S, Now
from controller.core.command import Reason, Role
from controller.core.event import EventKind
from controller.core.plan import Bools, Plan, TripState
from controller.core.quality import BAD, GOOD, GOOD_LOCAL_OVERRIDE, Codes, name
from controller.core.state import State
from controller.core.tags import Floats
from controller.logic.emit import Emit

MEMBERS: Final = ("STATE", "CAUSE", "ARMED", "FIRST_OUT", "BAD")
SEVERITY_LATCHED: Final = 1000
SEVERITY_ACTED: Final = 800
SEVERITY_ENDED: Final = 100

_TRIP, _EXCLUDED_THEN_TRIP = 0, 2  # codes of ProtectionPlan.on_unknown
_UNKNOWN_TRIP_NS: Final = 30 * NS_PER_S  # the "30 s" of excluded_trip_after_30s
_IDLE: Final = np.iinfo(np.int64).max  # start time of a delay that does not run
_SUB_CODE_MASK: Final = 0xFFFF  # limit and info bits, below a status code's sub-code


def add_state(plan: Plan, state: State) -> None:
    """Add what protection remembers.

    Latches and first-out are retained by key alone: an edited row keeps its latch. Delays start anew after a restart.
    """
    p = plan.protection
    votes = [f"{p.keys[row]}.{number}" for number, row in enumerate(p.vote_of_row)]
    state.add("protection.acting", p.keys, dtype=np.bool_, is_retained=True)
    state.add("protection.rank", p.keys, dtype=np.int64, is_retained=True)  # 0: not in the first-out list
    state.add("protection.tripped_utc", p.keys, dtype=np.int64, is_retained=True)  # ns, of the rank
    state.add("protection.since", votes, dtype=np.int64, fill=_IDLE)  # mono ns at which a vote's delay began
    state.add("protection.bad_since", votes, dtype=np.int64, fill=_IDLE)  # mono ns since all its channels are bad
    state.add("protection.cause", p.keys, dtype=np.int8)  # 0 healthy, 1 true, 2 unknown
    state.add("protection.resettable", p.keys, dtype=np.bool_)


class Work:
    """Index arrays and buffers of ``evaluate``, made once from the plan; holds nothing that outlives a scan.

    Channels, armed conditions and reset conditions are all comparisons ``sign * value >= limit``: one gather of
    ``g = c + 2 r`` table rows serves the three.
    """

    def __init__(self, plan: Plan, batch: int) -> None:
        p = plan.protection
        self.channels, votes, rows = len(p.channel_row), len(p.vote_first), len(p.keys)
        armed, reset = slice(self.channels, self.channels + rows), slice(self.channels + rows, None)
        one, half = np.ones((rows, 1)), np.full((rows, 1), 0.5)

        self.source = np.concatenate([p.channel_row, np.maximum(p.armed_row, 0), p.reset_row])
        self.sign = np.concatenate([p.channel_sign, one, p.reset_sign])
        self.limit = self.sign * np.concatenate([p.channel_limit, half, p.reset_limit])
        self.is_always_armed = (p.armed_row < 0)[:, np.newaxis]
        self.trips_unknown = (p.on_unknown == _TRIP)[p.vote_of_row]
        self.trips_later = (p.on_unknown == _EXCLUDED_THEN_TRIP)[p.vote_of_row]
        self.size = p.vote_size.astype(np.int8)
        self.need = p.vote_need.astype(np.int8)
        self.excluded = (~self.trips_unknown).astype(np.int8)
        self.vote_end = np.append(p.vote_first, self.channels)[1:]
        self.row_end = np.append(p.row_first, votes)[1:]
        self.group_rows = [np.flatnonzero(p.group == number) for number in range(len(p.groups))]
        self.acting_code = np.where(p.latch, float(TripState.LATCHED), float(TripState.ACTIVE))
        self.target = np.concatenate([p.members[member] for member in MEMBERS])
        self.output_first = np.flatnonzero(np.diff(p.effect_output, prepend=-1))
        self.forced_output = p.effect_output[self.output_first]
        self.effect_number = np.arange(len(p.effect_row))[:, np.newaxis]
        self.effect_value = np.append(p.effect_value[:, 0], np.nan)  # one more: "no effect acts"

        self.value = np.empty((len(self.source), batch))
        self.quality = np.empty((len(self.source), batch), dtype=np.uint32)
        self.sub_code = np.empty((self.channels, batch), dtype=np.uint32)
        self.is_override = np.empty((self.channels, batch), dtype=np.bool_)
        self.tested = np.empty((2, len(self.source), batch), dtype=np.bool_)
        self.is_true, self.is_bad = self.tested[0], self.tested[1]
        self.armed, self.reset_met = self.is_true[armed], self.is_true[reset]
        self.armed_bad = self.is_bad[armed]

        self.count = np.empty((2, votes, batch), dtype=np.int8)
        self.n_true, self.n_bad = self.count[0], self.count[1]
        self.number = np.empty((votes, batch), dtype=np.int8)
        self.mask, self.could, self.all_bad, self.due = np.empty((4, votes, batch), dtype=np.bool_)
        self.elapsed = np.empty((votes, batch), dtype=np.int64)
        self.vote = np.empty((4, votes, batch), dtype=np.bool_)
        self.certain, self.unknown, self.run, self.acts = self.vote

        self.row = np.empty((4, rows, batch), dtype=np.bool_)
        self.row_certain, self.row_unknown, self.row_shown, self.row_acts = self.row
        self.row_bad = np.empty((rows, batch), dtype=np.int8)
        self.acting, self.changed, self.row_mask = np.empty((3, rows, batch), dtype=np.bool_)
        self.shown = np.empty((len(MEMBERS), rows, batch))
        self.effect_acts = np.empty((len(p.effect_row), batch), dtype=np.bool_)
        self.first_effect = np.empty((len(p.effect_row), batch), dtype=np.intp)
        self.chosen = np.empty((len(self.output_first), batch), dtype=np.intp)
        self.forced = np.empty((len(self.output_first), batch))
        self.forces = np.full((len(plan.output.keys), batch), np.nan)


def evaluate(plan: Plan, state: State, work: Work, value: Floats, quality: Codes, *, now: Now, emit: Emit) -> Floats:
    """Evaluate all rows for one instant; return the forces (outputs, batch), NaN where an output is not forced.

    ``value`` and ``quality`` are the whole tag table (rows, batch): channels, armed and reset conditions are read from
    it, and the rows .STATE, .CAUSE, .ARMED, .FIRST_OUT and .BAD written into it. The result is a buffer of ``work``.
    """
    _compare(work, value, quality)
    _count(plan, work)
    _delay(plan, state, work, int(now.mono))
    _latch(plan, state, work, now, emit)
    _show(plan, state, work)
    value[work.target] = work.shown.reshape(-1, value.shape[1])
    quality[work.target] = GOOD
    return _force(plan, state, work)


# --- one evaluation, step by step ------------------------------------------------------------------------------------


def _compare(w: Work, value: Floats, quality: Codes) -> None:
    """Judge every channel, armed condition and reset condition: true, bad, or (neither) healthy.

    Written by hand, a value (local override) never counts as a healthy channel: it is true or it is bad.
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

    np.logical_or(w.armed, w.armed_bad, out=w.armed)  # an unknown armed condition arms
    np.logical_or(w.armed, w.is_always_armed, out=w.armed)


def _count(plan: Plan, w: Work) -> None:
    """Vote: set ``certain`` (true), ``unknown``, ``run`` (true by the row's on_unknown) and ``all_bad``."""
    first = plan.protection.vote_first
    np.add.reduceat(w.tested[:, : w.channels].view(np.int8), first, axis=1, dtype=np.int8, out=w.count)
    np.greater_equal(w.n_bad, w.size, out=w.all_bad)
    np.add(w.n_true, w.n_bad, out=w.number)
    np.greater_equal(w.number, w.need, out=w.could)  # would be true if every bad channel were

    np.multiply(w.n_bad, w.excluded, out=w.number)
    np.subtract(w.size, w.number, out=w.number)  # channels in the vote
    np.minimum(w.number, w.need, out=w.number)
    np.maximum(w.number, 1, out=w.number)  # none left in the vote: never true
    np.greater_equal(w.n_true, w.number, out=w.certain)

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


def _latch(plan: Plan, state: State, w: Work, now: Now, emit: Emit) -> None:
    """Join votes to rows, arm, latch; record what began and what ended."""
    p, acting = plan.protection, state["protection.acting"]
    np.logical_or.reduceat(w.vote, p.row_first, axis=1, out=w.row)
    np.logical_and(w.row_acts, w.armed, out=w.changed)
    np.logical_and(acting, p.latch, out=w.acting)
    np.logical_or(w.acting, w.changed, out=w.acting)
    np.not_equal(w.acting, acting, out=w.changed)
    if np.count_nonzero(w.changed):
        _record(plan, state, w, now, emit)
        acting[...] = w.acting


def _show(plan: Plan, state: State, w: Work) -> None:
    """Fill ``shown``, the five rows people see, and what a reset needs to know."""
    p, acting = plan.protection, state["protection.acting"]
    cause, resettable = state["protection.cause"], state["protection.resettable"]
    np.multiply(w.row_unknown.view(np.int8), 2, out=cause)
    np.copyto(cause, 1, where=w.row_certain)
    np.equal(cause, 0, out=w.row_mask)
    np.logical_and(acting, p.latch, out=resettable)
    np.logical_and(resettable, w.row_mask, out=resettable)
    np.logical_and(resettable, w.reset_met, out=resettable)

    trip_state, shown_cause, armed, first_out, bad = w.shown
    np.add.reduceat(w.n_bad, p.row_first, axis=0, dtype=np.int8, out=w.row_bad)
    bad[...] = w.row_bad
    first_out[...] = state["protection.rank"]
    armed[...] = w.armed
    shown_cause[...] = cause
    np.greater(w.row_bad, 0, out=w.row_mask)
    np.multiply(w.row_mask, float(TripState.DEGRADED), out=trip_state)
    np.copyto(trip_state, float(TripState.CAUSE_SHOWN), where=w.row_shown)
    np.copyto(trip_state, w.acting_code, where=acting)
    np.copyto(trip_state, float(TripState.RESETTABLE), where=resettable)


def _force(plan: Plan, state: State, w: Work) -> Floats:
    """Return the forces: of the acting effects on one output, the first in the order of priority."""
    np.take(state["protection.acting"], plan.protection.effect_row, axis=0, out=w.effect_acts, mode="clip")
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
    for rows in w.group_rows:
        _release_first_out(state, rows, latched_before)
        _number_first_out(state, rows, rose & p.latch, int(now.utc))
    for row, column in np.argwhere(w.changed):
        if rose[row, column]:
            _emit_trip(plan, state, w, row=int(row), column=int(column), emit=emit)
        else:
            emit(EventKind.TRIP_CLEARED, p.keys[row], plant=int(column), severity=SEVERITY_ENDED)


def _release_first_out(state: State, rows: npt.NDArray[np.intp], latched: Bools) -> None:
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
    """Emit that a row began to act, with the first channel of the first acting vote that stands for it."""
    p = plan.protection
    vote = next(v for v in range(p.row_first[row], w.row_end[row]) if w.acts[v, column])
    channels = range(p.vote_first[vote], w.vote_end[vote])
    channel = next((c for c in channels if w.is_true[c, column]), None)
    if channel is None:
        channel = next(c for c in channels if w.is_bad[c, column])
    reading = float(w.value[channel, column] * w.sign[channel, 0])  # the buffer holds sign * value
    source = plan.tags.rows[p.channel_row[channel]].key
    is_latching = bool(p.latch[row, 0])
    emit(
        EventKind.TRIP_LATCHED if is_latching else EventKind.TRIP_ACTED,
        p.keys[row],
        plant=column,
        severity=SEVERITY_LATCHED if is_latching else SEVERITY_ACTED,
        value=None if np.isnan(reading) else reading,
        limit=float(p.channel_limit[channel, 0]),
        quality=int(w.quality[channel, column]),
        data={
            "channel": source,
            "true": int(w.n_true[vote, column]),
            "bad": int(w.n_bad[vote, column]),
            "first_out": int(state["protection.rank"][row, column]),
        },
    )


# --- commands --------------------------------------------------------------------------------------------------------


def reset(
    plan: Plan, state: State, value: Floats, quality: Codes, row: int, *, role: Role, user: str, emit: Emit
) -> tuple[Reason, str]:
    """Reset a latched row by hand; return the reason and, for a refusal, what stands in the way.

    Accepted once per latch, when no cause of the row is true or unknown and its reset condition is met by a value that
    is not bad, all as of the last evaluation. ``value`` and ``quality`` are its table and serve the words only. In a
    batch it acts on every plant in which it may, and is accepted when that is at least one.
    """
    p, key = plan.protection, plan.protection.keys[row]
    needed = p.reset_role[row]
    if needed is None:
        return Reason.NOT_WRITABLE, f"{key} follows its cause: there is nothing to reset"
    if not needed <= role < Role.ADMIN:  # an admin has no process rights
        return Reason.NO_RIGHT, f"{key} is reset by {needed.name.lower()} or higher, not by {role.name.lower()}"
    acting, resettable = state["protection.acting"], state["protection.resettable"]
    if not acting[row].any():
        return Reason.WRONG_MODE, f"{key} is not latched: there is nothing to reset"
    if not resettable[row].any():
        return Reason.CAUSE_STANDS, _obstacle(plan, state, value, quality, row)
    columns = np.flatnonzero(resettable[row])
    acting[row, columns] = False
    resettable[row] = False
    _release_first_out(state, np.flatnonzero(p.group == p.group[row]), acting & p.latch)
    for column in columns:
        emit(EventKind.TRIP_RESET, key, plant=int(column), severity=SEVERITY_ENDED, user=user)
    return Reason.ACCEPTED, f"{key} is reset"


def holder(plan: Plan, state: State, output: int) -> str:
    """Return the key of the row that forces an output (in any plant of the batch); "" when none does."""
    p, acting = plan.protection, state["protection.acting"]
    effects = np.flatnonzero(p.effect_output == output)
    return next((p.keys[row] for row in p.effect_row[effects] if acting[row].any()), "")


def _obstacle(plan: Plan, state: State, value: Floats, quality: Codes, row: int) -> str:
    """Return the words for why a latched row cannot be reset, of the first plant in which it is latched."""
    p, key = plan.protection, plan.protection.keys[row]
    column = int(np.flatnonzero(state["protection.acting"][row])[0])
    if not state["protection.cause"][row, column]:
        condition = int(p.reset_row[row])
        reading = _reading(plan, condition, value, quality, column)
        needed = _comparison(plan, condition, p.reset_sign[row, 0], p.reset_limit[row, 0])
        return f"{key}: reset needs {plan.tags.rows[condition].key} {needed}, it is {reading}"
    channels = np.flatnonzero(np.repeat(p.vote_of_row, p.vote_size[:, 0]) == row)
    standing = [_standing(plan, value, quality, int(channel), column) for channel in channels]
    return f"{key}: cause still stands: {'; '.join(filter(None, standing))}"


def _standing(plan: Plan, value: Floats, quality: Codes, channel: int, column: int) -> str:
    """Return the words for a channel that is not healthy, "" for one that is."""
    p = plan.protection
    source, sign, limit = int(p.channel_row[channel]), p.channel_sign[channel, 0], p.channel_limit[channel, 0]
    code = int(quality[source, column])
    if sign * value[source, column] < sign * limit and code & ~_SUB_CODE_MASK != GOOD_LOCAL_OVERRIDE:
        return ""
    reading = _reading(plan, source, value, quality, column)
    return f"{plan.tags.rows[source].key} is {reading} (acts {_comparison(plan, source, sign, limit)})"


def _reading(plan: Plan, source: int, value: Floats, quality: Codes, column: int) -> str:
    code = int(quality[source, column])
    number = f"{value[source, column]:g} {plan.tags.rows[source].unit}".rstrip()
    return name(code) if code >= BAD else number


def _comparison(plan: Plan, source: int, sign: Any, limit: Any) -> str:
    return f"{'>=' if sign > 0 else '<='} {limit:g} {plan.tags.rows[source].unit}".rstrip()
