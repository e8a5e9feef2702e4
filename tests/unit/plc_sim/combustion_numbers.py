"""Combustion and furnace of the reference plant at full load, as its configuration has them, for tests."""

from pathlib import Path
from typing import Any

from controller.core.yaml import read
from plc_sim.process.combustion_parameters import AREAS, CombustionParameters

FILE = Path(__file__).parents[3] / "config/almaty/line/simulator-combustion.yaml"
LINES = ("L1", "L2")
BAROMETRIC_PA = 93200.0

_FOUND = read(FILE, FILE.name).data["process"]
_CHECKED: dict[str, Any] = {name: model.model_validate(_FOUND[name]) for name, model in AREAS.items()}
PARAMETERS = CombustionParameters(**_CHECKED)
