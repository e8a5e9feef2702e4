"""Run a step once on symbols: a copy of the plant whose state is graph nodes, and the program that its step leaves.

The copy is made object by object; arrays that lie in the registry become traced views of the same place, all others
stay the numbers they are. A branch on shared state is followed both ways: each way is a path of the program.
"""

import io
import pickle
import types
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from controller.core.state import State
from plc_sim.compiled import indexing, operations
from plc_sim.compiled.arrays import Constants, Traced, caller, filled, kind_of, new_array, nodes, plain, wrap
from plc_sim.compiled.graph import MEMORY, CompileError, Graph, Node, Rules, Slot

T = TypeVar("T")
RULES = Rules(operations.UFUNCS, operations.FUNCTIONS | indexing.FUNCTIONS)
Array = npt.NDArray[Any]
MOST_PATHS = 64
# What is taken as it is instead of copied: code, and what does not change.
AS_IT_IS = (type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType, np.dtype, np.generic, np.ufunc)


@dataclass(frozen=True, slots=True)
class Path:
    """One way through the branches on shared state."""

    decisions: tuple[tuple[Node, bool], ...]
    outputs: dict[tuple[int, int], Node]  # (slot, row) to what stands there after the step
    stores: tuple[Node, ...]  # through an index, in order


@dataclass(frozen=True, slots=True)
class Program:
    """A step of one plant."""

    graph: Graph
    paths: tuple[Path, ...]


def layout(state: State) -> tuple[Slot, ...]:
    """Return the registry's arrays as the kernel sees them; a ring is as many rows as it has elements for a plant."""
    found: list[Slot] = []
    for name, slot in state.slots.items():
        array = slot.array
        if array.dtype not in MEMORY:
            raise CompileError(
                f"{name}: an array of {array.dtype} in the registry; {', '.join(map(str, MEMORY))} can be compiled"
            )
        rows, memory = array.size // array.shape[-1], MEMORY[array.dtype]
        found.append(Slot(name, rows, kind_of(array.dtype), slot.is_shared, memory))
    return tuple(found)


def trace(subject: T, state: State, step: Callable[[T], object]) -> Program:
    """Trace ``step(subject)``; ``state`` holds all that the subject remembers, and has batch 1.

    CompileError names the line of the physics that cannot be compiled.
    """
    if state.batch != 1:
        raise CompileError(f"a step is traced on one plant: expected a state of batch 1, found {state.batch}")
    symbols = _Symbols(state)
    twin = symbols.copy(subject)
    with symbols.makers():
        symbols.begin(())
        step(twin)  # what this one keeps in Python objects is found when the next one uses it
        first = symbols.graph.signature()
        symbols.graph.clear()
        program = _follow(symbols, lambda: step(twin))
    for before, after, node in zip(first, program.graph.signature(), program.graph.nodes, strict=False):
        if before != after:
            raise CompileError(
                f"{node.place}: two steps from one state are not the same here: something is counted or kept outside "
                "the state registry; keep it in an array of the registry"
            )
    return program


def _follow(symbols: "_Symbols", step: Callable[[], object]) -> Program:
    """Trace the step along all ways through its branches."""
    graph = symbols.graph
    paths: list[Path] = []
    script: list[bool] = []
    while len(paths) < MOST_PATHS:
        symbols.begin(tuple(script))
        step()
        paths.append(Path(tuple(graph.decisions), symbols.outputs(), tuple(graph.stores)))
        script = [answer for _, answer in graph.decisions]
        while script and not script[-1]:
            script.pop()
        if not script:
            return Program(graph, tuple(paths))
        script[-1] = False
    raise CompileError(f"more than {MOST_PATHS} ways through the branches of the step; decide on fewer conditions")


class _Symbols:
    """The registry of the traced copy: each array holds the nodes of its elements."""

    def __init__(self, state: State) -> None:
        self._arrays = [slot.array for slot in state.slots.values()]
        self.graph = Graph(layout(state), RULES)
        self._symbols = [
            wrap(self.graph, slot.kind, new_array(array.size, dtype=object))
            for slot, array in zip(self.graph.slots, self._arrays, strict=True)
        ]

    def begin(self, script: tuple[bool, ...]) -> None:
        """Put every element back to what stands in the registry when a step begins."""
        graph = self.graph
        graph.begin(script)
        for number, symbols in enumerate(self._symbols):
            flat = plain(symbols)
            for row in range(flat.size):
                flat[row] = graph.element(number, row)

    def outputs(self) -> dict[tuple[int, int], Node]:
        """Return what the step has written: (slot, row) to node."""
        graph = self.graph
        return {
            (number, row): graph.check(node)
            for number, symbols in enumerate(self._symbols)
            for row, node in enumerate(plain(symbols))
            if node is not graph.element(number, row)
        }

    def copy(self, subject: T) -> T:
        """Return a copy of an object with traced views in place of its views of the registry."""
        arrays: list[Any] = []
        known: dict[int, int] = {}

        def keep(found: Any) -> int | None:
            if not isinstance(found, (np.ndarray, *AS_IT_IS)):
                return None
            if id(found) not in known:
                known[id(found)] = len(arrays)
                arrays.append(found)
            return known[id(found)]

        buffer = io.BytesIO()
        pickler = pickle.Pickler(buffer, protocol=pickle.HIGHEST_PROTOCOL)
        pickler.persistent_id = keep
        try:
            pickler.dump(subject)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise CompileError(f"{type(subject).__name__} holds what no copy can be made of: {error}") from error
        buffer.seek(0)
        unpickler = pickle.Unpickler(buffer)  # noqa: S301  our own bytes of a moment ago
        unpickler.persistent_load = lambda number: self._twin(arrays[number])
        return unpickler.load()

    def _twin(self, found: Any) -> Any:
        if not isinstance(found, np.ndarray):
            return found
        address = found.__array_interface__["data"][0]
        for array, symbols in zip(self._arrays, self._symbols, strict=True):
            offset = address - array.__array_interface__["data"][0]
            if 0 <= offset < array.nbytes and found.size:
                size, place = array.itemsize, symbols.itemsize
                strides = tuple(stride // size * place for stride in found.strides)
                return wrap(
                    self.graph, symbols.kind, as_strided(plain(symbols)[offset // size :], found.shape, strides)
                )
        return found.view(Constants)

    @contextmanager
    def makers(self) -> Generator[None]:
        """Let numpy's makers of new arrays make traced ones: what is written into them is traced.

        They are replaced in numpy itself, for as long as the trace lasts: nothing else may run meanwhile, and what the
        physics caches for ever (tables) must have been made before.
        """

        def maker(value: Any) -> Callable[..., Traced]:
            def make(shape: Any, dtype: Any = np.float64, **_: Any) -> Traced:
                self.graph.place = caller()
                return filled(self.graph, shape, value, kind_of(dtype))

            return make

        def full(shape: Any, value: Any, dtype: Any = None, **_: Any) -> Traced:
            self.graph.place = caller()
            filling = nodes(self.graph, value)
            kind = filling.kind if dtype is None else kind_of(dtype)
            return filled(self.graph, shape, filling, kind)

        traced = {"empty": maker(None), "zeros": maker(0), "ones": maker(1), "full": full}
        numpys = {name: getattr(np, name) for name in traced}
        try:
            for name, make in traced.items():
                setattr(np, name, make)
            yield
        finally:
            for name, make in numpys.items():
                setattr(np, name, make)
