"""Checks of plant.yaml against itself."""

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from controller.core.config.places import Draft
from controller.core.config.words import did_you_mean

_INSTANCE = re.compile(r"[A-Z][A-Z0-9]*")
_MIN_PERIODS = 5  # scans the PLC must wait for before it takes the controller for dead


def check_plant(draft: Draft) -> None:
    """Report mistakes of names, devices and times in plant.yaml."""
    plant = draft.plant
    try:
        ZoneInfo(plant.site.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        text = f"unknown time zone {plant.site.timezone}; expected a name like Asia/Almaty"
        draft.plant_issue(text, "site", "timezone")
    if plant.watchdog_s * 1000 < _MIN_PERIODS * plant.period_ms:
        text = f"{plant.watchdog_s:g} s is less than {_MIN_PERIODS} scans of {plant.period_ms} ms"
        draft.plant_issue(text, "watchdog_s")
    _check_instances(draft)
    _check_devices(draft)


def _check_instances(draft: Draft) -> None:
    plant = draft.plant
    for name, instance in plant.instances.items():
        if not _INSTANCE.fullmatch(name):
            text = "an instance is named by capital letters and digits: L1, C0"
            draft.plant_issue(text, "instances", name)
        if name in draft.templates:
            draft.plant_issue(f"{name} is the name of a template as well; rename one", "instances", name)
        for alias, device in instance.devices.items():
            if device not in plant.devices:
                text = f"unknown device {device}{did_you_mean(device, plant.devices)}"
                draft.plant_issue(text, "instances", name, "devices", alias)


def _check_devices(draft: Draft) -> None:
    plant = draft.plant
    used = {device for instance in plant.instances.values() for device in instance.devices.values()}
    places: dict[tuple[str, int, int], str] = {}
    for name, device in plant.devices.items():
        if name not in used and used <= plant.devices.keys():
            draft.plant_issue("no instance uses this device; name it in one or delete it", "devices", name)
        place = (device.host, device.port, device.unit_id)
        if place in places:
            text = f"{device.host}:{device.port} unit {device.unit_id} is device {places[place]} already"
            draft.plant_issue(text, "devices", name, "port")
        places.setdefault(place, name)
