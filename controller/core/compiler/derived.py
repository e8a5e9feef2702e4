"""Plans of calculated tags: index arrays, and each kind's numbers as columns, times counted in turns of the group."""

import math
from collections.abc import Sequence

import numpy as np

from controller.core import models
from controller.core.compiler.arrays import column, next_phase, rows
from controller.core.compiler.order import refs
from controller.core.compiler.table import Table
from controller.core.config import Config, Placed
from controller.core.expression import Program, Signal, compile_formula
from controller.core.plan import DerivedGroup
from controller.core.tags import DataType, Floats
from controller.core.units import si_scale

Params = dict[str, Floats]

_BASE_S = {"s": 1.0, "min": 60.0, "h": 3600.0}
_ROUNDING = 1e-6  # of a turn: 0.3 s are three turns of 0.1 s


def derived_groups(
    config: Config, table: Table, order: Sequence[Sequence[Placed[models.Tag]]]
) -> tuple[DerivedGroup, ...]:
    """Return one group for each list of ``order``; the turns of slow groups are spread over the scans."""
    groups: list[DerivedGroup] = []
    first = 0
    for members in order:
        phase = next_phase((g.rate for g in groups), members[0].spec.rate)
        groups.append(_group(config, table, members, first, phase))
        first += len(members)
    return tuple(groups)


def _group(config: Config, table: Table, members: Sequence[Placed[models.Tag]], first: int, phase: int) -> DerivedGroup:
    specs = [spec for m in members if (spec := m.spec.derived) is not None]
    sources = [[table.index[key] for key in refs(spec)] for spec in specs]
    width = max(len(r) for r in sources)
    used = np.array([[i < len(r) for i in range(width)] for r in sources])
    rate = members[0].spec.rate
    programs = [_program(config, table, m) for m in members if isinstance(m.spec.derived, models.Expression)]
    if programs:
        params = {"constants": np.array([p.constants for p in programs])}
    else:
        numbers = [_numbers(config, table, spec, rate * config.plant.period_ms / 1000.0) for spec in specs]
        params = {name: column(each[name] for each in numbers) for name in numbers[0]} | _lists(specs, width)
    return DerivedGroup(
        kind=specs[0].kind,
        out=rows(table.index[m.key] for m in members),
        inputs=np.array([[*r, *[r[0]] * (width - len(r))] for r in sources], dtype=np.intp),
        used=used,
        size=used.sum(axis=1, dtype=np.intp).reshape(-1, 1),
        is_full=bool(used.all()),
        params=params,
        hashes=tuple(m.hash for m in members),
        ring=int(params["ring"].max()) if "ring" in params else 0,
        program=programs[0] if programs else None,
        first=first,
        rate=rate,
        phase=phase,
    )


def _numbers(config: Config, table: Table, spec: models.Derived, turn_s: float) -> dict[str, float]:
    """Return the numbers of one member; ``turn_s`` is the time between two evaluations."""
    if isinstance(spec, models.FlowCompensation):
        return _design(config, table, spec)
    return _filter_numbers(spec, turn_s) | _switch_numbers(spec, turn_s)


def _filter_numbers(spec: models.Derived, turn_s: float) -> dict[str, float]:
    match spec:
        case models.Product():
            return {"gain": spec.gain}
        case models.Lag():
            return {"share": -math.expm1(-turn_s / spec.tau_s)}
        case models.LeadLag():
            return {"share": -math.expm1(-turn_s / spec.lag_s), "lead": spec.lead_s / spec.lag_s, "gain": spec.gain}
        case models.Slope():
            return {"share": -math.expm1(-turn_s / spec.tau_s), "gain": spec.gain / turn_s}
        case models.Ramp():
            return {"up": spec.up_per_s * turn_s, "down": spec.down_per_s * turn_s}
        case models.DeadTime():
            return {"ring": round(spec.delay_s / turn_s)}
        case models.RollingMean():
            return {"ring": round(spec.window_s / turn_s)}
        case models.Total():
            return {"share": turn_s / _BASE_S[spec.per]}
        case _:
            return {}


def _switch_numbers(spec: models.Derived, turn_s: float) -> dict[str, float]:
    match spec:
        case models.Above():
            return {"limit": spec.limit, "release": spec.limit - spec.hysteresis}
        case models.Below():
            return {"limit": spec.limit, "release": spec.limit + spec.hysteresis}
        case models.Equals():
            return {"value": spec.value}
        case models.OnDelay() | models.OffDelay():
            return {"turns": math.ceil(spec.delay_s / turn_s - _ROUNDING)}
        case models.Turn():
            return {"turns": round(spec.step_s / turn_s), "steps": spec.steps}
        case _:
            return {}


def _design(config: Config, table: Table, spec: models.FlowCompensation) -> dict[str, float]:
    """Return how to make pressure and temperature relative to design: ``x * factor + offset`` is 1 there."""
    numbers: dict[str, float] = {}
    for name, key, design in (
        ("pressure", spec.pressure, spec.pressure0),
        ("temperature", spec.temperature, spec.temperature0),
    ):
        factor, offset = si_scale(table.rows[table.index[key]].unit, config.plant.site.barometric_pa)
        absolute = design * factor + offset
        numbers |= {f"{name}_factor": factor / absolute, f"{name}_offset": offset / absolute}
    return numbers


def _lists(specs: Sequence[models.Derived], width: int) -> Params:
    """Return the numbers of which a member has several: (n, width), padded so that the padding does nothing."""
    if sums := [s for s in specs if isinstance(s, models.Sum)]:
        gains = [[*s.gains, *[0.0] * (width - len(s.gains))] for s in sums]
        return {"gains": np.array(gains), "bias": column(s.bias for s in sums)}
    lines = [s for s in specs if isinstance(s, models.Characterise)]
    if not lines:
        return {}
    points = max(len(line.at) for line in lines)
    slopes = [[*(np.diff(line.gives) / np.diff(line.at)).tolist(), 0.0] for line in lines]
    return {
        "at": _padded([line.at for line in lines], points, 0.0),
        "gives": _padded([line.gives for line in lines], points, 0.0),
        "slope": _padded(slopes, points, 0.0),
        "knee": _padded([line.at[1:] for line in lines], points - 1, np.inf),  # where the next section begins
    }


def _padded(rows_: Sequence[Sequence[float]], width: int, fill: float) -> Floats:
    return np.array([[*row, *[fill] * (width - len(row))] for row in rows_], dtype=np.float64)


def _program(config: Config, table: Table, member: Placed[models.Tag]) -> Program:
    """Return the compiled formula of one member; load() has checked it."""
    spec = member.spec.derived
    assert isinstance(spec, models.Expression)  # noqa: S101  caller selects by it
    given = {name: _signal(table, key) for name, key in spec.given.items()}
    result = Signal(member.spec.unit, is_bool=member.spec.bool_)
    return compile_formula(spec.formula, given, result, config.plant.site.barometric_pa)


def _signal(table: Table, key: str) -> Signal:
    row = table.rows[table.index[key]]
    return Signal(row.unit, is_bool=row.data_type is DataType.BOOL)
