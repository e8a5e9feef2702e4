"""The simulator's parameters, read from ``process:`` of the configuration: SI units, pressures absolute.

Most of them are **design points** (a flow and the pressure drop at that flow), the figures of a data sheet; the
coefficients of the equations are calculated from them at start. "Full load" (100 %) is ``steam.full_flow_kg_s`` of
every line at the turbine's inlet pressure ``turbine.inlet_pa``. Common equipment is sized by shares of what all lines
need together, so a third line needs no new figure.

An instance with any of the areas ``drum, heat, feedwater, steam`` is a boiler line and needs all four; one with any
of ``pumps, deaerator, header, turbine`` is the common part and needs all four. There is one common part.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from controller.core.errors import ConfigError, Issue

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
    full_riser_quality: Share  # steam mass share at the riser outlet at full load; fixes the downcomer area
    metal_lag_s: Positive  # of the drum wall temperatures behind saturation
    blowdown_kg_s: Annotated[float, Field(ge=0)]  # at full load
    heater_steam_kg_s: Annotated[float, Field(ge=0)]  # drum steam to the air heater at full load


class HeatParameters(Area):
    """Heat input of one line, and what is left of it without the firing release."""

    fast_s: Positive  # gas and volatiles: follows the release
    bed_share: Share  # share of the heat that stands in the burning bed when the release is lost
    decay_s: Positive  # of the bed without release
    relight_s: Positive  # of the bed after the release is back


class FeedwaterParameters(Area):
    """From the feedwater header through the valve and the economiser to the drum."""

    full_valve_position: Share  # main valve at full load
    full_valve_dp_pa: Positive  # over the valves at full load
    rangeability: Annotated[float, Field(gt=1)]  # of the equal-percentage valves; both shut tight
    startup_valve_share: Share  # capacity of the start-up valve, share of the main one
    upstream_dp_pa: Positive  # header to valve, at full flow
    downstream_dp_pa: Positive  # valve to drum without the height, at full flow
    static_pa: Annotated[float, Field(ge=0)]  # height of the drum above the pumps
    economiser_kg: Positive  # water and metal of the economiser as a mass of water
    full_economiser_k: Positive  # water leaving the economiser at full load


class SteamParameters(Area):
    """Superheater, main steam line, start-up vent and safety valves of one line."""

    full_flow_kg_s: Positive  # main steam leaving the boiler: 100 %
    full_temperature_k: Positive  # at full load
    maximum_k: Positive  # what spray water keeps the steam below
    superheater_s: Positive  # lag of the outlet temperature at full flow; grows as the flow falls
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
    storage_kg_pa: Positive  # water that the header takes up per pressure, for each line


class DeaeratorParameters(Area):
    """The feedwater tank, a boundary with constant state."""

    temperature_k: Positive
    pressure_pa: Positive


class HeaderParameters(Area):
    """The main steam header."""

    volume_m3: Positive  # for each line
    auxiliary_share: Annotated[float, Field(ge=0, lt=1)]  # of full steam flow to ejectors, glands, sampling


class TurbineParameters(Area):
    """Turbine admission: its own controller holds the inlet pressure ("turbine follows boiler")."""

    inlet_pa: Positive  # set-point of the inlet pressure
    inlet_dp_pa: Positive  # header to inlet at full load
    full_admission: Share  # position of the control valves at full load
    admission_s: Positive  # full stroke of the control valves
    gain_per_pa: Positive  # position per pressure
    integral_s: Positive


@dataclass(frozen=True, slots=True)
class LineParameters:
    """One boiler line."""

    drum: DrumParameters
    heat: HeatParameters
    feedwater: FeedwaterParameters
    steam: SteamParameters


@dataclass(frozen=True, slots=True)
class CommonParameters:
    """What the lines share."""

    pumps: PumpParameters
    deaerator: DeaeratorParameters
    header: HeaderParameters
    turbine: TurbineParameters


@dataclass(frozen=True, slots=True)
class Parameters:
    """All parameters by instance, in the order of the configuration."""

    lines: dict[str, LineParameters]
    common: dict[str, CommonParameters]  # exactly one


LINE_AREAS: dict[str, type[Area]] = {
    "drum": DrumParameters,
    "heat": HeatParameters,
    "feedwater": FeedwaterParameters,
    "steam": SteamParameters,
}
COMMON_AREAS: dict[str, type[Area]] = {
    "pumps": PumpParameters,
    "deaerator": DeaeratorParameters,
    "header": HeaderParameters,
    "turbine": TurbineParameters,
}


def read(process: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Parameters:
    """Check ``Config.process``; ConfigError with every unknown, missing or impossible parameter."""
    issues: list[Issue] = []
    lines: dict[str, LineParameters] = {}
    common: dict[str, CommonParameters] = {}
    for instance, areas in process.items():
        if not areas:
            continue
        known = COMMON_AREAS if set(areas) & set(COMMON_AREAS) else LINE_AREAS
        found = _areas(instance, areas, known, issues)
        if len(found) < len(known):
            continue
        if known is LINE_AREAS:
            lines[instance] = LineParameters(**found)  # pyright: ignore[reportArgumentType]  typed by the area table
        else:
            common[instance] = CommonParameters(**found)  # pyright: ignore[reportArgumentType]  as above
    if not issues and not lines:
        issues.append(_issue("process", f"no boiler line: none has the areas {', '.join(LINE_AREAS)}"))
    if not issues and len(common) != 1:
        names = ", ".join(common) or "none"
        issues.append(_issue("process", f"exactly one instance must have {', '.join(COMMON_AREAS)}; found {names}"))
    if issues:
        raise ConfigError(issues)
    return Parameters(lines, common)


def _areas(
    instance: str,
    areas: Mapping[str, Mapping[str, float]],
    known: Mapping[str, type[Area]],
    issues: list[Issue],
) -> dict[str, Area]:
    found: dict[str, Area] = {}
    issues.extend(
        _issue(f"{instance}.process.{name}", f"unknown area; known here: {', '.join(known)}")
        for name in areas
        if name not in known
    )
    for name, model in known.items():
        if name not in areas:
            issues.append(_issue(f"{instance}.process.{name}", "missing area of the simulator's parameters"))
            continue
        try:
            found[name] = model.model_validate(_whole_counts(areas[name], model))
        except ValidationError as exc:
            issues.extend(
                _issue(
                    ".".join((instance, "process", name, *(str(part) for part in error["loc"]))),
                    f"{error['msg']}; found {error['input']!r}"
                    if error["type"] != "missing"
                    else "missing parameter; the names stand in plc_sim/process/parameters.py",
                )
                for error in exc.errors()
            )
    return found


def _whole_counts(values: Mapping[str, float], model: type[Area]) -> dict[str, float | int]:
    """Turn 3.0 into 3 where the model wants a whole number: the configuration knows floats only."""
    return {
        name: int(value)
        if name in model.model_fields and model.model_fields[name].annotation is int and float(value).is_integer()
        else value
        for name, value in values.items()
    }


def _issue(where: str, text: str) -> Issue:
    return Issue("process parameters", 0, where, text)
