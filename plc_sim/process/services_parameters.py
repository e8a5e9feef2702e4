"""Parameters of what all parts of the plant share: bunker, instrument air, natural gas. SI units."""

from typing import Annotated

from pydantic import Field

from plc_sim.process.parameters import Area, Positive, Share

Count = Annotated[int, Field(ge=1, le=26)]


class BunkerParameters(Area):
    """Waste bunker and its hall, which the primary air fans keep below ambient pressure."""

    capacity_kg: Positive
    level: Share  # normal
    delivery_kg_s: Positive  # mean of the deliveries, as fired
    hottest_k: Positive  # hottest place of the surface, normal
    hottest_s: Positive  # lag with which a fire shows on the surface
    draught_pa: Positive  # hall below ambient at ``draught_nm3_s`` through its leaks
    draught_nm3_s: Positive
    hall_s: Positive  # lag of the hall's pressure
    odour_fan_nm3_s: Positive


class InstrumentAirParameters(Area):
    """Compressors, receiver and users of instrument air; pressures above ambient."""

    compressors: Count  # air.compressor_a, ...
    running: Count  # at full load
    compressor_nm3_s: Positive  # of one compressor
    start_s: Positive
    load_pa: Positive  # below it a running compressor delivers all it can
    unload_pa: Positive  # above it nothing; in between in proportion
    users_nm3_s: Positive
    low_pa: Positive  # below it the users get less than they want, in proportion
    buffer_s: Positive  # time in which the users alone empty the receiver from normal to ``low_pa``


class GasSupplyParameters(Area):
    """Natural gas behind the reducer and the main valve, and the detectors of gas in the boiler house."""

    supply_pa: Positive  # above ambient
    supply_s: Positive  # lag of the pressure behind the main valve
    detectors: Count  # gas_leak.detector_a, ...
    detector_s: Positive  # lag of the gas around a detector: leak against ventilation


AREAS: dict[str, type[Area]] = {
    "bunker": BunkerParameters,
    "instrument_air": InstrumentAirParameters,
    "gas_supply": GasSupplyParameters,
}
