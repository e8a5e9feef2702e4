"""What people write in ``config/<plant>/``: pydantic models, one per file section.

Strict on purpose: unknown keys, NaN, strings for numbers are errors. Cross checks between items (unknown references,
units, overlapping registers, two owners of one output) are in ``controller.core.config``, because they need all files.

References between items are written without the instance prefix (``LT-1401A``) and mean the item of the same instance;
``line/FT-1501`` means that item of every instance of the template ``line``; ``C0/PT-3004`` the item of that instance.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

RoleName = Literal["viewer", "operator", "shift_lead", "engineer", "admin"]
ModeName = Literal["OOS", "LO", "MAN", "AUTO", "CAS", "RCAS"]
Priority = Literal["high", "medium", "low"]
Rate = Literal[1, 2, 5, 10]  # scans between two evaluations
Vote = Annotated[str, Field(pattern=r"^[1-9]oo([1-9]|N)$")]  # "2oo3"; "1ooN": of as many as are listed
Key = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)+(\.[A-Z][A-Z0-9_]*)?$", max_length=40)]
Ref = Annotated[str, Field(pattern=r"^([A-Za-z0-9]+/)?[A-Z][A-Z0-9]*(-[A-Z0-9]+)*(\.[A-Z][A-Z0-9_]*)?$", max_length=60)]


class Model(BaseModel):
    """Base of all configuration models."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Title(Model):
    """Operator text in both languages."""

    en: Annotated[str, Field(min_length=1, max_length=200)]
    ru: Annotated[str, Field(min_length=1, max_length=200)]


class Range(Model):
    """Measuring or working range in the tag's unit."""

    lo: float
    hi: float


# --- plant.yaml and devices.yaml -------------------------------------------------------------------------------------


class Device(Model):
    """One Modbus TCP server (a PLC). Registers of the supervision block are holding registers unless said otherwise."""

    title: Title
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)]
    unit_id: Annotated[int, Field(ge=0, le=247)] = 1
    byte_order: Literal["ABCD", "CDAB", "BADC", "DCBA"] = "ABCD"  # of 32-bit values; 16-bit: ABCD and CDAB are "AB"
    timeout_ms: Annotated[int, Field(ge=10, le=2000)] = 60
    stale_s: Annotated[float, Field(gt=0, le=10)] = 0.5  # older than this: BAD_NO_COMMUNICATION
    supervision: "Supervision"


class Supervision(Model):
    """Registers by which controller and PLC watch each other (all uint16).

    The controller counts ``heartbeat`` every scan and sets ``planned_stop`` (1) before an ordered end; it verifies
    ``watchdog_ms`` at every connect. The PLC drives its outputs to the fail positions when the heartbeat stands still
    for ``watchdog_ms``, unless a planned stop is marked.
    """

    heartbeat: int  # holding, written by the controller
    planned_stop: int  # holding, written by the controller
    watchdog_ms: int  # holding, written and read back at connect
    plc_counter: int  # input register: counts each PLC cycle


class Instance(Model):
    """One piece of plant made from a template folder; ``devices`` maps the template's device names to real ones."""

    template: str
    title: Title
    devices: dict[str, str]


class Site(Model):
    """What the surroundings fix."""

    barometric_pa: Annotated[float, Field(ge=80_000, le=110_000)]
    timezone: str


class Plant(Model):
    """``plant.yaml``: what the plant is made of."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    title: Title
    site: Site
    period_ms: Annotated[int, Field(ge=20, le=1000)] = 100
    watchdog_s: Annotated[float, Field(gt=0.5, le=10)] = 2.0
    instances: dict[str, Instance]
    areas: dict[str, Title]  # "14": the number in a tag's name
    devices: dict[str, Device]


# --- tags ------------------------------------------------------------------------------------------------------------

Form = Literal["raw", "bool", "int16", "uint16", "int32", "uint32", "float32", "float64"]


class Input(Model):
    """Where an input is read. ``raw`` is 0..27648 over the range with NE 43 limits; bool sits in a discrete input."""

    device: str
    address: Annotated[int, Field(ge=0, le=65535)] | None = None  # None only with ``group``
    form: Form = "raw"
    table: Literal["input", "holding", "discrete", "coil"] | None = None  # default: discrete for bool, else input


class Output(Model):
    """Where an output is written and what happens to it when nobody controls it."""

    device: str
    address: Annotated[int, Field(ge=0, le=65535)]
    form: Form = "raw"  # holding register, bool: coil
    safe: float | Literal["hold"]  # written by the controller when it must end unplanned, in the tag's unit
    end_state: float | Literal["hold", "safe"] = "hold"  # at a planned stop
    fail: "Fail"  # what the PLC does by itself when the heartbeat stops


class Fail(Model):
    """Fail position in the PLC: hold for ``hold_s``, then move to ``position`` at ``rate_per_min`` (0: at once)."""

    position: float
    hold_s: Annotated[float, Field(ge=0)] = 0.0
    rate_per_min: Annotated[float, Field(ge=0)] = 0.0


class Instrument(Model):
    """How the simulator measures this input: ``of`` names a process signal of the instance ("drum.level", SI)."""

    of: str
    tau_s: Annotated[float, Field(ge=0)] = 0.0
    noise: Annotated[float, Field(ge=0)] = 0.0  # standard deviation in the tag's unit
    dead_time_s: Annotated[float, Field(ge=0)] = 0.0


class Actuator(Model):
    """What the simulator does with this output: ``drives`` names a process input of the instance (0..1 of the range)."""

    drives: str
    stroke_s: Annotated[float, Field(ge=0)] = 0.0  # time for 0..100 %; 0: at once
    close_s: Annotated[float, Field(ge=0)] | None = None  # when closing takes another time
    dead_band_pct: Annotated[float, Field(ge=0)] = 0.0


class AlarmSpec(Model):
    """One alarm of a tag. Operators see consequence and action; numbers without a reason are how plants get hurt."""

    limit: float | None = None  # in the tag's unit; None for ``active`` and ``bad``
    priority: Priority
    deadband: Annotated[float, Field(ge=0)] = 0.0
    on_s: Annotated[float, Field(ge=0)] = 0.0
    off_s: Annotated[float, Field(ge=0)] = 0.0
    consequence: Title | None = None
    response: Title | None = None
    unless: Ref | None = None  # suppressed by design while this bool tag is true


class Alarms(Model):
    """Alarms of a tag: limits of an analogue one, ``active`` of a bool (true = alarm), ``bad`` for lost quality."""

    hihi: AlarmSpec | None = None
    hi: AlarmSpec | None = None
    lo: AlarmSpec | None = None
    lolo: AlarmSpec | None = None
    active: AlarmSpec | None = None
    bad: AlarmSpec | None = None


class TripLimits(Model):
    """Limits of this tag at which protection rows act; the loader checks that each has its row and the reverse."""

    above: list[float] = []
    below: list[float] = []
    is_true: bool = False  # a bool tag that a row acts on when true
    is_false: bool = False


class Group(Model):
    """Redundant sensors of equal meaning. Makes LT-1401A, B, C from LT-1401, which itself becomes the voted value."""

    channels: dict[str, int]  # suffix -> register address
    select: Literal["median", "average"]
    deviation: AlarmSpec | None = None  # alarm on LT-1401.DEV, the spread of the good channels


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


Figure = Literal[
    "scan_ms",  # time of the last scan
    "jitter_ms",  # how late the last scan began
    "overruns",  # scans missed since the start
    "poll_ms",  # last poll of one device (needs ``device``)
    "retain_age_s",  # age of the retained state on disk
    "gap_s",  # how long nobody scanned before this start
    "starts",  # starts since the retained state was made
    "events",  # sequence number of the newest event
    "control_failed",  # 1 while control stands still after an exception
    "open_endpoint",  # 1 while the OPC UA server offers an endpoint without security
    "sessions",  # OPC UA sessions
    "hmi_age_s",  # time since the HMI server was last heard
]


class System(Model):
    """A figure of the control system itself."""

    figure: Figure
    device: str | None = None


class Tag(Model):
    """One signal of the plant. Exactly one of input, output, derived, system says where its value comes from."""

    title: Title
    unit: str = ""
    range: Range | None = None  # needed for all but bool
    bool_: Annotated[bool, Field(alias="bool")] = False
    states: dict[int, Title] | None = None  # names of codes (0, 1 for a bool)
    input: Input | None = None
    output: Output | None = None
    derived: Derived | None = None
    system: System | None = None
    group: Group | None = None
    rate: Rate = 1  # of ``derived``
    instrument: Instrument | None = None
    actuator: Actuator | None = None
    alarms: Alarms | None = None
    trip: TripLimits | None = None
    why: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "Tag":
        sources = [name for name in ("input", "output", "derived", "system") if getattr(self, name) is not None]
        if len(sources) != 1:
            raise ValueError(
                f"needs exactly one of input, output, derived, system; found {', '.join(sources) or 'none'}"
            )
        if not self.bool_ and self.range is None:
            raise ValueError("needs a range (or bool: true)")
        return self


# --- loops -----------------------------------------------------------------------------------------------------------


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
    """Limits of the output, in % of its span, and how fast it may move (also by hand)."""

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


# --- protection ------------------------------------------------------------------------------------------------------


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


class Section(Model):
    """One YAML file of a template folder; every part is optional, so engineers cut files by area as they like."""

    tags: dict[Key, Tag] = {}
    loops: dict[Key, Loop] = {}
    actions: dict[str, ActionGroup] = {}
    protection: dict[Key, ProtectionRow] = {}
    process: dict[str, dict[str, float]] = {}  # simulator parameters: area -> name -> value in SI; checked by plc_sim
