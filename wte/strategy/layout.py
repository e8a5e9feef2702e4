"""Places the boxes of a drawing: columns from cause to effect, few crossings, straight lines where they can be.

The usual layered way: a column for each node, empty places where an edge passes a column, order by the neighbours'
mean, then positions by the neighbours' mean without overlap.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from wte.strategy.graph import Edge, Graph

SWEEPS = 12
THIN = 0.35  # height of an empty place that an edge passes through, of a box


@dataclass(frozen=True, slots=True)
class Placed:
    """``place`` of a node is (column, height of its middle from the top), in boxes; ``via`` of an edge its passes."""

    place: dict[str, tuple[int, float]]
    via: dict[Edge, tuple[tuple[int, float], ...]]
    columns: int
    height: float


def lay_out(graph: Graph, rooms: Mapping[str, float] | None = None) -> Placed:
    """Return where everything stands; ``rooms`` are heights of nodes that need more than one box."""
    room = dict.fromkeys(graph.nodes, 1.0) | dict(rooms or {})
    column = _columns(graph)
    first = min(column.values())
    column = {key: value - first for key, value in column.items()}
    last = max(column.values())
    layers: list[list[str]] = [[] for _ in range(last + 1)]
    for key in graph.nodes:
        layers[column[key]].append(key)
    links: dict[str, set[str]] = defaultdict(set)
    passes: dict[Edge, list[str]] = {}
    for number, edge in enumerate(graph.edges):
        start, end = column[edge.source], column[edge.target]
        if edge.line == "back" or end <= start:
            continue
        names = [f"|{number}|{at}" for at in range(start + 1, end)]
        for at, name in enumerate(names, start + 1):
            layers[at].append(name)
            room[name] = THIN
        chain = [edge.source, *names, edge.target]
        for left, right in pairwise(chain):
            links[left].add(right)
            links[right].add(left)
        passes[edge] = names
    _order(layers, links)
    height = _heights(layers, links, room)
    place = {key: (column[key], height[key]) for key in graph.nodes}
    via = {
        edge: tuple((column[edge.source] + number, height[name]) for number, name in enumerate(names, 1))
        for edge, names in passes.items()
    }
    return Placed(place, via, last + 1, max(value + room[key] / 2.0 for key, value in height.items()))


def _columns(graph: Graph) -> dict[str, int]:
    """Return the column of each node; the centre has 0, causes lie left of their effects."""
    ahead: dict[str, list[str]] = defaultdict(list)
    back: dict[str, list[str]] = defaultdict(list)
    for edge in graph.edges:
        if edge.line != "back":
            ahead[edge.source].append(edge.target)
            back[edge.target].append(edge.source)
    to_centre = _longest(graph.centre, back)
    from_centre = _longest(graph.centre, ahead)
    column = {key: -steps for key, steps in to_centre.items()}
    column |= {key: steps for key, steps in from_centre.items() if key not in column or key == graph.centre}
    for _ in graph.nodes:  # the rest stand one column before the first thing they act on
        for key in graph.nodes:
            effects = [column[target] for target in ahead[key] if target in column]
            if key not in column and effects:
                column[key] = min(effects) - 1
    return {key: column.get(key, 0) for key in graph.nodes}


def _longest(start: str, step: dict[str, list[str]]) -> dict[str, int]:
    """Return the longest way from ``start`` to what can be reached; a ring is walked through once."""
    found: dict[str, int] = {}

    def walk(key: str, length: int, path: frozenset[str]) -> None:
        if found.get(key, -1) >= length:
            return
        found[key] = length
        for following in step[key]:
            if following not in path:
                walk(following, length + 1, path | {following})

    walk(start, 0, frozenset({start}))
    return found


def _order(layers: list[list[str]], links: dict[str, set[str]]) -> None:
    """Sort each column by the mean place of its neighbours in the column before, there and back again."""
    for sweep in range(SWEEPS):
        numbers = range(1, len(layers)) if sweep % 2 == 0 else range(len(layers) - 2, -1, -1)
        for number in numbers:
            other = layers[number - 1 if sweep % 2 == 0 else number + 1]
            place = {key: at for at, key in enumerate(other)}
            now = {key: at for at, key in enumerate(layers[number])}

            def wanted(key: str, place: dict[str, int] = place, now: dict[str, int] = now) -> float:
                near = [place[neighbour] for neighbour in links[key] if neighbour in place]
                return sum(near) / len(near) if near else float(now[key])

            layers[number].sort(key=wanted)


def _heights(layers: list[list[str]], links: dict[str, set[str]], room: Mapping[str, float]) -> dict[str, float]:
    """Return the height of the middle of each place, from the top, without overlap."""
    height: dict[str, float] = {}
    for layer in layers:
        at = 0.0
        for key in layer:
            height[key] = at + room[key] / 2.0
            at += room[key]
    for sweep in range(SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = [_mean([height[one] for one in sorted(links[key])], height[key]) for key in layer]
            placed = _apart(wanted, [room[key] for key in layer])
            height |= dict(zip(layer, placed, strict=True))
    top = min(value - room[key] / 2.0 for key, value in height.items())
    return {key: value - top for key, value in height.items()}


def _apart(wanted: list[float], room: list[float]) -> list[float]:
    """Return heights near the wanted ones, in order and without overlap: the mean of packing from above and below."""
    down: list[float] = []
    for number, height in enumerate(wanted):
        down.append(max(height, down[-1] + (room[number - 1] + room[number]) / 2.0) if down else height)
    up: list[float] = []
    for number in range(len(wanted) - 1, -1, -1):
        up.append(min(wanted[number], up[-1] - (room[number] + room[number + 1]) / 2.0) if up else wanted[number])
    return [(a + b) / 2.0 for a, b in zip(down, reversed(up), strict=True)]


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
