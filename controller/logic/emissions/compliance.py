"""What the limits say: half-hours, ten-minute means, days and the year of each channel, and the exceedance clock.

Only validated means are compared, unrounded, and only where waste burned. A half-hour without a valid mean while waste
burned is lost; it proves nothing: it neither starts nor ends an exceedance.
"""

import numpy as np
import numpy.typing as npt

from controller.core.clock import NS_PER_S
from controller.core.emission_plan import PlantPhase
from controller.core.quality import BAD_WAITING_FOR_INITIAL_DATA, Mask
from controller.core.tags import Floats
from controller.logic.emissions.figures import C, F
from controller.logic.emissions.means import has_waste
from controller.logic.emissions.reasons import REMARK, Why
from controller.logic.emissions.work import NEVER, D, M, T, Work, Y

_DAY_NS = 86_400 * NS_PER_S
_OPERATING, _OTNOC = int(PlantPhase.OPERATING), len(PlantPhase)  # rows of the minutes in each state, and under OTNOC
_YEARLY_HOURS = (M.YEAR, M.OTNOC)


def judge_ten(w: Work, validated: Floats, began: int) -> None:
    """Count a ten-minute mean that began at ``began``, and note it where it is above its limit."""
    is_above = validated > w.plan.limit_ten
    w.day[D.TEN] += ~np.isnan(validated) & ~np.isnan(w.plan.limit_ten)
    w.day[D.ABOVE_TEN] += is_above
    for number, stamps in zip(w.ten, w.ten_stamps, strict=True):
        place = stamps.argmin(axis=0)[np.newaxis]  # the oldest
        kept = np.take_along_axis(stamps, place, axis=0)
        np.put_along_axis(stamps, place, np.where(is_above[number], began, kept), axis=0)


def ten_minute_count(w: Work, utc: int) -> Floats:
    """Return how many ten-minute means of the last 24 h are above their limit (channels, batch)."""
    count = np.zeros((w.c, w.batch))
    for number, stamps in zip(w.ten, w.ten_stamps, strict=True):
        is_recent = (stamps >= utc - _DAY_NS) & (stamps != NEVER)
        count[number] = np.count_nonzero(is_recent, axis=0)
    return count


def note_ten_peak(w: Work, utc: int) -> None:
    """Note the highest ten-minute count of the running half-hour."""
    np.maximum(w.ten_peak, ten_minute_count(w, utc), out=w.ten_peak)


def not_counted(w: Work) -> npt.NDArray[np.uint8]:
    """Return the remark for channels whose running half-hour has too little waste time (channels, batch)."""
    return np.where(has_waste(w), np.uint8(0), REMARK[Why.NO_WASTE]).take(w.of, axis=0)


def judge_half_hour(w: Work, validated: Floats, hours: float) -> Mask:
    """Count the half-hour that ends now, ``hours`` long; return which channels lost it (channels, batch)."""
    p, has_burned = w.plan, has_waste(w)
    counts = has_burned.take(w.of, axis=0)
    is_valid = ~np.isnan(validated)
    is_lost = counts & ~is_valid
    is_above = validated > p.limit_a
    w.year[Y.HALF_HOURS] += is_valid
    w.year[Y.ABOVE_A] += is_above
    w.year[Y.ABOVE_B] += validated > p.limit_b
    w.exceeded[...] = np.where(is_valid, is_above, w.exceeded & counts)
    is_otnoc = w.phases[_OTNOC] * 2.0 > w.phases[_OPERATING]
    for_day = is_valid & (p.otnoc_counts | ~is_otnoc.take(w.of, axis=0))
    np.add(w.day[D.SUM], validated, out=w.day[D.SUM], where=for_day)
    w.day[D.COUNT] += for_day
    w.day[D.LOST] += is_lost
    w.hours[M.OTNOC] += (is_otnoc & has_burned) * hours
    starts = is_above | (counts & (w.ten_peak > p.ten_allowed))
    _run(w, starts, w.exceeded | starts, hours)
    w.ten_peak[...] = 0.0
    w.phases[...] = 0.0
    return is_lost


def lose(w: Work, half_hours: int) -> None:
    """Count half-hours in which nobody calculated; the line is taken to have stayed as it was."""
    is_burning = w.phase == _OPERATING
    w.day[D.LOST] += half_hours * is_burning.take(w.of, axis=0)
    w.exceeded &= is_burning.take(w.of, axis=0)
    w.hours[M.RUN] *= is_burning


def _run(w: Work, is_above: Mask, stands: Mask, hours: float) -> None:
    """Let the exceedance clock of each monitor run on, stand or end."""
    first = w.plan.first
    runs = np.logical_or.reduceat(is_above, first, axis=0)
    stands = np.logical_or.reduceat(stands, first, axis=0)
    w.hours[M.RUN] += runs * hours
    w.hours[M.RUN] *= stands
    w.hours[M.YEAR] += runs * hours


def close_day(w: Work) -> Floats:
    """Judge the day that ends; return its daily means (channels, batch), NaN where there is none."""
    p = w.plan
    is_discarded = w.day[D.LOST] > p.lost_allowed
    is_valid = ~is_discarded & (w.day[D.COUNT] >= p.day_needs)
    mean = np.where(is_valid, w.day[D.SUM] / np.maximum(w.day[D.COUNT], 1.0), np.nan)
    w.year[Y.DAYS] += is_valid
    w.year[Y.DAYS_ABOVE] += mean > p.limit_day
    w.year[Y.DAYS_LOST] += is_discarded
    np.copyto(w.shown[C.DAY_LAST], mean, where=is_valid)
    np.copyto(w.code[C.DAY_LAST], 0, where=is_valid)
    return mean


def begin_day(w: Work) -> None:
    """Begin a day with nothing."""
    w.day[...] = 0.0


def begin_year(w: Work, year: int) -> None:
    """Begin the counters of ``year``; those of the year before are kept, should the clock be set back into it."""
    is_back = int(w.time[T.LAST_YEAR]) == year
    w.time[T.LAST_YEAR], w.time[T.YEAR] = int(w.time[T.YEAR]), year
    run = w.hours[M.RUN].copy()  # an exceedance does not end at new year
    for now, last in ((w.year, w.last_year), (w.hours, w.last_hours)):
        kept = now.copy()
        now[...] = last if is_back else 0.0
        last[...] = kept
    w.hours[M.RUN] = run


def start_counters(w: Work, year: int) -> None:
    """Drop counters of a hand-over in another year."""
    is_other = (w.plan.start_year != year)[:, np.newaxis]
    for row in _YEARLY_HOURS:
        np.copyto(w.hours[row], 0.0, where=is_other)
    np.copyto(w.hours[M.RUN], 0.0, where=is_other)
    np.copyto(w.year, 0.0, where=is_other.take(w.of, axis=0))


def show(w: Work, utc: int) -> None:
    """Show counters, shares and what protection acts on."""
    p, first = w.plan, w.plan.first
    count = ten_minute_count(w, utc)
    exceeded = w.exceeded | w.is_certain | (count > p.ten_allowed)
    year, day = w.year, w.day
    shown = w.shown
    shown[C.EXCEEDED] = exceeded
    shown[C.LOST_TODAY], shown[C.ABOVE_TEN_TODAY] = day[D.LOST], day[D.ABOVE_TEN]
    shown[C.ABOVE_A_YEAR], shown[C.ABOVE_B_YEAR] = year[Y.ABOVE_A], year[Y.ABOVE_B]
    shown[C.DAYS_ABOVE], shown[C.DAYS_LOST] = year[Y.DAYS_ABOVE], year[Y.DAYS_LOST]
    shown[C.SHARE_B] = 100.0 - 100.0 * year[Y.ABOVE_B] / np.maximum(year[Y.HALF_HOURS], 1.0)
    shown[C.SHARE_DAYS] = 100.0 - 100.0 * year[Y.DAYS_ABOVE] / np.maximum(year[Y.DAYS], 1.0)
    shown[C.DAY] = np.where(day[D.COUNT] > 0.0, day[D.SUM] / np.maximum(day[D.COUNT], 1.0), np.nan)
    w.code[_COUNTED] = 0
    w.code[C.DAY] = np.where(day[D.COUNT] > 0.0, np.uint32(0), _NOT_YET)
    monitor = w.shown_monitor
    monitor[F.RUN_H], monitor[F.YEAR_H], monitor[F.OTNOC_H] = w.hours[M.RUN], w.hours[M.YEAR], w.hours[M.OTNOC]
    monitor[F.SILENT_H] = np.maximum.reduceat(w.silent * p.required, first, axis=0) / 60.0
    worst = np.maximum.reduceat(
        np.stack([count, day[D.LOST], year[Y.DAYS_LOST], shown[C.RUN_BACK], exceeded]), first, axis=1
    )
    monitor[_WORST] = worst
    w.code_monitor[_HOURS] = w.code_monitor[_WORST] = 0


_NOT_YET = np.uint32(BAD_WAITING_FOR_INITIAL_DATA)
_COUNTED = [
    C.EXCEEDED, C.LOST_TODAY, C.ABOVE_TEN_TODAY, C.ABOVE_A_YEAR, C.ABOVE_B_YEAR, C.DAYS_ABOVE, C.DAYS_LOST,
    C.SHARE_B, C.SHARE_DAYS,
]  # fmt: skip
_WORST = [F.TEN_MINUTE_COUNT, F.LOST_TODAY, F.DAYS_LOST, F.RUN_BACK, F.EXCEEDED]
_HOURS = [F.RUN_H, F.YEAR_H, F.OTNOC_H, F.SILENT_H]
