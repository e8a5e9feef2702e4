"""What the emission calculation remembers: its slots of the state registry, and views of them in the shapes it uses.

Depth stands behind the rows in the registry, so that each row keeps its own key and hash; the views put it in front.
Time is shared by all plants of a batch, for all of them live by one clock.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from controller.core.emission_plan import CHANNEL_FIGURES, MONITOR_FIGURES, PERIOD_MIN, REFERENCES, EmissionPlan
from controller.core.quality import BAD_WAITING_FOR_INITIAL_DATA
from controller.core.state import State
from controller.logic.emissions.reasons import COUNT

NEVER: Final = -1
DAY_SLOTS: Final = 144  # ten-minute means of 24 h
RECENT: Final = 3  # minutes that say how high it is now
RISE_MIN: Final = 10  # over which a temperature rises or not


class T:
    """Rows of ``emission.time``: UTC ns at which the running periods began, and what else is counted in time."""

    HIGH: Final = 0  # latest time seen
    MINUTE: Final = 1
    TEN: Final = 2
    TWENTY: Final = 3
    HALF_HOUR: Final = 4
    DAY: Final = 5  # local day since 1970
    YEAR: Final = 6
    MINUTES: Final = 7  # closed in the running half-hour
    SLOT: Final = 8  # minutes closed in all: position in the rings
    LAST_YEAR: Final = 9


class Y:
    """Counters of the year of a channel."""

    HALF_HOURS: Final = 0
    ABOVE_A: Final = 1
    ABOVE_B: Final = 2
    DAYS: Final = 3
    DAYS_ABOVE: Final = 4
    DAYS_LOST: Final = 5
    MASS: Final = 6  # t


class D:
    """Sums of the day of a channel."""

    SUM: Final = 0  # of validated half-hours
    COUNT: Final = 1
    LOST: Final = 2  # half-hours
    TEN: Final = 3  # valid ten-minute means
    ABOVE_TEN: Final = 4


class M:
    """Hours of a monitor."""

    RUN: Final = 0
    YEAR: Final = 1
    OTNOC: Final = 2


def names_of(numbers: type) -> list[str]:
    """Return the names in a class of numbers. They are no enumeration: looking into one costs more than the sum."""
    return [name for name in vars(numbers) if name.isupper()]


def add_state(plan: EmissionPlan, state: State) -> None:
    """Add what is remembered. What decides about a permit is retained; buffers of the last seconds are not."""
    signals, channels, monitors = plan.signals, plan.channels, plan.monitors
    measured = (*plan.channel_hashes, *[plan.monitor_hashes[m] for _ in REFERENCES for m in range(len(monitors))])
    state.add("emission.time", names_of(T), dtype=np.int64, fill=NEVER, is_shared=True, is_retained=True)

    def keep(name: str, keys: tuple[str, ...], hashes: tuple[str, ...], depth: int, **more: Any) -> None:
        state.add(f"emission.{name}", keys, hashes=hashes, depth=depth, is_retained=True, **more)

    keep("minute", signals, measured, 2)
    keep("minute_why", signals, measured, 2, dtype=np.uint8)
    keep("period", signals, measured, 4 * len(PERIOD_MIN))
    keep("period_why", signals, measured, 2 * len(PERIOD_MIN), dtype=np.uint8)
    keep("recent", signals, measured, 2 * RECENT)
    keep("day", channels, plan.channel_start_hashes, len(names_of(D)))
    keep("silent", channels, plan.channel_start_hashes, 1)
    keep("exceeded", channels, plan.channel_start_hashes, 1, dtype=np.bool_)
    keep("ten_peak", channels, plan.channel_start_hashes, 1)
    keep("stamps", channels, plan.channel_start_hashes, DAY_SLOTS, dtype=np.int64, fill=NEVER)
    keep("shown_channel", channels, plan.channel_hashes, len(CHANNEL_FIGURES), fill=np.nan)
    keep("code_channel", channels, plan.channel_hashes, len(CHANNEL_FIGURES), dtype=np.uint32, fill=_NOT_YET)
    start = plan.start_channel.transpose(1, 0, 2)
    keep("year", channels, plan.channel_start_hashes, len(names_of(Y)), fill=start)
    keep("last_year", channels, plan.channel_start_hashes, len(names_of(Y)))
    keep("hours", monitors, plan.monitor_start_hashes, len(names_of(M)), fill=plan.start_monitor.transpose(1, 0, 2))
    keep("last_hours", monitors, plan.monitor_start_hashes, len(names_of(M)))
    keep("phases", monitors, plan.monitor_hashes, 5)  # minutes of the half-hour in each state, under OTNOC
    keep("phase", monitors, plan.monitor_hashes, 2)  # state, OTNOC
    keep("waste_s", monitors, plan.monitor_hashes, 1)  # how long waste still counts as being on the grate
    keep("fed", monitors, plan.monitor_hashes, 1, dtype=np.bool_)  # since the last state off
    keep("temperature", monitors, plan.monitor_hashes, RISE_MIN, fill=np.nan)
    keep("celsius", monitors, plan.monitor_hashes, 1, fill=np.nan)  # of the last sample
    keep("shown_monitor", monitors, plan.monitor_hashes, len(MONITOR_FIGURES), fill=np.nan)
    keep("code_monitor", monitors, plan.monitor_hashes, len(MONITOR_FIGURES), dtype=np.uint32, fill=_NOT_YET)
    state.add("emission.sample", ["sample"], dtype=np.int64, fill=NEVER, is_shared=True)
    state.add("emission.last", signals, fill=np.nan)
    state.add("emission.still", signals)
    of = plan.state.stroke_of.tolist()
    pushers, hashes = [f"{monitors[m]}/{n}" for n, m in enumerate(of)], [plan.monitor_hashes[m] for m in of]
    state.add("emission.anchor", pushers, fill=np.nan, hashes=hashes, is_retained=True)  # where the last stroke ended


_NOT_YET: Final = BAD_WAITING_FOR_INITIAL_DATA


class Work:
    """Views of the state, index arrays and buffers, made once; holds nothing of its own that outlives a scan."""

    def __init__(self, plan: EmissionPlan, state: State) -> None:
        self.plan = plan
        self.batch = state.batch
        c, m = len(plan.channels), len(plan.monitors)
        self.c, self.m, self.s = c, m, len(plan.signals)
        periods = len(PERIOD_MIN)

        def view(name: str, *depths: int) -> npt.NDArray[Any]:
            """Return a slot (n, depth, batch) as (*depths, n, batch), or (n, batch)."""
            array = state[f"emission.{name}"]
            rows = array.shape[0]
            shaped = array.reshape(rows, *depths, self.batch)
            order = (*range(1, 1 + len(depths)), 0, 1 + len(depths))
            return shaped.transpose(order)

        self.time = state["emission.time"][:, 0]
        self.sample = state["emission.sample"]
        self.minute = view("minute", 2)  # samples, their sum
        self.minute_why = view("minute_why", 2)
        self.period = view("period", 4, periods)  # valid minutes, their sum; the same with waste
        self.period_why = view("period_why", periods, 2)
        self.recent = view("recent", 2, RECENT)
        self.day = view("day", len(names_of(D)))
        self.silent = view("silent")  # minutes
        self.exceeded = view("exceeded")
        self.ten_peak = view("ten_peak")  # highest ten-minute count of the running half-hour
        self.stamps = state["emission.stamps"]  # (c, DAY_SLOTS, batch) UTC ns at which a mean above its limit began
        self.year, self.last_year = view("year", len(names_of(Y))), view("last_year", len(names_of(Y)))
        self.hours, self.last_hours = view("hours", len(names_of(M))), view("last_hours", len(names_of(M)))
        self.phases = view("phases", 5)
        self.phase, self.otnoc = view("phase", 2)
        self.waste_s, self.fed = view("waste_s"), view("fed")
        self.temperature, self.celsius = view("temperature", RISE_MIN), view("celsius")
        self.shown, self.shown_monitor = (
            view("shown_channel", len(CHANNEL_FIGURES)),
            view("shown_monitor", len(MONITOR_FIGURES)),
        )
        self.code, self.code_monitor = (
            view("code_channel", len(CHANNEL_FIGURES)),
            view("code_monitor", len(MONITOR_FIGURES)),
        )
        self.last, self.still = state["emission.last"], state["emission.still"]
        self.anchor = state["emission.anchor"]

        self.of = plan.monitor[:c]  # monitor of each channel
        self.channels_of = [np.flatnonzero(self.of == number).tolist() for number in range(m)]
        self.names = [[(one, *_names(plan.substances[one])) for one in channels] for channels in self.channels_of]
        self.reference_names = [
            [(c + kind * m + number, name) for kind, name in enumerate(REFERENCES)] for number in range(m)
        ]
        self.ten = np.flatnonzero(~np.isnan(plan.limit_ten[:, 0]))  # channels with a ten-minute limit
        self.ten_stamps = [self.stamps[number] for number in self.ten]
        self.refs = [slice(c + kind * m, c + (kind + 1) * m) for kind in range(len(REFERENCES))]
        self.has_all = bool(plan.is_there.all())
        self.low = plan.lo - 0.05 * (plan.hi - plan.lo)
        self.codes = plan.status_code  # (4, m, 1)
        self.calibration = NEVER  # number of the one in ``mask``
        self.mask = np.zeros((COUNT, self.s, self.batch), dtype=np.bool_)
        self.added = np.zeros((4, self.s, self.batch))
        self.is_certain = np.zeros((c, self.batch), dtype=np.bool_)  # the running half-hour will exceed limit A
        self.figures = np.empty((len(CHANNEL_FIGURES) * c + len(MONITOR_FIGURES) * m, self.batch))
        self.figure_codes = np.empty(self.figures.shape, dtype=np.uint32)


def _names(substance: str) -> tuple[str, str, str, str]:
    """Return what the record calls the mean, the validated mean, how many made it, and what is said about it."""
    return substance, f"{substance}.v", f"{substance}.n", f"{substance}.why"
