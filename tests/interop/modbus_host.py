"""A master with its loop, and a real pymodbus server as the device: what the Modbus tests share."""

import asyncio
import struct
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import numpy as np
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from controller.core import quality as q
from controller.core.clock import MonoNs, UtcNs
from controller.core.frame import Frame
from controller.core.plan import DevicePlan, Plan, PointPlan
from controller.core.tags import Image
from controller.modbus.master import ModbusIo

PERIOD_NS = 40_000_000
STALE_S = 0.3
WATCHDOG_MS = 2000
PATIENCE_S = 5.0  # for anything to come about; what is waited for takes a fraction of it

HEARTBEAT, PLANNED_STOP, WATCHDOG, COUNTER = 0, 1, 2, 0  # registers of supervision
VALVE, PUMP = 100, 4  # output register and coil
LEVEL, FLOW, LIMIT_SWITCH = 100, 110, 3  # input registers and discrete input


class RealClock:
    def mono(self) -> MonoNs:
        return MonoNs(time.monotonic_ns())

    def utc(self) -> UtcNs:
        return UtcNs(time.time_ns())

    async def sleep_until(self, deadline: MonoNs) -> None:
        await asyncio.sleep(max(0, deadline - self.mono()) / 1e9)


def plan_for(*ports: int) -> Plan:
    """Return the field side of a plan: per device a level, a flow and a switch, a valve (0..100 %) and a pump."""
    devices, inputs, outputs = list[DevicePlan](), list[PointPlan](), list[PointPlan]()
    for n, port in enumerate(ports):
        name = f"L{n + 1}"
        devices.append(DevicePlan(name, "127.0.0.1", port, 1, 15, STALE_S, HEARTBEAT, PLANNED_STOP, WATCHDOG, COUNTER))
        inputs += [
            PointPlan(f"{name}-LT-1401", 0, n, "input", LEVEL, "raw", "ABCD", -500.0, 500.0),
            PointPlan(f"{name}-FT-1501", 0, n, "input", FLOW, "float32", "ABCD", 0.0, 150.0),
            PointPlan(f"{name}-XV-1540.ZSO", 0, n, "discrete", LIMIT_SWITCH, "bool", "ABCD", 0.0, 1.0),
        ]
        outputs += [
            PointPlan(f"{name}-FV-1601.OP", 0, n, "holding", VALVE, "raw", "ABCD", 0.0, 100.0),
            PointPlan(f"{name}-P-1.CMD", 0, n, "coil", PUMP, "bool", "ABCD", 0.0, 1.0),
        ]
    many = len(ports)
    output = SimpleNamespace(safe=np.array([[0.0], [0.0]] * many), end_state=np.array([[30.0], [np.nan]] * many))
    plan = SimpleNamespace(
        devices=tuple(devices),
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        output=output,
        period_ns=PERIOD_NS,
        watchdog_ns=WATCHDOG_MS * 1_000_000,
    )
    return cast("Plan", plan)


def frame(mv: list[float], writes: list[bool] | None = None) -> Frame:
    none = np.zeros((0, 1))
    return Frame(
        scan=1,
        mono=MonoNs(0),
        utc=UtcNs(0),
        value=none,
        quality=none.astype(np.uint32),
        time=np.zeros(0, dtype=np.int64),
        mv=np.array(mv).reshape(-1, 1),
        writes=None if writes is None else np.array(writes),
    )


@dataclass
class Host:
    """The scan loop in small: reads, writes ``mv`` or what ``decide`` makes of the image, ticks; keeps every image."""

    io: ModbusIo
    mv: list[float]
    writes: list[bool] | None = None
    decide: Callable[[Image], list[float]] | None = None
    images: list[Image] = field(default_factory=list[Image])

    async def scan(self) -> Image:
        clock = RealClock()
        edge = MonoNs((clock.mono() // PERIOD_NS + 1) * PERIOD_NS)
        self.io.tick(edge)
        await clock.sleep_until(edge)
        image = self.io.read()
        self.images.append(image)
        self.io.write(frame(self.decide(image) if self.decide else self.mv, self.writes))
        return image

    async def until(self, is_so: Callable[[Image], bool]) -> Image:
        async with asyncio.timeout(PATIENCE_S):
            while not is_so(image := await self.scan()):
                pass
        return image

    async def scans(self, count: int) -> Image:
        for _ in range(count - 1):
            await self.scan()
        return await self.scan()


@asynccontextmanager
async def host(plan: Plan, mv: list[float]) -> AsyncGenerator[Host]:
    io = ModbusIo(plan, RealClock(), jitter=lambda: 0.0)
    task = asyncio.create_task(io.run())
    try:
        yield Host(io, mv)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


# --- a real device ---------------------------------------------------------------------------------------------------


class Plc:
    """A pymodbus server whose counter runs; ``memory`` holds its registers by function code once they were used."""

    def __init__(self) -> None:
        self.memory: dict[int, list[int]] = {}
        self.valve_writes: list[int] = []
        self.is_running = True  # the PLC's program; its communication answers in any case
        inputs = [0] * 200
        inputs[LEVEL] = 13824  # 12 mA: 0 mm
        inputs[FLOW : FLOW + 2] = struct.unpack(">HH", struct.pack(">f", 112.5))
        holding = [0] * 200
        holding[VALVE] = 17142  # 62 %
        self._device = SimDevice(
            id=1,
            simdata=(
                [SimData(0, values=[False] * 32, datatype=DataType.BITS)],
                [SimData(0, values=[n == LIMIT_SWITCH for n in range(32)], datatype=DataType.BITS)],
                [SimData(0, values=holding, datatype=DataType.REGISTERS)],
                [SimData(0, values=inputs, datatype=DataType.REGISTERS)],
            ),
            action=self._touched,
        )
        self._server: ModbusTcpServer | None = None

    async def _touched(
        self, function: int, _start: int, address: int, _count: int, registers: list[int], new: Sequence[int] | None
    ) -> None:
        self.memory[function] = registers
        if function == 16 and address == VALVE and new is not None:
            self.valve_writes.append(new[0])
        if function == 4 and self.is_running:
            registers[COUNTER] = (registers[COUNTER] + 1) % 65536

    async def start(self, port: int = 0) -> int:
        self._server = ModbusTcpServer(self._device, address=("127.0.0.1", port))
        await self._server.serve_forever(background=True)
        return cast("asyncio.Server", self._server.transport).sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.shutdown()

    @property
    def holding(self) -> list[int]:
        return self.memory.get(3, [])

    @property
    def coils(self) -> list[int]:
        return self.memory.get(1, [])


@asynccontextmanager
async def plc() -> AsyncGenerator[tuple[Plc, int]]:
    device = Plc()
    port = await device.start()
    try:
        yield device, port
    finally:
        await device.stop()


def is_good(image: Image) -> bool:
    return bool((image.quality == q.GOOD).all())


def of(image: Image, device: int) -> list[int]:
    """Return the qualities of one device's inputs."""
    return image.quality[3 * device : 3 * device + 3, 0].tolist()
