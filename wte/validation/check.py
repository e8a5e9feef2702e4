"""What a check of the simulated plant is: a script, and figures with the range in which each must lie.

Checks are defined once, in the modules beside this one; tests and the page both run them.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wte.validation.course import Course

if TYPE_CHECKING:
    from wte.validation.bench import Bench

FACTOR = 1.5  # of size and of time scale


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that the plant reached, in ``unit``; it must lie between ``low`` and ``high``."""

    what: str
    reached: float
    low: float
    high: float
    unit: str = ""
    reference: str = ""  # the figure of the reference, where the range was made from one
    digits: int = 3  # significant ones to show

    @property
    def is_met(self) -> bool:
        """NaN is never met."""
        return self.low <= self.reached <= self.high


def within(what: str, reached: float, low: float, high: float, unit: str = "") -> Figure:
    """Return a figure with the range that the reference gives."""
    return Figure(what, float(reached), low, high, unit)


def near(what: str, reached: float, expected: float, tolerance: float, unit: str = "") -> Figure:
    """Return a figure that must be ``expected`` within plus or minus ``tolerance``, both in ``unit``."""
    reference = f"{shown(expected, 6)} ± {shown(tolerance, 3)}"
    return Figure(what, float(reached), expected - tolerance, expected + tolerance, unit, reference, 4)


def about(what: str, reached: float, least: float, greatest: float | None = None, unit: str = "") -> Figure:
    """Return a figure that must have the sign of the reference and its size within a factor of 1.5.

    The reference gives one figure, or from ``least`` to ``greatest``.
    """
    most = least if greatest is None else greatest
    low, high = min(least, most), max(least, most)
    reference = shown(least) if greatest is None else f"{shown(least)} … {shown(greatest)}"
    wide = (low / FACTOR, high * FACTOR) if low > 0.0 else (low * FACTOR, high / FACTOR)
    return Figure(what, float(reached), *wide, unit, reference)


def below(what: str, reached: float, limit: float, unit: str = "") -> Figure:
    """Return a figure that must not be above ``limit``."""
    return Figure(what, float(reached), float("-inf"), limit, unit)


def above(what: str, reached: float, limit: float, unit: str = "") -> Figure:
    """Return a figure that must not be below ``limit``."""
    return Figure(what, float(reached), limit, float("inf"), unit)


@dataclass(frozen=True, slots=True)
class Panel:
    """One diagram of a plot: curves with a common unit."""

    unit: str
    curves: Mapping[str, Course]  # by label; each has one value


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check found."""

    figures: tuple[Figure, ...]
    panels: tuple[Panel, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what is done to the plant, and the figures that it must reach.

    ``causes`` says, for a figure by its name, why the plant contradicts the reference, with the arithmetic. Such a
    figure stays marked as missed; the tests accept it and no other.
    """

    key: str  # of the test and of the plot's file
    section: str
    title: str
    script: str
    run: Callable[["Bench"], Outcome]
    causes: Mapping[str, str] = field(default_factory=dict[str, str])
    is_long: bool = False

    def surprises(self, outcome: Outcome) -> list[str]:
        """Return what is not as it should be: a figure missed without a cause, or a cause without a missed figure."""
        missed = {figure.what: figure for figure in outcome.figures if not figure.is_met}
        texts = [
            f"{figure.what}: {reached(figure)}, expected {bar(figure)}"
            for figure in missed.values()
            if figure.what not in self.causes
        ]
        return texts + [f"{what}: is met now, its cause is out of date" for what in self.causes if what not in missed]


def shown(value: float, digits: int = 4) -> str:
    """Return a number with so many significant digits, as people write it."""
    if value == 0.0 or not 1e-3 <= abs(value) < 1e6:  # and NaN
        return f"{value:.{digits}g}"
    decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def reached(figure: Figure) -> str:
    """Return what was reached, with its unit."""
    return f"{shown(figure.reached, figure.digits)} {figure.unit}".rstrip()


def bar(figure: Figure) -> str:
    """Return the range in words."""
    low, high = (shown(value) for value in (figure.low, figure.high))
    if figure.low == float("-inf"):
        return f"at most {high} {figure.unit}".rstrip()
    if figure.high == float("inf"):
        return f"at least {low} {figure.unit}".rstrip()
    return f"{low} … {high} {figure.unit}".rstrip()
