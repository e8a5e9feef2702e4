"""Checks of loops: laws and their fields, what loops read and move, modes, cascades, owners, rings."""

from itertools import pairwise
from typing import Any

from controller.core import models
from controller.core.config.cascade_checks import cascade_issues
from controller.core.config.cycles import cycle_issues
from controller.core.config.forward import control_graph, destinations
from controller.core.config.placed import Item
from controller.core.config.places import Draft
from controller.core.config.signals import value_of
from controller.core.config.tag_checks import range_text
from controller.core.errors import Issue

_NEEDS = {"pid": ("sp", "tuning"), "two_position": ("sp", "dead_band"), "station": ()}
_LEAVES = {
    "pid": ("dead_band",),
    "two_position": ("tuning", "feedforward", "correction", "reset_from", "process"),
    "station": ("sp", "tuning", "dead_band", "feedforward", "correction", "reset_from", "process"),
}


def check_loops(draft: Draft) -> None:
    """Report mistakes between loops and what they work on."""
    for item in draft.loops.values():
        draft.issues += _law_issues(item)
        draft.issues += _range_issues(draft, item)
        draft.issues += _tuning_issues(item)
        draft.issues += _read_issues(draft, item)
        draft.issues += _mode_issues(item)
    draft.issues += cascade_issues(draft)
    draft.issues += _ring_issues(draft)


def _ring_issues(draft: Draft) -> list[Issue]:
    """Return rings: of masters, of waiting, and of everything that one scan would have to calculate first."""
    slaves = {key: set(destinations(item.spec)) & draft.loops.keys() for key, item in draft.loops.items()}
    if issues := cycle_issues(draft.loops, slaves, "output", "is its own master"):
        return issues
    named = {key: set(item.spec.initial.unless) for key, item in draft.loops.items() if item.spec.initial is not None}
    waits = {key: slaves[key] | named.get(key, set()) for key in draft.loops}
    issues = cycle_issues(draft.loops, waits, "initial", "waits for itself")
    graph = {key: set(needs) for key, needs in control_graph(draft.tags, draft.loops).items()}
    items: dict[str, Item[Any]] = {**draft.tags, **draft.loops}
    among_tags = {key: needs & draft.tags.keys() for key, needs in graph.items() if key in draft.tags}
    if cycle_issues(draft.tags, among_tags, "derived", ""):
        return issues  # said where calculated tags are checked
    return [*issues, *cycle_issues(items, graph, "pv", "needs its own output (algebraic loop)")]


def _law_issues(item: Item[models.Loop]) -> list[Issue]:
    loop, law = item.spec, item.spec.law
    written = {name for name in _LEAVES["station"] if getattr(loop, name) is not None}
    issues = [item.issue(f"law {law} needs it", name) for name in _NEEDS[law] if name not in written]
    issues += [item.issue(f"means nothing for law {law}; remove it", name) for name in _LEAVES[law] if name in written]
    if loop.correction is not None and loop.feedforward is None:
        issues.append(item.issue("limits what is added to a feed-forward, but there is none", "correction"))
    if loop.correction is not None and not loop.correction.lo < loop.correction.hi:
        text = f"lo {loop.correction.lo:g} must be below hi {loop.correction.hi:g}"
        issues.append(item.issue(text, "correction"))
    return issues


def _range_issues(draft: Draft, item: Item[models.Loop]) -> list[Issue]:
    loop, issues = item.spec, list[Issue]()
    sp, op = loop.sp, loop.op
    if not 0.0 <= op.lo < op.hi <= 100.0:
        issues.append(item.issue(f"0 <= lo < hi <= 100 % must hold, found lo {op.lo:g}, hi {op.hi:g}", "op"))
    if sp is None:
        return issues
    if not sp.lo < sp.hi:
        issues.append(item.issue(f"lo {sp.lo:g} must be below hi {sp.hi:g}", "sp"))
    elif not sp.lo <= sp.default <= sp.hi:
        issues.append(item.issue(f"{sp.default:g} lies outside of lo..hi {sp.lo:g}..{sp.hi:g}", "sp", "default"))
    pv = draft.tags.get(loop.pv)
    if pv is not None and not pv.spec.bool_:
        for name, value in (("lo", sp.lo), ("hi", sp.hi)):
            if text := range_text(pv.spec, value, f"{item.call(pv)}'s range"):
                issues.append(item.issue(text, "sp", name))
    return issues


def _tuning_issues(item: Item[models.Loop]) -> list[Issue]:
    loop, issues = item.spec, list[Issue]()
    process = loop.process
    if process is not None:
        gain = process.gain if process.gain is not None else process.integrates
        if (process.gain is None) == (process.integrates is None) or not gain:
            issues.append(item.issue("name either gain or integrates, not 0", "process"))
        elif (gain > 0.0) != (loop.action == "reverse"):
            right = "reverse" if gain > 0.0 else "direct"
            text = (
                f"the output {'raises' if gain > 0.0 else 'lowers'} the PV ({gain:+g}), so the action must be {right}"
            )
            issues.append(item.issue(text, "action"))
    schedule = loop.tuning.schedule if loop.tuning is not None else None
    if schedule is not None:
        at = schedule.at
        if not len(at) == len(schedule.kp) == len(schedule.ti) or len(at) < 2:
            text = f"at, kp and ti need equally many points, two or more; found {len(at)}, {len(schedule.kp)}, "
            issues.append(item.issue(f"{text}{len(schedule.ti)}", "tuning", "schedule"))
        if any(b <= a for a, b in pairwise(at)):
            issues.append(item.issue("the points must rise", "tuning", "schedule", "at"))
        if min((*schedule.kp, *schedule.ti), default=1.0) <= 0.0:
            issues.append(item.issue("factors must be > 0", "tuning", "schedule"))
    return issues


def _read_issues(draft: Draft, item: Item[models.Loop]) -> list[Issue]:
    """Return references of the wrong type or unit."""
    loop = item.spec
    pv = value_of(draft, loop.pv)
    unit = pv.unit if pv is not None else None
    is_switched = loop.law == "station" and _moves_bool(draft, loop)
    issues = _typed(draft, item, loop.pv, is_bool=is_switched, unit=None, path=("pv",))
    if loop.feedforward is not None:
        issues += _typed(draft, item, loop.feedforward.of, is_bool=False, unit=None, path=("feedforward", "of"))
    if loop.sp is not None:
        for name, ref in (("from", loop.sp.from_), ("lo_from", loop.sp.lo_from), ("hi_from", loop.sp.hi_from)):
            issues += _typed(draft, item, ref, is_bool=False, unit=unit, path=("sp", name))
    if loop.tuning is not None and loop.tuning.schedule is not None:
        path = ("tuning", "schedule", "of")
        issues += _typed(draft, item, loop.tuning.schedule.of, is_bool=False, unit=None, path=path)
    issues += _typed(draft, item, loop.reset_from, is_bool=False, unit="%", path=("reset_from",))
    if loop.initial is not None:
        issues += _typed(draft, item, loop.initial.at, is_bool=False, unit="%", path=("initial", "at"))
    conditions = [(("start_when",), loop.start_when), (("track", "when"), loop.track.when if loop.track else None)]
    if loop.block is not None:
        conditions += [(("block", "raise"), loop.block.raise_), (("block", "lower"), loop.block.lower)]
    for path, ref in conditions:
        issues += _typed(draft, item, ref, is_bool=True, unit=None, path=path)
    return issues


def _moves_bool(draft: Draft, loop: models.Loop) -> bool:
    ends = [draft.tags[to].spec for to in destinations(loop) if to in draft.tags]
    return bool(ends) and all(spec.bool_ for spec in ends)


def _typed(
    draft: Draft, item: Item[models.Loop], ref: str | None, *, is_bool: bool, unit: str | None, path: tuple[str, ...]
) -> list[Issue]:
    signal = value_of(draft, ref) if ref is not None else None
    if signal is None:
        return []
    name = _called(draft, item, ref or "")
    if signal.is_bool != is_bool:
        text = f"{name} is a bool tag; a loop needs a number" if signal.is_bool else f"{name} is no bool tag"
        return [item.issue(text, *path)]
    if unit is not None and signal.unit != unit:
        return [item.issue(f"{name} is in {signal.unit or 'no unit'}, here {unit or 'no unit'} is needed", *path)]
    return []


def _called(draft: Draft, item: Item[models.Loop], ref: str) -> str:
    owner, dot, member = ref.rpartition(".")
    if ref in draft.tags:
        return item.call(draft.tags[ref])
    return f"{item.call(draft.loops[owner])}{dot}{member}" if owner in draft.loops else ref


def _mode_issues(item: Item[models.Loop]) -> list[Issue]:
    loop = item.spec
    shed = [("shed", "MAN")] if loop.shed == "MAN" else []
    issues = [
        item.issue(f"{mode} is not in permitted: {', '.join(loop.permitted)}", name)
        for name, mode in [("normal", loop.normal), ("start", loop.start), *shed]
        if mode not in loop.permitted
    ]
    if loop.law == "station" and {"CAS", "RCAS"} & set(loop.permitted):
        issues.append(item.issue("a station has no set-point: CAS and RCAS mean nothing", "permitted"))
    return issues
