"""The kernel of a step: the functions of its chunks, one that chooses the path, and one that goes over the blocks."""

from collections.abc import Iterable
from dataclasses import dataclass

from plc_sim.compiled.functions import CALLED, definition
from plc_sim.compiled.graph import Graph
from plc_sim.compiled.ir import LINE, WIDTH
from plc_sim.compiled.plan import Plan
from plc_sim.compiled.trace import Program
from plc_sim.compiled.writer import BYTES, Writer

ENTRY = "wte_step"
ATTRIBUTES = f'attributes #0 = {{ nounwind noinline "prefer-vector-width"="{64 * WIDTH}" }}\n'


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a kernel, and what its pointers stand for: slots, then tables, then copies of shared slots."""

    text: str
    graph: Graph
    copied: tuple[int, ...]  # shared slots that change: read from a copy while the blocks write them
    operations: int


def emit(program: Program) -> Source:
    """Return the IR of ``wte_step(ptr pointers, i64 batch, i64 first block, i64 last block)``, last not included."""
    plan = Plan(program)
    functions = [Writer(plan).chunk(c) for c in plan.chunks]
    decide = Writer(plan).decide(program)
    called = sorted({node.op for node in program.graph.nodes} & set(CALLED))
    text = "\n".join([*map(definition, called), *functions, decide, _driver(plan), ATTRIBUTES])
    return Source(text, program.graph, plan.copied, sum(len(c.nodes) for c in plan.chunks))


def _driver(plan: Plan) -> str:
    """Return the function that is called: copies shared slots, chooses the path, goes over the blocks."""
    copies = "\n".join(_copies(plan))
    calls = "\n".join(_calls(plan))
    return f"""define void @{ENTRY}(ptr %pointers, i64 %batch, i64 %first, i64 %last) #0 {{
entry:
  %scratch = alloca [{max(plan.scratch_lines, 1) * LINE} x i8], align {LINE}
{copies}
  %path = call i64 @decide(ptr %pointers)
  br label %test
test:
  %block = phi i64 [ %first, %entry ], [ %next, %end ]
  %has.more = icmp slt i64 %block, %last
  br i1 %has.more, label %body, label %done
body:
  %column = mul i64 %block, {WIDTH}
{calls}
  br label %end
end:
  %next = add i64 %block, 1
  br label %test
done:
  ret void
}}
"""


def _copies(plan: Plan) -> Iterable[str]:
    first = len(plan.graph.slots) + len(plan.graph.tables)
    for number, slot in enumerate(plan.copied):
        layout = plan.graph.slots[slot]
        yield f"  %from{number} = getelementptr ptr, ptr %pointers, i64 {slot}"
        yield f"  %to{number} = getelementptr ptr, ptr %pointers, i64 {first + number}"
        yield f"  %source{number} = load ptr, ptr %from{number}"
        yield f"  %target{number} = load ptr, ptr %to{number}"
        yield (
            f"  call void @llvm.memcpy.p0.p0.i64(ptr %target{number}, ptr %source{number}, "
            f"i64 {layout.rows * BYTES[layout.kind]}, i1 false)"
        )


def _calls(plan: Plan) -> Iterable[str]:
    for n, c in enumerate(plan.chunks):
        call = f"  call void @chunk{n}(ptr %pointers, ptr %scratch, i64 %batch, i64 %column)"
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
