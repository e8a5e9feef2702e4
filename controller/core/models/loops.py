"""Control loops."""

from typing import Annotated, Literal

from pydantic import Field

from controller.core.models.base import Model, ModeName, Rate, Ref, Title


class Tuning(Model):
    """ISA standard form. ``kp`` in % of output span per % of PV span, always > 0; the action is configuration."""

    kp: Annotated[float, Field(gt=0)]
    ti_s: Annotated[float, Field(ge=0)]  # 0: no integral action
    td_s: Annotated[float, Field(ge=0)] = 0.0
    b: Annotated[float, Field(ge=0, le=1)] = 1.0  # set-point weight of P
    c: Annotated[float, Field(ge=0, le=1)] = 0.0  # set-point weight of D
    n: Annotated[float, Field(ge=2, le=30)] = 10.0  # derivative filter: Td / n


class SetPoint(Model):
    """Set-point of a loop, in the unit of its PV."""

    default: float
    lo: float
    hi: float
    rate_per_s: Annotated[float, Field(gt=0)] | None = None  # None: steps
    tracks_pv: bool = True  # in MAN and LO the set-point follows the PV


class OpLimits(Model):
    """Limits of the output, in % of its span, and how fast the loop may move it."""

    lo: float = 0.0
    hi: float = 100.0
    rate_per_s: Annotated[float, Field(gt=0)] | None = None


class FeedForward(Model):
    """Adds ``gain * tag`` to the output; ``gain`` in unit of the output (slave's PV or final element) per tag unit."""

    of: Ref
    gain: float


class Loop(Model):
    """One PID loop. ``output`` is a final element's tag or the loop it is master of (cascade)."""

    title: Title
    pv: Ref
    output: Ref
    action: Literal["reverse", "direct"]  # reverse: output falls when the PV rises
    tuning: Tuning
    sp: SetPoint
    op: OpLimits = OpLimits()
    feedforward: FeedForward | None = None
    permitted: list[ModeName]
    normal: ModeName
    start: ModeName = "MAN"  # at a cold start
    shed: Literal["MAN"] = "MAN"  # where a bad PV sends it; an operator brings it back
    rate: Rate = 1
    why: str | None = None
