"""From the measured state to the reference state: 273.15 K, 101.3 kPa, dry, reference oxygen.

Each factor is used only where the analyser needs it. The constants 21 and 101.3 are those of the law and come as
arguments. Pure functions of arrays (or numbers); fractions are 0..1, oxygen in %.
"""

import numpy as np

from controller.core.emission_plan import MOLAR_VOLUME
from controller.core.tags import Floats


def from_ppm(ppm: Floats, molar_mass: Floats | float) -> Floats:
    """Return mg/Nm3 of a volume share in ppm; ``molar_mass`` in g/mol."""
    return ppm * (molar_mass / MOLAR_VOLUME)


def dry_oxygen(o2_wet: Floats, h2o: Floats) -> Floats:
    """Return % O2 of the dry gas."""
    return o2_wet / (1.0 - h2o)


def temperature_factor(celsius: Floats, reference_k: Floats | float) -> Floats:
    """Return the factor from the measured temperature to the reference."""
    return (celsius + 273.15) / reference_k


def pressure_factor(kpa: Floats, reference_kpa: Floats | float) -> Floats:
    """Return the factor from the measured absolute pressure to the reference; NaN where there is none."""
    return reference_kpa / np.where(kpa > 0.0, kpa, np.nan)


def humidity_factor(h2o: Floats) -> Floats:
    """Return the factor from wet to dry gas; NaN where the gas would be all water."""
    return 1.0 / np.where(h2o < 1.0, 1.0 - h2o, np.nan)


def oxygen_factor(o2_dry: Floats, reference: Floats | float, air: Floats | float) -> Floats:
    """Return the factor from measured to reference oxygen; NaN in plain air."""
    return (air - reference) / np.where(o2_dry < air, air - o2_dry, np.nan)


def reference_flow(wet: Floats, h2o: Floats, o2_dry: Floats, reference: Floats | float, air: Floats | float) -> Floats:
    """Return the dry flow at reference oxygen that carries the same mass at the concentration there, Nm3/h."""
    return wet * (1.0 - h2o) * (air - o2_dry) / (air - reference)
