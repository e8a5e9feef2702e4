"""The HMI server: shows what the controller's link brings, and carries people's commands to it."""

import asyncio
import gc
import logging
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from time import monotonic_ns, time_ns
from typing import Final, Protocol, Self
from urllib.parse import urlparse

import structlog

from controller.core.clock import NS_PER_S
from controller.core.command import Answer, Command
from controller.core.errors import PlantError
from controller.core.event import Event
from controller.core.plan import Plan
from controller.link.client import LinkClient, LinkFrame
from hmi_server.opcua.attributes import Attributes
from hmi_server.opcua.certs import TrustList
from hmi_server.opcua.commands import Commands, Methods
from hmi_server.opcua.conditions import Conditions
from hmi_server.opcua.live import Live
from hmi_server.opcua.security import Gate
from hmi_server.opcua.server import PlantServer
from hmi_server.opcua.services import Services
from hmi_server.opcua.subscribe import Subscriptions
from hmi_server.opcua.users import Users
from hmi_server.opcua.view import Views

REPORT_PERIOD_S: Final = 1.0
EVENT_BATCH: Final = 1000
_log = structlog.get_logger()


class Link(Protocol):
    """What the server needs of the link; LinkClient has it."""

    async def next_frame(self) -> LinkFrame:
        """Wait for a newer frame."""
        ...

    async def send(self, command: Command, timeout_s: float = 2.0) -> Answer:
        """Return the scan's answer to a command."""
        ...

    async def events(self, since: int, limit: int = 1000) -> list[Event]:
        """Return the events after number ``since``, oldest first."""
        ...

    async def report(self, figures: dict[str, float]) -> None:
        """Tell the controller that the HMI lives."""
        ...


class HmiServer:
    """One OPC UA server over one link. Use it as an async context manager and ``run()`` it inside."""

    def __init__(self, plan: Plan, link: Link, state_dir: Path, endpoint: str, *, is_open: bool) -> None:
        if is_open and not _is_loopback(endpoint):
            raise PlantError(
                f"OPC UA endpoint {endpoint}: the open endpoint (no security, browse and read) is for this machine "
                "only; listen on 127.0.0.1, or serve without it"
            )
        self._plan = plan
        self._link = link
        self._is_open = is_open
        self._endpoint = endpoint
        trust = TrustList(state_dir / "pki")
        own = trust.own()
        self.gate = Gate(trust, Users(state_dir / "users.json"), is_open=is_open)
        self.gate.warn_about_own(own)
        self.live = Live(plan)
        self.server = PlantServer(plan, endpoint, own, is_open=is_open)
        self._last_frame_ns = monotonic_ns()
        self._shown_event = -1  # number of the last event shown; -1 before the first frame
        self._newest_event = -1
        self._news = asyncio.Event()
        self._is_foreign = False

    async def __aenter__(self) -> Self:
        """Build the address space and listen."""
        server = self.server
        await server.init()
        self.gate.use_key(server.iserver.private_key)
        attributes = Attributes(server.space, self.live, server.iserver.aspace)
        views = Views(server.iserver.aspace, server.space)
        self.subscriptions = Subscriptions(server.space, self.live, attributes, views)
        commands = Commands(server.space, self._link)
        self.conditions = Conditions(server.space, commands, self.subscriptions)
        methods = Methods(commands, self.conditions.methods)
        server.use(Services(self.gate, attributes, views, self.subscriptions, commands, methods))
        try:
            await server.start()
        except OSError as exc:
            raise PlantError(
                f"OPC UA endpoint {self._endpoint}: cannot listen there ({exc.strerror or exc}); stop the program that "
                "uses the port, or choose another with --endpoint opc.tcp://HOST:PORT/wte"
            ) from exc
        gc.collect()
        gc.freeze()  # half a million objects of the standard nodes that never die
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        await self.server.stop()

    async def run(self) -> None:
        """Show frames and events until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._show_frames())
            tasks.create_task(self._show_events())
            tasks.create_task(self._report())

    async def _show_frames(self) -> None:
        """Take each frame; when none comes in 1.5 periods, let the values age by one."""
        patience_s = 1.5 * self._plan.period_ns / NS_PER_S
        next_frame: asyncio.Task[LinkFrame] | None = None
        try:
            while True:
                next_frame = next_frame or asyncio.ensure_future(self._link.next_frame())
                await asyncio.wait({next_frame}, timeout=patience_s)
                frame = None
                if next_frame.done():
                    frame, next_frame = next_frame.result(), None
                if frame is not None and self._is_ours(frame):
                    self._take(frame)
                else:
                    self._age()
                self.subscriptions.tick()
        finally:
            if next_frame is not None:
                next_frame.cancel()

    def _is_ours(self, frame: LinkFrame) -> bool:
        """Whether the controller runs the configuration that is shown; rows of another one would be mixed up."""
        is_foreign = frame.config_hash != self._plan.config_hash
        if is_foreign and not self._is_foreign:
            _log.error(
                "configuration_differs",
                controller=frame.config_hash[:12],
                hmi_server=self._plan.config_hash[:12],
                next_step="start the HMI server again with the plant that the controller runs",
            )
        self._is_foreign = is_foreign
        return not is_foreign

    def _take(self, frame: LinkFrame) -> None:
        if self.live.silence:
            _log.info("controller_heard", scan=frame.scan)
        self._last_frame_ns = monotonic_ns()
        self.live.take(frame)
        if not 0 <= self._shown_event <= frame.event_seq:  # the first frame, or the controller has lost its memory
            self.conditions.join(self.live, frame.event_seq)
            self._shown_event = frame.event_seq
        self._newest_event = frame.event_seq
        if self._newest_event > self._shown_event:
            self._news.set()

    async def _show_events(self) -> None:
        """Fetch and show events whenever a frame tells of new ones; what does not come now comes with a later frame."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._newest_event > self._shown_event:
                events = await self._link.events(self._shown_event, EVENT_BATCH)
                if not events:
                    break
                for event in events:
                    self.conditions.show(event)
                self._shown_event = events[-1].seq

    def _age(self) -> None:
        before = self.live.silence
        age_ns = monotonic_ns() - self._last_frame_ns
        self.live.wait(age_ns, time_ns())
        if self.live.silence != before:
            _log.warning("controller_silent", age_s=age_ns / NS_PER_S, service_level=self.live.service_level)

    async def _report(self) -> None:
        while True:
            figures = {"sessions": float(self.server.plant.sessions), "open_endpoint": float(self._is_open)}
            await self._link.report(figures)
            await asyncio.sleep(REPORT_PERIOD_S)


def _is_loopback(endpoint: str) -> bool:
    host = urlparse(endpoint).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def serve(plan: Plan, *, state_dir: Path, endpoint: str, is_open: bool, ready: Callable[[], None]) -> None:
    """Serve a plant until cancelled; ``ready`` is called when clients can connect.

    PlantError when the endpoint cannot be listened on, or the users or certificates cannot be read.
    """
    logging.getLogger("asyncua").setLevel(logging.ERROR)  # what it warns of, ours say with who and what to do
    async with (
        LinkClient(state_dir / "link") as link,
        HmiServer(plan, link, state_dir, endpoint, is_open=is_open) as hmi,
    ):
        ready()
        await hmi.run()
