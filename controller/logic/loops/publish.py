"""The members of all loops as rows of the tag table."""

import numpy as np

from controller.core.plan import Plan
from controller.core.quality import GOOD, Codes
from controller.core.state import State
from controller.core.tags import Floats, RowKind, Times


def publish(plan: Plan, state: State, value: Floats, quality: Codes, time: Times, utc: int) -> None:
    """Write the members of all loops in the order of LOOP_MEMBERS; PV and ERR are as good as their source."""
    loops = plan.loops
    pv = value[loops.pv]
    used = state["loop.sp_used"]
    everything = np.concatenate(
        (
            pv,
            state["loop.sp"],
            used,
            state["loop.spr"],
            state["loop.op"],
            state["loop.mode"],
            state["loop.mode_act"],
            state["loop.kp"],
            state["loop.ti"],
            state["loop.td"],
            used - pv,
        )
    )
    rows = plan.span(RowKind.LOOP)
    everything.take(loops.shown, axis=0, out=value[rows], mode="clip")
    quality[rows], time[rows] = GOOD, utc
    source, own = loops.measured_source, loops.measured
    quality[own] = quality.take(source, axis=0)
    time[own] = time.take(source, axis=0)
