"""What the tests with processes share."""

from collections.abc import Generator

import pytest

from controller.core.compiler import compile_plan
from controller.core.config import load
from plc_sim.initial import COLD
from plc_sim.simulator import Simulator
from tests.e2e.plant import Plant
from tests.e2e.running import Places, running
from wte.folders import shipped_plant


@pytest.fixture(scope="session", autouse=True)
def compiled_plant() -> None:
    """Compile the plant unless that is done: the tests time any start but the first one on a machine."""
    Simulator(load(shipped_plant()), initial=COLD)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Generator[Plant]:
    """Return the shipped plant running, the same one for all tests of a file."""
    folder = tmp_path_factory.mktemp("plant")
    places = Places(folder)
    plan = compile_plan(load(shipped_plant()))
    with running(places.run_options, folder / "out") as run:
        run.wait_for("clients")
        yield Plant(places, run, plan)
