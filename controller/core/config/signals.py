"""What a value that can be referred to is: a tag, or what the program makes under loops, rows and actions."""

from dataclasses import dataclass
from typing import Any

from controller.core import models
from controller.core.config.placed import Item
from controller.core.config.places import Draft


@dataclass(frozen=True, slots=True)
class Value:
    """Unit and kind of a value. ``bounds`` is None where there are none to check against."""

    unit: str = ""
    is_bool: bool = False
    bounds: models.Range | None = None


_PERCENT = Value("%", bounds=models.Range(lo=0.0, hi=100.0))
_OF_PV = frozenset({"PV", "SP", "SP_ACT", "SPR"})
_OF_LOOP = {"OP": _PERCENT, "MODE": Value(), "MODE_ACT": Value(), "KP": Value(), "TI": Value("s"), "TD": Value("s")}
_OF_ROW = {"ARMED": Value(is_bool=True), "LEFT": Value("s")}  # the others are codes and counts


def value_of(draft: Draft, key: str) -> Value | None:
    """Return what a full key stands for; None when it does not exist, which is reported where it is written."""
    tag = draft.tags.get(key)
    if tag is not None:
        return Value(tag.spec.unit, tag.spec.bool_, tag.spec.range)
    owner, _, member = key.rpartition(".")
    loop = draft.loops.get(owner)
    if loop is not None:
        if member not in _OF_PV and member != "ERR":
            return _OF_LOOP.get(member)
        pv = draft.tags.get(loop.spec.pv)
        bounds = pv.spec.range if pv is not None and member != "ERR" else None
        return Value(pv.spec.unit, pv.spec.bool_, bounds) if pv is not None else None
    if owner in draft.protection:
        return _OF_ROW.get(member, Value())
    return Value(is_bool=True) if member == "ACT" and owner.replace("-", "/", 1) in draft.actions else None


def name_of(draft: Draft, item: Item[Any], key: str) -> str:
    """Return a full key as a reference in ``item``: ``LT-1401``, ``line/FIC-1601.OP``."""
    owner, _, member = key.rpartition(".")
    found = draft.tags.get(key) or draft.loops.get(owner) or draft.protection.get(owner)
    if found is None:
        return key.removeprefix(f"{item.instance}-")
    return item.call(found) if found.key == key else f"{item.call(found)}.{member}"
