"""Where each operation of a step stands: cut into chunks, values carried from one to another, and the stores placed.

A chunk becomes a function of a size that LLVM compiles in reasonable time. What crosses a cut stands in a scratch area;
elements of the registry are loaded again where they are used, and stored when nothing uses the old value any more.
What only some paths of the step need stands in chunks that are called on these paths only.
"""

from dataclasses import dataclass, field

from plc_sim.compiled.graph import CompileError, Node
from plc_sim.compiled.trace import Program

CHUNK = 1200  # nodes in a function

Outputs = dict[tuple[int, int], dict[Node, int]]  # element to its values, each with the paths that give it


@dataclass(slots=True, eq=False)
class Chunk:
    """Nodes in order, and the stores behind them as (slot, row, value); ``paths`` has a bit for each that needs it."""

    number: int
    paths: int
    nodes: list[Node] = field(default_factory=list[Node])
    stores: list[tuple[int, int, Node]] = field(default_factory=list[tuple[int, int, Node]])


class Plan:
    """Which node stands in which chunk, what goes through the scratch area, and where each store stands."""

    def __init__(self, program: Program, size: int = CHUNK) -> None:
        """Plan ``program``; chunks have up to ``size`` nodes."""
        self.graph = graph = program.graph
        self.every = (1 << len(program.paths)) - 1
        outputs = _outputs(program)
        self.need = _needed(program, outputs, self.every)
        self.chunks: list[Chunk] = []
        self.chunk_of: dict[int, int] = {}
        self._cut(size)
        self.last_use = self._leaf_uses()
        self._place_stores(outputs)
        self.scratch = self._share_scratch()
        changed = {slot for slot, _ in outputs}
        self.copied = tuple(n for n, slot in enumerate(graph.slots) if slot.is_shared and n in changed)

    def _cut(self, size: int) -> None:
        """Cut the needed nodes, those of most paths first: they never depend on what fewer paths need."""
        classes: dict[int, list[Node]] = {}
        for node in self.graph.nodes:
            if self.need[node.number] and node.op not in ("const", "load"):
                classes.setdefault(self.need[node.number], []).append(node)
        for paths in sorted(classes, key=lambda p: (-p.bit_count(), p)):
            nodes = classes[paths]
            for start in range(0, len(nodes), size):
                self._new_chunk(paths).nodes.extend(nodes[start : start + size])
        for c in self.chunks:
            self.chunk_of.update({node.number: c.number for node in c.nodes})

    def _new_chunk(self, paths: int) -> Chunk:
        self.chunks.append(Chunk(len(self.chunks), paths))
        return self.chunks[-1]

    def _leaf_uses(self) -> dict[tuple[int, int], int]:
        """Return the last chunk that loads each element."""
        return {a.detail: c.number for c in self.chunks for node in c.nodes for a in node.args if a.op == "load"}

    def touched(self) -> list[list[tuple[int, int, bool]]]:
        """Return for each chunk the elements that it is the first to touch: (slot, row, whether it is written)."""
        seen: set[tuple[int, int]] = set()
        written = {(slot, row) for c in self.chunks for slot, row, _ in c.stores}
        found: list[list[tuple[int, int, bool]]] = []
        for c in self.chunks:
            used = [a.detail for node in c.nodes for a in node.args if a.op == "load"]
            used += [a.detail for _, _, node in c.stores for a in (node, *node.args) if a.op == "load"]
            used += [(slot, row) for slot, row, _ in c.stores]
            own = [place for place in dict.fromkeys(used) if place not in seen]
            seen.update(own)
            found.append([(*place, place in written) for place in own])
        return found

    def _place_stores(self, outputs: Outputs) -> None:
        """Put each store into the first chunk of its paths behind its value and behind the last load of the element."""
        at_end: dict[int, Chunk] = {}
        by_paths: dict[int, list[Chunk]] = {}
        for c in self.chunks:
            by_paths.setdefault(c.paths, []).append(c)
        for (slot, row), values in outputs.items():
            for node, paths in values.items():
                bound = max(self.chunk_of.get(node.number, 0), self.last_use.get((slot, row), 0))
                place = next((c for c in by_paths.get(paths, ()) if c.number >= bound), None)
                if place is None:
                    place = at_end.get(paths) or at_end.setdefault(paths, self._new_chunk(paths))
                place.stores.append((slot, row, node))

    def _share_scratch(self) -> dict[int, int]:
        """Return the place in the scratch area of each node that another chunk uses; places are used again."""
        last: dict[int, int] = {}
        for c in self.chunks:
            for used in (*(a for node in c.nodes for a in node.args), *(value for _, _, value in c.stores)):
                if self.chunk_of.get(used.number, c.number) != c.number:
                    last[used.number] = c.number
        places: dict[int, int] = {}
        free: list[int] = []
        count = 0
        ending: dict[int, list[int]] = {}
        for c in self.chunks:
            for node in c.nodes:
                if node.number in last:
                    if not free:
                        free.append(count)
                        count += 1
                    places[node.number] = free.pop()
                    ending.setdefault(last[node.number], []).append(places[node.number])
            free.extend(ending.get(c.number, ()))
        self.scratch_lines = count
        return places


def _outputs(program: Program) -> Outputs:
    """Return all outputs; a moved element is a node of its own: it is read before anything is stored."""
    found: Outputs = {}
    for number, path in enumerate(program.paths):
        for element, node in path.outputs.items():
            value = program.graph.apply("keep", node.kind, node) if node.op == "load" else node
            values = found.setdefault(element, {})
            values[value] = values.get(value, 0) | 1 << number
    return found


def _needed(program: Program, outputs: Outputs, every: int) -> list[int]:
    """Return for each node the paths that need it; what touches memory through an index is done on all of them."""
    nodes = program.graph.nodes
    need = [0] * len(nodes)
    for values in outputs.values():
        for node, paths in values.items():
            need[node.number] |= paths
    stored: set[int] = set()
    for number, path in enumerate(program.paths):
        for node in path.stores:
            need[node.number] |= 1 << number
            stored.add(node.detail[0])
    for node in reversed(nodes):
        if need[node.number]:
            _check_memory(program, node, is_everywhere=need[node.number] == every, stored=stored)
            need[node.number] |= every if node.op == "load_at" else 0
            for arg in node.args:
                need[arg.number] |= need[node.number]
    return need


def _check_memory(program: Program, node: Node, *, is_everywhere: bool, stored: set[int]) -> None:
    """Refuse what would make the order of loads and stores matter between chunks."""
    if node.op == "store_at" and not is_everywhere:
        raise CompileError(f"{node.place}: a store through an index inside a branch; use np.where on its value")
    if node.op == "peek" or (node.op == "load" and node.detail[0] in stored):
        name = program.graph.slots[node.detail[0]].name
        raise CompileError(f"{node.place}: reads {name} both as rows and through indices that plants differ in")
