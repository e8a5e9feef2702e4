"""Checks of the cause-and-effect matrix: every vote can be taken, every limit is where people look for it."""

import re

from controller.core import models
from controller.core.config.placed import Item
from controller.core.config.places import Draft
from controller.core.config.tag_checks import range_text
from controller.core.errors import Issue

_NUMBER = re.compile(r"[A-Z]+-0*(\d+)")

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
            caused |= {(draft.sensors.get(key, key), *_limit(vote)) for key in vote.of}
    if not draft.has_broken("protection"):
        draft.issues += _orphan_issues(draft, caused)


# --- actions ---------------------------------------------------------------------------------------------------------


def _force_issues(draft: Draft, action: Item[models.ActionGroup]) -> list[Issue]:
    issues: list[Issue] = []
    if not action.spec.force:
        issues.append(action.issue("forces nothing", "force"))
    for key, value in action.spec.force.items():
        tag = draft.tags.get(key)
        if tag is None:
            continue
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
        for key, value in action.spec.force.items():
            rival, other = first.setdefault((key, action.spec.priority), (action, value))
            if other != value and key in draft.tags:
                name = action.call(draft.tags[key])
                text = f"forces {name} to {value:g}, {rival.origin.key} to {other:g}, both with priority "
                text += f"{action.spec.priority}; the safer one needs a higher priority"
                issues.append(action.issue(text, "force", name))
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
    for name in ("reset_when", "reset_by"):
        if spec.latch and getattr(spec, name) is None:
            issues.append(row.issue("a latched row needs it", name))
        elif not spec.latch and getattr(spec, name) is not None:
            issues.append(row.issue("a row without latch follows its cause; write null", name))
    number = _NUMBER.fullmatch(row.origin.key)
    if number is None or int(number[1]) != spec.number:
        issues.append(row.issue(f"{spec.number} is not the number in the name {row.origin.key}", "number"))
    return issues


def _reset_issues(draft: Draft, row: _Row) -> list[Issue]:
    spec, issues = row.spec, list[Issue]()
    armed = draft.tags.get(spec.armed_when)
    if armed is not None and not armed.spec.bool_:
        issues.append(row.issue(f"{row.call(armed)} is no bool tag", "armed_when"))
    reset = spec.reset_when
    tag = draft.tags.get(reset.tag) if reset is not None else None
    if reset is None or tag is None:
        return issues
    side, limit = _limit(reset)
    if text := _fit_text(row, tag, side, limit):
        issues.append(row.issue(text, "reset_when", side))
    for name, vote in spec.votes.items():
        family = {draft.sensors.get(key, key) for key in vote.of}
        against, cause = _limit(vote)
        overlaps = limit >= cause if side == "below" else limit <= cause
        if draft.sensors.get(tag.key, tag.key) in family and {side, against} == {"above", "below"} and overlaps:
            text = f"{side} {limit:g} holds while vote {name} ({against} {cause:g}) is still true"
            issues.append(row.issue(text, "reset_when", side))
    return issues


def _vote_issues(draft: Draft, row: _Row, name: str, vote: models.VoteSpec) -> list[Issue]:
    issues: list[Issue] = []
    need, _, out_of = vote.vote.partition("oo")
    count = len(vote.of)
    if out_of != "N" and int(out_of) != count:
        issues.append(row.issue(f"{vote.vote} is of {out_of} channels, of lists {count}", "votes", name, "of"))
    if int(need) > count:
        issues.append(row.issue(f"{vote.vote} can never be true with {count} channels", "votes", name, "vote"))
    if len(set(vote.of)) != count:
        issues.append(row.issue("names a channel twice", "votes", name, "of"))
    if row.spec.channel_bypass >= count:
        text = f"vote {name} has {count} channel(s); bypassing {row.spec.channel_bypass} leaves none"
        issues.append(row.issue(text, "channel_bypass"))
    side, limit = _limit(vote)
    tags = [tag for key in vote.of if (tag := draft.tags.get(key)) is not None]
    for tag in tags:
        if text := _fit_text(row, tag, side, limit):
            issues.append(row.issue(text, "votes", name, side))
        elif not _has_trip(tag.spec.trip, side, limit):
            issues.append(row.issue(_missing_trip_text(draft, row, tag, side, limit), "votes", name, side))
    if len({tag.spec.unit for tag in tags}) > 1:
        units = ", ".join(sorted({tag.spec.unit for tag in tags}))
        issues.append(row.issue(f"its channels have different units: {units}", "votes", name, "of"))
    return issues


def _limit(spec: models.VoteSpec | models.ResetWhen) -> tuple[str, float]:
    """Return the side and limit of a condition; 1.0 for the sides of a bool."""
    if spec.above is not None:
        return "above", spec.above
    if spec.below is not None:
        return "below", spec.below
    return ("is_true", 1.0) if spec.is_true else ("is_false", 1.0)


def _fit_text(row: _Row, tag: Item[models.Tag], side: str, limit: float) -> str:
    """Return why a condition cannot be put on a tag, or nothing."""
    name, spec = row.call(tag), tag.spec
    if spec.bool_ != (side in {"is_true", "is_false"}):
        return f"{name} is a bool tag; use is_true or is_false" if spec.bool_ else f"{name} is no bool tag"
    return range_text(spec, limit, f"{name}'s range")


def _has_trip(trip: models.TripLimits | None, side: str, limit: float) -> bool:
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
