"""Laws of final elements, motors and burners: a batch is its plants alone, positions stay in range, no gas unproven."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plc_sim.actuators import LIMIT_SWITCH
from plc_sim.burner_plc import LIGHT, RUN
from plc_sim.points import FULL_COUNTS
from tests.unit.plc_sim.equipment_rig import BURNERS, DT, EquipmentRig

Floats = npt.NDArray[np.float64]

BATCH = 64
RANGES = {
    "pressure": 1e6,
    "bearing": 400.0,
    "winding": 450.0,
    "roof": 1500.0,
    "flow": 40.0,
}  # of signals; all others 0..1.2
seeds = st.integers(0, 2**32 - 1)


def burning(batch: int = BATCH) -> EquipmentRig:
    """Return a rig of hot furnaces in which all burners burn."""
    rig = EquipmentRig(batch)
    for line in ("L1", "L2"):
        rig.show(f"{line}/furnace.roof", 1300.0).show(f"{line}/pa.flow", 30.0)
        for number in range(len(BURNERS)):
            rig.order(f"{line}-BC-132{number}.AD_OP", 80.0).order(f"{line}-BC-132{number}.CMD", 1.0)
    return rig.run(30.0)


def shake(rig: EquipmentRig, seed: int, steps: int, column: int | None = None) -> None:
    """Give random orders, signals and faults to a batch, or to one column of it."""
    random = np.random.default_rng(seed)
    is_bool = np.array([[p.form == "bool"] for p in rig.points.outputs])
    highest = np.array([[_highest(name)] for name in rig.signals.rows])
    columns = slice(None) if column is None else slice(column, column + 1)

    def draw(rows: int) -> Floats:
        return random.random((rows, BATCH))[:, columns]

    gone, elements = rig.equipment.disturbances, rig.actuators
    for _ in range(steps):
        order = draw(len(rig.raw))
        order = np.where(is_bool, order >= 0.5, np.rint((order * 1.4 - 0.2) * FULL_COUNTS))
        np.copyto(rig.raw, order, where=draw(len(rig.raw)) < 0.1)
        np.copyto(rig.signals.array, draw(len(highest)) * highest, where=draw(len(highest)) < 0.05)
        for array, often in ((gone.fault, 0.02), (gone.local, 0.05), (elements.is_stuck, 0.02)):
            array[...] = draw(len(array)) < often
        for array in (elements.stiction, elements.slip):
            array[...] = 0.1 * draw(len(array))
        rig.run(DT)


def _highest(name: str) -> float:
    return next((value for part, value in RANGES.items() if part in name), 1.2)


@pytest.mark.parametrize("column", [0, 41, 63])
def test_a_column_of_a_batch_is_the_plant_alone_bit_for_bit(column: int) -> None:
    batch, alone = burning(), burning(1)
    shake(batch, 11, 200)
    shake(alone, 11, 200, column)
    for name, slot in batch.state.slots.items():
        same = np.ascontiguousarray(slot.array[..., column]).tobytes()
        assert same == np.ascontiguousarray(alone.state[name][..., 0]).tobytes(), name
    assert np.array_equal(batch.equipment.signals()[:, column], alone.equipment.signals()[:, 0])
    assert np.array_equal(batch.burners.signals()[:, column], alone.burners.signals()[:, 0])


@settings(max_examples=4, deadline=None)
@given(seeds)
def test_nothing_leaves_its_range(seed: int) -> None:
    rig = burning()
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        shake(rig, seed, 40)
    assert np.isfinite(rig.equipment.signals()).all()
    driven = rig.inputs.array
    for array in (driven, rig.actuators.position, rig.actuators.drive, rig.burners.valves, rig.equipment.speed):
        assert ((array >= 0.0) & (array <= 1.0)).all()


@settings(max_examples=4, deadline=None)
@given(seeds)
def test_no_motor_runs_against_its_fault_and_no_gas_flows_without_its_order(seed: int) -> None:
    rig = burning()
    for step in range(30):
        before = rig.burners.valves[:2].copy()
        shake(rig, seed + step, 2)
        assert not (rig.equipment.closed & rig.equipment.fault).any()
        assert not (rig.equipment.available & rig.equipment.fault).any()
        phase, valves = rig.burners.phase, rig.burners.valves
        has_gas = (phase >= LIGHT) & (phase <= RUN)
        assert ((valves[:2] <= before) | has_gas).all()  # without an order the block valves only close
        assert not ((valves[0] > 0.0) & (valves[1] > 0.0) & (valves[2] > LIMIT_SWITCH) & has_gas).any()


def test_a_burner_burns_in_every_plant_of_a_batch() -> None:
    assert (burning().burners.phase == RUN).all()
