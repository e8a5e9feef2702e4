"""Means: minutes from samples, and periods of 10, 20 and 30 minutes from minutes, each with what it lacks.

Two sums run beside each other: all valid minutes (what people see and what the 20-minute record takes), and the valid
minutes with waste on the grate (what limits of periods are compared with). Nothing missing is filled in.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.emission_plan import FLOW, H2O, HALF_HOUR, O2, TEN, PlantPhase
from controller.core.tags import Floats
from controller.logic.emissions import normalise, plant_state
from controller.logic.emissions.figures import C, F
from controller.logic.emissions.reasons import REMARK, Bits, Why, plain_quality, quality_of
from controller.logic.emissions.work import RECENT, T, Work, Y

_MEANS = (C.M10, C.M20, C.M30)
_COUNTS = [C.STATUS, C.MASS_YEAR]
_OPERATING = int(PlantPhase.OPERATING)
_PHASES = np.array(list(PlantPhase), dtype=np.float64).reshape(-1, 1, 1)
_OTNOC = len(PlantPhase)  # row of its minutes behind those of the states
_TINY = 1e-12
_BY_WEIGHT = np.array([PlantPhase.OPERATING, PlantPhase.START_UP, PlantPhase.SHUT_DOWN, PlantPhase.OFF], dtype=np.intp)


@dataclass(slots=True)
class Closed:
    """What one period was: means of all signals (s, batch), validated channels (c, batch), and how they came about."""

    mean: Floats
    validated: Floats
    count: Floats  # (s, batch) valid minutes, of a minute its valid samples
    why: Bits
    phase: Floats  # (monitors, batch) state of the line: at its end, of a half-hour for most of it
    otnoc: Floats


def close_minute(w: Work) -> Closed:
    """Close the running minute and add its valid means to the running periods."""
    count, total = w.minute
    is_valid = count >= w.plan.sample_needs
    mean = np.where(is_valid, total / np.maximum(count, 1.0), np.nan)
    why = w.minute_why.copy()
    why[1] |= np.where(is_valid, np.uint8(0), REMARK[Why.TOO_FEW])
    samples = count.copy()
    w.minute[...] = 0.0
    w.minute_why[...] = 0
    _add(w, mean, is_valid, why)
    _add_mass(w, mean)
    np.add(w.silent, 1.0, out=w.silent)
    np.multiply(w.silent, ~is_valid[: w.c], out=w.silent)
    return Closed(mean, mean[: w.c], samples, why, w.phase.copy(), w.otnoc.copy())


def _add(w: Work, mean: Floats, is_valid: npt.NDArray[np.bool_], why: Bits) -> None:
    added, is_waste = w.added, w.phase == _OPERATING
    added[0] = is_valid
    np.copyto(added[1], mean)
    np.copyto(added[1], 0.0, where=~is_valid)
    np.multiply(added[:2], is_waste.take(w.plan.monitor, axis=0), out=added[2:])
    np.add(w.period, added[:, np.newaxis], out=w.period)
    w.period_why |= why
    slot = int(w.time[T.SLOT]) % RECENT
    w.recent[:, slot] = added[:2]
    add_phase(w, 1.0)
    plant_state.note_minute(w)
    w.time[T.SLOT] += 1
    w.time[T.MINUTES] += 1


def add_phase(w: Work, minutes: float) -> None:
    """Count minutes of the running half-hour for the state that each line has now."""
    w.phases[:_OTNOC] += (w.phase == _PHASES) * minutes
    w.phases[_OTNOC] += w.otnoc * minutes


def _add_mass(w: Work, mean: Floats) -> None:
    """Find the mass flow of the minute and add it to the year."""
    p = w.plan
    flow = normalise.reference_flow(
        mean[w.refs[FLOW]], mean[w.refs[H2O]] * 0.01, mean[w.refs[O2]], p.o2_reference, p.air_o2
    )
    mass = np.multiply(mean[: w.c] * p.unit, flow.take(w.of, axis=0), out=w.shown[C.MASS_FLOW])
    np.add(w.year[Y.MASS], mass / 60_000.0, out=w.year[Y.MASS], where=~np.isnan(mass))


def show_minute(w: Work, closed: Closed) -> None:
    """Show the means of a minute that was closed just now."""
    p, why = w.plan, closed.why[:, : w.c]
    w.shown[C.M1] = closed.validated
    w.code[C.M1] = quality_of(closed.validated, why)
    w.shown[C.STATUS] = why[0] + 256.0 * why[1]
    w.code[C.MASS_FLOW] = quality_of(w.shown[C.MASS_FLOW], why)
    w.shown[C.MASS_YEAR] = w.year[Y.MASS]
    w.code[_COUNTS] = 0
    w.shown_monitor[F.IS_VALID] = np.maximum.reduceat(w.silent * p.required, p.first, axis=0) == 0.0
    w.code_monitor[F.IS_VALID] = 0


def close_period(w: Work, period: int) -> Closed:
    """Close a running period: show its mean, return it with its validated value, begin the next with nothing."""
    p, c = w.plan, w.c
    count, total, with_waste, its_total = w.period[:, period]
    needs = p.minute_needs[period]
    mean = np.where(count >= needs, total / np.maximum(count, 1.0), np.nan)
    why = w.period_why[period].copy()
    why[1] |= np.where(count >= needs, np.uint8(0), REMARK[Why.TOO_FEW])
    w.shown[_MEANS[period]] = mean[:c]
    w.code[_MEANS[period]] = quality_of(mean[:c], why[:, :c])
    is_enough = with_waste[:c] >= needs[:c]
    if period == HALF_HOUR:
        is_enough &= has_waste(w).take(w.of, axis=0)
    validated = its_total[:c] / np.maximum(with_waste[:c], 1.0) - p.confidence
    validated = np.where(is_enough, np.maximum(validated, 0.0), np.nan)
    if period != 1:  # there is no validated mean of 20 minutes
        figure = C.V10 if period == TEN else C.V30
        w.shown[figure] = validated
        w.code[figure] = quality_of(validated, why[:, :c])
    phase = main_phase(w) if period == HALF_HOUR else w.phase.copy()
    closed = Closed(mean, validated, count.copy(), why, phase, w.otnoc.copy())
    w.period[:, period] = 0.0
    w.period_why[period] = 0
    return closed


def has_waste(w: Work) -> npt.NDArray[np.bool_]:
    """Return for which lines the running half-hour has had enough waste time to count (monitors, batch)."""
    return w.phases[_OPERATING] >= w.plan.waste_needs


def main_phase(w: Work) -> Floats:
    """Return the state that each line had for most of the running half-hour; waste first where two had as much."""
    return _BY_WEIGHT.take(w.phases[_BY_WEIGHT].argmax(axis=0)).astype(np.float64)


def look_ahead(w: Work, left: float) -> None:
    """Forecast the running half-hour, ``left`` minutes before its end.

    Certain: the minutes so far exceed limit A whatever comes. A half-hour that has lost minutes has fewer to divide by,
    so it is certain sooner; it stays uncertain when so many are lost that it cannot become valid.
    """
    p, c = w.plan, w.c
    count, total = w.period[2:, HALF_HOUR, :c]
    number, summed = w.recent[:, 0, :c] + w.recent[:, 1, :c] + w.recent[:, 2, :c]
    level = np.where(number > 0.0, summed / np.maximum(number, 1.0), np.nan)
    final = np.maximum(count + left, 1.0)
    is_possible = (final >= p.minute_needs[HALF_HOUR][:c]) & (w.phase == _OPERATING).take(w.of, axis=0)
    limit, half = p.limit_a + p.confidence, total / final
    forecast = half + left * level / final
    w.shown[C.FORECAST] = np.maximum(forecast - p.confidence, 0.0)
    w.code[C.FORECAST] = plain_quality(w.shown[C.FORECAST])
    w.shown[C.FORECAST_ABOVE] = (forecast > limit) & is_possible
    w.shown[C.RUN_BACK] = (half + min(left, 10.0) * level / final > limit) & is_possible
    w.is_certain[...] = (half > limit) & (final >= p.minute_needs[HALF_HOUR][:c])
    minutes = (limit * final - total) / np.maximum(level, _TINY)
    is_near = is_possible & (minutes <= left)
    w.shown[C.MINUTES_TO_LIMIT] = np.where(is_near, np.maximum(minutes, 0.0), np.nan)
    w.code[C.MINUTES_TO_LIMIT] = plain_quality(w.shown[C.MINUTES_TO_LIMIT])
    for figure in (C.FORECAST_ABOVE, C.RUN_BACK):
        w.code[figure] = 0
