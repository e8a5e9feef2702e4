"""Formulas: the operations of a compiled expression over a whole group."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from controller.core.expression import Program
from controller.core.plan import DerivedGroup
from controller.core.quality import BAD, BAD_OUT_OF_RANGE, Codes
from controller.core.tags import Floats
from controller.logic.blocks.contract import ALL_GOOD, Memory, Result, worst


def _less(a: Floats, b: Floats) -> Floats:
    return (a < b).astype(np.float64)


def _less_equal(a: Floats, b: Floats) -> Floats:
    return (a <= b).astype(np.float64)


def _more(a: Floats, b: Floats) -> Floats:
    return (a > b).astype(np.float64)


def _more_equal(a: Floats, b: Floats) -> Floats:
    return (a >= b).astype(np.float64)


def _equal(a: Floats, b: Floats) -> Floats:
    return (a == b).astype(np.float64)


def _unequal(a: Floats, b: Floats) -> Floats:
    return (a != b).astype(np.float64)


def _quotient(a: Floats, b: Floats) -> Floats:
    """Return ``a / b``, no number at all where b is zero: an infinity could become a number again (``min``)."""
    found = a / b
    found += found - found
    return found


def _exponential(a: Floats) -> Floats:
    found = np.exp(a)
    found += found - found
    return found


def _logarithm(a: Floats) -> Floats:
    found = np.log(a)
    found += found - found
    return found


_OPERATIONS: Final[dict[str, Callable[..., Any]]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": _quotient,
    "quot": np.divide,
    "min": np.minimum,
    "max": np.maximum,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "exp": _exponential,
    "log": _logarithm,
    "where": np.where,
    "lt": _less,
    "le": _less_equal,
    "gt": _more,
    "ge": _more_equal,
    "eq": _equal,
    "ne": _unequal,
}


def formula(group: DerivedGroup, x: Floats, codes: Codes | None, _memory: Memory, _turns: int) -> Result:
    """Return the value of the formula; BAD where an input is, and where it divides by zero or leaves its domain."""
    program = group.program
    assert program is not None  # noqa: S101  the compiler gives each expression its program
    if not program.can_fail:
        result = _run(program, x, group.params["constants"])
        if codes is None:
            return result, ALL_GOOD
        code = worst(codes)
        np.copyto(result, np.nan, where=code >= BAD)  # a comparison with no number gives one
        return result, code
    with np.errstate(all="ignore"):  # what fails becomes BAD below
        result = _run(program, x, group.params["constants"])
    is_finite = np.isfinite(result)
    if codes is None and np.count_nonzero(is_finite) == is_finite.size:
        return result, ALL_GOOD
    code = np.broadcast_to(worst(codes), result.shape).copy()
    np.copyto(code, np.uint32(BAD_OUT_OF_RANGE), where=~is_finite & (code < BAD))
    np.copyto(result, np.nan, where=code >= BAD)
    return result, code


def _run(program: Program, x: Floats, constants: Floats) -> Floats:
    registers = [*x.transpose(1, 0, 2), *constants.T[:, :, None]]
    for operation, args in program.steps:
        registers.append(_OPERATIONS[operation](*[registers[a] for a in args]))
    return registers[program.result]
