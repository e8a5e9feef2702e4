"""Final elements: stroke, dead band, stiction, sticking, and what they do without instrument air."""

import numpy as np
import pytest

from tests.unit.plc_sim.equipment_rig import BAROMETRIC_PA, DT, EquipmentRig

VALVE = "L1-FV-1541.OP"
ATOL = 1e-4  # of the stroke: half a count is 2e-5


@pytest.fixture
def rig() -> EquipmentRig:
    return EquipmentRig()


def sticky(rig: EquipmentRig, key: str, stiction: float, slip: float) -> None:
    rig.actuators.stiction[rig.number(key)] = stiction
    rig.actuators.slip[rig.number(key)] = slip


def sweep(rig: EquipmentRig, orders: list[float]) -> list[float]:
    """Order one position after the other, slowly enough to get there, and return where the valve stands."""
    return [rig.order(VALVE, percent).move(DT).position(VALVE) * 100.0 for percent in orders]


def test_a_valve_opens_and_closes_in_its_own_times(rig: EquipmentRig) -> None:
    rig.order(VALVE, 100.0).move(5.0)
    assert rig.position(VALVE) == pytest.approx(0.5, abs=ATOL)
    rig.move(5.0).order(VALVE, 0.0).move(5.0)
    assert rig.position(VALVE) == pytest.approx(0.75, abs=ATOL)


def test_a_slow_valve_takes_its_time_and_then_arrives(rig: EquipmentRig) -> None:
    rig.actuators.speed[rig.number(VALVE)] = 0.2
    rig.order(VALVE, 100.0).move(10.0)
    assert rig.position(VALVE) == pytest.approx(0.2, abs=ATOL)
    assert rig.move(41.0).position(VALVE) == 1.0


def test_limit_switches_need_the_whole_travel(rig: EquipmentRig) -> None:
    row = rig.number("L1-XV-2306.OPN")
    assert rig.actuators.is_closed[row, 0]
    rig.order("L1-XV-2306.OPN", 1.0).move(1.5)
    assert not rig.actuators.is_closed[row, 0]
    assert not rig.actuators.is_open[row, 0]
    rig.move(1.5)
    assert rig.actuators.is_open[row, 0]


def test_without_stiction_the_stem_is_where_the_drive_is(rig: EquipmentRig) -> None:
    random = np.random.default_rng(1)
    for _ in range(200):
        rig.order(VALVE, float(random.uniform(0.0, 100.0))).move(DT)
        assert np.array_equal(rig.actuators.position, rig.actuators.drive)


def test_a_sticky_stem_lags_half_of_the_band_behind_both_ways(rig: EquipmentRig) -> None:
    sticky(rig, VALVE, stiction=0.04, slip=0.01)
    up = sweep(rig, [50.0 + 0.1 * n for n in range(500)][:300])
    assert up[-1] == pytest.approx(79.9 - 1.5, abs=0.05)
    down = sweep(rig, [79.9 - 0.1 * n for n in range(300)])
    assert down[-1] == pytest.approx(50.0 + 1.5, abs=0.05)


def test_a_sticky_stem_stands_for_the_band_and_then_slips_by_the_jump(rig: EquipmentRig) -> None:
    sticky(rig, VALVE, stiction=0.04, slip=0.01)
    sweep(rig, [40.0 + 0.1 * n for n in range(100)])
    turned = rig.position(VALVE) * 100.0
    down = sweep(rig, [49.9 - 0.1 * n for n in range(60)])
    still = [x for x in down if x == pytest.approx(turned, abs=1e-9)]
    assert len(still) == pytest.approx(40, abs=1)
    first_move = down[len(still)]
    assert turned - first_move == pytest.approx(1.0 + 0.1, abs=0.12)  # the jump, and the step that broke it loose


def test_a_resting_stem_goes_on_in_the_old_direction_after_the_jump_alone(rig: EquipmentRig) -> None:
    sticky(rig, VALVE, stiction=0.05, slip=0.02)
    sweep(rig, [30.0 + 0.1 * n for n in range(101)])
    rested = sweep(rig, [40.0] * 5)[-1]
    on = sweep(rig, [40.0 + 0.1 * n for n in range(1, 31)])
    assert on[18] == pytest.approx(rested, abs=1e-9)
    assert on[22] > rested + 1.0


def test_a_sticky_valve_still_shuts_and_opens_fully(rig: EquipmentRig) -> None:
    sticky(rig, VALVE, stiction=0.05, slip=0.01)
    rig.order(VALVE, 100.0).move(11.0)
    assert rig.position(VALVE) == 1.0
    rig.order(VALVE, 0.0).move(21.0)
    assert rig.position(VALVE) == 0.0


def swing(stiction: float, slip: float) -> float:
    """Return how far a level swings under a PI controller through the valve, once it has settled: peak to peak, %."""
    rig = EquipmentRig()
    sticky(rig, VALVE, stiction, slip)
    rig.order(VALVE, 50.0).move(10.0)
    level, integral = 52.0, 50.0
    seen: list[float] = []
    for _ in range(8_000):
        error = 50.0 - level
        integral += 2.0 * error * DT / 20.0
        rig.order(VALVE, min(max(integral + 2.0 * error, 0.0), 100.0)).move(DT)
        level += (rig.position(VALVE) * 100.0 - 50.0) * DT / 60.0
        seen.append(level)
    return max(seen[-4000:]) - min(seen[-4000:])


def test_a_control_loop_hunts_on_a_sticky_valve_and_settles_on_a_good_one() -> None:
    assert swing(0.0, 0.0) < 0.02
    assert 0.2 < swing(0.04, 0.02) < 5.0


def test_a_stuck_valve_comes_loose_without_a_jump(rig: EquipmentRig) -> None:
    rig.order(VALVE, 40.0).move(10.0)
    rig.actuators.is_stuck[rig.number(VALVE)] = True
    assert rig.order(VALVE, 90.0).move(20.0).position(VALVE) == pytest.approx(0.4, abs=ATOL)
    rig.actuators.is_stuck[rig.number(VALVE)] = False
    assert rig.move(DT).position(VALVE) == pytest.approx(0.41, abs=ATOL)


def lose_air(rig: EquipmentRig) -> EquipmentRig:
    for key in (VALVE, "L1-FV-1601.OP", "L1-FV-1111.OP", "L1-SC-2201", "L1-BC-1320.AD_OP", "L1-K-2401.SPD_SP"):
        rig.order(key, 60.0)
    return rig.move(30.0).show("C0/air.pressure", BAROMETRIC_PA + 300e3)


def test_without_air_valves_go_where_their_fail_position_says(rig: EquipmentRig) -> None:
    lose_air(rig).move(15.0)
    assert rig.position(VALVE) == 1.0  # by its spring
    assert rig.position("L1-FV-1111.OP") == pytest.approx(0.6, abs=ATOL)  # holds
    assert rig.position("L1-FV-1601.OP") == pytest.approx(0.6, abs=ATOL)  # holds for a minute
    rig.move(45.0 + 120.0)
    assert rig.position("L1-FV-1601.OP") == pytest.approx(0.58, abs=0.001)  # then shuts by 1 % a minute


def test_without_air_valves_hear_no_orders_and_electric_drives_do(rig: EquipmentRig) -> None:
    lose_air(rig)
    for key in ("L1-FV-1111.OP", "L1-SC-2201", "L1-BC-1320.AD_OP", "L1-K-2401.SPD_SP"):
        rig.order(key, 20.0)
    rig.move(30.0)
    assert rig.position("L1-FV-1111.OP") == pytest.approx(0.6, abs=ATOL)
    for key in ("L1-SC-2201", "L1-BC-1320.AD_OP", "L1-K-2401.SPD_SP"):
        assert rig.position(key) == pytest.approx(0.2, abs=ATOL)


def test_with_the_air_back_valves_go_where_they_are_ordered(rig: EquipmentRig) -> None:
    lose_air(rig).move(20.0).show("C0/air.pressure", BAROMETRIC_PA + 600e3).move(20.0)
    assert rig.position(VALVE) == pytest.approx(0.6, abs=ATOL)


def test_elements_begin_where_the_process_is() -> None:
    assert EquipmentRig(initial={"L1/steam.vent": 0.3}).position(VALVE) == pytest.approx(0.3, abs=ATOL)
