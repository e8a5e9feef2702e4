"""The cause-and-effect matrix."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from controller.core.models.base import Model, Ref, RoleName, Title, Vote

OnUnknown = Literal["trip", "excluded_alarm", "excluded_trip_after_30s"]


class Limit(Model):
    """Exactly one of ``above`` (>=), ``below`` (<=), ``is_true``, ``is_false``."""

    above: float | None = None
    below: float | None = None
    is_true: bool = False
    is_false: bool = False

    @property
    def sides(self) -> int:
        """How many sides are given."""
        return sum((self.above is not None, self.below is not None, self.is_true, self.is_false))


class Cause(Limit):
    """What makes a channel true: a limit, or ``is_bad``, that it cannot be read (with on_unknown trip)."""

    is_bad: bool = False

    @property
    def sides(self) -> int:
        """How many sides are given."""
        return super().sides + self.is_bad


class PartSpec(Cause):
    """One part of a nested vote: ``vote`` of the channels in ``of`` with one limit."""

    vote: Vote
    of: list[Ref]

    @model_validator(mode="after")
    def _one_limit(self) -> "PartSpec":
        if self.sides != 1:
            raise ValueError("needs exactly one of above, below, is_true, is_false, is_bad")
        return self


class VoteSpec(Cause):
    """One vote of a row: ``vote`` of the channels in ``of`` with one limit, then the delay.

    A nested vote has ``parts`` instead, each with its own vote and limit: ``2oo2`` of {``1oo2`` of A, ``1oo3`` of B}.
    """

    vote: Vote
    of: list[Ref] = []
    parts: list[PartSpec] = []
    delay_s: Annotated[float, Field(ge=0)]
    on_unknown: OnUnknown | None = None  # None: as its row

    @model_validator(mode="after")
    def _one_limit(self) -> "VoteSpec":
        if self.parts and (self.of or self.sides):
            raise ValueError("a vote of parts has its channels and limits there; delete of, above, below, is_...")
        if not self.parts and self.sides != 1:
            raise ValueError("needs exactly one of above, below, is_true, is_false, is_bad")
        if not self.parts and "of" not in self.model_fields_set:
            raise ValueError("needs of, the channels it counts, or parts")
        return self

    @property
    def leaves(self) -> "list[PartSpec | VoteSpec]":
        """What compares channels: the parts, or the vote itself."""
        return [*self.parts] if self.parts else [self]


class ResetWhen(Limit):
    """One condition under which a row may be reset; it must have held for ``for_s``. BAD counts as not met."""

    tag: Ref
    for_s: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _one_limit(self) -> "ResetWhen":
        if self.sides != 1:
            raise ValueError("needs exactly one of above, below, is_true, is_false")
        return self


def _one_or_all(value: object) -> str:
    return "all" if isinstance(value, list) else "one"


Resets = Annotated[
    Annotated[ResetWhen, Tag("one")] | Annotated[list[ResetWhen], Tag("all")], Discriminator(_one_or_all)
]


class Force(Model):
    """A forced value that begins ``after_s`` after the row began to act."""

    to: float
    after_s: Annotated[float, Field(ge=0)]


class ActionGroup(Model):
    """A named group of final elements and the value each is forced to. Higher ``priority`` wins on one output.

    ``also`` names groups that belong to it. The bool row ``A2.ACT`` is true while a row with this action acts: a group
    may force nothing and only ask (``request``), when control carries it out.
    """

    title: Title
    force: dict[Ref, float | Force] = {}
    also: list[str] = []
    request: bool = False
    priority: Annotated[int, Field(ge=0, le=9)] = 5


class StartUp(Model):
    """Start-up override: the row is suspended for at most ``max_s``, and no longer than until ``until`` is true."""

    max_s: Annotated[float, Field(gt=0, le=86_400)]
    until: Ref


class ProtectionRow(Model):
    """One row of the cause-and-effect matrix. Every column is written out; the loader refuses a row without one."""

    title: Title
    number: int  # of the matrix
    group: Literal["boiler", "turbine", "feed", "plant"]  # first-out group
    votes: dict[str, VoteSpec]  # "a", "b": the row is true when any of them is
    armed_when: Ref | Literal["always"]
    on_unknown: OnUnknown
    actions: list[str]  # "A2", "line/A2" for every line
    latch: bool
    reset_when: Resets | None  # all of them; without latch: until then it goes on acting
    reset_by: Literal["operator", "shift_lead", "engineer"] | None
    function_bypass: bool
    channel_bypass: Annotated[int, Field(ge=0, le=1)]
    source: str
    manual_trip: RoleName | None = None  # lowest role that may trip the row by hand
    start_up: StartUp | None = None
    why: str | None = None  # needed where on_unknown is not trip

    @property
    def resets(self) -> list[ResetWhen]:
        """The reset conditions, all of which must hold."""
        if isinstance(self.reset_when, list):
            return self.reset_when
        return [] if self.reset_when is None else [self.reset_when]
