"""What people write to loops: set-point, output, mode, tuning; each checked against the mode."""

import math

import numpy as np

from controller.core.command import Reason, Role
from controller.core.plan import Mode, Plan
from controller.core.quality import BAD, Codes
from controller.core.state import State
from controller.logic.blocks import pid


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
    permits = (target == Mode.AUTO) | (target == Mode.RCAS) | ((target <= Mode.MAN) & (not follows_pv))
    np.copyto(state["loop.sp"][loop], x, where=permits)
    np.copyto(state["loop.rcas_age"][loop], 0.0, where=permits)
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
    np.copyto(state["loop.rcas_age"][loop], 0.0, where=permits)
    if permits.all():
        return Reason.ACCEPTED, ""
    return _refused(Reason.WRONG_MODE, key, "the process value is bad; repair the measurement first")


def _write_tuning(state: State, loop: int, member: str, x: float) -> tuple[Reason, str]:
    """Change KP, TI or TD so that the output stays where it is."""
    array = state[f"loop.{member.lower()}"]
    old = array[loop].copy()
    memory = pid.Memory(*(state[f"pid.{name}"] for name in ("integral", "d", "d_input", "p")))
    if member == "KP":
        pid.retune(memory, loop, x / old, x / old)
    elif member == "TD":
        pid.retune(memory, loop, np.ones_like(old), x / np.where(old > 0.0, old, math.inf))
    array[loop] = x
    return Reason.ACCEPTED, ""
