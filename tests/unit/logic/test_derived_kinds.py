"""Calculated tags that choose among inputs, add, multiply, or decide: one row of each kind."""

import numpy as np
import pytest

from controller.core.quality import (
    BAD,
    BAD_OUT_OF_RANGE,
    BAD_SENSOR_FAILURE,
    GOOD,
    UNCERTAIN,
    UNCERTAIN_EU_EXCEEDED,
    UNCERTAIN_SUB_NORMAL,
)
from tests.calculated import Bench, tag

INPUTS = {"A-1001": "t/h", "B-1001": "t/h", "C-1001": "t/h", "X-1001": "bool", "Z-1001": "bool", "S-1001": ""}
THREE = ["A-1001", "B-1001", "C-1001"]
NAN = float("nan")


def one(derived: dict[str, object], unit: str = "t/h", **more: object) -> Bench:
    return Bench(INPUTS, {"Y-1001": tag(derived, unit, **more)})


def result(bench: Bench, **values: float | None) -> tuple[float, int]:
    bench.put(**values)
    bench.step()
    return bench.read("Y-1001"), bench.code("Y-1001")


def test_the_median_ignores_one_transmitter_that_lies() -> None:
    assert result(one({"kind": "median", "of": THREE}), A_1001=2.0, B_1001=900.0, C_1001=1.0) == (2.0, GOOD)


def test_the_median_of_two_good_ones_is_their_mean_and_says_that_one_is_missing() -> None:
    bench = one({"kind": "median", "of": THREE})
    assert result(bench, A_1001=2.0, B_1001=None, C_1001=4.0) == (3.0, UNCERTAIN_SUB_NORMAL)
    assert result(bench, A_1001=None, B_1001=None, C_1001=4.0) == (4.0, UNCERTAIN_SUB_NORMAL)


def test_the_median_of_a_wide_batch_is_that_of_each_plant_to_the_last_bit() -> None:
    tags = {"Y-1001": tag({"kind": "median", "of": THREE}, "t/h")}
    readings = np.random.default_rng(3).integers(-2, 3, (3, 40)) * np.array(0.1)
    readings[:, 0] = [-0.0, 0.0, 0.0]
    many, one_plant = Bench(INPUTS, tags, batch=40), Bench(INPUTS, tags)
    many.put(A_1001=readings[0], B_1001=readings[1], C_1001=readings[2])
    many.step()
    for k in range(40):
        one_plant.put(A_1001=readings[0, k], B_1001=readings[1, k], C_1001=readings[2, k])
        one_plant.step()
        assert one_plant.value[one_plant.row("Y-1001")].tobytes() == many.value[many.row("Y-1001"), k : k + 1].tobytes()
        assert one_plant.read("Y-1001") == float(np.median(readings[:, k]))


def test_members_of_different_width_share_a_group_and_padding_is_no_input() -> None:
    tags = {
        f"Y-{number}{count}": tag({"kind": kind, "of": THREE[:count], **more}, "t/h")
        for number, (kind, more) in enumerate(
            [("median", {}), ("average", {}), ("spread", {}), ("highest", {}), ("lowest", {}), ("product", {})],
            start=100,
        )
        for count in (2, 3)
        if kind != "product" or count == 3
    }
    del tags["Y-1053"]
    tags["Y-1081"] = tag({"kind": "product", "of": ["A-1001", "S-1001"]}, "t/h")
    tags["Y-1082"] = tag({"kind": "product", "of": ["A-1001", "S-1001", "S-1001"]}, "t/h")
    bench = Bench(INPUTS, tags)
    for code in (GOOD, UNCERTAIN):
        bench.put(A_1001=2.0, B_1001=6.0, C_1001=10.0, S_1001=3.0)
        bench.judge(A_1001=code)
        bench.step()
        assert [bench.read(f"Y-{n}2") for n in range(100, 105)] == [4.0, 4.0, 4.0, 6.0, 2.0]
        assert [bench.read(f"Y-{n}3") for n in range(100, 105)] == [6.0, 6.0, 8.0, 10.0, 2.0]
        assert [bench.read("Y-1081"), bench.read("Y-1082")] == [6.0, 18.0]
        assert {bench.code(key) for key in tags} == {code}


@pytest.mark.parametrize("kind", ["median", "average", "spread", "highest", "lowest"])
def test_nothing_usable_is_bad_and_has_no_number(kind: str) -> None:
    value, code = result(one({"kind": kind, "of": THREE}), A_1001=None, B_1001=None, C_1001=None)
    assert np.isnan(value)
    assert code == BAD_SENSOR_FAILURE


def test_spread_of_one_is_nothing() -> None:
    bench = one({"kind": "spread", "of": THREE})
    assert result(bench, A_1001=7.0, B_1001=None, C_1001=None)[0] == 0.0
    assert result(bench, A_1001=7.0, B_1001=1.0, C_1001=4.0) == (6.0, GOOD)


def test_an_uncertain_input_makes_an_uncertain_result() -> None:
    bench = one({"kind": "average", "of": ["A-1001", "B-1001"]})
    bench.put(A_1001=2.0, B_1001=4.0)
    bench.judge(B_1001=UNCERTAIN_EU_EXCEEDED)
    bench.step()
    assert (bench.read("Y-1001"), bench.code("Y-1001")) == (3.0, UNCERTAIN_EU_EXCEEDED)


def test_many_inputs_and_even_numbers_of_them() -> None:
    many = {f"{letter}-1001": "t/h" for letter in "ABCDEF"}
    course = dict(zip(many, [3.0, 9.0, 1.0, 7.0, 5.0, 2.0], strict=True))
    for kind, wanted in (("highest", 9.0), ("lowest", 1.0), ("median", 4.0), ("spread", 8.0), ("average", 4.5)):
        bench = Bench(many, {"Y-1001": tag({"kind": kind, "of": list(many)}, "t/h")})
        assert result(bench, **course) == (wanted, GOOD)


def test_a_sum_weighs_its_inputs_and_a_product_multiplies_them() -> None:
    bench = one({"kind": "sum", "of": THREE, "gains": [1, -2, 0.5], "bias": 10.0})
    assert result(bench, A_1001=4.0, B_1001=3.0, C_1001=2.0) == (9.0, GOOD)
    assert np.isnan(result(bench, B_1001=None)[0])
    bench = one({"kind": "product", "of": ["A-1001", "S-1001"], "gain": 0.5}, why="half of it")
    assert result(bench, A_1001=4.0, S_1001=3.0) == (6.0, GOOD)


def test_a_flow_measured_away_from_its_design_is_corrected_by_density() -> None:
    inputs = {"F-1001": "t/h", "P-1001": "MPa(g)", "T-1001": "°C"}
    design = {"kind": "flow_compensation", "of": "F-1001", "pressure": "P-1001", "temperature": "T-1001"}
    bench = Bench(inputs, {"Y-1001": tag({**design, "pressure0": 4.0, "temperature0": 400.0}, "t/h")})
    assert result(bench, F_1001=80.0, P_1001=4.0, T_1001=400.0)[0] == pytest.approx(80.0, rel=1e-14)
    by_hand = 80.0 * ((3.0932 / 4.0932) * (673.15 / 693.15)) ** 0.5
    assert result(bench, F_1001=80.0, P_1001=3.0, T_1001=420.0) == (pytest.approx(by_hand, rel=1e-14), GOOD)


def test_a_flow_has_no_correction_below_a_vacuum() -> None:
    inputs = {"F-1001": "t/h", "P-1001": "MPa(g)", "T-1001": "°C"}
    design = {"kind": "flow_compensation", "of": "F-1001", "pressure": "P-1001", "temperature": "T-1001"}
    bench = Bench(inputs, {"Y-1001": tag({**design, "pressure0": 4.0, "temperature0": 400.0}, "t/h")}, batch=2)
    bench.put(F_1001=80.0, P_1001=np.array([-1.0, 4.0]), T_1001=400.0)
    bench.step()
    assert np.isnan(bench.read("Y-1001", 0))
    assert bench.code("Y-1001", 0) == BAD_OUT_OF_RANGE
    assert (bench.read("Y-1001", 1), bench.code("Y-1001", 1)) == (pytest.approx(80.0), GOOD)


LINE: dict[str, object] = {"kind": "characterise", "of": "A-1001", "at": [0, 10, 30], "gives": [5, 0.1, 7]}


@pytest.mark.parametrize(
    ("x", "y"), [(-1.0, 5.0), (0.0, 5.0), (5.0, 2.55), (10.0, 0.1), (20.0, 3.55), (30.0, 7.0), (1e6, 7.0)]
)
def test_a_broken_line_passes_its_points_and_is_held_outside(x: float, y: float) -> None:
    found, code = result(one(LINE, ""), A_1001=x)
    assert found == pytest.approx(y, abs=1e-12)
    assert code == GOOD


def test_a_line_over_a_wide_batch_is_that_of_each_plant() -> None:
    course = np.linspace(-5.0, 35.0, 41)
    bench = Bench(INPUTS, {"Y-1001": tag(LINE)}, batch=41)
    bench.put(A_1001=course)
    bench.step()
    alone = one(LINE, "")
    assert [bench.read("Y-1001", k) for k in range(41)] == alone.series("Y-1001", A_1001=course)


def test_lines_of_different_length_share_a_group() -> None:
    short = {"kind": "characterise", "of": "B-1001", "at": [0, 1], "gives": [0, 2]}
    bench = Bench(INPUTS, {"Y-1001": tag(LINE), "Y-1002": tag(short)})
    assert len(bench.plan.derived) == 1
    bench.put(A_1001=20.0, B_1001=0.25)
    bench.step()
    assert [bench.read("Y-1001"), bench.read("Y-1002")] == [pytest.approx(3.55), 0.5]
    bench.put(B_1001=None)
    bench.step()
    assert np.isnan(bench.read("Y-1002"))


@pytest.mark.parametrize(
    ("kind", "values", "wanted", "is_bad"),
    [
        ("any", [1.0, None], 1.0, False),
        ("any", [0.0, None], NAN, True),
        ("any", [0.0, 0.0], 0.0, False),
        ("all", [0.0, None], 0.0, False),
        ("all", [1.0, None], NAN, True),
        ("all", [1.0, 1.0], 1.0, False),
    ],
)
def test_three_valued_logic(kind: str, values: list[float | None], wanted: float, is_bad: bool) -> None:
    value, code = result(one({"kind": kind, "of": ["X-1001", "Z-1001"]}, "bool"), X_1001=values[0], Z_1001=values[1])
    assert value == wanted or (np.isnan(value) and np.isnan(wanted))
    assert (code >= BAD) == is_bad


def test_not_turns_round_what_is_known() -> None:
    bench = one({"kind": "not", "of": "X-1001"}, "bool")
    assert result(bench, X_1001=1.0) == (0.0, GOOD)
    assert result(bench, X_1001=0.0) == (1.0, GOOD)
    assert np.isnan(result(bench, X_1001=None)[0])


def test_a_switch_acts_at_its_limit_and_returns_beyond_its_hysteresis() -> None:
    above = one({"kind": "above", "of": "A-1001", "limit": 10.0, "hysteresis": 2.0}, "bool")
    assert above.series("Y-1001", A_1001=[9.9, 10.0, 8.1, 8.0, 9.9]) == [0.0, 1.0, 1.0, 0.0, 0.0]
    below = one({"kind": "below", "of": "A-1001", "limit": 10.0, "hysteresis": 2.0}, "bool")
    assert below.series("Y-1001", A_1001=[10.1, 10.0, 11.9, 12.0]) == [0.0, 1.0, 1.0, 0.0]


def test_a_switch_keeps_its_position_over_a_bad_input() -> None:
    bench = one({"kind": "above", "of": "A-1001", "limit": 10.0, "hysteresis": 2.0}, "bool")
    assert result(bench, A_1001=10.0)[0] == 1.0
    assert np.isnan(result(bench, A_1001=None)[0])
    assert result(bench, A_1001=9.0)[0] == 1.0


def test_equals_compares_codes_to_the_nearest_whole_number() -> None:
    bench = one({"kind": "equals", "of": "S-1001", "value": 3}, "bool")
    assert bench.series("Y-1001", S_1001=[2.0, 2.6, 3.0, 3.4, 4.0]) == [0.0, 1.0, 1.0, 1.0, 0.0]


def test_a_choice_takes_one_of_two_and_only_the_chosen_one_counts() -> None:
    bench = one({"kind": "choice", "of": "X-1001", "then": "A-1001", "otherwise": "B-1001"})
    assert result(bench, X_1001=1.0, A_1001=4.0, B_1001=None) == (4.0, GOOD)
    value, code = result(bench, X_1001=0.0)
    assert np.isnan(value)
    assert code >= BAD
    assert result(bench, B_1001=7.0) == (7.0, GOOD)
    assert np.isnan(result(bench, X_1001=None)[0])
