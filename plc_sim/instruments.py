"""Transmitters: what a signal becomes on its way to a register, for all inputs at once.

Unit, lag, dead time, then bias, drift, noise and spikes, then counts: rounded, and saturated where a healthy
transmitter saturates (NE 43). Faults are arrays that act on every step; a faulted row costs nothing extra. Everything
is (inputs, batch); values are in the tag's unit.

A step is a function of signals, state and the noise drawn for it. A spike comes where that noise is far out: so spikes,
too, are the same in a batch as in a plant alone.
"""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from controller.core.errors import ConfigError, Issue
from controller.core.state import State
from plc_sim.noise import Noise
from plc_sim.points import InputPoint, Scaling, unit_scale

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Instruments:
    """The transmitters of all inputs; ``raw`` holds what stands in their registers."""

    def __init__(
        self,
        points: tuple[InputPoint, ...],
        signal_row: dict[str, int],
        state: State,
        *,
        barometric_pa: float,
        period_s: float,
    ) -> None:
        """Add the state; ``signal_row`` gives the row of "L1/drum.level" in the signals handed to ``step``."""
        keys = [p.key for p in points]
        self._row = np.array(_signal_rows(points, signal_row), dtype=np.intp)
        scales = [unit_scale(p, barometric_pa) for p in points]
        self._factor, self._offset = _column([f for f, _ in scales]), _column([o for _, o in scales])
        tau = _column([p.instrument.tau_s for p in points])
        with np.errstate(divide="ignore"):
            self._share = -np.expm1(-period_s / tau)  # 1 where there is no lag
        self._period_s = period_s
        self._sigma = _column([p.instrument.noise for p in points])
        self._table = Noise(keys, state.batch)
        self.scaling = Scaling(points, saturates=True)
        self.noise: Floats = state.add("instrument.noise", keys)
        self.lagged: Floats = state.add("instrument.lagged", keys, fill=np.nan)
        self.raw: Floats = state.add("instrument.raw", keys)
        self.bias: Floats = state.add("instrument.bias", keys)
        self.drift_per_s: Floats = state.add("instrument.drift_per_s", keys)
        self.drift: Floats = state.add("instrument.drift", keys)
        self.noise_factor: Floats = state.add("instrument.noise_factor", keys, fill=1.0)
        self.spike: Floats = state.add("instrument.spike", keys)  # height
        self.spike_reach: Floats = state.add("instrument.spike_reach", keys)  # how often, see ``spike_reach``
        self.is_frozen: Mask = state.add("instrument.frozen", keys, dtype=np.bool_)
        self.is_bad: Mask = state.add("instrument.bad", keys, dtype=np.bool_)
        self.bad_raw: Floats = state.add("instrument.bad_raw", keys)
        self._delay = _Delay(keys, [round(p.instrument.dead_time_s / period_s) for p in points], state)

    def start(self, signals: Floats, seed: int) -> None:
        """Settle on ``signals`` and fill the registers."""
        self.lagged[...] = signals.take(self._row, axis=0, mode="clip") * self._factor + self._offset
        self._delay.settle(self.lagged)
        self.draw(seed, 0)
        self._convert(self.lagged)

    def draw(self, seed: int, step: int) -> None:
        """Take the noise of ``step`` from its table: the one part that is not a function of the state."""
        self.noise[...] = self._table.at(seed, step)

    def step(self, signals: Floats) -> None:
        """Measure ``signals`` (signals, batch) at the end of a step whose noise is drawn."""
        value = signals.take(self._row, axis=0, mode="clip")
        value *= self._factor
        value += self._offset
        value -= self.lagged
        value *= self._share
        self.lagged += value
        self.drift += self.drift_per_s * self._period_s
        self._convert(self._delay.step(self.lagged))

    def _convert(self, value: Floats) -> None:
        """Fill the registers with the reading of ``value``."""
        noise = self.noise
        reading = noise * self._sigma
        reading *= self.noise_factor
        reading += value
        reading += self.bias
        reading += self.drift
        spike = np.where(noise > 0.0, self.spike, -self.spike)
        np.add(reading, spike, out=reading, where=np.abs(noise) * self.spike_reach > 1.0)
        np.copyto(self.raw, self.scaling.raw(reading), where=~self.is_frozen)
        np.copyto(self.raw, self.bad_raw, where=self.is_bad)


def spike_reach(per_minute: float, period_s: float) -> float:
    """Return the reach with which ``per_minute`` readings are spikes on average: one where noise times reach passes 1.

    At most every second reading.
    """
    share = min(per_minute * period_s / 60.0, 0.5)
    return 1.0 / NormalDist().inv_cdf(1.0 - 0.5 * share) if share > 0.0 else 0.0


class _Delay:
    """Dead times of the rows that have one: a ring of whole steps, as deep as the longest of them."""

    def __init__(self, keys: Sequence[str], steps: Sequence[int], state: State) -> None:
        self._rows = np.array([row for row, count in enumerate(steps) if count], dtype=np.intp)
        self._back = np.array([[count] for count in steps if count], dtype=np.int64)
        self._depth = max(steps, default=0) + 1
        delayed = [keys[row] for row in self._rows]
        places = [f"{key}.{number}" for number in range(self._depth) for key in delayed]
        self._ring: Floats = state.add("instrument.delay", places, fill=np.nan)
        self._now: npt.NDArray[np.int64] = state.add("instrument.delay_place", ("place",), dtype=np.int64)
        self._first = np.arange(len(delayed) * state.batch).reshape(len(delayed), state.batch)

    def settle(self, value: Floats) -> None:
        """Fill the ring with ``value`` (inputs, batch)."""
        self._ring.reshape(self._depth, *self._first.shape)[...] = value[self._rows]

    def step(self, value: Floats) -> Floats:
        """Put ``value`` in and return what comes out, (inputs, batch)."""
        if not self._rows.size:
            return value
        size, flat = self._first.size, self._ring.reshape(-1)
        np.put(flat, self._first + self._now * size, value[self._rows])
        late = flat.take(self._first + (self._now + self._depth - self._back) % self._depth * size)
        self._now[...] = (self._now + 1) % self._depth
        result = value.copy()
        result[self._rows] = late
        return result


def _column(values: Sequence[float]) -> Floats:
    return np.array(values, dtype=np.float64).reshape(-1, 1)


def _signal_rows(points: tuple[InputPoint, ...], signal_row: dict[str, int]) -> list[int]:
    """Return the row of each point's signal: of its instance, or of its PLC."""
    rows: list[int] = []
    issues: list[Issue] = []
    for point in points:
        name = point.instrument.of
        owner = point.device if name.startswith("plc.") else point.instance
        row = signal_row.get(f"{owner}/{name}")
        if row is None:
            known = sorted(key.split("/", 1)[1] for key in signal_row if key.startswith(f"{owner}/"))
            text = f"the simulated plant has no signal {name!r}; {owner} has {', '.join(known)}"
            issues.append(point.issue("instrument.of", text))
        else:
            rows.append(row)
    if issues:
        raise ConfigError(issues)
    return rows
