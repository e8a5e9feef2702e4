"""Worked examples of the emission rules, digit for digit."""

import math
from dataclasses import replace

import numpy as np
import pytest

from controller.core.emission_plan import EmissionPlan
from controller.core.event import EventKind
from controller.logic.emissions import compliance, normalise
from controller.logic.emissions.figures import C
from controller.logic.emissions.work import Work, Y
from tests.emission_bench import VALUE, Bench, sampled_every, shipped

REL = 1e-3

IED = {  # daily, A, B, confidence
    "NOX": (200.0, 400.0, 200.0, 40.0),
    "CO": (50.0, 100.0, np.nan, 5.0),
    "SO2": (50.0, 200.0, 50.0, 10.0),
    "HCL": (10.0, 60.0, 10.0, 4.0),
    "DUST": (10.0, 30.0, 10.0, 3.0),
}


def plan_of(*, ten_minute: bool = False, ied: bool = True) -> EmissionPlan:
    """Return the shipped plan with limits of the directive; one sample a minute."""
    plan = shipped().emissions
    assert plan is not None
    plan = sampled_every(plan, 30)
    if ied:
        arrays = [np.array(getattr(plan, name)) for name in ("limit_day", "limit_a", "limit_b", "confidence")]
        for number, substance in enumerate(plan.substances):
            for array, limit in zip(arrays, IED.get(substance, (np.nan, np.nan, np.nan, 0.0)), strict=True):
                array[number] = limit
        day, a, b, confidence = arrays
        plan = replace(plan, limit_day=day, limit_a=a, limit_b=b, confidence=confidence)
    if not ten_minute:
        nothing = np.full_like(plan.limit_ten, np.nan)
        return replace(plan, limit_ten=nothing, ten_allowed=nothing)
    return plan


def f(number: float) -> np.ndarray:
    return np.array([[number]])


def test_dust_in_the_stack() -> None:
    factors = [
        normalise.temperature_factor(f(140.0), 273.15),
        normalise.pressure_factor(f(92.8), 101.3),
        normalise.humidity_factor(f(0.188)),
        normalise.oxygen_factor(f(8.48), 11.0, 21.0),
    ]
    assert [round(float(x[0, 0]), 5) for x in factors] == [1.51254, 1.09159, 1.23153, 0.79872]
    whole = math.prod(float(x[0, 0]) for x in factors)
    assert round(whole, 5) == 1.62408
    assert round(2.10 * whole, 4) == 3.4106
    other = float(normalise.oxygen_factor(f(8.48), 11.0, 20.9)[0, 0]) / 0.79872 * 3.4106
    assert other == pytest.approx(3.4037, rel=REL)
    assert 2.10 * whole / 1.09159 == pytest.approx(3.1244, rel=REL)


def test_dust_goes_through_the_chain_as_by_hand() -> None:
    bench = Bench(plan_of(ied=False))
    for key, value in {"AT-2508": 2.10, "TT-2514": 140.0, "PT-2515": 92.8, "AT-2511": 18.8, "AT-2510": 8.48}.items():
        bench.put(f"L1-{key}", value)
    bench.scan()
    assert round(bench.get("L1-AY-2508"), 4) == 3.4106


def test_hot_wet_gases() -> None:
    assert round(float(normalise.dry_oxygen(f(6.886), f(0.188))[0, 0]), 4) == 8.4803
    wet = float(normalise.from_ppm(f(58.0 + 2.5), 46.006)[0, 0])
    dry = wet * float(normalise.humidity_factor(f(0.188))[0, 0])
    assert (wet, dry) == (pytest.approx(124.178, rel=1e-4), pytest.approx(152.929, rel=1e-4))
    assert dry * float(normalise.oxygen_factor(f(8.48), 11.0, 21.0)[0, 0]) == pytest.approx(122.148, rel=1e-4)


@pytest.mark.parametrize(
    ("ppm", "mass", "expected"),
    [(9.0, 28.010, 11.063), (3.1, 36.461, 4.960), (4.0, 17.031, 2.990), (5.0, 64.064, 14.057)],
)
def test_ppm_of_hot_wet_gas_at_the_reference(ppm: float, mass: float, expected: float) -> None:
    factor = normalise.humidity_factor(f(0.188)) * normalise.oxygen_factor(f(8.48), 11.0, 21.0)
    assert float((normalise.from_ppm(f(ppm), mass) * factor)[0, 0]) == pytest.approx(expected, rel=1e-3)


def test_oxygen_factors() -> None:
    expected = {8.48: 0.79872, 11.0: 1.0, 14.0: 1.42857, 17.0: 2.5, 19.0: 5.0, 20.5: 20.0}
    for o2, factor in expected.items():
        assert round(float(normalise.oxygen_factor(f(o2), 11.0, 21.0)[0, 0]), 5) == factor


def test_each_sample_is_normalised_before_the_mean() -> None:
    bench = Bench(plan_of())
    bench.begin()
    for hcl, o2, minutes in ((5.0, 8.0, 20), (30.0, 13.0, 10)):
        bench.put("L1-AT-2504", hcl)
        bench.put("L1-AT-2510", o2)
        bench.run_to_end(minutes)
    assert bench.get("L1-AY-2504.M30") == pytest.approx(15.0641, rel=1e-5)


@pytest.mark.parametrize(
    ("substance", "mean", "validated", "is_above_b", "is_above_a"),
    [
        ("HCL", 11.2, 7.2, False, False),
        ("HCL", 2.1, 0.0, False, False),
        ("DUST", 12.9, 9.9, False, False),
        ("DUST", 13.1, 10.1, True, False),
        ("NOX", 455.0, 415.0, True, True),
        ("SO2", 58.0, 48.0, False, False),
    ],
)
def test_validation(substance: str, mean: float, validated: float, *, is_above_b: bool, is_above_a: bool) -> None:
    bench = half_hours({substance: [mean]})
    tag = f"L1-{VALUE[substance]}"
    assert bench.get(f"{tag}.V30") == pytest.approx(validated, abs=1e-6)
    assert bench.get(f"{tag}.XA") == is_above_a
    assert bench.get(f"{tag}.SB") == (0.0 if is_above_b else 100.0)
    assert bool([one for one in bench.events if one.kind is EventKind.EMISSION_EXCEEDED]) == is_above_a


def half_hours(levels: dict[str, list[float]], *, plan: EmissionPlan | None = None, parts: int = 30) -> Bench:
    """Run periods of ``parts`` minutes at these levels of line 1, NaN: in maintenance, with waste on the grate."""
    bench = Bench(plan or plan_of())
    bench.begin()
    for step in range(max(map(len, levels.values()))):
        number = {name: one[step] for name, one in levels.items()}
        is_out = any(np.isnan(one) for one in number.values())
        bench.put("L1-XS-2520", 1.0 if is_out else 0.0)
        for substance, level in number.items():
            if not np.isnan(level):
                bench.put(f"L1-{VALUE[substance].replace('AY', 'AT')}", level)
        bench.feed()
        bench.run_to_end(parts)
    return bench


def test_the_day_of_nox() -> None:
    raw = [round(118.0 + 35.0 * math.sin(2.0 * math.pi * i / 48.0), 3) for i in range(48)]
    raw[20], raw[21] = 455.0, 438.0
    series = [math.nan if 10 <= i <= 14 else one for i, one in enumerate(raw)]
    bench = half_hours({"NOX": series})
    (day,) = bench.recorded("day")
    assert day["NOX"] == pytest.approx(88.560, abs=1e-3)
    assert (day["NOX.n"], day["NOX.lost"], day["NOX.above"]) == (43, 5, False)
    assert bench.get("L1-AY-2501.DL") == pytest.approx(88.560, abs=1e-3)
    assert bench.get("L1-AY-2501.XA") == 1.0  # i = 20 only: 438 - 40 = 398
    assert bench.get("L1-AY-2501.SB") == pytest.approx(100.0 - 100.0 * 2 / 43)
    valid = [one for one in series if not math.isnan(one)]
    assert sum(valid) / 43 == pytest.approx(128.560, abs=1e-3)


def test_the_day_of_nox_under_the_permit_assumed() -> None:
    raw = [round(118.0 + 35.0 * math.sin(2.0 * math.pi * i / 48.0), 3) for i in range(48)]
    raw[20], raw[21] = 455.0, 438.0
    series = [math.nan if 10 <= i <= 14 else one for i, one in enumerate(raw)]
    bench = half_hours({"NOX": series}, plan=plan_of(ied=False))
    (day,) = bench.recorded("day")
    assert day["NOX"] == pytest.approx(104.560, abs=1e-3)
    assert day["NOX.above"] is False


def test_a_sixth_lost_half_hour_discards_the_day() -> None:
    bench = half_hours({"NOX": [math.nan if 10 <= i <= 15 else 118.0 for i in range(48)]})
    (day,) = bench.recorded("day")
    assert "NOX" not in day
    assert day["NOX.lost"] == 6
    assert bench.get("L1-AY-2501.DLOST") == 1.0
    assert bench.get("L1-XQ-2534") == 1.0


def co_of_the_day() -> list[float]:
    co = [round(12.0 + 6.0 * math.sin(2.0 * math.pi * i / 144.0), 3) for i in range(144)]
    co[50:55] = [310.0, 260.0, 220.0, 190.0, 170.0]
    co[90], co[91] = 165.0, 158.0
    return co


def test_the_day_of_co_by_ten_minute_means() -> None:
    bench = half_hours({"CO": co_of_the_day()}, plan=plan_of(ied=False, ten_minute=True), parts=10)
    (day,) = bench.recorded("day")
    assert (day["CO.ten"], day["CO.ten_above"], day["CO.ten_kept"]) == (144, 7, True)
    assert day["CO"] == pytest.approx(16.547, abs=1e-3)
    assert bench.get("L1-XQ-2532") == 7.0
    assert bench.get("L1-XQ-2530") == 0.0
    seen = [record["CO.v"] for record in bench.recorded(10) if record.get("CO.v", 0.0) > 150.0]  # type: ignore[operator]
    assert seen == pytest.approx([305.0, 255.0, 215.0, 185.0, 165.0, 160.0, 153.0], abs=1e-6)


def test_the_day_of_co_with_eight_above_fails_and_stops_the_feed() -> None:
    co = co_of_the_day()
    co[92] = 158.0
    bench = half_hours({"CO": co}, plan=plan_of(ied=False, ten_minute=True), parts=10)
    (day,) = bench.recorded("day")
    assert (day["CO.ten_above"], day["CO.ten_kept"]) == (8, False)
    assert bench.get("L1-XQ-2532") == 8.0
    assert bench.get("L1-AY-2502.EXC") == 1.0
    # The count reaches 8 in the half-hour of i = 90..92 and stands until the end of the day: 18 half-hours.
    assert bench.get("L1-XQ-2530") == 9.0


def test_the_day_of_co_by_half_hours_fails() -> None:
    bench = half_hours({"CO": co_of_the_day()}, parts=10)
    exceeded = [record["CO.v"] for record in bench.recorded(30) if record["CO.v"] > 100.0]  # type: ignore[operator]
    assert exceeded == pytest.approx([109.752, 218.333, 105.135], abs=1e-3)


def test_the_clocks_of_four_and_sixty_hours() -> None:
    series = [10.0] * 4 + [455.0] * 7 + [10.0] * 2 + [455.0] * 9 + [10.0] * 4
    plan = plan_of()
    hours = np.array(plan.start_monitor)
    hours[1] = 52.5
    bench = half_hours({"NOX": series}, plan=replace(plan, start_monitor=hours, start_year=np.full(2, 2026)))
    record = bench.recorded(30)
    run = [one["run_h"] for one in record]
    year = [one["year_h"] for one in record]
    assert run[4:11] == [0.5 * k for k in range(1, 8)]
    assert (run[10], year[10]) == (3.5, 56.0)
    assert run[11:13] == [0.0, 0.0]
    assert run[13:22] == [0.5 * k for k in range(1, 10)]
    assert (run[20], year[20], run[21], year[21]) == (4.0, 60.0, 4.5, 60.5)
    assert run[22:] == [0.0] * 4
    assert [index for index, one in enumerate(run) if one == 3.0] == [9, 18]


def test_twenty_and_thirty_minutes_of_the_same_minutes() -> None:
    minutes = [150.0 + 2.0 * (i - 25) if 25 <= i <= 44 else 90.0 for i in range(60)]
    bench = half_hours({"NOX": minutes}, parts=1)
    assert [one["NOX"] for one in bench.recorded(20)] == pytest.approx([90.0, 145.5, 113.5], abs=1e-6)
    assert [one["NOX"] for one in bench.recorded(30)] == pytest.approx([100.667, 132.0], abs=1e-3)


def test_mass_flow() -> None:
    flow = normalise.reference_flow(f(154_119.0), f(0.0), f(8.484), 11.0, 21.0)
    kg_per_h = float(95.0 * 1e-6 * flow[0, 0])
    assert kg_per_h == pytest.approx(18.325, abs=1e-3)
    assert kg_per_h / 3.6 == pytest.approx(5.0903, abs=1e-3)
    assert kg_per_h * 8000.0 / 1000.0 == pytest.approx(146.6, abs=0.05)


def test_the_forecast_is_high_first_then_runs_back_then_is_certain() -> None:
    plan = plan_of()
    levels = [(1260.0 - 450.0) / 15.0] * 15 + [150.0] * 3
    bench = half_hours({"HCL": levels[:18]}, plan=plan, parts=1)
    tag = "L1-AY-2504"
    assert bench.get(f"{tag}.FC") == pytest.approx(98.0, abs=1e-6)
    assert bench.get(f"{tag}.FX") == 1.0
    assert bench.get(f"{tag}.RB") == 1.0  # (1260 + 10 * 150) / 30 - 4 = 88 > 60
    assert bench.get(f"{tag}.EXC") == 0.0
    # 64 * 30 = 1920 is reached 4.4 minutes later
    assert bench.get(f"{tag}.TTL") == pytest.approx((64.0 * 30.0 - 1260.0) / 150.0, abs=1e-6)
    for _ in range(6):
        bench.run_to_end(1)
    assert bench.get(f"{tag}.EXC") == 1.0
    assert bench.get("L1-XY-2532") == 1.0


@pytest.mark.parametrize(("above", "share"), [(420, 97.500), (504, 97.0), (540, 96.786)])
def test_the_share_of_the_year(above: int, share: float) -> None:
    bench = Bench(plan_of())
    work: Work = bench.state.scratch["emissions"]
    work.year[Y.HALF_HOURS], work.year[Y.ABOVE_B] = 16_800.0, above
    compliance.show(work, bench.utc)
    assert work.shown[C.SHARE_B, 0, 0] == pytest.approx(share, abs=1e-3)
    assert (above <= 504) == (round(float(work.shown[C.SHARE_B, 0, 0]), 9) >= 97.0)
