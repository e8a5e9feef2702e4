# ruff: noqa: E501  the mistakes are a table, one a line
"""``faults.yaml``, broken in one way after the other: each mistake is found, alone, where it stands."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.core.config import load
from controller.core.errors import ConfigError

ROOT = Path(__file__).parents[3] / "config"
GOOD = """\
faults:
  F1:
    number: 1
    title: {en: Wet waste, ru: Влажные отходы}
    expect: {en: Steam falls, ru: Пар падает}
    target: line
    args:
      minutes: {title: {en: time, ru: время}, unit: min, default: 20, lo: 1, hi: 60}
    steps:
      - act: disturbance
        on: ram_moisture/$line
        course: [{after_s: 0, value: 0}, {after_s: {arg: minutes, times: 60}, value: 0.15}]
  F2:
    number: 2
    title: {en: Grid lost, ru: Потеря сети}
    expect: {en: Island, ru: Остров}
    steps:
      - {act: disturbance, on: grid_lost/grid, value: 1, lasts_s: 60}
"""


@dataclass(frozen=True)
class Mistake:
    """``old`` becomes ``new``; the issue stands in the line with ``at`` (the last such) and says ``text``."""

    name: str
    old: str
    new: str
    at: str
    where: str
    text: str


MISTAKES = [
    Mistake("syntax", "number: 2", "number: [2", "number: [2", "YAML", "expected ','"),
    Mistake("name", "  F2:", "  Grid:", "Grid:", "Grid", "a program is called F and a number"),
    Mistake("no_programs", "faults:", "fault:", "fault:\n", "file", "expected one key faults"),
    Mistake("same_number", "number: 2", "number: 1", "number: 1", "F2.number", "1 is the number of F1 already"),
    Mistake("number_of_a_single_fault", "number: 2", "number: 101", "number: 101", "F2.number", "must be <= 99, found 101"),
    Mistake("unknown_key", "lasts_s: 60", "last_s: 60", "last_s", "F2.steps[1].last_s", "did you mean lasts_s?"),
    Mistake("one_language", ", ru: Остров", "", "en: Island", "F2.expect.ru", "missing key"),
    Mistake("unknown_target", "target: line", "target: lime", "target: lime", "F1.target", "no instance is made from a template lime"),
    Mistake("no_target", "    target: line\n", "", "ram_moisture", "F1.steps[1].on", "the program has no target"),
    Mistake("other_target", "$line", "$unit", "$unit", "F1.steps[1].on", "the program has $line"),
    Mistake("unknown_argument", "arg: minutes", "arg: minute", "- act: disturbance", "F1.steps[1]", "did you mean minutes?"),
    Mistake("argument_without_use", "{arg: minutes, times: 60}", "600", "minutes: {", "F1.args.minutes", "no step uses the argument"),
    Mistake("default", "default: 20", "default: 90", "minutes: {", "F1.args.minutes", "default 90 is outside lo 1 to hi 60"),
    Mistake("not_finite", "default: 20", "default: .nan", "minutes: {", "F1.args.minutes.default", "finite number"),
    Mistake("word_for_number", "value: 1,", "value: yes,", "value: yes", "F2.steps[1].value", "found text 'yes'"),
    Mistake("back_in_time", "after_s: {arg: minutes, times: 60}", "after_s: -5", "- act: disturbance", "F1.steps[1]", "goes back in time"),
    Mistake("course_of_one", ", {after_s: {arg: minutes, times: 60}, value: 0.15}", "", "course: [", "F1.steps[1].course", "2"),
    Mistake("before_the_start", "lasts_s: 60", "lasts_s: -1", "lasts_s: -1", "F2.steps[1]", "a time is 0 or later"),
    Mistake("two_values", "value: 1,", "value: 1, course: [{after_s: 0, value: 0}, {after_s: 1, value: 1}],", "- {act",
            "F2.steps[1]", "has a value and a course"),
    Mistake("no_steps", "    steps:\n      - {act: disturbance, on: grid_lost/grid, value: 1, lasts_s: 60}\n", "    steps: []\n",
            "steps: []", "F2.steps", "at least 1"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "almaty", tmp_path / "plant")
    (tmp_path / "plant" / "faults.yaml").write_text(GOOD, encoding="utf-8")
    return tmp_path / "plant"


def test_programs_are_part_of_the_configuration(folder: Path) -> None:
    config = load(folder)
    assert list(config.faults) == ["F1", "F2"]
    assert config.faults["F1"].spec.args["minutes"].default == 20.0
    assert (config.faults["F2"].file, config.faults["F2"].line) == ("faults.yaml", 13)


def test_a_plant_may_have_no_programs(folder: Path) -> None:
    (folder / "faults.yaml").unlink()
    assert load(folder).faults == {}


def test_texts_change_nothing_but_steps_do(folder: Path) -> None:
    before = load(folder).hash
    (folder / "faults.yaml").write_text(GOOD.replace("Island", "House load"), encoding="utf-8")
    assert load(folder).hash == before
    (folder / "faults.yaml").write_text(GOOD.replace("value: 0.15", "value: 0.2"), encoding="utf-8")
    assert load(folder).hash != before


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_named_where_it_stands(folder: Path, mistake: Mistake) -> None:
    assert mistake.old in GOOD
    broken = GOOD.replace(mistake.old, mistake.new)
    (folder / "faults.yaml").write_text(broken, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(folder)
    (issue,) = caught.value.issues
    line = max(n for n, text in enumerate(broken.splitlines(keepends=True), start=1) if mistake.at in text)
    assert (issue.file, issue.line, issue.where) == ("faults.yaml", line, mistake.where), issue
    assert mistake.text in issue.text
