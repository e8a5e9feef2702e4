"""``emissions.yaml``: limits and rules as profiles, and how each stack's monitoring is judged by one of them.

A profile is a permit in numbers: nothing in it is code. A monitor names the tags of one template that the calculation
reads; its results are tags again (``emission: {channel: NOX, figure: m1}``). Concentrations of a limit are in the unit
of the channel's tags.
"""

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, model_validator

from controller.core.models.base import Model, Ref, Title

ProfileName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=20)]
Substance = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*$", max_length=8)]
Positive = Annotated[float, Field(gt=0)]
Day = Annotated[dt.date, Field(strict=False)]  # YAML has no dates here: "2026-01-31" is text

ChannelFigure = Literal[
    "value",  # last sample at reference conditions
    "m1",  # means of 1, 10, 20, 30 minutes
    "m10",
    "m20",
    "m30",
    "v10",  # validated: confidence interval subtracted, waste on the grate only
    "v30",
    "day",  # mean of today's validated half-hours so far
    "day_last",  # of the last whole day that is valid
    "forecast",  # of the running half-hour, validated
    "forecast_above",  # bool: forecast above limit A
    "minutes_to_limit",  # until limit A is reached at the level of the last three minutes; BAD: not in this half-hour
    "exceeded",  # bool: the last half-hour exceeded limit A, or the running one is certain to
    "run_back",  # bool: certain within ten minutes at the present level
    "mass_flow",  # kg/h
    "mass_year",  # t of this year
    "status",  # why the last minute is not valid, see logic.emissions.reasons; 0: valid, nothing to say
    "lost_today",  # half-hours without a valid mean while waste burned
    "above_a_year",  # half-hours of the year above limit A, above limit B
    "above_b_year",
    "share_b",  # % of the year's half-hours at or below limit B
    "days_above",  # days of the year above the daily limit
    "share_days",  # % of the year's valid days at or below it
    "days_lost",  # days of the year discarded
    "above_ten_today",  # ten-minute means of today above their limit
]
MonitorFigure = Literal[
    "state",  # 0 off, 1 start-up without waste, 2 operating, 3 shut-down without waste
    "otnoc",  # bool: other than normal operating conditions
    "waste",  # bool: state 2
    "no_waste",  # bool: not state 2
    "run_h",  # exceedance without a break
    "year_h",  # exceedance of the year
    "ten_minute_count",  # ten-minute means above their limit in 24 h, worst channel
    "lost_today",  # half-hours lost today, worst channel
    "days_lost",  # days discarded this year, worst channel
    "otnoc_h",  # hours of the year with waste under other than normal conditions
    "silent_h",  # since the last minute in which a required channel was valid, worst channel
    "is_valid",  # bool: each required channel was valid in the last minute
    "run_back",  # bool: some channel asks for it
    "exceeded",  # bool: some channel says so, or the ten-minute count stands at its limit
]


class EmissionFigure(Model):
    """What a tag shows of the emission calculation of its instance: of one channel, or of the whole monitor."""

    figure: ChannelFigure | MonitorFigure
    channel: Substance | None = None


class Reference(Model):
    """The state that concentrations are referred to. The constants are the law's, not physics' (21, not 20.9)."""

    o2: float = 11.0  # %, dry
    air_o2: float = 21.0  # %
    kpa: float = 101.3
    k: float = 273.15
    upwards_only: bool = False  # hazardous waste: no correction where O2 is below the reference
    o2_high: float = 20.0  # %: from here on a value is not valid, nothing burns


class Validity(Model):
    """How much of a period must be there. Minutes of a mean, half-hours of a day."""

    minute_share: Annotated[float, Field(gt=0, le=1)] = 2.0 / 3.0  # of the samples
    ten_minutes: Annotated[int, Field(ge=1, le=10)] = 7
    twenty_minutes: Annotated[int, Field(ge=1, le=20)] = 14
    half_hour: Annotated[int, Field(ge=1, le=30)] = 20
    waste_minutes: Annotated[int, Field(ge=1, le=30)] = 20  # a half-hour with less waste time does not count
    day: Annotated[int, Field(ge=1, le=48)] = 12
    lost_half_hours: Annotated[int, Field(ge=0, le=48)] = 5  # more than that: the day is discarded
    lost_days: Annotated[int, Field(ge=0, le=366)] = 10


class Limits(Model):
    """Limits of one substance; none means no such limit."""

    daily: Positive | None = None
    half_hour_a: Positive | None = None  # 100 % of the half-hours; starts the exceedance clock
    half_hour_b: Positive | None = None  # the profile's share of the year's half-hours
    ten_minute: Positive | None = None  # the profile's share of the ten-minute means in any 24 h
    confidence_pct: Annotated[float, Field(ge=0, lt=100)] = 0.0  # of the daily limit, subtracted when validating
    confidence: Annotated[float, Field(ge=0)] | None = None  # or as a concentration: the uncertainty found in QAL2
    days_share_pct: Annotated[float, Field(gt=0, le=100)] = 100.0  # of the year's days at or below the daily limit
    low_range: Positive | None = None  # certified range, at most 1.5 times the daily limit
    high_range: Positive | None = None

    @model_validator(mode="after")
    def _confidence_has_a_limit(self) -> "Limits":
        if self.confidence_pct and self.daily is None:
            raise ValueError("confidence_pct is of the daily limit; give daily or write confidence")
        return self


class Profile(Model):
    """A set of limits and rules: a law or a permit."""

    title: Title
    source: str
    reference: Reference = Reference()
    validity: Validity = Validity()
    half_hour_b_share_pct: Annotated[float, Field(gt=0, le=100)] = 97.0
    ten_minute_share_pct: Annotated[float, Field(gt=0, le=100)] = 95.0
    round_to_limit: bool = False  # values are rounded to the digits of the limit, half upwards, then compared
    otnoc_in_daily: bool = True  # False: half-hours under other than normal conditions are left out of daily means
    limits: dict[Substance, Limits]


class CalibrationFunction(Model):
    """``y = a + b x`` of QAL2, in the unit and state of the measured value, with its dates (local, first and last)."""

    first: Day
    last: Day
    a: float = 0.0
    b: Positive = 1.0
    valid_to: Positive | None = None  # upper end of the valid calibration range, at reference conditions
    method: Literal["A", "B", "C", "maker"]


class EmissionChannel(Model):
    """One analyser: where it is read and what brings its value to the reference state."""

    raw: Ref
    qal: Ref | None = None  # QAL3 state: 2 is out of control
    gas: Literal["cold_dry", "hot_wet", "in_situ"]  # O2 / H2O and O2 / temperature, pressure, H2O and O2
    molar_mass: Positive | None = None  # g/mol: the analyser shows ppm
    required: bool = False  # without it the monitoring is not in order
    calibrations: Annotated[list[CalibrationFunction], Field(min_length=1)]


class MonitorStatus(Model):
    """Codes of the monitoring's own status."""

    tag: Ref
    maintenance: int
    calibration: int
    fault: int
    standby: int


class PlantState(Model):
    """How the state of the line is found."""

    strokes: Annotated[list[Ref], Field(min_length=1)]  # positions of the pushers
    stroke: Positive  # a movement of so much is a stroke
    waste_after_stroke_min: Positive
    mass: Ref | None = None  # estimate of the mass on the grate
    mass_above: Positive = 2.0
    burners: Ref  # bool
    temperature: Ref
    off_below: float  # of the temperature
    otnoc: list[Ref] = []  # bools: one of them, with waste on the grate


class Monitor(Model):
    """The monitoring of one stack, for every instance of the template it stands under."""

    profile: ProfileName
    sample_s: Annotated[float, Field(ge=0.1, le=60)] = 1.0
    frozen_s: Positive = 300.0  # a reading that does not move for so long is not believed
    o2: Ref
    o2_is_wet: bool = False
    h2o: Ref
    temperature: Ref
    pressure: Ref
    flow: Ref  # wet
    status: MonitorStatus
    state: PlantState
    channels: Annotated[dict[Substance, EmissionChannel], Field(min_length=1)]


class ChannelStart(Model):
    """Counters of one channel at hand-over."""

    half_hours: Annotated[int, Field(ge=0)] = 0  # valid ones of the year
    above_a: Annotated[int, Field(ge=0)] = 0
    above_b: Annotated[int, Field(ge=0)] = 0
    days: Annotated[int, Field(ge=0)] = 0  # valid ones
    days_above: Annotated[int, Field(ge=0)] = 0
    days_lost: Annotated[int, Field(ge=0)] = 0
    mass_t: Annotated[float, Field(ge=0)] = 0.0


class HandOver(Model):
    """Counters of one instance in the middle of a year; they count while ``year`` lasts."""

    year: Annotated[int, Field(ge=2020, le=2070)]
    run_h: Annotated[float, Field(ge=0)] = 0.0
    year_h: Annotated[float, Field(ge=0)] = 0.0
    otnoc_h: Annotated[float, Field(ge=0)] = 0.0
    channels: dict[Substance, ChannelStart] = {}


class EmissionFile(Model):
    """``emissions.yaml``."""

    profiles: dict[ProfileName, Profile] = {}
    monitors: dict[str, Monitor] = {}  # by template
    hand_over: dict[str, HandOver] = {}  # by instance
