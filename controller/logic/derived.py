"""Calculated tags: medians, sums, filters, conditions, formulas: the only blocks between measurements and loops.

Each kind is one function over a whole group (``controller.logic.blocks``), arrays (n, width, batch) -> (n, batch). A
result is as bad as its worst input in use; kinds that may leave an input out become Uncertain instead.
"""

from collections.abc import Sequence

import numpy as np

from controller.core.plan import DerivedGroup, Plan
from controller.core.quality import BAD_WAITING_FOR_INITIAL_DATA, Codes
from controller.core.state import State
from controller.core.tags import Floats, RowKind, Times
from controller.logic.blocks import arithmetic, characterise, dynamics, formula, logic, recall, select, switches
from controller.logic.blocks.contract import Block, Memory

_DERIVED = RowKind.DERIVED

KINDS: dict[str, Block] = {
    "median": select.median,
    "average": select.average,
    "spread": select.spread,
    "highest": select.highest,
    "lowest": select.lowest,
    "sum": arithmetic.weighted_sum,
    "product": arithmetic.product,
    "flow_compensation": arithmetic.flow_compensation,
    "expression": formula.formula,
    "characterise": characterise.characterise,
    "lag": dynamics.lag,
    "lead_lag": dynamics.lead_lag,
    "slope": dynamics.slope,
    "ramp": dynamics.ramp,
    "dead_time": recall.dead_time,
    "rolling_mean": recall.rolling_mean,
    "total": recall.total,
    "above": switches.above,
    "below": switches.below,
    "equals": switches.equals,
    "on_delay": switches.on_delay,
    "off_delay": switches.off_delay,
    "latch": switches.latch,
    "choice": switches.choice,
    "turn": switches.turn,
    "any": logic.any_of,
    "all": logic.all_of,
    "not": logic.negation,
}

_RETAINED = {"total": ("derived.total", "derived.total_rest"), "latch": ("derived.latch",)}


def add_state(plan: Plan, state: State) -> None:
    """Add what calculated tags remember; after a restart filters, switches and rings begin anew.

    Totals and latches are retained by key and hash.
    """
    keys = {group.first: [plan.tags.rows[row].key for row in group.out] for group in plan.calculated}
    hashes = [own for group in plan.calculated for own in _hashes(group)]
    state.add("derived.memory", [key for own in keys.values() for key in own], fill=np.nan, hashes=hashes)
    for kind, names in _RETAINED.items():
        groups = [group for group in plan.calculated if group.kind == kind]
        for name in names:
            of_kind = [key for group in groups for key in keys[group.first]]
            state.add(name, of_kind, hashes=[own for group in groups for own in group.hashes], is_retained=True)
    for group in plan.calculated:
        if group.ring:
            _add_ring(state, group, keys[group.first])
    state.scratch["derived"] = _memories(plan, state)


def _add_ring(state: State, group: DerivedGroup, keys: Sequence[str]) -> None:
    name = f"derived.ring.{group.first}"
    waiting, hashes = np.uint32(BAD_WAITING_FOR_INITIAL_DATA), _hashes(group)
    state.add(name, keys, depth=group.ring, hashes=hashes)
    state.add(f"{name}.code", keys, depth=group.ring, dtype=np.uint32, fill=waiting, hashes=hashes)
    state.add(f"{name}.at", ["at"], dtype=np.int64, is_shared=True, hashes=hashes[:1])
    state.add(f"{name}.sum", keys, hashes=hashes)
    state.add(f"{name}.usable", keys, dtype=np.int64, hashes=hashes)
    state.add(f"{name}.good", keys, dtype=np.int64, hashes=hashes)


def _hashes(group: DerivedGroup) -> list[str]:
    """Return what each member's memory depends on: a ring turns for all members at once, so on all of them."""
    return [f"{group.ring} {' '.join(group.hashes)}"] * len(group.hashes) if group.ring else list(group.hashes)


def _memories(plan: Plan, state: State) -> dict[int, Memory]:
    """Return the memory of each group by its first row: views of the state, which changes in place only."""
    used = dict.fromkeys(_RETAINED, 0)
    memories: dict[int, Memory] = {}
    for group in plan.calculated:
        rows, name = slice(int(group.out[0]), int(group.out[-1]) + 1), f"derived.ring.{group.first}"
        own = slice(group.first, group.first + len(group.out))
        if group.kind in _RETAINED:
            own = slice(used[group.kind], used[group.kind] + len(group.out))
            used[group.kind] = own.stop
            memories[group.first] = Memory(rows, *(state[part][own] for part in _RETAINED[group.kind]))
        elif group.ring:
            memories[group.first] = Memory(
                rows,
                state["derived.memory"][own],
                rest=state[f"{name}.sum"],
                ring=state[name],
                codes=state[f"{name}.code"],
                at=state[f"{name}.at"],
                usable=state[f"{name}.usable"],
                good=state[f"{name}.good"],
                length=group.params["ring"][:, 0].astype(np.intp),
                first=np.arange(len(group.out)) * group.ring,
            )
        else:
            points = group.params["at"].shape[1] if "at" in group.params else 0
            first = np.arange(len(group.out)) * points
            memories[group.first] = Memory(rows, state["derived.memory"][own], first=first)
    return memories


def derive(plan: Plan, state: State, value: Floats, quality: Codes, time: Times, runs: Sequence[int]) -> None:
    """Calculate the due groups of ``plan.derived``; ``runs[g]`` is how many turns group g has now (0: not due)."""
    for group, passed in zip(plan.derived, runs, strict=True):
        if passed:
            evaluate(state, group, value, quality, passed)
    time[plan.span(_DERIVED)] = time.take(plan.derived_time, axis=0)


def turns(group: DerivedGroup, before: int, after: int) -> int:
    """Return how many turns of a group lie between two scan counts: 0 when it is not due."""
    return (after - group.phase) // group.rate - (before - group.phase) // group.rate


def evaluate(state: State, group: DerivedGroup, value: Floats, quality: Codes, passed: int) -> None:
    """Calculate one group from the tag table into the tag table; ``passed`` turns of it since the last time."""
    memory: Memory = state.scratch["derived"][group.first]
    x = value.take(group.inputs, axis=0, mode="clip")
    codes = quality.take(group.inputs, axis=0, mode="clip")
    are_good = not np.count_nonzero(codes)  # five times as fast as any()
    value[memory.rows], quality[memory.rows] = KINDS[group.kind](group, x, None if are_good else codes, memory, passed)
