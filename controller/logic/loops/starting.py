"""Starts: loops take over a plant as it stands, and the first step moves nothing."""

import numpy as np

from controller.core.plan import DerivedGroup, Plan
from controller.core.quality import BAD_WAITING_FOR_INITIAL_DATA, Codes
from controller.core.state import State
from controller.core.tags import Floats, RowKind, Times
from controller.logic import derived
from controller.logic.loops.ends import take_over, way_back
from controller.logic.loops.memory import AUTO
from controller.logic.loops.modes import to_manual
from controller.logic.loops.publish import publish


def start(
    plan: Plan,
    state: State,
    value: Floats,
    quality: Codes,
    time: Times,
    utc: int,
    *,
    is_restored: bool,
) -> None:
    """Align after a start. The tag table holds inputs and the calculated tags that need no loop.

    Final elements stand where their devices say. Set-points are the retained ones; on a cold start a slave begins at
    its PV. A master begins where its slaves' set-points are, a loop without an end where ``initial`` points: that may
    be calculated from other loops, so the tags that read loops are calculated until no more becomes known.
    """
    loops, sp, used, op = plan.loops, state["loop.sp"], state["loop.sp_used"], state["loop.op"]
    state["loop.is_tracking"][...] = True
    if not loops.keys:
        return
    if not is_restored:
        pv = value[loops.pv]
        is_led = (loops.master >= 0)[:, np.newaxis] | loops.sp_from.is_there
        np.copyto(sp, pv, where=is_led & np.isfinite(pv))
    np.copyto(used, np.minimum(np.maximum(sp, loops.sp_lo), loops.sp_hi))
    np.copyto(state["loop.spr"], used)
    if len(loops.ends.loop):
        mv = state["output.mv"]
        back = np.full(op.shape, np.nan)
        back[loops.ends.owner] = way_back(plan, state, mv)
        np.copyto(op, back, where=np.isfinite(back))
        take_over(plan, state, mv, np.isfinite(mv))
    is_open = loops.initial.is_there & np.ones(op.shape, dtype=np.bool_)
    output_rows, readers = loops.members["OP"], _readers(plan)
    for _ in range(1 + int(loops.initial.is_there.sum())):
        publish(plan, state, value, quality, time, utc)
        value[output_rows] = np.where(is_open, np.nan, op)
        quality[output_rows] = np.where(is_open, np.uint32(BAD_WAITING_FOR_INITIAL_DATA), quality[output_rows])
        for group in readers:
            derived.evaluate(state, group, value, quality, 1)
        at = value[loops.initial.row]
        is_found = is_open & np.isfinite(at)
        if not is_found.any():
            break
        np.copyto(op, np.minimum(np.maximum(at, loops.op_lo), loops.op_hi), where=is_found)
        is_open &= ~is_found
    publish(plan, state, value, quality, time, utc)


def _readers(plan: Plan) -> list[DerivedGroup]:
    """Return the calculated tags that read loops, directly or through others, in order."""
    depends = np.zeros(len(plan.tags), dtype=np.bool_)
    depends[plan.span(RowKind.LOOP)] = True
    readers: list[DerivedGroup] = []
    for group in plan.calculated:
        reads = depends[group.inputs].any(axis=1)
        depends[group.out] = reads
        if reads.any():
            readers.append(group)
    return readers


def start_cold(
    plan: Plan, state: State, value: Floats, acting: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]"
) -> None:
    """Choose who begins on automatic: where its own tag says so, otherwise where no protection row acts (batch,)."""
    source = plan.loops.start_when
    is_ready = np.where(source.is_there, value[source.row] >= 0.5, ~acting)
    to_manual(state, ~is_ready & (state["loop.mode"] >= AUTO))
