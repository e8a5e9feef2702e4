"""Modbus TCP, server side, on asyncio: the frames and answers of the Modbus specification (V1.1b3, TCP guide V1.0b).

Written here because pymodbus 3.16's server cannot be made right from outside: it answers a bad request as function
0x80, turns a bug of the simulator into "device failure", goes deaf on a connection after a frame of another protocol,
and answers only the last of several requests that arrive together. The master on the other side is not this code.
"""

import asyncio
import struct
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from typing import Protocol

HEADER = 7  # transaction, protocol, length, unit
LONGEST = 254  # unit and PDU
MAX_READ_WORDS = 125
MAX_READ_BITS = 2000
MAX_WRITE_WORDS = 123
MAX_WRITE_BITS = 1968
COIL_ON, COIL_OFF = 0xFF00, 0x0000
UNSENT_BYTES = 64 * 1024  # a master that asks and never reads is cut off


class Refusal(IntEnum):
    """Exception codes."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3
    BUSY = 6
    NO_SUCH_UNIT = 0x0B  # gateway target device failed to respond


class Tables(Protocol):
    """The four tables of one device: coil, discrete, holding, input. Addresses are those of the request, from 0."""

    @property
    def is_silent(self) -> bool:
        """Whether the device does not answer."""
        ...

    def read(self, table: str, address: int, count: int) -> list[int] | None:
        """Return words or bits, None when the table does not reach that far."""
        ...

    def write(self, table: str, address: int, values: Sequence[int]) -> Refusal | None:
        """Write words or bits of a writable table; a refused write changes nothing."""
        ...


class _NoModbusError(Exception):
    """What arrives is no Modbus TCP: where the next frame begins cannot be known."""


class _RefusedError(Exception):
    """A request that is answered with an exception code."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.name)
        self.refusal = refusal


READS = {
    1: ("coil", MAX_READ_BITS),
    2: ("discrete", MAX_READ_BITS),
    3: ("holding", MAX_READ_WORDS),
    4: ("input", MAX_READ_WORDS),
}


def answer(tables: Tables, pdu: bytes) -> bytes:
    """Return the answer PDU to one request PDU."""
    function = pdu[0]
    serve = SERVICES.get(function)
    if serve is None:
        return bytes((function | 0x80, Refusal.ILLEGAL_FUNCTION))
    try:
        return serve(tables, pdu)
    except _RefusedError as exc:
        return bytes((function | 0x80, exc.refusal))


def _read(tables: Tables, pdu: bytes) -> bytes:
    table, most = READS[pdu[0]]
    address, count = _fields(pdu, 5)
    if not 1 <= count <= most:
        raise _RefusedError(Refusal.ILLEGAL_VALUE)
    values = tables.read(table, address, count)
    if values is None:
        raise _RefusedError(Refusal.ILLEGAL_ADDRESS)
    data = _pack_bits(values) if most == MAX_READ_BITS else struct.pack(f">{count}H", *values)
    return bytes((pdu[0], len(data))) + data


def _write_one(tables: Tables, pdu: bytes) -> bytes:
    address, value = _fields(pdu, 5)
    is_coil = pdu[0] == 5
    if is_coil and value not in (COIL_ON, COIL_OFF):
        raise _RefusedError(Refusal.ILLEGAL_VALUE)
    values = [int(value == COIL_ON)] if is_coil else [value]
    _write(tables, "coil" if is_coil else "holding", address, values)
    return pdu


def _write_many(tables: Tables, pdu: bytes) -> bytes:
    address, count = _fields(pdu, None)
    is_coils = pdu[0] == 15
    size = (count + 7) // 8 if is_coils else 2 * count
    if not 1 <= count <= (MAX_WRITE_BITS if is_coils else MAX_WRITE_WORDS) or len(pdu) != 6 + size or pdu[5] != size:
        raise _RefusedError(Refusal.ILLEGAL_VALUE)
    data = pdu[6:]
    values = _unpack_bits(data, count) if is_coils else list(struct.unpack(f">{count}H", data))
    _write(tables, "coil" if is_coils else "holding", address, values)
    return pdu[:5]


def _write(tables: Tables, table: str, address: int, values: Sequence[int]) -> None:
    refusal = tables.write(table, address, values)
    if refusal is not None:
        raise _RefusedError(refusal)


def _fields(pdu: bytes, length: int | None) -> tuple[int, int]:
    """Return the two numbers that every request begins with; ``length`` is the whole request's, when fixed."""
    if len(pdu) < 6 if length is None else len(pdu) != length:
        raise _RefusedError(Refusal.ILLEGAL_VALUE)
    address, number = struct.unpack_from(">HH", pdu, 1)
    return address, number


def _pack_bits(values: list[int]) -> bytes:
    data = bytearray((len(values) + 7) // 8)
    for i, value in enumerate(values):
        data[i // 8] |= value << (i % 8)
    return bytes(data)


def _unpack_bits(data: bytes, count: int) -> list[int]:
    return [data[i // 8] >> (i % 8) & 1 for i in range(count)]


SERVICES: dict[int, Callable[[Tables, bytes], bytes]] = {
    **dict.fromkeys(READS, _read),
    **dict.fromkeys((5, 6), _write_one),
    **dict.fromkeys((15, 16), _write_many),
}


class Connection(asyncio.Protocol):
    """One master's connection: cuts the stream into frames and answers each, in order."""

    def __init__(
        self,
        tables: Tables,
        unit_id: int,
        connections: "set[Connection]",
        failed: Callable[[BaseException], None],
    ) -> None:
        """``failed`` is told of an error of the simulator itself: it must stop it, not reach the master."""
        self._tables = tables
        self._unit_id = unit_id
        self._connections = connections
        self._failed = failed
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  create_server gives stream transports
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection; a master may come and go."""
        del exc
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """Answer every whole frame; a length that no Modbus frame has ends the connection."""
        self._buffer += data
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        try:
            for frame in self._answers():
                transport.write(frame)
        except _NoModbusError:
            transport.close()
        except BaseException as exc:  # noqa: BLE001  handed on: asyncio would log it and go on serving wrong data
            self._failed(exc)
        if transport.get_write_buffer_size() > UNSENT_BYTES:
            transport.abort()

    def close(self) -> None:
        """End the connection now."""
        if self._transport is not None:
            self._transport.abort()

    def _answers(self) -> Iterator[bytes]:
        """Take all whole frames from the buffer and give their answers."""
        while len(self._buffer) >= HEADER:
            transaction, protocol, length, unit = struct.unpack_from(">HHHB", self._buffer)
            if not 2 <= length <= LONGEST:
                raise _NoModbusError
            if len(self._buffer) < HEADER - 1 + length:
                break
            pdu = bytes(self._buffer[HEADER : HEADER - 1 + length])
            del self._buffer[: HEADER - 1 + length]
            if protocol != 0 or self._tables.is_silent:
                continue
            is_ours = unit == self._unit_id
            reply = answer(self._tables, pdu) if is_ours else bytes((pdu[0] | 0x80, Refusal.NO_SUCH_UNIT))
            yield struct.pack(">HHHB", transaction, 0, len(reply) + 1, unit) + reply
