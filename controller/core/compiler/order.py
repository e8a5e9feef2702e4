"""What must be calculated before what: depths of derived tags and of cascades."""

from controller.core import models
from controller.core.config import Config, Placed


def refs(spec: "models.Derived") -> list[str]:
    """Return what a derived tag is made of, one or many."""
    return [spec.of] if isinstance(spec.of, str) else list(spec.of)


def derived_order(tags: dict[str, Placed[models.Tag]]) -> list[list[Placed[models.Tag]]]:
    """Return derived tags grouped by (depth, kind, rate), in an order in which every input is ready."""
    edges = {key: refs(t.spec.derived) for key, t in tags.items() if t.spec.derived}
    depth = depths(edges)
    groups: dict[tuple[int, str, int], list[Placed[models.Tag]]] = {}
    for key in edges:
        spec = tags[key].spec
        kind = spec.derived.kind if spec.derived else ""
        groups.setdefault((depth[key], kind, spec.rate), []).append(tags[key])
    return [groups[name] for name in sorted(groups)]


def leaf(tags: dict[str, Placed[models.Tag]], key: str) -> str:
    """Return the first reference below a derived tag that is not derived itself."""
    while key in tags and (spec := tags[key].spec.derived) is not None:
        key = refs(spec)[0]
    return key


def depths(edges: dict[str, list[str]]) -> dict[str, int]:
    """Return the depth of every node (1: depends on nothing in ``edges``); load() has refused cycles."""
    depth: dict[str, int] = {}

    def visit(key: str) -> int:
        if key not in depth:
            depth[key] = 1 + max((visit(ref) for ref in edges[key] if ref in edges), default=0)
        return depth[key]

    for key in edges:
        visit(key)
    return depth


def loop_depths(config: Config) -> dict[str, int]:
    """Return the depth of each loop: a master comes before its slave."""
    slaves: dict[str, list[str]] = {key: [] for key in config.loops}
    for key, loop in config.loops.items():
        if loop.spec.output in slaves:
            slaves[loop.spec.output].append(key)
    return depths(slaves)


def loop_order(config: Config) -> list[Placed[models.Loop]]:
    """Return the loops, masters before slaves, one rate after another."""
    depth = loop_depths(config)
    return sorted(config.loops.values(), key=lambda loop: (depth[loop.key], loop.spec.rate))
