"""Plans of derived values, loops and outputs."""

from collections.abc import Callable, Sequence

import numpy as np

from controller.core import models
from controller.core.compiler.arrays import column, mask, rows
from controller.core.compiler.order import loop_depths, refs
from controller.core.compiler.table import Table
from controller.core.config import Config, Placed
from controller.core.plan import LOOP_MEMBERS, DerivedGroup, LoopPlan, Mode, OutputPlan, PidGroup
from controller.core.tags import Floats, Row

_PARAMS: dict[str, Callable[[Sequence[models.Derived], int], dict[str, Floats]]] = {
    "sum": lambda specs, width: {
        "gains": np.array([[*s.gains, *[0.0] * (width - len(s.gains))] for s in specs if isinstance(s, models.Sum)]),
        "bias": column(s.bias for s in specs if isinstance(s, models.Sum)),
    },
    "lag": lambda specs, _: {"tau_s": column(s.tau_s for s in specs if isinstance(s, models.Lag))},
    "above": lambda specs, _: _switch(specs),
    "below": lambda specs, _: _switch(specs),
}


def _switch(specs: Sequence[models.Derived]) -> dict[str, Floats]:
    switches = [s for s in specs if isinstance(s, models.Above | models.Below)]
    return {
        "limit": column(s.limit for s in switches),
        "hysteresis": column(s.hysteresis for s in switches),
    }


def _derived_params(kind: str, specs: Sequence[models.Derived], width: int) -> dict[str, Floats]:
    return _PARAMS[kind](specs, width) if kind in _PARAMS else {}


def derived_groups(table: Table, order: Sequence[Sequence[Placed[models.Tag]]]) -> tuple[DerivedGroup, ...]:
    """Return one group for each list of ``order``; the turns of slow groups are spread over the scans."""
    groups: list[DerivedGroup] = []
    first = 0
    for members in order:
        specs = [m.spec.derived for m in members]
        sources = [refs(spec) for spec in specs if spec is not None]
        width = max(len(r) for r in sources)
        inputs = np.array([[table.index[k] for k in r] + [table.index[r[0]]] * (width - len(r)) for r in sources])
        used = np.array([[i < len(r) for i in range(width)] for r in sources])
        kind, rate = specs[0].kind if specs[0] else "", members[0].spec.rate
        groups.append(
            DerivedGroup(
                kind=kind,
                out=rows(table.index[m.key] for m in members),
                inputs=inputs.astype(np.intp),
                used=used,
                size=used.sum(axis=1, dtype=np.intp).reshape(-1, 1),
                is_full=bool(used.all()),
                params=_derived_params(kind, [s for s in specs if s is not None], width),
                first=first,
                rate=rate,
                phase=_phase(groups, rate),
            )
        )
        first += len(members)
    return tuple(groups)


def loop_plan(config: Config, table: Table, loops: Sequence[Placed[models.Loop]], outputs: Sequence[str]) -> LoopPlan:
    """Return the plan of all loops; ``outputs`` are the keys of the outputs in row order."""
    number = {loop.key: n for n, loop in enumerate(loops)}
    spec = [loop.spec for loop in loops]
    pv = [table.rows[table.index[s.pv]] for s in spec]
    ends = [_output_range(table, s, number, pv) for s in spec]
    master = [-1] * len(loops)
    for n, s in enumerate(spec):
        if s.output in number:
            master[number[s.output]] = n
    ff_gain = [
        s.feedforward.gain * 100.0 / (hi - lo) if s.feedforward else 0.0 for s, (lo, hi) in zip(spec, ends, strict=True)
    ]
    return LoopPlan(
        keys=tuple(loop.key for loop in loops),
        hashes=tuple(loop.hash for loop in loops),
        groups=_pid_groups(loops, loop_depths(config)),
        pv=rows(table.index[s.pv] for s in spec),
        members={m: rows(table.index[f"{loop.key}.{m}"] for loop in loops) for m in LOOP_MEMBERS},
        action=column(1.0 if s.action == "reverse" else -1.0 for s in spec),
        pv_lo=column(row.lo for row in pv),
        pv_span=column(row.hi - row.lo for row in pv),
        sp_lo=column(s.sp.lo for s in spec),
        sp_hi=column(s.sp.hi for s in spec),
        sp_rate=column(s.sp.rate_per_s or np.inf for s in spec),
        sp_default=column(s.sp.default for s in spec),
        sp_tracks=mask(s.sp.tracks_pv for s in spec),
        op_lo=column(s.op.lo for s in spec),
        op_hi=column(s.op.hi for s in spec),
        op_rate=column(s.op.rate_per_s or np.inf for s in spec),
        kp=column(s.tuning.kp for s in spec),
        ti=column(s.tuning.ti_s for s in spec),
        td=column(s.tuning.td_s for s in spec),
        b=column(s.tuning.b for s in spec),
        c=column(s.tuning.c for s in spec),
        n=column(s.tuning.n for s in spec),
        ff_row=rows(table.index[s.feedforward.of] if s.feedforward else 0 for s in spec),
        ff_gain=column(ff_gain),
        slave=rows(number.get(s.output, -1) for s in spec),
        master=rows(master),
        output=rows(outputs.index(s.output) if s.output in outputs else -1 for s in spec),
        out_lo=column(lo for lo, _ in ends),
        out_span=column(hi - lo for lo, hi in ends),
        permitted=np.array([[mode.name in s.permitted for mode in Mode] for s in spec], dtype=np.bool_).reshape(
            -1, len(Mode)
        ),
        start_mode=np.array([Mode[s.start] for s in spec], dtype=np.int64).reshape(-1, 1),
    )


def _output_range(table: Table, spec: models.Loop, number: dict[str, int], pv: Sequence[Row]) -> tuple[float, float]:
    row = pv[number[spec.output]] if spec.output in number else table.rows[table.index[spec.output]]
    return row.lo, row.hi


def _pid_groups(loops: Sequence[Placed[models.Loop]], depth: dict[str, int]) -> tuple[PidGroup, ...]:
    groups: list[PidGroup] = []
    names = [(depth[loop.key], loop.spec.rate) for loop in loops]
    keys = {loop.key for loop in loops}
    for name in dict.fromkeys(names):
        first, count, rate = names.index(name), names.count(name), name[1]
        has_slaves = any(loop.spec.output in keys for loop in loops[first : first + count])
        groups.append(PidGroup(first, count, rate, _phase(groups, rate), has_slaves))
    return tuple(groups)


def _phase(groups: Sequence[PidGroup] | Sequence[DerivedGroup], rate: int) -> int:
    """Return the phase of the next group of ``rate``: turns of equal rates are spread over the scans."""
    return sum(group.rate == rate for group in groups) % rate


def output_plan(outputs: Sequence[Placed[models.Tag]], loops: Sequence[Placed[models.Loop]]) -> OutputPlan:
    """Return ranges, safe values and owners of the outputs."""
    spec = [t.spec.output for t in outputs]
    lo = [t.spec.range.lo if t.spec.range else 0.0 for t in outputs]
    hi = [t.spec.range.hi if t.spec.range else 1.0 for t in outputs]
    owner = {loop.spec.output: n for n, loop in enumerate(loops)}
    safe = [np.nan if s is None or s.safe == "hold" else float(s.safe) for s in spec]
    ends = [
        np.nan if s is None or s.end_state == "hold" else (safe[n] if s.end_state == "safe" else float(s.end_state))
        for n, s in enumerate(spec)
    ]
    return OutputPlan(
        keys=tuple(t.key for t in outputs),
        lo=column(lo),
        hi=column(hi),
        safe=column(safe),
        end_state=column(ends),
        loop=rows(owner.get(t.key, -1) for t in outputs),
        rest=column(lo[n] if np.isnan(s) else s for n, s in enumerate(safe)),
    )
