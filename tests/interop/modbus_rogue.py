"""A device that does everything wrong, and the ways in which it does."""

import asyncio
import struct
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from tests.interop.modbus_host import COUNTER, FLOW, LEVEL

Fault = Callable[[bytes, bytes], bytes | None]  # request, right answer -> what is sent; None: the connection is closed


class Rogue(asyncio.Protocol):
    """A device written from the Modbus specification by hand; ``fault`` spoils its answers."""

    def __init__(self, device: "RogueDevice") -> None:
        self.device = device
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.device.connections.add(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.transport is not None:
            self.device.connections.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        assert self.transport is not None
        answer = self.device.answer(data)
        spoilt = self.device.fault(data, answer) if self.device.fault else answer
        if spoilt is None:
            self.transport.abort()
        elif self.device.late_s:
            asyncio.get_running_loop().call_later(self.device.late_s, self.transport.write, spoilt)
        else:
            self.transport.write(spoilt)


@dataclass
class RogueDevice:
    fault: Fault | None = None
    late_s: float = 0.0
    stuck: set[int] = field(default_factory=set[int])  # holding registers that keep their value
    holding: list[int] = field(default_factory=lambda: [0] * 200)
    coils: int = 0
    counter: int = 0
    is_running: bool = True
    log: list[int] = field(default_factory=list[int])  # function codes of what was asked
    connections: set[asyncio.Transport] = field(default_factory=set[asyncio.Transport])

    def answer(self, request: bytes) -> bytes:
        function, address, count = request[7], *struct.unpack(">HH", request[8:12])
        self.log.append(function)
        match function:
            case 4:
                self.counter += self.is_running
                registers = [self.counter if a == COUNTER else 13824 for a in range(address, address + count)]
                if address <= FLOW < address + count:
                    registers[FLOW - address : FLOW - address + 2] = [0x42E1, 0x0000]  # 112.5
                body = bytes([2 * count]) + struct.pack(f">{count}H", *registers)
            case 3:
                body = bytes([2 * count]) + struct.pack(f">{count}H", *self.holding[address : address + count])
            case 1 | 2:
                bits = (self.coils >> address if function == 1 else 1) & ((1 << count) - 1)
                size = (count + 7) // 8
                body = bytes([size]) + bits.to_bytes(size, "little")
            case 16:
                new = struct.unpack(f">{count}H", request[13:])
                for a, register in enumerate(new, start=address):
                    if a not in self.stuck:
                        self.holding[a] = register
                body = request[8:12]
            case _:
                mask = ((1 << count) - 1) << address
                self.coils = (self.coils & ~mask) | (int.from_bytes(request[13:], "little") << address)
                body = request[8:12]
        return request[:4] + struct.pack(">H", 2 + len(body)) + request[6:8] + body


@asynccontextmanager
async def rogue() -> AsyncGenerator[tuple[RogueDevice, int]]:
    device = RogueDevice()
    server = await asyncio.get_running_loop().create_server(lambda: Rogue(device), "127.0.0.1", 0)
    try:
        yield device, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for transport in list(device.connections):
            transport.abort()
        await server.wait_closed()
        await asyncio.sleep(0)


def on_reads_of_inputs(spoil: Fault) -> Fault:
    """Return a fault of the input registers from 100 on only: the rest of the device stays right."""

    def fault(request: bytes, answer: bytes) -> bytes | None:
        is_hit = request[7] == 4 and struct.unpack(">H", request[8:10])[0] == LEVEL
        return spoil(request, answer) if is_hit else answer

    return fault


def shorter(_: bytes, answer: bytes) -> bytes:
    """One register less than asked for, in a frame that is right in itself."""
    body = answer[9:-2]
    return answer[:4] + struct.pack(">H", 3 + len(body)) + answer[6:8] + bytes([len(body)]) + body


def lying(_: bytes, answer: bytes) -> bytes:
    """A byte count that does not fit the bytes that follow."""
    return answer[:8] + bytes([answer[8] - 2]) + answer[9:]


def other_unit(_: bytes, answer: bytes) -> bytes:
    return answer[:6] + b"\x09" + answer[7:]


def other_function(_: bytes, answer: bytes) -> bytes:
    return answer[:7] + b"\x03" + answer[8:]


def other_transaction(request: bytes, answer: bytes) -> bytes:
    number = (struct.unpack(">H", request[:2])[0] + 1000) % 65536
    return struct.pack(">H", number) + answer[2:]


def zero_transaction(_: bytes, answer: bytes) -> bytes:
    return b"\0\0" + answer[2:]


def refusal(request: bytes, _: bytes) -> bytes:
    return request[:4] + b"\0\3" + request[6:7] + bytes([request[7] | 0x80, 2])


def silence(_: bytes, __: bytes) -> bytes:
    return b""


def half(_: bytes, answer: bytes) -> bytes:
    return answer[: len(answer) // 2]


def noise(_: bytes, __: bytes) -> bytes:
    return b"HTTP/1.1 400 Bad Request\r\n\r\n"


def nothing_follows(request: bytes, _: bytes) -> bytes:
    return request[:4] + b"\0\0" + request[6:8]


def hang_up(_: bytes, __: bytes) -> None:
    return None
