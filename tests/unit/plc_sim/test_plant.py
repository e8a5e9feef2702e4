"""The process as a whole: steady where it should stand, and right in sign and time when it does not."""

import numpy as np
import pytest

from controller.core.errors import PlantError
from controller.core.state import State
from plc_sim.plant import Plant

Process = dict[str, dict[str, dict[str, float]]]

BAROMETRIC_PA = 93_200.0
LEVEL_ATOL_M = 1e-6
STEADY_RTOL = 1e-6


def run(plant: Plant, seconds: float) -> None:
    for _ in range(round(seconds * 10)):
        plant.step(0.1)


def signal(plant: Plant, name: str) -> float:
    return float(plant.signals[plant.signal_row[name], 0])


def put(plant: Plant, name: str, value: float) -> None:
    plant.inputs[plant.input_row[name]] = value


def gauge_mpa(plant: Plant, name: str) -> float:
    return (signal(plant, name) - BAROMETRIC_PA) / 1e6


def test_full_load_stands_where_the_heat_balance_puts_it(plant: Plant) -> None:
    assert signal(plant, "L1/steam.flow") * 3.6 == pytest.approx(112.8, rel=1e-4)
    assert signal(plant, "L1/feedwater.flow") * 3.6 == pytest.approx(116.5, rel=1e-3)
    assert signal(plant, "L1/heat.power") / 1e6 == pytest.approx(87.793, rel=1e-3)
    assert signal(plant, "L1/steam.temperature") == pytest.approx(723.15, abs=0.05)
    assert signal(plant, "L1/economiser.water_out") == pytest.approx(483.15, abs=0.05)
    assert gauge_mpa(plant, "L1/drum.pressure") == pytest.approx(7.10, abs=0.002)
    assert gauge_mpa(plant, "L1/steam.pressure") == pytest.approx(6.40, abs=0.002)
    assert gauge_mpa(plant, "C0/steam_header.pressure") == pytest.approx(6.15, abs=0.002)
    assert gauge_mpa(plant, "C0/turbine.inlet_pressure") == pytest.approx(6.10, abs=0.002)
    assert gauge_mpa(plant, "C0/feedwater_header.pressure") == pytest.approx(9.0, abs=0.01)
    assert signal(plant, "L1/feedwater.valve_dp") / 1e6 == pytest.approx(0.80, abs=0.001)
    assert plant.inputs[plant.input_row["L1/feedwater.valve"], 0] == pytest.approx(0.62, abs=1e-6)


@pytest.mark.parametrize("load", [1.1, 0.6, 0.4])
def test_every_load_is_a_true_steady_state(process: Process, load: float) -> None:
    plant = Plant(process, State(batch=1), load)
    before = plant.signals.copy()
    run(plant, 60.0)
    level = [row for key, row in plant.signal_row.items() if key.endswith("drum.level")]
    assert plant.signals[level] == pytest.approx(0.0, abs=LEVEL_ATOL_M)
    rest = [row for key, row in plant.signal_row.items() if not key.endswith("drum.level")]
    assert plant.signals[rest] == pytest.approx(before[rest], rel=STEADY_RTOL)


def test_60_percent_has_the_feedwater_header_of_the_reference(process: Process) -> None:
    plant = Plant(process, State(batch=1), 0.6)
    assert gauge_mpa(plant, "C0/feedwater_header.pressure") == pytest.approx(7.8, abs=0.1)
    over_drum = signal(plant, "C0/feedwater_header.pressure") - signal(plant, "L1/drum.pressure")
    assert over_drum / 1e6 == pytest.approx(1.37, abs=0.03)


def test_a_load_beyond_the_equipment_is_refused_with_the_reason(process: Process) -> None:
    with pytest.raises(PlantError, match="turbine admission would be"):
        Plant(process, State(batch=1), 1.4)


def test_a_third_line_needs_no_new_figure(process: Process) -> None:
    three = {"L1": process["L1"], "L2": process["L1"], "L3": process["L1"], "C0": process["C0"]}
    plant = Plant(three, State(batch=1), 1.0)
    run(plant, 20.0)
    assert signal(plant, "L3/drum.level") == pytest.approx(0.0, abs=LEVEL_ATOL_M)
    assert gauge_mpa(plant, "C0/feedwater_header.pressure") == pytest.approx(9.0, abs=0.01)


def test_lost_feedwater_reaches_the_low_trip_level_in_140_to_165_s(plant: Plant) -> None:
    plant.disturbances.valve_shut[0] = 1.0
    levels: list[float] = []
    for _ in range(1650):
        plant.step(0.1)
        levels.append(signal(plant, "L1/drum.level"))
    assert levels[1399] > -0.250
    assert levels[-1] < -0.250


def test_more_steam_demand_swells_the_drum_and_lets_the_pressure_go(plant: Plant) -> None:
    plant.admission.demand[...] = plant.admission.flow * 1.1
    levels = []
    for _ in range(600):
        plant.step(0.1)
        levels.append(signal(plant, "L1/drum.level"))
    assert 0.015 <= max(levels) <= 0.030
    lowest = gauge_mpa(plant, "C0/turbine.inlet_pressure")
    assert lowest < 5.9
    plant.admission.demand[...] = np.nan
    run(plant, 120.0)
    assert lowest + 0.1 < gauge_mpa(plant, "C0/turbine.inlet_pressure") < 6.12


def test_without_release_the_bed_still_gives_heat_for_most_of_an_hour(plant: Plant) -> None:
    full = signal(plant, "L1/heat.power")
    put(plant, "L1/firing.release", 0.0)
    run(plant, 60.0)
    assert signal(plant, "L1/heat.power") / full == pytest.approx(0.48, abs=0.02)
    run(plant, 240.0)
    assert signal(plant, "L1/heat.power") / full == pytest.approx(0.35, abs=0.01)


def test_a_shut_stop_valve_lifts_the_safety_valves_which_reseat(plant: Plant) -> None:
    put(plant, "L1/steam.stop_valve", 0.0)
    highest = 0.0
    for _ in range(2000):
        plant.step(0.1)
        highest = max(highest, gauge_mpa(plant, "L1/steam.pressure"))
    assert 6.95 < highest < 8.1
    assert gauge_mpa(plant, "L1/drum.pressure") < 8.1
    put(plant, "L1/firing.release", 0.0)
    put(plant, "L1/steam.vent", 1.0)
    run(plant, 200.0)
    assert not plant._steam.outlet_safety.any()
    assert not plant._steam.drum_safety.any()


def test_a_tripped_pump_leaves_the_others_with_more_flow_and_less_head(plant: Plant) -> None:
    before = signal(plant, "C0/feedwater_total.flow")
    plant.disturbances.pump_tripped[0] = 1.0
    run(plant, 30.0)
    assert signal(plant, "C0/pump_a.running") == 0.0
    assert signal(plant, "C0/pump_b.running") == 1.0
    assert 0.5 * before < signal(plant, "C0/feedwater_total.flow") < 0.95 * before


def test_without_any_pump_no_water_flows_back(plant: Plant) -> None:
    plant.disturbances.pump_tripped[...] = 1.0
    run(plant, 20.0)
    assert signal(plant, "L1/feedwater.flow") == 0.0
    assert signal(plant, "C0/feedwater_total.flow") == 0.0


def test_the_vent_takes_its_share_of_the_steam_and_the_turbine_gives_way(plant: Plant) -> None:
    turbine = signal(plant, "C0/turbine.flow")
    put(plant, "L1/steam.vent", 1.0)
    run(plant, 60.0)
    vented = 0.30 * 31.333
    assert turbine - signal(plant, "C0/turbine.flow") == pytest.approx(vented, rel=0.3)  # the drums give some more


def test_neglect_leaves_finite_numbers(plant: Plant) -> None:
    put(plant, "L1/feedwater.valve", 1.0)
    plant.disturbances.valve_shut[1] = 1.0
    run(plant, 400.0)
    assert np.isfinite(plant.signals).all()
