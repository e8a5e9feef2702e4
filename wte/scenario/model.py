"""The scenario file: how the plant stands at the start, what happens at which time, what must be true then."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from controller.core import quality
from controller.core.config.words import issues_of
from controller.core.errors import ConfigError
from controller.core.event import EventKind
from controller.core.models import Model, Range, RoleName
from controller.core.tags import Sample
from controller.core.yaml import read

Tag = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)+(\.[A-Z][A-Z0-9_]*)?$")]
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


class Step(Model):
    """Something that happens at ``at_s``: exactly one of set, command, fault, clear."""

    at_s: At
    set: dict[Tag, float | str] | None = None  # written as engineer; a refusal ends the scenario
    command: PersonsCommand | None = None
    fault: Fault | None = None
    clear: str | None = None  # name of the fault

    @model_validator(mode="after")
    def _one(self) -> "Step":
        _exactly_one(self, "set", "command", "fault", "clear")
        return self


# --- what must be true -----------------------------------------------------------------------------------------------


class Condition(Model):
    """What a tag's value must be: inside a range, of a quality, or both. A bad value is inside no range.

    ``mean_s`` judges the mean over so many seconds instead of each scan, where noise is not the subject.
    """

    tag: Tag
    mean_s: Annotated[float, Field(ge=0)] = 0.0
    between: Range | None = None
    quality: Literal["good", "uncertain", "bad"] | None = None

    @model_validator(mode="after")
    def _some(self) -> "Condition":
        if self.between is None and self.quality is None:
            raise ValueError("needs between or quality")
        return self

    def holds(self, sample: Sample) -> bool:
        """Return whether the sample meets the condition."""
        if self.quality is not None and _severity(sample.quality) != self.quality:
            return False
        if self.between is None:
            return True
        return sample.value is not None and self.between.lo <= sample.value <= self.between.hi

    def words(self) -> str:
        """Return the condition as people say it."""
        parts = [] if self.between is None else [f"{self.between.lo:g} to {self.between.hi:g}"]
        mean = f" (mean of {self.mean_s:g} s)" if self.mean_s else ""
        return " and ".join([*parts, *([] if self.quality is None else [self.quality])]) + mean


class Moment(Condition):
    """The condition holds at one time."""

    at_s: At


class Span(Condition):
    """The condition holds in every scan from ``from_s`` to ``to_s`` (default: the end)."""

    from_s: At = 0.0
    to_s: At | None = None


class Return(Condition):
    """The condition holds from ``by_s`` at the latest until ``to_s`` (default: the end); when it began is reported."""

    by_s: At
    to_s: At | None = None


class Happening(Model):
    """An event of this kind, and of this source when given, between ``from_s`` and ``to_s``."""

    kind: EventKind = Field(strict=False)
    source: Tag | None = None
    from_s: At = 0.0
    to_s: At | None = None


class Expectation(Model):
    """One thing that must be true: exactly one of at, stays, returns, event, no_event."""

    at: Moment | None = None
    stays: Span | None = None
    returns: Return | None = None
    event: Happening | None = None
    no_event: Happening | None = None

    @model_validator(mode="after")
    def _one(self) -> "Expectation":
        _exactly_one(self, "at", "stays", "returns", "event", "no_event")
        return self


class Scenario(Model):
    """A scenario file."""

    title: Annotated[str, Field(min_length=1)]
    why: str | None = None
    initial: str = "100%"
    seed: int = 0
    duration_s: Annotated[float, Field(gt=0)]
    record: list[Tag]  # written to the data file
    record_every_s: Annotated[float, Field(gt=0)] = 1.0
    plots: list[list[Tag]] = Field(default_factory=list[list[str]])  # one diagram each, of recorded tags of one unit
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


def _severity(code: int) -> str:
    return "bad" if code >= quality.BAD else "uncertain" if code >= quality.UNCERTAIN else "good"


def load_scenario(file: Path) -> Scenario:
    """Read a scenario file; ConfigError holds every mistake with its line."""
    document = read(file, str(file))
    if document.issues:
        raise ConfigError(document.issues)
    try:
        return Scenario.model_validate(document.data)
    except ValidationError as exc:
        raise ConfigError(issues_of(exc, Scenario, document.data, document, (), 0)) from exc
