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


@pytest.mark.parametrize("load", [1.1, 0.8, 0.6])
def test_every_load_is_a_steady_state(bench: Bench, load: float) -> None:
    shift = bench.shift(load)
    names = ("L1/steam.flow", "L1/steam.pressure", "C0/generator.power", "L1/economiser.gas_flow", "L1/furnace.plane")
    before = [signal(shift.plant, name) for name in names]
    shift.run(600.0)
    assert [signal(shift.plant, name) for name in names] == pytest.approx(before, rel=3e-3)
    assert signal(shift.plant, "L1/drum.level") == pytest.approx(0.0, abs=2e-3)


@pytest.mark.parametrize("load", [1.4, 0.3])
def test_a_load_beyond_the_equipment_is_refused_with_the_reason(process: Process, load: float) -> None:
    with pytest.raises(PlantError, match="a line runs between 60% and 110% of its throughput"):
        line_up(process, BAROMETRIC_PA, load)


def test_a_cold_plant_stays_cold(bench: Bench, process: Process) -> None:
    plant = Plant(process, State(batch=1), BAROMETRIC_PA)
    before = plant.signals.copy()
    run(bench, plant, 3600.0)
    assert np.isfinite(plant.signals).all()
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


def test_a_third_line_needs_no_new_figure(process: Process) -> None:
    three = {"L1": process["L1"], "L2": process["L1"], "L3": process["L1"], "C0": process["C0"]}
    plant = Plant(three, State(batch=1), BAROMETRIC_PA)
    for _ in range(20):
        plant.step(0.1)
    assert np.isfinite(plant.signals).all()
    assert "L3/furnace.plane" in plant.signal_row


def test_without_release_the_bed_still_gives_heat_for_most_of_an_hour(bench: Bench) -> None:
    # With the secondary air going on half of the heat is gone within a minute or two; the bed burns out slowly.
    shift = bench.shift(1.0)
    full = signal(shift.plant, "L1/fire.power")
    shift.off |= {"oxygen"}
    put(shift.plant, "L1/firing.release", 0.0)
    shift.run(120.0)
    assert 0.3 < signal(shift.plant, "L1/fire.power") / full < 0.65
    shift.run(480.0)
    assert 0.1 < signal(shift.plant, "L1/fire.power") / full < 0.45
    assert signal(shift.plant, "L2/fire.power") / full == pytest.approx(1.0, abs=0.05)


def test_a_shut_stop_valve_lifts_the_safety_valves_which_reseat(bench: Bench) -> None:
    shift = bench.shift(1.0)
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


def test_neglect_leaves_finite_numbers(bench: Bench) -> None:
    plant = bench.plant(1.0)
    put(plant, "L1/feedwater.valve", 1.0)
    plant.disturbances.valve_shut[1] = 1.0
    run(bench, plant, 3600.0)
    assert np.isfinite(plant.signals).all()


def test_the_shift_holds_the_plant_on_changing_waste(bench: Bench) -> None:
    shift: Shift = bench.shift(1.0)
    random = np.random.default_rng(3)

    def weather(_: Shift) -> None:
        shift.plant.noise[...] = random.standard_normal(shift.plant.noise.shape)

    shift.before_step = weather
    shift.run(3600.0)
    assert abs(signal(shift.plant, "L1/drum.level")) < 0.06
    assert 20.0 < signal(shift.plant, "L1/steam.flow") < 40.0
