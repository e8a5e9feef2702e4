"""A simulator served on free ports: what the tests with foreign Modbus masters share."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.core.config import Config
from plc_sim.pace import Pace
from plc_sim.server import serve
from plc_sim.simulator import Simulator
from wte.service import placed, places_of

HOST = "127.0.0.1"
ANSWER_S = 5.0


@dataclass(frozen=True)
class Served:
    """A running simulator and where its PLCs listen."""

    simulator: Simulator
    ports: dict[str, int]
    task: asyncio.Task[None]


def foreign_program(name: str) -> str:
    """Return the path of a program of other people; without it the test is skipped, or fails where it must run."""
    if (path := shutil.which(name)) is not None:
        return path
    what = f"{name} is not on PATH (Debian: apt install {name})"
    if os.environ.get("WTE_FOREIGN") == "1":
        pytest.fail(f"{what}, and WTE_FOREIGN=1 asks for this test")
    pytest.skip(f"{what}; WTE_FOREIGN=1 makes this a failure")


def on_free_ports(config: Config) -> Config:
    names = list(places_of(config))
    sockets = {name: socket.create_server((HOST, 0)) for name in names}
    places = {name: (HOST, int(s.getsockname()[1])) for name, s in sockets.items()}
    for s in sockets.values():
        s.close()
    return placed(config, places)


@asynccontextmanager
async def served(
    config: Config, *, speed: float = 1.0, is_frozen: bool = False, snapshots: Path | None = None
) -> AsyncGenerator[Served]:
    config = on_free_ports(config)
    simulator, ready = Simulator(config), asyncio.Event()
    pace = Pace(simulator.period_s, speed=speed, is_frozen=is_frozen)
    task = asyncio.create_task(serve(config, simulator, pace=pace, snapshots=snapshots, ready=ready.set))
    try:
        async with asyncio.timeout(ANSWER_S):
            await ready.wait()
        yield Served(simulator, {name: port for name, (_, port) in places_of(config).items()}, task)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
