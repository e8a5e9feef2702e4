"""A stream of flue gas or air, and how streams mix. What its heat is says ``plc_sim.process.gas_heat``."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.reduce import ordered_sum

Floats = npt.NDArray[np.float64]

NORMAL_K = 273.15
NORMAL_PA = 101_325.0
KMOL_NM3 = 22.414  # Nm3/kmol
KG_NM3 = {"o2": 31.998 / KMOL_NM3, "h2o": 18.015 / KMOL_NM3, "co2": 44.010 / KMOL_NM3, "n2": 28.014 / KMOL_NM3}
NOTHING_NM3_S = 1e-6  # flow below which a mixture takes the mean of its streams instead of their weighted mean


class Gas(NamedTuple):
    """A stream; every field (lines, batch). The rest of the volume is nitrogen (with argon)."""

    flow: Floats  # wet Nm3/s
    temperature: Floats  # K
    o2: Floats  # wet volume share
    h2o: Floats
    co2: Floats
    nox: Floats  # kg/s as NO2
    co: Floats  # kg/s
    hcl: Floats
    so2: Floats
    hf: Floats
    toc: Floats
    dust: Floats
    hg: Floats
    nh3: Floats


def density_factor(temperature_k: Floats, pressure_pa: Floats) -> Floats:
    """Return m3 of real gas per Nm3."""
    return (NORMAL_PA / NORMAL_K) * temperature_k / pressure_pa


def density(gas: Gas) -> Floats:
    """Return kg/Nm3 of the wet gas."""
    n2 = KG_NM3["n2"]
    return n2 + gas.o2 * (KG_NM3["o2"] - n2) + gas.h2o * (KG_NM3["h2o"] - n2) + gas.co2 * (KG_NM3["co2"] - n2)


def mass_flow(gas: Gas) -> Floats:
    """Return kg/s of the wet gas without its traces, which are below 0.5 %."""
    return gas.flow * density(gas)


def dry_flow(gas: Gas) -> Floats:
    """Return dry Nm3/s."""
    return gas.flow * (1.0 - gas.h2o)


def mixed(streams: tuple[Gas, ...], temperature_k: Floats) -> Gas:
    """Return the mixture of ``streams`` at ``temperature_k``, which follows from their heat."""
    flows = np.stack([gas.flow for gas in streams])
    weights = np.maximum(flows, NOTHING_NM3_S)
    weights = weights / ordered_sum(weights)
    shares = [
        ordered_sum(weights * np.stack([gas[place] for gas in streams]))
        for place in (Gas._fields.index("o2"), Gas._fields.index("h2o"), Gas._fields.index("co2"))
    ]
    traces = [ordered_sum(np.stack([gas[place] for gas in streams])) for place in range(5, len(Gas._fields))]
    return Gas(ordered_sum(flows), temperature_k, *shares, *traces)
