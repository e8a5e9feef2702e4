"""The turbine island in motion: rest, conservation, batch, cold start, time scales."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from plc_sim.process.condensate import water_at
from plc_sim.process.cycle import WATER_J_KG_K
from plc_sim.process.island_flows import Crossing
from plc_sim.process.island_rows import INPUTS
from plc_sim.process.turbine_island import TurbineIsland
from tests.unit.plc_sim.turbine_island_rig import DT, STEAM_J_KG, IslandRig

pytestmark = pytest.mark.long  # a piece alone; the joined plant is in every run

Floats = npt.NDArray[np.float64]

CONSERVED = 1e-6  # of what passes in an hour
SLOW_DT = 0.4  # for courses of many minutes on the grid
FACTOR = 1.5  # of sizes and time scales that the plant's data give as estimates


def within(value: float, expected: float, factor: float = FACTOR) -> bool:
    return abs(expected) / factor <= abs(value) <= abs(expected) * factor and value * expected > 0.0


@pytest.fixture
def rig() -> IslandRig:
    return IslandRig()


def hold_pressure_by_load(rig: IslandRig, seconds: float) -> None:
    """Run with the inlet pressure held by the load set-point, as the pressure controller does."""
    span = rig.island.cycle.parameters.governor.load_span_w
    integral = rig.input("turbine.load_setpoint")
    for _ in range(round(seconds)):
        error = (rig.get("turbine.inlet_pressure") - 6.1932e6) / 10e6
        integral += 12.0 * error / 120.0
        rig.set(turbine__load_setpoint=min(max(integral + 12.0 * error * 55e6 / span, 0.0), 1.0)).run(1.0)


# --- rest and conservation ------------------------------------------------------------------------------------------


def test_full_load_stands_still(rig: IslandRig) -> None:
    rig.run(1.0)
    before = rig.signals.copy()
    rig.run(300.0, SLOW_DT)
    assert rig.signals == pytest.approx(before, rel=1e-5, abs=1e-6)
    assert rig.get("generator.power") == pytest.approx(55.27e6, rel=0.01)


def held_mass(i: TurbineIsland) -> float:
    p = i.cycle.parameters
    chest = p.turbine_steam.chest_s * i.shaft.chest.item()
    return chest + float(i.condensate.mass.sum()) + i.deaerator.mass.item()


def held_energy(i: TurbineIsland) -> float:
    p, c = i.cycle.parameters, i.condensate
    pipe = p.turbine_steam.pipe_s * p.turbine_steam.full_flow_kg_s * i.steam.pipe.item()
    chest = p.turbine_steam.chest_s * i.shaft.chest.item() * i.steam.pipe.item()
    shells = float((i.condensers.metal * i.condensers.temperature).sum())
    water = float((c.mass * c.j_kg).sum()) + p.condensate.heater_kg * c.heater.item()
    tank = p.tank.head_kg * i.deaerator.head.item() + i.deaerator.mass.item() * i.deaerator.tank.item()
    return pipe + chest + shells + water + tank + p.cooling.basin_kg * WATER_J_KG_K * i.cooling.basin.item()


@pytest.mark.parametrize("seconds", [500, pytest.param(3600, marks=pytest.mark.long)])
def test_mass_and_energy_close_under_disturbances(rig: IslandRig, seconds: int) -> None:
    i = rig.island
    rig.run(1.0)
    start, passed_mass, passed_energy = held_energy(i), 0.0, 0.0
    mass, energy = held_mass(i), start
    events: dict[int, Callable[[], object]] = {
        60: lambda: rig.set(turbine__load_setpoint=0.5, bypass__valve_a=0.6, bypass__spray_a=0.6),
        70: lambda: rig.set(bypass_condenser__valve=0.3, turbine__drains=1.0),
        200: lambda: rig.trip_motor("cooling.pump_a"),
        300: lambda: rig.set(deaerator__auxiliary_valve=0.3, condensate__valve=0.5),
        320: lambda: np.copyto(i.condensate.tube_leak, 0.02),
        350: lambda: rig.set(bypass__valve_a=0.0, bypass__spray_a=0.0, turbine__load_setpoint=0.75),
        360: lambda: rig.set(deaerator__auxiliary_valve=0.0, condensate__valve=0.62),
        seconds - 100: lambda: np.copyto(i.shaft.lock_out, 1.0),
    }
    for step in range(round(seconds / DT)):
        events.pop(round(step * DT), list)()
        churn, leak = i.shaft.churn.item(), i.condensate.tube_leak.item()
        leak_w = leak * water_at(i.cooling.basin).item()
        rig.run(DT)
        x, at = rig.crossing, rig.at
        assert isinstance(x, Crossing)
        feedwater, drum = at.feedwater_kg_s.item(), at.drum_steam_kg_s.item()
        steam, lost = x.steam.item(), x.lost_steam.item()
        mass += DT * (steam - lost - x.relieved.item() + x.supplied.item() + drum + leak - feedwater)
        gains = (steam - lost) * STEAM_J_KG + x.supplied_w.item() + drum * at.drum_steam_j_kg.item() + leak_w
        gains += churn - x.power.item() - x.air_heater_w.item() - x.tower_w.item() - x.pipe_w.item()
        energy += DT * (gains - x.relieved_w.item() - feedwater * i.deaerator.tank.item())
        passed_mass += DT * steam
        passed_energy += DT * steam * STEAM_J_KG
    assert held_mass(i) == pytest.approx(mass, abs=CONSERVED * passed_mass)
    assert held_energy(i) == pytest.approx(energy, abs=CONSERVED * passed_energy)
    assert abs(held_energy(i) - start) > 100 * CONSERVED * passed_energy  # it was no rest


def test_column_of_a_batch_is_the_plant_alone_bit_for_bit() -> None:
    batch, alone = IslandRig(batch=64), IslandRig()
    load = np.linspace(0.3, 0.8, 64)
    row = INPUTS.index("turbine.load_setpoint")
    batch.inputs[row] = load
    batch.inputs[INPUTS.index("bypass.valve_a")] = np.linspace(0.0, 0.4, 64)
    batch.inputs[INPUTS.index("bypass.spray_a")] = np.linspace(0.0, 0.4, 64)
    batch.island.shaft.grid_lost[0, 40:] = 1.0
    batch.inputs[INPUTS.index("turbine.trip"), 50:] = 1.0
    batch.run(20.0)
    for k in (45,):
        alone.set(turbine__load_setpoint=load[k])
        alone.inputs[INPUTS.index("bypass.valve_a")] = np.linspace(0.0, 0.4, 64)[k]
        alone.inputs[INPUTS.index("bypass.spray_a")] = np.linspace(0.0, 0.4, 64)[k]
        alone.island.shaft.grid_lost[...] = 1.0
        alone.run(20.0)
        assert np.array_equal(batch.signals[:, k], alone.signals[:, 0])
        for name, slot in batch.state.slots.items():
            assert np.array_equal(slot.array[..., k], alone.state[name][..., 0]), name


def test_a_snapshot_continues_bit_for_bit_in_another_plant(rig: IslandRig) -> None:
    rig.set(turbine__load_setpoint=0.6).run(5.0)
    other = IslandRig(cold=True)
    other.state.restore(rig.state.save())
    other.header_pa, other.steam_kg_s, other.at, other.holds_pressure = rig.header_pa, rig.steam_kg_s, rig.at, False
    expected = rig.run(5.0).signals
    assert np.array_equal(other.run(5.0).signals, expected)


def test_half_the_step_gives_the_same_course() -> None:
    coarse, fine = IslandRig(), IslandRig()
    for r, dt in ((coarse, 0.1), (fine, 0.05)):
        np.copyto(r.island.shaft.grid_lost, 1.0)
        r.run(20.0, dt)
    assert coarse.get("turbine.speed") == pytest.approx(fine.get("turbine.speed"), abs=0.005 * 66.7)
    assert coarse.header_pa.item() == pytest.approx(fine.header_pa.item(), abs=0.005 * 10e6)
    assert coarse.get("condenser.pressure") == pytest.approx(fine.get("condenser.pressure"), abs=0.005 * 110e3)


# --- cold -----------------------------------------------------------------------------------------------------------


def test_cold_plant_stays_at_ambient() -> None:
    rig = IslandRig(cold=True)
    rig.at = rig.at._replace(header_j_kg=np.full((1, 1), 2.52e6), drum_steam_j_kg=np.full((1, 1), 42e3))
    with np.errstate(all="raise", under="ignore"):
        rig.run(120.0, SLOW_DT)
    assert np.isfinite(rig.signals).all()
    for name in (
        "turbine.inlet_temperature",
        "turbine.exhaust_temperature",
        "deaerator.temperature",
        "oil.temperature",
    ):
        assert rig.get(name) == pytest.approx(283.15, abs=0.5), name
    assert rig.get("condenser.pressure") == pytest.approx(93.2e3, rel=1e-3)
    assert rig.get("turbine.speed") == 0.0


def test_turbine_starts_from_cold_by_its_final_elements_only() -> None:
    rig = IslandRig(cold=True, changes={"governor": {"speed_rate_hz_s": 1.0}})
    rig.at = rig.at._replace(header_j_kg=np.full((1, 1), 3.18e6), drum_steam_j_kg=np.full((1, 1), 42e3))
    rig.header_pa = np.full((1, 1), 4.0e6)
    for name in ("cooling.pump_a", "cooling.pump_b", "condensate.pump_a", "vacuum.pump_a", "vacuum.pump_b"):
        rig.set(**{f"{name}.command": 1.0})
    for name in ("oil.ac_pump", "control_oil.pump_a", "turbine.barring"):
        rig.set(**{f"{name}.command": 1.0})
    rig.set(gland__valve=0.6, turbine__drains=1.0, oil__cooler_valve=0.3)
    rig.run(30.0)
    assert rig.get("turbine.speed") * 60.0 == pytest.approx(4.0, abs=0.1)
    assert rig.get("condenser.pressure") > 50e3
    rig.run(270.0, SLOW_DT)
    assert rig.get("condenser.pressure") < 20e3
    rig.set(turbine__reset=1.0).run(1.0)
    assert rig.get("turbine.reset_state") == 1.0
    highest = 0.0
    rig.set(turbine__speed_setpoint=0.75)
    for _ in range(80):
        rig.run(1.0)
        highest = max(highest, rig.get("turbine.vibration_h"))
    assert rig.get("turbine.speed") == pytest.approx(50.0, abs=0.2)
    assert rig.get("turbine.vibration_h") < highest < 200e-6  # the criticals are behind
    rig.set(generator__excitation=1.0, generator__voltage_setpoint=10.5 / 13.0, turbine__load_setpoint=3.0 / 70.0)
    rig.run(5.0).set(turbine__synchronise=1.0).run(30.0)
    assert rig.get("generator_breaker.closed") == 1.0
    rig.set(turbine__synchronise=0.0, turbine__load_setpoint=20.0 / 70.0).run(90.0)
    assert rig.get("generator.power") == pytest.approx(20e6, rel=0.02)
    assert rig.get("turbine.flow") * 3.6 == pytest.approx(85.0, rel=0.25)
    assert rig.get("turbine.first_out") == 0.0


# --- header and bypass ----------------------------------------------------------------------------------------------


def test_a_lost_line_lets_the_header_fall(rig: IslandRig) -> None:
    rig.run(1.0)
    rig.steam_kg_s *= 0.5
    before = rig.header_pa.item()
    rig.run(5.0)
    assert (before - rig.header_pa.item()) / 5.0 == pytest.approx(5.6e3, rel=0.05)


def test_a_trip_without_bypass_raises_the_header_11_kpa_each_second(rig: IslandRig) -> None:
    np.copyto(rig.island.shaft.lock_out, 1.0)
    before = rig.header_pa.item()
    rig.run(10.0)
    assert (rig.header_pa.item() - before) / 10.0 == pytest.approx(11e3, rel=0.1)


def test_bypass_opens_fast_when_far_away_and_slowly_when_near(rig: IslandRig) -> None:
    rig.set(bypass__valve_a=1.0, bypass__valve_b=0.09)
    rig.run(1.0)
    assert rig.get("bypass.position_a") == pytest.approx(0.5, abs=0.01)
    assert rig.get("bypass.position_b") == pytest.approx(1.0 / 15.0, abs=0.01)
    rig.run(2.0)
    assert rig.get("bypass.position_a") == pytest.approx(0.9 + 0.1 * 1.2 / 1.5, abs=0.05)


def test_full_bypass_loads_its_condenser_and_the_cooling_water(rig: IslandRig) -> None:
    rig.at = rig.at._replace(air_heater_kg_s=np.zeros((1, 1)))
    rig.set(turbine__trip=1.0, bypass__valve_a=0.9, bypass__valve_b=0.9, bypass__spray_a=0.6, bypass__spray_b=0.6)
    rig.set(bypass_condenser__valve=0.7).run(90.0)
    assert rig.get("bypass.flow") * 3.6 == pytest.approx(223.0, rel=0.03)
    assert rig.get("bypass.temperature_a") - 273.15 == pytest.approx(180.0, abs=15.0)
    assert rig.get("bypass.spray_flow") / rig.get("bypass.flow") == pytest.approx(0.184, rel=0.07)
    assert rig.get("bypass_condenser.pressure") == pytest.approx(50e3, rel=0.1)
    assert rig.get("cooling.outlet_temperature") - rig.get("cooling.inlet_temperature") == pytest.approx(17.7, rel=0.08)


def test_steam_behind_the_bypass_is_hot_without_spray(rig: IslandRig) -> None:
    rig.set(turbine__load_setpoint=0.5, bypass__valve_a=0.3).run(30.0)
    assert rig.get("bypass.temperature_a") - 273.15 > 260.0


# --- condensers and cooling water -----------------------------------------------------------------------------------


def test_one_cooling_water_pump_less_costs_vacuum_and_power(rig: IslandRig) -> None:
    rig.run(1.0).trip_motor("cooling.pump_a")
    for _ in range(150):
        hold_pressure_by_load(rig, 1.0)
        np.copyto(rig.island.cooling.basin, 299.15)  # the fans' control holds the cold water at 26 C
    assert rig.get("cooling.flow") * 3.6 == pytest.approx(4500.0, rel=0.01)
    assert rig.get("condenser.pressure") == pytest.approx(15.0e3, rel=0.1)
    assert 55.27e6 - rig.get("generator.power") == pytest.approx(2.5e6, abs=1.0e6)


def test_a_dirty_condenser_loses_vacuum(rig: IslandRig) -> None:
    np.copyto(rig.island.condensers.fouling, np.array([[2.0], [1.0]]))
    rig.run(120.0, SLOW_DT)
    assert rig.get("condenser.pressure") == pytest.approx(8.08e3 * 1.34, rel=0.05)


def test_vacuum_breaker_fills_the_condenser_with_air_in_a_minute(rig: IslandRig) -> None:
    rig.set(turbine__trip=1.0).run(10.0)
    rig.set(vacuum__breaker=1.0).run(60.0)
    assert rig.get("condenser.pressure") > 50e3


def test_slack_glands_and_stopped_vacuum_pumps_let_the_vacuum_fall_slowly(rig: IslandRig) -> None:
    rig.set(gland__valve=0.0, **{"vacuum.pump_a.command": 0.0}).run(300.0, SLOW_DT)
    assert 9e3 < rig.get("condenser.pressure") < 25e3


def test_fans_cool_the_water_over_minutes(rig: IslandRig) -> None:
    rig.run(1.0)
    before = rig.get("cooling.inlet_temperature")
    for letter in "abcd":
        rig.set(**{f"cooling.fan_{letter}.speed": 0.9})
    rig.run(400.0, SLOW_DT)
    early = before - rig.get("cooling.inlet_temperature")
    rig.run(1600.0, SLOW_DT)
    final = before - rig.get("cooling.inlet_temperature")
    assert final == pytest.approx(1.2, rel=0.15)  # 0.12 K per % of fan speed
    assert early / final == pytest.approx(1.0 - np.exp(-1.0), abs=0.15)  # within a lag of 400 s


def test_a_tube_leak_shows_in_the_condensate(rig: IslandRig) -> None:
    np.copyto(rig.island.condensate.tube_leak, 0.018)
    rig.run(600.0, SLOW_DT)
    assert rig.get("condensate.conductivity") == pytest.approx(0.8e-4, rel=0.15)


# --- condensate and deaerator ---------------------------------------------------------------------------------------


def test_tank_level_integrates_the_condensate(rig: IslandRig) -> None:
    rig.set(condensate__valve=rig.input("condensate.valve") + 0.01).run(10.0)
    before = rig.get("deaerator.level")
    rig.run(100.0, SLOW_DT)
    rate = (rig.get("deaerator.level") - before) / 3.0  # % of span in 100 s
    assert within(rate, 0.00104)


def test_deaerator_pressure_answers_its_valve_within_a_minute(rig: IslandRig) -> None:
    rig.run(1.0)
    before = rig.get("deaerator.pressure")
    rig.set(deaerator__extraction_valve=rig.input("deaerator.extraction_valve") + 0.01)
    rig.run(60.0, SLOW_DT)
    early = rig.get("deaerator.pressure") - before
    rig.run(240.0, SLOW_DT)
    final = rig.get("deaerator.pressure") - before
    assert within(final / 6000.0, 1.2)  # % of span per %
    assert early / final == pytest.approx(1.0 - np.exp(-1.0), abs=0.2)


def test_hotwell_level_integrates_the_dump_valve(rig: IslandRig) -> None:
    rig.run(1.0)
    before = rig.get("hotwell.level")
    rig.set(hotwell__dump_valve=rig.input("hotwell.dump_valve") + 0.01).run(20.0)
    rate = (rig.get("hotwell.level") - before) / 1.5 * 100.0 / 20.0
    assert within(rate, -0.006)


def test_tank_water_flashes_when_the_heating_steam_is_lost(rig: IslandRig) -> None:
    rig.run(1.0)
    rig.set(extraction_2__valve=0.0).run(120.0, SLOW_DT)
    assert 0.20e6 < rig.get("deaerator.pressure") < 0.26e6  # the tank's own steam holds it
    rig.run(600.0, SLOW_DT)
    assert rig.get("deaerator.pressure") < 0.22e6
    assert rig.get("deaerator.temperature") < 402.0


def test_a_stopped_condensate_pump_fills_the_hotwell(rig: IslandRig) -> None:
    rig.run(1.0)
    before = rig.get("hotwell.level")
    rig.trip_motor("condensate.pump_a").run(60.0)
    assert rig.get("condensate.flow") < 1.0
    assert rig.get("hotwell.level") - before == pytest.approx(54.0 * 60.0 / (990.0 * 7.0), rel=0.15)
    rig.set(**{"condensate.pump_b.command": 1.0}).run(20.0)
    assert rig.get("condensate.flow") > 50.0


def test_extraction_1_follows_the_air_heaters(rig: IslandRig) -> None:
    rig.at = rig.at._replace(air_heater_kg_s=np.full((1, 1), 2.0))
    rig.run(20.0)
    assert rig.get("extraction_1.flow") == pytest.approx(2.0, rel=0.01)
    rig.set(extraction_1__valve=0.0).run(1.0)
    assert rig.get("extraction_1.flow") == 0.0
