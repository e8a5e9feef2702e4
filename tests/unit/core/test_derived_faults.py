"""Mistakes in calculated tags, one at a time: each is said with its file, line, place and reason."""

from typing import Any

import pytest

from controller.core.errors import ConfigError
from tests.calculated import TITLE, load_section, section, tag

INPUTS = {
    "A-1001": "t/h",
    "B-1001": "t/h",
    "P-1001": "MPa(g)",
    "T-1001": "°C",
    "S-1001": "",
    "X-1001": "bool",
    "Z-1001": "bool",
}
FLOW = {
    "kind": "flow_compensation",
    "of": "A-1001",
    "pressure": "P-1001",
    "temperature": "T-1001",
    "pressure0": 4.0,
    "temperature0": 400.0,
}
LOOPS = {
    "FIC-1001": {
        "title": TITLE,
        "pv": "A-1001",
        "output": "V-1001.OP",
        "tuning": {"kp": 1.0, "ti_s": 10.0},
        "sp": {"default": 1.0, "lo": 0.0, "hi": 100.0},
        "permitted": ["MAN", "AUTO"],
        "normal": "AUTO",
    }
}
VALVE = {
    "title": TITLE,
    "unit": "%",
    "range": {"lo": 0.0, "hi": 100.0},
    "output": {
        "device": "unit",
        "address": 100,
        "form": "float32",
        "safe": 0.0,
        "fail": {"position": 0.0},
    },
}


def plant(derived: dict[str, Any], unit: str, **more: Any) -> dict[str, Any]:
    tags = {"Y-1001": tag(derived, unit, **more), "V-1001.OP": VALVE}
    return {**section(INPUTS, tags), "loops": LOOPS}


def issues(derived: dict[str, Any], unit: str = "t/h", **more: Any) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as caught:
        load_section(plant(derived, unit, **more))
    assert all(issue.file == "unit/tags.yaml" and issue.line > 1 for issue in caught.value.issues)
    return [(issue.where.removeprefix("Y-1001.derived."), issue.text) for issue in caught.value.issues]


def choice(of: str, then: str, otherwise: str) -> dict[str, Any]:
    return {"kind": "choice", "of": of, "then": then, "otherwise": otherwise}


def above(limit: float) -> dict[str, Any]:
    return {"kind": "above", "of": "FIC-1001.OP", "limit": limit}


def line(at: list[float], gives: list[float]) -> dict[str, Any]:
    return {"kind": "characterise", "of": "A-1001", "at": at, "gives": gives}


def formula(text: str, **given: str) -> dict[str, Any]:
    return {"kind": "expression", "formula": text, "given": given}


@pytest.mark.parametrize(
    ("derived", "unit", "where", "text"),
    [
        # what goes in
        ({"kind": "lag", "of": "X-1001", "tau_s": 1}, "t/h", "of", "X-1001 is a bool tag; lag cannot use it"),
        ({"kind": "on_delay", "of": "A-1001", "delay_s": 1}, "bool", "of", "A-1001 is no bool tag; on_delay cannot"),
        ({"kind": "latch", "of": "X-1001", "reset": "A-1001"}, "bool", "reset", "A-1001 is no bool tag; latch cannot"),
        ({"kind": "total", "of": "A-1001", "reset": "A-1001"}, "t", "reset", "A-1001 is no bool tag; total cannot"),
        (choice("A-1001", "A-1001", "B-1001"), "t/h", "of", "A-1001 is no bool"),
        (choice("X-1001", "X-1001", "B-1001"), "t/h", "then", "X-1001 is a bool"),
        (choice("X-1001", "A-1001", "Z-1001"), "bool", "then", "A-1001 is no bool"),
        ({"kind": "turn", "of": "S-1001", "steps": 2, "step_s": 1}, "", "of", "S-1001 is no bool tag; turn cannot"),
        ({"kind": "product", "of": []}, "t/h", "of", "is empty; name at least one tag"),
        (formula("1 [t/h]"), "t/h", "given", "is empty; name at least one tag"),
        # what comes out
        ({"kind": "equals", "of": "S-1001", "value": 2}, "", "kind", "equals gives true or false; write bool: true"),
        ({"kind": "ramp", "of": "A-1001", "up_per_s": 1, "down_per_s": 1}, "bool", "kind", "ramp gives a number"),
        # references
        ({"kind": "lag", "of": "A-1O01", "tau_s": 1}, "t/h", "of", "unknown tag A-1O01 (did you mean A-1001?)"),
        ({"kind": "lag", "of": "FIC-1001.OPP", "tau_s": 1}, "%", "of", "did you mean FIC-1001.OP?"),
        (choice("X-1001", "A-1002", "B-1001"), "t/h", "then", "unknown tag A-1002"),
        (formula("a", a="A-1003"), "t/h", "given.a", "unknown tag A-1003"),
        # units
        ({"kind": "dead_time", "of": "A-1001", "delay_s": 1}, "MW", "of", "A-1001 is in t/h, this tag in MW"),
        ({"kind": "rolling_mean", "of": "T-1001", "window_s": 1}, "K", "of", "T-1001 is in °C, this tag in K"),
        ({"kind": "lead_lag", "of": "A-1001", "lead_s": 1, "lag_s": 1}, "MW", "of", "if the gain converts, say it"),
        (choice("X-1001", "A-1001", "T-1001"), "t/h", "otherwise", "T-1001 is in °C"),
        ({"kind": "product", "of": ["A-1001", "S-1001"], "gain": 2}, "t/h", "gain", "say in why what the 2 stands for"),
        ({"kind": "slope", "of": "T-1001", "tau_s": 1}, "K/min", "gain", "60 makes K/min of °C, found 1"),
        ({"kind": "slope", "of": "T-1001", "tau_s": 1}, "t/h", "of", "so t/h is no rate of it"),
        ({"kind": "total", "of": "A-1001", "per": "s"}, "t", "per", "t/h times s is not t"),
        ({"kind": "total", "of": "A-1001"}, "MW", "of", "its total is not in MW"),
        ({"kind": "equals", "of": "A-1001", "value": 2}, "bool", "of", "equals is for codes, which have no unit"),
        ({**FLOW, "pressure": "T-1001"}, "t/h", "pressure", "T-1001 is in °C, which is no pressure"),
        ({**FLOW, "temperature": "P-1001"}, "t/h", "temperature", "P-1001 is in MPa(g), which is no temperature"),
        (FLOW, "MW", "of", "A-1001 is in t/h, this tag in MW"),
        ({**FLOW, "pressure0": -1.0}, "t/h", "pressure0", "-1 MPa(g) is no pressure above a vacuum"),
        ({**FLOW, "temperature0": -300.0}, "t/h", "temperature0", "-300 °C is no temperature above absolute zero"),
        ({"kind": "lag", "of": "FIC-1001.OP", "tau_s": 1}, "t/h", "of", "FIC-1001.OP is in %, this tag in t/h"),
        ({"kind": "lag", "of": "FIC-1001.SP", "tau_s": 1}, "%", "of", "FIC-1001.SP is in t/h, this tag in %"),
        # numbers
        (above(101), "bool", "limit", "101 lies outside of FIC-1001.OP's range 0..100"),
        (line([0, 2, 2], [0, 1, 2]), "", "at", "must rise; 2 stands behind 2"),
        (line([0, 2], [0]), "", "gives", "1 values for 2 points"),
        (line([0], [0]), "", "at", "two points or more"),
        (line([*range(101)], [0.0] * 101), "", "at", "at most 100 points, found 101"),
        ({"kind": "dead_time", "of": "A-1001", "delay_s": 0.05}, "t/h", "delay_s", "shorter than the 0.1 s between"),
        ({"kind": "rolling_mean", "of": "A-1001", "window_s": 86400}, "t/h", "window_s", "longest at rate 1 is 600 s"),
        ({"kind": "turn", "of": "X-1001", "steps": 3, "step_s": 0.01}, "", "step_s", "shorter than the 0.1 s"),
        ({"kind": "on_delay", "of": "X-1001", "delay_s": 0}, "bool", "delay_s", "must be > 0"),
        # formulas
        (formula("a + b", a="A-1001", b="T-1001"), "t/h", "formula", "sum of t/h and °C\n    a + b\n      ^"),
        (formula("a + c", a="A-1001", b="B-1001"), "t/h", "formula", "name c; known: a, b\n    a + c\n        ^"),
        (formula("steem", steam="A-1001"), "t/h", "formula", "unknown name steem (did you mean steam?)"),
        (formula("mix(a, a)", a="A-1001"), "t/h", "formula", "unknown function mix (did you mean max?)"),
        (formula("a + 1 [t\\h]", a="A-1001"), "t/h", "formula", "unknown unit t\\h (did you mean t/h?)"),
        (formula("a +", a="A-1001"), "t/h", "formula", "found the end\n    a +\n       ^"),
        (formula("a", a="A-1001", b="B-1001"), "t/h", "given.b", "b is not in the formula; delete it"),
        (formula("a", a="A-1001"), "bool", "formula", "the formula gives t/h, the tag is true or false"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_once_where_it_is(derived: dict[str, Any], unit: str, where: str, text: str) -> None:
    found = issues(derived, unit)
    assert len(found) == 1, found
    assert found[0][0] == where
    assert text in found[0][1]


def test_steps_fit_the_range_of_their_tag() -> None:
    derived = {"kind": "turn", "of": "X-1001", "steps": 12, "step_s": 1}
    found = issues(derived, "", range={"lo": 0, "hi": 10})
    assert found == [("steps", "12 lies outside of the tag's range 0..10")]


def test_a_reason_allows_what_looks_wrong() -> None:
    load_section(plant({"kind": "slope", "of": "T-1001", "tau_s": 1, "gain": 0.5}, "K/min", why="half of it is enough"))
    load_section(plant({"kind": "total", "of": "A-1001", "per": "s"}, "t", why="the meter counts in its own time"))
    load_section(plant({"kind": "product", "of": ["A-1001", "S-1001"], "gain": 2}, "t/h", why="two of them"))


@pytest.mark.parametrize(
    ("member", "unit"),
    [("OP", "%"), ("SP", "t/h"), ("SP_ACT", "t/h"), ("PV", "t/h"), ("ERR", "t/h"), ("MODE_ACT", ""), ("TI", "s")],
)
def test_members_of_loops_are_values_like_any_other(member: str, unit: str) -> None:
    config = load_section(plant({"kind": "lag", "of": f"FIC-1001.{member}", "tau_s": 1}, unit))
    derived = config.tags["U1-Y-1001"].spec.derived
    assert derived is not None
    assert derived.of == f"U1-FIC-1001.{member}"


def test_a_ring_of_calculated_tags_is_said_with_its_path() -> None:
    tags = {
        "Y-1001": tag(choice("X-1001", "Y-1002", "A-1001"), "t/h"),
        "Y-1002": tag(formula("0.5 * last", last="Y-1003"), "t/h"),
        "Y-1003": tag({"kind": "lag", "of": "Y-1001", "tau_s": 1}, "t/h"),
    }
    with pytest.raises(ConfigError) as caught:
        load_section(section(INPUTS, tags))
    (issue,) = caught.value.issues
    assert issue.text in {
        "is calculated from itself: Y-1001 -> Y-1002 -> Y-1003 -> Y-1001",
        "is calculated from itself: Y-1001 -> Y-1003 -> Y-1002 -> Y-1001",
    }


def test_references_resolve_in_every_field() -> None:
    config = load_section(plant(FLOW, "t/h"))
    spec = config.tags["U1-Y-1001"].spec.derived
    assert spec is not None
    assert {getattr(spec, name) for name in ("of", "pressure", "temperature")} == {
        "U1-A-1001",
        "U1-P-1001",
        "U1-T-1001",
    }
