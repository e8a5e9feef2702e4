"""The kernel of a step: the functions of its chunks, one that chooses the path, and one that goes over rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from plc_sim.compiled.functions import CALLED, definition
from plc_sim.compiled.graph import Slot
from plc_sim.compiled.ir import LINE, WIDTH
from plc_sim.compiled.plan import Plan
from plc_sim.compiled.trace import Program
from plc_sim.compiled.writer import BYTES, Writer

ENTRY = "wte_step"
ENTRY_ARGUMENTS = "ptr %pointers, ptr %scratch, i64 %rows, i64 %batch, i64 %first, i64 %last"
WORTH = 4  # blocks
AHEAD = 2  # rows
ATTRIBUTES = f'attributes #0 = {{ nounwind noinline "prefer-vector-width"="{64 * WIDTH}" }}\n'


# Asks for what a chunk will touch while the one before it calculates: rows lie far apart, each with a little of what a
# group of blocks needs, and the processor does not guess that. A few blocks are not worth it.
FETCH = f"""
define internal void @fetch(ptr %pointers, ptr %list, i64 %count, i64 %batch, i64 %first, i64 %last) #0 {{
entry:
  %blocks = sub i64 %last, %first
  %is.worth = icmp sge i64 %blocks, {WORTH}
  br i1 %is.worth, label %test, label %done
test:
  %entry.number = phi i64 [ 0, %entry ], [ %entry.next, %behind ]
  %has.more = icmp slt i64 %entry.number, %count
  br i1 %has.more, label %body, label %done
body:
  %at = mul i64 %entry.number, 3
  %slot.at = getelementptr i64, ptr %list, i64 %at
  %row.at = getelementptr i64, ptr %slot.at, i64 1
  %bytes.at = getelementptr i64, ptr %slot.at, i64 2
  %slot = load i64, ptr %slot.at
  %row = load i64, ptr %row.at
  %bytes = load i64, ptr %bytes.at
  %base.at = getelementptr ptr, ptr %pointers, i64 %slot
  %base = load ptr, ptr %base.at
  %row.start = mul i64 %row, %batch
  %column = mul i64 %first, {WIDTH}
  %element = add i64 %row.start, %column
  %start = mul i64 %element, %bytes
  %wide = mul i64 %blocks, {WIDTH}
  %size = mul i64 %wide, %bytes
  br label %line.test
line.test:
  %offset = phi i64 [ 0, %body ], [ %offset.next, %line ]
  %has.line = icmp slt i64 %offset, %size
  br i1 %has.line, label %line, label %behind
line:
  %place = add i64 %start, %offset
  %address = getelementptr i8, ptr %base, i64 %place
  call void @llvm.prefetch.p0(ptr %address, i32 0, i32 2, i32 1)
  %offset.next = add i64 %offset, {LINE}
  br label %line.test
behind:
  %entry.next = add i64 %entry.number, 1
  br label %test
done:
  ret void
}}
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the pointers of a kernel stand for: slots, then tables, then copies of shared slots."""

    slots: tuple[Slot, ...]
    tables: tuple[npt.NDArray[Any], ...]
    copied: tuple[int, ...]  # shared slots that change: read from a copy while the blocks write them
    operations: int
    scratch_lines: int  # vectors that a block keeps between chunks


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a kernel and its layout."""

    text: str
    layout: Layout


def emit(program: Program) -> Source:
    """Return the IR of ``wte_step(pointers, scratch, rows, batch, first block, last block)``, last not included.

    It goes over ``rows`` tables of pointers, one behind the other, and for each of them over the blocks.
    """
    plan = Plan(program)
    functions = [FETCH, *_lists(plan), *(Writer(plan).chunk(c) for c in plan.chunks)]
    decide = Writer(plan).decide(program)
    called = sorted({node.op for node in program.graph.nodes} & set(CALLED))
    text = "\n".join([*map(definition, called), *functions, decide, _driver(plan), ATTRIBUTES])
    graph, operations = program.graph, sum(len(c.nodes) for c in plan.chunks)
    layout = Layout(graph.slots, tuple(graph.tables), plan.copied, operations, plan.scratch_lines)
    return Source(text, layout)


def _driver(plan: Plan) -> str:
    """Return the function that is called: for each row it chooses the path and calls the chunks of it."""
    count = len(plan.graph.slots) + len(plan.graph.tables) + len(plan.copied)
    calls = "\n".join(_calls(plan))
    return f"""define void @{ENTRY}({ENTRY_ARGUMENTS}) #0 {{
entry:
  br label %test
test:
  %row = phi i64 [ 0, %entry ], [ %next, %end ]
  %has.more = icmp slt i64 %row, %rows
  br i1 %has.more, label %body, label %done
body:
  %place = mul i64 %row, {count}
  %own = getelementptr ptr, ptr %pointers, i64 %place
  %path = call i64 @decide(ptr %own)
  %row.later = add i64 %row, {AHEAD}
  %row.last = sub i64 %rows, 1
  %is.there = icmp slt i64 %row.later, %rows
  %row.fetched = select i1 %is.there, i64 %row.later, i64 %row.last
  %place.fetched = mul i64 %row.fetched, {count}
  %fetched = getelementptr ptr, ptr %pointers, i64 %place.fetched
{calls}
  br label %end
end:
  %next = add i64 %row, 1
  br label %test
done:
  ret void
}}
"""


def _lists(plan: Plan) -> Iterable[str]:
    """Return the tables of what each chunk touches first: slot, row, bytes of an element."""
    graph = plan.graph
    for number, touched in enumerate(plan.touched()):
        places = [(slot, row, BYTES[graph.slots[slot].memory]) for slot, row, _ in touched]
        entries = [place for place in places if not graph.slots[place[0]].is_shared]
        values = ", ".join(f"i64 {one}" for entry in entries for one in entry)
        kind = f"[{3 * len(entries)} x i64]"
        yield f"@touched{number} = internal constant {kind} [{values}]"


def _calls(plan: Plan) -> Iterable[str]:
    counts = [sum(not plan.graph.slots[slot].is_shared for slot, _, _ in touched) for touched in plan.touched()]

    def fetch(n: int, row: str) -> str:
        if n >= len(counts) or not counts[n]:
            return ""
        return f"  call void @fetch(ptr {row}, ptr @touched{n}, i64 {counts[n]}, i64 %batch, i64 %first, i64 %last)"

    yield fetch(0, "%fetched")
    for n, c in enumerate(plan.chunks):
        yield fetch(n + 1, "%own")
        call = f"  call void @chunk{n}(ptr %own, ptr %scratch, i64 %batch, i64 %first, i64 %last)"
        if c.paths == plan.every:
            yield call
            continue
        yield f"""  %bits{n} = lshr i64 {c.paths}, %path
  %is{n} = trunc i64 %bits{n} to i1
  br i1 %is{n}, label %call{n}, label %behind{n}
call{n}:
{call}
  br label %behind{n}
behind{n}:"""
