"""The exact share of a first-order lag for one time constant: ``flow.lag_share`` without arrays."""

import math


def lag(dt: float, tau_s: float) -> float:
    """Return the share of the way to its target that a lag of ``tau_s`` goes in ``dt``."""
    return -math.expm1(-dt / tau_s)
