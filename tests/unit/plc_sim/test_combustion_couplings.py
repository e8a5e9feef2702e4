"""What combustion takes from the rest of the plant, and the equipment around the furnace: ash, chute spray, buttons."""

import numpy as np
import pytest

from plc_sim.process.ash import WATER_KG_M3, Fallen
from plc_sim.process.furnace import Draught
from tests.unit.plc_sim.combustion_rig import Rig, boundary, each

LEAK_KG_S = 5.0 / 3.6
MINUTE = 60.0
NEUTRAL = {
    "air_box": 0.0,
    "air_fan_tripped": 0.0,
    "ash_extractor_jammed": 0.0,
    "ash_water_leak": 0.0,
    "bridge": 0.0,
    "bulk_density": 1.0,
    "burner_out": 0.0,
    "chlorine": 1.0,
    "chute_fire": 0.0,
    "co_peak": 0.0,
    "crane_stopped": 0.0,
    "hydraulics": 0.0,
    "mercury": 1.0,
    "oil_leak": 0.0,
    "pusher_stuck": 0.0,
    "ram_moisture": 0.0,
    "slug": 1.0,
    "sulphur": 1.0,
    "wall_deposit": 1.0,
    "wall_leak": 0.0,
}


def fan(rig: Rig, slope: float = 55.0) -> Draught:
    """Return the draught of a fan that stands, set for full load."""
    over = rig.combustion.furnace.flow - rig.combustion.furnace.full_flow
    return Draught(-150.0 + slope * over, np.full_like(over, slope))


def held(rig: Rig, seconds: float, dt: float = 1.0) -> None:
    for _ in range(round(seconds / dt)):
        rig.step(dt)


def test_nothing_is_wrong_at_the_start_and_each_plant_has_its_own_faults() -> None:
    rig = Rig.of(batch=3)
    found = {
        name.removeprefix("disturbance."): slot for name, slot in rig.state.slots.items() if "disturbance." in name
    }
    assert sorted(found) == sorted(NEUTRAL)
    for name, slot in found.items():
        assert slot.array.shape[1] == 3, name
        assert np.all(slot.array == NEUTRAL[name]), name


def test_leaking_wall_tube_fills_the_furnace_with_steam() -> None:
    rig = Rig.of()
    held(rig, MINUTE)
    before, plane = rig.step(1.0), rig.value("furnace.plane")
    rig.combustion.wall_leak[...] = LEAK_KG_S
    held(rig, 600.0)
    after = rig.step(1.0)
    assert after.leak_kg_s[0, 0] == pytest.approx(LEAK_KG_S)
    assert after.gas.flow[0, 0] / before.gas.flow[0, 0] - 1.0 == pytest.approx(0.035, abs=0.004)
    assert after.gas.h2o[0, 0] == pytest.approx(0.198, abs=0.003)
    assert -30.0 < rig.value("furnace.plane") - plane < -5.0


def test_leaking_wall_tube_pushes_against_the_draught_fan() -> None:
    rig = Rig.of()
    for _ in range(300):
        rig.step(0.1, fan(rig))
    before = rig.value("furnace.pressure")
    rig.combustion.wall_leak[...] = LEAK_KG_S
    for _ in range(300):
        rig.step(0.1, fan(rig))
    assert 50.0 < rig.value("furnace.pressure") - before < 150.0


def test_leak_ends_with_the_pressure_of_the_drum() -> None:
    rig = Rig.of()
    rig.combustion.wall_leak[...] = LEAK_KG_S
    rig.boundary = rig.boundary._replace(drum_pa=each(3.6e6))
    assert rig.step(1.0).leak_kg_s[0, 0] == pytest.approx(0.5 * LEAK_KG_S)


def test_water_of_the_lances_cools_the_gas_behind_the_two_second_plane() -> None:
    rig = Rig.of()
    held(rig, MINUTE)
    before = [rig.value(f"furnace.{name}") for name in ("plane", "first_pass", "third_pass")]
    gas = rig.step(1.0).gas
    rig.boundary = rig.boundary._replace(sprayed_kg_s=each(0.35))
    held(rig, 600.0)
    change = [rig.value(f"furnace.{name}") for name in ("plane", "first_pass", "third_pass")] - np.array(before)
    assert change[0] == pytest.approx(0.0, abs=0.5)
    cp = 1.7e3  # J/(Nm3 K) of flue gas at 900 C
    assert change[1] == pytest.approx(-0.35 * 2.77e6 / (gas.flow[0, 0] * cp), rel=0.2)
    assert change[1] < change[2] < 0.0


def test_leak_and_lances_in_a_furnace_without_gas_stay_finite() -> None:
    rig = Rig.of()
    rig.combustion.cool_down(each(283.15))
    rig.inputs[...] = 0.0
    rig.combustion.wall_leak[...] = LEAK_KG_S
    rig.boundary = boundary()._replace(sprayed_kg_s=each(0.35))
    for _ in range(600):
        rig.step(0.1, Draught(each(0.0), each(0.0)))
    assert np.all(np.isfinite(rig.combustion.signals))
    assert np.all(rig.combustion.furnace.surface > 0.0)


def test_dead_bus_takes_fans_and_hydraulics() -> None:
    rig = Rig.of()
    held(rig, 10.0)
    rig.boundary = rig.boundary._replace(supply=each(0.0))
    held(rig, 3.0 * MINUTE)
    assert rig.value("pa_fan.running") == rig.value("sa_fan.running") == rig.value("ash.extractor_running") == 0.0
    assert rig.value("pa.flow") < 0.1 * 26.3  # what the draught draws through standing fans
    assert rig.value("feeder.flow") == 0.0


def test_emergency_stop_takes_fans_and_feed_at_once() -> None:
    rig = Rig.of()
    held(rig, 10.0)
    rig.boundary = rig.boundary._replace(stopped=each(1.0))
    rig.step(0.1)
    assert rig.value("feeder.flow") == 0.0
    assert rig.value("pa_fan.running") == rig.value("sa_fan.running") == 0.0
    assert rig.value("ash.extractor_running") == 1.0


def test_burner_goes_out_with_the_gas_pressure() -> None:
    rig = Rig.of()
    rig.set(burner_1__valve=1.0, burner_1__load=0.5, burner_1__air=0.5)
    held(rig, 30.0)
    assert rig.value("burner_1.flame") == 1.0
    rig.boundary = rig.boundary._replace(gas_share=each(0.25))
    held(rig, 30.0)
    assert rig.value("burner_1.gas") == pytest.approx(0.25 * 15e6 / 35.8e6, rel=0.01)  # half the root
    rig.boundary = rig.boundary._replace(gas_share=each(0.0))
    held(rig, 30.0)
    assert rig.value("burner_1.flame") == 0.0


def test_air_heater_takes_the_steam_of_the_design() -> None:
    rig = Rig.of()
    rig.step(1.0)
    assert rig.value("heater.extraction") == pytest.approx(14.7 / 7.2, rel=0.02)
    assert rig.value("heater_steam.flow") == pytest.approx(2.56 / 3.6, rel=0.02)


def test_air_heater_without_extraction_steam_is_left_to_the_drum() -> None:
    rig = Rig.of()
    rig.boundary = rig.boundary._replace(steam=rig.boundary.steam._replace(extraction_k=each(283.15)))
    held(rig, 600.0, 2.0)
    assert rig.value("heater.extraction") == 0.0
    assert rig.value("heater_steam.flow") > 1.0
    assert 60.0 < rig.value("pa.temperature") - 273.15 < 140.0


def test_ash_leaves_wet_and_the_valve_holds_the_water() -> None:
    rig = Rig.of()
    held(rig, 1800.0, 3.0)
    assert rig.value("ash.extractor_running") == 1.0
    assert rig.value("ash.wet_flow") * 3.6 == pytest.approx(6.3, rel=0.05)
    assert rig.value("ash.boiler_flow") + 3e-6 * 193.3e3 / 3.6 == pytest.approx(1.10 / 3.6, rel=0.05)  # and the dust
    assert rig.value("ash.water_level") == pytest.approx(0.7, abs=0.02)


def test_ash_extractor_without_water_lets_air_in() -> None:
    rig = Rig.of()
    held(rig, 10.0)
    sealed = rig.value("furnace.false_air")
    rig.set(ash__water_valve=0.0)
    low = 0.0
    for number in range(7200 // 4):
        rig.step(4.0)
        if rig.value("ash.water_level") < 0.55 and low == 0.0:
            low = 4.0 * number
    assert 10.0 * MINUTE < low < 30.0 * MINUTE
    assert rig.value("furnace.false_air") > 1.5 * sealed


def test_jammed_ash_extractor_keeps_the_ash() -> None:
    rig = Rig.of()
    ash = rig.combustion.ash
    ash.jammed[...] = 1.0
    before = float(ash.kg[0, 0, 0])
    held(rig, 900.0, 3.0)
    assert rig.value("ash.extractor_running") == 0.0
    assert rig.value("ash.wet_flow") == 0.0
    assert float(ash.kg[0, 0, 0]) - before == pytest.approx(900.0 * 5.16 / 3.6, rel=0.05)


def test_ash_and_its_water_are_conserved() -> None:
    ash = Rig.of().combustion.ash
    drives, valve, dt = np.ones((2, 2, 1)), each(0.17), 2.0
    held_kg, water = float(ash.kg.sum()), float((ash.level * ash.area_m2)[0, 0]) * WATER_KG_M3
    for number in range(600):
        fallen = Fallen(each(1.5 + np.sin(0.05 * number)), each(0.2))
        drives[0] = number % 200 < 150
        carried = ash.step(fallen, drives, valve, dt)
        dry = carried.bottom / (1.0 + ash.wet)
        held_kg += dt * float((fallen.bottom + fallen.boiler - dry - carried.boiler).sum())
        lost = carried.bottom - dry + ash.boiled * fallen.bottom
        water += dt * float((ash.make_up_kg_s * valve - lost)[0, 0])
    assert float(ash.kg.sum()) == pytest.approx(held_kg, rel=1e-9)
    assert float((ash.level * ash.area_m2)[0, 0]) * WATER_KG_M3 == pytest.approx(water, rel=1e-9)


def test_chute_fire_is_put_out_by_the_spray() -> None:
    rig = Rig.of()
    rig.combustion.chute.fire[...] = 300.0
    held(rig, 600.0, 2.0)
    assert rig.value("chute.wall") > 180.0 + 273.15
    level, wet = rig.value("chute.level"), rig.combustion.chute.moisture[0, 0, 0]
    rig.set(chute__spray=1.0, hopper__gate=0.0, feeder__speed=0.0)
    held(rig, 900.0, 2.0)
    assert rig.value("chute.wall") < 100.0 + 273.15
    assert rig.value("chute.level") > level
    assert rig.combustion.chute.moisture[0, 0, 0] > wet + 0.05


def test_primary_air_fan_that_trips_takes_half_of_the_steam_within_six_minutes() -> None:
    rig = Rig.of()
    held(rig, 10.0)
    rig.combustion.air.fans.tripped[0] = 1.0
    rig.step(1.0)
    assert rig.value("pa_fan.running") == 0.0
    assert rig.value("sa_fan.running") == 1.0
    course = rig.run(6.0 * MINUTE)
    assert course.useful[-1] / course.useful[0] == pytest.approx(0.5, abs=0.1)
