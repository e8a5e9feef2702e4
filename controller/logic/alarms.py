"""Alarms: limits with deadband and delays, lost quality, acknowledgement, shelving, suppression by design (ISA-18.2).

An alarm is *active* or not, *acked* or not; shelving and suppression hide it and change neither. What returns while it
is hidden needs no acknowledgement: nobody was shown it. A bad source says nothing about a limit: its limit alarms stay
as they are and only its quality alarm speaks.
"""

from typing import Final

import numpy as np

from controller.core.clock import NS_PER_S, Now
from controller.core.command import Action, Command, Reason, Role
from controller.core.event import EventKind
from controller.core.plan import AlarmState, Bools, Plan
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
    state.add("alarm.since", keys, dtype=np.int64, fill=_IDLE)  # mono ns at which the running delay began
    state.add("alarm.mono", ["evaluated"], dtype=np.int64, fill=_NEVER, is_shared=True)


class Work:
    """Index arrays and buffers of ``evaluate``, made once from the plan; holds nothing that outlives a scan."""

    def __init__(self, plan: Plan, batch: int) -> None:
        a = plan.alarms
        count = len(a.keys)
        self.source = np.concatenate([a.source, np.maximum(a.unless_row, 0)])
        self.limit = a.sign * a.limit
        self.has_unless = (a.unless_row >= 0)[:, np.newaxis]
        self.value = np.empty((2 * count, batch))
        self.quality = np.empty((2 * count, batch), dtype=np.uint32)
        self.is_bad = np.empty((2 * count, batch), dtype=np.bool_)
        self.number = np.empty((count, batch))
        self.code = np.empty((count, batch))
        self.met, self.held, self.pending, self.due, self.mask, self.suppressed = np.empty(
            (6, count, batch), dtype=np.bool_
        )
        self.delay, self.elapsed = np.empty((2, count, batch), dtype=np.int64)
        self.source_bad, self.unless_bad = self.is_bad[:count], self.is_bad[count:]


def evaluate(plan: Plan, state: State, work: Work, value: Floats, quality: Codes, *, now: Now, emit: Emit) -> None:
    """Evaluate all alarms for one instant and write their states into the rows of the tag table.

    ``value`` and ``quality`` are the whole table (rows, batch). All times come from ``now.mono``, so it may be called
    every scan or every fifth; in between the alarm rows keep what they hold.
    """
    mono = int(now.mono)
    _compare(plan, state, work, value, quality)
    _delay(plan, state, work, mono)
    _expire(plan, state, mono, emit)
    was_suppressed = state["alarm.suppressed"]
    np.not_equal(work.suppressed, was_suppressed, out=work.mask)
    if np.count_nonzero(work.due) or np.count_nonzero(work.mask):
        _change(plan, state, work, emit)
    _show(plan, state, work, value, quality)


# --- one evaluation, step by step ------------------------------------------------------------------------------------


def _compare(plan: Plan, state: State, w: Work, value: Floats, quality: Codes) -> None:
    """Find where the condition is met, where a bad source holds it, and where the design suppresses it."""
    a, count = plan.alarms, len(plan.alarms.keys)
    np.take(value, w.source, axis=0, out=w.value, mode="clip")
    np.take(quality, w.source, axis=0, out=w.quality, mode="clip")
    np.greater_equal(w.quality, BAD, out=w.is_bad)
    np.logical_or(w.is_bad, np.isnan(w.value), out=w.is_bad)

    np.multiply(state["alarm.active"], a.deadband, out=w.number)
    np.subtract(w.limit, w.number, out=w.number)  # an active alarm returns beyond its deadband
    signed = w.value[:count]
    np.multiply(signed, a.sign, out=signed)
    np.greater_equal(signed, w.number, out=w.met)
    np.copyto(w.met, w.source_bad, where=a.on_bad)
    np.greater(w.source_bad, a.on_bad, out=w.held)

    np.greater_equal(w.value[count:], 0.5, out=w.suppressed)
    np.greater(w.suppressed, w.unless_bad, out=w.suppressed)  # an unknown condition suppresses nothing
    np.logical_and(w.suppressed, w.has_unless, out=w.suppressed)


def _delay(plan: Plan, state: State, w: Work, mono: int) -> None:
    """Run the on and off delays: set ``due`` where an alarm changes between active and not."""
    a, active, since = plan.alarms, state["alarm.active"], state["alarm.since"]
    np.not_equal(w.met, active, out=w.pending)
    np.greater(w.pending, w.held, out=w.pending)
    np.logical_or(w.pending, w.held, out=w.mask)
    np.logical_not(w.mask, out=w.mask)
    np.copyto(since, _IDLE, where=w.mask)
    np.minimum(since, mono, out=since, where=w.pending)
    np.copyto(w.delay, a.on_ns)
    np.copyto(w.delay, a.off_ns, where=active)
    np.subtract(mono, since, out=w.elapsed)
    np.greater_equal(w.elapsed, w.delay, out=w.due)
    np.logical_and(w.due, w.pending, out=w.due)
    np.copyto(since, _IDLE, where=w.due)  # the way back has its own delay, from its own beginning


def _expire(plan: Plan, state: State, mono: int, emit: Emit) -> None:
    """Let the shelving times run; they stand still while nobody evaluates, so a restart ends none early."""
    shelf, last = state["alarm.shelf_ns"], state["alarm.mono"]
    passed = mono - int(last[0, 0]) if last[0, 0] != _NEVER else 0
    last[...] = mono
    if not np.count_nonzero(shelf):
        return
    was_shelved = shelf > 0
    np.maximum(shelf - passed, 0, out=shelf)
    for row, column in np.argwhere(was_shelved & (shelf == 0)):
        emit(EventKind.ALARM_UNSHELVED, plan.alarms.keys[row], plant=int(column), text="the shelving time is over")


def _change(plan: Plan, state: State, w: Work, emit: Emit) -> None:
    """Carry out what is due, record it, and record active alarms that come out of suppression."""
    active, acked, suppressed = state["alarm.active"], state["alarm.acked"], state["alarm.suppressed"]
    shown_again = suppressed & ~w.suppressed & active & ~acked
    suppressed[...] = w.suppressed
    is_hidden = suppressed | (state["alarm.shelf_ns"] > 0)
    active ^= w.due
    np.copyto(acked, False, where=w.due & active)
    np.copyto(acked, True, where=w.due & ~active & is_hidden)
    for row, column in np.argwhere(w.due | shown_again):
        kind = EventKind.ALARM_RAISED if active[row, column] else EventKind.ALARM_CLEARED
        _emit_alarm(plan, w, kind, row=int(row), column=int(column), is_hidden=is_hidden, emit=emit)


def _emit_alarm(plan: Plan, w: Work, kind: EventKind, *, row: int, column: int, is_hidden: Bools, emit: Emit) -> None:
    a = plan.alarms
    reading = float(w.value[row, column] * a.sign[row, 0])  # the buffer holds sign * value
    emit(
        kind,
        a.keys[row],
        plant=column,
        severity=int(a.severity[row]),
        value=None if np.isnan(reading) else reading,
        limit=None if a.on_bad[row, 0] else float(a.limit[row, 0]),
        quality=int(w.quality[row, column]),
        data={"hidden": bool(is_hidden[row, column])},
    )


def _show(plan: Plan, state: State, w: Work, value: Floats, quality: Codes) -> None:
    """Write the states into the alarm rows."""
    acked = state["alarm.acked"]
    np.logical_not(acked, out=w.mask)
    np.multiply(w.mask, float(AlarmState.RETURNED_UNACKED), out=w.code)
    np.add(acked, float(AlarmState.UNACKED), out=w.number)  # UNACKED + 1 is ACKED
    np.copyto(w.code, w.number, where=state["alarm.active"])
    np.copyto(w.code, float(AlarmState.SUPPRESSED), where=w.suppressed)
    np.greater(state["alarm.shelf_ns"], 0, out=w.mask)
    np.copyto(w.code, float(AlarmState.SHELVED), where=w.mask)
    value[plan.alarms.row] = w.code
    quality[plan.alarms.row] = GOOD


# --- commands --------------------------------------------------------------------------------------------------------


def command(plan: Plan, state: State, alarm: int, wish: Command, *, emit: Emit) -> tuple[Reason, str]:
    """Carry out one command on an alarm, in every plant of the batch that permits it; the row shows it next time."""
    key = plan.alarms.keys[alarm]
    if wish.role not in ROLES:
        return Reason.NO_RIGHT, f"{key}: role {wish.role.name.lower()} may not acknowledge or shelve alarms"
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
