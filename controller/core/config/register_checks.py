"""Checks of Modbus registers: each belongs to one item, and all lie inside their table."""

from collections.abc import Collection
from dataclasses import dataclass, field

from controller.core import models
from controller.core.config.placed import Item
from controller.core.config.places import Draft
from controller.core.errors import Issue

LAST = 65535
_WIDTH = {"int32": 2, "uint32": 2, "float32": 2, "float64": 4}  # registers of 16 bits; others take one

_Slot = tuple[str, str, int]  # device, table, register


@dataclass(slots=True)
class _Map:
    """Who uses which register, and where that is written."""

    owners: dict[_Slot, str] = field(default_factory=dict[_Slot, str])

    def take(self, device: str, table: str, address: int, width: int, owner: str) -> str:
        """Claim registers; return what stands against it, or nothing."""
        if not 0 <= address <= LAST + 1 - width:
            return f"register {address} lies outside of 0..{LAST}" + (f" with its {width} registers" * (width > 1))
        slots = [(device, table, number) for number in range(address, address + width)]
        for slot in slots:
            if slot in self.owners:
                return f"{table} register {slot[2]} is used by {self.owners[slot]} already"
        self.owners.update(dict.fromkeys(slots, owner))
        return ""


def check_registers(draft: Draft) -> None:
    """Report overlapping and impossible registers of every device."""
    registers = _Map()
    for name, device in draft.plant.devices.items():
        for use, address in device.supervision.model_dump().items():
            table = "input" if use == "plc_counter" else "holding"
            text = registers.take(name, table, address, 1, f"the supervision of the device ({use})")
            if text:
                draft.plant_issue(text, "devices", name, "supervision", use)
    for item in draft.tags.values():
        draft.issues += _tag_issues(registers, item, draft.plant.devices)


def _tag_issues(registers: _Map, item: Item[models.Tag], devices: Collection[str]) -> list[Issue]:
    spec = item.spec
    place = spec.input or spec.output
    if place is None or place.address is None or (place.form == "bool") != spec.bool_ or place.device not in devices:
        return []  # what is wrong with those is reported where it is wrong
    if isinstance(place, models.Input):
        table = place.table or ("discrete" if place.form == "bool" else "input")
    else:
        table = "coil" if place.form == "bool" else "holding"
    owner = f"{item.name} ({item.place})"
    text = registers.take(place.device, table, place.address, _WIDTH.get(place.form, 1), owner)
    if not text:
        return []
    suffix = item.name.removeprefix(item.origin.key)
    if suffix:  # a channel of a group, whose address stands there
        return [item.issue(text, "group", "channels", suffix)]
    return [item.issue(text, "input" if spec.input else "output", "address")]
