"""The simulated plant: all boiler lines and what they share, as one object with named inputs and signals.

Inputs are what final elements do to the process ("L1/feedwater.valve", 0..1), signals what instruments can see
("L1/drum.level", SI, pressures absolute). Both are rows of one array each, (n, batch). All that changes lives in the
state registry, and a step depends on nothing else: it is a function of registry, inputs, noise and time step.

Order of a step: the turbine island says how much steam it takes; feedwater, steam and header pressures follow; then
the gas on its way from the fire to the stack; the drums take the heat; the turbine island uses its steam.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.reduce import ordered_sum
from controller.core.state import State
from plc_sim import full_load
from plc_sim.plant_rows import (
    BUTTONS,
    CLEANING,
    COMMON,
    COMMON_SIGNALS,
    FIRE,
    ISLAND,
    REAGENTS,
    SERVICES,
    Names,
    input_board,
    signal_board,
)
from plc_sim.process import convection_signals, flue_gas_design, plant_parameters, services
from plc_sim.process import cycle as turbine_cycle
from plc_sim.process.air import HeaterSteam
from plc_sim.process.boiler_water import BoilerWater
from plc_sim.process.combustion import NOISE, Combustion, Fired
from plc_sim.process.combustion import Boundary as FireBoundary
from plc_sim.process.combustion_parameters import BURNERS
from plc_sim.process.combustion_signals import LINE_INPUTS
from plc_sim.process.convection import Boundary as GasBoundary
from plc_sim.process.convection import Convection, Passed
from plc_sim.process.convection_start import fit
from plc_sim.process.design import Design, column, design
from plc_sim.process.drum import Flows
from plc_sim.process.feedwater import Feed, Feedwater, pump_names
from plc_sim.process.flue_gas_cleaning import FlueGasCleaning, Surroundings
from plc_sim.process.flue_gas_start import idle_inputs
from plc_sim.process.furnace import Draught
from plc_sim.process.island_flows import Demand
from plc_sim.process.island_rows import ROW
from plc_sim.process.reagents import Reagents
from plc_sim.process.services import Services
from plc_sim.process.sncr import FurnaceGas
from plc_sim.process.steam import Steam, SteamPath
from plc_sim.process.turbine_island import TurbineIsland
from plc_sim.process.water import Saturation
from plc_sim.turbine_plc import TurbinePlc

Floats = npt.NDArray[np.float64]
Process = Mapping[str, Mapping[str, Mapping[str, float]]]

RELEASED = ("feeder.speed", "pa_fan.command", *(f"burner_{n + 1}.valve" for n in range(BURNERS)))
RUNNING_SPEED = 0.05  # of full speed: below it a pump's run feedback is gone
TRIP = ROW["turbine.trip"]
LEAST_NM3_S = 1e-3
LEAST_KG_S = 1e-9


class Disturbances(NamedTuple):
    """What goes wrong between the pieces; arrays of the state registry, changed by faults."""

    valve_shut: Floats  # (lines, batch) 1: no feedwater passes
    pump_tripped: Floats  # (pumps, batch)


class Coupling(NamedTuple):
    """What one piece leaves for another one in the next step."""

    spray: Floats  # (lines, batch) kg/s
    gained: Floats  # (lines, batch) kg/s of steam: sprays less leaks and soot blowers
    gas_r: Floats  # (lines, batch) Pa/(Nm3/s)^2 of the convection pass
    drives_w: Floats  # (1, batch) electrical
    gas_share: Floats  # (1, batch) gas pressure, share of normal


class Stopped(NamedTuple):
    """What emergency stops have cut by wire, 0 or 1."""

    line: Floats  # (lines, batch)
    turbine: Floats  # (1, batch)


class Plant:
    """Physics of the whole plant. ``step`` advances it; ``signals`` holds the result."""

    def __init__(self, process: Process, state: State, barometric_pa: float) -> None:
        """Build the plant of ``Config.process``, cold and at rest; ``plc_sim.line_up`` brings it to a load."""
        read = plant_parameters.read(process)
        self.design: Design = design(read, barometric_pa)
        d, common = self.design, self.design.common
        self.lines = d.lines
        self.state = state
        self.common = next(iter(read.common))
        self.pumps = pump_names(common.pumps.count)
        ambient = common.island.cooling.ambient_k
        fire = {name: p.combustion for name, p in read.lines.items()}
        flue = flue_gas_design.design({name: p.flue_gas for name, p in read.lines.items()}, barometric_pa=barometric_pa)
        self.cycle = turbine_cycle.design(common.island, full_load.around_turbine(d))
        self.island = TurbineIsland.build(state, self.cycle, None)
        self.plc = TurbinePlc.build(state, self.island)
        self.services = Services.build(state, d.lines, common.services, runs=False)
        self.cleaning = FlueGasCleaning.build(state, flue, ambient_k=ambient)
        names = Names(self.pumps, self.cleaning, common)
        self.input_board = input_board(state, names, self.lines, self.common)
        self.signal_board = signal_board(state, names, self.lines, self.common)
        self.input_board.blocks[CLEANING][...] = idle_inputs(self.cleaning, state.batch)
        self.inputs, self.input_row = self.input_board.array, self.input_board.rows
        self.signals, self.signal_row = self.signal_board.array, self.signal_board.rows
        self.combustion = Combustion.build(state, fire, self.signal_board.blocks[FIRE], barometric_pa)
        self.combustion.cool_down(column([ambient] * len(self.lines)))
        self.convection = Convection.build(state, fit(d.lines, [p.convection for p in d.line], full_load.around_gas(d)))
        self.convection.metal[...] = ambient
        self.water = BoilerWater.build(state, d, ambient)
        self.feedwater = Feedwater.build(state, d)
        self.steam = SteamPath.build(state, d)
        lime = d.line[0].flue_gas.dosing.slurry_lime_share
        self.reagents = Reagents.build(state, common.reagents, lime, ambient)
        self.noise: Floats = state.add("process.noise", [f"{line}/{name}" for name in NOISE for line in self.lines])
        self._noise = self.noise.reshape(len(NOISE), len(self.lines), state.batch)
        self.disturbances = Disturbances(
            valve_shut=state.add("disturbance.valve_shut", d.lines),
            pump_tripped=state.add("disturbance.pump_tripped", self.pumps),
        )
        self._left = Coupling(
            spray=state.add("coupling.spray", d.lines),
            gained=state.add("coupling.gained", d.lines),
            gas_r=state.add("coupling.gas_resistance", d.lines),
            drives_w=state.add("coupling.drives", ("house",)),
            gas_share=state.add("coupling.gas_share", ("gas",), fill=1.0),
        )
        self._stopped = Stopped(
            state.add("coupling.line_stopped", d.lines), state.add("coupling.turbine_stopped", ("turbine",))
        )
        self._released = [LINE_INPUTS.index(name) for name in RELEASED]
        self.ambient_k: Floats = state.add("ambient.temperature", ("site",), fill=ambient)
        self.step(1e-9)  # fills the signals; the state does not move

    def step(self, dt: float) -> None:
        """Advance the physics by ``dt`` seconds."""
        inputs = self.input_board
        orders = inputs.blocks[ISLAND][:, 0].copy()
        orders[TRIP] = np.maximum(orders[TRIP], self._stopped.turbine)
        inside = self.water.inside()
        s, drum_pa = inside.saturation, self.water.pressure()
        bus = self.island.grid.bus()
        house = self._left.drives_w + self.design.common.house.other_w
        demand = self.island.demand(self.plc, orders, self.steam.header, house, dt)
        feed = self._feed(drum_pa, dt)
        steam = self.steam.step(
            stop_valve=inputs["steam.stop_valve"],
            vent=inputs["steam.vent"],
            demand=demand,
            drum_pa=drum_pa,
            gained=self._left.gained,
            dt=dt,
        )
        fired = self._fire(s, bus, dt)
        passed = self._pass(fired, s, feed, steam, dt)
        self._clean(passed, bus, dt)
        blowdown = self.water.blowdown(inputs["blowdown.valve"], drum_pa)
        heat = ordered_sum(fired.evaporator_w) + passed.evaporator_w
        drawn = steam.superheated + steam.relieved + fired.drum_kg_s
        flows = Flows(heat, feed.flow, passed.water_j_kg, drawn, blowdown + passed.drum_leak_kg_s + fired.leak_kg_s)
        after = self.water.step(inside, flows, self.island.condensate.gained_s_m(), dt)
        level = self.design.drum.level(self.water.drum, after)
        self._run_island(orders, demand, fired, feed, s, dt)
        self._serve(bus, dt)
        self._left.drives_w[...] = feed.power_w + ordered_sum(
            self.combustion.air.power[0] + self.combustion.air.power[1] + self.cleaning.draught.power_w
        )
        self._show(feed, steam, blowdown, level)
        inlet = self.island.deaerator.tank
        superheat = (steam.superheated * (passed.steam_j_kg - s.h_s)) + self._left.spray * (passed.steam_j_kg - inlet)
        warming = feed.flow * (passed.water_j_kg - inlet)
        self.signal_board["heat.power"][...] = heat + warming + superheat

    def _feed(self, drum_pa: Floats, dt: float) -> Feed:
        """Advance pumps and feedwater header."""
        inputs, gone, count = self.input_board, self.disturbances, len(self.pumps)
        orders = inputs.blocks[COMMON][:, 0]
        running = (orders[:count] >= 0.5) * (1.0 - gone.pump_tripped)
        passes = 1.0 - gone.valve_shut
        feed = self.feedwater.step(
            main=inputs["feedwater.valve"] * passes,
            startup=inputs["feedwater.startup_valve"] * passes,
            running=running,
            speed=inputs["pumps.speed"],
            least_valves=orders[count : 2 * count],
            suction=self.island.deaerator.suction(),
            tank_pa=self.island.deaerator.pressure,
            drum_pa=drum_pa,
            spray=self._left.spray,
            dt=dt,
        )
        shown = self.signal_board.blocks[COMMON][len(COMMON_SIGNALS) :, 0]
        shown[...] = running * (self.feedwater.speed >= RUNNING_SPEED)
        return feed

    def _fire(self, s: Saturation, bus: Floats, dt: float) -> Fired:
        """Advance feed, air, fire and furnace."""
        steam, none = self.island.steam, np.zeros_like(s.t)
        furnace = self.combustion.furnace
        inputs = self.input_board.blocks[FIRE].copy()
        inputs[self._released] *= self.input_board["firing.release"] >= 0.5
        suction = self.cleaning.suction(furnace.flow)
        pass_pa = self._left.gas_r * furnace.flow
        boundary = FireBoundary(
            wall_k=s.t,
            drum_pa=self.water.pressure(),
            drum_water_j_kg=s.h_w,
            steam=HeaterSteam(
                extraction_k=none + steam.water().t[0:1],
                extraction_j_kg=none + steam.enthalpy[1:2] - steam.water().h_w[0:1],
                drum_k=s.t,
                drum_j_kg=s.h_s - s.h_w,
            ),
            draught=Draught(
                suction.gauge_pa + pass_pa * furnace.flow,
                suction.slope + 2.0 * pass_pa,
            ),
            sprayed_kg_s=self.cleaning.furnace_water(),
            gas_share=none + self._left.gas_share,
            ambient_k=none + self.ambient_k,
            supply=none + bus,
            stopped=self._stopped.line,
        )
        return self.combustion.step(inputs, boundary, self._noise, dt)

    def _pass(self, fired: Fired, s: Saturation, feed: Feed, steam: Steam, dt: float) -> Passed:
        """Advance superheaters and economiser."""
        board, drum_pa = self.input_board, self.water.pressure()
        boundary = GasBoundary(
            drum_pa=drum_pa,
            drum_k=s.t,
            saturation_k=self.design.drum.water.at(drum_pa).t,
            drum_steam_j_kg=s.h_s,
            drum_water_j_kg=s.h_w,
            outlet_pa=self.steam.outlet,
            steam_kg_s=steam.superheated,
            feedwater_kg_s=feed.flow,
            feedwater_j_kg=self.island.deaerator.tank + np.zeros_like(s.t),
            feedwater_pa=feed.before_valve_pa,
        )
        at_work = convection_signals.blower(board.by_name, len(self.convection.fouling.number))
        passed = self.convection.step(fired.gas, boundary, convection_signals.sprays(board.by_name), at_work, dt)
        convection_signals.publish(self.signal_board.by_name, passed, at_work, self.island.deaerator.temperature)
        self.couple(passed, steam.superheated)
        return passed

    def couple(self, passed: Passed, superheated: Floats) -> None:
        """Keep for the next step what superheaters and economiser gave in this one."""
        left, flow = self._left, np.maximum(passed.gas.flow, LEAST_NM3_S)
        left.spray[...] = passed.spray_kg_s[0] + passed.spray_kg_s[1]
        left.gained[...] = passed.steam_kg_s - np.maximum(superheated, 0.0) - passed.blower_kg_s
        left.gas_r[...] = passed.gas_dp_pa / (flow * flow)
        self.steam.enthalpy[...] = passed.steam_j_kg

    def _clean(self, passed: Passed, bus: Floats, dt: float) -> None:
        """Advance flue-gas cleaning, analysers and the stores of reagents."""
        furnace, inputs, signals = self.combustion.furnace, self.input_board.blocks, self.signal_board.blocks
        orders = inputs[REAGENTS][:, 0]
        around = Surroundings(self.ambient_k, self.reagents.supply(orders), self.services.air, bus)
        seen = FurnaceGas(furnace.roof_k(), furnace.gas_k[0], furnace.gas_k[1])
        self.cleaning.step(passed.gas, seen, inputs[CLEANING], around, signals[CLEANING], dt)
        self.reagents.step(self.cleaning.rates, orders, self.ambient_k, dt)
        self.reagents.publish(signals[REAGENTS][:, 0])

    def _run_island(self, orders: Floats, demand: Demand, fired: Fired, feed: Feed, s: Saturation, dt: float) -> None:
        """Advance the turbine island with the steam and water that crossed its boundary."""
        drum_kg_s = ordered_sum(fired.drum_kg_s)[np.newaxis]
        water_w = ordered_sum(fired.drum_kg_s * s.h_w)[np.newaxis]
        at = turbine_cycle.Boundary(
            header_pa=self.steam.header,
            header_j_kg=self.steam.header_j_kg,
            air_heater_kg_s=ordered_sum(fired.extraction_kg_s)[np.newaxis],
            drum_steam_kg_s=drum_kg_s,
            drum_steam_j_kg=water_w / np.maximum(drum_kg_s, LEAST_KG_S),
            feedwater_kg_s=feed.total - feed.recirculated,
        )
        self.island.step(self.plc, orders, demand, at, dt)
        self.island.publish(self.plc, self.signal_board.blocks[ISLAND][:, 0])

    def _serve(self, bus: Floats, dt: float) -> None:
        """Advance bunker, instrument air, gas supply and emergency stops; what they do acts in the next step."""
        air = ordered_sum(self.signal_board["pa.flow"])[np.newaxis]
        waste = ordered_sum(self.signal_board["feeder.flow"])[np.newaxis]
        at = services.Boundary(waste, air, bus, self.design.barometric_pa)
        served = self.services.step(self.input_board.blocks[SERVICES][:, 0], at, dt)
        self.services.publish(
            self.signal_board.blocks[BUTTONS], self.signal_board.blocks[SERVICES][:, 0], self.design.barometric_pa
        )
        self._stopped.line[...] = served.is_line_stopped
        self._stopped.turbine[...] = served.is_turbine_stopped
        self._left.gas_share[...] = served.gas_share

    def _show(self, feed: Feed, steam: Steam, blowdown: Floats, level: Floats) -> None:
        """Write the signals of water and steam."""
        signal, deaerator = self.signal_board, self.island.deaerator
        for name, value in (
            ("drum.level", level),
            ("drum.pressure", self.water.pressure()),
            ("drum.metal_top", self.water.metal),
            ("drum.metal_bottom", self.water.metal),
            ("drum.conductivity", self.water.salt),
            ("drum.steam_conductivity", self.water.steam_salt(level)),
            ("blowdown.flow", blowdown),
            ("steam.flow", steam.leaving),
            ("steam.pressure", self.steam.outlet),
            ("feedwater.flow", feed.flow + self._left.spray),
            ("feedwater.pressure", feed.before_valve_pa),
            ("feedwater.valve_dp", feed.valve_dp_pa),
            ("feedwater.temperature", deaerator.temperature),
            ("feedwater_header.pressure", self.feedwater.header),
            ("feedwater_total.flow", feed.total),
            ("steam_header.pressure", self.steam.header),
        ):
            signal[name][...] = value
