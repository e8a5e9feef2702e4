"""Parameters of the water and steam side that the lines share a header through: SI units, pressures absolute.

Most parameters of the simulator are **design points** (a flow and the pressure drop at that flow), the figures of a
data sheet; the coefficients of the equations are calculated from them at start. "Full load" (100 %) is
``steam.full_flow_kg_s`` of every line at the turbine's inlet pressure. Common equipment is sized by shares of what all
lines need together, so a third line needs no new figure. The areas of the other pieces stand beside them; all are read
by ``plc_sim.process.plant_parameters``.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, le=1)]


class Area(BaseModel):
    """Base of the parameter models: unknown names and NaN are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class DrumParameters(Area):
    """Drum, downcomers and risers of one line (Astrom and Bell 2000)."""

    volume_m3: Positive  # drum; half of it filled is the normal water level
    water_area_m2: Positive  # at the normal water level
    riser_volume_m3: Positive
    downcomer_volume_m3: Positive
    metal_kg: Positive  # all pressure metal at saturation temperature
    riser_metal_kg: Positive
    drum_metal_kg: Annotated[float, Field(ge=0)]
    metal_j_kg_k: Positive
    friction: Positive  # k of the downcomer-riser loop, dimensionless
    bubble_share: Positive  # beta: share of riser flow that follows the steam below the level
    bubble_residence_s: Positive  # Td: time of a bubble below the level
    bubble_volume_m3: Positive  # V0sd: steam below the level when nothing condenses
    riser_head_pa: Annotated[float, Field(ge=0)]  # weight of the water over the foot of the risers
    riser_head_until_pa: Positive  # drum pressure from which on it is part of the other constants
    full_riser_quality: Share  # steam mass share at the riser outlet at full load; fixes the downcomer area
    metal_lag_s: Positive  # of the drum wall temperatures behind saturation
    blowdown_kg_s: Annotated[float, Field(ge=0)]  # at full load
    blowdown_position: Share  # of its valve at full load
    heater_steam_kg_s: Annotated[float, Field(ge=0)]  # drum steam to the air heater at full load
    feedwater_s_m: Annotated[float, Field(ge=0)]  # conductivity of the feedwater
    carry_over: Share  # of the drum water's conductivity that the steam shows
    priming: Annotated[float, Field(ge=0)]  # by which carry-over grows for each metre of level


class FeedwaterParameters(Area):
    """From the feedwater header through the valve and the economiser to the drum."""

    full_valve_position: Share  # main valve at full load
    full_valve_dp_pa: Positive  # over the valves at full load
    rangeability: Annotated[float, Field(gt=1)]  # of the equal-percentage valves; both shut tight
    startup_valve_share: Share  # capacity of the start-up valve, share of the main one
    upstream_dp_pa: Positive  # header to valve, at full flow
    downstream_dp_pa: Positive  # valve to drum without the height, at full flow
    static_pa: Annotated[float, Field(ge=0)]  # height of the drum above the pumps
    full_economiser_k: Positive  # water leaving the economiser at full load


class SteamParameters(Area):
    """Superheater, main steam line, start-up vent and safety valves of one line."""

    full_flow_kg_s: Positive  # main steam leaving the boiler: 100 %
    superheater_volume_m3: Positive
    superheater_dp_pa: Positive  # drum to boiler outlet at full load
    line_dp_pa: Positive  # boiler outlet to header at full load, stop valve open
    vent_share: Share  # capacity of the start-up vent, share of full flow at full pressure
    outlet_safety_pa: Positive  # opening pressure
    outlet_safety_share: Share  # capacity at the opening pressure, share of full flow
    drum_safety_pa: Positive
    drum_safety_share: Share
    safety_reseat_share: Share  # a safety valve shuts this share below its opening pressure


class PumpParameters(Area):
    """Feedwater pumps of equal size on one header: ``dp = shutoff * speed^2 - b * flow^2``."""

    count: Annotated[int, Field(ge=1, le=26)]  # pump_a, pump_b, ...
    shutoff_pa: Positive  # pressure rise at full speed without flow
    rated_pa: Positive  # pressure rise at full speed and rated flow
    rated_share: Share  # rated flow of one pump, share of the full feedwater flow of all lines
    speed_s: Positive  # lag of a running pump behind the speed demand
    coast_s: Positive  # lag of a pump that runs down
    efficiency: Share  # of pump, motor and converter
    least_flow_share: Share  # capacity of a minimum-flow valve at rated pressure, share of the rated flow
    storage_kg_pa: Positive  # water that the header takes up per pressure, for each line


class HeaderParameters(Area):
    """The main steam header."""

    volume_m3: Positive  # for each line


class OperationParameters(Area):
    """How a line is run where it begins: firing between the least and the greatest load."""

    least_share: Share  # of the full throughput
    least_o2: Share  # wet volume share behind the third pass
    full_o2: Share
    most_share: Positive
    most_o2: Share
    primary_k: Positive  # air
    standby_pa: Positive  # pressure of hot standby
    burner_below: Share  # share of the throughput up to which the first two burners run
    burner_load: Share  # of each


class HouseParameters(Area):
    """The electrical house load that is not among the drives the simulator calculates."""

    other_w: Annotated[float, Field(ge=0)]
