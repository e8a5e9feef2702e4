"""Derived values: one row of each kind, then laws over all kinds with bad inputs and every width of the batch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.plan import DerivedGroup
from controller.core.quality import (
    BAD,
    BAD_SENSOR_FAILURE,
    GOOD,
    UNCERTAIN,
    UNCERTAIN_EU_EXCEEDED,
    UNCERTAIN_SUB_NORMAL,
    Codes,
)
from controller.core.tags import Floats
from controller.logic.derived import KINDS

NAN = float("nan")


def group(kind: str, width: int, *, real: int = 0, params: dict[str, float] | None = None) -> DerivedGroup:
    used = np.arange(width)[None, :] < (real or width)
    numbers = {name: np.array([[x]]) for name, x in (params or {}).items()}
    if kind == "sum":
        numbers = {"gains": np.ones((1, width)) * used, "bias": np.zeros((1, 1))}
    return DerivedGroup(
        kind=kind,
        out=np.array([0]),
        inputs=np.arange(width)[None, :],
        used=used,
        size=np.array([[real or width]]),
        is_full=bool(used.all()),
        params=numbers,
        first=0,
        rate=1,
        phase=0,
    )


def evaluate(
    g: DerivedGroup, values: list[float], codes: list[int] | None = None, own: Floats | None = None, dt: float = 0.1
) -> tuple[float, int]:
    x = np.array(values)[None, :, None]
    q: Codes = np.array(codes or [GOOD] * len(values), dtype=np.uint32)[None, :, None]
    memory = np.full((1, 1), NAN) if own is None else own
    value, quality = KINDS[g.kind](g, x, q, memory, dt)
    return float(value[0, 0]), int(quality[0, 0])


def test_the_median_ignores_one_transmitter_that_lies() -> None:
    assert evaluate(group("median", 3), [2.0, 900.0, 1.0]) == (2.0, GOOD)


def test_the_median_of_two_good_ones_is_their_mean_and_says_that_one_is_missing() -> None:
    assert evaluate(group("median", 3), [2.0, NAN, 4.0], [GOOD, BAD, GOOD]) == (3.0, UNCERTAIN_SUB_NORMAL)


def test_the_last_good_one_is_the_median() -> None:
    assert evaluate(group("median", 3), [NAN, NAN, 4.0], [BAD, BAD, GOOD]) == (4.0, UNCERTAIN_SUB_NORMAL)


@pytest.mark.parametrize(
    "kind", ["median", "average", "spread", "highest", "lowest", "sum", "lag", "above", "any", "all"]
)
def test_nothing_usable_is_bad_and_has_no_number(kind: str) -> None:
    params = {"lag": {"tau_s": 1.0}, "above": {"limit": 1.0, "hysteresis": 0.0}}.get(kind, {})
    width = 1 if params else 2
    value, code = evaluate(group(kind, width, params=params), [NAN] * width, [BAD_SENSOR_FAILURE] * width)
    assert np.isnan(value)
    assert code == BAD_SENSOR_FAILURE


def test_padding_is_no_input() -> None:
    assert evaluate(group("average", 3, real=2), [2.0, 4.0, 2.0]) == (3.0, GOOD)
    assert evaluate(group("median", 4, real=3), [1.0, 5.0, 9.0, 1.0]) == (5.0, GOOD)
    assert evaluate(group("sum", 3, real=2), [2.0, 4.0, 2.0]) == (6.0, GOOD)


def test_spread_of_one_is_nothing() -> None:
    assert evaluate(group("spread", 3), [7.0, NAN, NAN], [GOOD, BAD, BAD])[0] == 0.0
    assert evaluate(group("spread", 3), [7.0, 1.0, 4.0]) == (6.0, GOOD)


def test_an_uncertain_input_makes_an_uncertain_result() -> None:
    assert evaluate(group("average", 2), [2.0, 4.0], [GOOD, UNCERTAIN_EU_EXCEEDED]) == (3.0, UNCERTAIN_EU_EXCEEDED)


def test_a_lag_starts_at_its_input_and_reaches_63_percent_in_one_time_constant() -> None:
    g, own = group("lag", 1, params={"tau_s": 10.0}), np.full((1, 1), NAN)
    assert evaluate(g, [5.0], own=own)[0] == 5.0
    values = [evaluate(g, [6.0], own=own)[0] for _ in range(100)]
    assert values[-1] == pytest.approx(6.0 - np.exp(-1.0), abs=1e-9)


def test_a_lag_stands_still_while_its_input_is_bad() -> None:
    g, own = group("lag", 1, params={"tau_s": 10.0}), np.full((1, 1), 5.0)
    assert np.isnan(evaluate(g, [NAN], [BAD], own=own)[0])
    assert own[0, 0] == 5.0


def test_a_switch_acts_at_its_limit_and_returns_beyond_its_hysteresis() -> None:
    g, own = group("above", 1, params={"limit": 10.0, "hysteresis": 2.0}), np.full((1, 1), NAN)
    assert [evaluate(g, [x], own=own)[0] for x in (9.9, 10.0, 8.1, 8.0, 9.9)] == [0.0, 1.0, 1.0, 0.0, 0.0]
    g, own = group("below", 1, params={"limit": 10.0, "hysteresis": 2.0}), np.full((1, 1), NAN)
    assert [evaluate(g, [x], own=own)[0] for x in (10.1, 10.0, 11.9, 12.0)] == [0.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("kind", "values", "result", "is_bad"),
    [
        ("any", [1.0, NAN], 1.0, False),
        ("any", [0.0, NAN], NAN, True),
        ("any", [0.0, 0.0], 0.0, False),
        ("all", [0.0, NAN], 0.0, False),
        ("all", [1.0, NAN], NAN, True),
        ("all", [1.0, 1.0], 1.0, False),
    ],
)
def test_three_valued_logic(kind: str, values: list[float], result: float, is_bad: bool) -> None:
    codes = [BAD if np.isnan(x) else GOOD for x in values]
    value, code = evaluate(group(kind, 2), values, codes)
    assert value == result or (np.isnan(value) and np.isnan(result))
    assert (code >= BAD) == is_bad


def test_not_turns_round_what_is_known() -> None:
    assert evaluate(group("not", 1), [1.0]) == (0.0, GOOD)
    assert evaluate(group("not", 1), [0.0]) == (1.0, GOOD)
    assert np.isnan(evaluate(group("not", 1), [NAN], [BAD])[0])


readings = st.lists(st.tuples(st.floats(-1e6, 1e6), st.sampled_from([GOOD, UNCERTAIN, BAD])), min_size=3, max_size=3)


@given(plants=st.lists(readings, min_size=1, max_size=6), kind=st.sampled_from(sorted(KINDS)))
def test_a_column_of_a_batch_equals_the_plant_alone(plants: list[list[tuple[float, int]]], kind: str) -> None:
    params = {"lag": {"tau_s": 3.0}}.get(kind, {"limit": 0.5, "hysteresis": 0.1})
    g = group(kind, 3, params=params)
    q: Codes = np.array([[code for _, code in p] for p in plants], dtype=np.uint32).T[None]
    x = np.where(q >= BAD, NAN, np.array([[v for v, _ in p] for p in plants]).T[None])
    many = np.full((1, len(plants)), 0.25)
    value, quality = KINDS[kind](g, x, q, many, 0.1)
    for k in range(len(plants)):
        own = np.full((1, 1), 0.25)
        one, code = KINDS[kind](g, x[:, :, k : k + 1].copy(), q[:, :, k : k + 1].copy(), own, 0.1)
        assert np.array_equal(one[:, 0], value[:, k], equal_nan=True)
        assert code[0, 0] == quality[0, k]
        assert np.array_equal(own[:, 0], many[:, k], equal_nan=True)


@given(reading=readings, kind=st.sampled_from(sorted(KINDS)))
def test_a_value_has_no_number_exactly_where_it_is_bad(reading: list[tuple[float, int]], kind: str) -> None:
    g = group(kind, 3, params={"tau_s": 3.0, "limit": 0.5, "hysteresis": 0.1})
    codes = [code for _, code in reading]
    value, code = evaluate(g, [NAN if c >= BAD else v for v, c in reading], codes)
    assert np.isnan(value) == (code >= BAD)
