"""Properties of water and steam from tables, built once at start from CoolProp's IAPWS-IF97.

Pa, K, J/kg, kg/m3. A property package in the step would cost a thousand times more than a table on arrays. Outside a
table's range the nearest edge holds: the plant's own limits keep it inside.
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from CoolProp.CoolProp import PQ_INPUTS, PT_INPUTS, AbstractState, HmassP_INPUTS

Floats = npt.NDArray[np.float64]

SATURATION_PA = (0.1e6, 16e6)
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
    """Cubic Hermite polynomials on a uniform pressure grid: values and derivatives are continuous."""

    lowest_pa: float
    step_pa: float
    coefficients: Floats  # (4 powers * 5 properties, intervals), lowest power first

    def at(self, p_pa: Floats) -> Saturation:
        """Return all properties, each in the shape of ``p_pa``."""
        position = (p_pa - self.lowest_pa) / self.step_pa
        last = self.coefficients.shape[1] - 1
        interval = np.minimum(np.maximum(position, 0.0), last).astype(np.intp)
        x = position - interval
        np.minimum(np.maximum(x, 0.0, out=x), 1.0, out=x)
        c = self.coefficients.take(interval, axis=1, mode="clip").reshape(4, 5, *p_pa.shape)
        c1, c2, c3 = c[1], c[2], c[3]
        cubic = c3 * x
        value = ((cubic + c2) * x + c1) * x + c[0]
        slope = ((3.0 * cubic + 2.0 * c2) * x + c1) / self.step_pa
        return Saturation(*value, *slope)


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
    state = AbstractState("IF97", "Water")
    p = np.linspace(*SATURATION_PA, SATURATION_NODES)
    step = float(p[1] - p[0])
    value = np.array([_saturation(state, pa) for pa in p]).T
    nudge = 1e-4 * p
    slope = (
        np.array([_saturation(state, pa) for pa in p + nudge]).T
        - np.array([_saturation(state, pa) for pa in p - nudge]).T
    ) / (2.0 * nudge)
    v0, v1 = value[:, :-1], value[:, 1:]
    s0, s1 = slope[:, :-1] * step, slope[:, 1:] * step
    powers = np.stack([v0, s0, 3.0 * (v1 - v0) - 2.0 * s0 - s1, 2.0 * (v0 - v1) + s0 + s1])
    return SaturationTable(SATURATION_PA[0], step, np.ascontiguousarray(powers.reshape(20, -1)))


def _saturation(state: AbstractState, p_pa: float) -> tuple[float, float, float, float, float]:
    state.update(PQ_INPUTS, float(p_pa), 1.0)
    h_s, rho_s, t = state.hmass(), state.rhomass(), state.T()
    state.update(PQ_INPUTS, float(p_pa), 0.0)
    return h_s, state.hmass(), rho_s, state.rhomass(), t


@cache
def liquid_enthalpy() -> LineTable:
    """Enthalpy of feedwater by temperature."""
    state = AbstractState("IF97", "Water")
    t = np.linspace(*LIQUID_K, 144)
    return LineTable(t, np.array([_liquid(state, k) for k in t]))


@cache
def liquid_temperature() -> LineTable:
    """Temperature of feedwater by enthalpy, the inverse of ``liquid_enthalpy``."""
    forward = liquid_enthalpy()
    return LineTable(forward.values, forward.grid)


def _liquid(state: AbstractState, t_k: float) -> float:
    state.update(PT_INPUTS, LIQUID_PA, float(t_k))
    return state.hmass()


@cache
def steam_table() -> SteamTable:
    """Build the steam table: about 60 ms. Below saturation it holds wet steam."""
    state = AbstractState("IF97", "Water")
    p = np.linspace(*STEAM_PA, STEAM_NODES[0])
    h = np.linspace(*STEAM_J_KG, STEAM_NODES[1])
    values = np.empty((2, p.size, h.size))
    for row, pa in enumerate(p):
        for column, j_kg in enumerate(h):
            state.update(HmassP_INPUTS, float(j_kg), float(pa))
            values[:, row, column] = state.T(), state.rhomass() / pa
    step = (float(p[1] - p[0]), float(h[1] - h[0]))
    return SteamTable((STEAM_PA[0], STEAM_J_KG[0]), step, values.reshape(2, -1), h.size)


def steam_enthalpy(p_pa: float, t_k: float) -> float:
    """Return the enthalpy of superheated steam; for design points, not for the step."""
    state = AbstractState("IF97", "Water")
    state.update(PT_INPUTS, p_pa, t_k)
    return state.hmass()
