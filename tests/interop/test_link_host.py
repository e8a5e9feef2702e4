"""The host of the controller with its real scan, link and records: starts, orderly stops, failures and restarts.

Virtual time, one millisecond a scan; the field answers what the test says.
"""

import asyncio
import shutil
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import numpy as np
import pytest

from controller.core.clock import Clock, MonoNs, Now, UtcNs
from controller.core.command import Command, Reason, Role
from controller.core.compiler import compile_plan
from controller.core.config import load
from controller.core.errors import PlantError
from controller.core.event import Event, EventKind
from controller.core.frame import Frame
from controller.core.plan import Plan
from controller.core.quality import GOOD
from controller.core.state import State
from controller.core.tags import Image, RowKind
from controller.link import wire
from controller.link.client import LinkClient
from controller.link.journal import Journal, verify
from controller.modbus.device import DeviceStatus
from controller.retain import RetainStore
from controller.runtime import ScanFailed, SystemClock, operate
from controller.scan import scan

PATIENCE_S = 20.0
Decide = Callable[[Plan, State, Image, Sequence[Command], Now], Frame]


class FastClock:
    """Virtual time for one sleeper, the scan loop: a period passes in a millisecond."""

    def __init__(self, seconds: float = 1000.0) -> None:
        self.ns = round(seconds * 1e9)

    def mono(self) -> MonoNs:
        return MonoNs(self.ns)

    def utc(self) -> UtcNs:
        return UtcNs(1_800_000_000_000_000_000 + self.ns)

    async def sleep_until(self, deadline: MonoNs) -> None:
        if deadline > self.ns:
            await asyncio.sleep(0.001)
            self.ns = max(self.ns, deadline)
        await asyncio.sleep(0)


class Field:
    """Devices that answer: all inputs in the middle of their range, outputs as last written."""

    def __init__(self, plan: Plan) -> None:
        self.devices = tuple(DeviceStatus(device.name, poll_ms=4.5) for device in plan.devices)
        self.log: list[str] = []
        self.scans = 0
        self.is_broken = False
        self._ended = asyncio.Event()
        rows = plan.tags.rows[plan.span(RowKind.INPUT)]
        self._value = np.array([[(row.lo + row.hi) / 2] for row in rows])
        self._readback = plan.output.rest.copy()
        self._device_ok = np.ones(len(plan.devices), np.bool_)

    def read(self) -> Image:
        quality = np.full(self._value.shape, GOOD, np.uint32)
        times = np.zeros(len(self._value), np.int64)
        return Image(self._value.copy(), quality, times, self._readback.copy(), self._device_ok.copy())

    def write(self, frame: Frame) -> None:
        self.scans += 1
        np.copyto(self._readback, frame.mv, where=np.isfinite(frame.mv))

    def write_end_state(self) -> None:
        self.log.append("end state")
        self._ended.set()

    def write_safe(self) -> None:
        self.log.append("safe")
        self._ended.set()

    def tick(self, edge: MonoNs) -> None:
        del edge
        if self.is_broken:
            self._ended.set()

    async def run(self) -> None:
        await self._ended.wait()
        if self.is_broken:
            raise RuntimeError("a bug in the field")
        self.log.append("last write done")


def fail_after(scans: int, *, says_so: bool) -> Decide:
    """Return a scan that fails after ``scans`` scans: with an exception, or with a frame that says so."""
    count = 0

    def decide(plan: Plan, state: State, image: Image, commands: Sequence[Command], now: Now) -> Frame:
        nonlocal count
        count += 1
        frame = scan(plan, state, image, commands, now)
        if count <= scans:
            return frame
        if not says_so:
            raise ZeroDivisionError("a bug in protection")
        counter = state["event.seq"]
        counter += 1
        last = Event(int(counter[0, 0]), EventKind.CONTROL_FAILED, "controller", now.utc, now.mono, 0, text="a bug")
        return Frame(
            *(frame.scan, frame.mono, frame.utc, frame.value, frame.quality, frame.time, frame.mv),
            events=(*frame.events, last),
            is_failed=True,
        )

    return decide


class Run:
    """One run of a controller."""

    def __init__(self, plan: Plan, folder: Path, clock: Clock, decide: Decide = scan) -> None:
        self.field, self.ready = Field(plan), asyncio.Event()
        self.task = asyncio.ensure_future(
            operate(plan, self.field, clock, state_dir=folder, ready=self.ready.set, decide=decide)
        )

    async def scans(self, count: int) -> None:
        """Wait for ``count`` scans, or the end."""
        async with asyncio.timeout(PATIENCE_S):
            while self.field.scans < count and not self.task.done():  # noqa: ASYNC110  nobody knows of our waiting
                await asyncio.sleep(0.001)

    async def stop(self) -> None:
        self.task.cancel()
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait([self.task])


@asynccontextmanager
async def running(
    plan: Plan, folder: Path, clock: Clock, *, scans: int = 20, decide: Decide = scan
) -> AsyncGenerator[Run]:
    """Run a controller for some scans, do what the test does, and stop it in order."""
    run = Run(plan, folder, clock, decide)
    try:
        await run.scans(scans)
        yield run
    finally:
        await run.stop()


def journalled(folder: Path) -> list[Event]:
    journal = Journal(folder / "journal.sqlite")
    try:
        events = list[Event]()
        while bodies := journal.since(events[-1].seq if events else 0, 1000):
            events += [wire.decode_event(body) for body in bodies]
        return events
    finally:
        journal.close()


def of_kind(events: Sequence[Event], kind: EventKind) -> list[Event]:
    return [event for event in events if event.kind is kind]


@pytest.fixture(scope="module")
def plan(repository: Path) -> Plan:
    return compile_plan(load(repository / "config" / "almaty"))


@pytest.fixture
def clock() -> FastClock:
    return FastClock()


async def test_an_orderly_stop_writes_end_states_records_itself_and_keeps_the_state(
    plan: Plan, clock: FastClock, tmp_path: Path
) -> None:
    async with running(plan, tmp_path, clock) as run:
        assert run.ready.is_set()
    assert run.task.cancelled()
    assert run.field.log == ["end state", "last write done"]
    events = journalled(tmp_path)
    assert events[0].kind is EventKind.STARTED
    assert events[0].data["is_restored"] is False
    assert events[-1].kind is EventKind.STOPPED
    assert events[-1].data["end"] == "planned"
    assert verify(tmp_path / "journal.sqlite") == []


async def test_the_next_start_continues_state_and_numbers(plan: Plan, clock: FastClock, tmp_path: Path) -> None:
    async with running(plan, tmp_path, clock):
        pass
    clock.ns += 700_000_000
    async with running(plan, tmp_path, clock):
        pass
    events = journalled(tmp_path)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    second = of_kind(events, EventKind.STARTED)[1]
    assert second.data["is_restored"] is True
    assert second.data["starts"] == 2
    assert second.data["last_end"] == "planned"
    assert second.data["gap_s"] == pytest.approx(0.7, abs=0.11)


@pytest.mark.parametrize("says_so", [False, True], ids=["exception", "failed frame"])
async def test_a_scan_that_fails_leaves_the_outputs_safe_and_the_next_start_knows(
    plan: Plan, clock: FastClock, tmp_path: Path, *, says_so: bool
) -> None:
    run = Run(plan, tmp_path, clock, fail_after(10, says_so=says_so))
    await asyncio.wait([run.task], timeout=PATIENCE_S)
    error = run.task.exception()
    assert isinstance(error, ExceptionGroup)
    assert error.subgroup(ScanFailed if says_so else ZeroDivisionError) is not None
    assert run.field.log == ["safe", "last write done"]
    assert run.field.scans == 10
    events = journalled(tmp_path)
    assert events[-1].kind is EventKind.STOPPED
    assert events[-1].severity == 1000
    assert "a bug" in events[-1].text
    assert len(of_kind(events, EventKind.CONTROL_FAILED)) == int(says_so)
    async with running(plan, tmp_path, clock):
        pass
    assert of_kind(journalled(tmp_path), EventKind.STARTED)[1].data["last_end"] == "safe"


@pytest.mark.parametrize(("last_end", "expected"), [("planned", 0.0), ("safe", None), ("killed", 5.0)])
async def test_what_the_start_believes_of_the_gap_depends_on_how_the_last_run_ended(
    plan: Plan,
    clock: FastClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    last_end: str,
    expected: float | None,
) -> None:
    async with running(plan, tmp_path, clock):
        pass
    file = tmp_path / "retain" / "starts.json"
    file.write_text(file.read_text().replace("planned", last_end))
    clock.ns += 5_000_000_000
    gaps = list[float | None]()

    def note_gap(*_: object, is_restored: bool, gap_s: float | None) -> None:
        assert is_restored
        gaps.append(gap_s)

    monkeypatch.setattr("controller.runtime.start", note_gap)
    async with running(plan, tmp_path, clock, scans=1):
        pass
    assert gaps == [expected if expected is None else pytest.approx(expected, abs=0.11)]


async def test_a_retained_state_that_does_not_fit_is_a_cold_start_that_says_why(
    plan: Plan, clock: FastClock, tmp_path: Path
) -> None:
    store = RetainStore(tmp_path / "retain", clock, config_hash="")
    store.save(b"a state of another program")
    store.close()
    async with running(plan, tmp_path, clock):
        pass
    started = journalled(tmp_path)[0]
    assert started.data["is_restored"] is False
    assert "not a state file" in started.text
    assert started.severity == 500


async def test_a_field_that_fails_is_no_planned_stop(plan: Plan, clock: FastClock, tmp_path: Path) -> None:
    run = Run(plan, tmp_path, clock)
    await run.scans(5)
    run.field.is_broken = True
    await asyncio.wait([run.task], timeout=PATIENCE_S)
    error = run.task.exception()
    assert isinstance(error, ExceptionGroup)
    assert error.subgroup(RuntimeError) is not None
    assert journalled(tmp_path)[-1].data["end"] == "safe"


async def test_a_bug_in_the_link_does_not_stop_the_scan(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = 0

    async def broken(_: object) -> None:
        nonlocal attempts
        attempts += 1
        raise RuntimeError("a bug in the link")

    monkeypatch.setattr("controller.link.server.LinkServer.serve", broken)
    async with running(plan, tmp_path, SystemClock(), scans=8) as run:
        assert attempts >= 3
        assert not run.task.done()


async def test_commands_are_carried_out_by_the_scan_and_figures_are_seen(
    plan: Plan, clock: FastClock, tmp_path: Path
) -> None:
    async with running(plan, tmp_path, clock), LinkClient(tmp_path / "link") as client:
        answer = await client.send(Command("1", "L9-XX-0000", user="anna", role=Role.OPERATOR))
        assert answer.reason is Reason.UNKNOWN_TAG
        recorded = await client.events(answer.seq - 1)
        assert (recorded[0].kind, recorded[0].user) == (EventKind.COMMAND_REJECTED, "anna")
        await client.report({"sessions": 3.0})
        frame = await client.next_frame()
        async with asyncio.timeout(PATIENCE_S):
            while frame.value[plan.system["sessions"]] != 3.0:
                frame = await client.next_frame()
        assert frame.config_hash == plan.config_hash
        assert frame.value[plan.system["starts"]] == 1.0
        assert frame.value[plan.system["overruns"]] == 0.0
        polls = [frame.value[row] for figure, row in plan.system.items() if figure.startswith("poll_ms/")]
        assert set(polls) == {4.5}


async def test_no_event_number_is_used_twice_when_the_retained_state_is_older_than_the_journal(
    plan: Plan, clock: FastClock, tmp_path: Path
) -> None:
    async with running(plan, tmp_path, clock):
        pass
    shutil.copytree(tmp_path / "retain", tmp_path / "old")
    async with running(plan, tmp_path, clock), LinkClient(tmp_path / "link") as client:
        for number in range(5):
            await client.send(Command(str(number), "L9-XX-0000"))
    shutil.rmtree(tmp_path / "retain")
    (tmp_path / "old").rename(tmp_path / "retain")
    async with running(plan, tmp_path, clock):
        pass
    numbers = [event.seq for event in journalled(tmp_path)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert verify(tmp_path / "journal.sqlite") == []


async def test_a_stop_while_the_field_is_awaited_writes_nothing(plan: Plan, clock: FastClock, tmp_path: Path) -> None:
    run = Run(plan, tmp_path, clock)
    run.field._device_ok[:] = False
    await asyncio.sleep(0.05)
    await run.stop()
    assert run.task.cancelled()
    assert not run.ready.is_set()
    assert run.field.log == []
    starts = msgspec.json.decode((tmp_path / "retain" / "starts.json").read_bytes())
    assert (starts["total"], starts["unfinished"]) == (1, [])


async def test_a_second_controller_on_the_same_folder_is_refused(plan: Plan, clock: FastClock, tmp_path: Path) -> None:
    async with running(plan, tmp_path, clock) as first:
        second = Run(plan, tmp_path, clock)
        await asyncio.wait([second.task], timeout=PATIENCE_S)
        assert isinstance(second.task.exception(), PlantError)
        assert not first.task.done()


async def test_a_restart_storm_is_refused_before_anything_is_written(
    plan: Plan, clock: FastClock, tmp_path: Path
) -> None:
    start = {"utc": clock.utc(), "mono": clock.mono(), "boot_id": ""}
    starts = {"total": 5, "last_end": "killed", "unfinished": [start] * 5}
    (tmp_path / "retain").mkdir()
    (tmp_path / "retain" / "starts.json").write_bytes(msgspec.json.encode(starts))
    run = Run(plan, tmp_path, clock)
    await asyncio.wait([run.task], timeout=PATIENCE_S)
    assert "restart storm" in str(run.task.exception())
    assert run.field.log == []
