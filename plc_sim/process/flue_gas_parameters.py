"""Parameters of flue-gas cleaning, ID fan, stack and CEMS: design points at full load ("full") and constants.

The coefficients of the equations follow from the design points at start (``flue_gas_design``). All is SI; pressures of
the duct are gauge.
"""

from typing import Annotated

from pydantic import BeforeValidator, Field

from plc_sim.process.parameters import Area, Positive, Share


def _whole(value: object) -> object:
    """Turn 3.0 into 3: the configuration knows floats only."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Count = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=26)]
NotNegative = Annotated[float, Field(ge=0)]
Flag = Annotated[float, Field(ge=0, le=1)]


class RawGasParameters(Area):
    """Gas behind the economiser at full load: the point at which everything else is designed."""

    gas_nm3_s: Positive  # wet
    gas_k: Positive
    o2: Share  # wet volume shares
    h2o: Share
    co2: Share
    nox_kg_s: Positive  # before any ammonia
    co_kg_s: Positive
    hcl_kg_s: Positive
    so2_kg_s: Positive
    hf_kg_s: Positive
    toc_kg_s: Positive
    dust_kg_s: Positive
    hg_kg_s: Positive
    roof_k: Positive  # furnace gas at the last air, at the 2 s plane, behind the first pass
    plane_k: Positive
    pass_k: Positive


class DosingParameters(Area):
    """What valves and feeders pass when fully open, and their lags."""

    ammonia_kg_s: Positive  # ammonia water
    ammonia_share: Share  # NH3 in it
    carrier_kg_s: Positive
    full_carrier_kg_s: Positive  # at the start
    dilution_kg_s: Positive
    slurry_kg_s: Positive
    slurry_lime_share: Share  # Ca(OH)2 in it
    quench_kg_s: Positive
    lime_kg_s: Positive
    carbon_kg_s: Positive
    ammonia_s: Positive
    water_s: Positive
    slurry_s: Positive
    feeder_s: Positive
    water_k: Positive  # temperature of water, slurry and ammonia water


class SncrParameters(Area):
    """Ammonia into the furnace: window, ratio, slip. Places: 0 roof, 1 the 2 s plane, 2 first pass outlet."""

    level_1: Annotated[float, Field(ge=0, le=2)]  # where the lances of each level are
    level_2: Annotated[float, Field(ge=0, le=2)]
    level_3: Annotated[float, Field(ge=0, le=2)]
    best_k: Positive  # middle of the temperature window
    below_k: Positive  # width of the window on its cold and its hot side (1/e)
    above_k: Positive
    efficiency: Share  # of the NOx in the middle of the window with any amount of ammonia
    full_ratio: Positive  # NH3 over NOx, molar, at the start
    ratio_k: Annotated[float, Field(gt=0, lt=1.2)]  # efficiency * (1 - exp(-ratio_k * NSR))
    slip_share: Share  # of the ammonia that meets no NOx, at ``best_k``; the rest burns to N2
    slip_doubling_k: Positive  # it doubles for every so much colder
    oxidation_share: Share  # of the ammonia that burns to NO far above the window
    oxidation_k: Positive  # half of it there
    oxidation_width_k: Positive
    line_kg: Positive  # liquid between mixing skid and lances
    air_pa: Positive  # atomising air, gauge, behind its reducer


class ReactorParameters(Area):
    """Semi-dry reactor with rotary atomiser."""

    thermal_s: Positive  # gas and what follows its temperature, time constant at full gas flow
    full_out_k: Positive  # gas leaving it at full load; fixes the dilution water at the start
    wet_k: Positive  # gas temperature below which no water evaporates
    dry_k: Positive  # above it all does
    atomiser_hz: Positive
    atomiser_start_s: Positive
    atomiser_coast_s: Positive
    coarse_share: Share  # share of full speed at which nothing is atomised
    fine_share: Share  # from which on all is
    vibration_m_s: Positive
    bearing_rise_k: Positive
    bearing_s: Positive


class SorptionParameters(Area):
    """Removal ``1 - exp(-k * stoichiometric ratio)`` of each acid, split between reactor and filter cake."""

    hcl_k: Positive  # per stoichiometric ratio, at ``full_ratio`` and ``best_k``
    so2_k: Positive
    hf_k: Positive
    hg_k: Positive  # exponent of mercury at the full carbon dose
    full_ratio: Positive  # lime fed over lime needed, at the start
    slurry_ratio: Positive  # of that as slurry
    carbon_kg_s: Positive  # dose at full load
    direct_share: Share  # of the exponents that acts at once, before the cake
    best_k: Positive  # gas temperature of the constants
    loss_per_k: NotNegative  # of the exponents, for hotter gas
    highest: Positive  # the colder gas gains at most this factor
    humidity_gain: NotNegative  # of the exponents per volume share of water above full load
    half_share: Positive  # cake inventory, share of the full one, at which the cake does half of what it can
    open_loss: Share  # of the cake's exponents directly after a pulse


class FilterParameters(Area):
    """Bag filter. ``dp = (cloth + residual + specific * cake) * velocity``."""

    compartments: Count
    area_m2: Positive  # of all compartments
    cloth_pa_s_m: Positive
    residual_pa: Positive  # of what no pulse removes, at full gas flow
    cake_pa_s: Positive  # rise of the pressure difference at full load
    full_dp_pa: Positive  # in the middle of a cleaning cycle; fixes the cake at the start
    bypass_pa: Positive  # bypass at full flow with both dampers open
    pulse_share: Share  # of the removable cake that one pulse takes off
    offline_share: Share  # the same in a compartment without gas
    penetration: Share  # of the dust through whole bags
    open_penetration: NotNegative  # times more directly after a pulse
    fresh_kg_m2: Positive  # deposit that closes the cloth again
    torn_bag: Share  # share of the gas through one torn bag
    torn_pulse: NotNegative  # dust from a torn bag rises so many times directly after a pulse
    salt_k: Positive  # ammonium salts stick below this temperature
    salt_per_k_s: NotNegative  # rise of the cake's resistance at full slip, share per K and s
    salt_decay_s: Positive
    tank_pa: Positive  # pulse air, gauge, behind its reducer
    pulse_drop: Share  # of the tank pressure, by one pulse
    tank_s: Positive  # refilling
    hopper_kg: Positive  # in one hopper at its high switch
    rotary_kg_s: Positive  # of one hopper
    heater_k: Positive  # hopper over ambient with the heater on for ever
    hopper_s: Positive
    gas_share: Share  # of gas over ambient that a hopper takes without heater
    detector: Share  # broken-bag detector at full dust flow


class DraughtParameters(Area):
    """Duct from economiser to the top of the stack: gauge pressures at full load, air leaking in, heat lost."""

    economiser_pa: float
    filter_in_pa: float
    filter_out_pa: float
    fan_in_pa: float
    fan_out_pa: float
    stack_height_m: Positive
    stack_bore_m: Positive
    clean_nm3_s: Positive  # wet gas behind the filter at full load
    filter_k: Positive  # its temperature in the filter and behind the fan, at full load
    fan_k: Positive
    leak_nm3_s: Positive  # air into filter and ducts
    conveying_nm3_s: Positive  # air of both blowers
    inlet_w_k: Positive  # heat lost per K over ambient: economiser to reactor, reactor to filter, filter, fan and stack
    duct_w_k: Positive
    filter_w_k: Positive
    stack_w_k: Positive
    inlet_s: Positive  # thermal lags at full gas flow: economiser to reactor
    duct_s: Positive  # reactor to filter
    filter_s: Positive
    stack_s: Positive
    transport_s: Positive  # all of the gas path from furnace to stack at full flow


class FanParameters(Area):
    """ID fan: ``rise = shutoff * speed^2 - c * volume^2``."""

    shutoff_pa: Positive  # at full speed
    full_speed: Share  # at full load
    efficiency: Share  # of the fan
    drive_efficiency: Share  # of motor and converter
    damper_pa: Positive  # over the open damper at full load
    speed_s: Positive  # lag behind the converter
    coast_s: Positive
    volt: Positive
    power_factor: Share
    rated_w: Positive
    bearing_rise_k: Positive
    bearing_s: Positive
    winding_rise_k: Positive  # at rated power
    winding_s: Positive
    vibration_m_s: Positive  # at full speed


class CemsParameters(Area):
    """What the analysers of a stack have in common."""

    lags: Count  # equal lags behind the dead time
    zero_every_s: Positive
    zero_s: Positive
    span_every_s: Positive
    span_s: Positive
    h2o: Share  # water in the gas for which cross sensitivity is corrected
    warning_share: Positive  # drift that a cycle finds, share of the low range, for QAL3 states 1 and 2
    out_share: Positive
    changeover_s: Positive  # until the standby unit shows the gas of its new stack


class AnalyserParameters(Area):
    """One analyser: ranges in SI, response, drift."""

    low: Positive
    high: Positive
    response_s: Positive  # dead time and lags to 63.2 %
    dead_s: Positive
    is_dry: Flag  # 1: measures behind a cooler
    humidity_cross: float  # reading per volume share of water above full load, share of ``low``
    zero_drift_per_day: float  # share of ``low``
    span_drift_per_day: float


class ReagentParameters(Area):
    """Stores that the lines share, full contents and levels at the start."""

    lime_silo_kg: Positive  # one of two
    slurry_tank_kg: Positive
    carbon_silo_kg: Positive
    ammonia_tank_kg: Positive
    slaker_kg_s: Positive  # slurry made while the slaker runs
    level: Share  # at the start
    carbon_co: NotNegative  # share
    inert_s: Positive  # nitrogen pushes the CO out
    gas_s: Positive  # ammonia in the air of the tank area
    curtain_share: Share  # of it that passes the water curtain


ANALYSERS = ("nox", "co", "so2", "hcl", "hf", "nh3", "toc", "dust", "hg", "o2", "h2o", "co2")
ANALYSER_AREA = "cems_"  # begins the names of the analysers' areas
LINE_AREAS: dict[str, type[Area]] = {
    "raw_gas": RawGasParameters,
    "dosing": DosingParameters,
    "sncr": SncrParameters,
    "reactor": ReactorParameters,
    "sorption": SorptionParameters,
    "filter": FilterParameters,
    "draught": DraughtParameters,
    "id_fan": FanParameters,
    "cems": CemsParameters,
    **{f"{ANALYSER_AREA}{name}": AnalyserParameters for name in ANALYSERS},
}
COMMON_AREAS: dict[str, type[Area]] = {"reagents": ReagentParameters}
