"""Heat of a gas mixture: the polynomial of one composition, for many temperatures.

``h = c1 x + c2 x^2 + c3 x^3`` in J/Nm3 above 25 C, ``x = T - 298.15 K``. Coefficients of the species: ideal-gas heat
capacity of CoolProp 8, quadratic over 280 to 1600 K.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from plc_sim.process.gas import Gas

Floats = npt.NDArray[np.float64]

REFERENCE_K = 298.15
VAPOUR_J_KG = 2546.5e3  # enthalpy of water vapour there, by the steam tables
OXYGEN = np.array([1302.57065, 0.240323767, -5.76496894e-05]).reshape(3, 1, 1)
VAPOUR = np.array([1478.08631, 0.248830717, 6.82025669e-06]).reshape(3, 1, 1)
CARBON_DIOXIDE = np.array([1702.23431, 0.729708712, -1.98975649e-04]).reshape(3, 1, 1)
NITROGEN = np.array([1277.16606, 0.135507760, -1.00186236e-05]).reshape(3, 1, 1)


class GasHeat(NamedTuple):
    """Polynomial of a composition; (lines, batch) each."""

    c1: Floats
    c2: Floats
    c3: Floats

    @classmethod
    def of(cls, gas: Gas) -> "GasHeat":
        """Return the polynomial of ``gas``."""
        return cls.mixture(gas.o2, gas.h2o, gas.co2)

    @classmethod
    def mixture(cls, o2: Floats, h2o: Floats, co2: Floats) -> "GasHeat":
        """Return the polynomial of these wet volume shares; the rest is nitrogen."""
        other = NITROGEN + (OXYGEN - NITROGEN) * o2
        return cls(*(other + (VAPOUR - NITROGEN) * h2o + (CARBON_DIOXIDE - NITROGEN) * co2))

    def enthalpy(self, t_k: Floats) -> Floats:
        """Return J/Nm3."""
        x = t_k - REFERENCE_K
        return x * (self.c1 + x * (self.c2 + x * self.c3))

    def capacity(self, t_k: Floats) -> Floats:
        """Return J/(Nm3 K)."""
        x = t_k - REFERENCE_K
        return self.c1 + x * (2.0 * self.c2 + (3.0 * self.c3) * x)

    def temperature(self, j_nm3: Floats) -> Floats:
        """Return K: the root without ``c3``, then two Newton steps; exact within 1e-6 K to 1000 C."""
        x = (np.sqrt(self.c1 * self.c1 + 4.0 * self.c2 * j_nm3) - self.c1) / (2.0 * self.c2)
        for _ in range(2):
            error = x * (self.c1 + x * (self.c2 + x * self.c3)) - j_nm3
            x -= error / (self.c1 + x * (2.0 * self.c2 + 3.0 * self.c3 * x))
        return x + REFERENCE_K


def vapour_enthalpy(t_k: Floats) -> Floats:
    """Return the enthalpy of water vapour, J/Nm3."""
    x = t_k - REFERENCE_K
    c1, c2, c3 = VAPOUR[:, 0, 0]
    return x * (c1 + x * (c2 + x * c3))
