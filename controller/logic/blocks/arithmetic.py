"""Sums, products and flow compensation: a BAD input has no number and leaves none in the result."""

import numpy as np

from controller.core.plan import DerivedGroup
from controller.core.quality import BAD, BAD_OUT_OF_RANGE, Codes
from controller.core.tags import Floats
from controller.logic.blocks.contract import Memory, Result, worst


def weighted_sum(group: DerivedGroup, x: Floats, codes: Codes | None, _memory: Memory, _turns: int) -> Result:
    """Return ``bias + sum(gain * input)``, added in the order of the inputs."""
    terms = group.params["gains"][:, :, None] * x
    total = group.params["bias"] + terms[:, 0]
    for column in range(1, x.shape[1]):
        total += terms[:, column]
    return total, worst(codes)


def product(group: DerivedGroup, x: Floats, codes: Codes | None, _memory: Memory, _turns: int) -> Result:
    """Return ``gain`` times all inputs."""
    if not group.is_full:
        np.copyto(x, 1.0, where=~group.used[:, :, None])
    result = group.params["gain"] * x[:, 0]
    for column in range(1, x.shape[1]):
        result *= x[:, column]
    return result, worst(codes)


def flow_compensation(group: DerivedGroup, x: Floats, codes: Codes | None, _memory: Memory, _turns: int) -> Result:
    """Return ``q sqrt(p/p0 * T0/T)``; BAD where an absolute pressure or temperature would not be positive."""
    p = group.params
    pressure = x[:, 1] * p["pressure_factor"] + p["pressure_offset"]
    temperature = x[:, 2] * p["temperature_factor"] + p["temperature_offset"]
    is_possible = (pressure >= 0.0) & (temperature > 0.0)
    if codes is None and is_possible.all():
        return x[:, 0] * np.sqrt(pressure / temperature), worst(None)
    code = np.broadcast_to(worst(codes), is_possible.shape).astype(np.uint32)
    np.copyto(code, np.uint32(BAD_OUT_OF_RANGE), where=~is_possible & (code < BAD))
    pressure = np.where(is_possible, pressure, np.nan)
    return x[:, 0] * np.sqrt(pressure / np.where(is_possible, temperature, np.nan)), code
