"""One scan after another on the shipped plant, with inputs made by hand: what an operator would see."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from controller.core.clock import MonoNs, Now, UtcNs
from controller.core.command import Action, Answer, Command, Reason, Role
from controller.core.compiler import compile_plan
from controller.core.config import load
from controller.core.event import EventKind
from controller.core.frame import Frame
from controller.core.plan import Mode, Plan
from controller.core.quality import BAD_NO_COMMUNICATION, BAD_SENSOR_FAILURE, GOOD, UNCERTAIN_LAST_USABLE
from controller.core.state import State
from controller.core.tags import Image
from controller.logic import loops
from controller.scan import new_state, scan, start

PLANT = Path(__file__).parents[1] / "plants" / "boilers"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return compile_plan(load(PLANT))


class Desk:
    """A controller whose field is an image edited by hand. Outputs are read back as they were written."""

    def __init__(self, plan: Plan, batch: int = 1, *, start_now: bool = True) -> None:
        self.plan = plan
        self.state: State = new_state(plan, batch)
        middle = np.array([[0.5 * (p.lo + p.hi) if p.form != "bool" else 0.0] for p in plan.inputs])
        self.value = np.repeat(middle, batch, axis=1)
        self.quality = np.zeros(self.value.shape, dtype=np.uint32)
        self.readback = np.repeat(np.array([[0.5 * (p.lo + p.hi)] for p in plan.outputs]), batch, axis=1)
        self.device_ok = np.ones(len(plan.devices), dtype=np.bool_)
        self.scans = 0
        self.frame: Frame | None = None
        self.set("L1-LT-1401A", 0.0).set("L1-LT-1401B", 0.0).set("L1-LT-1401C", 0.0)
        for pump in "ABC":
            self.set(f"C0-P-3010{pump}.RUN", 1.0)
        for instance in plan.instances:
            self.set(f"{instance}-XS-4102", 0.1)
        if start_now:
            self.start()

    def start(self, *, is_restored: bool = False, gap_s: float | None = None) -> None:
        start(self.plan, self.state, self.image(), self.now(), is_restored=is_restored, gap_s=gap_s)

    def set(self, key: str, value: float, quality: int = GOOD) -> "Desk":
        row = self.plan.row(key)
        self.value[row], self.quality[row] = value, quality
        return self

    def bad(self, *keys: str, quality: int = BAD_SENSOR_FAILURE) -> "Desk":
        for key in keys:
            self.set(key, np.nan, quality)
        return self

    def image(self) -> Image:
        times = np.full(len(self.plan.inputs), self.scans, dtype=np.int64)
        return Image(self.value.copy(), self.quality.copy(), times, self.readback.copy(), self.device_ok.copy())

    def now(self, periods: int = 1) -> Now:
        ns = self.scans * self.plan.period_ns
        return Now(MonoNs(ns), UtcNs(ns), periods)

    def scan(self, count: int = 1, commands: list[Command] | None = None) -> Frame:
        for _ in range(count):
            self.scans += 1
            self.frame = scan(self.plan, self.state, self.image(), commands or [], self.now())
            written = np.isfinite(self.frame.mv)
            assert self.frame.writes is not None
            self.readback = np.where(written & self.frame.writes[:, None], self.frame.mv, self.readback)
            commands = None
        assert self.frame is not None
        return self.frame

    def order(self, key: str, value: float = 0.0, action: Action = Action.WRITE, role: Role = Role.OPERATOR) -> Answer:
        if self.frame is None:
            self.scan()
        frame = self.scan(commands=[Command("1", key, action, value, user="test", role=role)])
        return frame.answers[0]

    def read(self, key: str) -> float:
        assert self.frame is not None
        return float(self.frame.value[self.plan.row(key), 0])

    def code(self, key: str) -> int:
        assert self.frame is not None
        return int(self.frame.quality[self.plan.row(key), 0])


def test_the_first_scan_moves_no_output(plan: Plan) -> None:
    desk = Desk(plan)
    before = desk.readback.copy()
    frame = desk.scan()
    loops_move = plan.output.loop >= 0
    assert np.array_equal(frame.mv[~loops_move], before[~loops_move])
    span = plan.output.hi - plan.output.lo
    assert np.all(np.abs(frame.mv - before) <= 0.005 * span)


def test_a_frame_is_a_copy(plan: Plan) -> None:
    desk = Desk(plan)
    first = desk.scan()
    kept = first.value.copy()
    desk.set("L1-PT-1403A", 3.0)
    desk.scan(5)
    assert np.array_equal(first.value, kept, equal_nan=True)


def test_a_bad_pv_sheds_its_loop_and_the_operator_brings_it_back(plan: Plan) -> None:
    desk = Desk(plan)
    desk.order("L1-FIC-1601.MODE", Mode.AUTO)
    assert desk.read("L1-FIC-1601.MODE_ACT") == Mode.AUTO
    held = desk.read("L1-FV-1601.OP")
    frame = desk.bad("L1-FT-1601A", "L1-FT-1601B").scan()
    assert EventKind.MODE_SHED in [event.kind for event in frame.events]
    assert desk.read("L1-FIC-1601.MODE") == Mode.MAN
    refused = desk.order("L1-FIC-1601.MODE", Mode.AUTO)
    assert refused.reason is Reason.WRONG_MODE
    assert "bad" in refused.text
    desk.set("L1-FT-1601A", 80.0).set("L1-FT-1601B", 80.0).scan(20)
    assert desk.read("L1-FIC-1601.MODE_ACT") == Mode.MAN  # by itself nothing returns
    assert desk.read("L1-FV-1601.OP") == pytest.approx(held, abs=0.5)
    assert desk.order("L1-FIC-1601.MODE", Mode.AUTO).is_accepted


def test_a_master_waits_in_iman_until_its_slave_follows(plan: Plan) -> None:
    desk = Desk(plan)
    desk.order("L1-FIC-1601.MODE", Mode.AUTO)
    desk.order("L1-LIC-1401.MODE", Mode.AUTO)
    desk.order("L1-FIC-1601.SP", 64.0)
    desk.scan(10)
    assert desk.read("L1-LIC-1401.MODE_ACT") == Mode.IMAN
    assert desk.read("L1-LIC-1401.OP") == pytest.approx(40.0)  # 64 of 160 t/h: it follows its slave
    desk.order("L1-FIC-1601.MODE", Mode.CAS)
    desk.scan(6)
    assert desk.read("L1-LIC-1401.MODE_ACT") == Mode.AUTO
    assert desk.read("L1-FIC-1601.SP") == pytest.approx(64.0, abs=0.2)  # no bump


@pytest.mark.parametrize(
    ("key", "value", "role", "reason"),
    [
        ("L1-LIC-1401.SPP", 0.0, Role.OPERATOR, Reason.UNKNOWN_TAG),
        ("L1-LT-1401A", 0.0, Role.OPERATOR, Reason.NOT_WRITABLE),
        ("L1-FV-1601.OP", 0.0, Role.OPERATOR, Reason.NOT_WRITABLE),
        ("L1-LIC-1401.SP", 0.0, Role.VIEWER, Reason.NO_RIGHT),
        ("L1-LIC-1401.SP", 0.0, Role.ADMIN, Reason.NO_RIGHT),
        ("L1-LIC-1401.KP", 1.0, Role.OPERATOR, Reason.NO_RIGHT),
        ("L1-LIC-1401.SP", 1000.0, Role.OPERATOR, Reason.OUT_OF_RANGE),
        ("L1-LIC-1401.SP", float("nan"), Role.OPERATOR, Reason.OUT_OF_RANGE),
        ("L1-LIC-1401.SP", float("inf"), Role.OPERATOR, Reason.OUT_OF_RANGE),
        ("L1-LIC-1401.MODE", 2.5, Role.OPERATOR, Reason.WRONG_TYPE),
        ("L1-LIC-1401.MODE", float(Mode.IMAN), Role.OPERATOR, Reason.WRONG_MODE),
        ("L1-LIC-1401.MODE", float(Mode.OOS), Role.OPERATOR, Reason.NO_RIGHT),
        ("C0-P-3010A.CMD", 0.5, Role.OPERATOR, Reason.WRONG_TYPE),
    ],
)
def test_a_refused_write_changes_nothing_and_says_why(
    plan: Plan, key: str, value: float, role: Role, reason: Reason
) -> None:
    desk, untouched = Desk(plan), Desk(plan)
    answer = desk.order(key, value, role=role)
    untouched.scan(2)
    assert answer.reason is reason
    assert key in answer.text
    for name in ("loop.sp", "loop.mode", "loop.op", "loop.kp", "output.operator"):
        assert np.array_equal(desk.state[name], untouched.state[name], equal_nan=True), name


def test_new_tuning_moves_nothing(plan: Plan) -> None:
    desk = Desk(plan)
    desk.order("L1-FIC-1601.MODE", Mode.AUTO)
    desk.order("L1-FIC-1601.SP", 90.0)
    desk.scan(5)
    other = Desk(plan)
    other.order("L1-FIC-1601.MODE", Mode.AUTO)
    other.order("L1-FIC-1601.SP", 90.0)
    other.scan(5)
    before = desk.read("L1-FV-1601.OP")
    assert desk.order("L1-FIC-1601.KP", 5.0, role=Role.ENGINEER).is_accepted
    other.scan()
    assert desk.read("L1-FIC-1601.KP") == 5.0
    normal_move = abs(other.read("L1-FV-1601.OP") - before)
    assert abs(desk.read("L1-FV-1601.OP") - before) <= 12.0 * normal_move + 0.05  # 10 times the gain, not a bump


def test_protection_takes_the_valve_and_the_loop_follows(plan: Plan) -> None:
    desk = Desk(plan)
    for channel in "ABC":
        desk.set(f"L1-LT-1401{channel}", 260.0)
    desk.set("L1-FT-1501A", 110.0).set("L1-FT-1501B", 110.0)
    desk.scan(110)  # 10 s of delay
    assert desk.read("L1-UZ-04.STATE") == 3
    assert desk.read("L1-FV-1601.OP") == 0.0
    assert desk.read("L1-FIC-1601.MODE_ACT") == Mode.LO
    assert desk.read("L1-FIC-1601.OP") == 0.0
    assert desk.order("L1-XC-1300.CMD" if "L1-XC-1300.CMD" in plan.tags.index else "L1-XC-1300", 1.0).reason is (
        Reason.INTERLOCKED
    )
    assert desk.order("L1-UZ-04", action=Action.RESET).reason is Reason.CAUSE_STANDS
    for channel in "ABC":
        desk.set(f"L1-LT-1401{channel}", 0.0)
    desk.scan(2)
    assert desk.order("L1-UZ-04", action=Action.RESET).is_accepted
    assert desk.read("L1-XC-1300") == 0.0  # nothing starts by itself


def broken(*_args: object) -> None:
    raise ZeroDivisionError("planted")


def test_a_bug_in_control_holds_the_outputs_and_protection_goes_on(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(plan)
    desk.order("L1-FIC-1601.MODE", Mode.AUTO)
    desk.scan(3)
    held = desk.read("L1-FV-1601.OP")

    monkeypatch.setattr(loops, "control", broken)
    for channel in "ABC":
        desk.set(f"L1-PT-1502{channel}", 7.5)
    frame = desk.scan()
    assert [e.kind for e in frame.events if e.kind is EventKind.CONTROL_FAILED]
    assert not frame.is_failed
    assert desk.read("L1-FV-1601.OP") == held
    assert desk.read("L1-UZ-13.CAUSE") == 1
    assert not desk.scan().is_failed
    assert desk.scan().is_failed


def test_a_good_scan_after_a_failed_one_clears_the_count(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(plan)
    real = loops.control
    for _ in range(4):
        monkeypatch.setattr(loops, "control", broken)
        assert not desk.scan(2).is_failed
        monkeypatch.setattr(loops, "control", real)
        desk.scan()


def test_a_lost_device_makes_its_outputs_uncertain_and_its_return_moves_nothing(plan: Plan) -> None:
    desk = Desk(plan)
    desk.scan()
    l1 = [d.name for d in plan.devices].index("L1")
    on_l1 = np.array([p.device == l1 for p in plan.outputs])
    desk.device_ok[l1] = False
    desk.readback[on_l1] = np.nan
    for point in plan.inputs:
        if point.device == l1:
            desk.bad(point.key, quality=BAD_NO_COMMUNICATION)
    frame = desk.scan()
    assert [(e.kind, e.source) for e in frame.events if e.kind is EventKind.DEVICE_LOST] == [
        (EventKind.DEVICE_LOST, "L1")
    ]
    assert desk.code("L1-FV-1601.OP") == UNCERTAIN_LAST_USABLE
    assert frame.writes is not None
    assert not frame.writes[on_l1].any()
    desk.device_ok[l1] = True
    desk.readback[on_l1] = np.array([[33.0 if p.form != "bool" else 1.0] for p in plan.outputs])[on_l1]
    desk.scan()
    assert desk.read("L1-FIC-1601.OP") == pytest.approx(33.0)  # it continues from what the device holds


def test_after_a_gap_longer_than_the_watchdog_every_loop_waits_in_man(plan: Plan) -> None:
    old = Desk(plan)
    old.order("L1-FIC-1601.MODE", Mode.AUTO)
    old.order("L1-FIC-1601.SP", 77.0)
    saved = old.state.save(retained_only=True)

    quick = Desk(plan, start_now=False)
    quick.state.restore(saved)
    quick.start(is_restored=True, gap_s=1.0)
    quick.scan()
    assert quick.read("L1-FIC-1601.MODE_ACT") == Mode.AUTO
    assert quick.read("L1-FIC-1601.SP") == 77.0

    late = Desk(plan, start_now=False)
    late.state.restore(saved)
    late.start(is_restored=True, gap_s=2.5)
    late.scan()
    assert late.read("L1-FIC-1601.MODE_ACT") == Mode.MAN


def test_a_cold_start_on_a_tripped_plant_leaves_every_loop_in_man(plan: Plan) -> None:
    running = Desk(plan)
    running.scan()
    assert running.read("L1-FIC-1601.MODE_ACT") == Mode.CAS  # a running plant is taken over in automatic
    tripped = Desk(plan, start_now=False)
    tripped.set("L1-XS-4101", 1.0).start()
    tripped.scan()
    assert tripped.read("L1-UZ-45.STATE") == 3
    assert tripped.read("L1-FIC-1601.MODE") == tripped.read("L1-LIC-1401.MODE") == Mode.MAN


def test_event_numbers_have_no_gap_over_a_restart(plan: Plan) -> None:
    old = Desk(plan)
    last = old.scan(commands=[Command("1", "nothing"), Command("2", "nothing")]).events[-1].seq
    new = Desk(plan, start_now=False)
    new.state.restore(old.state.save(retained_only=True))
    new.start(is_restored=True, gap_s=0.5)
    frame = new.scan(commands=[Command("3", "nothing")])
    assert [e.seq for e in frame.events] == list(range(last + 1, last + 1 + len(frame.events)))


def test_column_k_of_batch_64_equals_batch_1_in_every_bit(plan: Plan) -> None:
    width, column = 64, 23
    rng = np.random.default_rng(7)
    many, one = Desk(plan, width), Desk(plan, 1)
    lo = np.array([[p.lo] for p in plan.inputs])
    span = np.array([[p.hi - p.lo] for p in plan.inputs])
    is_bool = np.array([p.form == "bool" for p in plan.inputs])
    orders = [Command("1", "L1-FIC-1601.MODE", value=Mode.AUTO, role=Role.ENGINEER)]
    for k in range(120):
        x = lo + span * rng.random((len(plan.inputs), width))
        x[is_bool] = np.round(x[is_bool])
        is_bad = rng.random(x.shape) < 0.05
        x[is_bad] = np.nan
        many.value, many.quality = x, np.where(is_bad, np.uint32(BAD_SENSOR_FAILURE), np.uint32(GOOD))
        one.value, one.quality = x[:, [column]], many.quality[:, [column]]
        wide = many.scan(commands=list(orders) if k % 10 == 0 else None)
        narrow = one.scan(commands=list(orders) if k % 10 == 0 else None)
        assert np.array_equal(wide.value[:, [column]], narrow.value, equal_nan=True)
        assert np.array_equal(wide.quality[:, [column]], narrow.quality)
        assert np.array_equal(wide.mv[:, [column]], narrow.mv, equal_nan=True)
    for name, slot in one.state.slots.items():
        other = many.state.slots[name].array
        if other.shape[-1] == width and name != "event.seq":
            assert np.array_equal(other[..., [column]], slot.array, equal_nan=slot.array.dtype.kind == "f"), name


def test_a_rate_class_runs_its_turns_also_after_an_overrun(plan: Plan) -> None:
    desk = Desk(plan)
    before = int(desk.state["scan.count"][0, 0])
    desk.scans += 7
    frame = scan(plan, desk.state, desk.image(), [], replace(desk.now(), periods=7))
    assert frame.scan == before + 7
