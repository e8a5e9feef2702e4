"""Whatever a Modbus master asks gets the answer of the specification, and a refused request changes nothing.

The whole register map is tried: PLCs in all byte orders and the maintenance device. What a request should get is worked
out here from the configuration and the page's numbers alone.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plc_sim.maintenance import Maintenance
from plc_sim.maintenance_map import Result
from plc_sim.modbus_tcp import Tables, answer
from plc_sim.pace import Pace
from plc_sim.registers import Registers
from plc_sim.simulator import Simulator
from tests.unit.plc_sim.conftest import PERCENT, small_config

WORDS = {"bool": 1, "raw": 1, "int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2, "float64": 4}
READS = {1: ("coil", 2000), 2: ("discrete", 2000), 3: ("holding", 125), 4: ("input", 125)}
COMMANDS = {0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 30, 31}
TABLES = ("coil", "discrete", "holding", "input")
SIM_HOLDING = (0, 1, 2, 3, 4, 6, 8, 10, 12, 13, 14, 16)
DEVICES = ("ABCD", "CDAB", "BADC", "DCBA", "SIM")
HARD = (0, 1, 2, 4, 5, 99, 0x7F7F, 0x7F80, 0x7FC0, 0x8000, 0x807F, 0xC07F, 0xFF80, 0xFFFF)
WORD = st.one_of(st.sampled_from(HARD), st.integers(0, 0xFFFF))


def output(form: str, address: int, drives: str) -> dict[str, Any]:
    place = {"device": "plc", "address": address, "form": form, "safe": "hold", "fail": {"position": 0.0}}
    return PERCENT | {"output": place, "actuator": {"drives": drives}}


@dataclass(frozen=True)
class Everything:
    """What must not change when a request is refused."""

    registers: dict[str, list[int]]
    pace: tuple[float, bool, int]
    state: bytes


class Device:
    """A device of a plant, and what its map should be."""

    def __init__(self, order: str) -> None:
        more = {"FV-1602.OP": output("float32", 110, "feedwater.startup_valve")} if order != "SIM" else {}
        config = small_config("L1", "L2", order="ABCD" if order == "SIM" else order, **more)
        self.order = order
        self.simulator = Simulator(config)
        self.pace = Pace(self.simulator.period_s)
        self.tables: Tables
        self.spans: dict[str, dict[int, int]] = {"coil": {}, "holding": {}}  # table -> first register -> how many
        if order == "SIM":
            self.tables = Maintenance(config, self.simulator, self.pace, None, lambda: None)
            self.ends = {"coil": 0, "discrete": 0, "holding": 18, "input": 740}
            self.spans["holding"] = {a: 2 if a in {4, 6, 8, 10, 14, 16} else 1 for a in SIM_HOLDING}
            return
        self.tables = Registers(self.simulator, "L1", config.plant.devices["L1"])
        self.ends = {"coil": 0, "discrete": 0, "holding": 3, "input": 1}
        self.spans["holding"] = {0: 1, 1: 1, 2: 1}
        for tag in config.tags.values():
            place, is_output = tag.spec.output or tag.spec.input, tag.spec.output is not None
            if place is None or place.device != "L1" or place.address is None:
                continue
            is_bool, count = place.form == "bool", WORDS[place.form]
            table = ("coil" if is_bool else "holding") if is_output else ("discrete" if is_bool else "input")
            self.ends[table] = max(self.ends[table], place.address + count)
            if is_output:
                self.spans[table][place.address] = count

    def everything(self) -> "Everything":
        """Return all that a master can see and all that decides the future."""
        seen = {table: self.tables.read(table, 0, self.ends[table]) or [] for table in TABLES}
        pace = self.pace
        return Everything(seen, (pace.speed, pace.is_frozen, pace.steps_left), self.simulator.snapshot())

    def settle(self) -> None:
        """Have the command answered that takes time: the next one shall not find the device busy."""
        self.pace.run()
        if isinstance(self.tables, Maintenance) and self.tables.wanted is not None:
            self.tables.finish(Result.OK)

    def is_whole(self, table: str, address: int, count: int) -> bool:
        """Return whether the registers are whole values that may be written, without a gap."""
        end = address + count
        while address < end and address in self.spans[table]:
            address += self.spans[table][address]
        return address == end

    def is_possible(self, address: int, values: Sequence[int]) -> bool:
        """Return whether the holding registers can hold the numbers."""
        at = dict(enumerate(values, start=address))
        if self.order == "SIM":
            floats = [(at[a] >> 7) & 0xFF for a in (4, 6, 8, 10, 16) if a in at]  # the exponent; 255: no number
            return at.get(0, 0) in COMMANDS and at.get(3, 0) <= 4 and 255 not in floats
        if 110 in at and 111 in at:
            high = at[111] if self.order in {"CDAB", "DCBA"} else at[110]
            high = (high & 0xFF) << 8 | high >> 8 if self.order in {"BADC", "DCBA"} else high
            if (high >> 7) & 0xFF == 255:
                return False
        return at.get(1, 0) <= 1


@cache
def device(order: str) -> Device:
    return Device(order)


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    device.cache_clear()


def expected(found: Device, function: int, address: int, values: Sequence[int]) -> int:
    """Return the exception code that a well-formed write should get, 0 for none."""
    table = "coil" if function in {5, 15} else "holding"
    if not found.is_whole(table, address, len(values)):
        return 2
    if table == "holding" and not found.is_possible(address, values):
        return 3
    return 0


def write_pdu(function: int, address: int, values: Sequence[int]) -> bytes:
    if function in {5, 6}:
        return struct.pack(">BHH", function, address, values[0] * 0xFF00 if function == 5 else values[0])
    if function == 16:
        return struct.pack(f">BHHB{len(values)}H", 16, address, len(values), 2 * len(values), *values)
    bits = sum(value << i for i, value in enumerate(values))
    size = (len(values) + 7) // 8
    return struct.pack(">BHHB", 15, address, len(values), size) + bits.to_bytes(size, "little")


def check_write(found: Device, function: int, address: int, values: Sequence[int]) -> None:
    before = found.everything()
    reply = answer(found.tables, pdu := write_pdu(function, address, values))
    code = expected(found, function, address, values)
    if code:
        assert reply == bytes((function | 0x80, code)), (found.order, function, address, values)
        assert found.everything() == before
    else:
        assert reply == pdu[:5], (found.order, function, address, values)
        is_command = found.order == "SIM" and address == 0 and values[0] != 0
        if not is_command:
            check_taken(found, before, "coil" if function in {5, 15} else "holding", address, values)
    found.settle()


def check_taken(found: Device, before: Everything, table: str, address: int, values: Sequence[int]) -> None:
    """Check that the registers hold what was written, and that nothing else has moved."""
    after = found.everything()
    words = before.registers[table].copy()
    words[address : address + len(values)] = values
    assert after.registers == {**before.registers, table: words}
    assert after.pace == before.pace
    if found.order == "SIM":
        assert after.state == before.state


@pytest.mark.parametrize("order", DEVICES)
def test_every_register_is_written_whole_or_refused_at_every_boundary(order: str) -> None:
    found = device(order)
    for address in range(found.ends["holding"] + 3):
        check_write(found, 6, address, [0])
        for count in (1, 2, 3, 4, 5, 12, 18, 19):
            check_write(found, 16, address, [0] * count)
    for address in range(found.ends["coil"] + 3):
        check_write(found, 5, address, [1])
        for count in (1, 2, 3, 9):
            check_write(found, 15, address, [1] * count)
    for address in (0x7FFF, 0xFFFE, 0xFFFF):
        for function in (5, 6, 15, 16):
            check_write(found, function, address, [1])


@pytest.mark.parametrize("order", DEVICES)
def test_every_register_takes_the_numbers_it_can_hold_and_no_others(order: str) -> None:
    found = device(order)
    for address, count in found.spans["holding"].items():
        for values in product(HARD, repeat=count):
            check_write(found, 16, address, values)


@pytest.mark.parametrize("order", DEVICES)
def test_every_table_is_read_up_to_its_end_and_not_beyond(order: str) -> None:
    found = device(order)
    before = found.everything()
    for function, (table, most) in READS.items():
        end = found.ends[table]
        for address in {0, 1, max(end - most, 0), max(end - 1, 0), end, end + 1, 0xFFFF}:
            for count in {0, 1, 2, end - address, end - address + 1, most, most + 1, 0xFFFF}:
                if not 0 <= count <= 0xFFFF:
                    continue
                reply = answer(found.tables, struct.pack(">BHH", function, address, count))
                if not 1 <= count <= most:
                    assert reply == bytes((function | 0x80, 3))
                elif address + count > end:
                    assert reply == bytes((function | 0x80, 2))
                else:
                    size = (count + 7) // 8 if most == 2000 else 2 * count
                    assert (reply[:2], len(reply)) == (bytes((function, size)), 2 + size)
    assert found.everything() == before


@pytest.mark.parametrize("order", DEVICES)
@settings(deadline=None)  # the first example builds the plant
@given(data=st.data())
def test_a_write_anywhere_of_anything_is_taken_or_refused_as_its_registers_say(order: str, data: st.DataObject) -> None:
    found = device(order)
    function = data.draw(st.sampled_from([5, 6, 15, 16]))
    address = data.draw(st.one_of(st.integers(0, 120), st.integers(0, 0xFFFF)))
    count = 1 if function in {5, 6} else data.draw(st.integers(1, 20))
    one = st.integers(0, 1) if function in {5, 15} else WORD
    values = data.draw(st.lists(one, min_size=count, max_size=count))
    check_write(found, function, address, values)


@pytest.mark.parametrize("order", DEVICES)
@settings(deadline=None)  # as above
@given(pdu=st.binary(min_size=1, max_size=253))
def test_rubbish_is_answered_by_an_exception_of_its_own_function_and_changes_nothing(order: str, pdu: bytes) -> None:
    found = device(order)
    before = found.everything()
    reply = answer(found.tables, pdu)
    if reply[0] != pdu[0] or pdu[0] >= 0x80:
        assert reply[0] == pdu[0] | 0x80
        assert len(reply) == 2
        assert reply[1] in {1, 2, 3}
        assert (reply[1] == 1) == (pdu[0] not in {1, 2, 3, 4, 5, 6, 15, 16})
        assert found.everything() == before
    found.settle()


@pytest.mark.parametrize("order", DEVICES)
def test_every_function_that_is_not_served_is_refused_as_such(order: str) -> None:
    found = device(order)
    before = found.everything()
    for function in set(range(1, 128)) - {1, 2, 3, 4, 5, 6, 15, 16}:
        assert answer(found.tables, struct.pack(">BHH", function, 0, 1)) == bytes((function | 0x80, 1))
    assert found.everything() == before
