"""What an operator sees of protection: trips, delays, first-out, resets, forces, restarts."""

import numpy as np
import pytest

from controller.core.command import Reason, Role
from controller.core.event import EventKind
from controller.core.plan import TripState
from controller.core.quality import BAD_SENSOR_FAILURE, GOOD_LOCAL_OVERRIDE
from controller.logic import trip_commands
from tests.logic_plans import UTC0, Bench, TripRow, Vote, make_plan

LEVEL = ("LT-A", "LT-B", "LT-C")
HEALTHY = {"LT_A": 0.0, "LT_B": 0.0, "LT_C": 0.0}


def drum(**changes: object) -> Bench:
    """One row: level at or below -250 mm, 2oo3, 5 s, armed by FIRE, closes RELEASE; reset above -100 mm."""
    row = TripRow(
        "UZ-03",
        [Vote(2, LEVEL, -250.0, -1.0, 5.0)],
        armed="FIRE",
        reset=("LT", 1.0, -100.0),
        forces=[("RELEASE", 0.0, 5)],
    )
    for name, value in changes.items():
        setattr(row, name, value)
    bench = Bench(make_plan([*LEVEL, "LT", "FIRE"], rows=[row], outputs=["RELEASE", "OTHER"]))
    bench.put(FIRE=1.0)
    return bench


def low(bench: Bench, *letters: str, level: float = -250.0) -> None:
    bench.put(**{f"LT_{letter}": level for letter in letters}, LT=level)


def test_low_level_trips_after_its_delay_and_not_before() -> None:
    bench = drum()
    bench.run(1)
    low(bench, "A", "B")
    assert bench.run(5.0) == []  # the first of these scans starts the delay
    assert bench.read("UZ-03.STATE") == TripState.CAUSE_SHOWN
    assert np.isnan(bench.forces).all()
    (event,) = bench.step()
    assert event.kind is EventKind.TRIP_LATCHED
    assert event.source == "UZ-03"
    assert (event.fields["value"], event.fields["limit"]) == (-250.0, -250.0)
    assert event.fields["data"] == {"channel": "LT-A", "true": 2, "bad": 0, "first_out": 1}
    assert bench.read("UZ-03.STATE") == TripState.LATCHED
    assert bench.read("UZ-03.FIRST_OUT") == 1
    assert bench.forces[0, 0] == 0.0
    assert np.isnan(bench.forces[1, 0])


def test_a_value_a_hair_off_the_limit_does_nothing() -> None:
    bench = drum()
    low(bench, "A", "B", "C", level=float(np.nextafter(-250.0, 0.0)))
    bench.run(20)
    assert bench.read("UZ-03.STATE") == TripState.HEALTHY


def test_a_short_dip_starts_the_delay_anew() -> None:
    bench = drum()
    for _ in range(5):
        low(bench, "A", "B", "C")
        bench.run(4.9)
        bench.put(**HEALTHY)
        bench.run(0.1)
    assert bench.events == []


def test_a_channel_that_goes_bad_does_not_start_the_delay_anew() -> None:
    for policy in ("trip", "excluded_alarm", "excluded_trip_after_30s"):
        bench = drum(policy=policy)
        low(bench, "A", "B")
        bench.run(3)
        bench.put(LT_A=None)  # B true, C healthy: only the bad channel keeps an excluding vote from being true
        bench.run(1)
        low(bench, "A")
        bench.run(1.0)
        assert bench.events == []
        bench.step()
        assert [e.kind for e in bench.events] == [EventKind.TRIP_LATCHED], policy


def test_a_good_channel_that_denies_the_cause_clears_the_delay_although_others_are_bad() -> None:
    bench = drum(policy="excluded_alarm")
    low(bench, "A", "B")
    bench.run(4)
    bench.put(LT_A=None, LT_B=None, LT_C=0.0)
    bench.run(1)
    low(bench, "C")
    assert bench.run(5.0) == []
    assert len(bench.step()) == 1


def test_a_vote_of_bad_channels_alone_keeps_the_delay_but_does_not_act() -> None:
    bench = drum(policy="excluded_alarm")
    low(bench, "A", "B", "C")
    bench.run(4)
    bench.put(LT_A=None, LT_B=None, LT_C=None)
    assert bench.run(600) == []
    assert bench.read("UZ-03.CAUSE") == 2
    assert bench.read("UZ-03.STATE") == TripState.DEGRADED
    low(bench, "A")
    assert [e.kind for e in bench.step()] == [EventKind.TRIP_LATCHED]


def test_one_good_channel_ends_the_thirty_seconds() -> None:
    bench = drum(policy="excluded_trip_after_30s")
    bench.step()
    bench.put(LT_A=None, LT_B=None, LT_C=None)
    bench.run(29.9)
    bench.put(LT_B=0.0)
    bench.step()
    bench.put(LT_B=None)
    assert bench.run(30.0) == []
    (event,) = bench.step()
    assert event.fields["value"] is None
    assert event.fields["quality"] == BAD_SENSOR_FAILURE
    assert event.fields["data"] == {"channel": "LT-A", "true": 0, "bad": 3, "first_out": 1}


def test_not_armed_the_end_of_the_thirty_seconds_is_shown() -> None:
    bench = drum(policy="excluded_trip_after_30s")
    bench.put(FIRE=0.0, LT_A=None, LT_B=None, LT_C=None)
    bench.run(30.0)
    assert bench.read("UZ-03.STATE") == TripState.DEGRADED
    bench.step()
    assert bench.read("UZ-03.STATE") == TripState.CAUSE_SHOWN
    assert bench.events == []


def test_not_armed_the_cause_is_shown_and_nothing_happens() -> None:
    bench = drum()
    bench.put(FIRE=0.0)
    low(bench, "A", "B", "C")
    bench.run(10)
    assert bench.events == []
    assert bench.read("UZ-03.STATE") == TripState.CAUSE_SHOWN
    assert bench.read("UZ-03.CAUSE") == 1
    assert bench.read("UZ-03.ARMED") == 0
    bench.put(FIRE=1.0)
    assert len(bench.step()) == 1  # the delay is over long since


def test_an_unknown_armed_condition_arms() -> None:
    bench = drum()
    bench.put(FIRE=None)
    low(bench, "A", "B", "C")
    bench.run(6)
    assert bench.read("UZ-03.ARMED") == 1
    assert bench.read("UZ-03.STATE") == TripState.LATCHED


def test_nothing_but_a_reset_ends_a_latch() -> None:
    bench = drum()
    low(bench, "A", "B", "C")
    bench.run(6)
    for change in ({"FIRE": 0.0}, {"FIRE": None}, HEALTHY, {"LT_A": None, "LT_B": None, "LT_C": None}, HEALTHY):
        bench.put(LT=0.0, **change)
        bench.run(40)
        assert bench.state["protection.acting"][0, 0]
        assert bench.forces[0, 0] == 0.0
    assert len(bench.events) == 1


def test_the_way_back_is_clear_then_resettable_then_reset_by_hand() -> None:
    bench = drum()
    low(bench, "A", "B", "C")
    bench.run(6)
    reason, text = bench.reset("UZ-03")
    assert reason is Reason.CAUSE_STANDS
    assert text == (
        "UZ-03: cause still stands: LT-A is -250 mm (acts <= -250 mm); LT-B is -250 mm (acts <= -250 mm); "
        "LT-C is -250 mm (acts <= -250 mm)"
    )
    bench.put(LT_A=-150.0, LT_B=-150.0, LT_C=-150.0, LT=-150.0)
    bench.step()
    assert bench.read("UZ-03.STATE") == TripState.LATCHED
    assert bench.reset("UZ-03") == (Reason.CAUSE_STANDS, "UZ-03: reset needs LT >= -100 mm, it is -150 mm")
    bench.put(LT=None)
    bench.step()
    assert bench.reset("UZ-03")[1] == "UZ-03: reset needs LT >= -100 mm, it is Bad, sensor failure"
    bench.put(LT=-100.0)
    bench.step()
    assert bench.read("UZ-03.STATE") == TripState.RESETTABLE
    assert bench.reset("UZ-03", Role.VIEWER)[0] is Reason.NO_RIGHT
    assert bench.reset("UZ-03", Role.ADMIN)[0] is Reason.NO_RIGHT
    assert bench.reset("UZ-03", Role.SHIFT_LEAD)[0] is Reason.ACCEPTED
    assert bench.events[-1].kind is EventKind.TRIP_RESET
    assert bench.events[-1].fields["user"] == "olga"
    assert bench.step() == []
    assert bench.read("UZ-03.STATE") == TripState.HEALTHY
    assert bench.read("UZ-03.FIRST_OUT") == 0
    assert np.isnan(bench.forces).all()


def test_a_repeated_or_early_reset_does_nothing() -> None:
    bench = drum()
    low(bench, "A", "B")
    bench.run(3)
    assert bench.reset("UZ-03")[0] is Reason.WRONG_MODE
    bench.run(3)
    assert bench.read("UZ-03.STATE") == TripState.LATCHED
    bench.put(**HEALTHY, LT=0.0)
    bench.step()
    assert bench.reset("UZ-03")[0] is Reason.ACCEPTED
    assert bench.reset("UZ-03")[0] is Reason.WRONG_MODE


def test_an_unknown_cause_is_not_clear() -> None:
    bench = drum(policy="excluded_alarm")
    low(bench, "A", "B", "C")
    bench.run(6)
    bench.put(LT_A=None, LT_B=None, LT_C=None, LT=0.0)
    bench.step()
    reason, text = bench.reset("UZ-03")
    assert reason is Reason.CAUSE_STANDS
    assert "LT-A is Bad, sensor failure (acts <= -250 mm)" in text


def test_the_refusal_names_only_what_stands() -> None:
    bench = drum(votes=[Vote(1, LEVEL, -250.0, -1.0)])
    low(bench, "A", "B", "C")
    bench.step()
    bench.put(**HEALTHY, LT=0.0)
    bench.write("LT-B", 0.0, GOOD_LOCAL_OVERRIDE)
    bench.step()
    assert bench.reset("UZ-03")[1] == "UZ-03: cause still stands: LT-B is 0 mm (acts <= -250 mm)"


def test_one_bad_channel_shows_degraded() -> None:
    bench = drum()
    bench.put(LT_C=None)
    bench.run(60)
    assert bench.read("UZ-03.STATE") == TripState.DEGRADED
    assert bench.read("UZ-03.BAD") == 1


def test_a_row_without_latch_follows_its_cause() -> None:
    bench = drum(latch=False, reset=None)
    low(bench, "A", "B")
    assert [e.kind for e in bench.run(5.1)] == [EventKind.TRIP_ACTED]
    assert bench.read("UZ-03.STATE") == TripState.ACTIVE
    assert bench.read("UZ-03.FIRST_OUT") == 0
    assert bench.reset("UZ-03") == (Reason.NOT_WRITABLE, "UZ-03 follows its cause: there is nothing to reset")
    bench.put(LT_A=0.0)
    assert [e.kind for e in bench.step()] == [EventKind.TRIP_CLEARED]
    assert np.isnan(bench.forces).all()


def test_any_vote_of_a_row_is_enough_and_each_has_its_own_delay() -> None:
    bench = drum(votes=[Vote(1, ["LT-A"], delay_s=5.0), Vote(1, ["LT-B"], 50.0, delay_s=0.0)])
    bench.put(LT_A=200.0)
    bench.run(1)
    bench.put(LT_B=60.0)
    (event,) = bench.step()
    data = event.fields["data"]
    assert isinstance(data, dict)
    assert data["channel"] == "LT-B"
    assert event.fields["limit"] == 50.0


# --- first-out -------------------------------------------------------------------------------------------------------


def three_rows() -> Bench:
    rows = [TripRow(f"UZ-{n}", [Vote(1, [f"T-{n}"])], group=group) for n, group in enumerate(("a", "a", "a", "b"))]
    return Bench(make_plan([f"T-{n}" for n in range(4)], rows=rows))


def ranks(bench: Bench) -> list[float]:
    return [bench.read(f"UZ-{n}.FIRST_OUT") for n in range(4)]


def test_causes_of_one_scan_are_all_first_and_later_ones_are_numbered() -> None:
    bench = three_rows()
    bench.put(T_1=200.0, T_2=200.0)
    bench.step()
    first = bench.now_s
    assert ranks(bench) == [0, 1, 1, 0]
    bench.put(T_0=200.0, T_3=200.0)
    bench.step()
    assert ranks(bench) == [2, 1, 1, 1]
    times = bench.state["protection.tripped_utc"][:, 0] - UTC0
    assert list(times[1:3]) == [round(first * 1e9)] * 2
    assert times[0] == times[3] == round(bench.now_s * 1e9)


def test_first_out_stays_frozen_until_the_whole_group_is_reset() -> None:
    bench = three_rows()
    bench.put(T_1=200.0)
    bench.step()
    bench.put(T_0=200.0)
    bench.step()
    bench.put(T_1=0.0)
    bench.step()
    assert bench.reset("UZ-1")[0] is Reason.ACCEPTED
    bench.step()
    assert ranks(bench) == [2, 1, 0, 0]
    bench.put(T_1=200.0, T_2=200.0)  # again, and another one
    bench.step()
    assert ranks(bench) == [2, 1, 3, 0]
    bench.put(T_0=0.0, T_1=0.0, T_2=0.0)
    bench.step()
    for key in ("UZ-0", "UZ-1"):
        assert bench.reset(key)[0] is Reason.ACCEPTED
        bench.step()
        assert ranks(bench) == [2, 1, 3, 0]
    assert bench.reset("UZ-2")[0] is Reason.ACCEPTED
    bench.step()
    assert ranks(bench) == [0, 0, 0, 0]


# --- forces ----------------------------------------------------------------------------------------------------------


def test_the_effect_of_higher_priority_wins_on_one_output() -> None:
    rows = [
        TripRow("UZ-1", [Vote(1, ["T-1"])], forces=[("VENT", 30.0, 5), ("VALVE", 0.0, 5)], latch=False),
        TripRow("UZ-2", [Vote(1, ["T-2"])], forces=[("VENT", 100.0, 7)], latch=False),
    ]
    bench = Bench(make_plan(["T-1", "T-2"], rows=rows, outputs=["PUMP", "VALVE", "VENT"]))
    bench.put(T_1=200.0)
    bench.step()
    np.testing.assert_array_equal(bench.forces[:, 0], [np.nan, 0.0, 30.0])
    assert trip_commands.holder(bench.plan, bench.state, 2) == "UZ-1"
    bench.put(T_2=200.0)
    bench.step()
    np.testing.assert_array_equal(bench.forces[:, 0], [np.nan, 0.0, 100.0])
    assert trip_commands.holder(bench.plan, bench.state, 2) == "UZ-2"
    bench.put(T_1=0.0)
    bench.step()
    np.testing.assert_array_equal(bench.forces[:, 0], [np.nan, np.nan, 100.0])
    assert trip_commands.holder(bench.plan, bench.state, 0) == ""


def test_a_plan_without_rows_forces_nothing() -> None:
    bench = Bench(make_plan(["T-1"], outputs=["VALVE"]))
    assert bench.step() == []
    assert np.isnan(bench.forces).all()


# --- restart and batch -----------------------------------------------------------------------------------------------


def test_a_latch_and_its_first_out_survive_a_restart_and_an_edit_of_the_row() -> None:
    bench = drum()
    low(bench, "A", "B")
    bench.run(6)
    saved = bench.state.save(retained_only=True)
    again = drum(votes=[Vote(2, LEVEL, -300.0, -1.0, 2.0)])
    again.state.restore(saved)
    again.put(LT=0.0)
    assert again.step() == []
    assert again.read("UZ-03.STATE") == TripState.RESETTABLE
    assert again.read("UZ-03.FIRST_OUT") == 1
    assert again.forces[0, 0] == 0.0


def test_a_row_that_lost_its_latch_by_an_edit_follows_its_cause_after_the_restart() -> None:
    bench = drum()
    low(bench, "A", "B")
    bench.run(6)
    again = drum(latch=False)
    again.state.restore(bench.state.save(retained_only=True))
    assert [e.kind for e in again.step()] == [EventKind.TRIP_CLEARED]
    assert again.read("UZ-03.FIRST_OUT") == 0


@pytest.mark.parametrize("clear", [0, 1])
def test_a_reset_in_a_batch_acts_where_it_may(clear: int) -> None:
    bench = Bench(make_plan(["T-1"], rows=[TripRow("UZ-1", [Vote(1, ["T-1"])])]), batch=2)
    bench.put(T_1=200.0)
    bench.step()
    bench.value[0, clear] = 0.0
    bench.step()
    assert bench.reset("UZ-1")[0] is Reason.ACCEPTED
    assert [e.plant for e in bench.events if e.kind is EventKind.TRIP_RESET] == [clear]
    bench.step()
    assert list(bench.state["protection.acting"][0]) == [clear == 1, clear == 0]
    assert list(bench.state["protection.rank"][0]) == [int(clear == 1), int(clear == 0)]


def test_a_plant_of_a_batch_is_reset_once_although_another_stays_latched() -> None:
    bench = Bench(make_plan(["T-1"], rows=[TripRow("UZ-1", [Vote(1, ["T-1"])])]), batch=2)
    bench.put(T_1=200.0)
    bench.step()
    bench.value[0, 0] = 0.0
    bench.step()
    assert bench.reset("UZ-1")[0] is Reason.ACCEPTED
    assert bench.reset("UZ-1")[0] is Reason.CAUSE_STANDS
    assert [e.plant for e in bench.events if e.kind is EventKind.TRIP_RESET] == [0]
