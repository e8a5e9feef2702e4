"""All parameters of the simulated plant, read from ``process:`` of the configuration and checked in one run.

An instance that has any area of a boiler line is one and needs all of them; one that has any area of the common part
is that and needs all of those. There is one common part.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from controller.core.errors import ConfigError, Issue
from plc_sim.process import (
    combustion_parameters,
    flue_gas_parameters,
    services_parameters,
    turbine_island_parameters,
)
from plc_sim.process.combustion_parameters import CombustionParameters
from plc_sim.process.convection_parameters import ConvectionParameters
from plc_sim.process.flue_gas_design import LineParameters as FlueGasParameters
from plc_sim.process.flue_gas_parameters import ReagentParameters
from plc_sim.process.parameters import (
    Area,
    DrumParameters,
    FeedwaterParameters,
    HeaderParameters,
    HouseParameters,
    OperationParameters,
    PumpParameters,
    SteamParameters,
)
from plc_sim.process.services import ServicesParameters
from plc_sim.process.turbine_island_parameters import IslandParameters


@dataclass(frozen=True, slots=True)
class LineParameters:
    """One boiler line."""

    drum: DrumParameters
    feedwater: FeedwaterParameters
    steam: SteamParameters
    operation: OperationParameters
    combustion: CombustionParameters
    convection: ConvectionParameters
    flue_gas: FlueGasParameters


@dataclass(frozen=True, slots=True)
class CommonParameters:
    """What the lines share."""

    pumps: PumpParameters
    header: HeaderParameters
    house: HouseParameters
    island: IslandParameters
    services: ServicesParameters
    reagents: ReagentParameters


@dataclass(frozen=True, slots=True)
class Parameters:
    """All parameters by instance, in the order of the configuration."""

    lines: dict[str, LineParameters]
    common: dict[str, CommonParameters]  # exactly one


LINE_AREAS: dict[str, type[Area]] = {
    "drum": DrumParameters,
    "feedwater": FeedwaterParameters,
    "steam": SteamParameters,
    "operation": OperationParameters,
    **combustion_parameters.AREAS,
    "convection": ConvectionParameters,
    **flue_gas_parameters.LINE_AREAS,
}
COMMON_AREAS: dict[str, type[Area]] = {
    "pumps": PumpParameters,
    "header": HeaderParameters,
    "house": HouseParameters,
    **turbine_island_parameters.AREAS,
    **services_parameters.AREAS,
    **flue_gas_parameters.COMMON_AREAS,
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
            lines[instance] = _line(found)
        else:
            common[instance] = _common(found)
    if not issues and not lines:
        issues.append(_issue("process", f"no boiler line: none has the areas {', '.join(LINE_AREAS)}"))
    if not issues and len(common) != 1:
        names = ", ".join(common) or "none"
        issues.append(_issue("process", f"exactly one instance must have {', '.join(COMMON_AREAS)}; found {names}"))
    if issues:
        raise ConfigError(issues)
    return Parameters(lines, common)


def _line(found: dict[str, Area]) -> LineParameters:
    """Sort the areas of a line to their pieces; the area tables give the types."""
    rest = dict(found)
    combustion = {name: rest.pop(name) for name in combustion_parameters.AREAS}
    flue_gas = {name: rest.pop(name) for name in flue_gas_parameters.LINE_AREAS}
    return LineParameters(
        combustion=CombustionParameters(**combustion),  # pyright: ignore[reportArgumentType]  typed by the area table
        flue_gas=FlueGasParameters.of(flue_gas),
        **rest,  # pyright: ignore[reportArgumentType]  as above
    )


def _common(found: dict[str, Area]) -> CommonParameters:
    rest = dict(found)
    island = {name: rest.pop(name) for name in turbine_island_parameters.AREAS}
    served = {name: rest.pop(name) for name in services_parameters.AREAS}
    return CommonParameters(
        services=ServicesParameters(**served),  # pyright: ignore[reportArgumentType]  typed by the area table
        island=IslandParameters(**island),  # pyright: ignore[reportArgumentType]  typed by the area table
        **rest,  # pyright: ignore[reportArgumentType]  as above
    )


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
                    else f"missing parameter; the names stand with {model.__name__} in plc_sim/process",
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
