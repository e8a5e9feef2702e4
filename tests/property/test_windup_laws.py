"""No windup: a set-point step that saturates the output overshoots no more than the same step without limits.

Processes E1 to E15 of Skogestad (J. Process Control 13, 2003, 291-309) with his PI settings, and first-order processes
with dead times of 0.1 to 3 time constants; all cases run side by side, each with its own sample time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy import signal

from controller.core.tags import Floats
from controller.logic.blocks import pid

STEPS = 6000


@dataclass(frozen=True)
class Case:
    name: str
    num: Sequence[Sequence[float]]  # factors, highest power first
    den: Sequence[Sequence[float]]
    delay: float
    theta: float  # effective, of the PI model
    kp: float
    ti: float


CASES = (
    Case("E1", [[1]], [[1, 1], [0.2, 1]], 0.0, 0.1, 5.5, 0.8),
    Case("E2", [[-0.3, 1], [0.08, 1]], [[2, 1], [1, 1], [0.4, 1], [0.2, 1], *[[0.05, 1]] * 3], 0.0, 1.47, 0.85, 2.5),
    Case("E3", [[30, 2]], [[20, 1], [1, 1], [0.1, 1], [0.1, 1]], 0.0, 0.15, 2.33, 1.05),
    Case("E4", [[1]], [[1, 1]] * 4, 0.0, 2.5, 0.3, 1.5),
    Case("E5", [[1]], [[1, 1], [0.2, 1], [0.04, 1], [0.008, 1]], 0.0, 0.148, 3.72, 1.1),
    Case("E6", [[0.17, 1]] * 2, [[1, 0], [1, 1], [1, 1], [0.028, 1]], 0.0, 1.69, 0.296, 13.5),
    Case("E7", [[-2, 1]], [[1, 1]] * 3, 0.0, 3.5, 0.214, 1.5),
    Case("E8", [[1]], [[1, 0], [1, 1], [1, 1]], 0.0, 1.5, 0.333, 12.0),
    Case("E9", [[1]], [[1, 1]] * 2, 1.0, 1.5, 0.5, 1.5),
    Case("E10", [[1]], [[20, 1], [2, 1]], 1.0, 2.0, 5.25, 16.0),
    Case("E11", [[-1, 1]], [[6, 1], [2, 1], [2, 1]], 1.0, 5.0, 0.7, 7.0),
    Case("E12", [[6, 1], [3, 1]], [[10, 1], [8, 1], [1, 1]], 0.3, 0.3, 7.41, 1.0),
    Case("E13", [[2, 1]], [[10, 1], [0.5, 1]], 1.0, 1.25, 2.88, 4.5),
    Case("E14", [[-1, 1]], [[1, 0]], 0.0, 1.0, 0.5, 8.0),
    Case("E15", [[-1, 1]], [[1, 1]], 0.0, 1.0, 0.5, 1.0),
    *(
        Case(f"L/T {ratio}", [[1]], [[1, 1]], ratio, ratio, 0.5 / ratio, min(1.0, 8.0 * ratio))
        for ratio in (0.1, 0.2, 0.5, 1.0, 2.0, 3.0)
    ),
)


class Plants:
    """All processes, one step of their own sample time at a time: x, A (n, m, m)."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self.dt = np.array([[max(case.theta, case.delay) / 40.0] for case in cases])
        order = max(len(case.den) for case in cases)
        n = len(cases)
        self.a, self.b, self.c = np.zeros((n, order, order)), np.zeros((n, order)), np.zeros((n, order))
        self.d = np.zeros(n)
        for i, case in enumerate(cases):
            num, den = np.ones(1), np.ones(1)
            for factor in case.num:
                num = np.polymul(num, factor)
            for factor in case.den:
                den = np.polymul(den, factor)
            parts: Any = signal.cont2discrete(signal.tf2ss(num, den), self.dt[i, 0])
            found: list[Floats] = [np.asarray(part) for part in parts[:4]]
            m = len(found[0])
            self.a[i, :m, :m], self.b[i, :m], self.c[i, :m] = found[0], found[1][:, 0], found[2][0]
            self.d[i] = found[3][0, 0]
        self.delay = np.array([round(case.delay / dt) for case, dt in zip(cases, self.dt[:, 0], strict=True)])
        self.x = np.zeros((n, order))
        self.ring = np.zeros((n, int(self.delay.max()) + 1))
        self.at = 0

    def step(self, u: Floats) -> Floats:
        """Return y after ``u`` (n,) has acted for one step."""
        width = self.ring.shape[1]
        self.ring[:, self.at % width] = u
        late = self.ring[np.arange(len(u)), (self.at - self.delay) % width]
        self.at += 1
        self.x = np.einsum("nij,nj->ni", self.a, self.x) + self.b * late[:, None]
        return (self.c * self.x).sum(axis=1) + self.d * late


def respond(sign: float, lo: Floats, hi: Floats, td: float = 0.0) -> tuple[Floats, Floats]:
    """Return y and u (n, STEPS) of unit steps of the set-point."""
    plants = Plants(CASES)
    n = len(CASES)
    found = pid.Coefficients(*(np.zeros((n, 1)) for _ in range(4)))
    pid.find_coefficients(
        found,
        kp=np.array([[case.kp] for case in CASES]),
        ti=np.array([[case.ti] for case in CASES]),
        td=np.full((n, 1), td),
        n=np.full((n, 1), 10.0),
        action=np.full((n, 1), sign),
        dt=plants.dt,
    )
    one = np.ones((n, 1))
    tuning = pid.Tuning(found.k, found.share, found.d_kept, found.d_gain, one, 0.0 * one)
    memory = pid.Memory(*(np.zeros((n, 1)) for _ in range(4)))
    y, op = np.zeros((n, 1)), np.zeros((n, 1))
    ys, us = np.zeros((n, STEPS)), np.zeros((n, STEPS))
    for k in range(STEPS):
        pid.step(tuning, memory, r=one, y=y, ff=None, op=op, lo=lo, hi=hi, where=np.ones((n, 1), dtype=np.bool_))
        y = plants.step(sign * op[:, 0])[:, None]
        ys[:, k], us[:, k] = y[:, 0], op[:, 0]
    return ys, us


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["reverse", "direct"])
@pytest.mark.parametrize("room", [0.1, 0.3, 0.6])
def test_a_saturated_step_overshoots_no_more_than_the_linear_one(sign: float, room: float) -> None:
    wide = np.full((len(CASES), 1), 1e6)
    linear, u = respond(sign, -wide, wide)
    u = sign * u
    rest = u[:, -1:]  # what the process needs in the end
    top = rest + room * np.maximum(u.max(axis=1, keepdims=True) - rest, 1e-3)
    bottom = np.full_like(top, -1e6)
    lo, hi = (bottom, top) if sign > 0 else (-top, -bottom)
    saturated, _ = respond(sign, lo, hi)
    excess = saturated.max(axis=1) - np.maximum(linear.max(axis=1), 1.0)
    late = {case.name: float(x) for case, x in zip(CASES, excess, strict=True) if x > 0.01}
    assert not late
    assert np.abs(saturated[:, -1] - 1.0).max() < 0.02
