"""Laws of all kinds of calculated tags, over courses of good, uncertain and lost inputs, many plants at once."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.quality import BAD, BAD_SENSOR_FAILURE, GOOD, GOOD_LOCAL_OVERRIDE, UNCERTAIN
from controller.logic.derived import KINDS
from tests.calculated import Bench, tag

INPUTS = {
    "A-1001": "t/h",
    "B-1001": "t/h",
    "C-1001": "t/h",
    "P-1001": "MPa(g)",
    "T-1001": "°C",
    "S-1001": "",
    "X-1001": "bool",
    "Z-1001": "bool",
}
THREE = ["A-1001", "B-1001", "C-1001"]


def formula(text: str) -> dict[str, Any]:
    return {"kind": "expression", "formula": text, "given": {"x": "X-1001", "a": "A-1001", "b": "B-1001"}}


SPECS: list[tuple[dict[str, Any], str]] = [
    *[({"kind": kind, "of": THREE}, "t/h") for kind in ("median", "average", "spread", "highest", "lowest")],
    ({"kind": "sum", "of": THREE, "gains": [1.0, -0.3, 7.1], "bias": 0.1}, "t/h"),
    ({"kind": "product", "of": ["A-1001", "S-1001", "S-1001"], "gain": 0.7}, "t/h"),
    ({"kind": "characterise", "of": "A-1001", "at": [0, 20, 50], "gives": [3, -1, 40]}, ""),
    ({"kind": "lag", "of": "A-1001", "tau_s": 3.0}, "t/h"),
    ({"kind": "lead_lag", "of": "A-1001", "lead_s": 2.0, "lag_s": 1.0}, "t/h"),
    ({"kind": "ramp", "of": "A-1001", "up_per_s": 30.0, "down_per_s": 50.0}, "t/h"),
    ({"kind": "slope", "of": "T-1001", "tau_s": 1.0, "gain": 60.0}, "K/min"),
    ({"kind": "dead_time", "of": "A-1001", "delay_s": 0.3}, "t/h"),
    ({"kind": "rolling_mean", "of": "A-1001", "window_s": 0.4}, "t/h"),
    ({"kind": "total", "of": "A-1001", "reset": "X-1001"}, "t"),
    (
        {
            "kind": "flow_compensation",
            "of": "A-1001",
            "pressure": "P-1001",
            "temperature": "T-1001",
            "pressure0": 4.0,
            "temperature0": 400.0,
        },
        "t/h",
    ),
    (formula("if(x, a, min(b, 2 * a)) / max(a, 1 [t/h])"), ""),
    (formula("a > b and not x"), "bool"),
    ({"kind": "above", "of": "A-1001", "limit": 50.0, "hysteresis": 10.0}, "bool"),
    ({"kind": "below", "of": "A-1001", "limit": 50.0, "hysteresis": 10.0}, "bool"),
    ({"kind": "equals", "of": "S-1001", "value": 2}, "bool"),
    ({"kind": "on_delay", "of": "X-1001", "delay_s": 0.2}, "bool"),
    ({"kind": "off_delay", "of": "X-1001", "delay_s": 0.2}, "bool"),
    ({"kind": "latch", "of": "X-1001", "reset": "Z-1001"}, "bool"),
    ({"kind": "choice", "of": "X-1001", "then": "A-1001", "otherwise": "B-1001"}, "t/h"),
    ({"kind": "turn", "of": "X-1001", "steps": 3, "step_s": 0.2}, ""),
    ({"kind": "any", "of": ["X-1001", "Z-1001"]}, "bool"),
    ({"kind": "all", "of": ["X-1001", "Z-1001"]}, "bool"),
    ({"kind": "not", "of": "X-1001"}, "bool"),
]  # fmt: skip
TAGS = {f"Y-10{n:02d}": tag(spec, unit, why="a number for a test") for n, (spec, unit) in enumerate(SPECS)}
KIND = {key: spec["kind"] for key, (spec, _) in zip(TAGS, SPECS, strict=True)}


def reads(spec: dict[str, Any]) -> list[str]:
    of = spec.get("of", [])
    named = [spec[name] for name in ("reset", "then", "otherwise", "pressure", "temperature") if name in spec]
    return [*([of] if isinstance(of, str) else of), *spec.get("given", {}).values(), *named]


READS: dict[str, list[str]] = {key: reads(spec) for key, (spec, _) in zip(TAGS, SPECS, strict=True)}
_OF_THE_PAST = {"dead_time", "rolling_mean"}

codes = st.sampled_from([GOOD, GOOD, GOOD, UNCERTAIN, BAD_SENSOR_FAILURE])
reading = st.fixed_dictionaries(
    {
        key: st.tuples(
            st.sampled_from([0.0, 1.0])
            if unit == "bool"
            else st.sampled_from([0.0, 1.0, 2.0])
            if not unit
            else st.floats(0.0, 4.0)
            if unit == "MPa(g)"
            else st.floats(0.0, 100.0),
            codes,
        )
        for key, unit in INPUTS.items()
    }
)
course = st.lists(reading, min_size=1, max_size=8)
plants = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(reading, min_size=width, max_size=width), min_size=1, max_size=8)
)


def write(bench: Bench, readings: list[dict[str, tuple[float, int]]]) -> None:
    for key in INPUTS:
        bench.put(**{key: np.array([one[key][0] for one in readings])})
        bench.judge(**{key: np.array([one[key][1] for one in readings], dtype=np.uint32)})


def table(bench: Bench) -> tuple[np.ndarray, np.ndarray]:
    rows = [bench.row(key) for key in TAGS]
    return bench.value[rows].copy(), bench.quality[rows].copy()


def test_the_laws_speak_of_every_kind() -> None:
    assert set(KIND.values()) == set(KINDS)


@given(course=plants)
@settings(deadline=None, max_examples=40)
def test_a_value_has_no_number_exactly_where_it_is_bad(course: list[list[dict[str, tuple[float, int]]]]) -> None:
    bench = Bench(INPUTS, TAGS, batch=len(course[0]))
    for readings in course:
        write(bench, readings)
        bench.step()
        value, quality = table(bench)
        assert np.array_equal(np.isnan(value), quality >= BAD)
        assert np.isfinite(value[quality < BAD]).all()


@given(course=plants)
@settings(deadline=None, max_examples=40)
def test_a_bad_input_never_gives_a_good_result(course: list[list[dict[str, tuple[float, int]]]]) -> None:
    bench = Bench(INPUTS, TAGS, batch=len(course[0]))
    for readings in course:
        write(bench, readings)
        bench.step()
        for key, refs in READS.items():
            if KIND[key] in _OF_THE_PAST:
                continue
            for k, one in enumerate(readings):
                used = refs
                if KIND[key] == "choice":
                    used = ["X-1001", "A-1001" if one["X-1001"][0] else "B-1001"]
                if any(one[ref][1] >= BAD for ref in used):
                    assert bench.code(key, k) >= UNCERTAIN, (key, KIND[key])


@given(course=plants)
@settings(deadline=None, max_examples=40)
def test_a_column_of_a_batch_equals_the_plant_alone(course: list[list[dict[str, tuple[float, int]]]]) -> None:
    many = Bench(INPUTS, TAGS, batch=len(course[0]))
    alone = [Bench(INPUTS, TAGS) for _ in course[0]]
    for readings in course:
        write(many, readings)
        many.step()
        value, quality = table(many)
        for k, one in enumerate(alone):
            write(one, [readings[k]])
            one.step()
            own, code = table(one)
            assert np.array_equal(own[:, 0], value[:, k], equal_nan=True)
            assert np.array_equal(code[:, 0], quality[:, k])


@given(course=course, cut=st.integers(0, 7))
@settings(deadline=None, max_examples=40)
def test_a_snapshot_half_way_goes_on_bit_for_bit(course: list[dict[str, tuple[float, int]]], cut: int) -> None:
    whole = Bench(INPUTS, TAGS)
    part = Bench(INPUTS, TAGS)
    for number, readings in enumerate(course):
        if number == cut:
            saved = part.state.save()
            part = Bench(INPUTS, TAGS)
            part.state.restore(saved)
        for bench in (whole, part):
            write(bench, [readings])
            bench.step()
        assert np.array_equal(table(whole)[0], table(part)[0], equal_nan=True)
        assert np.array_equal(table(whole)[1], table(part)[1])


@given(course=course)
@settings(deadline=None, max_examples=40)
def test_the_fast_way_of_good_inputs_gives_what_the_other_way_gives(course: list[dict[str, tuple[float, int]]]) -> None:
    """An operator's value is Good but has a code of its own, so it goes the way that looks at quality."""
    fast, slow = Bench(INPUTS, TAGS), Bench(INPUTS, TAGS)
    for readings in course:
        write(fast, [{key: (x, GOOD) for key, (x, _) in readings.items()}])
        write(slow, [{key: (x, GOOD_LOCAL_OVERRIDE) for key, (x, _) in readings.items()}])
        fast.step()
        slow.step()
        assert table(fast)[0] == pytest.approx(table(slow)[0], rel=1e-13, abs=1e-13, nan_ok=True)
        assert (table(fast)[1] < BAD).tolist() == (table(slow)[1] < BAD).tolist()


@given(
    lead=st.floats(0.0, 20.0),
    lag=st.floats(0.3, 20.0),
    course=st.lists(st.floats(-50.0, 50.0), min_size=2, max_size=30),
)
@settings(deadline=None, max_examples=30)
def test_lead_and_lag_follow_the_exact_solution(lead: float, lag: float, course: list[float]) -> None:
    """Between two evaluations the input is constant: the lagged part moves by 1 - exp(-dt / lag) of its distance."""
    spec = {"kind": "lead_lag", "of": "A-1001", "lead_s": lead, "lag_s": lag, "gain": 3.0}
    bench = Bench({"A-1001": "t/h"}, {"Y-1001": tag(spec, "t/h")})
    found = bench.series("Y-1001", A_1001=course)
    slow = course[0]
    for x, y in zip(course, found, strict=True):
        steps = 200
        for _ in range(steps):  # fine steps of an independent rule: implicit midpoint
            h = 0.1 / steps / lag
            slow = (slow * (1.0 - h / 2.0) + h * x) / (1.0 + h / 2.0)
        assert y == pytest.approx(3.0 * (slow + lead / lag * (x - slow)), rel=1e-5, abs=1e-3)


@given(width=st.integers(1, 9), course=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=40))
@settings(deadline=None, max_examples=40)
def test_a_rolling_mean_is_numpys_mean_of_its_window(width: int, course: list[float]) -> None:
    spec = {"kind": "rolling_mean", "of": "A-1001", "window_s": width / 10}
    found = Bench({"A-1001": "t/h"}, {"Y-1001": tag(spec, "t/h")}).series("Y-1001", A_1001=course)
    wanted = [np.mean(course[max(0, n + 1 - width) : n + 1]) for n in range(len(course))]
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-9)
