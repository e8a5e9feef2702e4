"""A year of one-minute data for two lines: every counter exact, and soon enough to calculate a record again."""

import time

import numpy as np
import pytest

from controller.core.emission_plan import PlantPhase
from controller.core.state import State
from controller.logic import emissions
from controller.logic.emissions import engine
from controller.logic.emissions.work import Work, Y
from tests.emission_bench import MIDNIGHT, MINUTE, shipped

DAYS = 365
SAMPLES = 64  # of a minute: a power of two, so that a mean is exactly what went in
BAR_S = 60.0


def run(days: int, seed: int) -> tuple[Work, np.ndarray, np.ndarray, np.ndarray, float]:
    """Run ``days`` of made-up minutes; return the calculation, the data (minute, channel), and the seconds it took."""
    plan = shipped().emissions
    assert plan is not None
    rng = np.random.default_rng(seed)
    minutes, channels = days * 1440, len(plan.channels)
    limit = np.where(np.isnan(plan.limit_a), 50.0, plan.limit_a)[:, 0]
    level = np.repeat(rng.lognormal(-1.3, 0.7, (minutes // 30, channels)), 30, axis=0)
    # Multiples of 1/64: their sums have no rounding, so the year can be counted in any order.
    mean = np.round(level * limit * rng.uniform(0.8, 1.2, (minutes, channels)) * 64.0) / 64.0
    is_valid = np.repeat(rng.random((minutes // 10, channels)) < 0.97, 10, axis=0)
    is_waste = np.repeat(rng.random((days * 2, 2)) < 0.9, 720, axis=0)
    state = State(1)
    emissions.prepare(plan, state)
    w: Work = state.scratch["emissions"]
    engine.advance(w, MIDNIGHT, quiet, is_live=False)
    reference = np.array([140.0, 92.8, 18.0, 9.0, 190_000.0]).repeat(2)[:, np.newaxis] * SAMPLES
    total, count = mean * is_valid * SAMPLES, is_valid * float(SAMPLES)
    phase = np.where(is_waste, float(PlantPhase.OPERATING), float(PlantPhase.OFF))
    w.minute[0] = SAMPLES
    w.minute[1, channels:] = reference
    began = time.process_time()
    for number in range(minutes):
        w.phase[:, 0] = phase[number]
        w.minute[0, :, 0] = SAMPLES
        w.minute[0, :channels, 0] = count[number]
        w.minute[1, :channels, 0] = total[number]
        w.minute[1, channels:] = reference
        engine.advance(w, MIDNIGHT + (number + 1) * MINUTE, quiet, is_live=False)
    return w, mean, is_valid, is_waste, time.process_time() - began


def quiet(*_: object, **__: object) -> None:
    """Record nothing."""


def check(w: Work, mean: np.ndarray, is_valid: np.ndarray, is_waste: np.ndarray) -> None:
    """Count the year again with the data as one block."""
    plan, (minutes, channels) = w.plan, mean.shape
    of = plan.monitor[:channels]
    burns = is_waste[:, of] & is_valid
    blocks = burns.reshape(minutes // 30, 30, channels).sum(axis=1)
    sums = (mean * burns).reshape(minutes // 30, 30, channels).sum(axis=1)
    counts = is_waste.reshape(minutes // 30, 30, 2).sum(axis=1)[:, of] >= 20
    v = np.maximum(sums / np.maximum(blocks, 1) - plan.confidence[:, 0], 0.0)
    valid = counts & (blocks >= 20)
    above = valid & (v > plan.limit_a[:, 0])
    days = minutes // 1440
    lost = (counts & ~valid).reshape(days, 48, channels).sum(axis=1)
    number = valid.reshape(days, 48, channels).sum(axis=1)
    day = np.where(valid, v, 0.0).reshape(days, 48, channels).sum(axis=1) / np.maximum(number, 1)
    has_mean = (lost <= 5) & (number >= 12)
    expected = {
        Y.HALF_HOURS: valid.sum(axis=0),
        Y.ABOVE_A: above.sum(axis=0),
        Y.ABOVE_B: (valid & (v > plan.limit_b[:, 0])).sum(axis=0),
        Y.DAYS: has_mean.sum(axis=0),
        Y.DAYS_ABOVE: (has_mean & (day > plan.limit_day[:, 0])).sum(axis=0),
        Y.DAYS_LOST: (lost > 5).sum(axis=0),
    }
    # The last midnight of a whole year begins the next one: its counters are then those of the year before.
    year = w.year if days < DAYS else w.last_year
    for counter, numbers in expected.items():
        assert year[counter, :, 0].tolist() == numbers.tolist(), counter
    assert expected[Y.ABOVE_A].sum() > 0
    assert expected[Y.DAYS_ABOVE].sum() > 0


def test_ten_days_of_minutes_is_counted_exactly() -> None:
    w, mean, is_valid, is_waste, _ = run(10, 1)
    check(w, mean, is_valid, is_waste)


@pytest.mark.long
def test_a_year_of_minutes_of_two_lines_is_counted_exactly_within_a_minute() -> None:
    w, mean, is_valid, is_waste, seconds = run(DAYS, 2)
    check(w, mean, is_valid, is_waste)
    assert seconds <= BAR_S
