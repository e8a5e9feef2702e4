"""Equipment: one entry gives the same tags as all of them written out, and a mistake is said once where it is made."""

import shutil
from pathlib import Path

import pytest

from controller.core.config import Config, load
from controller.core.errors import ConfigError, Issue
from controller.core.schema import schemas

SHIPPED = Path(__file__).parents[2] / "plants" / "boilers"

MOTOR = """
parameters:
  signals: {about: process signals of current and running}
  spares: {about: other run feedbacks, default: $.RUN}
  trip: {about: "limits that rows act on", default: null}
tags:
  .CMD:
    title: {en: run command, ru: команда пуска}
    bool: true
    output: {address: 0, form: bool, safe: 0, fail: {position: 0}}
    actuator: {drives: motor.$.CMD}
  .RUN:
    title: {en: runs, ru: работает}
    bool: true
    input: {address: 3, form: bool}
    instrument: {of: running.$.CMD}
    trip: $trip
    alarms: {active: {priority: low, response: {en: Check $, ru: Проверить $}}}
  .ANY:
    title: {en: runs or another, ru: работает или другой}
    bool: true
    derived: {kind: any, of: [$.RUN, $spares]}
  "":
    unit: A
    range: {lo: 0, hi: 100}
    input: {address: 7}
    instrument: {of: $signals}
"""
ENTRIES = """
equipment:
  P-3020A:
    pattern: motor
    title: {en: Pump A, ru: Насос A}
    device: common
    address: {coil: 40, discrete: 50, input: 60}
    with: {signals: pump.current, spares: P-3020B.RUN}
    why: Stands for both.
  P-3020B:
    pattern: motor
    title: {en: Pump B, ru: Насос B}
    device: common
    address: {coil: 41, discrete: 54, input: 61}
    with: {signals: pump.current}
"""
WRITTEN_OUT = """
tags:
  P-3020A.CMD:
    title: {en: "Pump A, run command", ru: "Насос A, команда пуска"}
    bool: true
    output: {device: common, address: 40, form: bool, safe: 0, fail: {position: 0}}
    actuator: {drives: motor.P-3020A.CMD}
    why: Stands for both.
  P-3020A.RUN:
    title: {en: "Pump A, runs", ru: "Насос A, работает"}
    bool: true
    input: {device: common, address: 53, form: bool}
    instrument: {of: running.P-3020A.CMD}
    alarms: {active: {priority: low, response: {en: Check P-3020A, ru: Проверить P-3020A}}}
    why: Stands for both.
  P-3020A.ANY:
    title: {en: "Pump A, runs or another", ru: "Насос A, работает или другой"}
    bool: true
    derived: {kind: any, of: [P-3020A.RUN, P-3020B.RUN]}
    why: Stands for both.
  P-3020A:
    title: {en: Pump A, ru: Насос A}
    unit: A
    range: {lo: 0, hi: 100}
    input: {device: common, address: 67}
    instrument: {of: pump.current}
    why: Stands for both.
  P-3020B.RUN:
    title: {en: "Pump B, runs", ru: "Насос B, работает"}
    bool: true
    input: {device: common, address: 57, form: bool}
"""


def plant(folder: Path, pattern: str, section: str) -> Path:
    """Copy the shipped plant with a pattern ``motor`` and one more section of the common part."""
    shutil.copytree(SHIPPED, folder)
    if pattern:
        (folder / "patterns" / "motor.yaml").write_text(pattern, encoding="utf-8")
    (folder / "common" / "pumps.yaml").write_text(section, encoding="utf-8")
    return folder


def issues_of(folder: Path) -> tuple[Issue, ...]:
    with pytest.raises(ConfigError) as caught:
        load(folder)
    return caught.value.issues


def of_pump_a(config: Config) -> dict[str, tuple[dict[str, object], str]]:
    tags = {key: tag for key, tag in config.tags.items() if key.startswith("C0-P-3020A")}
    return {key: (tag.spec.model_dump(), tag.hash) for key, tag in tags.items()}


def test_one_entry_is_the_same_as_all_its_tags_written_out(tmp_path: Path) -> None:
    made = load(plant(tmp_path / "made", MOTOR, ENTRIES))
    written = load(plant(tmp_path / "written", "", WRITTEN_OUT))
    assert list(of_pump_a(made)) == list(of_pump_a(written))
    assert of_pump_a(made) == of_pump_a(written)


def test_a_made_tag_is_found_at_the_entry_of_its_device(tmp_path: Path) -> None:
    tag = load(plant(tmp_path / "plant", MOTOR, ENTRIES)).tags["C0-P-3020B.RUN"]
    assert (tag.file, tag.line) == ("common/pumps.yaml", ENTRIES.splitlines().index("  P-3020B:") + 1)


@pytest.mark.parametrize(
    ("old", "new", "where", "text"),
    [
        ("hi: 100", "hi: -100", "$.range", "lo 0 must be below hi -100"),
        ("[$.RUN, $spares]", "[$.RUM, $spares]", "$.ANY.derived.of[1]", "unknown tag $.RUM (did you mean $.RUN?)"),
        ("[$.RUN, $spares]", "[$, $spares]", "$.ANY.derived.of", "$ is no bool tag; any cannot use it"),
        ("position: 0", "position: 2", "$.CMD.output.fail.position", "a bool is 0 or 1, found 2"),
    ],
)
def test_a_mistake_in_a_pattern_is_one_message_for_all_devices(
    tmp_path: Path, old: str, new: str, where: str, text: str
) -> None:
    assert old in MOTOR
    folder = plant(tmp_path / "plant", MOTOR.replace(old, new), ENTRIES)
    (issue,) = issues_of(folder)
    assert (issue.file, issue.where, issue.text) == ("patterns/motor.yaml", where, text)


def test_devices_of_a_broken_pattern_are_known_to_those_who_refer_to_them(tmp_path: Path) -> None:
    section = ENTRIES + "\ntags:\n  XY-3020:\n    title: {en: Any, ru: Любой}\n    bool: true\n"
    section += "    derived: {kind: any, of: [P-3020A.RUN, P-3020B.ANY]}\n"
    (issue,) = issues_of(plant(tmp_path / "plant", MOTOR.replace("about: process", "abuot: process"), section))
    assert (issue.file, issue.where) == ("patterns/motor.yaml", "parameters.signals.abuot")


def test_a_title_of_a_wrong_kind_is_a_mistake_of_the_pattern(tmp_path: Path) -> None:
    broken = MOTOR.replace("{en: runs, ru: работает}", "{en: 7, ru: работает}")
    (issue,) = issues_of(plant(tmp_path / "plant", broken, ENTRIES))
    assert (issue.file, issue.where, issue.text) == ("patterns/motor.yaml", "$.RUN.title.en", "expected text, found 7")


DRIVE = """
extends: motor
parameters:
  rated: {about: upper end of the range}
tags:
  .SPD:
    title: {en: speed, ru: скорость}
    unit: "%"
    range: {lo: 0, hi: $rated}
    input: {address: 8}
"""


def with_drive(folder: Path, drive: str, motor: str = MOTOR) -> Path:
    """Return a plant in which pump B has the pattern ``drive``, which extends ``motor``."""
    head, tail = ENTRIES.split("  P-3020B:")
    tail = tail.replace("pattern: motor", "pattern: drive").replace("{signals: pump", "{rated: 100, signals: pump")
    made = plant(folder, motor, f"{head}  P-3020B:{tail}".replace("discrete: 54, input: 61", "discrete: 54, input: 71"))
    (made / "patterns" / "drive.yaml").write_text(drive, encoding="utf-8")
    return made


def test_a_pattern_has_the_tags_and_parameters_of_the_one_it_extends(tmp_path: Path) -> None:
    tags = load(with_drive(tmp_path / "plant", DRIVE)).tags
    members = [key.removeprefix("C0-P-3020B") for key in tags if key.startswith("C0-P-3020B")]
    assert members == [".CMD", ".RUN", ".ANY", "", ".SPD"]
    places = [source.address for key in ("", ".SPD") if (source := tags[f"C0-P-3020B{key}"].spec.input) is not None]
    assert places == [78, 79]


@pytest.mark.parametrize(
    ("old", "new", "where", "text"),
    [
        ("extends: motor", "extends: moter", "extends", "no file moter.yaml in patterns (did you mean motor?)"),
        ("extends: motor", "extends: drive", "extends", "drive -> drive is a circle"),
        ("rated: {about", "signals: {about", "parameters.signals", "stands in the pattern motor already; delete one"),
        (".SPD:", ".RUN:", "tags..RUN", "stands in the pattern motor already; delete one"),
        ("hi: $rated", "hi: $ratet", "$.SPD.range.hi", "unknown parameter ratet (did you mean rated?)"),
        ("unit: ", "unti: ", "$.SPD.unti", "unknown key (did you mean unit?)"),
    ],
)
def test_a_mistake_of_extending_is_said_in_the_pattern_that_makes_it(
    tmp_path: Path, old: str, new: str, where: str, text: str
) -> None:
    assert old in DRIVE
    issues = issues_of(with_drive(tmp_path / "plant", DRIVE.replace(old, new)))
    assert ("patterns/drive.yaml", where, text) in [(issue.file, issue.where, issue.text) for issue in issues]
    assert {issue.file for issue in issues} == {"patterns/drive.yaml"}


def test_a_mistake_of_an_extended_pattern_is_said_there_and_once(tmp_path: Path) -> None:
    (issue,) = issues_of(with_drive(tmp_path / "plant", DRIVE, MOTOR.replace("safe: 0", "save: 0")))
    assert (issue.file, issue.where) == ("patterns/motor.yaml", "$.CMD.output.save")


def test_an_editor_takes_a_parameter_for_every_value_of_a_pattern() -> None:
    schema = schemas()["pattern.json"]
    (tag,) = schema["properties"]["tags"]["patternProperties"].values()
    filled = {"type": "string", "pattern": r"\$"}
    assert filled in tag["properties"]["rate"]["anyOf"]
    assert filled in schema["$defs"]["AnyOf"]["properties"]["of"]["anyOf"][0]["items"]["anyOf"]
    assert "device" not in schema["$defs"]["Output"]["properties"]
    assert "title" not in tag["required"]
