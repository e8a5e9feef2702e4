"""The joined plant: steady where it should stand, and right in sign and time when it does not."""

import numpy as np
import pytest

from controller.core.config import load
from controller.core.errors import PlantError
from controller.core.state import State
from plc_sim.initial import begin
from plc_sim.line_up import line_up
from plc_sim.plant import Plant
from tests.unit.plc_sim.conftest import BAROMETRIC_PA, PLANT, Process
from wte.validation.bench import Bench
from wte.validation.shift import Shift

T_H = 3.6
LOADS = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1)
STEADY_RTOL = 1.5e-3
SETTLE_S = 10.0  # in which the hands take their set-points
STEADY_M = 1e-4
# What changes in a cold plant, and by what: waste is brought; the hydraulic oil takes the temperature of its cooler;
# the ejector of the bypass condenser has no valve; the filter's air vessel empties; the analysers find air, and drift.
MOVES_COLD = ("bunker.level", "hydraulics.temperature", "bypass_condenser.pressure", "filter.pulse_pressure", "cems.")


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench(load(PLANT))


def signal(plant: Plant, name: str) -> float:
    return float(plant.signals[plant.signal_row[name], 0])


def put(plant: Plant, name: str, value: float) -> None:
    plant.inputs[plant.input_row[name]] = value


def gauge_mpa(plant: Plant, name: str) -> float:
    return (signal(plant, name) - BAROMETRIC_PA) / 1e6


def run(bench: Bench, plant: Plant, seconds: float) -> None:
    step = bench.compiled(plant, 0.1)
    for _ in range(round(seconds * 10)):
        step()


def test_full_load_stands_where_the_balances_put_it(bench: Bench) -> None:
    # The design balance has 112.8 t/h and 55.3 MW without the 1.2 t/h of water that the SNCR sprays into the furnace.
    plant = bench.plant(1.0)
    assert signal(plant, "L1/steam.flow") * T_H == pytest.approx(111.1, abs=0.3)
    assert signal(plant, "C0/generator.power") / 1e6 == pytest.approx(54.4, abs=0.2)
    assert signal(plant, "L1/steam.temperature") == pytest.approx(723.15, abs=0.2)
    assert signal(plant, "L1/furnace.plane") - 273.15 == pytest.approx(986.0, abs=3.0)
    assert signal(plant, "L1/furnace.pressure") - BAROMETRIC_PA == pytest.approx(-60.0, abs=5.0)
    assert gauge_mpa(plant, "L1/drum.pressure") == pytest.approx(7.08, abs=0.03)
    assert gauge_mpa(plant, "C0/steam_header.pressure") == pytest.approx(6.15, abs=0.01)
    assert gauge_mpa(plant, "C0/turbine.inlet_pressure") == pytest.approx(6.10, abs=0.01)
    assert gauge_mpa(plant, "C0/feedwater_header.pressure") == pytest.approx(9.0, abs=0.05)


@pytest.mark.parametrize("load", LOADS)
def test_every_load_is_a_true_steady_state(bench: Bench, load: float) -> None:
    shift = bench.shift(load, settle_s=SETTLE_S)
    names = (
        "L1/steam.flow",
        "L1/steam.pressure",
        "L1/steam.temperature",
        "L1/drum.pressure",
        "L1/feedwater.flow",
        "L1/economiser.gas_flow",
        "L1/furnace.plane",
        "C0/generator.power",
        "C0/feedwater_header.pressure",
        "C0/condenser.pressure",
        "C0/deaerator.level",
    )
    before = [signal(shift.plant, name) for name in names]
    seen = shift.watch(["L1/drum.level", "L2/drum.level"], 600.0)
    assert [signal(shift.plant, name) for name in names] == pytest.approx(before, rel=STEADY_RTOL)
    for level in seen.values():
        assert np.abs(level.value).max() < STEADY_M


def test_the_feedwater_header_slides_with_the_flow(bench: Bench) -> None:
    # Over the drum 1.07 MPa without flow and 1.90 at full flow. 60 % of the throughput is two thirds of the feedwater,
    # because burners help and the flue gas is colder, so the header stands above the 7.8 MPa of 60 % steam.
    full = signal(bench.plant(1.0), "L1/feedwater.flow")
    for share_of_waste in (0.6, 1.0):
        plant = bench.plant(share_of_waste)
        share = signal(plant, "L1/feedwater.flow") / full
        over_drum = signal(plant, "C0/feedwater_header.pressure") - signal(plant, "L1/drum.pressure")
        assert over_drum / 1e6 == pytest.approx(1.07 + 0.83 * share * share, abs=0.03)


@pytest.mark.parametrize("load", [1.4, 0.3])
def test_a_load_beyond_the_equipment_is_refused_with_the_reason(process: Process, load: float) -> None:
    with pytest.raises(PlantError, match="a line runs between 60% and 110% of its throughput"):
        line_up(process, BAROMETRIC_PA, load)


def test_a_cold_plant_stays_cold(bench: Bench, process: Process) -> None:
    plant = Plant(process, State(batch=1), BAROMETRIC_PA)
    before = plant.signals.copy()
    run(bench, plant, 3600.0)
    assert np.isfinite(plant.signals).all()
    for name, row in plant.signal_row.items():
        if not name.split("/")[1].startswith(MOVES_COLD):
            assert plant.signals[row, 0] == pytest.approx(before[row, 0], rel=2e-3, abs=1e-6), name
    for name in ("L1/drum.metal_top", "L1/steam.temperature", "L1/furnace.plane", "C0/deaerator.temperature"):
        assert signal(plant, name) == pytest.approx(float(before[plant.signal_row[name], 0]), abs=0.5), name
    for name in ("L1/drum.pressure", "C0/steam_header.pressure", "C0/condenser.pressure"):
        assert signal(plant, name) == pytest.approx(BAROMETRIC_PA, rel=1e-3), name


def test_hot_standby_keeps_its_pressure_for_an_hour(bench: Bench, process: Process) -> None:
    plant = Plant(process, State(batch=1), BAROMETRIC_PA)
    begin(plant, process, BAROMETRIC_PA, "hot standby")
    assert gauge_mpa(plant, "L1/drum.pressure") == pytest.approx(3.5, abs=0.01)
    run(bench, plant, 3600.0)
    assert gauge_mpa(plant, "L1/drum.pressure") > 2.8
    assert abs(signal(plant, "L1/drum.level")) < 0.1
    assert signal(plant, "L1/steam.flow") == 0.0


def test_an_unknown_initial_condition_is_refused_with_those_that_exist(process: Process) -> None:
    plant = Plant(process, State(batch=1), BAROMETRIC_PA)
    with pytest.raises(PlantError, match='"cold", "hot standby" or a load such as "100%"'):
        begin(plant, process, BAROMETRIC_PA, "warm")


def three_lines(process: Process) -> Process:
    return {"L1": process["L1"], "L2": process["L1"], "L3": process["L1"], "C0": process["C0"]}


def test_a_third_line_needs_no_new_figure(process: Process) -> None:
    # Headers, pumps and stores grow with the lines; the turbine of two lines takes the steam of three at 60 %.
    plant = line_up(three_lines(process), BAROMETRIC_PA, 0.6)
    before = plant.signals.copy()
    for _ in range(100):
        plant.step(0.1)
    for name in ("L3/steam.flow", "L3/furnace.plane", "C0/generator.power", "C0/feedwater_header.pressure"):
        assert signal(plant, name) == pytest.approx(float(before[plant.signal_row[name], 0]), rel=1e-4), name
    assert signal(plant, "C0/turbine.flow") > 2.9 * signal(plant, "L3/steam.flow")
    assert signal(plant, "L3/drum.level") == pytest.approx(0.0, abs=STEADY_M)


def test_more_steam_than_the_turbine_takes_is_refused_with_the_reason(process: Process) -> None:
    with pytest.raises(PlantError, match=r"opening of the turbine's governor valves would be 12\d%"):
        line_up(three_lines(process), BAROMETRIC_PA, 1.0)


def test_lost_feedwater_reaches_the_low_trip_level_in_140_to_165_s(bench: Bench) -> None:
    shift = bench.shift(1.0, settle_s=SETTLE_S)
    shift.plant.disturbances.valve_shut[0] = 1.0
    seen = shift.watch(["L1/drum.level", "L2/drum.level"], 200.0, 0.5)
    level = seen["L1/drum.level"]
    assert 0.004 < level.highest()[1] < 0.020
    assert 140.0 < level.reaches(-0.25) < 165.0
    assert np.abs(seen["L2/drum.level"].value).max() < 0.005


def test_more_steam_demand_swells_the_drum_and_lets_the_pressure_go(bench: Bench) -> None:
    shift = bench.shift(1.0, settle_s=SETTLE_S)
    shift.off |= {"inlet", "level"}
    power, steam = signal(shift.plant, "C0/generator.power"), signal(shift.plant, "C0/turbine.flow")
    shift.turn("turbine.load_setpoint", 1.1)
    seen = shift.watch(["L1/drum.level", "C0/turbine.inlet_pressure", "C0/turbine.flow", "C0/generator.power"], 300.0)
    level, pressure = seen["L1/drum.level"], seen["C0/turbine.inlet_pressure"]
    assert seen["C0/generator.power"].at(60.0) == pytest.approx(1.1 * power, rel=0.01)
    assert seen["C0/turbine.flow"].at(60.0) == pytest.approx(1.1 * steam, rel=0.02)
    assert 0.015 <= level.highest()[1] <= 0.030
    assert level.at(300.0) < -0.030
    assert pressure.at(60.0) < pressure.value[0] - 0.25e6
    # The hands put the load back to where the boilers hold the pressure.
    shift.off.clear()
    shift.run(3600.0)
    assert signal(shift.plant, "C0/turbine.inlet_pressure") == pytest.approx(float(pressure.value[0]), rel=1e-3)
    assert signal(shift.plant, "C0/generator.power") == pytest.approx(power, rel=0.01)
    assert signal(shift.plant, "L1/drum.level") == pytest.approx(0.0, abs=0.005)


def test_without_release_the_bed_still_gives_heat_for_most_of_an_hour(bench: Bench) -> None:
    # Without primary air: to about 50 % within a minute, 35 % after 5, 12 % after 20, as a boiler trip leaves it.
    shift = bench.shift(1.0, settle_s=SETTLE_S)
    plant = shift.plant
    full = signal(plant, "L1/fire.power")
    shift.off |= {"oxygen"}
    put(plant, "L1/sa_fan.demand", 0.3)
    for name in ("firing.release", "sncr.ammonia_valve", "sncr.carrier_valve", "reactor.slurry_valve"):
        put(plant, f"L1/{name}", 0.0)
    names = ("L1/fire.power", "L2/fire.power", "L1/feeder.flow", "L1/furnace.pressure", "L1/drum.level")
    fire, other, fed, furnace, level = shift.watch(names, 3600.0, 5.0).values()
    assert fed.at(10.0) == 0.0
    assert fire.at(60.0) / full == pytest.approx(0.47, abs=0.08)
    assert fire.at(300.0) / full == pytest.approx(0.35, abs=0.05)
    assert fire.at(1200.0) / full == pytest.approx(0.12, abs=0.04)
    assert fire.at(3600.0) / full < 0.02
    assert np.abs(other.value / full - 1.0).max() < 0.02
    assert furnace.highest()[1] < BAROMETRIC_PA + 1.0
    assert -0.2 < level.lowest()[1] < level.highest()[1] < 0.1
    assert signal(plant, "L1/economiser.gas_o2") > 0.19


def test_a_shut_stop_valve_lifts_the_safety_valves_which_reseat(bench: Bench) -> None:
    shift = bench.shift(1.0, settle_s=SETTLE_S)
    plant = shift.plant
    put(plant, "L1/steam.stop_valve", 0.0)
    highest = 0.0
    for _ in range(200):
        shift.run(1.0)
        highest = max(highest, gauge_mpa(plant, "L1/steam.pressure"))
    assert 6.95 < highest < 8.1
    assert gauge_mpa(plant, "L1/drum.pressure") < 8.2
    put(plant, "L1/firing.release", 0.0)
    put(plant, "L1/steam.vent", 1.0)
    shift.run(300.0)
    assert not plant.steam.outlet_safety[0].any()
    assert not plant.steam.drum_safety[0].any()


def test_a_tripped_pump_leaves_the_others_with_more_flow_and_less_head(bench: Bench) -> None:
    plant = bench.plant(1.0)
    before = signal(plant, "C0/feedwater_total.flow")
    plant.disturbances.pump_tripped[0] = 1.0
    run(bench, plant, 30.0)
    assert signal(plant, "C0/pump_a.running") == 0.0
    assert signal(plant, "C0/pump_b.running") == 1.0
    assert 0.5 * before < signal(plant, "C0/feedwater_total.flow") < 0.97 * before


def test_without_any_pump_no_water_flows_back(bench: Bench) -> None:
    plant = bench.plant(1.0)
    plant.disturbances.pump_tripped[...] = 1.0
    run(bench, plant, 30.0)
    assert signal(plant, "L1/feedwater.flow") == pytest.approx(0.0, abs=1e-6)
    assert signal(plant, "C0/feedwater_total.flow") == pytest.approx(0.0, abs=1e-6)


def test_the_vent_takes_its_share_of_the_steam_and_the_turbine_gives_way(bench: Bench) -> None:
    shift = bench.shift(1.0, settle_s=SETTLE_S)
    turbine, boiler = signal(shift.plant, "C0/turbine.flow"), signal(shift.plant, "L1/steam.flow")
    put(shift.plant, "L1/steam.vent", 0.3)
    shift.run(600.0)
    vented = 0.3 * boiler  # fully open it takes all steam of the line
    assert turbine - signal(shift.plant, "C0/turbine.flow") == pytest.approx(vented, rel=0.08)
    assert signal(shift.plant, "L1/steam.flow") == pytest.approx(boiler, rel=0.02)
    assert signal(shift.plant, "L2/steam.flow") == pytest.approx(boiler, rel=0.02)


def test_neglect_leaves_finite_numbers(bench: Bench) -> None:
    plant = bench.plant(1.0)
    put(plant, "L1/feedwater.valve", 1.0)
    plant.disturbances.valve_shut[1] = 1.0
    run(bench, plant, 3600.0)
    assert np.isfinite(plant.signals).all()


def test_the_shift_holds_the_plant_on_changing_waste(bench: Bench) -> None:
    shift: Shift = bench.shift(1.0, settle_s=SETTLE_S)
    random = np.random.default_rng(3)

    def weather(_: Shift) -> None:
        shift.plant.noise[...] = random.standard_normal(shift.plant.noise.shape)

    shift.before_step = weather
    shift.run(3600.0)
    assert abs(signal(shift.plant, "L1/drum.level")) < 0.06
    assert 20.0 < signal(shift.plant, "L1/steam.flow") < 40.0
