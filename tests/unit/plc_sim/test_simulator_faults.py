"""Faults of the whole simulator: programs and single faults on instruments, final elements, motors and physics."""

from pathlib import Path

import numpy as np
import pytest

from controller.core.config import Config, load
from controller.core.errors import PlantError
from plc_sim.simulator import Simulator

FOLDER = Path(__file__).parents[3] / "config" / "almaty"


@pytest.fixture(scope="module")
def config() -> Config:
    return load(FOLDER)


@pytest.fixture(scope="module")
def built(config: Config) -> tuple[Simulator, bytes]:
    """One simulator for all, and where it began."""
    simulator = Simulator(config, seed=7)
    return simulator, simulator.snapshot()


@pytest.fixture
def plant(built: tuple[Simulator, bytes]) -> Simulator:
    """A simulator at full load without faults."""
    simulator, start = built
    simulator.restore(start)
    return simulator


def run(plant: Simulator, seconds: float) -> None:
    """Let time pass."""
    for _ in range(round(seconds / plant.period_s)):
        plant.step()


def raw(plant: Simulator, tag: str) -> float:
    """Return what stands in the register of an input of the first plant."""
    row = next(row for row, point in enumerate(plant.points.inputs) if point.key == tag)
    return float(plant.read_raw().raw[row, 0])


def test_the_table_holds_programs_and_single_faults_with_their_arguments(plant: Simulator) -> None:
    table = plant.fault_table()
    assert list(table["F5"].args) == ["line", "t_h"]
    assert table["F5"].defaults == {"t_h": 5.0}
    assert {fault.number for fault in table.values()} >= {*range(1, 38), 101, 114}
    with pytest.raises(PlantError, match="no fault 'F40'; there are F1, F2"):
        plant.fault("F40")


def test_f9_trips_the_motor_and_the_physics_follows(plant: Simulator) -> None:
    before = plant.signal("L2/furnace.pressure")[0]
    plant.fault("F9", line="L2")
    run(plant, 3.0)
    assert plant.signal("L2/fault.K-2401.CMD")[0] == 1.0
    assert plant.signal("L2/id_fan.running")[0] == 0.0
    assert plant.signal("L2/furnace.pressure")[0] > before + 300.0
    assert plant.signal("L1/id_fan.running")[0] == 1.0


def test_f13_and_f14_act_on_transmitters_only(plant: Simulator) -> None:
    other = plant.snapshot()
    run(plant, 20.0)
    clean = {tag: raw(plant, tag) for tag in ("L1-TT-1310A", "L1-TT-1310B", "L1-LT-1401B")}
    level = plant.signal("L1/drum.level")
    plant.restore(other)
    frozen = raw(plant, "L1-LT-1401A")
    plant.fault("F13", line="L1", minutes=0.1)
    plant.fault("F14", line="L1")
    run(plant, 20.0)
    assert raw(plant, "L1-LT-1401A") == frozen
    assert raw(plant, "L1-TT-1310A") < clean["L1-TT-1310A"]
    assert raw(plant, "L1-TT-1310B") == clean["L1-TT-1310B"]
    assert raw(plant, "L1-LT-1401B") == clean["L1-LT-1401B"]
    assert np.array_equal(plant.signal("L1/drum.level"), level)


def test_f35_lets_the_watchdogs_act_only_when_it_lasts(plant: Simulator) -> None:
    def beat(seconds: float) -> None:
        for _ in range(round(seconds / plant.period_s)):
            plant.write_raw(np.full((len(plant.points.outputs), 1), np.nan), heartbeat=plant.steps % 1000)
            plant.step()

    beat(3.0)
    plant.fault("F35", seconds=1.5)
    beat(3.0)
    assert not plant.plcs.has_acted.any()
    plant.fault("F35", seconds=5.0)
    beat(4.0)
    assert plant.plcs.has_acted.all()
    assert not plant.read_raw().is_valid.any()
    beat(3.0)
    assert not plant.plcs.has_acted.any()


def test_a_cleared_drift_reads_right_again(plant: Simulator) -> None:
    plant.fault("transmitter_drift", tag="L1-LT-1401A", per_h=36000.0)
    run(plant, 2.0)
    row = plant.faults.effects["transmitter.drift"].row("L1-LT-1401A")
    assert plant.state["instrument.drift"][row, 0] == pytest.approx(20.0)
    plant.clear("transmitter_drift")
    assert plant.state["instrument.drift"][row, 0] == 0.0


def test_the_governor_keeps_its_own_load(plant: Simulator) -> None:
    plant.fault("turbine_load", percent=60.0)
    plant.fault("waste", percent=3.0)
    run(plant, 1.0)
    assert plant.plant.input_board["turbine.load_setpoint"][0, 0] == pytest.approx(0.6)
    assert plant.state["disturbance.ram_moisture"][:, 0] == pytest.approx([0.03, 0.03])
    plant.clear("waste", "L1")
    assert plant.state["disturbance.ram_moisture"][:, 0] == pytest.approx([0.0, 0.03])


def test_a_transmitter_fails_as_its_register_can(plant: Simulator) -> None:
    plant.fault("transmitter_bad", tag="L1-LT-1401A")
    plant.fault("transmitter_bad", tag="L1-LT-1401B", how="over")
    run(plant, 0.1)
    assert (raw(plant, "L1-LT-1401A"), raw(plant, "L1-LT-1401B")) == (-864.0, 30240.0)
    with pytest.raises(PlantError, match="L1-LT-1401C can fail under or over, not nan"):
        plant.fault("transmitter_bad", tag="L1-LT-1401C", how="nan")
    with pytest.raises(PlantError, match="how: no choice 'down'; there are under, over, nan"):
        plant.fault("transmitter_bad", tag="L1-LT-1401C", how="down")


def test_a_snapshot_with_programs_goes_on_bit_for_bit(plant: Simulator) -> None:
    plant.fault("F1", line="L1", minutes=1.0)
    plant.fault("F17", line="L2")
    plant.fault("F36", line="L1")
    run(plant, 10.0)
    saved = plant.snapshot()
    run(plant, 60.0)
    first = plant.snapshot()
    plant.restore(saved)
    run(plant, 60.0)
    assert plant.snapshot() == first


def test_column_k_of_a_batch_is_the_plant_that_runs_alone(config: Config, plant: Simulator) -> None:
    batch = Simulator(config, batch=3, seed=7)
    values = [1.0, 5.0, 9.0]
    batch.fault("F5", line="L1", t_h=values)
    batch.fault("F1", line="L2", lhv=[7.0, 8.0, 9.0], minutes=[1.0, 2.0, 3.0])
    batch.fault("valve_stuck", output="L1-FV-1601.OP", position=[50.0, 60.0, 70.0])
    run(batch, 5.0)
    for k in (0, 2):
        alone = Simulator(config, seed=7 + k)
        alone.fault("F5", line="L1", t_h=values[k])
        alone.fault("F1", line="L2", lhv=7.0 + k, minutes=1.0 + k)
        alone.fault("valve_stuck", output="L1-FV-1601.OP", position=50.0 + 10.0 * k)
        run(alone, 5.0)
        assert np.array_equal(batch.plant.signals[:, k], alone.plant.signals[:, 0])
        assert np.array_equal(batch.read_raw().raw[:, k], alone.read_raw().raw[:, 0], equal_nan=True)
