"""What goes over the wire, byte by byte: the worked examples of the Modbus Application Protocol V1.1b3."""

import asyncio
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.errors import FieldError, NoReply, Refused
from controller.modbus.client import Client, open_client
from controller.modbus.poll import Block, Table

UNIT = 17


class Script:
    """A device that knows one answer; keeps what it was asked."""

    def __init__(self, answer: str) -> None:
        self.answer = bytes.fromhex(answer)
        self.asked = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        header = await reader.readexactly(6)
        self.asked = await reader.readexactly(struct.unpack(">H", header[4:])[0])
        body = self.asked[:1] + self.answer
        writer.write(header[:4] + struct.pack(">H", len(body)) + body)
        await reader.read()  # until the client closes
        writer.close()


@asynccontextmanager
async def device(answer: str) -> AsyncGenerator[tuple[Script, Client]]:
    script = Script(answer)
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    client = await open_client("L1", "127.0.0.1", server.sockets[0].getsockname()[1], UNIT, timeout_s=1.0)
    try:
        yield script, client
    finally:
        client.close()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.01)  # the device's side of the connection ends as well


# Section, table, first address and count; request and answer PDU in hex; what the answer means, one byte a bit.
READS: list[tuple[str, Table, int, int, str, str, str]] = [
    ("6.1", "coil", 0x13, 19, "01 0013 0013", "01 03 CD 6B 05", "1011001111010110101"),
    ("6.2", "discrete", 0xC4, 22, "02 00C4 0016", "02 03 AC DB 35", "0011010111011011101011"),
    ("6.3", "holding", 0x6B, 3, "03 006B 0003", "03 06 022B 0000 0064", "022B 0000 0064"),
    ("6.4", "input", 0x08, 1, "04 0008 0001", "04 02 000A", "000A"),
]


@pytest.mark.parametrize(("section", "table", "address", "count", "request_pdu", "answer_pdu", "meaning"), READS)
async def test_reads_are_those_of_the_standard(
    section: str, table: Table, address: int, count: int, request_pdu: str, answer_pdu: str, meaning: str
) -> None:
    async with device(answer_pdu) as (script, client):
        data = await client.read(Block(0, table, address, count, 0))
        assert script.asked == bytes([UNIT]) + bytes.fromhex(request_pdu)
        is_bits = table in {"coil", "discrete"}
        assert data == (bytes(int(bit) for bit in meaning) if is_bits else bytes.fromhex(meaning))


async def test_writing_coils_is_that_of_the_standard() -> None:
    async with device("0F 0013 000A") as (script, client):  # section 6.11
        await client.write(Block(0, "coil", 0x13, 10, 0), bytes([1, 0, 1, 1, 0, 0, 1, 1, 1, 0]))
        assert script.asked == bytes([UNIT]) + bytes.fromhex("0F 0013 000A 02 CD 01")


async def test_writing_registers_is_that_of_the_standard() -> None:
    async with device("10 0001 0002") as (script, client):  # section 6.12
        await client.write(Block(0, "holding", 1, 2, 0), bytes.fromhex("000A 0102"))
        assert script.asked == bytes([UNIT]) + bytes.fromhex("10 0001 0002 04 000A 0102")


async def test_a_refusal_says_why_in_words() -> None:
    async with device("83 02") as (_, client):
        with pytest.raises(Refused, match=r"L1: holding 107\+3: refused, exception 2 \(illegal address\)"):
            await client.read(Block(0, "holding", 107, 3, 0))


async def test_a_refusal_with_a_code_of_the_makers_own_is_told_by_its_number() -> None:
    async with device("83 63") as (_, client):
        with pytest.raises(Refused, match=r"exception 99 \(not in the standard\)"):
            await client.read(Block(0, "holding", 107, 3, 0))


async def test_a_confirmation_of_another_write_is_none() -> None:
    async with device("10 0001 0001") as (_, client):
        with pytest.raises(FieldError, match="the device confirmed 00010001"):
            await client.write(Block(0, "holding", 1, 2, 0), bytes.fromhex("000A 0102"))


async def test_a_closed_connection_answers_at_once() -> None:
    async with device("83 02") as (_, client):
        client.close()
        with pytest.raises(NoReply, match="not connected"):
            await client.read(Block(0, "holding", 107, 3, 0))


async def test_a_device_that_is_not_there_is_named_with_its_address() -> None:
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(NoReply, match=f"L1: no connection to 127.0.0.1:{port}"):
        await open_client("L1", "127.0.0.1", port, UNIT, timeout_s=1.0)


# --- the stream ------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=600), st.lists(st.integers(1, 40), max_size=40))
def test_no_bytes_at_all_can_raise_in_the_event_loop(noise: bytes, cuts: list[int]) -> None:
    client = Client("L1", UNIT, 1.0)
    _feed(client, noise, cuts)
    assert client.stray <= len(noise) // 8


@given(st.lists(st.binary(min_size=2, max_size=254), max_size=8), st.lists(st.integers(1, 300), max_size=40))
def test_answers_are_found_however_the_stream_is_cut(bodies: list[bytes], cuts: list[int]) -> None:
    client = Client("L1", UNIT, 1.0)
    stream = b"".join(struct.pack(">HHH", 7, 0, len(body)) + body for body in bodies)
    _feed(client, stream, cuts)
    assert client.stray == len(bodies)  # nobody waits for them: each is found and dropped


def _feed(client: Client, stream: bytes, cuts: list[int]) -> None:
    for cut in cuts:
        client.data_received(stream[:cut])
        stream = stream[cut:]
    client.data_received(stream)
