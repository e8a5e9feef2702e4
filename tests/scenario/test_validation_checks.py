"""The simulated plant reaches the figures of the reference, or misses them for the reasons that stand beside them."""

from dataclasses import replace
from pathlib import Path

import pytest

from controller.core.config import load
from controller.core.errors import PlantError
from wte.validation import page
from wte.validation.bench import Bench
from wte.validation.check import Check, Figure, Outcome, about, near, shown
from wte.validation.checks import ALL

QUICK = ("drum", "water", "load-mcr100", "dynamics-level")  # in every run
PLANT = Path(__file__).parents[2] / "config" / "almaty"


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench(load(PLANT))


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "check",
    [pytest.param(check, id=check.key, marks=() if check.key.startswith(QUICK) else pytest.mark.long) for check in ALL],
)
def test_the_plant_reaches_the_reference(check: Check, bench: Bench) -> None:
    assert not check.surprises(check.run(bench))


def test_every_check_has_a_key_of_its_own() -> None:
    keys = [check.key for check in ALL]
    assert len(set(keys)) == len(keys)


def outcome(*figures: Figure) -> Outcome:
    return Outcome(figures)


def check(causes: dict[str, str]) -> Check:
    return Check("key", "Section", "Title", "Script.", lambda _: outcome(), causes)


def test_a_missed_figure_is_a_surprise_unless_its_cause_stands() -> None:
    missed = outcome(near("steam", 90.0, 100.0, 2.0, "t/h"))
    assert check({}).surprises(missed) == ["steam: 90 t/h, expected 98 … 102 t/h"]
    assert check({"steam": "less heat"}).surprises(missed) == []


def test_a_cause_whose_figure_is_met_is_a_surprise() -> None:
    assert check({"steam": "less heat"}).surprises(outcome(near("steam", 100.0, 100.0, 2.0))) == [
        "steam: is met now, its cause is out of date"
    ]


def test_nothing_that_is_not_a_number_is_met() -> None:
    assert not near("steam", float("nan"), 100.0, 2.0).is_met


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(1090.24, 3, "1090"), (0.2010, 3, "0.201"), (2.0e-5, 3, "2e-05"), (723.149, 4, "723.1"), (20.0, 4, "20")],
)
def test_numbers_are_shown_as_people_write_them(value: float, digits: int, text: str) -> None:
    assert shown(value, digits) == text


@pytest.mark.parametrize(
    ("reached", "is_met"), [(-3.1, False), (-2.9, True), (-0.7, True), (-0.6, False), (1.5, False)]
)
def test_a_size_must_have_the_sign_and_lie_within_a_factor(reached: float, is_met: bool) -> None:
    assert about("oxygen", reached, -2.0, -1.0).is_met is is_met


def test_a_check_that_the_plant_cannot_run_is_missed_and_the_others_run(bench: Bench) -> None:
    def refuse(_: Bench) -> Outcome:
        raise PlantError("no steady state")

    refused = replace(check({}), run=refuse)
    first, second = page.run([refused, check({})], bench, lambda _: None)
    assert first.surprises == ["could not be run: no steady state: nan, expected 0 … 0"]
    assert second.is_met


def test_the_page_has_every_figure_the_causes_and_the_plots(tmp_path: Path, bench: Bench) -> None:
    checks = page.chosen(ALL, ["drum-line"])
    done = page.run(checks, bench, lambda _: None)
    written = page.write(done, tmp_path / "validation.md")
    text = written[0].read_text(encoding="utf-8")
    for one in done:
        assert all(f"| {figure.what} |" in text for figure in one.outcome.figures)
        assert f"validation/{one.check.key}.svg" in text
    first = [plot.read_bytes() for plot in written[1:]]
    assert all(len(plot) < 60_000 for plot in first)
    again = page.write(page.run(checks, bench, lambda _: None), tmp_path / "validation.md")
    assert [plot.read_bytes() for plot in again[1:]] == first
