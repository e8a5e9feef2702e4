"""A rig that knows the maintenance block by the names of its values, without a network."""

import math
import struct
from collections.abc import Sequence
from pathlib import Path

from controller.core.config import Config
from plc_sim.maintenance import Maintenance
from plc_sim.modbus_tcp import Refusal
from plc_sim.pace import Pace
from plc_sim.simulator import Simulator

HOLDING = {"command": 0, "fault": 1, "target": 2, "arguments": 3, "slot": 12, "initial": 13}
INPUT = {"result": 1, "last error": 2, "answered": 3, "condition": 4, "period": 5, "milliseconds": 6, "standing": 7}
SET_FAULT, CLEAR_FAULT, CLEAR_ALL, FREEZE, RUN, STEP, SET_SPEED, SAVE, RESTORE = 1, 2, 3, 10, 11, 12, 13, 20, 21
INITIAL, NAME_FAULT, NAME_TARGET = 22, 30, 31


class MaintenanceRig:
    """A simulator and its maintenance device; its time passes in ``make_steps`` only."""

    def __init__(self, config: Config, folder: Path | None = None, simulator: Simulator | None = None) -> None:
        """``simulator`` is one of ``config`` that stands already."""
        self.simulator = simulator or Simulator(config)
        self.pace = Pace(self.simulator.period_s)
        self.changes = 0
        self.block = Maintenance(config, self.simulator, self.pace, folder, self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def write(self, **values: int) -> None:
        for name, value in values.items():
            assert self.block.write("holding", HOLDING[name], [value]) is None

    def floats(self, address: int, *values: float) -> Refusal | None:
        words = [word for value in values for word in struct.unpack(">HH", struct.pack(">f", value))]
        return self.block.write("holding", address, words)

    def long(self, address: int, value: int) -> None:
        assert self.block.write("holding", address, [value >> 16, value & 0xFFFF]) is None

    def ask(self, number: int) -> Refusal | None:
        return self.block.write("holding", 0, [number])

    def command(self, number: int) -> tuple[int, str]:
        """Give a command that is answered at once; return result and text."""
        assert self.ask(number) is None
        assert not self.is_busy
        return self.result, self.text

    def set_fault(self, fault: int, target: int, *args: float) -> tuple[int, str]:
        self.write(fault=fault, target=target, arguments=len(args))
        if args:
            assert self.floats(4, *args) is None
        return self.command(SET_FAULT)

    def inputs(self, address: int, count: int = 1) -> list[int]:
        words = self.block.read("input", address, count)
        assert words is not None
        return words

    def status(self, name: str) -> int:
        return self.inputs(INPUT[name])[0]

    @property
    def is_busy(self) -> bool:
        return self.block.read("holding", 0, 1) != [0]

    @property
    def result(self) -> int:
        return self.status("result")

    @property
    def text(self) -> str:
        return struct.pack(">60H", *self.inputs(20, 60)).rstrip(b"\0").decode()

    def standing(self) -> list[tuple[int, int, list[float]]]:
        """Return fault, target and the arguments that were given."""
        rows = [self.inputs(100 + 10 * n, 10) for n in range(self.status("standing"))]
        return [(row[0], row[1], [x for x in _floats(row[2:]) if not math.isnan(x)]) for row in rows]

    def make_steps(self) -> int:
        """Make the steps that are due while the plant is frozen; return how many."""
        made = 0
        while self.pace.is_frozen and self.pace.take(0.0):
            self.simulator.step()
            made += 1
        return made


def _floats(words: Sequence[int]) -> list[float]:
    data = struct.pack(f">{len(words)}H", *words)
    return list(struct.unpack(f">{len(words) // 2}f", data))
