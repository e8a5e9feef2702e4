"""Small plants made of loops, and a bench that scans them against a process written in a few lines."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from controller.core.clock import MonoNs, Now, UtcNs
from controller.core.command import Answer, Command, Role
from controller.core.compiler import compile_plan
from controller.core.config import load
from controller.core.frame import Frame
from controller.core.plan import Mode, Plan
from controller.core.quality import BAD_SENSOR_FAILURE, GOOD
from controller.core.state import State
from controller.core.tags import Floats, Image
from controller.scan import new_state, scan, start

TITLE = {"en": "Test", "ru": "Проба"}
ALL_MODES = ["OOS", "LO", "MAN", "AUTO", "RCAS"]

PLANT: dict[str, Any] = {
    "name": "loops",
    "title": TITLE,
    "site": {"barometric_pa": 93200, "timezone": "Asia/Almaty"},
    "instances": {"C0": {"template": "common", "title": TITLE, "devices": {"common": "C0"}}},
    "areas": {str(number): TITLE for number in range(10, 16)},
    "devices": {
        "C0": {
            "title": TITLE,
            "port": 5022,
            "byte_order": "ABCD",
            "supervision": {"heartbeat": 0, "planned_stop": 1, "watchdog_ms": 2, "plc_counter": 0},
        }
    },
}

Spec = dict[str, Any]


def analogue(address: int, unit: str = "%", lo: float = 0.0, hi: float = 100.0) -> Spec:
    """Return an input of a process value."""
    place = {"device": "common", "address": 10 + 2 * address, "form": "float32"}
    return {"title": TITLE, "unit": unit, "range": {"lo": lo, "hi": hi}, "input": place}


def switch(address: int) -> Spec:
    """Return a bool input."""
    return {"title": TITLE, "bool": True, "input": {"device": "common", "address": address, "form": "bool"}}


def valve(address: int, unit: str = "%", lo: float = 0.0, hi: float = 100.0) -> Spec:
    """Return an analogue output."""
    place = {
        "device": "common",
        "address": 10 + 2 * address,
        "form": "float32",
        "fail": {"position": "hold"},
        "safe": "hold",
        "end_state": "hold",
    }
    return {"title": TITLE, "unit": unit, "range": {"lo": lo, "hi": hi}, "output": place}


def motor(address: int) -> Spec:
    """Return a bool output."""
    place = {
        "device": "common",
        "address": address,
        "form": "bool",
        "fail": {"position": "hold"},
        "safe": "hold",
        "end_state": "hold",
    }
    return {"title": TITLE, "bool": True, "output": place}


def calculated(kind: str, of: Any, unit: str = "%", lo: float = 0.0, hi: float = 100.0, **fields: Any) -> Spec:
    """Return a calculated tag."""
    derived = {"kind": kind, "of": of, **fields}
    return {"title": TITLE, "unit": unit, "range": {"lo": lo, "hi": hi}, "derived": derived, "why": "A test."}


def loop(pv: str, **fields: Any) -> Spec:
    """Return a PI loop in AUTO, changed by ``fields``; None removes one."""
    spec: Spec = {
        "title": TITLE,
        "pv": pv,
        "tuning": {"kp": 1.0, "ti_s": 10.0},
        "sp": {"default": 50.0, "lo": 0.0, "hi": 100.0},
        "permitted": ALL_MODES,
        "normal": "AUTO",
        "start": "AUTO",
        **fields,
    }
    return {name: value for name, value in spec.items() if value is not None}


def write_plant(folder: Path, tags: Mapping[str, Spec], loops: Mapping[str, Spec], **parts: Any) -> Path:
    """Write a plant folder of one instance, C0. JSON is YAML."""
    (folder / "common").mkdir(parents=True, exist_ok=True)
    (folder / "plant.yaml").write_text(json.dumps(PLANT, ensure_ascii=False), encoding="utf-8")
    section = {"tags": tags, "loops": loops, **parts}
    text = json.dumps(section, ensure_ascii=False, indent=1)
    (folder / "common" / "loops.yaml").write_text(text, encoding="utf-8")
    return folder


def make(folder: Path, tags: Mapping[str, Spec], loops: Mapping[str, Spec], **parts: Any) -> Plan:
    """Return the plan of a plant of one instance."""
    return compile_plan(load(write_plant(folder, tags, loops, **parts)))


Process = Callable[["Bench"], None]


@dataclass
class Bench:
    """A controller and what it moves. ``process`` is called before each scan and sets inputs from the outputs sent."""

    plan: Plan
    batch: int = 1
    process: Process | None = None
    scans: int = 0
    frame: Frame | None = None
    frames: list[Frame] = field(default_factory=list[Frame])
    inputs: Mapping[str, float | Floats] = field(default_factory=dict[str, "float | Floats"])
    outputs: Mapping[str, float | Floats] = field(default_factory=dict[str, "float | Floats"])

    def __post_init__(self) -> None:
        self.state: State = new_state(self.plan, self.batch)
        self.value = np.zeros((len(self.plan.inputs), self.batch))
        self.quality = np.zeros(self.value.shape, dtype=np.uint32)
        self.readback = np.zeros((len(self.plan.outputs), self.batch))
        for key, x in self.inputs.items():
            self.set(key, x)
        for key, x in self.outputs.items():
            self.hold(key, x)

    def start(self, *, is_restored: bool = False, gap_s: float | None = None) -> "Bench":
        start(self.plan, self.state, self._image(), self._now(), is_restored=is_restored, gap_s=gap_s)
        return self

    def _image(self) -> Image:
        times = np.zeros(len(self.plan.inputs), dtype=np.int64)
        ok = np.ones(len(self.plan.devices), dtype=np.bool_)
        return Image(self.value.copy(), self.quality.copy(), times, self.readback.copy(), ok)

    def _now(self) -> Now:
        ns = self.scans * self.plan.period_ns
        return Now(MonoNs(ns), UtcNs(ns), 1)

    def _input(self, key: str) -> int:
        return [point.key for point in self.plan.inputs].index(f"C0-{key}")

    def _output(self, key: str) -> int:
        return self.plan.output.keys.index(f"C0-{key}")

    def set(self, key: str, x: float | Floats | None) -> None:
        """Set an input; None makes it bad."""
        row = self._input(key)
        self.value[row] = np.nan if x is None else x
        self.quality[row] = BAD_SENSOR_FAILURE if x is None else GOOD

    def hold(self, key: str, x: float | Floats) -> None:
        """Set what a device holds in an output, before the start."""
        self.readback[self._output(key)] = x

    def sent(self, key: str) -> Floats:
        """Return what was sent to an output, (batch,)."""
        return self.readback[self._output(key)]

    def scan(self, count: int = 1, commands: Sequence[Command] = ()) -> Frame:
        frame = self.frame
        for _ in range(count):
            if self.process is not None:
                self.process(self)
            self.scans += 1
            frame = scan(self.plan, self.state, self._image(), commands, self._now())
            self.readback = np.where(np.isfinite(frame.mv), frame.mv, self.readback)
            commands = ()
            self.frame = frame
        assert frame is not None
        return frame

    def order(self, key: str, x: float, role: Role = Role.ENGINEER) -> Answer:
        """Write a row of a loop and scan once."""
        return self.scan(commands=[Command("1", f"C0-{key}", value=float(x), role=role)]).answers[0]

    def read(self, key: str) -> float:
        return float(self.all(key)[0])

    def all(self, key: str) -> Floats:
        """Return a row of the tag table, (batch,)."""
        return self.state["table.value"][self.plan.row(f"C0-{key}")]

    def mode(self, key: str) -> Mode:
        return Mode(int(self.read(f"{key}.MODE_ACT")))
