"""PID, ISA standard form with two degrees of freedom, positional, on arrays (n, batch).

    U = K [ (b R - Y) + (R - Y)/(Ti s) + Td s/(1 + Td s/N) (c R - Y) ] + ff

R, Y, U in % of their spans; K = kp * action with kp > 0 and action +1 reverse (output falls when the PV rises) or -1
direct. The derivative is a backward-Euler filter: it does not ring for any sample time. The integral is stored as
K * integral, so a change of tuning can be made without a bump.

One mechanism, ``track``, serves manual mode, forced outputs and open cascades: it sets the integral so that the next
``step`` starts at a given output. Saturation is handled inside ``step`` by conditional integration: the integral stands
still while it would push the output further beyond a limit.
(Astrom and Hagglund, Advanced PID Control, ISA 2006, chapters 3 and 13.)
"""

from dataclasses import dataclass

import numpy as np

from controller.core.loop_plan import Bools, Ints
from controller.core.tags import Floats


@dataclass(frozen=True, slots=True)
class Coefficients:
    """What a tuning means at a sample time, each (n, batch): see ``find_coefficients``."""

    k: Floats  # kp * action
    share: Floats  # dt / Ti, 0 without integral action
    d_kept: Floats  # share of the old derivative that stays
    d_gain: Floats  # of a change of c R - Y


@dataclass(frozen=True, slots=True)
class Tuning:
    """Coefficients and constants of n loops, each (n, 1) or (n, batch)."""

    k: Floats
    share: Floats
    d_kept: Floats
    d_gain: Floats
    b: Floats
    c: Floats
    gap_band: Floats | None = None  # % of PV span; None: no gap anywhere
    gap_gain: Floats | float = 1.0
    max_speed: Floats | None = None  # of the output, %/s; None: free everywhere


@dataclass(frozen=True, slots=True)
class Memory:
    """State of n loops, each (n, batch); changed in place. ``p`` is kept for bumpless tuning changes."""

    integral: Floats
    d: Floats
    d_input: Floats  # last c R - Y
    p: Floats


def find_coefficients(
    out: Coefficients, *, kp: Floats, ti: Floats, td: Floats, n: Floats, action: Floats, dt: Floats | float
) -> None:
    """Fill ``out``. ``ti`` 0: no integral action; ``td`` 0: no derivative; ``dt`` > 0 in s, (n, 1) or one for all."""
    np.multiply(kp, action, out=out.k)
    out.share[...] = 0.0
    np.divide(dt, ti, out=out.share, where=ti > 0.0)
    np.divide(td, n * dt + td, out=out.d_kept)
    np.multiply(out.d_kept, n, out=out.d_gain)
    np.multiply(out.d_gain, out.k, out=out.d_gain)


def track(t: Tuning, m: Memory, *, r: Floats, y: Floats, ff: Floats, op: Floats, where: Bools) -> None:
    """Set the memory, where asked, so that the next step starts at ``op`` (% of span) from rest."""
    p = _proportional(t, r, y, _error(t, r, y))
    np.copyto(m.p, p, where=where)
    np.copyto(m.d, 0.0, where=where)
    np.copyto(m.d_input, t.c * r - y, where=where)
    np.copyto(m.integral, op - p - ff, where=where)


def step(
    t: Tuning,
    m: Memory,
    *,
    r: Floats,
    y: Floats,
    ff: Floats | None,
    op: Floats,
    lo: Floats,
    hi: Floats,
    where: Bools,
    dt: Floats | float = 0.0,
    no_more: Bools | None = None,
    no_less: Bools | None = None,
    push: Floats | None = None,
) -> None:
    """Move ``op`` (n, batch, in place) by one step where asked and sound; elsewhere nothing changes.

    ``lo``, ``hi`` limit the output and ``dt`` s its speed. ``no_more`` / ``no_less`` mark loops whose output leads to
    something that is at its own limit in that direction (a cascade's slave): the integral does not push there.
    ``push`` is an external reset: it moves the integral beside the error.
    """
    error = _error(t, r, y)
    p = _proportional(t, r, y, error)
    d_input = t.c * r
    d_input -= y
    d = d_input - m.d_input
    d *= t.d_gain
    d += t.d_kept * m.d
    raw = p + m.integral
    raw += d
    if ff is not None:
        raw += ff
    limited = np.maximum(raw, lo)
    np.minimum(limited, hi, out=limited)
    if t.max_speed is not None:
        move = t.max_speed * dt
        np.maximum(limited, op - move, out=limited)
        np.minimum(limited, op + move, out=limited)
    change = error * t.share
    change *= t.k
    if push is not None:
        change += push
    stops = (raw - limited) * change > 0.0  # it is beyond a limit and would go on
    if no_more is not None:
        stops |= no_more & (change > 0.0)
    if no_less is not None:
        stops |= no_less & (change < 0.0)
    np.copyto(change, 0.0, where=stops)
    change += m.integral
    is_sound = np.isfinite(raw)
    is_sound &= where
    np.copyto(m.integral, change, where=is_sound)
    np.copyto(m.p, p, where=is_sound)
    np.copyto(m.d, d, where=is_sound)
    np.copyto(m.d_input, d_input, where=is_sound)
    np.copyto(op, limited, where=is_sound)


def _error(t: Tuning, r: Floats, y: Floats) -> Floats:
    """Return the error in % of PV span; inside the gap it counts less, outside the difference stays."""
    error = r - y
    if t.gap_band is None:
        return error
    inside = np.minimum(np.maximum(error, -t.gap_band), t.gap_band)
    return error - inside * (1.0 - t.gap_gain)


def _proportional(t: Tuning, r: Floats, y: Floats, error: Floats) -> Floats:
    if t.gap_band is not None:
        return t.k * (error + (t.b - 1.0) * r)
    p = t.b * r
    p -= y
    p *= t.k
    return p


def retune(m: Memory, rows: slice | int | Ints, ratio_k: Floats, ratio_d: Floats) -> None:
    """Keep the output of loops where it is when K changes by ``ratio_k`` and the derivative by ``ratio_d``."""
    p, d = m.p[rows] * ratio_k, m.d[rows] * ratio_d
    m.integral[rows] += (m.p[rows] - p) + (m.d[rows] - d)
    m.p[rows], m.d[rows] = p, d
