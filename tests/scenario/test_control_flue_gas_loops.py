"""Loops of flue-gas cleaning on the closed plant: taken over without a bump, cleaning in rounds, analyser gone."""

from collections.abc import Mapping

import numpy as np
import pytest

from controller.core.plan import Mode
from controller.core.tags import Floats
from wte.rig import Rig

AUTOMATIC = (Mode.AUTO, Mode.CAS)
BUMP_PCT = 0.5  # of the span, beyond what the noise of the loop's own measurement explains
PULSES = [f"L1-HV-231{number}.PULSE" for number in range(10)]
LOOPS = [
    "AIC-2001",
    "AIC-2002",
    "FIC-2001",
    "HIC-2010",
    "HIC-2011",
    "HIC-2012",
    "AIC-2101",
    "FIC-2104",
    "FIC-2201",
    "TIC-2102",
    "FIC-2103",
    "FFIC-2203",
    "PDC-2302",
    "HIC-2310",
    "HIC-2319",
    "TIC-2320",
    "TIC-2329",
]
OUTPUTS = [
    "FV-2001.OP",
    "FV-2103.OP",
    "FV-2104.OP",
    "SC-2201",
    "SC-2203",
]


def keys(names: list[str]) -> list[str]:
    return [f"{line}-{name}" for line in ("L1", "L2") for name in names]


@pytest.fixture(scope="module")
def taken_over() -> tuple[Rig, Mapping[str, Floats]]:
    """A plant at full load after its first minute, and the outputs in that minute."""
    rig = Rig(seed=5)
    rig.step()
    history = rig.record(keys(OUTPUTS))
    rig.run(60.0)
    return rig, history.value


@pytest.fixture
def running(taken_over: tuple[Rig, Mapping[str, Floats]]) -> Rig:
    return taken_over[0]


def test_running_lines_are_taken_over_without_a_bump(taken_over: tuple[Rig, Mapping[str, Floats]]) -> None:
    running, courses = taken_over
    for name in keys(OUTPUTS):
        course = courses[name][:, 0]
        second = course[:600].reshape(60, 10).mean(axis=1)  # noise out, a bump of a second not
        assert np.abs(second[:3].mean() - course[0]) < BUMP_PCT + np.std(np.diff(course)), name
    for loop in keys(LOOPS):
        assert running.read(f"{loop}.MODE_ACT").value in AUTOMATIC, loop


def test_lances_of_the_right_level_inject(running: Rig) -> None:
    assert running.read_many(["L1-XV-2010.OPN", "L1-XV-2011.OPN", "L1-XV-2012.OPN"])[:, 0].tolist() == [0.0, 1.0, 0.0]


def test_cold_hoppers_are_heated(running: Rig) -> None:
    assert running.read_many([f"L1-HS-232{number}" for number in range(10)])[:, 0].all()


def test_a_round_of_cleaning_pulses_each_compartment_once_and_in_order(running: Rig) -> None:
    before = running.read("L1-PDY-2302").value
    history = running.record(PULSES)
    running.command("L1-PDC-2302.SP", 0.95)
    running.run(3.0)
    running.command("L1-PDC-2302.SP", 1.3)
    running.run(150.0)
    course = np.stack([history.value[pulse][:, 0] for pulse in PULSES])
    began = np.diff(course, axis=1) > 0.5
    assert began.sum(axis=1).tolist() == [1.0] * 10
    assert np.diff(began.argmax(axis=1)) * 0.1 == pytest.approx(12.0, abs=0.2)
    after = running.read("L1-PDY-2302").value
    assert before is not None
    assert after is not None
    assert 0.8 < after < before - 0.2


def test_without_the_monitoring_the_ratio_holds_and_the_flow_goes_on(running: Rig) -> None:
    ratio = running.read("L1-AIC-2001.OP").value
    running.fault("F29", line="L1")
    running.run(30.0)
    assert running.read("L1-AIC-2001.MODE_ACT").value == Mode.MAN
    assert running.read("L1-AIC-2001.MODE").value == Mode.AUTO
    assert running.read("L1-AIC-2001.OP").value == pytest.approx(ratio, abs=1.0)
    assert running.read("L1-FIC-2001.MODE_ACT").value == Mode.CAS
    assert running.read("L1-FFIC-2203.MODE_ACT").value == Mode.CAS


def test_a_standing_line_waits() -> None:
    rig = Rig(initial="cold", seed=5)
    rig.run(10.0)
    assert np.abs(rig.read_many(keys(OUTPUTS))).max() < BUMP_PCT
    for loop in keys(LOOPS):
        assert rig.read(f"{loop}.MODE_ACT").value not in AUTOMATIC, loop


@pytest.mark.long
def test_a_stopped_atomiser_is_replaced_by_dry_lime() -> None:
    """F22: row 24 stops the slurry and runs the dry feeder full; the quench opens at 200 °C; HCl stays under 10 mg."""
    rig = Rig(seed=5)
    rig.run(60.0)
    history = rig.record(["L1-AY-2544", "L1-WT-2201", "L1-TT-2301"])
    rig.fault("F22", line="L1")
    rig.run(600.0)
    assert np.nanmax(history.value["L1-AY-2544"]) < 10.0
    assert history.value["L1-WT-2201"][3000:].mean() > 350.0
    assert history.value["L1-TT-2301"].max() < 210.0


@pytest.mark.long
@pytest.mark.parametrize("initial", ["100%", "100% 8.8 MJ/kg"])
def test_an_hour_stays_within_the_limits_of_a_day(initial: str) -> None:
    rig = Rig(initial=initial, seed=5)
    history = rig.record(keys(["AY-2541", "AY-2543", "AY-2544", "AY-2546"]))
    rig.run(3600.0)
    for name, limit in (("AY-2541", 120.0), ("AY-2543", 30.0), ("AY-2544", 6.0), ("AY-2546", 10.0)):
        for key in keys([name]):
            assert np.nanmean(history.value[key]) < limit, key
