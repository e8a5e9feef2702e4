"""Redundant sensors: one entry with ``group`` becomes its channels, the voted value and the spread.

``LT-1401`` with channels A, B, C makes the inputs LT-1401A, B, C; LT-1401, derived of them; and LT-1401.DEV, the spread
of the good channels, when the group has a deviation alarm. The alarm ``bad`` goes to each channel, where it says which
sensor to repair; alarms at limits stay with the voted value. Trip limits stand on both: rows vote on the channels.
"""

import re
from typing import Any

from controller.core import models
from controller.core.config.placed import Item
from controller.core.errors import Issue
from controller.core.units import UNITS

_SUFFIX = re.compile(r"[A-Z]")
_SPREAD = models.Title(en="channel spread", ru="расхождение каналов")


def expand(item: Item[models.Tag], group: models.Group) -> tuple[list[Item[models.Tag]], list[Issue]]:
    """Return the tags that a tag with ``group`` stands for, channels first, and its mistakes."""
    spec = item.spec
    if spec.input is None:
        return [item], [item.issue("a group is of inputs; this tag has none", "group")]
    issues: list[Issue] = []
    if spec.input.address is not None:
        issues.append(item.issue("stands with the channels of the group; delete it here", "input", "address"))
    if spec.bool_:
        issues.append(item.issue("bool tags cannot be averaged; use derived tags any or all", "group"))
    issues += [
        item.issue("a channel is named by one capital letter", "group", "channels", suffix)
        for suffix in group.channels
        if not _SUFFIX.fullmatch(suffix)
    ]
    good = {suffix: address for suffix, address in group.channels.items() if _SUFFIX.fullmatch(suffix)}
    channels = [_channel(item, suffix, address) for suffix, address in good.items()]
    keys = [channel.key for channel in channels]
    made = [*channels, _voted(item, group.select, keys)]
    if group.deviation is not None:
        made.append(_spread(item, group.deviation, keys))
    return made, issues


def difference_unit(unit: str) -> str:
    """Return the unit of a difference of two values: K for °C, MPa for MPa(g), otherwise the unit itself."""
    known = UNITS.get(unit)
    if known is None:
        return unit
    for name, other in UNITS.items():
        if other.quantity == f"{known.quantity} difference" and other.factor == known.factor:
            return name
    return unit


def _item(item: Item[models.Tag], key: str, **changes: Any) -> Item[models.Tag]:
    return Item(key, "", item.spec.model_copy(update={"group": None, **changes}), item.origin)


def _channel(item: Item[models.Tag], suffix: str, address: int) -> Item[models.Tag]:
    spec = item.spec
    assert spec.input is not None  # noqa: S101  expand() is the only caller
    bad = spec.alarms.bad if spec.alarms is not None else None
    return _item(
        item,
        f"{item.key}{suffix}",
        title=models.Title(en=f"{spec.title.en} {suffix}", ru=f"{spec.title.ru} {suffix}"),
        input=spec.input.model_copy(update={"address": address}),
        alarms=models.Alarms(bad=bad) if bad is not None else None,
    )


def _voted(item: Item[models.Tag], select: str, keys: list[str]) -> Item[models.Tag]:
    alarms = item.spec.alarms
    median = select == "median"
    return _item(
        item,
        item.key,
        input=None,
        instrument=None,
        derived=models.Median(kind="median", of=keys) if median else models.Average(kind="average", of=keys),
        alarms=alarms.model_copy(update={"bad": None}) if alarms is not None else None,
    )


def _spread(item: Item[models.Tag], deviation: models.AlarmSpec, keys: list[str]) -> Item[models.Tag]:
    spec = item.spec
    span = spec.range.hi - spec.range.lo if spec.range is not None else 0.0
    return _item(
        item,
        f"{item.key}.DEV",
        title=models.Title(en=f"{spec.title.en}, {_SPREAD.en}", ru=f"{spec.title.ru}, {_SPREAD.ru}"),
        unit=difference_unit(spec.unit),
        range=models.Range(lo=0.0, hi=span),
        input=None,
        instrument=None,
        derived=models.Spread(kind="spread", of=keys),
        alarms=models.Alarms(hi=deviation),
        trip=None,
        why=None,
    )
