"""Units of calculated tags: where a calculation keeps the unit, where it changes it, where a reason must say how."""

import math
from typing import Final

from controller.core import models
from controller.core.config.groups import difference_unit
from controller.core.config.signals import Value
from controller.core.units import DIMENSIONS, UNITS, Dimension, to_si

_SAME: Final = frozenset(
    {
        "median",
        "average",
        "highest",
        "lowest",
        "lag",
        "dead_time",
        "ramp",
        "rolling_mean",
        "flow_compensation",
        "choice",
    }
)
_BASE_S: Final = {"s": 1.0, "min": 60.0, "h": 3600.0}
_Mistake = tuple[str, ...]  # text, then the path inside ``derived``


def unit_mistakes(
    spec: models.Tag, derived: models.Derived, field: str, name: str, value: Value, barometric_pa: float
) -> list[_Mistake]:
    """Return what is wrong between the unit of one input and that of the tag."""
    found, wanted = value.unit, spec.unit
    reads = f"{name} is in {_shown(found)}"
    if isinstance(derived, models.FlowCompensation) and field in {"pressure", "temperature"}:
        return _design_mistakes(derived, field, found, reads, barometric_pa)
    if derived.kind in _SAME and field != "reset" and not (derived.kind == "choice" and field == "of"):
        return [] if found == wanted else [(f"{reads}, this tag in {_shown(wanted)}", field)]
    match derived:
        case models.Spread() if difference_unit(found) != wanted:
            unit = difference_unit(found)
            return [(f"{reads}, so the spread is in {_shown(unit)}, not {_shown(wanted)}", field)]
        case models.Sum() if difference_unit(found) != difference_unit(wanted) and not spec.why:
            return [(f"{reads}, this tag in {_shown(wanted)}; if a gain converts, say it in why", field)]
        case models.LeadLag() if found != wanted and not spec.why:
            return [(f"{reads}, this tag in {_shown(wanted)}; if the gain converts, say it in why", field)]
        case models.Equals() if found:
            return [(f"{reads}; equals is for codes, which have no unit", field)]
        case models.Slope() if not spec.why:
            return _rate_mistakes(derived.gain, found, wanted, reads)
        case models.Total() if field == "of" and not spec.why:
            return _total_mistakes(_BASE_S[derived.per], derived.per, found, wanted, reads)
        case models.Product() if not spec.why and derived.gain != 1.0:
            return [(f"say in why what the {derived.gain:g} stands for or converts", "gain")]
        case _:
            return []


def _design_mistakes(
    derived: models.FlowCompensation, field: str, found: str, reads: str, barometric_pa: float
) -> list[_Mistake]:
    if UNITS[found].quantity != field:
        return [(f"{reads}, which is no {field}", field)]
    design = derived.pressure0 if field == "pressure" else derived.temperature0
    if to_si(design, found, barometric_pa) > 0.0:
        return []
    limit = "no pressure above a vacuum" if field == "pressure" else "no temperature above absolute zero"
    return [(f"{design:g} {found} is {limit}", f"{field}0")]


def _rate_mistakes(gain: float, found: str, wanted: str, reads: str) -> list[_Mistake]:
    a, b = UNITS[found], UNITS[wanted]
    if _per_time(DIMENSIONS[a.quantity], -1.0) != DIMENSIONS[b.quantity]:
        return [(f"{reads}, so {_shown(wanted)} is no rate of it; if the gain converts, say it in why", "of")]
    right = a.factor / b.factor
    if not math.isclose(gain, right, rel_tol=1e-6):
        return [(f"{right:g} makes {wanted} of {_shown(found)}, found {gain:g}; another gain needs a why", "gain")]
    return []


def _total_mistakes(base_s: float, per: str, found: str, wanted: str, reads: str) -> list[_Mistake]:
    a, b = UNITS[found], UNITS[wanted]
    if _per_time(DIMENSIONS[a.quantity], 1.0) != DIMENSIONS[b.quantity]:
        return [(f"{reads}, so its total is not in {_shown(wanted)}", "of")]
    if not math.isclose(a.factor * base_s, b.factor, rel_tol=1e-6):
        return [
            (f"{_shown(found)} times {per} is not {_shown(wanted)}; choose the unit or the time base that fits", "per")
        ]
    return []


def _per_time(dimension: Dimension, exponent: float) -> Dimension:
    exponents = dict(dimension)
    exponents["s"] = exponents.get("s", 0.0) + exponent
    return tuple(sorted((name, power) for name, power in exponents.items() if power))


def _shown(unit: str) -> str:
    return unit or "no unit"
