"""Checks of the cause-and-effect matrix: every vote can be taken, every limit is where people look for it."""

import re

from controller.core import models
from controller.core.config.placed import Item
from controller.core.config.places import Draft
from controller.core.config.tag_checks import range_text
from controller.core.errors import Issue
from controller.core.models.protection import Cause

_NUMBER = re.compile(r"[A-Z]+-0*(\d+)[A-Z]?")  # UZ-36B: a second line of row 36
_ACTION = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)*")

_BAD = "is_bad"

_Row = Item[models.ProtectionRow]
_Cause = tuple[str, str, float]  # voted tag or single tag, side, limit


def check_protection(draft: Draft) -> None:
    """Report mistakes of actions and rows, and trip limits without a row."""
    for action in draft.actions.values():
        draft.issues += _force_issues(draft, action)
    draft.issues += _rival_issues(draft)
    caused: set[_Cause] = set()
    for row in draft.protection.values():
        draft.issues += _column_issues(row)
        draft.issues += _reset_issues(draft, row)
        for name, vote in row.spec.votes.items():
            draft.issues += _vote_issues(draft, row, name, vote)
            caused |= {(draft.sensors.get(key, key), *_limit(part)) for part in vote.leaves for key in part.of}
    if not draft.has_broken("protection"):
        draft.issues += _orphan_issues(draft, caused)
        draft.issues += _idle_issues(draft)


# --- actions ---------------------------------------------------------------------------------------------------------


def _force_issues(draft: Draft, action: Item[models.ActionGroup]) -> list[Issue]:
    issues: list[Issue] = []
    if not action.spec.force and not action.spec.also and not action.spec.request:
        issues.append(action.issue("forces nothing; write request: true if control carries it out", "force"))
    if not _ACTION.fullmatch(action.origin.key):
        issues.append(action.issue("an action's name is of capital letters, digits and -: it becomes a tag"))
    for key, force in action.spec.force.items():
        tag = draft.tags.get(key)
        if tag is None:
            continue
        value = _value(force)
        name = action.call(tag)
        if tag.spec.output is None:
            issues.append(action.issue(f"{name} is no output; an action forces final elements", "force", name))
        elif tag.spec.bool_ and value not in {0.0, 1.0}:
            issues.append(action.issue(f"{name} is a bool, 0 or 1; found {value:g}", "force", name))
        elif text := range_text(tag.spec, value, f"{name}'s range"):
            issues.append(action.issue(text, "force", name))
    return issues


def _rival_issues(draft: Draft) -> list[Issue]:
    """Return actions of equal priority that want different values of one output."""
    issues: list[Issue] = []
    first: dict[tuple[str, int], tuple[Item[models.ActionGroup], float]] = {}
    for action in draft.actions.values():
        for key, force in action.spec.force.items():
            value = _value(force)
            rival, other = first.setdefault((key, action.spec.priority), (action, value))
            if other != value and key in draft.tags:
                name = action.call(draft.tags[key])
                text = f"forces {name} to {value:g}, {rival.origin.key} to {other:g}, both with priority "
                text += f"{action.spec.priority}; the safer one needs a higher priority"
                issues.append(action.issue(text, "force", name))
    return issues


def _value(force: float | models.Force) -> float:
    return force.to if isinstance(force, models.Force) else force


def _idle_issues(draft: Draft) -> list[Issue]:
    """Return actions that no row has, and those that belong to themselves."""
    issues: list[Issue] = []
    used = {key for row in draft.protection.values() for key in row.spec.actions}
    reached, todo = set[str](), sorted(used)
    while todo:
        key = todo.pop()
        if key not in reached and key in draft.actions:
            reached.add(key)
            todo += draft.actions[key].spec.also
    names = {draft.actions[key].place for key in reached}  # a template's action is used where one instance uses it
    issues += [
        action.issue("no protection row has this action; delete it")
        for action in draft.actions.values()
        if action.place not in names
    ]
    return issues


# --- rows ------------------------------------------------------------------------------------------------------------


def _column_issues(row: _Row) -> list[Issue]:
    spec, issues = row.spec, list[Issue]()
    if not spec.actions:
        issues.append(row.issue("a row without actions protects nothing", "actions"))
    if not spec.votes:
        issues.append(row.issue("a row without votes protects nothing", "votes"))
    if spec.on_unknown != "trip" and not spec.why:
        text = f"on_unknown {spec.on_unknown} protects less than trip; say why"
        issues.append(row.issue(text, "on_unknown"))
    if spec.latch and not spec.resets:
        issues.append(row.issue("a latched row needs it", "reset_when"))
    if spec.latch and spec.reset_by is None:
        issues.append(row.issue("a latched row needs it", "reset_by"))
    elif not spec.latch and spec.reset_by is not None:
        issues.append(row.issue("a row without latch follows its cause; write null", "reset_by"))
    if not spec.latch and spec.manual_trip is not None:
        issues.append(row.issue("a row without latch cannot be tripped by hand", "manual_trip"))
    number = _NUMBER.fullmatch(row.origin.key)
    if number is None or int(number[1]) != spec.number:
        issues.append(row.issue(f"{spec.number} is not the number in the name {row.origin.key}", "number"))
    return issues


def _reset_issues(draft: Draft, row: _Row) -> list[Issue]:
    spec, issues = row.spec, list[Issue]()
    flags = [("armed_when", spec.armed_when)]
    if spec.start_up is not None:
        flags.append(("start_up", spec.start_up.until))
    for name, key in flags:
        flag = draft.tags.get(key)
        if flag is not None and not flag.spec.bool_:
            issues.append(row.issue(f"{row.call(flag)} is no bool tag", name))
    is_list = isinstance(spec.reset_when, list)
    for number, reset in enumerate(spec.resets):
        path = ("reset_when", number) if is_list else ("reset_when",)
        tag = draft.tags.get(reset.tag)
        if tag is not None:
            issues += _one_reset_issues(draft, row, tag, reset, path)
    return issues


def _one_reset_issues(
    draft: Draft, row: _Row, tag: Item[models.Tag], reset: models.ResetWhen, path: tuple[str | int, ...]
) -> list[Issue]:
    issues: list[Issue] = []
    side, limit = _limit(reset)
    if text := _fit_text(row, tag, side, limit):
        issues.append(row.issue(text, *path, side))
    for name, vote in row.spec.votes.items():
        for part in vote.leaves if len(vote.leaves) == 1 else ():  # of a nested vote each limit is half a cause
            family = {draft.sensors.get(key, key) for key in part.of}
            against, cause = _limit(part)
            overlaps = limit >= cause if side == "below" else limit <= cause
            if draft.sensors.get(tag.key, tag.key) in family and {side, against} == {"above", "below"} and overlaps:
                text = f"{side} {limit:g} holds while vote {name} ({against} {cause:g}) is still true"
                issues.append(row.issue(text, *path, side))
    return issues


def _vote_issues(draft: Draft, row: _Row, name: str, vote: models.VoteSpec) -> list[Issue]:
    issues: list[Issue] = []
    policy = vote.on_unknown or row.spec.on_unknown
    if policy != "trip" and any(part.is_bad for part in vote.leaves):
        issues.append(row.issue(f"is_bad can only be true with on_unknown trip, found {policy}", "votes", name))
    if vote.on_unknown not in {None, "trip"} and not row.spec.why:
        text = f"on_unknown {vote.on_unknown} protects less than trip; say why"
        issues.append(row.issue(text, "votes", name, "on_unknown"))
    if not vote.parts:
        return [*issues, *_part_issues(draft, row, vote, "votes", name)]
    issues += _count_issues(row, vote.vote, len(vote.parts), "parts", "votes", name)
    for number, part in enumerate(vote.parts):
        issues += _part_issues(draft, row, part, "votes", name, "parts", number)
    return issues


def _count_issues(row: _Row, vote: str, count: int, what: str, *path: str | int) -> list[Issue]:
    need, _, out_of = vote.partition("oo")
    noun, place = ("channels", "of") if what == "of" else ("parts", "parts")
    issues: list[Issue] = []
    if out_of != "N" and int(out_of) != count:
        issues.append(row.issue(f"{vote} is of {out_of} {noun}, {place} lists {count}", *path, place))
    if int(need) > count:
        issues.append(row.issue(f"{vote} can never be true with {count} {noun}", *path, "vote"))
    return issues


def _part_issues(draft: Draft, row: _Row, vote: models.VoteSpec | models.PartSpec, *path: str | int) -> list[Issue]:
    count, name = len(vote.of), str(path[1])
    issues = _count_issues(row, vote.vote, count, "of", *path)
    if len(set(vote.of)) != count:
        issues.append(row.issue("names a channel twice", *path, "of"))
    if row.spec.channel_bypass >= count and isinstance(vote, models.VoteSpec):
        text = f"vote {name} has {count} channel(s); bypassing {row.spec.channel_bypass} leaves none"
        issues.append(row.issue(text, "channel_bypass"))
    side, limit = _limit(vote)
    tags = [tag for key in vote.of if (tag := draft.tags.get(key)) is not None]
    for tag in tags:
        if text := _fit_text(row, tag, side, limit):
            issues.append(row.issue(text, *path, side))
        elif not _has_trip(tag.spec.trip, side, limit):
            issues.append(row.issue(_missing_trip_text(draft, row, tag, side, limit), *path, side))
    if len({tag.spec.unit for tag in tags}) > 1:
        units = ", ".join(sorted({tag.spec.unit for tag in tags}))
        issues.append(row.issue(f"its channels have different units: {units}", *path, "of"))
    return issues


def _limit(spec: models.Limit) -> tuple[str, float]:
    """Return the side and limit of a condition; 1.0 for the sides of a bool."""
    if spec.above is not None:
        return "above", spec.above
    if spec.below is not None:
        return "below", spec.below
    if isinstance(spec, Cause) and spec.is_bad:
        return _BAD, 1.0
    return ("is_true", 1.0) if spec.is_true else ("is_false", 1.0)


def _fit_text(row: _Row, tag: Item[models.Tag], side: str, limit: float) -> str:
    """Return why a condition cannot be put on a tag, or nothing."""
    name, spec = row.call(tag), tag.spec
    if side == _BAD:
        return ""
    if spec.bool_ != (side in {"is_true", "is_false"}):
        return f"{name} is a bool tag; use is_true or is_false" if spec.bool_ else f"{name} is no bool tag"
    return range_text(spec, limit, f"{name}'s range")


def _has_trip(trip: models.TripLimits | None, side: str, limit: float) -> bool:
    if side == _BAD:  # no limit of the tag
        return True
    if trip is None:
        return False
    found = getattr(trip, side)
    return found if isinstance(found, bool) else limit in found


def _missing_trip_text(draft: Draft, row: _Row, tag: Item[models.Tag], side: str, limit: float) -> str:
    name = row.call(draft.tags.get(draft.sensors.get(tag.key, ""), tag))
    wanted = f"{side}: true" if side.startswith("is_") else f"{side}: [{limit:g}]"
    given = getattr(tag.spec.trip, side) if tag.spec.trip is not None else []
    has = f"; it has {', '.join(f'{one:g}' for one in given)}" if isinstance(given, list) and given else ""
    return f"{name} ({tag.place}) does not list this limit under trip ({wanted}){has}"


def _orphan_issues(draft: Draft, caused: set[_Cause]) -> list[Issue]:
    """Return trip limits of tags on which no row acts."""
    issues: list[Issue] = []
    for key, tag in draft.tags.items():
        trip = tag.spec.trip
        if trip is None:
            continue
        family = draft.sensors.get(key, key)
        sides = [("above", one) for one in trip.above] + [("below", one) for one in trip.below]
        sides += [(side, 1.0) for side in ("is_true", "is_false") if getattr(trip, side)]
        for side, limit in sides:
            if (family, side, limit) not in caused:
                shown = "" if side.startswith("is_") else f" {limit:g}"
                issues.append(
                    tag.issue(f"no protection row acts at {side}{shown}; add the row or delete it", "trip", side)
                )
    return issues
