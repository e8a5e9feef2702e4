"""Transmitters: what a signal becomes on its way to a register, for all inputs at once.

Unit, lag, dead time, then bias, drift and noise, then counts. Faults are arrays that act on every step; a faulted row
costs nothing extra. Everything is (inputs, batch); values are in the tag's unit.
"""

import numpy as np
import numpy.typing as npt

from controller.core.errors import ConfigError, Issue
from controller.core.state import State
from plc_sim.noise import Noise
from plc_sim.points import InputPoint, Scaling, unit_scale

Floats = npt.NDArray[np.float64]


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
        self._noise = Noise(keys, state.batch)
        self.scaling = Scaling(points, saturates=True)
        self.lagged: Floats = state.add("instrument.lagged", keys, fill=np.nan)
        self.raw: Floats = state.add("instrument.raw", keys)
        self.bias: Floats = state.add("instrument.bias", keys)
        self.drift_per_s: Floats = state.add("instrument.drift_per_s", keys)
        self.drift: Floats = state.add("instrument.drift", keys)
        self.noise_factor: Floats = state.add("instrument.noise_factor", keys, fill=1.0)
        self.is_frozen: npt.NDArray[np.bool_] = state.add("instrument.frozen", keys, dtype=np.bool_)
        self.is_bad: npt.NDArray[np.bool_] = state.add("instrument.bad", keys, dtype=np.bool_)
        self.bad_raw: Floats = state.add("instrument.bad_raw", keys)
        self._add_delays(points, state, period_s)

    def _add_delays(self, points: tuple[InputPoint, ...], state: State, period_s: float) -> None:
        steps = [round(p.instrument.dead_time_s / period_s) for p in points]
        self._delayed = np.array([row for row, count in enumerate(steps) if count], dtype=np.intp)
        self._delay_steps = np.array([count for count in steps if count], dtype=np.intp)
        depth = max(steps, default=0) + 1
        keys = [points[row].key for row in self._delayed]
        self._ring: Floats = state.add("instrument.delay", keys, depth=depth, fill=np.nan)
        self._ring_rows = np.arange(len(keys))

    def start(self, signals: Floats, seed: int) -> None:
        """Settle on ``signals`` and fill the registers."""
        self.lagged[...] = signals.take(self._row, axis=0, mode="clip") * self._factor + self._offset
        self._ring[...] = self.lagged[self._delayed][:, np.newaxis]
        self._convert(self.lagged, seed, 0)

    def step(self, signals: Floats, seed: int, step: int) -> None:
        """Measure ``signals`` (signals, batch) at the end of ``step``."""
        value = signals.take(self._row, axis=0, mode="clip")
        value *= self._factor
        value += self._offset
        value -= self.lagged
        value *= self._share
        self.lagged += value
        self.drift += self.drift_per_s * self._period_s
        if not self._delayed.size:
            self._convert(self.lagged, seed, step)
            return
        depth = self._ring.shape[1]
        self._ring[:, step % depth] = self.lagged[self._delayed]
        value[...] = self.lagged
        value[self._delayed] = self._ring[self._ring_rows, (step - self._delay_steps) % depth]
        self._convert(value, seed, step)

    def _convert(self, value: Floats, seed: int, step: int) -> None:
        noise = self._noise.at(seed, step) * self._sigma
        noise *= self.noise_factor
        noise += value
        noise += self.bias
        noise += self.drift
        np.copyto(self.raw, self.scaling.raw(noise), where=~self.is_frozen)
        np.copyto(self.raw, self.bad_raw, where=self.is_bad)


def _column(values: list[float]) -> Floats:
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
