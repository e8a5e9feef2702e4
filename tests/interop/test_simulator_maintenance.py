"""The maintenance device over real sockets, driven by pymodbus as a rig would, while masters stay on the PLCs."""

import asyncio
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pytest
from pymodbus.client import AsyncModbusTcpClient

from controller.core.config import Config, load
from plc_sim.simulator import Simulator
from tests.interop.simulated_plcs import ANSWER_S, HOST, Served, served

ALMATY = Path(__file__).parents[2] / "config" / "almaty"
SET_FAULT, CLEAR_FAULT, FREEZE, RUN, STEP, SET_SPEED, SAVE, RESTORE, INITIAL = 1, 2, 10, 11, 12, 13, 20, 21, 22
F1, BIAS, SILENT = 1, 103, 111
LEVEL, VALVE = 100, 100  # registers of L1-LT-1401A and L1-FV-1601.OP
BUILD_S = 60.0  # patience with a busy machine


@pytest.fixture(scope="module")
def almaty() -> Config:
    return load(ALMATY)


@dataclass
class Device:
    """A connection to one device."""

    client: AsyncModbusTcpClient

    async def __aenter__(self) -> Self:
        assert await self.client.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, _: TracebackType | None
    ) -> None:
        self.client.close()

    async def inputs(self, address: int, count: int = 1) -> list[int]:
        reply = await self.client.read_input_registers(address, count=count)
        assert not reply.isError(), reply
        return list(reply.registers)

    async def write(self, address: int, *values: int) -> int:
        """Write registers; return the exception code, 0 for none."""
        reply = await self.client.write_registers(address, list(values))
        return reply.exception_code if reply.isError() else 0

    async def write_float(self, address: int, value: float) -> int:
        return await self.write(address, *struct.unpack(">HH", struct.pack(">f", value)))

    async def command(self, number: int) -> tuple[int, str]:
        """Give a command, wait for its answer, return result and text."""
        assert await self.write(0, number) == 0
        async with asyncio.timeout(ANSWER_S):
            while (await self.client.read_holding_registers(0, count=1)).registers[0]:
                pass
        text = struct.pack(">60H", *await self.inputs(20, 60)).rstrip(b"\0").decode()
        return (await self.inputs(1))[0], text


def number_of(simulator: Simulator, key: str) -> int:
    """Return the number of an input as a target."""
    return 1 + [p.key for p in simulator.points.inputs].index(key)


def to(plc: Served, name: str) -> Device:
    return Device(AsyncModbusTcpClient(HOST, port=plc.ports[name], retries=0, timeout=ANSWER_S))


@asynccontextmanager
async def rig(plc: Served) -> AsyncGenerator[tuple[Device, Device]]:
    """Give the maintenance device and the PLC of line 1."""
    async with to(plc, "SIM") as sim, to(plc, "L1") as line:
        yield sim, line


async def test_a_frozen_plant_stands_still_and_its_plcs_answer_and_count_on(almaty: Config) -> None:
    async with served(almaty) as plc, rig(plc) as (sim, line):
        assert await line.write(0, 7) == 0, "a heartbeat arms the watchdog"
        assert (await sim.command(FREEZE))[0] == 0
        before, seen = plc.simulator.snapshot(), await line.inputs(100, 17)
        counter = (await line.inputs(0))[0]
        await asyncio.sleep(0.3)
        assert plc.simulator.snapshot() == before
        assert await line.inputs(100, 17) == seen
        assert 10 <= (await line.inputs(0))[0] - counter <= 500
        assert await line.write(VALVE, 9000) == 0, "a write is taken"
        assert (await line.client.read_holding_registers(VALVE, count=1)).registers == [9000]
        assert plc.simulator.signal("L1/position.FV-1601.OP")[0] > 0.6, "and waits for the plant's time"


async def test_the_watchdog_runs_in_the_plants_time(almaty: Config) -> None:
    async with served(almaty, is_frozen=True) as plc, rig(plc) as (sim, line):
        await line.write(0, 1)
        await sim.write(14, 0, 20)
        await sim.command(STEP)
        assert not plc.simulator.plcs.has_acted[0, 0]
        await sim.write(14, 0, 2)
        await sim.command(STEP)
        assert plc.simulator.plcs.has_acted[0, 0], "2.1 s without a beat"


async def test_lockstep_over_modbus_gives_the_bits_of_the_simulator_called_directly(almaty: Config) -> None:
    direct = Simulator(almaty)
    valve = [p.key for p in direct.points.outputs].index("L1-FV-1601.OP")
    async with served(almaty, is_frozen=True) as plc, rig(plc) as (sim, line):
        await sim.write(14, 0, 1)
        for step in range(30):
            raw = np.full((len(direct.points.outputs), 1), np.nan)
            raw[valve] = 17_000 - 100 * step
            direct.write_raw(raw, heartbeat=0)
            direct.step()
            assert await line.write(VALVE, 17_000 - 100 * step) == 0
            assert (await sim.command(STEP))[0] == 0
            (level,) = await line.inputs(LEVEL)
            assert level == direct.read_raw().raw[number_of(direct, "L1-LT-1401A") - 1, 0] % 65536
        assert plc.simulator.snapshot() == direct.snapshot()


async def test_speeds_are_reached_and_masters_are_answered_at_full_speed(almaty: Config) -> None:
    async with served(almaty) as plc, rig(plc) as (sim, line):
        await sim.write_float(16, 10.0)
        assert (await sim.command(SET_SPEED))[0] == 0
        first = plc.simulator.steps
        await asyncio.sleep(0.4)
        assert 5 <= plc.simulator.steps - first <= 60
        await sim.write_float(16, 0.0)
        await sim.command(SET_SPEED)
        first = plc.simulator.steps
        for _ in range(20):
            await line.inputs(100, 17)
        assert plc.simulator.steps > first + 20


async def test_many_steps_are_busy_and_can_be_given_up(almaty: Config) -> None:
    async with served(almaty) as plc, rig(plc) as (sim, _):
        await sim.write(14, 0x7FFF, 0xFFFF)
        assert await sim.write(0, STEP) == 0
        assert (await sim.inputs(4))[0] == 2
        assert await sim.write(0, RUN) == 6, "server device busy"
        assert await sim.write(0, 0) == 0
        assert (await sim.inputs(1))[0] == 10
        steps = plc.simulator.steps
        await asyncio.sleep(0.15)
        assert plc.simulator.steps == steps


async def test_a_silenced_plc_speaks_again_when_it_is_told_to(almaty: Config) -> None:
    async with served(almaty) as plc, rig(plc) as (sim, line):
        await sim.write(1, SILENT, 1, 0)
        assert await sim.command(SET_FAULT) == (0, "device_silent device=L1")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(line.inputs(LEVEL), 0.2)
        assert (await sim.command(CLEAR_FAULT))[0] == 0
        async with to(plc, "L1") as again:
            assert await again.inputs(LEVEL)


async def test_a_slot_outlives_the_simulator_that_saved_it(almaty: Config, tmp_path: Path) -> None:
    async with served(almaty, is_frozen=True, snapshots=tmp_path) as plc, rig(plc) as (sim, _):
        await sim.write(1, BIAS, number_of(plc.simulator, "L1-LT-1401A"), 1)
        await sim.write_float(4, 25.0)
        await sim.command(SET_FAULT)
        await sim.write(12, 42)
        await sim.write(14, 0, 7)
        await sim.command(STEP)
        assert await sim.command(SAVE) == (0, "slot 42 saved")
        saved = plc.simulator.snapshot()
    async with served(almaty, is_frozen=True, snapshots=tmp_path) as plc, rig(plc) as (sim, line):
        before = await line.inputs(LEVEL)
        await sim.write(12, 42)
        assert await sim.command(RESTORE) == (0, "slot 42 restored")
        assert plc.simulator.snapshot() == saved
        assert await line.inputs(LEVEL) != before, "PLCs show the restored plant at once"
        assert await sim.inputs(100, 2) == [BIAS, number_of(plc.simulator, "L1-LT-1401A")]


async def test_initial_conditions_are_built_while_masters_are_answered(almaty: Config) -> None:
    async with served(almaty) as plc, rig(plc) as (sim, line):
        for number, gauge_mpa, megawatts in ((1, 0.0, 0.0), (2, 3.5, -2.0), (3, 6.6, 58.0)):
            await sim.write(13, number)
            assert await sim.write(0, INITIAL) == 0
            assert await line.inputs(LEVEL)
            async with asyncio.timeout(BUILD_S):
                while (await sim.client.read_holding_registers(0, count=1)).registers[0]:
                    await line.inputs(LEVEL)
            assert (await sim.inputs(1))[0] == 0
            assert plc.simulator.steps < 10
            assert (plc.simulator.signal("L1/drum.pressure")[0] - 93_200.0) / 1e6 == pytest.approx(gauge_mpa, abs=0.1)
            assert plc.simulator.signal("L1/heat.power")[0] / 1e6 == pytest.approx(megawatts, abs=3.0)
        await sim.write(13, 9)
        assert (await sim.command(INITIAL))[0] == 7


async def test_a_program_of_the_plant_is_set_by_its_number_and_goes_on_in_the_plants_time(almaty: Config) -> None:
    async with served(almaty, is_frozen=True) as plc, rig(plc) as (sim, _):
        await sim.write(1, F1, 2, 2)
        await sim.write_float(4, 7.5)
        await sim.write_float(6, 1.0)
        assert await sim.command(SET_FAULT) == (0, "F1 line=L2 lhv=7.5 minutes=1.0")
        await sim.write(14, 0, 300)
        assert (await sim.command(STEP))[0] == 0
        added = plc.simulator.state["disturbance.ram_moisture"][:, 0]
        assert added == pytest.approx([0.0, 0.076], abs=0.001), "half of what makes 10.5 MJ/kg to 7.5"
        assert (await sim.command(CLEAR_FAULT))[0] == 0
        assert not added.any()


async def test_half_a_float_and_unknown_numbers_are_refused_on_the_wire(almaty: Config) -> None:
    async with served(almaty, is_frozen=True) as plc, rig(plc) as (sim, _):
        before = plc.simulator.snapshot()
        assert await sim.write(5, 1) == 2, "half of argument 1"
        assert await sim.write(16, 0x7FC0, 0) == 3, "not a number"
        assert await sim.write(0, 99) == 3, "no such command"
        assert await sim.write(18, 1) == 2, "no such register"
        assert (await sim.client.write_coil(0, value=True)).exception_code == 2
        assert (await sim.client.read_coils(0, count=1)).exception_code == 2
        assert (await sim.client.mask_write_register(address=0)).exception_code == 1
        assert plc.simulator.snapshot() == before
