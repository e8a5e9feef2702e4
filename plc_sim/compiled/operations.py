"""What numpy's operations on whole arrays become in the graph; the rules are numpy's.

Kinds join as dtypes do, truth values are 1 and 0 in arithmetic, NaN wins in ``minimum`` and ``maximum``, sums are in
the order of the rows. An integer of NaN or of what is too large is the nearest one (numpy: the smallest).
"""

import math
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from plc_sim.compiled.arrays import Traced, each, filled, kind_of, new_array, nodes, plain, widest, wrap
from plc_sim.compiled.graph import CompileError, Graph, Node

Array = npt.NDArray[Any]
Handler = Callable[..., Any]
Make = Callable[[Graph, list[Traced]], Traced]

MOST_POWER = 8  # whole exponents up to here are multiplications
DEFAULTS = {"dtype": None, "keepdims": False, "where": True}  # what numpy's methods hand on without being asked for it
JOINED = {np.add: "add", np.subtract: "sub", np.multiply: "mul", np.maximum: "max", np.minimum: "min"}
TRUTHS = {"add": "or", "mul": "and", "max": "or", "min": "and"}
REALS = {
    np.divide: "div",
    np.sqrt: "sqrt",
    np.exp: "exp",
    np.exp2: "exp2",
    np.expm1: "expm1",
    np.log: "log",
    np.log1p: "log1p",
    np.sin: "sin",
    np.cos: "cos",
    np.tanh: "tanh",
    np.rint: "rint",
    np.floor: "floor",
    np.ceil: "ceil",
    np.trunc: "trunc",
}
COMPARED = {
    np.less: "lt",
    np.less_equal: "le",
    np.greater: "gt",
    np.greater_equal: "ge",
    np.equal: "eq",
    np.not_equal: "ne",
}
LOGIC = {
    np.logical_and: "and",
    np.logical_or: "or",
    np.logical_not: "not",
    np.bitwise_and: "and",
    np.bitwise_or: "or",
    np.invert: "not",
}
# Functions that only move elements.
MOVING = (
    np.stack,
    np.concatenate,
    np.broadcast_to,
    np.repeat,
    np.tile,
    np.moveaxis,
    np.swapaxes,
    np.transpose,
    np.reshape,
    np.ravel,
    np.squeeze,
    np.expand_dims,
    np.flip,
    np.copy,
)


def arithmetic(graph: Graph, op: str, a: Node, b: Node) -> Node:
    """Return ``a op b`` of one kind; a factor of 1 is left out."""
    if op in ("mul", "div") and b.op == "const" and b.value == 1.0:
        return a
    if op == "mul" and a.op == "const" and a.value == 1.0:
        return b
    if op in ("min", "max"):
        for x in (a, b):
            if x.op == "const" and math.isnan(x.value):
                return x
    return graph.apply(op, a.kind, a, b)


def power(graph: Graph, base: Node, exponent: Node) -> Node:
    """Return ``base ** exponent``: a root, a reciprocal or multiplications where a constant exponent allows."""
    value = float(exponent.value) if exponent.op == "const" else math.nan
    if value == 0.5:
        return graph.apply("sqrt", "f", base)
    if value == -1.0:
        return graph.apply("div", "f", graph.constant(1.0), base)
    if not value.is_integer() or not 0.0 < value <= MOST_POWER:
        return graph.apply("pow", "f", base, exponent)
    result, square, left = graph.constant(1.0), base, int(value)
    while left:
        if left % 2:
            result = arithmetic(graph, "mul", result, square)
        left //= 2
        square = graph.apply("mul", "f", square, square)
    return result


def select(graph: Graph, condition: Node, a: Node, b: Node) -> Node:
    """Return ``a`` where the condition holds, else ``b``."""
    if a is b:
        return a
    if condition.op == "const":
        return a if condition.value else b
    return graph.apply("select", a.kind, condition, a, b)


def where(graph: Graph, condition: Any, a: Any, b: Any) -> Traced:
    """Return ``np.where``."""
    chosen = [nodes(graph, a), nodes(graph, b)]
    kind = widest(chosen)
    yes, no = (nodes(graph, x, kind) for x in chosen)
    return each(graph, kind, partial(select, graph), nodes(graph, condition, "b"), yes, no)


def writable(graph: Graph, target: Any) -> None:
    """Refuse to write into what is no array of the state or of this step."""
    if not isinstance(target, Traced):
        raise CompileError(f"{graph.place}: writes what the state decides into a constant array")


def _call(make: Make) -> Handler:
    """Return the rule of a ufunc: operands as nodes, ``out`` and ``where`` as numpy means them."""

    def rule(graph: Graph, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        condition = kwargs.pop("where", True)
        _refuse(graph, kwargs)
        result = make(graph, [nodes(graph, x) for x in inputs])
        if out is None and condition is not True:
            raise CompileError(f"{graph.place}: where= without out= leaves elements undefined")
        if out is None:
            return result
        (target,) = out
        writable(graph, target)
        target[...] = result if condition is True else where(graph, condition, result, target)
        return target

    return rule


def _refuse(graph: Graph, kwargs: dict[str, Any]) -> None:
    for name, value in kwargs.items():
        if value is not DEFAULTS.get(name, kwargs):
            raise CompileError(f"{graph.place}: the argument {name}={value!r} cannot be compiled")


def _joined(op: str) -> Make:
    def make(graph: Graph, operands: list[Traced]) -> Traced:
        kind = widest(operands)
        a, b = (nodes(graph, x, kind) for x in operands)
        if kind != "b":
            return each(graph, kind, partial(arithmetic, graph, op), a, b)
        if op not in TRUTHS:
            raise CompileError(f"{graph.place}: truth values cannot be subtracted")
        return each(graph, "b", partial(graph.apply, TRUTHS[op], "b"), a, b)

    return make


def _real(op: str) -> Make:
    def make(graph: Graph, operands: list[Traced]) -> Traced:
        rule = partial(arithmetic, graph, op) if op == "div" else partial(graph.apply, op, "f")
        return each(graph, "f", rule, *(nodes(graph, x, "f") for x in operands))

    return make


def _compared(op: str) -> Make:
    def make(graph: Graph, operands: list[Traced]) -> Traced:
        kind = widest(operands)
        same = [nodes(graph, x, "i" if kind == "b" else kind) for x in operands]
        return each(graph, "b", partial(graph.apply, op, "b"), *same)

    return make


def _logic(op: str) -> Make:
    def make(graph: Graph, operands: list[Traced]) -> Traced:
        if any(x.kind == "i" for x in operands):
            raise CompileError(f"{graph.place}: the bits of integers cannot be compiled")
        return each(graph, "b", partial(graph.apply, op, "b"), *(nodes(graph, x, "b") for x in operands))

    return make


def _signed(op: str) -> Make:
    def make(graph: Graph, operands: list[Traced]) -> Traced:
        (x,) = operands
        if x.kind == "b":
            raise CompileError(f"{graph.place}: a truth value has no sign")
        return each(graph, x.kind, partial(graph.apply, op, x.kind), x)

    return make


def _power(graph: Graph, operands: list[Traced]) -> Traced:
    return each(graph, "f", partial(power, graph), *(nodes(graph, x, "f") for x in operands))


def _remainder(graph: Graph, operands: list[Traced]) -> Traced:
    if widest(operands) != "i":
        raise CompileError(f"{graph.place}: the remainder is compiled for integers only")
    return each(graph, "i", partial(graph.apply, "rem", "i"), *operands)


def _square(graph: Graph, operands: list[Traced]) -> Traced:
    return _joined("mul")(graph, [operands[0], operands[0]])


def _isnan(graph: Graph, operands: list[Traced]) -> Traced:
    return each(graph, "b", partial(graph.apply, "isnan", "b"), nodes(graph, operands[0], "f"))


def _accumulate(op: str) -> Handler:
    make = _joined(op)

    def rule(graph: Graph, values: Traced, axis: int = 0, out: Any = None, **kwargs: Any) -> Any:
        _refuse(graph, kwargs)
        rows = np.moveaxis(values, axis, 0)
        found = new_array(rows.shape, dtype=object)
        total = rows[0]
        for number in range(len(rows)):
            total = make(graph, [total, rows[number]]) if number else total
            found[number] = plain(total)
        result = np.moveaxis(wrap(graph, values.kind, found), 0, axis)
        for target in out if isinstance(out, tuple) else () if out is None else (out,):
            target[...] = result
        return result

    return rule


def _reduceat(graph: Graph, values: Traced, indices: Any, axis: int = 0, **kwargs: Any) -> Any:
    _refuse(graph, kwargs)
    rows = np.moveaxis(values, axis, 0)
    starts = [int(i) for i in np.asarray(indices)]
    ends = [*starts[1:], len(rows)]
    sums = [_folded(_joined("add"))(graph, rows[a : max(b, a + 1)]) for a, b in zip(starts, ends, strict=True)]
    return np.moveaxis(np.stack(sums), 0, axis)


def _folded(make: Make) -> Handler:
    """Return the rule of a reduction, row by row; for numpy's own ones only where the order does not matter."""

    def rule(graph: Graph, values: Traced, axis: int | None = 0, **kwargs: Any) -> Any:
        _refuse(graph, kwargs)
        rows = values.reshape(-1) if axis is None else np.moveaxis(values, axis, 0)
        return reduce(lambda total, row: make(graph, [total, row]), rows)

    return rule


def _copyto(graph: Graph, target: Any, source: Any, **kwargs: Any) -> None:
    condition = kwargs.pop("where", True)
    _refuse(graph, kwargs)
    writable(graph, target)
    target[...] = source if condition is True else where(graph, condition, source, target)


def _clip(graph: Graph, values: Any, least: Any, most: Any, out: Any = None) -> Any:
    _ = graph
    return np.minimum(np.maximum(values, least), most, out=out)


def _moving(func: Callable[..., Any]) -> Handler:
    def rule(graph: Graph, first: Any, *rest: Any, out: Any = None, **kwargs: Any) -> Any:
        is_list = isinstance(first, (list, tuple))
        parts = [nodes(graph, part) for part in (first if is_list else [first])]
        kind = widest(parts)
        moved = [plain(nodes(graph, part, kind)) for part in parts]
        result = wrap(graph, kind, func(moved if is_list else moved[0], *rest, **kwargs))
        if out is None:
            return result
        writable(graph, out)
        out[...] = result
        return out

    return rule


def _like(value: float | None) -> Handler:
    def rule(graph: Graph, like: Any, dtype: Any = None, shape: Any = None, **kwargs: Any) -> Traced:
        return _full_like(graph, like, value, dtype, shape, **kwargs)

    return rule


def _full_like(graph: Graph, like: Any, value: Any, dtype: Any = None, shape: Any = None, **kwargs: Any) -> Traced:
    _refuse(graph, kwargs)
    own = like.kind if isinstance(like, Traced) else kind_of(like.dtype)
    return filled(graph, like.shape if shape is None else shape, value, own if dtype is None else kind_of(dtype))


def _attribute(name: str) -> Handler:
    def rule(graph: Graph, array: Any) -> Any:
        _ = graph
        return getattr(array, name)

    return rule


def _question(name: str) -> Handler:
    def rule(graph: Graph, array: Any, axis: int | None = None, **kwargs: Any) -> Any:
        _refuse(graph, kwargs)
        return getattr(array, name)(axis)

    return rule


UFUNCS: dict[tuple[np.ufunc, str], Handler] = {
    **{(ufunc, "__call__"): _call(_joined(op)) for ufunc, op in JOINED.items()},
    **{(ufunc, "__call__"): _call(_real(op)) for ufunc, op in REALS.items()},
    **{(ufunc, "__call__"): _call(_compared(op)) for ufunc, op in COMPARED.items()},
    **{(ufunc, "__call__"): _call(_logic(op)) for ufunc, op in LOGIC.items()},
    (np.logical_and, "reduce"): _folded(_logic("and")),
    (np.logical_or, "reduce"): _folded(_logic("or")),
    (np.maximum, "reduce"): _folded(_joined("max")),
    (np.minimum, "reduce"): _folded(_joined("min")),
    (np.negative, "__call__"): _call(_signed("neg")),
    (np.absolute, "__call__"): _call(_signed("abs")),
    (np.power, "__call__"): _call(_power),
    (np.remainder, "__call__"): _call(_remainder),
    (np.square, "__call__"): _call(_square),
    (np.isnan, "__call__"): _call(_isnan),
    (np.add, "accumulate"): _accumulate("add"),
    (np.multiply, "accumulate"): _accumulate("mul"),
    (np.add, "reduceat"): _reduceat,
}
FUNCTIONS: dict[Any, Handler] = {
    **{func: _moving(func) for func in MOVING},
    np.where: where,
    np.copyto: _copyto,
    np.clip: _clip,
    np.cumsum: _accumulate("add"),
    np.cumprod: _accumulate("mul"),
    np.empty_like: _like(None),
    np.zeros_like: _like(0),
    np.ones_like: _like(1),
    np.full_like: _full_like,
    np.shape: _attribute("shape"),
    np.ndim: _attribute("ndim"),
    np.size: _attribute("size"),
    np.any: _question("any"),
    np.all: _question("all"),
}
