"""The simulator on the network: one Modbus TCP server per PLC, physics in real time."""

import asyncio
import errno
from collections.abc import Callable

from controller.core import models
from controller.core.config import Config
from controller.core.errors import PlantError
from plc_sim.modbus_tcp import Connection
from plc_sim.registers import Registers
from plc_sim.simulator import Simulator


async def serve(
    config: Config,
    *,
    seed: int = 0,
    initial: str = "100%",
    speed: float = 1.0,
    ready: Callable[[], None] = lambda: None,
    simulator: Simulator | None = None,
) -> None:
    """Serve the plant until cancelled; ``ready`` is called once all PLCs listen.

    ``speed`` 10 runs ten times as fast as real time. ``simulator`` serves one that the caller keeps at hand (to set
    faults). PlantError when a port cannot be had; an error of the simulator ends it, whatever a master asked.
    """
    if simulator is None:
        simulator = Simulator(config, seed=seed, initial=initial)
    loop = asyncio.get_running_loop()
    failure: asyncio.Future[None] = loop.create_future()
    connections: set[Connection] = set()
    servers: list[asyncio.Server] = []
    images: list[Registers] = []

    def failed(exc: BaseException) -> None:
        if not failure.done():
            failure.set_exception(exc)

    try:
        for name, device in config.plant.devices.items():
            registers = Registers(simulator, name, device)
            images.append(registers)
            servers.append(await _listen(name, device, registers, connections, failed))
        ready()
        await _run(simulator, images, failure, speed)
    finally:
        for server in servers:
            server.close()
        for connection in list(connections):
            connection.close()
        for server in servers:
            await server.wait_closed()
        await asyncio.sleep(0)  # aborted transports are closed in the loop's next round


async def _listen(
    name: str,
    device: models.Device,
    registers: Registers,
    connections: set[Connection],
    failed: Callable[[BaseException], None],
) -> asyncio.Server:
    def connection() -> Connection:
        return Connection(registers, device.unit_id, connections, failed)

    try:
        return await asyncio.get_running_loop().create_server(connection, device.host, device.port)
    except OSError as exc:
        reason = "is in use by another program" if exc.errno == errno.EADDRINUSE else f"cannot be had: {exc.strerror}"
        raise PlantError(
            f"simulated PLC {name}: port {device.port} on {device.host} {reason}. Stop that program (another wte "
            f"run?), or give the PLC another place: devices.{name}.port in plant.yaml, or --device {name}=HOST:PORT"
        ) from exc


async def _run(simulator: Simulator, images: list[Registers], failure: asyncio.Future[None], speed: float) -> None:
    """Step on absolute deadlines until cancelled or ``failure`` is set; time that was lost is not made up."""
    loop = asyncio.get_running_loop()
    period = simulator.period_s / speed
    due = loop.time() + period
    while True:
        await asyncio.wait((failure,), timeout=max(due - loop.time(), 0.0))
        if failure.done():
            failure.result()
        simulator.step()
        for registers in images:
            registers.refresh()
        due = max(due + period, loop.time() - period)
