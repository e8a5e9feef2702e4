"""Plans of loops and outputs, and the order in which control runs them."""

from collections.abc import Callable, Sequence

import numpy as np

from controller.core import models
from controller.core.compiler.arrays import column, mask, rows
from controller.core.compiler.cascades import ends_plan, links_plan, split_plan
from controller.core.compiler.table import Table, loop_row
from controller.core.config import Config, Placed
from controller.core.config.forward import destinations, loop_of
from controller.core.loop_plan import LOOP_MEMBERS, Ints, LoopGroup, LoopPlan, Schedule, Sources
from controller.core.plan import DerivedGroup, Mode, OutputPlan
from controller.core.tags import Floats, Row

_MEASURED = ("PV", "ERR")
_UNLIMITED = 1e30  # a speed without limit; finite, because it is multiplied by times that may be 0

Loops = Sequence[Placed[models.Loop]]


def control_groups(
    order: Sequence[Sequence[str]], config: Config, derived: Sequence[DerivedGroup], loops: LoopPlan
) -> tuple[DerivedGroup | LoopGroup, ...]:
    """Return what control runs, in order; ``derived`` and the loop groups stand in the order of their keys."""
    of_tags, of_loops = iter(derived), iter(loops.groups)
    return tuple(next(of_loops) if keys[0] in config.loops else next(of_tags) for keys in order)


def loop_plan(config: Config, table: Table, order: Sequence[Sequence[str]], outputs: Sequence[str]) -> LoopPlan:
    """Return the plan of all loops; ``order`` as of ``control_order``, ``outputs`` the output keys in row order."""
    groups = [[config.loops[key] for key in keys] for keys in order if keys[0] in config.loops]
    loops = [loop for group in groups for loop in group]
    spec = [loop.spec for loop in loops]
    pv = [table.rows[table.index[s.pv]] for s in spec]
    late = [_is_late(config, order, s.pv) for s in spec]
    members, shown = _members(table, [loop.key for loop in loops])
    ends = ends_plan(table, loops, pv, outputs)
    first_end = dict(zip(ends.owner.tolist(), ends.first.tolist(), strict=True))
    out = [_out_range(ends.lo, ends.span, first_end.get(n, -1), s) for n, s in enumerate(spec)]
    master_end = {int(slave): e for e, slave in enumerate(ends.slave) if slave >= 0}
    points = [s.tuning.gap if s.tuning else None for s in spec]

    def sources(ref: Callable[[models.Loop], str | None]) -> Sources:
        refs = [ref(s) for s in spec]
        is_there = mask(r is not None for r in refs)
        return Sources(rows(table.index[r] if r else 0 for r in refs), is_there, any=bool(is_there.any()))

    def tuned(number: Callable[[models.Tuning], float], otherwise: float) -> Floats:
        return column(number(s.tuning) if s.tuning else otherwise for s in spec)

    return LoopPlan(
        keys=tuple(loop.key for loop in loops),
        hashes=tuple(loop.hash for loop in loops),
        groups=tuple(_groups(groups, members["OP"], late)),
        rate=np.array([s.rate for s in spec], dtype=np.int64).reshape(-1, 1),
        members=members,
        shown=shown,
        measured=rows(row for m in _MEASURED for row in members[m].tolist() if row >= 0),
        measured_source=rows(
            table.index[s.pv] for m in _MEASURED for s, row in zip(spec, members[m].tolist(), strict=True) if row >= 0
        ),
        pv=rows(table.index[s.pv] for s in spec),
        late=rows(n for n, is_late in enumerate(late) if is_late),
        action=column(1.0 if s.action == "reverse" else -1.0 for s in spec),
        pv_lo=column(row.lo for row in pv),
        pv_span=column(row.hi - row.lo for row in pv),
        sp_lo=column(s.sp.lo if s.sp else row.lo for s, row in zip(spec, pv, strict=True)),
        sp_hi=column(s.sp.hi if s.sp else row.hi for s, row in zip(spec, pv, strict=True)),
        sp_rate=column((s.sp.rate_per_s if s.sp else None) or _UNLIMITED for s in spec),
        sp_default=column(s.sp.default if s.sp else row.lo for s, row in zip(spec, pv, strict=True)),
        sp_tracks=mask(s.sp is None or s.sp.tracks_pv for s in spec),
        sp_from=sources(lambda s: s.sp.from_ if s.sp else None),
        sp_lo_from=sources(lambda s: s.sp.lo_from if s.sp else None),
        sp_hi_from=sources(lambda s: s.sp.hi_from if s.sp else None),
        master=rows(ends.loop[master_end[n]] if n in master_end else -1 for n in range(len(loops))),
        master_end=rows(master_end.get(n, 0) for n in range(len(loops))),
        rcas_timeout=column(s.rcas_timeout_s for s in spec),
        op_lo=column(s.op.lo for s in spec),
        op_hi=column(s.op.hi for s in spec),
        op_rate=column(s.op.rate_per_s or _UNLIMITED for s in spec),
        is_switch=mask(
            bool((ends.loop == n).any()) and bool(ends.is_bool[ends.loop == n].all()) for n in range(len(spec))
        ),
        out_lo=column(lo for lo, _ in out),
        out_span=column(span for _, span in out),
        ends=ends,
        drive=np.array(sorted(np.flatnonzero(ends.output >= 0), key=lambda e: ends.output[e]), dtype=np.intp),
        split=split_plan(ends),
        kp=tuned(lambda t: t.kp, 1.0),
        ti=tuned(lambda t: t.ti_s, 0.0),
        td=tuned(lambda t: t.td_s, 0.0),
        b=tuned(lambda t: t.b, 1.0),
        c=tuned(lambda t: t.c, 0.0),
        n=tuned(lambda t: t.n, 10.0),
        gap_band=column(
            100.0 * gap.band / (row.hi - row.lo) if gap else 0.0 for gap, row in zip(points, pv, strict=True)
        ),
        gap_gain=column(gap.gain if gap else 1.0 for gap in points),
        schedule=_schedule(table, spec),
        dead_band=column(s.dead_band or 0.0 for s in spec),
        ff=sources(lambda s: s.feedforward.of if s.feedforward else None),
        ff_gain=column(
            s.feedforward.gain * 100.0 / span if s.feedforward else 0.0 for s, (_, span) in zip(spec, out, strict=True)
        ),
        correction_lo=column(s.correction.lo if s.correction else -_UNLIMITED for s in spec),
        correction_hi=column(s.correction.hi if s.correction else _UNLIMITED for s in spec),
        correction_of_ff=mask(s.correction is not None and s.correction.of == "feedforward" for s in spec),
        reset_from=sources(lambda s: s.reset_from),
        raise_block=sources(lambda s: s.block.raise_ if s.block else None),
        lower_block=sources(lambda s: s.block.lower if s.block else None),
        permitted=np.array([[mode.name in s.permitted for mode in Mode] for s in spec], dtype=np.bool_).reshape(
            -1, len(Mode)
        ),
        start_mode=np.array([Mode[s.start] for s in spec], dtype=np.int64).reshape(-1, 1),
        start_when=sources(lambda s: s.start_when),
        holds=mask(s.shed == "HOLD" for s in spec),
        track=sources(lambda s: s.track.when if s.track else None),
        track_at=column(s.track.at if s.track else 0.0 for s in spec),
        initial=sources(lambda s: s.initial.at if s.initial else None),
        links=links_plan(loops, ends),
    )


def _is_late(config: Config, order: Sequence[Sequence[str]], key: str) -> bool:
    return bool(loop_of(key, config.loops)) or any(key in group for group in order)


def _members(table: Table, keys: Sequence[str]) -> tuple[dict[str, Ints], Ints]:
    """Return the tag-table rows of each member, and what stands in the loop rows among all members of all loops."""
    members = {m: rows(table.index.get(f"{key}.{m}", -1) for key in keys) for m in LOOP_MEMBERS}
    everything = np.concatenate([members[m] for m in LOOP_MEMBERS]) if keys else rows(())
    return members, np.flatnonzero(everything >= 0)


def _out_range(lo: Floats, span: Floats, end: int, spec: models.Loop) -> tuple[float, float]:
    """Return (lo, span) of the unit in which the output is thought: of its end, % where it has none or a split one."""
    is_whole = not spec.outputs or all(tuple(branch.at) == tuple(spec.outputs[0].at) for branch in spec.outputs)
    return (float(lo[end, 0]), float(span[end, 0])) if end >= 0 and is_whole else (0.0, 100.0)


def _groups(groups: Sequence[Loops], op: Ints, late: Sequence[bool]) -> list[LoopGroup]:
    made: list[LoopGroup] = []
    first = 0
    keys = {loop.key for group in groups for loop in group}
    slaves = {to for group in groups for loop in group for to in destinations(loop.spec)}
    for group in groups:
        spec = [loop.spec for loop in group]
        members = slice(first, first + len(group))
        made.append(
            LoopGroup(
                law=spec[0].law,
                rows=members,
                op=slice(int(op[first]), int(op[first]) + len(group)),
                is_remote=any(loop.key in slaves or (loop.spec.sp and loop.spec.sp.from_) for loop in group),
                is_master=any(to in keys for s in spec for to in destinations(s)),
                is_slave=any(loop.key in slaves for loop in group),
                has_block=any(s.block is not None for s in spec),
                is_late=any(late[members]),
                has_feedforward=any(s.feedforward is not None for s in spec),
                has_correction=any(s.correction is not None for s in spec),
                has_gap=any(s.tuning is not None and s.tuning.gap is not None for s in spec),
                has_reset=any(s.reset_from is not None for s in spec),
                has_rate=any(s.op.rate_per_s is not None for s in spec),
                has_sp_limits=any(s.sp is not None and (s.sp.lo_from or s.sp.hi_from) for s in spec),
            )
        )
        first += len(group)
    return made


def _schedule(table: Table, spec: Sequence[models.Loop]) -> Schedule:
    found = [(n, s.tuning.schedule) for n, s in enumerate(spec) if s.tuning and s.tuning.schedule]
    width = max((len(schedule.at) for _, schedule in found), default=0)

    def lines(values: Callable[[models.Schedule], list[float]]) -> Floats:
        padded = [[*values(s), *[values(s)[-1]] * (width - len(s.at))] for _, s in found]
        return np.array(padded, dtype=np.float64).reshape(len(found), width, 1)

    return Schedule(
        loop=rows(n for n, _ in found),
        of=rows(table.index[s.of] for _, s in found),
        at=lines(lambda s: s.at),
        kp=lines(lambda s: s.kp),
        ti=lines(lambda s: s.ti),
    )


def pv_row(config: Config, table: Table, loop: Placed[models.Loop]) -> Row:
    """Return the row of a loop's process value: of a tag, or of a member of another loop that has no row yet."""
    key = loop.spec.pv
    if key in table.index:
        return table.rows[table.index[key]]
    owner, _, member = key.rpartition(".")
    return loop_row(config.loops[owner], pv_row(config, table, config.loops[owner]), member)


def output_plan(outputs: Sequence[Placed[models.Tag]], loops: LoopPlan) -> OutputPlan:
    """Return ranges, safe values and owners of the outputs."""
    spec = [t.spec.output for t in outputs]
    lo = [t.spec.range.lo if t.spec.range else 0.0 for t in outputs]
    hi = [t.spec.range.hi if t.spec.range else 1.0 for t in outputs]
    owner = np.full(len(outputs), -1, dtype=np.intp)
    owner[loops.ends.output[loops.drive]] = loops.ends.loop[loops.drive]
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
        loop=owner,
        rest=column(lo[n] if np.isnan(s) else s for n, s in enumerate(safe)),
    )
