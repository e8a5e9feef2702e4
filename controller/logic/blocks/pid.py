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

from controller.core.plan import Bools
from controller.core.tags import Floats


@dataclass(frozen=True, slots=True)
class Tuning:
    """Parameters of n loops, each (n, 1) or (n, batch). ``ti`` 0: no integral action; ``td`` 0: no derivative."""

    k: Floats  # kp * action
    ti: Floats
    td: Floats
    b: Floats
    c: Floats
    n: Floats
    op_lo: Floats
    op_hi: Floats


@dataclass(frozen=True, slots=True)
class Memory:
    """State of n loops, each (n, batch); changed in place. ``p`` is kept for bumpless tuning changes."""

    integral: Floats
    d: Floats
    d_input: Floats  # last c R - Y
    p: Floats


def track(t: Tuning, m: Memory, *, r: Floats, y: Floats, ff: Floats, op: Floats, where: Bools) -> None:
    """Set the memory, where asked, so that the next step starts at ``op`` (% of span) from rest."""
    p = t.k * (t.b * r - y)
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
    ff: Floats,
    op: Floats,
    dt: float,
    max_move: Floats,
    no_more: Bools,
    no_less: Bools,
    where: Bools,
) -> None:
    """Move ``op`` (n, batch, in place) by one step of ``dt`` s where asked; elsewhere nothing changes.

    ``max_move`` is the rate limit in % per step. ``no_more`` / ``no_less`` mark loops whose output leads to something
    that is at its own limit in that direction (a cascade's slave): the integral does not push there.
    """
    p = t.k * (t.b * r - y)
    filter_s = t.n * dt + t.td
    d_input = t.c * r - y
    d = (t.td * m.d + t.k * t.td * t.n * (d_input - m.d_input)) / filter_s
    raw = p + m.integral + d + ff
    limited = np.minimum(np.maximum(raw, t.op_lo), t.op_hi)
    limited = np.minimum(np.maximum(limited, op - max_move), op + max_move)
    has_integral = t.ti > 0.0
    change = np.where(has_integral, t.k * (r - y) * dt / np.where(has_integral, t.ti, 1.0), 0.0)
    winds_up = ((raw > limited) | no_more) & (change > 0.0)
    winds_down = ((raw < limited) | no_less) & (change < 0.0)
    change = np.where(winds_up | winds_down, 0.0, change)
    is_sound = where & np.isfinite(raw) & np.isfinite(change)
    np.copyto(m.p, p, where=is_sound)
    np.copyto(m.d, d, where=is_sound)
    np.copyto(m.d_input, d_input, where=is_sound)
    np.add(m.integral, change, out=m.integral, where=is_sound)
    np.copyto(op, limited, where=is_sound)


def retune(m: Memory, row: int, ratio_k: Floats, ratio_d: Floats) -> None:
    """Keep the output of loop ``row`` where it is when K changes by ``ratio_k`` and the derivative by ``ratio_d``."""
    p, d = m.p[row] * ratio_k, m.d[row] * ratio_d
    m.integral[row] += (m.p[row] - p) + (m.d[row] - d)
    m.p[row], m.d[row] = p, d
