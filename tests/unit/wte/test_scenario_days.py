"""Scenarios of several plants, ramps, shares, means and deviations."""

import re
from pathlib import Path

import numpy as np
import pytest

from controller.core.config import load
from controller.core.errors import ConfigError, PlantError
from wte.folders import shipped_plant
from wte.scenario import Result, Scenario, load_scenario, play, report
from wte.scenario.model import Ramp
from wte.scenario.plots import envelope

STORY = """
title: Feedwater
why: To see what is there
seed: 3
plants: {plants}
duration_s: {duration}
record: [L1-FIC-1601.PV]
record_every_s: 0.5
loops: [L1-FIC-1601, L1-LIC-1401]
steps: {steps}
expect: {expect}
"""


def read(folder: Path, expect: str, steps: str = "[]", duration: float = 3.0, plants: int = 2) -> Scenario:
    file = folder / "story.yaml"
    text = STORY.format(duration=duration, steps=steps, expect=expect, plants=plants)
    file.write_text(text, encoding="utf-8")
    return load_scenario(file)


def story(folder: Path, expect: str, steps: str = "[]", duration: float = 3.0, plants: int = 2) -> Result:
    return play(read(folder, expect, steps, duration, plants), load(shipped_plant()), with_figures=True)


def test_plants_side_by_side_have_seeds_of_their_own_and_each_is_the_plant_alone(tmp_path: Path) -> None:
    expect = "[{sigma: {tag: L1-LT-1401A, at_most: 100}}, {mean: {tag: L1-LT-1401A, between: {lo: -100, hi: 100}}}]"
    both = story(tmp_path, expect)
    scenario = read(tmp_path, expect, plants=1).model_copy(update={"seed": 4})
    alone = play(scenario, load(shipped_plant()))
    assert both.value.shape[2] == 2
    assert (both.value[:, :, 1] == alone.value[:, :, 0]).all()
    assert (both.value[:, 0, 0] != both.value[:, 0, 1]).any()
    for together, single in zip(both.verdicts, alone.verdicts, strict=True):
        assert together.findings[1] == single.findings[0]


def test_the_verdict_is_that_of_the_worst_plant(tmp_path: Path) -> None:
    result = story(tmp_path, "[{what: noise, sigma: {tag: L1-LT-1401A, at_most: 0.001}}]")
    (verdict,) = result.verdicts
    reached = [finding.reached for finding in verdict.findings]
    assert not verdict.is_met
    assert verdict.worst == reached.index(max(reached))
    assert verdict.found.startswith(f"{max(reached):.4g} about a mean of")
    assert verdict.what == "noise"


def test_a_share_of_the_time_is_enough_where_a_share_is_asked(tmp_path: Path) -> None:
    between = "tag: L1-FIC-1601.MODE_ACT, between: {hi: 2}"  # manual, from 2 s on
    result = story(
        tmp_path,
        f"[{{stays: {{{between}, share: 0.3}}}}, {{stays: {{{between}, share: 0.5}}}}, {{stays: {{{between}}}}}]",
        steps="[{at_s: 1.9, set: {L1-FIC-1601.MODE: MAN}}]",
    )
    assert [verdict.is_met for verdict in result.verdicts] == [True, False, False]
    assert result.verdicts[0].findings[0].reached == pytest.approx(100.0 / 3.0, abs=4.0)
    assert "30 % of the time" in result.verdicts[0].expected
    assert "at most 2" in result.verdicts[0].expected


def test_a_ramp_is_written_step_by_step_from_where_the_value_stands(tmp_path: Path) -> None:
    result = story(
        tmp_path,
        "[{at: {tag: L1-LIC-1401.SP, between: {lo: 3, hi: 3}, at_s: 2.9}},"
        " {stays: {tag: L1-LIC-1401.SP, between: {lo: 0, hi: 3}}}]",
        steps="[{at_s: 0.3, set: {L1-LIC-1401.SP: 0}},"
        " {at_s: 0.5, ramp: {L1-LIC-1401.SP: {to: 3, per_min: 90, every_s: 0.5}}}]",
    )
    assert result.is_met, result.verdicts
    written = [event.value for _, event in result.events if event.source == "L1-LIC-1401.SP" and event.plant == 0]
    assert written == [0.0, 0.75, 1.5, 2.25, 3.0]


@pytest.mark.parametrize(
    ("start", "to", "values"),
    [(0.0, 2.0, [1.0, 2.0]), (2.0, -0.5, [1.0, 0.0, -0.5]), (5.0, 5.0, [5.0]), (0.0, 1.0, [1.0])],
)
def test_a_ramp_ends_exactly_where_it_should(start: float, to: float, values: list[float]) -> None:
    assert Ramp(to=to, per_min=6.0, every_s=10.0).values(start) == pytest.approx(values)


def test_a_band_needs_an_end(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs lo or hi"):
        read(tmp_path, "[{mean: {tag: L1-LT-1401, between: {}}}]")


def test_a_tag_that_the_plant_lacks_is_missed_where_that_may_be_and_refused_elsewhere(tmp_path: Path) -> None:
    expect = "[{mean: {tag: L1-XY-9999, between: {hi: 1}}}, {mean: {tag: L1-LT-1401, between: {hi: 999}}}]"
    scenario = read(tmp_path, expect, duration=0.5)
    config = load(shipped_plant())
    with pytest.raises(PlantError, match="no tag L1-XY-9999"):
        play(scenario, config)
    result = play(scenario, config, is_tolerant=True)
    assert [verdict.is_met for verdict in result.verdicts] == [False, True]
    assert result.verdicts[0].found == "the plant has no tag L1-XY-9999"


def test_loops_are_drawn_with_mode_and_marks_and_the_page_shows_them(tmp_path: Path) -> None:
    expect = "[{what: level, stays: {tag: L1-LT-1401, between: {lo: -100, hi: 100}}}]"
    result = story(tmp_path, expect, steps="[{at_s: 1, set: {L1-FIC-1601.MODE: MAN}}]")
    written = report.write_folder(result, load(shipped_plant()), tmp_path / "out")
    names = [file.name for file in written]
    assert names == ["index.html", "data.csv", "plots.svg", "L1-FIC-1601.svg", "L1-LIC-1401.svg"]
    drawing = written[3].read_text(encoding="utf-8")
    assert all(word in drawing for word in ("L1-FIC-1601.SP_ACT", "L1-FIC-1601.OP", ">MAN<", ">CAS<"))
    page = written[0].read_text(encoding="utf-8")
    assert "level: L1-LT-1401 stays -100 to 100" in page
    assert "(seed " in page
    assert "Feedwater flow" in page
    assert {one.key for one in result.figures} == set(load(shipped_plant()).loops)


def test_peaks_are_drawn_however_long_the_course() -> None:

    value = np.zeros(86_400)
    value[12_345], value[70_000] = 5.0, -7.0
    kept = envelope(value)
    assert kept.size < 700
    assert {12_345, 70_000, 0, 86_399} <= set(kept.tolist())


def test_the_scenario_of_the_how_to_page_can_be_read(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "how-to" / "write-a-scenario.md"
    example = re.search(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert example
    file = tmp_path / "example.yaml"
    file.write_text(example[1], encoding="utf-8")
    scenario = load_scenario(file)
    assert {name for one in scenario.expect for name in one.model_fields_set} >= {"stays", "sigma", "mean", "what"}
