"""The simulator on the network: one Modbus TCP server per PLC and one for maintenance; physics at a pace."""

import asyncio
import errno
from collections.abc import Callable
from functools import partial
from pathlib import Path

from controller.core import models
from controller.core.config import Config
from controller.core.errors import PlantError
from plc_sim.maintenance import Maintenance
from plc_sim.maintenance_map import Result
from plc_sim.modbus_tcp import Connection, Tables
from plc_sim.pace import Pace
from plc_sim.registers import Registers
from plc_sim.simulator import Simulator

BURST_S = 0.005  # of steps without a look at the sockets


async def serve(
    config: Config,
    simulator: Simulator,
    *,
    pace: Pace | None = None,
    snapshots: Path | None = None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve the plant until cancelled; ``ready`` is called once all devices listen.

    The plant runs in real time unless ``pace`` says otherwise; ``snapshots`` is the folder of the maintenance device's
    slots. PlantError when a port cannot be had; an error of the simulator ends it, whatever a master asked.
    """
    own = config.plant.simulator
    if models.Simulator.name in config.plant.devices:
        raise PlantError(
            f"a device cannot be called {models.Simulator.name}: that is the simulator's own; rename it in plant.yaml"
        )
    host = _Host(config, simulator, pace or Pace(simulator.period_s), snapshots)
    try:
        for image, (name, device) in zip(host.images, config.plant.devices.items(), strict=True):
            await host.listen(image, device, f"simulated PLC {name}", f"devices.{name}", name)
        if own is not None:
            await host.listen(host.maintenance, own, "the simulator's maintenance device", "simulator", own.name)
        ready()
        await host.run()
    finally:
        await host.close()


class _Host:
    """Answers masters, lets the plant's time pass at its pace, and builds the initial conditions they want."""

    def __init__(self, config: Config, simulator: Simulator, pace: Pace, snapshots: Path | None) -> None:
        now = asyncio.get_running_loop().time
        self.images = [
            Registers(simulator, name, device, lambda: pace.idle_s(now()))
            for name, device in config.plant.devices.items()
        ]
        self.maintenance = Maintenance(config, simulator, pace, snapshots, self._commanded)
        self._config = config
        self._simulator = simulator
        self._pace = pace
        self._changed = asyncio.Event()
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._building: asyncio.Future[bytes] | None = None
        self._connections: set[Connection] = set()
        self._servers: list[asyncio.Server] = []

    async def listen(self, tables: Tables, at: models.Device | models.Simulator, who: str, key: str, name: str) -> None:
        """Serve one device; PlantError when its port cannot be had."""
        connect = partial(Connection, tables, at.unit_id, self._connections, self._failed)
        try:
            self._servers.append(await asyncio.get_running_loop().create_server(connect, at.host, at.port))
        except OSError as exc:
            is_used = exc.errno == errno.EADDRINUSE
            reason = "is in use by another program" if is_used else f"cannot be had: {exc.strerror}"
            raise PlantError(
                f"{who}: port {at.port} on {at.host} {reason}. Stop that program (another wte run?), or give it another"
                f" place: {key}.port in plant.yaml, or --device {name}=HOST:PORT"
            ) from exc

    async def close(self) -> None:
        """End all connections."""
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.close()
        for server in self._servers:
            await server.wait_closed()
        await asyncio.sleep(0)  # aborted transports are closed in the loop's next round

    async def run(self) -> None:
        """Run until cancelled or ``failure`` is set."""
        now = asyncio.get_running_loop().time
        while True:
            await self._wait(self._pace.wait_s(now()))
            if self._failure.done():
                self._failure.result()
            self._build()
            until = now() + BURST_S
            while self._pace.take(at := now()):
                self._simulator.step()
                if at >= until:
                    break
            for image in self.images:
                image.refresh()

    def _failed(self, exc: BaseException) -> None:
        if not self._failure.done():
            self._failure.set_exception(exc)
        self._changed.set()

    def _commanded(self) -> None:
        """Take note of a command: the pace may be another, and so may everything that masters read."""
        self._changed.set()
        for image in self.images:
            image.refresh()

    async def _wait(self, seconds: float | None) -> None:
        """Serve the sockets until a step is due or something has changed."""
        if seconds == 0.0:
            await asyncio.sleep(0)
        else:
            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait()
            except TimeoutError:
                return
        self._changed.clear()

    def _build(self) -> None:
        """Build the wanted initial condition in a thread, masters being answered meanwhile, then take it over."""
        wanted = self.maintenance.wanted
        if self._building is None and wanted is not None:
            make = partial(_initial_state, self._config, self._simulator.seed, wanted)
            self._building = asyncio.get_running_loop().run_in_executor(None, make)
            self._building.add_done_callback(lambda _: self._changed.set())
        elif self._building is not None and self._building.done():
            built, self._building = self._building, None
            try:
                self._simulator.restore(built.result())
            except PlantError as exc:
                self.maintenance.finish(Result.BAD_INITIAL, str(exc))
            else:
                self.maintenance.finish(Result.OK, f"{wanted}")


def _initial_state(config: Config, seed: int, initial: str) -> bytes:
    return Simulator(config, seed=seed, initial=initial).snapshot()
