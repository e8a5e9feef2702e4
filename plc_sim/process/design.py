"""From design points to coefficients, and the steady state at any load, solved at start.

All arrays are (lines, 1). Nothing here runs in the step.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.errors import PlantError
from plc_sim.process import water
from plc_sim.process.drum import Drum, Flows, Geometry, downcomer_area
from plc_sim.process.flow import pressure_drop, root
from plc_sim.process.parameters import CommonParameters, LineParameters, Parameters

Floats = npt.NDArray[np.float64]

ROUNDS = 300  # of the fixed-point iterations; they gain at least a factor of two each


def column(values: list[float]) -> Floats:
    """Return one value per line as (lines, 1)."""
    return np.array(values, dtype=np.float64)[:, np.newaxis]


@dataclass(frozen=True, slots=True)
class Design:
    """Full load of every line and the coefficients that follow from it; SI, pressures absolute."""

    lines: tuple[str, ...]
    line: tuple[LineParameters, ...]
    common: CommonParameters
    drum: Drum
    # full load
    steam_kg_s: Floats
    feedwater_kg_s: Floats
    heat_w: Floats
    drum_pa: Floats
    outlet_pa: Floats
    header_pa: float
    inlet_j_kg: float  # feedwater from the deaerator
    hottest_j_kg: Floats  # steam at ``maximum_k``
    steam_by_pressure: Floats  # drho/dp of the steam, kg/(m3 Pa)
    # shares of the heat
    economiser_share: Floats
    superheater_share: Floats
    # coefficients
    superheater_k: Floats  # kg/s = k * sqrt(rho) * root(dp)
    line_k: Floats
    upstream_r: Floats  # dp = r * flow^2 of feedwater
    downstream_r: Floats
    valve_k: Floats  # kg/s = k * opening * root(dp)
    pump_b: float  # dp = shutoff * speed^2 - b * flow^2
    turbine_k: float  # kg/s = k * position * header pressure
    turbine_kg_s: float  # at full load
    auxiliary_k: float  # kg/s = k * header pressure


def design(parameters: Parameters) -> Design:
    """Calculate full load and coefficients."""
    line = tuple(parameters.lines.values())
    common = next(iter(parameters.common.values()))
    table = water.saturation_table()
    header = common.turbine.inlet_pa + common.turbine.inlet_dp_pa
    outlet = header + column([p.steam.line_dp_pa for p in line])
    drum_pa = outlet + column([p.steam.superheater_dp_pa for p in line])
    s = table.at(drum_pa)
    temperature = [p.steam.full_temperature_k for p in line]
    h_o = column([water.steam_enthalpy(pa, t) for pa, t in zip(outlet[:, 0], temperature, strict=True)])
    rho = water.steam_table().at(outlet, h_o)[1]
    h_in = float(water.liquid_enthalpy().at(np.array([common.deaerator.temperature_k]))[0])
    h_e = water.liquid_enthalpy().at(column([p.feedwater.full_economiser_k for p in line]))
    q_s = column([p.steam.full_flow_kg_s for p in line])
    q_h = column([p.drum.heater_steam_kg_s for p in line])
    q_bd = column([p.drum.blowdown_kg_s for p in line])
    q_f = q_s + q_h + q_bd
    boiled = (q_s + q_h) * s.h_s + q_bd * s.h_w - q_f * h_e
    economiser, superheater = q_f * (h_e - h_in), q_s * (h_o - s.h_s)
    heat = boiled + economiser + superheater
    areas = [downcomer_area(p.drum, table, pa, w) for p, pa, w in zip(line, drum_pa[:, 0], boiled[:, 0], strict=True)]
    valve_dp = column([p.feedwater.full_valve_dp_pa for p in line])
    opening = opening_of(line, column([p.feedwater.full_valve_position for p in line]))
    total = float(q_s.sum())
    turbine = total * (1.0 - common.header.auxiliary_share)
    rated = common.pumps.rated_share * float(q_f.sum())
    return Design(
        lines=tuple(parameters.lines),
        line=line,
        common=common,
        drum=Drum(Geometry.of([p.drum for p in line], column(areas)), table),
        steam_kg_s=q_s,
        feedwater_kg_s=q_f,
        heat_w=heat,
        drum_pa=drum_pa,
        outlet_pa=outlet,
        header_pa=header,
        inlet_j_kg=h_in,
        hottest_j_kg=column(
            [water.steam_enthalpy(pa, p.steam.maximum_k) for pa, p in zip(outlet[:, 0], line, strict=True)]
        ),
        steam_by_pressure=(water.steam_table().at(outlet * 1.01, h_o)[1] - rho) / (0.01 * outlet),
        economiser_share=economiser / heat,
        superheater_share=superheater / heat,
        superheater_k=q_s / np.sqrt((drum_pa - outlet) * rho),
        line_k=q_s / np.sqrt((outlet - header) * rho),
        upstream_r=column([p.feedwater.upstream_dp_pa for p in line]) / q_f**2,
        downstream_r=column([p.feedwater.downstream_dp_pa for p in line]) / q_f**2,
        valve_k=q_f / (opening * np.sqrt(valve_dp)),
        pump_b=(common.pumps.shutoff_pa - common.pumps.rated_pa) / rated**2,
        turbine_k=turbine / (common.turbine.full_admission * header),
        turbine_kg_s=turbine,
        auxiliary_k=common.header.auxiliary_share * total / header,
    )


def opening_of(line: tuple[LineParameters, ...], position: Floats) -> Floats:
    """Return the share of the valve's full capacity at ``position``: equal percentage, shut tight at 0."""
    rangeability = column([p.feedwater.rangeability for p in line])
    return np.expm1(position * np.log(rangeability)) / np.expm1(np.log(rangeability))


@dataclass(frozen=True, slots=True)
class Steady:
    """Where everything stands at a load; (lines, 1) or one value."""

    share: Floats  # of full heat
    drum: Floats  # (4, lines, 1)
    economiser_j_kg: Floats
    superheater_j_kg: Floats
    outlet_pa: Floats
    header_pa: float
    admission: float
    feedwater_pa: float
    valve_position: Floats
    pumps_running: int
    speed: float


def steady(d: Design, load: float) -> Steady:
    """Solve the plant at ``load`` (1: full load of every line); PlantError when its equipment cannot carry it."""
    q_s = load * d.steam_kg_s
    header, turbine = _header(d, float(q_s.sum()))
    outlet, drum_pa, heat = np.array(d.outlet_pa), np.array(d.drum_pa), load * d.heat_w
    q_h = q_bd = q_f = h_o = h_e = np.zeros_like(q_s)
    for _ in range(ROUNDS):
        s = d.drum.water.at(drum_pa)
        q_h = column([p.drum.heater_steam_kg_s for p in d.line]) * heat / d.heat_w
        q_bd = column([p.drum.blowdown_kg_s for p in d.line]) * drum_pa / d.drum_pa
        q_f = q_s + q_h + q_bd
        heat = ((q_s + q_h) * s.h_s + q_bd * s.h_w - q_f * d.inlet_j_kg) / (1.0 - d.superheater_share)
        h_o = s.h_s + d.superheater_share * heat / q_s
        h_e = d.inlet_j_kg + d.economiser_share * heat / q_f
        rho = water.steam_table().at(outlet, h_o)[1]
        outlet = header + pressure_drop(q_s / (d.line_k * np.sqrt(rho)))
        drum_pa = outlet + pressure_drop(q_s / (d.superheater_k * np.sqrt(rho)))
    evaporator = heat * (1.0 - d.superheater_share - d.economiser_share)
    drum = d.drum.steady(drum_pa, Flows(evaporator, q_f, h_e, q_s + q_h, q_bd))
    feedwater_pa, position = _valves(d, drum_pa, q_f)
    running, speed = _pumps(d, feedwater_pa, float(q_f.sum()))
    return Steady(
        share=heat / d.heat_w,
        drum=drum,
        economiser_j_kg=h_e,
        superheater_j_kg=h_o,
        outlet_pa=outlet,
        header_pa=header,
        admission=_possible(turbine / (d.turbine_k * header), "turbine admission", load),
        feedwater_pa=feedwater_pa,
        valve_position=position,
        pumps_running=running,
        speed=speed,
    )


def _header(d: Design, steam_kg_s: float) -> tuple[float, float]:
    """Return header pressure and turbine flow at the set-point of the inlet pressure."""
    header, turbine = d.header_pa, steam_kg_s
    for _ in range(ROUNDS):
        turbine = steam_kg_s - d.auxiliary_k * header
        header = d.common.turbine.inlet_pa + d.common.turbine.inlet_dp_pa * (turbine / d.turbine_kg_s) ** 2
    return header, turbine


def _valves(d: Design, drum_pa: Floats, q_f: Floats) -> tuple[float, Floats]:
    """Return header pressure and valve positions with the design drop over the valve of the line that needs most."""
    pipes = d.upstream_r + d.downstream_r
    static = column([p.feedwater.static_pa for p in d.line])
    needed = drum_pa + static + pipes * q_f**2 + column([p.feedwater.full_valve_dp_pa for p in d.line])
    header = float(needed.max())
    total = header - drum_pa - static
    conductance = q_f / root(total)[0]
    opening = conductance / np.sqrt(1.0 - conductance**2 * pipes) / d.valve_k
    rangeability = column([p.feedwater.rangeability for p in d.line])
    position = np.log1p(opening * np.expm1(np.log(rangeability))) / np.log(rangeability)
    return header, position


def _pumps(d: Design, feedwater_pa: float, flow_kg_s: float) -> tuple[int, float]:
    """Return how many pumps run (one in reserve when possible) and their speed."""
    p = d.common.pumps
    rated = p.rated_share * float(d.feedwater_kg_s.sum())
    needed = int(np.ceil(flow_kg_s / rated - 1e-3))  # a pump at exactly its rated flow needs no help
    running = min(p.count, max(needed, p.count - 1))
    rise = feedwater_pa - d.common.deaerator.pressure_pa
    speed = float(np.sqrt((rise + d.pump_b * (flow_kg_s / running) ** 2) / p.shutoff_pa))
    return running, _possible(speed, "speed of the feedwater pumps", flow_kg_s / float(d.feedwater_kg_s.sum()))


def _possible(share: float, what: str, load: float) -> float:
    if not share <= 1.0:
        raise PlantError(
            f"the simulated plant cannot stand steady at {load:.0%} load: {what} would be {share:.0%}; "
            "choose a lower initial load or change its design point in the configuration (process:)"
        )
    return share
