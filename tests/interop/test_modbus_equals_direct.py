"""The same plant through Modbus TCP and called directly: the controller must not be able to tell the difference."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from controller.core.clock import MonoNs, UtcNs
from controller.core.compiler import compile_plan
from controller.core.config import Config, load
from controller.core.frame import Frame
from controller.core.tags import Image
from controller.modbus.master import ModbusIo
from plc_sim.modbus_tcp import Connection
from plc_sim.registers import Registers
from plc_sim.simulator import Simulator
from wte.rig import EPOCH, Rig

PLANT = Path(__file__).parents[2] / "config" / "almaty"
PATIENCE_S = 5.0


class SteppedClock:
    """Virtual time: it moves when the rig moves, so polls happen when they are asked for."""

    def __init__(self) -> None:
        self.ns = 0

    def mono(self) -> MonoNs:
        return MonoNs(self.ns)

    def utc(self) -> UtcNs:
        return UtcNs(EPOCH + self.ns)

    async def sleep_until(self, deadline: MonoNs) -> None:
        raise AssertionError(f"the field sleeps on sockets only, not until {deadline}")


class SocketIo:
    """A RigIo whose plant sits behind real Modbus TCP servers on loopback."""

    def __init__(self, loop: asyncio.AbstractEventLoop, simulator: Simulator, images: list[Registers]) -> None:
        self.loop, self.simulator, self.images, self.clock = loop, simulator, images, SteppedClock()
        self.io: ModbusIo

    async def _polled(self) -> None:
        """Poll every device once; orders of an earlier scan go first."""
        before = [device.polls for device in self.io._devices]
        self.io.tick(self.clock.mono())
        async with asyncio.timeout(PATIENCE_S):
            while any(d.polls == n or d._orders for d, n in zip(self.io._devices, before, strict=True)):  # noqa: ASYNC110
                await asyncio.sleep(0)

    def step(self, dt: float) -> None:
        self.clock.ns += round(dt * 1e9)
        self.simulator.step(dt)
        for registers in self.images:
            registers.refresh()

    def read(self) -> Image:
        self.loop.run_until_complete(self._polled())
        return self.io.read()

    def write(self, frame: Frame) -> None:
        self.io.write(frame)
        self.loop.run_until_complete(self._polled())


@contextmanager
def plant_on_modbus(config: Config, seed: int) -> Generator[SocketIo]:
    """Serve a simulator on free ports and poll it; everything is closed again, whatever happens."""
    loop = asyncio.new_event_loop()
    simulator = Simulator(config, seed=seed)
    failures: list[BaseException] = []
    connections: set[Connection] = set()
    images: list[Registers] = []
    servers: dict[str, asyncio.Server] = {}
    running: asyncio.Task[None] | None = None
    try:
        for name, device in config.plant.devices.items():
            registers = Registers(simulator, name, device)
            images.append(registers)
            connect = partial(Connection, registers, device.unit_id, connections, failures.append)
            servers[name] = loop.run_until_complete(loop.create_server(connect, "127.0.0.1", 0))
        socket_io = SocketIo(loop, simulator, images)
        plan = compile_plan(config)
        ports = {name: server.sockets[0].getsockname()[1] for name, server in servers.items()}
        placed = tuple(replace(device, port=ports[device.name]) for device in plan.devices)
        socket_io.io = ModbusIo(replace(plan, devices=placed), socket_io.clock, lambda: 0.0)
        running = loop.create_task(socket_io.io.run())
        yield socket_io
        assert not failures
    finally:
        if running is not None:
            running.cancel()
            loop.run_until_complete(asyncio.wait([running]))
        for server in servers.values():
            server.close()
        for connection in list(connections):
            connection.close()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def story(rig: Rig) -> str:
    """Normal running, a command, a failed and a frozen transmitter, a trip; return the hash of all frames."""
    rig.run(3.0)
    rig.command("L1-LIC-1401.SP", 20.0)
    rig.fault("transmitter_bad", tag="L1-LT-1401A", how="under")
    rig.run(3.0)
    rig.fault("transmitter_bias", tag="L2-PT-1502B", by=1.0)
    rig.fault("transmitter_bias", tag="L2-PT-1502C", by=1.0)
    rig.run(6.0)
    return rig.frame_hash


def test_modbus_and_direct_calls_give_the_same_frames() -> None:
    config = load(PLANT)
    direct = Rig(config, seed=4)
    expected = story(direct)
    with plant_on_modbus(config, seed=4) as socket_io:
        rig = Rig(config, seed=4, io=socket_io)
        found = story(rig)
    assert [(e.kind, e.source) for e in rig.events] == [(e.kind, e.source) for e in direct.events]
    assert found == expected
