"""LLVM IR of one chunk: vectors of eight plants, loads and stores of the registry, tables, and the scratch area.

Lanes beyond the batch are masked in all loads and stores, so a column is calculated by the same instructions whatever
the width of the batch. There is no fast-math: LLVM may not change a bit.
"""

from plc_sim.compiled.functions import CALLED
from plc_sim.compiled.graph import CompileError, Node
from plc_sim.compiled.ir import LINE, REAL, TRUTH, TYPES, WHOLE, WIDTH, splat
from plc_sim.compiled.plan import Chunk, Plan
from plc_sim.compiled.trace import Program

MEMORY = {"f": "double", "i": "i64", "b": "i8"}  # of tables
BYTES = {"double": 8, "i64": 8, "i32": 4, "i8": 1}
SUFFIX = {"double": f"v{WIDTH}f64", "i64": f"v{WIDTH}i64", "i32": f"v{WIDTH}i32", "i8": f"v{WIDTH}i8"}
LANES = "<" + ", ".join(f"i64 {lane}" for lane in range(WIDTH)) + ">"
BINARY = {
    "f": {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"},
    "i": {"add": "add", "sub": "sub", "mul": "mul"},
    "b": {"and": "and", "or": "or"},
}
COMPARE = {
    "f": {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq", "ne": "une"},
    "i": {"lt": "slt", "le": "sle", "gt": "sgt", "ge": "sge", "eq": "eq", "ne": "ne"},
}
INTRINSICS = {
    "sqrt": "llvm.sqrt",
    "abs": "llvm.fabs",
    "rint": "llvm.rint",
    "floor": "llvm.floor",
    "ceil": "llvm.ceil",
    "trunc": "llvm.trunc",
}
UNARY = {
    ("neg", "f"): f"fneg {REAL} {{0}}",
    ("neg", "i"): f"sub {WHOLE} zeroinitializer, {{0}}",
    ("abs", "i"): f"call {WHOLE} @llvm.abs.{SUFFIX['i64']}({WHOLE} {{0}}, i1 false)",
    ("not", "b"): f"xor {TRUTH} {{0}}, {splat('b', 1)}",
    ("isnan", "f"): f"fcmp uno {REAL} {{0}}, {{0}}",
    ("to_f", "b"): f"uitofp {TRUTH} {{0}} to {REAL}",
    ("to_f", "i"): f"sitofp {WHOLE} {{0}} to {REAL}",
    ("to_i", "b"): f"zext {TRUTH} {{0}} to {WHOLE}",
    ("to_i", "f"): f"call {WHOLE} @llvm.fptosi.sat.{SUFFIX['i64']}.{SUFFIX['double']}({REAL} {{0}})",
    ("to_b", "f"): f"fcmp une {REAL} {{0}}, zeroinitializer",
    ("to_b", "i"): f"icmp ne {WHOLE} {{0}}, zeroinitializer",
}


CHUNK_ARGUMENTS = "ptr %pointers, ptr %scratch, i64 %batch, i64 %first, i64 %last"


class Writer:
    """The text of one function, line by line."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.graph = plan.graph
        self.lines: list[str] = []
        self.names: dict[int, str] = {}  # of nodes
        self.pointers: dict[int, str] = {}
        self.products: dict[tuple[int, int], str] = {}  # of an index and the width of a table
        self.count = 0

    def chunk(self, c: Chunk) -> str:
        """Return the function of a chunk."""
        for node in c.nodes:
            self.define(node)
            if node.number in self.plan.scratch:
                self.save(node, self.plan.scratch[node.number])
        for slot, row, node in c.stores:
            self.store(slot, row, node)
        body = "\n".join(self.lines)
        return f"""define internal void @chunk{c.number}({CHUNK_ARGUMENTS}) #0 {{
entry:
  %count = sub i64 %last, %first
  %apart = mul i64 %count, {LINE}
  br label %test
test:
  %block = phi i64 [ %first, %entry ], [ %next, %body ]
  %has.more = icmp slt i64 %block, %last
  br i1 %has.more, label %body, label %done
body:
  %column = mul i64 %block, {WIDTH}
  %number = sub i64 %block, %first
  %offset = mul i64 %number, {LINE}
  %lines = getelementptr i8, ptr %scratch, i64 %offset
  %left = sub i64 %batch, %column
  %left.first = insertelement {WHOLE} poison, i64 %left, i64 0
  %lefts = shufflevector {WHOLE} %left.first, {WHOLE} poison, <{WIDTH} x i32> zeroinitializer
  %mask = icmp ult {WHOLE} {LANES}, %lefts
{body}
  %next = add i64 %block, 1
  br label %test
done:
  ret void
}}
"""

    def decide(self, program: Program) -> str:
        """Return the function that says which path this step takes."""
        path = "0"
        for number, way in enumerate(program.paths):
            holds = "true"
            for condition, answer in way.decisions:
                self.define_with_arguments(condition)
                is_true = self.line(f"extractelement {TRUTH} {self.value(condition)}, i64 0")
                is_so = is_true if answer else self.line(f"xor i1 {is_true}, true")
                holds = self.line(f"and i1 {holds}, {is_so}")
            path = self.line(f"select i1 {holds}, i64 {number}, i64 {path}")
        return "\n".join(["define internal i64 @decide(ptr %pointers) #0 {", *self.lines, f"  ret i64 {path}\n}}\n"])

    def define_with_arguments(self, node: Node) -> None:
        """Write a node after all that it needs."""
        if node.number not in self.names and node.op not in ("const", "load"):
            for arg in node.args:
                self.define_with_arguments(arg)
            self.define(node)

    def line(self, text: str) -> str:
        """Add a line and return its result's name."""
        name = f"%t{self.count}"
        self.count += 1
        self.lines.append(f"  {name} = {text}")
        return name

    def value(self, node: Node) -> str:
        """Return the operand of a node: a constant, a name, or what is loaded for it now."""
        if node.op == "const":
            return splat(node.kind, node.value)
        if node.number not in self.names:
            self.names[node.number] = self.load(*node.detail) if node.op == "load" else self.recall(node)
        return self.names[node.number]

    def pointer(self, number: int) -> str:
        """Return the base address of a slot, table or copy."""
        if number not in self.pointers:
            place = self.line(f"getelementptr ptr, ptr %pointers, i64 {number}")
            self.pointers[number] = self.line(f"load ptr, ptr {place}")
        return self.pointers[number]

    def address(self, slot: int, row: int | str) -> str:
        """Return the address of this block's part of a row; ``row`` may be the name of a scalar."""
        layout = self.graph.slots[slot]
        memory = layout.memory
        if layout.is_shared:
            return self.line(f"getelementptr {memory}, ptr {self.pointer(self.source(slot))}, i64 {row}")
        start = self.line(f"mul i64 %batch, {row}")
        offset = self.line(f"add i64 {start}, %column")
        return self.line(f"getelementptr {memory}, ptr {self.pointer(slot)}, i64 {offset}")

    def source(self, slot: int) -> int:
        """Return the number of the pointer to read a slot from: its copy when blocks write it."""
        if slot not in self.plan.copied:
            return slot
        return len(self.graph.slots) + len(self.graph.tables) + self.plan.copied.index(slot)

    def load(self, slot: int, row: int | str) -> str:
        """Load a row of the registry."""
        layout = self.graph.slots[slot]
        memory, place = layout.memory, self.address(slot, row)
        kind = f"<{WIDTH} x {memory}>"
        if layout.is_shared:
            loaded = self.spread(self.line(f"load {memory}, ptr {place}"), memory)
        else:
            loaded = self.line(
                f"call {kind} @llvm.masked.load.{SUFFIX[memory]}.p0(ptr align {BYTES[memory]} {place}, "
                f"{TRUTH} %mask, {kind} zeroinitializer)"
            )
        if layout.kind == "b":
            return self.line(f"icmp ne {kind} {loaded}, zeroinitializer")
        return self.line(f"zext {kind} {loaded} to {WHOLE}") if memory == "i32" else loaded

    def spread(self, scalar: str, memory: str) -> str:
        """Return a scalar in all lanes."""
        kind = f"<{WIDTH} x {memory}>"
        first = self.line(f"insertelement {kind} poison, {memory} {scalar}, i64 0")
        return self.line(f"shufflevector {kind} {first}, {kind} poison, <{WIDTH} x i32> zeroinitializer")

    def store(self, slot: int, row: int, node: Node) -> None:
        """Store a row of the registry."""
        layout = self.graph.slots[slot]
        memory, value = layout.memory, self.value(node)
        kind = f"<{WIDTH} x {memory}>"
        if layout.kind == "b":
            value = self.line(f"zext {TRUTH} {value} to {kind}")
        elif memory == "i32":
            value = self.line(f"trunc {WHOLE} {value} to {kind}")
        if layout.is_shared:
            scalar = self.line(f"extractelement {kind} {value}, i64 0")
            place = self.line(f"getelementptr {memory}, ptr {self.pointer(slot)}, i64 {row}")
            self.lines.append(f"  store {memory} {scalar}, ptr {place}")
            return
        self.lines.append(
            f"  call void @llvm.masked.store.{SUFFIX[memory]}.p0({kind} {value}, "
            f"ptr align {BYTES[memory]} {self.address(slot, row)}, {TRUTH} %mask)"
        )

    def kept(self, place: int) -> str:
        """Return the address of this block's line of the scratch area."""
        start = self.line(f"mul i64 %apart, {place}")
        return self.line(f"getelementptr i8, ptr %lines, i64 {start}")

    def save(self, node: Node, place: int) -> None:
        """Keep a value for another chunk; truth values as the bits of a byte."""
        address = self.kept(place)
        value, kind = self.names[node.number], TYPES[node.kind]
        if node.kind == "b":
            value, kind = self.line(f"bitcast {TRUTH} {value} to i{WIDTH}"), f"i{WIDTH}"
        self.lines.append(f"  store {kind} {value}, ptr {address}, align {LINE}")

    def recall(self, node: Node) -> str:
        """Return what another chunk has kept."""
        address = self.kept(self.plan.scratch[node.number])
        kind = f"i{WIDTH}" if node.kind == "b" else TYPES[node.kind]
        loaded = self.line(f"load {kind}, ptr {address}, align {LINE}")
        return self.line(f"bitcast i{WIDTH} {loaded} to {TRUTH}") if node.kind == "b" else loaded

    def define(self, node: Node) -> None:
        """Write one operation."""
        match node.op:
            case "store_at":
                self.store_at(node)
                return
            case "load_at":
                name = self.load_at(node)
            case "gather":
                name = self.gather(node)
            case "keep":
                name = self.value(node.args[0])
            case _:
                name = self.operation(node, [self.value(a) for a in node.args])
        self.names[node.number] = name

    def operation(self, node: Node, args: list[str]) -> str:
        """Return the result of an operation on values."""
        op, kind, of = node.op, node.kind, node.args[0].kind
        if op in BINARY[kind]:
            return self.line(f"{BINARY[kind][op]} {TYPES[kind]} {args[0]}, {args[1]}")
        if op in COMPARE["f"]:
            compare = "fcmp" if of == "f" else "icmp"
            return self.line(f"{compare} {COMPARE[of][op]} {TYPES[of]} {args[0]}, {args[1]}")
        if op in ("min", "max"):
            return self.extreme(node, *args)
        if op == "select":
            return self.line(f"select {TRUTH} {args[0]}, {TYPES[kind]} {args[1]}, {TYPES[kind]} {args[2]}")
        if op in CALLED:
            return self.line(f"call {REAL} @wte.{op}({', '.join(f'{REAL} {a}' for a in args)})")
        if op in INTRINSICS and kind == "f":
            return self.line(f"call {REAL} @{INTRINSICS[op]}.{SUFFIX['double']}({REAL} {args[0]})")
        if op == "rem":
            return self.remainder(node, args[0])
        return self.unary(node, args[0])

    def unary(self, node: Node, arg: str) -> str:
        """Return the result of a sign, a question or a conversion."""
        text = UNARY.get((node.op, node.args[0].kind))
        if text is None:
            raise CompileError(f"{node.place}: {node.op} of {node.args[0].kind} cannot be compiled")
        return self.line(text.format(arg))

    def extreme(self, node: Node, a: str, b: str) -> str:
        """Return the smaller or greater value; NaN of either one wins, as in numpy."""
        if node.kind == "i":
            return self.line(f"call {WHOLE} @llvm.s{node.op}.{SUFFIX['i64']}({WHOLE} {a}, {WHOLE} {b})")
        beats = "olt" if node.op == "min" else "ogt"
        if node.args[1].op == "const":
            a, b = b, a
        better = self.line(f"fcmp {beats} {REAL} {a}, {b}")
        if "const" not in (node.args[0].op, node.args[1].op):  # a constant is no NaN: what it does not beat stays
            better = self.line(f"or {TRUTH} {better}, {self.line(f'fcmp uno {REAL} {a}, {a}')}")
        return self.line(f"select {TRUTH} {better}, {REAL} {a}, {REAL} {b}")

    def remainder(self, node: Node, arg: str) -> str:
        """Return the remainder, not negative, by a positive constant; exact below 2^52."""
        divisor = node.args[1]
        if divisor.op != "const" or divisor.value <= 0:
            raise CompileError(f"{node.place}: a remainder is compiled for a positive constant divisor only")
        n = splat("i", divisor.value)
        real = self.line(f"sitofp {WHOLE} {arg} to {REAL}")
        share = self.line(f"fmul {REAL} {real}, {splat('f', 1.0 / divisor.value)}")
        whole = self.line(f"call {REAL} @llvm.floor.{SUFFIX['double']}({REAL} {share})")
        times = self.line(f"mul {WHOLE} {self.line(f'fptosi {REAL} {whole} to {WHOLE}')}, {n}")
        rest = self.line(f"sub {WHOLE} {arg}, {times}")
        is_low = self.line(f"icmp slt {WHOLE} {rest}, zeroinitializer")
        rest = self.line(f"select {TRUTH} {is_low}, {WHOLE} {self.line(f'add {WHOLE} {rest}, {n}')}, {WHOLE} {rest}")
        is_high = self.line(f"icmp sge {WHOLE} {rest}, {n}")
        return self.line(f"select {TRUTH} {is_high}, {WHOLE} {self.line(f'sub {WHOLE} {rest}, {n}')}, {WHOLE} {rest}")

    def first_lane(self, index: Node) -> str:
        """Return an index that is the same in all plants as a scalar."""
        return self.line(f"extractelement {WHOLE} {self.value(index)}, i64 0")

    def gather(self, node: Node) -> str:
        """Return an entry of a constant table; its properties lie together, so one line of memory serves all."""
        table, column = node.detail
        (index,) = node.args
        memory = MEMORY[node.kind]
        width = self.graph.tables[table].shape[1]
        base = self.pointer(len(self.graph.slots) + table)
        start = self.line(f"getelementptr {memory}, ptr {base}, i64 {column}")
        if index.is_uniform:
            row = self.line(f"mul i64 {self.first_lane(index)}, {width}")
            entry = self.line(f"getelementptr {memory}, ptr {start}, i64 {row}")
            return self.spread(self.line(f"load {memory}, ptr {entry}"), memory)
        key = (index.number, width)
        if key not in self.products:
            self.products[key] = self.line(f"mul {WHOLE} {self.value(index)}, {splat('i', width)}")
        places = self.line(f"getelementptr {memory}, ptr {start}, {WHOLE} {self.products[key]}")
        return self.gathered(places, memory, splat("b", 1))

    def gathered(self, places: str, memory: str, mask: str) -> str:
        """Return what stands at eight addresses."""
        kind = f"<{WIDTH} x {memory}>"
        return self.line(
            f"call {kind} @llvm.masked.gather.{SUFFIX[memory]}.v{WIDTH}p0(<{WIDTH} x ptr> align 8 {places}, "
            f"{TRUTH} {mask}, {kind} zeroinitializer)"
        )

    def places(self, node: Node, slot: int, first: int, index: Node) -> str:
        """Return the addresses of each lane's own row."""
        layout = self.graph.slots[slot]
        if layout.is_shared or layout.memory not in ("double", "i64"):
            raise CompileError(f"{node.place}: rows of {layout.name} cannot be chosen for each plant")
        row = self.line(f"add {WHOLE} {self.value(index)}, {splat('i', first)}")
        start = self.line(f"mul {WHOLE} {row}, {self.spread('%batch', 'i64')}")
        column = self.line(f"add {WHOLE} {self.spread('%column', 'i64')}, {LANES}")
        offset = self.line(f"add {WHOLE} {start}, {column}")
        return self.line(f"getelementptr {layout.memory}, ptr {self.pointer(slot)}, {WHOLE} {offset}")

    def load_at(self, node: Node) -> str:
        """Return an element of the registry at an index."""
        slot, first, _ = node.detail
        (index,) = node.args
        if index.is_uniform:
            return self.load(slot, self.line(f"add i64 {self.first_lane(index)}, {first}"))
        return self.gathered(self.places(node, slot, first, index), MEMORY[node.kind], "%mask")

    def store_at(self, node: Node) -> None:
        """Store an element of the registry at an index."""
        slot, first, _ = node.detail
        index, value = node.args
        memory = MEMORY[node.kind]
        self.lines.append(
            f"  call void @llvm.masked.scatter.{SUFFIX[memory]}.v{WIDTH}p0(<{WIDTH} x {memory}> {self.value(value)}, "
            f"<{WIDTH} x ptr> align 8 {self.places(node, slot, first, index)}, {TRUTH} %mask)"
        )
