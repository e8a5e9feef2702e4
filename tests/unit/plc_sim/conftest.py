"""A small plant for the simulator's tests, written here: no configuration files are read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from controller.core import models
from controller.core.config import Config, Placed
from controller.core.state import State
from plc_sim.plant import Plant

LINE: dict[str, dict[str, float]] = {
    "drum": {
        "volume_m3": 28.4,
        "water_area_m2": 21.25,
        "riser_volume_m3": 40.0,
        "downcomer_volume_m3": 20.0,
        "metal_kg": 180e3,
        "riser_metal_kg": 120e3,
        "drum_metal_kg": 60e3,
        "metal_j_kg_k": 550.0,
        "friction": 25.0,
        "bubble_share": 0.3,
        "bubble_residence_s": 12.0,
        "bubble_volume_m3": 5.4,
        "full_riser_quality": 0.065,
        "metal_lag_s": 30.0,
        "blowdown_kg_s": 0.3139,
        "heater_steam_kg_s": 0.7111,
    },
    "heat": {"fast_s": 15.0, "bed_share": 0.5, "decay_s": 840.0, "relight_s": 300.0},
    "feedwater": {
        "full_valve_position": 0.62,
        "full_valve_dp_pa": 0.80e6,
        "rangeability": 20.0,
        "startup_valve_share": 0.3,
        "upstream_dp_pa": 0.40e6,
        "downstream_dp_pa": 0.43e6,
        "static_pa": 0.27e6,
        "economiser_kg": 8000.0,
        "full_economiser_k": 483.15,
    },
    "steam": {
        "full_flow_kg_s": 31.333,
        "full_temperature_k": 723.15,
        "maximum_k": 763.15,
        "superheater_s": 60.0,
        "superheater_volume_m3": 15.0,
        "superheater_dp_pa": 0.70e6,
        "line_dp_pa": 0.25e6,
        "vent_share": 0.30,
        "outlet_safety_pa": 7.0432e6,
        "outlet_safety_share": 0.35,
        "drum_safety_pa": 7.9932e6,
        "drum_safety_share": 0.75,
        "safety_reseat_share": 0.04,
    },
}
COMMON: dict[str, dict[str, float]] = {
    "pumps": {
        "count": 3,
        "shutoff_pa": 12.0e6,
        "rated_pa": 10.0e6,
        "rated_share": 0.6,
        "speed_s": 3.0,
        "coast_s": 2.0,
        "storage_kg_pa": 5.5e-6,
    },
    "deaerator": {"temperature_k": 403.15, "pressure_pa": 0.2702e6},
    "header": {"volume_m3": 15.0, "auxiliary_share": 0.0095},
    "turbine": {
        "inlet_pa": 6.1932e6,
        "inlet_dp_pa": 0.05e6,
        "full_admission": 0.82,
        "admission_s": 2.0,
        "gain_per_pa": 1.2e-6,
        "integral_s": 120.0,
    },
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
    process = dict.fromkeys(lines, LINE) | {"C0": COMMON}
    return Config(Path(), plant, "", placed, {}, {}, {}, process)


@pytest.fixture
def process() -> dict[str, dict[str, dict[str, float]]]:
    return {"L1": LINE, "L2": LINE, "C0": COMMON}


@pytest.fixture
def plant(process: dict[str, dict[str, dict[str, float]]]) -> Plant:
    return Plant(process, State(batch=1), load=1.0)


@pytest.fixture
def make_config() -> Callable[..., Config]:
    return small_config


@pytest.fixture
def config() -> Config:
    return small_config("L1", "L2")
