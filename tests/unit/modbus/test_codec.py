"""Golden bytes that other people produced, and the rules by which a number gets its quality."""

from typing import Literal

import numpy as np
import pytest

from controller.core import quality as q
from controller.core.plan import DevicePlan, PointPlan
from controller.modbus import codec

Form = Literal["raw", "bool", "int16", "uint16", "int32", "uint32", "float32", "float64"]
Order = Literal["ABCD", "CDAB", "BADC", "DCBA"]
ORDERS: tuple[Order, ...] = ("ABCD", "CDAB", "BADC", "DCBA")

DEVICE = DevicePlan("L1", "127.0.0.1", 5020, 1, 60, 0.5, 0, 1, 2, 0)


def point(form: Form = "raw", order: Order = "ABCD", lo: float = 0.0, hi: float = 100.0) -> PointPlan:
    table = "discrete" if form == "bool" else "input"
    return PointPlan("L1-XX-1", 0, 0, table, 100, form, order, lo, hi)


# Where each line comes from:
# - 123456.0 in four orders: tests/unit-test.h of libmodbus (UT_IREAL_*), "A is the most significant byte".
# - pi, 1.0, -2.0, infinity: IEEE 754 encodings as printed in the standard's tables and in Wikipedia's examples.
# - 555 and 100: Modbus Application Protocol V1.1b3, section 6.3, the worked example (02 2B, 00 64).
# - the rest: two's complement, written out by hand.
GOLDEN: list[tuple[Form, Order, str, float]] = [
    ("float32", "ABCD", "47 F1 20 00", 123456.0),
    ("float32", "DCBA", "00 20 F1 47", 123456.0),
    ("float32", "BADC", "F1 47 00 20", 123456.0),
    ("float32", "CDAB", "20 00 47 F1", 123456.0),
    ("float32", "ABCD", "3F 80 00 00", 1.0),
    ("float32", "ABCD", "C0 00 00 00", -2.0),
    ("float32", "ABCD", "7F 80 00 00", np.inf),
    ("float32", "ABCD", "40 49 0F DB", 3.1415927410125732),
    ("float64", "ABCD", "40 09 21 FB 54 44 2D 18", np.pi),
    ("float64", "CDAB", "2D 18 54 44 21 FB 40 09", np.pi),
    ("float64", "BADC", "09 40 FB 21 44 54 18 2D", np.pi),
    ("float64", "DCBA", "18 2D 44 54 FB 21 09 40", np.pi),
    ("uint16", "ABCD", "02 2B", 555.0),
    ("uint16", "CDAB", "00 64", 100.0),
    ("uint16", "BADC", "2B 02", 555.0),
    ("uint16", "DCBA", "64 00", 100.0),
    ("uint16", "ABCD", "FF FF", 65535.0),
    ("int16", "ABCD", "FF FF", -1.0),
    ("int16", "ABCD", "80 00", -32768.0),
    ("int16", "BADC", "00 80", -32768.0),
    ("raw", "ABCD", "6C 00", 27648.0),
    ("raw", "ABCD", "FE A6", -346.0),
    ("int32", "ABCD", "FF FF FF FE", -2.0),
    ("int32", "CDAB", "FF FE FF FF", -2.0),
    ("int32", "ABCD", "12 34 56 78", 305419896.0),
    ("int32", "BADC", "34 12 78 56", 305419896.0),
    ("int32", "DCBA", "78 56 34 12", 305419896.0),
    ("uint32", "ABCD", "DE AD BE EF", 3735928559.0),
    ("uint32", "CDAB", "BE EF DE AD", 3735928559.0),
    ("uint32", "BADC", "AD DE EF BE", 3735928559.0),
    ("uint32", "DCBA", "EF BE AD DE", 3735928559.0),
]


@pytest.mark.parametrize(("form", "order", "octets", "number"), GOLDEN)
def test_registers_of_other_makers_are_understood(form: Form, order: Order, octets: str, number: float) -> None:
    buffer = np.frombuffer(bytes.fromhex(octets), dtype=np.uint8)
    assert codec.decode(codec.layout([point(form, order)], [0]), buffer).tolist() == [number]


@pytest.mark.parametrize(("form", "order", "octets", "number"), GOLDEN)
def test_registers_for_other_makers_are_written_byte_by_byte(
    form: Form, order: Order, octets: str, number: float
) -> None:
    buffer = np.zeros(len(bytes.fromhex(octets)), dtype=np.uint8)
    codec.encode(codec.layout([point(form, order)], [0]), np.array([number]), buffer)
    assert buffer.tobytes() == bytes.fromhex(octets)


def test_points_of_all_forms_share_one_buffer() -> None:
    points = [point("float32"), point("bool"), point("raw"), point("bool"), point("uint32", "CDAB")]
    buffer = np.frombuffer(bytes.fromhex("3F800000 01 00 6C00 BEEFDEAD".replace(" ", "")), dtype=np.uint8)
    raw = codec.decode(codec.layout(points, [0, 4, 6, 5, 8]), buffer)
    assert raw.tolist() == [1.0, 1.0, 27648.0, 0.0, 3735928559.0]


def test_a_bool_kept_in_a_register_is_true_for_any_bit() -> None:
    packed = PointPlan("L1-XX-1", 0, 0, "input", 0, "bool", "ABCD", 0.0, 1.0)
    buffer = np.frombuffer(bytes.fromhex("0000 0001 0100".replace(" ", "")), dtype=np.uint8)
    assert codec.decode(codec.layout([packed] * 3, [0, 2, 4]), buffer).tolist() == [0.0, 1.0, 1.0]


def test_encoding_leaves_the_bytes_of_unknown_values_alone() -> None:
    buffer = np.full(4, 0xAA, dtype=np.uint8)
    codec.encode(codec.layout([point("raw"), point("uint16")], [0, 2]), np.array([np.nan, 258.0]), buffer)
    assert buffer.tobytes() == bytes.fromhex("AAAA0102")


# --- quality ---------------------------------------------------------------------------------------------------------

YES, NO = np.ones((1, 1), dtype=np.bool_), np.zeros((1, 1), dtype=np.bool_)
LOW = q.UNCERTAIN_EU_EXCEEDED | q.LIMIT_LOW
HIGH = q.UNCERTAIN_EU_EXCEEDED | q.LIMIT_HIGH
LEVEL = point("raw", lo=-500.0, hi=500.0)


def judge(
    what: PointPlan, raw: float, *, is_answered: bool = True, age_s: float = 0.0, lost: int | None = None
) -> tuple[float, int]:
    value, quality = codec.qualify(
        codec.scaling([what], [DEVICE]),
        np.array([[raw]]),
        YES if is_answered else NO,
        np.array([[age_s]]),
        None if lost is None else np.array([[lost]], dtype=np.uint32),
    )
    return float(value[0, 0]), int(quality[0, 0])


# 1 mA is 1728 counts from 4 mA on; the limits are NE 43's.
@pytest.mark.parametrize(
    ("counts", "value", "quality"),
    [
        (0, -500.0, q.GOOD),  # 4 mA
        (13824, 0.0, q.GOOD),  # 12 mA
        (27648, 500.0, q.GOOD),  # 20 mA
        (-346, -500.0 - 1000 * 346 / 27648, q.GOOD),  # 3.8 mA: a little below the range is still a measurement
        (28512, 531.25, q.GOOD),  # 20.5 mA
        (-347, -500.0, LOW),
        (-690, -500.0, LOW),
        (28513, 500.0, HIGH),
        (29375, 500.0, HIGH),
        (-691, None, q.BAD_SENSOR_FAILURE),  # 3.6 mA
        (-6912, None, q.BAD_SENSOR_FAILURE),  # 0 mA: a broken wire
        (29376, None, q.BAD_SENSOR_FAILURE),  # 21 mA
        (32767, None, q.BAD_SENSOR_FAILURE),
    ],
)
def test_a_current_beyond_its_range_is_judged_after_ne43(counts: int, value: float | None, quality: int) -> None:
    found, code = judge(LEVEL, counts)
    assert code == quality
    assert np.isnan(found) if value is None else found == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("raw", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("form", ["float32", "float64"])
def test_a_float_that_is_no_number_is_a_failed_sensor(form: Form, raw: float) -> None:
    value, code = judge(point(form), raw)
    assert code == q.BAD_SENSOR_FAILURE
    assert np.isnan(value)


@pytest.mark.parametrize("octets", ["7F A0 00 00", "FF C0 00 00", "7F FF FF FF"])
def test_every_nan_of_a_device_is_decoded_without_a_warning(octets: str) -> None:
    raw = codec.decode(codec.layout([point("float32")], [0]), np.frombuffer(bytes.fromhex(octets), dtype=np.uint8))
    assert judge(point("float32"), float(raw[0]))[1] == q.BAD_SENSOR_FAILURE


@pytest.mark.parametrize("form", ["float32", "float64", "int16", "uint32"])
def test_a_number_outside_its_range_is_kept_and_uncertain(form: Form) -> None:
    assert judge(point(form), 100.0) == (100.0, q.GOOD)
    assert judge(point(form), 117.0) == (117.0, q.UNCERTAIN_EU_EXCEEDED)


def test_a_bool_is_good_whatever_its_range_says() -> None:
    assert judge(point("bool", lo=0.0, hi=0.0), 1.0) == (1.0, q.GOOD)


def test_a_missing_answer_keeps_the_last_value_until_it_is_stale() -> None:
    assert judge(LEVEL, 13824, is_answered=False, age_s=0.5) == (0.0, q.UNCERTAIN_LAST_USABLE)
    value, code = judge(LEVEL, 13824, is_answered=False, age_s=0.501)
    assert code == q.BAD_NO_COMMUNICATION
    assert np.isnan(value)


def test_a_clamped_value_that_is_not_renewed_is_a_last_usable_one() -> None:
    assert judge(LEVEL, 29000, is_answered=False, age_s=0.2) == (500.0, q.UNCERTAIN_LAST_USABLE)


def test_a_failed_sensor_does_not_become_usable_by_a_missing_answer() -> None:
    assert judge(LEVEL, -700, is_answered=False, age_s=0.2)[1] == q.BAD_SENSOR_FAILURE


def test_what_never_came_waits_for_its_first_value() -> None:
    assert judge(LEVEL, 0.0, is_answered=False, age_s=np.inf)[1] == q.BAD_WAITING_FOR_INITIAL_DATA


def test_a_better_reason_for_the_loss_is_told() -> None:
    assert judge(LEVEL, 0.0, is_answered=False, age_s=0.1, lost=q.BAD_DEVICE_FAILURE)[1] == q.UNCERTAIN_LAST_USABLE
    for age_s in (1.0, np.inf):
        code = judge(LEVEL, 0.0, is_answered=False, age_s=age_s, lost=q.BAD_DEVICE_FAILURE)[1]
        assert code == q.BAD_DEVICE_FAILURE


def test_column_k_of_a_batch_is_judged_like_a_batch_of_one() -> None:
    points = [point(f, lo=-7.3, hi=91.7) for f in ("raw", "float32", "int16", "bool", "float64")] * 9
    scale = codec.scaling(points, [DEVICE])
    rng = np.random.default_rng(3)
    raw = rng.integers(-900, 30000, size=(len(points), 64)).astype(np.float64)
    raw[rng.random(raw.shape) < 0.1] = np.nan
    is_answered = rng.random(raw.shape) < 0.8
    age_s = rng.random(raw.shape)
    value, quality = codec.qualify(scale, raw, is_answered, age_s)
    for k in (0, 17, 63):
        one = slice(k, k + 1)
        v, c = codec.qualify(scale, raw[:, one], is_answered[:, one], age_s[:, one])
        assert v.tobytes() == np.ascontiguousarray(value[:, one]).tobytes()
        assert c.tobytes() == np.ascontiguousarray(quality[:, one]).tobytes()


# --- outputs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "value", "raw"),
    [
        (point("raw"), 62.0, 17142.0),  # 17141.76 counts
        (point("raw"), 100.0, 27648.0),
        (point("raw"), 104.0, 27648.0),  # never beyond the range
        (point("raw"), -3.0, 0.0),
        (point("int16", lo=-40000.0, hi=40000.0), 39999.0, 32767.0),  # never beyond the register
        (point("uint16", lo=-5.0, hi=10.0), -1.0, 0.0),
        (point("uint16"), 41.6, 42.0),
        (point("bool"), 1.0, 1.0),
        (point("float32"), 0.1, 0.10000000149011612),
        (point("float64"), 0.1, 0.1),
        (point("float32"), np.inf, 100.0),
    ],
)
def test_an_output_is_rounded_as_its_register_rounds(what: PointPlan, value: float, raw: float) -> None:
    assert codec.to_raw(codec.scaling([what], [DEVICE]), np.array([[value]])).tolist() == [[raw]]


def test_an_unknown_output_stays_unknown() -> None:
    raw = codec.to_raw(codec.scaling([point("raw"), point("float32")], [DEVICE]), np.full((2, 3), np.nan))
    assert np.isnan(raw).all()


def test_a_read_back_is_the_value_without_any_judgement() -> None:
    scale = codec.scaling([point("raw"), point("bool")], [DEVICE])
    assert codec.from_raw(scale, np.array([[-691.0], [1.0]]))[:, 0] == pytest.approx([-100 * 691 / 27648, 1.0])
