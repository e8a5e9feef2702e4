"""What an operator and an inspector would see of the emission calculation, told from start to end."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from controller.core.compiler.zone import midnight, zone_table
from controller.core.emission_plan import EmissionPlan
from controller.core.event import EventKind
from controller.core.quality import (
    BAD,
    BAD_OUT_OF_SERVICE,
    BAD_SENSOR_FAILURE,
    GOOD,
    UNCERTAIN_EU_EXCEEDED,
    UNCERTAIN_SENSOR_NOT_ACCURATE,
)
from controller.core.state import State
from controller.logic import emissions
from controller.logic.emissions.reasons import Why
from tests.emission_bench import HOUR, MIDNIGHT, MINUTE, SECOND, Bench, sampled_every, shipped

NOX, HCL = "L1-AY-2501", "L1-AY-2504"


def bench(*, every_s: int = 20, batch: int = 1, utc: int = MIDNIGHT) -> Bench:
    plan = shipped().emissions
    assert plan is not None
    made = Bench(sampled_every(plan, every_s) if every_s > 1 else plan, batch=batch, utc=utc)
    made.begin()
    return made


def run(one: Bench, minutes: float) -> None:
    """Let time pass with waste on the grates."""
    for _ in range(round(minutes * MINUTE / one.plan.sample_ns)):
        one.utc += one.plan.sample_ns
        one.feed()
        one._tremble()
        one.scan()


def kill_and_restart(one: Bench, plan: EmissionPlan | None = None, *, retained_only: bool = True) -> None:
    """Let the process die and come back with what it had retained, perhaps with another plan."""
    saved = one.state.save(retained_only=retained_only)
    one.plan = plan or one.plan
    one.state = State(one.batch)
    emissions.prepare(one.plan, one.state)
    one.state.restore(saved)


def why(one: Bench, tag: str) -> int:
    return int(one.get(f"{tag}.WHY"))


# --- readings that are not believed ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "number", "reason", "code"),
    [
        ("AT-2501", np.nan, Why.SIGNAL, BAD_SENSOR_FAILURE),
        ("AT-2501", -60.0, Why.IMPLAUSIBLE, BAD_SENSOR_FAILURE),
        ("XS-2520", 1.0, Why.MAINTENANCE, BAD_OUT_OF_SERVICE),
        ("XS-2520", 2.0, Why.CALIBRATION, BAD_OUT_OF_SERVICE),
        ("XS-2520", 3.0, Why.FAULT, None),
        ("XS-2520", np.nan, Why.FAULT, None),
        ("AT-2510", np.nan, Why.REFERENCE, None),
        ("AT-2511", np.nan, Why.REFERENCE, None),
        ("AT-2510", 20.4, Why.O2_HIGH, None),
    ],
)
def test_a_reading_that_is_not_valid_shows_no_number_and_says_why(
    key: str, number: float, reason: int, code: int | None
) -> None:
    one = bench()
    run(one, 2)
    assert one.code(NOX) == GOOD
    one.put(f"L1-{key}", number)
    run(one, 2)
    assert np.isnan(one.get(NOX))
    assert np.isnan(one.get(f"{NOX}.M1"))
    assert one.code(NOX) >= BAD
    if code is not None:
        assert one.code(NOX) == code
    assert why(one, NOX) >> reason & 1
    assert one.code("L2-AY-2501") == GOOD  # the other line is not touched
    assert one.get("L1-XY-2534") == 0.0


def test_a_reading_that_stands_still_is_not_believed() -> None:
    one = bench()
    for _ in range(18):
        one.utc += one.plan.sample_ns
        one._tremble()
        one.put("L1-AT-2501", 77.0)
        one.scan()
    assert why(one, NOX) >> Why.FROZEN & 1
    assert one.code(NOX) == BAD_SENSOR_FAILURE
    assert one.code(HCL) == GOOD


def test_nothing_to_measure_may_stand_still() -> None:
    one = bench()
    for _ in range(30):
        one.utc += one.plan.sample_ns
        one._tremble()
        one.put("L1-AT-2501", 0.0)
        one.scan()
    assert one.code(NOX) == GOOD


@pytest.mark.parametrize(
    ("key", "number", "remark", "code"),
    [
        ("AT-2501", 800.0, Why.OVER_RANGE, UNCERTAIN_EU_EXCEEDED),
        ("AT-2501.QAL", 2.0, Why.QAL3_OUT, UNCERTAIN_SENSOR_NOT_ACCURATE),
        ("XS-2520", 4.0, Why.STANDBY, GOOD),
    ],
)
def test_what_is_said_about_a_value_that_counts(key: str, number: float, remark: int, code: int) -> None:
    one = bench()
    for _ in range(6):
        one.utc += one.plan.sample_ns
        one._tremble()
        one.put(f"L1-{key}", number)
        one.scan()
    assert one.get(NOX) == pytest.approx(one.values[one.tags.row("L1-AT-2501"), 0])
    assert one.code(NOX) == code
    assert why(one, NOX) >> remark & 1


def test_a_calibration_out_of_date_is_said_and_the_value_counts() -> None:
    last = midnight(zone_table("Asia/Almaty"), date(2029, 1, 1))
    one = bench(utc=last - 2 * MINUTE)
    run(one, 1)
    assert why(one, NOX) == 0
    run(one, 4)
    assert why(one, NOX) >> Why.CALIBRATION_EXPIRED & 1
    assert one.code(NOX) == UNCERTAIN_SENSOR_NOT_ACCURATE
    assert one.get(f"{NOX}.M1") == pytest.approx(1.0)


def test_a_half_hour_with_too_few_minutes_is_lost_and_counted() -> None:
    one = bench()
    run(one, 15)
    one.put("L1-XS-2520", 1.0)
    run(one, 11)
    one.put("L1-XS-2520", 0.0)
    run(one, 5)
    assert np.isnan(one.get(f"{NOX}.V30"))
    assert one.get(f"{NOX}.LOST") == 1.0
    assert one.get("L1-XQ-2533") == 1.0
    (record,) = one.recorded(30)
    assert "NOX" not in record
    assert record["NOX.n"] == 19
    assert record["NOX.why"] == "maintenance, reference, too few"
    assert (one.get("L2-XQ-2533"), one.get("L2-AY-2501.V30")) == (0.0, 0.0)


def test_without_waste_nothing_counts() -> None:
    one = bench()
    one.put("L1-AT-2501", 700.0)
    one.state["emission.waste_s"][0] = 60.0  # the last stroke was long ago
    one.run(35)
    assert one.get("L1-XS-2522") == 3.0
    assert one.get(f"{NOX}.M30") == pytest.approx(700.0)
    assert np.isnan(one.get(f"{NOX}.V30"))
    assert one.get(f"{NOX}.EXC") == 0.0
    assert one.get("L1-XQ-2533") == 0.0


# --- what protection acts on -----------------------------------------------------------------------------------------


def test_the_exceedance_is_certain_at_the_first_scan_after_the_minute_that_makes_it_so() -> None:
    one = bench()
    one.put("L1-AT-2504", 85.0)  # 62.4 * 30 / 85 = 22.02: after 23 minutes whatever comes
    run(one, 22.5)
    assert one.get(f"{HCL}.EXC") == 0.0
    assert one.get(f"{HCL}.RB") == 1.0
    while one.utc < MIDNIGHT + 23 * MINUTE - one.plan.sample_ns:
        run(one, 1 / 3)
    assert one.get(f"{HCL}.EXC") == 0.0
    run(one, 1 / 3)  # 00:23:00
    assert one.get(f"{HCL}.EXC") == 1.0
    assert one.get("L1-XY-2532") == 1.0


def test_the_exceedance_stands_until_a_half_hour_keeps_the_limit() -> None:
    one = bench()
    one.put("L1-AT-2504", 85.0)
    run(one, 31)
    assert one.get("L1-XQ-2530") == 0.5
    (event,) = [seen for seen in one.events if seen.kind is EventKind.EMISSION_EXCEEDED]
    assert event.text == "L1/HCL: validated half-hour 82.6 above limit A 60"
    one.put("L1-XS-2520", 1.0)  # a lost half-hour proves nothing
    run(one, 30)
    assert one.get(f"{HCL}.EXC") == 1.0
    assert one.get("L1-XQ-2530") == 0.5
    one.put("L1-XS-2520", 0.0)
    one.put("L1-AT-2504", 3.0)
    run(one, 30)
    assert one.get(f"{HCL}.EXC") == 0.0
    assert one.get("L1-XQ-2530") == 0.0
    assert one.get("L1-XQ-2531") == 0.5


def test_ammonia_and_mercury_have_no_half_hour_limit() -> None:
    one = bench()
    one.put("L1-AT-2506", 70.0)
    one.put("L1-AT-2509", 90.0)
    run(one, 61)
    assert one.get("L1-XY-2532") == 0.0
    assert one.get("L1-XQ-2531") == 0.0


# --- restarts and clocks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", [17 * 60 + 40, 30 * 60 - 20, 30 * 60])
def test_a_kill_inside_of_a_half_hour_changes_nothing(moment: int) -> None:
    straight, killed = bench(), bench()
    for one in (straight, killed):
        one.put("L1-AT-2504", 85.0)
        run(one, moment / 60)
        if one is killed:
            kill_and_restart(one)
        run(one, 95 - moment / 60)
    assert killed.values.tobytes() == straight.values.tobytes()
    assert killed.recorded(30) == straight.recorded(30)
    assert killed.get("L1-XQ-2530") == 1.5


def test_a_restart_shows_all_values_before_its_first_scan() -> None:
    one = bench()
    run(one, 31)
    shown, codes = one.values[one.plan.rows].copy(), one.quality[one.plan.rows].copy()
    kill_and_restart(one)
    one.values[one.plan.rows] = np.nan
    emissions.show(one.plan, one.state, one.values, one.quality, one.time, one.utc)
    assert np.array_equal(one.values[one.plan.rows], shown, equal_nan=True)
    assert np.array_equal(one.quality[one.plan.rows], codes)


@pytest.mark.parametrize("moment_s", [500, 599, 600, 1799, 1800])
def test_a_snapshot_goes_on_bit_for_bit(moment_s: int) -> None:
    straight, continued = bench(every_s=1), bench(every_s=1)
    for one in (straight, continued):
        one.put("L1-XI-1325", 1.0)
        run(one, moment_s / 60)
        if one is continued:
            kill_and_restart(one, retained_only=False)
        run(one, 3)
    assert continued.values.tobytes() == straight.values.tobytes()
    assert continued.state.save() == straight.state.save()


def test_an_edited_limit_clears_no_counter_and_another_analyser_only_its_means() -> None:
    one = bench()
    one.put("L1-AT-2504", 85.0)
    run(one, 65)
    edited = replace(one.plan, limit_a=one.plan.limit_a * 2.0)
    kill_and_restart(one, edited)
    one.scan()
    assert (one.get("L1-XQ-2530"), one.get(f"{HCL}.XA")) == (1.0, 2.0)
    number = one.plan.channels.index("L1/HCL")
    hashes = list(one.plan.channel_hashes)
    hashes[number] = "another analyser"
    kill_and_restart(one, replace(edited, channel_hashes=tuple(hashes)))
    one.scan()
    assert np.isnan(one.get(f"{HCL}.M30"))
    assert one.get("L1-AY-2501.M30") == pytest.approx(1.0)
    assert one.get("L1-XQ-2531") == 1.0


def test_hours_in_which_nobody_calculated_are_lost_and_said() -> None:
    one = bench()
    run(one, 40)
    kill_and_restart(one)
    one.utc += 2 * HOUR + 5 * MINUTE
    run(one, 20)
    assert one.get("L1-XQ-2533") == 5.0  # 00:30 (10 minutes of it), 01:00, 01:30, 02:00, 02:30 (15 minutes of it)
    (gap,) = [seen for seen in one.events if seen.kind is EventKind.EMISSION_GAP and seen.source == "L1"]
    assert (gap.data["half_hours"], gap.data["state"]) == (3, "operating")
    assert gap.text == "nobody calculated for 1.5 h"


def test_a_clock_set_back_a_little_counts_every_minute_once() -> None:
    one = bench()
    run(one, 29)
    one.utc -= 5 * MINUTE
    run(one, 7)
    (first,) = one.recorded(30)
    assert first["NOX.n"] == 35
    assert one.get("L1-XQ-2533") == 0.0


def test_an_exceeded_half_hour_that_lasts_longer_counts_longer() -> None:
    one = bench()
    one.put("L1-AT-2504", 85.0)
    run(one, 29)
    one.utc -= 15 * MINUTE
    run(one, 17)
    assert one.get("L1-XQ-2530") == pytest.approx(45 / 60)


def test_new_year_clears_the_year_but_not_the_run() -> None:
    almost = midnight(zone_table("Asia/Almaty"), date(2027, 1, 1)) - HOUR
    one = bench(utc=almost)
    one.put("L1-AT-2504", 85.0)
    run(one, 59)
    assert (one.get("L1-XQ-2530"), one.get("L1-XQ-2531")) == (0.5, 0.5)
    assert one.get(f"{NOX}.TY") > 0.0
    run(one, 2)
    assert (one.get("L1-XQ-2530"), one.get("L1-XQ-2531")) == (1.0, 0.0)
    assert one.get(f"{HCL}.XA") == 0.0
    run(one, 30)
    assert (one.get("L1-XQ-2530"), one.get("L1-XQ-2531")) == (1.5, 0.5)


def test_a_clock_that_ran_into_the_next_year_and_back_loses_no_counter() -> None:
    almost = midnight(zone_table("Asia/Almaty"), date(2027, 1, 1)) - 3 * HOUR
    one = bench(utc=almost)
    one.put("L1-AT-2504", 85.0)
    run(one, 61)
    one.utc += 24 * HOUR
    run(one, 3)
    assert one.get("L1-XQ-2531") == 0.0
    one.utc -= 24 * HOUR
    run(one, 3)
    assert one.get("L1-XQ-2531") == 1.0


@pytest.mark.parametrize(
    ("zone", "day", "half_hours"),
    [
        ("Asia/Almaty", date(2026, 5, 5), 48),
        ("Asia/Almaty", date(2024, 2, 29), 50),
        ("Europe/Berlin", date(2026, 3, 29), 46),
        ("Europe/Berlin", date(2026, 10, 25), 50),
    ],
)
def test_a_day_has_the_half_hours_it_has(zone: str, day: date, half_hours: int) -> None:
    plan = shipped().emissions
    assert plan is not None
    table = zone_table(zone)
    plan = replace(sampled_every(plan, 30), zone=table)
    one = Bench(plan, utc=midnight(table, day))
    one.begin()
    run(one, half_hours * 30 + 1)
    (record,) = one.recorded("day")
    assert (record["day"], record["NOX.n"], record["NOX.lost"]) == (day.isoformat(), half_hours, 0)


def test_start_values_of_a_hand_over_count_in_their_year_only() -> None:
    plan = shipped().emissions
    assert plan is not None
    for year, expected in ((2026, 12.5), (2025, 0.0)):
        start = np.array(plan.start_monitor)
        start[1] = 12.5
        one = Bench(replace(plan, start_monitor=start, start_year=np.full(2, year)))
        one.scan()
        assert one.get("L1-XQ-2531") == expected


# --- many plants, and cost -------------------------------------------------------------------------------------------


def test_a_plant_of_a_batch_equals_the_plant_alone() -> None:
    alone, together = bench(), bench(batch=3)
    together.put("L1-AT-2501", np.array([5.0, 1.0, 700.0]))
    together.put("L1-XS-2520", np.array([0.0, 0.0, 2.0]))
    for one in (alone, together):
        run(one, 65)
    assert together.values[:, 1].tobytes() == alone.values[:, 0].tobytes()
    assert together.recorded(30, plant=1) == alone.recorded(30)


def test_most_scans_cost_nothing() -> None:
    one = bench(every_s=1)
    before = {name: slot.array.copy() for name, slot in one.state.slots.items()}
    for tenth in range(1, 10):
        one.utc = MIDNIGHT + tenth * SECOND // 10
        one.scan()
    assert all(
        np.array_equal(slot.array, before[name], equal_nan=True)
        for name, slot in one.state.slots.items()
        if slot.array.dtype == np.float64
    )
