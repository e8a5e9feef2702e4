"""What must be calculated before what in one scan: the forward references between calculated tags and loops.

A calculated tag needs what it is made of; a loop its PV, its feed-forward, and what gives or limits its set-point; a
slave its masters. Everything else a loop names reads the value of the last scan, so it can close no ring:
``initial``, ``reset_from``, ``track``, ``block``, the schedule of its tuning, loop members other than ``.OP``.
"""

from collections.abc import Mapping
from typing import Protocol, TypeVar

from controller.core import models

T_co = TypeVar("T_co", covariant=True)


class Holder(Protocol[T_co]):
    """An item, checked or not yet: what is asked here is only what it says."""

    @property
    def spec(self) -> T_co:
        """What the item says."""
        ...


def destinations(loop: models.Loop) -> list[str]:
    """Return the final elements and slaves of a loop, in order."""
    return [loop.output] if loop.output is not None else [branch.to for branch in loop.outputs]


def inputs_of_loop(loop: models.Loop) -> list[str]:
    """Return what a loop reads of this scan."""
    refs = [loop.pv, loop.feedforward.of if loop.feedforward else None]
    if loop.sp is not None:
        refs += [loop.sp.from_, loop.sp.lo_from, loop.sp.hi_from]
    return [ref for ref in refs if ref is not None]


def loop_of(ref: str, loops: Mapping[str, object]) -> str:
    """Return the loop whose ``.OP`` a reference means, or nothing."""
    owner, _, member = ref.rpartition(".")
    return owner if member == "OP" and owner in loops else ""


def control_graph(
    tags: Mapping[str, Holder[models.Tag]], loops: Mapping[str, Holder[models.Loop]]
) -> dict[str, list[str]]:
    """Return what each loop, and each calculated tag that needs a loop, needs of the others."""
    made = {
        key: list(models.references(tag.spec.derived).values())
        for key, tag in tags.items()
        if tag.spec.derived is not None
    }
    users: dict[str, list[str]] = {}
    for key, refs in made.items():
        for ref in refs:
            users.setdefault(loop_of(ref, loops) or ref, []).append(key)
    among: dict[str, None] = dict.fromkeys(loops)
    todo = list(loops)
    while todo:
        for key in users.get(todo.pop(), ()):
            if key not in among:
                among[key] = None
                todo.append(key)
    graph: dict[str, list[str]] = {}
    for key in among:
        refs = inputs_of_loop(loops[key].spec) if key in loops else made[key]
        needs = (loop_of(ref, loops) or ref for ref in refs)
        graph[key] = [ref for ref in dict.fromkeys(needs) if ref in among]
    for key, loop in loops.items():
        for to in destinations(loop.spec):
            if to in loops and key not in graph[to]:
                graph[to].append(key)
    return graph
