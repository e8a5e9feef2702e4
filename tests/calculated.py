"""A bench for calculated tags: a plant of inputs and calculated tags, loaded and compiled as any other, run by hand."""

import json
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from controller.core.compiler import compile_plan
from controller.core.config import Config, load
from controller.core.plan import Plan
from controller.core.quality import BAD, BAD_SENSOR_FAILURE, GOOD, Codes
from controller.core.state import State
from controller.core.tags import Floats
from controller.logic import derived

TITLE = {"en": "tag", "ru": "тег"}
PERIOD_S = 0.1
PLANT = {
    "name": "bench",
    "title": TITLE,
    "site": {"barometric_pa": 93200, "timezone": "Asia/Almaty"},
    "period_ms": 100,
    "watchdog_s": 2.0,
    "instances": {"U1": {"template": "unit", "title": TITLE, "devices": {"unit": "D1"}}},
    "areas": {"10": TITLE},
    "devices": {
        "D1": {
            "title": TITLE,
            "port": 5020,
            "byte_order": "ABCD",
            "supervision": {"heartbeat": 0, "planned_stop": 1, "watchdog_ms": 2, "plc_counter": 0},
        }
    },
}


def tag(derived_: Mapping[str, Any], unit: str = "", **more: Any) -> dict[str, Any]:
    """Return a calculated tag of a wide range; ``unit`` "bool" makes it one."""
    kind: dict[str, Any] = {"bool": True} if unit == "bool" else {"unit": unit, "range": {"lo": -1e9, "hi": 1e9}}
    return {"title": TITLE, **kind, "derived": dict(derived_), **more}


def section(inputs: Mapping[str, str], tags: Mapping[str, Any]) -> dict[str, Any]:
    """Return one section file: measured inputs by their unit ("bool" for a bool), then the given tags."""
    made: dict[str, Any] = {}
    for number, (key, unit) in enumerate(inputs.items()):
        if unit == "bool":
            source = {"device": "unit", "address": 10 + number, "form": "bool"}
            made[key] = {"title": TITLE, "bool": True, "input": source}
        else:
            source = {"device": "unit", "address": 10 + 2 * number, "form": "float32"}
            made[key] = {"title": TITLE, "unit": unit, "range": {"lo": -1e9, "hi": 1e9}, "input": source}
    return {"tags": made | dict(tags)}


def load_section(part: Mapping[str, Any]) -> Config:
    """Return the checked configuration of a plant with this one section; ConfigError as from any folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "unit").mkdir()
        (folder / "plant.yaml").write_text(json.dumps(PLANT, ensure_ascii=False), encoding="utf-8")
        (folder / "unit" / "tags.yaml").write_text(json.dumps(part, ensure_ascii=False, indent=1), encoding="utf-8")
        return load(folder)


@cache
def _plan(text: str) -> Plan:
    return compile_plan(load_section(json.loads(text)))


class Bench:
    """Calculated tags of one unit, run turn by turn. Keys are written without the instance, ``_`` for ``-``."""

    def __init__(self, inputs: Mapping[str, str], tags: Mapping[str, Any], batch: int = 1) -> None:
        self.plan = _plan(json.dumps(section(inputs, tags)))
        self.batch = batch
        self.value: Floats = np.full((len(self.plan.tags), batch), np.nan)
        self.quality: Codes = np.full((len(self.plan.tags), batch), BAD, dtype=np.uint32)
        self.time = np.zeros((len(self.plan.tags), 1), dtype=np.int64)
        self.state = State(batch)
        derived.add_state(self.plan, self.state)
        for key in inputs:
            self.put(**{key: 0.0})

    def row(self, key: str) -> int:
        return self.plan.tags.index[f"U1-{key.replace('_', '-')}"]

    def put(self, **values: Any) -> None:
        """Write inputs; None makes one bad, an array gives each plant its own."""
        for key, x in values.items():
            row = self.row(key)
            self.value[row] = np.nan if x is None else x
            self.quality[row] = np.where(np.isnan(self.value[row]), BAD_SENSOR_FAILURE, GOOD)

    def judge(self, **codes: Any) -> None:
        """Give inputs another quality; a BAD one loses its number."""
        for key, code in codes.items():
            row = self.row(key)
            self.quality[row] = code
            self.value[row, self.quality[row] >= BAD] = np.nan

    def step(self, turns: int = 1) -> None:
        """Evaluate every group once, after ``turns`` of it."""
        derived.derive(self.plan, self.state, self.value, self.quality, self.time, [turns] * len(self.plan.derived))

    def read(self, key: str, plant: int = 0) -> float:
        return float(self.value[self.row(key), plant])

    def code(self, key: str, plant: int = 0) -> int:
        return int(self.quality[self.row(key), plant])

    def series(self, key: str, **courses: Any) -> list[float]:
        """Put one value of each course, step, read; over the whole course."""
        found: list[float] = []
        for values in zip(*courses.values(), strict=True):
            self.put(**dict(zip(courses, values, strict=True)))
            self.step()
            found.append(self.read(key))
        return found
