"""From design points of the water and steam side to coefficients, and where it stands at a steam flow.

All arrays are (lines, 1). Nothing here runs in the step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from controller.core.errors import PlantError
from plc_sim.process import water
from plc_sim.process.drum import Drum, Geometry, downcomer_area
from plc_sim.process.flow import pressure_drop, root

if TYPE_CHECKING:
    from plc_sim.process.plant_parameters import CommonParameters, LineParameters, Parameters

Floats = npt.NDArray[np.float64]

ROUNDS = 100  # of the fixed-point iterations; they gain at least a factor of two each


def column(values: Sequence[float]) -> Floats:
    """Return one value per line as (lines, 1)."""
    return np.array(values, dtype=np.float64)[:, np.newaxis]


@dataclass(frozen=True, slots=True)
class Design:
    """Full load of every line and the coefficients that follow from it; SI, pressures absolute."""

    lines: tuple[str, ...]
    line: "tuple[LineParameters, ...]"
    common: "CommonParameters"
    barometric_pa: float
    drum: Drum
    # full load
    steam_kg_s: Floats  # leaving the boiler
    spray_kg_s: Floats
    drum_steam_kg_s: Floats  # from the drum to the superheater
    economiser_kg_s: Floats  # feedwater through the economiser
    feedwater_kg_s: Floats  # with the sprays
    drum_pa: Floats
    outlet_pa: Floats
    header_pa: float
    valve_in_pa: Floats  # feedwater before the valve, where the sprays branch off
    tank_pa: float  # the feedwater tank's
    tank_k: float
    inlet_j_kg: float  # feedwater from the tank
    outlet_j_kg: Floats
    steam_by_pressure: Floats  # drho/dp of the steam, kg/(m3 Pa)
    steam_kg_m3: Floats
    # coefficients
    superheater_k: Floats  # kg/s = k * sqrt(rho) * root(dp)
    line_k: Floats
    upstream_r: Floats  # dp = r * flow^2 of feedwater, header to valve
    downstream_r: Floats  # valve to drum
    valve_k: Floats  # kg/s = k * opening * root(dp)
    pump_b: float  # dp = shutoff * speed^2 - b * flow^2


def design(parameters: "Parameters", barometric_pa: float) -> Design:
    """Calculate full load and coefficients."""
    line = tuple(parameters.lines.values())
    common = next(iter(parameters.common.values()))
    table = water.saturation_table()
    turbine, tank = common.island.turbine_steam, common.island.tank
    header = turbine.inlet_pa + turbine.inlet_dp_pa
    outlet = header + column([p.steam.line_dp_pa for p in line])
    drum_pa = outlet + column([p.steam.superheater_dp_pa for p in line])
    s = table.at(drum_pa)
    temperature = [p.convection.sh3_out_k for p in line]
    h_o = column([water.steam_enthalpy(pa, t) for pa, t in zip(outlet[:, 0], temperature, strict=True)])
    rho = water.steam_table().at(outlet, h_o)[1]
    tank_k = float(table.at(np.array([tank.pressure_pa])).t[0])
    h_in = float(water.liquid_enthalpy().at(np.array([tank_k]))[0])
    h_e = water.liquid_enthalpy().at(column([p.feedwater.full_economiser_k for p in line]))
    q_s = column([p.steam.full_flow_kg_s for p in line])
    spray = column([p.convection.sp1_kg_s + p.convection.sp2_kg_s for p in line])
    q_h = column([p.drum.heater_steam_kg_s for p in line])
    q_bd = column([p.drum.blowdown_kg_s for p in line])
    q_d = q_s - spray
    q_e = q_d + q_h + q_bd
    boiled = (q_d + q_h) * s.h_s + q_bd * s.h_w - q_e * h_e
    areas = [downcomer_area(p.drum, table, pa, w) for p, pa, w in zip(line, drum_pa[:, 0], boiled[:, 0], strict=True)]
    valve_dp = column([p.feedwater.full_valve_dp_pa for p in line])
    downstream = column([p.feedwater.downstream_dp_pa for p in line])
    opening = opening_of(line, column([p.feedwater.full_valve_position for p in line]))
    q_f = q_e + spray
    rated = common.pumps.rated_share * float(q_f.sum())
    return Design(
        lines=tuple(parameters.lines),
        line=line,
        common=common,
        barometric_pa=barometric_pa,
        drum=Drum(
            Geometry.of([p.drum for p in line], column(areas)),
            table,
            barometric_pa,
            column([p.drum.riser_head_pa for p in line]),
            column([p.drum.riser_head_until_pa for p in line]),
        ),
        steam_kg_s=q_s,
        spray_kg_s=spray,
        drum_steam_kg_s=q_d,
        economiser_kg_s=q_e,
        feedwater_kg_s=q_f,
        drum_pa=drum_pa,
        outlet_pa=outlet,
        header_pa=header,
        valve_in_pa=drum_pa + downstream + column([p.feedwater.static_pa for p in line]) + valve_dp,
        tank_pa=tank.pressure_pa,
        tank_k=tank_k,
        inlet_j_kg=h_in,
        outlet_j_kg=h_o,
        steam_by_pressure=(water.steam_table().at(outlet * 1.01, h_o)[1] - rho) / (0.01 * outlet),
        steam_kg_m3=rho,
        superheater_k=q_d / np.sqrt((drum_pa - outlet) * rho),
        line_k=q_s / np.sqrt((outlet - header) * rho),
        upstream_r=column([p.feedwater.upstream_dp_pa for p in line]) / q_e**2,
        downstream_r=downstream / q_e**2,
        valve_k=q_e / (opening * np.sqrt(valve_dp)),
        pump_b=(common.pumps.shutoff_pa - common.pumps.rated_pa) / rated**2,
    )


def opening_of(line: "tuple[LineParameters, ...]", position: Floats) -> Floats:
    """Return the share of the valve's full capacity at ``position``: equal percentage, shut tight at 0."""
    rangeability = column([p.feedwater.rangeability for p in line])
    return np.expm1(position * np.log(rangeability)) / np.expm1(np.log(rangeability))


def pressures(
    d: Design, header_pa: float, drum_kg_s: Floats, steam_kg_s: Floats, j_kg: Floats
) -> tuple[Floats, Floats]:
    """Return (outlet, drum) pressure for steam flows from the drum and out of the boiler, steam of ``j_kg`` there."""
    outlet, drum = np.array(d.outlet_pa), np.array(d.drum_pa)
    for _ in range(ROUNDS):
        rho = water.steam_table().at(outlet, j_kg)[1]
        outlet = header_pa + pressure_drop(steam_kg_s / (d.line_k * np.sqrt(rho)))
        drum = outlet + pressure_drop(drum_kg_s / (d.superheater_k * np.sqrt(rho)))
    return outlet, drum


def valves(d: Design, drum_pa: Floats, economiser_kg_s: Floats) -> tuple[float, Floats]:
    """Return header pressure and valve positions with the design drop over the valve of the line that needs most."""
    q = economiser_kg_s
    pipes = (d.upstream_r + d.downstream_r) * q**2 + column([p.feedwater.static_pa for p in d.line])
    needed = drum_pa + pipes + column([p.feedwater.full_valve_dp_pa for p in d.line])
    header = float(needed.max())
    opening = q / (d.valve_k * root(header - drum_pa - pipes)[0])
    rangeability = column([p.feedwater.rangeability for p in d.line])
    return header, np.log1p(opening * np.expm1(np.log(rangeability))) / np.log(rangeability)


def pumps(d: Design, header_pa: float, tank_pa: float, flow_kg_s: float) -> tuple[int, float]:
    """Return how many pumps run (one in reserve when possible) and their speed; PlantError beyond full speed."""
    p = d.common.pumps
    full = float(d.feedwater_kg_s.sum())
    needed = int(np.ceil(flow_kg_s / (p.rated_share * full) - 1e-3))  # a pump at exactly its rated flow needs no help
    running = min(p.count, max(needed, p.count - 1))
    speed = float(np.sqrt((header_pa - tank_pa + d.pump_b * (flow_kg_s / running) ** 2) / p.shutoff_pa))
    return running, possible(speed, "speed of the feedwater pumps", flow_kg_s / full)


def possible(share: float, what: str, load: float) -> float:
    """Return ``share``; PlantError when it is above 1."""
    if not share <= 1.0:
        raise PlantError(
            f"the simulated plant cannot stand steady at {load:.0%} load: {what} would be {share:.0%}; "
            "choose a lower initial load or change its design point in the configuration (process:)"
        )
    return share
