"""Enthalpy of superheated steam over its superheat in closed form, for the many cells of a superheater.

``h = h_s + x (a + b / (x + c) + d x + e / (x + NEAR_K))`` with ``x = T - T_s``, fitted to IAPWS-IF97 at each pressure:
within 1e-4 of the enthalpy, and both ways cheaper than a table over two variables. Below saturation the temperature
falls linearly with the enthalpy (``WET_J_KG_K``): wet steam shows almost the saturation temperature, and cold tubes
without flow have an enthalpy too.
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from seuif97 import pt2h  # MPa, °C, kJ/kg

from plc_sim.process import water

Floats = npt.NDArray[np.float64]

WET_J_KG_K = 20e3  # between saturated steam and cold water it lies at 29 kJ/(kg K) at 0.1 MPa and at 10 at 7 MPa
PRESSURES_PA = (0.1e6, 10e6)
NODES = 397
FITTED = 34  # pressures at which the form is fitted; between them its coefficients are interpolated
NEAR_K = 7.0  # superheat over which the steam forgets that it boiled
SUPERHEAT_K = np.concatenate([np.arange(2.0, 60.0, 4.0), np.arange(60.0, 340.0, 10.0)])


class Superheat(NamedTuple):
    """Saturation and the coefficients of the closed form at a pressure."""

    t_s: Floats
    h_s: Floats
    a: Floats
    b: Floats
    c: Floats
    d: Floats
    e: Floats

    def enthalpy(self, t_k: Floats) -> Floats:
        """Return J/kg at a temperature."""
        x = t_k - self.t_s
        over = np.maximum(x, 0.0)
        bent = self.b / (over + self.c) + self.e / (over + NEAR_K)
        return self.h_s + over * (self.a + bent + self.d * over) + WET_J_KG_K * (x - over)

    def temperature(self, h_j_kg: Floats) -> Floats:
        """Return K at an enthalpy: the root without ``d`` and ``e``, then two Newton steps; exact within 0.01 K."""
        y = h_j_kg - self.h_s
        over = np.maximum(y, 0.0)
        half = 0.5 * (self.a * self.c + self.b - over)
        x = (np.sqrt(half * half + self.a * self.c * over) - half) / self.a
        for _ in range(2):
            below, near = 1.0 / (x + self.c), 1.0 / (x + NEAR_K)
            error = x * (self.a + self.b * below + self.d * x + self.e * near) - over
            slope = self.a + self.b * self.c * below * below + self.e * NEAR_K * near * near + 2.0 * self.d * x
            x = np.maximum(x - error / slope, 0.0)
        return self.t_s + x + (y - over) / WET_J_KG_K


@dataclass(frozen=True, slots=True)
class SuperheatTable:
    """The coefficients over the pressure, linear on a uniform grid."""

    lowest_pa: float
    step_pa: float
    values: Floats  # (7 coefficients, nodes)
    rises: Floats  # (7 coefficients, nodes - 1)

    def at(self, p_pa: Floats) -> Superheat:
        """Return the form at each pressure, in the shape of ``p_pa``; outside the range the edge holds."""
        position = np.minimum(np.maximum((p_pa - self.lowest_pa) / self.step_pa, 0.0), NODES - 1.0)
        node = np.minimum(position.astype(np.intp), NODES - 2)
        value = self.values.take(node, axis=1, mode="clip")
        value += self.rises.take(node, axis=1, mode="clip") * (position - node)
        return Superheat(*value)


@cache
def superheat_table() -> SuperheatTable:
    """Fit the closed form: about 5 ms."""
    saturation = water.saturation_table()
    grid = np.linspace(*PRESSURES_PA, NODES)
    fitted = np.geomspace(*PRESSURES_PA, FITTED)
    at = saturation.at(fitted)
    curves = np.array([_fit(*point) for point in zip(fitted, at.t, at.h_s, strict=True)]).T
    s = saturation.at(grid)
    values = np.stack([s.t, s.h_s, *(np.interp(grid, fitted, curve) for curve in curves)])
    return SuperheatTable(PRESSURES_PA[0], float(grid[1] - grid[0]), values, np.diff(values, axis=1))


def _fit(p_pa: float, t_s: float, h_s: float) -> tuple[float, float, float, float, float]:
    """Return a, b, c, d, e; c, which the fit hardly feels, is given."""
    c = 101.0 - 3.7e-6 * p_pa
    x = SUPERHEAT_K
    celsius = t_s - water.ZERO_C + x
    rise = np.array([pt2h(p_pa * 1e-6, t) * 1e3 for t in celsius.tolist()]) - h_s
    form = np.stack([x, x / (x + c), x * x, x / (x + NEAR_K)])
    weight = 1.0 / (rise + h_s)  # the error counts relative to the enthalpy
    a, b, d, e = np.linalg.lstsq((form * weight).T, rise * weight, rcond=None)[0]
    return float(a), float(b), c, float(d), float(e)
