"""From the text of a formula to its tree: a tokenizer and a Pratt parser.

Precedence, loosest first: ``or``, ``and``, ``not``, comparisons (they do not chain), ``+ -``, ``* /``, unary ``-``.
A number may carry a unit: ``2.5 [t/h]``.
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<unit>\[[^\[\]]*\])"
    r"|(?P<op><=|>=|==|!=|[-+*/(),<>])|(?P<wrong>\S))"
)
_LEVEL: Final = {
    "or": 1,
    "and": 2,
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), 4),
    **dict.fromkeys("+-", 5),
    **dict.fromkeys("*/", 6),
}
_COMPARISON, _NOT, _MINUS = 4, 3, 7
_WORDS: Final = frozenset({"and", "or", "not", "if"})
_DEEPEST: Final = 40  # parentheses in one another


class FormulaError(Exception):
    """A mistake in a formula: what is wrong, at which character, and, of an unknown name, what is known."""

    def __init__(self, text: str, at: int, found: str = "", known: Iterable[str] = ()) -> None:
        super().__init__(text)
        self.text = text
        self.at = at
        self.found = found
        self.known = tuple(known)


@dataclass(frozen=True, slots=True)
class Node:
    """``op``: "number" (``value``, ``word`` its unit), "name" (``word``), an operator, or a function, over ``args``."""

    op: str
    at: int  # character of the formula
    args: tuple["Node", ...] = ()
    word: str = ""
    value: float = math.nan
    has_unit: bool = False


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # "number", "name", "unit", "op", "end"
    text: str
    at: int


def parse(formula: str) -> Node:
    """Return the tree of a formula; FormulaError says what is wrong and where."""
    parser = _Parser(list(_tokens(formula)))
    node = parser.expression(0)
    parser.end()
    return node


def names(node: Node) -> dict[str, int]:
    """Return the names a formula uses and where each stands first."""
    if node.op == "name":
        return {node.word: node.at}
    found: dict[str, int] = {}
    for arg in node.args:
        for word, at in names(arg).items():
            found.setdefault(word, at)
    return found


def skeleton(node: Node, order: dict[str, int]) -> str:
    """Return the structure of a formula: names by their number, numbers without their value."""
    if node.op == "name":
        return f"${order.get(node.word, -1)}"
    if node.op == "number":
        return f"#[{node.word}]" if node.has_unit else "#0" if node.value == 0.0 else "#"
    return f"{node.op}({','.join(skeleton(arg, order) for arg in node.args)})"


def _tokens(formula: str) -> Iterator[_Token]:
    at = 0
    while match := _TOKEN.match(formula, at):
        kind = match.lastgroup or ""
        if kind == "wrong":
            raise FormulaError(_wrong(match["wrong"]), match.start("wrong"))
        yield _Token(kind, match[kind], match.start(kind))
        at = match.end()
    yield _Token("end", "", len(formula.rstrip()))


def _wrong(character: str) -> str:
    if character == "^":
        return "there is no power; write x * x, or sqrt(x)"
    if character in "[]":
        return "a unit stands in brackets behind its number: 2.5 [t/h]"
    if character == "=":
        return "two values are compared with == (equal) or >=, <="
    return f"unexpected {character!r}"


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.position = 0
        self.depth = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.position]

    def take(self) -> _Token:
        token = self.token
        self.position += 1
        return token

    def expect(self, text: str, why: str) -> _Token:
        if self.token.text != text:
            raise FormulaError(f"expected {text} {why}, found {self.found()}", self.token.at)
        return self.take()

    def found(self) -> str:
        return "the end" if self.token.kind == "end" else repr(self.token.text)

    def end(self) -> None:
        if self.token.kind != "end":
            raise FormulaError(f"expected an operator or the end, found {self.found()}", self.token.at)

    def expression(self, level: int) -> Node:
        """Parse everything that binds tighter than ``level``."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise FormulaError(f"more than {_DEEPEST} levels deep; make a calculated tag of a part", self.token.at)
        left = self.operand()
        while (own := _LEVEL.get(self.token.text, 0)) > level:
            operator = self.take()
            right = self.expression(own)
            left = Node(operator.text, operator.at, (left, right))
            if own == _COMPARISON and _LEVEL.get(self.token.text) == _COMPARISON:
                raise FormulaError("comparisons do not chain; join two with and", self.token.at)
        self.depth -= 1
        return left

    def operand(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return self.number(token)
        if token.text == "-":
            return Node("neg", token.at, (self.expression(_MINUS - 1),))
        if token.text == "+":
            return self.expression(_MINUS - 1)
        if token.text == "not":
            return Node("not", token.at, (self.expression(_NOT),))
        if token.text == "(":
            inner = self.expression(0)
            self.expect(")", f"for the ( at character {token.at + 1}")
            return inner
        if token.kind == "name" and (self.token.text == "(" or token.text not in _WORDS):
            return self.call(token) if self.token.text == "(" else Node("name", token.at, word=token.text)
        self.position -= 1
        raise FormulaError(f"expected a number, a name or (, found {self.found()}", token.at)

    def number(self, token: _Token) -> Node:
        value = float(token.text)
        if not math.isfinite(value):
            raise FormulaError(f"{token.text} is too large", token.at)
        if self.token.kind != "unit":
            return Node("number", token.at, value=value)
        return Node("number", token.at, word=self.take().text[1:-1].strip(), value=value, has_unit=True)

    def call(self, token: _Token) -> Node:
        self.take()
        args: list[Node] = []
        if self.token.text != ")":
            args.append(self.expression(0))
            while self.token.text == ",":
                self.take()
                args.append(self.expression(0))
        self.expect(")", f"for the ( of {token.text}")
        return Node(token.text, token.at, tuple(args))
