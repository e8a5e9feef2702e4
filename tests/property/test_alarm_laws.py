"""Laws of alarms: the array code against one alarm in plain words, and columns of a batch against a plant alone."""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.command import Action, Command, Role
from controller.core.event import EventKind
from controller.core.plan import AlarmState
from controller.core.quality import BAD_NO_COMMUNICATION, GOOD
from controller.logic import alarms
from tests.logic_plans import Alarm, Bench, make_plan

LIMIT, DEADBAND, ON_S, OFF_S = 100.0, 10.0, 0.3, 0.5
LEGAL = {  # from -> to, per evaluation, without a command in between
    AlarmState.NORMAL: {AlarmState.UNACKED},
    AlarmState.UNACKED: {AlarmState.RETURNED_UNACKED},
    AlarmState.ACKED: {AlarmState.NORMAL},
    AlarmState.RETURNED_UNACKED: {AlarmState.UNACKED},
}
VISIBLE = frozenset(LEGAL)


@dataclass
class OneAlarm:
    """One high alarm in one plant."""

    active: bool = False
    acked: bool = True
    shelf_s: float = 0.0
    since: float | None = None
    now: float = 1000.0
    seen: list[EventKind] = field(default_factory=list[EventKind])

    def step(self, value: float | None, dt: float, *, is_stopped: bool) -> AlarmState:
        self.now += dt
        if self.shelf_s:
            self.shelf_s = max(0.0, self.shelf_s - dt)
            self.shelf_s = 0.0 if self.shelf_s < 1e-6 else self.shelf_s
        is_hidden = bool(self.shelf_s) or is_stopped
        if value is not None:
            met = value >= (LIMIT - DEADBAND if self.active else LIMIT)
            if met == self.active:
                self.since = None
            else:
                self.since = self.now if self.since is None else self.since
                if self.now - self.since >= (OFF_S if self.active else ON_S) - 1e-6:
                    self.active, self.since = met, None
                    self.acked = is_hidden or self.acked if not met else False
                    self.seen.append(EventKind.ALARM_RAISED if met else EventKind.ALARM_CLEARED)
        if self.shelf_s:
            return AlarmState.SHELVED
        if is_stopped:
            return AlarmState.SUPPRESSED
        if self.active:
            return AlarmState.ACKED if self.acked else AlarmState.UNACKED
        return AlarmState.NORMAL if self.acked else AlarmState.RETURNED_UNACKED


STEPS = st.lists(
    st.tuples(
        st.sampled_from([89.9, 90.0, 99.9, 100.0, 150.0, None]),
        st.sampled_from([0.1, 0.1, 0.2, 0.5, 2.0]),
        st.booleans(),
        st.sampled_from([None, None, None, Action.ACK, Action.SHELVE, Action.UNSHELVE]),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(steps=STEPS)
def test_an_alarm_is_in_the_state_that_the_words_give_after_any_history(
    steps: list[tuple[float | None, float, bool, Action | None]],
) -> None:
    high = Alarm("LT.HI", "LT", LIMIT, deadband=DEADBAND, on_s=ON_S, off_s=OFF_S, unless="STOPPED")
    bench, model = Bench(make_plan(["LT", "STOPPED"], alarm_list=[high])), OneAlarm()
    bench.step()
    model.step(0.0, 0.1, is_stopped=False)
    before = AlarmState.NORMAL
    for value, dt, is_stopped, action in steps:
        if action is not None:
            command = Command("1", "LT.HI", action, 1.0, role=Role.OPERATOR)
            alarms.command(bench.plan, bench.state, 0, command, emit=bench.emit)
            model.acked = model.acked or action is Action.ACK
            model.shelf_s = {Action.SHELVE: 1.0, Action.UNSHELVE: 0.0}.get(action, model.shelf_s)
        bench.put(LT=value, STOPPED=float(is_stopped))
        bench.step(dt)
        expected = model.step(value, dt, is_stopped=is_stopped)
        state = AlarmState(int(bench.read("LT.HI")))
        assert state is expected
        if action is None and {before, state} <= VISIBLE and state is not before:
            assert state in LEGAL[before]
        before = state
    changes = [e.kind for e in bench.events if e.kind in {EventKind.ALARM_RAISED, EventKind.ALARM_CLEARED}]
    again = [kind for n, kind in enumerate(changes) if n == 0 or kind is not changes[n - 1]]
    assert again == model.seen  # an alarm that comes out of suppression is raised once more, nothing else is doubled


def test_a_column_of_a_batch_equals_the_same_plant_alone_bit_for_bit() -> None:
    batch, columns = 64, (0, 31, 63)
    tags = [f"T-{n}" for n in range(50)]
    items = [
        Alarm(f"T-{n}.A", f"T-{n}", 2.0, 1.0 if n % 2 else -1.0, n % 7 == 0, 0.3, 0.1 * (n % 3), 0.2, "STOP")
        for n in range(50)
    ]
    plan = make_plan([*tags, "STOP"], alarm_list=items)
    wide = Bench(plan, batch=batch)
    alone = {column: Bench(plan) for column in columns}
    dice = np.random.default_rng(2)
    for _ in range(40):
        value = dice.normal(0.0, 2.0, (len(tags) + 1, batch))
        is_bad = dice.random(value.shape) < 0.1
        value[is_bad] = np.nan
        for bench, take in [(wide, slice(None)), *((alone[c], slice(c, c + 1)) for c in columns)]:
            bench.value[: len(value)] = value[:, take]
            bench.quality[: len(value)] = np.where(is_bad[:, take], BAD_NO_COMMUNICATION, GOOD)
            bench.step(0.1)
    for column, bench in alone.items():
        assert wide.value[:, column].tobytes() == bench.value[:, 0].tobytes()
        for name in ("active", "acked", "shelf_ns", "suppressed", "since"):
            assert wide.state[f"alarm.{name}"][:, column].tobytes() == bench.state[f"alarm.{name}"][:, 0].tobytes()
        mine = [(e.kind, e.source, e.fields) for e in wide.events if e.plant == column]
        assert mine == [(e.kind, e.source, e.fields) for e in bench.events]
        assert len(mine) > 100
