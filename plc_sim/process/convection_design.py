"""Coefficients of the convection pass from its design point. Nothing here runs in the step.

``ConvectionDesign`` holds the coefficients; ``plc_sim.process.convection_start`` fits the surfaces and finds steady
states. Arrays are (lines, 1), per bank (banks, lines, 1), per cell (cells, lines, 1).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plc_sim.process.convection_parameters import ConvectionParameters

Floats = npt.NDArray[np.float64]

CELLS = 6  # of each bank
BUNDLE = slice(0, CELLS)  # rows of the cells in the order of the gas
SUPERHEATERS = slice(CELLS, 4 * CELLS)  # SH3, SH2, SH1
ECONOMISER = slice(4 * CELLS, 5 * CELLS)


@dataclass(frozen=True, slots=True)
class ConvectionDesign:
    """Coefficients at full load."""

    lines: tuple[str, ...]
    parameters: tuple[ConvectionParameters, ...]
    # full load
    gas_nm3_s: Floats
    gas_in_k: Floats
    drum_pa: Floats
    outlet_pa: Floats
    steam_kg_s: Floats  # (3, lines, 1) through SH1, SH2, SH3
    least_steam_kg_s: Floats
    mean_k: Floats  # (banks) of the gas
    # heat transfer
    gas_ntu: Floats  # (banks) minus one cell's UA over Nm3/s, J/(Nm3 K)
    convection: Floats  # (banks) share of the heat transfer
    radiation: Floats  # (banks) the rest
    steam_ntu: Floats  # (3) SH1, SH2, SH3: minus one cell's NTU
    bundle_w_k: Floats  # one cell, to boiling water
    # storage and flow
    capacity_j_k: Floats  # (cells)
    metal_k: Floats  # (cells) at full load
    spray_k: Floats  # (2) kg/s = k * opening * root(dp)
    dp_shares: Floats  # (3, 1, 1, 1) of the pressure drop, to behind SH1, SH2, SH3
    gas_dp: Floats  # Pa = gas_dp * flow share^2 * (K in + K out)
    tubes: Floats  # (tubes, lines, 1) where the surface of an SH3 tube lies from its metal to the gas, at full flow
