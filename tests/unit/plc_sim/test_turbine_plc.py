"""The turbine's PLC on its shaft: governor, trips, island, breakers."""

import numpy as np
import pytest

from plc_sim.turbine_plc import CAUSES, ISLAND, LOAD, SPEED, TRIPPED
from tests.unit.plc_sim.turbine_island_rig import IslandRig

pytestmark = pytest.mark.long  # a piece alone; the joined plant is in every run


@pytest.fixture
def rig() -> IslandRig:
    return IslandRig()


def peak_speed(rig: IslandRig, seconds: float) -> float:
    """Run and return the highest speed, rpm."""
    peak = 0.0
    for _ in range(round(seconds * 10.0)):
        rig.run(0.1)
        peak = max(peak, rig.get("turbine.speed") * 60.0)
    return peak


def first_out(rig: IslandRig) -> str:
    return CAUSES[int(rig.get("turbine.first_out")) - 1]


def test_load_follows_its_set_point_at_the_ramp(rig: IslandRig) -> None:
    rig.run(1.0).set(turbine__load_setpoint=45.0 / 70.0).run(10.0)
    assert rig.get("turbine.load_target") == pytest.approx(50.2e6, rel=0.005)
    assert 48e6 < rig.get("generator.power") < 54e6
    rig.run(60.0)
    assert rig.get("generator.power") == pytest.approx(45e6, rel=0.005)
    assert rig.get("turbine.mode") == LOAD


def test_droop_helps_the_grid(rig: IslandRig) -> None:
    rig.holds_pressure = True
    rig.set(turbine__load_setpoint=40.0 / 70.0).run(60.0)
    np.copyto(rig.island.shaft.grid_speed, 50.3 / 50.0)
    rig.run(60.0)
    expected = 40e6 - (0.3 - 0.01) / 50.0 * 20.0 * 60e6
    assert rig.get("generator.power") == pytest.approx(expected, rel=0.02)


def test_small_frequency_changes_are_left_alone(rig: IslandRig) -> None:
    rig.holds_pressure = True
    rig.set(turbine__load_setpoint=40.0 / 70.0).run(60.0)
    np.copyto(rig.island.shaft.grid_speed, 50.008 / 50.0)
    rig.run(30.0)
    assert rig.get("generator.power") == pytest.approx(40e6, rel=0.003)


def test_loss_of_grid_ends_on_the_house_load(rig: IslandRig) -> None:
    np.copyto(rig.island.shaft.grid_lost, 1.0)
    peak = peak_speed(rig, 20.0)
    assert peak - 3000.0 == pytest.approx(185.0, rel=0.45)  # 3150 to 3220 rpm
    assert peak < 3240.0
    assert rig.get("turbine.speed") * 60.0 == pytest.approx(3000.0, abs=20.0)
    assert rig.get("turbine.mode") == ISLAND
    assert rig.get("grid_breaker.closed") == 0.0
    assert rig.get("generator.power") == pytest.approx(6.8e6, rel=0.01)
    surplus = 1.0 - rig.get("turbine.flow") / 62.07
    assert surplus == pytest.approx(0.88, abs=0.04)  # what the bypass has to take


def test_isochronous_order_takes_the_load_control_off_before_the_breaker_opens(rig: IslandRig) -> None:
    rig.holds_pressure = True
    rig.set(turbine__isochronous=1.0).run(1.0)
    assert rig.get("turbine.mode") == ISLAND
    before = rig.get("generator.power")
    assert rig.set(turbine__load_setpoint=0.4).run(20.0).get("generator.power") == pytest.approx(before, rel=0.01)
    rig.set(grid_breaker__open=1.0).run(20.0)
    assert rig.get("turbine.speed") * 60.0 == pytest.approx(3000.0, abs=20.0)
    rig.set(grid_breaker__open=0.0, grid_breaker__close=1.0).run(30.0)
    assert rig.get("turbine.mode") == ISLAND
    rig.set(turbine__isochronous=0.0).run(1.0)
    assert rig.get("turbine.mode") == LOAD


def test_rejected_load_raises_the_speed_by_about_six_percent(rig: IslandRig) -> None:
    rig.set(generator_breaker__open=1.0)
    assert 3000.0 * 1.04 < peak_speed(rig, 20.0) < 3000.0 * 1.09
    assert rig.get("turbine.reset_state") == 1.0
    assert rig.get("turbine.mode") == SPEED


def test_stuck_governor_valves_end_in_the_overspeed_trip(rig: IslandRig) -> None:
    np.copyto(rig.island.shaft.valve_stuck[0:1], 1.0)
    rig.set(generator_breaker__open=1.0)
    peak = peak_speed(rig, 10.0)
    assert 3300.0 < peak < 3560.0
    assert first_out(rig) == "overspeed"
    assert rig.get("turbine.stop_valve_a") == 0.0


def test_island_overspeed_trips_earlier(rig: IslandRig) -> None:
    np.copyto(rig.island.shaft.valve_stuck[0:1], 1.0)
    np.copyto(rig.island.shaft.grid_lost, 1.0)
    peak_speed(rig, 10.0)
    assert first_out(rig) == "island overspeed"


def test_generator_protection_opens_the_breaker_at_once(rig: IslandRig) -> None:
    np.copyto(rig.island.shaft.lock_out, 1.0)
    rig.run(0.1)
    assert rig.get("generator_breaker.closed") == 0.0
    rig.run(0.3)
    assert rig.get("turbine.stop_valve_a") == 0.0
    assert rig.get("turbine.governor_position") == 0.0
    assert first_out(rig) == "generator protection"
    assert rig.run(10.0).get("extraction_2.flow") == 0.0


def test_a_trip_opens_the_breaker_on_reverse_power_only(rig: IslandRig) -> None:
    rig.set(turbine__trip=1.0).run(2.0)
    assert rig.get("generator_breaker.closed") == 1.0
    assert rig.get("turbine.speed") == pytest.approx(50.0, abs=0.1)
    rig.run(3.0)
    assert rig.get("generator_breaker.closed") == 0.0
    assert rig.get("turbine.mode") == TRIPPED
    assert first_out(rig) == "remote trip"


def test_lost_lube_oil_starts_pumps_and_trips(rig: IslandRig) -> None:
    np.copyto(rig.island.oil.loss[0:1], 0.7)
    rig.run(3.0)
    assert rig.get("oil.ac_pump.running") == 1.0
    assert rig.get("oil.dc_pump.running") == 1.0
    assert first_out(rig) == "lube oil"


def test_ac_pump_carries_the_oil_when_the_shaft_slows_down(rig: IslandRig) -> None:
    rig.set(turbine__trip=1.0).run(1.0)
    lowest = 1e9
    for _ in range(200):
        rig.run(1.0)
        lowest = min(lowest, rig.get("oil.pressure") - 93200.0)
    assert rig.get("turbine.speed") < 30.0
    assert rig.get("oil.ac_pump.running") == 1.0
    assert lowest > 0.05e6
    assert rig.get("oil.pressure") - 93200.0 == pytest.approx(0.14e6, rel=0.02)


def test_control_oil_pump_loss_is_caught_by_the_reserve(rig: IslandRig) -> None:
    rig.trip_motor("control_oil.pump_a").run(30.0)
    assert rig.get("control_oil.pump_b.running") == 1.0
    assert rig.get("turbine.reset_state") == 1.0


def test_lost_control_oil_trips(rig: IslandRig) -> None:
    rig.trip_motor("control_oil.pump_a").trip_motor("control_oil.pump_b").run(30.0)
    assert first_out(rig) == "control oil"


def test_trip_relay_resets_only_when_nothing_stands(rig: IslandRig) -> None:
    rig.set(turbine__trip=1.0).run(5.0)
    rig.set(turbine__reset=1.0).run(0.5)
    assert rig.get("turbine.reset_state") == 0.0
    rig.set(turbine__reset=0.0, turbine__trip=0.0).run(0.5)
    assert rig.get("turbine.reset_state") == 0.0
    rig.set(turbine__reset=1.0).run(0.5)
    assert rig.get("turbine.reset_state") == 1.0
    assert rig.get("turbine.first_out") == 0.0


def test_island_returns_to_the_grid_in_phase(rig: IslandRig) -> None:
    np.copyto(rig.island.shaft.grid_lost, 1.0)
    rig.run(30.0)
    np.copyto(rig.island.shaft.grid_lost, 0.0)
    rig.run(5.0)
    assert rig.get("grid_breaker.closed") == 0.0
    rig.set(grid_breaker__close=1.0).run(30.0)
    assert rig.get("grid_breaker.closed") == 1.0
    assert rig.get("turbine.mode") == LOAD
    assert abs(rig.get("turbine.speed") - 50.0) < 0.2


def test_house_bus_dies_with_the_island_and_the_diesel_feeds_the_oil(rig: IslandRig) -> None:
    np.copyto(rig.island.shaft.grid_lost, 1.0)
    rig.run(20.0).set(turbine__trip=1.0, diesel__command=1.0).run(5.0)
    assert rig.get("house.voltage") == 0.0
    assert rig.get("ups.on_battery") == 1.0
    assert rig.get("cooling.pump_a.running") == 0.0
    rig.run(15.0)
    assert rig.get("diesel.running") == 1.0
    assert rig.get("ups.on_battery") == 0.0


def test_voltage_set_point_moves_the_reactive_power(rig: IslandRig) -> None:
    rig.run(1.0)
    assert rig.get("generator.reactive_power") == pytest.approx(15e6, rel=0.01)
    rig.set(generator__voltage_setpoint=10.6 / 13.0).run(5.0)
    assert rig.get("generator.voltage") == pytest.approx(10.6e3, rel=1e-3)
    assert rig.get("generator.reactive_power") > 18e6
