"""Formulas: what they may say, how units meet, and what is said about mistakes."""

import numpy as np
import pytest

from controller.core.expression import FormulaError, Signal, compile_formula, names, parse, skeleton
from controller.core.quality import BAD_OUT_OF_RANGE, BAD_SENSOR_FAILURE, GOOD, UNCERTAIN
from tests.calculated import Bench, tag

UNITS = {
    "f": "t/h",
    "g": "kg/s",
    "t": "°C",
    "u": "°C",
    "k": "K",
    "p": "MPa(g)",
    "q": "kPa(g)",
    "r": "kPa(a)",
    "d": "kPa",
    "l": "%",
    "n": "",
    "w": "MW",
    "e": "MJ/kg",
    "s": "s",
    "b": "bool",
    "c": "bool",
}
KEYS = {name: f"{name.upper()}-1001" for name in UNITS}


def bench(formula: str, unit: str) -> Bench:
    used = names(parse(formula))
    given = {name: KEYS[name] for name in UNITS if name in used}
    inputs = {KEYS[name]: UNITS[name] for name in given}
    return Bench(inputs, {"Y-1001": tag({"kind": "expression", "formula": formula, "given": given}, unit)})


def value(formula: str, unit: str, **values: float | None) -> float:
    one = bench(formula, unit)
    one.put(**{KEYS[name]: x for name, x in values.items()})
    one.step()
    return one.read("Y-1001")


def mistake(formula: str, unit: str = "") -> tuple[str, int]:
    given = {name: Signal("" if u == "bool" else u, is_bool=u == "bool") for name, u in UNITS.items()}
    result = Signal("" if unit == "bool" else unit, is_bool=unit == "bool")
    with pytest.raises(FormulaError) as caught:
        compile_formula(formula, given, result, 93_200.0)
    return caught.value.text, caught.value.at


@pytest.mark.parametrize(
    ("formula", "wanted"),
    [
        ("1 + 2 * 3 + 0 * n", 7.0),
        ("(1 + 2) * 3 + 0 * n", 9.0),
        ("10 - 4 - 3 + 0 * n", 3.0),
        ("24 / 4 / 3 + 0 * n", 2.0),
        ("-n * 2", -10.0),
        ("--n", 5.0),
        ("2 - -n", 7.0),
        ("+n", 5.0),
        ("1e2 + .5 + 2. + n", 107.5),
        ("sqrt(n + 4)", 3.0),
        ("abs(2 - n)", 3.0),
        ("min(n, 7, 3)", 3.0),
        ("max(n, 7, 3)", 7.0),
        ("clip(n, 0, 4)", 4.0),
        ("clip(n, 6, 9)", 6.0),
        ("exp(log(n))", 5.0),
        ("if(n > 4, 1, 2)", 1.0),
        ("if(n < 4 or not n == 5, 1, 2)", 2.0),
        ("if(n > 1 and n < 9 and n != 6, 1, 2)", 1.0),
        ("if(not n > 4 and n > 9 or n >= 5, 1, 2)", 1.0),
        ("n * (n <= n) ".replace("(n <= n)", "if(n <= 5, 1, 0)"), 5.0),
    ],
)
def test_precedence_and_functions(formula: str, wanted: float) -> None:
    assert value(formula, "", n=5.0) == pytest.approx(wanted, rel=1e-14)


@pytest.mark.parametrize(
    ("formula", "unit", "wanted"),
    [
        ("f + g", "t/h", 36.0 + 18.0),
        ("f + g", "kg/s", 10.0 + 5.0),
        ("f + 2 [kg/s]", "t/h", 43.2),
        ("2 [kg/s] - f", "t/h", -28.8),
        ("0.5 * f", "t/h", 18.0),
        ("f * e", "MW", 10.0 * 12.0),
        ("w / e", "t/h", 24.0 / 12.0 * 3.6),
        ("f / g", "%", 200.0),
        ("f / g", "", 2.0),
        ("f * l", "t/h", 9.0),
        ("l + 5 [%]", "%", 30.0),
        ("l / 1 [%]", "", 25.0),
        ("l / 100 [%]", "", 0.25),
        ("t - u", "K", 30.0),
        ("t + 5 [K]", "°C", 405.0),
        ("t + (u - t) / 3", "°C", 390.0),
        ("kelvin(t) / kelvin(u)", "", 673.15 / 643.15),
        ("celsius(0.5 * (kelvin(t) + kelvin(u)))", "°C", 385.0),
        ("p - q", "MPa", 4.0 - 0.2),
        ("q + d", "kPa(g)", 210.0),
        ("absolute(p) / absolute(q)", "", (4000.0 + 93.2) / (200.0 + 93.2)),
        ("absolute(q)", "kPa(a)", 293.2),
        ("r + absolute(q)", "kPa(a)", 393.2),
        ("abs(g)", "kg/s", 5.0),
        ("gauge(r)", "kPa(g)", 6.8),
        ("1.5 * r", "kPa(a)", 150.0),
        ("sqrt(d / 2 [kPa]) * f", "t/h", 36.0 * 5.0**0.5),
        ("max(f, g, 0)", "t/h", 36.0),
        ("max(0, -f)", "t/h", 0.0),
        ("min(f, 5 [kg/s])", "t/h", 18.0),
        ("clip(t, 380 [°C], 390 [°C])", "°C", 390.0),
        ("f * s", "t", 36.0 * 60.0 / 3600.0),
        ("if(t > 395 [°C], f, g)", "t/h", 36.0),
        ("if(b, f, g)", "kg/s", 10.0),
        ("0", "t/h", None),
    ],
)
def test_units_meet_in_si(formula: str, unit: str, wanted: float | None) -> None:
    values = {
        "f": 36.0, "g": 5.0, "t": 400.0, "u": 370.0, "k": 3.0, "p": 4.0, "q": 200.0, "r": 100.0,
        "d": 10.0, "l": 25.0, "n": 5.0, "w": 24.0, "e": 12.0, "s": 60.0, "b": 1.0, "c": 0.0,
    }  # fmt: skip
    if wanted is None:  # a formula needs no tag to be right, but a calculated tag does
        assert compile_formula(formula, {}, Signal(unit), 93_200.0).constants == (0.0,)
        return
    used = names(parse(formula))
    assert value(formula, unit, **{name: values[name] for name in used}) == pytest.approx(wanted, rel=1e-13)


def test_bools_make_bools() -> None:
    assert value("b and not c or n > 3", "bool", b=1.0, c=1.0, n=4.0) == 1.0
    assert value("b and not c or n > 3", "bool", b=1.0, c=1.0, n=2.0) == 0.0
    assert value("b and not c or n > 3", "bool", b=1.0, c=0.0, n=2.0) == 1.0


@pytest.mark.parametrize(
    ("formula", "unit", "text", "at"),
    [
        # units
        ("f + w", "t/h", "sum of t/h and MW", 2),
        ("f - t", "t/h", "difference of t/h and °C", 2),
        ("f + 2", "t/h", "sum of t/h and no unit; give the number its unit, as in 2.5 [t/h]", 2),
        ("l + 2", "%", "sum of % and no unit; give the number its unit, as in 2 [%]", 2),
        ("f < w", "bool", "comparison of t/h and MW", 2),
        ("min(f, w)", "t/h", "min of t/h and MW", 0),
        ("if(b, f, w)", "t/h", "choice of t/h and MW", 0),
        ("f * g", "t/h", "the formula gives kg^2 s^-2, the tag is t/h", 2),
        ("f", "MW", "the formula gives t/h, the tag is MW", 0),
        ("l", "", "the formula gives %, the tag is no unit; divide by 1 [%]", 0),
        ("f > g", "t/h", "the formula gives true or false, the tag is t/h", 2),
        ("f", "bool", "the formula gives t/h, the tag is true or false", 0),
        ("exp(f)", "", "exp needs a number without unit, found t/h", 0),
        ("2 [t/hh]", "t/h", "unknown unit t/hh", 0),
        # zeros
        ("p + q", "MPa(g)", "sum of MPa(g) and kPa(g); their difference", 2),
        ("t + u", "°C", "sum of °C and °C; their difference", 2),
        ("2 * p", "MPa(g)", "a gauge pressure has no multiples; use absolute(x)", 2),
        ("t / u", "", "a temperature in °C has no multiples; use kelvin(x)", 2),
        ("-t", "°C", "a temperature in °C has no multiples", 0),
        ("sqrt(p)", "", "a gauge pressure has no multiples", 0),
        ("p - r", "kPa", "difference of MPa(g) and kPa(a); absolute(p) and gauge(p)", 2),
        ("p + r", "kPa(a)", "sum of MPa(g) and kPa(a); absolute(p) and gauge(p)", 2),
        ("t + f", "°C", "sum of °C and t/h", 2),
        ("k < t", "bool", "comparison of K and °C; a difference is in K", 2),
        ("absolute(p) * 2 > f", "bool", "comparison of kg m^-1 s^-2 (absolute) and t/h", 16),
        ("l / 2 > n", "bool", "comparison of % and no unit", 6),
        ("exp()", "", "exp takes 1 in its parentheses, found 0", 0),
        ("p > d", "bool", "comparison of MPa(g) and kPa", 2),
        ("d - p", "kPa", "difference of kPa and MPa(g)", 2),
        ("t > 0", "bool", "comparison of °C and no unit; give the number its unit", 2),
        ("p - q", "MPa(g)", "the tag is MPa(g); gauge(x) gives that", 2),
        ("kelvin(f)", "K", "kelvin(x) needs a temperature in °C, found t/h", 0),
        ("kelvin(t)", "°C", "the formula gives K, the tag is °C; celsius(x) gives that", 0),
        ("absolute(r)", "kPa(a)", "absolute(x) needs a gauge pressure, found kPa(a)", 0),
        # bools
        ("b + 1", "", "true or false is no number; use if(condition, a, b)", 2),
        ("f and b", "bool", "and needs true or false, found t/h", 2),
        ("if(f, 1, 2)", "", "if(condition, a, b) needs true or false first, found t/h", 0),
        ("b == c", "bool", "== compares numbers without unit (codes)", 2),
        ("f == g", "bool", "== compares numbers without unit (codes), found", 2),
        ("max(b, c)", "bool", "max needs numbers; use and, or", 0),
        # grammar
        ("", "", "expected a number, a name or (, found the end", 0),
        ("n +", "", "expected a number, a name or (, found the end", 3),
        ("n n", "", "expected an operator or the end, found 'n'", 2),
        ("(n", "", "expected ) for the ( at character 1, found the end", 2),
        ("n)", "", "expected an operator or the end, found ')'", 1),
        ("min(n,", "", "expected a number, a name or (, found the end", 6),
        ("min(n", "", "expected ) for the ( of min, found the end", 5),
        ("n ^ 2", "", "there is no power; write x * x", 2),
        ("n = 2", "", "two values are compared with ==", 2),
        ("n $ 2", "", "unexpected '$'", 2),
        ("n [t/h]", "t/h", "expected an operator or the end, found '[t/h]'", 2),
        ("n ] 2", "", "a unit stands in brackets behind its number", 2),
        ("1 < n < 3", "bool", "comparisons do not chain; join two with and", 6),
        ("and", "", "expected a number, a name or (, found 'and'", 0),
        ("1e999 * n", "", "1e999 is too large", 0),
        # functions
        ("sin(n)", "", "unknown function sin", 0),
        ("sqrt(n, n)", "", "sqrt takes 1 in its parentheses, found 2", 0),
        ("min(n)", "", "min takes 2 to 9 in its parentheses, found 1", 0),
        ("clip(n, 5, 2)", "", "clip(x, lo, hi) has lo above hi", 0),
        ("n / 0", "", "divides by zero", 2),
        ("z + 1", "", "unknown name z", 0),
        ("n.__class__", "", "unexpected '.'", 1),
        ("__import__(n)", "", "unknown function __import__", 0),
    ],
)
def test_mistakes_are_said_with_their_place(formula: str, unit: str, text: str, at: int) -> None:
    found, place = mistake(formula, unit)
    assert text in found
    assert place == at


def test_a_formula_is_not_nested_without_end() -> None:
    text, _ = mistake("(" * 60 + "n" + ")" * 60)
    assert "levels deep" in text


def test_a_division_by_zero_is_bad_and_nothing_else() -> None:
    one = bench("f / g * 1 [t/h]", "t/h")
    one.put(F_1001=1.0, G_1001=0.0)
    one.step()
    assert np.isnan(one.read("Y-1001"))
    assert one.code("Y-1001") == BAD_OUT_OF_RANGE
    one.put(G_1001=1.0)
    one.step()
    assert (one.read("Y-1001"), one.code("Y-1001")) == (pytest.approx(1.0 / 3.6), GOOD)


@pytest.mark.parametrize(
    "formula",
    [
        "min(1 / n, 5)",
        "if(1 / n > 5, 1, 2)",
        "if(not 1 / n > 5, 1, 2)",
        "sqrt(n - 1)",
        "log(n)",
        "exp(1000 + n)",
        "1 / n - 1 / n",
    ],
)
def test_what_fails_inside_is_not_hidden_by_what_follows(formula: str) -> None:
    one = bench(formula, "")
    one.put(N_1001=0.0)
    one.step()
    assert one.code("Y-1001") == BAD_OUT_OF_RANGE


def test_the_branch_that_is_not_taken_may_fail() -> None:
    assert value("if(n > 0, 1 / max(n, 1), 7)", "", n=0.0) == 7.0
    assert value("if(n > 0, 1 / n, 7)", "", n=0.0) == 7.0
    assert value("if(n > 0, 1 / n, 7)", "", n=2.0) == 0.5


def test_a_bad_input_makes_it_bad_even_where_it_would_not_count() -> None:
    one = bench("if(b, f, g)", "t/h")
    one.put(B_1001=1.0, F_1001=1.0, G_1001=None)
    one.step()
    assert np.isnan(one.read("Y-1001"))
    assert one.code("Y-1001") == BAD_SENSOR_FAILURE
    one = bench("f > g", "bool")
    one.put(F_1001=1.0, G_1001=None)
    one.step()
    assert np.isnan(one.read("Y-1001"))


def test_an_uncertain_input_makes_it_uncertain() -> None:
    one = bench("f + g", "t/h")
    one.judge(G_1001=UNCERTAIN)
    one.step()
    assert one.code("Y-1001") == UNCERTAIN
    one = bench("f / max(g, 1 [kg/s])", "%")
    one.judge(G_1001=UNCERTAIN)
    one.step()
    assert one.code("Y-1001") == UNCERTAIN


def test_formulas_of_equal_structure_are_one_group_with_their_own_numbers() -> None:
    inputs = {"A-1001": "t/h", "B-1001": "t/h", "C-1001": "kg/s"}

    def formula(text: str, **given: str) -> dict[str, object]:
        return tag({"kind": "expression", "formula": text, "given": given}, "t/h")

    one = Bench(
        inputs,
        {
            "Y-1001": formula("0.5 * a + 2 [t/h]", a="A-1001"),
            "Y-1002": formula("0.25*x + 1[t/h]", x="B-1001"),
            "Y-1003": formula("0.5 * a + 2 [t/h]", a="C-1001"),
        },
    )
    assert sorted(len(group.out) for group in one.plan.derived) == [1, 2]
    one.put(A_1001=10.0, B_1001=8.0, C_1001=1.0)
    one.step()
    assert [one.read(f"Y-100{n}") for n in (1, 2, 3)] == pytest.approx([7.0, 3.0, 3.8])


def test_a_formula_costs_one_operation_where_one_is_enough() -> None:
    given = {"a": Signal("t/h"), "b": Signal("kg/s"), "e": Signal("MJ/kg")}
    assert [op for op, _ in compile_formula("a + a", given, Signal("t/h"), 1e5).steps] == ["add"]
    assert [op for op, _ in compile_formula("a + b", given, Signal("t/h"), 1e5).steps] == ["mul", "add"]
    assert [op for op, _ in compile_formula("b * e", given, Signal("MW"), 1e5).steps] == ["mul"]
    assert [op for op, _ in compile_formula("a * (1 + 2 * 3)", given, Signal("t/h"), 1e5).steps] == ["mul"]


def test_structure_leaves_out_names_and_numbers() -> None:
    order = {"a": 0, "x": 0}
    assert skeleton(parse("2 * a + 1 [t/h]"), order) == skeleton(parse("7*x+3[t/h]"), order)
    assert skeleton(parse("2 * a"), order) != skeleton(parse("a * 2"), order)
