"""Calculated tags that remember: filters, delays, latches, turns, totals, dead times, rolling means."""

from fractions import Fraction

import numpy as np
import pytest

from controller.core.quality import BAD, GOOD, UNCERTAIN_LAST_USABLE, UNCERTAIN_SUB_NORMAL
from controller.core.state import State
from controller.logic import derived
from tests.calculated import Bench, tag

INPUTS = {"A-1001": "t/h", "T-1001": "°C", "X-1001": "bool", "Z-1001": "bool"}


def one(spec: dict[str, object], unit: str = "t/h", **more: object) -> Bench:
    return Bench(INPUTS, {"Y-1001": tag(spec, unit, **more)})


def test_a_lag_starts_at_its_input_and_reaches_63_percent_in_one_time_constant() -> None:
    bench = one({"kind": "lag", "of": "A-1001", "tau_s": 10.0})
    assert bench.series("Y-1001", A_1001=[5.0]) == [5.0]
    assert bench.series("Y-1001", A_1001=[6.0] * 100)[-1] == pytest.approx(6.0 - np.exp(-1.0), abs=1e-9)


def test_a_lag_does_not_move_differently_when_turns_are_missed() -> None:
    slow, fast = (one({"kind": "lag", "of": "A-1001", "tau_s": 10.0}) for _ in range(2))
    for bench in (slow, fast):
        bench.series("Y-1001", A_1001=[0.0])
        bench.put(A_1001=1.0)
    slow.step(turns=7)
    for _ in range(7):
        fast.step()
    assert slow.read("Y-1001") == pytest.approx(fast.read("Y-1001"), rel=1e-13)


@pytest.mark.parametrize("kind", ["lag", "ramp", "lead_lag"])
def test_a_filter_stands_still_while_its_input_is_bad(kind: str) -> None:
    numbers = {
        "lag": {"tau_s": 10.0},
        "ramp": {"up_per_s": 1.0, "down_per_s": 1.0},
        "lead_lag": {"lead_s": 0.0, "lag_s": 10.0},
    }
    bench = one({"kind": kind, "of": "A-1001", **numbers[kind]})
    before = bench.series("Y-1001", A_1001=[0.0, 10.0])[-1]
    gap = bench.series("Y-1001", A_1001=[None] * 5)
    assert np.isnan(gap).all()
    assert bench.code("Y-1001") >= BAD
    after = bench.series("Y-1001", A_1001=[10.0])[0]
    assert before < after < before + 0.2


def test_a_lead_lag_answers_a_step_as_the_formula_says() -> None:
    bench = one({"kind": "lead_lag", "of": "A-1001", "lead_s": 5.0, "lag_s": 10.0, "gain": 2.0})
    found = bench.series("Y-1001", A_1001=[0.0, *[1.0] * 100])
    seconds = np.arange(1, 101) * 0.1
    assert found[1:] == pytest.approx(2.0 * (1.0 - 0.5 * np.exp(-seconds / 10.0)), abs=1e-12)
    assert found[0] == 0.0


def test_a_slope_is_the_rate_of_a_ramp_once_it_has_settled() -> None:
    bench = one({"kind": "slope", "of": "T-1001", "tau_s": 2.0, "gain": 60.0}, "K/min")
    found = bench.series("Y-1001", T_1001=[20.0 + 0.05 * n for n in range(400)])  # 0.5 K/s
    assert found[0] == 0.0
    assert found[-1] == pytest.approx(30.0, rel=1e-6)
    assert max(found) <= 30.0 + 1e-9


def test_a_ramp_limits_the_speed_in_each_direction() -> None:
    bench = one({"kind": "ramp", "of": "A-1001", "up_per_s": 1.0, "down_per_s": 5.0})
    up = bench.series("Y-1001", A_1001=[0.0, *[1.0] * 11])
    assert up == pytest.approx([0.0, *(0.1 * n for n in range(1, 11)), 1.0])
    assert bench.series("Y-1001", A_1001=[0.0, 0.0]) == pytest.approx([0.5, 0.0])


def test_an_on_delay_waits_without_a_break() -> None:
    bench = one({"kind": "on_delay", "of": "X-1001", "delay_s": 0.3}, "bool")
    course = [0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0]
    assert bench.series("Y-1001", X_1001=course) == [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0]


def test_an_on_delay_waits_at_the_start_as_well() -> None:
    bench = one({"kind": "on_delay", "of": "X-1001", "delay_s": 0.2}, "bool")
    assert bench.series("Y-1001", X_1001=[1, 1, 1]) == [0, 0, 1]


def test_a_delay_counts_missed_turns_while_it_runs_and_not_before() -> None:
    bench = one({"kind": "on_delay", "of": "X-1001", "delay_s": 0.5}, "bool")
    bench.series("Y-1001", X_1001=[0.0])
    bench.put(X_1001=1.0)
    found: list[float] = []
    for _ in range(3):
        bench.step(turns=3)
        found.append(bench.read("Y-1001"))
    assert found == [0.0, 0.0, 1.0]


def test_an_off_delay_holds_what_was_true() -> None:
    bench = one({"kind": "off_delay", "of": "X-1001", "delay_s": 0.3}, "bool")
    course = [0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0]
    assert bench.series("Y-1001", X_1001=course) == [0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1]


def test_a_delay_stands_still_while_its_input_is_unknown() -> None:
    bench = one({"kind": "on_delay", "of": "X-1001", "delay_s": 0.3}, "bool")
    found = bench.series("Y-1001", X_1001=[1.0, 1.0, None, None, None, 1.0, 1.0])
    assert [0.0 if x == 0.0 else 1.0 if x == 1.0 else None for x in found] == [0.0, 0.0, None, None, None, 0.0, 1.0]


def test_a_latch_is_set_until_it_is_reset_and_reset_wins() -> None:
    bench = one({"kind": "latch", "of": "X-1001", "reset": "Z-1001"}, "bool")
    found = bench.series("Y-1001", X_1001=[0, 1, 0, 0, 0, 1, 1], Z_1001=[0, 0, 0, 1, 0, 1, 0])
    assert found == [0, 1, 1, 0, 0, 0, 1]


def test_a_latch_is_unknown_only_where_its_inputs_leave_it_open() -> None:
    bench = one({"kind": "latch", "of": "X-1001", "reset": "Z-1001"}, "bool")
    found = bench.series("Y-1001", X_1001=[None, 0.0, 1.0, None, 0.0, None], Z_1001=[0.0, None, 0.0, 0.0, None, 1.0])
    assert np.isnan(found[0])
    assert found[1:] == [0.0, 1.0, 1.0, 1.0, 0.0]
    assert GOOD < bench.code("Y-1001") < BAD


def test_a_turn_counts_its_steps_round_and_begins_anew() -> None:
    bench = one({"kind": "turn", "of": "X-1001", "steps": 3, "step_s": 0.2}, "")
    course = [0, 1, 1, 1, 1, 1, 1, 1, 0, 1]
    assert bench.series("Y-1001", X_1001=course) == [0, 1, 1, 2, 2, 3, 3, 1, 0, 1]


def test_a_total_is_exact_over_many_small_steps() -> None:
    bench = one({"kind": "total", "of": "A-1001"}, "t")
    rng = np.random.default_rng(5)
    flows = rng.uniform(0.0, 100.0, 3000)
    found = bench.series("Y-1001", A_1001=flows)[-1]
    share = bench.plan.derived[0].params["share"][0, 0]
    exact = sum((Fraction(float(x * share)) for x in flows), Fraction(0))
    assert found == pytest.approx(float(exact), rel=3e-16)
    assert found == pytest.approx(flows.sum() / 36_000.0, rel=1e-12)


def test_a_total_stands_uncertain_while_its_input_is_bad_and_is_reset_to_zero() -> None:
    bench = one({"kind": "total", "of": "A-1001", "per": "s", "reset": "X-1001"}, "t", why="t/h counted per second")
    assert bench.series("Y-1001", A_1001=[10.0, 10.0])[-1] == pytest.approx(2.0)
    assert bench.series("Y-1001", A_1001=[None])[-1] == pytest.approx(2.0)
    assert bench.code("Y-1001") == UNCERTAIN_LAST_USABLE
    assert bench.series("Y-1001", A_1001=[10.0, 10.0], X_1001=[1.0, 0.0]) == pytest.approx([0.0, 1.0])


def test_a_total_of_a_bool_counts_the_hours_it_is_true() -> None:
    bench = one({"kind": "total", "of": "X-1001"}, "h")
    assert bench.series("Y-1001", X_1001=[1.0, 0.0, 1.0])[-1] == pytest.approx(0.2 / 3600.0)


def test_totals_and_latches_survive_a_restart_and_filters_begin_anew() -> None:
    tags = {
        "Y-1001": tag({"kind": "total", "of": "A-1001"}, "t"),
        "Y-1002": tag({"kind": "latch", "of": "X-1001", "reset": "Z-1001"}, "bool"),
        "Y-1003": tag({"kind": "lag", "of": "A-1001", "tau_s": 100.0}, "t/h"),
    }
    first = Bench(INPUTS, tags)
    first.series("Y-1001", A_1001=[0.0, *[36.0] * 10], X_1001=[1.0] * 11)
    again = Bench(INPUTS, tags)
    report = again.state.restore(first.state.save(retained_only=True))
    assert not report.cold
    again.series("Y-1001", A_1001=[36.0], X_1001=[0.0])
    assert again.read("Y-1001") == pytest.approx(11 * 1e-3)
    assert again.read("Y-1002") == 1.0
    assert again.read("Y-1003") == 36.0


def test_a_total_whose_meaning_changed_starts_cold() -> None:
    first = one({"kind": "total", "of": "A-1001"}, "t")
    first.series("Y-1001", A_1001=[36.0] * 10)
    other = one({"kind": "total", "of": "A-1001", "per": "s"}, "t", why="t/h counted per second")
    report = other.state.restore(first.state.save(retained_only=True))
    assert "derived.total/U1-Y-1001" in report.cold


def test_a_ring_of_another_length_or_company_begins_anew_from_a_snapshot() -> None:
    spec: dict[str, object] = {"kind": "dead_time", "of": "A-1001", "delay_s": 0.7}
    first = one(spec)
    first.series("Y-1001", A_1001=[1.0] * 6)
    shorter = one({**spec, "delay_s": 0.3})
    shorter.state.restore(first.state.save())
    assert shorter.series("Y-1001", A_1001=[2.0, 3.0, 3.0, 3.0]) == [2.0, 2.0, 2.0, 2.0]
    other = Bench(INPUTS, {"Y-1001": tag(spec, "t/h"), "Y-1002": tag({**spec, "delay_s": 0.1}, "t/h")})
    other.state.restore(first.state.save())
    assert other.series("Y-1001", A_1001=[2.0, 3.0]) == [2.0, 2.0]


def test_a_dead_time_gives_back_every_value_after_its_time() -> None:
    bench = one({"kind": "dead_time", "of": "A-1001", "delay_s": 0.5})
    course = list(np.random.default_rng(1).uniform(0.0, 9.0, 40))
    assert bench.series("Y-1001", A_1001=course) == [course[max(0, n - 5)] for n in range(40)]


def test_dead_times_of_different_length_share_a_ring() -> None:
    tags = {f"Y-100{n}": tag({"kind": "dead_time", "of": "A-1001", "delay_s": n / 10}, "t/h") for n in (1, 4, 7)}
    bench = Bench(INPUTS, tags)
    assert len(bench.plan.derived) == 1
    course = [float(n) for n in range(30)]
    for n, x in enumerate(course):
        bench.put(A_1001=x)
        bench.step()
        assert [bench.read(f"Y-100{d}") for d in (1, 4, 7)] == [max(0.0, n - d) for d in (1.0, 4.0, 7.0)]


def test_a_dead_time_delays_the_quality_too() -> None:
    bench = one({"kind": "dead_time", "of": "A-1001", "delay_s": 0.2})
    found = bench.series("Y-1001", A_1001=[None, 1.0, None, 2.0, 3.0, 4.0])
    assert np.isnan(found[0])
    assert found[1:4] == [1.0, 1.0, 1.0]
    assert np.isnan(found[4])
    assert found[5] == 2.0


def test_a_rolling_mean_is_the_mean_of_its_window() -> None:
    tags = {f"Y-100{n}": tag({"kind": "rolling_mean", "of": "A-1001", "window_s": n / 10}, "t/h") for n in (1, 4, 7)}
    bench = Bench(INPUTS, tags)
    course = np.random.default_rng(2).uniform(-5.0, 5.0, 200)
    for n, x in enumerate(course):
        bench.put(A_1001=x)
        bench.step()
        for width in (1, 4, 7):
            wanted = course[max(0, n + 1 - width) : n + 1].mean()
            assert bench.read(f"Y-100{width}") == pytest.approx(wanted, abs=1e-12)


def test_a_rolling_mean_is_good_with_three_quarters_of_its_window() -> None:
    bench = one({"kind": "rolling_mean", "of": "A-1001", "window_s": 0.8})
    codes: list[int] = []
    for n, x in enumerate([*range(8), None, None, None, 3.0, *[None] * 8]):
        bench.put(A_1001=x)
        bench.step()
        codes.append(bench.code("Y-1001"))
        if n == 10:
            assert bench.read("Y-1001") == pytest.approx((3 + 4 + 5 + 6 + 7) / 5)
    assert codes[:12] == [UNCERTAIN_SUB_NORMAL] * 5 + [GOOD] * 5 + [UNCERTAIN_SUB_NORMAL] * 2
    assert codes[-1] >= BAD
    assert np.isnan(bench.read("Y-1001"))


def test_a_rolling_mean_forgets_a_huge_value_completely() -> None:
    bench = one({"kind": "rolling_mean", "of": "A-1001", "window_s": 0.5})
    bench.series("Y-1001", A_1001=[1e15, *[0.1] * 12])
    assert bench.read("Y-1001") == pytest.approx(0.1, rel=1e-15)


def test_missed_turns_count_in_a_ring() -> None:
    bench = one({"kind": "dead_time", "of": "A-1001", "delay_s": 0.5})
    bench.series("Y-1001", A_1001=[1.0] * 6)
    bench.put(A_1001=2.0)
    bench.step(turns=3)
    found = bench.series("Y-1001", A_1001=[3.0, 3.0, 3.0, 3.0, 3.0])
    assert found == [1.0, 1.0, 2.0, 2.0, 2.0]


def test_a_slow_tag_counts_its_own_turns() -> None:
    bench = one({"kind": "dead_time", "of": "A-1001", "delay_s": 2.0}, rate=10)
    (group,) = bench.plan.derived
    assert (group.rate, group.ring) == (10, 2)


def test_one_group_can_be_calculated_alone() -> None:
    bench = one({"kind": "lag", "of": "A-1001", "tau_s": 1.0})
    bench.put(A_1001=3.0)
    state = State(1)
    derived.add_state(bench.plan, state)
    derived.evaluate(state, bench.plan.derived[0], bench.value, bench.quality, 1)
    assert bench.read("Y-1001") == 3.0
