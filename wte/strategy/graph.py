"""What the drawing of a loop shows: where its signals come from, and what it moves, as nodes and edges.

Upstream every calculated tag is followed to its measurements; downstream to the next loops and final elements. Other
loops stand as boxes of their own: each has its own drawing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel

from controller.core import models
from controller.core.config import Config

Kind = Literal["measured", "calculated", "loop", "final", "row", "unknown"]  # row: of protection, or its actions
Line = Literal["signal", "logic", "late", "back"]  # solid; dashed; dotted: read one scan later; dotted, leads back

MOST_UPSTREAM = 26  # nodes; what lies further away is left out
DEPTH = {"signal": 4, "logic": 1, "late": 0, "back": 0}  # calculated tags that are followed, one behind the other


@dataclass(frozen=True, slots=True)
class Node:
    """One box. ``is_cut``: it reads tags that the drawing leaves out."""

    key: str
    kind: Kind
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """``source`` gives ``target`` its ``role``; both are keys of nodes."""

    source: str
    target: str
    role: str = ""
    line: Line = "signal"


@dataclass(slots=True)
class Graph:
    """The drawing of the loop ``centre``; nodes in the order in which they were found."""

    centre: str
    nodes: dict[str, Node] = field(default_factory=dict[str, Node])
    edges: list[Edge] = field(default_factory=list[Edge])

    def link(self, source: str, target: str, role: str = "", line: Line = "signal") -> None:
        """Add an edge once."""
        edge = Edge(source, target, role, line)
        if edge not in self.edges:
            self.edges.append(edge)


@dataclass(frozen=True, slots=True)
class Reference:
    """One tag that an item reads, and as what."""

    ref: str
    role: str
    line: Line = "signal"


class Atlas:
    """All references of a configuration, both ways."""

    def __init__(self, config: Config) -> None:
        """Find who reads what."""
        self.config = config
        self._readers: dict[str, list[tuple[str, Reference]]] = {}
        for key, tag in config.tags.items():
            if tag.spec.derived is not None:
                for reference in references(tag.spec.derived):
                    self._readers.setdefault(self.node_of(reference.ref), []).append((key, reference))
        for key, loop in config.loops.items():
            for reference in loop_references(loop.spec):
                self._readers.setdefault(self.node_of(reference.ref), []).append((key, reference))

    def node_of(self, ref: str) -> str:
        """Return the key of the node that a reference points at: a tag, or the loop or row that owns the member."""
        owner = ref.partition(".")[0]
        if ref in self.config.tags or self.kind_of(owner) == "unknown":
            return ref
        return owner

    def kind_of(self, key: str) -> Kind:
        """Return what a node is."""
        if key in self.config.loops:
            return "loop"
        if key in self.config.protection or action_of(self.config, key) is not None:
            return "row"
        tag = self.config.tags.get(key)
        if tag is None:
            return "unknown"
        if tag.spec.output is not None:
            return "final"
        return "measured" if tag.spec.derived is None else "calculated"

    def masters(self, loop: str) -> list[tuple[str, str]]:
        """Return the loops whose output is this one's set-point, each with the range of it, "" for all."""
        found: list[tuple[str, str]] = []
        for key, other in self.config.loops.items():
            found += [(key, label) for target, label in targets(other.spec) if self.node_of(target) == loop]
        return found

    def readers(self, key: str) -> list[tuple[str, Reference]]:
        """Return who reads a node, and as what."""
        return self._readers.get(key, [])

    def graph(self, loop: str) -> Graph:
        """Return the drawing of a loop."""
        graph = Graph(loop)
        graph.nodes[loop] = Node(loop, "loop")
        downstream = self._downstream(graph, loop)
        self._upstream(graph, loop, downstream)
        return graph

    def _upstream(self, graph: Graph, loop: str, downstream: set[str]) -> None:
        """Follow what the loop reads, breadth first, signals before conditions."""
        spec = self.config.loops[loop].spec
        for master, label in self.masters(loop):
            self._add(graph, master)
            graph.link(master, loop, f"SP {label}".strip())
        waiting: list[tuple[str, str, Reference, int]] = [
            (loop, self.node_of(reference.ref), reference, 0)
            for reference in sorted(loop_references(spec), key=lambda one: one.line != "signal")
        ]
        while waiting:
            target, source, reference, depth = waiting.pop(0)
            if source in downstream or source == loop:
                if source != loop:
                    graph.link(source, target, reference.role, "back")
                continue
            is_new = source not in graph.nodes
            if is_new and len(graph.nodes) >= MOST_UPSTREAM + len(downstream) and target != loop:
                graph.nodes[target] = Node(target, graph.nodes[target].kind, is_cut=True)
                continue
            self._add(graph, source)
            graph.link(source, target, reference.role, reference.line)
            derived = self.config.tags[source].spec.derived if source in self.config.tags else None
            if not is_new or derived is None:
                continue
            if depth >= DEPTH[reference.line]:
                graph.nodes[source] = Node(source, "calculated", is_cut=True)
                continue
            for behind in references(derived):
                line: Line = behind.line if reference.line == "signal" else reference.line
                waiting.append((source, self.node_of(behind.ref), Reference(behind.ref, behind.role, line), depth + 1))

    def _downstream(self, graph: Graph, loop: str) -> set[str]:
        """Follow the output to loops and final elements; return the nodes behind the loop."""
        behind: set[str] = set()
        for target, label in targets(self.config.loops[loop].spec):
            key = self.node_of(target)
            self._add(graph, key)
            graph.link(loop, key, label)
            behind.add(key)
        paths = self._paths(loop)
        for source, target, reference in paths:
            for key in (source, target):
                self._add(graph, key)
            graph.link(source, target, reference.role, reference.line)
            behind.add(target)
        for _, target, _ in paths:  # the other signals of a calculated tag behind the loop, one step back
            derived = self.config.tags[target].spec.derived if target in self.config.tags else None
            for other in references(derived) if derived is not None else ():
                key = self.node_of(other.ref)
                if key not in behind and key != loop:
                    self._add(graph, key, is_cut=self.kind_of(key) == "calculated")
                    graph.link(key, target, other.role, other.line)
        return behind

    def _paths(self, loop: str) -> list[tuple[str, str, Reference]]:
        """Return the edges on ways from the loop's output through calculated tags to other loops."""
        edges: list[tuple[str, str, Reference]] = []
        leads: dict[str, bool] = {}

        def follow(key: str) -> bool:
            if key in leads:
                return leads[key]
            leads[key] = False
            for reader, reference in self.readers(key):
                if key == loop and not reference.ref.endswith(".OP"):
                    continue
                kind = self.kind_of(reader)
                if reader == loop or (kind == "loop" and reference.line == "late"):
                    continue
                if kind == "loop" or (kind == "calculated" and follow(reader)):
                    edges.append((key, reader, reference))
                    leads[key] = True
            return leads[key]

        follow(loop)
        return edges

    def _add(self, graph: Graph, key: str, *, is_cut: bool = False) -> None:
        graph.nodes.setdefault(key, Node(key, self.kind_of(key), is_cut))


def action_of(config: Config, key: str) -> models.ActionGroup | None:
    """Return the group of protection actions whose members have ``key`` as their owner; None for anything else."""
    placed = config.actions.get(key.replace("-", "/", 1))
    return None if placed is None else placed.spec


def targets(loop: models.Loop) -> list[tuple[str, str]]:
    """Return what a loop's output goes to, each with the range of the output, "" where it is all of it."""
    one = [] if loop.output is None else [(loop.output, "")]
    return one + [(branch.to, _range(branch.at)) for branch in loop.outputs]


def _range(at: tuple[float, float]) -> str:
    return "" if at == (0.0, 100.0) else f"{at[0]:g}…{at[1]:g} %"


def loop_references(loop: models.Loop) -> Iterator[Reference]:
    """Yield every tag that a loop reads."""
    sp, forward, block, track = loop.sp, loop.feedforward, loop.block, loop.track
    schedule = None if loop.tuning is None else loop.tuning.schedule
    found: list[tuple[str | None, str, Line]] = [
        (loop.pv, "PV", "signal"),
        (sp and sp.from_, "SP", "signal"),
        (sp and sp.lo_from, "SP min", "signal"),
        (sp and sp.hi_from, "SP max", "signal"),
        (forward and forward.of, f"FF × {forward.gain:g}" if forward else "", "signal"),
        (schedule and schedule.of, "tuning", "logic"),
        (track and track.when, f"go to {track.at:g} %" if track else "", "logic"),
        (block and block.raise_, "no rise", "logic"),
        (block and block.lower, "no fall", "logic"),
        (loop.reset_from, "selected", "late"),
        (loop.initial and loop.initial.at, "begins at", "late"),
    ]
    yield from (Reference(ref, role, line) for ref, role, line in found if ref is not None)


def references(derived: BaseModel) -> Iterator[Reference]:
    """Yield every tag that a calculated tag reads; what a switch or a reset reads is a condition."""
    for name in type(derived).model_fields:
        value = getattr(derived, name)
        if name in {"of", "given"}:
            refs = [value] if isinstance(value, str) else list(value.values() if isinstance(value, dict) else value)
            is_switch = getattr(derived, "kind", "") in {"choice", "latch"}
            yield from (Reference(str(ref), "", "logic" if is_switch else "signal") for ref in refs)
        elif name == "reset" and isinstance(value, str):
            yield Reference(value, "reset", "logic")
        elif name in {"then", "otherwise", "pressure", "temperature"} and isinstance(value, str):
            yield Reference(value, {"then": "yes", "otherwise": "no"}.get(name, ""))
