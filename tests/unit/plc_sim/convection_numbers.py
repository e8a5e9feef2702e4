"""The convection pass of the reference plant at full load, for tests."""

import numpy as np
import numpy.typing as npt

from plc_sim.process import water
from plc_sim.process.convection import Boundary
from plc_sim.process.convection_parameters import ConvectionParameters

Floats = npt.NDArray[np.float64]

LINES = ("L1", "L2")
STEAM_KG_S = 31.333
PARAMETERS = ConvectionParameters(
    gas_nm3_s=48.97,
    gas_in_k=943.15,
    gas_o2=0.065,
    gas_h2o=0.170,
    gas_co2=0.0938,
    gas_out_k=473.15,
    gas_dp_pa=350.0,
    bundle_w=2.8e6,
    sh1_out_k=614.15,
    sh2_out_k=665.15,
    sh3_out_k=723.15,
    film_ratio=20.0,
    sh3_tube_k=758.15,
    tube_spread=0.25,
    bundle_radiation=0.3,
    sh3_radiation=0.2,
    sh2_radiation=0.1,
    bundle_lag_s=40.0,
    bundle_excess_k=15.0,
    sh1_lag_s=45.0,
    sh2_lag_s=60.0,
    sh3_lag_s=80.0,
    economiser_kg=12000.0,
    sp1_kg_s=0.045 * STEAM_KG_S,
    sp1_position=0.45,
    sp2_kg_s=0.025 * STEAM_KG_S,
    sp2_position=0.38,
    clean=1.10,
    dirty=0.70,
    fouling_s=41500.0,
    cleaning_s=30.0,
    blower_kg_s=0.313,
    bundle_blowers=1,
    sh3_blowers=3,
    sh2_blowers=3,
    sh1_blowers=2,
    economiser_blowers=3,
)
DRUM_PA = 7.1932e6
OUTLET_PA = 6.4932e6
SPRAYS_KG_S = 0.07 * STEAM_KG_S
FEEDWATER_KG_S = STEAM_KG_S + 0.313 + 0.711  # with blowdown and the steam to the air heater
OPEN = np.array([[[0.45], [0.45]], [[0.38], [0.38]]])


def each(value: float, batch: int = 1) -> Floats:
    """Return one value for all lines."""
    return np.full((len(LINES), batch), value)


def boundary(
    drum_pa: float = DRUM_PA,
    outlet_pa: float = OUTLET_PA,
    steam_kg_s: float = STEAM_KG_S - SPRAYS_KG_S,
    feedwater_kg_s: float = FEEDWATER_KG_S - SPRAYS_KG_S,
    feedwater_pa: float = 8.6932e6,
) -> Boundary:
    """Return what the boiler gives; full load unless said."""
    s = water.saturation_table().at(each(drum_pa))
    return Boundary(
        drum_pa=each(drum_pa),
        drum_k=s.t,
        saturation_k=s.t,
        drum_steam_j_kg=s.h_s,
        drum_water_j_kg=s.h_w,
        outlet_pa=each(outlet_pa),
        steam_kg_s=each(steam_kg_s),
        feedwater_kg_s=each(feedwater_kg_s),
        feedwater_j_kg=water.liquid_enthalpy().at(each(403.15)),
        feedwater_pa=each(feedwater_pa),
    )
