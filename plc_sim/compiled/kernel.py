"""From the plant to a step that runs on its registry: trace, compile or take from the cache, bind, call.

    kernel = compile_step(plant, state, lambda p: p.step(0.1))  # one plant: batch 1
    step = kernel.bind(other)  # a registry of the same arrays, any batch
    step()

The cache holds object code under the hash of all that it follows from: the IR, the processor and LLVM. It saves time
and nothing else; a file that is damaged or not ours alone is not used.
"""

import hashlib
import logging
import pickle
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import llvmlite
import llvmlite.binding as llvm
import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim import cache as files
from plc_sim.cache import default_folder
from plc_sim.compiled.emit import ENTRY, Layout, emit
from plc_sim.compiled.graph import CompileError
from plc_sim.compiled.stages import CompiledStep, Stage
from plc_sim.compiled.trace import layout as slots_of
from plc_sim.compiled.trace import trace

T = TypeVar("T")
LEVEL = 2  # of LLVM's code generation: 1 and 3 give the same speed, 0 half of it
SLOW = 10_000  # operations from which a compilation takes seconds, and people are told

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Figures:
    """How a kernel came to be, for logs and measurements."""

    operations: int
    paths: int
    trace_s: float
    compile_s: float  # 0 when the object code was in the cache
    code_bytes: int
    cache_problem: str  # "" when the cache works; else why this start or the next one compiles again


class Kernel:
    """Machine code of a step, for any registry of the layout it was traced on."""

    def __init__(self, layout: Layout, code: bytes, figures: Figures) -> None:
        """Load ``code``, which is the object code of a step of that layout."""
        self.figures = figures
        self._layout = layout
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        self._names = [slot.name for slot in layout.slots]
        self._function: int = self._engine.get_function_address(ENTRY)

    def bind(self, state: State) -> CompiledStep:
        """Return the step of ``state``; CompileError when its arrays are not those that were traced."""
        return CompiledStep([self.stage(state)], state.batch)

    def stage(self, state: State) -> Stage:
        """Return this kernel on ``state``, to be one of several stages; CompileError as ``bind``."""
        there = {slot.name: slot for slot in slots_of(state)}
        for slot in self._layout.slots:
            if there.get(slot.name) != slot:
                raise CompileError(
                    f"the step was compiled for {slot}, this state has {there.get(slot.name, 'no such array')}: "
                    "build both from one configuration"
                )
        slots = [state[slot.name] for slot in self._layout.slots]
        copies = [(np.empty_like(slots[number]), slots[number]) for number in self._layout.copied]
        arrays = [*slots, *self._layout.tables, *(copy for copy, _ in copies)]
        pointers = np.array([[array.ctypes.data for array in arrays]], dtype=np.uint64)
        return Stage(self._function, pointers, self._names, self._layout.scratch_lines, (self, arrays), copies)

    def rows_stage(self, addresses: Mapping[str, npt.NDArray[np.uint64]], keeps: object) -> Stage:
        """Return this kernel of one row on many; ``addresses`` says where each slot of each row stands, (rows,)."""
        columns = [addresses[name] for name in self._names]
        tables = [np.full_like(columns[0], table.ctypes.data) for table in self._layout.tables]
        pointers = np.ascontiguousarray(np.stack([*columns, *tables], axis=1))
        return Stage(self._function, pointers, self._names, self._layout.scratch_lines, (self, keeps))


def compile_step(
    subject: T, state: State, step: Callable[[T], object], *, cache: Path | None = None, known_as: str = ""
) -> Kernel:
    """Compile ``step(subject)``. ``state`` is the registry of the subject, for one plant.

    ``cache`` is the folder of object code, the user's if None. ``known_as`` says from what subject and step follow, so
    that ``known_step`` finds the kernel without them. CompileError names the line of the physics that cannot be
    compiled.
    """
    start = time.perf_counter()
    program = trace(subject, state, step)
    source = emit(program)
    traced = time.perf_counter()
    folder = cache or default_folder()
    path = folder / f"{_key(source.text)}.o"
    code, problem = files.read(path)
    compile_s = 0.0
    if code is None:
        if source.layout.operations > SLOW:
            _log.warning(
                "compiling the plant's step: %d operations, up to half a minute; "
                "done once for a configuration and kept in %s", source.layout.operations, folder,
            )  # fmt: skip
        code = _compile(source.text)
        compile_s = time.perf_counter() - traced
        problem = files.write(path, code) or problem
    if known_as:
        problem = files.write(_traced(folder, known_as), pickle.dumps((path.name, source.layout))) or problem
    files.tell(problem)
    figures = Figures(source.layout.operations, len(program.paths), traced - start, compile_s, len(code), problem)
    return Kernel(source.layout, code, figures)


def known_step(known_as: str, *, cache: Path | None = None) -> Kernel | None:
    """Return the kernel that an earlier start has compiled, if it is still there: nothing is traced."""
    folder = cache or default_folder()
    kept = files.take(_traced(folder, known_as))
    if kept is None:
        return None
    name, layout = pickle.loads(kept)  # noqa: S301  our own file, checked
    code = files.take(folder / name)
    return None if code is None else Kernel(layout, code, Figures(layout.operations, 0, 0.0, 0.0, len(code), ""))


def _traced(folder: Path, known_as: str) -> Path:
    """Return the file that says which object code a step has, and where its pointers go."""
    return folder / f"{files.key_of(_processor(), known_as)}.step"


def _machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=LEVEL,
        jit=True,
        codemodel="jitdefault",
    )


def _compile(text: str) -> bytes:
    module = llvm.parse_assembly(text)
    module.verify()
    return _machine().emit_object(module)


def _key(text: str) -> str:
    llvm.initialize_native_target()
    versions = f"{llvmlite.__version__} {llvm.llvm_version_info} level {LEVEL}"
    return hashlib.sha256(f"{versions}\n{_processor()}\n{text}".encode()).hexdigest()


def _processor() -> str:
    return f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"
