# ruff: noqa: E501  the faults are a table, one a line
"""Mistakes in emissions.yaml and in the tags that show its results: each is found where it stands, in plain words."""

import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from controller.core import models
from controller.core.compiler import compile_plan
from controller.core.config import Config, load
from controller.core.config.emission_checks import check_emissions, read_emissions
from controller.core.config.files import read_folder
from controller.core.config.placed import Item
from controller.core.config.places import Draft, place
from controller.core.errors import Issue
from controller.core.models.emissions import EmissionFigure

SHIPPED = Path(__file__).parents[3] / "config" / "almaty"
NOX = "{raw: AT-2501, qal: AT-2501.QAL, gas: hot_wet, required: true, calibrations: ["
FUNCTION = '{first: "2026-01-01", last: "2028-12-31", method: maker}'


@cache
def draft() -> Draft:
    sources = read_folder(SHIPPED)
    assert sources.plant is not None
    return place(sources, sources.plant)


def issues_with(text: str, tmp_path: Path) -> list[Issue]:
    (tmp_path / "emissions.yaml").write_text(text, encoding="utf-8")
    one = replace(draft(), issues=[])
    item = read_emissions(tmp_path, one.issues)
    check_emissions(one, item)
    return sorted(set(one.issues))


@cache
def shipped_text() -> str:
    return (SHIPPED / "emissions.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "where", "text"),
    [
        ("profile: ALMATY", "profile: ALMATI", "monitors.line.profile", "no profile ALMATI (did you mean ALMATY?)"),
        ("profile: ALMATY", "profile: 7", "monitors.line.profile", "expected"),
        ("  line:\n    profile", "  lines:\n    profile", "monitors.lines", "no instance is made from a template lines"),
        ("o2: AT-2510", "o2: AT-2519", "monitors.line.o2", "unknown tag AT-2519"),
        ("o2: AT-2510", "o2: TT-2514", "monitors.line.o2", "TT-2514 is in °C, expected %"),
        ("burners: XI-1325", "burners: TT-1310", "monitors.line.state.burners", "TT-1310 is no bool tag"),
        ("strokes: [ZT-1005A", "strokes: [XI-1325", "monitors.line.state.strokes[1]", "XI-1325 is a bool tag"),
        ("raw: AT-2501,", "raw: TT-2514,", "monitors.line.channels.NOX.raw", "an analyser is in mg/Nm³"),
        ("gas: in_situ", "gas: hot_wet", "monitors.line.channels.DUST.gas", "in_situ measures mg/m³"),
        ("gas: in_situ", "gas: wet", "monitors.line.channels.DUST.gas", "expected"),
        ("gas: hot_wet, required: true,", "gas: hot_wet, molar_mass: 46, required: true,", "monitors.line.channels.NOX.molar_mass", "only for analysers in ppm"),
        (FUNCTION, '{first: "2026-01-01", last: "2025-12-31", method: A}', "monitors.line.channels.NOX.calibrations[1].last", "ends before it begins"),
        (FUNCTION, f'{FUNCTION}, {{first: "2028-12-31", last: "2030-01-01", method: A}}', "monitors.line.channels.NOX.calibrations[2].first", "before the one above it ends"),
        (FUNCTION, '{first: "2026-02-30", last: "2028-12-31", method: A}', "monitors.line.channels.NOX.calibrations[1].first", ""),
        (FUNCTION, "", "monitors.line.channels.NOX.calibrations", ""),
        ("low_range: 300", "low_range: 301", "profiles.IED.limits.NOX.low_range", "more than 1.5 times the daily limit, 300"),
        ("high_range: 800", "high_range: 350", "profiles.IED.limits.NOX.high_range", "does not cover the limit 400"),
        ("NH3: {}", "NH3: {confidence_pct: 40}", "profiles.IED.limits.NH3", "confidence_pct is of the daily limit"),
        ("NOX: {daily: 200", "NOX: {dayly: 200", "profiles.IED.limits.NOX.dayly", "did you mean daily?"),
        ("NOX: {daily: 200", "NOX: {daily: -200", "profiles.IED.limits.NOX.daily", ""),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_in_its_line(old: str, new: str, where: str, text: str, tmp_path: Path) -> None:
    whole = shipped_text()
    place_at = whole.index(old)
    issues = issues_with(whole[:place_at] + new + whole[place_at + len(old) :], tmp_path)
    found = [issue for issue in issues if issue.where == where]
    assert found, issues
    assert any(text in issue.text for issue in found), found
    line = whole[:place_at].count("\n") + 1
    assert all(issue.file == "emissions.yaml" and abs(issue.line - line) <= 1 for issue in found), found


def test_the_shipped_file_is_right(tmp_path: Path) -> None:
    assert issues_with(shipped_text(), tmp_path) == []


def test_a_hand_over_names_what_there_is(tmp_path: Path) -> None:
    more = "hand_over:\n  L9: {year: 2026}\n  L1: {year: 2026, channels: {NOXX: {days: 3}}}\n"
    texts = {issue.text for issue in issues_with(shipped_text() + more, tmp_path)}
    assert texts == {"no channel NOXX (did you mean NOX?)", "no instance L9 with a monitor"}


@pytest.mark.parametrize(
    ("key", "changes", "text"),
    [
        ("L1-AY-2501", {"emission": EmissionFigure(figure="value", channel="NO")}, "no channel NO (did you mean NOX?)"),
        ("L1-AY-2501", {"emission": EmissionFigure(figure="run_h", channel="NOX")}, "run_h is of the whole monitor"),
        ("L1-AY-2501", {"emission": EmissionFigure(figure="m1")}, "m1 is of one channel: missing key channel"),
        ("L1-AY-2501", {"unit": "kg/h"}, "value is in mg/Nm³, not kg/h"),
        ("L1-AY-2509", {"unit": "mg/Nm³"}, "value is in µg/Nm³, not mg/Nm³"),
        ("L1-XQ-2530", {"unit": "min"}, "run_h is in h, not min"),
        ("L1-AY-2501.EXC", {"bool_": False}, "exceeded is true or false; write bool: true"),
        ("L1-XQ-2530", {"bool_": True}, "run_h is a number, no bool"),
    ],
)
def test_a_tag_that_shows_a_figure_fits_it(key: str, changes: dict[str, object], text: str) -> None:
    tags = dict(draft().tags)
    spec: models.Tag = tags[key].spec.model_copy(update=changes)
    tags[key] = Item(key, "L1", spec, tags[key].origin)
    one = replace(draft(), tags=tags, issues=[])
    check_emissions(one, read_emissions(SHIPPED, one.issues))
    (issue,) = one.issues
    assert text in issue.text


def test_a_figure_without_a_monitor_is_refused(tmp_path: Path) -> None:
    one = replace(draft(), issues=[])
    check_emissions(one, read_emissions(tmp_path, one.issues))
    assert one.issues
    assert {issue.text for issue in one.issues} == {"emissions.yaml has no monitor for the template line"}


@cache
def shipped() -> Config:
    return load(SHIPPED)


@pytest.mark.parametrize(
    ("limit", "is_rounded", "kept", "above"),
    [
        (60.0, False, 60.0, 60.0001),
        (60.0, True, 60.4999, 60.5),
        (7.5, True, 7.5499, 7.55),
        (1.0, True, 1.4999, 1.5),
    ],
)
def test_a_permit_may_round_to_the_digits_of_its_limit(
    limit: float, kept: float, above: float, *, is_rounded: bool
) -> None:
    config = shipped()
    profile = config.emissions.profiles["ALMATY"]
    limits = profile.limits | {"HCL": profile.limits["HCL"].model_copy(update={"half_hour_a": limit})}
    profile = profile.model_copy(update={"limits": limits, "round_to_limit": is_rounded})
    emissions = config.emissions.model_copy(update={"profiles": {"ALMATY": profile}})
    plan = compile_plan(replace(config, emissions=emissions)).emissions
    assert plan is not None
    threshold = plan.limit_a[plan.channels.index("L1/HCL"), 0]
    assert not kept > threshold
    assert above > threshold


@pytest.mark.parametrize(
    ("name", "daily", "confidence", "half_hour_co", "ten_co"),
    [
        ("IED", 200.0, 40.0, 100.0, None),
        ("BAT_NEW", 120.0, 24.0, 100.0, None),
        ("BAT_EXISTING", 150.0, 30.0, 100.0, None),
        ("KZ", 120.0, 24.0, None, 150.0),
        ("ALMATY", 120.0, 24.0, None, 150.0),
    ],
)
def test_each_profile_can_be_in_force(
    name: str, daily: float, confidence: float, half_hour_co: float | None, ten_co: float | None
) -> None:
    config = shipped()
    monitor = config.emissions.monitors["line"].model_copy(update={"profile": name})
    emissions = config.emissions.model_copy(update={"monitors": {"line": monitor}})
    plan = compile_plan(replace(config, emissions=emissions)).emissions
    assert plan is not None
    assert set(plan.profiles) == {name}
    nox, co = plan.channels.index("L1/NOX"), plan.channels.index("L1/CO")
    assert (plan.limit_day[nox, 0], plan.confidence[nox, 0]) == (daily, pytest.approx(confidence))
    for limit, expected in ((plan.limit_a[co, 0], half_hour_co), (plan.limit_ten[co, 0], ten_co)):
        assert math.isnan(limit) if expected is None else limit == expected
    assert plan.otnoc_counts.all() != name.startswith("BAT")
    assert ten_co is None or plan.ten_allowed[co, 0] == 7.0
