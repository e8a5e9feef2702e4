"""Properties of water and steam from tables, built once at start from IAPWS-IF97 (seuif97).

Pa, K, J/kg, kg/m3. A property package in the step would cost a thousand times more than a table on arrays. Outside a
table's range the nearest edge holds: the plant's own limits keep it inside.
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from seuif97 import ph2t, ph2v, pt2h, px2h, px2t, px2v  # MPa, °C, kJ/kg, m3/kg

Floats = npt.NDArray[np.float64]

ZERO_C = 273.15  # K
SATURATION_PA = (1e3, 16e6)  # from cold water (7 °C) up
SATURATION_NODES = 801
LIQUID_PA = 8e6  # the liquid's enthalpy hardly depends on the pressure
LIQUID_K = (280.0, 566.0)
STEAM_PA = (0.1e6, 10e6)
STEAM_J_KG = (2.70e6, 3.70e6)
STEAM_NODES = (100, 101)


class Saturation(NamedTuple):
    """Saturated steam (s) and water (w) at a pressure; ``d_`` is the derivative by pressure."""

    h_s: Floats
    h_w: Floats
    rho_s: Floats
    rho_w: Floats
    t: Floats
    d_h_s: Floats
    d_h_w: Floats
    d_rho_s: Floats
    d_rho_w: Floats
    d_t: Floats


@dataclass(frozen=True, slots=True)
class SaturationTable:
    """Cubic Hermite polynomials over the logarithm of the pressure: values and derivatives are continuous."""

    lowest: float  # logarithm of Pa
    step: float
    coefficients: Floats  # (4 powers * 5 properties, intervals), lowest power first

    def at(self, p_pa: Floats) -> Saturation:
        """Return all properties, each in the shape of ``p_pa``."""
        position = (np.log(p_pa) - self.lowest) / self.step
        last = self.coefficients.shape[1] - 1
        interval = np.minimum(np.maximum(position, 0.0), last).astype(np.intp)
        x = position - interval
        np.minimum(np.maximum(x, 0.0, out=x), 1.0, out=x)
        c = self.coefficients.take(interval, axis=1, mode="clip").reshape(4, 5, *p_pa.shape)
        c1, c2, c3 = c[1], c[2], c[3]
        cubic = c3 * x
        value = ((cubic + c2) * x + c1) * x + c[0]
        slope = ((3.0 * cubic + 2.0 * c2) * x + c1) / (self.step * p_pa)
        return Saturation(*value, *slope)

    def pressure(self, t_k: Floats) -> Floats:
        """Return the boiling pressure at a temperature, by bisection; for design points, not for the step."""
        low, high = np.full_like(t_k, np.log(SATURATION_PA[0])), np.full_like(t_k, np.log(SATURATION_PA[1]))
        for _ in range(60):
            middle = 0.5 * (low + high)
            is_below = self.at(np.exp(middle)).t < t_k
            low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
        return np.exp(low)


@dataclass(frozen=True, slots=True)
class LineTable:
    """Linear interpolation of one property over another."""

    grid: Floats
    values: Floats

    def at(self, x: Floats) -> Floats:
        """Return the property in the shape of ``x``."""
        return np.interp(x, self.grid, self.values)


@dataclass(frozen=True, slots=True)
class SteamTable:
    """Temperature and density of superheated steam, bilinear over pressure and enthalpy."""

    lowest: tuple[float, float]
    step: tuple[float, float]
    values: Floats  # (2 properties, pressure nodes * enthalpy nodes): K, and density over pressure in kg/(m3 Pa)
    columns: int

    def at(self, p_pa: Floats, h_j_kg: Floats) -> tuple[Floats, Floats]:
        """Return (temperature, density), each in the shape of the arguments, which is (n, batch)."""
        rows = self.values.shape[1] // self.columns
        row, y = _cell((p_pa - self.lowest[0]) / self.step[0], rows)
        column, x = _cell((h_j_kg - self.lowest[1]) / self.step[1], self.columns)
        corners = row * self.columns + column + np.array([0, self.columns, 1, self.columns + 1]).reshape(4, 1, 1)
        value = self.values.take(corners, axis=1, mode="clip")
        left, right = value[:, :2], value[:, 2:]
        across = left + (right - left) * x
        low, high = across[:, 0], across[:, 1]
        t, density_by_pressure = low + (high - low) * y
        return t, density_by_pressure * p_pa


def _cell(position: Floats, nodes: int) -> tuple[npt.NDArray[np.intp], Floats]:
    inside = np.minimum(np.maximum(position, 0.0), nodes - 1.0)
    index = np.minimum(inside.astype(np.intp), nodes - 2)
    return index, inside - index


@cache
def saturation_table() -> SaturationTable:
    """Build the saturation table: about 5 ms."""
    p = np.geomspace(*SATURATION_PA, SATURATION_NODES)
    step = float(np.log(p[1] / p[0]))
    value = np.array([_saturation(float(pa)) for pa in p]).T
    nudge = 1e-4 * p
    slope = (
        np.array([_saturation(float(pa)) for pa in p + nudge]).T
        - np.array([_saturation(float(pa)) for pa in p - nudge]).T
    ) / (2.0 * nudge / p)
    v0, v1 = value[:, :-1], value[:, 1:]
    s0, s1 = slope[:, :-1] * step, slope[:, 1:] * step
    powers = np.stack([v0, s0, 3.0 * (v1 - v0) - 2.0 * s0 - s1, 2.0 * (v0 - v1) + s0 + s1])
    return SaturationTable(float(np.log(p[0])), step, np.ascontiguousarray(powers.reshape(20, -1)))


def _saturation(p_pa: float) -> tuple[float, float, float, float, float]:
    p = p_pa * 1e-6
    return px2h(p, 1.0) * 1e3, px2h(p, 0.0) * 1e3, 1.0 / px2v(p, 1.0), 1.0 / px2v(p, 0.0), px2t(p, 1.0) + ZERO_C


@cache
def liquid_enthalpy() -> LineTable:
    """Enthalpy of feedwater by temperature."""
    t = np.linspace(*LIQUID_K, 144)
    return LineTable(t, np.array([_liquid(float(k)) for k in t]))


@cache
def liquid_temperature() -> LineTable:
    """Temperature of feedwater by enthalpy, the inverse of ``liquid_enthalpy``."""
    forward = liquid_enthalpy()
    return LineTable(forward.values, forward.grid)


def _liquid(t_k: float) -> float:
    return pt2h(LIQUID_PA * 1e-6, t_k - ZERO_C) * 1e3


@cache
def steam_table() -> SteamTable:
    """Build the steam table: about 60 ms. Below saturation it holds wet steam."""
    p = np.linspace(*STEAM_PA, STEAM_NODES[0])
    h = np.linspace(*STEAM_J_KG, STEAM_NODES[1])
    values = np.empty((2, p.size, h.size))
    for row, pa in enumerate(p):
        for column, j_kg in enumerate(h):
            at = (float(pa) * 1e-6, float(j_kg) * 1e-3)
            values[:, row, column] = ph2t(*at) + ZERO_C, 1.0 / (ph2v(*at) * pa)
    step = (float(p[1] - p[0]), float(h[1] - h[0]))
    return SteamTable((STEAM_PA[0], STEAM_J_KG[0]), step, values.reshape(2, -1), h.size)


def steam_enthalpy(p_pa: float, t_k: float) -> float:
    """Return the enthalpy of superheated steam; for design points, not for the step."""
    return pt2h(p_pa * 1e-6, t_k - ZERO_C) * 1e3
