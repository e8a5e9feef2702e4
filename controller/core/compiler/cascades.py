"""Where the outputs of loops go, the way back from there, and who waits for whom."""

from collections.abc import Sequence

import numpy as np

from controller.core import models
from controller.core.compiler.arrays import column, mask, rows, starts
from controller.core.compiler.order import depths
from controller.core.compiler.table import Table
from controller.core.config import Placed
from controller.core.loop_plan import Ends, Level, Links, Split
from controller.core.tags import DataType, Floats, Row

WHOLE = (0.0, 100.0)

Loops = Sequence[Placed[models.Loop]]
Link = tuple[int, bool, bool]  # target, is_slave, is_output


def ends_plan(table: Table, loops: Loops, pv: Sequence[Row], outputs: Sequence[str]) -> Ends:
    """Return all ends of all loops; ``pv`` the rows of the process values, which are the ranges of slaves."""
    number = {loop.key: n for n, loop in enumerate(loops)}
    output = {key: n for n, key in enumerate(outputs)}
    ends = [(n, to, at) for n, loop in enumerate(loops) for to, at in _branches(loop.spec)]
    row = [pv[number[to]] if to in number else table.rows[table.index[to]] for _, to, _ in ends]
    owner = list(dict.fromkeys(n for n, _, _ in ends))
    loop = [n for n, _, _ in ends]
    return Ends(
        loop=rows(loop),
        output=rows(output.get(to, -1) for _, to, _ in ends),
        slave=rows(number.get(to, -1) for _, to, _ in ends),
        at=column(at[0] for _, _, at in ends),
        at_span=column(at[1] - at[0] for _, _, at in ends),
        lo=column(r.lo for r in row),
        span=column(r.hi - r.lo for r in row),
        is_bool=mask(r.data_type is DataType.BOOL for r in row),
        counts=mask(all(at != other for m, _, other in ends[:e] if m == n) for e, (n, _, at) in enumerate(ends)),
        first=rows(loop.index(n) for n in owner),
        owner=rows(owner),
    )


def _branches(spec: models.Loop) -> list[tuple[str, tuple[float, float]]]:
    if spec.output is not None:
        return [(spec.output, WHOLE)]
    return [(branch.to, branch.at) for branch in spec.outputs]


def split_plan(ends: Ends) -> Split:
    """Return the broken lines of the loops whose ranges do not simply follow one another."""
    found: list[tuple[int, list[float], list[float]]] = []
    for n in ends.owner.tolist():
        ways = [
            sorted((float(at), float(at + span)))
            for at, span in zip(ends.at[ends.loop == n, 0], ends.at_span[ends.loop == n, 0], strict=True)
        ]
        ways = [list(way) for way in dict.fromkeys(tuple(way) for way in ways)]
        output = sorted({x for way in ways for x in way})
        travel = [sum(min(max(x - lo, 0.0), hi - lo) for lo, hi in ways) for x in output]
        if any(abs(t - (x - output[0])) > 1e-9 for t, x in zip(travel, output, strict=True)):
            found.append((n, travel, output))
    width = max((len(output) for _, _, output in found), default=0)

    def lines(found: Sequence[list[float]]) -> Floats:
        padded = [[*one, *[one[-1]] * (width - len(one))] for one in found]
        return np.array(padded, dtype=np.float64).reshape(len(found), width, 1)

    return Split(
        loop=rows(n for n, _, _ in found),
        travel=lines([t for _, t, _ in found]),
        output=lines([o for _, _, o in found]),
    )


def links_plan(loops: Loops, ends: Ends) -> Links:
    """Return who waits for whom, level by level: those who wait for none that waits come first."""
    number = {loop.key: n for n, loop in enumerate(loops)}
    links: dict[int, list[Link]] = {}
    for n, loop in enumerate(loops):
        own = np.flatnonzero(ends.loop == n).tolist()
        slaves = [(int(ends.slave[e]), True, False) for e in own if ends.slave[e] >= 0]
        others = [(int(ends.output[e]), False, True) for e in own if ends.output[e] >= 0]
        named = [(number[key], False, False) for key in loop.spec.initial.unless] if loop.spec.initial else []
        if slaves or named:
            links[n] = [*slaves, *(others if slaves else []), *named]
    waits = {str(n): [str(t) for t, _, is_output in each if not is_output and t in links] for n, each in links.items()}
    height = depths(waits)
    levels = [
        _level([(n, links[n]) for n in sorted(links) if height[str(n)] == name])
        for name in sorted({height[str(n)] for n in links})
    ]
    masters = [n for n in ends.owner.tolist() if (ends.slave[ends.loop == n] >= 0).all()]
    slave_ends = [np.flatnonzero(ends.loop == n).tolist() for n in masters]
    return Links(
        levels=tuple(levels),
        slave_loop=rows(masters),
        slave_first=rows(starts([len(each) for each in slave_ends])),
        slave_end=rows(e for each in slave_ends for e in each),
    )


def _level(members: Sequence[tuple[int, Sequence[Link]]]) -> Level:
    flat = [link for _, links in members for link in links]
    return Level(
        loop=rows(n for n, _ in members),
        first=rows(starts([len(links) for _, links in members])),
        target=rows(0 if is_output else target for target, _, is_output in flat),
        is_named=mask(not is_slave and not is_output for _, is_slave, is_output in flat),
        output=rows(target if is_output else 0 for target, _, is_output in flat),
        is_output=mask(is_output for _, _, is_output in flat),
        has_named=any(not is_slave and not is_output for _, is_slave, is_output in flat),
        has_output=any(is_output for _, _, is_output in flat),
    )
