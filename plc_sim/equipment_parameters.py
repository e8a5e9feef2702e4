"""Parameters of what stands between outputs and process: motors, supplies, burner PLC; SI units.

The areas are the simulator's own: ``without`` gives the rest of ``Config.process``, for the physics.
"""

from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import Field, ValidationError

from controller.core.errors import ConfigError, Issue
from plc_sim.process.parameters import Area, Positive, Share

Process = Mapping[str, Mapping[str, Mapping[str, float]]]
AreaModel = TypeVar("AreaModel", bound=Area)
NotNegative = Annotated[float, Field(ge=0)]

ON_DIESEL, ON_BATTERY = "diesel_motors", "battery_motors"  # areas of names: output without instance -> 1


class EquipmentParameters(Area):
    """Supplies, and what is the same in all motors. A motor is sized by the ranges of its meters."""

    air_least_pa: Positive  # of instrument air above ambient: with less the valves go to their fail positions
    bus_least: Share  # of the house voltage: with less the contactors fall
    feedback_s: NotNegative  # from the contactor to the run feedback
    run_up_s: Positive
    coast_s: Positive
    rated_range: Share  # full load as a share of the range of ammeter and power meter
    load: Share  # of the motors whose process does not tell their power, share of full load
    no_load_current: Share  # share of the rated current
    starting_current: Positive  # times the rated current, without converter
    room_k: Positive
    bearing_rise_k: Positive  # at full speed
    bearing_s: Positive
    winding_rise_k: Positive  # at full load
    winding_s: Positive
    vibration_m_s: Positive  # at full speed
    bearing_high_k: Positive
    bearing_trip_k: Positive
    vibration_high_m_s: Positive
    vibration_trip_m_s: Positive
    winding_high_k: Positive
    winding_trip_k: Positive
    trip_s: NotNegative  # how long a trip value has to stand


class BurnerPlcParameters(Area):
    """Flame safety of the burners of one line."""

    purge_nm3: Positive  # air that purges furnace and passes
    purge_s: Positive
    purge_air_nm3_s: Positive  # with less the purge begins again
    kept_air_nm3_s: Positive  # with less no burner burns, and a purge is no longer valid
    hot_k: Positive  # furnace in which gas lights by itself: no purge
    gas_low_pa: Positive  # above ambient
    gas_high_pa: Positive
    lance_s: Positive
    ignitor_s: NotNegative  # ignitor on before the gas
    safety_s: Positive  # gas without a flame
    hold_s: NotNegative  # ignitor and lighting load after the flame has come
    flame_out_s: NotNegative
    valve_open_s: Positive
    valve_close_s: Positive
    light_load: Share
    light_air: Share  # least air damper for a start
    load_per_air: Positive  # most load for an air damper


EQUIPMENT, BURNER_PLC = "equipment", "burner_plc"  # areas of the models above
AREAS = (EQUIPMENT, BURNER_PLC, ON_DIESEL, ON_BATTERY)


def without(process: Process) -> dict[str, dict[str, Mapping[str, float]]]:
    """Return what is not of this module."""
    return {
        instance: {name: values for name, values in areas.items() if name not in AREAS}
        for instance, areas in process.items()
    }


def read(process: Process, instance: str, name: str, model: type[AreaModel]) -> AreaModel:
    """Check one area; ConfigError with every unknown, missing or impossible parameter."""
    path = f"{instance}.process.{name}"
    values = process.get(instance, {}).get(name)
    if values is None:
        raise ConfigError([_issue(path, "missing area of the simulator's parameters")])
    try:
        return model.model_validate(dict(values))
    except ValidationError as exc:
        raise ConfigError(
            [
                _issue(".".join((path, *map(str, error["loc"]))), f"{error['msg']}; found {error['input']!r}")
                for error in exc.errors()
            ]
        ) from exc


def equipment(process: Process) -> EquipmentParameters | None:
    """Return the parameters of motors and supplies; None for a plant that does not model them."""
    found = [instance for instance, areas in process.items() if EQUIPMENT in areas]
    if len(found) > 1:
        text = f"{found[0]} has this area already; one is enough"
        raise ConfigError([_issue(f"{instance}.process.equipment", text) for instance in found[1:]])
    return read(process, found[0], EQUIPMENT, EquipmentParameters) if found else None


def _issue(where: str, text: str) -> Issue:
    return Issue("process parameters", 0, where, text)
