"""Rings in what needs what, said with their whole path."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from controller.core.config.placed import Item
from controller.core.errors import Issue


def cycle_issues(items: Mapping[str, Item[Any]], graph: Mapping[str, set[str]], part: str, text: str) -> list[Issue]:
    """Return one issue per cycle; ``graph`` names what each item needs."""
    issues: list[Issue] = []
    left = {key: set(needs) for key, needs in graph.items()}
    while True:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as exc:
            path: list[str] = exc.args[1]
            left[path[1]].discard(path[0])
            ring = path[:-1]
            first = min(range(len(ring)), key=ring.__getitem__)
            ring = [*ring[first:], *ring[: first + 1]]
            item = items[ring[0]]
            issues.append(item.issue(f"{text}: {' -> '.join(item.call(items[key]) for key in ring)}", part))
        else:
            return issues
