"""The simulated PLCs over real sockets: a foreign Modbus master, raw frames, and what goes wrong on a network."""

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal

import pytest
from pymodbus.client import AsyncModbusTcpClient

from controller.core.config import Config, load
from controller.core.errors import PlantError
from plc_sim.registers import Registers
from plc_sim.server import serve
from plc_sim.simulator import Simulator
from tests.interop.simulated_plcs import ANSWER_S, HOST, on_free_ports, served

ALMATY = Path(__file__).parents[2] / "config" / "almaty"


@pytest.fixture(scope="module")
def almaty() -> Config:
    return load(ALMATY)


@asynccontextmanager
async def wire(port: int) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def frame(pdu: bytes, transaction: int = 1, unit: int = 1, protocol: int = 0) -> bytes:
    return struct.pack(">HHHB", transaction, protocol, len(pdu) + 1, unit) + pdu


def planted_error(*_: object) -> None:
    raise ZeroDivisionError("planted")


async def answer(reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
    """Return (transaction, unit, PDU) of the next answer."""
    async with asyncio.timeout(ANSWER_S):
        transaction, protocol, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
        assert protocol == 0
        return transaction, unit, await reader.readexactly(length - 1)


async def test_a_foreign_master_reads_inputs_and_moves_outputs(almaty: Config) -> None:
    async with served(almaty) as plc:
        client = AsyncModbusTcpClient(HOST, port=plc.ports["L1"], retries=0)
        assert await client.connect()
        try:
            levels = await client.read_input_registers(100, count=3, device_id=1)
            assert not levels.isError()
            assert all(abs(count - 13824) < 2000 for count in levels.registers)
            assert not (await client.write_register(100, 9000, device_id=1)).isError()
            assert (await client.read_holding_registers(100, count=1, device_id=1)).registers == [9000]
            assert not (await client.write_coil(0, value=False, device_id=1)).isError()
            assert (await client.read_coils(0, count=2, device_id=1)).bits[:2] == [False, True]
            assert not (await client.write_registers(100, [9100, 5], device_id=1)).isError()
            assert not (await client.write_coils(0, [True, True], device_id=1)).isError()
            assert (await client.read_discrete_inputs(0, count=2, device_id=1)).bits[:2] == [True, False]
        finally:
            client.close()
        keys = [p.key for p in plc.simulator.points.outputs]
        readback = plc.simulator.read_raw().readback[:, 0]
        assert readback[keys.index("L1-FV-1601.OP")] == 9100
        assert readback[keys.index("L1-XC-1300")] == 1.0


async def test_a_foreign_codec_finds_the_float_in_the_byte_order_of_each_plc(almaty: Config) -> None:
    async with served(almaty) as plc:
        places: list[tuple[str, str, Literal["big", "little"]]] = [
            ("L1", "L1-JT-1300", "big"),
            ("C0", "C0-FT-3011", "little"),
        ]
        for device, key, order in places:
            point = next(p for p in plc.simulator.points.inputs if p.key == key)
            client = AsyncModbusTcpClient(HOST, port=plc.ports[device], retries=0)
            assert await client.connect()
            try:
                reply = await client.read_input_registers(point.address, count=2, device_id=1)
            finally:
                client.close()
            value = client.convert_from_registers(reply.registers, client.DATATYPE.FLOAT32, word_order=order)
            assert value == pytest.approx({"L1-JT-1300": 87.8, "C0-FT-3011": 233.0}[key], rel=0.05)


async def test_the_plant_moves_in_real_time(almaty: Config) -> None:
    async with served(almaty) as plc:
        loop = asyncio.get_running_loop()
        begin, first = loop.time(), int(plc.simulator.state["step"][0, 0])
        await asyncio.sleep(0.55)
        steps = int(plc.simulator.state["step"][0, 0]) - first
        assert steps <= (loop.time() - begin) / 0.1 + 1
        assert steps >= 2, "a loaded machine may lose steps, never all"


REFUSED = [
    ("an unknown function", bytes([0x2B, 0x0E, 1, 0]), bytes([0xAB, 1])),
    ("a read beyond the table", struct.pack(">BHH", 4, 5000, 1), bytes([0x84, 2])),
    ("a read of no register", struct.pack(">BHH", 3, 0, 0), bytes([0x83, 3])),
    ("a read of too many registers", struct.pack(">BHH", 3, 0, 126), bytes([0x83, 3])),
    ("a read of too many bits", struct.pack(">BHH", 1, 0, 2001), bytes([0x81, 3])),
    ("a request that is too short", bytes([3, 0]), bytes([0x83, 3])),
    ("a coil that is neither on nor off", struct.pack(">BHH", 5, 0, 0x1234), bytes([0x85, 3])),
    ("a write beyond the table", struct.pack(">BHH", 6, 5000, 1), bytes([0x86, 2])),
    ("a write whose byte count lies", struct.pack(">BHHBH", 16, 100, 2, 2, 7), bytes([0x90, 3])),
    ("a write of too many registers", struct.pack(">BHHB", 16, 100, 124, 248) + bytes(246), bytes([0x90, 3])),
    ("a write of coils beyond the table", struct.pack(">BHHBB", 15, 5000, 1, 1, 1), bytes([0x8F, 2])),
]


async def test_bad_requests_are_answered_with_their_own_function_and_the_right_code(almaty: Config) -> None:
    async with served(almaty) as plc, wire(plc.ports["L1"]) as (reader, writer):
        for number, (what, request, expected) in enumerate(REFUSED, start=1):
            writer.write(frame(request, transaction=number))
            assert await answer(reader) == (number, 1, expected), what
        writer.write(frame(struct.pack(">BHH", 3, 100, 1), transaction=99))
        assert (await answer(reader))[0] == 99


async def test_another_unit_is_answered_as_a_gateway_would(almaty: Config) -> None:
    async with served(almaty) as plc, wire(plc.ports["L1"]) as (reader, writer):
        writer.write(frame(struct.pack(">BHH", 3, 100, 1), unit=9))
        assert await answer(reader) == (1, 9, bytes([0x83, 0x0B]))


async def test_all_requests_of_one_segment_are_answered_in_order(almaty: Config) -> None:
    async with served(almaty) as plc, wire(plc.ports["L1"]) as (reader, writer):
        writer.write(b"".join(frame(struct.pack(">BHH", 4, 100, 2), transaction=n) for n in range(1, 6)))
        assert [(await answer(reader))[0] for _ in range(5)] == [1, 2, 3, 4, 5]


async def test_a_request_in_single_bytes_is_answered_once_it_is_whole(almaty: Config) -> None:
    async with served(almaty) as plc, wire(plc.ports["L1"]) as (reader, writer):
        for byte in frame(struct.pack(">BHH", 4, 100, 2), transaction=7):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        assert (await answer(reader))[0] == 7


async def test_a_frame_of_another_protocol_is_skipped_and_the_next_one_answered(almaty: Config) -> None:
    async with served(almaty) as plc, wire(plc.ports["L1"]) as (reader, writer):
        writer.write(frame(struct.pack(">BHH", 4, 100, 1), transaction=1, protocol=5))
        writer.write(frame(struct.pack(">BHH", 4, 100, 1), transaction=2))
        assert (await answer(reader))[0] == 2


async def test_rubbish_ends_its_own_connection_and_no_other(almaty: Config) -> None:
    async with served(almaty) as plc, wire(plc.ports["L1"]) as (good, to_plc), wire(plc.ports["L1"]) as (bad, rubbish):
        rubbish.write(b"GET / HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(ANSWER_S):
            assert await bad.read() == b""
        to_plc.write(frame(struct.pack(">BHH", 4, 100, 1)))
        assert (await answer(good))[0] == 1


async def test_a_master_that_asks_and_never_reads_is_cut_off(almaty: Config) -> None:
    request = frame(struct.pack(">BHH", 4, 0, 100)) * 1000
    async with served(almaty) as plc, wire(plc.ports["L1"]) as (_, writer):

        async def ask_for_ever() -> None:
            while True:
                writer.write(request)
                await writer.drain()
                await asyncio.sleep(0)

        with pytest.raises(ConnectionError):
            await asyncio.wait_for(ask_for_ever(), ANSWER_S)


async def test_a_silent_device_lets_requests_fall_and_the_others_answer(almaty: Config) -> None:
    request = frame(struct.pack(">BHH", 4, 100, 1))
    async with (
        served(almaty) as plc,
        wire(plc.ports["L1"]) as (silent, to_l1),
        wire(plc.ports["L2"]) as (lively, to_l2),
    ):
        plc.simulator.fault("device_silent", device="L1")
        to_l1.write(request)
        to_l2.write(request)
        assert (await answer(lively))[0] == 1
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(silent.read(1), 0.2)
        plc.simulator.clear("device_silent")
        to_l1.write(request)
        assert (await answer(silent))[0] == 1


async def test_an_error_of_the_physics_ends_the_simulator(almaty: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with served(almaty) as plc:
            monkeypatch.setattr(plc.simulator, "step", planted_error)
            await asyncio.wait((plc.task,), timeout=ANSWER_S)

    with pytest.raises(ZeroDivisionError, match="planted"):
        await story()


async def test_an_error_in_a_request_ends_the_simulator_and_is_no_device_failure(
    almaty: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with served(almaty) as plc, wire(plc.ports["L1"]) as (reader, writer):
            monkeypatch.setattr(Registers, "read", planted_error)
            writer.write(frame(struct.pack(">BHH", 4, 100, 1)))
            async with asyncio.timeout(ANSWER_S):
                assert await reader.read() == b"", "no answer hides the error"
            await asyncio.wait((plc.task,), timeout=ANSWER_S)

    with pytest.raises(ZeroDivisionError, match="planted"):
        await story()


async def test_a_port_in_use_is_named_with_the_way_out(almaty: Config) -> None:
    config = on_free_ports(almaty)
    port = config.plant.devices["L2"].port
    with socket.create_server((HOST, port)), pytest.raises(PlantError) as caught:
        await serve(config, Simulator(config))
    text = str(caught.value)
    assert f"simulated PLC L2: port {port} on {HOST} is in use" in text
    assert "devices.L2.port" in text
