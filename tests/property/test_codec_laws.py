"""Laws of the codec and of the poll plan."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from controller.core import quality as q
from controller.core.plan import DevicePlan, PointPlan
from controller.modbus import codec
from controller.modbus.poll import READ_LIMIT, WRITE_LIMIT, plan_reads, plan_writes, writable

DEVICE = DevicePlan("L1", "127.0.0.1", 5020, 1, 60, 0.5, 0, 1, 2, 0)
DEVICES = [DEVICE, DEVICE, DEVICE]
FORMS = ("raw", "int16", "uint16", "int32", "uint32", "float32", "float64")
ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
LIMITS = {
    "raw": (-32768, 32767),
    "int16": (-32768, 32767),
    "uint16": (0, 65535),
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
}


@st.composite
def registers(draw: st.DrawFn, tables: Sequence[str] = ("input", "holding")) -> PointPlan:
    form = draw(st.sampled_from(FORMS))
    return PointPlan(
        "L1-XX-1",
        0,
        draw(st.integers(0, 2)),
        draw(st.sampled_from(tables)),  # pyright: ignore[reportArgumentType]  the strategy knows only str
        draw(st.integers(0, 600)),
        form,
        draw(st.sampled_from(ORDERS)),
        0.0,
        100.0,
    )


@st.composite
def bits(draw: st.DrawFn, tables: Sequence[str] = ("discrete", "coil")) -> PointPlan:
    table = draw(st.sampled_from(tables))
    address = draw(st.integers(0, 5000))
    return PointPlan("L1-XX-2", 0, 0, table, address, "bool", "ABCD", 0.0, 1.0)  # pyright: ignore[reportArgumentType]  as above


def number(form: str) -> st.SearchStrategy[float]:
    if form in LIMITS:
        low, high = LIMITS[form]
        return st.integers(low, high).map(float)
    return st.floats(width=32 if form == "float32" else 64)


@given(st.lists(registers(), min_size=1, max_size=20), st.data())
def test_decoding_undoes_encoding(points: list[PointPlan], data: st.DataObject) -> None:
    raw = np.array([data.draw(number(p.form)) for p in points])
    sizes = [2 * codec.size_of(p) for p in points]
    where = codec.layout(points, np.cumsum([0, *sizes[:-1]]).tolist())
    buffer = np.zeros(sum(sizes), dtype=np.uint8)
    codec.encode(where, raw, buffer)
    again = codec.decode(where, buffer)
    is_known = ~np.isnan(raw)
    assert again[is_known].tolist() == raw[is_known].tolist()


@given(st.lists(st.one_of(registers(), bits()), max_size=60), st.integers(0, 64))
def test_every_point_is_read_whole_in_a_request_that_fits(points: list[PointPlan], max_gap: int) -> None:
    plan = plan_reads(points, [max_gap] * (1 + max((p.device for p in points), default=0)))
    for row, point in enumerate(points):
        block = plan.blocks[plan.block_of[row]]
        assert (block.device, block.table) == (point.device, point.table)
        assert block.address <= point.address
        assert point.address + codec.size_of(point) <= block.address + block.count
        width = block.size // block.count
        assert plan.position[row] == block.start + width * (point.address - block.address)
    assert all(1 <= block.count <= READ_LIMIT[block.table] for block in plan.blocks)
    assert plan.size == sum(block.size for block in plan.blocks)
    assert set(plan.block_of) == set(range(len(plan.blocks)))  # nothing is asked for that nobody wants


@given(st.lists(st.one_of(registers(["holding"]), bits(["coil"])), max_size=60), st.data())
def test_a_write_touches_the_wanted_registers_and_no_others(points: list[PointPlan], data: st.DataObject) -> None:
    points = _apart(points)
    plan = plan_writes(points)
    rows = [row for row in range(len(points)) if data.draw(st.booleans())]
    wanted = {
        (
            points[r].device,
            points[r].table,
            points[r].address + k,
            plan.position[r] + k * (2 if points[r].form != "bool" else 1),
        )
        for r in rows
        for k in range(codec.size_of(points[r]))
    }
    touched = [
        (b.device, b.table, b.address + k, b.start + k * (b.size // b.count))
        for b in writable(points, plan, rows)
        for k in range(b.count)
    ]
    assert sorted(touched) == sorted(wanted)
    assert all(b.count <= WRITE_LIMIT[b.table] for b in writable(points, plan, rows))


def _apart(points: list[PointPlan]) -> list[PointPlan]:
    """Leave out points that overlap an earlier one: two outputs never share a register."""
    taken: set[tuple[int, str, int]] = set()
    kept: list[PointPlan] = []
    for point in points:
        own = {(point.device, point.table, point.address + k) for k in range(codec.size_of(point))}
        if not own & taken:
            taken |= own
            kept.append(point)
    return kept


@given(
    st.lists(registers(), min_size=1, max_size=10),
    st.data(),
)
def test_a_value_is_nan_exactly_where_its_quality_is_bad(points: list[PointPlan], data: st.DataObject) -> None:
    raw = np.array([[data.draw(number(p.form))] for p in points])
    is_answered = np.array([[data.draw(st.booleans())] for _ in points])
    age_s = np.array([[data.draw(st.floats(0.0, 2.0) | st.just(np.inf))] for _ in points])
    value, quality = codec.qualify(codec.scaling(points, DEVICES), raw, is_answered, age_s)
    assert (np.isnan(value) == q.is_bad(quality)).all()


@given(st.lists(registers(["holding"]), min_size=1, max_size=10), st.data())
def test_what_is_written_reads_back_as_it_was_rounded(points: list[PointPlan], data: st.DataObject) -> None:
    scale = codec.scaling(points, DEVICES)
    mv = np.array([[data.draw(st.floats(-50.0, 150.0))] for _ in points])
    raw = codec.to_raw(scale, mv)
    again = codec.from_raw(scale, raw)
    assert codec.to_raw(scale, again).tolist() == raw.tolist()
    assert (again >= 0.0).all()
    assert (again <= 100.0).all()
    half_a_step = {"raw": 50.0 / codec.FULL_SCALE, "float32": 1e-5, "float64": 1e-9}
    for row, point in enumerate(points):
        wish = min(max(float(mv[row, 0]), 0.0), 100.0)
        assert abs(float(again[row, 0]) - wish) <= half_a_step.get(point.form, 0.5) + 1e-9
