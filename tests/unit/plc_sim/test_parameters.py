"""Parameters of the simulator: every mistake is named, in one run."""

import pytest

from controller.core.errors import ConfigError
from plc_sim.process import plant_parameters

Process = dict[str, dict[str, dict[str, float]]]


def broken(process: Process, *path: str, value: float | None) -> Process:
    copy = {i: {a: dict(p) for a, p in areas.items()} for i, areas in process.items()}
    target: dict[str, dict[str, float]] = copy[path[0]]
    if len(path) == 2:
        del target[path[1]]
    elif value is None:
        del target[path[1]][path[2]]
    else:
        target[path[1]][path[2]] = value
    return copy


def message(process: Process) -> str:
    with pytest.raises(ConfigError) as caught:
        plant_parameters.read(process)
    return str(caught.value)


def test_a_complete_configuration_is_read_in_its_order(process: Process) -> None:
    read = plant_parameters.read(process)
    assert list(read.lines) == ["L1", "L2"]
    assert list(read.common) == ["C0"]


def test_a_missing_parameter_is_named_with_its_place(process: Process) -> None:
    assert "L2.process.drum.volume_m3: missing" in message(broken(process, "L2", "drum", "volume_m3", value=None))


def test_an_unknown_parameter_is_named_with_what_was_found(process: Process) -> None:
    assert "L1.process.steam.flow_kg_s" in message(broken(process, "L1", "steam", "flow_kg_s", value=31.0))


def test_an_impossible_value_is_named(process: Process) -> None:
    text = message(broken(process, "C0", "pumps", "rated_share", value=1.5))
    assert "C0.process.pumps.rated_share" in text
    assert "1.5" in text


def test_half_a_pump_is_refused(process: Process) -> None:
    assert "C0.process.pumps.count" in message(broken(process, "C0", "pumps", "count", value=2.5))


def test_a_negative_value_is_named_in_every_piece(process: Process) -> None:
    places = (("L1", "waste", "moisture"), ("L2", "convection", "sp1_position"), ("C0", "house", "other_w"))
    for instance, area, name in places:
        text = message(broken(process, instance, area, name, value=-0.5))
        assert f"{instance}.process.{area}.{name}" in text
        assert "-0.5" in text


def test_a_missing_area_is_named(process: Process) -> None:
    assert "L1.process.furnace: missing area" in message(broken(process, "L1", "furnace", value=None))


def test_an_unknown_area_is_named_with_those_that_exist(process: Process) -> None:
    process["L1"] = process["L1"] | {"boiler": {}}
    assert "L1.process.boiler: unknown area; known here: drum" in message(process)


def test_all_mistakes_come_in_one_run(process: Process) -> None:
    process = broken(process, "L1", "drum", "volume_m3", value=-1.0)
    process = broken(process, "C0", "shaft", "nominal_hz", value=None)
    text = message(process)
    assert len(text.splitlines()) == 2
    assert "L1.process.drum.volume_m3" in text
    assert "C0.process.shaft.nominal_hz: missing" in text


def test_a_plant_without_a_common_part_is_refused(process: Process) -> None:
    del process["C0"]
    assert "exactly one instance must have pumps" in message(process)


def test_a_plant_without_a_boiler_line_is_refused(process: Process) -> None:
    assert "no boiler line: none has the areas drum, feedwater" in message({"C0": process["C0"]})


def test_an_instance_without_areas_is_no_part_of_the_physics(process: Process) -> None:
    assert list(plant_parameters.read(process | {"CEMS": {}}).lines) == ["L1", "L2"]
