"""The emission rules once more, in plain Python from their text: one line, one sample after another.

Shares nothing with the controller: no array, no plan, no table of offsets. Slow and simple on purpose.
"""

import datetime as dt
import math
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

MINUTE, HALF_HOUR, DAY = 60, 1800, 86_400


@dataclass(frozen=True)
class Rules:
    """Limits of one substance."""

    needs: tuple[str, ...]  # of "T", "P", "H2O", "O2"
    confidence: float = 0.0
    a: float | None = None
    b: float | None = None
    daily: float | None = None
    ten: float | None = None  # 7 of 144 may lie above


@dataclass
class Reading:
    """What the analysers and the line show at one sample; None: no signal."""

    raw: dict[str, float | None]
    reference: dict[str, float | None]  # T in degC, P in kPa, H2O and O2 in %
    status: float | None = 0.0
    pusher: float | None = 0.0
    burners: bool = False
    celsius: float | None = 950.0
    otnoc: bool = False


@dataclass
class Sums:
    """Valid minutes of one running period: all of them, and those with waste."""

    all: list[float] = field(default_factory=list)
    waste: list[float] = field(default_factory=list)


@dataclass
class Substance:
    rules: Rules
    samples: list[float] = field(default_factory=list)
    periods: dict[int, Sums] = field(default_factory=lambda: {10: Sums(), 20: Sums(), 30: Sums()})
    recent: list[float | None] = field(default_factory=list)  # the last three minutes
    day: list[float] = field(default_factory=list)  # validated half-hours
    lost: int = 0
    ten_day: int = 0
    ten_above_day: int = 0
    ten_above: list[int] = field(default_factory=list)  # when they began
    peak: int = 0
    exceeds: bool = False
    certain: bool = False
    bit: bool = False
    year: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("half_hours", "a", "b", "days", "days_above", "days_lost"), 0)
    )

    def count(self, now: int) -> int:
        return sum(began >= now - DAY for began in self.ten_above)


class Line:
    """One line and its monitoring. ``feed`` takes a sample; ``records`` holds what ended, in order."""

    def __init__(self, rules: dict[str, Rules], zone: ZoneInfo, sample_s: int) -> None:
        self.zone, self.sample_s = zone, sample_s
        self.substances = {name: Substance(one) for name, one in rules.items()}
        self.records: list[tuple[object, ...]] = []
        self.high = self.minute = -1
        self.label = dict.fromkeys((10, 20, 30), 0)
        self.date = dt.date(1970, 1, 1)
        self.state, self.otnoc = 0, False
        self.states = [0.0] * 4
        self.otnoc_minutes = 0.0
        self.minutes = 0
        self.run = self.year_h = self.otnoc_h = 0.0
        self.anchor: float | None = None
        self.left, self.fed = 0.0, False
        self.celsius: float | None = None
        self.temperatures: list[float | None] = [None] * 10
        self.saved: dict[int, tuple[dict[str, dict[str, float]], float, float]] = {}

    # --- time --------------------------------------------------------------------------------------------------------

    def local(self, second: int) -> dt.datetime:
        return dt.datetime.fromtimestamp(second, self.zone)

    def start_of(self, second: int, length: int) -> int:
        local = self.local(second)
        return second - (local.hour * 3600 + local.minute * 60 + local.second) % length

    def feed(self, second: int, reading: Reading) -> bool:
        """Take a sample; return whether a minute ended."""
        has_ended = self._advance(second)
        self._sample(reading)
        self._state(reading)
        return has_ended

    def _advance(self, second: int) -> bool:
        if self.high < 0:
            self._name(second)
            self.date = self.local(second).date()
            return True
        if second < self.high - HALF_HOUR:
            self._end_minute()
            for length in (10, 20, 30):
                self._end_period(length, self.minute + MINUTE)
            self._enter(self.local(second).date())
            self._name(second)
            self._look_ahead(second)
            return True
        at = max(second, self.high)
        self.high = at
        minute = self.start_of(second, MINUTE)
        if minute <= self.minute:
            self.minute = self.minute if at - second <= MINUTE else minute
            return False
        self._end_minute()
        after, half_end = self.minute + MINUTE, self.label[30] + HALF_HOUR
        self._miss(after, min(minute, half_end))
        self.minute = minute
        for length in (10, 20, 30):
            label = self.start_of(at, length * MINUTE)
            if label != self.label[length]:
                self._end_period(length, self.label[length] + length * MINUTE)
                self.label[length] = label
                if length == 30:
                    for lost in range(half_end, label, HALF_HOUR):
                        self._enter(max(self.local(lost).date(), self.date))
                        self._lose()
                    self._enter(max(self.local(label).date(), self.date))
                    self._miss(max(label, after), minute)
        self._look_ahead(second)
        return True

    def _name(self, second: int) -> None:
        self.high = second
        self.minute = self.start_of(second, MINUTE)
        self.label = {length: self.start_of(second, length * MINUTE) for length in (10, 20, 30)}
        self.minutes = 0

    def _miss(self, began: int, ended: int) -> None:
        if ended > began:
            self.states[self.state] += (ended - began) / MINUTE
            self.otnoc_minutes += self.otnoc * (ended - began) / MINUTE

    # --- samples -----------------------------------------------------------------------------------------------------

    def _sample(self, r: Reading) -> None:
        is_out = r.status is None or r.status in (1.0, 2.0, 3.0)
        ref = r.reference
        for name, one in self.substances.items():
            x = r.raw[name]
            lacks = any(ref[need] is None or (need in ("H2O", "O2") and is_out) for need in one.rules.needs)
            if x is None or is_out or lacks:
                continue
            o2 = ref["O2"] or 0.0
            if o2 >= 20.0:
                continue
            for need in one.rules.needs:
                if need == "T":
                    x *= ((ref["T"] or 0.0) + 273.15) / 273.15
                if need == "P":
                    x *= 101.3 / (ref["P"] or math.nan)
                if need == "H2O":
                    x /= 1.0 - (ref["H2O"] or 0.0) / 100.0
                if need == "O2":
                    x *= 10.0 / (21.0 - o2)
            one.samples.append(x)

    def _state(self, r: Reading) -> None:
        if r.pusher is not None:
            self.left = max(self.left - self.sample_s, 0.0)
            if self.anchor is None:
                self.anchor = r.pusher
            elif abs(r.pusher - self.anchor) >= 5.0:
                self.anchor, self.left = r.pusher, 75.0 * 60.0
        oldest, self.celsius = self.temperatures[0], r.celsius
        rises = oldest is not None and r.celsius is not None and r.celsius > oldest
        if self.left > 0.0:
            self.state, self.fed = 2, True
        elif r.burners and (rises or not self.fed):
            self.state = 1
        elif (r.celsius is None and self.state == 0) or (r.celsius is not None and r.celsius < 400.0):
            self.state, self.fed = 0, False
        else:
            self.state = 3
        self.otnoc = r.otnoc and self.state == 2

    # --- ends --------------------------------------------------------------------------------------------------------

    def _end_minute(self) -> None:
        for one in self.substances.values():
            mean = None
            if len(one.samples) >= 40 / self.sample_s - 1e-9:
                mean = sum(one.samples) / len(one.samples)
                for sums in one.periods.values():
                    sums.all.append(mean)
                    if self.state == 2:
                        sums.waste.append(mean)
            one.recent = [*one.recent, mean][-3:]
            one.samples = []
        self.states[self.state] += 1
        self.otnoc_minutes += self.otnoc
        self.temperatures = [*self.temperatures[1:], self.celsius]
        self.minutes += 1

    def _end_period(self, length: int, ended: int) -> None:
        needs = {10: 7, 20: 14, 30: 20}[length]
        has_waste = self.states[2] >= 20
        valid: dict[str, float | None] = {}
        means: dict[str, float | None] = {}
        for name, one in self.substances.items():
            sums = one.periods[length]
            means[name] = sum(sums.all) / len(sums.all) if len(sums.all) >= needs else None
            valid[name] = None
            if len(sums.waste) >= needs and (length != 30 or has_waste):
                valid[name] = max(0.0, sum(sums.waste) / len(sums.waste) - one.rules.confidence)
            one.periods[length] = Sums()
            if length == 10:
                self._end_ten(one, valid[name], ended)
        if length == 30:
            self._end_half_hour(valid, has_waste=has_waste, ended=ended)
        for name in self.substances:
            self.records.append((length, name, means[name], valid[name], self.run, self.year_h))

    def _end_ten(self, one: Substance, valid: float | None, ended: int) -> None:
        if one.rules.ten is not None and valid is not None:
            one.ten_day += 1
            if valid > one.rules.ten:
                one.ten_above_day += 1
                one.ten_above.append(self.label[10])
        one.peak = max(one.peak, one.count(ended))

    def _end_half_hour(self, valid: dict[str, float | None], *, has_waste: bool, ended: int) -> None:
        hours = 0.5 * max(1.0, self.minutes / 30.0)
        is_otnoc = self.otnoc_minutes * 2 > self.states[2]
        starts = stands = False
        for name, one in self.substances.items():
            v, rules = valid[name], one.rules
            if v is None:
                one.lost += has_waste
                one.exceeds = one.exceeds and has_waste
                is_above = False
            else:
                is_above = rules.a is not None and v > rules.a
                one.exceeds = is_above
                one.year["half_hours"] += 1
                one.year["a"] += is_above
                one.year["b"] += rules.b is not None and v > rules.b
                one.day.append(v)
            is_above = is_above or (has_waste and rules.ten is not None and one.peak > 7)
            starts, stands = starts or is_above, stands or is_above or one.exceeds
            one.peak = 0
        self.run = (self.run + hours * starts) if stands else 0.0
        self.year_h += hours * starts
        self.otnoc_h += hours * (is_otnoc and has_waste)
        self.states, self.otnoc_minutes, self.minutes = [0.0] * 4, 0.0, 0

    def _lose(self) -> None:
        for one in self.substances.values():
            one.lost += self.state == 2
            one.exceeds = one.exceeds and self.state == 2
        if self.state != 2:
            self.run = 0.0

    def _enter(self, date: dt.date) -> None:
        if date == self.date:
            return
        for name, one in self.substances.items():
            is_discarded = one.lost > 5
            mean = sum(one.day) / len(one.day) if len(one.day) >= 12 and not is_discarded else None
            one.year["days"] += mean is not None
            one.year["days_above"] += mean is not None and one.rules.daily is not None and mean > one.rules.daily
            one.year["days_lost"] += is_discarded
            day = ("day", self.date.isoformat(), name, mean, len(one.day), one.lost, one.ten_day, one.ten_above_day)
            self.records.append(day)
            one.day, one.lost, one.ten_day, one.ten_above_day = [], 0, 0, 0
        if date.year != self.date.year:
            counters = {name: dict(one.year) for name, one in self.substances.items()}
            kept = self.saved.get(date.year)
            self.saved = {self.date.year: (counters, self.year_h, self.otnoc_h)}
            for name, one in self.substances.items():
                one.year = dict(kept[0][name]) if kept else dict.fromkeys(one.year, 0)
            self.year_h, self.otnoc_h = (kept[1], kept[2]) if kept else (0.0, 0.0)
        self.date = date

    def _look_ahead(self, second: int) -> None:
        left = max(math.ceil((self.start_of(self.high, HALF_HOUR) + HALF_HOUR - second) / MINUTE), 0)
        for one in self.substances.values():
            minutes = one.periods[30].waste
            most = len(minutes) + left
            one.certain = (
                one.rules.a is not None
                and most >= 20
                and sum(minutes) / max(most, 1) - one.rules.confidence > one.rules.a
            )
            count = one.count(second)
            one.peak = max(one.peak, count)
            one.bit = one.exceeds or one.certain or (one.rules.ten is not None and count > 7)
