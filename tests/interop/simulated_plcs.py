"""A simulator served on free ports: what the tests with foreign Modbus masters share."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from controller.core.config import Config, with_devices
from plc_sim.server import serve
from plc_sim.simulator import Simulator

HOST = "127.0.0.1"
ANSWER_S = 5.0


@dataclass(frozen=True)
class Served:
    """A running simulator and where its PLCs listen."""

    simulator: Simulator
    ports: dict[str, int]
    task: asyncio.Task[None]


def on_free_ports(config: Config) -> Config:
    sockets = {name: socket.create_server((HOST, 0)) for name in config.plant.devices}
    places = {name: (HOST, int(s.getsockname()[1])) for name, s in sockets.items()}
    for s in sockets.values():
        s.close()
    return with_devices(config, places)


@asynccontextmanager
async def served(config: Config) -> AsyncGenerator[Served]:
    config = on_free_ports(config)
    simulator, ready = Simulator(config), asyncio.Event()
    task = asyncio.create_task(serve(config, simulator=simulator, ready=ready.set))
    try:
        async with asyncio.timeout(ANSWER_S):
            await ready.wait()
        yield Served(simulator, {name: d.port for name, d in config.plant.devices.items()}, task)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
