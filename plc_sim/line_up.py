"""Bring the plant to where it stands still at a firing: each piece solved on what the others give it, round by round.

The result is a state of the registry with every final element where it holds that state; nothing is looked up.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.errors import PlantError
from controller.core.reduce import ordered_sum
from controller.core.state import State
from plc_sim.plant import Plant, Process
from plc_sim.plant_rows import CLEANING, FIRE, ISLAND, REAGENTS, SERVICES
from plc_sim.process import combustion_start, convection_start, cycle, design, flue_gas_start, water
from plc_sim.process.air import HeaterSteam
from plc_sim.process.combustion import Boundary as FireBoundary
from plc_sim.process.combustion import Combustion, Fired
from plc_sim.process.combustion_parameters import BURNERS
from plc_sim.process.combustion_signals import LINE_SIGNALS
from plc_sim.process.combustion_start import Firing
from plc_sim.process.convection import Boundary as GasBoundary
from plc_sim.process.convection import Passed
from plc_sim.process.cycle import Balance
from plc_sim.process.design import Design, column
from plc_sim.process.drum import Flows
from plc_sim.process.expansion_tables import boiling_table
from plc_sim.process.flue_gas_cleaning import Surroundings
from plc_sim.process.flue_gas_design import NH3, NOX
from plc_sim.process.furnace import Draught
from plc_sim.process.island_start import initial_inputs
from plc_sim.process.services import Services
from plc_sim.process.services import initial_inputs as service_inputs
from plc_sim.process.sncr import FurnaceGas
from plc_sim.process.turbine_island import TurbineIsland
from plc_sim.turbine_plc import TurbinePlc

Floats = npt.NDArray[np.float64]

ROUNDS = 20
CLOSE = 2e-5  # relative change of steam flow and drum pressure in a round


class Standing(NamedTuple):
    """One round's result; (lines, 1) unless said."""

    fire_inputs: Floats  # (inputs, lines, 1)
    fired: Fired
    passed: Passed
    side: GasBoundary
    sprays: Floats  # (2, lines, 1) valve positions
    drum_kg_s: Floats
    economiser_kg_s: Floats
    blowdown_kg_s: Floats
    heat_w: Floats  # to the boiling water
    balance: Balance


def firing(plant: Plant, load: float) -> Firing:
    """Return how the lines are fired at a load (1: full throughput), as their operation parameters say."""
    d = plant.design
    op = [p.operation for p in d.line]
    least, most = column([p.least_share for p in op]), column([p.most_share for p in op])
    low, full, high = (column([getattr(p, name) for p in op]) for name in ("least_o2", "full_o2", "most_o2"))
    below = (1.0 - load) / (1.0 - least)
    above = (load - 1.0) / (most - 1.0)
    oxygen = np.where(load < 1.0, full + (low - full) * np.minimum(below, 1.0), full + (high - full) * above)
    burners = np.zeros((BURNERS, len(op), 1))
    burners[:2] = column([p.burner_load * (load < p.burner_below) for p in op])
    lhv = plant.combustion.chute.waste.lhv(column([p.combustion.waste.moisture for p in d.line]))
    return Firing(0.0 * oxygen + load, lhv, oxygen, column([p.primary_k for p in op]), burners)


def line_up(process: Process, barometric_pa: float, how: Firing | float) -> Plant:
    """Return a plant (batch 1) standing at a firing, or at the usual firing of a load; PlantError if it cannot."""
    plant = Plant(process, State(batch=1), barometric_pa)
    wanted = how if isinstance(how, Firing) else firing(plant, how)
    _check(plant.design, wanted)
    scratch = State(batch=1)
    fire = {name: p.combustion for name, p in zip(plant.lines, plant.design.line, strict=True)}
    signals = np.zeros((len(LINE_SIGNALS), len(plant.lines), 1))
    combustion = Combustion.build(scratch, fire, signals, barometric_pa)
    plant.convection.metal[...] = plant.convection.design.metal_k
    found = _balance(plant, combustion, wanted)
    _take(plant.state, scratch)
    _stand(plant, found)
    plant.step(1e-9)
    return plant


def take_over(plant: Plant, standing: Plant) -> None:
    """Put ``plant``, of any batch, where ``standing`` (batch 1) stands."""
    _take(plant.state, standing.state)


def _take(state: State, given: State) -> None:
    for name, slot in given.slots.items():
        state[name][...] = slot.array


def _check(d: Design, wanted: Firing) -> None:
    for p, share in zip(d.line, wanted.throughput[:, 0], strict=True):
        if not 0.999 * p.operation.least_share <= share <= 1.001 * p.operation.most_share:
            raise PlantError(
                f"no steady state at {share:.0%}: a line runs between {p.operation.least_share:.0%} and "
                f"{p.operation.most_share:.0%} of its throughput; below that use the cold plant or hot standby"
            )


def _balance(plant: Plant, combustion: Combustion, wanted: Firing) -> Standing:
    """Go round fire, gas, drum and turbine until the steam flow stands."""
    d, c = plant.design, plant.cycle
    usual = firing(plant, 1.0)
    share = wanted.throughput * wanted.lhv_j_kg / usual.lhv_j_kg
    q_d, q_h = share * d.drum_steam_kg_s, share * column([p.drum.heater_steam_kg_s for p in d.line])
    steam, h_o, q_f = share * d.steam_kg_s, d.outlet_j_kg, share * d.feedwater_kg_s
    extraction = share * (c.parameters.turbine_steam.extraction_1_kg_s / len(d.lines))
    sprays = np.stack(
        [column([getattr(p.convection, name) for p in d.line]) for name in ("sp1_position", "sp2_position")]
    )
    blowdown = column([p.drum.blowdown_position for p in d.line])
    hold = np.stack([column([getattr(p.convection, name) for p in d.line]) for name in ("sh2_out_k", "sh3_out_k")])
    drum_pa, sprayed = d.drum_pa, column([p.flue_gas.dosing.full_carrier_kg_s for p in d.line])
    for _ in range(ROUNDS):
        s = d.drum.water.at(drum_pa)
        at = _around_turbine(steam, h_o, q_f, extraction, q_h, s.h_w)
        balance = cycle.balance(c, at, float(steam.sum()))
        earlier_pa = drum_pa
        outlet, drum_pa = design.pressures(d, balance.header_pa, q_d, steam, h_o)
        s = d.drum.water.at(drum_pa)
        inputs, fired = combustion_start.steady(combustion, wanted, _around_fire(plant, balance, drum_pa, s, sprayed))
        q_bd = plant.water.blowdown(blowdown, drum_pa)
        sprayed = column([p.flue_gas.dosing.full_carrier_kg_s for p in d.line]) + _ammonia_water(plant, fired.gas.nox)
        q_h, extraction = fired.drum_kg_s, fired.extraction_kg_s
        q_e = q_d + q_h + q_bd
        tank_j = boiling_table().at(np.array([[balance.tank_pa]])).h_w
        feed_pa, _ = design.valves(d, drum_pa, q_e)
        side = GasBoundary(
            drum_pa=drum_pa,
            drum_k=s.t,
            saturation_k=s.t,
            drum_steam_j_kg=s.h_s,
            drum_water_j_kg=s.h_w,
            outlet_pa=outlet,
            steam_kg_s=q_d,
            feedwater_kg_s=q_e,
            feedwater_j_kg=tank_j + np.zeros_like(drum_pa),
            feedwater_pa=feed_pa - d.upstream_r * q_e * q_e,
        )
        passed = convection_start.settle(plant.convection, fired.gas, side, sprays, hold)
        heat = ordered_sum(fired.evaporator_w) + passed.evaporator_w
        h_e, before = passed.water_j_kg, q_d
        q_d = (heat - q_bd * (s.h_w - h_e)) / (s.h_s - h_e) - q_h
        spray = passed.spray_kg_s[0] + passed.spray_kg_s[1]
        steam, h_o, q_f = q_d + spray, passed.steam_j_kg, q_d + q_h + q_bd + spray
        # One alone can pass through its final value while the sprays still move.
        if np.allclose(q_d, before, rtol=CLOSE) and np.allclose(drum_pa, earlier_pa, rtol=CLOSE):
            return Standing(inputs, fired, passed, side, sprays, q_d, q_e, q_bd, heat, balance)
    raise PlantError("the plant finds no steady state at this firing: steam flow and pressures do not settle")


def _ammonia_water(plant: Plant, nox_kg_s: Floats) -> Floats:
    """Return the water in the ammonia water that the usual ratio to the NOx takes, kg/s."""
    share = plant.cleaning.ammonia_share
    ratio = column([p.flue_gas.sncr.full_ratio for p in plant.design.line])
    return ratio * nox_kg_s * (NH3 / NOX) * (1.0 - share) / share


def _around_turbine(
    steam: Floats, j_kg: Floats, feedwater: Floats, extraction: Floats, drained: Floats, drained_j_kg: Floats
) -> cycle.Boundary:
    """Return the turbine island's boundary from the flows of the lines."""
    total = ordered_sum(steam)[np.newaxis]
    return cycle.Boundary(
        header_pa=np.ones((1, 1)),
        header_j_kg=ordered_sum(steam * j_kg)[np.newaxis] / total,
        air_heater_kg_s=ordered_sum(extraction)[np.newaxis],
        drum_steam_kg_s=ordered_sum(drained)[np.newaxis],
        drum_steam_j_kg=ordered_sum(drained * drained_j_kg)[np.newaxis] / np.maximum(ordered_sum(drained), 1e-9),
        feedwater_kg_s=ordered_sum(feedwater)[np.newaxis],
    )


def _around_fire(plant: Plant, balance: Balance, drum_pa: Floats, s: water.Saturation, sprayed: Floats) -> FireBoundary:
    """Return the boundary of combustion on the steam side."""
    none = np.zeros_like(s.t)
    extraction = boiling_table().at(balance.path.pressure[1:2])
    return FireBoundary(
        wall_k=s.t,
        drum_pa=drum_pa,
        drum_water_j_kg=s.h_w,
        steam=HeaterSteam(none + extraction.t, none + balance.path.enthalpy[1:2] - extraction.h_w, s.t, s.h_s - s.h_w),
        draught=Draught(none, none),
        sprayed_kg_s=sprayed,
        gas_share=none + 1.0,
        ambient_k=none + plant.ambient_k,
        supply=none + 1.0,
        stopped=none,
    )


def _stand(plant: Plant, found: Standing) -> None:
    """Put every piece but combustion and convection where ``found`` says, and all final elements."""
    d, side, passed, balance = plant.design, found.side, found.passed, found.balance
    inputs = plant.input_board
    inputs.blocks[FIRE][...] = found.fire_inputs
    for name, value in (("spray.sp1_valve", found.sprays[0]), ("spray.sp2_valve", found.sprays[1])):
        inputs[name][...] = value
    for name in ("spray.sp1_block", "spray.sp2_block", "steam.stop_valve", "firing.release", "ammonia_tank.valve"):
        inputs[name][...] = 1.0
    _stand_boiler(plant, found)
    scratch = State(batch=1)
    island = TurbineIsland.build(scratch, plant.cycle, balance)
    TurbinePlc.build(scratch, island)
    services = plant.design.common.services
    Services.build(scratch, plant.lines, services, runs=True)
    _take(plant.state, scratch)
    inputs.blocks[ISLAND][:, 0] = initial_inputs(plant.cycle, island.cooling, balance)
    inputs.blocks[SERVICES][:, 0] = service_inputs(services, runs=True)
    spray = passed.spray_kg_s[0] + passed.spray_kg_s[1]
    feed_pa, position = design.valves(d, side.drum_pa, found.economiser_kg_s)
    total = float((found.economiser_kg_s + spray).sum())
    running, speed = design.pumps(d, feed_pa, balance.tank_pa, total)
    inputs["feedwater.valve"][...] = position
    inputs["blowdown.valve"][...] = column([p.drum.blowdown_position for p in d.line])
    inputs["pumps.speed"][...] = speed
    inputs["slaker.command"][...] = 1.0
    plant.feedwater.header[...] = feed_pa
    for number, pump in enumerate(plant.pumps):
        runs = float(number < running)
        inputs[f"{pump}.command"][...] = runs
        plant.feedwater.speed[number] = runs * speed
    _stand_cleaning(plant, found)
    plant.couple(passed, side.steam_kg_s)


def _stand_boiler(plant: Plant, found: Standing) -> None:
    """Put drums and steam lines where they stand."""
    d, side, passed = plant.design, found.side, found.passed
    drawn = found.drum_kg_s + found.fired.drum_kg_s
    flows = Flows(found.heat_w, found.economiser_kg_s, passed.water_j_kg, drawn, found.blowdown_kg_s)
    plant.water.drum[...] = d.drum.steady(side.drum_pa, flows)
    plant.water.metal[...] = side.drum_k
    plant.water.salt[...] = plant.water.feedwater_s_m * found.economiser_kg_s / found.blowdown_kg_s
    plant.steam.enthalpy[...] = passed.steam_j_kg
    plant.steam.outlet[...] = side.outlet_pa
    plant.steam.header[...] = found.balance.header_pa
    plant.steam.header_j_kg[...] = ordered_sum(found.drum_kg_s * passed.steam_j_kg) / ordered_sum(found.drum_kg_s)


def _stand_cleaning(plant: Plant, found: Standing) -> None:
    """Put flue-gas cleaning to rest on the gas, the ID fans where they hold the furnace pressure."""
    gas, furnace = found.passed.gas, plant.combustion.furnace
    behind = -furnace.draught_pa - furnace.resistance * furnace.flow**2 - found.passed.gas_dp_pa
    orders = plant.input_board.blocks[REAGENTS][:, 0]
    around = Surroundings(plant.ambient_k, plant.reagents.supply(orders), plant.services.air, np.ones((1, 1)))
    seen = FurnaceGas(furnace.roof_k(), furnace.gas_k[0], furnace.gas_k[1])
    block = plant.input_board.blocks[CLEANING]
    block[...] = flue_gas_start.start(plant.cleaning, gas, seen, behind, around, plant.signal_board.blocks[CLEANING])
