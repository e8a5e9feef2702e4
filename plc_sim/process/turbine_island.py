"""The turbine island: turbine, generator, condensers, condensate, deaerator, bypass and cooling water as one piece.

A step has two halves around the solution of the steam header: ``demand`` runs PLC and shaft in short steps and says how
much steam all users take at the header's pressure and its slope; ``step`` takes the pressure found and advances the
rest with the flows that this pressure gives: mass and energy close. Inputs and signals are blocks (n, batch) in the
order of ``island_rows``; flows and states (1, batch) unless said.
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
from plc_sim.process.island_flows import Crossing, Demand, Plc, Users
from plc_sim.process.island_rows import (
    BYPASS_VALVES,
    CONDENSATE_VALVES,
    EXTRACTION_VALVES,
    ROW,
    command_rows,
    fan_speed_rows,
)
from plc_sim.process.island_start import commands
from plc_sim.process.motors import Motors
from plc_sim.process.oil import Oil
from plc_sim.process.shaft import Shaft
from plc_sim.process.supervision import STEAM_J_KG_K, Supervision
from plc_sim.process.turbine_steam import TurbineSteam, Wanted

Floats = npt.NDArray[np.float64]

SHORT_STEPS = 5  # of the PLC in one step of the process
OPEN = 0.98  # stop valve limit switch
EMPTY_PA = 1e4  # above ambient; with less the header holds air, and nobody gets steam from it


@dataclass(frozen=True, slots=True)
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
    flow: Floats  # kg/s into the first stages
    forward: Floats  # kg/s of condensate to the deaerator
    work: Floats  # J per kg of inlet steam at nominal speed
    spent: Floats  # (2, batch) kg/s of make-up and spray
    bypassed: Floats  # kg/s of steam through both bypass valves

    @classmethod
    def build(cls, state: State, cycle: Cycle, start: Balance | None) -> "TurbineIsland":
        """Add the state: steady as ``start`` says, or (None) cold: at standstill, full of air, at ambient."""
        p = cycle.parameters
        runs = start is not None
        cooling = Cooling.build(state, cycle, start)
        speed = commands(p, runs=runs)
        speed[: p.cooling.fans] *= cooling.fan_speed(start.duty_w) if start is not None else 0.0
        condensers = Condensers.build(state, cycle, start)
        main_k, bypass_k = condensers.temperature[:, 0]
        taken = start.turbine_kg_s if start is not None else 0.0
        steam = TurbineSteam.build(state, cycle, start)
        flow = state.add("island.flow", ("turbine",), fill=taken)
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
            supervision=Supervision.build(
                state, cycle, share=taken / p.turbine_steam.full_flow_kg_s, hood_k=float(main_k)
            ),
            flow=flow,
            forward=state.add(
                "island.forward", ("condensate",), fill=start.condensate_kg_s if start is not None else 0.0
            ),
            work=state.add("island.work", ("steam",), fill=steam.work(flow)),
            spent=state.add(
                "island.spent",
                ("make_up", "spray"),
                fill=np.array([[start.make_up_kg_s if start is not None else 0.0], [0.0]]),
            ),
            bypassed=state.add("island.bypass_flow", ("steam",)),
        )

    def demand(self, plc: Plc, inputs: Floats, header_pa: Floats, house_w: Floats, dt: float) -> Demand:
        """Run PLC and shaft for ``dt`` and return the steam taken; (1, batch), ``house_w`` at nominal voltage."""
        c, i = self.cycle, inputs
        p, s = c.parameters, c.parameters.turbine_steam
        self.shaft.house[...] = house_w
        plc.scan(i, dt)
        above = (header_pa - p.cooling.barometric_pa) * (1.0 / EMPTY_PA)
        holds_steam = np.minimum(np.maximum(above, 0.0), 1.0)
        over = header_pa - c.pipe_r * self.flow * self.flow - self.condensers.pressure[0:1]
        root_pv = holds_steam / np.sqrt(self.steam.pv[0:1])
        taken = self.shaft.run(plc, np.maximum(over, 0.0) * root_pv, self.work, steps=SHORT_STEPS, dt=dt / SHORT_STEPS)
        taken = taken._replace(conductance=taken.conductance * root_pv * (over > 0.0))
        full = holds_steam / c.header_pa
        users_k = np.concatenate(
            [
                self.bypass.move(i[BYPASS_VALVES], dt) * holds_steam,
                i[ROW["deaerator.auxiliary_valve"]] * (p.tank.auxiliary_kg_s * full),
                i[ROW["turbine.drains"]] * (s.drains_share * s.full_flow_kg_s * full),
                i[ROW["gland.valve"]] * (s.gland_kg_s * full / p.oil.gland_position) + s.auxiliary_kg_s * full,
            ]
        )
        others = ordered_sum(users_k)
        return Demand(taken.admitted + others * header_pa, taken.conductance + others, header_pa, taken, users_k)

    def step(self, plc: Plc, inputs: Floats, demand: Demand, at: Boundary, dt: float) -> Crossing:
        """Advance the rest with the header's new pressure in ``at``; ``demand`` is that of this step."""
        turbine, c = demand.turbine, self.cycle
        more = turbine.conductance * (at.header_pa - demand.header_pa)
        # What the new pressure lets in above the share of the short steps waits in the steam chest.
        self.shaft.chest[...] += more * (dt / c.parameters.turbine_steam.chest_s)
        self.flow[...] = turbine.flow
        others = demand.users_k * at.header_pa
        users = Users(turbine.admitted + more, others[0:2], others[2:3], others[3:4], others[4:5])
        self._serve(plc, inputs, at, dt)

        steam, condensate = self.steam, self.condensate
        pipe_w, drain_j_kg = steam.warm(users.admitted, users.drains, at.header_j_kg, dt)
        self._extract(plc, inputs, at.air_heater_kg_s, dt)
        inlet_pa = at.header_pa - c.pipe_r * users.admitted * users.admitted
        factor = turbine.power / np.maximum(turbine.ideal, 1e-9)
        steam.expand(inlet_pa, self.condensers.pressure[0:1], self.flow, turbine.power, factor)
        self.work[...] = steam.work(self.flow)
        drawn = self._draw(inputs, dt)
        condensed = self._condense(inputs, users, drawn, at.header_j_kg, drain_j_kg, dt)
        air_heater_w = self._heat_feedwater(users, drawn.forward, at, dt)
        water = condensate.j_kg[0:1]
        bypass_w = users.bypass * at.header_j_kg
        self.bypass.mix(users.bypass, bypass_w, drawn.spray, water, self.condensers.temperature[1:2], dt)
        supplied_w = drawn.make_up * condensate.make_up_j_kg - drawn.dumped * water
        condensate.fill(drawn, condensed.flow, condensed.j_kg, water_at(self.cooling.basin), dt)
        self.forward[...] = drawn.forward
        self.spent[...] = np.concatenate([drawn.make_up, drawn.spray[0:1] + drawn.spray[1:2]])
        self.bypassed[...] = users.bypass[0:1] + users.bypass[1:2]
        speed, duty_w = self.motors.speed, condensed.duty[0:1] + condensed.duty[1:2]
        tower_bypass = inputs[ROW["tower.bypass_valve"]]
        tower_w = self.cooling.step(speed[self.motors.fans], speed[self.motors.cooling], tower_bypass, duty_w, dt)
        self._supervise(dt)
        return Crossing(
            steam=users.admitted + self.bypassed + users.auxiliary + users.drains + users.lost,
            lost_steam=users.lost,
            relieved=condensed.relieved[0:1] + condensed.relieved[1:2],
            relieved_w=ordered_sum(condensed.relieved * condensed.relieved_j_kg)[np.newaxis],
            supplied=drawn.make_up - drawn.dumped,
            supplied_w=supplied_w,
            air_heater_w=air_heater_w,
            power=turbine.power,
            output=turbine.output,
            tower_w=tower_w,
            pipe_w=pipe_w,
        )

    def _extract(self, plc: Plc, inputs: Floats, air_heater: Floats, dt: float) -> None:
        """Advance the extraction flows."""
        p, steam = self.cycle.parameters.turbine_steam, self.steam
        enough = np.minimum(np.maximum(2.0 * steam.pressure[1:2] / p.extraction_1_least_pa - 2.0, 0.0), 1.0)
        drain = steam.water().h_w[1:2]
        flows = np.concatenate(
            [
                air_heater * enough,
                self.deaerator.extraction(inputs[ROW["deaerator.extraction_valve"]], steam.pressure[2:3]),
                self.condensate.heater_steam(self.forward, steam.enthalpy[3:4], drain),
            ]
        )
        valves = inputs[EXTRACTION_VALVES]
        steam.take(Wanted(flows * valves, plc.is_reset * (valves > 0.0)), self.flow, dt)

    def _draw(self, inputs: Floats, dt: float) -> Drawn:
        """Advance the condensate's pressure side."""
        p = self.cycle.parameters
        main, bypass = self.condensers.pressure[0:1], self.condensers.pressure[1:2]
        wells = Wells(main, bypass, self.deaerator.pressure)
        behind = np.full_like(main, p.bypass.outlet_pa)
        sinks = np.concatenate([self.deaerator.pressure + p.condensate.static_pa, main, behind, behind])
        return self.condensate.draw(
            self.motors.speed[self.motors.condensate],
            inputs[CONDENSATE_VALVES],
            inputs[ROW["make_up.valve"]],
            inputs[ROW["bypass_condenser.valve"]],
            wells,
            sinks,
            dt,
        )

    def _condense(
        self, inputs: Floats, users: Users, drawn: Drawn, header_j_kg: Floats, drain_j_kg: Floats, dt: float
    ) -> Condensed:
        """Bring all steam and drains into the condensers."""
        steam, h, e3 = self.steam, self.condensate.j_kg, self.steam.extraction[2:3]
        spray = drawn.spray[0:1] + drawn.spray[1:2]
        bypass = users.bypass[0:1] + users.bypass[1:2]
        flow = np.concatenate([steam.exhaust + e3 + users.drains + drawn.bypass_drain, bypass + spray])
        main_w = steam.exhaust * steam.enthalpy[4:5] + e3 * steam.water().h_w[1:2] + self.shaft.churn
        main_w = main_w + users.drains * drain_j_kg + drawn.bypass_drain * h[1:2]
        watts = np.concatenate([main_w, bypass * header_j_kg + spray * h[0:1]])
        motors = self.motors
        return self.condensers.step(
            flow,
            watts,
            cooling_kg_s=self.cooling.flow,
            cooling_k=self.cooling.basin,
            vacuum=ordered_sum(motors.speed[motors.vacuum])[np.newaxis],
            breaker=inputs[ROW["vacuum.breaker"]],
            gland_pa=self.oil.pressure[2:3],
            dt=dt,
        )

    def _heat_feedwater(self, users: Users, forward: Floats, at: Boundary, dt: float) -> Floats:
        """Advance LP heater and deaerator; return the heat that the air heaters take from extraction 1, W."""
        e, h, drain = self.steam.extraction, self.steam.enthalpy, self.steam.water().h_w
        self.condensate.heat(forward, e[2:3] * (h[3:4] - drain[1:2]), dt)
        flow = forward + e[0:1] + e[1:2] + at.drum_steam_kg_s
        watts = forward * self.condensate.heater + e[0:1] * drain[0:1] + e[1:2] * h[2:3]
        watts = watts + at.drum_steam_kg_s * at.drum_steam_j_kg
        self.deaerator.step(
            flow,
            watts,
            auxiliary=users.auxiliary,
            steam_j_kg=at.header_j_kg,
            feedwater=at.feedwater_kg_s,
            dt=dt,
        )
        return e[0:1] * (h[1:2] - drain[0:1])

    def _serve(self, plc: Plc, inputs: Floats, at: Boundary, dt: float) -> None:
        """Advance motors, oil and the electrical side."""
        i, motors, grid = inputs, self.motors, self.grid
        p = self.cycle.parameters
        command = i[command_rows(p)].copy()
        command[motors.oil] = np.maximum(command[motors.oil], plc.pumps)
        bus = grid.bus()
        motors.step(command, i[fan_speed_rows(p)], bus, grid.essential(), dt)
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

    def _supervise(self, dt: float) -> None:
        """Advance what the turbine's supervision measures."""
        full = 1.0 / self.cycle.parameters.turbine_steam.full_flow_kg_s
        superheat = np.maximum(self.steam.enthalpy[4:5] - self.steam.water().h_s[2:3], 0.0) * (1.0 / STEAM_J_KG_K)
        self.shaft.churn[...] = self.supervision.step(
            self.shaft.speed,
            flow_share=self.flow * full,
            inlet_k=self.steam.inlet_k,
            saturation_k=self.condensers.temperature[0:1],
            superheat_k=superheat,
            exhaust_share=self.steam.exhaust * full,
            oil_k=self.oil.temperature,
            dt=dt,
        )

    def publish(self, plc: Plc, signals: Floats) -> None:
        """Fill all signals from the state, in the order of ``island_rows.signal_names``."""
        p, shaft, grid, oil = self.cycle.parameters, self.shaft, self.grid, self.oil
        steam, condensate, cooling, supervision = self.steam, self.condensate, self.cooling, self.supervision
        share = self.flow * (1.0 / p.turbine_steam.full_flow_kg_s)
        signals[...] = np.concatenate(
            [
                shaft.speed * p.shaft.nominal_hz,
                steam.pressure[0:1],
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
                self.bypassed,
                self.deaerator.pressure,
                self.deaerator.level(),
                self.deaerator.temperature,
            ]
        )
