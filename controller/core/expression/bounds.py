"""Between which numbers the result of an operation lies, so that a division that cannot meet a zero is not watched."""

import math
from collections.abc import Sequence
from itertools import product

Bounds = tuple[float, float]

ANYTHING: Bounds = (-math.inf, math.inf)
_TRUTH: Bounds = (0.0, 1.0)


def bounds_of(op: str, args: Sequence[Bounds]) -> Bounds:
    """Return the bounds of an operation of a program over registers within ``args``."""
    match op:
        case "add":
            return args[0][0] + args[1][0], args[0][1] + args[1][1]
        case "sub":
            return args[0][0] - args[1][1], args[0][1] - args[1][0]
        case "mul":
            corners = [a * b for a, b in product(args[0], args[1])]
            return ANYTHING if any(math.isnan(c) for c in corners) else (min(corners), max(corners))
        case "min":
            return min(args[0][0], args[1][0]), min(args[0][1], args[1][1])
        case "max":
            return max(args[0][0], args[1][0]), max(args[0][1], args[1][1])
        case "where":
            return min(args[1][0], args[2][0]), max(args[1][1], args[2][1])
        case "abs" | "sqrt" | "exp":
            return 0.0, math.inf
        case "lt" | "le" | "gt" | "ge" | "eq" | "ne":
            return _TRUTH
        case _:
            return ANYTHING
