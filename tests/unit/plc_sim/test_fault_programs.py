"""Programs of faults: names, arguments, courses in time, several at once, and what is left when they are cleared."""

import re
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from controller.core.config import Config, Placed
from controller.core.errors import ConfigError, PlantError
from controller.core.models.faults import FaultProgram
from plc_sim.disturbances import DISTURBANCES
from plc_sim.fault_programs import check
from plc_sim.faults import Value
from plc_sim.simulator import Simulator

WEATHER = {"disturbance.wet_bulb"}  # no fault


@pytest.fixture(scope="module")
def standing_still(whole: Config) -> tuple[Simulator, bytes]:
    """One cold plant for all; that it stands says that every step of the shipped programs can act."""
    simulator = Simulator(whole, initial="cold")
    return simulator, simulator.snapshot()


@pytest.fixture
def cold(standing_still: tuple[Simulator, bytes]) -> Simulator:
    """A cold plant without faults."""
    simulator, state = standing_still
    simulator.restore(state)
    return simulator


def at(sim: Simulator, target: str) -> float:
    """Return where a disturbance stands in the first plant."""
    name, _, key = target.partition("/")
    effect = sim.faults.effects[name]
    return float(effect.array[effect.row(key), 0])


def advance(sim: Simulator, seconds: float) -> None:
    """Let the faults, not the plant, go on."""
    step = sim.state["step"]
    step += round(seconds / sim.period_s)
    sim.faults.advance(sim.steps)


def run(sim: Simulator, seconds: float) -> None:
    """Let all go on."""
    for _ in range(round(seconds / sim.period_s)):
        sim.step()


def test_the_shipped_programs_are_f1_to_f36(whole: Config) -> None:
    numbers = [one.spec.number for one in whole.faults.values()]
    assert sorted(numbers) == list(range(1, 38))
    assert all(one.spec.number == int(name[1:]) for name, one in whole.faults.items() if name != "F8b")


def test_a_step_that_cannot_act_is_named_with_its_file_before_the_plant_starts(whole: Config, cold: Simulator) -> None:
    shipped = whole.faults["F9"]
    step = shipped.spec.steps[0].model_copy(update={"on": "$line-K-2409.CMD"})
    spec: FaultProgram = shipped.spec.model_copy(update={"steps": [step]})
    wrong = Placed("F9", shipped.instance, spec, shipped.file, 7, "")
    with pytest.raises(ConfigError) as caught:
        check(replace(whole, faults={"F9": wrong}), cold.faults)
    first, second = str(caught.value).splitlines()
    assert first.startswith("faults.yaml:7: F9.steps[1]: motor_trip: no ")
    assert "'L1-K-2409.CMD' (did you mean L1-K-24" in first
    assert "'L2-K-2409.CMD'" in second


def test_every_disturbance_of_the_process_is_in_the_table_and_neutral(cold: Simulator) -> None:
    slots = {name: slot for name, slot in cold.state.slots.items() if name.startswith("disturbance.")}
    assert {name.removeprefix("disturbance.") for name in slots.keys() - WEATHER} <= DISTURBANCES.keys()
    for name in slots.keys() - WEATHER:
        one = DISTURBANCES[name.removeprefix("disturbance.")]
        assert (slots[name].array == one.kind.neutral).all(), name
        assert one.lo <= one.kind.neutral <= one.hi, name
        assert one.meaning, name


def test_a_cleared_program_leaves_nothing_behind(whole: Config, cold: Simulator) -> None:
    before = cold.snapshot()
    for name, one in whole.faults.items():
        cold.fault(name, **({} if one.spec.target is None else {"line": "L1"}))
    for seconds in (0.1, 59.0, 1000.3, 30000.0):
        advance(cold, seconds)
    for name in reversed(whole.faults):
        cold.clear(name)
    cold.state["actuator.position"][...] = 0.0  # a stuck element stays where it was until it moves by itself
    cold.state["step"][...] = 0
    after = cold.snapshot()
    cold.restore(before)
    cold.state["actuator.position"][...] = 0.0
    assert after == cold.snapshot()


def test_programs_on_one_thing_combine_and_are_taken_back_one_by_one(cold: Simulator) -> None:
    cold.fault("disturbance", on="torn_bags/L1/3", value=2.0)
    cold.fault("F24", line="L1", bags=3.0)
    cold.fault("disturbance", on="slug/L1", value=0.5)
    cold.fault("F2", line="L1")
    advance(cold, 1.0)
    assert (at(cold, "torn_bags/L1/3"), at(cold, "slug/L1"), at(cold, "slug/L2")) == (5.0, 0.5 * 1.35, 1.0)
    cold.clear("disturbance", "torn_bags/L1/3")
    cold.clear("F2")
    assert (at(cold, "torn_bags/L1/3"), at(cold, "slug/L1")) == (3.0, 0.5)
    cold.clear("F24", "L1")
    cold.clear("disturbance")
    assert (at(cold, "torn_bags/L1/3"), at(cold, "slug/L1")) == (0.0, 1.0)


def test_a_flag_holds_as_long_as_one_program_wants_it(cold: Simulator) -> None:
    cold.fault("F18")
    cold.fault("F19")
    cold.clear("F19")
    assert (at(cold, "generator_lock_out/generator"), at(cold, "bypass_stuck/bypass_a")) == (1.0, 0.0)
    cold.clear("F18")
    assert at(cold, "generator_lock_out/generator") == 0.0


def test_a_course_follows_straight_lines_and_then_stays(cold: Simulator) -> None:
    cold.fault("F1", line="L2", lhv=8.53, minutes=10.0)
    seen: list[float] = []
    for seconds in (0.0, 300.0, 300.0, 3600.0):
        advance(cold, seconds)
        seen.append(at(cold, "ram_moisture/L2"))
    cold.clear("F1")
    assert seen == pytest.approx([0.0, 0.05, 0.1, 0.1], abs=5e-4)


def test_a_step_begins_ends_and_comes_again(cold: Simulator) -> None:
    cold.fault("F17", line="L1", mg=1000.0, count=2.0)
    seen: list[float] = []
    for seconds in (0.0, 119.9, 0.1, 479.9, 0.1, 119.9, 0.1, 480.0, 600.0):
        advance(cold, seconds)
        seen.append(at(cold, "co_peak/L1") * 1e6)
    cold.clear("F17")
    assert seen == pytest.approx([1000.0, 1000.0, 0.0, 0.0, 1000.0, 1000.0, 0.0, 0.0, 0.0])


def test_setting_a_program_again_begins_it_anew(cold: Simulator) -> None:
    cold.fault("F2", line="L1")
    advance(cold, 200.0)
    cold.fault("F2", line="L1", percent=10.0)
    advance(cold, 200.0)
    assert at(cold, "slug/L1") == pytest.approx(1.1)
    advance(cold, 40.0)
    assert at(cold, "slug/L1") == 1.0
    assert len(cold.faults.record.standing()) == 1
    cold.clear("F2")


@pytest.mark.parametrize(
    ("name", "args", "text"),
    [
        ("F99", {}, "no fault 'F99'; there are F1, F2"),
        ("F5", {}, "fault F5: missing line (instance, L1 or L2)"),
        ("F5", {"line": "L3"}, "fault F5: no line 'L3'"),
        ("F5", {"line": "L1", "t_h": 1000.0}, "fault F5: t_h 1000 is outside 0..100"),
        ("F5", {"line": "L1", "kg_s": 1.0}, "fault F5: no argument 'kg_s'; it takes line, t_h"),
        ("F5", {"line": "L1", "t_h": "much"}, "expected a finite number (or one for each plant), found 'much'"),
        ("F5", {"line": "L1", "t_h": [1.0, 2.0]}, "t_h: 2 values for 1 plants"),
        ("F5", {"line": 1.0}, "line: expected a name, found 1.0"),
        ("F18", {"line": "L1"}, "fault F18: no argument 'line'; it takes none"),
        ("disturbance", {"on": "grid_lots/grid", "value": 1.0}, "(did you mean grid_lost/grid?)"),
        ("disturbance", {"on": "grid_speed/grid", "value": 0.1}, "value 0.1 is outside 0.8..1.2"),
        ("disturbance", {"on": "grid_speed/grid"}, "missing value (in its unit)"),
        ("motor_trip", {"motor": "C0-P-3010D.CMD"}, "did you mean C0-P-3010"),
    ],
)
def test_what_cannot_be_set_is_named_with_what_exists(
    cold: Simulator, name: str, args: dict[str, Value], text: str
) -> None:
    before = cold.snapshot()
    with pytest.raises(PlantError, match=re.escape(text)):
        cold.fault(name, **args)
    assert cold.snapshot() == before


def test_no_more_faults_stand_than_the_record_holds(cold: Simulator) -> None:
    targets = [f"{name}/{key}" for name in ("cems_drift", "torn_bags") for key in cold.faults.effects[name].rows]
    for target in targets[:64]:
        cold.fault("disturbance", on=target, value=0.0)
    with pytest.raises(PlantError, match="64 faults stand, and no more than 64 can: clear some first"):
        cold.fault("disturbance", on=targets[64], value=0.0)
    cold.clear("disturbance")
    assert cold.faults.record.standing() == []


def test_one_value_for_each_plant_of_a_batch(whole: Config, cold: Simulator) -> None:
    lhv, minutes, count = [7.5, 9.0, 10.5], [10.0, 20.0, 30.0], [1.0, 2.0, 3.0]
    times = (0.1, 100.0, 599.9, 640.0, 3000.0)
    batch = Simulator(whole, batch=3, initial="cold")
    batch.fault("F1", line="L1", lhv=lhv, minutes=minutes)
    batch.fault("F17", line="L2", count=count)
    seen = [course(batch, times)]
    before = cold.snapshot()
    for k in range(3):
        cold.restore(before)
        cold.fault("F1", line="L1", lhv=lhv[k], minutes=minutes[k])
        cold.fault("F17", line="L2", count=count[k])
        seen.append(course(cold, times))
    assert np.array_equal(seen[0], np.concatenate(seen[1:], axis=-1))


def course(sim: Simulator, times: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """Return what two programs do after each of these spans, (times, rows, batch)."""
    rows: list[npt.NDArray[np.float64]] = []
    for seconds in times:
        advance(sim, seconds)
        rows.append(np.concatenate([sim.state["disturbance.ram_moisture"], sim.state["disturbance.co_peak"]]))
    return np.array(rows)


def test_a_snapshot_in_the_middle_of_programs_goes_on_bit_for_bit(whole: Config, cold: Simulator) -> None:
    cold.fault("F1", line="L1", minutes=1.0)
    cold.fault("F17", line="L2")
    cold.fault("F9", line="L2")
    run(cold, 5.0)
    saved = cold.snapshot()
    run(cold, 5.0)
    expected = cold.snapshot()
    other = Simulator(whole, seed=9, initial="cold")
    other.restore(saved)
    run(other, 5.0)
    assert other.snapshot() == expected
    other.clear("F9")
    assert not other.state["disturbance.motor_fault"].any()
