"""Checks of what is calculated and controlled: derived tags and loops."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from controller.core import models
from controller.core.config.groups import difference_unit
from controller.core.config.placed import Item
from controller.core.config.places import Draft
from controller.core.config.tag_checks import range_text
from controller.core.errors import Issue
from controller.core.units import UNITS

_SAME_UNIT = ("median", "average", "highest", "lowest", "lag")
_OF_BOOL = ("any", "all", "not")
_TO_BOOL = ("above", "below", *_OF_BOOL)


def check_logic(draft: Draft) -> None:
    """Report mistakes between derived tags, loops and what they work on."""
    for item in draft.tags.values():
        if item.spec.derived is not None:
            draft.issues += _derived_issues(draft, item, item.spec.derived)
    for item in draft.loops.values():
        draft.issues += _range_issues(draft, item)
        draft.issues += _mode_issues(draft, item)
    draft.issues += _owner_issues(draft)
    feeds = {key: _sources(item.spec.derived) for key, item in draft.tags.items() if item.spec.derived is not None}
    masters = {key: {item.spec.output} for key, item in draft.loops.items() if item.spec.output in draft.loops}
    draft.issues += _cycle_issues(draft.tags, feeds, "derived", "is calculated from itself")
    draft.issues += _cycle_issues(draft.loops, masters, "output", "is its own master")


# --- derived tags ----------------------------------------------------------------------------------------------------


def _sources(derived: models.Derived) -> set[str]:
    return {derived.of} if isinstance(derived.of, str) else set(derived.of)


def _derived_issues(draft: Draft, item: Item[models.Tag], derived: models.Derived) -> list[Issue]:
    kind, issues = derived.kind, list[Issue]()
    if (kind in _TO_BOOL) != item.spec.bool_:
        text = (
            f"{kind} gives true or false; write bool: true" if kind in _TO_BOOL else f"{kind} gives a number, no bool"
        )
        issues.append(item.issue(text, "derived", "kind"))
    if not _sources(derived):
        issues.append(item.issue("is empty; name at least one tag", "derived", "of"))
    for key in sorted(_sources(derived)):
        source = draft.tags.get(key)
        if source is not None:
            issues += _input_issues(item, derived, source)
    return issues


def _input_issues(item: Item[models.Tag], derived: models.Derived, source: Item[models.Tag]) -> list[Issue]:
    spec, name = source.spec, item.call(source)
    if (derived.kind in _OF_BOOL) != spec.bool_:
        text = f"{name} is a bool tag" if spec.bool_ else f"{name} is no bool tag"
        return [item.issue(f"{text}; {derived.kind} cannot use it", "derived", "of")]
    if text := _unit_text(item.spec, derived.kind, spec, name):
        return [item.issue(text, "derived", "of")]
    if isinstance(derived, models.Above | models.Below) and (
        text := range_text(spec, derived.limit, f"{name}'s range")
    ):
        return [item.issue(text, "derived", "limit")]
    return []


def _unit_text(spec: models.Tag, kind: str, source: models.Tag, name: str) -> str:
    found, wanted = source.unit, spec.unit
    if not {found, wanted} <= UNITS.keys():
        return ""
    if kind in _SAME_UNIT and found != wanted:
        return f"{name} is in {found or 'no unit'}, this tag in {wanted or 'no unit'}"
    if kind == "spread" and difference_unit(found) != wanted:
        return f"{name} is in {found}, so the spread is in {difference_unit(found)}, not {wanted}"
    if kind == "sum" and difference_unit(found) != difference_unit(wanted) and not spec.why:
        return (
            f"{name} is in {found or 'no unit'}, this tag in {wanted or 'no unit'}; if a gain converts, say it in why"
        )
    return ""


def _cycle_issues(items: Mapping[str, Item[Any]], graph: Mapping[str, set[str]], part: str, text: str) -> list[Issue]:
    """Return one issue per cycle; ``graph`` names what each item needs."""
    issues: list[Issue] = []
    left = {key: set(needs) for key, needs in graph.items()}
    while True:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as exc:
            path: list[str] = exc.args[1]
            left[path[1]].discard(path[0])
            ring = path[:-1]
            first = min(range(len(ring)), key=ring.__getitem__)
            ring = [*ring[first:], *ring[: first + 1]]
            item = items[ring[0]]
            issues.append(item.issue(f"{text}: {' -> '.join(item.call(items[key]) for key in ring)}", part))
        else:
            return issues


# --- loops -----------------------------------------------------------------------------------------------------------


def _range_issues(draft: Draft, item: Item[models.Loop]) -> list[Issue]:
    loop, issues = item.spec, list[Issue]()
    sp, op = loop.sp, loop.op
    if not sp.lo < sp.hi:
        issues.append(item.issue(f"lo {sp.lo:g} must be below hi {sp.hi:g}", "sp"))
    elif not sp.lo <= sp.default <= sp.hi:
        issues.append(item.issue(f"{sp.default:g} lies outside of lo..hi {sp.lo:g}..{sp.hi:g}", "sp", "default"))
    if not 0.0 <= op.lo < op.hi <= 100.0:
        issues.append(item.issue(f"0 <= lo < hi <= 100 % must hold, found lo {op.lo:g}, hi {op.hi:g}", "op"))
    pv = draft.tags.get(loop.pv)
    if pv is not None and pv.spec.bool_:
        issues.append(item.issue(f"{item.call(pv)} is a bool tag; a loop needs a number", "pv"))
    elif pv is not None:
        for name, value in (("lo", sp.lo), ("hi", sp.hi)):
            if text := range_text(pv.spec, value, f"{item.call(pv)}'s range"):
                issues.append(item.issue(text, "sp", name))
    forward = draft.tags.get(loop.feedforward.of) if loop.feedforward is not None else None
    if forward is not None and forward.spec.bool_:
        issues.append(item.issue(f"{item.call(forward)} is a bool tag", "feedforward", "of"))
    return issues


def _mode_issues(draft: Draft, item: Item[models.Loop]) -> list[Issue]:
    loop = item.spec
    issues = [
        item.issue(f"{mode} is not in permitted: {', '.join(loop.permitted)}", name)
        for name, mode in (("normal", loop.normal), ("start", loop.start), ("shed", loop.shed))
        if mode not in loop.permitted
    ]
    slave = draft.loops.get(loop.output)
    if slave is not None:
        if "CAS" not in slave.spec.permitted:
            text = f"{item.call(slave)} does not permit CAS, so it cannot take a set-point from here"
            issues.append(item.issue(text, "output"))
        if slave.spec.rate > loop.rate:
            text = f"{item.call(slave)} runs every {slave.spec.rate} scans, slower than its master ({loop.rate})"
            issues.append(item.issue(text, "rate"))
        return issues
    final = draft.tags.get(loop.output)
    if final is not None and (final.spec.output is None or final.spec.bool_):
        text = f"{item.call(final)} is no analogue output, so a loop cannot move it"
        issues.append(item.issue(text, "output"))
    return issues


def _owner_issues(draft: Draft) -> list[Issue]:
    """Return outputs and slaves with two masters, and slaves that permit CAS without any."""
    issues: list[Issue] = []
    owners: dict[str, Item[models.Loop]] = {}
    for item in draft.loops.values():
        first = owners.setdefault(item.spec.output, item)
        if first is not item:
            text = f"{item.origin.key}'s output belongs to loop {item.call(first)} ({first.place}) already"
            issues.append(item.issue(text, "output"))
    if draft.has_broken("loops"):
        return issues
    issues += [
        item.issue("CAS is permitted, but no loop has this one as its output", "permitted")
        for item in draft.loops.values()
        if "CAS" in item.spec.permitted and item.key not in owners
    ]
    return issues
