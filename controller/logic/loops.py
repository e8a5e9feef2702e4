"""Loops: modes, set-points, cascades and the PID of each, on arrays (loops, batch).

Masters stand before their slaves. A master whose slave does not follow it (not in CAS, forced, bad) is in IMAN: its
output follows the slave's set-point, so closing the cascade makes no bump. A loop whose output somebody else owns
(protection, interlock) is in LO: its output follows what is really sent. A bad PV sheds a loop to MAN with the output
held; the operator brings it back.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from controller.core.command import Reason, Role
from controller.core.event import EventKind
from controller.core.plan import LOOP_MEMBERS, Bools, LoopPlan, Mode, Plan
from controller.core.quality import BAD, GOOD, Codes
from controller.core.state import State
from controller.core.tags import Floats, Times
from controller.logic.blocks import pid
from controller.logic.emit import Emit

# As numbers: an attribute of an Enum costs a microsecond in Python 3.11, and these are asked for in every scan.
_OOS, _LO, _MAN, _AUTO, _CAS, _RCAS, _IMAN = (np.int8(mode) for mode in Mode)
_NOWHERE = np.zeros((1, 1), dtype=np.bool_)
_LIMIT_PCT = 1e-6  # an output this close to its limit stands at it


def add_state(plan: Plan, state: State) -> None:
    """Add ``loop.*`` and ``pid.*``. Retained: target mode, operator set-point, tuning; outputs come from read-back."""
    loops = plan.loops
    keys, hashes = loops.keys, loops.hashes

    def kept(name: str, fill: npt.NDArray[Any], dtype: type = np.float64) -> None:
        state.add(name, keys, hashes=hashes, fill=fill, dtype=dtype, is_retained=True)

    kept("loop.mode", loops.start_mode, np.int8)
    kept("loop.sp", loops.sp_default)
    kept("loop.kp", loops.kp)
    kept("loop.ti", loops.ti)
    kept("loop.td", loops.td)
    state.add("loop.mode_act", keys, fill=_MAN, dtype=np.int8)
    state.add("loop.sp_used", keys, fill=loops.sp_default)
    state.add("loop.op", keys, fill=loops.op_lo)
    state.add("loop.ff", keys)
    state.add("loop.is_forced", keys, dtype=np.bool_)  # by the arbiter, last scan
    state.add("loop.is_tracking", keys, dtype=np.bool_, fill=1)  # must be aligned before its next step
    for name in ("pid.integral", "pid.d", "pid.d_input", "pid.p"):
        state.add(name, keys)


def to_manual(state: State, plants: Bools) -> None:
    """Leave no loop on automatic in the marked plants (batch,)."""
    mode = state["loop.mode"]
    np.copyto(mode, _MAN, where=(mode != _OOS) & plants)


def start(plan: Plan, state: State, value: Floats, *, is_restored: bool) -> None:
    """Align after a start, so that the first step moves nothing.

    ``value`` is the tag table with inputs and derived values. Set-points are the retained ones; on a cold start a slave
    begins at its PV. A master begins where its slave's set-point is.
    """
    loops, sp, used = plan.loops, state["loop.sp"], state["loop.sp_used"]
    state["loop.is_tracking"][...] = True
    if not is_restored:
        pv = value[loops.pv]
        np.copyto(sp, pv, where=(loops.master >= 0)[:, None] & np.isfinite(pv))
    np.copyto(used, np.minimum(np.maximum(sp, loops.sp_lo), loops.sp_hi))
    slave_sp = (used[loops.slave] - loops.out_lo) * 100.0 / loops.out_span
    np.copyto(state["loop.op"], slave_sp, where=(loops.slave >= 0)[:, None])


def find_modes(plan: Plan, state: State, quality: Codes, emit: Emit) -> None:
    """Shed loops with a bad PV, then find every actual mode (slaves first, because masters wait for them)."""
    loops, target, actual = plan.loops, state["loop.mode"], state["loop.mode_act"]
    pv_is_bad = quality[loops.pv] >= BAD
    sheds = pv_is_bad & (target >= _AUTO)
    if sheds.any():
        for row, column in np.argwhere(sheds):
            emit(EventKind.MODE_SHED, loops.keys[row], plant=int(column), value=float(target[row, column]))
        np.copyto(target, _MAN, where=sheds)
    np.copyto(actual, target)
    np.copyto(actual, _LO, where=state["loop.is_forced"] & (target != _OOS))
    for group in reversed(loops.groups):
        rows = slice(group.first, group.first + group.count)
        if not group.has_slaves:
            continue
        slave = loops.slave[rows]
        waits = (slave >= 0)[:, None] & (actual[slave] != _CAS) & (actual[rows] >= _AUTO)
        np.copyto(actual[rows], _IMAN, where=waits)


def control(plan: Plan, state: State, value: Floats, quality: Codes, runs: Sequence[int]) -> None:
    """Run every due group; ``runs[g]`` is how many of its turns it has now. Afterwards ``loop.op`` is the demand."""
    loops, op, actual = plan.loops, state["loop.op"], state["loop.mode_act"]
    has_slave = loops.slave >= 0
    slave_sp = (state["loop.sp_used"][loops.slave] - loops.out_lo) * 100.0 / loops.out_span
    np.copyto(op, slave_sp, where=has_slave[:, None] & (actual == _IMAN))
    computes = (actual >= _AUTO) & (actual <= _RCAS)
    np.copyto(state["loop.is_tracking"], True, where=~computes)
    for group, turns in zip(loops.groups, runs, strict=True):
        if turns:
            rows = slice(group.first, group.first + group.count)
            dt = turns * group.rate * plan.period_ns * 1e-9
            up, down = _blocked(plan, state, rows) if group.has_slaves else (_NOWHERE, _NOWHERE)
            _run_group(plan, state, value, quality, rows, dt, computes[rows], up, down)


def _blocked(plan: Plan, state: State, rows: slice) -> tuple[Bools, Bools]:
    """Return where a master must not push its slave up or down, because the slave is at a limit (last scan)."""
    loops, slave = plan.loops, plan.loops.slave[rows]
    op, sp = state["loop.op"][slave], state["loop.sp_used"][slave]
    at_hi, at_lo = op >= loops.op_hi[slave] - _LIMIT_PCT, op <= loops.op_lo[slave] + _LIMIT_PCT
    is_reverse = loops.action[slave] > 0.0
    cannot_rise = np.where(is_reverse, at_hi, at_lo) | (sp >= loops.sp_hi[slave])
    cannot_fall = np.where(is_reverse, at_lo, at_hi) | (sp <= loops.sp_lo[slave])
    has_slave = (slave >= 0)[:, None]
    return has_slave & cannot_rise, has_slave & cannot_fall


def _run_group(
    plan: Plan,
    state: State,
    value: Floats,
    quality: Codes,
    rows: slice,
    dt: float,
    computes: Bools,
    blocked_up: Bools,
    blocked_down: Bools,
) -> None:
    loops = plan.loops
    op, is_tracking = state["loop.op"][rows], state["loop.is_tracking"][rows]
    pv = value[loops.pv[rows]]
    sp = _move_setpoint(plan, state, rows, pv, dt)
    r = (sp - loops.pv_lo[rows]) * 100.0 / loops.pv_span[rows]
    y = (pv - loops.pv_lo[rows]) * 100.0 / loops.pv_span[rows]
    ff = state["loop.ff"][rows]
    ff_row = loops.ff_row[rows]
    np.copyto(ff, loops.ff_gain[rows] * value[ff_row], where=(loops.ff_gain[rows] != 0.0) & (quality[ff_row] < BAD))
    tuning, memory = _tuning(loops, state, rows), _memory(state, rows)
    pid.track(tuning, memory, r=r, y=y, ff=ff, op=op, where=computes & is_tracking)
    pid.step(
        tuning,
        memory,
        r=r,
        y=y,
        ff=ff,
        op=op,
        dt=dt,
        max_move=loops.op_rate[rows] * dt,
        no_more=blocked_up,
        no_less=blocked_down,
        where=computes,
    )
    np.copyto(is_tracking, False, where=computes)


def _move_setpoint(plan: Plan, state: State, rows: slice, pv: Floats, dt: float) -> Floats:
    """Move the set-point in use towards the wish that the mode names; return it (a view of the state)."""
    loops, actual = plan.loops, state["loop.mode_act"][rows]
    sp, used = state["loop.sp"][rows], state["loop.sp_used"][rows]
    follows_master = (actual == _CAS) & (loops.master[rows] >= 0)[:, None]
    follows_pv = loops.sp_tracks[rows] & (actual <= _MAN) & np.isfinite(pv)
    np.copyto(sp, pv, where=follows_pv)
    wish = np.where(follows_master, _remote(loops, state)[rows], sp)
    wish = np.minimum(np.maximum(wish, loops.sp_lo[rows]), loops.sp_hi[rows])
    most = np.where(follows_pv, np.inf, loops.sp_rate[rows] * dt)
    np.copyto(used, np.minimum(np.maximum(wish, used - most), used + most))
    np.copyto(sp, used, where=follows_master)  # so CAS -> AUTO keeps the set-point
    return used


def _remote(loops: LoopPlan, state: State) -> Floats:
    """Return the set-point each loop gets from its master (its own operator set-point where it has none)."""
    master = loops.master
    from_master = loops.out_lo[master] + state["loop.op"][master] * loops.out_span[master] / 100.0
    return np.where((master >= 0)[:, None], from_master, state["loop.sp"])


def _tuning(loops: LoopPlan, state: State, rows: slice) -> pid.Tuning:
    return pid.Tuning(
        k=state["loop.kp"][rows] * loops.action[rows],
        ti=state["loop.ti"][rows],
        td=state["loop.td"][rows],
        b=loops.b[rows],
        c=loops.c[rows],
        n=loops.n[rows],
        op_lo=loops.op_lo[rows],
        op_hi=loops.op_hi[rows],
    )


def _memory(state: State, rows: slice) -> pid.Memory:
    return pid.Memory(
        integral=state["pid.integral"][rows],
        d=state["pid.d"][rows],
        d_input=state["pid.d_input"][rows],
        p=state["pid.p"][rows],
    )


def demand(plan: Plan, state: State) -> Floats:
    """Return what the loops ask of the final elements, (loops, batch), in the element's unit."""
    loops = plan.loops
    return loops.out_lo + state["loop.op"] * loops.out_span / 100.0


def follow(plan: Plan, state: State, mv: Floats, is_forced: Bools) -> None:
    """Let every loop whose final element was forced follow what is really sent; arrays (outputs, batch)."""
    loops = plan.loops
    has_output = (loops.output >= 0)[:, None]
    forced = has_output & is_forced[loops.output]
    sent = (mv[loops.output] - loops.out_lo) * 100.0 / loops.out_span
    np.copyto(state["loop.op"], sent, where=forced)
    np.copyto(state["loop.is_forced"], forced)
    actual = state["loop.mode_act"]
    np.copyto(actual, _LO, where=forced & (actual != _OOS))


def publish(plan: Plan, state: State, value: Floats, quality: Codes, time: Times, utc: int) -> None:
    """Write the members of all loops into the tag table: one block, in the order of LOOP_MEMBERS."""
    loops = plan.loops
    pv_quality = quality[loops.pv]
    pv = value[loops.pv]
    used = state["loop.sp_used"]
    rows = slice(loops.members["PV"][0], loops.members["PV"][0] + len(LOOP_MEMBERS) * len(pv))
    value[rows] = np.concatenate(
        (
            pv,
            state["loop.sp"],
            used,
            _remote(loops, state),
            state["loop.op"],
            state["loop.mode"],
            state["loop.mode_act"],
            state["loop.kp"],
            state["loop.ti"],
            state["loop.td"],
            used - pv,
        )
    )
    quality[rows], time[rows] = GOOD, utc
    for member in ("PV", "ERR"):
        first = loops.members[member][0]
        quality[first : first + len(pv)] = pv_quality
        time[first : first + len(pv)] = time[loops.pv]


# --- commands --------------------------------------------------------------------------------------------------------


def write(plan: Plan, state: State, loop: int, member: str, x: float, role: Role, quality: Codes) -> tuple[Reason, str]:
    """Carry out a checked write (right, type and range are) on every plant whose mode permits it."""
    match member:
        case "SP":
            return _write_sp(plan, state, loop, x)
        case "OP":
            return _write_op(plan, state, loop, x)
        case "MODE":
            return _write_mode(plan, state, loop, x, role, quality)
        case _:
            return _write_tuning(state, loop, member, x)


def _refused(reason: Reason, key: str, text: str) -> tuple[Reason, str]:
    return reason, f"{key}: {text}"


def _write_sp(plan: Plan, state: State, loop: int, x: float) -> tuple[Reason, str]:
    target = state["loop.mode"][loop]
    follows_pv = bool(plan.loops.sp_tracks[loop, 0])
    permits = (target == Mode.AUTO) | ((target <= Mode.MAN) & (not follows_pv))
    np.copyto(state["loop.sp"][loop], x, where=permits)
    if permits.all():
        return Reason.ACCEPTED, ""
    mode = Mode(int(target[~permits][0])).name
    why = "the set-point follows the PV" if mode != "CAS" else "the set-point comes from the master"
    return _refused(Reason.WRONG_MODE, f"{plan.loops.keys[loop]}.SP", f"mode {mode}: {why}; select AUTO first")


def _write_op(plan: Plan, state: State, loop: int, x: float) -> tuple[Reason, str]:
    actual = state["loop.mode_act"][loop]
    permits = actual == Mode.MAN
    np.copyto(state["loop.op"][loop], x, where=permits)
    if permits.all():
        return Reason.ACCEPTED, ""
    mode = Mode(int(actual[~permits][0]))
    reason = Reason.INTERLOCKED if mode is Mode.LO else Reason.WRONG_MODE
    return _refused(reason, f"{plan.loops.keys[loop]}.OP", f"mode {mode.name}: the output is not the operator's")


def _write_mode(plan: Plan, state: State, loop: int, x: float, role: Role, quality: Codes) -> tuple[Reason, str]:
    loops = plan.loops
    key = f"{loops.keys[loop]}.MODE"
    if not float(x).is_integer():
        return _refused(Reason.WRONG_TYPE, key, f"{x:g} is no mode code")
    mode = Mode(int(x))
    if mode is Mode.IMAN or not loops.permitted[loop, mode]:
        names = ", ".join(m.name for m in Mode if loops.permitted[loop, m])
        return _refused(Reason.WRONG_MODE, key, f"{mode.name} is not permitted here; permitted: {names}")
    if mode is Mode.OOS and role is not Role.ENGINEER:
        return _refused(Reason.NO_RIGHT, key, "only an engineer takes a loop out of service")
    is_bad = quality[loops.pv[loop]] >= BAD
    permits = ~is_bad if mode >= Mode.AUTO else np.ones_like(is_bad)
    np.copyto(state["loop.mode"][loop], np.int8(mode), where=permits)
    if permits.all():
        return Reason.ACCEPTED, ""
    return _refused(Reason.WRONG_MODE, key, "the process value is bad; repair the measurement first")


def _write_tuning(state: State, loop: int, member: str, x: float) -> tuple[Reason, str]:
    """Change KP, TI or TD so that the output stays where it is."""
    array = state[f"loop.{member.lower()}"]
    old = array[loop].copy()
    one = np.ones_like(old)
    if member == "KP":
        pid.retune(_memory(state, slice(None)), loop, x / old, x / old)
    elif member == "TD":
        pid.retune(_memory(state, slice(None)), loop, one, x / np.where(old > 0.0, old, math.inf))
    array[loop] = x
    return Reason.ACCEPTED, ""
