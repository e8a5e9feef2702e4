"""The cause-and-effect matrix."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from controller.core.models.base import Model, Ref, Title, Vote


class VoteSpec(Model):
    """One vote of a row: ``vote`` of the channels in ``of`` with one limit, then the delay.

    Exactly one of ``above`` (>=), ``below`` (<=), ``is_true``, ``is_false``.
    """

    vote: Vote
    of: list[Ref]
    above: float | None = None
    below: float | None = None
    is_true: bool = False
    is_false: bool = False
    delay_s: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _one_limit(self) -> "VoteSpec":
        if sum((self.above is not None, self.below is not None, self.is_true, self.is_false)) != 1:
            raise ValueError("needs exactly one of above, below, is_true, is_false")
        return self


class ResetWhen(Model):
    """The condition under which a latched row may be reset (BAD counts as not met)."""

    tag: Ref
    above: float | None = None
    below: float | None = None
    is_true: bool = False
    is_false: bool = False

    @model_validator(mode="after")
    def _one_limit(self) -> "ResetWhen":
        if sum((self.above is not None, self.below is not None, self.is_true, self.is_false)) != 1:
            raise ValueError("needs exactly one of above, below, is_true, is_false")
        return self


class ActionGroup(Model):
    """A named group of final elements and the value each is forced to. Higher ``priority`` wins on one output."""

    title: Title
    force: dict[Ref, float]
    priority: Annotated[int, Field(ge=0, le=9)] = 5


class ProtectionRow(Model):
    """One row of the cause-and-effect matrix. Every column is written out; the loader refuses a row without one."""

    title: Title
    number: int  # of the matrix
    group: Literal["boiler", "turbine", "feed", "plant"]  # first-out group
    votes: dict[str, VoteSpec]  # "a", "b": the row is true when any of them is
    armed_when: Ref | Literal["always"]
    on_unknown: Literal["trip", "excluded_alarm", "excluded_trip_after_30s"]
    actions: list[str]  # "A2", "line/A2" for every line
    latch: bool
    reset_when: ResetWhen | None  # None only where latch is false
    reset_by: Literal["operator", "shift_lead", "engineer"] | None
    function_bypass: bool
    channel_bypass: Annotated[int, Field(ge=0, le=1)]
    source: str
    why: str | None = None  # needed where on_unknown is not trip
