"""Alarms: limits with deadband and delays, lost quality, acknowledgement, shelving, suppression by design (ISA-18.2).

An alarm is *active* or not, *acked* or not; shelving and suppression hide it and change neither. What returns while it
is hidden needs no acknowledgement: nobody was shown it. A bad source says nothing about a limit: its limit alarms stay
as they are and only its quality alarm speaks.

Of a thousand alarms next to none change in one scan. So every scan compares all of them with the value at which each
would change, and all that follows (delays, events, the row a client sees) is done for those few alone, addressed by
their place in the flattened arrays (alarms, batch).
"""

from typing import Final

import numpy as np

from controller.core.clock import NS_PER_S, Now
from controller.core.command import Action, Command, Reason, Role
from controller.core.event import EventKind
from controller.core.plan import AlarmState, Bools, Ints, Plan
from controller.core.quality import BAD, GOOD, Codes
from controller.core.state import State
from controller.core.tags import Floats
from controller.logic.emit import Emit

ROLES: Final = frozenset({Role.OPERATOR, Role.SHIFT_LEAD, Role.ENGINEER})  # may acknowledge and shelve
MAX_SHELVE_S: Final = 8 * 3600.0  # one shift: whoever shelved it still knows why

_IDLE: Final = np.iinfo(np.int64).max  # start time of a delay that does not run
_NEVER: Final = -1  # no evaluation yet


def add_state(plan: Plan, state: State) -> None:
    """Add what alarms remember. Retained: active, acked and the shelving time left; an edited alarm starts cold."""
    keys, hashes = plan.alarms.keys, plan.alarms.hashes
    state.add("alarm.active", keys, hashes=hashes, dtype=np.bool_, is_retained=True)
    state.add("alarm.acked", keys, hashes=hashes, dtype=np.bool_, fill=1, is_retained=True)
    state.add("alarm.shelf_ns", keys, hashes=hashes, dtype=np.int64, is_retained=True)  # 0: not shelved
    state.add("alarm.suppressed", keys, dtype=np.bool_)
    state.add("alarm.threshold", keys)  # where it would become active, or normal again
    state.add("alarm.since", keys, dtype=np.int64, fill=_IDLE)  # mono ns at which the running delay began
    state.add("alarm.runs", keys, dtype=np.bool_)  # a delay runs
    state.add("alarm.unless", [plan.tags.rows[row].key for row in _conditions(plan)], dtype=np.bool_)
    state.add("alarm.told", keys, dtype=np.bool_, is_shared=True)  # a command changed it since the last evaluation
    state.add("alarm.mono", ["evaluated"], dtype=np.int64, fill=_NEVER, is_shared=True)


def _conditions(plan: Plan) -> Ints:
    """Return the rows of the tags that suppress alarms, each once."""
    rows = plan.alarms.unless_row
    return np.unique(rows[rows >= 0])


class Work:
    """Index arrays and buffers of ``evaluate``, made once from the plan; holds nothing that outlives a scan."""

    def __init__(self, plan: Plan, batch: int) -> None:
        a = plan.alarms
        count = len(a.keys)
        kinds = np.where(a.on_bad[:, 0], 2, np.where(a.sign[:, 0] > 0.0, 0, 1))
        assert (np.diff(kinds) >= 0).all()  # noqa: S101  the compiler sorts: high, low, lost quality
        highs, limits = int(np.searchsorted(kinds, 1)), int(np.searchsorted(kinds, 2))
        self.high, self.low, self.bad = slice(0, highs), slice(highs, limits), slice(limits, count)
        self.limits = limits * batch  # flat places below this one are limit alarms
        self.conditions = _conditions(plan)
        self.unless = np.searchsorted(self.conditions, np.maximum(a.unless_row, 0)).clip(0, len(self.conditions) - 1)
        self.has_unless = (a.unless_row >= 0)[:, np.newaxis]
        self.deadband = a.sign * a.deadband
        self.value = np.empty((count, batch))
        self.met, self.mask = np.empty((2, count, batch), dtype=np.bool_)


def evaluate(plan: Plan, state: State, work: Work, value: Floats, quality: Codes, *, now: Now, emit: Emit) -> None:
    """Evaluate all alarms for one instant and write their states into the rows of the tag table.

    ``value`` and ``quality`` are the whole table (rows, batch); a value is NaN where its quality is bad. All times come
    from ``now.mono``, so it may be called every scan or every fifth; in between the alarm rows keep what they hold.
    """
    if not plan.alarms.keys:
        return
    mono = int(now.mono)
    is_first = state["alarm.mono"][0, 0] == _NEVER
    if is_first:
        _begin(plan, state, work, quality)
    _compare(plan, state, work, value)
    due = _delay(plan, state, work, mono)
    ended = _expire(plan, state, mono, emit)
    shown, changed = _suppress(state, work, value, quality)
    if len(due) or len(shown):
        _change(plan, state, work, quality, due, shown, emit)
    if is_first:
        changed = np.arange(work.met.size)
    for places in (due, ended, changed, _told(state)):
        if len(places):
            _show(plan, state, value, places)


# --- one evaluation, step by step ------------------------------------------------------------------------------------


def _begin(plan: Plan, state: State, w: Work, quality: Codes) -> None:
    """Find the thresholds of new or restored alarms."""
    state["alarm.threshold"][...] = plan.alarms.limit - w.deadband * state["alarm.active"]
    quality[plan.alarms.row] = GOOD


def _compare(plan: Plan, state: State, w: Work, value: Floats) -> None:
    """Find where the condition is met; a bad source meets no limit."""
    x, threshold = w.value, state["alarm.threshold"]
    np.take(value, plan.alarms.source, axis=0, out=x, mode="clip")
    np.greater_equal(x[w.high], threshold[w.high], out=w.met[w.high])
    np.less_equal(x[w.low], threshold[w.low], out=w.met[w.low])
    np.isnan(x[w.bad], out=w.met[w.bad])


def _delay(plan: Plan, state: State, w: Work, mono: int) -> Ints:
    """Run the on and off delays; return the places that change between active and not now."""
    a, active, runs = plan.alarms, state["alarm.active"], state["alarm.runs"]
    np.not_equal(w.met, active, out=w.mask)
    np.logical_or(w.mask, runs, out=w.mask)
    places = np.flatnonzero(w.mask)
    if not len(places):
        return places
    row, since, is_active = places // state.batch, state["alarm.since"].reshape(-1), active.reshape(-1)[places]
    is_held = np.isnan(w.value.reshape(-1)[places]) & (places < w.limits)
    is_pending = (w.met.reshape(-1)[places] != is_active) & ~is_held
    began = np.where(is_pending, np.minimum(since[places], mono), np.where(is_held, since[places], _IDLE))
    delay = np.where(is_active, a.off_ns[row, 0], a.on_ns[row, 0])
    is_due = is_pending & (mono - began >= delay)
    began[is_due] = _IDLE  # the way back has its own delay, from its own beginning
    since[places] = began
    runs.reshape(-1)[places] = began != _IDLE
    return places[is_due]


def _expire(plan: Plan, state: State, mono: int, emit: Emit) -> Ints:
    """Let the shelving times run; they stand still while nobody evaluates, so a restart ends none early."""
    shelf, last = state["alarm.shelf_ns"], state["alarm.mono"]
    passed = mono - int(last[0, 0]) if last[0, 0] != _NEVER else 0
    last[...] = mono
    if not np.count_nonzero(shelf):
        return np.empty(0, dtype=np.intp)
    was_shelved = shelf > 0
    np.maximum(shelf - passed, 0, out=shelf)
    ended = np.flatnonzero(was_shelved & (shelf == 0))
    for row, column in zip(*np.divmod(ended, state.batch), strict=True):
        emit(EventKind.ALARM_UNSHELVED, plan.alarms.keys[row], plant=int(column), text="the shelving time is over")
    return ended


def _suppress(state: State, w: Work, value: Floats, quality: Codes) -> tuple[Ints, Ints]:
    """Suppress by design; return the active, unseen alarms that come out of it, and all that changed."""
    is_known = quality.take(w.conditions, axis=0, mode="clip") < BAD  # an unknown condition suppresses nothing
    holds = is_known & (value.take(w.conditions, axis=0, mode="clip") >= 0.5)
    before = state["alarm.unless"]
    if np.array_equal(holds, before):
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    before[...] = holds
    suppressed = holds.take(w.unless, axis=0, mode="clip") & w.has_unless
    was_suppressed = state["alarm.suppressed"]
    changed = np.flatnonzero(suppressed != was_suppressed)
    was_suppressed[...] = suppressed
    is_unseen = state["alarm.active"] & ~state["alarm.acked"] & ~suppressed
    return changed[is_unseen.reshape(-1)[changed]], changed


def _change(plan: Plan, state: State, w: Work, quality: Codes, due: Ints, shown: Ints, emit: Emit) -> None:
    """Carry out what is due, record it, and record active alarms that come out of suppression."""
    active, acked = state["alarm.active"].reshape(-1), state["alarm.acked"].reshape(-1)
    row = due // state.batch
    is_active = ~active[due]
    active[due] = is_active
    acked[due] = ~is_active & (acked[due] | _is_hidden(state, due))
    threshold = plan.alarms.limit[row, 0] - np.where(is_active, w.deadband[row, 0], 0.0)
    state["alarm.threshold"].reshape(-1)[due] = threshold
    for place in np.union1d(due, shown):
        kind = EventKind.ALARM_RAISED if active[place] else EventKind.ALARM_CLEARED
        _emit_alarm(plan, state, w, quality, kind, int(place), emit)


def _is_hidden(state: State, places: Ints) -> Bools:
    return state["alarm.suppressed"].reshape(-1)[places] | (state["alarm.shelf_ns"].reshape(-1)[places] > 0)


def _emit_alarm(plan: Plan, state: State, w: Work, quality: Codes, kind: EventKind, place: int, emit: Emit) -> None:
    a = plan.alarms
    row, column = divmod(place, state.batch)
    reading = float(w.value[row, column])
    emit(
        kind,
        a.keys[row],
        plant=column,
        severity=int(a.severity[row]),
        value=None if np.isnan(reading) else reading,
        limit=None if a.on_bad[row, 0] else float(a.limit[row, 0]),
        quality=int(quality[a.source[row], column]),
        data={"hidden": bool(_is_hidden(state, np.array([place]))[0])},
    )


def _told(state: State) -> Ints:
    """Return the places that commands have changed."""
    told = state["alarm.told"]
    rows = np.flatnonzero(told)
    if len(rows):
        told[...] = False
    return (rows[:, np.newaxis] * state.batch + np.arange(state.batch)).reshape(-1)


def _show(plan: Plan, state: State, value: Floats, places: Ints) -> None:
    """Write the states into the alarm rows."""
    active, acked = state["alarm.active"].reshape(-1)[places], state["alarm.acked"].reshape(-1)[places]
    code = np.where(acked, float(AlarmState.NORMAL), float(AlarmState.RETURNED_UNACKED))
    code[active] = np.where(acked[active], float(AlarmState.ACKED), float(AlarmState.UNACKED))
    code[state["alarm.suppressed"].reshape(-1)[places]] = float(AlarmState.SUPPRESSED)
    code[state["alarm.shelf_ns"].reshape(-1)[places] > 0] = float(AlarmState.SHELVED)
    row, column = np.divmod(places, state.batch)
    value[plan.alarms.row[row], column] = code


# --- commands --------------------------------------------------------------------------------------------------------


def command(plan: Plan, state: State, alarm: int, wish: Command, *, emit: Emit) -> tuple[Reason, str]:
    """Carry out one command on an alarm, in every plant of the batch that permits it; the row shows it next time."""
    key = plan.alarms.keys[alarm]
    if wish.role not in ROLES:
        return Reason.NO_RIGHT, f"{key}: role {wish.role.name.lower()} may not acknowledge or shelve alarms"
    state["alarm.told"][alarm] = True
    match wish.action:
        case Action.ACK:
            return _ack(plan, state, alarm, wish, emit)
        case Action.SHELVE:
            return _shelve(plan, state, alarm, wish, emit)
        case Action.UNSHELVE:
            return _unshelve(plan, state, alarm, wish, emit)
        case _:
            return Reason.NOT_WRITABLE, f"{key}: an alarm cannot be given the command {wish.action.value}"


def _ack(plan: Plan, state: State, alarm: int, wish: Command, emit: Emit) -> tuple[Reason, str]:
    key, acked = plan.alarms.keys[alarm], state["alarm.acked"][alarm]
    waiting = np.flatnonzero(~acked)
    if not len(waiting):
        return Reason.WRONG_MODE, f"{key}: there is nothing to acknowledge"
    acked[...] = True
    for column in waiting:
        emit(EventKind.ALARM_ACKED, key, plant=int(column), user=wish.user, text=wish.reason)
    return Reason.ACCEPTED, ""


def _shelve(plan: Plan, state: State, alarm: int, wish: Command, emit: Emit) -> tuple[Reason, str]:
    key, shelf = plan.alarms.keys[alarm], state["alarm.shelf_ns"][alarm]
    if not plan.alarms.can_shelve[alarm, 0]:
        return Reason.NOT_WRITABLE, f"{key}: the alarm of a trip cannot be shelved"
    if not 1.0 <= wish.value <= MAX_SHELVE_S:  # NaN and infinity too
        return Reason.OUT_OF_RANGE, f"{key}: {wish.value:g} s of shelving is outside 1..{MAX_SHELVE_S:g} s"
    shelf[...] = round(wish.value * NS_PER_S)
    for column in range(state.batch):
        emit(EventKind.ALARM_SHELVED, key, plant=column, value=wish.value, user=wish.user, text=wish.reason)
    return Reason.ACCEPTED, ""


def _unshelve(plan: Plan, state: State, alarm: int, wish: Command, emit: Emit) -> tuple[Reason, str]:
    key, shelf = plan.alarms.keys[alarm], state["alarm.shelf_ns"][alarm]
    shelved = np.flatnonzero(shelf)
    if not len(shelved):
        return Reason.WRONG_MODE, f"{key}: it is not shelved"
    shelf[...] = 0
    for column in shelved:
        emit(EventKind.ALARM_UNSHELVED, key, plant=int(column), user=wish.user, text=wish.reason)
    return Reason.ACCEPTED, ""
