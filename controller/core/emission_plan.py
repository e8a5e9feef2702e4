"""The compiled plan of the emission calculation: arrays made from ``emissions.yaml`` once, read-only afterwards.

Signals are the channels first, sorted by monitor, then five reference signals (temperature, pressure, H2O, O2, flow),
each for every monitor. Shapes: channels (c, 1), signals (s, 1), monitors (m, 1); the batch is last.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from controller.core.tags import Floats

Ints = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]

MOLAR_VOLUME: Final = 22.414  # m3/kmol at 273.15 K and 101.325 kPa; the customary one, with 101.3 too

TEMPERATURE, PRESSURE, H2O, O2, FLOW = range(5)  # order of the reference signals
REFERENCES: Final = ("T", "P", "H2O", "O2", "FLOW")
TEN, TWENTY, HALF_HOUR = range(3)  # order of the periods
PERIOD_MIN: Final = (10, 20, 30)

CHANNEL_FIGURES: Final = (
    "value", "m1", "m10", "m20", "m30", "v10", "v30", "day", "day_last", "forecast", "forecast_above",
    "minutes_to_limit", "exceeded", "run_back", "mass_flow", "mass_year", "status", "lost_today", "above_a_year",
    "above_b_year", "share_b", "days_above", "share_days", "days_lost", "above_ten_today",
)  # fmt: skip
MONITOR_FIGURES: Final = (
    "state", "otnoc", "waste", "no_waste", "run_h", "year_h", "ten_minute_count", "lost_today", "days_lost",
    "otnoc_h", "silent_h", "is_valid", "run_back", "exceeded",
)  # fmt: skip


class PlantPhase(IntEnum):
    """State of a line for the record of its emissions."""

    OFF = 0
    START_UP = 1  # without waste
    OPERATING = 2  # waste on the grate: effective operating time
    SHUT_DOWN = 3  # without waste


@dataclass(frozen=True, slots=True)
class Zone:
    """Local time: ``offset_ns[k]`` holds from ``since_ns[k]`` (UTC) on; the first one before that as well."""

    since_ns: tuple[int, ...]
    offset_ns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibration functions of all signals (s, 1) that hold from ``since_ns`` (UTC) until the next one."""

    since_ns: int
    a: Floats
    b: Floats
    valid_to: Floats  # inf: no valid range is known
    is_expired: Bools


@dataclass(frozen=True, slots=True)
class StatePlan:
    """What the state of each line is found from. Row -1: there is no such signal."""

    stroke_row: Ints  # (k,) positions of all pushers
    stroke_first: Ints  # (m,) first pusher of each monitor
    stroke: Floats  # (m, 1)
    stroke_of: Ints  # (k,) monitor of each pusher
    hold_s: Floats
    mass_row: Ints  # (m,)
    mass_above: Floats
    burner_row: Ints
    temperature_row: Ints
    off_below: Floats
    otnoc_row: Ints  # (j,)
    otnoc_of: Ints  # (j,) monitor


@dataclass(frozen=True, slots=True)
class EmissionPlan:
    """Everything the emission calculation needs."""

    zone: Zone
    sample_ns: int
    monitors: tuple[str, ...]  # instances
    profiles: tuple[str, ...]  # of the monitors
    channels: tuple[str, ...]  # "L1/NOX"
    substances: tuple[str, ...]  # of the channels
    signals: tuple[str, ...]  # channels, then "L1/T", ...
    channel_hashes: tuple[str, ...]  # over what is measured and how; not over limits and functions
    monitor_hashes: tuple[str, ...]
    channel_start_hashes: tuple[str, ...]  # over the counters at hand-over: nothing else clears a counter
    monitor_start_hashes: tuple[str, ...]
    # signals
    source: Ints  # (s,) table rows
    is_there: Bools
    has_status: Bools  # read by an analyser that can be in calibration
    monitor: Ints  # (s,)
    lo: Floats
    hi: Floats
    frozen_samples: Floats
    status_row: Ints  # (m,)
    status_code: Floats  # (4, m, 1) fault, maintenance, calibration, standby
    calibrations: tuple[Calibration, ...]
    # channels
    qal_row: Ints  # (c,) 0 where there is none
    has_qal: Bools
    factor: Bools  # (4, c, 1) T, p, H2O, O2: which factors the value needs
    needs: Bools  # (4, c, 1) which reference signals must be valid for it
    reference: Ints  # (4, c) signal numbers of these
    required: Bools
    unit: Floats  # kg/Nm3 per unit of the channel
    first: Ints  # (m,) first channel of each monitor
    confidence: Floats  # subtracted when validating
    limit_a: Floats  # NaN: none, as all limits
    limit_b: Floats
    limit_day: Floats
    limit_ten: Floats
    ten_allowed: Floats  # of 24 h
    ten_share: Floats  # of a day's means that must be below
    lost_allowed: Floats  # half-hours a day
    day_needs: Floats  # half-hours
    waste_needs: Floats  # (m, 1) minutes of a half-hour
    otnoc_counts: Bools  # half-hours under other than normal conditions are part of the daily mean
    # reference state
    is_o2_wet: Bools  # (m, 1)
    o2_reference: Floats
    air_o2: Floats
    kpa: Floats
    k: Floats
    upwards_only: Bools
    o2_high: Floats
    sample_needs: Floats  # (s, 1) samples of a minute
    minute_needs: Floats  # (3, s, 1) minutes of a period
    state: StatePlan
    # start values: year, counters (n,) as in logic.emissions.counters
    start_year: Ints  # (m,)
    start_monitor: Floats  # (3, m, 1) run, year, otnoc hours
    start_channel: Floats  # (7, c, 1)
    # rows of the tag table, contiguous: row k shows shown[k] of channel figures x channels, then monitor figures
    rows: slice
    shown: Ints
