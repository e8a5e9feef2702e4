"""What an operator sees of alarms: delays, deadband, bad sources, acknowledgement, shelving, suppression, restarts."""

import numpy as np
import pytest

from controller.core.command import Action, Command, Reason, Role
from controller.core.event import EventKind
from controller.core.plan import AlarmState
from controller.core.quality import BAD_NO_COMMUNICATION, UNCERTAIN
from controller.logic import alarms
from tests.logic_plans import Alarm, Bench, make_plan

RAISED, CLEARED, ACKED = EventKind.ALARM_RAISED, EventKind.ALARM_CLEARED, EventKind.ALARM_ACKED


def level(**changes: object) -> Bench:
    """The bench of ``new_level`` after its first evaluation."""
    bench = new_level(**changes)
    bench.step()
    return bench


def new_level(**changes: object) -> Bench:
    """LT.HI at 100 with deadband 10, 2 s on and 3 s off, suppressed while STOPPED; LT.BAD after 1 s."""
    high = Alarm("LT.HI", "LT", deadband=10.0, on_s=2.0, off_s=3.0, unless="STOPPED")
    for name, value in changes.items():
        setattr(high, name, value)
    return Bench(make_plan(["LT", "STOPPED"], alarm_list=[high, Alarm("LT.BAD", "LT", on_bad=True, on_s=1.0)]))


def tell(bench: Bench, action: Action, value: float = 0.0, role: Role = Role.OPERATOR) -> tuple[Reason, str]:
    command = Command("1", "LT.HI", action, value, user="olga", role=role, reason="known")
    return alarms.command(bench.plan, bench.state, 0, command, emit=bench.emit)


def state_of(bench: Bench, key: str = "LT.HI") -> AlarmState:
    return AlarmState(int(bench.read(key)))


def kinds(bench: Bench) -> list[EventKind]:
    return [event.kind for event in bench.events]


def test_an_alarm_goes_from_normal_to_unacked_to_acked_to_normal() -> None:
    bench = level()
    bench.put(LT=100.0)
    bench.run(2.0)
    assert state_of(bench) is AlarmState.NORMAL
    (event,) = bench.step()
    assert (event.kind, event.source) == (RAISED, "LT.HI")
    assert event.fields["value"] == event.fields["limit"] == 100.0
    assert event.fields["data"] == {"hidden": False}
    assert state_of(bench) is AlarmState.UNACKED
    assert state_of(bench, "LT.BAD") is AlarmState.NORMAL
    assert tell(bench, Action.ACK)[0] is Reason.ACCEPTED
    bench.step()
    assert state_of(bench) is AlarmState.ACKED
    bench.put(LT=0.0)
    bench.run(3.1)
    assert state_of(bench) is AlarmState.NORMAL
    assert kinds(bench) == [RAISED, ACKED, CLEARED]


def test_an_alarm_that_returns_by_itself_still_wants_an_acknowledgement() -> None:
    bench = level()
    bench.put(LT=100.0)
    bench.run(3)
    bench.put(LT=0.0)
    bench.run(4)
    assert state_of(bench) is AlarmState.RETURNED_UNACKED
    assert tell(bench, Action.ACK)[0] is Reason.ACCEPTED
    bench.step()
    assert state_of(bench) is AlarmState.NORMAL
    assert tell(bench, Action.ACK) == (Reason.WRONG_MODE, "LT.HI: there is nothing to acknowledge")


def test_an_alarm_returns_beyond_its_deadband_only() -> None:
    bench = level(on_s=0.0, off_s=0.0)
    bench.put(LT=100.0)
    bench.step()
    bench.put(LT=90.0)
    bench.step()
    assert state_of(bench) is AlarmState.UNACKED
    bench.put(LT=float(np.nextafter(90.0, 0.0)))
    bench.step()
    assert state_of(bench) is AlarmState.RETURNED_UNACKED


def test_a_low_alarm_looks_the_other_way() -> None:
    bench = level(limit=-50.0, sign=-1.0, on_s=0.0, off_s=0.0)
    for value, active in ((-49.9, False), (-50.0, True), (-40.0, True), (-39.9, False)):
        bench.put(LT=value)
        bench.step()
        assert bench.state["alarm.active"][0, 0] == active
    assert [event.fields["value"] for event in bench.events] == [-50.0, -39.9]


def test_chatter_shorter_than_the_delay_is_not_seen() -> None:
    bench = level()
    for _ in range(10):
        bench.put(LT=200.0)
        bench.run(1.9)
        bench.put(LT=0.0)
        bench.run(0.1)
    assert bench.events == []


def test_delays_hold_at_any_rate_of_evaluation() -> None:
    bench = level()
    bench.put(LT=200.0)
    for _ in range(4):
        bench.step(0.5)
    assert bench.events == []
    assert len(bench.step(0.5)) == 1


@pytest.mark.parametrize("is_active", [False, True])
def test_a_bad_source_changes_no_limit_alarm_and_raises_its_own(is_active: bool) -> None:
    bench = level()
    bench.put(LT=200.0 if is_active else 0.0)
    bench.run(4)
    before = state_of(bench)
    bench.events.clear()
    bench.write("LT", None, BAD_NO_COMMUNICATION)
    bench.run(600)
    assert state_of(bench) is before
    (event,) = bench.events
    assert (event.kind, event.source) == (RAISED, "LT.BAD")
    assert event.fields["value"] is event.fields["limit"] is None
    assert event.fields["quality"] == BAD_NO_COMMUNICATION
    assert state_of(bench, "LT.BAD") is AlarmState.UNACKED


def test_a_bad_moment_does_not_start_the_delay_anew() -> None:
    bench = level()
    bench.put(LT=200.0)
    bench.run(1.5)
    bench.put(LT=None)
    bench.run(0.5)
    bench.put(LT=200.0)
    assert [event.kind for event in bench.step()] == [RAISED]


def test_the_way_back_has_its_full_delay_however_late_the_alarm_came() -> None:
    bench = level()
    bench.put(LT=200.0)
    bench.run(0.1)
    bench.put(LT=None)
    bench.run(60)
    bench.put(LT=200.0)
    bench.step()
    bench.put(LT=0.0)
    bench.run(3.0)
    assert bench.state["alarm.active"][0, 0]
    bench.step()
    assert not bench.state["alarm.active"][0, 0]


def test_an_uncertain_value_is_judged_like_a_good_one() -> None:
    bench = level()
    bench.write("LT", 200.0, UNCERTAIN)
    assert [event.source for event in bench.run(3)] == ["LT.HI"]


# --- shelving --------------------------------------------------------------------------------------------------------


def test_a_shelved_alarm_comes_back_by_itself_in_its_true_state() -> None:
    bench = level()
    bench.put(LT=200.0)
    bench.run(3)
    assert tell(bench, Action.SHELVE, 60.0)[0] is Reason.ACCEPTED
    bench.run(59.9)
    assert state_of(bench) is AlarmState.SHELVED
    (event,) = bench.step()
    assert event.kind is EventKind.ALARM_UNSHELVED
    assert event.fields["text"] == "the shelving time is over"
    assert state_of(bench) is AlarmState.UNACKED


def test_what_comes_while_shelved_is_recorded_and_waits_for_the_end() -> None:
    bench = level()
    tell(bench, Action.SHELVE, 3600.0)
    bench.put(LT=200.0)
    bench.run(3)
    assert bench.events[-1].kind is RAISED
    assert bench.events[-1].fields["data"] == {"hidden": True}
    assert state_of(bench) is AlarmState.SHELVED
    assert tell(bench, Action.UNSHELVE)[0] is Reason.ACCEPTED
    bench.step()
    assert state_of(bench) is AlarmState.UNACKED
    assert tell(bench, Action.UNSHELVE) == (Reason.WRONG_MODE, "LT.HI: it is not shelved")


def test_what_comes_and_goes_while_shelved_wants_nothing_afterwards() -> None:
    bench = level()
    tell(bench, Action.SHELVE, 3600.0)
    bench.put(LT=200.0)
    bench.run(3)
    bench.put(LT=0.0)
    bench.run(4)
    tell(bench, Action.UNSHELVE)
    bench.step()
    assert state_of(bench) is AlarmState.NORMAL
    assert kinds(bench)[1:3] == [RAISED, CLEARED]


@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.5, 8 * 3600 + 1.0, np.nan, np.inf])
def test_a_shelving_time_that_makes_no_sense_is_refused(seconds: float) -> None:
    bench = level()
    assert tell(bench, Action.SHELVE, seconds)[0] is Reason.OUT_OF_RANGE
    bench.step()
    assert state_of(bench) is AlarmState.NORMAL


def test_the_alarm_of_a_trip_is_never_shelved() -> None:
    bench = level(can_shelve=False)
    assert tell(bench, Action.SHELVE, 60.0) == (Reason.NOT_WRITABLE, "LT.HI: the alarm of a trip cannot be shelved")


@pytest.mark.parametrize("action", [Action.ACK, Action.SHELVE, Action.UNSHELVE])
def test_viewers_and_admins_leave_alarms_alone(action: Action) -> None:
    bench = level()
    bench.put(LT=200.0)
    bench.run(3)
    for role in (Role.ANONYMOUS, Role.VIEWER, Role.ADMIN):
        assert tell(bench, action, 60.0, role)[0] is Reason.NO_RIGHT
    bench.step()
    assert state_of(bench) is AlarmState.UNACKED


def test_a_command_that_alarms_do_not_know_is_refused() -> None:
    assert tell(level(), Action.CONFIRM) == (
        Reason.NOT_WRITABLE,
        "LT.HI: an alarm cannot be given the command confirm",
    )


# --- suppression by design -------------------------------------------------------------------------------------------


def test_a_stopped_plant_is_silent_and_speaks_when_it_starts() -> None:
    bench = level()
    bench.put(STOPPED=1.0, LT=200.0)
    bench.run(3)
    assert state_of(bench) is AlarmState.SUPPRESSED
    assert bench.events[-1].fields["data"] == {"hidden": True}
    bench.put(STOPPED=0.0)
    (event,) = bench.step()
    assert event.kind is RAISED
    assert event.fields["data"] == {"hidden": False}
    assert state_of(bench) is AlarmState.UNACKED


def test_what_was_acknowledged_before_stays_so_after_suppression() -> None:
    bench = level()
    bench.put(LT=200.0)
    bench.run(3)
    tell(bench, Action.ACK)
    bench.put(STOPPED=1.0)
    bench.run(1)
    bench.put(STOPPED=0.0)
    assert bench.step() == []
    assert state_of(bench) is AlarmState.ACKED


def test_an_unknown_suppression_condition_suppresses_nothing() -> None:
    bench = level()
    bench.put(STOPPED=None, LT=200.0)
    bench.run(3)
    assert state_of(bench) is AlarmState.UNACKED
    bench.write("STOPPED", 1.0, BAD_NO_COMMUNICATION)
    bench.step()
    assert state_of(bench) is AlarmState.UNACKED


def test_a_shelved_alarm_stays_shelved_when_it_is_suppressed_too() -> None:
    bench = level()
    bench.put(STOPPED=1.0)
    tell(bench, Action.SHELVE, 60.0)
    bench.step()
    assert state_of(bench) is AlarmState.SHELVED


# --- restart ---------------------------------------------------------------------------------------------------------


def test_acknowledged_and_shelved_alarms_survive_a_restart() -> None:
    bench = level()
    bench.put(LT=200.0)
    bench.run(3)
    tell(bench, Action.ACK)
    tell(bench, Action.SHELVE, 60.0)
    bench.run(50)
    again = new_level()
    again.state.restore(bench.state.save(retained_only=True))
    again.put(LT=200.0)
    assert again.run(9.9) == []
    assert state_of(again) is AlarmState.SHELVED
    again.run(0.3)
    assert state_of(again) is AlarmState.ACKED
    assert kinds(again) == [EventKind.ALARM_UNSHELVED]


def test_an_alarm_with_another_limit_starts_cold() -> None:
    bench = level()
    bench.put(LT=200.0)
    bench.run(3)
    again = level(limit=150.0)
    again.state.restore(bench.state.save(retained_only=True))
    again.put(LT=200.0)
    again.step()
    assert state_of(again) is AlarmState.NORMAL
    assert [event.kind for event in again.run(2.1)] == [RAISED]
