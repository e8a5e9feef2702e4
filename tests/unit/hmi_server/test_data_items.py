"""Monitored values as columns: what is reported, when, in which order and in which bytes."""

from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary
from hypothesis import given
from hypothesis import strategies as st

from controller.core.plan import Plan
from controller.core.quality import BAD, BAD_SENSOR_FAILURE, GOOD, UNCERTAIN
from controller.core.tags import DataType, Row, RowKind, TagTable, Text
from hmi_server.opcua.items import DISABLED, ITEM, OVERFLOW, REPORTING, SAMPLING, DataItems
from hmi_server.opcua.live import Live, ua_time
from tests.logic_plans import make_plan

NO_TEXT = Text("", "")
TYPES = (DataType.FLOAT, DataType.INT, DataType.BOOL, DataType.FLOAT)


def plan_of(types: tuple[DataType, ...] = TYPES) -> Plan:
    rows = tuple(Row(f"T-{n}", RowKind.SYSTEM, NO_TEXT, data_type=kind, hi=100.0) for n, kind in enumerate(types))
    return replace(make_plan([]), tags=TagTable(rows))


@dataclass
class FakeFrame:
    scan: int
    value: np.ndarray
    quality: np.ndarray
    time: np.ndarray


@dataclass
class Bench:
    """Four rows and the items of one subscription."""

    live: Live = field(default_factory=lambda: Live(plan_of()))
    items: DataItems = field(default_factory=DataItems)
    scan: int = 0

    def watch(self, row: int, **asked: object) -> None:
        new = np.zeros(1, dtype=ITEM)
        defaults = {"mode": REPORTING, "every": 1, "queue": 1, "oldest": True, "trigger": 1, "times": 4}
        ident = len(self.items) + 1
        for name, value in (defaults | {"ident": ident, "handle": 100 + ident, "row": row} | asked).items():
            new[name] = value
        self.items.add(new)

    def show(self, *values: float | None, quality: int = GOOD, time: int = 0) -> None:
        """Take a frame with these values (None is bad) and sample it."""
        self.scan += 1
        value = np.array([np.nan if v is None else v for v in values])
        code = np.where(np.isnan(value), BAD_SENSOR_FAILURE, quality).astype(np.uint32)
        self.live.take(FakeFrame(self.scan, value, code, np.full(len(values), time, dtype=np.int64)))
        self.items.sample(self.live, ua_time(5_000))

    def reported(self, limit: int = 1000) -> list[tuple[int, object]]:
        """Return what is sent now as (handle, value), decoded by asyncua."""
        return [(n.ClientHandle, n.Value.Value.Value) for n in self.decoded(limit)]

    def decoded(self, limit: int = 1000) -> list[ua.MonitoredItemNotification]:
        count, block = self.items.take(limit)
        buffer = Buffer(block)
        found = [struct_from_binary(ua.MonitoredItemNotification, buffer) for _ in range(count)]
        assert not len(buffer)
        return found


def test_every_type_is_sent_as_its_own_and_a_bad_value_as_none() -> None:
    bench = Bench()
    for row in range(4):
        bench.watch(row)
    bench.show(1.5, -3.0, 1.0, None)
    assert bench.reported() == [(101, 1.5), (102, -3), (103, True), (104, None)]
    bench.show(None, None, None, 2.5)
    statuses = [n.Value.StatusCode for n in bench.decoded()]
    assert [s.value for s in statuses if s is not None] == [BAD_SENSOR_FAILURE] * 3 + [GOOD]


@pytest.mark.parametrize(
    ("times", "source", "server"), [(0, False, False), (4, True, False), (8, False, True), (12, True, True)]
)
def test_the_timestamps_are_those_the_client_asked_for(times: int, *, source: bool, server: bool) -> None:
    bench = Bench()
    bench.watch(0, times=times)
    bench.show(1.0, 0, 0, 0, time=1_700_000_000_000_000_000)
    (sent,) = bench.decoded()
    assert (sent.Value.SourceTimestamp is not None, sent.Value.ServerTimestamp is not None) == (source, server)
    if sent.Value.SourceTimestamp is not None:
        assert sent.Value.SourceTimestamp.timestamp() == 1_700_000_000


def test_an_item_reports_its_first_value_and_then_only_changes() -> None:
    bench = Bench()
    bench.watch(0)
    bench.watch(3)
    bench.show(0, 0, 0, 0)
    assert len(bench.reported()) == 2
    bench.show(0, 0, 0, 0, time=77)
    assert bench.reported() == []
    bench.show(0, 0, 0, 9)
    assert bench.reported() == [(102, 9.0)]


def test_the_triggers_differ_in_what_they_take_for_a_change() -> None:
    bench = Bench()
    for trigger in (0, 1, 2):
        bench.watch(0, trigger=trigger)
    bench.show(0, 0, 0, 0)
    bench.reported()
    bench.show(1, 0, 0, 0)
    assert [handle for handle, _ in bench.reported()] == [102, 103]
    bench.show(1, 0, 0, 0, time=1_000_000)
    assert [handle for handle, _ in bench.reported()] == [103]
    bench.show(1, 0, 0, 0, quality=UNCERTAIN, time=1_000_000)
    assert [handle for handle, _ in bench.reported()] == [101, 102, 103]


def test_a_deadband_is_measured_from_the_last_reported_value() -> None:
    bench = Bench()
    bench.watch(0, deadband=2.0)
    seen: list[object] = []
    for value in (0.0, 1.0, 2.0, 2.5, 4.0, 4.6):
        bench.show(value, 0, 0, 0)
        seen += [v for _, v in bench.reported()]
    assert seen == [0.0, 2.5, 4.6]


def test_a_slow_item_is_sampled_at_multiples_of_its_interval_also_when_frames_are_lost() -> None:
    bench = Bench()
    bench.watch(0, every=3, queue=10)
    for value in range(1, 10):
        bench.show(value, 0, 0, 0)
    assert [v for _, v in bench.reported()] == [1.0, 3.0, 6.0, 9.0]  # the first at once
    bench.scan += 4
    bench.show(99, 0, 0, 0)
    assert bench.reported() == [(101, 99.0)]


def test_a_sampling_item_keeps_its_values_until_it_reports() -> None:
    bench = Bench()
    bench.watch(0, mode=SAMPLING, queue=5)
    for value in (1, 2, 3):
        bench.show(value, 0, 0, 0)
    assert bench.items.pending() == 0
    assert bench.reported() == []
    bench.items.set_mode(np.array([0]), REPORTING)
    assert [v for _, v in bench.reported()] == [1.0, 2.0, 3.0]


def test_a_disabled_item_forgets_and_reports_at_once_when_it_is_enabled() -> None:
    bench = Bench()
    bench.watch(0)
    bench.show(1, 0, 0, 0)
    bench.items.set_mode(np.array([0]), DISABLED)
    bench.show(2, 0, 0, 0)
    assert bench.reported() == []
    bench.items.set_mode(np.array([0]), REPORTING)
    bench.show(2, 0, 0, 0)
    assert bench.reported() == [(101, 2.0)]


def test_deleting_an_item_takes_its_records_along_and_leaves_those_of_the_others() -> None:
    bench = Bench()
    for row in (0, 1, 3):
        bench.watch(row, queue=3)
    for value in (1, 2):
        bench.show(value, value, 0, value)
    bench.items.delete(bench.items.slots_of([2]))
    assert bench.reported() == [(101, 1.0), (103, 1.0), (101, 2.0), (103, 2.0)]
    bench.show(5, 5, 0, 5)
    assert bench.reported() == [(101, 5.0), (103, 5.0)]


def test_a_message_takes_what_fits_and_leaves_the_rest_in_order() -> None:
    bench = Bench()
    for row in (0, 3):
        bench.watch(row, queue=3)
    for value in (1, 2):
        bench.show(value, 0, 0, value)
    assert bench.reported(limit=3) == [(101, 1.0), (102, 1.0), (101, 2.0)]
    assert bench.items.pending() == 1
    assert bench.reported(limit=3) == [(102, 2.0)]


@dataclass
class QueueModel:
    """A monitored item's queue as OPC UA Part 4 section 5.12.1.5 words it."""

    size: int
    drops_oldest: bool
    values: deque[tuple[float, bool]] = field(default_factory=deque[tuple[float, bool]])

    def add(self, value: float) -> None:
        is_full = len(self.values) >= self.size
        marks = is_full and self.size > 1
        if is_full and self.drops_oldest:
            self.values.popleft()
            if marks:
                first = self.values.popleft()
                self.values.appendleft((first[0], True))
        elif is_full:
            self.values.pop()
        self.values.append((value, marks and not self.drops_oldest))


@given(
    sizes=st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=1, max_size=4),
    steps=st.lists(st.lists(st.booleans(), min_size=4, max_size=4), max_size=12),
)
def test_queues_of_any_size_keep_mark_and_order_what_the_standard_says(
    sizes: list[tuple[int, bool]], steps: list[list[bool]]
) -> None:
    bench = Bench()
    bench.live = Live(plan_of((DataType.FLOAT,) * 4))
    models = [QueueModel(size, oldest) for size, oldest in sizes]
    for row, (size, oldest) in enumerate(sizes):
        bench.watch(row, queue=size, oldest=oldest)
    values = [0.0] * 4
    for number, moves in enumerate([[True] * 4, *steps]):
        values = [float(number + 1) if moved else value for moved, value in zip(moves, values, strict=True)]
        bench.show(*values)
        for moved, value, model in zip(moves, values, models, strict=False):
            if moved:
                model.add(value)
    sent = bench.decoded()
    for row, model in enumerate(models):
        mine = [n.Value for n in sent if n.ClientHandle == 101 + row]
        marked = [bool(v.StatusCode and v.StatusCode.value & OVERFLOW == OVERFLOW) for v in mine]
        assert list(zip([v.Value.Value for v in mine if v.Value], marked, strict=True)) == list(model.values)


def test_live_values_turn_uncertain_then_bad_and_come_back() -> None:
    live = Live(plan_of())
    assert live.service_level == 1
    live.take(
        FakeFrame(1, np.array([1.0, 2.0, 1.0, np.nan]), np.array([0, 0, 0, BAD], np.uint32), np.zeros(4, np.int64))
    )
    assert live.service_level == 255
    live.wait(400_000_000, 0)
    assert live.quality[0] == GOOD
    live.wait(600_000_000, 0)
    assert live.service_level == 100
    assert live.data_value(0).StatusCode == ua.StatusCode(ua.UInt32(0x40900000))
    assert live.quality[3] == BAD
    live.wait(2_100_000_000, 0)
    assert live.service_level == 1
    assert live.variant(0).Value is None
    live.take(FakeFrame(2, np.ones(4), np.zeros(4, np.uint32), np.zeros(4, np.int64)))
    assert live.variant(1).Value == 1
    assert live.service_level == 255
