"""Registers of one PLC as a Modbus master sees them: the simulator's raw numbers as 16-bit words and bits.

This is the PLC's own encoding, written apart from the controller's on purpose: one shared codec would hide a wrong word
order from every test. Byte orders name the bytes of a 32-bit value as they travel, most significant first: ABCD, CDAB,
BADC, DCBA; a 16-bit value is AB in the first two and BA in the others, and longer values follow the same rule. The
supervision block is plain 16 bit, whatever the order of the process values.

What a master may write is what the controller of a real PLC would: whole values, at addresses that have one, of numbers
that exist. Anything else is refused as the Modbus specification says and changes nothing.
"""

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from controller.core import models
from plc_sim.modbus_tcp import Refusal
from plc_sim.plc import CYCLE_S
from plc_sim.points import InputPoint, OutputPoint
from plc_sim.simulator import Simulator

TABLES = ("coil", "discrete", "holding", "input")
CODES = {
    "raw": "h",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "float32": "f",
    "float64": "d",
    "bool": "?",
}
WORD = 0xFFFF


def to_words(value: float, form: str, order: str) -> list[int]:
    """Return the 16-bit words of one value."""
    code = CODES[form]
    number = value if form.startswith("float") else int(value)
    data = struct.pack(f">{code}", number)
    words = [data[i : i + 2] for i in range(0, len(data), 2)]
    if order in ("BADC", "DCBA"):
        words = [word[::-1] for word in words]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    return [int.from_bytes(word, "big") for word in words]


def from_words(words: Sequence[int], form: str, order: str) -> float:
    """Return the value of 16-bit words, the inverse of ``to_words``."""
    parts = [word.to_bytes(2, "big") for word in words]
    if order in ("CDAB", "DCBA"):
        parts.reverse()
    if order in ("BADC", "DCBA"):
        parts = [part[::-1] for part in parts]
    return float(struct.unpack(f">{CODES[form]}", b"".join(parts))[0])


def width(form: str) -> int:
    """Return how many registers (or bits) a value takes."""
    return 1 if form == "bool" else struct.calcsize(f">{CODES[form]}") // 2


class Spot(Protocol):
    """A value's place in a table."""

    @property
    def address(self) -> int:
        """The first register."""
        ...

    @property
    def form(self) -> str:
        """What the registers hold."""
        ...


class Writable:
    """The values of one table that a master may write."""

    def __init__(self, spots: Sequence[Spot]) -> None:
        self._at = {spot.address + i: n for n, spot in enumerate(spots) for i in range(width(spot.form))}
        self._ends = [spot.address + width(spot.form) for spot in spots]
        self._begins = [spot.address for spot in spots]

    def touched(self, address: int, count: int) -> list[int] | None:
        """Return the numbers of the values in ``count`` registers; None when a gap is among them or a value is cut."""
        numbers = [self._at.get(a) for a in range(address, address + count)]
        values = [n for n in dict.fromkeys(numbers) if n is not None]
        if None in numbers or self._begins[values[0]] != address or self._ends[values[-1]] != address + count:
            return None
        return values


class Registers:
    """The four tables of one PLC. A table reaches from 0 to the last address in use; gaps read 0."""

    def __init__(
        self, simulator: Simulator, name: str, device: models.Device, idle_s: Callable[[], float] = lambda: 0.0
    ) -> None:
        """Lay out the tables of device ``name``.

        ``idle_s`` says for how long the plant's time has stood still. A PLC's program goes on then, and its counter
        shows it: a master that watches the counter must not take a frozen plant for a dead PLC.
        """
        self._idle_s = idle_s
        self._simulator = simulator
        self._device = simulator.points.devices.index(name)
        self._order = device.byte_order
        self._supervision = device.supervision
        points = simulator.points
        self._inputs = [(row, p) for row, p in enumerate(points.inputs) if p.device == name]
        self._outputs = [(row, p) for row, p in enumerate(points.outputs) if p.device == name]
        ends: dict[str, int] = dict.fromkeys(TABLES, 0)
        every: list[InputPoint | OutputPoint] = [p for _, p in self._inputs] + [p for _, p in self._outputs]
        for point in every:
            ends[point.table] = max(ends[point.table], point.address + width(point.form))
        s = device.supervision
        ends["holding"] = max(ends["holding"], s.heartbeat + 1, s.planned_stop + 1, s.watchdog_ms + 1)
        ends["input"] = max(ends["input"], s.plc_counter + 1)
        self._words = {table: [0] * end for table, end in ends.items()}
        self._written = {
            table: [(row, p) for row, p in self._outputs if p.table == table] for table in ("coil", "holding")
        }
        marks = [_Mark(a) for a in (s.heartbeat, s.planned_stop, s.watchdog_ms)]  # after the outputs, in this order
        self._writable = {
            table: Writable([*(p for _, p in outputs), *(marks if table == "holding" else ())])
            for table, outputs in self._written.items()
        }
        self._inputs_are_stale = self._rest_is_stale = True

    @property
    def is_silent(self) -> bool:
        """Whether the PLC does not answer."""
        return bool(self._simulator.plcs.is_silent[self._device, 0])

    def refresh(self) -> None:
        """Note that the simulator has moved on: the next request sees what it holds then."""
        self._inputs_are_stale = self._rest_is_stale = True

    def read(self, table: str, address: int, count: int) -> list[int] | None:
        """Return words or bits, None when the table does not reach that far."""
        self._take_over()
        words = self._words[table]
        if table == "input":
            cycles = int(self._simulator.plcs.cycles[self._device, 0]) + int(self._idle_s() / CYCLE_S)
            words[self._supervision.plc_counter] = cycles & WORD
        return None if address + count > len(words) else words[address : address + count]

    def write(self, table: str, address: int, values: Sequence[int]) -> Refusal | None:
        """Write words or bits of a writable table; a refused write changes nothing."""
        touched = self._writable[table].touched(address, len(values))
        if touched is None:
            return Refusal.ILLEGAL_ADDRESS
        self._take_over()
        words = self._words[table].copy()
        words[address : address + len(values)] = values
        outputs = self._written[table]
        numbers = {outputs[n][0]: self._get(outputs[n][1], words) for n in touched if n < len(outputs)}
        marks = [n - len(outputs) for n in touched if n >= len(outputs)]
        is_no_mark = _STOP in marks and words[self._supervision.planned_stop] > 1
        if is_no_mark or not all(math.isfinite(number) for number in numbers.values()):
            return Refusal.ILLEGAL_VALUE
        raw = np.full((len(self._simulator.points.outputs), 1), np.nan)
        raw[list(numbers), 0] = list(numbers.values())
        self._simulator.plcs.write_outputs(raw)
        self._supervise(marks, words)
        self._rest_is_stale = True
        return None

    def _take_over(self) -> None:
        """Fill the tables with what the simulator holds."""
        if self._inputs_are_stale:
            raw = self._simulator.instruments.raw
            for row, point in self._inputs:
                self._put(point, float(raw[row, 0]))
        if self._rest_is_stale:
            self._take_over_outputs()
        self._inputs_are_stale = self._rest_is_stale = False

    def _take_over_outputs(self) -> None:
        plcs = self._simulator.plcs
        held = plcs.registers_held()
        for row, point in self._outputs:
            self._put(point, float(held[row, 0]))
        s = self._supervision
        holding = self._words["holding"]
        holding[s.heartbeat] = int(plcs.heartbeat[self._device, 0]) & WORD
        holding[s.planned_stop] = int(plcs.planned_stop[self._device, 0])
        holding[s.watchdog_ms] = round(float(plcs.watchdog_s[self._device, 0]) * 1000.0) & WORD

    def _supervise(self, marks: Sequence[int], holding: Sequence[int]) -> None:
        plcs, s = self._simulator.plcs, self._supervision
        if _STOP in marks:
            plcs.planned_stop[self._device] = holding[s.planned_stop] != 0
        if _WATCHDOG in marks:
            plcs.watchdog_s[self._device] = holding[s.watchdog_ms] / 1000.0
        if _BEAT in marks:
            plcs.beat_one(self._device, holding[s.heartbeat])

    def _put(self, point: InputPoint | OutputPoint, value: float) -> None:
        words = self._words[point.table]
        if point.form == "bool":
            words[point.address] = int(value)
        else:
            words[point.address : point.address + width(point.form)] = to_words(value, point.form, self._order)

    def _get(self, point: OutputPoint, words: Sequence[int]) -> float:
        own = words[point.address : point.address + width(point.form)]
        return float(own[0]) if point.form == "bool" else from_words(own, point.form, self._order)


_BEAT, _STOP, _WATCHDOG = range(3)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A register of the supervision block."""

    address: int
    form: str = "uint16"
