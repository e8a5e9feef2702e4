"""The simulated plant: all boiler lines and what they share, as one object with named inputs and signals.

Inputs are what final elements do to the process ("L1/feedwater.valve", 0..1), signals what instruments can see
("L1/drum.level", SI). Both are rows of one array each, (n, batch). All that changes lives in the state registry.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process import parameters
from plc_sim.process.design import Design, Steady, column, design, steady
from plc_sim.process.drum import STATES, Flows, Inside
from plc_sim.process.feedwater import Feedwater, pump_names
from plc_sim.process.flow import lag_share
from plc_sim.process.heat import Heat
from plc_sim.process.steam import SteamPath
from plc_sim.process.turbine import Admission

Floats = npt.NDArray[np.float64]

LINE_SIGNALS = (
    "drum.level",
    "drum.pressure",
    "drum.metal_top",
    "drum.metal_bottom",
    "blowdown.flow",
    "heater_steam.flow",
    "steam.flow",
    "steam.pressure",
    "steam.temperature",
    "feedwater.flow",
    "feedwater.pressure",
    "feedwater.valve_dp",
    "feedwater.temperature",
    "economiser.water_out",
    "heat.power",
)
LINE_INPUTS = ("feedwater.valve", "feedwater.startup_valve", "steam.stop_valve", "steam.vent", "firing.release")
COMMON_SIGNALS = (
    "feedwater_header.pressure",
    "feedwater_total.flow",
    "steam_header.pressure",
    "turbine.inlet_pressure",
    "turbine.flow",
    "deaerator.temperature",
)
RUNNING_SPEED = 0.05  # of full speed: below it a pump's run feedback is gone
ENOUGH_WATER = 0.4  # of the riser and downcomer volume: with less the tubes are no longer cooled by boiling


@dataclass(frozen=True, slots=True)
class Disturbances:
    """What goes wrong in the process itself; arrays of the state registry, changed by faults."""

    heat: Floats  # (lines, batch) factor on the fire
    valve_shut: Floats  # (lines, batch) 1: no feedwater passes
    pump_tripped: Floats  # (pumps, batch)


class Plant:
    """Physics of the whole plant. ``step`` advances it; ``signals`` holds the result."""

    def __init__(self, process: Mapping[str, Mapping[str, Mapping[str, float]]], state: State, load: float) -> None:
        """Build the plant of ``Config.process``, steady at ``load`` (1: full load)."""
        read = parameters.read(process)
        self.design: Design = design(read)
        start = steady(self.design, load)
        d = self.design
        self.lines = d.lines
        self.common = next(iter(read.common))
        self.pumps = pump_names(d.common.pumps.count)
        self._heat = Heat.build(state, d.lines, [p.heat for p in d.line], start.share)
        self._feedwater = Feedwater.build(state, d, start)
        self._steam = SteamPath.build(state, d, start)
        self.admission = Admission.build(state, d, start)
        shape = (len(STATES), len(d.lines), state.batch)
        keys = [f"{line}/{name}" for name in STATES for line in d.lines]
        drum = state.add("drum", keys)
        self._drum = drum.reshape(shape)
        self._drum[...] = start.drum
        self._inside: Inside
        self._metal = state.add("drum.metal", d.lines, fill=d.drum.water.at(start.drum[1]).t)
        self.disturbances = Disturbances(
            heat=state.add("disturbance.heat", d.lines, fill=1.0),
            valve_shut=state.add("disturbance.valve_shut", d.lines),
            pump_tripped=state.add("disturbance.pump_tripped", self.pumps),
        )
        self._add_inputs(state, start)
        self._add_signals(state)
        self._metal_s = column([p.drum.metal_lag_s for p in d.line])
        self._heater_kg_s = column([p.drum.heater_steam_kg_s for p in d.line])
        self._blowdown_kg_s = column([p.drum.blowdown_kg_s for p in d.line])
        self._evaporator_share = 1.0 - d.economiser_share - d.superheater_share
        g = d.drum.geometry
        self._cooled_m3 = ENOUGH_WATER * (g.v_r + g.v_dc)
        self.refresh()
        self.step(1e-9)  # fills the signals; the state does not move

    def _add_inputs(self, state: State, start: Steady) -> None:
        initial: dict[str, Floats] = {
            "feedwater.valve": start.valve_position,
            "feedwater.startup_valve": column([0.0] * len(self.lines)),
            "steam.stop_valve": column([1.0] * len(self.lines)),
            "steam.vent": column([0.0] * len(self.lines)),
            "firing.release": column([1.0] * len(self.lines)),
        }
        keys = [f"{line}/{name}" for name in LINE_INPUTS for line in self.lines]
        values = [initial[name] for name in LINE_INPUTS]
        keys += [f"{self.common}/{pump}.command" for pump in self.pumps] + [f"{self.common}/pumps.speed"]
        values.append(column([float(number < start.pumps_running) for number in range(len(self.pumps))]))
        values.append(column([start.speed]))
        self.inputs: Floats = state.add("process.inputs", keys, fill=np.concatenate(values))
        self.input_row = {key: row for row, key in enumerate(keys)}
        count = len(self.lines)
        self._input = {name: self.inputs[i * count : (i + 1) * count] for i, name in enumerate(LINE_INPUTS)}
        pumps = len(LINE_INPUTS) * count
        self._pump_command = self.inputs[pumps : pumps + len(self.pumps)]
        self._pump_speed = self.inputs[pumps + len(self.pumps) :]

    def _add_signals(self, state: State) -> None:
        keys = [f"{line}/{name}" for name in LINE_SIGNALS for line in self.lines]
        keys += [f"{self.common}/{name}" for name in COMMON_SIGNALS]
        keys += [f"{self.common}/{pump}.running" for pump in self.pumps]
        self.signals: Floats = state.add("process.signals", keys)
        self.signal_row = {key: row for row, key in enumerate(keys)}
        count = len(self.lines)
        self._signal = {name: self.signals[i * count : (i + 1) * count] for i, name in enumerate(LINE_SIGNALS)}
        first = len(LINE_SIGNALS) * count
        self._signal |= {name: self.signals[first + i] for i, name in enumerate(COMMON_SIGNALS)}
        self._running = self.signals[first + len(COMMON_SIGNALS) :]

    def step(self, dt: float) -> None:
        """Advance the physics by ``dt`` seconds."""
        d, drum, signal = self.design, self._drum, self._signal
        p, s = drum[1], self._inside.saturation
        gone = self.disturbances
        share = self._heat.step(self._input["firing.release"], gone.heat, dt)
        # Boiling needs water in the circuit; with plenty of it the factor is exactly 1.
        heat = share * d.heat_w * np.minimum(drum[0] / self._cooled_m3, 1.0)
        passes = 1.0 - gone.valve_shut
        running = (self._pump_command >= 0.5) * (1.0 - gone.pump_tripped)
        feed = self._feedwater.step(
            main=self._input["feedwater.valve"] * passes,
            startup=self._input["feedwater.startup_valve"] * passes,
            running=running,
            speed=self._pump_speed,
            drum_pa=p,
            drum_water_j_kg=s.h_w,
            heat_w=heat,
            dt=dt,
        )
        steam = self._steam.step(
            stop_valve=self._input["steam.stop_valve"],
            vent=self._input["steam.vent"],
            admission=self.admission,
            drum_pa=p,
            drum_steam_j_kg=s.h_s,
            heat_w=heat,
            dt=dt,
        )
        heater = self._heater_kg_s * share
        blowdown = self._blowdown_kg_s * p / d.drum_pa
        self._metal[...] += (s.t - self._metal) * lag_share(dt, self._metal_s)

        signal["drum.pressure"][...] = p
        signal["heater_steam.flow"][...] = heater
        signal["blowdown.flow"][...] = blowdown
        signal["heat.power"][...] = heat
        signal["feedwater.flow"][...] = feed.flow
        signal["feedwater.pressure"][...] = feed.before_valve_pa
        signal["feedwater.valve_dp"][...] = feed.valve_dp_pa
        signal["feedwater.temperature"][...] = d.common.deaerator.temperature_k
        signal["economiser.water_out"][...] = self._feedwater.water_out_k()
        signal["steam.flow"][...] = steam.leaving
        signal["steam.pressure"][...] = self._steam.outlet
        signal["steam.temperature"][...] = steam.temperature
        signal["drum.metal_top"][...] = self._metal
        signal["drum.metal_bottom"][...] = self._metal
        signal["feedwater_header.pressure"][...] = self._feedwater.header[0]
        signal["feedwater_total.flow"][...] = feed.total
        signal["steam_header.pressure"][...] = self._steam.header[0]
        signal["turbine.inlet_pressure"][...] = self.admission.inlet_pa(self._steam.header[0])[0]
        signal["turbine.flow"][...] = steam.turbine
        signal["deaerator.temperature"][...] = d.common.deaerator.temperature_k
        self._running[...] = running * (self._feedwater.speed >= RUNNING_SPEED)

        self._inside = d.drum.step(
            drum,
            self._inside,
            Flows(heat * self._evaporator_share, feed.flow, feed.j_kg, steam.from_drum + heater, blowdown),
            dt,
        )
        signal["drum.level"][...] = d.drum.level(drum, self._inside)

    def refresh(self) -> None:
        """Recalculate what follows from the state alone: needed after the state was restored."""
        self._inside = self.design.drum.inside(self._drum)
