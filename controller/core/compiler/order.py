"""What must be calculated before what: depths of derived tags and of cascades."""

from collections.abc import Collection, Mapping

from controller.core import models
from controller.core.config import Config, Placed
from controller.core.config.forward import control_graph
from controller.core.expression import parse, skeleton


def refs(spec: "models.Derived") -> list[str]:
    """Return what a derived tag is made of, in the order of its inputs."""
    return list(models.references(spec).values())


def derived_order(tags: dict[str, Placed[models.Tag]]) -> list[list[Placed[models.Tag]]]:
    """Return derived tags in groups of one kind and rate, in an order in which every input is ready."""
    edges = {key: refs(t.spec.derived) for key, t in tags.items() if t.spec.derived}
    order = grouped(edges, {key: f"{kind_of(tags, key)} {tags[key].spec.rate}" for key in edges})
    return [[tags[key] for key in members] for members in order]


def grouped(needs: Mapping[str, Collection[str]], names: Mapping[str, str]) -> list[list[str]]:
    """Return the keys of ``needs`` in groups of one name, what is needed before; load() has refused cycles.

    The groups are few, because each costs a scan the same whatever its size. A name needs at least as many groups as it
    has members in one chain; of all that could come next, one is taken whose longest chain becomes shorter by it.
    """
    left = {key: {ref for ref in refs if ref in needs} for key, refs in needs.items()}
    chain = _chains(left, names)
    order: list[list[str]] = []
    while left:
        waiting: dict[str, list[str]] = {}
        ready: dict[str, list[str]] = {}
        for key, own in left.items():
            (waiting if own else ready).setdefault(names[key], []).append(key)

        def merit(name: str) -> tuple[bool, int, int, str]:
            members, others = ready[name], waiting.get(name, [])  # noqa: B023  used at once
            longest = max(chain[key] for key in members)
            is_wasted = any(chain[key] >= longest for key in others)
            return is_wasted, len(others), -len(members), name

        members = ready[min(ready, key=merit)]
        order.append(members)
        for key in members:
            del left[key]
        for own in left.values():
            own.difference_update(members)
    return order


def _chains(needs: Mapping[str, Collection[str]], names: Mapping[str, str]) -> dict[str, int]:
    """Return, for each key, the most keys of its own name on one way from it to what needs it, itself included."""
    users: dict[str, list[str]] = {key: [] for key in needs}
    for key, refs in needs.items():
        for ref in refs:
            users[ref].append(key)
    found: dict[str, int] = {}
    for name in dict.fromkeys(names[key] for key in needs):
        most: dict[str, int] = {}

        def visit(key: str, name: str = name, most: dict[str, int] = most) -> int:
            if key not in most:
                most[key] = (names[key] == name) + max((visit(user) for user in users[key]), default=0)
            return most[key]

        found |= {key: visit(key) for key in needs if names[key] == name}
    return found


def kind_of(tags: dict[str, Placed[models.Tag]], key: str) -> str:
    """Return what calculated tags that can be evaluated in one call have in common.

    Formulas need the same structure over the same units; their numbers may differ.
    """
    spec = tags[key].spec
    if not isinstance(spec.derived, models.Expression):
        return spec.derived.kind if spec.derived else ""
    given = spec.derived.given
    form = skeleton(parse(spec.derived.formula), {name: number for number, name in enumerate(given)})
    units = [tags[ref].spec.unit if ref in tags else "%" if ref.endswith(".OP") else ref for ref in given.values()]
    return f"expression {form} of {units} in {spec.unit}"


def leaf(tags: dict[str, Placed[models.Tag]], key: str) -> str:
    """Return the first reference below a derived tag that is not derived itself."""
    while key in tags and (spec := tags[key].spec.derived) is not None:
        key = refs(spec)[0]
    return key


def depths(edges: Mapping[str, Collection[str]]) -> dict[str, int]:
    """Return the depth of every node (1: depends on nothing in ``edges``); load() has refused cycles."""
    depth: dict[str, int] = {}

    def visit(key: str) -> int:
        if key not in depth:
            depth[key] = 1 + max((visit(ref) for ref in edges[key] if ref in edges), default=0)
        return depth[key]

    for key in edges:
        visit(key)
    return depth


def control_order(config: Config) -> list[list[str]]:
    """Return the keys of loops, and of calculated tags that need one, group by group: what is needed stands before."""
    graph = control_graph(config.tags, config.loops)
    return grouped(graph, {key: _class(config, key) for key in graph})


def _class(config: Config, key: str) -> str:
    """Return the name of what can be evaluated together: loops of one law, calculated tags of one kind and rate."""
    loop = config.loops.get(key)
    if loop is not None:
        return f"loop {loop.spec.law}"
    return f"tag {kind_of(config.tags, key)} {config.tags[key].spec.rate}"
