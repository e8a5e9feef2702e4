"""The compiled step of the whole plant against numpy's, and a column of a batch against one plant."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from controller.core.state import State
from plc_sim.compiled.kernel import Kernel, compile_step
from plc_sim.initial import begin
from plc_sim.plant import Plant
from tests.unit.plc_sim.compiled_rig import Twins

Process = dict[str, dict[str, dict[str, float]]]

BAROMETRIC_PA = 93_200.0
DT = 0.1
STEPS = 400
APART = 1e-9  # relative; numpy's functions differ from ours in the last bit
WIDTH = 64
SHAKES = 25  # steps between two movements of the inputs
SHAKEN = 0.1


def make(process: Process, batch: int = 1) -> Plant:
    plant = Plant(process, State(batch), BAROMETRIC_PA)
    begin(plant, process, BAROMETRIC_PA, "100%")
    return plant


def shaken(first: Plant, random: np.random.Generator, width: int) -> npt.NDArray[np.float64]:
    """Return all inputs within ``SHAKEN`` of where ``first`` (one plant) has them, (n, width)."""
    return first.inputs * random.uniform(1.0 - SHAKEN, 1.0 + 0.3 * SHAKEN, (len(first.inputs), width))


@pytest.fixture(scope="module")
def kernel(shipped: Process, tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    one = make(shipped)
    cache: Path = tmp_path_factory.mktemp("kernels")
    return compile_step(one, one.state, lambda plant: plant.step(DT), cache=cache)


def test_compiled_steps_go_where_numpy_goes(process: Process, kernel: Kernel) -> None:
    first, one, other = make(process), make(process), make(process)
    twins = Twins(one, other, (one.state, other.state), kernel.bind(other.state), lambda plant: plant.step(DT))
    random = np.random.default_rng(1)
    for number in range(STEPS):
        if number % SHAKES == 0:
            one.inputs[...] = other.inputs[...] = shaken(first, random, 1)
        noise = random.standard_normal(one.noise.shape)
        one.noise[...] = other.noise[...] = noise
        twins.both()
    assert twins.difference() < APART


def test_a_column_of_a_batch_is_one_plant_bit_for_bit(process: Process, kernel: Kernel) -> None:
    first, wide = make(process), make(process, WIDTH)
    random = np.random.default_rng(2)
    run = kernel.bind(wide.state)
    alone = {column: make(process) for column in (0, 5, WIDTH - 1)}
    runs = [kernel.bind(single.state) for single in alone.values()]
    for number in range(100):
        if number % SHAKES == 0:
            wide.inputs[...] = shaken(first, random, WIDTH)
            for column, single in alone.items():
                single.inputs[:, 0] = wide.inputs[:, column]
        run()
        for one in runs:
            one()
    for column, single in alone.items():
        for name, slot in single.state.slots.items():
            array = wide.state[name]
            mine = array[..., column if array.shape[-1] == WIDTH else 0]
            assert np.ascontiguousarray(mine).tobytes() == slot.array[..., 0].tobytes(), name
