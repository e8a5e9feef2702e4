"""Derived values: medians, means, sums, filters and conditions, calculated before protection looks at anything.

Each kind is one function over a whole group, arrays (n, width, batch) -> (n, batch). A result is as bad as its worst
input in use; kinds that may leave an input out (median, average, spread, highest, lowest) become Uncertain instead.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from controller.core.plan import DerivedGroup, Plan
from controller.core.quality import BAD, GOOD, UNCERTAIN, UNCERTAIN_SUB_NORMAL, Codes
from controller.core.state import State
from controller.core.tags import Floats, RowKind, Times

_DERIVED = RowKind.DERIVED

Counts = npt.NDArray[np.intp]
Result = tuple[Floats, Codes]
Kind = Callable[[DerivedGroup, Floats, Codes, Floats, float], Result]


def add_state(plan: Plan, state: State) -> None:
    """Add ``derived.memory``: filter states and switch positions, NaN until first used. Not retained."""
    keys = [plan.tags.rows[row].key for group in plan.derived for row in group.out]
    state.add("derived.memory", keys, fill=np.nan)


def derive(plan: Plan, state: State, value: Floats, quality: Codes, time: Times, runs: list[int]) -> None:
    """Calculate all due groups in order; ``runs[g]`` is how many of its turns group g has now (0: not due)."""
    memory = state["derived.memory"]
    for group, turns in zip(plan.derived, runs, strict=True):
        if turns:
            x = value.take(group.inputs, axis=0, mode="clip")
            q = quality.take(group.inputs, axis=0, mode="clip")
            own = memory[group.first : group.first + len(group.out)]
            rows = slice(group.out[0], group.out[0] + len(group.out))
            dt = turns * group.rate * plan.period_ns * 1e-9
            value[rows], quality[rows] = KINDS[group.kind](group, x, q, own, dt)
    time[plan.span(_DERIVED)] = time.take(plan.derived_time, axis=0)


def _worst(quality: Codes) -> Codes:
    """Return the worst quality over the inputs; padding repeats the first input and changes nothing."""
    return np.maximum.reduce(quality, axis=1)


def _sorted_usable(group: DerivedGroup, value: Floats, quality: Codes) -> tuple[Floats, Counts, Codes]:
    """Return the values sorted, unusable ones behind the usable, how many are usable, and the resulting quality."""
    if group.is_full and not (quality >= BAD).any():  # the same result, three times as fast: the usual case
        return np.sort(value, axis=1), group.size, _worst(quality)
    usable = (quality < BAD) & group.used[:, :, None]
    ordered = np.sort(np.where(usable, value, np.inf), axis=1)
    count = np.add.reduce(usable, axis=1, dtype=np.intp)  # integers: their sum has no last bit to lose
    np.copyto(ordered, 0.0, where=(count == 0)[:, None, :])  # nothing usable: no inf - inf below
    worst = _worst(np.where(usable, quality, GOOD))
    worst = np.where(count < group.size, np.maximum(worst, UNCERTAIN_SUB_NORMAL), worst)
    return ordered, count, np.where(count == 0, _worst(quality), worst).astype(np.uint32)


def _pick(ordered: Floats, position: Counts) -> Floats:
    position = np.broadcast_to(np.maximum(position, 0), (ordered.shape[0], ordered.shape[2]))
    return np.take_along_axis(ordered, position[:, None, :], axis=1)[:, 0, :]


def _median(group: DerivedGroup, value: Floats, quality: Codes, _own: Floats, _dt: float) -> Result:
    ordered, count, worst = _sorted_usable(group, value, quality)
    if count is group.size:  # nothing left out, no padding
        width = value.shape[1]
        return 0.5 * (ordered[:, (width - 1) // 2] + ordered[:, width // 2]), worst
    middle = 0.5 * (_pick(ordered, (count - 1) // 2) + _pick(ordered, count // 2))
    return np.where(count == 0, np.nan, middle), worst


def _average(group: DerivedGroup, value: Floats, quality: Codes, _own: Floats, _dt: float) -> Result:
    _, count, worst = _sorted_usable(group, value, quality)
    usable = (quality < BAD) & group.used[:, :, None]
    total = np.zeros((value.shape[0], value.shape[2]))
    for column in range(value.shape[1]):  # fixed order of additions
        total += np.where(usable[:, column], value[:, column], 0.0)
    return np.where(count == 0, np.nan, total / np.maximum(count, 1)), worst


def _spread(group: DerivedGroup, value: Floats, quality: Codes, _own: Floats, _dt: float) -> Result:
    ordered, count, worst = _sorted_usable(group, value, quality)
    spread = _pick(ordered, count - 1) - ordered[:, 0]
    return np.where(count == 0, np.nan, np.where(count < 2, 0.0, spread)), worst


def _highest(group: DerivedGroup, value: Floats, quality: Codes, _own: Floats, _dt: float) -> Result:
    ordered, count, worst = _sorted_usable(group, value, quality)
    return np.where(count == 0, np.nan, _pick(ordered, count - 1)), worst


def _lowest(group: DerivedGroup, value: Floats, quality: Codes, _own: Floats, _dt: float) -> Result:
    ordered, count, worst = _sorted_usable(group, value, quality)
    return np.where(count == 0, np.nan, ordered[:, 0]), worst


def _sum(group: DerivedGroup, value: Floats, quality: Codes, _own: Floats, _dt: float) -> Result:
    gains = group.params["gains"]
    total = group.params["bias"] + gains[:, 0, None] * value[:, 0]
    for column in range(1, value.shape[1]):  # fixed order of additions; a BAD input is NaN and makes the sum NaN
        total += gains[:, column, None] * value[:, column]
    return total, _worst(quality)


def _lag(group: DerivedGroup, value: Floats, quality: Codes, own: Floats, dt: float) -> Result:
    x, q = value[:, 0], quality[:, 0]
    is_bad = q >= BAD
    move = (x - own) * -np.expm1(-dt / group.params["tau_s"])
    np.copyto(move, x, where=np.isnan(own))  # the first time: start at the input
    np.copyto(own, 0.0, where=np.isnan(own) & ~is_bad)
    np.add(own, move, out=own, where=~is_bad)
    return np.where(is_bad, np.nan, own), q


def _switch(sign: float) -> Kind:
    def evaluate(group: DerivedGroup, value: Floats, quality: Codes, own: Floats, _dt: float) -> Result:
        x, q = sign * value[:, 0], quality[:, 0]
        limit = sign * group.params["limit"]
        is_on = (x >= limit) | ((own == 1.0) & (x > limit - group.params["hysteresis"]))
        is_bad = q >= BAD
        np.copyto(own, is_on, where=~is_bad)
        return np.where(is_bad, np.nan, own), q

    return evaluate


def _three_valued(decisive: float) -> Kind:
    """Return OR (``decisive`` 1) or AND (0): one decisive good input settles it, then one BAD input makes it BAD."""

    def evaluate(group: DerivedGroup, value: Floats, quality: Codes, _own: Floats, _dt: float) -> Result:
        del group  # padding repeats an input, which changes neither an OR nor an AND
        worst = _worst(quality)
        settles = (value >= 0.5) if decisive else (value < 0.5)  # a BAD input is NaN and settles nothing
        is_settled = np.logical_or.reduce(settles, axis=1)
        result = (is_settled if decisive else ~is_settled).astype(np.float64)
        if not (worst >= UNCERTAIN).any():  # the usual case
            return result, worst
        is_unknown = (worst >= BAD) & ~is_settled
        np.copyto(result, np.nan, where=is_unknown)
        code = np.where(is_unknown, worst, np.where(worst >= UNCERTAIN, UNCERTAIN, worst))
        return result, code.astype(np.uint32)

    return evaluate


def _not(group: DerivedGroup, value: Floats, quality: Codes, _own: Floats, _dt: float) -> Result:
    del group
    return np.where(quality[:, 0] < BAD, (value[:, 0] < 0.5).astype(np.float64), np.nan), quality[:, 0]


KINDS: dict[str, Kind] = {
    "median": _median,
    "average": _average,
    "spread": _spread,
    "highest": _highest,
    "lowest": _lowest,
    "sum": _sum,
    "lag": _lag,
    "above": _switch(1.0),
    "below": _switch(-1.0),
    "any": _three_valued(1.0),
    "all": _three_valued(0.0),
    "not": _not,
}
