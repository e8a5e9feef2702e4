"""The turbine cycle from its design point to coefficients, and its steady state at any steam flow. Runs at start only.

Four stage groups in series with an extraction behind each of the first three: to the air heaters, to the deaerator, to
the LP heater. Mass and heat balances give the flows of extraction 2 and 3, the make-up and the condenser's duty; none
of them is a parameter.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.errors import PlantError
from plc_sim.process import water
from plc_sim.process.expansion_tables import boiling_table, expansion
from plc_sim.process.turbine_island_parameters import IslandParameters

Floats = npt.NDArray[np.float64]

ROUNDS = 60  # of the fixed-point iterations; each gains at least a factor of two
WATER_J_KG_K = 4182.0  # cooling water
AIR_J_KG_K = 287.05


class Boundary(NamedTuple):
    """What the turbine island gets from the rest of the plant; all (1, batch) or (1, 1)."""

    header_pa: Floats
    header_j_kg: Floats
    air_heater_kg_s: Floats  # steam that the air heaters would condense from extraction 1, all lines
    drum_steam_kg_s: Floats  # condensed drum steam that the air heaters give back, all lines
    drum_steam_j_kg: Floats  # of this condensate
    feedwater_kg_s: Floats  # taken from the tank by the feedwater pumps


class Path(NamedTuple):
    """State of the steam along the turbine."""

    pressure: Floats  # (5, n): inlet, three extractions, exhaust
    enthalpy: Floats  # (5, n)
    log_inlet: Floats  # (4, n): logarithm of the pressures before the groups
    pv: Floats  # (4, n): p * v before the groups


@dataclass(frozen=True, slots=True, eq=False)
class Cycle:
    """Coefficients that follow from the design point."""

    parameters: IslandParameters
    inlet_j_kg: float
    header_pa: float
    pipe_r: float  # dp = r * flow^2
    valve_k: float  # kg/s = k * position * (inlet - exhaust pressure) / sqrt(p * v)
    stodola: Floats  # (3, 1): kg/s = k * sqrt((p_in^2 - p_out^2) / (p * v))
    efficiency: Floats  # (4, 1)
    dryness: float  # mean of the last group
    work_w: float  # steam to shaft
    condenser_w: float
    condenser_r: float  # K/W at full cooling water flow: approach over duty
    bypass_r: float
    cooling_kg_s: float  # full flow
    heater_ntu: float
    heater_kg_s: float  # condensate flow at which it holds
    extraction_2_kg_s: float
    extraction_3_kg_s: float
    make_up_kg_s: float
    extraction_valve_k: float  # kg/s = k * opening * root(dp)
    exhaust_pa: float
    condensing_k: float


class Balance(NamedTuple):
    """A steady state of the cycle; floats except the path."""

    path: Path
    header_pa: float
    turbine_kg_s: float
    extraction: tuple[float, float, float]
    exhaust_kg_s: float
    auxiliary_kg_s: float  # steam from the header to the deaerator
    condensate_kg_s: float
    make_up_kg_s: float
    hotwell_j_kg: float
    heated_j_kg: float  # condensate behind the LP heater
    condensing_k: float
    air_pa: float
    tank_pa: float
    duty_w: float
    shaft_w: float  # from the steam


def water_j_kg(t_k: float) -> float:
    """Return the enthalpy of water at low pressure."""
    return float(np.interp(t_k, boiling_table().values[0], boiling_table().values[1]))


def air_pa(parameters: IslandParameters, t_k: float) -> float:
    """Return the partial pressure of air in the main condenser at rest: leak over evacuation by one pump."""
    c = parameters.condensers
    return c.leak_kg_s * AIR_J_KG_K * t_k / c.evacuation_m3_s


def design(parameters: IslandParameters, full: Boundary) -> Cycle:
    """Calculate the coefficients; ``full`` is the boundary at the design point (its header values are not used)."""
    p = parameters.turbine_steam
    inlet = water.steam_enthalpy(p.inlet_pa, p.inlet_k)
    cold = parameters.cooling.full_k
    cooling = parameters.cooling.pumps_running * parameters.cooling.pump_kg_s
    efficiency = np.array([[p.efficiency_1], [p.efficiency_2], [p.efficiency_3], [p.efficiency_4]])
    heated = water_j_kg(parameters.condensate.heater_out_k)
    e2 = e3 = make_up = duty = hotwell = 0.0
    condensing = cold + 15.0
    path = _path_at(parameters, inlet, condensing, efficiency)
    for _ in range(ROUNDS):
        path = _path_at(parameters, inlet, condensing, efficiency)
        flows = _Flows(p.full_flow_kg_s, p.extraction_1_kg_s, e2, e3)
        e2, e3, make_up, hotwell, duty = _split(
            parameters, full, path, flows, heated, condensing, parameters.tank.pressure_pa
        )
        approach = parameters.condensers.approach_k
        condensing = cold + duty / (cooling * WATER_J_KG_K) + approach
    q = np.array([[p.full_flow_kg_s], [p.extraction_1_kg_s], [e2], [e3]])
    through = q[0] - np.array([[0.0], [q[1, 0]], [q[1, 0] + e2], [q[1, 0] + e2 + e3]])
    pressure, h = path.pressure, path.enthalpy
    squares = pressure[1:4] ** 2 - pressure[2:5] ** 2
    boiling = boiling_table().at(pressure[3:5])
    dry = np.minimum((h[3:5] - boiling.h_w) / (boiling.h_s - boiling.h_w), 1.0)
    condensate = full.feedwater_kg_s.item() - p.extraction_1_kg_s - e2 - full.drum_steam_kg_s.item()
    t_3 = boiling_table().at(pressure[3:4]).h_w.item()
    return Cycle(
        parameters=parameters,
        inlet_j_kg=inlet,
        header_pa=p.inlet_pa + p.inlet_dp_pa,
        pipe_r=p.inlet_dp_pa / p.full_flow_kg_s**2,
        valve_k=p.full_flow_kg_s * math.sqrt(path.pv[0, 0]) / (p.full_admission * (p.inlet_pa - float(pressure[4, 0]))),
        stodola=through[1:4] * np.sqrt(path.pv[1:4] / squares),
        efficiency=efficiency,
        dryness=float(dry[0, 0] + dry[1, 0]) / 2.0,
        work_w=float((through * (h[:4] - h[1:])).sum()),
        condenser_w=duty,
        condenser_r=parameters.condensers.approach_k / duty,
        bypass_r=parameters.condensers.bypass_approach_k / parameters.condensers.bypass_w,
        cooling_kg_s=cooling,
        heater_ntu=math.log((t_3 - hotwell) / (t_3 - heated)),
        heater_kg_s=condensate,
        extraction_2_kg_s=e2,
        extraction_3_kg_s=e3,
        make_up_kg_s=make_up,
        extraction_valve_k=e2
        / (
            equal_percentage(parameters.tank.extraction_position, parameters.tank.rangeability)
            * math.sqrt(float(pressure[2, 0]) - parameters.tank.pressure_pa)
        ),
        exhaust_pa=float(pressure[4, 0]),
        condensing_k=condensing,
    )


def equal_percentage(position: float, rangeability: float) -> float:
    """Return the share of a valve's capacity at ``position``; shut tight at 0."""
    return math.expm1(position * math.log(rangeability)) / (rangeability - 1.0)


def _tank_pressure(c: Cycle, extraction_pa: float, extraction_kg_s: float) -> tuple[float, bool]:
    """Return the deaerator's pressure and whether extraction 2 can hold it.

    Its set-point as far as extraction 2 reaches through the open valve, then sliding down with it to the pressure
    that the auxiliary steam holds.
    """
    tank = c.parameters.tank
    reached = extraction_pa - (extraction_kg_s / c.extraction_valve_k) ** 2
    return max(min(tank.pressure_pa, reached), tank.auxiliary_pa), reached > tank.auxiliary_pa


class _Flows(NamedTuple):
    inlet: float
    e1: float
    e2: float
    e3: float


def _split(
    p: IslandParameters,
    at: Boundary,
    path: Path,
    flows: _Flows,
    heated_j_kg: float,
    condensing_k: float,
    tank_pa: float,
) -> tuple[float, float, float, float, float]:
    """Return (extraction 2, extraction 3, make-up, hotwell enthalpy, condenser duty) of one round."""
    table, h = boiling_table(), path.enthalpy
    tank = table.at(np.array([[tank_pa]])).h_w.item()
    drain_1, drain_3 = table.at(path.pressure[[1, 3]]).h_w[:, 0]
    drum = at.drum_steam_kg_s.item()
    feedwater = at.feedwater_kg_s.item()
    liquid = water_j_kg(condensing_k)
    condensate = feedwater - flows.e1 - flows.e2 - drum
    e2 = (feedwater * tank - condensate * heated_j_kg - flows.e1 * drain_1 - drum * at.drum_steam_j_kg.item()) / h[2, 0]
    exhaust = flows.inlet - flows.e1 - flows.e2 - flows.e3
    make_up = condensate - exhaust - flows.e3
    make_up_j_kg = water_j_kg(p.condensate.make_up_k)
    hotwell = ((exhaust + flows.e3) * liquid + make_up * make_up_j_kg) / condensate
    e3 = condensate * (heated_j_kg - hotwell) / (h[3, 0] - drain_3)
    duty = exhaust * (h[4, 0] - liquid) + flows.e3 * (drain_3 - liquid)
    return float(e2), float(e3), float(make_up), float(hotwell), float(duty)


def _path_at(p: IslandParameters, inlet_j_kg: float, condensing_k: float, efficiency: Floats) -> Path:
    """Return the path through the design pressures."""
    s = p.turbine_steam
    exhaust = float(boiling_table().pressure(np.array([condensing_k]))[0]) + air_pa(p, condensing_k)
    pressure = np.array([[s.inlet_pa], [s.extraction_1_pa], [s.extraction_2_pa], [s.extraction_3_pa], [exhaust]])
    return expand(pressure, inlet_j_kg, efficiency)


def expand(pressure: Floats, inlet_j_kg: float, efficiency: Floats) -> Path:
    """Follow the steam group by group at given pressures (5, 1)."""
    table = expansion()
    log_pa = np.log(pressure)
    h = np.full((5, 1), inlet_j_kg)
    pv = np.empty((4, 1))
    for group in range(4):
        entropy, pv[group], _ = table.state.at(log_pa[group : group + 1], h[group : group + 1])[:, 0]
        end = table.end(log_pa[group + 1 : group + 2], entropy[np.newaxis])
        h[group + 1] = h[group] - efficiency[group] * (h[group] - end[0])
    return Path(pressure, h, log_pa[:4], pv)


def groups_efficiency(c: Cycle, inlet_share: Floats, dryness: Floats) -> Floats:
    """Return the isentropic efficiencies (4, n): the control stage loses at part load, the last group by wetness."""
    p = c.parameters.turbine_steam
    lost = 1.0 - np.minimum(inlet_share, 1.0)
    efficiency = c.efficiency * np.ones_like(inlet_share)
    efficiency[0:1] *= 1.0 - p.part_load_loss * lost * lost
    efficiency[3:4] *= 1.0 + (dryness - c.dryness)
    return efficiency


def balance(c: Cycle, at: Boundary, steam_kg_s: float) -> Balance:
    """Return the steady state for ``steam_kg_s`` out of the boilers, inlet and deaerator at their set-points.

    Extraction 2 heats the deaerator as far as its pressure goes, auxiliary steam does the rest. The cooling tower
    holds the cold water's design temperature. PlantError when the balances do not close with positive flows.
    """
    parameters, p = c.parameters, c.parameters.turbine_steam
    e1 = at.air_heater_kg_s.item()
    e2, e3 = c.extraction_2_kg_s, c.extraction_3_kg_s
    condensing, hotwell, auxiliary = c.condensing_k, 0.0, 0.0
    heated = water_j_kg(parameters.condensate.heater_out_k)
    inlet = p.full_flow_kg_s
    header = c.header_pa
    path = _path_at(parameters, c.inlet_j_kg, condensing, c.efficiency)
    make_up = duty = 0.0
    tank_pa, inlet_j_kg = parameters.tank.pressure_pa, c.inlet_j_kg
    for _ in range(ROUNDS):
        lost = (p.auxiliary_kg_s + p.gland_kg_s) * header / c.header_pa
        inlet = steam_kg_s - lost - auxiliary
        header = p.inlet_pa + c.pipe_r * inlet * inlet
        inlet_j_kg = at.header_j_kg.item() - p.pipe_loss_w / inlet
        path = _part_load(c, path, _Flows(inlet, e1, e2, e3), inlet_j_kg, condensing)
        needed, e3, make_up, hotwell, duty = _split(
            parameters, at, path, _Flows(inlet, e1, e2 + auxiliary, e3), heated, condensing, tank_pa
        )
        tank_pa, passes = _tank_pressure(c, float(path.pressure[2, 0]), e2)
        e2 += 0.5 * (needed * passes - e2)
        # what extraction 2 cannot bring comes with the header's enthalpy
        auxiliary += 0.5 * ((needed - e2) * path.enthalpy[2, 0] / at.header_j_kg.item() * (not passes) - auxiliary)
        condensate = at.feedwater_kg_s.item() - e1 - e2 - auxiliary - at.drum_steam_kg_s.item()
        t_3 = boiling_table().at(path.pressure[3:4]).h_w.item()
        ntu = c.heater_ntu * math.sqrt(c.heater_kg_s / condensate)
        heated = hotwell + (t_3 - hotwell) * -math.expm1(-ntu)
        rise = 1.0 / (c.cooling_kg_s * WATER_J_KG_K) + c.condenser_r
        condensing = parameters.cooling.full_k + duty * rise
    exhaust = inlet - e1 - e2 - e3
    if not min(exhaust, make_up + 1e-6, e2 + auxiliary) > 0.0:
        raise PlantError(
            f"the turbine cycle has no steady state at {steam_kg_s * 3.6:.1f} t/h of steam: exhaust "
            f"{exhaust * 3.6:.1f}, make-up {make_up * 3.6:.1f} t/h; choose another initial load"
        )
    flows = inlet - np.array([0.0, e1, e1 + e2, e1 + e2 + e3])
    h = path.enthalpy[:, 0]
    return Balance(
        path=path,
        header_pa=header,
        turbine_kg_s=inlet,
        extraction=(e1, e2, e3),
        exhaust_kg_s=exhaust,
        auxiliary_kg_s=auxiliary,
        condensate_kg_s=at.feedwater_kg_s.item() - e1 - e2 - auxiliary - at.drum_steam_kg_s.item(),
        make_up_kg_s=make_up,
        hotwell_j_kg=hotwell,
        heated_j_kg=heated,
        condensing_k=condensing,
        air_pa=air_pa(parameters, condensing),
        tank_pa=tank_pa,
        duty_w=duty,
        shaft_w=float((flows * (h[:4] - h[1:])).sum()),
    )


def _part_load(c: Cycle, path: Path, flows: _Flows, inlet_j_kg: float, condensing_k: float) -> Path:
    """Return the path one round nearer to the flows (Stodola's cone law from the exhaust upwards)."""
    p = c.parameters.turbine_steam
    boiling = boiling_table()
    exhaust = float(boiling.pressure(np.array([condensing_k]))[0]) + air_pa(c.parameters, condensing_k)
    through = flows.inlet - np.cumsum([flows.e1, flows.e2, flows.e3])
    squares = np.empty(4)
    squares[3] = exhaust * exhaust
    for i in (2, 1, 0):
        squares[i] = squares[i + 1] + (through[i] / c.stodola[i, 0]) ** 2 * path.pv[i + 1, 0]
    pressure = np.concatenate([[p.inlet_pa], np.sqrt(squares)])[:, np.newaxis]
    saturation = boiling.at(pressure[3:5])
    dry = np.minimum((path.enthalpy[3:5] - saturation.h_w) / (saturation.h_s - saturation.h_w), 1.0)
    efficiency = groups_efficiency(c, np.array([[flows.inlet / p.full_flow_kg_s]]), 0.5 * (dry[0:1] + dry[1:2]))
    return expand(pressure, inlet_j_kg, efficiency)
