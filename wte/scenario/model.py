"""The scenario file: how the plant stands at the start, what happens at which time, what must be true then."""

import math
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from controller.core.config.words import issues_of
from controller.core.errors import ConfigError
from controller.core.event import EventKind
from controller.core.models import Model, RoleName
from controller.core.yaml import read

Tag = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)+(\.[A-Z][A-Z0-9_]*)?$")]
LoopKey = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)+$")]
At = Annotated[float, Field(ge=0)]  # s of plant time since the start of the scenario


# --- what happens ----------------------------------------------------------------------------------------------------


class Fault(Model):
    """A fault of the simulator by its name; ``args`` say where and how much."""

    name: str
    args: dict[str, str | float | int | bool] = Field(default_factory=dict[str, str | float | int | bool])


class PersonsCommand(Model):
    """A command in full, with the answer that is expected; ``value`` in the tag's unit, or the name of a state."""

    tag: Tag
    value: float | str = 0.0
    action: Literal["write", "reset", "trip", "ack", "confirm", "shelve", "unshelve"] = "write"
    user: str = "scenario"
    role: RoleName = "operator"
    reason: str = ""
    is_accepted: bool = True


class Ramp(Model):
    """A value written again and again on its way from where it stands to ``to``, as a person turns a knob."""

    to: float
    per_min: Annotated[float, Field(gt=0)]  # in the tag's unit
    every_s: Annotated[float, Field(gt=0)] = 10.0

    def values(self, start: float) -> list[float]:
        """Return what is written, every ``every_s``, from ``start``."""
        move = self.per_min / 60.0 * self.every_s
        count = max(math.ceil(abs(self.to - start) / move - 1e-9), 1)
        on_the_way = [start + math.copysign(move * number, self.to - start) for number in range(1, count)]
        return [*on_the_way, self.to]


class Step(Model):
    """Something that happens at ``at_s``: exactly one of set, ramp, command, fault, clear."""

    at_s: At
    set: dict[Tag, float | str] | None = None  # written as engineer; a refusal ends the scenario
    ramp: dict[Tag, Ramp] | None = None  # as set
    command: PersonsCommand | None = None
    fault: Fault | None = None
    clear: str | None = None  # name of the fault

    @model_validator(mode="after")
    def _one(self) -> "Step":
        _exactly_one(self, "set", "ramp", "command", "fault", "clear")
        return self


# --- what must be true -----------------------------------------------------------------------------------------------


class Band(Model):
    """What a value may be, in the tag's unit: from ``lo`` to ``hi``, either may be left out."""

    lo: float = -math.inf
    hi: float = math.inf

    @model_validator(mode="after")
    def _some(self) -> "Band":
        if not self.model_fields_set:
            raise ValueError("needs lo or hi")
        return self

    def words(self) -> str:
        """Return the band as people say it."""
        if math.isinf(self.lo):
            return f"at most {self.hi:g}"
        return f"at least {self.lo:g}" if math.isinf(self.hi) else f"{self.lo:g} to {self.hi:g}"


class Condition(Model):
    """What a tag's value must be: inside a band, of a quality, or both. A bad value is inside no band.

    ``mean_s`` judges the mean over so many seconds instead of each scan, where noise is not the subject.
    """

    tag: Tag
    mean_s: Annotated[float, Field(ge=0)] = 0.0
    between: Band | None = None
    quality: Literal["good", "uncertain", "bad"] | None = None

    @model_validator(mode="after")
    def _some(self) -> "Condition":
        if self.between is None and self.quality is None:
            raise ValueError("needs between or quality")
        return self

    def words(self) -> str:
        """Return the condition as people say it."""
        parts = [] if self.between is None else [self.between.words()]
        mean = f" (mean of {self.mean_s:g} s)" if self.mean_s else ""
        return " and ".join([*parts, *([] if self.quality is None else [self.quality])]) + mean


class Moment(Condition):
    """The condition holds at one time."""

    at_s: At


class Span(Condition):
    """The condition holds from ``from_s`` to ``to_s`` (default: the end), in a ``share`` of the scans."""

    from_s: At = 0.0
    to_s: At | None = None
    share: Annotated[float, Field(gt=0, le=1)] = 1.0


class Return(Condition):
    """The condition holds from ``by_s`` at the latest until ``to_s`` (default: the end); when it began is reported."""

    by_s: At
    to_s: At | None = None


class Mean(Model):
    """The mean of a tag from ``from_s`` to ``to_s`` (default: the end), bad scans left out, lies inside a band."""

    tag: Tag
    between: Band
    from_s: At = 0.0
    to_s: At | None = None


class Sigma(Model):
    """The standard deviation of a tag is at most ``at_most``, in its unit or, ``of_mean``, in % of its mean."""

    tag: Tag
    at_most: Annotated[float, Field(gt=0)]
    of_mean: bool = False
    from_s: At = 0.0
    to_s: At | None = None


class Happening(Model):
    """An event of this kind, and of this source when given, between ``from_s`` and ``to_s``."""

    kind: EventKind = Field(strict=False)
    source: Tag | None = None
    from_s: At = 0.0
    to_s: At | None = None


class Expectation(Model):
    """One thing that must be true: exactly one of at, stays, returns, mean, sigma, event, no_event."""

    what: str = ""  # in people's words
    at: Moment | None = None
    stays: Span | None = None
    returns: Return | None = None
    mean: Mean | None = None
    sigma: Sigma | None = None
    event: Happening | None = None
    no_event: Happening | None = None

    @model_validator(mode="after")
    def _one(self) -> "Expectation":
        _exactly_one(self, "at", "stays", "returns", "mean", "sigma", "event", "no_event")
        return self

    @property
    def tag(self) -> str | None:
        """The tag it looks at; None for events."""
        looks = self.at or self.stays or self.returns or self.mean or self.sigma
        return None if looks is None else looks.tag


class Scenario(Model):
    """A scenario file.

    ``plants`` of them run side by side with the seeds ``seed``, ``seed`` + 1, ...; each expectation must be met in all.
    """

    title: Annotated[str, Field(min_length=1)]
    why: str | None = None
    initial: str = "100%"  # "cold", "hot standby", "60%" to "110%", "100% 8.8 MJ/kg", "110% 6.8 MJ/kg burners"
    seed: int = 0
    plants: Annotated[int, Field(ge=1, le=1000)] = 1
    duration_s: Annotated[float, Field(gt=0)]
    record: list[Tag] = Field(default_factory=list[str])  # written to the data file
    record_every_s: Annotated[float, Field(gt=0)] = 1.0
    plots: list[list[Tag]] = Field(default_factory=list[list[str]])  # one diagram each, of recorded tags of one unit
    loops: list[LoopKey] = Field(default_factory=list[str])  # recorded, and drawn with set-point, output and mode
    steps: list[Step] = Field(default_factory=list[Step])
    expect: list[Expectation]

    @model_validator(mode="after")
    def _plots_show_the_record(self) -> "Scenario":
        missing = sorted({tag for group in self.plots for tag in group} - set(self.record))
        if missing:
            raise ValueError(f"plots names {', '.join(missing)}: add to record")
        return self


def _exactly_one(model: Model, *names: str) -> None:
    found = [name for name in names if getattr(model, name) is not None]
    if len(found) != 1:
        raise ValueError(f"needs exactly one of {', '.join(names)}; found {', '.join(found) or 'none'}")


def load_scenario(file: Path) -> Scenario:
    """Read a scenario file; ConfigError holds every mistake with its line."""
    document = read(file, str(file))
    if document.issues:
        raise ConfigError(document.issues)
    try:
        return Scenario.model_validate(document.data)
    except ValidationError as exc:
        raise ConfigError(issues_of(exc, Scenario, document.data, document, (), 0)) from exc
