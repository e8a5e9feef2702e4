"""The scenarios that are shipped are the plant's promises: each expectation is met."""

from pathlib import Path

import pytest

from controller.core.config import load
from wte.folders import shipped_plant
from wte.scenario import load_scenario, play

FILES = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))


SLOW = {"level-trip"}  # the short of it is told by the story of the drum level
CASES = [pytest.param(file, id=file.stem, marks=[pytest.mark.long] * (file.stem in SLOW)) for file in FILES]


@pytest.mark.parametrize("file", CASES)
def test_every_expectation_is_met(file: Path) -> None:
    result = play(load_scenario(file), load(shipped_plant()))
    missed = [f"{verdict.expected}: {verdict.found}" for verdict in result.verdicts if not verdict.is_met]
    assert not missed, "\n".join(missed)
