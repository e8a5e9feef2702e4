"""Gas from the flame to the outlet of the third pass: composition, temperatures, heat to the walls, pressure.

Released gas and air mix in one well-stirred volume; that gives the adiabatic state. Four exchangers follow: furnace to
the 2 s plane, upper first pass, second, third. Each radiates by Hottel's form, with the geometric mean of its gas
temperatures: ``V (H(in) - H(out)) = c (T_in^2 T_out^2 - T_s^4)``. The surface ``T_s`` of lining or tubes lies between
gas and water; its heat content is taken as linear in ``T_s^4``, so steady state and ``c`` are those without a surface,
and energy is conserved exactly. Arrays are (lines, batch); exchangers (4, lines, batch).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.combustion_parameters import FurnaceParameters, values
from plc_sim.process.flow import lag_share
from plc_sim.process.gas import NORMAL_K, NORMAL_PA, Gas
from plc_sim.process.gas_heat import REFERENCE_K, GasHeat

Floats = npt.NDArray[np.float64]

EXCHANGERS = ("furnace", "first_pass", "second_pass", "third_pass")
SPRAYED = EXCHANGERS.index("first_pass")  # in which the lances of the cleaning spray water
TRACES = ("nox", "co", "hcl", "so2", "hf", "toc", "dust", "hg", "nh3")
CONTENT = ("heat", "o2", "h2o", "co2", *TRACES)  # of a Nm3 of the furnace gas: J, Nm3, kg
LEAST_SHARE = 0.02  # of full flow below which the draught loss is linear
WEAK_FLOW = 0.1  # share of full flow below which convection to a thermocouple is as at this flow
CONVECTION = -0.6  # error of a radiating thermocouple by flow
COLDEST_K = 200.0
MOST_SPRAYED = 0.5  # share of the heat of the gas that sprayed water can take: the rest stays liquid
SPRAYED_J_KG = 2.773e6  # from water at 25 C to vapour at 200 C, as which it joins the gas behind the economiser


class Draught(NamedTuple):
    """Pressure behind the third pass at the gas flow of the last step, and how it rises with that flow."""

    pressure_pa: Floats  # gauge
    slope: Floats  # Pa/(Nm3/s)


class FullGas(NamedTuple):
    """The gas of full load, (lines, 1): what the exchangers are fitted to."""

    flow: Floats
    content: Floats  # (CONTENT, lines, 1)
    heat: GasHeat
    flame_k: Floats


@dataclass(frozen=True, slots=True)
class Furnace:
    """Gas side of all lines."""

    content: Floats  # (CONTENT, lines, batch) of each Nm3 in the furnace
    flame_k: Floats  # adiabatic
    gas_k: Floats  # (4, lines, batch) behind each exchanger
    surface: Floats  # (4, lines, batch) K^4
    cleanliness: Floats  # radiant heat transfer, share of normal
    pressure: Floats  # Pa gauge
    flow: Floats  # Nm3/s leaving
    deposit: Floats  # disturbance: a further factor on the heat transfer
    inner: Floats  # (4, lines, 1) W/K^4 from gas to surface
    outer: Floats  # from surface to water
    capacity: Floats  # J/K^4 of the surface
    full_surface: Floats  # (4, lines, 1) K^4
    roof: Floats  # share of the way from 2 s plane to flame
    full_flow: Floats
    wall4: Floats  # K^4 at full load
    thermocouple: Floats  # K for each K^4 over the wall
    gas_nm3: Floats
    storage: Floats  # Nm3/Pa
    resistance: Floats  # Pa/(Nm3/s)^2 to behind the third pass
    draught_pa: Floats
    dirty: Floats
    clean: Floats
    wall_lags_s: Floats  # (2, lines, 1) of fouling and cleaning

    @classmethod
    def build(cls, state: State, lines: tuple[str, ...], furnace: list[FurnaceParameters], full: FullGas) -> "Furnace":
        """Add the state, steady at full load."""
        leaving = np.stack([values(furnace, name) for name in ("plane_k", "first_k", "second_k", "third_k")])
        entering = np.concatenate([full.flame_k[np.newaxis], leaving[:-1]])
        wall4 = values(furnace, "wall_k") ** 4
        mean4 = (entering * leaving) ** 2
        j_nm3 = full.heat.enthalpy(leaving)
        before = np.concatenate([full.content[:1], j_nm3[:-1]])
        c = full.flow * (before - j_nm3) / (mean4 - wall4)
        lining, tubes = values(furnace, "lining_share"), values(furnace, "tube_share")
        outside = np.stack([lining, tubes, tubes, tubes])  # share of the resistance between surface and water
        lag, tube_lag = values(furnace, "furnace_lag_s"), values(furnace, "pass_lag_s")
        surface = wall4 + outside * (mean4 - wall4)
        keys = [f"{line}/{name}" for name in EXCHANGERS for line in lines]
        content = [f"{line}/{name}" for name in CONTENT for line in lines]
        shape = (len(EXCHANGERS), len(lines), -1)
        draught = values(furnace, "draught_pa")
        return cls(
            content=state.add("furnace.content", content, fill=full.content.reshape(-1, 1)).reshape(
                len(CONTENT), len(lines), -1
            ),
            flame_k=state.add("furnace.flame", lines, fill=full.flame_k),
            gas_k=state.add("furnace.gas", keys, fill=leaving.reshape(-1, 1)).reshape(shape),
            surface=state.add("furnace.surface", keys, fill=surface.reshape(-1, 1)).reshape(shape),
            cleanliness=state.add("furnace.cleanliness", lines, fill=1.0),
            pressure=state.add("furnace.pressure", lines, fill=-draught),
            flow=state.add("furnace.flow", lines, fill=full.flow),
            deposit=state.add("disturbance.wall_deposit", lines, fill=1.0),
            inner=c / (1.0 - outside),
            outer=c / outside,
            capacity=c / (outside * (1.0 - outside)) * np.stack([lag, tube_lag, tube_lag, tube_lag]),
            full_surface=surface,
            roof=(values(furnace, "roof_k") - leaving[0]) / (full.flame_k - leaving[0]),
            full_flow=full.flow,
            wall4=wall4,
            thermocouple=values(furnace, "thermocouple_k") / (leaving[0] ** 4 - wall4),
            gas_nm3=values(furnace, "gas_nm3"),
            storage=values(furnace, "volume_m3") * NORMAL_K / (NORMAL_PA * values(furnace, "volume_k")),
            resistance=(values(furnace, "third_pa") - draught) / full.flow**2,
            draught_pa=draught,
            dirty=values(furnace, "dirty"),
            clean=values(furnace, "clean"),
            wall_lags_s=np.stack([values(furnace, "dirty_s"), values(furnace, "clean_s")]),
        )

    def cool_down(self, ambient_k: Floats, air: Floats) -> None:
        """Set the state cold: standing air, ``air`` (4,) its content, at ``ambient_k`` (lines, 1)."""
        self.content[...] = 0.0
        self.content[:4] = air
        self.flame_k[...] = ambient_k
        self.gas_k[...] = ambient_k
        self.surface[...] = ambient_k**4
        self.pressure[...] = 0.0
        self.flow[...] = 0.0

    def mix(self, entering: Floats, flow: Floats, dt: float) -> Floats:
        """Stir ``entering`` (CONTENT, lines, batch), W, Nm3/s, kg/s with ``flow`` Nm3/s of gas into the furnace."""
        self.content[...] += (entering - flow * self.content) * (dt / (self.gas_nm3 + flow * dt))
        return self.content

    def breathe(self, flow: Floats, draught: Draught, dt: float) -> None:
        """Advance furnace pressure and leaving flow, linearly implicitly; ``flow`` Nm3/s is made in the furnace."""
        out = self.flow
        drop = self.pressure - draught.pressure_pa - self.resistance * out * out
        slope = draught.slope + 2.0 * self.resistance * np.maximum(out, LEAST_SHARE * self.full_flow)
        storage = self.storage / dt
        change = (drop + (flow - out) / storage) / (slope + 1.0 / storage)
        leaving = np.maximum(out + change, 0.0)
        self.pressure[...] += (flow - leaving) / storage
        self.flow[...] = leaving

    def radiate(self, wall_k: Floats, sprayed: Floats, dt: float) -> tuple[Gas, Floats]:
        """Cool the leaving gas; return it behind the third pass, and the heat to the water of each exchanger, W.

        ``sprayed`` kg/s of water evaporate behind the 2 s plane.
        """
        content, flow, t = self.content, self.flow, self.gas_k
        heat = GasHeat.mixture(content[1], content[2], content[3])
        # One Newton step a call from the temperatures of the last one: they settle within a few steps of the plant.
        flame = self.flame_k
        flame += (content[0] - heat.enthalpy(flame)) / heat.capacity(flame)
        np.maximum(flame, COLDEST_K, out=flame)
        before = np.empty_like(t)
        before[0] = flame
        before[1:] = t[:-1]
        factor = self.cleanliness * self.deposit
        inner = self.inner * factor
        x = t - REFERENCE_K
        inside = heat.c1 + x * (heat.c2 + x * heat.c3)
        slope = flow * (inside + x * (heat.c2 + (2.0 * heat.c3) * x))
        entering = np.empty_like(t)
        entering[0] = content[0]
        entering[1:] = (x * inside)[:-1]
        known = flow * (entering - x * inside) + slope * t + inner * self.surface
        evaporating = np.minimum(sprayed * SPRAYED_J_KG, MOST_SPRAYED * flow * np.maximum(entering[SPRAYED], 0.0))
        known[SPRAYED] -= evaporating
        a = 2.0 * inner * before * before
        root = (np.sqrt(slope * slope + 2.0 * a * np.maximum(known, 0.0)) - slope) / a
        # What radiates is the mean sqrt(T_in T_out): it does not fall below the surface, the gas that leaves may.
        surface2 = np.sqrt(self.surface)
        coldest = np.minimum(before, surface2 / before)
        np.minimum(np.maximum(root, coldest), np.maximum(before, np.sqrt(surface2)), out=t)
        leaving = heat.enthalpy(t)
        entering[1:] = leaving[:-1]
        taken = flow * (entering - leaving)
        taken[SPRAYED] -= evaporating
        wall4 = wall_k * wall_k
        return self._gas(), self._through(taken, wall4 * wall4, factor, dt)

    def _through(self, taken: Floats, wall4: Floats, factor: Floats, dt: float) -> Floats:
        """Advance the surfaces, which take ``taken`` W, and return what they hand on to the water."""
        outer = self.outer * factor
        aim = wall4 + taken / outer
        change = (aim - self.surface) * -np.expm1(-dt * outer / self.capacity)
        self.surface[...] += change
        return taken - self.capacity * (change / dt)

    def _gas(self) -> Gas:
        """Return the gas behind the third pass."""
        flow, content = self.flow, self.content
        traces = content[4:] * flow
        return Gas(flow.copy(), self.gas_k[3].copy(), content[1].copy(), content[2].copy(), content[3].copy(), *traces)

    def foul(self, shower: Floats, dt: float) -> None:
        """Advance the cleanliness of the walls; ``shower`` 1: shower cleaning."""
        fouling, cleaning = lag_share(dt, self.wall_lags_s)
        is_cleaned = shower >= 0.5
        share = np.where(is_cleaned, cleaning, fouling * (self.flow / self.full_flow))
        self.cleanliness[...] += (np.where(is_cleaned, self.clean, self.dirty) - self.cleanliness) * share

    def radiation(self) -> Floats:
        """Return the radiation on the bed, share of that at full load."""
        return self.surface[0] / self.full_surface[0]

    def roof_k(self) -> Floats:
        """Return the gas temperature at the last air."""
        return self.gas_k[0] + self.roof * (self.flame_k - self.gas_k[0])

    def thermocouple_k(self, wall_k: Floats) -> Floats:
        """Return what a shielded thermocouple at the 2 s plane sees: it radiates to the walls."""
        plane = self.gas_k[0]
        share = np.maximum(self.flow / self.full_flow, WEAK_FLOW)
        return plane - self.thermocouple * share**CONVECTION * (plane**4 - wall_k**4)
