"""Which registers go into which request."""

from typing import Literal

from controller.core.plan import DevicePlan, PointPlan
from controller.modbus.poll import Block, plan_reads, plan_writes, supervision_points, writable

Table = Literal["input", "holding", "discrete", "coil"]


def points(table: Table, *addresses: int, device: int = 0, form: Literal["raw", "float64"] = "raw") -> list[PointPlan]:
    return [PointPlan(f"L1-XX-{a}", 0, device, table, a, form, "ABCD", 0.0, 1.0) for a in addresses]


def cut(blocks: tuple[Block, ...]) -> list[tuple[int, str, int, int]]:
    return [(b.device, b.table, b.address, b.count) for b in blocks]


def test_neighbours_are_read_together_whatever_order_they_are_listed_in() -> None:
    plan = plan_reads(points("input", 102, 100, 101), max_gap=[0] * 4)
    assert cut(plan.blocks) == [(0, "input", 100, 3)]
    assert plan.position == (4, 0, 2)


def test_a_small_gap_is_read_over_and_a_large_one_is_not() -> None:
    assert cut(plan_reads(points("input", 100, 109), max_gap=[8] * 4).blocks) == [(0, "input", 100, 10)]
    assert cut(plan_reads(points("input", 100, 110), max_gap=[8] * 4).blocks) == [
        (0, "input", 100, 1),
        (0, "input", 110, 1),
    ]


def test_a_gap_of_bits_is_worth_sixteen_times_as_many() -> None:
    assert cut(plan_reads(points("discrete", 0, 129), max_gap=[8] * 4).blocks) == [(0, "discrete", 0, 130)]
    assert len(plan_reads(points("discrete", 0, 130), max_gap=[8] * 4).blocks) == 2


def test_a_value_is_never_torn_between_two_requests() -> None:
    plan = plan_reads(points("input", *range(0, 128, 4), form="float64"), max_gap=[0] * 4)
    assert cut(plan.blocks) == [(0, "input", 0, 124), (0, "input", 124, 4)]


def test_devices_and_tables_never_share_a_request() -> None:
    mixed = [*points("input", 0), *points("holding", 1), *points("input", 1, device=1), *points("coil", 2)]
    plan = plan_reads(mixed, max_gap=[100] * 4)
    assert sorted(cut(plan.blocks)) == [(0, "coil", 2, 1), (0, "holding", 1, 1), (0, "input", 0, 1), (1, "input", 1, 1)]
    assert [plan.blocks[n].device for n in plan.of(1)] == [1]


def test_an_input_and_an_output_in_one_register_are_read_once() -> None:
    plan = plan_reads(points("holding", 100, 100), max_gap=[0] * 4)
    assert cut(plan.blocks) == [(0, "holding", 100, 1)]
    assert plan.position == (0, 0)


def test_a_write_never_touches_a_register_that_is_not_ours() -> None:
    assert cut(plan_writes(points("holding", 100, 101, 103)).blocks) == [(0, "holding", 100, 2), (0, "holding", 103, 1)]


def test_an_output_left_alone_splits_the_block_around_it() -> None:
    outputs = points("holding", 100, 101, 102, 103)
    plan = plan_writes(outputs)
    blocks = writable(outputs, plan, [0, 2, 3])
    assert cut(blocks) == [(0, "holding", 100, 1), (0, "holding", 102, 2)]
    assert [b.start for b in blocks] == [0, 4]


def test_a_part_of_two_full_writes_still_points_at_its_own_bytes() -> None:
    outputs = points("holding", *range(100, 300))
    plan = plan_writes(outputs)
    assert [b.count for b in plan.blocks] == [123, 77]
    blocks = writable(outputs, plan, range(100, 150))
    assert [(b.address, b.count, b.start) for b in blocks] == [(200, 50, 200)]


def test_the_supervision_block_is_made_of_points_like_any_other() -> None:
    own = supervision_points(2, DevicePlan("C0", "127.0.0.1", 5022, 1, 60, 0.5, 10, 11, 12, 7))
    assert [(p.table, p.address, p.device) for p in own.values()] == [
        ("holding", 10, 2),
        ("holding", 11, 2),
        ("holding", 12, 2),
        ("input", 7, 2),
    ]
