"""Primary air through five zones and the bed, secondary air through two rows of nozzles, the steam air heater, leaks.

Air has no storage here: fan curve and resistances are quadratic, so pressures and flows follow in closed form.
Pressures are gauge, flows Nm3/s of dry air. Arrays are (lines, batch), zones (zones, lines, batch); a pair (2, ...) is
primary, secondary.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.combustion_parameters import ZONES, AirParameters, FurnaceParameters, values, zone_values
from plc_sim.process.fan import Fans
from plc_sim.process.flow import checked_root, lag_share, root
from plc_sim.process.gas_heat import NITROGEN, OXYGEN, REFERENCE_K, VAPOUR
from plc_sim.process.waste import OXYGEN_AIR

Floats = npt.NDArray[np.float64]

NOTHING = 1e-9
LEAST_SHARE = 0.05  # of full air flow below which the heater transfers as at this flow
EXPONENT = -0.4  # heat transfer of the heater by air flow, per heat capacity


class Positions(NamedTuple):
    """Dampers and valves 0..1."""

    zones: Floats  # (zones, lines, batch)
    front: Floats
    rear: Floats
    burners: Floats  # (BURNERS, lines, batch)
    extraction: Floats
    drum: Floats
    drain: Floats


class HeaterSteam(NamedTuple):
    """Where steam condenses in the air heater, and the heat of a kg until it is condensate; (lines, batch).

    Without steam the temperature is that of the air or less, the heat still positive.
    """

    extraction_k: Floats
    extraction_j_kg: Floats
    drum_k: Floats
    drum_j_kg: Floats


class Blown(NamedTuple):
    """One step's results."""

    flow: Floats  # (2, lines, batch) primary, secondary with burner air
    header_pa: Floats  # (2, lines, batch)
    zones: Floats
    box_pa: Floats
    nozzles: Floats  # (2, lines, batch) front, rear
    false: Floats


@dataclass(frozen=True, slots=True)
class Air:
    """Air side of all lines."""

    fans: Fans
    temperature: Floats  # (2, lines, batch) K
    drain: Floats  # kg in the heater's condensate drum
    steam: Floats  # (2, lines, batch) kg/s extraction and drum steam to the heater
    power: Floats  # (2, lines, batch) W
    blocked: Floats  # disturbance: (zones, lines, batch) share of the damper's opening that is blocked
    damper_k: Floats  # Nm3/s = k * position * root(Pa)
    grate_r: Floats  # Pa = r * flow^2
    bed_r: Floats  # the same of the bed at full load
    nozzle_k: Floats  # (2, lines, 1)
    burner_k: Floats
    leak_pa: Floats  # by which the suction at the leaks is greater than in the furnace, at full gas flow
    false_k: Floats
    unsealed: Floats
    full_nm3_s: Floats  # primary
    full_k: Floats
    ntu: Floats  # (2, lines, 1) of the heater's stages, valve open
    rise_k: Floats  # (2, lines, 1) of the intakes
    heater_s: Floats
    drain_kg: Floats
    drain_kg_s: Floats
    humidity: Floats
    heat: Floats  # (3, lines, 1) polynomial of the enthalpy, J for each Nm3 of dry air

    @classmethod
    def build(
        cls, state: State, lines: tuple[str, ...], air: list[AirParameters], furnace: list[FurnaceParameters]
    ) -> "Air":
        """Add the state: everything at rest and ambient."""
        a, f = air, furnace
        ambient, draught = values(f, "ambient_k"), values(f, "draught_pa")
        primary = values(a, "primary_nm3_s")
        zone = primary * zone_values(a, "share_{}")
        box, header = zone_values(a, "box_{}_pa"), values(a, "primary_header_pa")
        resistance = (box + draught) / zone**2
        share = values(a, "grate_share")
        flow = np.stack([values(a, "front_nm3_s"), values(a, "rear_nm3_s")])
        damper = np.stack([values(a, "front_damper"), values(a, "rear_damper")])
        over = np.sqrt(values(a, "secondary_header_pa") + draught)
        humidity = values(a, "humidity")
        zones = [f"{line}/{zone + 1}" for zone in range(ZONES) for line in lines]
        pair = [f"{line}/{name}" for name in ("primary", "secondary") for line in lines]
        middle, out = values(a, "extraction_out_k"), values(a, "primary_k")
        inlet = ambient + values(a, "bunker_rise_k")
        first, second = values(a, "extraction_k"), values(a, "drum_k")
        valves = np.stack([values(a, "extraction_valve"), values(a, "drum_valve")])
        stages = np.stack([(middle - inlet) / (first - inlet), (out - middle) / (second - middle)])
        return cls(
            fans=Fans.build(state, lines, air, ambient),
            temperature=state.add("air.temperature", pair, fill=np.tile(ambient, (2, 1))).reshape(2, len(lines), -1),
            drain=state.add("air.condensate", lines, fill=0.5 * values(a, "drain_kg")),
            steam=state.add("air.heater_steam", pair).reshape(2, len(lines), -1),
            power=state.add("air.fan_power", pair).reshape(2, len(lines), -1),
            blocked=state.add("disturbance.air_box", zones).reshape(ZONES, len(lines), -1),
            damper_k=zone / (zone_values(a, "damper_{}") * np.sqrt(header - box)),
            grate_r=share * resistance,
            bed_r=(1.0 - share) * resistance,
            nozzle_k=flow / (damper * over),
            burner_k=values(a, "burner_air_nm3_s") / over,
            leak_pa=values(a, "leak_pa"),
            false_k=values(a, "false_nm3_s") / root(draught + values(a, "leak_pa"))[0],
            unsealed=values(a, "false_share_unsealed"),
            full_nm3_s=primary,
            full_k=out,
            ntu=-np.log1p(-stages) / valves,
            rise_k=np.stack([values(a, "bunker_rise_k"), values(a, "house_rise_k")]),
            heater_s=values(a, "heater_s"),
            drain_kg=values(a, "drain_kg"),
            drain_kg_s=values(a, "drain_kg_s"),
            humidity=humidity,
            heat=OXYGEN_AIR * OXYGEN + (1.0 - OXYGEN_AIR) * NITROGEN + humidity * VAPOUR,
        )

    def enthalpy(self, t_k: Floats) -> Floats:
        """Return J for each Nm3 of dry air with its humidity, above 25 C."""
        x = t_k - REFERENCE_K
        return x * (self.heat[0] + x * (self.heat[1] + x * self.heat[2]))

    def blow(
        self,
        at: Positions,
        shutoff_pa: Floats,
        bed: Floats,
        furnace_pa: Floats,
        unsealed: Floats,
        gas_share: Floats,
    ) -> Blown:
        """Return flows and pressures.

        ``shutoff_pa`` (2, lines, batch) is the pressure of the fans without flow, ``bed`` (zones, lines, batch) the
        mass of each zone, ``unsealed`` the missing seal of chute and ash, ``gas_share`` the gas flow, all as shares.
        """
        hot = self.temperature[0] / self.full_k
        open_k = self.damper_k * at.zones * (1.0 - self.blocked)
        under = (self.grate_r + self.bed_r * bed) * hot
        zone_k = open_k / np.sqrt(1.0 + open_k * open_k * under)
        nozzle_k = self.nozzle_k * np.stack([at.front, at.rear])
        burner_k = self.burner_k * (at.burners[0] + at.burners[1] + at.burners[2] + at.burners[3])
        k = np.stack(
            [
                zone_k[0] + zone_k[1] + zone_k[2] + zone_k[3] + zone_k[4] + NOTHING,
                nozzle_k[0] + nozzle_k[1] + burner_k + NOTHING,
            ]
        )
        resisted = 1.0 + self.fans.b * k * k
        over = shutoff_pa - furnace_pa
        flow = checked_root(over)[0] * (k / np.sqrt(resisted))
        drop = np.maximum(over, 0.0) / resisted
        each = flow / k  # root of the pressure over the furnace
        zones = zone_k * each[0]
        box = furnace_pa + under * (zones * zones)
        suction = checked_root(self.leak_pa * gas_share * gas_share - furnace_pa)[0]
        false = self.false_k * (1.0 + self.unsealed * unsealed) * suction
        return Blown(flow, furnace_pa + drop, zones, box, nozzle_k * each[1], false)

    def warm(self, blown: Blown, at: Positions, steam: HeaterSteam, ambient_k: Floats, dt: float) -> None:
        """Advance air temperatures, steam and condensate of the heater, and what the fans' protection watches."""
        flow = blown.flow
        self.power[...] = self.fans.load(flow, blown.header_pa, ambient_k, dt)
        share = np.maximum(flow[0] / self.full_nm3_s, LEAST_SHARE)
        ntu = self.ntu * share**EXPONENT
        moving = np.minimum(flow / (LEAST_SHARE * self.full_nm3_s), 1.0)
        intake = ambient_k + self.rise_k * moving
        cold = intake[0]
        middle = cold + np.maximum(steam.extraction_k - cold, 0.0) * -np.expm1(-ntu[0] * at.extraction)
        hot = middle + np.maximum(steam.drum_k - middle, 0.0) * -np.expm1(-ntu[1] * at.drum)
        self.temperature[...] += (np.stack([hot, intake[1]]) - self.temperature) * lag_share(dt, self.heater_s)
        self.steam[0] = flow[0] * (self.enthalpy(middle) - self.enthalpy(cold)) / steam.extraction_j_kg
        self.steam[1] = flow[0] * (self.enthalpy(hot) - self.enthalpy(middle)) / steam.drum_j_kg
        drained = self.drain_kg_s * at.drain * np.minimum(self.drain / (LEAST_SHARE * self.drain_kg), 1.0)
        self.drain[...] = np.minimum(self.drain + (self.steam[0] + self.steam[1] - drained) * dt, self.drain_kg)
