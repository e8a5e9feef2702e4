"""The record: every mean of every stack becomes one event, so that any report can be made from the journal again.

``data`` of ``emission_recorded``: ``period`` (1, 10, 20, 30 minutes or "day"), ``from`` and ``to`` (UTC ns), the
profile in force, ``state`` and ``otnoc``; for each channel its mean under its name ("NOX"), ``.v`` validated, ``.n``
samples or valid minutes, ``.why`` the reasons in words where there are any; the means of the reference signals "T",
"P", "H2O", "O2", "FLOW", from which every factor follows. A value that is not valid is missing: nothing is filled in.
"""

from typing import Final

import numpy as np

from controller.core.emission_plan import PlantPhase
from controller.core.event import EventKind
from controller.core.tags import Floats
from controller.logic.emissions.means import Closed
from controller.logic.emissions.periods import name_of
from controller.logic.emissions.reasons import words
from controller.logic.emissions.work import D, M, T, Work, Y
from controller.logic.emit import Emit

Data = dict[str, str | float | int | bool]

SEVERITY_EXCEEDED: Final = 700
SEVERITY_GAP: Final = 300

_NOTHING: Final = (0, 0)


def period(w: Work, closed: Closed, minutes: int, began: int, ended: int, *, emit: Emit) -> None:
    """Record a closed period of 1, 10, 20 or 30 minutes of all monitors."""
    means, valid = closed.mean.tolist(), closed.validated.tolist()
    counts, low, high = closed.count.tolist(), closed.why[0].tolist(), closed.why[1].tolist()
    phases, otnoc = closed.phase.tolist(), closed.otnoc.tolist()
    is_validated = minutes != 1
    for number, monitor in enumerate(w.plan.monitors):
        for plant in range(w.batch):
            data: Data = {
                "period": minutes,
                "from": began,
                "to": ended,
                "profile": w.plan.profiles[number],
                "state": int(phases[number][plant]),
                "otnoc": bool(otnoc[number][plant]),
            }
            for channel, name, name_v, name_n, name_why in w.names[number]:
                mean = means[channel][plant]
                if mean == mean:  # noqa: PLR0124  NaN: not valid, so it is missing
                    data[name] = mean
                if is_validated and (mean := valid[channel][plant]) == mean:
                    data[name_v] = mean
                data[name_n] = int(counts[channel][plant])
                why = low[channel][plant], high[channel][plant]
                if why != _NOTHING:
                    data[name_why] = words(*why)
            for signal, name in w.reference_names[number]:
                _put(data, name, means[signal][plant])
            if minutes == 30:
                data["run_h"] = float(w.hours[M.RUN, number, plant])
                data["year_h"] = float(w.hours[M.YEAR, number, plant])
            emit(EventKind.EMISSION_RECORDED, monitor, plant=plant, data=data)


def exceedance(w: Work, closed: Closed, *, emit: Emit) -> None:
    """Say which channels ended a half-hour above limit A, or with too many ten-minute means."""
    is_above = closed.validated > w.plan.limit_a
    for channel, plant in np.argwhere(is_above).tolist():
        name = w.plan.channels[channel]
        limit = float(w.plan.limit_a[channel, 0])
        value = float(closed.validated[channel, plant])
        text = f"{name}: validated half-hour {value:.6g} above limit A {limit:g}"
        emit(
            EventKind.EMISSION_EXCEEDED,
            w.plan.monitors[w.of[channel]],
            plant=plant,
            severity=SEVERITY_EXCEEDED,
            value=value,
            limit=limit,
            text=text,
        )


def day(w: Work, mean: Floats, *, emit: Emit) -> None:
    """Record the day that ends, before its sums are cleared."""
    p, name = w.plan, name_of(int(w.time[T.DAY]))
    for number, monitor in enumerate(p.monitors):
        for plant in range(w.batch):
            data: Data = {"period": "day", "day": name, "profile": p.profiles[number]}
            for channel in w.channels_of[number]:
                substance, sums = p.substances[channel], w.day[:, channel, plant]
                _put(data, substance, float(mean[channel, plant]))
                data[f"{substance}.n"], data[f"{substance}.lost"] = int(sums[D.COUNT]), int(sums[D.LOST])
                data[f"{substance}.above"] = bool(mean[channel, plant] > p.limit_day[channel, 0])
                if sums[D.TEN]:
                    is_kept = sums[D.ABOVE_TEN] <= (1.0 - p.ten_share[channel, 0]) * sums[D.TEN] + 1e-9
                    data[f"{substance}.ten"], data[f"{substance}.ten_above"] = int(sums[D.TEN]), int(sums[D.ABOVE_TEN])
                    data[f"{substance}.ten_kept"] = bool(is_kept)
                data[f"{substance}.days_lost"] = int(w.year[Y.DAYS_LOST, channel, plant])
            data["year_h"] = float(w.hours[M.YEAR, number, plant])
            emit(EventKind.EMISSION_RECORDED, monitor, plant=plant, data=data)


def gap(w: Work, began: int, ended: int, half_hours: int, text: str, *, emit: Emit) -> None:
    """Say that nobody calculated from ``began`` to ``ended``, or that the clock was set."""
    for number, monitor in enumerate(w.plan.monitors):
        for plant in range(w.batch):
            state = PlantPhase(int(w.phase[number, plant])).name.lower()
            data: Data = {"from": began, "to": ended, "half_hours": half_hours, "state": state}
            emit(EventKind.EMISSION_GAP, monitor, plant=plant, severity=SEVERITY_GAP, text=text, data=data)


def _put(data: Data, name: str, number: float) -> None:
    if number == number:  # noqa: PLR0124  NaN: not valid, so it is missing
        data[name] = number
