"""``faults.yaml``: named programs of faults, for training and for tests.

A program is a list of steps. Each step sets one of the simulator's single faults (``act``) on one thing (``on``) for a
time; its value is constant or follows straight lines between the points of its course. ``$line`` in ``on`` stands for
the instance that a program of ``target: line`` is aimed at.
"""

import itertools
from typing import Annotated, Literal

from pydantic import Field, model_validator

from controller.core.models.base import Model, Title

FaultName = Annotated[str, Field(pattern=r"^F[1-9][0-9]?[a-z]?$")]
ArgumentName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=20)]
LAST_NUMBER = 99  # those above belong to the simulator's single faults


class FaultText(Model):
    """A text of some sentences in both languages."""

    en: Annotated[str, Field(min_length=1, max_length=600)]
    ru: Annotated[str, Field(min_length=1, max_length=600)]


class OfArgument(Model):
    """A number made from an argument of the program: ``arg * times + plus``."""

    arg: str
    times: float = 1.0
    plus: float = 0.0


Amount = float | OfArgument


class FaultArgument(Model):
    """A number that whoever sets the fault may choose."""

    title: Title
    unit: Annotated[str, Field(max_length=12)] = ""
    default: float
    lo: float
    hi: float

    @model_validator(mode="after")
    def _default_is_possible(self) -> "FaultArgument":
        if not self.lo <= self.default <= self.hi:
            raise ValueError(f"default {self.default:g} is outside lo {self.lo:g} to hi {self.hi:g}")
        return self


class CoursePoint(Model):
    """The value of a step so many seconds after the step began."""

    after_s: Amount
    value: Amount


class Repeat(Model):
    """A step that comes again: ``times`` in all, one every ``every_s``."""

    every_s: Amount
    times: Amount


class FaultStep(Model):
    """One single fault on one thing, from ``at_s`` on, for ``lasts_s`` (default: until the program is cleared)."""

    act: str  # name of a single fault of the simulator
    on: str  # what it acts on, as that fault calls it: "wall_leak/$line", "$line-TV-1521.OP"
    at_s: Amount = 0.0
    lasts_s: Amount | None = None
    value: Amount | None = None
    course: Annotated[list[CoursePoint], Field(min_length=2)] | None = None
    how: Literal["under", "over", "nan"] | None = None  # a transmitter fails
    repeat: Repeat | None = None

    @model_validator(mode="after")
    def _one_value(self) -> "FaultStep":
        if self.value is not None and self.course is not None:
            raise ValueError("has a value and a course; a step has one of them or none")
        return self

    @model_validator(mode="after")
    def _time_goes_on(self) -> "FaultStep":
        times = [point.after_s for point in self.course or []]
        for before, after in itertools.pairwise(times):
            if isinstance(before, float) and isinstance(after, float) and after < before:
                raise ValueError(f"the course goes back in time, from {before:g} s to {after:g} s")
        for name, span in (("at_s", self.at_s), ("lasts_s", self.lasts_s)):
            if isinstance(span, float) and span < 0.0:
                raise ValueError(f"{name} is {span:g}; a time is 0 or later")
        return self

    def amounts(self) -> list[tuple[str, Amount]]:
        """Return every number of the step with its place."""
        found: list[tuple[str, Amount | None]] = [
            ("at_s", self.at_s),
            ("lasts_s", self.lasts_s),
            ("value", self.value),
        ]
        for number, point in enumerate(self.course or (), start=1):
            found += [(f"course[{number}].after_s", point.after_s), (f"course[{number}].value", point.value)]
        if self.repeat is not None:
            found += [("repeat.every_s", self.repeat.every_s), ("repeat.times", self.repeat.times)]
        return [(place, amount) for place, amount in found if amount is not None]


class FaultProgram(Model):
    """A named program: what goes wrong at which second, and what is to be expected."""

    number: Annotated[int, Field(ge=1, le=LAST_NUMBER)]  # for registers: once given, it keeps its meaning
    title: Title
    expect: FaultText  # the course that is to be seen, rough numbers included
    target: str | None = None  # a template: the program is aimed at one instance of it
    args: dict[ArgumentName, FaultArgument] = {}
    steps: Annotated[list[FaultStep], Field(min_length=1)]


class FaultFile(Model):
    """``faults.yaml`` of a plant's folder."""

    faults: dict[FaultName, FaultProgram]
