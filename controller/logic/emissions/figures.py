"""Numbers of the figures that tags can show, in the order of the plan; ``publish`` writes them into the tag table."""

from typing import TYPE_CHECKING, Final

from controller.core.emission_plan import CHANNEL_FIGURES, MONITOR_FIGURES
from controller.core.quality import Codes
from controller.core.tags import Floats, Times

if TYPE_CHECKING:
    from controller.logic.emissions.work import Work


class C:
    """Figures of a channel."""

    VALUE: Final = 0
    M1: Final = 1
    M10: Final = 2
    M20: Final = 3
    M30: Final = 4
    V10: Final = 5
    V30: Final = 6
    DAY: Final = 7
    DAY_LAST: Final = 8
    FORECAST: Final = 9
    FORECAST_ABOVE: Final = 10
    MINUTES_TO_LIMIT: Final = 11
    EXCEEDED: Final = 12
    RUN_BACK: Final = 13
    MASS_FLOW: Final = 14
    MASS_YEAR: Final = 15
    STATUS: Final = 16
    LOST_TODAY: Final = 17
    ABOVE_A_YEAR: Final = 18
    ABOVE_B_YEAR: Final = 19
    SHARE_B: Final = 20
    DAYS_ABOVE: Final = 21
    SHARE_DAYS: Final = 22
    DAYS_LOST: Final = 23
    ABOVE_TEN_TODAY: Final = 24


class F:
    """Figures of a monitor."""

    STATE: Final = 0
    OTNOC: Final = 1
    WASTE: Final = 2
    NO_WASTE: Final = 3
    RUN_H: Final = 4
    YEAR_H: Final = 5
    TEN_MINUTE_COUNT: Final = 6
    LOST_TODAY: Final = 7
    DAYS_LOST: Final = 8
    OTNOC_H: Final = 9
    SILENT_H: Final = 10
    IS_VALID: Final = 11
    RUN_BACK: Final = 12
    EXCEEDED: Final = 13


assert tuple(name.lower() for name in vars(C) if name.isupper()) == CHANNEL_FIGURES  # noqa: S101  the plan addresses them by position
assert tuple(name.lower() for name in vars(F) if name.isupper()) == MONITOR_FIGURES  # noqa: S101


def publish(w: "Work", value: Floats, quality: Codes, time: Times, utc: int) -> None:
    """Write all figures into the rows of the table."""
    p, split = w.plan, len(CHANNEL_FIGURES) * w.c
    for figures, channels, monitors in (
        (w.figures, w.shown, w.shown_monitor),
        (w.figure_codes, w.code, w.code_monitor),
    ):
        figures[:split].reshape(channels.shape)[...] = channels
        figures[split:].reshape(monitors.shape)[...] = monitors
    w.figures.take(p.shown, axis=0, out=value[p.rows], mode="clip")
    w.figure_codes.take(p.shown, axis=0, out=quality[p.rows], mode="clip")
    time[p.rows] = utc
