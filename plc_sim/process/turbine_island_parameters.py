"""Parameters of the turbine island: SI units, pressures absolute, speeds in 1/s unless marked as a share of nominal.

"Full" is the design point of the cycle: the steam flow, extraction and condenser figures of one heat balance. The
coefficients of the equations follow from it at start.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from plc_sim.process.parameters import Area, Positive, Share

NotNegative = Annotated[float, Field(ge=0)]


class TurbineSteamParameters(Area):
    """Steam path: four stage groups, three extractions."""

    full_flow_kg_s: Positive
    inlet_pa: Positive  # before the stop valves
    inlet_k: Positive
    inlet_dp_pa: Positive  # header to stop valves at full flow
    full_admission: Share  # position of the governor valves at full flow
    extraction_1_pa: Positive
    extraction_2_pa: Positive
    extraction_3_pa: Positive
    extraction_1_kg_s: NotNegative  # to the air heaters
    extraction_1_least_pa: Positive  # below it the air heaters get nothing, at 1.5 times it all they want
    efficiency_1: Share  # isentropic, of the group before extraction 1, valves included
    efficiency_2: Share
    efficiency_3: Share
    efficiency_4: Share
    part_load_loss: Annotated[float, Field(ge=0, lt=1)]  # efficiency_1 falls by this times (1 - share of full flow)^2
    chest_s: Positive  # lag of the steam in chest and casing
    extraction_s: Positive  # lag of the extraction flows
    pipe_loss_w: NotNegative  # heat loss of the main steam pipe at full temperature
    pipe_s: Positive  # lag of the inlet temperature at full flow: heat stored in the pipe's metal
    drains_share: NotNegative  # flow of the drains at full header pressure, share of full flow
    auxiliary_kg_s: NotNegative  # from the header to ejectors, sampling and other users that do not give it back
    gland_kg_s: NotNegative  # gland steam at full header pressure and normal valve position, lost as well


class ShaftParameters(Area):
    """Rotor and its supervision."""

    nominal_hz: Positive
    start_time_s: Positive  # from standstill to nominal speed with rated torque
    rated_w: Positive
    mechanical_loss_w: Positive  # bearings and oil pump at nominal speed
    standstill_friction: Share  # share of the friction torque that does not fall with the speed
    ventilation_w: NotNegative  # churning of the last stages at nominal speed without flow, at ``full`` vacuum
    ventilation_share: Share  # of full flow; above it nothing churns
    hood_w_k: Positive  # what carries churning heat off the exhaust hood without flow
    barring_hz: Positive
    valve_close_s: Positive  # full stroke of stop and governor valves
    valve_open_s: Positive
    bearings: Annotated[int, Field(ge=1, le=26)]  # bearing_a, bearing_b, ...
    spread: Annotated[float, Field(ge=0, lt=1)]  # of vibration and temperature between the bearings
    vibration_m: Positive  # at nominal speed
    critical_1_hz: Positive
    critical_2_hz: Positive
    critical_damping: Positive  # damping ratio of both
    bearing_rise_k: Positive  # metal above oil at nominal speed and full load
    bearing_s: Positive
    axial_m: float  # axial displacement without load
    axial_load_m: float  # and what full load adds
    expansion_m_k: Positive  # differential expansion per temperature difference of rotor and casing
    expansion_full_m: float  # at full load
    rotor_s: Positive  # heat-up of the rotor at full flow
    casing_s: Positive
    cooling_s: Positive  # both, without steam


class GeneratorParameters(Area):
    """Generator, transformer, grid and house load."""

    rated_va: Positive
    full_loss_w: Positive  # at full load
    load_loss_share: Share  # share of the loss that grows with the square of the load
    voltage_v: Positive
    pull_out: Positive  # greatest power on the grid, share of the rated apparent power
    damping: NotNegative  # power over speed deviation, both as shares of rated
    transformer_reactance: Positive  # per unit of the rated apparent power
    full_var: float  # reactive power at nominal voltage; fixes the voltage of the grid
    excitation_s: Positive
    house_w: NotNegative
    house_power_factor: Share
    diesel_start_s: Positive


class CondensateParameters(Area):
    """Hotwell, condensate pumps, LP heater, make-up and demineralised water."""

    count: Annotated[int, Field(ge=1, le=26)]  # condensate.pump_a, ...
    shutoff_pa: Positive
    rated_pa: Positive
    rated_kg_s: Positive
    storage_kg_pa: Positive  # water that the pressure side takes up
    static_pa: NotNegative  # height of the deaerator
    full_valve_position: Share  # LV to the deaerator at full flow, linear valve
    hotwell_area_m2: Positive
    hotwell_level_m: Positive  # normal
    dump_kg_s: Positive  # capacity of recirculation and dump at full pump pressure
    recirculation_share: Annotated[float, Field(ge=0, lt=1)]  # first part of the dump valve: back to the hotwell
    make_up_kg_s: Positive  # capacity of the make-up valve under vacuum
    make_up_k: Positive
    tank_kg: Positive  # demineralised water tank
    tank_level: Share  # where its supply keeps it
    supply_kg_s: Positive
    heater_out_k: Positive  # condensate behind the LP heater at full flow
    heater_kg: Positive  # water and metal of the heater as a mass of water
    conductivity_s_m: NotNegative  # cation conductivity of clean condensate
    conductivity_s: Positive  # lag
    cooling_conductivity_s_m: Positive  # what cooling water would show


class CondenserParameters(Area):
    """Main and bypass condenser on one cooling water, in series."""

    approach_k: Positive  # main: condensing temperature above the water leaving, at full load
    metal_j_k: Positive  # main: tubes, shell and film
    volume_m3: Positive  # main with the turbine's exhaust
    leak_kg_s: NotNegative  # air, in normal vacuum
    evacuation_m3_s: Positive  # of one vacuum pump
    breaker_kg_s: Positive  # air through the vacuum breaker
    air_pa: Positive  # air pressure that halves the heat transfer
    relief_pa: Positive  # both: the relief opens
    relief_kg_s_pa: Positive
    bypass_w: Positive  # bypass condenser: full duty
    bypass_approach_k: Positive
    bypass_metal_j_k: Positive
    bypass_volume_m3: Positive
    bypass_leak_kg_s: NotNegative
    bypass_evacuation_m3_s: Positive  # constant: a small ejector
    bypass_hotwell_kg: Positive  # full
    bypass_hotwell_level: Share
    bypass_drain_kg_s: Positive  # capacity of its level valve at 1 bar
    bypass_drain_static_pa: NotNegative  # height above the main condenser


class TankParameters(Area):
    """Deaerator and feedwater tank."""

    pressure_pa: Positive  # normal
    auxiliary_pa: Positive  # what the auxiliary steam holds when the extraction is too weak
    head_kg: Positive  # water in the heating section
    area_m2: Positive  # of the tank's water surface
    level_m: Positive  # normal
    density_kg_m3: Positive
    flash_kg_s: Positive  # exchange with the head when the tank would boil
    extraction_position: Share  # of the extraction valve at full load
    rangeability: Annotated[float, Field(gt=1)]  # equal percentage
    auxiliary_kg_s: Positive  # capacity of the auxiliary steam valve at full header pressure


class BypassParameters(Area):
    """Two steam bypass valves with desuperheaters."""

    capacity_kg_s: Positive  # of one valve at full header pressure
    fast_s: Positive  # full travel when the demand is far away
    slow_s: Positive
    fast_from: Share  # distance from which it is far
    outlet_pa: Positive  # behind the desuperheater
    spray_kg_s: Positive  # capacity of one spray valve at rated condensate pressure
    temperature_s: Positive


class CoolingParameters(Area):
    """Cooling water pumps and tower."""

    pumps: Annotated[int, Field(ge=1, le=26)]
    pumps_running: Annotated[int, Field(ge=1, le=26)]  # at full load
    pump_kg_s: Positive
    fans: Annotated[int, Field(ge=1, le=26)]
    fan_speed: Share  # at full load
    natural_draught: Share  # air without fans, share of the air with all fans
    basin_kg: Positive
    full_k: Positive  # cold water at full load
    wet_bulb_k: Positive
    ambient_k: Positive
    barometric_pa: Positive


class OilParameters(Area):
    """Lube, control and gland systems, and the motors of the island."""

    lube_pa: Positive  # gauge value plus barometric is shown; this is the pressure above ambient
    dc_share: Share  # of it, from the DC pump alone
    shaft_pump_share: Share  # of nominal speed: the shaft pump's pressure is full above, nothing at two thirds of it
    lube_s: Positive
    oil_k: Positive  # normal, behind the cooler
    oil_position: Share  # of the cooler's water valve at full load
    oil_j_k: Positive
    tank_level: Share
    control_pa: Positive
    control_up_s: Positive
    control_down_s: Positive  # accumulators
    gland_pa: Positive  # above ambient
    gland_position: Share
    gland_s: Positive
    start_s: Positive  # run-up of a motor
    coast_s: Positive


class GovernorParameters(Area):
    """The turbine's own PLC: speed and load control, trips, synchroniser; speeds in 1/s."""

    gain: Positive  # valve position over speed deviation, shares: the inverse of the droop
    integral_s: Positive  # of the speed control when not on the grid
    load_s: Positive  # of the load control on the grid
    dead_band_hz: NotNegative
    speed_rate_hz_s: Positive
    load_rate_w_s: Positive
    speed_span_hz: Positive  # of the set-point signal
    load_span_w: Positive
    voltage_span_v: Positive
    overspeed_hz: Positive
    second_overspeed_hz: Positive
    island_overspeed_hz: Positive  # while the generator feeds the house alone
    armed_hz: Positive  # oil trips act above it
    lube_trip_pa: Positive
    lube_start_pa: Positive  # starts the AC and DC pumps
    control_trip_pa: Positive
    control_start_pa: Positive  # starts the second pump
    oil_delay_s: NotNegative
    reverse_w: Positive
    reverse_s: Positive
    under_speed_hz: Positive  # a tripped turbine gives up the house load
    slip_hz: Positive  # greatest slip for closing; the synchroniser aims at half of it
    voltage_band: Positive
    angle_rad: Positive


@dataclass(frozen=True, slots=True)
class IslandParameters:
    """All areas; the field names are those of the configuration."""

    turbine_steam: TurbineSteamParameters
    shaft: ShaftParameters
    generator: GeneratorParameters
    condensate: CondensateParameters
    condensers: CondenserParameters
    tank: TankParameters
    bypass: BypassParameters
    cooling: CoolingParameters
    oil: OilParameters
    governor: GovernorParameters


AREAS: dict[str, type[Area]] = {
    "turbine_steam": TurbineSteamParameters,
    "shaft": ShaftParameters,
    "generator": GeneratorParameters,
    "condensate": CondensateParameters,
    "condensers": CondenserParameters,
    "tank": TankParameters,
    "bypass": BypassParameters,
    "cooling": CoolingParameters,
    "oil": OilParameters,
    "governor": GovernorParameters,
}
