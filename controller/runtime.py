"""The real-time host: owns the clock, the tasks and the order of start and stop. The scan decides, the host carries.

The scan and the field are critical: when one fails, all ends, safely. What serves people is restartable, wrapped in
``supervise``. Records go to disk in threads of their own: no person, screen or disk can make the scan wait.
"""

import asyncio
import contextlib
import gc
import random
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import structlog

from controller.core.clock import NS_PER_S, Clock, MonoNs, Now, UtcNs
from controller.core.command import Command
from controller.core.errors import StateError
from controller.core.event import Event, EventKind
from controller.core.frame import Frame
from controller.core.plan import Plan
from controller.core.state import State
from controller.core.tags import Image, RowKind
from controller.link.journal import Journal
from controller.link.server import LinkServer
from controller.modbus.device import DeviceStatus
from controller.modbus.master import ModbusIo
from controller.retain import End, Loaded, RetainStore
from controller.scan import new_state, scan, start

MISSED_TO_SAFE: Final = 5  # scans missed in a row, or
LATE_TO_SAFE_NS: Final = NS_PER_S  # a scan this late: outputs safe and exit (half of the PLC's watchdog time)
REST_S: Final = (0.5, 10.0)  # how long a start waits for the other devices: within the watchdog time; later
LAST_WRITES_S: Final = 1.0  # for the end states or safe values to reach the devices
SLACK_NS: Final = NS_PER_S  # between saves of the retained state when nothing happens, and between garbage collections
HMI_LOST_NS: Final = 5 * NS_PER_S  # without a report for so long, the HMI server offers nothing
SERVICE_PAUSE_S: Final = (0.1, 5.0)  # before a failed service is started again: doubling, from .. to
CALM_NS: Final = 60 * NS_PER_S  # a service that ran this long starts with the short pause again

_log = structlog.stdlib.get_logger("runtime")


class ScanFailed(Exception):  # noqa: N818  the words of the log; a failure, not a refusal: PlantError would be one
    """The scan cannot go on. The outputs were driven to their safe values; the process must end."""


class ProcessIo(Protocol):
    """The seam to the plant: Modbus live, the simulator called directly in the rig. No method ever waits."""

    def read(self) -> Image:
        """Return all inputs as they are now."""
        ...

    def write(self, frame: Frame) -> None:
        """Have the outputs of ``frame`` written."""

    def write_end_state(self) -> None:
        """Have each output written to its declared end state and the planned stop marked; the last write."""

    def write_safe(self) -> None:
        """Have each output written to its safe value; the last write."""


class Field(ProcessIo, Protocol):
    """A plant on a network: its polls are phase-locked to the scan and run in a task."""

    @property
    def devices(self) -> Sequence[DeviceStatus]:
        """State and figures of each device."""
        ...

    async def run(self) -> None:
        """Serve the devices; return after the last write."""

    def tick(self, edge: MonoNs) -> None:
        """Let the next poll end just before ``edge``, when the next scan begins."""


class SystemClock:
    """The real time. asyncio counts in ms, so ``sleep_until`` returns 0 to 1.2 ms late, never early."""

    def mono(self) -> MonoNs:
        """Return the monotonic time."""
        return MonoNs(time.monotonic_ns())

    def utc(self) -> UtcNs:
        """Return the wall-clock time."""
        return UtcNs(time.time_ns())

    async def sleep_until(self, deadline: MonoNs) -> None:
        """Return at ``deadline``; when that has passed, after the other tasks had a turn."""
        await asyncio.sleep(max(0.0, (deadline - self.mono()) / NS_PER_S))


@dataclass(slots=True)
class Pace:
    """How well the scan keeps its time."""

    scan_ms: float = 0.0  # from the image to the outputs, last scan
    jitter_ms: float = 0.0  # how late the last scan began
    overruns: int = 0  # scans missed since the start


# --- the scan loop ---------------------------------------------------------------------------------------------------


async def run_scan(
    period_ns: int,
    clock: Clock,
    io: ProcessIo,
    step: Callable[[Image, Now], Frame],
    *,
    after: Callable[[Frame, MonoNs], None],
    pace: Pace,
) -> None:
    """Run ``step`` once a period until cancelled; then each output goes to its declared end state.

    Deadlines are absolute: the next one is ``due + period``, so nothing drifts. Missed ones are counted and skipped,
    never queued; ``Now.periods`` says how many periods have passed. ``after(frame, next deadline)`` runs in the slack,
    when the outputs are on their way, and is never left out for a frame that was written. Any exception (ScanFailed
    when too many scans were missed): the outputs are safe, the process must end.
    """
    due = clock.mono()
    try:
        while True:
            began = clock.mono()
            missed = _missed(began - due, period_ns)
            pace.jitter_ms, pace.overruns = (began - due) / 1e6, pace.overruns + missed
            frame = step(io.read(), Now(began, clock.utc(), 1 + missed))
            io.write(frame)
            pace.scan_ms = (clock.mono() - began) / 1e6
            due = MonoNs(due + (1 + missed) * period_ns)
            try:
                await clock.sleep_until(began)  # the tasks of the field send now
            finally:
                after(frame, due)
            await clock.sleep_until(due)
    except asyncio.CancelledError:
        io.write_end_state()
        raise
    except BaseException:
        io.write_safe()
        raise


def _missed(late_ns: int, period_ns: int) -> int:
    """Return how many whole scans were missed by one that begins ``late_ns`` late; ScanFailed when too many."""
    missed = late_ns // period_ns
    if missed >= MISSED_TO_SAFE or late_ns >= LATE_TO_SAFE_NS:
        raise ScanFailed(
            f"missed {missed} scans in a row ({late_ns / 1e6:.0f} ms late): the computer is overloaded or the process "
            "was stopped; give the controller a processor of its own"
        )
    return missed


async def supervise(name: str, service: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """Run ``service`` for as long as it lasts; when it fails, log it, pause and start it again."""
    shortest, longest = SERVICE_PAUSE_S
    pause_s = shortest
    while True:
        began = clock.mono()
        try:
            await service()
        except Exception:  # noqa: BLE001  what serves people must not take the scan with it
            _log.exception("service_failed", service=name, pause_s=pause_s)
        else:
            return
        if clock.mono() - began > CALM_NS:
            pause_s = shortest
        await clock.sleep_until(MonoNs(clock.mono() + round(pause_s * NS_PER_S)))
        pause_s = min(2.0 * pause_s, longest)


# --- what is done around each scan -----------------------------------------------------------------------------------


class Host:
    """One controller: its state, and everything around a scan that is not a decision."""

    def __init__(
        self,
        plan: Plan,
        field: Field,
        clock: Clock,
        *,
        journal: Journal,
        retain: RetainStore,
        link: LinkServer,
        decide: Callable[[Plan, State, Image, Sequence[Command], Now], Frame] = scan,
    ) -> None:
        self.pace = Pace()
        self._plan, self._field, self._clock, self._decide = plan, field, clock, decide
        self._journal, self._retain, self._link = journal, retain, link
        self._state = new_state(plan, 1)
        first = plan.span(RowKind.SYSTEM).start
        self._figure_rows = {figure: row - first for figure, row in plan.system.items()}
        self._began = self._saved = self._collected = clock.mono()
        self._starts = self._retain.begin()
        self._gap_s: float | None = None

    def restore(self) -> Loaded:
        """Take over the retained state, item by item; cold where that is not possible."""
        loaded = self._retain.load()
        try:
            if loaded.data is not None:
                result = self._state.restore(loaded.data)
                _log.info("state_restored", kept=len(result.kept), cold=result.cold, removed=result.removed)
        except StateError as error:
            loaded = Loaded(None, f"{loaded.reason}, but: {error}", is_damaged=True)
        # Events of the last moments may be in the journal though the retained state is older: no number is used twice.
        counter = self._state["event.seq"]
        counter[...] = max(int(counter[0, 0]), self._journal.newest_seq)
        return loaded

    def begin(self, image: Image, loaded: Loaded) -> None:
        """Align the state with the plant before the first scan, and record the start."""
        is_restored = loaded.data is not None
        if loaded.gap_s is not None:
            self._gap_s = loaded.gap_s + (self._clock.mono() - self._began) / NS_PER_S
        # A planned stop is no gap: the PLCs kept the end states. After a failure the outputs stand safe: as a gap.
        gap_s = {End.PLANNED: 0.0, End.SAFE: None, End.KILLED: self._gap_s}[self._retain.last_end]
        now = Now(self._clock.mono(), self._clock.utc())
        start(self._plan, self._state, image, now, is_restored=is_restored, gap_s=gap_s)
        gap = {} if self._gap_s is None else {"gap_s": round(self._gap_s, 3)}
        self._note(
            EventKind.STARTED,
            loaded.reason,
            severity=500 if loaded.is_damaged else 1,
            data={"is_restored": is_restored, "last_end": self._retain.last_end.value, "starts": self._starts, **gap},
        )
        self._retain.take_over()
        self._retain.save(self._state.save(retained_only=True))  # a kill in the next moment is then no cold start
        self._link.is_accepting = True

    def step(self, image: Image, now: Now) -> Frame:
        """Return the frame of one scan; ScanFailed when its outputs must not be used."""
        figures, values = self._figures(now.mono), self._state["system.value"]
        for figure, row in self._figure_rows.items():
            values[row] = figures.get(figure, 0.0)
        frame = self._decide(self._plan, self._state, image, self._link.take_commands(), now)
        if frame.is_failed:
            self._journal.append(frame.events)
            raise ScanFailed(frame.events[-1].text if frame.events else "the scan gave up without saying why")
        return frame

    def after(self, frame: Frame, due: MonoNs) -> None:
        """Record and publish a frame whose outputs are on their way; the next scan is at ``due``."""
        self._field.tick(due)
        self._journal.append(frame.events)
        self._link.publish(frame)
        self._link.answer(frame.answers)
        self._retain.beat()
        mono = self._clock.mono()
        if frame.events or mono - self._saved >= SLACK_NS:  # whatever durable changes has an event that says so
            self._saved = mono
            self._retain.save(self._state.save(retained_only=True))
        if mono - self._collected >= SLACK_NS:
            self._collected = mono
            gc.collect()

    def end(self, end: End, reason: str) -> None:
        """Record how and why this run ends."""
        self._note(EventKind.STOPPED, reason, severity=1 if end is End.PLANNED else 1000, data={"end": end.value})
        self._retain.end = end
        if end is End.PLANNED:  # after a failure the state is not to be trusted: that of the last whole scan stays
            self._retain.save(self._state.save(retained_only=True))
        self._journal.close()
        self._link.flush()

    def refuse_commands(self) -> None:
        """Take no more commands: the end has begun."""
        self._link.is_accepting = False

    def _note(self, kind: EventKind, text: str, *, severity: int, data: dict[str, str | float | int | bool]) -> None:
        """Journal an event of the host itself, numbered like those of the scan."""
        counter, count = self._state["event.seq"], int(self._state["scan.count"][0, 0])
        counter += 1
        seq, utc, mono = int(counter[0, 0]), self._clock.utc(), self._clock.mono()
        event = Event(seq, kind, "controller", utc, mono, count, severity=severity, text=text, data=data)
        self._journal.append([event])
        _log.info(f"controller_{kind.value}", reason=text, **data)

    def _figures(self, mono: MonoNs) -> dict[str, float]:
        """Return the figures of the controller itself, by the name the configuration gives them."""
        hmi_age_ns = mono - (self._began if self._link.heard is None else self._link.heard)
        hmi = self._link.figures if hmi_age_ns < HMI_LOST_NS else {}
        return {
            "scan_ms": self.pace.scan_ms,
            "jitter_ms": self.pace.jitter_ms,
            "overruns": self.pace.overruns,
            "retain_age_s": self._retain.age_s,
            "gap_s": self._gap_s or 0.0,
            "starts": self._starts,
            "events": self._journal.newest_seq,
            "unrecorded": self._journal.newest_seq - self._journal.durable_seq,
            "open_endpoint": hmi.get("open_endpoint", 0.0),
            "sessions": hmi.get("sessions", 0.0),
            "hmi_age_s": hmi_age_ns / NS_PER_S,
            **{f"poll_ms/{device.name}": device.poll_ms for device in self._field.devices},
        }


# --- start and stop --------------------------------------------------------------------------------------------------


async def serve(plan: Plan, *, state_dir: Path, ready: Callable[[], None]) -> None:
    """Control the plant until cancelled; ``ready`` is called when the scan begins and commands are taken.

    PlantError: it could not start (another controller, unusable folder, restart storm). ScanFailed and everything else
    end the process after the outputs were driven to their safe values.
    """
    clock = SystemClock()
    field = ModbusIo(plan, clock, random.SystemRandom().random)
    await operate(plan, field, clock, state_dir=state_dir, ready=ready)


async def operate(
    plan: Plan,
    field: Field,
    clock: Clock,
    *,
    state_dir: Path,
    ready: Callable[[], None],
    decide: Callable[[Plan, State, Image, Sequence[Command], Now], Frame] = scan,
) -> None:
    """Do what ``serve`` says with a given field, clock and scan."""
    with contextlib.ExitStack() as opened:
        retain = RetainStore(state_dir / "retain", clock, config_hash=plan.config_hash)
        opened.callback(retain.close)
        journal = Journal(state_dir / "journal.sqlite")
        opened.callback(journal.close)
        link = LinkServer(state_dir / "link", journal, clock, config_hash=plan.config_hash)
        opened.callback(link.close)
        loop = asyncio.get_running_loop()
        journal.on_durable = partial(loop.call_soon_threadsafe, link.flush)
        host = Host(plan, field, clock, journal=journal, retain=retain, link=link, decide=decide)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(supervise("link", link.serve, clock), name="link")
            polling = tasks.create_task(field.run(), name="field")
            with _collected_in_slack():
                loaded = host.restore()
                is_urgent = loaded.gap_s is not None and loaded.gap_s * NS_PER_S < plan.watchdog_ns
                host.begin(await first_image(field, clock, REST_S[0] if is_urgent else REST_S[1]), loaded)
                ready()
                await _scan_to_the_end(host, plan.period_ns, clock, field, polling)


async def _scan_to_the_end(host: Host, period_ns: int, clock: Clock, field: Field, polling: asyncio.Task[None]) -> None:
    """Scan until cancelled or failed; see that the last writes reach the devices, and record the end."""
    end, reason = End.SAFE, "the field failed"
    try:
        await run_scan(period_ns, clock, field, host.step, after=host.after, pace=host.pace)
    except asyncio.CancelledError:
        if not polling.done():  # else the task group cancels us because the field failed
            end, reason = End.PLANNED, "stopped as asked"
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        _log.critical("scan_failed", reason=reason, exc_info=error)
        raise
    finally:
        host.refuse_commands()
        await asyncio.wait({polling}, timeout=LAST_WRITES_S)
        host.end(end, reason)


async def first_image(field: Field, clock: Clock, rest_s: float) -> Image:
    """Wait for one device, however long it takes, then ``rest_s`` for the others; return the image."""
    said = clock.mono()
    answered: MonoNs | None = None
    while True:
        image, mono = field.read(), clock.mono()
        if image.device_ok.all():
            return image
        answered = mono if answered is None and image.device_ok.any() else answered
        if answered is not None and mono - answered >= rest_s * NS_PER_S:
            _log.warning("field_incomplete", errors=[device.last_error for device in field.devices])
            return image
        if mono - said >= 5 * NS_PER_S:
            said = mono
            _log.warning("field_awaited", errors=[device.last_error for device in field.devices])
        await clock.sleep_until(MonoNs(mono + 10_000_000))


@contextlib.contextmanager
def _collected_in_slack() -> Generator[None]:
    """Keep the garbage collector out of the scan: what exists now is never looked at again, the rest in the slack."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
