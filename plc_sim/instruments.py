"""Transmitters: what a signal becomes on its way to a register, for all inputs at once.

Unit, lag, dead time, then bias, drift, noise and spikes, then counts: rounded, and saturated where a healthy
transmitter saturates (NE 43). Everything is (inputs, batch); values are in the tag's unit.

A step is a function of signals, state and the noise drawn for it. A spike comes where that noise is far out: so spikes,
too, are the same in a batch as in a plant alone.

The whole formula is ``DisturbedReading``. Compiled, an input on which no fault acts is read by the part of it that
remains, which has the same bits: faults cost something only where they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from controller.core.errors import ConfigError, Issue
from controller.core.state import State
from plc_sim.compiled.rows import Field, Part, Rows
from plc_sim.compiled.stages import CompiledStep, Stage
from plc_sim.noise import Noise
from plc_sim.points import InputPoint, Scaling, unit_scale

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

# What a row of the fault arrays holds where no fault acts; what a frozen or failed reading was does not matter then.
NEUTRAL = {
    "bias": 0.0, "drift_per_s": 0.0, "drift": 0.0, "noise_factor": 1.0, "spike": 0.0, "spike_reach": 0.0,
    "frozen": 0.0, "bad": 0.0,
}  # fmt: skip


@dataclass(slots=True)
class Reading:
    """An input that shows its signal as it is."""

    scaling: Scaling
    signal: Floats
    raw: Floats
    factor: Floats
    offset: Floats

    def step(self) -> None:
        """Fill the register."""
        self.raw[...] = self.registered(self.value())

    def value(self) -> Floats:
        """Return the signal in the tag's unit."""
        return self.signal * self.factor + self.offset

    def registered(self, reading: Floats) -> Floats:
        """Return what the register shows of a reading; there is one zero, without a sign."""
        return self.scaling.raw(reading) + 0.0


@dataclass(slots=True)
class LaggedReading(Reading):
    """An input with lag, dead time or noise. ``before`` is the lagged value of the last step, ``after`` of this one."""

    before: Floats
    after: Floats
    late: Floats  # of as many steps ago as the dead time has
    noise: Floats  # standard normal
    share: Floats  # of the way to the signal that the lag goes in a step
    is_lagged: Mask
    is_late: Mask  # has a dead time
    sigma: Floats

    def step(self) -> None:
        """Fill the register."""
        lagged = self.lagged()
        self.after[...] = lagged
        self.raw[...] = self.registered(self.noise * self.sigma + self.arrived(lagged))

    def lagged(self) -> Floats:
        """Return the value behind the lag."""
        value = self.value()
        return np.where(self.is_lagged, self.before + (value - self.before) * self.share, value)

    def arrived(self, lagged: Floats) -> Floats:
        """Return what comes out of the dead time."""
        return np.where(self.is_late, self.late, lagged)


@dataclass(slots=True)
class DisturbedReading(LaggedReading):
    """Any input with all that faults do to it."""

    is_plain: Mask  # has nothing of a LaggedReading
    bias: Floats
    drift_per_step: Floats  # what the drift per second makes in one
    drift: Floats
    drift_per_s: Floats
    noise_factor: Floats
    spike: Floats
    spike_reach: Floats
    frozen: Mask
    bad: Mask
    bad_raw: Floats

    def step(self) -> None:
        """Fill the register."""
        lagged, noise = self.lagged(), self.noise
        arrived = self.arrived(lagged)
        self.after[...] = np.where(self.is_plain, self.before, lagged)
        self.drift[...] = self.drift + self.drift_per_s * self.drift_per_step
        reading = noise * self.sigma * self.noise_factor + arrived + self.bias + self.drift
        spike = np.where(noise > 0.0, self.spike, -self.spike)
        reading = np.where(np.abs(noise) * self.spike_reach > 1.0, reading + spike, reading)
        raw = np.where(self.frozen, self.raw, self.registered(reading))
        self.raw[...] = np.where(self.bad, self.bad_raw, raw)


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
        self._row = np.array(signal_rows(points, signal_row), dtype=np.intp)
        self._kept = _Kept(keys, [round(p.instrument.dead_time_s / period_s) for p in points], state)
        self._table = Noise(keys, state.batch)
        self._now = (0, 0)  # seed and step of the noise
        self.scaling = Scaling.of(points, saturates=True)
        self.raw: Floats = state.add("instrument.raw", keys)
        self.bad_raw: Floats = state.add("instrument.bad_raw", keys)
        self._faults: dict[str, npt.NDArray[Any]] = {
            name: state.add(
                f"instrument.{name}", keys, dtype=np.bool_ if name in ("frozen", "bad") else np.float64, fill=fill
            )
            for name, fill in NEUTRAL.items()
        }
        self.bias: Floats = self._faults["bias"]
        self.spike: Floats = self._faults["spike"]  # height
        self.spike_reach: Floats = self._faults["spike_reach"]  # how often, see ``spike_reach``
        self._constants = self._constant(points, barometric_pa, period_s)
        self._is_disturbed = np.zeros(len(keys), dtype=np.bool_)
        self._stages: list[tuple[Stage, Places]] = []  # those with noise or lag, and their rows

    def start(self, signals: Floats, seed: int) -> None:
        """Settle on ``signals`` and fill the registers."""
        value = signals[self._row] * self._constants["factor"] + self._constants["offset"]
        np.copyto(value, 0.0, where=self._constants["is_plain"])
        self._kept.settle(value)
        self.draw(seed, 0)
        CompiledStep(self.stages(signals), signals.shape[1])()
        self._stages = []

    def draw(self, seed: int, step: int) -> None:
        """Take the noise of ``step``, and where the dead times are then: the part that is no function of the state."""
        self._now = (seed, step)
        has_turned = self._kept.turn(step)
        for stage, rows in self._stages:
            stage.place("noise", self._noise(rows).addresses())
            for name, field in self._lagged(rows).items() if has_turned else ():
                stage.place(name, field.addresses())

    def step(self, signals: Floats) -> None:
        """Measure ``signals`` (signals, batch) at the end of a step whose noise is drawn."""
        self._rows(DisturbedReading, signals).run()

    def stages(self, signals: Floats) -> list[Stage]:
        """Return ``step`` compiled, for the inputs on which faults act now and those on which none does."""
        disturbed, plain = self._is_disturbed, self._constants["is_plain"][:, 0]
        found: list[Stage] = []
        self._stages = []
        for make, which in (
            (Reading, plain & ~disturbed), (LaggedReading, ~plain & ~disturbed), (DisturbedReading, disturbed)
        ):  # fmt: skip
            rows = np.flatnonzero(which)
            if rows.size:
                found.append(self._rows(make, signals).stage(rows))
                if make is not Reading:
                    self._stages.append((found[-1], rows))
        return found

    def review(self, rows: Sequence[int] | None = None) -> bool:
        """Look where faults act, on some inputs or (None) all; return whether ``stages`` has become another one."""
        which = np.arange(len(self._is_disturbed)) if rows is None else np.array(rows, dtype=np.intp)
        found = np.zeros(len(which), dtype=np.bool_)
        for name, neutral in NEUTRAL.items():
            found |= (self._faults[name][which] != neutral).any(axis=1)
        is_other = bool((found != self._is_disturbed[which]).any())
        self._is_disturbed[which] = found
        return is_other

    def _rows(self, make: type[Reading], signals: Floats) -> Rows[Reading]:
        """Return the formula ``make`` on all inputs."""
        fields: dict[str, Field | Part] = {"scaling": Part.constant(self.scaling)}
        fields |= {"signal": Field(signals, self._row), "raw": Field(self.raw), "bad_raw": Field(self.bad_raw)}
        fields |= {name: Field(array) for name, array in self._faults.items()}
        fields |= {name: Field.constant(array) for name, array in self._constants.items()}
        fields |= self._lagged(slice(None)) | {"noise": self._noise(None)}
        names = [field.name for field in dataclass_fields(make)]
        return Rows(make, {name: fields[name] for name in names}, make.step)

    def _noise(self, rows: Places | None) -> Field:
        """Return the noise of this step of some inputs, or (None) all."""
        return Field(self._table.windows, self._table.starts(*self._now, rows))

    def _lagged(self, rows: Places | slice) -> dict[str, Field]:
        """Return where the lagged values of some inputs stand in this step."""
        return {
            name: Field(self._kept.ring, place[rows], is_written=name == "after")
            for name, place in self._kept.places.items()
        }

    def _constant(
        self, points: tuple[InputPoint, ...], barometric_pa: float, period_s: float
    ) -> dict[str, npt.NDArray[Any]]:
        """Return the constants by name, (inputs, 1)."""
        scales = [unit_scale(p, barometric_pa) for p in points]
        tau, sigma = (_column([getattr(p.instrument, name) for p in points]) for name in ("tau_s", "noise"))
        dead = _column([round(p.instrument.dead_time_s / period_s) for p in points])
        with np.errstate(divide="ignore"):
            share = -np.expm1(-period_s / tau)
        return {
            "factor": _column([factor for factor, _ in scales]),
            "offset": _column([offset for _, offset in scales]),
            "share": share,
            "is_lagged": tau > 0.0,
            "is_late": dead > 0.0,
            "sigma": sigma,
            "is_plain": (tau == 0.0) & (dead == 0.0) & (sigma == 0.0),
            "drift_per_step": np.full_like(tau, period_s),
        }


def spike_reach(per_minute: float, period_s: float) -> float:
    """Return the reach with which ``per_minute`` readings are spikes on average: one where noise times reach passes 1.

    At most every second reading.
    """
    share = min(per_minute * period_s / 60.0, 0.5)
    return 1.0 / NormalDist().inv_cdf(1.0 - 0.5 * share) if share > 0.0 else 0.0


class _Kept:
    """The lagged values: of an input without dead time the last one, of others a ring of as many steps as it has."""

    def __init__(self, keys: Sequence[str], steps: Sequence[int], state: State) -> None:
        self._depth = np.array(steps, dtype=np.int64) + 1
        self._first = np.cumsum(self._depth) - self._depth
        names = [f"{key}.{number}" for key, depth in zip(keys, self._depth, strict=True) for number in range(depth)]
        self.ring: Floats = state.add("instrument.lagged", names)
        self._late = np.flatnonzero(self._depth > 1)
        self.places = {name: self._first.copy() for name in ("before", "after", "late")}

    def settle(self, value: Floats) -> None:
        """Fill all places with ``value`` (inputs, batch)."""
        self.ring[...] = value.repeat(self._depth, axis=0)

    def turn(self, step: int) -> bool:
        """Go on to ``step``: what is written then comes out when as many steps have gone by. Whether places changed."""
        first, depth = self._first[self._late], self._depth[self._late]
        for name, by in (("before", -1), ("after", 0), ("late", 1)) if self._late.size else ():
            self.places[name][self._late] = first + (step + by) % depth
        return bool(self._late.size)


def _column(values: Sequence[float]) -> Floats:
    return np.array(values, dtype=np.float64).reshape(-1, 1)


def signal_rows(points: tuple[InputPoint, ...], signal_row: dict[str, int]) -> list[int]:
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
