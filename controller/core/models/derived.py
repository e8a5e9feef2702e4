"""How a derived value is made from others."""

from typing import Annotated, Literal

from pydantic import Field

from controller.core.models.base import Model, Ref

REFERENCES = ("of", "given", "pressure", "temperature", "then", "otherwise", "reset")
"""Fields that name tags, in the order in which a calculation gets its inputs."""


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


class Product(Model):
    """``gain * a * b * ...``; ``gain`` carries the conversion of units and is explained in ``why``."""

    kind: Literal["product"]
    of: list[Ref]
    gain: float = 1.0


class Characterise(Model):
    """Broken line through the points (``at``, ``gives``), rising in ``at``; held outside."""

    kind: Literal["characterise"]
    of: Ref
    at: list[float]
    gives: list[float]


class Expression(Model):
    """A formula over named tags, checked for units: ``"0.184 * steam + 2 [t/h]"``, ``given: {steam: FT-3402}``.

    For what no other kind says: each formula costs calls of its own in the scan.
    """

    kind: Literal["expression"]
    formula: Annotated[str, Field(min_length=1, max_length=400)]
    given: dict[str, Ref]

    @property
    def of(self) -> list[str]:
        """The tags the formula reads."""
        return list(self.given.values())


class LeadLag(Model):
    """``gain (1 + lead_s s) / (1 + lag_s s)``; starts at rest."""

    kind: Literal["lead_lag"]
    of: Ref
    lead_s: Annotated[float, Field(ge=0)]
    lag_s: Annotated[float, Field(gt=0)]
    gain: float = 1.0


class DeadTime(Model):
    """The input ``delay_s`` ago; starts with the first input."""

    kind: Literal["dead_time"]
    of: Ref
    delay_s: Annotated[float, Field(gt=0)]


class Ramp(Model):
    """The input with limited speed, in its unit per second; starts at the input."""

    kind: Literal["ramp"]
    of: Ref
    up_per_s: Annotated[float, Field(gt=0)]
    down_per_s: Annotated[float, Field(gt=0)]


class Slope(Model):
    """Filtered rate of change: ``gain * s / (1 + tau_s s)``; ``gain`` carries the unit, 60 gives per minute."""

    kind: Literal["slope"]
    of: Ref
    tau_s: Annotated[float, Field(gt=0)]
    gain: float = 1.0


class RollingMean(Model):
    """Mean over the last ``window_s`` of good inputs; Uncertain with less than three quarters of them."""

    kind: Literal["rolling_mean"]
    of: Ref
    window_s: Annotated[float, Field(gt=0)]


class Total(Model):
    """Integral of the input over time, ``per`` the input's time base; retained; ``reset`` (bool) sets it to zero."""

    kind: Literal["total"]
    of: Ref
    per: Literal["s", "min", "h"] = "h"
    reset: Ref | None = None


class FlowCompensation(Model):
    """Measured flow of an orifice designed for other conditions: ``q sqrt(p/p0 * T0/T)``, absolute p and T.

    ``pressure0`` and ``temperature0`` are the design values in the units of the tags.
    """

    kind: Literal["flow_compensation"]
    of: Ref
    pressure: Ref
    temperature: Ref
    pressure0: float
    temperature0: float


class OnDelay(Model):
    """True after the input was true for ``delay_s`` without a break; false at once."""

    kind: Literal["on_delay"]
    of: Ref
    delay_s: Annotated[float, Field(gt=0)]


class OffDelay(Model):
    """True at once; false after the input was false for ``delay_s`` without a break."""

    kind: Literal["off_delay"]
    of: Ref
    delay_s: Annotated[float, Field(gt=0)]


class Latch(Model):
    """True from ``of`` (set) until ``reset``; reset wins. Retained."""

    kind: Literal["latch"]
    of: Ref
    reset: Ref


class Choice(Model):
    """``then`` while the bool ``of`` is true, ``otherwise`` while it is false; BAD while it is unknown."""

    kind: Literal["choice"]
    of: Ref
    then: Ref
    otherwise: Ref


class Turn(Model):
    """Number of a step, 1 to ``steps``, that moves on every ``step_s`` while the bool ``of`` is true; 0 while false.

    After the last step comes the first. ``equals`` of a step makes its command.
    """

    kind: Literal["turn"]
    of: Ref
    steps: Annotated[int, Field(ge=2)]
    step_s: Annotated[float, Field(gt=0)]


class Equals(Model):
    """True while the input is ``value`` (to the nearest whole number)."""

    kind: Literal["equals"]
    of: Ref
    value: int


Derived = Annotated[
    Median
    | Average
    | Spread
    | Highest
    | Lowest
    | Sum
    | Lag
    | Above
    | Below
    | AnyOf
    | AllOf
    | Negation
    | Product
    | Characterise
    | Expression
    | LeadLag
    | DeadTime
    | Ramp
    | Slope
    | RollingMean
    | Total
    | FlowCompensation
    | OnDelay
    | OffDelay
    | Latch
    | Choice
    | Turn
    | Equals,
    Field(discriminator="kind"),
]


def references(derived: Derived) -> dict[tuple[str | int, ...], str]:
    """Return all tags a calculation reads by where they are written, in the order of its inputs."""
    found: dict[tuple[str | int, ...], str] = {}
    for name in REFERENCES:
        if name in type(derived).model_fields:
            value: str | list[str] | dict[str, str] | None = getattr(derived, name)
            if isinstance(value, str):
                found[name,] = value
            elif isinstance(value, list):
                found |= {(name, number): ref for number, ref in enumerate(value)}
            elif isinstance(value, dict):
                found |= {(name, key): ref for key, ref in value.items()}
    return found
