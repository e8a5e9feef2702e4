"""The compiled plan: index and parameter arrays made from the configuration once, read-only afterwards.

Every index is a row number of the tag table. Parameter arrays are shaped (n, 1) so that they broadcast over the batch.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from controller.core.command import Role
from controller.core.tags import Floats, RowKind, TagTable, Text

Ints = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]


LOOP_MEMBERS: Final = ("PV", "SP", "SP_ACT", "SPR", "OP", "MODE", "MODE_ACT", "KP", "TI", "TD", "ERR")  # order of rows


class Mode(IntEnum):
    """Loop modes: one integer code for OPC UA, Modbus and files. IMAN is an actual mode only."""

    OOS = 0
    LO = 1
    MAN = 2
    AUTO = 3
    CAS = 4
    RCAS = 5
    IMAN = 6


class TripState(IntEnum):
    """State of a protection row as people see it (its ``.STATE`` row)."""

    HEALTHY = 0
    CAUSE_SHOWN = 1  # vote true, but not armed or still in its delay: shown, does not act
    ACTIVE = 2  # acting, not latched (Latch N)
    LATCHED = 3  # acting, the cause stands
    RESETTABLE = 4  # acting, the reset condition holds: waits for its reset
    DEGRADED = 5  # not acting, at least one channel bad


class AlarmState(IntEnum):
    """States of an alarm (ISA-18.2)."""

    NORMAL = 0
    UNACKED = 1
    ACKED = 2
    RETURNED_UNACKED = 3
    SHELVED = 4
    SUPPRESSED = 5
    OUT_OF_SERVICE = 6


# --- the field -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PointPlan:
    """Where one input or output lives. ``row`` counts from the start of its kind's span (0 = first input / output)."""

    key: str
    row: int
    device: int  # index into Plan.devices
    table: Literal["input", "holding", "discrete", "coil"]
    address: int
    form: Literal["raw", "bool", "int16", "uint16", "int32", "uint32", "float32", "float64"]
    byte_order: Literal["ABCD", "CDAB", "BADC", "DCBA"]
    lo: float
    hi: float


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """One Modbus server and the registers of mutual supervision (see models.Supervision)."""

    name: str
    host: str
    port: int
    unit_id: int
    timeout_ms: int
    stale_s: float
    heartbeat: int
    planned_stop: int
    watchdog_ms: int
    plc_counter: int
    max_gap: int = 32  # registers nobody wants that one read may run over, rather than asking twice


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DerivedGroup:
    """Derived rows of one kind, depth and rate, evaluated in one call.

    ``inputs`` (n, width) row numbers padded with the first input; ``used`` (n, width) marks the real ones.
    ``params`` holds the kind's numbers, each (n, 1) or (n, width): gains, bias, tau_s, limit, hysteresis.
    ``first`` is the group's first row in the state arrays ``derived.*``; ``rate`` and ``phase`` in scans.
    """

    kind: str
    out: Ints  # (n,)
    inputs: Ints
    used: Bools
    size: Ints  # (n, 1) how many inputs are real
    is_full: bool  # no padding
    params: dict[str, Floats]
    first: int
    rate: int
    phase: int


@dataclass(frozen=True, slots=True)
class PidGroup:
    """Loops of one depth (masters first) and rate. ``first``: position of the group in the state arrays ``loop.*``."""

    first: int
    count: int
    rate: int
    phase: int
    has_slaves: bool  # at least one of them is a master


@dataclass(frozen=True, slots=True)
class LoopPlan:
    """All loops, in the order of ``groups``; each array (n,) or (n, 1).

    Row arrays name the tag-table rows of the members. ``slave`` is the loop this one is master of (-1: none),
    ``master`` the reverse; ``output`` the output's number among the outputs (-1 for a cascade master).
    """

    keys: tuple[str, ...]
    hashes: tuple[str, ...]
    groups: tuple[PidGroup, ...]
    pv: Ints  # row of the PV's source
    members: dict[str, Ints]  # "PV", "SP", "SPR", "OP", "MODE", "MODE_ACT", "KP", "TI", "TD", "ERR", ... -> rows
    action: Floats  # +1 reverse, -1 direct
    pv_lo: Floats
    pv_span: Floats
    sp_lo: Floats
    sp_hi: Floats
    sp_rate: Floats  # unit/s, inf: steps
    sp_default: Floats
    sp_tracks: Bools
    op_lo: Floats
    op_hi: Floats
    op_rate: Floats  # %/s, inf: free
    kp: Floats  # defaults; the live tuning is state
    ti: Floats
    td: Floats
    b: Floats
    c: Floats
    n: Floats
    ff_row: Ints  # row of the feed-forward tag, 0 where none
    ff_gain: Floats  # % of output span per unit, 0 where none
    slave: Ints
    master: Ints
    output: Ints
    out_lo: Floats  # range of the final element or of the slave's set-point, its unit
    out_span: Floats
    permitted: Bools  # (n, len(Mode))
    start_mode: npt.NDArray[np.int64]  # (n, 1)


@dataclass(frozen=True, slots=True)
class ProtectionPlan:
    """The cause-and-effect matrix as arrays: channels -> votes -> rows -> forces on outputs.

    Channels are sorted by vote, votes by row, so ``np.add.reduceat`` over ``vote_first`` and ``row_first`` counts them.
    """

    keys: tuple[str, ...]  # rows
    hashes: tuple[str, ...]
    numbers: tuple[int, ...]
    channel_row: Ints  # (c,) tag-table row of each channel
    channel_limit: Floats  # (c, 1)
    channel_sign: Floats  # (c, 1): +1 acts at >= limit, -1 at <= limit (compare sign*value >= sign*limit)
    vote_first: Ints  # (v,) first channel of each vote
    vote_size: Ints  # (v, 1) channels
    vote_need: Ints  # (v, 1) N of NooM
    vote_delay: npt.NDArray[np.int64]  # (v, 1) ns
    vote_of_row: Ints  # (v,) row of each vote
    # protection rows, r of them
    row_first: Ints  # first vote of each row
    armed_row: Ints  # (r,) tag-table row of the condition; -1: always
    on_unknown: npt.NDArray[np.int64]  # (r, 1) 0 trip, 1 excluded_alarm, 2 excluded_trip_after_30s
    latch: Bools  # (r, 1)
    reset_row: Ints  # (r,) tag-table row of the reset condition; 0 where latch is false
    reset_limit: Floats  # (r, 1)
    reset_sign: Floats  # (r, 1) as channel_sign
    reset_role: tuple[Role | None, ...]
    group: Ints  # (r,) first-out group number
    groups: tuple[str, ...]
    members: dict[str, Ints]  # "STATE", "CAUSE", "ARMED", "FIRST_OUT", "BAD" -> tag-table rows
    # effects, sorted by (output, falling priority)
    effect_row: Ints  # (e,) protection row
    effect_output: Ints  # (e,) number among the outputs
    effect_value: Floats  # (e, 1) in the output's unit


@dataclass(frozen=True, slots=True)
class AlarmPlan:
    """All alarms as arrays (n,) or (n, 1)."""

    keys: tuple[str, ...]
    hashes: tuple[str, ...]
    source: Ints  # row watched
    row: Ints  # row of the alarm's own state
    limit: Floats  # (n, 1)
    sign: Floats  # +1 high alarm, -1 low alarm; bool tags: limit 0.5, +1
    on_bad: Bools  # (n, 1) alarm on BAD quality instead of a limit
    deadband: Floats
    on_ns: npt.NDArray[np.int64]
    off_ns: npt.NDArray[np.int64]
    severity: npt.NDArray[np.int64]  # (n,) OPC UA 1..1000
    unless_row: Ints  # (n,) -1: never suppressed
    can_shelve: Bools  # (n, 1) trip alarms cannot


@dataclass(frozen=True, slots=True)
class OutputPlan:
    """All outputs as arrays (n,) or (n, 1), in their own unit."""

    keys: tuple[str, ...]
    lo: Floats
    hi: Floats
    safe: Floats  # NaN: hold
    end_state: Floats  # NaN: hold
    loop: Ints  # (n,) loop that owns it, -1: none (set by hand through its own row)
    rest: Floats  # value before anything has written it, when the device cannot be read back


# --- words for people, not used by the scan --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AlarmInfo:
    """What a client shows beside an alarm."""

    key: str  # "L1-LT-1401.HIHI"
    source: str  # "L1-LT-1401"
    kind: Literal["hihi", "hi", "lo", "lolo", "active", "bad"]
    severity: int
    limit: float | None
    title: Text
    consequence: Text | None
    response: Text | None


@dataclass(frozen=True, slots=True)
class TripInfo:
    """What a client shows beside a protection row."""

    key: str  # "L1-UZ-03"
    number: int
    title: Text
    group: str
    causes: tuple[str, ...]  # "2oo3 of L1-LT-1401A, L1-LT-1401B, L1-LT-1401C <= -250 mm for 5 s"
    actions: tuple[str, ...]  # "A2 Boiler trip"
    reset_role: Role | None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything the scan needs, made by ``compile_plan``; never changes while it is in use."""

    name: str
    title: Text
    config_hash: str
    period_ns: int
    watchdog_ns: int
    timezone: str
    tags: TagTable
    areas: dict[str, Text]
    instances: dict[str, Text]
    devices: tuple[DevicePlan, ...]
    inputs: tuple[PointPlan, ...]
    outputs: tuple[PointPlan, ...]
    derived: tuple[DerivedGroup, ...]
    derived_time: Ints  # (derived,) row whose source time a derived row has: its first measured input
    loops: LoopPlan
    protection: ProtectionPlan
    alarms: AlarmPlan
    output: OutputPlan
    system: dict[str, int]  # figure ("scan_ms", "poll_ms/L1") -> row
    alarm_info: tuple[AlarmInfo, ...]
    trip_info: tuple[TripInfo, ...]

    def row(self, key: str) -> int:
        """Return the row number of a key; KeyError names it."""
        return self.tags.index[key]

    def span(self, kind: RowKind) -> slice:
        """Return the slice of one kind of rows."""
        return self.tags.span[kind]
