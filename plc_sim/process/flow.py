"""Turbulent flow through a resistance: ``flow = coefficient * root(dp)``, smooth through zero.

A plain square root has an infinite slope at zero, which no implicit step survives. ``root(x) = x / (x^2 + d^2)^(1/4)``
is odd, equals the square root within 1e-8 from 10 d up, and has an inverse in closed form.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SMOOTH_PA = 200.0


def root(dp_pa: Floats) -> tuple[Floats, Floats]:
    """Return (root, its slope), both odd-symmetric: flow may reverse."""
    square = dp_pa * dp_pa
    total = square + SMOOTH_PA * SMOOTH_PA
    quarter = np.sqrt(np.sqrt(total))
    return dp_pa / quarter, (0.5 * square + SMOOTH_PA * SMOOTH_PA) / (total * quarter)


def checked_root(dp_pa: Floats) -> tuple[Floats, Floats]:
    """Return (root, its slope), both zero for a negative ``dp_pa``: a check valve."""
    value, slope = root(np.maximum(dp_pa, 0.0))
    return value, slope * (dp_pa >= 0.0)


def pressure_drop(rooted: Floats) -> Floats:
    """Return the ``dp_pa`` >= 0 whose root is ``rooted``."""
    fourth = rooted**4
    return np.sqrt(0.5 * (fourth + np.sqrt(fourth * fourth + 4.0 * fourth * SMOOTH_PA * SMOOTH_PA)))


def lag_share(dt: float, tau_s: Floats) -> Floats:
    """Return the share of the way to its target that a first-order lag goes in ``dt``; exact, stable for any tau."""
    return -np.expm1(-dt / tau_s)
