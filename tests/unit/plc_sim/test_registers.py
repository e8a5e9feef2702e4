"""Register words of one PLC. The expected words are written by hand from IEEE 754 and two's complement."""

from collections.abc import Callable

import pytest

from controller.core.config import Config
from plc_sim.modbus_tcp import Refusal
from plc_sim.registers import Registers, from_words, to_words
from plc_sim.simulator import Simulator

WORDS = [
    # 123456.7890625 is 0x47F12065 in IEEE 754; bytes A B C D = 47 F1 20 65
    (123456.7890625, "float32", "ABCD", [0x47F1, 0x2065]),
    (123456.7890625, "float32", "CDAB", [0x2065, 0x47F1]),
    (123456.7890625, "float32", "BADC", [0xF147, 0x6520]),
    (123456.7890625, "float32", "DCBA", [0x6520, 0xF147]),
    (305419896, "uint32", "ABCD", [0x1234, 0x5678]),
    (305419896, "uint32", "CDAB", [0x5678, 0x1234]),
    (-2, "int32", "ABCD", [0xFFFF, 0xFFFE]),
    (-346, "raw", "ABCD", [0xFEA6]),
    (27648, "raw", "CDAB", [0x6C00]),
    (27648, "raw", "DCBA", [0x006C]),
    (-1, "int16", "ABCD", [0xFFFF]),
    (65535, "uint16", "ABCD", [0xFFFF]),
    (1.0, "float64", "ABCD", [0x3FF0, 0, 0, 0]),
    (1.0, "float64", "CDAB", [0, 0, 0, 0x3FF0]),
    (1.0, "float64", "DCBA", [0, 0, 0, 0xF03F]),
]


@pytest.mark.parametrize(("value", "form", "order", "words"), WORDS)
def test_words_are_those_of_the_standards(value: float, form: str, order: str, words: list[int]) -> None:
    assert to_words(value, form, order) == words
    assert from_words(words, form, order) == value


def registers(config: Config, name: str) -> tuple[Simulator, Registers]:
    sim = Simulator(config)
    return sim, Registers(sim, name, config.plant.devices[name])


def test_registers_show_what_the_lockstep_path_reads(make_config: Callable[..., Config]) -> None:
    for order in ("ABCD", "CDAB", "BADC", "DCBA"):
        sim, image = registers(make_config("L1", order=order), "L1")
        readings = sim.read_raw()
        for row, point in enumerate(sim.points.inputs):
            if point.device == "L1":
                count = {"float32": 2, "uint32": 2}.get(point.form, 1)
                words = image.read(point.table, point.address, count)
                assert words is not None
                value = float(words[0]) if point.form == "bool" else from_words(words, point.form, order)
                assert value == readings.raw[row, 0], point.key


def test_a_written_register_moves_the_output_and_reads_back(config: Config) -> None:
    sim, image = registers(config, "L1")
    assert image.write("holding", 100, [12_345, 678]) is None
    assert image.read("holding", 100, 2) == [12_345, 678]
    keys = [p.key for p in sim.points.outputs]
    readback = sim.read_raw().readback[:, 0]
    assert readback[keys.index("L1-FV-1601.OP")] == 12_345
    assert readback[keys.index("L1-FV-1541.OP")] == 678
    assert image.write("coil", 0, [0]) is None
    assert sim.read_raw().readback[keys.index("L1-XC-1300"), 0] == 0.0


def test_an_output_register_holds_what_was_written_even_beyond_the_range(config: Config) -> None:
    sim, image = registers(config, "L1")
    assert image.write("holding", 100, [30_000, 0xFFFF]) is None
    assert image.read("holding", 100, 2) == [30_000, 0xFFFF]
    for _ in range(100):
        sim.step()
    assert sim.signal("L1/position.FV-1601.OP")[0] == 1.0
    assert sim.signal("L1/position.FV-1541.OP")[0] == 0.0


def test_the_tables_end_after_the_last_register_in_use(config: Config) -> None:
    _, image = registers(config, "L1")
    assert image.read("input", 0, 116) is not None
    assert image.read("input", 0, 117) is None
    assert image.write("holding", 102, [1]) is Refusal.ILLEGAL_ADDRESS
    assert image.read("discrete", 1, 2) is None


def test_the_supervision_block_is_plain_16_bit_in_every_byte_order(make_config: Callable[..., Config]) -> None:
    sim, image = registers(make_config("L1", order="DCBA"), "L1")
    assert image.read("holding", 0, 3) == [0, 0, 2000]
    assert image.write("holding", 0, [258, 0, 1500]) is None
    assert image.read("holding", 0, 3) == [258, 0, 1500]
    for _ in range(16):
        sim.step()
    image.refresh()
    assert sim.plcs.has_acted[0, 0]
    assert image.read("input", 0, 1) == [16 * 5]
