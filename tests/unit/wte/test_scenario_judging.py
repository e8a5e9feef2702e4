"""Scenarios judge what an operator would have seen, and say what they saw."""

from pathlib import Path

import pytest

from controller.core.config import load
from controller.core.errors import ConfigError, PlantError
from wte.folders import shipped_plant
from wte.scenario import Result, load_scenario, play, report

STORY = """
title: Level set-point
duration_s: {duration}
record: [L1-LIC-1401.PV, L1-LIC-1401.SP]
record_every_s: 0.5
steps: {steps}
expect: {expect}
"""


def story(folder: Path, expect: str, steps: str = "[]", duration: float = 2.0) -> Result:
    file = folder / "story.yaml"
    file.write_text(STORY.format(duration=duration, steps=steps, expect=expect), encoding="utf-8")
    return play(load_scenario(file), load(shipped_plant()))


def test_every_mistake_of_a_file_is_reported_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(
        "title: Wrong\nduration_s: 0\nrecord: [L1-LT-1401]\nplots: [[L1-LT-1401]]\n"
        "steps:\n  - at_s: 1\n    fault: {nmae: x}\nexpect:\n  - {}\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as found:
        load_scenario(file)
    lines = {issue.line for issue in found.value.issues}
    assert {2, 7, 9} <= lines
    assert "did you mean name?" in str(found.value)


def test_a_plot_of_a_tag_that_is_not_recorded_is_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(
        "title: Wrong\nduration_s: 1\nrecord: [L1-LT-1401]\nplots: [[L1-LT-1402A]]\nexpect: []\n", encoding="utf-8"
    )
    with pytest.raises(ConfigError, match="add to record"):
        load_scenario(file)


def test_met_and_missed_expectations_say_what_was_seen(tmp_path: Path) -> None:
    result = story(
        tmp_path,
        "[{at: {tag: L1-LIC-1401.PV, between: {lo: -50, hi: 50}, at_s: 1}},"
        " {stays: {tag: L1-LIC-1401.PV, between: {lo: -50, hi: 50}}},"
        " {stays: {tag: L1-LIC-1401.PV, mean_s: 1, between: {lo: 900, hi: 901}}},"
        " {returns: {tag: L1-LIC-1401.PV, quality: good, by_s: 1}},"
        " {at: {tag: L1-LIC-1401.PV, quality: bad, at_s: 1}},"
        " {at: {tag: L1-LIC-1401.PV, quality: good, at_s: 99}},"
        " {no_event: {kind: trip_latched}}, {event: {kind: trip_latched}}]",
    )
    assert [verdict.is_met for verdict in result.verdicts] == [True, True, False, True, False, False, True, False]
    assert "ends earlier" in result.verdicts[5].found
    assert "mean of 1 s" in result.verdicts[2].expected
    assert not result.is_met


def test_commands_act_and_modes_are_written_by_name(tmp_path: Path) -> None:
    result = story(
        tmp_path,
        "[{at: {tag: L1-LIC-1401.SP, between: {lo: 1, hi: 1}, at_s: 1.9}},"
        " {event: {kind: command_accepted, source: L1-LIC-1401.SP, from_s: 0.3, to_s: 1}}]",
        steps="[{at_s: 0.2, set: {L1-FIC-1601.MODE: CAS, L1-LIC-1401.MODE: AUTO}},"
        " {at_s: 0.5, command: {tag: L1-LIC-1401.SP, value: 1}}]",
    )
    assert result.is_met, result.verdicts


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("{at_s: 0, command: {tag: L1-LT-1401, value: 1}}", "expected to be accepted"),
        ("{at_s: 0, command: {tag: L1-LIC-1401.SP, value: 1, is_accepted: false}}", "expected to be refused"),
        ("{at_s: 0, set: {L1-LIC-1401.MODE: FAST}}", "no state 'FAST'; it has OOS, LO, MAN"),
        ("{at_s: 0, fault: {name: earthquake}}", "no fault 'earthquake'"),
    ],
)
def test_a_step_that_goes_otherwise_ends_the_scenario_with_the_reason(tmp_path: Path, step: str, words: str) -> None:
    with pytest.raises(PlantError, match=words):
        story(tmp_path, "[]", steps=f"[{step}]")


def test_an_unknown_tag_is_named_with_the_likely_one(tmp_path: Path) -> None:
    with pytest.raises(PlantError, match=r"L1-LT-1491.*did you mean L1-LT-1"):
        story(tmp_path, "[{at: {tag: L1-LT-1491, quality: good, at_s: 1}}]")


def test_what_is_left_behind_can_be_read_again(tmp_path: Path) -> None:
    result = story(tmp_path, "[{at: {tag: L1-LIC-1401.PV, quality: good, at_s: 1}}]")
    config = load(shipped_plant())
    page, data, plot = report.write_folder(result, config, tmp_path / "story")
    lines = data.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "time_s,L1-LIC-1401.PV,L1-LIC-1401.SP"
    assert len(lines) == 1 + len(result.time_s)
    assert float(lines[1].split(",")[1]) == result.value[0, 0, 0]
    assert b"<svg" in plot.read_bytes()
    text = page.read_text(encoding="utf-8")
    assert plot.name in text
    assert result.verdicts[0].expected in text
    _, parquet, _ = report.write_folder(result, config, tmp_path / "story", is_parquet=True)
    assert parquet.read_bytes().startswith(b"PAR1")
    assert not data.exists()  # the folder shows one run
    report.write_json(result, tmp_path / "result.json")
    assert result.frame_hash in (tmp_path / "result.json").read_text(encoding="utf-8")


def test_the_same_file_and_seed_give_the_same_frames(tmp_path: Path) -> None:
    expect = "[{at: {tag: L1-LIC-1401.PV, quality: good, at_s: 1}}]"
    assert story(tmp_path, expect).frame_hash == story(tmp_path, expect).frame_hash
