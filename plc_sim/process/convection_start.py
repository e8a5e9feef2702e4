"""Fit the convection pass to its design point, and find its steady state: both by letting it run in long steps.

The steady state does not depend on the step, so a run in steps near the stability limit is the cheapest solver that
knows all the physics. Nothing here runs in the step of the plant.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.errors import PlantError
from controller.core.reduce import ordered_sum
from controller.core.state import State
from plc_sim.process.convection import Boundary, Convection, Passed
from plc_sim.process.convection_design import CELLS, ConvectionDesign
from plc_sim.process.convection_parameters import ConvectionParameters
from plc_sim.process.design import column
from plc_sim.process.flow import checked_root
from plc_sim.process.fouling import BANKS
from plc_sim.process.gas import Gas
from plc_sim.process.gas_heat import GasHeat
from plc_sim.process.superheated import WET_J_KG_K, superheat_table

Floats = npt.NDArray[np.float64]

LONG_S = 2.0
ROUNDS = 3000
GAIN = 0.1  # of the fit in each round
TUBES = 8  # SH3 tubes with a thermocouple, wall to wall
WATER_J_KG_K = 4300.0
GAS_J_NM3_K = 1500.0
FIRST_NTU = (0.1, 0.5, 0.7, 0.9, 1.3)  # where the fit begins
SPRAY_GAIN = 1e-4  # of a spray valve's stroke, for each K and round
LARGEST_NTU = 8.0  # of a bank: more surface would hardly transfer more
CLOSE = 1e-7  # relative error of the duties that the fit leaves
STILL_K = 1e-6  # change in a round when all stands still


class Superheaters(NamedTuple):
    """SH1, SH2, SH3 at full load; (3, lines, 1)."""

    rise_j_kg: Floats
    in_k: Floats
    out_k: Floats
    mean_capacity: Floats  # J/(kg K)


def full_gas(parameters: Sequence[ConvectionParameters]) -> Gas:
    """Return the gas of the design point, without trace gases; (lines, 1)."""
    none = np.zeros((len(parameters), 1))
    shares = {"o2": "gas_o2", "h2o": "gas_h2o", "co2": "gas_co2", "flow": "gas_nm3_s", "temperature": "gas_in_k"}
    given = {field: column([getattr(p, name) for p in parameters]) for field, name in shares.items()}
    return Gas(**(dict.fromkeys(Gas._fields, none) | given))


def fit(lines: Sequence[str], parameters: Sequence[ConvectionParameters], full: Boundary) -> ConvectionDesign:
    """Return the coefficients with which ``full``, the boundary at full load, gives the design point."""
    design, gas = _begin(lines, parameters, full), full_gas(parameters)
    model = _quick(Convection.build(State(batch=1), design))
    ends = _superheaters(parameters, design.steam_kg_s, full)
    capacity = design.steam_kg_s * ends.mean_capacity
    film_ratio = column([p.film_ratio for p in parameters])
    sprays = np.stack([column([getattr(p, name) for p in parameters]) for name in ("sp1_position", "sp2_position")])
    heat = GasHeat.of(gas)
    leaving = column([p.gas_out_k for p in parameters])
    all_w = gas.flow * (heat.enthalpy(gas.temperature) - heat.enthalpy(leaving))
    given = [column([p.bundle_w for p in parameters]), *(design.steam_kg_s * ends.rise_j_kg)[::-1]]
    duty = np.stack([*given, all_w - ordered_sum(np.stack(given))])
    _check(gas, duty, ends)
    none = np.zeros_like(film_ratio)
    for _ in range(ROUNDS):
        before = model.metal.copy()
        out = model.step(gas, full, sprays, none, LONG_S)
        model.fouling.section[...] = 1.0
        j_nm3 = heat.enthalpy(out.gas_k)
        found = gas.flow * (j_nm3[:-1] - j_nm3[1:])
        wanted = design.gas_ntu * (1.0 + GAIN * (duty - found) / duty)
        design.gas_ntu[...] = np.minimum(np.maximum(wanted, -LARGEST_NTU * GAS_J_NM3_K / CELLS), 0.0)
        design.steam_ntu[...] = film_ratio * (design.gas_ntu * design.gas_nm3_s)[3:0:-1] / capacity
        if np.max(np.abs(model.metal - before)) < STILL_K and np.allclose(found, duty, rtol=CLOSE):
            hot = model.metal[CELLS]
            surface = (column([p.sh3_tube_k for p in parameters]) - hot) / (out.gas_k[1] - hot)
            return replace(design, metal_k=model.metal.copy(), tubes=surface * design.tubes)
    raise PlantError(
        "the design point of the convection pass cannot be met (process: convection): no surfaces were found that give "
        f"{', '.join(f'{bank} {w / 1e6:.2f} MW' for bank, w in zip(BANKS, duty[:, 0, 0], strict=True))}; "
        "leave more difference between gas and steam"
    )


def _check(gas: Gas, duty: Floats, ends: Superheaters) -> None:
    """Raise PlantError unless the gas is hotter than the steam at both ends of each superheater and loses heat."""
    heat = GasHeat.of(gas)
    entering = heat.enthalpy(gas.temperature)
    gas_k = heat.temperature(np.stack([entering, *(entering - np.cumsum(duty, axis=0) / gas.flow)]))
    for row, bank in enumerate(BANKS[1:4]):
        hot, cold = gas_k[row + 1], gas_k[row + 2]
        steam_out, steam_in = ends.out_k[2 - row], ends.in_k[2 - row]
        if not ((hot > steam_out).all() and (cold > steam_in).all()):
            raise PlantError(
                f"the design point of the convection pass is against nature (process: convection): in {bank} gas of "
                f"{hot[0, 0]:.0f} to {cold[0, 0]:.0f} K cannot heat steam from {steam_in[0, 0]:.0f} to "
                f"{steam_out[0, 0]:.0f} K; check gas_in_k, gas_nm3_s and the steam temperatures"
            )
    if not (duty > 0.0).all():
        raise PlantError(
            "the design point of the convection pass leaves the economiser no heat (process: convection): "
            f"{duty[-1, 0, 0] / 1e6:.2f} MW; check gas_out_k"
        )


def settle(model: Convection, gas: Gas, side: Boundary, sprays: Floats, hold_k: Floats | None = None) -> Passed:
    """Bring the metal to the steady state at constant inputs; with ``hold_k`` (2) move ``sprays`` (2) in place.

    ``hold_k`` are the temperatures of SH2 and SH3 outlet to hold. Deposits stay as they are.
    """
    model, section = _quick(model), model.fouling.section.copy()
    none = np.zeros_like(gas.flow)
    out = model.step(gas, side, sprays, none, LONG_S)
    for _ in range(ROUNDS):
        before = model.metal.copy()
        out = model.step(gas, side, sprays, none, LONG_S)
        model.fouling.section[...] = section
        if hold_k is not None:
            sprays += SPRAY_GAIN * (out.steam_k[2::2] - hold_k)
            np.clip(sprays, 0.0, 1.0, out=sprays)
        if np.max(np.abs(model.metal - before)) < STILL_K:
            break
    return out


def _superheaters(parameters: Sequence[ConvectionParameters], steam_kg_s: Floats, full: Boundary) -> Superheaters:
    """Return what each superheater adds to the steam at the design temperatures."""
    shares = np.array([1.0, 2.0, 3.0]).reshape(3, 1, 1) / 3.0
    form = superheat_table().at(full.drum_pa - shares * (full.drum_pa - full.outlet_pa))
    t_out = np.stack([column([getattr(p, f"{bank}_out_k") for p in parameters]) for bank in ("sh1", "sh2", "sh3")])
    h_out = form.enthalpy(t_out)
    h_in = np.empty_like(h_out)
    h_in[0] = full.drum_steam_j_kg
    kept = steam_kg_s[:2] / steam_kg_s[1:]
    h_in[1:] = full.feedwater_j_kg + kept * (h_out[:2] - full.feedwater_j_kg)
    t_in = form.temperature(h_in)
    return Superheaters(h_out - h_in, t_in, t_out, (h_out - h_in) / (t_out - t_in))


def _capacities(
    parameters: Sequence[ConvectionParameters], steam_kg_s: Floats, bundle_w_k: Floats, ends: Superheaters
) -> Floats:
    """Return the heat capacity of each cell (cells, lines, 1)."""
    p = parameters
    lag_s = np.stack([column([getattr(one, f"{bank}_lag_s") for one in p]) for bank in ("sh1", "sh2", "sh3")])
    superheaters = (lag_s * steam_kg_s * ends.mean_capacity / CELLS)[::-1]
    bundle = bundle_w_k * column([one.bundle_lag_s for one in p])
    economiser = column([one.economiser_kg for one in p]) * WATER_J_KG_K / CELLS
    return np.repeat(np.stack([bundle, *superheaters, economiser]), CELLS, axis=0)


def _mean_temperatures(gas_in: Floats, gas_out: Floats) -> Floats:
    """Return about the mean gas temperature in each bank (banks, lines, 1): where its heat capacity is taken."""
    way = (np.arange(len(BANKS)) + 0.5).reshape(-1, 1, 1) / len(BANKS)
    return gas_in + way * (gas_out - gas_in)


def _quick(model: Convection) -> Convection:
    """Return the same model, state shared, with cells of so little capacity that long steps are just stable."""
    d = model.design
    least = LONG_S * (d.gas_nm3_s * GAS_J_NM3_K + d.steam_kg_s[-1] * WET_J_KG_K)
    return replace(model, design=replace(d, capacity_j_k=np.minimum(d.capacity_j_k, least)))


def _begin(lines: Sequence[str], parameters: Sequence[ConvectionParameters], full: Boundary) -> ConvectionDesign:
    """Return all that follows directly from the design point, and where the fit begins."""
    p, count = parameters, len(parameters)
    if any(getattr(one, f"{bank}_blowers") != getattr(p[0], f"{bank}_blowers") for one in p for bank in BANKS):
        raise PlantError("all lines must have the same number of blowers in each bank (process: convection)")
    spray = np.stack([column([one.sp1_kg_s for one in p]), column([one.sp2_kg_s for one in p])])
    opening = np.stack([column([one.sp1_position for one in p]), column([one.sp2_position for one in p])])
    shares = np.array([1.0, 2.0, 3.0]).reshape(3, 1, 1, 1) / 3.0
    behind = full.drum_pa - shares[:, 0] * (full.drum_pa - full.outlet_pa)
    steam = full.steam_kg_s + np.stack([0.0 * spray[0], spray[0], spray[0] + spray[1]])
    radiation = np.zeros((len(BANKS), count, 1))
    for row, name in enumerate(("bundle_radiation", "sh3_radiation", "sh2_radiation")):
        radiation[row] = column([getattr(one, name) for one in p])
    gas_in, gas_out = column([one.gas_in_k for one in p]), column([one.gas_out_k for one in p])
    flow = column([one.gas_nm3_s for one in p])
    profile = np.cos(np.pi * (np.arange(TUBES) - 0.5 * (TUBES - 1)) / TUBES)
    profile = (profile - profile.mean()).reshape(TUBES, 1, 1)
    bundle_w_k = column([one.bundle_w / one.bundle_excess_k / CELLS for one in p])
    first = np.array(FIRST_NTU).reshape(-1, 1, 1)
    return ConvectionDesign(
        lines=tuple(lines),
        parameters=tuple(p),
        gas_nm3_s=flow,
        gas_in_k=gas_in,
        drum_pa=full.drum_pa,
        outlet_pa=full.outlet_pa,
        steam_kg_s=steam,
        least_steam_kg_s=1e-3 * steam[0],
        mean_k=_mean_temperatures(gas_in, gas_out),
        gas_ntu=-first * 1500.0 / CELLS * np.ones((len(BANKS), count, 1)),
        convection=1.0 - radiation,
        radiation=radiation,
        steam_ntu=np.full((3, count, 1), -2.0 / CELLS),
        bundle_w_k=bundle_w_k,
        capacity_j_k=_capacities(p, steam, bundle_w_k, _superheaters(p, steam, full)),
        metal_k=np.linspace(gas_in, full.drum_k - 80.0, len(BANKS) * CELLS) * 0.3 + 0.7 * full.drum_k,
        spray_k=spray / (opening * checked_root(full.feedwater_pa - behind[:2])[0]),
        dp_shares=shares,
        gas_dp=column([one.gas_dp_pa for one in p]) / (gas_in + gas_out),
        tubes=1.0 + column([one.tube_spread for one in p]) * profile,
    )
