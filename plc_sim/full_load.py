"""What pieces of the plant have around them at full load: the boundaries their coefficients are fitted on."""

import numpy as np

from controller.core.reduce import ordered_sum
from plc_sim.process import cycle as turbine_cycle
from plc_sim.process.convection import Boundary as GasBoundary
from plc_sim.process.design import Design, column


def around_gas(d: Design) -> GasBoundary:
    """Return what the convection pass has around it at full load."""
    s = d.drum.water.at(d.drum_pa)
    return GasBoundary(
        drum_pa=d.drum_pa,
        drum_k=s.t,
        saturation_k=s.t,
        drum_steam_j_kg=s.h_s,
        drum_water_j_kg=s.h_w,
        outlet_pa=d.outlet_pa,
        steam_kg_s=d.drum_steam_kg_s,
        feedwater_kg_s=d.economiser_kg_s,
        feedwater_j_kg=d.inlet_j_kg + np.zeros_like(d.drum_pa),
        feedwater_pa=d.valve_in_pa,
    )


def around_turbine(d: Design) -> turbine_cycle.Boundary:
    """Return what the turbine island has around it at full load."""
    steam = column([p.drum.heater_steam_kg_s for p in d.line])
    s = d.drum.water.at(d.drum_pa)
    drained = ordered_sum(steam)[np.newaxis]
    one = np.ones((1, 1))
    return turbine_cycle.Boundary(
        header_pa=one * d.header_pa,
        header_j_kg=ordered_sum(d.steam_kg_s * d.outlet_j_kg)[np.newaxis] / ordered_sum(d.steam_kg_s),
        air_heater_kg_s=one * d.common.island.turbine_steam.extraction_1_kg_s,
        drum_steam_kg_s=drained,
        drum_steam_j_kg=ordered_sum(steam * s.h_w)[np.newaxis] / drained,
        feedwater_kg_s=ordered_sum(d.feedwater_kg_s)[np.newaxis],
    )
