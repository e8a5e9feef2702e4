"""Looks at each scan for the expectations of one kind, in all plants at once.

Arrays are (expectations, plants); a scan costs some ten numpy calls per kind, however many expectations there are.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from controller.core import quality
from controller.core.frame import Frame
from controller.core.plan import Plan
from controller.core.tags import Floats
from wte.scenario.model import Condition, Mean, Moment, Return, Sigma, Span

Bools = npt.NDArray[np.bool_]

HALF_A_SCAN_S = 0.05  # times are compared to within this; scans are 100 ms or a few less apart
GOOD, UNCERTAIN, BAD = 0.0, 1.0, 2.0
SEVERITY = {"good": GOOD, "uncertain": UNCERTAIN, "bad": BAD}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one plant showed; ``reached`` is one figure for a table: a value, a share in %, a time in s, a count."""

    is_met: bool
    found: str
    reached: float
    distance: float  # how far it is from being missed; the least is the worst plant


# --- what is looked at -----------------------------------------------------------------------------------------------


class Channels:
    """The values that expectations look at: tags, or running means of them, each once. Shape (channels, plants)."""

    def __init__(self, channels: Sequence[tuple[str, float]], plan: Plan, plants: int) -> None:
        self._rows = np.array([plan.row(tag) for tag, _ in channels], dtype=np.intp)
        period_s = plan.period_ns * 1e-9
        lengths = sorted({mean_s for _, mean_s in channels if mean_s})
        self._means: list[_Rings] = []
        for mean_s in lengths:
            mine = np.array([number for number, channel in enumerate(channels) if channel[1] == mean_s], dtype=np.intp)
            self._means.append(_Rings(mine, max(round(mean_s / period_s), 1), plants))

    def take(self, frame: Frame) -> tuple[Floats, Floats]:
        """Return values (NaN where bad) and severities of this scan."""
        value, codes = frame.value[self._rows], frame.quality[self._rows]
        severity: Floats = (codes >= quality.UNCERTAIN).astype(np.float64) + (codes >= quality.BAD)
        for rings in self._means:
            rings.take(value, severity)
        return value, severity


class _Rings:
    """Running means of one length; a mean is as bad as its worst sample."""

    def __init__(self, channels: npt.NDArray[np.intp], length: int, plants: int) -> None:
        self._channels = channels
        shape = (3, len(channels), plants)  # value, is at least uncertain, is bad
        self._ring = np.zeros((length, *shape))
        self._sum = np.zeros(shape)
        self._count = 0

    def take(self, value: Floats, severity: Floats) -> None:
        """Take one scan and put the means in the place of the samples."""
        mine, worst = value[self._channels], severity[self._channels]
        new = np.stack([np.nan_to_num(mine), worst >= UNCERTAIN, worst >= BAD])
        slot = self._ring[self._count % len(self._ring)]
        self._sum += new - slot
        slot[...] = new
        self._count += 1
        mean = self._sum[0] / min(self._count, len(self._ring))
        severity[self._channels] = (self._sum[1] > 0.5) * 1.0 + (self._sum[2] > 0.5)
        value[self._channels] = np.where(self._sum[2] > 0.5, np.nan, mean)


class _Limits:
    """The conditions of one kind, as arrays (n, 1)."""

    def __init__(self, specs: Sequence[Condition]) -> None:
        bands = [spec.between for spec in specs]
        self.lo = _column([-math.inf if band is None else band.lo for band in bands])
        self.hi = _column([math.inf if band is None else band.hi for band in bands])
        self._is_any = _column([band is None for band in bands]) > 0.5
        self._wanted = _column([SEVERITY.get(spec.quality or "", -1.0) for spec in specs])

    def hold(self, value: Floats, severity: Floats) -> Bools:
        """Return which conditions hold."""
        inside = self._is_any | ((value >= self.lo) & (value <= self.hi))
        return inside & ((self._wanted < 0.0) | (severity == self._wanted))

    def distance(self, place: int, low: float, high: float) -> float:
        """Return how far ``low`` to ``high`` is inside the band, in its unit; negative outside."""
        return min(low - float(self.lo[place, 0]), float(self.hi[place, 0]) - high)


def _column(values: Sequence[float]) -> Floats:
    return np.array(values, dtype=np.float64)[:, np.newaxis]


class Watch(Protocol):
    """Looks at every scan for all expectations of one kind."""

    def look(self, time_s: float, value: Floats, severity: Floats) -> None:
        """Take note of one scan; channels as ``Channels`` gives them."""

    def finding(self, place: int, plant: int) -> Finding:
        """Judge one expectation in one plant after the last scan."""
        ...


class _Moments(Watch):
    def __init__(self, specs: Sequence[Moment], channels: Sequence[int], end_s: float, plants: int) -> None:
        del end_s
        self._channel = np.array(channels, dtype=np.intp)
        self._limits = _Limits(specs)
        self._at_s = _column([spec.at_s for spec in specs])
        self._value = np.full((len(specs), plants), np.nan)
        self._severity = np.full((len(specs), plants), np.nan)
        self._holds = np.zeros((len(specs), plants), dtype=np.bool_)

    def look(self, time_s: float, value: Floats, severity: Floats) -> None:
        due = np.isnan(self._severity) & (self._at_s - HALF_A_SCAN_S <= time_s)
        if due.any():
            value, severity = value[self._channel], severity[self._channel]
            np.copyto(self._holds, self._limits.hold(value, severity), where=due)
            np.copyto(self._value, value, where=due)
            np.copyto(self._severity, severity, where=due)

    def finding(self, place: int, plant: int) -> Finding:
        value, severity = float(self._value[place, plant]), float(self._severity[place, plant])
        if math.isnan(severity):
            return Finding(is_met=False, found="the scenario ends earlier", reached=math.nan, distance=-math.inf)
        name = next(word for word, code in SEVERITY.items() if code == severity)
        found = name if math.isnan(value) else f"{value:.4g} ({name})"
        distance = self._limits.distance(place, value, value)
        return Finding(bool(self._holds[place, plant]), found, value, distance)


class _Spans(Watch):
    def __init__(self, specs: Sequence[Span], channels: Sequence[int], end_s: float, plants: int) -> None:
        self._specs = specs
        self._channel = np.array(channels, dtype=np.intp)
        self._limits = _Limits(specs)
        self._from_s = _column([spec.from_s for spec in specs]) - HALF_A_SCAN_S
        self._to_s = _column([end_s if spec.to_s is None else spec.to_s for spec in specs]) + HALF_A_SCAN_S
        shape = (len(specs), plants)
        self._scans, self._inside = np.zeros(shape), np.zeros(shape)
        self._low, self._low_s = np.full(shape, np.inf), np.zeros(shape)
        self._high, self._high_s = np.full(shape, -np.inf), np.zeros(shape)
        self._left, self._left_s = np.full(shape, np.nan), np.full(shape, np.nan)

    def look(self, time_s: float, value: Floats, severity: Floats) -> None:
        now = (self._from_s <= time_s) & (time_s <= self._to_s)
        if not now.any():
            return
        value, severity = value[self._channel], severity[self._channel]
        holds = self._limits.hold(value, severity)
        self._scans += now
        self._inside += now & holds
        left = now & ~holds & np.isnan(self._left_s)
        if left.any():
            np.copyto(self._left, value, where=left)
            self._left_s[left] = time_s
        lower, higher = now & (value < self._low), now & (value > self._high)
        np.copyto(self._low, value, where=lower)
        np.copyto(self._high, value, where=higher)
        self._low_s[lower] = time_s
        self._high_s[higher] = time_s

    def finding(self, place: int, plant: int) -> Finding:
        at = (place, plant)
        if not self._scans[at]:
            return Finding(is_met=False, found="the scenario ends earlier", reached=math.nan, distance=-math.inf)
        low, high = float(self._low[at]), float(self._high[at])
        extremes = "no value"
        if low <= high:
            extremes = f"{low:.4g} at {self._low_s[at]:.1f} s to {high:.4g} at {self._high_s[at]:.1f} s"
        share, wanted = float(self._inside[at] / self._scans[at]), self._specs[place].share
        if wanted < 1.0:
            return Finding(share >= wanted, f"{100.0 * share:.4g} %; {extremes}", 100.0 * share, share - wanted)
        distance = self._limits.distance(place, low, high)
        is_low = low - self._limits.lo[place, 0] < self._limits.hi[place, 0] - high
        reached = low if is_low else high
        if math.isnan(self._left_s[at]):
            return Finding(is_met=True, found=extremes, reached=reached, distance=distance)
        left = "bad" if math.isnan(self._left[at]) else f"{self._left[at]:.4g}"
        found = f"{left} at {self._left_s[at]:.1f} s; {extremes}"
        return Finding(is_met=False, found=found, reached=reached, distance=distance)


class _Returns(Watch):
    def __init__(self, specs: Sequence[Return], channels: Sequence[int], end_s: float, plants: int) -> None:
        self._specs = specs
        self._channel = np.array(channels, dtype=np.intp)
        self._limits = _Limits(specs)
        self._to_s = _column([end_s if spec.to_s is None else spec.to_s for spec in specs]) + HALF_A_SCAN_S
        shape = (len(specs), plants)
        self._since = np.full(shape, np.nan)  # when it last came in
        self._last = np.full(shape, np.nan)

    def look(self, time_s: float, value: Floats, severity: Floats) -> None:
        now = np.broadcast_to(time_s <= self._to_s, self._last.shape)
        value, severity = value[self._channel], severity[self._channel]
        holds = self._limits.hold(value, severity)
        np.copyto(self._last, value, where=now)
        self._since[now & ~holds] = np.nan
        self._since[now & holds & np.isnan(self._since)] = time_s

    def finding(self, place: int, plant: int) -> Finding:
        since, last = float(self._since[place, plant]), float(self._last[place, plant])
        by_s = self._specs[place].by_s
        if math.isnan(since):
            found = "bad at the end" if math.isnan(last) else f"{last:.4g} at the end"
            return Finding(is_met=False, found=found, reached=math.nan, distance=-math.inf)
        return Finding(since <= by_s + HALF_A_SCAN_S, f"since {since:.1f} s", since, by_s - since)


class _Sums(Watch):
    """Count, sum and sum of squares since ``from_s``, about the first value, of good and uncertain scans."""

    def __init__(
        self, specs: Sequence[Mean] | Sequence[Sigma], channels: Sequence[int], end_s: float, plants: int
    ) -> None:
        self._channel = np.array(channels, dtype=np.intp)
        self._from_s = _column([spec.from_s for spec in specs]) - HALF_A_SCAN_S
        self._to_s = _column([end_s if spec.to_s is None else spec.to_s for spec in specs]) + HALF_A_SCAN_S
        shape = (len(specs), plants)
        self._origin = np.full(shape, np.nan)
        self._count, self._sum, self._squares = np.zeros(shape), np.zeros(shape), np.zeros(shape)

    def look(self, time_s: float, value: Floats, severity: Floats) -> None:
        del severity
        now = (self._from_s <= time_s) & (time_s <= self._to_s)
        if not now.any():
            return
        value = value[self._channel]
        seen = now & ~np.isnan(value)
        np.copyto(self._origin, value, where=seen & np.isnan(self._origin))
        away = np.where(seen, value - self._origin, 0.0)
        self._count += seen
        self._sum += away
        self._squares += away * away

    def figures(self, place: int, plant: int) -> tuple[float, float]:
        """Return mean and standard deviation; NaN without a value."""
        count = float(self._count[place, plant])
        if not count:
            return math.nan, math.nan
        mean = float(self._sum[place, plant]) / count
        variance = float(self._squares[place, plant]) / count - mean * mean
        return mean + float(self._origin[place, plant]), math.sqrt(max(variance, 0.0))


class _Means(_Sums):
    def __init__(self, specs: Sequence[Mean], channels: Sequence[int], end_s: float, plants: int) -> None:
        super().__init__(specs, channels, end_s, plants)
        self._bands = [spec.between for spec in specs]

    def finding(self, place: int, plant: int) -> Finding:
        mean, _ = self.figures(place, plant)
        band = self._bands[place]
        if math.isnan(mean):
            return Finding(is_met=False, found="no value", reached=mean, distance=-math.inf)
        return Finding(band.lo <= mean <= band.hi, f"{mean:.4g}", mean, min(mean - band.lo, band.hi - mean))


class _Sigmas(_Sums):
    def __init__(self, specs: Sequence[Sigma], channels: Sequence[int], end_s: float, plants: int) -> None:
        super().__init__(specs, channels, end_s, plants)
        self._sigmas = specs

    def finding(self, place: int, plant: int) -> Finding:
        mean, sigma = self.figures(place, plant)
        spec = self._sigmas[place]
        if math.isnan(mean):
            return Finding(is_met=False, found="no value", reached=mean, distance=-math.inf)
        reached = 100.0 * sigma / abs(mean) if spec.of_mean and mean else sigma
        unit = " %" if spec.of_mean else ""
        found = f"{reached:.4g}{unit} about a mean of {mean:.4g}"
        return Finding(reached <= spec.at_most, found, reached, spec.at_most - reached)


KINDS: tuple[tuple[str, Callable[..., Watch]], ...] = (
    ("at", _Moments),
    ("stays", _Spans),
    ("returns", _Returns),
    ("mean", _Means),
    ("sigma", _Sigmas),
)
