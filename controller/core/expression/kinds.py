"""What kind of value a part of a formula is, and which kinds may meet.

A kind is an exponent for each base dimension and a reference: a temperature in °C and a gauge pressure count from a
zero of their own, so two of them cannot be added and none can be multiplied; their difference can. A percentage is not
a plain number: ``level + 2`` is a mistake, ``level + 2 [%]`` is not.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

from controller.core.units import DIMENSIONS, Dimension, Unit

Reference = Literal["", "celsius", "gauge", "absolute"]


@dataclass(frozen=True, slots=True)
class Kind:
    """``unit`` is for messages only: how the value was written."""

    dimension: Dimension
    reference: Reference = ""
    is_percent: bool = False
    is_bool: bool = False
    is_zero: bool = False  # a bare 0, which fits every unit that counts from zero
    unit: str = ""

    @property
    def is_plain(self) -> bool:
        """Return whether this is a number without dimension (a percentage is one too)."""
        return self.dimension == PLAIN.dimension and not self.is_bool

    def fits(self, other: "Kind") -> bool:
        """Return whether both are the same quantity with the same zero."""
        return (
            self.dimension == other.dimension
            and self.reference == other.reference
            and self.is_percent == other.is_percent
            and self.is_bool == other.is_bool
        )

    def __str__(self) -> str:
        if self.is_bool:
            return "true or false"
        if self.unit:
            return self.unit
        if self.is_percent:
            return "%"
        base = [_power(name, exponent) for name, exponent in self.dimension]
        what = {"": "", "celsius": " (°C)", "gauge": " (gauge)", "absolute": " (absolute)"}[self.reference]
        return " ".join(base) + what or "no unit"


PLAIN: Final = Kind(())
BOOL: Final = Kind((), is_bool=True)
KELVIN: Final = Kind(DIMENSIONS["temperature"], unit="K")
CELSIUS: Final = Kind(DIMENSIONS["temperature"], "celsius", unit="°C")
ABSOLUTE: Final = Kind(DIMENSIONS["pressure"], "absolute")
GAUGE: Final = Kind(DIMENSIONS["pressure"], "gauge")

_NO_MULTIPLE: Final = {
    "celsius": "a temperature in °C has no multiples; use kelvin(x), or a difference",
    "gauge": "a gauge pressure has no multiples; use absolute(x), or a difference",
}


def kind_of(unit: Unit) -> Kind:
    """Return the kind of a value in this unit."""
    reference: Reference = ""
    if unit.quantity == "temperature":
        reference = "celsius"
    elif unit.quantity == "pressure":
        reference = "gauge" if unit.is_gauge else "absolute"
    return Kind(
        DIMENSIONS[unit.quantity], reference, is_percent=unit.quantity in {"fraction", "ratio"}, unit=unit.symbol
    )


def common(a: Kind, b: Kind, what: str) -> Kind:
    """Return the kind of two values that are compared or chosen between; TypeError in words."""
    if a.is_zero and b.reference == "" and not b.is_bool:
        return b
    if b.is_zero and a.reference == "" and not a.is_bool:
        return a
    if not a.fits(b):
        raise TypeError(f"{what} of {a} and {b}{_hint(a, b)}")
    return replace(a, is_zero=False)


def added(a: Kind, b: Kind) -> Kind:
    """Return the kind of ``a + b``."""
    _no_bool(a, b)
    if not a.reference and not b.reference:
        return common(a, b, "sum")
    if a.reference and b.reference:
        if a.reference == b.reference == "absolute":
            return _bare(a)
        same = a.reference == b.reference
        hint = "; their difference, or a + (b - a) / 2 for the mean, would do" if same else _hint(a, b)
        raise TypeError(f"sum of {a} and {b}{hint}")
    based, other = (a, b) if a.reference else (b, a)
    if based.dimension != other.dimension or other.is_zero:
        raise TypeError(f"sum of {a} and {b}{_hint(a, b)}")
    return _bare(based)


def subtracted(a: Kind, b: Kind) -> Kind:
    """Return the kind of ``a - b``: of two temperatures or pressures of one zero it is a difference."""
    _no_bool(a, b)
    if a.reference and a.reference == b.reference:
        return Kind(a.dimension)
    if not a.reference and not b.reference:
        return common(a, b, "difference")
    if not a.reference or b.reference or a.dimension != b.dimension or b.is_zero:
        raise TypeError(f"difference of {a} and {b}{_hint(a, b)}")
    return _bare(a)


def multiplied(a: Kind, b: Kind) -> Kind:
    """Return the kind of ``a * b``."""
    _no_bool(a, b)
    _can_scale(a)
    _can_scale(b)
    reference: Reference = "absolute" if (a.reference and b.is_plain) or (b.reference and a.is_plain) else ""
    percent = a.is_plain and b.is_plain and (a.is_percent or b.is_percent)
    return Kind(_joined(a.dimension, b.dimension, 1.0), reference, is_percent=percent)


def divided(a: Kind, b: Kind) -> Kind:
    """Return the kind of ``a / b``."""
    _no_bool(a, b)
    _can_scale(a)
    _can_scale(b)
    reference: Reference = "absolute" if a.reference and b.is_plain else ""
    percent = a.is_percent and b.is_plain and not b.is_percent
    return Kind(_joined(a.dimension, b.dimension, -1.0), reference, is_percent=percent)


def magnitude(a: Kind) -> Kind:
    """Return the kind of ``-a`` and of ``abs(a)``."""
    _no_bool(a)
    _can_scale(a)
    return _bare(a)


def root(a: Kind) -> Kind:
    """Return the kind of ``sqrt(a)``."""
    _no_bool(a)
    _can_scale(a)
    return Kind(tuple((name, exponent / 2.0) for name, exponent in a.dimension))


def number(a: Kind, what: str) -> Kind:
    """Return the kind of a function that takes plain numbers only."""
    _no_bool(a)
    if not a.is_plain:
        raise TypeError(f"{what} needs a number without unit, found {a}; divide by a value of that unit")
    return PLAIN


def _bare(a: Kind) -> Kind:
    return replace(a, is_zero=False)


def _no_bool(*kinds: Kind) -> None:
    if any(kind.is_bool for kind in kinds):
        raise TypeError("true or false is no number; use if(condition, a, b)")


def _can_scale(a: Kind) -> None:
    if a.reference in _NO_MULTIPLE:
        raise TypeError(f"{_NO_MULTIPLE[a.reference]} (found {a})")


def _joined(a: Dimension, b: Dimension, sign: float) -> Dimension:
    exponents = dict(a)
    for name, exponent in b:
        exponents[name] = exponents.get(name, 0.0) + sign * exponent
    return tuple(sorted((name, exponent) for name, exponent in exponents.items() if exponent))


def _hint(a: Kind, b: Kind) -> str:
    if a.is_zero or b.is_zero or (a.is_plain and b.is_plain and a.is_percent != b.is_percent):
        return "; give the number its unit, as in 2 [%]"
    if a.dimension != b.dimension and PLAIN in {a, b}:
        return "; give the number its unit, as in 2.5 [t/h]"
    if a.dimension == b.dimension == DIMENSIONS["pressure"]:
        return "; absolute(p) and gauge(p) change the zero of a pressure"
    if a.dimension == b.dimension == DIMENSIONS["temperature"]:
        return "; a difference is in K, and kelvin(t), celsius(t) change the zero of a temperature"
    return ""


def _power(name: str, exponent: float) -> str:
    return name if exponent == 1.0 else f"{name}^{exponent:g}"
