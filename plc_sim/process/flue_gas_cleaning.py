"""Flue-gas cleaning of all lines, from the ammonia lances to the analysers in the stack.

Order of the gas: SNCR (in the furnace), inlet duct, reactor, duct with dry lime and carbon, bag filter with air leaking
in, fan, transport, stack. The boiler pieces hold no gas, so all its travel time from furnace to stack is one plug flow
in front of the stack; water vapour of the lances joins the gas behind the economiser, for the same reason. Final
elements and signals are rows of two arrays, (rows, lines, batch), in the order of ``inputs`` and ``signals``.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.reduce import ordered_sum
from controller.core.state import State
from plc_sim.process.bag_filter import BagFilter, Fallen, Filtered
from plc_sim.process.cems import Cems
from plc_sim.process.design import column
from plc_sim.process.draught import FILTER, FILTER_IN, INLET, STACK, Draught, Suction
from plc_sim.process.flow import lag_share
from plc_sim.process.flue_gas_design import (
    AIR_H2O,
    AIR_O2,
    LIME_PER_ACID,
    SOLIDS_PER_ACID,
    WATER_PER_ACID,
    FlueGasDesign,
)
from plc_sim.process.flue_gas_names import (
    COMPARTMENT_INPUTS,
    COMPARTMENT_SIGNALS,
    GASES,
    RATES,
    SINGLE_INPUTS,
    SINGLE_SIGNALS,
    rows,
)
from plc_sim.process.flue_gas_parameters import ANALYSERS
from plc_sim.process.flue_gas_signals import Shown, publish
from plc_sim.process.gas import NOTHING_NM3_S, Gas, density_factor
from plc_sim.process.plug_flow import PlugFlow
from plc_sim.process.reactor import VAPOUR_NM3_KG, Reactor
from plc_sim.process.sncr import FurnaceGas, Injected, Sncr
from plc_sim.process.sorption import Left

Floats = npt.NDArray[np.float64]

AMMONIA, CARRIER, DILUTION, SLURRY, QUENCH, LIME, CARBON = range(len(RATES))
LAGS = ("ammonia_s", "water_s", "water_s", "slurry_s", "water_s", "feeder_s", "feeder_s")  # parameters of each rate
SLOTS = 25  # of the transport to the stack: steps up to 0.5 s at full flow


class Surroundings(NamedTuple):
    """What is the same for all lines; (1, batch) unless said."""

    ambient_k: Floats
    supply: Floats  # (7, 1, batch) of ``Reagents.supply``
    air_pa: Floats  # instrument air, gauge
    bus: Floats  # 1: the house bus feeds its motors


class Machines(NamedTuple):
    """Motors that are commanded and have a supply, 0 or 1; (lines, batch) unless said."""

    pump: Floats  # either pump of the ammonia
    atomiser: Floats
    blowers: Floats  # (2, lines, batch) lime and carbon
    fan: Floats


class Sorbed(NamedTuple):
    """What sorption in the gas gives."""

    feed: Floats  # (3, lines, batch) solids to the filter, rows of the cake, kg/s
    left: Left
    water: Floats  # set free, kg/s


class Cleaned(NamedTuple):
    """One step's results that balances need; (lines, batch) unless said."""

    stack: Gas  # as it leaves the filter
    reactor_gas: Gas  # as it enters the reactor
    injected: Injected
    filtered: Filtered
    fallen: Fallen
    drained_water: Floats  # out of the reactor's bottom, kg/s
    drained_lime: Floats
    air: Floats  # leaked and blown in, Nm3/s


@dataclass(frozen=True, slots=True)
class FlueGasCleaning:
    """The flue-gas cleaning of all lines."""

    inputs: dict[str, int]  # row of a final element
    signals: dict[str, int]
    design: FlueGasDesign
    sncr: Sncr
    reactor: Reactor
    filter: BagFilter
    draught: Draught
    cems: Cems
    transport: PlugFlow
    rates: Floats  # (7, lines, batch) of ``RATES``, kg/s
    passes: Floats  # (7, lines, batch) disturbance: share of each rate that passes valve, feeder and pipe
    full_rates: Floats  # (7, lines, 1)
    lags_s: Floats  # (7, lines, 1)
    ammonia_share: Floats
    lime_share: Floats
    conveying: Floats  # Nm3/s of one blower
    transport_s: Floats

    @classmethod
    def build(cls, state: State, design: FlueGasDesign, *, ambient_k: float) -> "FlueGasCleaning":
        """Add the state: cold and at rest, the bags in the middle of a cleaning cycle."""
        lines, count = design.lines, design.compartments

        def of(area: str, name: str) -> Floats:
            return column([float(getattr(getattr(p, area), name)) for p in design.line])

        keys = [f"{line}/{rate}" for rate in RATES for line in lines]
        transport = PlugFlow.build(state, "stack.transport", ANALYSERS, lines, SLOTS)
        air = np.zeros((len(ANALYSERS), len(lines), state.batch))
        air[ANALYSERS.index("o2")], air[ANALYSERS.index("h2o")] = AIR_O2, AIR_H2O
        transport.settle(air)
        return cls(
            inputs=rows(SINGLE_INPUTS, COMPARTMENT_INPUTS, count),
            signals=rows(SINGLE_SIGNALS, COMPARTMENT_SIGNALS, count),
            design=design,
            sncr=Sncr.build(state, design),
            reactor=Reactor.build(state, design, ambient_k),
            filter=BagFilter.build(state, design, ambient_k),
            draught=Draught.build(state, design, ambient_k),
            cems=Cems.build(state, design),
            transport=transport,
            rates=state.add("dosing.rates", keys).reshape(len(RATES), len(lines), -1),
            passes=state.add("disturbance.dosing", keys, fill=1.0).reshape(len(RATES), len(lines), -1),
            full_rates=np.stack([of("dosing", f"{rate}_kg_s") for rate in RATES]),
            lags_s=np.stack([of("dosing", name) for name in LAGS]),
            ammonia_share=of("dosing", "ammonia_share"),
            lime_share=of("dosing", "slurry_lime_share"),
            conveying=0.5 * of("draught", "conveying_nm3_s"),
            transport_s=of("draught", "transport_s"),
        )

    def suction(self, flow: Floats) -> Suction:
        """Return the gauge pressure at the economiser outlet for a gas flow there, and its slope."""
        return self.draught.suction(flow)

    def furnace_water(self) -> Floats:
        """Return the water from the lances that the furnace has to evaporate, kg/s."""
        return self.sncr.water(self.rates[AMMONIA] + self.rates[CARRIER])

    def step(
        self, gas: Gas, furnace: FurnaceGas, inputs: Floats, around: Surroundings, signals: Floats, dt: float
    ) -> Cleaned:
        """Advance by ``dt``. ``gas`` leaves the economiser, its NOx as formed; ``signals`` is filled."""
        at: dict[str, Floats] = dict(zip(SINGLE_INPUTS, inputs[: len(SINGLE_INPUTS)], strict=True))
        inlet, outlet, pulse, heater, rotary = inputs[len(SINGLE_INPUTS) :].reshape(
            len(COMPARTMENT_INPUTS), -1, *gas.flow.shape
        )
        passage = inlet * outlet
        on = _machines(at, around.bus)
        lances = np.stack([at["sncr.lance_1"], at["sncr.lance_2"], at["sncr.lance_3"]])
        rates = self._dose(inputs[: len(RATES)], lances, on, around, dt)
        lime = rates[SLURRY] * self.lime_share
        water = rates[DILUTION] + rates[SLURRY] - lime

        injected = self.sncr.step(
            nox=gas.nox,
            furnace=furnace,
            lances=lances,
            ammonia=rates[AMMONIA] * self.ammonia_share,
            liquid=rates[AMMONIA] + rates[CARRIER],
            dt=dt,
        )
        wet = _moist(gas, injected.water * VAPOUR_NM3_KG)
        self.reactor.run_atomiser(on.atomiser, around.ambient_k, dt)
        dried = self.reactor.step(wet, self.draught.temperature[INLET], water=water, quench=rates[QUENCH], dt=dt)
        lost = dried.drained * lime
        sorbed = self._sorb(gas, wet, lime - lost + rates[LIME])

        air = self._air(on.blowers)
        before = wet.flow + (dried.water + sorbed.water) * VAPOUR_NM3_KG + ordered_sum(air)
        filtered = self._filter(before, sorbed, passage, at["filter.bypass_a"] * at["filter.bypass_b"], dt)
        fallen = self.filter.clean(pulse, passage, rotary, around.air_pa, dt)
        clean = self._clean(gas, wet, injected, filtered, air, before)
        self.filter.warm(heater, passage, self.draught.temperature[FILTER], around.ambient_k, dt)
        self.filter.stick(injected.nh3 / np.maximum(clean.flow, NOTHING_NM3_S), self.draught.temperature[FILTER], dt)

        running = self.draught.run(on.fan, at["id_fan.speed"], around.ambient_k, dt)
        self._draw(gas, wet, clean, filtered, air, at["id_fan.damper"], around.ambient_k, dt)
        status = self._analyse(clean, at, dt)
        shown = Shown(rates, on.blowers, self.reactor, self.filter, filtered, self.draught, running, clean, self.cems)
        publish(signals, self.signals, shown, status, self.design, around.air_pa)
        return Cleaned(
            stack=clean,
            reactor_gas=wet,
            injected=injected,
            filtered=filtered,
            fallen=fallen,
            drained_water=water + rates[QUENCH] - dried.water,
            drained_lime=lost,
            air=ordered_sum(air),
        )

    def _dose(self, openings: Floats, lances: Floats, on: Machines, around: Surroundings, dt: float) -> Floats:
        """Advance and return what valves and feeders give; nothing enters the furnace with all lances shut."""
        lance = np.minimum(ordered_sum(lances), 1.0)
        always = np.ones_like(lance)
        turning = around.bus * always
        drive = np.stack(
            [on.pump * lance, lance, always, always, always, turning * on.blowers[0], turning * on.blowers[1]]
        )
        wanted = openings * self.full_rates * around.supply * self.passes * drive
        self.rates[...] += (wanted - self.rates) * lag_share(dt, self.lags_s)
        return self.rates

    def _sorb(self, gas: Gas, wet: Gas, lime: Floats) -> Sorbed:
        """Bind what lime and carbon bind in front of the filter."""
        traces = np.stack([gas.hcl, gas.so2, gas.hf, gas.hg])
        carbon = self.rates[CARBON]
        left = self.filter.sorption.in_gas(
            traces, lime=lime, carbon=carbon, gas_k=self.reactor.temperature, h2o=wet.h2o
        )
        bound = traces[:3] - left.traces[:3]
        solids = gas.dust + carbon + lime + ordered_sum(SOLIDS_PER_ACID * bound)
        feed = np.stack([solids, carbon, lime - ordered_sum(LIME_PER_ACID * bound)])
        return Sorbed(feed, left, ordered_sum(WATER_PER_ACID * bound))

    def _air(self, blowers: Floats) -> Floats:
        """Return the air into the gas in front of each point of the duct, (4, lines, batch) Nm3/s."""
        conveyed = self.conveying * ordered_sum(blowers)
        none = np.zeros_like(conveyed)
        return np.stack([none, conveyed, self.draught.leak_nm3_s(), none])

    def _filter(self, flow: Floats, sorbed: Sorbed, passage: Floats, bypass: Floats, dt: float) -> Filtered:
        """Advance the bag filter with ``flow`` Nm3/s through it."""
        inside_pa = self.design.barometric_pa + self.draught.pressure[FILTER_IN]
        return self.filter.step(
            passage=passage,
            bypass=bypass,
            volume_m3_s=flow * density_factor(self.draught.temperature[FILTER], inside_pa),
            feed=sorbed.feed,
            left=sorbed.left,
            dt=dt,
        )

    def _clean(self, gas: Gas, wet: Gas, injected: Injected, filtered: Filtered, air: Floats, before: Floats) -> Gas:
        """Return the gas behind the filter; the water that sorption sets free in the cake is in it."""
        flow = before + ordered_sum(WATER_PER_ACID * filtered.bound) * VAPOUR_NM3_KG
        fresh = ordered_sum(air)
        steam = flow - fresh - wet.flow * (1.0 - wet.h2o)
        # Without any flow the duct holds air.
        fresh = fresh + NOTHING_NM3_S
        some = flow + NOTHING_NM3_S
        return wet._replace(
            flow=flow,
            temperature=self.draught.temperature[FILTER],
            o2=(wet.flow * wet.o2 + fresh * AIR_O2) / some,
            h2o=(steam + fresh * AIR_H2O) / some,
            co2=wet.flow * wet.co2 / some,
            nox=injected.nox,
            nh3=gas.nh3 + injected.nh3,
            hcl=filtered.traces[0],
            so2=filtered.traces[1],
            hf=filtered.traces[2],
            hg=filtered.traces[3],
            dust=filtered.dust,
        )

    def _draw(
        self,
        gas: Gas,
        wet: Gas,
        clean: Gas,
        filtered: Filtered,
        air: Floats,
        damper: Floats,
        ambient_k: Floats,
        dt: float,
    ) -> None:
        """Advance temperatures and pressures of the duct."""
        self.draught.warm(
            gas=wet.flow,
            clean=clean.flow,
            gas_k=gas.temperature,
            reactor_k=self.reactor.temperature,
            air=air,
            ambient_k=ambient_k,
            dt=dt,
        )
        self.draught.blow(
            flow=gas.flow,
            clean=clean.flow,
            resistance=filtered.resistance,
            reactor_k=self.reactor.temperature,
            damper=damper,
            ambient_k=ambient_k,
        )

    def _analyse(self, clean: Gas, at: dict[str, Floats], dt: float) -> Floats:
        """Carry the gas to the stack and through the analysers; return the status."""
        content = np.stack([getattr(clean, name) for name in ANALYSERS])
        content[: len(GASES)] /= np.maximum(clean.flow, NOTHING_NM3_S)
        share = clean.flow / self.draught.clean_nm3_s * (dt / self.transport_s)
        return self.cems.step(
            self.transport.step(content, share),
            gas_k=self.draught.temperature[STACK],
            standby=at["cems.standby"],
            calibrate=at["cems.calibrate"],
            maintenance=at["cems.maintenance"],
            dt=dt,
        )


def _machines(at: dict[str, Floats], bus: Floats) -> Machines:
    """Return which motors have both command and supply."""

    def on(name: str) -> Floats:
        return np.where((at[name] >= 0.5) & (bus >= 0.5), 1.0, 0.0)

    return Machines(
        pump=np.maximum(on("sncr.pump"), on("sncr.pump_b")),
        atomiser=on("atomiser.command"),
        blowers=np.stack([on("conveying.lime_blower"), on("conveying.carbon_blower")]),
        fan=on("id_fan.command"),
    )


def _moist(gas: Gas, vapour_nm3_s: Floats) -> Gas:
    """Return ``gas`` with water vapour added."""
    flow = gas.flow + vapour_nm3_s
    kept = gas.flow / np.maximum(flow, NOTHING_NM3_S)
    return gas._replace(flow=flow, o2=gas.o2 * kept, h2o=1.0 - kept + gas.h2o * kept, co2=gas.co2 * kept)
