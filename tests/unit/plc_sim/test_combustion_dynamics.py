"""How combustion answers to its final elements and faults: sign, size and time scale."""

import numpy as np
import pytest

from plc_sim.process.combustion_parameters import BURNERS
from plc_sim.process.combustion_start import Firing, steady
from plc_sim.process.furnace import Draught
from tests.unit.plc_sim.combustion_rig import Rig, each

pytestmark = pytest.mark.long  # a piece alone; the joined plant is in every run

WITHIN = 1.5  # factor on sizes and times
STROKE_S = 109.0  # a pusher's share of the sets at full load
PULSE_S = 30.0
METAL_S = 60.0  # by which steam lags the heat to the tubes
DRAUGHT_SLOPE = 55.0  # Pa/(Nm3/s) of a draught fan that stands


def test_feed_is_the_slow_handle() -> None:
    rig = Rig.of()
    rig.scale("feeder.speed", 1.1)
    course = rig.run(3000.0, 2.0)
    rise = course.power / course.power[0] - 1.0
    assert rise[-1] == pytest.approx(0.1, rel=0.05)
    assert 540.0 / WITHIN < course.first(rise > 0.63 * rise[-1]) < 600.0 * WITHIN
    assert 60.0 / WITHIN < course.first(rise > 0.05 * rise[-1]) < 120.0 * WITHIN


def test_primary_air_is_the_fast_handle_and_burns_the_bed_thin() -> None:
    rig = Rig.of()
    thick = rig.combustion.bed.mass()[1, 0, 0]
    rig.scale("pa_fan.demand", 1.0985)  # 10 % more air
    course = rig.run(3000.0)
    rise = course.useful / course.useful[0] - 1.0
    peak = rise.max()
    assert 0.03 < peak < 0.06
    assert course.first(rise > 0.63 * peak) < 90.0
    released = course.power / course.power[0] - 1.0
    assert 25.0 / WITHIN < course.first(released > 0.63 * released.max()) < 25.0 * WITHIN + 10.0  # and the fan
    gone = 400.0 + float(np.argmax(rise[400:] < 0.25 * peak))
    assert 600.0 / WITHIN < gone < 900.0 * WITHIN
    assert rise[-1] < 0.0  # more air in the end only cools
    assert course.plane_k[900] < course.plane_k[0]
    assert rig.combustion.bed.mass()[1, 0, 0] < thick


def test_secondary_air_cools_and_cleans() -> None:
    rig = Rig.of()
    rig.run(60.0)
    flame, nox = rig.combustion.furnace.flame_k[0, 0], rig.step(1.0).gas.nox[0, 0]
    rig.scale("sa_fan.demand", 1.0931)  # 10 % more air
    course = rig.run(600.0)
    assert 100.0 * (course.o2[-1] - course.o2[0]) == pytest.approx(0.40, rel=0.2)
    assert rig.combustion.furnace.flame_k[0, 0] - flame == pytest.approx(-27.0, rel=0.35)
    assert -6.0 * WITHIN < course.plane_k[-1] - course.plane_k[0] < -6.0 / WITHIN
    assert course.co[-1] < course.co[0]
    assert rig.step(1.0).gas.nox[0, 0] == pytest.approx(nox, rel=0.02)


def test_a_pusher_stroke_smothers_first_and_flares_later() -> None:
    rig = Rig.of()

    def push(t: float) -> None:
        rig.scale("feeder.speed", STROKE_S / PULSE_S if t < PULSE_S else 0.0 if t < STROKE_S else 1.0)

    course = rig.run(600.0, act=push)
    points = 100.0 * (course.o2 - course.o2[0])
    assert 0.3 < points.max() < 0.8 * WITHIN
    assert 20.0 / WITHIN < (points > 0.1).sum() < 60.0 * WITHIN
    after = int(np.argmin(points))
    assert after > int(np.argmax(points))
    assert -2.0 * WITHIN < points.min() < -1.0 / WITHIN
    steam = course.useful / course.useful[0] - 1.0
    assert 0.02 / WITHIN < steam[60:].max() < 0.04 * WITHIN
    assert 120.0 / WITHIN < METAL_S + 60.0 + float(np.argmax(steam[60:])) < 240.0 * WITHIN


def test_pushers_stroke_in_turn() -> None:
    rig = Rig.of()
    rig.run(60.0)
    seen = np.array([[rig.value(f"feeder.pusher_{n}") for n in range(1, 6)] for _ in range(600) if rig.step(1.0)])
    assert np.all(seen.max(axis=0) > 0.95)
    assert np.all(seen.min(axis=0) < 0.05)
    assert rig.value("feeder.flow") == pytest.approx(9.26, rel=0.01)


def test_lining_delays_the_heat_of_the_furnace_by_two_minutes() -> None:
    rig = Rig.of()
    rig.run(10.0)
    rig.combustion.bed.slug[...] = 1.2
    heat = np.array([[rig.step(1.0).evaporator_w[n, 0, 0] for n in (0, 2)] for _ in range(90)])
    rise = heat - heat[0]
    furnace, second_pass = (float(np.argmax(part > 0.5 * part.max())) for part in rise.T)
    assert 20.0 < furnace < 90.0
    assert second_pass < furnace


def test_grate_speed_moves_the_fire() -> None:
    rig = Rig.of()
    rig.step(1.0)
    before = rig.value("grate.fire_end")
    for group in range(1, 5):
        rig.scale(f"grate.speed_{group}", 1.1)
    rig.run(1800.0, 3.0)
    assert 0.01 < rig.value("grate.fire_end") - before < 0.1


def test_after_a_trip_half_of_the_heat_is_left_for_long() -> None:
    rig = Rig.of()
    rig.set(pa_fan__command=0.0, feeder__speed=0.0, grate__speed_1=0.0)
    course = rig.run(1800.0)
    left = course.power / course.power[0]
    assert left[59] == pytest.approx(0.50, rel=0.3)
    assert left[299] == pytest.approx(0.35, rel=0.3)
    assert left[1199] == pytest.approx(0.12, rel=0.3)
    steam = course.useful / course.useful[0] - 1.0
    assert steam[359] == pytest.approx(-0.5, rel=0.3)
    assert course.o2[600] > course.o2[0]


def test_wet_waste_takes_the_fire_down() -> None:
    rig = Rig.of()
    waste, ram = rig.combustion.chute.waste, rig.combustion.chute.ram_moisture

    def wetter(t: float) -> None:
        lhv = 10.502e6 - 3.0e6 * min(t / 1200.0, 1.0)
        ram[...] = waste.moisture(np.full_like(ram, lhv)) - 0.345

    course = rig.run(5400.0, 3.0, act=wetter)
    steam = course.useful / course.useful[0] - 1.0
    assert -0.24 * 1.35 < steam[round(1410 / 3)] < -0.20 / 1.3  # metal and drum lag the heat by 90 s
    assert steam[-1] == pytest.approx(-0.31, rel=0.1)
    assert course.plane_k[-1] - 273.15 == pytest.approx(826.0, abs=20.0)
    assert 100.0 * course.o2[-1] == pytest.approx(8.9, abs=0.3)
    assert 100.0 * course.h2o[-1] == pytest.approx(18.0, abs=0.7)


def test_plastic_slug_eats_the_oxygen() -> None:
    rig = Rig.of()

    def slug(t: float) -> None:
        rig.combustion.bed.slug[...] = 1.35 if t < 240.0 else 1.0

    rig.run(5.0)
    course = rig.run(300.0, 0.25, act=slug)
    fall = 100.0 * (course.o2.min() - 0.065)
    assert fall == pytest.approx(-4.1, rel=0.3)
    assert course.co.max() > 10.0 * course.co[0]
    assert course.useful.max() / course.useful[0] > 1.05
    assert course.plane_k.max() > course.plane_k[0] + 20.0


def test_carbon_monoxide_follows_the_oxygen() -> None:
    rig = Rig.of()
    flame = rig.combustion.flame
    for o2, mg in ((0.065, 9.9), (0.05, 26.0), (0.03, 190.0), (0.025, 326.0), (0.015, 966.0)):
        co = flame.co_least + flame.co_most * np.exp(-o2 / flame.co_oxygen)
        assert co[0, 0] * 1e6 == pytest.approx(mg, rel=0.02)


def test_chute_bridge_starves_the_fire_with_a_flat_level() -> None:
    rig = Rig.of()
    rig.combustion.chute.bridge[...] = 1.0
    rig.set(crane__run=0.0)
    rig.step(1.0)
    level = rig.value("chute.level")
    course = rig.run(1500.0)
    assert rig.value("chute.level") == pytest.approx(level, abs=0.002)
    assert 360.0 * 0.7 < course.first(course.o2 > 0.10) < 480.0 * 1.3
    assert 720.0 * 0.6 < course.first(course.useful < 0.85 * course.useful[0]) < 720.0 * 1.3
    assert course.first(course.plane_k < 1123.15) < 1200.0


def test_lost_hydraulics_stop_the_feed_and_the_bed_burns_out() -> None:
    rig = Rig.of()
    rig.set(hydraulics__pump_a=0.0)
    course = rig.run(4500.0, 4.0)
    assert rig.value("hydraulics.pressure") < 1.0e6
    assert rig.value("feeder.flow") == 0.0
    assert course.power[-1] < 0.02 * course.power[0]
    bed = rig.combustion.bed.kg[:, :, 0, 0]
    assert bed[1].sum() + bed[2].sum() < 200.0
    assert bed[3].sum() > 3000.0  # the ash stays on the grate


def test_blocked_air_box_moves_the_fire_back() -> None:
    rig = Rig.of()
    rig.step(1.0)
    zone, end, loss = (rig.value(name) for name in ("pa.zone_3", "grate.fire_end", "grate.loss_on_ignition"))
    rig.combustion.air.blocked[2] = 0.45
    rig.run(5400.0, 4.0)
    assert rig.value("pa.zone_3") / zone - 1.0 == pytest.approx(-0.30, rel=0.3)
    assert rig.value("pa.zone_2") > 7.36
    assert rig.value("grate.fire_end") > end
    assert rig.value("grate.loss_on_ignition") > loss


def test_crane_stop_empties_the_chute() -> None:
    rig = Rig.of()
    rig.combustion.chute.crane_stopped[...] = 1.0
    course = [rig.value("chute.level") for _ in range(2400 // 5) if rig.step(5.0)]
    low = 5.0 * float(np.argmax(np.array(course) < 0.20))
    assert low == pytest.approx(23.0 * 60.0, rel=0.1)


def test_moisture_of_a_grab_reaches_the_ram_after_half_an_hour() -> None:
    rig = Rig.of()
    chute = rig.combustion.chute
    chute.mean_moisture[...] = 0.45
    half = 0.0
    for number in range(3600 // 5):
        rig.step(5.0)
        if chute.moisture[-1, 0, 0] > 0.345 + 0.632 * 0.105:
            half = 5.0 * number
            break
    assert half == pytest.approx(34.0 * 60.0, rel=0.25)


def test_burner_heats_the_furnace_at_low_load() -> None:
    planes: list[float] = []
    for load in (0.0, 0.2):
        rig = Rig.of()
        burners = np.zeros((BURNERS, 2, 1))
        burners[:2] = load
        low = Firing(each(0.6), each(10.5e6), each(0.085), each(453.15), burners)
        rig.inputs, _ = steady(rig.combustion, low, rig.boundary)
        planes.append(rig.value("furnace.plane"))
    assert rig.value("burner_1.flame") == 1.0
    assert rig.value("burner_1.gas") == pytest.approx(0.2 * 15e6 / 35.8e6, rel=1e-3)
    assert planes[0] - 273.15 == pytest.approx(852.0, abs=20.0)
    assert (planes[1] - planes[0]) / 6.0 == pytest.approx(3.45, rel=0.15)  # K/MW with the oxygen held


def test_gas_without_ignitor_in_a_cold_furnace_does_not_burn() -> None:
    rig = Rig.of()
    rig.combustion.cool_down(each(283.15))
    rig.set(burner_1__valve=1.0, burner_1__load=0.5, feeder__speed=0.0)
    for _ in range(100):
        rig.step(0.1)
    assert rig.value("burner_1.flame") == 0.0
    assert rig.step(0.1).gas.toc[0, 0] > 0.01


def test_air_over_its_exit_raises_the_furnace_pressure_within_seconds() -> None:
    rig = Rig.of()
    furnace = rig.combustion.furnace

    def fan() -> Draught:
        over = furnace.flow - furnace.full_flow
        return Draught(-150.0 + DRAUGHT_SLOPE * over, np.full_like(over, DRAUGHT_SLOPE))

    for _ in range(300):
        rig.step(0.1, fan())
    before = rig.value("furnace.pressure")
    rig.scale("sa_fan.demand", 1.03)  # 1 % more air in all
    pressure = [rig.value("furnace.pressure") - before for _ in range(600) if rig.step(0.1, fan())]
    assert pressure[-1] == pytest.approx(25.0, rel=0.5)
    assert pressure[300] > 0.8 * pressure[-1]


def test_fan_curves_meet_the_normal_speeds() -> None:
    rig = Rig.of()
    rig.step(0.1)
    assert rig.value("pa.header") - 93200.0 == pytest.approx(3500.0, rel=0.02)
    assert rig.value("sa.header") - 93200.0 == pytest.approx(3200.0, rel=0.02)
    assert rig.value("pa.flow") * 3.6 == pytest.approx(94.7, rel=0.01)
    assert rig.value("sa.flow") * 3.6 == pytest.approx(48.8, rel=0.01)


def test_heater_reaches_220_degrees_for_wet_waste() -> None:
    rig = Rig.of()
    rig.set(heater__drum_valve=0.7)
    rig.run(900.0, 2.0)
    assert rig.value("pa.temperature") > 220.0 + 273.15
