"""Figures of a loop: what a sine, noise, a jump of the output and a wrong mode give."""

import math

import numpy as np
import pytest

from controller.core.config import load
from controller.core.plan import Mode
from controller.core.tags import Floats
from wte.folders import shipped_plant
from wte.rig import Rig
from wte.scenario.loop_figures import OSCILLATES, LoopFigures, LoopWatch

LOOP = "L1-LIC-1401"
SECONDS = 1200


@pytest.fixture(scope="module")
def rig() -> Rig:
    rig = Rig(load(shipped_plant()), initial="cold")
    rig.step()
    return rig


def figures(rig: Rig, error: Floats, op: Floats, mode: Floats) -> LoopFigures:
    """Return the figures of the loop from courses with a value for each scan."""
    watch = LoopWatch(rig.config, rig.plan, 1)
    assert rig.frame is not None
    frame = rig.frame
    for values in zip(error, op, mode, strict=True):
        for member, value in zip(("ERR", "OP", "MODE_ACT"), values, strict=True):
            frame.value[rig.plan.row(f"{LOOP}.{member}")] = value
        watch.look(frame)
    return next(one for one in watch.figures() if one.key == LOOP)


def scans() -> Floats:
    return np.linspace(0.0, SECONDS, SECONDS * 10, endpoint=False)


def still(value: float) -> Floats:
    return np.full(SECONDS * 10, value)


def span(rig: Rig) -> float:
    row = rig.plan.tags.rows[rig.plan.row(f"{LOOP}.PV")]
    return row.hi - row.lo


def test_a_sine_oscillates_and_its_deviation_is_that_of_a_sine(rig: Rig) -> None:
    error = 8.0 * np.sin(2.0 * math.pi * scans() / 60.0)
    found = figures(rig, error, still(50.0), still(Mode.AUTO))
    assert found.sigma == pytest.approx(8.0 / math.sqrt(2.0), rel=1e-3)
    assert found.sigma_pct == pytest.approx(100.0 * found.sigma / span(rig))
    assert found.iae_pct == pytest.approx(100.0 * 16.0 / math.pi / span(rig), rel=1e-2)
    assert found.oscillation > 2.0 * OSCILLATES
    assert (found.travel_pct_h, found.normal_pct, found.limited_pct) == (0.0, 100.0, 0.0)


def test_wandering_noise_does_not_oscillate(rig: Rig) -> None:
    steps = np.random.default_rng(1).standard_normal(SECONDS * 10)
    error = np.zeros(SECONDS * 10)
    for number in range(1, error.size):
        error[number] = 0.98 * error[number - 1] + steps[number]
    assert figures(rig, error, still(50.0), still(Mode.AUTO)).oscillation < OSCILLATES


def test_the_way_of_the_output_is_counted_by_the_hour_and_limits_by_their_time(rig: Rig) -> None:
    op = np.where(scans() % 100.0 < 50.0, 100.0, 40.0)
    found = figures(rig, still(0.0), op, still(Mode.AUTO))
    assert found.travel_pct_h == pytest.approx(60.0 * (SECONDS / 50.0 - 1.0) / (SECONDS / 3600.0))
    assert found.limited_pct == pytest.approx(50.0, abs=0.1)


def test_time_in_manual_is_not_normal_and_its_error_does_not_count(rig: Rig) -> None:
    mode = np.where(scans() < 300.0, float(Mode.MAN), float(Mode.AUTO))
    error = np.where(scans() < 300.0, 40.0, 2.0)
    found = figures(rig, error, still(50.0), mode)
    assert found.normal_pct == pytest.approx(75.0)
    assert found.sigma == pytest.approx(2.0)


def test_a_loop_that_never_controlled_has_no_deviation(rig: Rig) -> None:
    found = figures(rig, still(5.0), still(50.0), still(Mode.MAN))
    assert math.isnan(found.sigma)
    assert math.isnan(found.oscillation)
    assert found.normal_pct == 0.0
