"""Every operation that can be compiled against numpy, on values that are hard."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.reduce import ordered_sum
from controller.core.state import State
from plc_sim.compiled.kernel import Kernel
from tests.unit.plc_sim.compiled_rig import Formulas, Twins, compiled, rows

Floats = npt.NDArray[np.float64]
Formula = Callable[[Any, Any], Any]

SMALL = (0.0, -0.0, 5e-324, -1e-310, 2.3e-308, 1e-20, -1e-8, 0.25, -0.3, 0.5, 1.0, -1.0, 1.5, 2.0, 2.5, 3.0, -3.0)
LARGE = (-7.25, 36.7, 88.0, -104.5, 700.1, -745.0, 709.9, 1e5, 123456.789, -1e15, 4503599627370497.0, 1e200, -1.7e308)
HARD = np.array([*SMALL, *LARGE, np.inf, -np.inf, np.nan])


def chosen(x: Any, y: Any) -> Any:
    return np.where(x > y, x, y)


def chosen_by_a_number(x: Any, y: Any) -> Any:
    return np.where(x, 1.0, y)


def divided_where(x: Any, y: Any) -> Any:
    return np.divide(x, y, out=np.zeros_like(x), where=y > 0.0)


EXACT: dict[str, Formula] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "divide a constant": lambda x, _: 3.0 / x,
    "negative": lambda x, _: -x,
    "absolute": lambda x, _: np.abs(x),
    "sqrt": lambda x, _: np.sqrt(x),
    "square root by power": lambda x, _: np.abs(x) ** 0.5,
    "square": lambda x, _: x**2,
    "reciprocal by power": lambda x, _: x**-1.0,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "minimum of a constant": lambda x, _: np.minimum(x, 1.0),
    "maximum of a constant": lambda x, _: np.maximum(0.0, x),
    "maximum of not a number": lambda x, _: np.maximum(x, np.nan),
    "clip": lambda x, _: np.clip(x, -1.0, 2.0),
    "rint": lambda x, _: np.rint(x),
    "floor": lambda x, _: np.floor(x),
    "ceil": lambda x, _: np.ceil(x),
    "trunc": lambda x, _: np.trunc(x),
    "less": lambda x, y: x < y,
    "less or equal": lambda x, y: x <= y,
    "greater": lambda x, y: x > y,
    "greater or equal": lambda x, y: x >= y,
    "equal": lambda x, y: x == y,
    "not equal": lambda x, y: x != y,
    "isnan": lambda x, _: np.isnan(x),
    "and, or, not": lambda x, y: ((x > 0.0) & (y > 0.0)) | ~(x < y),
    "truths in arithmetic": lambda x, y: (x >= 0.5) * y + (y > 0.0) - (x < y) * 2,
    "sum of truths": lambda x, y: (x > 0.0) + (y > 0.0),
    "product of truths": lambda x, y: (x > 0.0) * (y > 0.0),
    "where": chosen,
    "where of a number": chosen_by_a_number,
    "a factor of one": lambda x, y: (x * 1.0) / 1.0 + 1.0 * y,
    "divide where": divided_where,
}
# Units in the last place from numpy, which has its own; a power's error grows with its exponent, here to 4,000.
CLOSE: dict[str, tuple[int, Formula]] = {
    "exp": (2, lambda x, _: np.exp(x)),
    "exp2": (2, lambda x, _: np.exp2(x)),
    "expm1": (3, lambda x, _: np.expm1(x)),
    "log": (2, lambda x, _: np.log(x)),
    "log1p": (2, lambda x, _: np.log1p(x)),
    "power": (45, lambda x, y: x**y),
    "power of a constant": (45, lambda x, _: 0.3**x),
    "small power": (2, lambda x, _: x**-0.2),
    "fourth power": (3, lambda x, _: x**4),
    "negative power": (3, lambda x, _: x**-3),
    "tanh": (3, lambda x, _: np.tanh(x)),
}
CIRCLE: dict[str, Formula] = {"sin": lambda x, _: np.sin(x), "cos": lambda x, _: np.cos(x)}
ALL: dict[str, Formula] = EXACT | {name: formula for name, (_, formula) in CLOSE.items()} | CIRCLE
NAMES = list(ALL)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    return compiled(lambda state: Formulas(state, list(ALL.values())), Formulas.step, tmp_path_factory.mktemp("cache"))


def both(kernel: Kernel, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return (numpy's, compiled) of all formulas, (formulas, n)."""
    twins = Twins.of(kernel, lambda state: Formulas(state, list(ALL.values())), Formulas.step, x.size)
    for piece in (twins.numpys, twins.compileds):
        piece.x[...], piece.y[...] = x, y
    twins.both()
    return twins.numpys.out, twins.compileds.out


def apart(a: Floats, b: Floats) -> Floats:
    """Return the distance in units in the last place; infinite where only one is finite."""
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(all="ignore"):
        distance = np.abs(a - b) / np.spacing(np.maximum(np.abs(a), np.abs(b)))
    return np.where(same, 0.0, np.where(np.isfinite(distance), distance, np.inf))


@pytest.fixture(scope="module")
def pairs(kernel: Kernel) -> tuple[Floats, Floats, Floats, Floats]:
    x, y = (axis.ravel() for axis in np.meshgrid(HARD, HARD))
    return x, y, *both(kernel, x, y)


@pytest.mark.parametrize("name", EXACT)
def test_what_is_exact_in_numpy_has_the_same_bits(name: str, pairs: tuple[Floats, Floats, Floats, Floats]) -> None:
    x, y, numpys, ours = pairs
    wrong = apart(numpys[NAMES.index(name)], ours[NAMES.index(name)]) > 0.0
    assert not wrong.any(), (x[wrong], y[wrong], numpys[NAMES.index(name)][wrong], ours[NAMES.index(name)][wrong])


@pytest.mark.parametrize("name", CLOSE)
def test_functions_are_within_their_last_bits(name: str, pairs: tuple[Floats, Floats, Floats, Floats]) -> None:
    x, y, numpys, ours = pairs
    most, _ = CLOSE[name]
    wrong = apart(numpys[NAMES.index(name)], ours[NAMES.index(name)]) > most
    assert not wrong.any(), (x[wrong], y[wrong], numpys[NAMES.index(name)][wrong], ours[NAMES.index(name)][wrong])


@pytest.mark.parametrize("name", CIRCLE)
def test_sine_and_cosine_are_exact_to_the_bit_that_matters(name: str, kernel: Kernel) -> None:
    x = np.concatenate([np.linspace(-40.0, 40.0, 4001), np.arange(-64, 65) * (np.pi / 2), [1e6, -3e7, np.nan]])
    numpys, ours = both(kernel, x, x)
    row = NAMES.index(name)
    assert apart(numpys[row], ours[row])[np.abs(x) < 41.0].max() <= 2
    assert numpys[row, :-1] == pytest.approx(ours[row, :-1], abs=3e-16)
    assert np.isnan(ours[row, -1])


@given(st.lists(st.tuples(st.floats(), st.floats()), min_size=1, max_size=20))
def test_any_numbers_agree(kernel: Kernel, values: list[tuple[float, float]]) -> None:
    x, y = np.array(values).T
    numpys, ours = both(kernel, x, y)
    for name in EXACT:
        assert (apart(numpys[NAMES.index(name)], ours[NAMES.index(name)]) == 0.0).all(), name
    for name, (most, _) in CLOSE.items():
        assert (apart(numpys[NAMES.index(name)], ours[NAMES.index(name)]) <= most).all(), name


@pytest.mark.parametrize("batch", [1, 7, 8, 9])
def test_a_column_does_not_know_how_wide_the_batch_is(kernel: Kernel, batch: int) -> None:
    x, y = np.linspace(0.1, 9.0, batch), np.linspace(-2.0, 3.0, batch)
    _, together = both(kernel, x, y)
    alone = np.concatenate([both(kernel, x[k : k + 1], y[k : k + 1])[1] for k in range(batch)], axis=1)
    assert together.tobytes() == alone.tobytes()


class Shapes:
    """Arrays of several kinds, moved, summed, chosen and interpolated."""

    TABLE = np.arange(24.0).reshape(2, 12) ** 1.5
    GRID = np.array([0.0, 0.1, 0.11, 0.5, 2.0, 7.0, 7.5])
    VALUES = np.array([1.0, -2.0, 0.0, 3.0, 3.5, 10.0, 4.0])

    def __init__(self, state: State) -> None:
        self.x = rows(state, "x", np.linspace(-2.0, 9.0, 12).reshape(4, 3, 1))
        self.count = rows(state, "count", np.arange(3).reshape(3, 1))
        self.truth = rows(state, "truth", np.array([[True], [False], [True]]))
        self.out = {name: rows(state, f"out.{name}", np.zeros((n, 3, 1))) for name, n in self.COUNTS.items()}
        self.table = self.TABLE.copy()

    COUNTS = {  # noqa: RUF012  rows of each result
        "sums": 10, "moved": 11, "chosen": 6, "integers": 4, "truths": 3, "inplace": 4,
    }  # fmt: skip

    def step(self) -> None:
        x, out = self.x, self.out
        out["sums"][0] = ordered_sum(x)
        out["sums"][1:3] = np.add.reduceat(x, [0, 3], axis=0)
        out["sums"][3:7] = np.cumsum(x, axis=0)
        out["sums"][7] = np.add.accumulate(x, 0)[-1]
        out["sums"][8] = np.cumprod(x, axis=0)[-1]
        out["sums"][9] = np.maximum.reduce(x, axis=0)
        joined = np.concatenate([x[:1], np.stack([x[1], x[2] > 0.0]), np.ones((1, 3, x.shape[2]))])
        out["moved"][:4] = joined
        out["moved"][4:8] = joined[::-1].swapaxes(0, 1).transpose(1, 0, 2)
        out["moved"][8:10] = np.repeat(x[0], 2, axis=0).reshape(2, 3, -1)
        out["moved"][10] = np.broadcast_to(x[0, 0], (3, x.shape[2])) + np.full_like(x[0], 2.0)
        index = np.minimum(np.maximum(x[0] * 2.0, 0.0), 11.0).astype(np.intp)
        out["chosen"][:2] = self.table.take(index, axis=1, mode="clip")
        out["chosen"][2:4] = self.table.take(index + 5, axis=1, mode="clip")
        out["chosen"][4] = np.interp(x[1], self.GRID, self.VALUES)
        out["chosen"][5] = np.interp(-x[2], self.GRID - 3.0, self.VALUES)
        self.count[...] = (self.count + 5) % 7
        out["integers"][0] = self.count
        out["integers"][1] = self.count * 3 - index
        out["integers"][2] = np.abs(-self.count) + (self.count > 2)
        out["integers"][3] = (np.stack([x[0], x[1], x[2]]).argmax(axis=0)) + (x[3] > 8.0).astype(np.int64)
        self.truth[...] = ~self.truth & (x[1] > 0.0)
        out["truths"][0] = self.truth
        out["truths"][1] = (x > 0.0).any(axis=0)
        out["truths"][2] = (x > -1.0).all(axis=0)
        held = out["inplace"]
        held[...] = x
        held *= 2.0
        held[1:3] -= x[:2]
        np.sqrt(np.abs(held), out=held)
        np.copyto(held[3], x[0], where=x[1] > 2.0)
        x += np.sin(x) * 0.3 + 0.2


def test_what_moves_sums_and_chooses_is_numpys(tmp_path: Path) -> None:
    kernel = compiled(Shapes, Shapes.step, tmp_path)
    twins = Twins.of(kernel, Shapes, Shapes.step, batch=11)
    spread = np.linspace(-3.0, 3.0, 11)
    twins.numpys.x += spread
    twins.compileds.x += spread
    for _ in range(50):
        twins.both()
    assert twins.difference() < 1e-13
    for name in ("count", "truth", "out.integers", "out.truths"):
        assert np.array_equal(twins.states[0][name], twins.states[1][name]), name


def test_interpolation_keeps_numpys_edges(tmp_path: Path) -> None:
    grid, values = Shapes.GRID, Shapes.VALUES
    points = np.concatenate([grid, np.nextafter(grid, -99.0), np.nextafter(grid, 99.0), HARD])

    def on(grid: Floats) -> Formula:
        def formula(x: Any, y: Any) -> Any:
            _ = y
            return np.interp(x, grid, values)

        return formula

    functions = [on(grid), on(grid**2)]
    kernel = compiled(lambda state: Formulas(state, functions), Formulas.step, tmp_path)
    twins = Twins.of(kernel, lambda state: Formulas(state, functions), Formulas.step, points.size)
    twins.numpys.x[...] = twins.compileds.x[...] = points
    twins.both()
    assert apart(twins.numpys.out, twins.compileds.out).max() <= 1
