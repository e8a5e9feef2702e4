"""Suspension of protection for work: bypass of a channel or of a whole row, start-up override, test.

Only inputs are suspended, never effects. A bypass is asked by one person and granted by another; both, the reason and
the time stand in the events. What remains of its time goes on through a restart; a test ends there. Slots of
``protection.left``: the channels (each once, in every vote that counts it), then of each row function bypass, start-up
override and test.
"""

import hashlib
from typing import Final

import numpy as np

from controller.core.clock import NS_PER_S
from controller.core.command import Command, Reason, Role
from controller.core.event import EventKind
from controller.core.plan import Bools, Plan, ProtectionPlan, Suspension
from controller.core.state import State
from controller.core.tags import Floats
from controller.logic.emit import Emit

ASK_VALID_NS: Final = 600 * NS_PER_S  # a request that nobody grants lapses
WARNING_NS: Final = 900 * NS_PER_S  # before the end
SEVERITY: Final = 500

_ASKERS = frozenset({Role.OPERATOR, Role.ENGINEER})
_GRANTERS = frozenset({Role.SHIFT_LEAD, Role.ENGINEER})
_PROCESS = frozenset({Role.OPERATOR, Role.SHIFT_LEAD, Role.ENGINEER})

Answered = tuple[Reason, str]


def add_state(plan: Plan, state: State) -> None:
    """Add the time left of every suspension, retained by key, and the requests that wait for a second person."""
    keys = slot_keys(plan)
    state.add("protection.left", keys, dtype=np.int64, is_retained=True, is_shared=True)  # ns
    state.add("protection.asked_by", keys, dtype=np.int64, is_shared=True)  # number of the person, 0: nobody
    state.add("protection.asked_ns", keys, dtype=np.int64, is_shared=True)
    state.add("protection.asked_until", keys, dtype=np.int64, is_shared=True)  # mono ns
    state.add("protection.ticked", ["mono"], dtype=np.int64, fill=-1, is_shared=True)  # of the last evaluation


def slot_keys(plan: Plan) -> list[str]:
    """Return the keys of all that can be suspended."""
    p = plan.protection
    kinds = ("function", "start_up", "test")
    return [*channel_keys(plan), *(f"{key}.{kind}" for kind in kinds for key in p.keys)]


def channel_keys(plan: Plan) -> list[str]:
    """Return the tags that are channels of a vote, each once."""
    return list(dict.fromkeys(plan.tags.rows[row].key for row in plan.protection.channel_row))


class Suspended:
    """What the suspensions mean for the evaluation: found anew whenever one begins or ends, nothing of its own."""

    def __init__(self, plan: Plan) -> None:
        p = plan.protection
        names = channel_keys(plan)
        number = {key: n for n, key in enumerate(names)}
        self.slot = np.array([number[plan.tags.rows[row].key] for row in p.channel_row], dtype=np.intp)
        self.first_row = len(names)  # slot of the first row's function bypass
        rows = len(p.keys)
        self.active = np.zeros((len(names) + 3 * rows, 1), dtype=np.bool_)
        self.shown_kind, self.shown_left = np.zeros((2, rows, 1))
        self.find(p)

    def find(self, p: ProtectionPlan) -> None:
        """Set what ``evaluate`` reads from ``active``."""
        rows, parts = len(p.keys), len(p.part_first)
        function, start_up, test = self.active[self.first_row :].reshape(3, rows, 1)
        self.channels = self.active[self.slot]
        self.rows, self.tests = function | start_up, test
        self.is_any = bool(self.active.any())
        self.has_channels, self.has_rows = bool(self.channels.any()), bool(self.rows.any())

        out = np.add.reduceat(self.channels, p.part_first, axis=0, dtype=np.int64) if parts else np.zeros((0, 1))
        size = (p.part_size - out).astype(np.int8)
        gone = np.add.reduceat(size == 0, p.vote_first, axis=0, dtype=np.int64) if parts else np.zeros((0, 1))
        votes = (p.vote_size - gone).astype(np.int8)
        self.part_size, self.vote_size = size, votes
        self.least_size, self.least_parts = np.maximum(size, 1), np.maximum(votes, 1)  # none left: not all bad
        self.part_need = np.clip(p.part_need, 1, self.least_size).astype(np.int8)
        self.vote_need = np.clip(p.vote_need, 1, self.least_parts).astype(np.int8)
        kind = np.where(self._of_rows(p, self.channels), float(Suspension.CHANNEL), float(Suspension.NONE))
        for mask, code in ((test, Suspension.TEST), (start_up, Suspension.START_UP), (function, Suspension.FUNCTION)):
            kind[mask] = float(code)
        self.shown_kind = kind

    def show_left(self, p: ProtectionPlan, left: Floats) -> None:
        """Set the least time left of each row's suspensions, in seconds; 0 without one."""
        most = np.iinfo(np.int64).max
        rows = np.where(left > 0, left, most)
        least = np.minimum.reduce(rows[self.first_row :].reshape(3, len(p.keys), 1), axis=0)
        channels = np.minimum.reduceat(rows[self.slot], p.part_first[p.vote_first[p.row_first]], axis=0)
        least = np.minimum(least, channels)
        self.shown_left = np.where(least < most, least / NS_PER_S, 0.0)

    def _of_rows(self, p: ProtectionPlan, channels: Bools) -> Bools:
        if not len(p.keys):
            return np.zeros((0, 1), dtype=np.bool_)
        return np.logical_or.reduceat(channels, p.part_first[p.vote_first[p.row_first]], axis=0)


def pass_time(plan: Plan, state: State, s: Suspended, value: Floats, mono: int, emit: Emit) -> None:
    """Let the suspensions' time run, end those that are over, and keep ``s`` true to the state."""
    left, ticked = state["protection.left"], state["protection.ticked"]
    before, ticked[0, 0] = int(ticked[0, 0]), mono
    if not np.count_nonzero(left):
        if s.is_any:
            s.active[...] = False
            s.find(plan.protection)
            s.show_left(plan.protection, left)
        return
    was = left > 0
    passed = mono - before if before >= 0 else 0
    warned = left > WARNING_NS
    np.subtract(left, passed, out=left, where=was)
    np.maximum(left, 0, out=left)
    _end_start_ups(plan, s, left, value)
    for slot in np.flatnonzero(was & (left == 0)):
        emit(EventKind.BYPASS_ENDED, slot_keys(plan)[slot], severity=SEVERITY, text="its time is over")
    for slot in np.flatnonzero(warned & (left <= WARNING_NS) & (left > 0)):
        emit(EventKind.BYPASS_ENDS_SOON, slot_keys(plan)[slot], severity=SEVERITY, value=float(left[slot, 0]) * 1e-9)
    active = left > 0
    if not np.array_equal(active, s.active):
        s.active[...] = active
        s.find(plan.protection)
    s.show_left(plan.protection, left)


def start(plan: Plan, state: State, gap_s: float | None) -> None:
    """Take the time of a stop off the suspensions; with an unknown gap, and of tests always, nothing is left."""
    left = state["protection.left"]
    if gap_s is None:
        left[...] = 0
    np.maximum(left - round((gap_s or 0.0) * NS_PER_S), 0, out=left)
    left[len(left) - len(plan.protection.keys) :] = 0


def count(plan: Plan, state: State) -> int:
    """Return how many bypasses and start-up overrides are active; a test is none."""
    left = state["protection.left"]
    return int(np.count_nonzero(left[: len(left) - len(plan.protection.keys)]))


def _end_start_ups(plan: Plan, s: Suspended, left: Floats, value: Floats) -> None:
    """End the start-up overrides whose condition says that the plant has started."""
    p, rows = plan.protection, len(plan.protection.keys)
    of_start = left[s.first_row + rows : s.first_row + 2 * rows]
    has_started = (value[p.start_up_row] >= 0.5).all(axis=1, keepdims=True)
    np.copyto(of_start, 0, where=has_started)


# --- commands --------------------------------------------------------------------------------------------------------


def ask(plan: Plan, state: State, command: Command, mono: int, emit: Emit) -> Answered:
    """Ask for a bypass of a row or a channel for ``value`` seconds; a second person must grant it."""
    if command.role not in _ASKERS:
        return Reason.NO_RIGHT, f"a bypass is asked by an operator or engineer, not by {command.role.name.lower()}"
    slot, refusal = _slot(plan, state, command.target)
    if refusal is not None:
        return refusal
    longest = _longest_ns(plan, slot) / NS_PER_S
    if not 0.0 < command.value <= longest:  # also a NaN
        return Reason.OUT_OF_RANGE, f"{command.target}: {command.value:g} s; a bypass lasts at most {longest:g} s"
    if not command.reason.strip() or not command.user:
        return Reason.OUT_OF_RANGE, f"{command.target}: a bypass needs a name and a reason"
    state["protection.asked_by"][slot] = _number_of(command.user)
    state["protection.asked_ns"][slot] = round(command.value * NS_PER_S)
    state["protection.asked_until"][slot] = mono + ASK_VALID_NS
    emit(
        EventKind.BYPASS_ASKED,
        command.target,
        severity=SEVERITY,
        value=command.value,
        user=command.user,
        reason=command.reason,
    )
    return Reason.ACCEPTED, f"{command.target}: waits for a shift lead or engineer to grant it, for 10 min"


def grant(plan: Plan, state: State, command: Command, mono: int, emit: Emit) -> Answered:
    """Grant what another person asked for."""
    if command.role not in _GRANTERS:
        return Reason.NO_RIGHT, f"a bypass is granted by a shift lead or engineer, not by {command.role.name.lower()}"
    slot, refusal = _slot(plan, state, command.target)
    if refusal is not None:
        return refusal
    asked_by = int(state["protection.asked_by"][slot, 0])
    if not asked_by or mono > int(state["protection.asked_until"][slot, 0]):
        return Reason.WRONG_MODE, f"{command.target}: nobody has asked for a bypass in the last 10 min"
    if not command.user or _number_of(command.user) == asked_by:
        return Reason.NO_RIGHT, f"{command.target}: who asks for a bypass does not grant it"
    if count(plan, state) >= plan.protection.bypass_limit:
        return Reason.TOO_MANY, f"{plan.protection.bypass_limit} bypasses are active; end one of them first"
    state["protection.asked_by"][slot] = 0
    state["protection.left"][slot] = state["protection.asked_ns"][slot]
    seconds = float(state["protection.left"][slot, 0]) / NS_PER_S
    emit(EventKind.BYPASS_BEGUN, command.target, severity=SEVERITY, value=seconds, user=command.user)
    return Reason.ACCEPTED, f"{command.target}: bypassed for {seconds:g} s"


def end(plan: Plan, state: State, command: Command, emit: Emit) -> Answered:
    """End the suspensions of a row or channel before their time, a test with them."""
    if command.role not in _PROCESS:
        return Reason.NO_RIGHT, f"a bypass is ended by an operator or higher, not by {command.role.name.lower()}"
    keys, left = slot_keys(plan), state["protection.left"]
    wanted = {command.target, *(f"{command.target}.{kind}" for kind in ("function", "start_up", "test"))}
    slots = [n for n, key in enumerate(keys) if key in wanted and left[n, 0] > 0]
    if not slots:
        return Reason.WRONG_MODE, f"{command.target}: is not bypassed"
    for slot in slots:
        left[slot] = 0
        emit(EventKind.BYPASS_ENDED, keys[slot], severity=SEVERITY, user=command.user)
    return Reason.ACCEPTED, f"{command.target}: bypass ended"


def test(plan: Plan, state: State, command: Command, emit: Emit) -> Answered:
    """Show a row as under test for ``value`` seconds: its vote is driven, its effects are not."""
    p = plan.protection
    if command.role not in _PROCESS:
        return Reason.NO_RIGHT, f"a test is begun by an operator or higher, not by {command.role.name.lower()}"
    if command.target not in p.keys:
        return Reason.UNKNOWN_TAG, f"{command.target}: no protection row has this key"
    if not 0.0 < command.value <= p.bypass_max_ns / NS_PER_S:
        return Reason.OUT_OF_RANGE, f"{command.target}: {command.value:g} s is no time for a test"
    slot = len(slot_keys(plan)) - len(p.keys) + p.keys.index(command.target)
    state["protection.left"][slot] = round(command.value * NS_PER_S)
    emit(EventKind.BYPASS_BEGUN, f"{command.target}.test", severity=SEVERITY, value=command.value, user=command.user)
    return Reason.ACCEPTED, f"{command.target}: under test for {command.value:g} s"


def _number_of(user: str) -> int:
    """Return a number that stands for a person, never 0: state holds no text."""
    return int.from_bytes(hashlib.blake2b(user.encode(), digest_size=7).digest()) + 1


def _longest_ns(plan: Plan, slot: int) -> int:
    p, first = plan.protection, len(channel_keys(plan))
    rows = len(p.keys)
    if first + rows <= slot < first + 2 * rows:
        return p.start_up_ns[slot - first - rows]
    return p.bypass_max_ns


def _slot(plan: Plan, state: State, key: str) -> tuple[int, Answered | None]:
    """Return the slot a command means, and why it may not be used now."""
    p, names = plan.protection, channel_keys(plan)
    if key in p.keys:
        row = p.keys.index(key)
        if p.function_bypass[row]:
            return len(names) + row, None
        if p.start_up_ns[row]:
            return len(names) + len(p.keys) + row, None
        return 0, (Reason.NOT_WRITABLE, f"{key}: the matrix allows no bypass of this row")
    if key not in names:
        return 0, (Reason.UNKNOWN_TAG, f"{key}: no protection row and no channel of one has this key")
    slot = names.index(key)
    return slot, _channel_refusal(plan, state, key, slot)


def _channel_refusal(plan: Plan, state: State, key: str, slot: int) -> Answered | None:
    """Return why a channel may not leave the votes that count it."""
    p, names = plan.protection, channel_keys(plan)
    left = state["protection.left"]
    number = {name: n for n, name in enumerate(names)}
    slots = [number[plan.tags.rows[row].key] for row in p.channel_row]
    for channel in [n for n, one in enumerate(slots) if one == slot]:
        part = int(np.searchsorted(p.part_first, channel, side="right")) - 1
        row = int(p.vote_row[p.part_vote[part]])
        allowed = p.channel_bypass[row]
        if not allowed:
            return Reason.NOT_WRITABLE, f"{key}: {p.keys[row]} counts it and allows no bypass of a channel"
        first, size = int(p.part_first[part]), int(p.part_size[part, 0])
        others = sum(left[one, 0] > 0 and one != slot for one in slots[first : first + size])
        if others >= allowed:
            return Reason.TOO_MANY, f"{key}: {others} other channel(s) of {p.keys[row]} are bypassed already"
    return None
