"""Combustion of all lines: from the crane to the gas behind the third pass, one step at a time.

``inputs`` is what final elements do, ``signals`` what instruments can see: blocks of rows (names, lines, batch) in the
order of ``combustion_signals``. The order of a step is that of the material: feed, air, bed, flame, furnace, ash.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process import chute as chute_module
from plc_sim.process.air import Air, Blown, HeaterSteam, Positions
from plc_sim.process.ash import Ash, Carried
from plc_sim.process.burners import Burners, Flames, Orders
from plc_sim.process.chute import Chute
from plc_sim.process.combustion_parameters import GROUPS, CombustionParameters, values, zone_values
from plc_sim.process.combustion_signals import INPUT, LINE_INPUTS, SIGNAL
from plc_sim.process.feeder import Feeder
from plc_sim.process.flame import METHANE_O2, AirFlows, Flame, Leak
from plc_sim.process.furnace import Draught, FullGas, Furnace
from plc_sim.process.gas import Gas
from plc_sim.process.gas_heat import GasHeat
from plc_sim.process.grate import ASH, Around, Bed, Released
from plc_sim.process.grate_fit import fitted
from plc_sim.process.waste import OXYGEN_AIR, Waste

Floats = npt.NDArray[np.float64]

NOISE = (*chute_module.NOISE, "grate.side")
SIDE_K = np.array([-120.0, 0.0, 120.0]).reshape(3, 1, 1)  # by which a fire at one side heats the three walls
NOTHING_KG_S = 1e-9
FULL_DRAIN = 0.45  # position of the condensate valve at full load
LEAST_DRY_NM3_S = 1e-3  # with less dry gas a concentration means nothing


class Boundary(NamedTuple):
    """What the rest of the plant gives, (lines, batch)."""

    wall_k: Floats  # boiling water in the walls
    drum_pa: Floats  # absolute, and the enthalpy of that water
    drum_water_j_kg: Floats
    steam: HeaterSteam
    draught: Draught
    sprayed_kg_s: Floats  # water that lances of the flue-gas cleaning spray into the furnace
    gas_share: Floats  # pressure of the natural gas, share of normal
    ambient_k: Floats
    supply: Floats  # 1: the bus of fans and drives is alive
    stopped: Floats  # 1: an emergency stop has cut fans, feed and grate by wire


class Fired(NamedTuple):
    """One step's results, (lines, batch)."""

    gas: Gas  # behind the third pass
    evaporator_w: Floats  # (4, lines, batch) to the water in the walls
    power: Floats  # W, released by waste, lower heating value
    extraction_kg_s: Floats  # steam to the air heater
    drum_kg_s: Floats
    leak_kg_s: Floats  # boiling water that the walls lose into the furnace
    fed_kg_s: Floats  # waste pushed on the grate
    ash_kg_s: Floats  # bottom ash with what is unburnt in it, dry
    boiler_ash_kg_s: Floats  # fly ash that falls out in the passes


class _Course(NamedTuple):
    """What the pieces of one step tell the signals."""

    blown: Blown
    fed: Floats
    moisture: Floats  # of the waste at the ram
    out: Released
    carried: Carried


@dataclass(frozen=True, slots=True)
class Combustion:
    """All pieces from crane to third pass."""

    chute: Chute
    feeder: Feeder
    air: Air
    burners: Burners
    bed: Bed
    flame: Flame
    furnace: Furnace
    ash: Ash
    wall_leak: Floats  # disturbance: kg/s at the drum pressure of full load
    full_mass: Floats  # (zones, lines, 1) kg of the bed
    full_load: Floats  # (inputs, lines, 1)
    signals: Floats  # (LINE_SIGNALS, lines, batch)
    barometric_pa: float
    drum_pa: Floats  # at full load
    secondary_nm3_s: Floats

    @classmethod
    def build(
        cls, state: State, parameters: Mapping[str, CombustionParameters], signals: Floats, barometric_pa: float
    ) -> "Combustion":
        """Fit the coefficients and add the state, steady at full load; ``cool_down`` makes it cold."""
        lines, p = tuple(parameters), list(parameters.values())
        feed, air_areas = [one.feed for one in p], [one.air for one in p]
        grate, furnace = [one.grate for one in p], [one.furnace for one in p]
        waste = Waste.of([one.waste for one in p])
        ambient = values(furnace, "ambient_k")
        air = Air.build(state, lines, air_areas, furnace)
        bed, out = fitted(state, lines, grate, waste, air.full_nm3_s * zone_values(air_areas, "share_{}"), air.full_k)
        flame = Flame.build(state, lines, p, waste, air)
        full = _full_gas(p, Flame.build(State(batch=1), lines, p, waste, air), out)
        ash = Ash.build(state, lines, [one.ash for one in p], flame.fallen(out))
        new = cls(
            chute=Chute.build(state, lines, feed, grate, waste, ambient),
            feeder=Feeder.build(state, lines, feed),
            air=air,
            burners=Burners.build(state, lines, [one.burner for one in p]),
            bed=bed,
            flame=flame,
            furnace=Furnace.build(state, lines, furnace, full),
            ash=ash,
            wall_leak=state.add("disturbance.wall_leak", lines),
            full_mass=bed.mass()[..., :1].copy(),
            full_load=_full_inputs(p, ash.make_up(flame.fallen(out))),
            signals=signals,
            barometric_pa=barometric_pa,
            drum_pa=values(furnace, "drum_pa"),
            secondary_nm3_s=values(air_areas, "front_nm3_s") + values(air_areas, "rear_nm3_s"),
        )
        new.air.temperature[0] = air.full_k
        new.air.temperature[1] = ambient + values(air_areas, "house_rise_k")
        fans = new.air.fans
        fans.speed[...] = fans.full_speed
        fans.bearing[...] = ambient + fans.bearing_rise_k
        fans.winding[...] = ambient + fans.winding_rise_k
        return new

    def cool_down(self, ambient_k: Floats) -> None:
        """Set the state cold: nothing on the grate, everything at rest and at ``ambient_k`` (lines, 1).

        Chute and ash extractor keep their waste and water.
        """
        bed, burners, fans = self.bed, self.burners, self.air.fans
        for empty in (bed.kg, bed.fire, bed.blown, bed.fed, bed.burning, burners.gas, burners.flame, self.ash.kg):
            empty[...] = 0.0
        for still in (fans.speed, self.air.steam, self.air.power, self.feeder.pressure):
            still[...] = 0.0
        for cold in (bed.bar, self.air.temperature, self.chute.wall, self.feeder.oil, fans.bearing, fans.winding):
            cold[...] = ambient_k
        moist = 1.0 + self.air.humidity
        air = np.stack([self.air.enthalpy(ambient_k), 0.0 * moist + OXYGEN_AIR, self.air.humidity, 0.0 * moist])
        self.furnace.cool_down(ambient_k, air / moist)

    def step(self, inputs: Floats, boundary: Boundary, noise: Floats, dt: float) -> Fired:
        """Advance by ``dt``; ``inputs`` 0..1, ``noise`` (NOISE, lines, batch) standard normal."""
        furnace, bed, chute, air = self.furnace, self.bed, self.chute, self.air
        supply = boundary.supply * (1.0 - boundary.stopped)
        strength = self.feeder.strength() * (1.0 - boundary.stopped)
        speed = inputs[INPUT["grate.speed"]] * strength
        moisture = chute.at_ram()
        fed = self._feed(inputs, strength, noise, dt)
        blown = self._blow(inputs, boundary, supply, dt)
        orders = Orders(*(inputs[INPUT[f"burner.{what}"]] for what in Orders._fields))
        flames = self.burners.step(orders, boundary.gas_share, furnace.gas_k[0], furnace.content[1], dt)
        flows = AirFlows(blown.flow[0], blown.flow[1], blown.false, air.temperature[0], air.temperature[1])
        oxygen = OXYGEN_AIR * (flows.primary + flows.secondary + flows.false) - METHANE_O2 * flames.burnt
        feed = chute.waste.split(fed, moisture)
        out = bed.step(Around(feed, speed, blown.zones, flows.primary_k, furnace.radiation(), oxygen), dt)
        bed.glow(furnace.gas_k[0], flows.primary_k, dt)
        bed.move(speed, noise[3], dt)

        leak = Leak(self.wall_leak * (boundary.drum_pa / self.drum_pa), boundary.drum_water_j_kg)
        losing = self.flame.losing(boundary.wall_k, furnace.flow / furnace.full_flow)
        made, entering, power = self.flame.enter(out, flames, flows, leak, losing, furnace.content[1], furnace.gas_k[0])
        furnace.mix(entering, made, dt)
        furnace.breathe(made, boundary.draught, dt)
        gas, heat = furnace.radiate(boundary.wall_k, boundary.sprayed_kg_s, dt)
        furnace.foul(inputs[INPUT["cleaning.shower"]], dt)

        fallen = self.flame.fallen(out)
        drives = (inputs[INPUT["ash.drives"]] >= 0.5) * boundary.supply
        carried = self.ash.step(fallen, drives, inputs[INPUT["ash.water_valve"]], dt)
        pumps = (inputs[INPUT["hydraulics.pumps"]] >= 0.5) * supply
        self.feeder.press(pumps[0] + pumps[1], inputs[INPUT["hydraulics.cooler"]], dt)
        course = _Course(blown, fed, moisture, out, carried)
        self._publish_feed(course)
        self._publish_air(course, inputs, supply)
        self._publish_furnace(course, gas, power, boundary.wall_k)
        return Fired(
            gas=gas,
            evaporator_w=heat,
            power=power,
            extraction_kg_s=air.steam[0].copy(),
            drum_kg_s=air.steam[1].copy(),
            leak_kg_s=leak.kg_s,
            fed_kg_s=fed,
            ash_kg_s=fallen.bottom,
            boiler_ash_kg_s=fallen.boiler,
        )

    def _feed(self, inputs: Floats, strength: Floats, noise: Floats, dt: float) -> Floats:
        """Advance crane, chute and pushers; return the waste that falls on the grate, kg/s."""
        chute = self.chute
        set_kg = chute.set_kg * chute.density
        fed = self.feeder.step(inputs[INPUT["feeder.speed"]], strength, set_kg, chute.available(), dt)
        spray = inputs[INPUT["chute.spray"]]
        chute.feed(fed, dt)
        chute.step(inputs[INPUT["crane.run"]], inputs[INPUT["hopper.gate"]], spray, noise, dt)
        return fed

    def _blow(self, inputs: Floats, boundary: Boundary, supply: Floats, dt: float) -> Blown:
        """Advance fans, air temperatures and what air warms; return the air flows."""
        air, furnace, chute = self.air, self.furnace, self.chute
        nozzles = inputs[INPUT["sa.damper"]]
        at = Positions(
            zones=inputs[INPUT["pa.damper"]],
            front=nozzles[0],
            rear=nozzles[1],
            burners=inputs[INPUT["burner.air"]],
            extraction=inputs[INPUT["heater.extraction_valve"]],
            drum=inputs[INPUT["heater.drum_valve"]],
            drain=inputs[INPUT["heater.drain_valve"]],
        )
        shutoff = air.fans.turn(inputs[INPUT["fan.command"]], inputs[INPUT["fan.demand"]], supply, dt)
        unsealed = chute.unsealed() + self.ash.unsealed()
        share = furnace.flow / furnace.full_flow
        blown = air.blow(at, shutoff, self.bed.mass() / self.full_mass, furnace.pressure, unsealed, share)
        air.warm(blown, at, boundary.steam, boundary.ambient_k, dt)
        chute.warm(furnace.radiation(), inputs[INPUT["chute.spray"]], boundary.ambient_k, dt)
        return blown

    def _publish_feed(self, course: _Course) -> None:
        """Write the signals of crane, chute, pushers, grate and ash."""
        signal, bed, feeder, chute = self.signals, self.bed, self.feeder, self.chute
        signal[SIGNAL["crane.grab"]] = chute.grab
        signal[SIGNAL["chute.level"]] = chute.filled()
        signal[SIGNAL["chute.wall"]] = chute.wall
        signal[SIGNAL["chute.water_out"]] = chute.water_out_k(self.furnace.radiation())
        signal[SIGNAL["feeder.flow"]] = course.fed
        signal[SIGNAL["feeder.lhv"]] = chute.waste.lhv(course.moisture)
        signal[SIGNAL["feeder.pusher"]] = feeder.positions()
        signal[SIGNAL["hydraulics.pressure"]] = feeder.pressure + self.barometric_pa
        signal[SIGNAL["hydraulics.temperature"]] = feeder.oil
        signal[SIGNAL["hydraulics.level"]] = feeder.level
        signal[SIGNAL["grate.group"]] = bed.positions()
        signal[SIGNAL["grate.bed_dp"]] = course.blown.box_pa - self.furnace.pressure
        signal[SIGNAL["grate.bar"]] = bed.bar
        signal[SIGNAL["grate.fire_end"]] = bed.fire_position()
        signal[SIGNAL["grate.side"]] = bed.side
        mass, ash = bed.mass(), course.out.ash
        signal[SIGNAL["grate.inventory"]] = mass[0] + mass[1] + mass[2] + mass[3] + mass[4]
        unburnt = ash[1] + ash[2]
        dry = unburnt + ash[ASH]
        signal[SIGNAL["grate.ash_flow"]] = dry
        signal[SIGNAL["grate.loss_on_ignition"]] = unburnt / (dry + NOTHING_KG_S)
        signal[SIGNAL["ash.water_level"]] = self.ash.level
        signal[SIGNAL["ash.extractor_running"]] = course.carried.is_running
        signal[SIGNAL["ash.wet_flow"]] = course.carried.bottom
        signal[SIGNAL["ash.boiler_flow"]] = course.carried.boiler

    def _publish_air(self, course: _Course, inputs: Floats, supply: Floats) -> None:
        """Write the signals of fans, air, and the air heater."""
        signal, air, blown = self.signals, self.air, course.blown
        fans = air.fans
        signal[SIGNAL["pa.zone"]] = blown.zones
        signal[SIGNAL["pa.box"]] = blown.box_pa + self.barometric_pa
        signal[SIGNAL["air.flow"]] = blown.flow
        signal[SIGNAL["air.header"]] = blown.header_pa + self.barometric_pa
        signal[SIGNAL["air.temperature"]] = air.temperature
        signal[SIGNAL["nozzles"]] = blown.nozzles
        signal[SIGNAL["heater.level"]] = air.drain / air.drain_kg
        signal[SIGNAL["heater.steam"]] = air.steam
        signal[SIGNAL["fan.speed"]] = fans.speed
        signal[SIGNAL["fan.running"]] = fans.running(inputs[INPUT["fan.command"]], supply)
        signal[SIGNAL["fan.power"]] = air.power
        signal[SIGNAL["fan.bearing"]] = fans.bearing
        signal[SIGNAL["fan.vibration"]] = fans.vibration()
        signal[SIGNAL["fan.winding"]] = fans.winding

    def _publish_furnace(self, course: _Course, gas: Gas, power: Floats, wall_k: Floats) -> None:
        """Write the signals of fire, furnace, passes and burners."""
        signal, furnace = self.signals, self.furnace
        signal[SIGNAL["fire.power"]] = power
        signal[SIGNAL["furnace.pressure"]] = furnace.pressure + self.barometric_pa
        signal[SIGNAL["furnace.roof"]] = furnace.roof_k()
        signal[SIGNAL["thermocouples"]] = furnace.thermocouple_k(wall_k) + SIDE_K * self.bed.side
        signal[SIGNAL["furnace.gas"]] = furnace.gas_k
        signal[SIGNAL["furnace.co"]] = gas.co / np.maximum(gas.flow * (1.0 - gas.h2o), LEAST_DRY_NM3_S)
        signal[SIGNAL["furnace.o2"]] = gas.o2
        signal[SIGNAL["furnace.false_air"]] = course.blown.false
        signal[SIGNAL["furnace.ash"]] = self.flame.fallen(course.out).boiler
        signal[SIGNAL["burner.gas"]] = self.burners.gas
        signal[SIGNAL["burner.flame"]] = self.burners.flame


def _full_gas(p: list[CombustionParameters], flame: Flame, out: Released) -> FullGas:
    """Return the gas of full load from the element and heat balance."""
    a = [one.air for one in p]
    f = [one.furnace for one in p]
    none = np.zeros_like(flame.full_k)
    flows = AirFlows(
        primary=values(a, "primary_nm3_s"),
        secondary=values(a, "front_nm3_s") + values(a, "rear_nm3_s"),
        false=values(a, "false_nm3_s"),
        primary_k=values(a, "primary_k"),
        secondary_k=values(f, "ambient_k") + values(a, "house_rise_k"),
    )
    losing = flame.losing(values(f, "wall_k"), none + 1.0)
    leak, flames = Leak(none, none), Flames(none, none)
    flow, entering, _ = flame.enter(out, flames, flows, leak, losing, flame.full_o2, flame.full_k)
    content = entering / flow
    heat = GasHeat.mixture(content[1], content[2], content[3])
    flame_k = heat.temperature(content[0])
    for _ in range(3):
        flame_k = flame_k - (heat.enthalpy(flame_k) - content[0]) / heat.capacity(flame_k)
    return FullGas(flow, content, heat, flame_k)


def _full_inputs(p: list[CombustionParameters], make_up: Floats) -> Floats:
    """Return the inputs of full load (LINE_INPUTS, lines, 1)."""
    a = [one.air for one in p]
    g = [one.grate for one in p]
    f = [one.feed for one in p]
    inputs = np.zeros((len(LINE_INPUTS), len(p), 1))
    set_kg = values(f, "set_m3") * values(f, "bulk_kg_m3")
    full: dict[str, float | Floats] = {
        "crane.run": 1.0,
        "hopper.gate": 1.0,
        "feeder.speed": values(g, "feed_kg_s") / (set_kg * values(f, "set_1_s")),
        "grate.speed": zone_values(g, "speed_{}", GROUPS),
        "hydraulics.pump_a": 1.0,
        "hydraulics.cooler": values(f, "oil_cooler"),
        "pa.damper": zone_values(a, "damper_{}"),
        "fan.command": 1.0,
        "fan.demand": np.stack([values(a, "primary_speed"), values(a, "secondary_speed")]),
        "heater.extraction_valve": values(a, "extraction_valve"),
        "heater.drum_valve": values(a, "drum_valve"),
        "heater.drain_valve": FULL_DRAIN,
        "sa.damper": np.stack([values(a, "front_damper"), values(a, "rear_damper")]),
        "ash.water_valve": make_up,
        "ash.drives": 1.0,
    }
    for name, value in full.items():
        inputs[INPUT[name]] = value
    return inputs
