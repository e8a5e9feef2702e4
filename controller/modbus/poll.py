"""Which requests a device gets: points coalesced into blocks, for reading and for writing. Pure.

A read block may run over registers nobody wants, up to ``max_gap`` of them in a row, because one longer answer is
cheaper than two requests. A written block never does: what we do not own we do not touch. No value is torn: all
registers of a point come in one answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from controller.core.plan import DevicePlan, PointPlan
from controller.modbus.codec import BIT_TABLES, size_of

Table = Literal["input", "holding", "discrete", "coil"]
Supervised = Literal["heartbeat", "planned_stop", "watchdog_ms", "plc_counter"]

# Modbus Application Protocol V1.1b3, sections 6.1-6.4, 6.11, 6.12: what fits one request.
READ_LIMIT: Final = {"input": 125, "holding": 125, "discrete": 2000, "coil": 2000}
WRITE_LIMIT: Final = {"holding": 123, "coil": 1968}
BITS_PER_REGISTER: Final = 16


@dataclass(frozen=True, slots=True)
class Block:
    """``count`` registers or bits of one table from ``address`` on: one request; ``start`` is its first buffer byte."""

    device: int
    table: Table
    address: int
    count: int
    start: int

    @property
    def size(self) -> int:
        """Bytes it takes in the buffer: two a register, one a bit."""
        return self.count if self.table in BIT_TABLES else 2 * self.count


@dataclass(frozen=True, slots=True)
class PollPlan:
    """All blocks of a set of points over one buffer of ``size`` bytes.

    ``position`` (points,) is the first byte of each point in the buffer, ``block_of`` (points,) the block it is in.
    """

    blocks: tuple[Block, ...]
    position: tuple[int, ...]
    block_of: tuple[int, ...]
    size: int

    def of(self, device: int) -> tuple[int, ...]:
        """Return the numbers of the blocks of one device, in the order they are asked for."""
        return tuple(number for number, block in enumerate(self.blocks) if block.device == device)


@dataclass(slots=True)
class _Span:
    """A block while it grows; ``stop`` is the address after its last register."""

    device: int
    table: Table
    start: int
    stop: int
    rows: list[int]


def plan_reads(points: Sequence[PointPlan], max_gap: Sequence[int]) -> PollPlan:
    """Coalesce ``points`` into read blocks; ``max_gap`` of each device in registers, for bits 16 times as many."""
    return _lay_out(points, _spans(points, range(len(points)), max_gap, READ_LIMIT))


def plan_writes(points: Sequence[PointPlan]) -> PollPlan:
    """Coalesce ``points`` (outputs) into blocks without gaps: the buffer that ``encode`` fills."""
    return _lay_out(points, _spans(points, range(len(points)), None, WRITE_LIMIT))


def writable(points: Sequence[PointPlan], plan: PollPlan, rows: Iterable[int]) -> tuple[Block, ...]:
    """Return blocks over ``plan``'s buffer that touch the points ``rows`` and no others."""
    spans = _spans(points, rows, None, WRITE_LIMIT)
    return tuple(
        Block(s.device, s.table, s.start, s.stop - s.start, min(plan.position[row] for row in s.rows)) for s in spans
    )


def _spans(
    points: Sequence[PointPlan], rows: Iterable[int], max_gap: Sequence[int] | None, limit: dict[str, int]
) -> list[_Span]:
    """Cut the points, sorted by place, wherever the gap (None: any) or the block would become too large."""

    def place(row: int) -> tuple[int, str, int]:
        return points[row].device, points[row].table, points[row].address

    spans: list[_Span] = []
    for (device, table), members in groupby(sorted(rows, key=place), key=lambda row: place(row)[:2]):
        gap = (max_gap[device] if max_gap else 0) * (BITS_PER_REGISTER if table in BIT_TABLES else 1)
        span: _Span | None = None
        for row in members:
            start, stop = points[row].address, points[row].address + size_of(points[row])
            if span is None or start > span.stop + gap or max(stop, span.stop) - span.start > limit[table]:
                span = _Span(device, points[row].table, start, stop, [])
                spans.append(span)
            span.stop = max(span.stop, stop)
            span.rows.append(row)
    return spans


def _lay_out(points: Sequence[PointPlan], spans: Sequence[_Span]) -> PollPlan:
    """Give each span its place in one buffer and each point its place in its span."""
    blocks: list[Block] = []
    position, block_of = [0] * len(points), [0] * len(points)
    size = 0
    for number, span in enumerate(spans):
        block = Block(span.device, span.table, span.start, span.stop - span.start, size)
        width = block.size // block.count
        for row in span.rows:
            position[row] = size + (points[row].address - span.start) * width
            block_of[row] = number
        blocks.append(block)
        size += block.size
    return PollPlan(tuple(blocks), tuple(position), tuple(block_of), size)


def supervision_points(device: int, plan: DevicePlan) -> dict[Supervised, PointPlan]:
    """Return the registers of mutual supervision as points: they are polled and written like any other."""
    places: dict[Supervised, tuple[Table, int]] = {
        "heartbeat": ("holding", plan.heartbeat),
        "planned_stop": ("holding", plan.planned_stop),
        "watchdog_ms": ("holding", plan.watchdog_ms),
        "plc_counter": ("input", plan.plc_counter),
    }
    return {
        name: PointPlan(f"{plan.name}.{name}", -1, device, table, address, "uint16", "ABCD", 0.0, 65535.0)
        for name, (table, address) in places.items()
    }
