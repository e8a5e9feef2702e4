"""Elements chosen by an index: out of constant tables, out of and into the registry, and interpolation on a grid."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from plc_sim.compiled.arrays import Traced, each, kind_of, new_array, nodes, plain, wrap
from plc_sim.compiled.graph import CompileError, Graph, Node
from plc_sim.compiled.operations import writable

Array = npt.NDArray[Any]
CELLS = 2  # for each point of a grid: the cells in which its intervals are found


def _take(
    graph: Graph, values: Any, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise"
) -> Any:
    if out is not None:
        out[...] = _take(graph, values, indices, axis, None, mode)
        return out
    if not isinstance(indices, Traced):
        return wrap(graph, values.kind, plain(values).take(indices, axis=axis, mode=mode))  # pyright: ignore[reportCallIssue, reportArgumentType]  numpy's stubs want literals
    if axis is None:
        values, axis = values.reshape(-1), 0
    place = each(graph, "i", partial(_inside, graph, values.shape[axis], mode), nodes(graph, indices, "i"))
    if not isinstance(values, Traced):
        return _from_table(graph, values, place, axis)
    if values.ndim != 1:
        raise CompileError(f"{graph.place}: rows of the state are chosen for each plant out of a flat array only")
    slot, first = graph.memory(plain(values))
    return each(graph, values.kind, partial(graph.load_at, slot, first), place)


def _inside(graph: Graph, count: int, mode: str, index: Node) -> Node:
    """Return the index brought into 0..count-1; what numpy would raise for is clipped: memory is never left."""
    if mode == "wrap":
        index = graph.apply("rem", "i", index, graph.constant(count))  # exact below 2^52 only
    least, most = graph.constant(0), graph.constant(count - 1)
    return graph.apply("min", "i", graph.apply("max", "i", index, least), most)


def _from_table(graph: Graph, values: Array, place: Traced, axis: int) -> Traced:
    """Return entries of a constant array along ``axis``; in the kernel's table the entries of a place lie together."""
    rows = np.moveaxis(values, axis, 0)
    kind = kind_of(values.dtype)
    table = graph.table(rows.reshape(len(rows), -1))
    width = rows[0].size
    found = new_array((*place.shape, width), dtype=object)
    for column in range(width):
        found[..., column] = plain(each(graph, kind, partial(graph.gather, table, column, kind), place))
    found = found.reshape(*place.shape, *rows.shape[1:])
    behind = range(place.ndim, found.ndim)
    return wrap(graph, kind, found.transpose([*behind[:axis], *range(place.ndim), *behind[axis:]]))


def _put(graph: Graph, target: Any, indices: Any, values: Any, mode: str = "raise") -> None:
    writable(graph, target)
    if not isinstance(indices, Traced):
        plain(target).put(indices, plain(nodes(graph, values, target.kind)), mode=mode)  # pyright: ignore[reportArgumentType]  numpy's stubs want literals
        return
    if target.ndim != 1:
        raise CompileError(f"{graph.place}: elements of the state are chosen for each plant in a flat array only")
    flat = plain(target)
    slot, first = graph.memory(flat)
    place = each(graph, "i", partial(_inside, graph, flat.size, mode), nodes(graph, indices, "i"))
    stored = np.broadcast_to(plain(nodes(graph, values, target.kind)), place.shape)
    for index, value in zip(plain(place).flat, stored.flat, strict=True):
        graph.store_at(slot, first, index, value)
    for number in range(flat.size):
        flat[number] = graph.element(slot, first + number)


def _argmax(graph: Graph, values: Traced, axis: int | None = None, **_: Any) -> Any:
    rows = values.reshape(-1) if axis is None else np.moveaxis(values, axis, 0)
    best: Any = rows[0]
    place: Any = nodes(graph, np.zeros(best.shape, dtype=np.int64))
    for number in range(1, len(rows)):
        is_greater = rows[number] > best
        best, place = np.where(is_greater, rows[number], best), np.where(is_greater, number, place)
    return place


def _interp(graph: Graph, x: Any, xp: Any, fp: Any) -> Any:
    """Interpolate linearly on a constant grid, with numpy's formula and numpy's edges.

    A table over equal cells says where to begin; then come as many comparisons as grid points fall into one cell.
    """
    grid, values = np.asarray(xp, dtype=np.float64), np.asarray(fp, dtype=np.float64)
    last, cells = grid.size - 1, CELLS * grid.size
    scale = cells / (grid[-1] - grid[0])
    cell_of = np.minimum(((grid - grid[0]) * scale).astype(np.int64), cells - 1)
    start = np.clip(np.searchsorted(cell_of, np.arange(cells)) - 1, 0, last - 1)  # the last point of an earlier cell
    slope = np.append(np.diff(values) / np.diff(grid), 0.0)
    points = np.stack([grid, values, slope, np.append(grid[1:], np.inf)], axis=1)
    x = nodes(graph, x, "f")
    position = np.minimum(np.maximum((x - grid[0]) * scale, 0.0), cells - 1.0)
    place = _take(graph, start, position.astype(np.int64), 0, None, "clip")
    for _ in range(int(np.bincount(cell_of).max())):
        place = place + (x >= _take(graph, points[:, 3], place, 0, None, "clip"))
    left = _take(graph, points[:, :3], place, 0, None, "clip")
    result = left[..., 2] * (x - left[..., 0]) + left[..., 1]
    result = np.where(x >= grid[last], values[last], result)
    return np.where(x < grid[0], values[0], result)


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.take: _take,
    np.put: _put,
    np.argmax: _argmax,
    np.interp: _interp,
}
