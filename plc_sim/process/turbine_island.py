"""The turbine island: turbine, generator, condensers, condensate, deaerator, bypass and cooling water as one piece.

A step has two halves around the solution of the steam header: ``demand`` runs PLC and shaft in short steps and says how
much steam all users take at the header's pressure and its slope; ``step`` takes the pressure found. Shaft, electrical
side, motors and oil advance every step; expansion, condensers, water and supervision, none faster than seconds, every
fifth with the means of what flowed since: mass and energy close. ``inputs`` and ``signals``: (n, batch), SI or shares.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.reduce import ordered_sum
from controller.core.state import State
from plc_sim.process.bypass import Bypass
from plc_sim.process.condensate import (
    WATER_KG_M3,
    Condensate,
    Drawn,
    Wells,
    water_at,
)
from plc_sim.process.condensers import Condensed, Condensers
from plc_sim.process.cooling import Cooling
from plc_sim.process.cycle import Balance, Boundary, Cycle
from plc_sim.process.deaerator import Deaerator
from plc_sim.process.grid import Grid
from plc_sim.process.island_flows import MEAN_WIDTHS, Crossing, Demand, Half, Mean, Plc
from plc_sim.process.island_rows import (
    BYPASS_VALVES,
    CONDENSATE_VALVES,
    EXTRACTION_VALVES,
    INPUTS,
    ROW,
    fast_names,
    input_names,
    signal_names,
)
from plc_sim.process.island_start import commands, positions
from plc_sim.process.motors import Motors
from plc_sim.process.oil import Oil
from plc_sim.process.shaft import Shaft
from plc_sim.process.supervision import STEAM_J_KG_K, Supervision
from plc_sim.process.turbine_steam import TurbineSteam, Wanted

Floats = npt.NDArray[np.float64]

SHORT_STEPS = 5  # of the PLC in one step of the process
THERMAL_STEPS = 5  # steps of the process in one step of its thermal side
OPEN = 0.98  # stop valve limit switch


@dataclass(slots=True)
class TurbineIsland:
    """Everything between the steam header and the feedwater pumps' suction."""

    cycle: Cycle
    motors: Motors
    oil: Oil
    grid: Grid
    shaft: Shaft
    steam: TurbineSteam
    condensers: Condensers
    condensate: Condensate
    deaerator: Deaerator
    bypass: Bypass
    cooling: Cooling
    supervision: Supervision
    inputs: Floats
    signals: Floats
    input_names: tuple[str, ...]
    signal_names: tuple[str, ...]
    fast: int  # signals that change in every step; they come first
    flow: Floats  # (1, batch) kg/s into the first stages, mean of the last step
    forward: Floats  # (1, batch) kg/s to the deaerator
    work: Floats  # (1, batch) J per kg of inlet steam at nominal speed
    spent: Floats  # (2, batch) kg/s of make-up and spray, for the signals
    bypass_flow: Floats  # (1, batch) kg/s
    sums: Floats  # (rows of _Mean, batch)
    phase: npt.NDArray[np.int64]  # (1, batch) steps since the last thermal step
    crossing: Crossing | None = None
    _half: Half | None = None

    @classmethod
    def build(cls, state: State, cycle: Cycle, start: Balance | None) -> "TurbineIsland":
        """Add the state: steady as ``start`` says, or (None) cold: at standstill, full of air, at ambient."""
        p = cycle.parameters
        runs = start is not None
        cooling = Cooling.build(state, cycle, start)
        fan = cooling.fan_speed(start.duty_w) if start is not None else 0.0
        running = commands(p, runs=runs)
        speed = running.copy()
        speed[: p.cooling.fans] *= fan
        condensers = Condensers.build(state, cycle, start)
        main_k, bypass_k = condensers.temperature[:, 0]
        share = start.turbine_kg_s / p.turbine_steam.full_flow_kg_s if start is not None else 0.0
        initial = np.zeros((len(INPUTS), 1))
        for name, value in (positions(cycle, start) if start is not None else {}).items():
            initial[ROW[name]] = value
        fans = np.full((p.cooling.fans, 1), fan)
        steam = TurbineSteam.build(state, cycle, start)
        flow = state.add("island.flow", ("turbine",), fill=0.0 if start is None else start.turbine_kg_s)
        forward = 0.0 if start is None else start.condensate_kg_s
        made = 0.0 if start is None else start.make_up_kg_s
        return cls(
            cycle=cycle,
            motors=Motors.build(state, p, speed),
            oil=Oil.build(state, p, runs=runs),
            grid=Grid.build(state, p),
            shaft=Shaft.build(state, cycle, start),
            steam=steam,
            condensers=condensers,
            condensate=Condensate.build(state, cycle, start),
            deaerator=Deaerator.build(state, cycle, start),
            bypass=Bypass.build(state, cycle, float(bypass_k)),
            cooling=cooling,
            supervision=Supervision.build(state, cycle, share=share, hood_k=float(main_k)),
            inputs=state.add("island.inputs", input_names(p), fill=np.concatenate([initial, running, fans])),
            signals=state.add("island.signals", signal_names(p)),
            input_names=input_names(p),
            signal_names=signal_names(p),
            fast=len(fast_names(p)),
            flow=flow,
            forward=state.add("island.forward", ("condensate",), fill=forward),
            work=state.add("island.work", ("steam",), fill=steam.work(flow)),
            spent=state.add("island.spent", ("make_up", "spray"), fill=np.array([[made], [0.0]])),
            bypass_flow=state.add("island.bypass_flow", ("steam",)),
            sums=state.add("island.sums", [f"{number}" for number in range(sum(MEAN_WIDTHS))]),
            phase=state.add("island.phase", ("thermal",), dtype=np.int64),
        )

    def demand(self, plc: Plc, header_pa: Floats, house_w: Floats, dt: float) -> Demand:
        """Run PLC and shaft for ``dt`` and return the steam taken; (1, batch), ``house_w`` at nominal voltage."""
        c, i = self.cycle, self.inputs
        p, s = c.parameters, c.parameters.turbine_steam
        self.shaft.house[...] = house_w
        plc.scan(i, dt)
        vacuum = self.condensers.pressure[0:1]
        over = header_pa - c.pipe_r * self.flow * self.flow - vacuum
        root_pv = 1.0 / np.sqrt(self.steam.pv[0:1])
        taken = self.shaft.run(plc, np.maximum(over, 0.0) * root_pv, self.work, steps=SHORT_STEPS, dt=dt / SHORT_STEPS)
        taken = taken._replace(conductance=taken.conductance * root_pv * (over > 0.0))
        full = 1.0 / c.header_pa
        users_k = np.concatenate(
            [
                self.bypass.move(i[BYPASS_VALVES], dt),
                i[ROW["deaerator.auxiliary_valve"]] * (p.tank.auxiliary_kg_s * full),
                i[ROW["turbine.drains"]] * (s.drains_share * s.full_flow_kg_s * full),
                i[ROW["gland.valve"]] * (s.gland_kg_s * full / p.oil.gland_position) + s.auxiliary_kg_s * full,
            ]
        )
        self._half = Half(taken, header_pa.copy(), users_k)
        others = ordered_sum(users_k)
        return Demand(taken.admitted + others * header_pa, taken.conductance + others)

    def step(self, plc: Plc, at: Boundary, dt: float) -> None:
        """Advance the rest with the header's new pressure in ``at``; RuntimeError without a ``demand`` before."""
        half = self._half
        if half is None:
            raise RuntimeError("TurbineIsland.step: demand() gives the steam of every step first")
        taken = half.taken
        more = taken.conductance * (at.header_pa - half.header_pa)
        # What the new pressure lets in above the share of the short steps waits in the steam chest.
        self.shaft.chest[...] += more * (dt / self.cycle.parameters.turbine_steam.chest_s)
        self.flow[...] = taken.flow
        users = np.concatenate([taken.admitted + more, half.users_k * at.header_pa])
        heads = (taken.flow, taken.power, taken.ideal, taken.output, users, users * at.header_j_kg)
        drum_w = at.drum_steam_kg_s * at.drum_steam_j_kg
        tails = (at.air_heater_kg_s, at.drum_steam_kg_s, at.feedwater_kg_s, drum_w, at.header_pa)
        self.sums[...] += np.concatenate([*heads, *(np.broadcast_to(part, taken.flow.shape) for part in tails)])
        self._serve(plc, at, dt)
        self.phase[...] += 1
        if int(self.phase[0, 0]) == THERMAL_STEPS:  # the same in every plant
            self._thermal(plc, Mean.of(self.sums * (1.0 / THERMAL_STEPS)), THERMAL_STEPS * dt)
            self.sums[...] = 0.0
            self.phase[...] = 0
            self._show_slow()
        self._show_fast(plc)

    def refresh(self, plc: Plc) -> None:
        """Fill all signals from the state alone: needed after ``build`` and after the state was restored."""
        self._half = None
        self._show_slow()
        self._show_fast(plc)

    def _thermal(self, plc: Plc, mean: Mean, dt: float) -> None:
        """Advance steam path, condensers, water and supervision."""
        c, steam, condensate = self.cycle, self.steam, self.condensate
        pipe_w = steam.warm(mean.admitted + mean.drains, mean.admitted_w + mean.drains_w, dt)
        self._extract(plc, mean, dt)
        inlet = mean.header_pa - c.pipe_r * mean.admitted * mean.admitted
        factor = mean.power / np.maximum(mean.ideal, 1e-9)
        steam.expand(inlet, self.condensers.pressure[0:1], mean.flow, mean.power, factor)
        self.work[...] = steam.work(mean.flow)
        drawn = self._draw(dt)
        spray = drawn.spray[0:1] + drawn.spray[1:2]
        condensed = self._condense(mean, drawn, spray, dt)
        air_heater_w = self._heat_feedwater(mean, drawn.forward, dt)
        water = condensate.j_kg[0:1]
        rest_k = self.condensers.temperature[1:2]
        self.bypass.mix(mean.bypass, mean.bypass_w, drawn.spray, water, rest_k, dt)
        supplied_w = drawn.make_up * condensate.make_up_j_kg - drawn.dumped * water
        condensate.fill(drawn, condensed.flow, condensed.j_kg, water_at(self.cooling.basin), dt)
        self.forward[...] = drawn.forward
        self.spent[...] = np.concatenate([drawn.make_up, spray])
        self.bypass_flow[...] = mean.bypass[0:1] + mean.bypass[1:2]
        speeds, motors = self.motors.speed, self.motors
        duty = condensed.duty[0:1] + condensed.duty[1:2]
        bypassed = self.inputs[ROW["tower.bypass_valve"]]
        tower_w = self.cooling.step(speeds[motors.fans], speeds[motors.cooling], bypassed, duty, dt)
        self._supervise(mean.flow, dt)
        self.crossing = Crossing(
            steam=mean.admitted + self.bypass_flow + mean.auxiliary + mean.drains + mean.lost,
            lost_steam=mean.lost,
            relieved=condensed.relieved[0:1] + condensed.relieved[1:2],
            relieved_w=ordered_sum(condensed.relieved * condensed.relieved_j_kg)[np.newaxis],
            supplied=drawn.make_up - drawn.dumped,
            supplied_w=supplied_w,
            air_heater_w=air_heater_w,
            power=mean.power,
            output=mean.output,
            tower_w=tower_w,
            pipe_w=pipe_w,
        )

    def _extract(self, plc: Plc, mean: Mean, dt: float) -> None:
        """Advance the extraction flows."""
        p, i, steam = self.cycle.parameters.turbine_steam, self.inputs, self.steam
        enough = np.minimum(np.maximum(2.0 * steam.pressure[1:2] / p.extraction_1_least_pa - 2.0, 0.0), 1.0)
        drain = steam.water().h_w[1:2]
        flows = np.concatenate(
            [
                mean.air_heater * enough,
                self.deaerator.extraction(i[ROW["deaerator.extraction_valve"]], steam.pressure[2:3]),
                self.condensate.heater_steam(self.forward, steam.enthalpy[3:4], drain),
            ]
        )
        valves = i[EXTRACTION_VALVES]
        steam.take(Wanted(flows * valves, plc.is_reset * (valves > 0.0)), mean.flow, dt)

    def _draw(self, dt: float) -> Drawn:
        """Advance the condensate's pressure side."""
        p, i = self.cycle.parameters, self.inputs
        main, bypass = self.condensers.pressure[0:1], self.condensers.pressure[1:2]
        wells = Wells(main, bypass, self.deaerator.pressure)
        behind = np.full_like(main, p.bypass.outlet_pa)
        sinks = np.concatenate([self.deaerator.pressure + p.condensate.static_pa, main, behind, behind])
        return self.condensate.draw(
            self.motors.speed[self.motors.condensate],
            i[CONDENSATE_VALVES],
            i[ROW["make_up.valve"]],
            i[ROW["bypass_condenser.valve"]],
            wells,
            sinks,
            dt,
        )

    def _condense(self, mean: Mean, drawn: Drawn, spray: Floats, dt: float) -> Condensed:
        """Bring all steam and drains into the condensers."""
        steam, h = self.steam, self.condensate.j_kg
        e3 = steam.extraction[2:3]
        flow = np.concatenate(
            [steam.exhaust + e3 + mean.drains + drawn.bypass_drain, mean.bypass[0:1] + mean.bypass[1:2] + spray]
        )
        main_w = steam.exhaust * steam.enthalpy[4:5] + e3 * steam.water().h_w[1:2] + self.shaft.churn
        main_w += mean.drains * steam.pipe + drawn.bypass_drain * h[1:2]
        watts = np.concatenate([main_w, mean.bypass_w[0:1] + mean.bypass_w[1:2] + spray * h[0:1]])
        motors = self.motors
        return self.condensers.step(
            flow,
            watts,
            cooling_kg_s=self.cooling.flow,
            cooling_k=self.cooling.basin,
            vacuum=ordered_sum(motors.speed[motors.vacuum])[np.newaxis],
            breaker=self.inputs[ROW["vacuum.breaker"]],
            gland_pa=self.oil.pressure[2:3],
            dt=dt,
        )

    def _heat_feedwater(self, mean: Mean, forward: Floats, dt: float) -> Floats:
        """Advance LP heater and deaerator; return the heat that the air heaters take from extraction 1, W."""
        e, h, drain = self.steam.extraction, self.steam.enthalpy, self.steam.water().h_w
        self.condensate.heat(forward, e[2:3] * (h[3:4] - drain[1:2]), dt)
        flow = forward + e[0:1] + e[1:2] + mean.auxiliary + mean.drum
        watts = forward * self.condensate.heater + e[0:1] * drain[0:1] + e[1:2] * h[2:3]
        watts += mean.auxiliary_w + mean.drum_w
        self.deaerator.step(flow, watts, mean.feedwater, dt)
        return e[0:1] * (h[1:2] - drain[0:1])

    def _serve(self, plc: Plc, at: Boundary, dt: float) -> None:
        """Advance motors, oil and the electrical side."""
        i, motors, grid = self.inputs, self.motors, self.grid
        p = self.cycle.parameters
        first = len(INPUTS)
        command = i[first : first + len(motors.names)].copy()
        oil = command[motors.oil]
        np.maximum(oil, plc.pumps, out=oil)
        bus = grid.bus()
        motors.step(command, i[first + len(motors.names) :], bus, np.maximum(bus, grid.diesel), dt)
        self.oil.step(
            motors.speed[motors.oil],
            self.shaft.speed,
            cooler=i[ROW["oil.cooler_valve"]],
            cooling_k=self.cooling.basin,
            gland_valve=i[ROW["gland.valve"]],
            header_share=at.header_pa * (1.0 / self.cycle.header_pa),
            dt=dt,
        )
        grid.step(
            self.shaft,
            excited=i[ROW["generator.excitation"]],
            setpoint=i[ROW["generator.voltage_setpoint"]] * (p.governor.voltage_span_v / p.generator.voltage_v),
            diesel=i[ROW["diesel.command"]],
            dt=dt,
        )

    def _supervise(self, flow: Floats, dt: float) -> None:
        """Advance what the turbine's supervision measures."""
        full = 1.0 / self.cycle.parameters.turbine_steam.full_flow_kg_s
        superheat = np.maximum(self.steam.enthalpy[4:5] - self.steam.water().h_s[2:3], 0.0) * (1.0 / STEAM_J_KG_K)
        self.shaft.churn[...] = self.supervision.step(
            self.shaft.speed,
            flow_share=flow * full,
            inlet_k=self.steam.inlet_k,
            saturation_k=self.condensers.temperature[0:1],
            superheat_k=superheat,
            exhaust_share=self.steam.exhaust * full,
            oil_k=self.oil.temperature,
            dt=dt,
        )

    def _show_fast(self, plc: Plc) -> None:
        """Fill the signals of every step, in the order of ``island_rows.fast_names``."""
        p, shaft, grid, oil = self.cycle.parameters, self.shaft, self.grid, self.oil
        half = self._half
        drop = self.cycle.pipe_r * self.flow * self.flow
        header = self.steam.pressure[0:1] + drop if half is None else half.header_pa
        np.concatenate(
            [
                shaft.speed * p.shaft.nominal_hz,
                header - drop,
                self.flow,
                shaft.valves,
                shaft.valves[1:3] >= OPEN,
                plc.mirror,
                oil.pressure + p.cooling.barometric_pa,
                oil.temperature,
                oil.level,
                shaft.power,
                shaft.voltage * p.generator.voltage_v,
                grid.reactive,
                grid.frequency,
                grid.house,
                shaft.house * grid.house,
                shaft.breakers,
                shaft.lock_out,
                1.0 - grid.diesel_blocked,
                grid.diesel,
                1.0 - grid.essential(),
                self.bypass.position,
                self.motors.running,
            ],
            out=self.signals[: self.fast],
        )

    def _show_slow(self) -> None:
        """Fill the signals of the thermal side, in the order of ``island_rows.slow_names``."""
        p, steam = self.cycle.parameters, self.steam
        condensate, cooling, supervision = self.condensate, self.cooling, self.supervision
        share = self.flow * (1.0 / p.turbine_steam.full_flow_kg_s)
        np.concatenate(
            [
                steam.inlet_k,
                supervision.axial(share),
                supervision.expansion(share),
                supervision.hood,
                supervision.vibration,
                supervision.metal,
                steam.pressure[1:4],
                steam.extraction,
                self.condensers.pressure,
                condensate.mass[0:1] * (1.0 / (WATER_KG_M3 * p.condensate.hotwell_area_m2)),
                condensate.mass[1:2] * (1.0 / p.condensers.bypass_hotwell_kg),
                self.forward,
                condensate.header,
                condensate.conductivity,
                self.spent,
                condensate.tank * (1.0 / p.condensate.tank_kg),
                cooling.basin,
                cooling.returning,
                cooling.flow,
                self.bypass.temperature,
                self.bypass_flow,
                self.deaerator.pressure,
                self.deaerator.level(),
                self.deaerator.temperature,
            ],
            out=self.signals[self.fast :],
        )
