"""The order of one evaluation: close what has ended, take a sample, find the state, show everything.

Periods follow the wall clock, which can be set. Forward, or after a stop: what lies between is lost and said to be so.
Back by at most half an hour: the running periods last until the time has caught up, and each minute measured meanwhile
counts once. Back by more: the running periods end as they are, and those of the new time begin. So nothing measured
counts twice, and nothing is thrown away but the rest of one minute.
"""

import math
from typing import Final

from controller.core.clock import Now
from controller.core.emission_plan import HALF_HOUR, PERIOD_MIN, TEN, EmissionPlan
from controller.core.quality import Codes
from controller.core.state import State
from controller.core.tags import Floats, Times
from controller.logic.emissions import compliance, means, periods, plant_state, record, samples
from controller.logic.emissions.figures import publish
from controller.logic.emissions.periods import HALF_HOUR_NS, LENGTHS_NS, MINUTE_NS
from controller.logic.emissions.reasons import REMARK, Why
from controller.logic.emissions.work import NEVER, T, Work, add_state
from controller.logic.emit import Emit

HOLD_NS: Final = MINUTE_NS  # a clock set back by no more: the running minute waits for it
LONGEST_NS: Final = 400 * 86_400 * 1_000_000_000  # of a gap whose half-hours are counted; a year's counters end before

_PERIODS: Final = (T.TEN, T.TWENTY, T.HALF_HOUR)


def prepare(plan: EmissionPlan | None, state: State) -> None:
    """Add what the calculation remembers to ``state``; nothing where the plant monitors nothing."""
    if plan is not None:
        add_state(plan, state)
        state.scratch["emissions"] = Work(plan, state)


def show(plan: EmissionPlan | None, state: State, value: Floats, quality: Codes, time: Times, utc: int) -> None:
    """Show what is known before the first scan: after a restart, what was shown before it."""
    if plan is not None:
        publish(state.scratch["emissions"], value, quality, time, utc)


def evaluate(
    plan: EmissionPlan | None, state: State, value: Floats, quality: Codes, time: Times, *, now: Now, emit: Emit
) -> None:
    """Do what is due at ``now``: nothing in most scans, a sample every ``sample_ns``, the rest at its minute."""
    if plan is None:
        return
    w: Work = state.scratch["emissions"]
    utc = int(now.utc)
    sample = utc // plan.sample_ns
    if sample == w.sample[0, 0]:
        return
    w.sample[...] = sample
    has_closed = advance(w, utc, emit)
    samples.take(w, value, quality, utc)
    plant_state.update(w, value)
    if has_closed:
        compliance.show(w, utc)
    publish(w, value, quality, time, utc)


def advance(w: Work, utc: int, emit: Emit, *, is_live: bool = True) -> bool:
    """Close the periods that have ended at ``utc``; return whether a minute was among them.

    Not live, when a record is calculated again: nothing is shown, recorded or forecast for single minutes.
    """
    times, zone = w.time, w.plan.zone
    if times[T.MINUTE] == NEVER:
        _begin(w, utc)
        return True
    high, minute_before = int(times[T.HIGH]), int(times[T.MINUTE])
    if utc < high - HALF_HOUR_NS:
        _begin_anew(w, utc, emit)
        return True
    times[T.HIGH] = at = max(utc, high)
    minute = periods.begin(zone, utc, MINUTE_NS)
    if minute == minute_before:
        return False
    if minute < minute_before:  # set back: the running minute waits for the time, or goes on as the one that now runs
        times[T.MINUTE] = minute_before if high - utc <= HOLD_NS else minute
        return False
    closed = means.close_minute(w)
    times[T.MINUTE] = minute
    if is_live:
        means.show_minute(w, closed)
        record.period(w, closed, 1, minute_before, minute_before + MINUTE_NS, emit=emit)
    _close_periods(w, utc, minute_before + MINUTE_NS, minute, emit)
    if is_live:
        left = max(math.ceil((periods.end(zone, at, HALF_HOUR_NS) - utc) / MINUTE_NS), 0)
        means.look_ahead(w, float(left))
    return True


def _begin(w: Work, utc: int) -> None:
    """Begin with nothing: the first scan of all."""
    times, zone = w.time, w.plan.zone
    times[T.HIGH] = utc
    times[T.SLOT] = 0
    _name_periods(w, utc)
    times[T.DAY] = periods.day_of(zone, utc)
    times[T.YEAR] = periods.year_of(int(times[T.DAY]))
    compliance.start_counters(w, int(times[T.YEAR]))
    means.look_ahead(w, float(math.ceil((periods.end(zone, utc, HALF_HOUR_NS) - utc) / MINUTE_NS)))


def _name_periods(w: Work, utc: int) -> None:
    w.time[T.MINUTE] = periods.begin(w.plan.zone, utc, MINUTE_NS)
    for place, length in zip(_PERIODS, LENGTHS_NS, strict=True):
        w.time[place] = periods.begin(w.plan.zone, utc, length)
    w.time[T.MINUTES] = 0


def _begin_anew(w: Work, utc: int, emit: Emit) -> None:
    """End all running periods as they are, for the clock was set back by more than half an hour."""
    times, zone = w.time, w.plan.zone
    high, minute = int(times[T.HIGH]), int(times[T.MINUTE])
    record.gap(w, high, utc, 0, f"the clock was set back by {(high - utc) / 1e9:.1f} s", emit=emit)
    closed = means.close_minute(w)
    means.show_minute(w, closed)
    record.period(w, closed, 1, minute, minute + MINUTE_NS, emit=emit)
    for period, place in enumerate(_PERIODS):
        _close(w, period, int(times[place]), minute + MINUTE_NS, emit)
    times[T.HIGH] = utc
    _enter_day(w, periods.day_of(zone, utc), emit)
    _name_periods(w, utc)
    compliance.note_ten_peak(w, utc)
    means.look_ahead(w, float(math.ceil((periods.end(zone, utc, HALF_HOUR_NS) - utc) / MINUTE_NS)))


def _close_periods(w: Work, utc: int, ended: int, minute: int, emit: Emit) -> None:
    """Close the periods that have ended; minutes between ``ended`` and ``minute`` nobody has measured."""
    times, zone = w.time, w.plan.zone
    at, has_gap = int(times[T.HIGH]), minute > ended
    if not has_gap and periods.begin(zone, at, LENGTHS_NS[TEN]) == times[T.TEN]:
        return  # the usual minute: the longer periods end only where a period of ten minutes does
    half_end = periods.end(zone, int(times[T.HALF_HOUR]), HALF_HOUR_NS)
    if has_gap:
        _miss(w, ended, min(minute, half_end))
    for period, (place, length) in enumerate(zip(_PERIODS, LENGTHS_NS, strict=True)):
        began = periods.begin(zone, at, length)
        if began != times[place]:
            before = int(times[place])
            _close(w, period, before, periods.end(zone, before, length), emit)
            times[place] = began
            if period == HALF_HOUR:
                _pass_over(w, half_end, began, emit)
                _enter_day(w, max(periods.day_of(zone, began), int(times[T.DAY])), emit)
                compliance.note_ten_peak(w, utc)
                if has_gap:
                    _miss(w, max(began, ended), minute)


def _miss(w: Work, began: int, ended: int) -> None:
    """Count minutes that nobody has measured as time in the state the line had, and say so in the running means."""
    if ended > began:
        means.add_phase(w, (ended - began) / MINUTE_NS)
        w.silent += (ended - began) / MINUTE_NS
        w.period_why[:, 1] |= REMARK[Why.GAP]


def _close(w: Work, period: int, began: int, ended: int, emit: Emit) -> None:
    """Close one period, judge it and record it."""
    closed = means.close_period(w, period)
    if period == TEN:
        compliance.judge_ten(w, closed.validated, began)
        compliance.note_ten_peak(w, ended)
    if period == HALF_HOUR:
        hours = 0.5 * max(1.0, int(w.time[T.MINUTES]) / 30.0)  # longer where the clock was set back
        if not means.has_waste(w).all():
            closed.why[1, : w.c] |= compliance.not_counted(w)
        compliance.judge_half_hour(w, closed.validated, hours)
        w.time[T.MINUTES] = 0
        record.exceedance(w, closed, emit=emit)
    record.period(w, closed, PERIOD_MIN[period], began, ended, emit=emit)


def _pass_over(w: Work, began: int, ended: int, emit: Emit) -> None:
    """Count the whole half-hours from ``began`` to ``ended`` as lost, each in its own day."""
    if ended <= began:
        return
    w.silent += (ended - began) / MINUTE_NS
    zone, text = w.plan.zone, f"nobody calculated for {(ended - began) / 3.6e12:.1f} h"
    place, number = max(began, ended - LONGEST_NS), 0
    lost: dict[int, int] = {}
    while place < ended:
        day = periods.day_of(zone, place)
        lost[day] = lost.get(day, 0) + 1
        place = periods.end(zone, place, HALF_HOUR_NS)
        number += 1
    record.gap(w, began, ended, number, text, emit=emit)
    for day, half_hours in lost.items():
        _enter_day(w, max(day, int(w.time[T.DAY])), emit)
        compliance.lose(w, half_hours)


def _enter_day(w: Work, day: int, emit: Emit) -> None:
    """End the running day and begin ``day``, where that is another one; so with the year."""
    if day == w.time[T.DAY]:
        return
    mean = compliance.close_day(w)
    record.day(w, mean, emit=emit)
    compliance.begin_day(w)
    w.time[T.DAY] = day
    year = periods.year_of(day)
    if year != w.time[T.YEAR]:
        compliance.begin_year(w, year)
