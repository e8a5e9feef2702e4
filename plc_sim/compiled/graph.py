"""The graph of one plant's step: scalar operations on what the registry holds, made once each.

A node is one number of one plant. Equal nodes are one node (same operation, same arguments), operations on constants
are done at once with numpy itself, and nothing else is simplified: a rewritten formula would have other bits.
Nodes are numbered in the order in which the physics made them, which is also the order of loads and stores.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from controller.core.errors import PlantError

Kind = Literal["b", "i", "f"]  # truth, 64 bit integer, double
Constant = bool | int | float
KINDS = "bif"  # the wider one wins when two meet
DTYPES: dict[str, type[np.generic]] = {"b": np.bool_, "i": np.int64, "f": np.float64}
MEMORY = {
    np.dtype(np.bool_): "i8",
    np.dtype(np.int64): "i64",
    np.dtype(np.uint32): "i32",
    np.dtype(np.float64): "double",
}


class CompileError(PlantError):
    """The physics does something that cannot be compiled; says what, and the line that did it."""


@dataclass(slots=True, eq=False, repr=False)
class Node:
    """One operation. ``detail`` is what is fixed in it: a constant, a place in memory, a table."""

    number: int
    op: str
    kind: Kind
    args: tuple["Node", ...]
    detail: Any
    is_uniform: bool  # the same in all plants: made of shared state and constants only
    place: str  # file:line of the physics
    seen: int  # the last trace that made or met it

    @property
    def value(self) -> Constant:
        """The number of a constant."""
        return self.detail

    def __repr__(self) -> str:
        """Return the operation alone: what it is made of would be endless."""
        return f"<{self.op} {self.number} of {self.place}>"

    def __float__(self) -> float:
        """Refuse to be a number: numpy asks when a node is written into an array of numbers."""
        raise CompileError(f"{self.place}: what is calculated here is written into a constant array")


@dataclass(frozen=True, slots=True)
class Slot:
    """An array of the registry as the kernel sees it: (rows, batch) or, shared by all plants, (rows, 1)."""

    name: str
    rows: int
    kind: Kind
    is_shared: bool
    memory: str  # one of MEMORY


@dataclass(frozen=True, slots=True)
class Rules:
    """What numpy's operations on traced arrays become: handlers by (ufunc, method) and by function."""

    ufuncs: Mapping[tuple[np.ufunc, str], Callable[..., Any]]
    functions: Mapping[Any, Callable[..., Any]]


class Graph:
    """All nodes of a step. ``begin`` starts a trace of it along one way through Python's branches."""

    def __init__(self, slots: tuple[Slot, ...], rules: Rules) -> None:
        """Begin without nodes."""
        self.slots = slots
        self.rules = rules
        self.nodes: list[Node] = []
        self.tables: list[np.ndarray[Any, np.dtype[Any]]] = []
        self.place = ""
        self.trace = 0
        self.stores: list[Node] = []  # of this trace
        self.decisions: list[tuple[Node, bool]] = []  # of this trace
        self._script: tuple[bool, ...] = ()
        self._version: dict[int, int] = {}  # how often this trace stored through an index into a slot
        self._known: dict[Any, Node] = {}
        self._table_of: dict[Any, int] = {}

    def clear(self) -> None:
        """Forget all nodes; those still held somewhere are of an earlier step."""
        self.nodes, self.tables, self._known, self._table_of = [], [], {}, {}

    def begin(self, script: tuple[bool, ...]) -> None:
        """Start a trace whose first decisions are ``script``; further ones are True."""
        self.trace += 1
        self.stores, self.decisions, self._script, self._version = [], [], script, {}

    def decide(self, condition: Node) -> bool:
        """Return which way a branch goes; CompileError when plants may differ in it."""
        if condition.op == "const":
            return bool(condition.value)
        if not condition.is_uniform:
            raise CompileError(
                f"{self.place}: a branch on what differs between plants; use np.where, or decide on an array that the "
                "registry shares (is_shared)"
            )
        for known, answer in self.decisions:
            if known is condition:
                return answer
        answer = self._script[len(self.decisions)] if len(self.decisions) < len(self._script) else True
        self.decisions.append((condition, answer))
        return answer

    def constant(self, value: Constant) -> Node:
        """Return the node of a constant; each bit pattern has its own."""
        if isinstance(value, bool | np.bool_):
            return self._node("const", "b", (), bool(value), is_uniform=True)
        if isinstance(value, int | np.integer):
            return self._node("const", "i", (), int(value), is_uniform=True)
        bits = struct.pack("d", value)
        return self._node("const", "f", (), float(value), is_uniform=True, key=bits)

    def element(self, slot: int, row: int) -> Node:
        """Return the node of a registry element that only stores through an index have changed."""
        layout, version = self.slots[slot], self._version.get(slot, 0)
        if not version:
            return self._node("load", layout.kind, (), (slot, row), is_uniform=layout.is_shared)
        return self._node("peek", layout.kind, (), (slot, row, version), is_uniform=layout.is_shared)

    def memory(self, elements: np.ndarray[Any, np.dtype[Any]]) -> tuple[int, int]:
        """Return (slot, first row) of ``elements`` (n,); CompileError when they are not rows of it in order."""
        first = elements[0]
        if first.op in ("load", "peek"):
            slot, row = first.detail[:2]
            if all(node is self.element(slot, row + n) for n, node in enumerate(elements)):
                return slot, row
        raise CompileError(
            f"{self.place}: an index that differs between plants into what is no registry array as it stands; "
            "take from the array itself, reshaped to one axis"
        )

    def load_at(self, slot: int, first: int, index: Node) -> Node:
        """Return the element ``first + index`` of a slot as it stands now."""
        layout = self.slots[slot]
        detail = (slot, first, self._version.get(slot, 0))
        return self._node("load_at", layout.kind, (index,), detail, is_uniform=layout.is_shared and index.is_uniform)

    def store_at(self, slot: int, first: int, index: Node, value: Node) -> None:
        """Write ``value`` to the element ``first + index`` of a slot."""
        if self.slots[slot].is_shared:
            raise CompileError(
                f"{self.place}: a store through an index into {self.slots[slot].name}, which plants share"
            )
        self._version[slot] = version = self._version.get(slot, 0) + 1
        self.stores.append(self._node("store_at", value.kind, (index, value), (slot, first, version), is_uniform=False))

    def apply(self, op: str, kind: Kind, *args: Node, detail: Any = None) -> Node:
        """Return ``op`` on ``args``; constants are folded by ``FOLDED[op]``."""
        fold = FOLDED.get(op)
        if fold is not None and all(a.op == "const" for a in args):
            with np.errstate(all="ignore"):
                return self.constant(DTYPES[kind](fold(*(DTYPES[a.kind](a.value) for a in args))).item())
        return self._node(op, kind, args, detail, is_uniform=all(a.is_uniform for a in args))

    def gather(self, table: int, column: int, kind: Kind, index: Node) -> Node:
        """Return an entry of a table."""
        return self.apply("gather", kind, index, detail=(table, column))

    def table(self, values: np.ndarray[Any, np.dtype[Any]]) -> int:
        """Return the number of a constant table, (entries, properties)."""
        table = np.ascontiguousarray(values)
        key = (table.dtype.str, table.shape, table.tobytes())
        if key not in self._table_of:
            self._table_of[key] = len(self.tables)
            self.tables.append(table)
        return self._table_of[key]

    def signature(self) -> list[tuple[Any, ...]]:
        """Return what tells two traces apart: all operations in order."""
        return [(n.op, n.kind, repr(n.detail), tuple(a.number for a in n.args)) for n in self.nodes]

    def check(self, node: Node) -> Node:
        """Return ``node``; CompileError when it is of an earlier step, so was kept outside the registry."""
        if node.seen != self.trace:
            raise CompileError(
                f"{self.place}: uses a value of an earlier step, made at {node.place} and kept outside the state "
                "registry; keep it in an array of the registry, or calculate it anew in each step"
            )
        return node

    def _node(
        self, op: str, kind: Kind, args: tuple[Node, ...], detail: Any, *, is_uniform: bool, key: Any = None
    ) -> Node:
        known = (op, kind, detail if key is None else key, *(a.number for a in args))
        node = self._known.get(known)
        if node is None:
            number = len(self.nodes)
            node = Node(number, op, kind, args, detail, is_uniform, self.place, self.trace)
            self._known[known] = node
            self.nodes.append(node)
        node.seen = self.trace
        return node


def _whole(x: np.float64) -> int:
    """Return the integer as the kernel does: of what is no number 0, else the nearest that 64 bits hold."""
    limits = np.iinfo(np.int64)
    return 0 if np.isnan(x) else int(min(max(float(x), limits.min), limits.max))


# What numpy does on the constants of an operation. Operations on memory have no entry.
FOLDED: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "rem": np.remainder,
    "neg": np.negative,
    "abs": np.abs,
    "min": np.minimum,
    "max": np.maximum,
    "sqrt": np.sqrt,
    "rint": np.rint,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "pow": np.power,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "isnan": np.isnan,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "to_f": np.float64,
    "to_i": _whole,
    "to_b": np.bool_,
}
