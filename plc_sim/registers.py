"""Registers of one PLC as a Modbus master sees them: the simulator's raw numbers as 16-bit words and bits.

This is the PLC's own encoding, written apart from the controller's on purpose: one shared codec would hide a wrong word
order from every test. Byte orders name the bytes of a 32-bit value as they travel, most significant first: ABCD, CDAB,
BADC, DCBA; a 16-bit value is AB in the first two and BA in the others, and longer values follow the same rule. The
supervision block is plain 16 bit, whatever the order of the process values.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from controller.core import models
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


@dataclass(frozen=True, slots=True)
class _Output:
    row: int
    point: OutputPoint


class Registers:
    """The four tables of one PLC. A table reaches from 0 to the last address in use; gaps read 0 and keep nothing."""

    def __init__(self, simulator: Simulator, name: str, device: models.Device) -> None:
        """Lay out the tables of device ``name``."""
        self._simulator = simulator
        self._device = simulator.points.devices.index(name)
        self._order = device.byte_order
        self._supervision = device.supervision
        points = simulator.points
        self._inputs = [(row, p) for row, p in enumerate(points.inputs) if p.device == name]
        self._outputs = [_Output(row, p) for row, p in enumerate(points.outputs) if p.device == name]
        ends: dict[str, int] = dict.fromkeys(TABLES, 0)
        every: list[InputPoint | OutputPoint] = [p for _, p in self._inputs] + [o.point for o in self._outputs]
        for point in every:
            ends[point.table] = max(ends[point.table], point.address + width(point.form))
        s = device.supervision
        ends["holding"] = max(ends["holding"], s.heartbeat + 1, s.planned_stop + 1, s.watchdog_ms + 1)
        ends["input"] = max(ends["input"], s.plc_counter + 1)
        self._words = {table: [0] * end for table, end in ends.items()}
        self.refresh()

    @property
    def is_silent(self) -> bool:
        """Whether the PLC does not answer."""
        return bool(self._simulator.plcs.is_silent[self._device, 0])

    def refresh(self) -> None:
        """Take over what the simulator holds now: after each step and each write."""
        raw = self._simulator.instruments.raw
        for row, point in self._inputs:
            self._put(point, float(raw[row, 0]))
        plcs = self._simulator.plcs
        held = plcs.registers_held()
        for output in self._outputs:
            self._put(output.point, float(held[output.row, 0]))
        s = self._supervision
        holding = self._words["holding"]
        holding[s.heartbeat] = int(plcs.heartbeat[self._device, 0]) & WORD
        holding[s.planned_stop] = int(plcs.planned_stop[self._device, 0])
        holding[s.watchdog_ms] = round(float(plcs.watchdog_s[self._device, 0]) * 1000.0) & WORD
        self._words["input"][s.plc_counter] = int(plcs.cycles[self._device, 0]) & WORD

    def read(self, table: str, address: int, count: int) -> list[int] | None:
        """Return words or bits, None when the table does not reach that far."""
        words = self._words[table]
        return None if address + count > len(words) else words[address : address + count]

    def write(self, table: str, address: int, values: Sequence[int]) -> bool:
        """Write words or bits of a writable table; False (and no change) when the table does not reach that far."""
        words = self._words[table]
        end = address + len(values)
        if end > len(words):
            return False
        words[address:end] = values
        raw = np.full((len(self._simulator.points.outputs), 1), np.nan)
        for output in self._outputs:
            point = output.point
            if point.table == table and point.address < end and point.address + width(point.form) > address:
                raw[output.row] = self._get(point)
        self._simulator.plcs.write_outputs(raw)
        if table == "holding":
            self._supervise(address, end)
        self.refresh()
        return True

    def _supervise(self, address: int, end: int) -> None:
        plcs, s, holding = self._simulator.plcs, self._supervision, self._words["holding"]
        if address <= s.planned_stop < end:
            plcs.planned_stop[self._device] = holding[s.planned_stop] != 0
        if address <= s.watchdog_ms < end:
            plcs.watchdog_s[self._device] = holding[s.watchdog_ms] / 1000.0
        if address <= s.heartbeat < end:
            plcs.beat_one(self._device, holding[s.heartbeat])

    def _put(self, point: InputPoint | OutputPoint, value: float) -> None:
        words = self._words[point.table]
        if point.form == "bool":
            words[point.address] = int(value)
        else:
            words[point.address : point.address + width(point.form)] = to_words(value, point.form, self._order)

    def _get(self, point: OutputPoint) -> float:
        words = self._words[point.table][point.address : point.address + width(point.form)]
        return float(words[0]) if point.form == "bool" else from_words(words, point.form, self._order)
