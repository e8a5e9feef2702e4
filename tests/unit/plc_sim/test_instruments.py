"""Transmitters: lag, dead time, spikes, float registers; their faults are told by test_simulator."""

from dataclasses import replace

import numpy as np
import pytest

from controller.core.state import State
from plc_sim.instruments import Instruments, spike_reach
from plc_sim.points import FULL_COUNTS, InputPoint, Scaling
from tests.unit.plc_sim.equipment_rig import read

DT = 0.1
ROWS = {"L1/level": 0, "L1/flow": 1}


def instruments(*points: InputPoint, batch: int = 1, start: float = 0.0) -> Instruments:
    made = Instruments(points, ROWS, State(batch), barometric_pa=93_200.0, period_s=DT)
    made.start(np.full((2, batch), start), seed=0)
    return made


def run(made: Instruments, steps: int, value: float = 0.0, seed: int = 0) -> list[float]:
    """Return the readings of the first instrument, counts."""
    seen: list[float] = []
    signals = np.full((2, made.raw.shape[1]), value)
    for step in range(1, steps + 1):
        made.draw(seed, step)
        made.step(signals)
        seen.append(float(made.raw[0, 0]))
    return seen


def test_a_lag_is_exact_and_a_dead_time_comes_on_top() -> None:
    made = instruments(read("L1-LT-1", "level", "m", 10.0, tau_s=1.0, dead_time_s=0.5))
    seen = run(made, 15, value=10.0)
    assert seen[:5] == [0.0] * 5
    assert seen[14] == pytest.approx((1.0 - np.exp(-1.0)) * FULL_COUNTS, abs=1.0)


def test_dead_times_of_several_instruments_do_not_mix() -> None:
    late = [read(f"L1-LT-{n}", "level", "m", 10.0, dead_time_s=n * DT) for n in (0, 7, 3)]
    made = instruments(*late)
    arrived = np.zeros(3, dtype=np.int64)
    for step in range(1, 11):
        made.draw(0, step)
        made.step(np.full((2, 1), 10.0))
        np.copyto(arrived, step, where=(made.raw[:, 0] > 0.0) & (arrived == 0))
    assert arrived.tolist() == [1, 8, 4]


def test_spikes_come_as_often_and_as_high_as_told_and_in_both_directions() -> None:
    made = instruments(read("L1-LT-1", "level", "m", 10.0))
    made.spike[...], made.spike_reach[...] = 2.0, spike_reach(per_minute=6.0, period_s=DT)
    seen = np.array(run(made, 30_000, value=5.0))
    high, low = seen > 0.6 * FULL_COUNTS, seen < 0.4 * FULL_COUNTS
    assert high.sum() + low.sum() == pytest.approx(300, rel=0.2)
    assert high.sum() == pytest.approx(low.sum(), rel=0.25)
    assert set(np.unique(np.rint(seen / FULL_COUNTS * 10.0))) == {3.0, 5.0, 7.0}


def test_no_spikes_without_a_rate() -> None:
    assert spike_reach(0.0, DT) == 0.0
    made = instruments(read("L1-LT-1", "level", "m", 10.0))
    made.spike[...] = 2.0
    assert set(run(made, 500, value=5.0)) == {FULL_COUNTS / 2.0}


def test_the_rate_of_spikes_has_a_limit() -> None:
    assert np.isfinite(spike_reach(1e9, DT))


def test_a_column_of_a_batch_reads_what_its_seed_reads_alone() -> None:
    level = read("L1-LT-1", "level", "m", 10.0, noise=0.1, tau_s=2.0)
    points = (level, read("L1-FT-1", "flow", "%", 100.0, dead_time_s=0.4))
    batch, alone = instruments(*points, batch=64), instruments(*points)
    for made in (batch, alone):
        made.spike[...], made.spike_reach[...] = 1.0, 0.5
    random = np.random.default_rng(3)
    for step in range(1, 100):
        signals = random.uniform(0.0, 1.0, (2, 64))
        batch.draw(7, step)
        batch.step(signals)
        alone.draw(7 + 41, step)
        alone.step(np.ascontiguousarray(signals[:, 41:42]))
        assert np.array_equal(batch.raw[:, 41], alone.raw[:, 0])


def test_a_float_register_holds_what_single_precision_can() -> None:
    scaling = Scaling.of((replace(read("L1-JT-1", "flow", "MW", 120.0), form="float32"),), saturates=True)
    values = np.random.default_rng(5).normal(0.0, 1e3, (1, 10_000)) * 10.0 ** np.arange(-5, 5).repeat(1000)
    assert np.array_equal(scaling.rounded(values), values.astype(np.float32))
    assert np.isnan(scaling.rounded(np.array([[np.nan]])))
