"""What people do with bypasses, tests and manual trips, and what they cannot do."""

import numpy as np

from controller.core.command import Action, Command, Reason, Role
from controller.core.event import EventKind
from controller.core.plan import Suspension, TripState
from controller.logic import suspension, trip_commands
from tests.logic_plans import Bench, TripRow, Vote, make_plan

LEVEL = ("LT-A", "LT-B", "LT-C")
FORCES = [("VALVE", 0.0, 5)]


def bench(*rows: TripRow) -> Bench:
    level = TripRow("UZ-1", [Vote(2, LEVEL)], channel_bypass=1, forces=FORCES)
    return Bench(make_plan([*LEVEL, "FT", "HOT"], rows=rows or [level], outputs=["VALVE"]))


def whole_row(**changes: object) -> TripRow:
    row = TripRow("UZ-2", [Vote(1, ["FT"])], function_bypass=True, forces=FORCES)
    for name, value in changes.items():
        setattr(row, name, value)
    return row


def ask(b: Bench, target: str, seconds: float = 60.0, user: str = "ann", role: Role = Role.OPERATOR) -> Reason:
    command = Command("1", target, Action.ASK_BYPASS, seconds, user, role, "repair")
    return suspension.ask(b.plan, b.state, command, b.now.mono, b.emit)[0]


def grant(b: Bench, target: str, user: str = "bob", role: Role = Role.SHIFT_LEAD) -> Reason:
    command = Command("2", target, Action.GRANT_BYPASS, 0.0, user, role)
    return suspension.grant(b.plan, b.state, command, b.now.mono, b.emit)[0]


def bypass(b: Bench, target: str, seconds: float = 60.0) -> None:
    assert ask(b, target, seconds) is Reason.ACCEPTED
    assert grant(b, target) is Reason.ACCEPTED


def test_a_bypassed_channel_leaves_the_vote_to_the_others() -> None:
    b = bench()
    bypass(b, "LT-A")
    b.put(LT_A=200.0, LT_B=200.0)
    b.step()
    assert b.read("UZ-1.STATE") == TripState.HEALTHY  # 2oo2 on the rest
    assert (b.read("UZ-1.BYPASS"), b.read("UZ-1.LEFT")) == (Suspension.CHANNEL, 60.0)
    b.put(LT_C=200.0)
    b.step()
    assert b.read("UZ-1.STATE") == TripState.LATCHED


def test_a_bad_channel_beside_a_bypassed_one_counts_as_its_row_says() -> None:
    b = bench()
    bypass(b, "LT-A")
    b.put(LT_B=None)
    b.step()
    assert b.read("UZ-1.STATE") == TripState.DEGRADED
    b.put(LT_C=200.0)
    b.step()
    assert b.read("UZ-1.STATE") == TripState.LATCHED


def test_a_second_channel_of_a_group_cannot_be_bypassed() -> None:
    b = bench()
    bypass(b, "LT-A")
    assert ask(b, "LT-B") is Reason.TOO_MANY
    assert ask(bench(TripRow("UZ-1", [Vote(2, LEVEL)])), "LT-A") is Reason.NOT_WRITABLE


def test_a_bypass_needs_two_different_people_of_the_right_roles() -> None:
    b = bench()
    assert grant(b, "LT-A") is Reason.WRONG_MODE  # nobody has asked
    assert ask(b, "LT-A", role=Role.SHIFT_LEAD) is Reason.NO_RIGHT
    assert ask(b, "LT-A", role=Role.ENGINEER) is Reason.ACCEPTED
    assert grant(b, "LT-A", user="ann", role=Role.ENGINEER) is Reason.NO_RIGHT
    assert grant(b, "LT-A", role=Role.OPERATOR) is Reason.NO_RIGHT
    assert not b.state["protection.left"].any()
    assert grant(b, "LT-A") is Reason.ACCEPTED
    assert grant(b, "LT-A") is Reason.WRONG_MODE  # once


def test_a_bypass_needs_a_reason_and_a_time_within_the_limit() -> None:
    b = bench()
    for seconds in (0.0, -1.0, float("nan"), float("inf"), 8 * 3600 + 1.0):
        assert ask(b, "LT-A", seconds) is Reason.OUT_OF_RANGE
    nameless = Command("1", "LT-A", Action.ASK_BYPASS, 60.0, "ann", Role.OPERATOR, "  ")
    assert suspension.ask(b.plan, b.state, nameless, b.now.mono, b.emit)[0] is Reason.OUT_OF_RANGE
    assert ask(b, "LT-X") is Reason.UNKNOWN_TAG
    assert ask(b, "UZ-1") is Reason.NOT_WRITABLE  # the row allows none


def test_a_request_lapses_after_ten_minutes() -> None:
    b = bench()
    assert ask(b, "LT-A") is Reason.ACCEPTED
    b.now_s += 601.0
    assert grant(b, "LT-A") is Reason.WRONG_MODE


def test_at_most_three_bypasses_stand_at_a_time() -> None:
    rows = [TripRow(f"UZ-{n}", [Vote(1, [LEVEL[n % 3]])], function_bypass=True) for n in range(4)]
    b = bench(*rows)
    for n in range(3):
        bypass(b, f"UZ-{n}")
    assert ask(b, "UZ-3") is Reason.ACCEPTED
    assert grant(b, "UZ-3") is Reason.TOO_MANY
    assert suspension.count(b.plan, b.state) == 3


def test_a_bypassed_row_shows_its_cause_and_trips_when_the_time_is_over() -> None:
    b = bench(whole_row())
    bypass(b, "UZ-2", 1000.0)
    b.put(FT=200.0)
    b.step()
    assert (b.read("UZ-2.STATE"), b.read("UZ-2.CAUSE")) == (TripState.BYPASSED, 1)
    assert np.isnan(b.forces).all()
    assert [e.kind for e in b.step(100.0)] == [EventKind.BYPASS_ENDS_SOON]
    ended = b.step(900.0)
    assert [e.kind for e in ended] == [EventKind.BYPASS_ENDED, EventKind.TRIP_LATCHED]
    assert b.forces[0, 0] == 0.0


def test_a_bypass_does_not_release_what_has_tripped() -> None:
    b = bench(whole_row())
    b.put(FT=200.0)
    b.step()
    bypass(b, "UZ-2")
    b.step()
    assert b.read("UZ-2.STATE") == TripState.LATCHED
    assert b.forces[0, 0] == 0.0
    assert b.reset("UZ-2")[0] is Reason.CAUSE_STANDS


def test_a_row_without_latch_lets_go_when_it_is_bypassed_and_acts_again_afterwards() -> None:
    b = bench(whole_row(latch=False))
    b.put(FT=200.0)
    b.step()
    bypass(b, "UZ-2")
    assert [e.kind for e in b.step()] == [EventKind.TRIP_CLEARED]
    end = Command("3", "UZ-2", Action.END_BYPASS, role=Role.OPERATOR)
    assert suspension.end(b.plan, b.state, end, b.emit)[0] is Reason.ACCEPTED
    assert suspension.end(b.plan, b.state, end, b.emit)[0] is Reason.WRONG_MODE
    assert EventKind.TRIP_ACTED in [e.kind for e in b.step()]


def test_a_restart_takes_its_time_off_a_bypass_and_an_unknown_stop_all_of_it() -> None:
    before = bench(whole_row())
    bypass(before, "UZ-2", 100.0)
    before.step()
    for gap, left in ((30.0, 70.0), (None, 0.0), (200.0, 0.0)):
        after = bench(whole_row())
        after.state.restore(before.state.save(retained_only=True))
        suspension.start(after.plan, after.state, gap)
        after.step()
        assert after.read("UZ-2.LEFT") == left


def test_a_start_up_override_ends_by_its_condition_or_its_time() -> None:
    for condition, wait in ((1.0, 0.1), (0.0, 3700.0)):
        b = bench(whole_row(function_bypass=False, start_up=("HOT", 3600.0)))
        assert ask(b, "UZ-2", 3601.0) is Reason.OUT_OF_RANGE
        bypass(b, "UZ-2", 3600.0)
        b.put(FT=200.0)
        b.step()
        assert (b.read("UZ-2.BYPASS"), b.read("UZ-2.STATE")) == (Suspension.START_UP, TripState.BYPASSED)
        b.put(HOT=condition)
        b.step(wait)
        assert b.read("UZ-2.STATE") == TripState.LATCHED


def test_a_test_drives_the_vote_and_not_the_effect() -> None:
    b = bench(whole_row())
    command = Command("4", "UZ-2", Action.TEST, 60.0, "ann", Role.OPERATOR)
    assert suspension.test(b.plan, b.state, command, b.emit)[0] is Reason.ACCEPTED
    b.step()
    assert (b.read("UZ-2.STATE"), b.read("UZ-2.BYPASS"), b.read("UZ-2.CAUSE")) == (TripState.TEST, Suspension.TEST, 1)
    assert np.isnan(b.forces).all()
    b.put(FT=200.0)
    b.step()
    assert b.read("UZ-2.STATE") == TripState.LATCHED  # a real cause trips under test as well
    assert b.forces[0, 0] == 0.0
    later = bench(whole_row())
    later.state.restore(b.state.save(retained_only=True))
    suspension.start(later.plan, later.state, 0.1)
    later.put(FT=0.0)
    later.step()
    assert later.read("UZ-2.BYPASS") == Suspension.NONE


def test_a_manual_trip_needs_neither_cause_nor_arming_nor_an_open_bypass() -> None:
    b = bench(whole_row(manual=Role.OPERATOR, armed="HOT"))
    b.put(HOT=0.0)
    bypass(b, "UZ-2")
    assert trip_commands.trip(b.plan, b.state, 0, role=Role.VIEWER)[0] is Reason.NO_RIGHT
    assert trip_commands.trip(b.plan, b.state, 0, role=Role.ADMIN)[0] is Reason.NO_RIGHT
    assert trip_commands.trip(b.plan, b.state, 0, role=Role.OPERATOR)[0] is Reason.ACCEPTED
    (event,) = b.step()
    assert (event.kind, event.fields["data"]) == (EventKind.TRIP_LATCHED, {"manual": True, "first_out": 1})
    b.run(1.0)
    assert b.read("UZ-2.STATE") == TripState.RESETTABLE
    assert b.forces[0, 0] == 0.0
    assert b.reset("UZ-2")[0] is Reason.ACCEPTED


def test_a_row_that_has_no_manual_trip_says_so() -> None:
    b = bench()
    assert trip_commands.trip(b.plan, b.state, 0, role=Role.ENGINEER)[0] is Reason.NOT_WRITABLE


def test_an_effect_may_begin_after_the_row() -> None:
    b = bench(whole_row(forces=[("VALVE", 0.0, 5, 30.0)]))
    b.put(FT=200.0)
    b.step()
    b.run(29.9)
    assert np.isnan(b.forces).all()
    b.run(0.2)
    assert b.forces[0, 0] == 0.0
    again = bench(whole_row(forces=[("VALVE", 0.0, 5, 30.0)]))
    again.state.restore(b.state.save(retained_only=True))
    again.put(FT=200.0)
    again.step()
    assert again.forces[0, 0] == 0.0  # a restart does not let it go


def test_a_row_without_latch_acts_until_its_return_condition_has_held() -> None:
    b = bench(whole_row(latch=False, more_resets=[("LT-A", -1.0, 50.0, 5.0)], armed="HOT"))
    b.put(FT=200.0, LT_A=80.0, HOT=1.0)
    b.step()
    b.put(FT=0.0)
    b.run(20.0)
    assert b.read("UZ-2.STATE") == TripState.ACTIVE
    b.put(LT_A=40.0)
    b.run(4.0)
    b.put(LT_A=None)
    b.run(1.0)  # bad: not met, and the time begins anew
    b.put(LT_A=40.0)
    b.run(4.9)
    assert b.read("UZ-2.STATE") == TripState.ACTIVE
    b.run(0.2)
    assert b.read("UZ-2.STATE") == TripState.HEALTHY
    b.put(FT=200.0, LT_A=80.0)
    b.step()
    b.put(HOT=0.0)
    b.step()
    assert b.read("UZ-2.STATE") == TripState.CAUSE_SHOWN  # not armed, it lets go at once


def test_a_refused_reset_names_every_condition_that_is_missing() -> None:
    b = bench(whole_row(reset=("LT-B", -1.0, 50.0), more_resets=[("LT-A", -1.0, 50.0, 5.0)]))
    b.put(FT=200.0, LT_A=80.0)
    b.step()
    b.put(FT=0.0)
    b.step()
    text = b.reset("UZ-2")[1]
    assert "LT-A <= 50 mm for 5 s, it is 80 mm" in text
