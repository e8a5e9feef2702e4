"""From files to the plant: instances, groups of sensors, references, hashes."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.core import models
from controller.core.config import Config, area_of, load, with_devices
from controller.core.config.groups import difference_unit
from controller.core.config.words import closest
from controller.core.errors import ConfigError
from controller.core.units import UNITS

SHIPPED = Path(__file__).parents[2] / "plants" / "boilers"

Edit = Callable[[str, str, str], Config]


@pytest.fixture(scope="module")
def shipped() -> Config:
    return load(SHIPPED)


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """Return a function that loads the shipped plant with one text replaced in one file."""

    def edit(file: str, old: str, new: str) -> Config:
        folder = tmp_path / "plant"
        shutil.copytree(SHIPPED, folder, dirs_exist_ok=True)
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
        return load(folder)

    return edit


def test_every_instance_of_a_template_has_the_same_items(shipped: Config) -> None:
    one = [key.removeprefix("L1-") for key, tag in shipped.tags.items() if tag.instance == "L1"]
    two = [key.removeprefix("L2-") for key, tag in shipped.tags.items() if tag.instance == "L2"]
    assert one == two
    assert {"L1/A2", "L2/A2"} <= set(shipped.actions)
    assert {"L1-UZ-03", "L2-UZ-03", "C0-UZ-12"} <= set(shipped.protection)


def test_a_group_becomes_channels_voted_value_and_spread(shipped: Config) -> None:
    for letter, address in (("A", 100), ("B", 101), ("C", 102)):
        channel = shipped.tags[f"L2-LT-1401{letter}"].spec
        assert channel.input is not None
        assert (channel.input.device, channel.input.address) == ("L2", address)
        assert channel.title.en == f"Drum level {letter}"
        assert channel.instrument is not None
        assert channel.alarms is not None
        assert channel.alarms.bad is not None
        assert channel.alarms.hi is None
    voted = shipped.tags["L2-LT-1401"].spec
    assert voted.input is None
    assert voted.instrument is None
    assert voted.derived == models.Median(kind="median", of=["L2-LT-1401A", "L2-LT-1401B", "L2-LT-1401C"])
    assert voted.alarms is not None
    assert voted.alarms.hi is not None
    assert voted.alarms.bad is None
    spread = shipped.tags["L2-LT-1401.DEV"].spec
    assert isinstance(spread.derived, models.Spread)
    assert spread.range == models.Range(lo=0, hi=700)
    assert spread.alarms is not None
    assert spread.alarms.hi is not None
    assert spread.alarms.hi.limit == 40


def test_no_group_is_left_and_every_tag_has_one_source(shipped: Config) -> None:
    for tag in shipped.tags.values():
        assert tag.spec.group is None
        sources = (tag.spec.input, tag.spec.output, tag.spec.derived, tag.spec.system)
        assert sum(source is not None for source in sources) == 1


def test_references_are_full_keys_everywhere(shipped: Config) -> None:
    assert shipped.loops["L2-LIC-1401"].spec.output == "L2-FIC-1601"
    assert shipped.actions["L2/A10"].spec.force == {"L2-FV-1601.OP": 0, "L2-FV-1602.OP": 0}
    row = shipped.protection["L2-UZ-03"].spec
    assert row.votes["a"].of == ["L2-LT-1401A", "L2-LT-1401B", "L2-LT-1401C"]
    assert row.armed_when == "L2-XY-1401"
    assert row.actions == ["L2/A2"]


def test_a_reference_to_a_template_means_every_instance(shipped: Config) -> None:
    derived = shipped.tags["C0-PDY-3005"].spec.derived
    assert isinstance(derived, models.Lowest)
    assert derived.of == ["L1-PDT-1602", "L2-PDT-1602"]
    assert shipped.protection["C0-UZ-12"].spec.actions == ["L1/A2", "L2/A2"]


def test_a_reference_may_name_one_instance(edited: Edit) -> None:
    config = edited("line/steam.yaml", "of: FT-1501, tau_s: 3", "of: C0/FT-3104, tau_s: 3")
    derived = config.tags["L2-FY-1502"].spec.derived
    assert isinstance(derived, models.Lag)
    assert derived.of == "C0-FT-3104"


def test_a_third_line_needs_plant_yaml_only(edited: Edit) -> None:
    instance = "  L3:\n    template: line\n    title: {en: Line 3, ru: Линия 3}\n    devices: {line: L3}\n  C0:\n"
    device = "  L3:\n    title: {en: PLC 3, ru: ПЛК 3}\n    port: 5023\n"
    device += "    supervision: {heartbeat: 0, planned_stop: 1, watchdog_ms: 2, plc_counter: 0}\n"
    text = (SHIPPED / "plant.yaml").read_text(encoding="utf-8")
    config = edited("plant.yaml", text, text.replace("  C0:\n", instance, 1) + device)
    assert config.protection["C0-UZ-12"].spec.actions == ["L1/A2", "L2/A2", "L3/A2"]
    assert config.process["L3"] == config.process["L1"]


def test_items_know_where_they_are_written(shipped: Config) -> None:
    tag = shipped.tags["L1-LT-1401B"]
    lines = (SHIPPED / tag.file).read_text(encoding="utf-8").splitlines()
    assert (tag.file, lines[tag.line - 1]) == ("line/drum.yaml", "  LT-1401:")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("line/drum.yaml", "en: Drum level,", "en: Level of the drum,"),
        ("line/drum.yaml", "en: Repair the transmitter within 72 h", "en: Repair it"),
        ("line/protection.yaml", "why: Riser tubes", "why: The riser tubes"),
        ("line/protection.yaml", "source: Cause-and-effect matrix of the plant, row 3", "source: HAZOP"),
        ("plant.yaml", "en: Line 1", "en: First line"),
        ("plant.yaml", "en: Turbine", "en: Steam turbine"),
        ("plant.yaml", "port: 5020", "port: 6020"),
    ],
)
def test_words_and_network_places_change_no_hash(edited: Edit, shipped: Config, file: str, old: str, new: str) -> None:
    config = edited(file, old, new)
    assert config.hash == shipped.hash
    assert {key: tag.hash for key, tag in config.tags.items()} == {key: tag.hash for key, tag in shipped.tags.items()}


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("line/feedwater.yaml", "kp: 0.5", "kp: 0.6", {"L1-FIC-1601", "L2-FIC-1601"}),
        ("line/protection.yaml", "delay_s: 10", "delay_s: 11", {"L1-UZ-04", "L2-UZ-04"}),
        ("line/steam.yaml", "limit: 5.64", "limit: 5.65", {"L1-XY-1501", "L2-XY-1501"}),
        ("common/steam.yaml", "address: 109", "address: 119", {"C0-FT-3104"}),
        ("line/steam.yaml", "noise: 0.1}", "noise: 0.2}", set[str]()),
        ("line/simulator.yaml", "metal_kg: 180000", "metal_kg: 190000", set[str]()),
    ],
)
def test_behaviour_changes_the_hash_of_its_item_only(
    edited: Edit, shipped: Config, file: str, old: str, new: str, changed: set[str]
) -> None:
    def hashes(config: Config) -> dict[str, str]:
        items = [*config.tags.values(), *config.loops.values(), *config.protection.values()]
        return {item.key: item.hash for item in items}

    config = edited(file, old, new)
    before, after = hashes(shipped), hashes(config)
    assert {key for key in before if before[key] != after[key]} == changed
    assert config.hash != shipped.hash


def test_devices_can_be_moved_without_touching_anything_else(shipped: Config) -> None:
    moved = with_devices(shipped, {"L1": ("10.0.0.5", 502)})
    assert (moved.plant.devices["L1"].host, moved.plant.devices["L1"].port) == ("10.0.0.5", 502)
    assert moved.plant.devices["L2"] == shipped.plant.devices["L2"]
    assert moved.hash == shipped.hash
    assert shipped.plant.devices["L1"].port == 5020


def test_moving_an_unknown_device_names_the_known_ones(shipped: Config) -> None:
    with pytest.raises(ConfigError, match=r"devices\.L9: unknown device; known: C0, L1, L2"):
        with_devices(shipped, {"L9": ("127.0.0.1", 1)})


def test_a_mistake_in_a_template_is_reported_once_for_all_lines(edited: Edit) -> None:
    with pytest.raises(ConfigError) as caught:
        edited("line/feedwater.yaml", "of: [PT-1603, PT-1403]", "of: [PT-1603, TT-1604]")
    assert len(caught.value.issues) == 1
    assert not re.search(r"\bL[12]\b", str(caught.value))


def test_the_area_is_the_first_two_of_four_digits() -> None:
    assert area_of("L1-LT-1401A") == "14"
    assert area_of("C0-P-3010A.CMD") == "30"
    assert area_of("C0-SYS-SCAN-MS") == ""
    assert area_of("L1-UZ-03") == ""


def test_every_difference_has_a_unit_without_an_offset() -> None:
    assert difference_unit("°C") == "K"
    assert difference_unit("MPa(g)") == "MPa"
    assert difference_unit("kPa(a)") == "kPa"
    assert difference_unit("mm") == "mm"
    for name in UNITS:
        assert UNITS[difference_unit(name)].offset == 0.0
        assert not UNITS[difference_unit(name)].is_gauge


def test_letters_that_look_like_digits_are_seen() -> None:
    assert closest("CO", ["C0", "L1"]) == "C0"
    assert closest("LT-l40l", ["LT-1401", "PT-1403"]) == "LT-1401"
    assert closest("zzz", ["LT-1401"]) == ""
