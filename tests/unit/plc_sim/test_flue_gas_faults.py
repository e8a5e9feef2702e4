"""Flue-gas cleaning in motion: interplay with the boiler, faults, cleaning cycle, analysers. No controller acts."""

import math

import numpy as np
import pytest

from plc_sim.process.sncr import FurnaceGas
from tests.unit.plc_sim.flue_gas_rig import BAROMETRIC_PA, Rig

pytestmark = pytest.mark.long  # a piece alone; the joined plant is in every run

SLOW_DT_S = 1.0
CAKE_DT_S = 5.0  # fine enough for what grows in an hour
FAULT_RTOL = 0.3  # of the numbers that fault courses give
SIZE_FACTOR = 1.5  # of size and time scale of an interplay


def time_until(
    rig: Rig, name: str, *, above: float = math.inf, below: float = -math.inf, most_s: float = 600.0
) -> float:
    """Return the seconds until a signal leaves (below, above)."""
    for step in range(1, round(most_s / 0.1) + 1):
        rig.step()
        if not below < rig.value(name) < above:
            return step * 0.1
    raise AssertionError(f"{name} stays at {rig.value(name)} for {most_s} s")


# --- SNCR ---


@pytest.mark.parametrize(
    ("kelvin", "removed"), [(1133.15, 0.43), (1223.15, 0.708), (1323.15, 0.40)], ids=["860C", "950C", "1050C"]
)
def test_removal_of_nox_follows_the_temperature_window(kelvin: float, removed: float) -> None:
    rig = Rig()
    one = np.ones_like(rig.gas.flow)
    rig.furnace = FurnaceGas(one * kelvin, one * kelvin, one * kelvin)
    injected = rig.run(10.0).injected
    assert 1.0 - (injected.nox / rig.gas.nox)[0, 0] == pytest.approx(removed, abs=0.03)


def test_slip_doubles_every_thirty_degrees_below_the_window_and_ammonia_makes_nox_above_it() -> None:
    rig = Rig()
    one = np.ones_like(rig.gas.flow)

    def at(celsius: float) -> tuple[float, float]:
        rig.furnace = FurnaceGas(*(one * (celsius + 273.15),) * 3)
        injected = rig.step().injected
        return float(injected.nh3[0, 0]), float(injected.nox[0, 0])

    doubling = 30.0 / math.log2(at(820.0)[0] / at(850.0)[0])
    assert 30.0 / SIZE_FACTOR < doubling < 30.0 * SIZE_FACTOR
    assert at(880.0)[0] / at(950.0)[0] == pytest.approx(0.15 / 0.04 * 1.12, rel=0.1)  # less is used up, too
    assert at(1100.0)[1] > rig.gas.nox[0, 0]


def test_stopped_ammonia_pump_lets_nox_rise_to_raw_in_about_five_minutes() -> None:
    rig = Rig()
    assert rig.at_11("nox") == pytest.approx(95.0, rel=0.05)
    rig.set({"sncr.pump": 0.0})
    rig.run(60.0)
    assert rig.at_11("nox") < 0.6 * 320.0
    rig.run(210.0)
    assert rig.at_11("nox") == pytest.approx(320.0, rel=0.1)


def test_cold_furnace_with_a_high_ratio_slips_above_the_limit() -> None:
    rig = Rig()
    one = np.ones_like(rig.gas.flow)
    rig.furnace = FurnaceGas(one * 1200.0, one * 1150.0, one * 1070.0)
    rig.set({"sncr.ammonia_valve": 0.45})
    rig.run(400.0, SLOW_DT_S)
    assert rig.at_11("nh3") > 10.0
    rig.set({"sncr.ammonia_valve": 0.05})
    rig.run(400.0, SLOW_DT_S)
    assert rig.at_11("nh3") < 10.0


def test_furnace_evaporates_what_the_lances_inject() -> None:
    rig = Rig()
    injected = rig.step().injected
    assert rig.cleaning.furnace_water() == pytest.approx(injected.liquid, rel=1e-12)
    # 1200 kg/h of carrier water and three quarters of 174 kg/h
    assert injected.liquid[0, 0] * 3600.0 == pytest.approx(1330.0, rel=0.02)
    rig.set({"sncr.lance_2": 0.0})
    rig.run(60.0)
    assert rig.cleaning.furnace_water()[0, 0] == pytest.approx(0.0, abs=1e-9)


def test_slip_in_a_cold_filter_raises_its_resistance() -> None:
    cold, warm = Rig(), Rig()
    for rig, kelvin in ((cold, 440.0), (warm, 473.15)):
        rig.gas = rig.gas._replace(temperature=rig.gas.temperature * 0.0 + kelvin)
        rig.run(3600.0, 4.0 * CAKE_DT_S)
    assert cold.cleaning.filter.salt[0, 0] > 5.0 * warm.cleaning.filter.salt[0, 0]
    assert cold.cleaning.filter.salt[0, 0] > 0.02


# --- reactor, lime, carbon ---


def test_atomiser_trip_heats_the_gas_and_lets_hcl_pass() -> None:
    rig = Rig()
    rig.cleaning.reactor.tripped[...] = 1.0
    seconds = time_until(rig, "reactor.gas_out", above=195.0 + 273.15)
    assert 60.0 * (1.0 - FAULT_RTOL) < seconds < 90.0 * (1.0 + FAULT_RTOL)
    hcl = rig.stack_at_11(rig.run(300.0), "hcl")
    assert 10.0 * (1.0 - FAULT_RTOL) < hcl < 15.0 * (1.0 + FAULT_RTOL)
    rig.set({"dosing.lime_speed": 1.0})
    assert rig.stack_at_11(rig.run(1800.0, 4.0 * CAKE_DT_S), "hcl") < hcl
    rig.set({"quench.valve": 1.0})
    rig.run(120.0)
    assert rig.value("filter.gas_in") < 165.0 + 273.15


def test_plugged_slurry_shows_in_hcl_after_the_reserve_of_the_cake() -> None:
    rig = Rig()
    water = rig.value("reactor.slurry_flow") * 0.88 + rig.value("reactor.dilution_flow")
    rig.cleaning.passes[3] = 0.0
    rig.set({"reactor.dilution_valve": water / 3.25})
    passed = 0.0
    hcl = 0.0
    while hcl < 10.0:
        hcl = rig.stack_at_11(rig.run(300.0, CAKE_DT_S), "hcl")
        passed += 300.0
        if passed == 900.0:
            assert hcl < 8.0
        if rig.value("filter.dp") > 1500.0:
            rig.clean_bags()
            passed += 120.0
        assert passed < 2.0 * 3600.0
    assert 3600.0 / SIZE_FACTOR < passed < 3600.0 * SIZE_FACTOR


def test_more_slurry_is_more_water_unless_the_dilution_gives_way() -> None:
    rig = Rig()
    before = rig.value("reactor.gas_out")
    rig.inputs[rig.cleaning.inputs["reactor.slurry_valve"]] *= 1.2
    more = 0.2 * rig.value("reactor.slurry_flow") * 0.88
    rig.run(200.0)
    assert rig.value("reactor.gas_out") < before - 3.0
    rig.inputs[rig.cleaning.inputs["reactor.dilution_valve"]] -= more / 3.25
    rig.run(200.0)
    assert rig.value("reactor.gas_out") == pytest.approx(before, abs=0.5)


def test_dilution_water_moves_the_reactor_outlet_as_its_loop_was_tuned_for() -> None:
    rig = Rig()
    before = rig.value("reactor.gas_out")
    rig.inputs[rig.cleaning.inputs["reactor.dilution_valve"]] += 0.01
    rig.run(300.0)
    # -0.35 % of 300 K for 1 % of 9 t/h; the valve's full stroke is 1.3 times that.
    expected = -0.35 * 3.0 * 1.3
    assert expected * SIZE_FACTOR < rig.value("reactor.gas_out") - before < expected / SIZE_FACTOR


def test_lost_water_behind_a_fouled_economiser_heats_the_filter_by_a_degree_a_second() -> None:
    rig = Rig()
    rig.gas = rig.gas._replace(temperature=rig.gas.temperature + 30.0)
    rig.inputs[rig.cleaning.inputs["reactor.dilution_valve"]] *= 1.9
    rig.run(200.0)
    start = rig.value("filter.gas_in")
    rig.cleaning.passes[2:4] = 0.0
    seconds = time_until(rig, "filter.gas_in", above=200.0 + 273.15)
    assert (473.15 - start) / seconds == pytest.approx(1.0, rel=FAULT_RTOL)


def test_mercury_rises_without_carbon() -> None:
    rig = Rig()
    rig.set({"dosing.carbon_speed": 0.0})
    rig.clean_bags()
    before = rig.at_11("hg")
    for _ in range(2):
        rig.run(1500.0, CAKE_DT_S)
        rig.clean_bags()
    assert rig.at_11("hg") > 1.2 * before


# --- bag filter ---


def test_pressure_difference_rises_in_seventy_minutes_and_falls_in_three() -> None:
    rig = Rig()
    rig.cleaning.filter.cake[...] *= 1.34
    rig.step()
    assert rig.value("filter.dp") == pytest.approx(1500.0, rel=0.02)
    suction = rig.value("duct.economiser_pressure")
    hcl = rig.stack_at_11(rig.step(), "hcl")
    rig.clean_bags()
    cleaned = rig.run(60.0)
    fall = 1500.0 - rig.value("filter.dp")
    assert 300.0 < fall < 450.0
    # the boiler sees about the same fall of suction: the furnace moves by what its own air flow leaves of it
    assert suction - rig.value("duct.economiser_pressure") == pytest.approx(fall, rel=0.2)
    assert 0.3 < rig.stack_at_11(cleaned, "hcl") - hcl < 1.0 * SIZE_FACTOR
    minutes = 3.0
    while rig.value("filter.dp") < 1500.0:
        rig.run(60.0, CAKE_DT_S)
        minutes += 1.0
    assert 70.0 * (1.0 - FAULT_RTOL) < minutes < 70.0 * (1.0 + FAULT_RTOL)


def test_hcl_after_a_pulse_falls_again_in_minutes() -> None:
    rig = Rig()
    rig.run(1500.0, CAKE_DT_S)
    before = rig.stack_at_11(rig.step(), "hcl")
    rig.clean_bags()
    peak = rig.stack_at_11(rig.step(), "hcl") - before
    later = rig.stack_at_11(rig.run(300.0, SLOW_DT_S), "hcl") - before
    assert 0.3 < peak < 1.0 * SIZE_FACTOR
    assert later < 0.65 * peak


def test_torn_bag_shows_as_dust_and_isolating_its_compartment_finds_it() -> None:
    rig = Rig()
    whole = rig.at_11("dust")
    rig.cleaning.filter.torn[4] = 1.0
    rig.run(120.0)
    assert whole == pytest.approx(2.0, rel=FAULT_RTOL)
    torn = rig.at_11("dust")
    assert 6.0 * (1.0 - FAULT_RTOL) < torn < 10.0 * (1.0 + FAULT_RTOL)
    rig.set({"filter.pulse_4": 1.0})
    assert rig.stack_at_11(rig.run(2.0), "dust") > 2.0 * torn
    rig.set({"filter.inlet_4": 0.0, "filter.outlet_4": 0.0})
    rig.run(120.0)
    assert rig.at_11("dust") == pytest.approx(whole, rel=0.2)
    assert rig.value("filter.dp_4") == 0.0
    assert rig.value("filter.dp") > 1300.0


def test_open_bypass_lets_raw_gas_pass_and_relieves_the_fan() -> None:
    rig = Rig()
    rig.set({"filter.bypass_a": 1.0})
    rig.run(30.0)
    assert rig.stack_at_11(rig.step(), "dust") < 3.0  # double damper: one alone is nothing
    rig.set({"filter.bypass_b": 1.0})
    cleaned = rig.run(30.0)
    assert rig.stack_at_11(cleaned, "dust") > 1000.0
    assert rig.value("filter.dp") < 500.0


def test_hopper_fills_without_its_rotary_valve_and_cools_without_heater() -> None:
    rig = Rig()
    rig.set({f"filter.rotary_{number}": 0.0 for number in range(10)})
    rig.set({"filter.heater_2": 1.0})
    for _ in range(6):
        rig.run(1800.0, 4.0 * CAKE_DT_S)
        rig.clean_bags()
    assert rig.value("filter.hopper_high_1") == 1.0
    assert rig.value("filter.hopper_2") - rig.value("filter.hopper_1") == pytest.approx(80.0, rel=0.05)


# --- fan and duct ---


def test_suction_law_is_the_pressure_that_the_duct_then_has() -> None:
    rig = Rig()
    law = rig.cleaning.suction(rig.gas.flow)
    assert law.gauge_pa == pytest.approx(rig.cleaning.draught.pressure[0], abs=1.0)
    more = rig.cleaning.suction(rig.gas.flow + 0.01)
    assert (more.gauge_pa - law.gauge_pa) / 0.01 == pytest.approx(law.slope, rel=1e-3)


def test_one_percent_of_fan_speed_is_worth_a_hundred_pascal_before_the_furnace_answers() -> None:
    # False air, 4 % at -60 Pa, answers with 0.033 % more gas for each Pa: of 117 Pa some 30 are left in the furnace.
    rig = Rig()
    before = rig.cleaning.suction(rig.gas.flow).gauge_pa[0, 0]
    rig.inputs[rig.cleaning.inputs["id_fan.speed"]] += 0.01
    rig.run(20.0)
    after = rig.cleaning.suction(rig.gas.flow)
    lifted = before - after.gauge_pa[0, 0]
    false_air = 0.04 * 149_465.0 / 3600.0 / 2.0 / 60.0  # Nm3/s for each Pa
    furnace = lifted / (1.0 + after.slope[0, 0] * false_air)
    assert 25.0 / SIZE_FACTOR < furnace < 25.0 * SIZE_FACTOR


def test_tripped_fan_runs_down_and_the_suction_is_gone() -> None:
    rig = Rig()
    rig.cleaning.draught.tripped[...] = 1.0
    rig.run(3.0)
    assert rig.value("id_fan.running") == 0.0
    early = rig.cleaning.suction(rig.gas.flow).gauge_pa[0, 0]
    assert early > 500.0
    rig.run(60.0)
    assert rig.value("id_fan.speed") < 0.01
    # natural draught is left
    assert -400.0 < rig.cleaning.suction(0.0 * rig.gas.flow).gauge_pa[0, 0] < -150.0


def test_dead_bus_stops_fan_atomiser_and_dosing() -> None:
    rig = Rig()
    rig.bus[...] = 0.0
    rig.run(120.0)
    for name in ("id_fan.running", "atomiser.running", "conveying.lime_flowing", "conveying.carbon_flowing"):
        assert rig.value(name) == 0.0
    for name in ("sncr.ammonia_flow", "dosing.lime_rate", "dosing.carbon_rate"):
        assert rig.value(name) == pytest.approx(0.0, abs=1e-6)
    assert rig.value("sncr.carrier_flow") > 0.3  # from the mains


def test_fading_instrument_air_shows_at_lances_and_pulse_tank_below_their_reducers() -> None:
    rig = Rig()
    gauge = {0.65e6: (0.40e6, 0.35e6), 0.38e6: (0.38e6, 0.35e6), 0.30e6: (0.30e6, 0.30e6)}
    for air_pa, (lances, tank) in gauge.items():
        rig.air_pa[...] = air_pa
        rig.run(60.0)
        assert rig.value("sncr.air_pressure") - BAROMETRIC_PA == pytest.approx(lances, rel=1e-6)
        assert rig.value("filter.pulse_pressure") - BAROMETRIC_PA == pytest.approx(tank, rel=1e-4)


def test_hot_bearing_and_shaken_fan_show() -> None:
    rig = Rig()
    rig.cleaning.draught.machine_added[0] = 40.0
    rig.cleaning.draught.vibration_added[1] = 15e-3
    rig.run(3600.0, 4.0 * CAKE_DT_S)
    assert rig.value("id_fan.bearing_1") > 353.0 > rig.value("id_fan.bearing_2")
    assert rig.value("id_fan.vibration_2") > 11e-3 * 0.9 > rig.value("id_fan.vibration_1")
