"""The compiled plan: index and parameter arrays made from the configuration once, read-only afterwards.

Every index is a row number of the tag table. Parameter arrays are shaped (n, 1) so that they broadcast over the batch.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from controller.core.command import Role
from controller.core.emission_plan import EmissionPlan
from controller.core.expression import Program
from controller.core.loop_plan import Bools, Ints, LoopGroup, LoopPlan
from controller.core.tags import Floats, RowKind, TagTable, Text

TRIP_MEMBERS: Final = ("STATE", "CAUSE", "ARMED", "FIRST_OUT", "BAD", "BYPASS", "LEFT")  # order of rows


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
    BYPASSED = 6  # not acting: the whole row is suspended (function bypass, start-up override)
    TEST = 7  # not acting: under test, the vote is driven, the effects are not


class Suspension(IntEnum):
    """What is suspended at a protection row (its ``.BYPASS`` row)."""

    NONE = 0
    CHANNEL = 1  # a channel of it
    FUNCTION = 2  # the whole row
    START_UP = 3  # the whole row, until the plant has started
    TEST = 4


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
    """Calculated rows of one kind, depth and rate, evaluated in one call.

    ``inputs`` (n, width) row numbers padded with the first input; ``used`` (n, width) marks the real ones.
    ``params`` holds the kind's numbers, each (n, 1) or (n, width); times in them are counted in turns of the group.
    ``first`` is the group's first row in the state arrays ``derived.*``; ``rate`` and ``phase`` in scans.
    """

    kind: str
    out: Ints  # (n,)
    inputs: Ints
    used: Bools
    size: Ints  # (n, 1) how many inputs are real
    is_full: bool  # no padding
    params: dict[str, Floats]
    hashes: tuple[str, ...]  # (n,) of the tags: what is retained returns by key and hash
    ring: int  # turns a ring remembers (dead time, rolling mean), else 0
    program: Program | None  # of expressions
    first: int
    rate: int
    phase: int


@dataclass(frozen=True, slots=True)
class ProtectionPlan:
    """The cause-and-effect matrix as arrays: channels -> parts -> votes -> rows -> forces on outputs.

    Channels are sorted by part, parts by vote, votes by row, so ``np.add.reduceat`` over ``part_first``, ``vote_first``
    and ``row_first`` counts them. A vote that is not nested has one part. Reset conditions are sorted by row.
    """

    keys: tuple[str, ...]  # rows
    hashes: tuple[str, ...]
    numbers: tuple[int, ...]
    channel_row: Ints  # (c,) tag-table row of each channel
    channel_limit: Floats  # (c, 1)
    channel_sign: Floats  # (c, 1): +1 acts at >= limit, -1 at <= limit (compare sign*value >= sign*limit)
    part_first: Ints  # (p,) first channel of each part
    part_size: Ints  # (p, 1) channels
    part_need: Ints  # (p, 1) N of NooM
    part_vote: Ints  # (p,) vote of each part
    vote_first: Ints  # (v,) first part of each vote
    vote_size: Ints  # (v, 1) parts
    vote_need: Ints  # (v, 1) parts that must be true
    vote_delay: npt.NDArray[np.int64]  # (v, 1) ns
    vote_unknown: npt.NDArray[np.int64]  # (v, 1) 0 trip, 1 excluded_alarm, 2 excluded_trip_after_30s
    vote_row: Ints  # (v,) row of each vote
    # protection rows, r of them
    row_first: Ints  # first vote of each row
    armed_row: Ints  # (r,) tag-table row of the condition; -1: always
    latch: Bools  # (r, 1)
    returns: Bools  # (r, 1) not latched, and goes on acting until its reset conditions hold
    reset_first: Ints  # (r,) first reset condition of each row, of k; every row has at least one
    reset_row: Ints  # (k,) tag-table row of the condition; 0, never met, where a row has none
    reset_limit: Floats  # (k, 1)
    reset_sign: Floats  # (k, 1) as channel_sign
    reset_hold: npt.NDArray[np.int64]  # (k, 1) ns for which it must have held
    reset_role: tuple[Role | None, ...]
    manual_role: tuple[Role | None, ...]  # lowest role that may trip the row by hand; None: nobody
    function_bypass: tuple[bool, ...]
    channel_bypass: tuple[int, ...]  # channels of one part that may be bypassed at a time
    start_up_ns: tuple[int, ...]  # longest start-up override, 0: none
    start_up_row: Ints  # (r,) tag-table row that ends a start-up override, 0 where there is none
    group: Ints  # (r,) first-out group number
    groups: tuple[str, ...]
    members: dict[str, Ints]  # TRIP_MEMBERS -> tag-table rows
    # effects, sorted by (output, falling priority)
    effect_row: Ints  # (e,) protection row
    effect_output: Ints  # (e,) number among the outputs
    effect_value: Floats  # (e, 1) in the output's unit
    effect_after: npt.NDArray[np.int64]  # (e, 1) ns after the row began to act
    # actions that at least one row has, a of them
    action_keys: tuple[str, ...]
    action_row: Ints  # rows that have the action, sorted by action
    action_first: Ints  # (a,) first of them
    action_acts: Ints  # (a,) tag-table row of .ACT
    bypass_limit: int  # bypasses at a time in the whole plant
    bypass_max_ns: int  # the longest


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
    derived: tuple[DerivedGroup, ...]  # before protection
    control: tuple[DerivedGroup | LoopGroup, ...]  # loops, and the calculated tags that need one, in order
    derived_time: Ints  # (derived,) row whose source time a derived row has: its first measured input
    loops: LoopPlan
    protection: ProtectionPlan
    alarms: AlarmPlan
    output: OutputPlan
    system: dict[str, int]  # figure ("scan_ms", "poll_ms/L1") -> row
    alarm_info: tuple[AlarmInfo, ...]
    trip_info: tuple[TripInfo, ...]
    emissions: EmissionPlan | None = None  # None: the plant has no emission monitoring

    @property
    def calculated(self) -> tuple[DerivedGroup, ...]:
        """All groups of calculated tags, before and after protection, in the order of their state arrays."""
        return (*self.derived, *(group for group in self.control if isinstance(group, DerivedGroup)))

    def row(self, key: str) -> int:
        """Return the row number of a key; KeyError names it."""
        return self.tags.index[key]

    def span(self, kind: RowKind) -> slice:
        """Return the slice of one kind of rows."""
        return self.tags.span[kind]
