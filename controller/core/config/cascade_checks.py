"""Checks between loops: where outputs go, who gives set-points, who owns what."""

from controller.core import models
from controller.core.config.forward import destinations, loop_of
from controller.core.config.placed import Item
from controller.core.config.places import Draft
from controller.core.config.signals import value_of
from controller.core.errors import Issue

_WHOLE = (0.0, 100.0)

Loop = Item[models.Loop]


def cascade_issues(draft: Draft) -> list[Issue]:
    """Return mistakes between loops, and between loops and final elements."""
    issues: list[Issue] = []
    read = {loop_of(ref, draft.loops) for ref in _all_references(draft)}
    for item in draft.loops.values():
        for number, to in enumerate(destinations(item.spec)):
            path = ("output",) if item.spec.output is not None else ("outputs", number, "to")
            if to in draft.loops:
                issues += _slave_issues(draft, item, draft.loops[to], path)
            elif to in draft.tags:
                issues += _final_issues(draft, item, draft.tags[to], path)
        issues += _place_issues(item, is_read=item.key in read)
        if item.spec.law == "station":
            issues += _station_issues(draft, item)
    return [*issues, *_owner_issues(draft)]


def _all_references(draft: Draft) -> list[str]:
    calculated = [item.spec.derived for item in draft.tags.values() if item.spec.derived is not None]
    refs = [ref for derived in calculated for ref in models.references(derived).values()]
    for item in draft.loops.values():
        loop = item.spec
        refs += [loop.pv]
        refs += [loop.feedforward.of] if loop.feedforward else []
        refs += [ref for ref in (loop.sp.from_, loop.sp.lo_from, loop.sp.hi_from) if ref] if loop.sp else []
    return refs


def _slave_issues(draft: Draft, item: Loop, slave: Loop, path: tuple[str | int, ...]) -> list[Issue]:
    issues: list[Issue] = []
    name = item.call(slave)
    if slave.spec.law == "station":
        issues.append(item.issue(f"{name} is a station and takes no set-point", *path))
    elif "CAS" not in slave.spec.permitted:
        issues.append(item.issue(f"{name} does not permit CAS, so it cannot take a set-point from here", *path))
    if slave.spec.rate > item.spec.rate:
        text = f"{name} runs every {slave.spec.rate} scans, slower than its master ({item.spec.rate})"
        issues.append(item.issue(text, "rate"))
    if slave.spec.sp is not None and slave.spec.sp.from_ is not None:
        source = draft.tags.get(slave.spec.sp.from_)
        text = f"{name} takes its set-point from {item.call(source) if source else slave.spec.sp.from_} already"
        issues.append(item.issue(text, *path))
    return issues


def _final_issues(draft: Draft, item: Loop, final: Item[models.Tag], path: tuple[str | int, ...]) -> list[Issue]:
    del draft
    name = item.call(final)
    if final.spec.output is None:
        return [item.issue(f"{name} is no output, so a loop cannot move it", *path)]
    if final.spec.bool_ and item.spec.law == "pid":
        text = f"{name} is on or off; a PID needs an analogue output (law two_position or station moves it)"
        return [item.issue(text, *path)]
    return []


def _place_issues(item: Loop, *, is_read: bool) -> list[Issue]:
    loop, issues = item.spec, list[Issue]()
    if loop.output is not None and loop.outputs:
        issues.append(item.issue("has output and outputs; write one of them", "outputs"))
    ends = destinations(loop)
    for number, branch in enumerate(loop.outputs):
        if branch.at[0] == branch.at[1]:
            issues.append(item.issue("the two ends are equal: no output would move it", "outputs", number, "at"))
        if branch.to in ends[:number]:
            issues.append(item.issue("stands here twice", "outputs", number, "to"))
    if not ends and not is_read:
        text = "leads nowhere: no output, and no calculated tag or loop reads its .OP"
        issues.append(item.issue(text, "output"))
    elif not ends and loop.initial is None and loop.law == "pid":
        text = "has no output of its own: say in initial from where it starts and whom it waits for"
        issues.append(item.issue(text, "initial"))
    if ends and loop.initial is not None:
        issues.append(item.issue("is for loops without an output; the output says where this one starts", "initial"))
    return issues


def _station_issues(draft: Draft, item: Loop) -> list[Issue]:
    """Return that what a station passes on is not what its output takes."""
    loop, pv = item.spec, value_of(draft, item.spec.pv)
    ends = [value_of(draft, to) or value_of(draft, f"{to}.PV") for to in destinations(loop)]
    if pv is None or any(end is None or end.is_bool for end in ends) or pv.is_bool:
        return []
    is_split = any(branch.at != loop.outputs[0].at for branch in loop.outputs)
    wanted = "%" if is_split or not ends or ends[0] is None else ends[0].unit
    if pv.unit == wanted:
        return []
    text = f"is in {pv.unit or 'no unit'}; the output of this station takes {wanted or 'no unit'}"
    return [item.issue(text, "pv")]


def _owner_issues(draft: Draft) -> list[Issue]:
    """Return outputs and slaves with two masters, and loops that permit CAS without a source or the reverse."""
    issues: list[Issue] = []
    owners: dict[str, Loop] = {}
    for item in draft.loops.values():
        for number, to in enumerate(destinations(item.spec)):
            first = owners.setdefault(to, item)
            if first is not item:
                path = ("output",) if item.spec.output is not None else ("outputs", number, "to")
                text = f"{item.origin.key}'s output belongs to loop {item.call(first)} ({first.place}) already"
                issues.append(item.issue(text, *path))
    if draft.has_broken("loops"):
        return issues
    for item in draft.loops.values():
        has_tag = item.spec.sp is not None and item.spec.sp.from_ is not None
        permits = "CAS" in item.spec.permitted
        if permits and item.key not in owners and not has_tag:
            text = "CAS is permitted, but no loop has this one as its output and sp.from names no tag"
            issues.append(item.issue(text, "permitted"))
        if has_tag and not permits:
            issues.append(item.issue("is used in CAS only, which is not permitted", "sp", "from"))
    return issues
