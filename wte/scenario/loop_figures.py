"""How well each loop of a plant did: deviation, work of the final element, time in its normal mode, oscillation.

All loops and all plants at once, arrays (loops, plants). Error and output are taken in each scan. Oscillation is judged
once a second, on the error through a filter, from lobe to lobe: successive lobes of one sign that are alike in area and
duration are an oscillation (Forsman and Stattin, 1999).
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.config import Config
from controller.core.frame import Frame
from controller.core.plan import Mode, Plan
from controller.core.tags import Floats

Bools = npt.NDArray[np.bool_]

FILTER_S = 3.0  # of the error, for oscillation only: noise makes lobes too
ALIKE_AREA, ALIKE_TIME = 0.6, 0.75  # of two lobes, the smaller on the larger
FEWEST_LOBES = 20  # below that nobody can say whether a loop oscillates
AT_LIMIT = 0.01  # % of output
OSCILLATES = 0.4  # index from which a loop is said to oscillate


@dataclass(frozen=True, slots=True)
class LoopFigures:
    """One loop in one plant over a run; NaN where there is none.

    Deviations count the scans in which the loop controls (AUTO, CAS, RCAS). ``iae_pct`` is the mean of the absolute
    error, so the integral over an hour is as much in %h.
    """

    key: str
    plant: int  # its number in the run
    sigma: float  # of the error, in the unit of the PV
    sigma_pct: float  # of the error, in % of the PV's range
    iae_pct: float  # mean absolute error, % of the PV's range
    travel_pct_h: float  # way of the output in an hour, % of its range
    normal_pct: float  # time in the normal mode or, where that is AUTO, in one that takes a set-point from elsewhere
    limited_pct: float  # time with the output at one of its limits, of the time a PID controls
    oscillation: float  # 0: none; from 0.4 on the loop oscillates; NaN with too few lobes


class LoopWatch:
    """Collects the figures of all loops of a plant."""

    def __init__(self, config: Config, plan: Plan, plants: int) -> None:
        """Find the rows of every loop; ``plants`` run side by side."""
        index, rows = plan.tags.index, plan.tags.rows
        self._keys = [key for key in config.loops if f"{key}.PV" in index]
        self._plants, self._period_s = plants, plan.period_ns * 1e-9
        self._every = max(round(1.0 / self._period_s), 1)
        self._scans = 0
        pv = [rows[index[f"{key}.PV"]] for key in self._keys]
        op = [rows[index[f"{key}.OP"]] for key in self._keys]
        self._span = np.array([max(row.hi - row.lo, 1e-9) for row in pv])[:, np.newaxis]
        self._lo, self._hi = (np.array([getattr(row, end) for row in op])[:, np.newaxis] for end in ("lo", "hi"))
        self._normal = np.array([Mode[config.loops[key].spec.normal] for key in self._keys], dtype=np.float64)[
            :, np.newaxis
        ]
        missing = np.array([f"{key}.ERR" not in index for key in self._keys])
        members = [[index.get(f"{key}.{member}", 0) for key in self._keys] for member in ("ERR", "OP", "MODE_ACT")]
        self._rows = np.array(members, dtype=np.intp)
        self._no_error = missing[:, np.newaxis]
        self._is_pid = [config.loops[key].spec.law == "pid" for key in self._keys]
        shape = (len(self._keys), plants)
        self._count, self._error, self._squares = (np.zeros(shape) for _ in range(3))
        self._travel, self._in_normal, self._limited = (np.zeros(shape) for _ in range(3))
        self._last_op = np.full(shape, np.nan)
        self._lobes = _Lobes(shape)

    def look(self, frame: Frame) -> None:
        """Take note of one scan."""
        error, op, mode = frame.value[self._rows]
        controls = (mode >= float(Mode.AUTO)) & (mode <= float(Mode.RCAS))
        error = np.where(controls & ~self._no_error & ~np.isnan(error), error / self._span, 0.0)
        self._scans += 1
        self._count += controls
        self._error += np.abs(error)
        self._squares += error * error
        self._travel += np.nan_to_num(np.abs(op - self._last_op))
        self._last_op = op
        self._in_normal += (mode == self._normal) | (controls & (mode > self._normal))
        self._limited += controls & ((op <= self._lo + AT_LIMIT) | (op >= self._hi - AT_LIMIT))
        if self._scans % self._every == 0:
            self._lobes.take(error)

    def figures(self) -> tuple[LoopFigures, ...]:
        """Return the figures of every loop in every plant, loops in their order."""
        hours = self._scans * self._period_s / 3600.0
        index = self._lobes.index()
        found: list[LoopFigures] = []
        for number, key in enumerate(self._keys):
            span = float(self._span[number, 0])
            for plant in range(self._plants):
                at = (number, plant)
                count = float(self._count[at])
                has_error = count > 0.0 and not self._no_error[number, 0]
                sigma = math.sqrt(self._squares[at] / count) if has_error else math.nan
                found.append(
                    LoopFigures(
                        key=key,
                        plant=plant,
                        sigma=sigma * span,
                        sigma_pct=100.0 * sigma,
                        iae_pct=100.0 * float(self._error[at]) / count if has_error else math.nan,
                        travel_pct_h=float(self._travel[at]) / hours if hours else math.nan,
                        normal_pct=100.0 * float(self._in_normal[at]) / self._scans if self._scans else math.nan,
                        limited_pct=100.0 * float(self._limited[at]) / count
                        if count and self._is_pid[number]
                        else math.nan,
                        oscillation=float(index[at]) if has_error else math.nan,
                    )
                )
        return tuple(found)


class _Lobes:
    """Lobes of an error between its zero crossings, compared with the one of the same sign before."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._error = np.zeros(shape)
        self._sign = np.zeros(shape)
        self._now = np.zeros((2, *shape))  # area and duration of the lobe that is growing
        self._last = np.full((2, *shape), np.nan)  # of the one before, of the other sign
        self._before = np.full((2, *shape), np.nan)  # of the one before that
        self._alike, self._count = np.zeros(shape), np.zeros(shape)
        self._least = np.array([ALIKE_AREA, ALIKE_TIME])[:, np.newaxis, np.newaxis]

    def take(self, error: Floats) -> None:
        """Take the error of one second."""
        self._error += (error - self._error) / (1.0 + FILTER_S)
        sign = np.sign(self._error)
        ends = (sign != self._sign) & (self._now[1] > 0.0)
        if ends.any():
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = self._now / self._before
                alike = ((ratio > self._least) & (ratio < 1.0 / self._least)).all(axis=0)
            self._alike += ends & alike
            self._count += ends
            np.copyto(self._before, self._last, where=ends)
            np.copyto(self._last, self._now, where=ends)
            np.copyto(self._now, 0.0, where=ends)
        self._sign = sign
        self._now[0] += np.abs(self._error)
        self._now[1] += sign != 0.0

    def index(self) -> Floats:
        """Return the share of lobes that are like the one before of their sign; NaN with too few."""
        return np.where(self._count >= FEWEST_LOBES, self._alike / np.maximum(self._count, 1.0), np.nan)
