"""The compiled plan of all loops: index and parameter arrays, read-only. Parameters are (n, 1): they broadcast."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from controller.core.tags import Floats

Ints = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]

LOOP_MEMBERS: Final = ("PV", "SP", "SP_ACT", "SPR", "OP", "MODE", "MODE_ACT", "KP", "TI", "TD", "ERR")  # order of rows

Law = Literal["pid", "two_position", "station"]


@dataclass(frozen=True, slots=True)
class LoopGroup:
    """Loops of one law that run together: nothing that one of them needs is made by another."""

    law: Law
    rows: slice  # in the state arrays ``loop.*``
    op: slice  # tag-table rows of .OP
    is_remote: bool  # a set-point comes from a master or a tag
    is_master: bool
    is_slave: bool
    has_block: bool
    is_late: bool  # a PV is calculated among the loops
    has_feedforward: bool
    has_correction: bool
    has_gap: bool
    has_reset: bool
    has_rate: bool  # of an output
    has_sp_limits: bool  # that move


@dataclass(frozen=True, slots=True)
class Sources:
    """Tag-table rows that loops read, each (n,): row 0 and ``is_there`` (n, 1) false where a loop has none."""

    row: Ints
    is_there: Bools
    any: bool  # a loop has one


@dataclass(frozen=True, slots=True)
class Ends:
    """Where outputs go: e final elements and slaves, sorted by loop. 0 to 100 % of an end is ``at`` of its loop."""

    loop: Ints  # (e,)
    output: Ints  # (e,) number among the outputs, -1 for a slave
    slave: Ints  # (e,) -1 for a final element
    at: Floats  # (e, 1) % of the loop's output that is 0 % of the end
    at_span: Floats  # (e, 1) negative: the end falls when the output rises
    lo: Floats  # (e, 1) of the end, its unit
    span: Floats
    is_bool: Bools
    counts: Bools  # (e, 1) for the way back to the output: of ends with equal ``at`` only the first
    first: Ints  # (w,) first end of each loop that has one
    owner: Ints  # (w,) that loop


@dataclass(frozen=True, slots=True)
class Split:
    """Way back to the output of s loops whose ranges leave a gap or overlap: a broken line from travel to output."""

    loop: Ints  # (s,)
    travel: Floats  # (s, k, 1) sum of the ways of all ends, % of the output
    output: Floats  # (s, k, 1)


@dataclass(frozen=True, slots=True)
class Level:
    """Loops that wait only for loops of lower levels, w of them, and their l links to those who free them."""

    loop: Ints  # (w,) who waits
    first: Ints  # (w,) its first link
    target: Ints  # (l,) a slave, which frees in CAS, or a loop named in ``initial``, which frees when it controls
    is_named: Bools  # (l, 1)
    output: Ints  # (l,) a final element beside slaves, which frees when nothing forces it
    is_output: Bools  # (l, 1)
    has_named: bool
    has_output: bool


@dataclass(frozen=True, slots=True)
class Links:
    """Whom loops wait for, level by level, and what limits masters."""

    levels: tuple[Level, ...]
    slave_loop: Ints  # (m,) masters without a final element
    slave_first: Ints  # (m,) first of their ends
    slave_end: Ints  # all their ends, by master


@dataclass(frozen=True, slots=True)
class Schedule:
    """Factors on the tuning of s loops over a tag: broken lines with k points, padded with the last one."""

    loop: Ints  # (s,)
    of: Ints  # (s,) tag-table rows
    at: Floats  # (s, k, 1)
    kp: Floats
    ti: Floats


@dataclass(frozen=True, slots=True)
class LoopPlan:
    """All loops, in the order of the groups; arrays (n,) of rows or (n, 1) of numbers."""

    keys: tuple[str, ...]
    hashes: tuple[str, ...]
    groups: tuple[LoopGroup, ...]
    rate: npt.NDArray[np.int64]  # scans between two turns
    members: dict[str, Ints]  # member -> tag-table rows, -1 where a loop has no such member
    shown: Ints  # what stands in the loop rows of the tag table, as rows of all members of all loops
    measured: Ints  # rows of .PV and .ERR, which are as good and as old as ``measured_source``
    measured_source: Ints
    pv: Ints  # row of the PV's source
    late: Ints  # loops whose PV is calculated among the loops
    action: Floats  # +1 reverse, -1 direct
    pv_lo: Floats
    pv_span: Floats
    # set-points
    sp_lo: Floats
    sp_hi: Floats
    sp_rate: Floats  # unit/s
    sp_default: Floats
    sp_tracks: Bools
    sp_from: Sources
    sp_lo_from: Sources
    sp_hi_from: Sources
    master: Ints  # loop that gives the set-point in CAS, -1: none
    master_end: Ints  # the master's end that leads here, 0 where none
    rcas_timeout: Floats  # s
    # outputs
    op_lo: Floats
    op_hi: Floats
    op_rate: Floats  # %/s
    is_switch: Bools  # all its ends are bool: on or off
    out_lo: Floats  # range of what the output is: of the first end, or 0 to 100 %
    out_span: Floats
    ends: Ends
    drive: Ints  # ends that are final elements, in the order of the outputs
    split: Split
    # laws
    kp: Floats  # defaults; the live tuning is state
    ti: Floats
    td: Floats
    b: Floats
    c: Floats
    n: Floats
    gap_band: Floats  # % of PV span
    gap_gain: Floats
    schedule: Schedule
    dead_band: Floats  # PV unit
    ff: Sources
    ff_gain: Floats  # % of output span per unit
    correction_lo: Floats  # % of output span, or of the feed-forward
    correction_hi: Floats
    correction_of_ff: Bools
    reset_from: Sources
    raise_block: Sources
    lower_block: Sources
    # modes
    permitted: Bools  # (n, len(Mode))
    start_mode: npt.NDArray[np.int64]
    start_when: Sources
    holds: Bools  # a bad PV holds instead of shedding to MAN
    track: Sources
    track_at: Floats
    initial: Sources
    links: Links
