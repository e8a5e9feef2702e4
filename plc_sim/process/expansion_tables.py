"""Properties of wet and superheated steam from 1 kPa up, for expansion in a turbine and for condensers and deaerators.

Tables over the logarithm of the pressure, built once at start from IAPWS-IF97 (seuif97). Pa, K, J/kg. Outside a
table's range the nearest edge holds.
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from seuif97 import ph2s, ph2t, ph2v, px2h, px2t  # MPa, °C, kJ/kg, m3/kg, kJ/(kg K)

Floats = npt.NDArray[np.float64]

ZERO_C = 273.15  # K
STEAM_PA = (1e3, 10e6)
STEAM_J_KG = (1.95e6, 3.65e6)
STEAM_J_KG_K = (5.4e3, 9.6e3)
STEAM_NODES = (161, 171)
SATURATION_PA = (700.0, 2e6)
SATURATION_NODES = 1201


class Warm(NamedTuple):
    """Saturation at a temperature: pressure, water and steam."""

    p: Floats
    h_w: Floats
    h_s: Floats


class Boiling(NamedTuple):
    """Saturation at a pressure: temperature, water and steam."""

    t: Floats
    h_w: Floats
    h_s: Floats


@dataclass(frozen=True, slots=True)
class BoilingTable:
    """Saturation between 700 Pa and 2 MPa, linear over the logarithm of the pressure."""

    log_pa: Floats
    values: Floats  # (3, nodes): temperature, enthalpy of water and of steam
    warm: Floats  # (3, nodes) over a uniform temperature: logarithm of the pressure, enthalpy of water and of steam
    per_log: float
    per_k: float

    def at(self, p_pa: Floats) -> Boiling:
        """Return all properties in the shape of ``p_pa``."""
        return self.at_log(np.log(np.maximum(p_pa, 1.0)))

    def at_log(self, log_pa: Floats) -> Boiling:
        """Return all properties at exp(``log_pa``)."""
        return Boiling(*_line(self.values, (log_pa - self.log_pa[0]) * self.per_log))

    def at_temperature(self, t_k: Floats) -> Warm:
        """Return all properties in the shape of ``t_k``."""
        log_pa, h_w, h_s = _line(self.warm, (t_k - self.values[0, 0]) * self.per_k)
        return Warm(np.exp(log_pa), h_w, h_s)

    def pressure(self, t_k: Floats) -> Floats:
        """Return the saturation pressure at ``t_k``."""
        return self.at_temperature(t_k).p

    def pressure_of_water(self, h_w: Floats) -> Floats:
        """Return the pressure at which water of ``h_w`` boils."""
        return np.exp(np.interp(h_w, self.values[1], self.log_pa))


@dataclass(frozen=True, slots=True)
class Grid:
    """Bilinear interpolation over (log p, x); ``values`` is (properties, pressure nodes * x nodes)."""

    lowest: tuple[float, float]
    per: tuple[float, float]  # nodes per unit
    values: Floats
    columns: int
    corners: npt.NDArray[np.intp]  # (4, 1, 1) steps to the corners of a cell

    def at(self, log_pa: Floats, x: Floats) -> Floats:
        """Return (properties, *shape) for arguments of equal shape (n, batch)."""
        rows = self.values.shape[1] // self.columns
        row, y = _cell((log_pa - self.lowest[0]) * self.per[0], rows)
        column, across = _cell((x - self.lowest[1]) * self.per[1], self.columns)
        corners = row * self.columns + column + self.corners
        value = self.values.take(corners, axis=1, mode="clip")
        left = value[:, :2]
        both = left + (value[:, 2:] - left) * across
        return both[:, 0] + (both[:, 1] - both[:, 0]) * y


def _line(values: Floats, position: Floats) -> Floats:
    """Interpolate all rows of ``values`` at ``position``, counted in nodes."""
    index, x = _cell(position, values.shape[1])
    low = values.take(index, axis=1, mode="clip")
    return low + (values.take(index + 1, axis=1, mode="clip") - low) * x


def _cell(position: Floats, nodes: int) -> tuple[npt.NDArray[np.intp], Floats]:
    inside = np.minimum(np.maximum(position, 0.0), nodes - 1.0)
    index = np.minimum(inside.astype(np.intp), nodes - 2)
    return index, inside - index


@dataclass(frozen=True, slots=True)
class Expansion:
    """Isentropic expansion, and the state of steam at pressure and enthalpy."""

    state: Grid  # over (log p, h): entropy J/(kg K), p*v J/kg, temperature K
    enthalpy: Grid  # over (log p, s): h

    def end(self, log_pa: Floats, entropy: Floats) -> Floats:
        """Return the enthalpy at the pressure exp(``log_pa``) with ``entropy``."""
        return self.enthalpy.at(log_pa, entropy)[0]


@cache
def boiling_table() -> BoilingTable:
    """Build the saturation table."""
    log_pa = np.linspace(np.log(SATURATION_PA[0]), np.log(SATURATION_PA[1]), SATURATION_NODES)
    values = np.empty((3, log_pa.size))
    for node, pa in enumerate(np.exp(log_pa)):
        p = float(pa) * 1e-6
        values[:, node] = px2t(p, 0.0) + ZERO_C, px2h(p, 0.0) * 1e3, px2h(p, 1.0) * 1e3
    t = np.linspace(values[0, 0], values[0, -1], SATURATION_NODES)
    warm = np.array([np.interp(t, values[0], row) for row in (log_pa, values[1], values[2])])
    return BoilingTable(log_pa, values, warm, 1.0 / float(log_pa[1] - log_pa[0]), 1.0 / float(t[1] - t[0]))


@cache
def expansion() -> Expansion:
    """Build the expansion tables: about 0.3 s."""
    log_pa = np.linspace(np.log(STEAM_PA[0]), np.log(STEAM_PA[1]), STEAM_NODES[0])
    h, s = np.linspace(*STEAM_J_KG, STEAM_NODES[1]), np.linspace(*STEAM_J_KG_K, STEAM_NODES[1])
    states, ends = np.empty((3, log_pa.size, h.size)), np.empty((1, log_pa.size, s.size))
    for row, pa in enumerate(np.exp(log_pa)):
        for column, j_kg in enumerate(h):
            at = (float(pa) * 1e-6, float(j_kg) * 1e-3)
            states[:, row, column] = ph2s(*at) * 1e3, pa * ph2v(*at), ph2t(*at) + ZERO_C
        ends[0, row] = np.interp(s, states[0, row], h)
    return Expansion(_grid(log_pa, h, states), _grid(log_pa, s, ends))


def _grid(log_pa: Floats, x: Floats, values: Floats) -> Grid:
    corners = np.array([0, x.size, 1, x.size + 1]).reshape(4, 1, 1)
    per = (1.0 / float(log_pa[1] - log_pa[0]), 1.0 / float(x[1] - x[0]))
    return Grid((float(log_pa[0]), float(x[0])), per, values.reshape(values.shape[0], -1), x.size, corners)
