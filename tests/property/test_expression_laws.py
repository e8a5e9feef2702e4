"""Laws of formulas: the parser against its own printer, the values against Python's arithmetic, no exception ever."""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from controller.core.expression import FormulaError, Node, Signal, compile_formula, parse
from controller.core.plan import DerivedGroup
from controller.core.quality import BAD_OUT_OF_RANGE, GOOD
from controller.logic.blocks.contract import Memory
from controller.logic.blocks.formula import formula as evaluate

NAMES = ("x", "y", "z")
SIGNALS = {name: Signal("") for name in NAMES}
NAN = float("nan")

PYTHON: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "min": min,
    "max": max,
    "abs": abs,
    "neg": operator.neg,
    "sqrt": math.sqrt,
}


@dataclass(frozen=True)
class Tree:
    """A formula as Python sees it: text with every parenthesis, and its value."""

    text: str
    value: Callable[[dict[str, float]], float]  # NaN where it has none


def _strict(function: Callable[..., Any], *args: Tree) -> Callable[[dict[str, float]], float]:
    def value(of: dict[str, float]) -> float:
        found = [arg.value(of) for arg in args]
        if any(math.isnan(x) for x in found):
            return NAN
        try:
            result = float(function(*found))
        except (ZeroDivisionError, ValueError, OverflowError):
            return NAN
        return result if math.isfinite(result) else NAN

    return value


def _branch(a: Tree, b: Tree, yes: Tree, no: Tree) -> Callable[[dict[str, float]], float]:
    def value(of: dict[str, float]) -> float:
        left, right = a.value(of), b.value(of)
        if math.isnan(left) or math.isnan(right):
            return NAN
        return yes.value(of) if left < right else no.value(of)

    return value


def _deeper(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    def binary(op: str, a: Tree, b: Tree) -> Tree:
        return Tree(f"({a.text} {op} {b.text})", _strict(PYTHON[op], a, b))

    def called(name: str, *args: Tree) -> Tree:
        return Tree(f"{name}({', '.join(arg.text for arg in args)})", _strict(PYTHON[name], *args))

    def chosen(a: Tree, b: Tree, yes: Tree, no: Tree) -> Tree:
        return Tree(f"if({a.text} < {b.text}, {yes.text}, {no.text})", _branch(a, b, yes, no))

    return st.one_of(
        st.builds(binary, st.sampled_from(["+", "-", "*", "/"]), inner, inner),
        st.builds(called, st.sampled_from(["min", "max"]), inner, inner),
        st.builds(called, st.sampled_from(["abs", "sqrt"]), inner),
        inner.map(lambda a: Tree(f"(-{a.text})", _strict(PYTHON["neg"], a))),
        st.builds(chosen, inner, inner, inner, inner),
    )


leaves = st.one_of(
    st.sampled_from(NAMES).map(lambda name: Tree(name, lambda of: of[name])),
    st.integers(1, 9).map(lambda n: Tree(str(n), lambda _of: float(n))),
)
trees = st.recursive(leaves, _deeper, max_leaves=8)
readings = st.fixed_dictionaries({name: st.integers(-3, 4).map(float) for name in NAMES})


def calculated(text: str, values: list[dict[str, float]]) -> tuple[np.ndarray, np.ndarray]:
    program = compile_formula(text, SIGNALS, Signal(""), 93_200.0)
    group = DerivedGroup(
        kind="expression",
        out=np.array([0]),
        inputs=np.zeros((1, len(NAMES)), dtype=np.intp),
        used=np.ones((1, len(NAMES)), dtype=np.bool_),
        size=np.array([[len(NAMES)]]),
        is_full=True,
        params={"constants": np.array([program.constants])},
        hashes=("",),
        ring=0,
        program=program,
        first=0,
        rate=1,
        phase=0,
    )
    x = np.array([[[reading[name] for reading in values] for name in NAMES]])
    result, code = evaluate(group, x, None, Memory(slice(0, 1), np.empty((1, 1))), 1)
    shape = (1, len(values))  # a formula of numbers alone gives one
    return np.broadcast_to(result, shape)[0], np.broadcast_to(code, shape)[0]


@given(tree=trees, values=st.lists(readings, min_size=1, max_size=4))
@example(tree=Tree("(x / x)", lambda of: 1.0 if of["x"] else NAN), values=[{"x": 0.0, "y": 0.0, "z": 0.0}])
def test_a_formula_gives_what_python_gives_and_is_bad_where_python_refuses(
    tree: Tree, values: list[dict[str, float]]
) -> None:
    try:
        found, codes = calculated(tree.text, values)
    except FormulaError as error:
        if error.text == "divides by zero" or "levels deep" in error.text:  # said before anything runs
            return
        raise
    for x, code, reading in zip(found, codes, values, strict=True):
        wanted = tree.value(reading)
        if math.isnan(wanted):
            assert math.isnan(x)
            assert code == BAD_OUT_OF_RANGE
        else:
            assert x == pytest.approx(wanted, rel=1e-12, abs=1e-12)
            assert code == GOOD


@given(tree=trees, values=st.lists(readings, min_size=2, max_size=4))
def test_a_column_of_a_batch_equals_the_plant_alone(tree: Tree, values: list[dict[str, float]]) -> None:
    try:
        many, codes = calculated(tree.text, values)
    except FormulaError:
        return
    for k, reading in enumerate(values):
        one, code = calculated(tree.text, [reading])
        assert np.array_equal(one[0], many[k], equal_nan=True)
        assert code[0] == codes[k]


def printed(node: Node) -> str:
    """Return the tree with every parenthesis."""
    if node.op == "name":
        return node.word
    if node.op == "number":
        return repr(node.value) + (f" [{node.word}]" if node.has_unit else "")
    if node.op in {"neg", "not"}:
        return f"({'-' if node.op == 'neg' else 'not'} {printed(node.args[0])})"
    if node.op[0].isalpha() and node.op not in {"and", "or"}:
        return f"{node.op}({', '.join(map(printed, node.args))})"
    return f"({printed(node.args[0])} {node.op} {printed(node.args[1])})"


words = st.lists(
    st.sampled_from(
        [*NAMES, "1", "2.5 [t/h]", "+", "-", "*", "/", "(", ")", ",", "<", ">=", "and", "or", "not", "if(", "min("]
    ),
    max_size=14,
).map(" ".join)


@given(text=words)
def test_what_the_parser_understood_it_understands_again(text: str) -> None:
    try:
        tree = parse(text)
    except FormulaError:
        return
    assert printed(parse(printed(tree))) == printed(tree)


@given(text=st.text(max_size=40) | words)
def test_a_formula_is_compiled_or_refused_with_a_place(text: str) -> None:
    place = 0
    try:
        program = compile_formula(text, SIGNALS, Signal(""), 93_200.0)
    except FormulaError as error:
        place = error.at
    else:
        assert program.result < len(NAMES) + len(program.constants) + len(program.steps)
    assert 0 <= place <= len(text)


@given(
    a=st.integers(-9, 9),
    b=st.integers(-9, 9),
    c=st.integers(1, 9),
    op=st.sampled_from("+-*/"),
    other=st.sampled_from("+-*/"),
)
def test_precedence_is_that_of_arithmetic(a: int, b: int, c: int, op: str, other: str) -> None:
    text = f"x {op} {c} {other} y"
    wanted: float
    try:
        wanted = eval(text, {"x": float(a), "y": float(b)})  # noqa: S307  Python is the oracle here
    except ZeroDivisionError:
        wanted = NAN
    found, _ = calculated(text, [{"x": float(a), "y": float(b), "z": 0.0}])
    assert (math.isnan(wanted) and math.isnan(found[0])) or found[0] == pytest.approx(wanted, rel=1e-14)
