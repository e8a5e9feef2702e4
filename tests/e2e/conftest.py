"""What the tests with processes share."""

import pytest

from controller.core.config import load
from plc_sim.initial import COLD
from plc_sim.simulator import Simulator
from wte.folders import shipped_plant


@pytest.fixture(scope="session", autouse=True)
def compiled_plant() -> None:
    """Compile the plant unless that is done: the tests time any start but the first one on a machine."""
    Simulator(load(shipped_plant()), initial=COLD)
