"""One connection to one device: one request at a time, every answer checked before anyone believes it.

pymodbus builds the requests. Its client is not used for the answers, because it accepts a short one, waits out the
whole time-out when the device closes or talks rubbish, and lets transaction 0 pass (docs/adr/0008-modbus.md).
"""

import asyncio
import struct
from typing import Final, cast

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest, WriteMultipleCoilsRequest
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
)

from controller.core.errors import FieldError, NoReply, Refused
from controller.modbus.codec import BIT_TABLES
from controller.modbus.poll import Block, Table

CONNECT_TIMEOUT_S: Final = 0.5
_HEADER: Final = struct.Struct(">HHH")  # MBAP: transaction, protocol (0), bytes that follow; the unit id is the first
_MAX_FOLLOWING: Final = 254  # unit id and a PDU of at most 253 bytes
_TRANSACTIONS: Final = 0x10000
_EXCEPTION: Final = 0x80

_READ: Final[dict[Table, type[ModbusPDU]]] = {
    "coil": ReadCoilsRequest,
    "discrete": ReadDiscreteInputsRequest,
    "holding": ReadHoldingRegistersRequest,
    "input": ReadInputRegistersRequest,
}
_FRAMER: Final = FramerSocket(DecodePDU(is_server=False))


class Client(asyncio.Protocol):
    """A Modbus TCP connection; ``open_client`` makes one. All waits end within ``timeout_s``.

    ``stray`` counts answers to no standing request (late ones, mostly): they are dropped by their transaction number.
    """

    def __init__(self, name: str, unit_id: int, timeout_s: float) -> None:
        self.name = name
        self.stray = 0
        self._unit_id = unit_id
        self._timeout_s = timeout_s
        self._transaction = 0
        self._buffer = b""
        self._waiting: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport | None = None

    @property
    def is_open(self) -> bool:
        """Return whether the connection stands, as far as is known here."""
        return self._transport is not None

    def close(self) -> None:
        """End the connection at once; a request under way fails with NoReply."""
        if self._transport is not None:
            self._transport.abort()
            self._lost("connection closed by us")

    async def read(self, block: Block) -> bytes:
        """Return the registers (two bytes each, as sent) or bits (one byte each, 0 or 1) of ``block``."""
        request = _READ[block.table](address=block.address, count=block.count)
        body = await self._ask(request, f"{block.table} {block.address}+{block.count}")
        is_bits = block.table in BIT_TABLES
        expected = (block.count + 7) // 8 if is_bits else 2 * block.count
        if len(body) != 1 + expected or body[0] != expected:
            raise FieldError(
                f"{self.name}: {block.table} {block.address}+{block.count}: expected {expected} data bytes, "
                f"found {len(body) - 1} announced as {body[0] if body else 'nothing'}"
            )
        return _unpack(body[1:], block.count) if is_bits else body[1:]

    async def write(self, block: Block, data: bytes) -> None:
        """Write the registers or bits of ``block``; ``data`` in the same form as ``read`` returns it."""
        request: ModbusPDU
        if block.table in BIT_TABLES:
            request = WriteMultipleCoilsRequest(address=block.address, bits=[bit != 0 for bit in data])
        else:
            registers = struct.unpack(f">{block.count}H", data)
            request = WriteMultipleRegistersRequest(address=block.address, registers=registers)
        echo = await self._ask(request, f"write {block.table} {block.address}+{block.count}")
        if echo != struct.pack(">HH", block.address, block.count):
            raise FieldError(
                f"{self.name}: write {block.table} {block.address}+{block.count}: the device confirmed {echo.hex()}"
            )

    async def _ask(self, request: ModbusPDU, what: str) -> bytes:
        """Send a request and return what follows the function code of its answer."""
        if self._transport is None:
            raise NoReply(f"{self.name}: not connected")
        self._transaction = (self._transaction + 1) % _TRANSACTIONS
        request.dev_id, request.transaction_id = self._unit_id, self._transaction
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(_FRAMER.buildFrame(request))
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._waiting
        except TimeoutError:
            raise NoReply(f"{self.name}: {what}: no answer within {1000 * self._timeout_s:.0f} ms") from None
        finally:
            self._waiting = None
        return self._checked(answer, request.function_code, what)

    def _checked(self, answer: bytes, function: int, what: str) -> bytes:
        unit_id, code, body = answer[0], answer[1], answer[2:]
        if unit_id != self._unit_id:
            raise FieldError(f"{self.name}: {what}: expected an answer of unit {self._unit_id}, found unit {unit_id}")
        if code == function | _EXCEPTION and len(body) == 1:
            raise Refused(f"{self.name}: {what}: refused, {_words(body[0])}")
        if code != function:
            raise FieldError(f"{self.name}: {what}: expected function {function}, found {code}")
        return body

    # --- called by the event loop ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport over."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail a waiting request at once: there will be no answer."""
        self._lost(f"connection lost ({exc})" if exc else "connection closed by the device")

    def data_received(self, data: bytes) -> None:
        """Cut the stream into answers; give the awaited one to its request and drop the others."""
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            transaction, protocol, following = _HEADER.unpack_from(self._buffer)
            if protocol != 0 or not 2 <= following <= _MAX_FOLLOWING:
                self._give_up(f"no Modbus header: {self._buffer[:8].hex(' ')}")
                return
            end = _HEADER.size + following
            if len(self._buffer) < end:
                return
            answer, self._buffer = self._buffer[_HEADER.size : end], self._buffer[end:]
            if self._waiting is None or self._waiting.done() or transaction != self._transaction:
                self.stray += 1
            else:
                self._waiting.set_result(answer)

    def _give_up(self, reason: str) -> None:
        """Leave a stream that is out of step: from here on no byte of it means anything."""
        if self._transport is not None:
            self._transport.abort()
        self._lost(reason, FieldError)

    def _lost(self, reason: str, kind: type[FieldError] = NoReply) -> None:
        self._transport = None
        self._buffer = b""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(kind(f"{self.name}: {reason}"))


async def open_client(name: str, host: str, port: int, unit_id: int, timeout_s: float) -> Client:
    """Connect to a device; NoReply when it cannot be reached."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            _, client = await loop.create_connection(lambda: Client(name, unit_id, timeout_s), host, port)
    except TimeoutError:
        raise NoReply(f"{name}: no connection to {host}:{port} within {CONNECT_TIMEOUT_S} s") from None
    except OSError as exc:
        raise NoReply(f"{name}: no connection to {host}:{port}: {exc}") from exc
    return client


def _unpack(packed: bytes, count: int) -> bytes:
    """Return one byte per bit; the first bit is the least significant one of the first byte."""
    return bytes((packed[bit >> 3] >> (bit & 7)) & 1 for bit in range(count))


def _words(code: int) -> str:
    """Return the name of an exception code."""
    try:
        return f"exception {code} ({ExcCodes(code).name.lower().replace('_', ' ')})"
    except ValueError:
        return f"exception {code} (not in the standard)"
