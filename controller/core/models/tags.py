"""Tags: where a value comes from, how it is measured and driven, its alarms."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from controller.core.models.base import Model, Priority, Range, Rate, Ref, Title
from controller.core.models.derived import Derived
from controller.core.models.emissions import EmissionFigure

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
    """Fail position in the PLC: hold for ``hold_s``, then move to ``position`` at ``rate_per_min`` (0: at once).

    ``position: hold`` stays for good where the output is.
    """

    position: float | Literal["hold"]
    hold_s: Annotated[float, Field(ge=0)] = 0.0
    rate_per_min: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _does_one_thing(self) -> "Fail":
        if self.position == "hold" and (self.hold_s or self.rate_per_min):
            raise ValueError("position hold never moves; delete hold_s and rate_per_min")
        return self


class Instrument(Model):
    """How the simulator measures this input: ``of`` names a process signal of the instance ("drum.level", SI)."""

    of: str
    tau_s: Annotated[float, Field(ge=0)] = 0.0
    noise: Annotated[float, Field(ge=0)] = 0.0  # standard deviation in the tag's unit
    dead_time_s: Annotated[float, Field(ge=0)] = 0.0


class Actuator(Model):
    """What the simulator does with this output: ``drives`` names a process input, 0..1 of the tag's range."""

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


Figure = Literal[
    "scan_ms",  # time of the last scan
    "jitter_ms",  # how late the last scan began
    "overruns",  # scans missed since the start
    "poll_ms",  # last poll of one device (needs ``device``)
    "retain_age_s",  # age of the retained state on disk
    "gap_s",  # how long nobody scanned before this start
    "starts",  # starts since the retained state was made
    "events",  # sequence number of the newest event
    "unrecorded",  # events that are not on disk yet
    "control_failed",  # 1 while control stands still after an exception
    "bypasses",  # bypasses and start-up overrides of protection that are active
    "open_endpoint",  # 1 while the OPC UA server offers an endpoint without security
    "sessions",  # OPC UA sessions
    "hmi_age_s",  # time since the HMI server was last heard
]


class System(Model):
    """A figure of the control system itself."""

    figure: Figure
    device: str | None = None


_SOURCES = ("input", "output", "derived", "system", "emission")


class Tag(Model):
    """One signal of the plant. Exactly one of ``_SOURCES`` says where its value comes from."""

    title: Title
    unit: str = ""
    range: Range | None = None  # needed for all but bool
    bool_: Annotated[bool, Field(alias="bool")] = False
    states: dict[int, Title] | None = None  # names of codes (0, 1 for a bool)
    input: Input | None = None
    output: Output | None = None
    derived: Derived | None = None
    system: System | None = None
    emission: EmissionFigure | None = None
    group: Group | None = None
    rate: Rate = 1  # of ``derived``
    instrument: Instrument | None = None
    actuator: Actuator | None = None
    alarms: Alarms | None = None
    trip: TripLimits | None = None
    why: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "Tag":
        sources = [name for name in _SOURCES if getattr(self, name) is not None]
        if len(sources) != 1:
            raise ValueError(f"needs exactly one of {', '.join(_SOURCES)}; found {', '.join(sources) or 'none'}")
        if not self.bool_ and self.range is None:
            raise ValueError("needs a range (or bool: true)")
        return self
