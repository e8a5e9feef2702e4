"""Margins against what the theory of the SIMC rule says of its own settings."""

import math

import pytest

from controller.core.models import ProcessModel, Schedule, Tuning
from wte.strategy.margins import margins, simc

PERIOD_S = 0.001
DEAD_S = 2.0


def tight(lag_s: float, gain: float = 1.3) -> tuple[Tuning, ProcessModel]:
    """Return a first-order process with the tight SIMC setting and an integral time that cancels the lag."""
    process = ProcessModel(gain=gain, lag_s=lag_s, dead_time_s=DEAD_S - PERIOD_S / 2.0)
    return Tuning(kp=lag_s / (abs(gain) * 2.0 * DEAD_S), ti_s=lag_s), process


@pytest.mark.parametrize(("lag_s", "gain"), [(5.0, 1.3), (12.0, -0.4), (16.0, 2.0)])
def test_the_tight_setting_has_the_margins_of_the_rule(lag_s: float, gain: float) -> None:
    found = margins(*tight(lag_s, gain), PERIOD_S)
    assert found.gain == pytest.approx(math.pi, rel=0.01)
    assert found.phase == pytest.approx(math.degrees(math.pi / 2.0 - 0.5), abs=0.3)
    assert found.peak == pytest.approx(1.59, abs=0.01)
    assert found.is_stable


def test_an_integrating_process_with_the_tight_setting_has_the_peak_of_the_rule() -> None:
    process = ProcessModel(integrates=0.01, dead_time_s=DEAD_S - PERIOD_S / 2.0)
    found = margins(Tuning(kp=1.0 / (0.01 * 2.0 * DEAD_S), ti_s=8.0 * DEAD_S), process, PERIOD_S)
    assert found.peak == pytest.approx(1.70, abs=0.02)
    assert found.gain == pytest.approx(2.96, abs=0.03)
    assert found.phase == pytest.approx(46.9, abs=0.5)


def test_a_gain_too_high_is_unstable_and_margins_scale_with_the_gain() -> None:
    tuning, process = tight(5.0)
    doubled = margins(tuning.model_copy(update={"kp": 2.0 * tuning.kp}), process, PERIOD_S)
    assert doubled.gain == pytest.approx(math.pi / 2.0, rel=0.01)
    assert not margins(tuning.model_copy(update={"kp": 4.0 * tuning.kp}), process, PERIOD_S).is_stable


def test_a_schedule_is_judged_at_its_worst_point() -> None:
    tuning, process = tight(5.0)
    schedule = Schedule(of="FT-1501", at=[0.0, 100.0], kp=[1.0, 2.0], ti=[1.0, 1.0])
    assert margins(tuning.model_copy(update={"schedule": schedule}), process, PERIOD_S).gain == pytest.approx(
        math.pi / 2.0, rel=0.01
    )


def test_the_rule_gives_back_its_own_setting_and_names_the_time_constant_of_another() -> None:
    tuning, process = tight(5.0)
    rule = simc(tuning, process, PERIOD_S)
    assert rule is not None
    assert (rule.lambda_s, rule.kp, rule.ti_s) == pytest.approx((DEAD_S, tuning.kp, tuning.ti_s))
    slower = simc(tuning.model_copy(update={"kp": tuning.kp / 2.0}), process, PERIOD_S)
    assert slower is not None
    assert slower.lambda_s == pytest.approx(3.0 * DEAD_S)


def test_a_slower_scan_costs_phase() -> None:
    tuning, process = tight(5.0)
    assert margins(tuning, process, 1.0).phase < margins(tuning, process, PERIOD_S).phase


def test_a_model_without_lag_has_no_rule_but_margins() -> None:
    process = ProcessModel(gain=1.0, dead_time_s=3.0)
    tuning = Tuning(kp=0.3, ti_s=6.0)
    assert simc(tuning, process, PERIOD_S) is None
    assert margins(tuning, process, PERIOD_S).is_stable
