"""Checks of calculated tags: what they are made of, units, limits, times, and that none is calculated from itself."""

from itertools import pairwise
from typing import Final

from controller.core import models
from controller.core.config.cycles import cycle_issues
from controller.core.config.derived_units import unit_mistakes
from controller.core.config.placed import Item
from controller.core.config.places import Draft
from controller.core.config.signals import Value, name_of, value_of
from controller.core.config.words import did_you_mean
from controller.core.expression import FormulaError, Signal, compile_formula, names, parse
from controller.core.units import UNITS

_OF_BOOL: Final = frozenset({"any", "all", "not", "on_delay", "off_delay", "latch", "choice", "turn"})
_OF_EITHER: Final = frozenset({"total", "expression"})  # a total of a bool counts time
_TO_BOOL: Final = frozenset({"above", "below", "equals", "any", "all", "not", "on_delay", "off_delay", "latch"})
_TO_EITHER: Final = frozenset({"choice", "expression"})
_LONGEST_RING: Final = 6000  # turns; a ring this long of one tag is 70 kB
_FEWEST_POINTS, _MOST_POINTS = 2, 100

_Tag = Item[models.Tag]
_Mistake = tuple[str, ...]  # text, then the path inside ``derived``


def check_derived(draft: Draft) -> None:
    """Report mistakes between calculated tags and what they are made of."""
    feeds: dict[str, set[str]] = {}
    for key, item in draft.tags.items():
        derived = item.spec.derived
        if derived is not None:
            feeds[key] = set(models.references(derived).values())
            mistakes = [*_kind_mistakes(item.spec, derived), *_number_mistakes(draft, item.spec, derived)]
            mistakes += _input_mistakes(draft, item, derived)
            draft.issues += [item.issue(text, "derived", *path) for text, *path in mistakes]
    draft.issues += cycle_issues(draft.tags, feeds, "derived", "is calculated from itself")


def _kind_mistakes(spec: models.Tag, derived: models.Derived) -> list[_Mistake]:
    kind, mistakes = derived.kind, list[_Mistake]()
    if not _result_fits(spec, derived):
        to_bool = f"{kind} gives true or false; write bool: true"
        mistakes.append((to_bool if kind in _TO_BOOL else f"{kind} gives a number, no bool", "kind"))
    if not models.references(derived):
        name = "given" if isinstance(derived, models.Expression) else "of"
        mistakes.append(("is empty; name at least one tag", name))
    return mistakes


def _result_fits(spec: models.Tag, derived: models.Derived) -> bool:
    return derived.kind in _TO_EITHER or (derived.kind in _TO_BOOL) == spec.bool_


# --- inputs ----------------------------------------------------------------------------------------------------------


def _input_mistakes(draft: Draft, item: _Tag, derived: models.Derived) -> list[_Mistake]:
    """Return what is wrong with what a calculation reads; references that do not exist are reported already."""
    inputs = {path: (key, value_of(draft, key)) for path, key in models.references(derived).items()}
    known = {path: (name_of(draft, item, key), value) for path, (key, value) in inputs.items() if value is not None}
    mistakes = {(_bool_text(item.spec, derived, str(path[0]), *found), str(path[0])) for path, found in known.items()}
    wrong = sorted((text, name) for text, name in mistakes if text)
    if wrong:
        return list(wrong)
    if isinstance(derived, models.Expression):
        return _formula_mistakes(draft, item.spec, derived) if len(known) == len(inputs) else []
    if item.spec.unit in UNITS and _result_fits(item.spec, derived):
        wrong = sorted(
            {
                mistake
                for path, (name, value) in known.items()
                if value.unit in UNITS
                for mistake in unit_mistakes(
                    item.spec, derived, str(path[0]), name, value, draft.plant.site.barometric_pa
                )
            }
        )
    if isinstance(derived, models.Above | models.Below):
        wrong += [(text, "limit") for name, value in known.values() if (text := _outside(value, derived.limit, name))]
    return list(wrong)


def _bool_text(spec: models.Tag, derived: models.Derived, field: str, name: str, value: Value) -> str:
    """Return that an input is a bool where a number is needed, or the reverse."""
    if field in {"then", "otherwise"}:
        wants_bool = spec.bool_
    elif field in {"of", "given"}:
        if derived.kind in _OF_EITHER:
            return ""
        wants_bool = derived.kind in _OF_BOOL
    else:
        wants_bool = field == "reset"
    if wants_bool == value.is_bool:
        return ""
    return f"{name} is {'a' if value.is_bool else 'no'} bool tag; {derived.kind} cannot use it"


def _outside(value: Value, number: float, name: str) -> str:
    bounds = value.bounds
    if bounds is None or bounds.lo >= bounds.hi or bounds.lo <= number <= bounds.hi:
        return ""
    return f"{number:g} lies outside of {name}'s range {bounds.lo:g}..{bounds.hi:g} {value.unit}".rstrip()


def _formula_mistakes(draft: Draft, spec: models.Tag, derived: models.Expression) -> list[_Mistake]:
    values = {name: value_of(draft, key) for name, key in derived.given.items()}
    given = {name: Signal(value.unit, is_bool=value.is_bool) for name, value in values.items() if value is not None}
    if not {spec.unit, *(signal.unit for signal in given.values())} <= UNITS.keys():
        return []
    try:
        unused = given.keys() - names(parse(derived.formula)).keys()
        compile_formula(derived.formula, given, Signal(spec.unit, is_bool=spec.bool_), draft.plant.site.barometric_pa)
    except FormulaError as error:
        hint = did_you_mean(error.found, error.known)
        hint += f"; known: {', '.join(sorted(error.known))}" if error.known and not hint else ""
        return [(f"{error.text}{hint}\n    {derived.formula}\n    {' ' * error.at}^", "formula")]
    return [(f"{name} is not in the formula; delete it", "given", name) for name in sorted(unused)]


# --- numbers ---------------------------------------------------------------------------------------------------------


def _number_mistakes(draft: Draft, spec: models.Tag, derived: models.Derived) -> list[_Mistake]:
    match derived:
        case models.Characterise():
            return _line_mistakes(derived)
        case models.DeadTime() | models.OnDelay() | models.OffDelay():
            name, seconds = "delay_s", derived.delay_s
        case models.RollingMean():
            name, seconds = "window_s", derived.window_s
        case models.Turn():
            name, seconds = "step_s", derived.step_s
        case _:
            return []
    turn_s = spec.rate * draft.plant.period_ms / 1000.0
    if seconds < turn_s * (1.0 - 1e-9):
        return [(f"{seconds:g} s is shorter than the {turn_s:g} s between two evaluations (rate {spec.rate})", name)]
    if isinstance(derived, models.DeadTime | models.RollingMean) and seconds / turn_s > _LONGEST_RING:
        longest = f"the longest at rate {spec.rate} is {_LONGEST_RING * turn_s:g} s"
        return [(f"{seconds:g} s are {seconds / turn_s:.0f} values to remember; {longest}", name)]
    if isinstance(derived, models.Turn) and spec.range is not None and spec.range.hi < derived.steps:
        return [(f"{derived.steps} lies outside of the tag's range {spec.range.lo:g}..{spec.range.hi:g}", "steps")]
    return []


def _line_mistakes(derived: models.Characterise) -> list[_Mistake]:
    at, gives = derived.at, derived.gives
    if len(at) != len(gives):
        return [(f"{len(gives)} values for {len(at)} points; each point needs its own", "gives")]
    if len(at) < _FEWEST_POINTS:
        return [("a line needs two points or more", "at")]
    if len(at) > _MOST_POINTS:
        return [(f"a line has at most {_MOST_POINTS} points, found {len(at)}", "at")]
    for low, high in pairwise(at):
        if not low < high:
            return [(f"must rise; {high:g} stands behind {low:g}", "at")]
    return []
