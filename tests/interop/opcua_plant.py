"""A plant behind the HMI server's link, in one process: shipped configuration, real scan, inputs set by hand."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from time import monotonic_ns, time_ns
from typing import Any

import numpy as np
from asyncua.client.client import Client

from controller.core.clock import MonoNs, Now, UtcNs
from controller.core.command import ROLE_NAMES, Answer, Command, Reason
from controller.core.compiler import compile_plan
from controller.core.config import load
from controller.core.event import Event
from controller.core.frame import Frame
from controller.core.plan import Plan
from controller.core.quality import BAD_SENSOR_FAILURE, GOOD
from controller.core.tags import DataType, Image, Row, RowKind
from controller.link.client import LinkFrame
from controller.scan import new_state, scan, start
from hmi_server.opcua.users import Users
from hmi_server.server import HmiServer

CONFIG = Path(__file__).parents[2] / "config" / "almaty"


@cache
def plan_almaty() -> Plan:
    return compile_plan(load(CONFIG))


async def until(holds: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait for something that happens in a server or in another program."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  nobody there sets an event of ours
            await asyncio.sleep(0.01)


def protocol_of(client: Client) -> Any:
    """Return the client's connection, to send what the client itself would not."""
    return client.uaclient.protocol


@dataclass
class PlantLink:
    """Does what a LinkClient does, and scans each time a frame is asked for.

    ``inputs`` (by key, None is a broken sensor) hold until they are changed; the rest stand in the middle of their
    range. ``is_silent`` stops everything, as a dead controller would. ``scan_s`` is the pace of frames.
    """

    plan: Plan
    scan_s: float = 0.02
    inputs: dict[str, float | None] = field(default_factory=dict[str, float | None])
    is_silent: bool = False
    reported: dict[str, float] = field(default_factory=dict[str, float])
    answers_as: Reason | None = None  # instead of the scan's own answer
    commands: list[Command] = field(default_factory=list[Command])
    _events: list[Event] = field(default_factory=list[Event])
    _waiting: list[tuple[Command, asyncio.Future[Answer]]] = field(
        default_factory=list[tuple[Command, asyncio.Future[Answer]]]
    )

    def __post_init__(self) -> None:
        self._state = new_state(self.plan, 1)
        self._mono = monotonic_ns()
        start(self.plan, self._state, self._image(), self._now(), is_restored=False, gap_s=None)

    async def next_frame(self) -> LinkFrame:
        await asyncio.sleep(self.scan_s)
        await until(lambda: not self.is_silent, seconds=60.0)
        return self.step()

    async def send(self, command: Command, timeout_s: float = 2.0) -> Answer:
        self.commands.append(command)
        if self.is_silent:
            return Answer(command.ident, Reason.NOT_READY, "the controller is silent")
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((command, future))
        answer = await asyncio.wait_for(future, timeout_s)
        return answer if self.answers_as is None else Answer(command.ident, self.answers_as)

    async def events(self, since: int, limit: int = 1000) -> list[Event]:
        return [event for event in self._events if event.seq > since][:limit]

    async def report(self, figures: dict[str, float]) -> None:
        self.reported = figures

    def step(self) -> LinkFrame:
        """Scan once and answer the commands that waited."""
        waiting, self._waiting = self._waiting, []
        frame = scan(self.plan, self._state, self._image(), [command for command, _ in waiting], self._now())
        self._events += frame.events
        for (_, future), answer in zip(waiting, frame.answers, strict=True):
            if not future.done():
                future.set_result(answer)
        return self._linked(frame)

    def _linked(self, frame: Frame) -> LinkFrame:
        seq = self._events[-1].seq if self._events else 0
        return LinkFrame(
            frame.scan,
            frame.mono,
            frame.utc,
            self.plan.config_hash,
            seq,
            frame.value[:, 0],
            frame.quality[:, 0],
            frame.time,
        )

    def _now(self) -> Now:
        self._mono += self.plan.period_ns
        return Now(MonoNs(self._mono), UtcNs(time_ns()))

    def _image(self) -> Image:
        rows = self.plan.tags.rows[self.plan.span(RowKind.INPUT)]
        value = np.array([[self.inputs.get(row.key, _usual(row))] for row in rows], dtype=np.float64)
        quality = np.where(np.isnan(value), BAD_SENSOR_FAILURE, GOOD).astype(np.uint32)
        time = np.full(len(rows), time_ns(), dtype=np.int64)
        sent = self._state["output.mv"]
        readback = np.where(np.isfinite(sent), sent, self.plan.output.rest.reshape(-1, 1))
        return Image(value, quality, time, readback, np.ones(len(self.plan.devices), dtype=np.bool_))


def _usual(row: Row) -> float:
    """Where an input stands that no test has set: pumps run, valves are open, values are in the middle."""
    return 1.0 if row.data_type is DataType.BOOL else (row.lo + row.hi) / 2


@dataclass
class Served:
    """A running HMI server, its plant and its address."""

    hmi: HmiServer
    link: Any  # a PlantLink unless the test brought its own
    state_dir: Path

    @property
    def url(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.hmi.server.port}/wte"


@asynccontextmanager
async def served(
    state_dir: Path, *, is_open: bool = True, link: Any = None, users: Sequence[tuple[str, str]] = ()
) -> AsyncGenerator[Served]:
    """Serve a plant on a free port; ``users`` are (name, role name), each with the password ``password-of-NAME``."""
    known = Users(state_dir / "users.json")
    for name, role in users:
        known.add(name, ROLE_NAMES[role], f"password-of-{name}")
    plant = link or PlantLink(plan_almaty())
    async with HmiServer(plant.plan, plant, state_dir, "opc.tcp://127.0.0.1:0/wte", is_open=is_open) as hmi:
        running = asyncio.create_task(hmi.run())
        try:
            yield Served(hmi, plant, state_dir)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
