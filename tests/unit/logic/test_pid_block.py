"""The PID block against arithmetic and against an independent solution of the same law."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import signal

from controller.core.tags import Floats
from controller.logic.blocks import pid

SPAN_ATOL = 0.1  # % of span: 1e-3 of span


def column(x: float) -> Floats:
    return np.array([[x]])


@dataclass
class Bench:
    """One PID with its memory and output, stepped by hand."""

    kp: float
    ti: float
    td: float
    n: float
    b: float
    c: float
    action: float
    lo: float
    hi: float

    def __post_init__(self) -> None:
        self.m = pid.Memory(*(np.zeros((1, 1)) for _ in range(4)))
        self.op = np.zeros((1, 1))
        self.found = pid.Coefficients(*(np.zeros((1, 1)) for _ in range(4)))

    def step(self, *, r: float, y: float, dt: float = 0.1, ff: float = 0.0, max_speed: float = 1e9) -> float:
        pid.find_coefficients(
            self.found,
            kp=column(self.kp),
            ti=column(self.ti),
            td=column(self.td),
            n=column(self.n),
            action=column(self.action),
            dt=dt,
        )
        f = self.found
        pid.step(
            pid.Tuning(f.k, f.share, f.d_kept, f.d_gain, column(self.b), column(self.c), max_speed=column(max_speed)),
            self.m,
            r=column(r),
            y=column(y),
            ff=column(ff),
            op=self.op,
            lo=column(self.lo),
            hi=column(self.hi),
            dt=dt,
            where=np.ones((1, 1), dtype=np.bool_),
        )
        return float(self.op[0, 0])


def bench(
    kp: float = 2.0,
    ti: float = 10.0,
    td: float = 0.0,
    *,
    b: float = 1.0,
    c: float = 0.0,
    n: float = 10.0,
    action: float = 1.0,
    lo: float = -1000.0,
    hi: float = 1000.0,
) -> Bench:
    return Bench(kp, ti, td, n, b, c, action, lo, hi)


def test_a_reverse_loop_opens_when_the_pv_is_too_low() -> None:
    # A feedwater valve: level below its set-point, the output rises.
    assert bench(action=1.0).step(r=50.0, y=40.0) > 0.0


def test_a_direct_loop_opens_when_the_pv_is_too_high() -> None:
    # A spray valve: temperature above its set-point, the output rises; kp stays positive.
    assert bench(action=-1.0).step(r=50.0, y=60.0) > 0.0


def test_p_then_integral_ramp() -> None:
    loop = bench(kp=2.0, ti=10.0)
    assert loop.step(r=10.0, y=0.0) == pytest.approx(20.0)
    assert loop.step(r=10.0, y=0.0) == pytest.approx(20.0 + 2.0 * 10.0 * 0.1 / 10.0)


def test_without_integral_time_there_is_no_integral() -> None:
    loop = bench(kp=2.0, ti=0.0)
    steps = [loop.step(r=10.0, y=0.0) for _ in range(100)]
    assert steps[-1] == pytest.approx(20.0)


def test_a_saturated_output_returns_at_once_when_the_error_turns() -> None:
    loop = bench(kp=2.0, ti=10.0, lo=0.0, hi=100.0)
    for _ in range(6000):
        loop.step(r=100.0, y=0.0)
    assert loop.step(r=50.0, y=60.0) < 90.0


def test_one_nan_changes_nothing() -> None:
    loop = bench(kp=2.0, ti=10.0, td=1.0)
    before = loop.step(r=10.0, y=0.0)
    assert loop.step(r=10.0, y=float("nan")) == before
    assert np.isfinite(loop.step(r=10.0, y=0.0))


def test_the_rate_limit_holds_and_does_not_wind_up() -> None:
    loop = bench(kp=2.0, ti=10.0)
    previous = 0.0
    for _ in range(50):
        op = loop.step(r=100.0, y=0.0, max_speed=5.0)
        assert op - previous <= 0.5 + 1e-12
        previous = op
    assert loop.m.integral[0, 0] == 0.0


@pytest.mark.parametrize(
    ("kp", "ti", "td", "b", "c"),
    [(2.0, 8.0, 0.0, 1.0, 0.0), (1.0, 20.0, 4.0, 0.5, 0.0), (0.8, 15.0, 3.0, 0.0, 1.0), (1.5, 30.0, 6.0, 1.0, 1.0)],
)
def test_the_closed_loop_matches_an_independent_solution(kp: float, ti: float, td: float, b: float, c: float) -> None:
    """Step response on a second-order plant, against scipy's solution of the continuous closed loop."""
    gain, tau1, tau2, n, dt, end = 1.2, 30.0, 10.0, 10.0, 0.01, 200.0
    loop = bench(kp, ti, td, b=b, c=c, n=n)
    x1, x2, ours = 0.0, 0.0, []
    for _ in range(round(end / dt)):
        ours.append(x2)
        op = loop.step(r=1.0, y=x2, dt=dt)
        x1 += dt / tau1 * (gain * op - x1)
        x2 += dt / tau2 * (x1 - x2)

    # Transfer function r -> y: C_r P / (1 + C_y P), polynomials in s.
    tf = td / n if td else 0.0
    base = np.polymul([tf, 1.0], [ti, 0.0])  # common denominator Ti s (Tf s + 1)

    def controller(weight_p: float, weight_d: float) -> Floats:
        p = np.polymul([ti, 0.0], [tf, 1.0]) * weight_p
        d = np.polymul([td, 0.0], [ti, 0.0]) * weight_d
        return np.asarray(kp * np.polyadd(np.polyadd(p, [tf, 1.0]), d), dtype=np.float64)

    plant_den = np.polymul([tau1, 1.0], [tau2, 1.0])
    num = controller(b, c) * gain
    den = np.polyadd(np.polymul(base, plant_den), controller(1.0, 1.0) * gain)
    t = np.arange(0.0, end, dt)
    _, theirs = signal.step(signal.TransferFunction(num, den), T=t)
    assert np.max(np.abs(100.0 * (np.array(ours) - theirs))) < SPAN_ATOL
