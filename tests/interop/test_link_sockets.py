"""Both ends of the link on real sockets: slow, dead and rude readers, commands, events across restarts."""

import asyncio
import contextlib
import signal
import stat
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import apsw
import msgspec
import numpy as np
import pytest
import zmq
import zmq.asyncio

from controller.core.clock import MonoNs, UtcNs
from controller.core.command import Action, Answer, Command, Reason, Role
from controller.core.errors import PlantError
from controller.core.event import Event, EventKind
from controller.core.frame import Frame
from controller.link import journal as journal_module
from controller.link import wire
from controller.link.client import LinkClient
from controller.link.journal import Journal
from controller.link.server import LinkServer

PATIENCE_S = 10.0


class MovableClock:
    """The real clock, which a test may set forward."""

    ahead_ns = 0

    def mono(self) -> MonoNs:
        return MonoNs(time.monotonic_ns() + self.ahead_ns)

    def utc(self) -> UtcNs:
        return UtcNs(time.time_ns())

    async def sleep_until(self, deadline: MonoNs) -> None:
        await asyncio.sleep(max(0, deadline - self.mono()) / 1e9)


def accept(command: Command, seq: int) -> Answer:
    return Answer(command.ident, Reason.ACCEPTED, "", seq)


class Controller:
    """The controller's side: a link, a journal, and scans whenever the test says."""

    def __init__(self, folder: Path) -> None:
        self.clock = MovableClock()
        self.journal = Journal(folder / "journal.sqlite")
        self.link = LinkServer(folder / "link", self.journal, self.clock, config_hash="c0ffee")
        self.journal.on_durable = partial(asyncio.get_running_loop().call_soon_threadsafe, self.link.flush)
        self.link.is_accepting = True
        self.count = 0
        self.carried_out: list[Command] = []

    def scan(self, decide: Callable[[Command, int], Answer] = accept, *, rows: int = 100) -> None:
        self.count += 1
        events, answers = list[Event](), list[Answer]()
        for command in self.link.take_commands():
            self.carried_out.append(command)
            seq = self.journal.newest_seq + len(events) + 1
            utc, mono = self.clock.utc(), self.clock.mono()
            events.append(Event(seq, EventKind.COMMAND_ACCEPTED, command.target, utc, mono, self.count))
            answers.append(decide(command, seq))
        self.journal.append(events)
        value = np.full((rows, 1), float(self.count))
        quality, times = np.zeros((rows, 1), np.uint32), np.zeros(rows, np.int64)
        self.link.publish(
            Frame(self.count, self.clock.mono(), self.clock.utc(), value, quality, times, np.empty((0, 1)))
        )
        self.link.answer(answers)

    async def scan_for_ever(self, decide: Callable[[Command, int], Answer] = accept) -> None:
        while True:
            self.scan(decide)
            await asyncio.sleep(0.005)

    def note(self, events: int) -> None:
        first = self.journal.newest_seq + 1
        self.journal.append(
            Event(seq, EventKind.ALARM_RAISED, "L1-LT-1401.HI", UtcNs(seq), MonoNs(seq), 0)
            for seq in range(first, first + events)
        )


@asynccontextmanager
async def controller(
    folder: Path, *, decide: Callable[[Command, int], Answer] | None = None
) -> AsyncGenerator[Controller]:
    """Run a controller; with ``decide`` it scans by itself."""
    side = Controller(folder)
    tasks = [asyncio.ensure_future(side.link.serve())]
    if decide is not None:
        tasks.append(asyncio.ensure_future(side.scan_for_ever(decide)))
    try:
        yield side
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        side.journal.close()
        side.link.close()


async def connected(side: Controller, client: LinkClient) -> None:
    """Scan until the reader sees frames."""
    async with asyncio.timeout(PATIENCE_S):
        first = asyncio.ensure_future(client.next_frame())
        while not first.done():
            side.scan()
            await asyncio.sleep(0.01)
        await first


async def next_of(side: Controller, client: LinkClient) -> None:
    """Wait until the reader has the newest frame."""
    async with asyncio.timeout(PATIENCE_S):
        while client.frame is None or client.frame.number < side.count:
            await client.next_frame()


def command(target: str = "L1-LIC-1401.SP", *, action: Action = Action.WRITE, user: str = "anna") -> Command:
    return Command("7", target, action, 20.0, user=user, role=Role.OPERATOR)


# --- frames ----------------------------------------------------------------------------------------------------------


async def test_after_a_stall_the_reader_gets_the_newest_frame_and_knows_how_many_it_missed(tmp_path: Path) -> None:
    async with controller(tmp_path) as side, LinkClient(tmp_path / "link") as client:
        await connected(side, client)
        seen, lost = client.frame, client.lost_frames
        assert seen is not None
        for _ in range(60):
            side.scan()
            time.sleep(0.003)  # noqa: ASYNC251  the stall: nothing of the reader's loop runs
        frame = await client.next_frame()
        assert frame.number == side.count
        assert frame.value[0] == side.count
        assert client.lost_frames - lost == frame.number - seen.number - 1 > 50


async def test_a_frame_says_which_configuration_and_which_event_is_the_newest(tmp_path: Path) -> None:
    async with controller(tmp_path) as side, LinkClient(tmp_path / "link") as client:
        side.note(42)
        await connected(side, client)
        assert client.frame is not None
        assert (client.frame.config_hash, client.frame.event_seq) == ("c0ffee", 42)


READER = """
import asyncio, sys
from pathlib import Path
from controller.link.client import LinkClient
async def main():
    async with LinkClient(Path(sys.argv[1])) as client:
        while True:
            await client.next_frame()
            print("frame", flush=True)
asyncio.run(main())
"""


async def test_a_stopped_and_then_killed_reader_is_not_noticed(tmp_path: Path) -> None:
    async with controller(tmp_path) as side, LinkClient(tmp_path / "link") as other:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", READER, str(tmp_path / "link")), stdout=asyncio.subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            waiting = asyncio.ensure_future(process.stdout.readline())
            while not waiting.done():
                side.scan()
                await asyncio.sleep(0.01)
            assert await waiting == b"frame\n"
            await next_of(side, other)
            lost, slowest_s = other.lost_frames, 0.0
            for number in range(150):
                if number == 20:
                    process.send_signal(signal.SIGSTOP)
                if number == 100:
                    process.kill()
                began = time.perf_counter()
                side.scan(rows=2500)
                slowest_s = max(slowest_s, time.perf_counter() - began)
                await next_of(side, other)
                await asyncio.sleep(0.003)  # ZeroMQ looks for acknowledgements once a millisecond; scans are slower
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()
        assert other.lost_frames == lost
        assert slowest_s < 0.1


# --- commands --------------------------------------------------------------------------------------------------------


async def test_a_command_is_answered_by_the_scan(tmp_path: Path) -> None:
    async with controller(tmp_path, decide=accept) as side, LinkClient(tmp_path / "link") as client:
        answer = await client.send(command())
        assert answer == Answer("7", Reason.ACCEPTED, "", 1)
        assert side.carried_out[0].target == "L1-LIC-1401.SP"
        assert side.journal.durable_seq >= answer.seq


async def test_a_refusal_reaches_the_sender_with_its_reason(tmp_path: Path) -> None:
    def refuse(one: Command, seq: int) -> Answer:
        return Answer(one.ident, Reason.CAUSE_STANDS, "L1-LT-1401A is still low", seq)

    async with controller(tmp_path, decide=refuse), LinkClient(tmp_path / "link") as client:
        answer = await client.send(command("L1-UZ-03", action=Action.RESET))
        assert (answer.reason, answer.text) == (Reason.CAUSE_STANDS, "L1-LT-1401A is still low")


async def test_two_senders_with_the_same_ident_each_get_their_own_answer(tmp_path: Path) -> None:
    def echo(one: Command, seq: int) -> Answer:
        return Answer(one.ident, Reason.ACCEPTED, one.target, seq)

    link = tmp_path / "link"
    async with controller(tmp_path, decide=echo), LinkClient(link) as first, LinkClient(link) as second:
        answers = await asyncio.gather(*(client.send(command(t)) for client in (first, second) for t in ("A-1", "A-2")))
        assert [answer.text for answer in answers] == ["A-1", "A-2", "A-1", "A-2"]
        assert {answer.ident for answer in answers} == {"7"}


async def test_without_a_controller_a_command_fails_and_never_acts_later(tmp_path: Path) -> None:
    async with LinkClient(tmp_path / "link") as client:
        answer = await client.send(command(), timeout_s=0.1)
        assert answer.reason is Reason.NOT_READY
        assert "check that it runs" in answer.text
        async with controller(tmp_path) as side:
            await connected(side, client)
            await asyncio.sleep(0.05)
            side.scan()
            assert side.carried_out == []


async def test_a_command_nobody_waits_for_any_more_does_not_act(tmp_path: Path) -> None:
    async with controller(tmp_path) as side, LinkClient(tmp_path / "link") as client:
        await connected(side, client)
        answer = await client.send(command(), timeout_s=0.1)  # the controller takes it in, but does not scan
        assert answer.reason is Reason.NOT_READY
        side.scan()
        assert side.carried_out == []


async def test_a_controller_that_starts_or_stops_refuses_commands(tmp_path: Path) -> None:
    async with controller(tmp_path, decide=accept) as side, LinkClient(tmp_path / "link") as client:
        side.link.is_accepting = False
        assert (await client.send(command())).reason is Reason.NOT_READY
        assert side.carried_out == []


async def test_too_many_commands_of_one_user_are_refused_and_others_are_not(tmp_path: Path) -> None:
    async with controller(tmp_path, decide=accept), LinkClient(tmp_path / "link") as client:
        answers = await asyncio.gather(*(client.send(command()) for _ in range(80)))
        refused = [answer for answer in answers if answer.reason is Reason.TOO_MANY]
        assert 20 <= len(refused) <= 30
        assert (await client.send(command(user="boris"))).is_accepted
        assert (await client.send(command(action=Action.TRIP))).is_accepted
        await asyncio.sleep(0.1)
        assert (await client.send(command())).is_accepted


async def test_an_answer_waits_for_its_record_and_says_so_when_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "RETRY_S", 0.02)
    async with controller(tmp_path, decide=accept) as side, LinkClient(tmp_path / "link") as client:
        await connected(side, client)
        other = apsw.Connection(str(tmp_path / "journal.sqlite"))
        other.execute("BEGIN IMMEDIATE")  # the disk does not answer
        trip = asyncio.ensure_future(client.send(command(action=Action.TRIP)))
        write = asyncio.ensure_future(client.send(command()))
        assert (await trip).reason is Reason.ACCEPTED  # a manual trip never waits
        await asyncio.sleep(0.05)
        assert len(side.carried_out) == 2  # it has acted
        assert not write.done()  # but is not recorded
        side.clock.ahead_ns = 1_000_000_000
        assert (await write).reason is Reason.NOT_RECORDED
        other.execute("ROLLBACK")
        other.close()
        assert (await client.send(command(), timeout_s=PATIENCE_S)).reason is Reason.ACCEPTED


# --- events ----------------------------------------------------------------------------------------------------------


async def test_events_are_complete_across_a_restart_of_the_controller(tmp_path: Path) -> None:
    async with LinkClient(tmp_path / "link") as client:
        got = list[Event]()
        for _ in range(3):
            async with controller(tmp_path) as side:
                side.note(1500)
                await connected(side, client)
                assert client.frame is not None
                while len(got) < client.frame.event_seq:
                    got += await client.events(got[-1].seq if got else 0)
                    await asyncio.sleep(0)
        assert [event.seq for event in got] == list(range(1, 4501))


async def test_no_reply_carries_more_events_than_it_should(tmp_path: Path) -> None:
    async with controller(tmp_path) as side, LinkClient(tmp_path / "link") as client:
        await connected(side, client)
        side.note(3000)
        assert len(await client.events(0, limit=1_000_000)) == wire.EVENTS_AT_ONCE
        assert [event.seq for event in await client.events(2998, limit=10)] == [2999, 3000]
        assert await client.events(0, limit=-5) == []


async def test_without_a_controller_there_are_no_events(tmp_path: Path) -> None:
    async with LinkClient(tmp_path / "link") as client:
        assert await client.events(0) == []


async def test_a_report_tells_the_controller_that_the_reader_lives(tmp_path: Path) -> None:
    async with controller(tmp_path) as side, LinkClient(tmp_path / "link") as client:
        assert side.link.heard is None
        await connected(side, client)
        await client.report({"sessions": 3.0, "open_endpoint": 1.0})
        await client.events(0)  # requests of one reader are taken in order
        assert side.link.figures == {"sessions": 3.0, "open_endpoint": 1.0}


# --- rude readers ----------------------------------------------------------------------------------------------------


async def test_requests_that_make_no_sense_are_answered_counted_and_harm_nobody(tmp_path: Path) -> None:
    rubbish = [
        [b""],
        [b"\xff" * 60_000],
        [b"GET / HTTP/1.1"],
        [b"", b"", b""],
        [msgspec.msgpack.encode({"type": "command", "number": "one"})],
        [msgspec.msgpack.encode({"type": "events", "number": 1, "since": "x"})],
        [msgspec.msgpack.encode({"type": "reboot"})],
        [msgspec.msgpack.encode([1, 2, 3])],
    ]
    async with controller(tmp_path, decide=accept) as side, LinkClient(tmp_path / "link") as client:
        context = zmq.asyncio.Context()
        socket = context.socket(zmq.DEALER)
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(f"ipc://{tmp_path / 'link' / wire.REQUESTS}")
        for parts in rubbish:
            await socket.send_multipart(parts)
            async with asyncio.timeout(PATIENCE_S):
                reply: wire.Reply = wire.decode_reply(await socket.recv())
            assert isinstance(reply, wire.Refusal)
        assert side.link.malformed == len(rubbish)
        await socket.send(b"x" * 10_000_000)  # far too large: this reader is cut off
        assert (await client.send(command())).is_accepted
        socket.close()
        context.term()


# --- the folder ------------------------------------------------------------------------------------------------------


async def test_only_the_owner_may_enter_the_folder_of_the_sockets(tmp_path: Path) -> None:
    (tmp_path / "link").mkdir(mode=0o755)
    async with controller(tmp_path):
        assert stat.S_IMODE((tmp_path / "link").stat().st_mode) == 0o700


async def test_a_folder_whose_path_is_too_long_for_a_socket_is_named(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    journal = Journal(tmp_path / "journal.sqlite")
    with contextlib.closing(journal), pytest.raises(PlantError, match=r"xxx/link.*--state"):
        LinkServer(deep / "link", journal, MovableClock(), config_hash="")


async def test_the_sockets_of_a_killed_controller_do_not_hinder_the_next(tmp_path: Path) -> None:
    (tmp_path / "link").mkdir()
    for name in (wire.FRAMES, wire.REQUESTS):
        (tmp_path / "link" / name).write_bytes(b"")
    async with controller(tmp_path) as side, LinkClient(tmp_path / "link") as client:
        await connected(side, client)
