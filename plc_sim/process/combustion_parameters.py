"""Parameters of combustion and furnace of one line: design points at full load, and constants; coefficients follow.

Zones of the grate are numbered 1 to 5 (drying, ignition, main combustion, burn-out, final burn-out). Pressures are
differences or gauge. Air is counted in Nm3 of dry air; its humidity comes with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from plc_sim.process.design import column
from plc_sim.process.parameters import Area, Positive, Share

Floats = npt.NDArray[np.float64]

ZONES = 5
GROUPS = 4
PUSHERS = 5
BURNERS = 4
NotNegative = Annotated[float, Field(ge=0)]


class WasteParameters(Area):
    """Waste as fired at the design point (mass shares), how it burns, and how it varies."""

    carbon: Share
    hydrogen: Share
    oxygen: Share
    nitrogen: Share
    sulphur: Share
    chlorine: Share
    ash: Share
    moisture: Share
    dry_lhv_j_kg: Positive
    char: Share  # of the dry matter, pure carbon
    char_j_kg: Positive
    sulphur_released: Share  # the rest stays in the ash
    chlorine_released: Share
    burnout: Share  # of the carbon at full load; fixes the burning rate of char
    moisture_least: NotNegative
    moisture_greatest: Share
    slow_s: Positive  # slow part of the disturbance of the LHV
    slow_sigma: NotNegative  # share of the LHV
    grab_sigma: NotNegative  # from grab to grab, share of the LHV


class FeedParameters(Area):
    """Crane, hopper and chute, ram feeder, hydraulics."""

    chute_m3: Positive
    bulk_kg_m3: Positive
    level: Share  # what the crane keeps
    seal_level: Share  # below it air leaks in through the chute
    mixing_s: Positive  # of new grabs, at full load and normal level
    grab_kg: Positive
    crane_s: Positive  # between two grabs
    bridge_free_kg: Positive  # what lies below a bridge
    set_m3: Positive  # one stroke of all pushers
    set_1_s: Positive  # sets a second at full demand
    forward_share: Share  # of the cycle of a pusher
    hydraulic_pa: Positive  # normal pressure
    hydraulic_least_pa: Positive  # below it pushers and grate slow down, at half of it they stand
    hydraulic_s: Positive  # pressure rise with a pump
    accumulator_s: Positive  # pressure fall without
    oil_k: Positive  # at full load with the cooler valve at its normal position
    oil_s: Positive
    oil_rise_k: Positive  # of the oil over the cooling water without cooler, by one pump
    oil_cooler: Share  # normal position of the cooler valve
    oil_level: Share
    water_k: Positive  # cooling water
    wall_rise_k: Positive  # of the chute wall over ambient in operation
    wall_s: Positive
    chute_water_rise_k: Positive
    spray_kg_s: Positive  # water of the chute spray, valve open


class GrateParameters(Area):
    """The bed: transport, drying, release of volatiles, char, ash."""

    feed_kg_s: Positive  # full load
    residence_1_s: Positive  # of each zone at the normal speed of its group
    residence_2_s: Positive
    residence_3_s: Positive
    residence_4_s: Positive
    residence_5_s: Positive
    speed_1: Share  # normal speed of the groups: zones 1 and 2, 3, 4, 5
    speed_2: Share
    speed_3: Share
    speed_4: Share
    stroke_1_s: Positive  # grate strokes a second at full speed
    drying_s: Positive  # time constant of drying at full load
    drying_by_air: NotNegative  # share of it by warm air
    drying_by_bed: NotNegative  # share by the fire in the bed itself; the rest by radiation
    dry_moisture: Share  # moisture of a zone at which the release of volatiles has fallen to one half
    release_s: Positive  # time constant of the volatiles of a dry, hot zone at normal air
    release_without_air: NotNegative  # share of that rate without primary air
    air_s: Positive  # lag of the release behind the zone air
    char_air: Share  # share of the zone's oxygen that char can take
    smother: NotNegative  # share of the release lost for each feed_kg_s pushed more than before
    flare: NotNegative  # share of the release gained thereafter, for the same
    smother_s: Positive  # how long
    fly_ash_share: Share  # of the ash leaves with the gas at full load
    dust_share: Share  # of the fly ash is still in the gas behind the third pass
    ignition_k: Positive  # gas that ignites a zone with time
    burning_kg_s: Positive  # a zone that burns at least this keeps its fire
    ignition_s: Positive
    extinction_s: Positive
    fire_end: Share  # of the grate length at full load
    bar_rise_k: Positive  # hottest grate bars over primary air at full load
    bar_s: Positive
    ash_k: Positive  # bottom ash
    ash_j_kg_k: Positive
    side_sigma: NotNegative  # of the lopsidedness of the fire
    side_s: Positive


class AshParameters(Area):
    """Wet extractor of the bottom ash, conveyor of the boiler ash."""

    extractor_s: Positive  # that ash lies in the running extractor
    conveyor_s: Positive  # that boiler ash lies on its running conveyor
    water_m2: Positive  # surface of the water
    normal_m: Positive  # its level
    seal_m: Positive  # level below which air leaks in
    overflow_m: Positive
    make_up_kg_s: Positive  # water valve open
    wet_moisture: Share  # of the ash that leaves
    boiled_kg_kg: NotNegative  # water boiled away by a kg of ash


class AirParameters(Area):
    """Primary and secondary air: fans, dampers, bed resistance; steam air heater; leaks."""

    humidity: NotNegative  # Nm3 water vapour for each Nm3 dry air
    primary_nm3_s: Positive  # full load
    share_1: Share  # of the zones
    share_2: Share
    share_3: Share
    share_4: Share
    share_5: Share
    damper_1: Share  # position at full load
    damper_2: Share
    damper_3: Share
    damper_4: Share
    damper_5: Share
    box_1_pa: Positive  # air boxes at full load
    box_2_pa: Positive
    box_3_pa: Positive
    box_4_pa: Positive
    box_5_pa: Positive
    grate_share: Share  # of the resistance of a zone: grate bars, the rest the bed
    primary_header_pa: Positive
    primary_speed: Share  # of the fan at full load
    primary_shutoff_pa: Positive  # fan at full speed without flow
    front_nm3_s: Positive
    rear_nm3_s: Positive
    front_damper: Share
    rear_damper: Share
    burner_air_nm3_s: Positive  # one burner, damper open, at the normal header pressure
    secondary_header_pa: Positive
    secondary_speed: Share
    secondary_shutoff_pa: Positive
    fan_s: Positive  # a fan behind its demand
    coast_s: Positive
    fan_efficiency: Share
    bearing_rise_k: Positive  # at full load
    bearing_s: Positive
    vibration_m_s: Positive
    winding_rise_k: Positive
    winding_s: Positive
    bunker_rise_k: NotNegative  # primary air intake over ambient
    house_rise_k: NotNegative  # secondary air intake over ambient, boiler in operation
    primary_k: Positive  # behind the heater at full load
    extraction_out_k: Positive  # behind the first stage at full load
    extraction_k: Positive  # where extraction steam condenses at full load
    drum_k: Positive  # where drum steam condenses at full load
    extraction_valve: Share  # at full load
    drum_valve: Share
    heater_s: Positive
    drain_kg: Positive  # water in the full condensate drum
    drain_kg_s: Positive  # drain valve open
    false_nm3_s: Positive  # leaks at the normal furnace pressure
    leak_pa: NotNegative  # mean draught loss from the furnace to the leaks at full gas flow
    false_share_unsealed: NotNegative  # further leak through an empty chute or ash extractor, share of the above


class BurnerParameters(Area):
    """One gas burner; all are equal."""

    power_w: Positive
    gas_j_nm3: Positive
    turndown: Share  # least load
    auto_ignition_k: Positive  # furnace hotter than this lights the gas
    gas_s: Positive  # lag of the gas flow
    nox_kg_nm3: Positive  # dry at 11 % oxygen


class FurnaceParameters(Area):
    """Gas side from the flame to the outlet of the third pass."""

    plane_k: Positive  # gas at full load: 2 s plane, outlets of the passes, last air
    first_k: Positive
    second_k: Positive
    third_k: Positive
    roof_k: Positive
    wall_k: Positive  # boiling water at full load
    drum_pa: Positive  # absolute, at full load
    furnace_lag_s: Positive  # of the lining, or the tubes, behind the gas
    pass_lag_s: Positive
    lining_share: Share  # of the resistance from gas to water that lies in the lining of the furnace
    tube_share: Share  # the same of the tubes of the passes
    thermocouple_k: Positive  # what thermocouples at the 2 s plane read too low at full load
    ambient_k: Positive
    casing_w: Positive  # heat loss of the hot boiler
    lost_share: NotNegative  # unaccounted, and sensible heat of fly ash; share of the released heat
    gas_nm3: Positive  # well mixed gas in the furnace
    volume_m3: Positive  # to the filter, for the pressure
    volume_k: Positive  # mean temperature of that gas
    draught_pa: Positive  # normal furnace pressure below ambient
    third_pa: Positive  # at full load behind the third pass, below ambient
    dirty: Positive  # radiant heat transfer of dirty walls, share of normal; it is reached
    dirty_s: Positive  # with this time constant
    clean: Positive  # behind shower cleaning
    clean_s: Positive
    # raw gas, dry at 11 % oxygen
    full_o2: Share  # wet, at full load
    nox_kg_nm3: Positive  # at full load
    nox_by_o2: NotNegative  # kg/Nm3 for each wet volume share of oxygen more
    nox_by_k: NotNegative  # and for each K of the 2 s plane
    nox_least_kg_nm3: NotNegative
    co_least_kg_nm3: NotNegative
    co_most_kg_nm3: NotNegative  # added where there is no oxygen; falls exponentially with the wet oxygen share
    co_oxygen: Positive  # by e-fold for this share
    hf_kg_nm3: NotNegative
    toc_kg_nm3: NotNegative
    hg_kg_nm3: NotNegative


@dataclass(frozen=True, slots=True)
class CombustionParameters:
    """All areas of one line; the field names are those of the configuration."""

    waste: WasteParameters
    feed: FeedParameters
    grate: GrateParameters
    ash: AshParameters
    air: AirParameters
    burner: BurnerParameters
    furnace: FurnaceParameters


AREAS: dict[str, type[Area]] = {
    "waste": WasteParameters,
    "feed": FeedParameters,
    "grate": GrateParameters,
    "ash": AshParameters,
    "air": AirParameters,
    "burner": BurnerParameters,
    "furnace": FurnaceParameters,
}


def values(areas: Sequence[Area], name: str) -> Floats:
    """Return one parameter of all lines, (lines, 1)."""
    return column([getattr(area, name) for area in areas])


def zone_values(areas: Sequence[Area], name: str, count: int = ZONES) -> Floats:
    """Return a numbered parameter, ``name`` with {} for the number, (count, lines, 1)."""
    return np.stack([values(areas, name.format(number + 1)) for number in range(count)])
