"""One scan: everything the controller decides, from inputs to outputs, as one function of its arguments.

``scan(plan, state, image, commands, now) -> frame``. The order is the order of this file: image, commands, derived
values, emissions, protection, control, arbitration, alarms, frame. No clock, no socket, no await; state changes in
place; the frame is a copy. An exception in control is caught here, once: loops hold, protection goes on, and after
three such scans in a row the frame says that the host must write safe values and exit. An exception in protection is
not caught at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from controller.core.clock import Now
from controller.core.command import Action, Answer, Command, Reason
from controller.core.event import Event, EventKind
from controller.core.frame import Frame
from controller.core.plan import Plan
from controller.core.quality import (
    BAD_WAITING_FOR_INITIAL_DATA,
    GOOD,
    UNCERTAIN_LAST_USABLE,
    UNCERTAIN_SENSOR_NOT_ACCURATE,
)
from controller.core.state import State
from controller.core.tags import DataType, Floats, Image, RowKind, Times
from controller.logic import alarms, arbiter, derived, emissions, loops, protection, suspension, trip_commands

CONTROL_FAILURES_TO_EXIT = 3
MISMATCH_SCANS = 15  # a PLC lets go of its fail positions 1 s after the heartbeat is back: longer is a mismatch
MISMATCH_SPAN = 0.002  # of the output's span: two counts of a 0..27648 register are 0.00007

# As names of this module: an attribute of an Enum costs a microsecond in Python 3.11.
_INPUT, _OUTPUT, _TRIP, _ALARM, _SYSTEM = (
    RowKind.INPUT,
    RowKind.OUTPUT,
    RowKind.TRIP,
    RowKind.ALARM,
    RowKind.SYSTEM,
)
_UNKNOWN = np.uint32(UNCERTAIN_LAST_USABLE)

Mark = Callable[[str], None]


def _no_mark(stage: str) -> None:
    del stage


@dataclass(slots=True)
class _Log:
    """Events of this scan; gives them their numbers and times."""

    state: State
    now: Now
    scan: int
    events: list[Event] = field(default_factory=list[Event])

    def emit(
        self,
        kind: EventKind,
        source: str,
        *,
        plant: int = 0,
        severity: int = 1,
        value: float | None = None,
        limit: float | None = None,
        quality: int = 0,
        user: str = "",
        reason: str = "",
        text: str = "",
        data: dict[str, str | float | int | bool] | None = None,
    ) -> None:
        counter = self.state["event.seq"]
        counter += 1
        self.events.append(
            Event(
                seq=int(counter[0, 0]),
                kind=kind,
                source=source,
                utc=self.now.utc,
                mono=self.now.mono,
                scan=self.scan,
                severity=severity,
                value=value,
                limit=limit,
                quality=quality,
                user=user,
                reason=reason,
                text=text,
                plant=plant,
                data=data or {},
            )
        )


def new_state(plan: Plan, batch: int = 1) -> State:
    """Return the state of a controller that has never scanned."""
    state = State(batch)
    keys = [row.key for row in plan.tags.rows]
    outputs = plan.output.keys
    state.add("table.value", keys, fill=np.nan)
    state.add("table.quality", keys, dtype=np.uint32, fill=BAD_WAITING_FOR_INITIAL_DATA)
    state.add("table.time", keys, dtype=np.int64, is_shared=True)
    state.add("scan.count", ["scan"], dtype=np.int64, is_shared=True)
    state.add("scan.is_cold", ["scan"], dtype=np.bool_, is_shared=True)
    state.add("scan.control_failures", ["scan"], dtype=np.int64, is_shared=True)
    state.add("event.seq", ["seq"], dtype=np.int64, is_shared=True, is_retained=True)
    state.add("output.mv", outputs, fill=np.nan)
    state.add("output.operator", outputs, fill=np.nan)  # what the operator wants of outputs without a loop
    state.add("output.mismatch", outputs, dtype=np.int64)  # scans in a row in which the read-back differed
    state.add("output.was_known", outputs, dtype=np.bool_)  # the device said last scan what its register holds
    state.add("device.was_ok", [d.name for d in plan.devices], dtype=np.bool_, is_shared=True)
    state.add("system.value", [plan.tags.rows[r].key for r in plan.system.values()], is_shared=True)
    for part in (derived, protection, loops, arbiter, alarms):
        part.add_state(plan, state)
    emissions.prepare(plan.emissions, state)
    state.scratch["protection"] = protection.Work(plan, batch)
    state.scratch["alarms"] = alarms.Work(plan, batch)
    return state


def start(plan: Plan, state: State, image: Image, now: Now, *, is_restored: bool, gap_s: float | None) -> None:
    """Align a new or restored state with the plant before the first scan.

    Outputs, and through them the integrators, start from what the devices hold. After a gap longer than the PLC's
    watchdog (or an unknown one, ``gap_s`` None, after a restore) the outputs stand at their fail positions and nothing
    returns by itself: every loop goes to MAN. On a cold start each loop begins in its configured start mode, but in
    MAN where the first scan finds a protection row acting: that plant is not running.
    """
    known = np.isfinite(image.readback)
    mv = state["output.mv"]
    np.copyto(mv, image.readback, where=known)
    np.copyto(state["output.operator"], image.readback, where=known)
    state["output.was_known"][...] = known
    state["device.was_ok"][...] = image.device_ok[:, None]
    value, quality, time = state["table.value"], state["table.quality"], state["table.time"]
    rows = plan.span(_INPUT)
    value[rows], quality[rows], time[rows, 0] = image.value, image.quality, image.time
    value[plan.span(_OUTPUT)] = mv  # calculated tags may say by an output what runs
    emissions.show(plan.emissions, state, value, quality, time, now.utc)
    derived.derive(plan, state, value, quality, time, [1] * len(plan.derived))
    time[plan.span(_OUTPUT)] = now.utc
    state["scan.is_cold"][...] = not is_restored
    suspension.start(plan, state, gap_s)
    watchdog_has_acted = is_restored and (gap_s is None or gap_s * 1e9 >= plan.watchdog_ns)
    loops.start(plan, state, value, quality, time, now.utc, is_restored=is_restored)
    if watchdog_has_acted:
        loops.to_manual(state, np.ones(state.batch, dtype=np.bool_))


def scan(plan: Plan, state: State, image: Image, commands: Sequence[Command], now: Now, mark: Mark = _no_mark) -> Frame:
    """Return the frame of one scan. ``mark(stage)`` is called after each stage: a profiler's hook, never a decision."""
    value, quality, time = state["table.value"], state["table.quality"], state["table.time"]
    count = state["scan.count"]
    before = int(count[0, 0])
    count += now.periods
    log = _Log(state, now, before + now.periods)
    if now.periods > 1:
        log.emit(EventKind.SCAN_OVERRUN, "controller", severity=500, value=float(now.periods - 1))

    _take_image(plan, state, image, log)
    _take_system(plan, state, now.utc)
    mark("image")
    answers = tuple(_carry_out(plan, state, command, log) for command in commands)
    mark("commands")
    derived.derive(plan, state, value, quality, time, [derived.turns(g, before, log.scan) for g in plan.derived])
    mark("derived")
    emissions.evaluate(plan.emissions, state, value, quality, time, now=now, emit=log.emit)
    mark("emissions")
    forces = protection.evaluate(plan, state, state.scratch["protection"], value, quality, now=now, emit=log.emit)
    if state["scan.is_cold"][0, 0]:
        state["scan.is_cold"][...] = False
        loops.start_cold(plan, state, value, np.logical_or.reduce(state["protection.acting"], axis=0))
    mark("protection")
    is_failed = not _control(plan, state, before, log)
    mark("control")
    _arbitrate(plan, state, forces, now.utc)
    mark("arbitrate")
    alarms.evaluate(plan, state, state.scratch["alarms"], value, quality, now=now, emit=log.emit)
    _stamp(plan, time, now.utc)
    mark("alarms")
    frame = Frame(
        scan=log.scan,
        mono=now.mono,
        utc=now.utc,
        value=value.copy(),
        quality=quality.copy(),
        time=time[:, 0].copy(),
        mv=state["output.mv"].copy(),
        events=tuple(log.events),
        answers=answers,
        is_failed=is_failed,
        writes=np.logical_and.reduce(state["output.was_known"], axis=1),
    )
    mark("frame")
    return frame


# --- image -----------------------------------------------------------------------------------------------------------


def _take_image(plan: Plan, state: State, image: Image, log: _Log) -> None:
    rows = plan.span(_INPUT)
    state["table.value"][rows] = image.value
    state["table.quality"][rows] = image.quality
    state["table.time"][rows, 0] = image.time
    _note_devices(plan, state, image, log)
    _compare_readback(plan, state, image, log)


def _note_devices(plan: Plan, state: State, image: Image, log: _Log) -> None:
    was_ok = state["device.was_ok"][:, 0]
    for number in np.nonzero(was_ok != image.device_ok)[0]:
        kind = EventKind.DEVICE_BACK if image.device_ok[number] else EventKind.DEVICE_LOST
        log.emit(kind, plan.devices[number].name, severity=500)
    was_ok[...] = image.device_ok


def _compare_readback(plan: Plan, state: State, image: Image, log: _Log) -> None:
    """Judge each output by what its device says it holds.

    A device that comes back is followed, not overwritten: its outputs continue from the read-back. Unknown outputs are
    Uncertain; one that goes on differing from what was written is Uncertain (not accurate) and an event says so.
    """
    rows = plan.span(_OUTPUT)
    mv, mismatch, was_known = state["output.mv"], state["output.mismatch"], state["output.was_known"]
    is_known = np.isfinite(image.readback)
    returned = is_known & ~was_known
    if returned.any():
        np.copyto(mv, image.readback, where=returned)
        np.copyto(state["output.operator"], image.readback, where=returned)
        loops.take_over(plan, state, mv, returned)
    tolerance = MISMATCH_SPAN * (plan.output.hi - plan.output.lo)
    differs = is_known & was_known & (np.abs(image.readback - mv) > tolerance)
    mismatch += 1
    np.copyto(mismatch, 0, where=~differs)
    if (mismatch == MISMATCH_SCANS).any():
        for row, column in np.argwhere(mismatch == MISMATCH_SCANS):
            log.emit(
                EventKind.WRITE_MISMATCH,
                plan.output.keys[row],
                plant=int(column),
                severity=500,
                value=float(image.readback[row, column]),
                limit=float(mv[row, column]),
            )
    code = np.where(is_known, np.where(mismatch >= MISMATCH_SCANS, UNCERTAIN_SENSOR_NOT_ACCURATE, GOOD), _UNKNOWN)
    state["table.quality"][rows] = code
    was_known[...] = is_known


def _take_system(plan: Plan, state: State, utc: int) -> None:
    rows, figures = plan.span(_SYSTEM), state["system.value"]
    if "control_failed" in plan.system:
        figures[plan.system["control_failed"] - rows.start] = state["scan.control_failures"][0, 0] > 0
    if "bypasses" in plan.system:
        figures[plan.system["bypasses"] - rows.start] = suspension.count(plan, state)
    state["table.value"][rows] = figures
    state["table.quality"][rows] = GOOD
    state["table.time"][rows] = utc


# --- commands --------------------------------------------------------------------------------------------------------


def _carry_out(plan: Plan, state: State, command: Command, log: _Log) -> Answer:
    """Check one command and do it; the only function through which a person changes anything."""
    reason, text = _decide(plan, state, command, log)
    is_accepted = reason is Reason.ACCEPTED
    log.emit(
        EventKind.COMMAND_ACCEPTED if is_accepted else EventKind.COMMAND_REJECTED,
        command.target,
        value=command.value if np.isfinite(command.value) else None,
        user=command.user,
        reason=reason.value,
        text=text,
        data={
            "action": command.action.value,
            "role": command.role.name.lower(),
            "address": command.address,
            "why": command.reason,
        },
    )
    return Answer(command.ident, reason, text, seq=log.events[-1].seq)


def _decide(plan: Plan, state: State, command: Command, log: _Log) -> tuple[Reason, str]:
    key, value, quality = command.target, state["table.value"], state["table.quality"]
    match command.action:
        case Action.WRITE:
            return _write(plan, state, command)
        case Action.RESET | Action.TRIP:
            if key not in plan.protection.keys:
                return Reason.UNKNOWN_TAG, f"{key}: no protection row has this key"
            row = plan.protection.keys.index(key)
            if command.action is Action.TRIP:
                return trip_commands.trip(plan, state, row, role=command.role)
            return trip_commands.reset(
                plan, state, value, quality, row, role=command.role, user=command.user, emit=log.emit
            )
        case Action.ASK_BYPASS:
            return suspension.ask(plan, state, command, log.now.mono, log.emit)
        case Action.GRANT_BYPASS:
            return suspension.grant(plan, state, command, log.now.mono, log.emit)
        case Action.END_BYPASS:
            return suspension.end(plan, state, command, log.emit)
        case Action.TEST:
            return suspension.test(plan, state, command, log.emit)
        case _:
            if key not in plan.alarms.keys:
                return Reason.UNKNOWN_TAG, f"{key}: no alarm has this key"
            return alarms.command(plan, state, plan.alarms.keys.index(key), command, emit=log.emit)


def _write(plan: Plan, state: State, command: Command) -> tuple[Reason, str]:
    number = plan.tags.index.get(command.target)
    if number is None:
        return Reason.UNKNOWN_TAG, f"{command.target}: no such tag"
    row, x = plan.tags.rows[number], command.value
    if not row.writers:
        return Reason.NOT_WRITABLE, f"{row.key}: a {row.kind.value} value cannot be written"
    if command.role not in row.writers:
        names = ", ".join(role.name.lower() for role in sorted(row.writers))
        return Reason.NO_RIGHT, f"{row.key}: role {command.role.name.lower()} may not write it; may: {names}"
    if not np.isfinite(x) or not row.lo <= x <= row.hi:
        return Reason.OUT_OF_RANGE, f"{row.key}: {x:g} is outside {row.lo:g}..{row.hi:g} {row.unit}".rstrip()
    if row.data_type is not DataType.FLOAT and not float(x).is_integer():
        return Reason.WRONG_TYPE, f"{row.key}: {x:g} is no {row.data_type.value}"
    if row.kind is RowKind.LOOP:
        loop = plan.loops.keys.index(row.owner)
        return loops.write(plan, state, loop, row.member, x, command.role, state["table.quality"])
    output = number - plan.span(_OUTPUT).start
    holder = trip_commands.holder(plan, state, output)
    if holder:
        return Reason.INTERLOCKED, f"{row.key}: held by {holder}; its cause must go and it must be reset first"
    state["output.operator"][output] = x
    return Reason.ACCEPTED, ""


# --- control and arbitration -----------------------------------------------------------------------------------------


def _control(plan: Plan, state: State, before: int, log: _Log) -> bool:
    """Run the loops; False when control has failed too often in a row and the process must end safely."""
    failures = state["scan.control_failures"]
    value, quality = state["table.value"], state["table.quality"]
    try:
        loops.find_modes(plan, state, value, quality, log.emit, log.scan - before)
        loops.control(plan, state, value, quality, before, log.scan)
    except Exception as error:  # noqa: BLE001  a bug in control: loops hold, an alarm latches, protection goes on
        failures += 1
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else ""
        log.emit(
            EventKind.CONTROL_FAILED, "controller", severity=1000, text=f"{type(error).__name__}: {error} ({where})"
        )
        return int(failures[0, 0]) < CONTROL_FAILURES_TO_EXIT
    failures[...] = 0
    return True


def _arbitrate(plan: Plan, state: State, forces: Floats, utc: int) -> None:
    """Decide each output, let the losers follow, and write outputs and loops into the table."""
    mv = state["output.mv"]
    wish = loops.wish(plan, state, mv, has_failed=bool(state["scan.control_failures"].any()))
    is_forced = arbiter.arbitrate(
        plan, state, demand=wish, mode=state["loop.mode_act"], operator=state["output.operator"], forces=forces
    )
    loops.follow(plan, state, mv, is_forced)
    np.copyto(state["output.operator"], mv, where=is_forced)  # after a reset nothing starts by itself
    rows = plan.span(_OUTPUT)
    value, quality, time = state["table.value"], state["table.quality"], state["table.time"]
    value[rows] = mv
    np.copyto(quality[rows], np.uint32(BAD_WAITING_FOR_INITIAL_DATA), where=np.isnan(mv))
    time[rows] = utc
    if plan.loops.keys:
        loops.publish(plan, state, value, quality, time, utc)


def _stamp(plan: Plan, time: Times, utc: int) -> None:
    for kind in (_TRIP, _ALARM):
        time[plan.span(kind)] = utc
