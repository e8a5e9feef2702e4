"""Fire, air, draught, burners, steam and water of line 1 in closed loop: by waste, load and upset."""

import numpy as np
import pytest

from controller.core.event import EventKind
from controller.core.plan import Mode
from wte.rig import Recording, Rig

FULL_T_H = 111.3  # what 33.3 t/h of 10.5 MJ/kg make
WATCHED = [
    "L1-FT-1501",
    "L1-AT-1601",
    "L1-TY-1310",
    "L1-TT-1503",
    "L1-TIC-1503.ERR",
    "L1-LT-1401",
    "L1-PT-1302",
    "L1-PT-1502",
]
SCANS_1_S = 10


def course(history: Recording, tag: str, since_s: float = 0.0) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = history.value[f"L1-{tag}"][round(since_s * SCANS_1_S) :, 0]
    return values.reshape(-1)


def trips(rig: Rig) -> list[str]:
    return [e.source for e in rig.events if e.kind is EventKind.TRIP_LATCHED]


def assert_water_and_draught(history: Recording) -> None:
    assert np.abs(course(history, "TIC-1503.ERR", 60.0)).max() <= 8.0
    level = np.convolve(course(history, "LT-1401"), np.ones(SCANS_1_S) / SCANS_1_S, mode="valid")
    assert np.abs(level).max() <= 75.0
    draught = course(history, "PT-1302")
    assert np.mean((draught >= -150.0) & (draught <= 20.0)) >= 0.995


@pytest.mark.timeout(600)  # 20 s on an idle machine
def test_five_percent_less_steam_is_made_within_eight_minutes_and_nothing_else_moves_far() -> None:
    rig = Rig(seed=4)
    rig.run(30.0)
    history = rig.record(WATCHED)
    rig.command("L1-UIC-1001.SP", 0.95 * FULL_T_H)
    rig.run(600.0)
    assert course(history, "FT-1501", 480.0).mean() == pytest.approx(0.95 * FULL_T_H, rel=0.015)
    assert course(history, "AT-1601").std() <= 0.7
    assert_water_and_draught(history)
    assert not trips(rig)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("fire", ["100%", "100% 8.8 MJ/kg", "110% 6.8 MJ/kg burners"])
def test_an_hour_of_any_waste_is_even(fire: str) -> None:
    rig = Rig(seed=1, initial=fire)
    rig.step()
    history = rig.record(WATCHED)
    rig.run(3600.0)
    steam = course(history, "FT-1501")
    assert steam.std() <= 0.03 * steam.mean()
    assert course(history, "AT-1601").std() <= 0.7
    assert course(history, "TY-1310").min() > 850.0
    assert_water_and_draught(history)
    assert not trips(rig)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_load_goes_to_60_percent_of_the_fire_and_back_without_trip_or_safety_valve() -> None:
    rig = Rig(seed=2)
    rig.run(60.0)
    history = rig.record(WATCHED)
    for load in (0.68, 1.0):
        rig.command("L1-UIC-1001.SP", load * FULL_T_H)
        rig.run(2700.0)  # a ramp of 16 min; the bed of the load before burns on and takes as long again to even out
        assert rig.read("L1-UY-1002").value == pytest.approx(load * FULL_T_H, rel=0.03)
    assert course(history, "PT-1502").max() < 6.95
    assert course(history, "TY-1310").min() > 850.0
    assert_water_and_draught(history)
    assert not trips(rig)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_fast_run_back_by_hand_is_20_percent_a_minute_and_trips_nothing() -> None:
    rig = Rig(seed=2)
    rig.run(60.0)
    history = rig.record([*WATCHED, "L1-UY-1001"])
    rig.command("L1-UIC-1001.MODE", Mode.MAN)
    rig.command("L1-UIC-1001.OP", 50.0)
    rig.run(900.0)
    assert course(history, "UY-1001")[-1] == pytest.approx(60.0, abs=0.1)
    assert course(history, "PT-1502").max() < 6.95
    assert not trips(rig)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_plastic_slug_is_ridden_through() -> None:
    rig = Rig(seed=2)
    rig.run(60.0)
    history = rig.record(WATCHED)
    rig.fault("F2", line="L1")
    rig.run(900.0)
    assert course(history, "TT-1503").max() < 468.0
    assert course(history, "AT-1601", 700.0).mean() == pytest.approx(6.5, abs=0.5)
    assert not trips(rig)
