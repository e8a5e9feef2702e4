"""What the loops remember, and the arrays that are the same in every scan, laid out once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from controller.core.loop_plan import Bools, Ints, LoopGroup, LoopPlan
from controller.core.plan import Mode, Plan
from controller.core.state import State
from controller.core.tags import Floats
from controller.logic.blocks import pid

# As numbers: an attribute of an Enum costs a microsecond in Python 3.11, and these are asked for in every scan.
OOS, LO, MAN, AUTO, CAS, RCAS, IMAN = (np.int8(mode) for mode in Mode)

Modes = npt.NDArray[np.int8]


def add_state(plan: Plan, state: State) -> None:
    """Add ``loop.*``, ``end.*`` and ``pid.*``.

    Retained: target mode, operator set-point, tuning. Outputs come from read-back, and with them the integrals.
    """
    loops = plan.loops
    keys, hashes = loops.keys, loops.hashes

    def kept(name: str, fill: npt.NDArray[Any], dtype: type = np.float64) -> None:
        state.add(name, keys, hashes=hashes, fill=fill, dtype=dtype, is_retained=True)

    kept("loop.mode", loops.start_mode, np.int8)
    kept("loop.sp", loops.sp_default)
    kept("loop.kp", loops.kp)
    kept("loop.ti", loops.ti)
    kept("loop.td", loops.td)
    state.add("loop.mode_act", keys, fill=MAN, dtype=np.int8)
    state.add("loop.rcas_age", keys)  # s since the set-point was written in RCAS
    state.add("loop.sp_used", keys, fill=loops.sp_default)
    state.add("loop.spr", keys, fill=loops.sp_default)  # what the master or the tag gives
    state.add("loop.sp_gap", keys)  # between the set-point in use and the one given, when CAS began; fades
    state.add("loop.joins", keys, dtype=np.bool_, fill=1)  # was not in CAS at its last turn
    state.add("loop.op", keys, fill=loops.op_lo)
    state.add("loop.ff", keys)
    state.add("loop.ff_is_lost", keys, dtype=np.bool_)
    state.add("loop.kp_factor", keys, fill=1.0)  # by the schedule
    state.add("loop.ti_factor", keys, fill=1.0)
    state.add("loop.is_forced", keys, dtype=np.bool_)  # all its final elements, by the arbiter, last scan
    state.add("loop.is_tracking", keys, dtype=np.bool_, fill=1)  # must be aligned before its next step
    state.add("loop.no_rise", keys, dtype=np.bool_)  # a higher set-point would change nothing: at a limit
    state.add("loop.no_fall", keys, dtype=np.bool_)
    for name in ("pid.integral", "pid.d", "pid.d_input", "pid.p"):
        state.add(name, keys)
    names = [f"{loops.keys[n]} {e}" for e, n in enumerate(loops.ends.loop.tolist())]
    state.add("end.gap", names)  # between what is sent and what the split of the output gives; fades


@dataclass(slots=True)
class Route:
    """Where the set-points of one group come from: ``lo <= gain * output of the master + base <= hi``, or a tag."""

    master: Ints
    gain: Floats
    base: Floats
    lo: Floats
    hi: Floats
    tag: Ints
    is_tag: Bools
    has_tag: bool
    is_led: Bools  # somebody gives the set-point


def _route(loops: LoopPlan, rows: slice) -> Route:
    ends, end = loops.ends, loops.master_end[rows]
    master, is_tag = np.maximum(loops.master[rows], 0), loops.sp_from.is_there[rows]
    has_master = (loops.master[rows] >= 0)[:, np.newaxis]
    if len(ends.loop):
        gain = ends.span[end] / ends.at_span[end]
        base = ends.lo[end] - ends.at[end] * gain
        lo, hi = ends.lo[end], ends.lo[end] + ends.span[end]
    else:
        gain, base, lo, hi = (np.zeros((len(end), 1)) for _ in range(4))
    return Route(
        master=master,
        gain=gain,
        base=base,
        lo=np.minimum(lo, hi),
        hi=np.maximum(lo, hi),
        tag=loops.sp_from.row[rows],
        is_tag=is_tag,
        has_tag=bool(is_tag.any()),
        is_led=has_master | is_tag,
    )


@dataclass(slots=True)
class Bound:
    """One group with its part of every array: views that stay the same while the arrays change."""

    group: LoopGroup
    tuning: pid.Tuning
    memory: pid.Memory
    op: Floats
    actual: Modes
    target: Modes
    y: Floats
    pv: Floats
    sp: Floats
    used: Floats
    spr: Floats
    sp_gap: Floats
    joins: Bools
    ff: Floats
    ff_is_lost: Bools
    is_tracking: Bools
    no_rise: Bools
    no_fall: Bools
    no_more: Bools
    no_less: Bools
    may_not_rise: Bools
    may_not_fall: Bools
    computes: Bools
    due: Bools
    dt: Floats
    sp_lo: Floats
    sp_hi: Floats
    sp_rate: Floats
    sp_slack: Floats  # differences of set-points smaller than this are none
    op_lo: Floats
    op_hi: Floats
    is_reverse: Bools
    r_scale: Floats
    r_zero: Floats
    route: Route | None


class Work:
    """Arrays (loops, batch) that every scan fills anew, and the groups bound to them and to the state."""

    def __init__(self, plan: Plan, state: State) -> None:
        loops = plan.loops
        n, batch = len(loops.keys), state.batch

        def floats() -> Floats:
            return np.zeros((n, batch))

        def bools() -> Bools:
            return np.zeros((n, batch), dtype=np.bool_)

        self.pv, self.y = floats(), floats()
        self.coefficients = pid.Coefficients(*(floats() for _ in range(4)))
        self.dt = np.zeros((n, 1))
        self.due = np.zeros((n, 1), dtype=np.bool_)
        self.computes = bools()
        self.no_more, self.no_less = bools(), bools()  # the integral: slaves at their limits
        self.may_not_rise, self.may_not_fall = bools(), bools()  # the output: blocks
        self.pv_scale = 100.0 / loops.pv_span
        self.pv_zero = -loops.pv_lo * self.pv_scale
        self.bound = {group.rows.start: self._bind(loops, state, group) for group in loops.groups}

    def _bind(self, loops: LoopPlan, state: State, group: LoopGroup) -> Bound:
        rows = group.rows
        return Bound(
            group=group,
            tuning=pid.Tuning(
                k=self.coefficients.k[rows],
                share=self.coefficients.share[rows],
                d_kept=self.coefficients.d_kept[rows],
                d_gain=self.coefficients.d_gain[rows],
                b=loops.b[rows],
                c=loops.c[rows],
                gap_band=loops.gap_band[rows] if group.has_gap else None,
                gap_gain=loops.gap_gain[rows],
                max_speed=loops.op_rate[rows] if group.has_rate else None,
            ),
            memory=pid.Memory(*(state[f"pid.{name}"][rows] for name in ("integral", "d", "d_input", "p"))),
            op=state["loop.op"][rows],
            actual=state["loop.mode_act"][rows],
            target=state["loop.mode"][rows],
            y=self.y[rows],
            pv=self.pv[rows],
            sp=state["loop.sp"][rows],
            used=state["loop.sp_used"][rows],
            spr=state["loop.spr"][rows],
            sp_gap=state["loop.sp_gap"][rows],
            joins=state["loop.joins"][rows],
            ff=state["loop.ff"][rows],
            ff_is_lost=state["loop.ff_is_lost"][rows],
            is_tracking=state["loop.is_tracking"][rows],
            no_rise=state["loop.no_rise"][rows],
            no_fall=state["loop.no_fall"][rows],
            no_more=self.no_more[rows],
            no_less=self.no_less[rows],
            may_not_rise=self.may_not_rise[rows],
            may_not_fall=self.may_not_fall[rows],
            computes=self.computes[rows],
            due=self.due[rows],
            dt=self.dt[rows],
            sp_lo=loops.sp_lo[rows],
            sp_hi=loops.sp_hi[rows],
            sp_rate=loops.sp_rate[rows],
            sp_slack=1e-9 * loops.pv_span[rows],
            op_lo=loops.op_lo[rows],
            op_hi=loops.op_hi[rows],
            is_reverse=loops.action[rows] > 0.0,
            r_scale=self.pv_scale[rows],
            r_zero=self.pv_zero[rows],
            route=_route(loops, rows) if group.is_remote else None,
        )
