"""The proof plays its cases in processes of their own and writes what each seed reached."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from controller.core.config import load
from controller.core.errors import PlantError
from wte.cli import app
from wte.folders import shipped_plant
from wte.proof import page, run

CASE = """
title: {title}
why: To see what is there
seed: 1
plants: 2
duration_s: 7200
record: [L1-LT-1401]
loops: [L1-LIC-1401]
steps: {steps}
expect:
  - {{what: level, stays: {{tag: L1-LT-1401, between: {{lo: -200, hi: 200}}, from_s: 3600}}}}
  - {{what: nobody knows it, mean: {{tag: L1-XY-9999, between: {{hi: 1}}}}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, title, steps in (
        ("calm", "A calm day", "[]"),
        ("odd", "An odd day", "[{at_s: 0, set: {L1-XY-9999: 1}}]"),
    ):
        (tmp_path / f"{name}.yaml").write_text(CASE.format(title=title, steps=steps), encoding="utf-8")
    return tmp_path


def test_hours_seeds_and_words_choose_what_is_played(folder: Path) -> None:
    assert [case.name for case in run.cases(folder, [], None, None)] == ["calm", "odd"]
    (case,) = run.cases(folder, ["CALM"], 0.5, run.seeds_of("2-4"))
    assert (case.scenario.duration_s, case.scenario.seed, case.scenario.plants) == (1800.0, 2, 3)
    assert run.cases(folder, ["odd"], 5.0, None)[0].scenario.duration_s == 7200.0
    assert [one.stays.from_s for one in case.scenario.expect if one.stays is not None] == [900.0]
    with pytest.raises(PlantError, match=r"no scenario with wind in its name; there are calm, odd"):
        run.cases(folder, ["wind"], None, None)


@pytest.mark.parametrize("text", ["", "x", "3-1", "1-", "-2", "1-x"])
def test_seeds_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(PlantError, match="expected one number or a range"):
        run.seeds_of(text)


def test_every_bar_of_every_seed_is_on_the_page_and_the_figures_beside_it(folder: Path) -> None:
    config, passed = load(shipped_plant()), list[float]()
    done = run.run(run.cases(folder, [], 2.0 / 3600.0, None), config, 1, passed.append)
    assert [one.is_met for one in done] == [False, False]
    assert "L1-XY-9999: no such tag" in done[1].error
    assert passed
    written = page.write(done, config, folder / "proof.md")
    text = written[0].read_text(encoding="utf-8")
    assert "| bar | seed 1 | seed 2 | ok | worst |" in text
    assert "| level: L1-LT-1401 stays -200 to 200" in text
    assert "Could not be played" in text
    assert {path.name for path in written[1:]} == {"calm.svg", "calm-L1-LIC-1401.svg"}
    loops = json.loads((folder / "proof" / page.LOOPS).read_text(encoding="utf-8"))["loops"]
    assert {row["case"] for row in loops["LIC-1401"]} == {"A calm day"}
    cases = json.loads((folder / "proof" / page.RESULTS).read_text(encoding="utf-8"))["cases"]
    assert [bar["is_met"] for bar in cases[0]["bars"]] == [True, False]
    assert len(cases[0]["bars"][0]["reached"]) == 2


def test_the_command_says_what_is_missed_and_ends_with_one(folder: Path, tmp_path: Path) -> None:
    options = ["--cases", str(folder), "--only", "calm", "--hours", "0.01", "--seeds", "7", "--jobs", "1"]
    result = CliRunner().invoke(app, ["proof", *options, "--out", str(tmp_path / "page.md")])
    assert result.exit_code == 1, result.output
    assert "nobody knows it" in result.output
    assert "seed 7" in (tmp_path / "page.md").read_text(encoding="utf-8")


def test_the_cases_that_are_shipped_can_be_read() -> None:
    folder = Path(__file__).parents[3] / run.FOLDER
    assert run.cases(folder, [], None, None)
    days = run.cases(folder, ["day-"], None, None)
    assert {(day.scenario.seed, day.scenario.plants, day.scenario.duration_s) for day in days} == {(1, 5, 86_400.0)}
