"""Control loops."""

from typing import Annotated, Literal

from pydantic import Field

from controller.core.models.base import Model, ModeName, Rate, Ref, Title

Percent = Annotated[float, Field(ge=0, le=100)]


class Gap(Model):
    """Less gain near the set-point: inside ``band`` (PV unit, either side) the error counts ``gain`` times."""

    band: Annotated[float, Field(gt=0)]
    gain: Annotated[float, Field(ge=0, lt=1)]


class Schedule(Model):
    """Tuning over a tag: factors on ``kp`` and ``ti_s`` at the given values, linear between, held outside."""

    of: Ref
    at: list[float]
    kp: list[float]
    ti: list[float]


class Tuning(Model):
    """ISA standard form. ``kp`` in % of output span per % of PV span, always > 0; the action is configuration."""

    kp: Annotated[float, Field(gt=0)]
    ti_s: Annotated[float, Field(ge=0)]  # 0: no integral action
    td_s: Annotated[float, Field(ge=0)] = 0.0
    b: Annotated[float, Field(ge=0, le=1)] = 1.0  # set-point weight of P
    c: Annotated[float, Field(ge=0, le=1)] = 0.0  # set-point weight of D
    n: Annotated[float, Field(ge=2, le=30)] = 10.0  # derivative filter: Td / n
    gap: Gap | None = None
    schedule: Schedule | None = None


class ProcessModel(Model):
    """What the loop acts on, as tuned for: ``gain`` in % of PV span per % of output, or ``integrates`` in %/s per %."""

    gain: float | None = None
    integrates: float | None = None
    lag_s: Annotated[float, Field(ge=0)] = 0.0
    dead_time_s: Annotated[float, Field(ge=0)] = 0.0


class SetPoint(Model):
    """Set-point of a loop, in the unit of its PV."""

    default: float
    lo: float
    hi: float
    lo_from: Ref | None = None  # a tag that limits it further, this scan's value
    hi_from: Ref | None = None
    from_: Annotated[Ref | None, Field(alias="from")] = None  # in CAS: this calculated tag, where no master writes it
    rate_per_s: Annotated[float, Field(gt=0)] | None = None  # None: steps
    tracks_pv: bool = True  # in MAN and LO the set-point follows the PV


class OpLimits(Model):
    """Limits of the output, in % of its span, and how fast the loop may move it."""

    lo: float = 0.0
    hi: float = 100.0
    rate_per_s: Annotated[float, Field(gt=0)] | None = None


class Branch(Model):
    """One destination of a split or fanned output: ``at`` of the loop's output (%) is 0 to 100 % of ``to``."""

    to: Ref
    at: Annotated[tuple[Percent, Percent], Field(strict=False)]  # a list in YAML


class FeedForward(Model):
    """Adds ``gain * tag`` to the output; ``gain`` in unit of the output (slave's PV or final element) per tag unit.

    A loop without output of its own has its output in %.
    """

    of: Ref
    gain: float


class Correction(Model):
    """Limits of what the PID adds to the feed-forward, in % of the output's span or of the feed-forward itself."""

    lo: float
    hi: float
    of: Literal["span", "feedforward"] = "span"


class Initial(Model):
    """Handshake of a loop whose output reaches others through calculated tags only.

    While none of ``unless`` controls (AUTO, CAS or RCAS) the loop waits in IMAN and its output follows ``at``, in %.
    """

    unless: list[Ref]
    at: Ref


class Track(Model):
    """While ``when`` is true the loop is in LO and its output goes, at its rate limit, to ``at`` (%)."""

    when: Ref
    at: Percent


class Block(Model):
    """Directional blocks: while the bool tag is true the loop may not raise (lower) its output."""

    raise_: Annotated[Ref | None, Field(alias="raise")] = None
    lower: Ref | None = None


class Loop(Model):
    """One loop: PID, two-position or hand station.

    Its output goes to one final element or slave, to several, or is read by calculated tags only (then ``initial``
    says when and from where it starts).
    """

    title: Title
    law: Literal["pid", "two_position", "station"] = "pid"  # station: in AUTO the output is the PV
    pv: Ref
    output: Ref | None = None
    outputs: list[Branch] = []
    action: Literal["reverse", "direct"] = "reverse"  # reverse: output falls when the PV rises
    tuning: Tuning | None = None  # of law pid
    dead_band: Annotated[float, Field(gt=0)] | None = None  # of law two_position, PV unit, either side of the set-point
    process: ProcessModel | None = None
    sp: SetPoint | None = None  # None for a station
    op: OpLimits = OpLimits()
    feedforward: FeedForward | None = None
    correction: Correction | None = None
    initial: Initial | None = None
    reset_from: Ref | None = None  # the selected output, %: a loop that is not selected follows it (external reset)
    track: Track | None = None
    block: Block | None = None
    permitted: list[ModeName]
    normal: ModeName
    start: ModeName = "MAN"  # at a cold start
    start_when: Ref | None = None  # only where this bool tag is true, else MAN
    shed: Literal["MAN", "HOLD"] = "MAN"  # on a bad PV: to manual until a person returns it, or hold and return
    rcas_timeout_s: Annotated[float, Field(gt=0)] = 30.0  # without a new set-point RCAS falls back to AUTO
    rate: Rate = 1
    why: str | None = None
