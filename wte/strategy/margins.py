"""How robust a loop is on the process that its configuration declares: margins, peak sensitivity, what SIMC would set.

The open loop is that of the PID in ISA form with its derivative filter, the declared model, and half a scan of dead
time for the hold between two scans. Gap and limits are left out: they make a loop slower, not faster.
"""

import math
from dataclasses import dataclass

import numpy as np

from controller.core.models import ProcessModel, Tuning

FREQUENCIES = 6000
SLOWEST, FASTEST = 1e-3, 100.0  # of the slowest corner of loop and model, of the dead time
HALF_TURN = math.pi


@dataclass(frozen=True, slots=True)
class Margins:
    """``gain`` as a factor, ``phase`` in degrees, ``peak`` the largest sensitivity Ms; infinite where none limits."""

    gain: float
    phase: float
    peak: float

    @property
    def is_stable(self) -> bool:
        """Whether the closed loop settles, for the models that can be declared."""
        return self.gain > 1.0 and self.phase > 0.0


@dataclass(frozen=True, slots=True)
class Simc:
    """The SIMC rule on the declared model.

    ``lambda_s`` is the closed-loop time constant that the gain in use stands for; ``kp`` and ``ti_s`` are what the rule
    gives for a time constant of one dead time.
    """

    lambda_s: float
    kp: float
    ti_s: float


def margins(tuning: Tuning, process: ProcessModel, period_s: float) -> Margins:
    """Return the margins of a loop run every ``period_s``; with a gain schedule those of its worst point."""
    points = [(1.0, 1.0)]
    if tuning.schedule is not None:
        points = list(zip(tuning.schedule.kp, tuning.schedule.ti, strict=False))
    found = [_margins(tuning, tuning.kp * kp, tuning.ti_s * ti, process, period_s) for kp, ti in points]
    return max(found, key=lambda one: one.peak)


def _margins(tuning: Tuning, kp: float, ti_s: float, process: ProcessModel, period_s: float) -> Margins:
    dead_s = process.dead_time_s + period_s / 2.0
    corners = [time for time in (ti_s, tuning.td_s, process.lag_s, dead_s) if time > 0.0]
    omega = np.geomspace(SLOWEST / max(corners), min(math.pi / period_s, FASTEST / dead_s), FREQUENCIES)
    s = 1j * omega
    controller = np.full(omega.shape, kp, dtype=np.complex128)
    if ti_s > 0.0:
        controller += kp / (ti_s * s)
    if tuning.td_s > 0.0:
        controller += kp * tuning.td_s * s / (1.0 + tuning.td_s * s / tuning.n)
    gain = _gain(process) / (s if process.integrates is not None else 1.0)
    loop = controller * gain * np.exp(-dead_s * s) / (1.0 + process.lag_s * s)
    size, phase = np.abs(loop), np.unwrap(np.angle(loop))
    phase -= 2.0 * HALF_TURN * np.round(phase[0] / (2.0 * HALF_TURN) - 1e-9)  # begins between -180° and 180°
    falls = np.flatnonzero((phase[:-1] > -HALF_TURN) & (phase[1:] <= -HALF_TURN))
    crosses = np.flatnonzero((size[:-1] > 1.0) & (size[1:] <= 1.0))
    return Margins(
        gain=1.0 / float(size[falls].max()) if falls.size else math.inf,
        phase=math.degrees(float(phase[crosses].min()) + HALF_TURN) if crosses.size else math.inf,
        peak=float((1.0 / np.abs(1.0 + loop)).max()),
    )


def simc(tuning: Tuning, process: ProcessModel, period_s: float) -> Simc | None:
    """Return what SIMC says of the tuning; None for a model without lag, of whose gain the rule says nothing."""
    dead_s = process.dead_time_s + period_s / 2.0
    gain = _gain(process)
    if gain == 0.0 or (process.integrates is None and process.lag_s == 0.0):
        return None
    slope = gain if process.integrates is not None else gain / process.lag_s  # %/s per %
    if process.integrates is not None:
        dead_s += process.lag_s  # the rule knows no lag beside an integrator
    ti_s = 8.0 * dead_s if process.integrates is not None else min(process.lag_s, 8.0 * dead_s)
    return Simc(1.0 / (slope * tuning.kp) - dead_s, 1.0 / (slope * 2.0 * dead_s), ti_s)


def _gain(process: ProcessModel) -> float:
    """Return the size of the process gain; its sign is the business of the action."""
    return abs(process.integrates if process.integrates is not None else process.gain or 0.0)
