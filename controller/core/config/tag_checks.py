"""Checks of each tag by itself: unit, range, limits, source, what the simulator does with it."""

from itertools import pairwise

from controller.core import models
from controller.core.config.placed import Item, area_of
from controller.core.config.places import Draft
from controller.core.config.words import did_you_mean
from controller.core.errors import Issue
from controller.core.units import UNITS

_LEVELS = ("lolo", "lo", "hi", "hihi")  # in rising order

_Tag = Item[models.Tag]


def check_tags(draft: Draft) -> None:
    """Report what is wrong with each tag."""
    for item in draft.tags.values():
        draft.issues += [
            *_name_issues(draft, item),
            *_range_issues(item),
            *_alarm_issues(draft, item),
            *_trip_issues(item),
            *_input_issues(item),
            *_output_issues(item),
            *_simulator_issues(item),
        ]


def _name_issues(draft: Draft, item: _Tag) -> list[Issue]:
    issues: list[Issue] = []
    area = area_of(item.origin.key)
    if area and area not in draft.plant.areas:
        text = f"area {area} is not in plant.yaml; known: {', '.join(sorted(draft.plant.areas))}"
        issues.append(item.issue(text))
    owner, _, member = item.key.rpartition(".")
    watched = draft.tags.get(owner)
    if watched is not None and watched.spec.alarms is not None and member.lower() in _given(watched.spec.alarms):
        issues.append(item.issue(f"is the name of the alarm {member.lower()} of {watched.name} already"))
    for kind, part in (("loop", draft.loops), ("protection row", draft.protection)):
        if owner in part:
            issues.append(item.issue(f"{part[owner].name} is a {kind}; what is under it is made by the program"))
    return issues


def _range_issues(item: _Tag) -> list[Issue]:
    spec, issues = item.spec, list[Issue]()
    if spec.unit not in UNITS:
        known = ", ".join(unit for unit in UNITS if unit)
        issues.append(item.issue(f"unknown unit {spec.unit}{did_you_mean(spec.unit, UNITS)}; known: {known}", "unit"))
    if spec.range is not None and not spec.range.lo < spec.range.hi:
        issues.append(item.issue(f"lo {spec.range.lo:g} must be below hi {spec.range.hi:g}", "range"))
    if spec.bool_ and spec.range is not None:
        issues.append(item.issue("a bool tag has no range", "range"))
    if spec.bool_ and spec.unit:
        issues.append(item.issue("a bool tag has no unit", "unit"))
    for code in spec.states or {}:
        if spec.bool_ and code not in {0, 1}:
            issues.append(item.issue(f"a bool tag has the states 0 and 1, found {code}", "states", str(code)))
    return issues


def _alarm_issues(draft: Draft, item: _Tag) -> list[Issue]:
    issues: list[Issue] = []
    if item.spec.alarms is None:
        return issues
    given = _given(item.spec.alarms)
    is_spread = item.name == f"{item.origin.key}.DEV"  # its one alarm is written as the group's deviation
    for kind, alarm in given.items():
        path = ("group", "deviation") if is_spread else ("alarms", kind)
        issues += [item.issue(text, *path, *at) for text, *at in _limit_texts(item.spec, kind, alarm)]
        unless = draft.tags.get(alarm.unless or "")
        if unless is not None and not unless.spec.bool_:
            issues.append(item.issue(f"{item.call(unless)} is no bool tag", *path, "unless"))
    levels = [(kind, limit) for kind in _LEVELS if kind in given and (limit := given[kind].limit) is not None]
    for (low, below), (high, above) in pairwise(levels):
        if not below < above:
            issues.append(item.issue(f"{low} {below:g} must be below {high} {above:g}", "alarms", high, "limit"))
    return issues


def _given(alarms: models.Alarms) -> dict[str, models.AlarmSpec]:
    kinds: dict[str, models.AlarmSpec | None] = {kind: getattr(alarms, kind) for kind in models.Alarms.model_fields}
    return {kind: alarm for kind, alarm in kinds.items() if alarm is not None}


def _limit_texts(spec: models.Tag, kind: str, alarm: models.AlarmSpec) -> list[tuple[str, ...]]:
    """Return what is wrong with one alarm: the text, then the path inside it."""
    texts: list[tuple[str, ...]] = []
    has_limit = kind not in {"active", "bad"}
    if kind != "bad" and has_limit == spec.bool_:
        texts.append(("a bool tag has the alarms active and bad only" if spec.bool_ else "is for bool tags",))
    elif has_limit and alarm.limit is None:
        texts.append(("missing key", "limit"))
    elif not has_limit and alarm.limit is not None:
        texts.append(("this alarm has no limit; delete it", "limit"))
    elif alarm.limit is not None and (text := _outside(spec, alarm.limit)):
        texts.append((text, "limit"))
    if spec.range is not None and alarm.deadband >= spec.range.hi - spec.range.lo > 0:
        texts.append((f"{alarm.deadband:g} is the whole range or more", "deadband"))
    return texts


def _trip_issues(item: _Tag) -> list[Issue]:
    spec, issues = item.spec, list[Issue]()
    trip = spec.trip
    if trip is None:
        return issues
    for side, limits in (("above", trip.above), ("below", trip.below)):
        if spec.bool_ and limits:
            issues.append(item.issue("a bool tag trips by is_true or is_false", "trip", side))
        for number, limit in enumerate(limits):
            if text := _outside(spec, limit):
                issues.append(item.issue(text, "trip", side, number))
    for side in ("is_true", "is_false"):
        if getattr(trip, side) and not spec.bool_:
            issues.append(item.issue("only a bool tag trips so; use above or below", "trip", side))
    if not (trip.above or trip.below or trip.is_true or trip.is_false):
        issues.append(item.issue("names no limit; give one or delete it", "trip"))
    return issues


def _input_issues(item: _Tag) -> list[Issue]:
    spec, issues = item.spec, list[Issue]()
    if spec.system is not None and (spec.system.figure == "poll_ms") != (spec.system.device is not None):
        text = "missing key" if spec.system.device is None else f"{spec.system.figure} is not of one device; delete it"
        issues.append(item.issue(text, "system", "device"))
    source = spec.input
    if source is None:
        return issues
    if source.address is None:
        issues.append(item.issue("missing key", "input", "address"))
    if (source.form == "bool") != spec.bool_:
        issues.append(item.issue(_form_text(spec, source.form), "input", "form"))
    if source.table is not None and (source.table in {"discrete", "coil"}) != (source.form == "bool"):
        text = f"table {source.table} does not hold form {source.form}: bits are in discrete and coil"
        issues.append(item.issue(text, "input", "table"))
    return issues


def _output_issues(item: _Tag) -> list[Issue]:
    spec, issues = item.spec, list[Issue]()
    out = spec.output
    if out is None:
        return issues
    if (out.form == "bool") != spec.bool_:
        issues.append(item.issue(_form_text(spec, out.form), "output", "form"))
    ends: list[tuple[float | str, tuple[str, ...]]] = [
        (out.safe, ("safe",)),
        (out.end_state, ("end_state",)),
        (out.fail.position, ("fail", "position")),
    ]
    for value, path in ends:
        if not isinstance(value, str) and (text := _outside(spec, value)):
            issues.append(item.issue(text, "output", *path))
    return issues


def _simulator_issues(item: _Tag) -> list[Issue]:
    spec, issues = item.spec, list[Issue]()
    if spec.instrument is not None and spec.input is None:
        issues.append(item.issue("an instrument measures an input; this tag has none", "instrument"))
    if spec.actuator is not None and spec.output is None:
        issues.append(item.issue("an actuator follows an output; this tag has none", "actuator"))
    return issues


def _form_text(spec: models.Tag, form: str) -> str:
    return f"form {form} does not fit " + ("a bool tag; write form: bool" if spec.bool_ else "an analogue tag")


def _outside(spec: models.Tag, value: float) -> str:
    """Return what is wrong with ``value`` as a value of this tag, or nothing."""
    if spec.bool_:
        return "" if value in {0.0, 1.0} else f"a bool is 0 or 1, found {value:g}"
    return range_text(spec, value, "the range")


def range_text(spec: models.Tag, value: float, whose: str) -> str:
    """Return that ``value`` lies outside of the tag's range, or nothing; a wrong range is reported by itself."""
    bounds = spec.range
    if bounds is None or bounds.lo >= bounds.hi or bounds.lo <= value <= bounds.hi:
        return ""
    return f"{value:g} lies outside of {whose} {bounds.lo:g}..{bounds.hi:g} {spec.unit}".rstrip()
