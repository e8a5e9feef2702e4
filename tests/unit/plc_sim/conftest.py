"""A small plant for the simulator's tests: a few tags written here on the physics of the shipped plant."""

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from controller.core import models
from controller.core.config import Config, Placed, load
from controller.core.state import State
from plc_sim.equipment_parameters import without
from plc_sim.initial import begin
from plc_sim.plant import Plant
from plc_sim.simulator import Simulator

PLANT = Path(__file__).parents[3] / "config" / "almaty"
BAROMETRIC_PA = 93_200.0
Process = dict[str, dict[str, dict[str, float]]]


@cache
def shipped_process() -> Process:
    """Return the parameters of the shipped plant's physics, without those of its motors and PLCs."""
    return {
        instance: {area: dict(v) for area, v in areas.items()}
        for instance, areas in without(load(PLANT).process).items()
    }


TITLE = {"en": "x", "ru": "x"}
PERCENT = {"unit": "%", "range": {"lo": 0.0, "hi": 100.0}}


def _measured(of: str, address: int, unit: str, lo: float, hi: float, **more: Any) -> dict[str, Any]:
    """Return a tag with an instrument; ``more``: form, noise, tau_s, dead_time_s."""
    form = more.pop("form", "raw")
    place = {"device": "plc", "address": address, "form": form}
    return {"unit": unit, "range": {"lo": lo, "hi": hi}, "input": place, "instrument": {"of": of} | more}


def _switch(of: str, address: int) -> dict[str, Any]:
    return {
        "bool": True,
        "input": {"device": "plc", "address": address, "form": "bool"},
        "instrument": {"of": of},
    }


def _driven(drives: str, address: int, fail: dict[str, float | str], **actuator: float) -> dict[str, Any]:
    is_bool = drives.endswith(("release", "command", "stop_valve"))
    place = {"device": "plc", "address": address, "form": "bool" if is_bool else "raw", "safe": "hold", "fail": fail}
    kind = {"bool": True} if is_bool else PERCENT
    return kind | {"output": place, "actuator": {"drives": drives} | actuator}


LINE_TAGS: dict[str, dict[str, Any]] = {
    "LT-1401A": _measured("drum.level", 100, "mm", -350.0, 350.0, noise=6.0, tau_s=1.0),
    "LT-1401B": _measured("drum.level", 101, "mm", -350.0, 350.0, noise=6.0, tau_s=1.0),
    "PT-1403A": _measured("drum.pressure", 102, "MPa(g)", 0.0, 10.0),
    "TT-1604": _measured("feedwater.temperature", 103, "°C", 0.0, 350.0),
    "FV-1601.ZT": _measured("position.FV-1601.OP", 104, "%", 0.0, 100.0, dead_time_s=0.5),
    "JT-1300": _measured("heat.power", 110, "MW", 0.0, 120.0, form="float32", noise=0.1),
    "XS-4103": _measured("plc.cycles", 112, "", 0.0, 4e9, form="uint32"),
    "XS-4102": _measured("plc.heartbeat_age", 114, "s", 0.0, 60.0, form="float32"),
    "XS-4101": _switch("plc.watchdog_acted", 0),
    "XV-1540.ZSO": _switch("limit.open.XV-1540.OPN", 1),
    "FV-1601.OP": _driven(
        "feedwater.valve", 100, {"position": 0.0, "hold_s": 60.0, "rate_per_min": 1.0}, stroke_s=10.0, dead_band_pct=0.2
    ),
    "FV-1541.OP": _driven("steam.vent", 101, {"position": 100.0}, stroke_s=10.0),
    "XC-1300": _driven("firing.release", 0, {"position": 0.0}),
    "XV-1540.OPN": _driven("steam.stop_valve", 1, {"position": "hold"}, stroke_s=60.0),
}
COMMON_TAGS: dict[str, dict[str, Any]] = {
    "PT-3004A": _measured("feedwater_header.pressure", 100, "MPa(g)", 0.0, 16.0, noise=0.02, tau_s=0.3),
    "FT-3104": _measured("turbine.flow", 101, "t/h", 0.0, 280.0),
    "P-3010A.RUN": _switch("pump_a.running", 0),
    "P-3010A.CMD": _driven("pump_a.command", 0, {"position": "hold"}),
    "SC-3010": _driven("pumps.speed", 100, {"position": "hold"}, stroke_s=20.0),
}


def _tags(instance: str, tags: dict[str, dict[str, Any]]) -> dict[str, Placed[models.Tag]]:
    placed: dict[str, Placed[models.Tag]] = {}
    for key, data in tags.items():
        spec = models.Tag.model_validate({"title": TITLE} | data)
        for name in ("input", "output"):
            place = getattr(spec, name)
            if place is not None:
                spec = spec.model_copy(update={name: place.model_copy(update={"device": instance})})
        full = f"{instance}-{key}"
        placed[full] = Placed(full, instance, spec, "line/drum.yaml", 1, "")
    return placed


def small_config(*lines: str, order: str = "ABCD", **tags: dict[str, Any]) -> Config:
    """Return a plant of ``lines`` and C0; ``tags`` come on top of those of every line."""
    instances = {name: {"template": "line", "title": TITLE, "devices": {"plc": name}} for name in lines}
    instances["C0"] = {"template": "common", "title": TITLE, "devices": {"plc": "C0"}}
    supervision = {"heartbeat": 0, "planned_stop": 1, "watchdog_ms": 2, "plc_counter": 0}
    devices = {
        name: {"title": TITLE, "port": 5020 + i, "byte_order": order, "supervision": supervision}
        for i, name in enumerate(instances)
    }
    plant = models.Plant.model_validate(
        {
            "name": "small",
            "title": TITLE,
            "site": {"barometric_pa": 93200.0, "timezone": "Asia/Almaty"},
            "instances": instances,
            "areas": {},
            "devices": devices,
        }
    )
    placed: dict[str, Placed[models.Tag]] = {}
    for name in lines:
        placed |= _tags(name, LINE_TAGS | tags)
    placed |= _tags("C0", COMMON_TAGS)
    shipped = shipped_process()
    process = dict.fromkeys(lines, shipped["L1"]) | {"C0": shipped["C0"]}
    return Config(Path(), plant, "", placed, {}, {}, {}, process)


@pytest.fixture(scope="session")
def shipped() -> Process:
    return shipped_process()


@pytest.fixture
def process(shipped: Process) -> Process:
    return copy.deepcopy(shipped)


@pytest.fixture
def plant(process: Process) -> Plant:
    standing = Plant(process, State(batch=1), BAROMETRIC_PA)
    begin(standing, process, BAROMETRIC_PA, "100%")
    return standing


@pytest.fixture
def make_config() -> Callable[..., Config]:
    return small_config


@pytest.fixture
def config() -> Config:
    return small_config("L1", "L2")


@pytest.fixture(scope="session")
def standing() -> tuple[Simulator, bytes]:
    """Return the small plant and its state at full load: built once, because a restore takes a hundredth of a build."""
    simulator = Simulator(small_config("L1", "L2"))
    return simulator, simulator.snapshot()


@pytest.fixture
def sim(standing: tuple[Simulator, bytes]) -> Simulator:
    """Return the small plant at full load, as new."""
    simulator, state = standing
    simulator.restore(state)
    return simulator


@pytest.fixture(scope="session")
def whole() -> Config:
    """Return the shipped plant."""
    return load(PLANT)
