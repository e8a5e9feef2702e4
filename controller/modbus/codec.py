"""Bytes of the field to engineering values with quality, and back. Pure: live and lockstep judge with the same code.

    buffer --decode--> raw (n,)      raw (n, batch) --qualify--> value, quality (n, batch)
    value (n, batch) --to_raw--> raw (n, batch)      raw (n,) --encode--> buffer

``raw`` is the number as the device means it: counts 0..27648 over the range for form ``raw``, 0 or 1 for ``bool``,
and the engineering value itself for the other forms. A buffer is bytes: two a register as they came over the wire, one
a bit (0 or 1). Every byte and word order is a choice of byte positions, made once, in ``layout``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from controller.core import quality as q
from controller.core.plan import Bools, DevicePlan, Ints, PointPlan
from controller.core.tags import Floats

Bytes = npt.NDArray[np.uint8]

FULL_SCALE: Final = 27648.0  # counts at 20 mA; 0 is 4 mA, so 1 mA is 1728 counts
# NAMUR NE 43 on counts: 3.8 to 20.5 mA is a measurement; a current at or beyond 3.6 or 21 mA says "I failed".
GOOD_LO: Final = -346.0  # 3.8 mA
GOOD_HI: Final = 28512.0  # 20.5 mA
FAILED_LO: Final = -691.0  # 3.6 mA
FAILED_HI: Final = 29376.0  # 21.0 mA

WORDS: Final = {"raw": 1, "int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2, "float64": 4, "bool": 1}
_DTYPE: Final = {
    "raw": ">i2",
    "int16": ">i2",
    "uint16": ">u2",
    "int32": ">i4",
    "uint32": ">u4",
    "float32": ">f4",
    "float64": ">f8",
    "bool": ">u2",  # a bool in a register; in a bit table it is one byte
}
_IS_FLOAT: Final = {"float32", "float64"}
BIT_TABLES: Final = frozenset({"discrete", "coil"})


# --- engineering values ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scaling:
    """What relates raw numbers and engineering values; arrays (n, 1) in the order of the points.

    ``value = raw * gain + offset``. A raw number inside ``good_lo..good_hi`` is Good, one outside the open interval
    ``failed_lo..failed_hi`` is a failed sensor.
    """

    gain: Floats
    offset: Floats
    lo: Floats  # range in the tag's unit
    hi: Floats
    good_lo: Floats  # the others in raw
    good_hi: Floats
    failed_lo: Floats
    failed_hi: Floats
    write_lo: Floats  # what a register of this form and range may be given
    write_hi: Floats
    is_counts: Bools
    is_whole: Bools  # no fractions in the register
    is_float32: Bools | None  # None: no point is one
    stale_s: Floats


def scaling(points: Sequence[PointPlan], devices: Sequence[DevicePlan]) -> Scaling:
    """Compile the ranges, forms and stale times of ``points`` (inputs or outputs of a plan)."""

    def column(values: Sequence[float]) -> Floats:
        return np.array(values, dtype=np.float64).reshape(-1, 1)

    lo, hi = column([p.lo for p in points]), column([p.hi for p in points])
    is_counts = np.array([p.form == "raw" for p in points], dtype=np.bool_).reshape(-1, 1)
    is_bool = np.array([p.form == "bool" for p in points], dtype=np.bool_).reshape(-1, 1)
    is_float32 = np.array([p.form == "float32" for p in points], dtype=np.bool_).reshape(-1, 1)
    limits = [_limits(p) for p in points]
    # A bool has two values, whatever its range says.
    range_lo, range_hi = np.where(is_bool, 0.0, lo), np.where(is_bool, 1.0, hi)
    return Scaling(
        gain=np.where(is_counts, (hi - lo) / FULL_SCALE, 1.0),
        offset=np.where(is_counts, lo, 0.0),
        lo=lo,
        hi=hi,
        good_lo=np.where(is_counts, GOOD_LO, range_lo),
        good_hi=np.where(is_counts, GOOD_HI, range_hi),
        failed_lo=np.where(is_counts, FAILED_LO, -np.inf),
        failed_hi=np.where(is_counts, FAILED_HI, np.inf),
        write_lo=np.maximum(column([low for low, _ in limits]), np.where(is_counts, 0.0, range_lo)),
        write_hi=np.minimum(column([high for _, high in limits]), np.where(is_counts, FULL_SCALE, range_hi)),
        is_counts=is_counts,
        is_whole=np.array([p.form not in _IS_FLOAT for p in points], dtype=np.bool_).reshape(-1, 1),
        is_float32=is_float32 if is_float32.any() else None,
        stale_s=column([devices[p.device].stale_s for p in points]),
    )


def _limits(point: PointPlan) -> tuple[float, float]:
    """Return the smallest and the largest number the point's form can carry."""
    dtype = np.dtype(_DTYPE[point.form])
    info = np.finfo(dtype) if point.form in _IS_FLOAT else np.iinfo(dtype)
    return float(info.min), float(info.max)


def qualify(
    scale: Scaling,
    raw: Floats,
    is_answered: Bools,
    age_s: Floats,
    lost: q.Codes | None = None,
) -> tuple[Floats, q.Codes]:
    """Return value (n, batch) and quality (n, batch) of the raw numbers (n, batch) of the last answers.

    ``is_answered`` says whether the last poll brought the number, ``age_s`` how old it is (inf: never answered); both
    broadcast against ``raw``. ``lost`` is the code of a number older than its stale time; without a better reason that
    is BAD_NO_COMMUNICATION, and BAD_WAITING_FOR_INITIAL_DATA for one that never came.

    The rules for counts are those of NE 43: a little beyond the range is Uncertain and clamped at the range's end, far
    beyond is a failed sensor. Other forms keep a number outside their range, as Uncertain.
    """
    value = raw * scale.gain
    value += scale.offset
    quality = np.zeros(value.shape, dtype=np.uint32)
    is_good = (raw >= scale.good_lo) & (raw <= scale.good_hi)
    if not is_good.all():
        _judge_range(scale, raw, is_good, value, quality)
    judge_age(scale, is_answered, age_s, value, quality, lost)
    return value, quality


def _judge_range(scale: Scaling, raw: Floats, is_good: Bools, value: Floats, quality: q.Codes) -> None:
    """Mark what is outside its range; NaN compares false everywhere, so it is neither good nor alive."""
    is_failed = ~((raw > scale.failed_lo) & (raw < scale.failed_hi))
    is_low = scale.is_counts & (raw < scale.good_lo)
    is_high = scale.is_counts & (raw > scale.good_hi)
    np.copyto(quality, np.uint32(q.UNCERTAIN_EU_EXCEEDED), where=~is_good)
    np.copyto(quality, np.uint32(q.UNCERTAIN_EU_EXCEEDED | q.LIMIT_LOW), where=is_low)
    np.copyto(quality, np.uint32(q.UNCERTAIN_EU_EXCEEDED | q.LIMIT_HIGH), where=is_high)
    np.copyto(quality, np.uint32(q.BAD_SENSOR_FAILURE), where=is_failed)
    np.copyto(value, scale.lo, where=is_low)
    np.copyto(value, scale.hi, where=is_high)


def judge_age(
    scale: Scaling, is_answered: Bools, age_s: Floats, value: Floats, quality: q.Codes, lost: q.Codes | None = None
) -> None:
    """Mark what the last poll did not bring, in place; value and quality are those of the last one that did.

    A failed sensor stays one while its last number is usable. What is BAD has no value.
    """
    if not is_answered.all():
        _mark_missing(scale, is_answered, age_s, quality, lost)
    np.copyto(value, np.nan, where=quality >= q.BAD)


def _mark_missing(scale: Scaling, is_answered: Bools, age_s: Floats, quality: q.Codes, lost: q.Codes | None) -> None:
    is_missing = ~is_answered
    np.copyto(quality, np.uint32(q.UNCERTAIN_LAST_USABLE), where=is_missing & (quality < q.BAD))
    is_stale = is_missing & (age_s > scale.stale_s)
    np.copyto(quality, np.uint32(q.BAD_NO_COMMUNICATION) if lost is None else lost, where=is_stale)
    is_first = np.isinf(age_s) & (quality == q.BAD_NO_COMMUNICATION)
    np.copyto(quality, np.uint32(q.BAD_WAITING_FOR_INITIAL_DATA), where=is_missing & is_first)


def to_raw(scale: Scaling, value: Floats) -> Floats:
    """Return the raw numbers (n, batch) a device is given for ``value``: in range, rounded as its register rounds.

    NaN stays NaN and means: leave the device's value alone.
    """
    raw = (value - scale.offset) / scale.gain
    np.rint(raw, out=raw, where=scale.is_whole)
    np.clip(raw, scale.write_lo, scale.write_hi, out=raw)
    if scale.is_float32 is not None:
        np.copyto(raw, raw.astype(np.float32), where=scale.is_float32)
    return raw


def from_raw(scale: Scaling, raw: Floats) -> Floats:
    """Return the engineering values of raw numbers as they are: what a device says its output registers hold."""
    return raw * scale.gain + scale.offset


# --- bytes -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Group:
    """The points of one number format: ``index`` (k, bytes) says where each byte lies, the most significant first."""

    dtype: np.dtype[np.generic]
    rows: Ints
    index: Ints
    is_bool: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the bytes of ``count`` points lie in a buffer."""

    count: int
    groups: tuple[_Group, ...]


def size_of(point: PointPlan) -> int:
    """Return how many registers or bits of its table a point takes."""
    return 1 if point.table in BIT_TABLES else WORDS[point.form]


def layout(points: Sequence[PointPlan], position: Sequence[int]) -> Layout:
    """Compile where the bytes of each point lie; ``position`` (n,) is its first byte in the buffer."""
    members: dict[tuple[str, bool], list[int]] = {}
    for row, point in enumerate(points):
        dtype = "u1" if point.table in BIT_TABLES else _DTYPE[point.form]
        members.setdefault((dtype, point.form == "bool"), []).append(row)
    return Layout(
        len(points),
        tuple(
            _Group(
                np.dtype(dtype),
                np.array(rows, dtype=np.intp),
                np.array([position[row] + _significance(points[row]) for row in rows], dtype=np.intp),
                is_bool,
            )
            for (dtype, is_bool), rows in members.items()
        ),
    )


def _significance(point: PointPlan) -> Ints:
    """Return the byte positions of one value, the most significant first.

    ``ABCD`` is big-endian, the standard's order; ``CDAB`` has the words turned round, ``BADC`` the bytes in each word,
    ``DCBA`` both. A 64-bit value turns its four words round as a whole; one word has no word order.
    """
    if point.table in BIT_TABLES:
        return np.zeros(1, dtype=np.intp)
    order = np.arange(2 * WORDS[point.form], dtype=np.intp).reshape(-1, 2)
    if point.byte_order in {"CDAB", "DCBA"}:
        order = order[::-1]
    if point.byte_order in {"BADC", "DCBA"}:
        order = order[:, ::-1]
    return order.reshape(-1)


def decode(where: Layout, buffer: Bytes) -> Floats:
    """Return the raw numbers (n,) in ``buffer``."""
    raw = np.empty(where.count, dtype=np.float64)
    with np.errstate(invalid="ignore"):  # a signalling NaN of a device becomes a quiet one, without a warning
        for group in where.groups:
            numbers = buffer[group.index].view(group.dtype)[:, 0]
            raw[group.rows] = numbers != 0 if group.is_bool else numbers
    return raw


def encode(where: Layout, raw: Floats, buffer: Bytes) -> None:
    """Put the raw numbers (n,), as ``to_raw`` made them, into ``buffer``; the bytes of a NaN stay as they are."""
    is_known = ~np.isnan(raw)
    is_whole = bool(is_known.all())
    for group in where.groups:
        which = slice(None) if is_whole else is_known[group.rows]
        numbers = raw[group.rows[which]].astype(group.dtype)
        buffer[group.index[which]] = numbers.view(np.uint8).reshape(-1, group.dtype.itemsize)
