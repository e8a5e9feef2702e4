"""From the tree of a formula to the operations that calculate it.

Each part is kept in the unit it comes in, with the factor to SI beside it: products multiply the factors here instead
of the values in the scan, and only where two units of one quantity meet is a value converted.
"""

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from controller.core.expression import kinds
from controller.core.expression.bounds import ANYTHING, Bounds, bounds_of
from controller.core.expression.kinds import BOOL, PLAIN, Kind, kind_of
from controller.core.expression.parse import FormulaError, Node, names, parse
from controller.core.units import UNITS

_CELSIUS_ZERO_K: Final = 273.15
_COMPARE: Final = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}
_FOLD: Final[Mapping[str, Callable[[float, float], float]]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
}
_ARGUMENTS: Final = {  # function: fewest and most arguments
    "sqrt": (1, 1),
    "abs": (1, 1),
    "exp": (1, 1),
    "log": (1, 1),
    "kelvin": (1, 1),
    "celsius": (1, 1),
    "absolute": (1, 1),
    "gauge": (1, 1),
    "min": (2, 9),
    "max": (2, 9),
    "clip": (3, 3),
    "if": (3, 3),
}


@dataclass(frozen=True, slots=True)
class Signal:
    """What a name of a formula stands for."""

    unit: str
    is_bool: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """Operations on registers: inputs in the order of the names, then constants, then one result for each step.

    A step is (operation, registers); "div" minds a zero below the line, "quot" can have none. ``can_fail``: some input
    makes it divide by zero or leave its domain.
    """

    steps: tuple[tuple[str, tuple[int, ...]], ...]
    constants: tuple[float, ...]
    result: int
    can_fail: bool


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the formula: SI value = register * scale. ``value`` is known of constants.

    The register lies within ``bounds`` whatever the inputs are: ``max(x, 1)`` is no danger below a fraction line.
    """

    kind: Kind
    scale: float
    register: int = -1
    value: float | None = None
    can_fail: bool = False
    bounds: Bounds = ANYTHING

    @property
    def within(self) -> Bounds:
        """The bounds, of a constant too."""
        return self.bounds if self.value is None else (self.value, self.value)


def compile_formula(formula: str, given: Mapping[str, Signal], result: Signal, barometric_pa: float) -> Program:
    """Return the program of a formula whose result is wanted in ``result``; FormulaError says what does not fit."""
    tree = parse(formula)
    for name, at in names(tree).items():
        if name not in given:
            raise FormulaError(f"unknown name {name}", at, name, given)
    compiler = _Compiler(given, barometric_pa)
    part = compiler.part(tree)
    return compiler.finished(_as_result(compiler, part, result, tree))


def _as_result(compiler: "_Compiler", part: _Part, result: Signal, tree: Node) -> _Part:
    unit = UNITS[result.unit]
    wanted = BOOL if result.is_bool else kind_of(unit)
    if part.kind.is_zero and not wanted.reference and not wanted.is_bool:
        return part
    if part.kind == PLAIN and wanted.is_percent:  # a ratio, shown in percent
        return compiler.scaled(part, unit.factor)
    if not part.kind.fits(wanted):
        raise FormulaError(f"the formula gives {part.kind}, the tag is {wanted}{_hint(part.kind, wanted)}", tree.at)
    return compiler.scaled(part, unit.factor)


def _hint(found: Kind, wanted: Kind) -> str:
    if found.is_percent and wanted == PLAIN:
        return "; divide by 1 [%] for the number of percent, by 100 [%] for 0 to 1"
    if found.dimension == wanted.dimension and wanted.reference in {"celsius", "gauge", "absolute"}:
        return f"; {wanted.reference}(x) gives that"
    return ""


@dataclass(slots=True)
class _Compiler:
    """Walks the tree once; registers of constants are negative until their number is known."""

    given: Mapping[str, Signal]
    barometric_pa: float
    steps: list[tuple[str, tuple[int, ...]]] = field(default_factory=list[tuple[str, tuple[int, ...]]])
    constants: list[float] = field(default_factory=list[float])

    def part(self, node: Node) -> _Part:
        try:
            return self._part(node)
        except TypeError as error:
            raise FormulaError(str(error), node.at) from None

    def finished(self, part: _Part) -> Program:
        """Return the program with its final numbers of registers."""
        last = self.register(part)
        first_step = len(self.given) + len(self.constants)

        def final(register: int) -> int:
            if register < 0:
                return len(self.given) - register - 1
            return register if register < len(self.given) else register - len(self.given) + first_step

        steps = tuple((op, tuple(final(r) for r in args)) for op, args in self.steps)
        return Program(steps, tuple(self.constants), final(last), part.can_fail)

    def register(self, part: _Part) -> int:
        if part.value is None:
            return part.register
        self.constants.append(part.value)
        return -len(self.constants)

    def emit(self, op: str, kind: Kind, scale: float, *args: _Part, can_fail: bool = False) -> _Part:
        values = [arg.value for arg in args if arg.value is not None]
        if op in _FOLD and len(values) == len(args):
            return _Part(kind, scale, value=_FOLD[op](*values))
        self.steps.append((op, tuple(self.register(arg) for arg in args)))
        risk = can_fail or any(arg.can_fail for arg in args)
        within = bounds_of(op, [arg.within for arg in args])
        return _Part(kind, scale, len(self.given) + len(self.steps) - 1, can_fail=risk, bounds=within)

    def constant(self, value: float) -> _Part:
        return _Part(PLAIN, 1.0, value=value)

    def scaled(self, part: _Part, scale: float) -> _Part:
        """Return the same quantity with another factor to SI."""
        ratio = part.scale / scale
        if part.kind.is_bool or math.isclose(ratio, 1.0, rel_tol=1e-15):
            return part
        return self.emit("mul", part.kind, scale, part, self.constant(ratio))

    def _part(self, node: Node) -> _Part:
        match node.op:
            case "number":
                return self._number(node)
            case "name":
                signal = self.given[node.word]
                unit = UNITS[signal.unit]
                kind = BOOL if signal.is_bool else kind_of(unit)
                return _Part(kind, 1.0 if signal.is_bool else unit.factor, list(self.given).index(node.word))
            case "and" | "or" | "not":
                return self._logic(node)
            case _:
                args = [self.part(arg) for arg in node.args]
                if node.op in _COMPARE:
                    return self._comparison(node, *args)
                if node.op in {"+", "-", "*", "/", "neg"}:
                    return self._arithmetic(node, args)
                return self._function(node, args)

    def _number(self, node: Node) -> _Part:
        if not node.has_unit:
            kind = Kind((), is_zero=True) if node.value == 0.0 else PLAIN
            return _Part(kind, 1.0, value=node.value)
        unit = UNITS.get(node.word)
        if unit is None:
            raise FormulaError(f"unknown unit {node.word}", node.at, node.word, UNITS)
        return _Part(kind_of(unit), unit.factor, value=node.value)

    def _logic(self, node: Node) -> _Part:
        args = [self.part(arg) for arg in node.args]
        if not all(arg.kind.is_bool for arg in args):
            found = next(arg.kind for arg in args if not arg.kind.is_bool)
            raise TypeError(f"{node.op} needs true or false, found {found}; compare it with a limit")
        if node.op == "not":
            return self.emit("sub", BOOL, 1.0, self.constant(1.0), args[0])
        return self.emit("min" if node.op == "and" else "max", BOOL, 1.0, *args)

    def _comparison(self, node: Node, a: _Part, b: _Part) -> _Part:
        kind = kinds.common(a.kind, b.kind, "comparison")
        if kind.is_bool or (node.op in {"==", "!="} and kind != PLAIN):
            raise TypeError(f"{node.op} compares numbers without unit (codes), found {kind}")
        a, b = self._alike(a, b)
        found = self.emit(_COMPARE[node.op], BOOL, 1.0, a, b)
        return self._as_unknown_as(found, self.emit("sub", PLAIN, 1.0, a, b)) if found.can_fail else found

    def _as_unknown_as(self, part: _Part, other: _Part) -> _Part:
        """Return ``part``, but no number where ``other`` has none."""
        return self.emit("add", part.kind, part.scale, part, self.emit("mul", PLAIN, 1.0, other, self.constant(0.0)))

    def _alike(self, a: _Part, b: _Part) -> tuple[_Part, _Part]:
        if a.value is not None:
            return (a if a.kind.is_zero or b.kind.is_zero else self.scaled(a, b.scale)), b
        return a, (b if b.kind.is_zero else self.scaled(b, a.scale))

    def _arithmetic(self, node: Node, args: list[_Part]) -> _Part:
        if node.op == "neg":
            (a,) = args
            return self.emit("mul", kinds.magnitude(a.kind), a.scale, a, self.constant(-1.0))
        a, b = args
        if node.op == "*":
            return self.emit("mul", kinds.multiplied(a.kind, b.kind), a.scale * b.scale, a, b)
        if node.op == "/":
            return self._quotient(node, a, b)
        kind = (kinds.added if node.op == "+" else kinds.subtracted)(a.kind, b.kind)
        a, b = self._alike(a, b)
        return self.emit("add" if node.op == "+" else "sub", kind, _scale(a, b), a, b)

    def _quotient(self, node: Node, a: _Part, b: _Part) -> _Part:
        kind, scale = kinds.divided(a.kind, b.kind), a.scale / b.scale
        if b.value is None:
            lo, hi = b.within
            if lo <= 0.0 <= hi:
                return self.emit("div", kind, scale, a, b, can_fail=True)
            return self.emit("quot", kind, scale, a, b)
        if b.value == 0.0:
            raise FormulaError("divides by zero", node.at)
        if a.value is not None:
            return _Part(kind, scale, value=a.value / b.value)
        return self.emit("quot", kind, scale, a, b)

    def _function(self, node: Node, args: list[_Part]) -> _Part:
        if node.op not in _ARGUMENTS:
            raise FormulaError(f"unknown function {node.op}", node.at, node.op, _ARGUMENTS)
        fewest, most = _ARGUMENTS[node.op]
        if not fewest <= len(args) <= most:
            wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
            raise FormulaError(f"{node.op} takes {wanted} in its parentheses, found {len(args)}", node.at)
        match node.op:
            case "if":
                return self._choice(*args)
            case "min" | "max":
                return self._extreme(node.op, args)
            case "clip":
                x, lo, hi = args
                if lo.value is not None and hi.value is not None and lo.value * lo.scale > hi.value * hi.scale:
                    raise TypeError("clip(x, lo, hi) has lo above hi")
                return self._extreme("min", [self._extreme("max", [x, lo]), hi])
            case "abs":
                return self.emit("abs", kinds.magnitude(args[0].kind), args[0].scale, args[0])
            case "sqrt":
                a = args[0]
                fails = a.within[0] < 0.0
                return self.emit("sqrt", kinds.root(a.kind), math.sqrt(a.scale), a, can_fail=fails)
            case "exp" | "log":
                kind = kinds.number(args[0].kind, node.op)
                return self.emit(node.op, kind, 1.0, self.scaled(args[0], 1.0), can_fail=True)
            case _:
                return self._other_zero(node.op, args[0])

    def _choice(self, condition: _Part, a: _Part, b: _Part) -> _Part:
        if not condition.kind.is_bool:
            raise TypeError(f"if(condition, a, b) needs true or false first, found {condition.kind}")
        kind = kinds.common(a.kind, b.kind, "choice")
        a, b = self._alike(a, b)
        found = self.emit("where", kind, _scale(a, b), condition, a, b)
        return self._as_unknown_as(found, condition) if condition.can_fail else found

    def _extreme(self, op: str, args: list[_Part]) -> _Part:
        found = args[0]
        for arg in args[1:]:
            kind = kinds.common(found.kind, arg.kind, op)
            if kind.is_bool:
                raise TypeError(f"{op} needs numbers; use and, or")
            a, b = self._alike(found, arg)
            found = self.emit(op, kind, _scale(a, b), a, b)
        return found

    def _other_zero(self, op: str, part: _Part) -> _Part:
        """Shift a temperature or pressure from one zero to the other."""
        source, wanted, shift = {
            "kelvin": (kinds.CELSIUS, kinds.KELVIN, _CELSIUS_ZERO_K),
            "celsius": (kinds.KELVIN, kinds.CELSIUS, -_CELSIUS_ZERO_K),
            "absolute": (kinds.GAUGE, kinds.ABSOLUTE, self.barometric_pa),
            "gauge": (kinds.ABSOLUTE, kinds.GAUGE, -self.barometric_pa),
        }[op]
        if not part.kind.fits(source):
            raise TypeError(f"{op}(x) needs {_CALLED[op]}, found {part.kind}")
        return self.emit("add", wanted, part.scale, part, self.constant(shift / part.scale))


_CALLED: Final = {
    "kelvin": "a temperature in °C",
    "celsius": "a temperature in K",
    "absolute": "a gauge pressure",
    "gauge": "an absolute pressure",
}


def _scale(a: _Part, b: _Part) -> float:
    return b.scale if a.kind.is_zero else a.scale
