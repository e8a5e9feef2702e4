"""Arrays of graph nodes that numpy takes for arrays: the physics runs on them and leaves the graph of its step.

``Traced`` is an object array; views, reshaping, slices and constant indices are numpy's own. Whatever computes goes
through ``__array_ufunc__`` and ``__array_function__`` to the rules of the graph. What has no meaning for all plants at
once (the truth of an array, a number taken out of one) is refused with the line of the physics that asked for it.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt

from plc_sim.compiled.graph import KINDS, CompileError, Graph, Kind, Node

Array = npt.NDArray[Any]

new_array = np.empty  # kept: while a step is traced, np.empty makes traced arrays
NOT_PHYSICS = (__file__.rpartition("/")[0], np.__file__.rpartition("/")[0])
SUPPORTED = "write it with what plc_sim.compiled knows (operations, indexing), or teach it there"
HINTS = {"reduce": "the order of adding would depend on the width; controller.core.reduce.ordered_sum has one"}


def caller() -> str:
    """Return file:line of the innermost code outside of this package and numpy."""
    frame = sys._getframe(1)  # noqa: SLF001  inspect.stack() reads source files: too slow for every operation
    while frame.f_back is not None and frame.f_code.co_filename.startswith(NOT_PHYSICS):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


class Traced(np.ndarray[Any, np.dtype[np.object_]]):
    """An array of nodes of one kind."""

    graph: Graph
    kind: Kind

    def __array_finalize__(self, source: Any) -> None:
        """Give views and copies the graph and kind of their source."""
        if isinstance(source, Traced):
            self.graph, self.kind = source.graph, source.kind

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Hand a ufunc to its rule."""
        place = self.graph.place = caller()
        rule = self.graph.rules.ufuncs.get((ufunc, method))
        if rule is None:
            what = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
            raise CompileError(f"{place}: {what} cannot be compiled; {HINTS.get(method, SUPPORTED)}")
        return rule(self.graph, *inputs, **kwargs)

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: Iterable[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """Hand a function of numpy to its rule."""
        place = self.graph.place = caller()
        rule = self.graph.rules.functions.get(func)
        if rule is None:
            raise CompileError(f"{place}: np.{getattr(func, '__name__', func)} cannot be compiled; {SUPPORTED}")
        return rule(self.graph, *args, **kwargs)

    def __getitem__(self, key: Any) -> Any:
        """Return a view or copy; one element as an array without dimensions."""
        self._refuse_traced(key)
        found = super().__getitem__(key)
        return wrap(self.graph, self.kind, found) if isinstance(found, Node) else found

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write nodes, converted to this array's kind."""
        self._refuse_traced(key)
        self.graph.place = caller()
        super().__setitem__(key, plain(nodes(self.graph, value, self.kind)))

    def __iter__(self) -> Iterator[Any]:
        """Go along the first axis."""
        return (self[number] for number in range(len(self)))

    def __bool__(self) -> bool:
        """Decide a branch: only what is the same in all plants can."""
        self.graph.place = caller()
        return self.graph.decide(cast("Node", self.item()))

    def any(self, axis: int | None = None, **_: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]  numpy has overloads
        """Return True over all elements: the question may only save work that would change nothing."""
        return True if axis is None else np.logical_or.reduce(self, axis=axis)

    def all(self, axis: int | None = None, **_: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]  numpy has overloads
        """Return False over all elements, for the same reason."""
        return False if axis is None else np.logical_and.reduce(self, axis=axis)

    def astype(self, dtype: Any, *_: Any, **__: Any) -> Self:
        """Return a copy in the kind of ``dtype``."""
        return cast("Self", nodes(self.graph, self, kind_of(dtype)).copy())

    def take(self, indices: Any, axis: Any = None, out: Any = None, mode: Any = "raise") -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]  numpy has overloads
        """Take elements."""
        return np.take(self, indices, axis=axis, out=out, mode=mode)

    def put(self, indices: Any, values: Any, mode: Any = "raise") -> None:
        """Put elements."""
        np.put(self, indices, values, mode=mode)

    def argmax(self, axis: int | None = None, **_: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]  numpy has overloads
        """Return the place of the first greatest element."""
        return np.argmax(self, axis=axis)

    def fill(self, value: Any) -> None:
        """Write one value everywhere."""
        self[...] = value

    def __float__(self) -> float:
        """Refuse to be a number."""
        raise CompileError(f"{caller()}: takes a number out of an array of the state; leave it an array of one element")

    __int__ = __index__ = __float__  # pyright: ignore[reportAssignmentType]  none of them returns

    @staticmethod
    def _refuse_traced(key: Any) -> None:
        if any(isinstance(part, Traced) for part in (key if isinstance(key, tuple) else (key,))):
            raise CompileError(f"{caller()}: an index that differs between plants; use take, put or np.where")


class Constants(np.ndarray[Any, np.dtype[Any]]):
    """A constant array of the physics whose ``take`` understands traced indices."""

    def take(self, indices: Any, axis: Any = None, out: Any = None, mode: Any = "raise") -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]  numpy has overloads
        """Take elements, by a constant or a traced index."""
        values = self.view(np.ndarray)
        if not isinstance(indices, Traced):
            return np.take(values, indices, axis=axis, out=out, mode=mode)
        indices.graph.place = caller()
        return indices.graph.rules.functions[np.take](indices.graph, values, indices, axis, out, mode)


def wrap(graph: Graph, kind: Kind, elements: Any) -> Traced:
    """Return an object array of nodes (or one node) as a traced array; shares memory."""
    array = np.asarray(elements, dtype=object).view(Traced)
    array.graph, array.kind = graph, kind
    return array


def plain(array: Traced) -> Array:
    """Return the object array below; shares memory."""
    return array.view(np.ndarray)


def nodes(graph: Graph, value: Any, kind: Kind | None = None) -> Traced:
    """Return ``value`` (array, traced array or number) as nodes of this step, converted to ``kind`` if given."""
    if isinstance(value, Traced):
        found = value
        for node in plain(found).flat:
            _check(graph, node)
    else:
        constant = np.asarray(value)
        if constant.dtype == object:
            raise CompileError(f"{graph.place}: np.array of values of the state; use np.stack or np.concatenate")
        if constant.dtype.kind not in "biuf":
            raise CompileError(f"{graph.place}: an array of {constant.dtype} cannot be compiled")
        found = wrap(graph, kind_of(constant.dtype), _each(graph.constant, constant.astype(object)))
    if kind is None or kind == found.kind:
        return found
    return wrap(graph, kind, _each(partial(graph.apply, f"to_{kind}", kind), plain(found)))


def filled(graph: Graph, shape: Any, value: Any, kind: Kind) -> Traced:
    """Return a new array; ``value`` None: nothing is written yet."""
    result = wrap(graph, kind, new_array(shape, dtype=object))
    if value is not None:
        result[...] = value
    return result


def each(graph: Graph, kind: Kind, make: Callable[..., Node], *arrays: Traced) -> Traced:
    """Return ``make`` on all elements, broadcast."""
    return wrap(graph, kind, _each(make, *map(plain, arrays)))


def kind_of(dtype: Any) -> Kind:
    """Return the kind of a dtype: all integers are 64 bits, all numbers doubles."""
    letter = np.dtype(dtype).kind
    return cast("Kind", "i" if letter == "u" else letter)


def widest(arrays: Sequence[Traced]) -> Kind:
    """Return the kind in which numpy joins the arrays."""
    return cast("Kind", max((array.kind for array in arrays), key=KINDS.index))


def _each(make: Callable[..., Any], *arrays: Array) -> Array:
    with np.errstate(all="ignore"):  # of what Python calculates while it makes the nodes
        return np.asarray(np.frompyfunc(make, len(arrays), 1)(*arrays), dtype=object)


def _check(graph: Graph, node: Any) -> None:
    if not isinstance(node, Node):
        raise CompileError(f"{graph.place}: reads an element of a new array before anything is written to it")
    graph.check(node)
