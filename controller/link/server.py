"""The controller's end of the link. The scan publishes and takes commands without ever waiting for a reader."""

import asyncio
import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec
import structlog
import zmq
import zmq.asyncio

from controller.core.clock import NS_PER_S, Clock, MonoNs
from controller.core.command import Action, Answer, Command, Reason
from controller.core.errors import PlantError
from controller.core.frame import Frame
from controller.link import wire
from controller.link.journal import Journal

COMMANDS_PER_S: Final = 50  # per reader and user; far above what people and recipes do, far below what hurts the scan
MAX_COMMANDS: Final = 1000  # waiting for one scan
DURABLE_NS: Final = NS_PER_S  # how long an answer waits for its record
MAX_REQUEST_BYTES: Final = 65_536
FRAMES_KEPT: Final = 10  # for a reader that has stopped; what is newer is dropped, and the reader counts the gap

_log = structlog.stdlib.get_logger("link")


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who waits for the answer to a command, and until when."""

    sender: bytes
    number: int
    ident: str  # as the sender knows it
    action: Action
    expires: int


class LinkServer:
    """Sockets in ``directory`` (made with mode 0700: who may open it may command the plant).

    The scan calls ``take_commands``, ``publish`` and ``answer``; ``serve`` runs beside it and takes requests in.
    Commands are refused (NOT_READY) until ``is_accepting`` is set. PlantError when the sockets cannot be made.
    """

    def __init__(self, directory: Path, journal: Journal, clock: Clock, *, config_hash: str) -> None:
        self.is_accepting = False
        self.figures: dict[str, float] = {}  # last report of the HMI server
        self.heard: MonoNs | None = None  # when that was
        self.malformed = 0  # requests nobody could read
        self._journal = journal
        self._clock = clock
        self._config_hash = config_hash
        self._sent = 0  # frames
        self._tickets = itertools.count(1)
        self._commands: deque[Command] = deque()
        self._asked: dict[str, _Asked] = {}
        self._unrecorded: deque[tuple[int, _Asked, Answer]] = deque()  # deadline, who, what
        self._limiter = _Limiter()
        self._context = zmq.Context()
        self._frames = self._context.socket(zmq.PUB)
        self._frames.setsockopt(zmq.SNDHWM, FRAMES_KEPT)
        self._requests = zmq.asyncio.Context(self._context).socket(zmq.ROUTER)
        self._requests.setsockopt(zmq.MAXMSGSIZE, MAX_REQUEST_BYTES)
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory.chmod(0o700)
            for socket, name in ((self._frames, wire.FRAMES), (self._requests, wire.REQUESTS)):
                socket.setsockopt(zmq.LINGER, 0)
                socket.bind(f"ipc://{directory / name}")
        except (zmq.ZMQError, OSError) as error:
            self.close()
            raise PlantError(
                f"{directory}: cannot make the sockets of the link ({error}); choose a state folder that is writable "
                "and whose path is shorter than 90 characters (--state)"
            ) from error

    async def serve(self) -> None:
        """Take requests until cancelled; commands wait for the scan, all else is replied to at once."""
        while True:
            self._handle(await self._requests.recv_multipart())
            await asyncio.sleep(0)  # a flood of requests must not hold up the scan

    def take_commands(self) -> list[Command]:
        """Return the commands of this scan, oldest first, without those nobody waits for any more."""
        mono = self._clock.mono()
        self._asked = {ticket: asked for ticket, asked in self._asked.items() if asked.expires >= mono}
        commands = [command for command in self._commands if command.ident in self._asked]
        self._commands.clear()
        return commands

    def publish(self, frame: Frame) -> None:
        """Send ``frame`` to whoever listens. Its events must have been appended to the journal before."""
        self._sent += 1
        data = wire.encode_frame(
            frame, config_hash=self._config_hash, event_seq=self._journal.newest_seq, number=self._sent
        )
        self._frames.send(data, zmq.DONTWAIT)

    def answer(self, answers: Sequence[Answer]) -> None:
        """Send the scan's answers, each when its event is on disk or after 1 s; that of a manual trip at once."""
        deadline = self._clock.mono() + DURABLE_NS
        for answer in answers:
            asked = self._asked.pop(answer.ident, None)
            if asked is None:
                continue  # answered before, or nobody waits any more
            if asked.action is Action.TRIP:
                self._reply(asked, answer)
            else:
                self._unrecorded.append((deadline, asked, answer))
        self.flush()

    def flush(self) -> None:
        """Send the answers whose events are on disk by now, and those that have waited long enough."""
        mono = self._clock.mono()
        durable = self._journal.durable_seq
        waiting = list(self._unrecorded)
        self._unrecorded.clear()
        for deadline, asked, answer in waiting:
            if answer.seq <= durable:
                self._reply(asked, answer)
            elif mono < deadline:
                self._unrecorded.append((deadline, asked, answer))
            else:
                reason = Reason.NOT_RECORDED if answer.is_accepted else answer.reason
                self._reply(asked, replace(answer, reason=reason))

    def close(self) -> None:
        """Close the sockets; what has not been sent is dropped."""
        self._unrecorded.clear()
        self._frames.close(0)
        self._requests.close(0)
        self._context.term()

    def _handle(self, parts: list[bytes]) -> None:
        sender, *bodies = parts
        try:
            request: wire.Request = wire.decode_request(b"".join(bodies))
        except msgspec.MsgspecError as error:
            self.malformed += 1
            _log.warning("request_malformed", error=str(error), count=self.malformed)
            self._post(sender, wire.Refusal(f"not a request of link version {wire.VERSION}: {error}"))
            return
        match request:
            case wire.CommandRequest():
                self._take(sender, request)
            case wire.EventsRequest(number, since, limit):
                events = self._journal.since(since, max(0, min(limit, wire.EVENTS_AT_ONCE)))
                self._post(sender, wire.EventsReply(number, events))
            case wire.Report(figures):
                self.figures, self.heard = figures, self._clock.mono()

    def _take(self, sender: bytes, request: wire.CommandRequest) -> None:
        command = request.command
        asked = _Asked(sender, request.number, command.ident, command.action, request.expires)
        if not self.is_accepting:
            text = f"{command.target}: the controller is starting or stopping; try again in a few seconds"
            self._reply(asked, Answer(command.ident, Reason.NOT_READY, text))
        elif not self._may_send(sender, command):
            text = f"{command.target}: more than {COMMANDS_PER_S} commands/s; send them slower"
            self._reply(asked, Answer(command.ident, Reason.TOO_MANY, text))
        else:
            # Two senders may use the same ident; inside the controller each command has its own.
            ticket = f"{sender.hex()}-{next(self._tickets)}"
            self._asked[ticket] = asked
            self._commands.append(replace(command, ident=ticket))

    def _may_send(self, sender: bytes, command: Command) -> bool:
        """Return whether there is room and the rate permits it; a manual trip is always taken."""
        if command.action is Action.TRIP:
            return True
        return len(self._commands) < MAX_COMMANDS and self._limiter.permits((sender, command.user), self._clock.mono())

    def _reply(self, asked: _Asked, answer: Answer) -> None:
        self._post(asked.sender, wire.AnswerReply(asked.number, replace(answer, ident=asked.ident)))

    def _post(self, sender: bytes, reply: wire.Reply) -> None:
        """Send without waiting; for a reader that has gone or does not read, the reply is dropped."""
        sent = asyncio.ensure_future(self._requests.send_multipart([sender, wire.encode(reply)], zmq.DONTWAIT))
        if (error := sent.exception()) is not None:
            _log.warning("reply_dropped", error=str(error))


class _Limiter:
    """A token bucket per sender: ``COMMANDS_PER_S`` a second, as many at once."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[bytes, str], tuple[float, int]] = {}

    def permits(self, sender: tuple[bytes, str], mono: int) -> bool:
        """Take one token of ``sender`` at ``mono``; False when there is none."""
        if len(self._buckets) > MAX_COMMANDS:  # readers come and go; a full bucket need not be remembered
            self._buckets = {key: b for key, b in self._buckets.items() if mono - b[1] < NS_PER_S}
        tokens, since = self._buckets.get(sender, (float(COMMANDS_PER_S), mono))
        tokens = min(COMMANDS_PER_S, tokens + (mono - since) * COMMANDS_PER_S / NS_PER_S)
        is_permitted = tokens >= 1.0
        self._buckets[sender] = (tokens - 1.0 if is_permitted else tokens, mono)
        return is_permitted
