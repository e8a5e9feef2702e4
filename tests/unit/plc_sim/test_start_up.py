"""The start of the plant by final elements only: its first hour in every run, all of it in the long one."""

from pathlib import Path

import numpy as np
import pytest

from controller.core.config import load
from controller.core.errors import PlantError
from plc_sim.process.drum import Flows
from wte.validation.bench import Bench
from wte.validation.operators import Operators, Program, Wait
from wte.validation.start_up import Start, cold_start, operators

PLANT = Path(__file__).parents[3] / "config" / "almaty"
AMBIENT_PA, AMBIENT_K = 93_200.0, 283.15
STEAM, POWER, LEVEL = "steam.flow", "generator.power", "drum.level"


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench(load(PLANT))


@pytest.fixture(scope="module")
def first_hour(bench: Bench) -> Operators:
    boilers, turbine = operators(bench, "cold")

    def leave_after_an_hour() -> Program:
        yield Wait(60.0)
        raise Left

    with pytest.raises(Left):
        boilers.crew.run(boilers.cold(), turbine.start(), leave_after_an_hour())
    return boilers.crew


class Left(Exception):  # noqa: N818  it ends a program, nothing went wrong
    """The hour is over."""


def test_draught_and_purge_come_before_the_first_flame(first_hour: Operators) -> None:
    steps = list(first_hour.steps)
    assert [step for step in steps if step.startswith("S")] == ["S0 ready", "S1 draught", "S2 purge", "S3 burners"]
    lit = first_hour.courses()["L1/burner_3.flame"].reaches(0.5)
    assert lit - first_hour.steps["S2 purge"] >= 300.0


def test_the_first_hour_warms_the_boiler_and_makes_no_steam(first_hour: Operators) -> None:
    seen = first_hour.courses()
    assert 20.0 < seen["L1/drum.metal_top"].value[-1] - AMBIENT_K < 60.0
    assert seen["L1/steam.flow"].highest()[1] == pytest.approx(0.0, abs=1e-3)
    assert seen["L1/drum.pressure"].value[-1] == AMBIENT_PA
    assert seen["L1/furnace.plane"].value[-1] > 550.0


def test_the_first_hour_keeps_level_and_draught(first_hour: Operators) -> None:
    seen = first_hour.courses()
    assert np.abs(seen["L1/drum.level"].value).max() < 0.05
    furnace = seen["L1/furnace.pressure"].value - AMBIENT_PA
    assert furnace.min() > -300.0
    assert furnace.max() < 50.0


def test_the_turbine_turns_on_its_barring_and_holds_a_vacuum_while_the_boilers_warm_up(first_hour: Operators) -> None:
    seen = first_hour.courses()
    assert 60.0 * seen["C0/turbine.speed"].value[-1] == pytest.approx(4.0, rel=0.01)
    assert seen["C0/condenser.pressure"].value[-1] < 5e3


def test_no_steam_comes_from_an_empty_header(bench: Bench) -> None:
    boilers, _ = operators(bench, "cold")
    crew = boilers.crew
    crew.put(1.0, "bypass.valve_a", "deaerator.auxiliary_valve", "turbine.drains", "gland.valve")
    crew.run(wait(10.0))
    assert crew.see("bypass.flow")[0] == 0.0
    assert crew.see("deaerator.temperature")[0] == pytest.approx(AMBIENT_K, abs=0.01)


def test_auxiliary_steam_warms_a_cold_feedwater_tank(bench: Bench) -> None:
    boilers, _ = operators(bench, "hot standby")
    crew = boilers.crew
    tank = crew.shift.plant.island.deaerator
    tank.tank[...] = 42e3
    tank.mass[...] *= 0.25
    crew.put(0.2, "steam.stop_valve")
    crew.put(0.5, "deaerator.auxiliary_valve")
    crew.run(wait(20.0))
    assert crew.see("deaerator.temperature")[0] > 330.0


@pytest.mark.parametrize("heat_w", [1e6, 6e6])
def test_water_that_begins_to_boil_at_ambient_pressure_swells_by_centimetres(bench: Bench, heat_w: float) -> None:
    drum = bench.plant().design.drum
    none = np.zeros((len(drum.head_pa), 1))
    p = none + 0.15e6
    s = drum.water.at(p)
    boiling = Flows(none + heat_w, none, none + s.h_w, none + heat_w / (s.h_s - s.h_w), none)
    still = Flows(none, none, none, none, none)
    displaced_m3 = drum.steady(p, still)[0] - drum.steady(p, boiling)[0]
    swelling_mm = 1e3 * displaced_m3 / drum.geometry.a_d
    assert (swelling_mm > 10.0).all()
    assert (swelling_mm < 300.0).all()


def test_hot_flames_in_little_gas_leave_the_furnace_colder_than_its_lining(bench: Bench) -> None:
    """Less air makes the flame hotter and the gas slower: what leaves the furnace falls steadily."""
    furnace = bench.plant().combustion.furnace
    wall_k, leaving = np.full((2, 1), 540.0), list[float]()
    for flow in (40.0, 30.0, 24.0, 20.0, 17.0):
        furnace.flow[...] = flow
        furnace.content[0] = 60e6 / flow
        for _ in range(400):
            furnace.radiate(wall_k, np.zeros((2, 1)), 5.0)
        leaving.append(float(furnace.gas_k[0, 0, 0]))
    lining = float(furnace.surface[0, 0, 0]) ** 0.25
    assert leaving[-1] < lining
    assert leaving[2] > leaving[3] > leaving[4]


def wait(minutes: float) -> Program:
    yield Wait(minutes)


def test_a_step_that_the_plant_cannot_do_says_which_and_when(bench: Bench) -> None:
    boilers, _ = operators(bench, "cold")

    def steam() -> Program:
        yield Wait(2.0, lambda: bool(boilers.crew.see(STEAM)[0] > 1.0), "steam")

    with pytest.raises(PlantError, match="steam: not within 2 min, at 0 h 02 min"):
        boilers.crew.run(steam())


def test_programs_run_side_by_side_and_ramps_end_where_they_should(bench: Bench) -> None:
    boilers, _ = operators(bench, "cold")
    crew, order = boilers.crew, list[str]()

    def quick() -> Program:
        crew.ramp("sa_fan.demand", 0.5, 0.5)
        yield Wait(0.5)
        order.append("quick")
        yield Wait(1.0)
        order.append("quick again")

    def slow() -> Program:
        yield Wait(1.0)
        order.append("slow")

    crew.run(quick(), slow())
    assert order == ["quick", "slow", "quick again"]
    assert crew.at("sa_fan.demand").tolist() == [0.5, 0.5]


@pytest.fixture(scope="module")
def started(bench: Bench) -> Start:
    return cold_start(bench)


@pytest.mark.long
def test_the_steps_of_a_cold_start_follow_each_other(started: Start) -> None:
    by_time = sorted(started.steps, key=lambda step: started.steps[step])
    boilers = [step for step in by_time if step.startswith("S")]
    turbine = [step for step in by_time if step.startswith("T")]
    assert [step[:2] for step in boilers] == [f"S{n}" for n in range(10)]
    assert [step[:2] for step in turbine] == [f"T{n}" for n in range(1, 7)]


@pytest.mark.long
def test_both_lines_start_alike(started: Start) -> None:
    for name in (STEAM, LEVEL, "furnace.plane"):
        assert np.array_equal(started.seen[f"L1/{name}"].value, started.seen[f"L2/{name}"].value)


@pytest.mark.long
def test_the_plant_stands_at_full_load_after_its_start(started: Start) -> None:
    crew = started.crew
    before = float(crew.see(STEAM)[0]), float(crew.see(POWER)[0])
    crew.run(wait(20.0))
    assert (float(crew.see(STEAM)[0]), float(crew.see(POWER)[0])) == pytest.approx(before, rel=2e-3)
    assert abs(float(crew.see(LEVEL)[0])) < 1e-3
