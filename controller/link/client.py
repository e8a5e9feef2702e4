"""The reader's end of the link: frames, events and commands for the HMI server and for tools."""

import asyncio
import contextlib
import itertools
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import structlog
import zmq
import zmq.asyncio

from controller.core.command import Answer, Command, Reason
from controller.core.event import Event
from controller.link import wire
from controller.link.wire import LinkFrame

__all__ = ["LinkClient", "LinkFrame"]

EVENTS_TIMEOUT_S = 2.0  # a controller that serves events answers within a scan
FRAMES_KEPT = 100  # the socket goes on receiving while this process is busy: after 10 s it still has the newest
RECONNECT_MS = 50  # a controller that comes back is seen at once: its restart takes about a second

_log = structlog.stdlib.get_logger("link")


class LinkClient:
    """A connection to the controller whose sockets lie in ``directory``; an asynchronous context manager.

    The controller may come and go: nothing here raises because it is absent. Only a controller that speaks another
    version of the link is an error (PlantError, from ``next_frame``).
    """

    def __init__(self, directory: Path) -> None:
        self.frame: LinkFrame | None = None  # the newest seen
        self.lost_frames = 0  # frames sent that this reader never saw
        self._directory = directory
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[wire.AnswerReply | wire.EventsReply]] = {}

    async def __aenter__(self) -> Self:
        self._context = zmq.asyncio.Context()
        self._frames = self._context.socket(zmq.SUB)
        self._frames.setsockopt(zmq.RCVHWM, FRAMES_KEPT)
        self._frames.subscribe(b"")
        self._requests = self._context.socket(zmq.DEALER)
        self._requests.setsockopt(zmq.IMMEDIATE, 1)  # nothing is queued for a controller that is not there
        for socket, name in ((self._frames, wire.FRAMES), (self._requests, wire.REQUESTS)):
            socket.setsockopt(zmq.LINGER, 0)
            socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
            socket.connect(f"ipc://{self._directory / name}")
        self._receiver = asyncio.create_task(self._receive(), name="link replies")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._receiver.cancel()
        await asyncio.wait([self._receiver])
        self._frames.close()
        self._requests.close()
        self._context.term()

    async def next_frame(self) -> LinkFrame:
        """Wait for a frame newer than the last one returned; the newest there is."""
        frame = wire.decode_frame(await self._newest())
        last = self.frame
        if last is not None and frame.number > last.number:  # else the controller was started anew
            self.lost_frames += frame.number - last.number - 1
        self.frame = frame
        return frame

    async def send(self, command: Command, timeout_s: float = 2.0) -> Answer:
        """Send a command and return its answer.

        ``Reason.NOT_READY`` when there is none within ``timeout_s``: such a command acts neither now nor later, unless
        the controller took it in the last moment; the events tell.
        """
        expires = time.monotonic_ns() + round(timeout_s * 1e9)
        number = next(self._numbers)
        reply = await self._ask(number, wire.CommandRequest(number, command, expires), timeout_s)
        if isinstance(reply, wire.AnswerReply):
            return reply.answer
        text = f"{command.target}: the controller did not answer within {timeout_s:g} s; check that it runs"
        return Answer(command.ident, Reason.NOT_READY, text)

    async def events(self, since: int, limit: int = wire.EVENTS_AT_ONCE) -> list[Event]:
        """Return up to ``limit`` events with ``seq`` > ``since``, oldest first; none when the controller is silent."""
        number = next(self._numbers)
        reply = await self._ask(number, wire.EventsRequest(number, since, limit), EVENTS_TIMEOUT_S)
        if isinstance(reply, wire.EventsReply):
            return [wire.decode_event(event) for event in reply.events]
        return []

    async def report(self, figures: dict[str, float]) -> None:
        """Tell the controller that this reader lives, and its figures ("open_endpoint", "sessions")."""
        with contextlib.suppress(zmq.Again):  # no controller is connected
            await self._requests.send(wire.encode(wire.Report(figures)), zmq.DONTWAIT)

    async def _newest(self) -> bytes:
        """Wait for a frame's message and return the newest that has arrived."""
        data = await self._frames.recv()
        with contextlib.suppress(zmq.Again):
            while True:
                data = await self._frames.recv(zmq.DONTWAIT)
        return data

    async def _ask(
        self, number: int, request: wire.Request, timeout_s: float
    ) -> wire.AnswerReply | wire.EventsReply | None:
        """Return the reply to ``request``; None when there is none in time, or nobody to send it to."""
        future: asyncio.Future[wire.AnswerReply | wire.EventsReply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            async with asyncio.timeout(timeout_s):
                await self._requests.send(wire.encode(request))  # waits for a controller, if need be
                return await future
        except TimeoutError:
            return None
        finally:
            del self._waiting[number]

    async def _receive(self) -> None:
        while True:
            data = await self._requests.recv()
            try:
                reply = wire.decode_reply(data)
            except msgspec.MsgspecError as error:
                _log.warning("reply_unreadable", error=str(error))
                continue
            if isinstance(reply, wire.Refusal):
                _log.warning("request_refused", text=reply.text)
            elif (future := self._waiting.get(reply.number)) is not None and not future.done():
                future.set_result(reply)
