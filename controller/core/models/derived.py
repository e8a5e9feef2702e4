"""How a derived value is made from others."""

from typing import Annotated, Literal

from pydantic import Field

from controller.core.models.base import Model, Ref


class Median(Model):
    """Median of the good inputs (two: their mean); Uncertain when an input is left out."""

    kind: Literal["median"]
    of: list[Ref]


class Average(Model):
    """Mean of the good inputs; Uncertain when one is left out."""

    kind: Literal["average"]
    of: list[Ref]


class Spread(Model):
    """Largest less smallest of the good inputs; 0 with fewer than two."""

    kind: Literal["spread"]
    of: list[Ref]


class Highest(Model):
    """Largest of the good inputs."""

    kind: Literal["highest"]
    of: list[Ref]


class Lowest(Model):
    """Smallest of the good inputs."""

    kind: Literal["lowest"]
    of: list[Ref]


class Sum(Model):
    """``bias + sum(gain * input)``, each gain in output unit per input unit."""

    kind: Literal["sum"]
    of: list[Ref]
    gains: list[float]
    bias: float = 0.0


class Lag(Model):
    """First-order filter of one input, exact for any ``tau_s``; starts at the input's value."""

    kind: Literal["lag"]
    of: Ref
    tau_s: Annotated[float, Field(gt=0)]


class Above(Model):
    """True at ``of >= limit``, false again below ``limit - hysteresis``; BAD input: BAD."""

    kind: Literal["above"]
    of: Ref
    limit: float
    hysteresis: Annotated[float, Field(ge=0)] = 0.0


class Below(Model):
    """True at ``of <= limit``, false again above ``limit + hysteresis``; BAD input: BAD."""

    kind: Literal["below"]
    of: Ref
    limit: float
    hysteresis: Annotated[float, Field(ge=0)] = 0.0


class AnyOf(Model):
    """Three-valued OR of bool tags: true wins, then unknown (BAD)."""

    kind: Literal["any"]
    of: list[Ref]


class AllOf(Model):
    """Three-valued AND of bool tags: false wins, then unknown (BAD)."""

    kind: Literal["all"]
    of: list[Ref]


class Negation(Model):
    """Three-valued NOT."""

    kind: Literal["not"]
    of: Ref


Derived = Annotated[
    Median | Average | Spread | Highest | Lowest | Sum | Lag | Above | Below | AnyOf | AllOf | Negation,
    Field(discriminator="kind"),
]
