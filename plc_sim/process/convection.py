"""The convection pass: protective evaporator bundle, SH3, SH2, SH1 and economiser in the gas; two sprays in the steam.

All banks are counterflow and cut into cells. The state of a cell is its metal temperature (economiser: metal and water
together). Gas and steam hold next to no heat and are quasi-steady: through a cell their enthalpy moves the share
``1 - exp(-NTU)`` towards the one they would have at the metal's temperature, one sweep in flow direction each. What
leaves the gas is what metal and water take up: the balance closes exactly. Arrays are (cells, lines, batch) in the
order of the gas unless said.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.reduce import ordered_sum
from controller.core.state import State
from plc_sim.process import water
from plc_sim.process.convection_design import BUNDLE, CELLS, ECONOMISER, SUPERHEATERS, ConvectionDesign
from plc_sim.process.flow import checked_root
from plc_sim.process.fouling import BANKS, Fouling
from plc_sim.process.gas import Gas
from plc_sim.process.gas_heat import GasHeat, vapour_enthalpy
from plc_sim.process.superheated import Superheat, SuperheatTable, superheat_table

Floats = npt.NDArray[np.float64]

LEAST_FLOW = 2e-3  # share of full flow below which heat transfer is that of this flow
BELOW_BOILING_K = 10.0  # the economiser does not steam; what would boil there goes to the drum as steam
VAPOUR_KG_NM3 = 18.015 / 22.414
VAPOUR_J_KG = 2546.5e3  # enthalpy of water vapour at 25 C, where that of the gas is counted from


class Boundary(NamedTuple):
    """What the rest of the boiler gives; (lines, batch)."""

    drum_pa: Floats
    drum_k: Floats  # boiling water in the bundle
    saturation_k: Floats  # at the drum pressure
    drum_steam_j_kg: Floats
    drum_water_j_kg: Floats
    outlet_pa: Floats
    steam_kg_s: Floats  # from the drum
    feedwater_kg_s: Floats  # into the economiser, without sprays
    feedwater_j_kg: Floats
    feedwater_pa: Floats  # where the sprays branch off


class Passed(NamedTuple):
    """One step's results; (lines, batch) unless said."""

    gas: Gas  # behind the economiser
    gas_k: Floats  # (banks + 1) before each bank and behind the last
    gas_dp_pa: Floats
    steam_k: Floats  # (5) SH1 out, SH2 in and out, SH3 in and out
    steam_j_kg: Floats  # leaving SH3
    steam_kg_s: Floats  # leaving SH3, before the blowers take theirs
    spray_kg_s: Floats  # (2) SP1, SP2
    tube_k: Floats  # (tubes) surfaces at the hot end of SH3, over the width
    evaporator_w: Floats  # to the boiling water of the drum circuit
    water_j_kg: Floats  # leaving the economiser
    water_k: Floats
    heat_transfer: Floats  # (banks) by that at full load: deposits
    drum_leak_kg_s: Floats  # boiling water lost by the bundle
    blower_kg_s: Floats  # steam taken behind SH3


class Leaks(NamedTuple):
    """Tube leaks in kg/s at full pressure, changed by faults; (lines, batch)."""

    bundle: Floats
    superheater: Floats


@dataclass(frozen=True, slots=True)
class Convection:
    """The convection passes of all lines."""

    metal: Floats  # (banks * cells, lines, batch) K
    fouling: Fouling
    leaks: Leaks
    design: ConvectionDesign
    steam: SuperheatTable
    liquid_j_kg: water.LineTable

    @classmethod
    def build(cls, state: State, design: ConvectionDesign) -> "Convection":
        """Add the state, with the metal at full load."""
        lines = design.lines
        keys = [f"{line}/{bank}.{cell}" for bank in BANKS for cell in range(CELLS) for line in lines]
        metal = state.add("convection.metal", keys).reshape(len(BANKS) * CELLS, len(lines), -1)
        metal[...] = design.metal_k
        return cls(
            metal=metal,
            fouling=Fouling.build(state, lines, list(design.parameters)),
            leaks=Leaks(
                state.add("disturbance.bundle_leak", lines),
                state.add("disturbance.superheater_leak", lines),
            ),
            design=design,
            steam=superheat_table(),
            liquid_j_kg=water.liquid_enthalpy(),
        )

    def step(self, gas: Gas, side: Boundary, sprays: Floats, blower: Floats, dt: float) -> Passed:
        """Advance by ``dt``; ``sprays`` (2, lines, batch) valve times block valve 0..1, ``blower`` its number or 0."""
        d = self.design
        pressure = side.drum_pa - d.dp_shares * (side.drum_pa - side.outlet_pa)  # behind SH1, SH2, SH3
        spray = d.spray_k * sprays * checked_root(side.feedwater_pa - pressure[:2, 0])[0]
        leak = self.leaks.superheater * (side.drum_pa / d.drum_pa)
        drum_leak = self.leaks.bundle * (side.drum_pa / d.drum_pa)
        blown = self.fouling.step(blower, gas.flow / d.gas_nm3_s, dt) * (side.outlet_pa / d.outlet_pa)
        form = self.steam.at(pressure)
        flow, rises, ends = self._steam(form, side, spray, leak)
        energy = drum_leak * side.drum_water_j_kg + leak * ends[1, 1] + blown * ends[2, 0]
        gas, heat, entering = _mixed(gas, drum_leak + leak + blown, energy, d.gas_nm3_s)
        factor = self.fouling.factor()
        gas_j = self._gas(gas, heat, entering, factor)

        water_j = self.liquid_j_kg.at(self.metal[ECONOMISER])
        taken = np.empty_like(self.metal)
        taken[BUNDLE] = d.bundle_w_k * (self.metal[BUNDLE] - side.drum_k)
        taken[SUPERHEATERS] = (flow[:, np.newaxis] * rises)[::-1, ::-1].reshape(3 * CELLS, *leak.shape)
        taken[ECONOMISER.start : -1] = side.feedwater_kg_s * (water_j[:-1] - water_j[1:])
        taken[-1] = side.feedwater_kg_s * (water_j[-1] - side.feedwater_j_kg)
        self.metal[...] += (gas.flow * (gas_j[:-1] - gas_j[1:]) - taken) * (dt / d.capacity_j_k)
        steaming = self._keep_below_boiling(side.saturation_k, dt)

        gas_k = heat.temperature(gas_j[::CELLS])
        steam_k = form.temperature(ends).reshape(6, *leak.shape)[:5]
        share, hot = gas.flow / d.gas_nm3_s, self.metal[CELLS]
        return Passed(
            gas=gas._replace(temperature=gas_k[-1]),
            gas_k=gas_k,
            gas_dp_pa=d.gas_dp * share * share * (gas_k[0] + gas_k[-1]),
            steam_k=steam_k,
            steam_j_kg=ends[2, 0],
            steam_kg_s=flow[2],
            spray_kg_s=spray,
            tube_k=hot + (gas_k[1] - hot) * np.sqrt(np.minimum(share, 1.0)) * d.tubes,
            evaporator_w=ordered_sum(taken[BUNDLE]) + steaming,
            water_j_kg=water_j[0],
            water_k=self.metal[ECONOMISER.start].copy(),
            heat_transfer=factor,
            drum_leak_kg_s=drum_leak,
            blower_kg_s=blown,
        )

    def _steam(self, form: Superheat, side: Boundary, spray: Floats, leak: Floats) -> tuple[Floats, Floats, Floats]:
        """Return flow (3), enthalpy rise of each cell (3, cells) and enthalpy at the ends of SH1 to SH3 (3, 2).

        Ends are before and behind the spray that follows. Mixing with spray water moves the enthalpy towards that of
        the water: one more cell.
        """
        d = self.design
        shape = leak.shape
        flow = np.empty((3, *shape))
        flow[0] = np.maximum(side.steam_kg_s, 0.0)
        flow[1] = flow[0] + spray[0]
        flow[2] = np.maximum(flow[1] + spray[1] - leak, 0.0)
        share = np.maximum(flow / d.steam_kg_s, LEAST_FLOW)
        kept = np.empty((3, CELLS + 1, *shape))
        kept[:, :CELLS] = np.exp(d.steam_ntu * share**-0.2)[:, np.newaxis]
        mixing = np.maximum(flow[:2], d.least_steam_kg_s)
        kept[:2, CELLS] = mixing / (mixing + spray)
        kept[2, CELLS] = 1.0
        aim = np.empty_like(kept)
        aim[:, :CELLS] = form.enthalpy(self.metal[SUPERHEATERS][::-1].reshape(3, CELLS, *shape))
        aim[:, CELLS] = side.feedwater_j_kg
        behind = _chain(kept.reshape(-1, *shape), aim.reshape(-1, *shape), side.drum_steam_j_kg)
        rises = (behind[1:] - behind[:-1]).reshape(3, CELLS + 1, *shape)[:, :CELLS]
        return flow, rises, behind[1:].reshape(3, CELLS + 1, *shape)[:, CELLS - 1 :]

    def _gas(self, gas: Gas, heat: GasHeat, entering: Floats, factor: Floats) -> Floats:
        """Return the gas enthalpy before each cell and behind the last (cells + 1), J/Nm3.

        Convection carries heat by flow^0.6, radiation by T^3 whatever the flow.
        """
        d = self.design
        share = np.maximum(gas.flow / d.gas_nm3_s, LEAST_FLOW)
        hotter = gas.temperature / d.gas_in_k
        surface = d.convection * share**-0.4 + d.radiation * (hotter * hotter * hotter / share)
        kept = np.exp(d.gas_ntu * surface * factor / heat.capacity(d.mean_k))
        aim = heat.enthalpy(self.metal)
        return _chain(np.repeat(kept, CELLS, axis=0), aim, entering)

    def _keep_below_boiling(self, saturation_k: Floats, dt: float) -> Floats:
        """Limit the economiser's temperature; return the heat that boils there instead of warming it, W."""
        cells = self.metal[ECONOMISER]
        over = np.maximum(cells - (saturation_k - BELOW_BOILING_K), 0.0)
        cells -= over
        return ordered_sum(over) * (self.design.capacity_j_k[-1] / dt)


def _chain(kept: Floats, aim: Floats, first: Floats) -> Floats:
    """Return x before each cell and behind the last; in a cell x keeps the share ``kept`` of its way to ``aim``."""
    result = np.empty((len(kept) + 1, *first.shape))
    result[0] = first
    for cell in range(len(kept)):
        result[cell + 1] = aim[cell] + kept[cell] * (result[cell] - aim[cell])
    return result


def _mixed(gas: Gas, steam_kg_s: Floats, energy_w: Floats, full_nm3_s: Floats) -> tuple[Gas, GasHeat, Floats]:
    """Add steam or water with its enthalpy to the gas; return gas, its heat, and enthalpy J/Nm3."""
    vapour = steam_kg_s / VAPOUR_KG_NM3
    before = np.maximum(gas.flow, 1e-6 * full_nm3_s)
    after = before + vapour
    kept = before / after
    gas = gas._replace(flow=gas.flow + vapour, o2=gas.o2 * kept, h2o=1.0 - kept + gas.h2o * kept, co2=gas.co2 * kept)
    heat = GasHeat.of(gas)
    missing = energy_w - steam_kg_s * VAPOUR_J_KG - vapour * vapour_enthalpy(gas.temperature)
    return gas, heat, heat.enthalpy(gas.temperature) + missing / after
