"""From the plant to a step that runs on its registry: trace, compile or take from the cache, bind, call.

    kernel = compile_step(plant, state, lambda p: p.step(0.1))  # one plant: batch 1
    step = kernel.bind(other)  # a registry of the same arrays, any batch
    step()

The cache holds object code under the hash of all that it follows from: the IR, the processor and LLVM. It saves time
and nothing else; a file that is damaged or not ours alone is not used.
"""

import ctypes
import hashlib
import logging
import os
import stat
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import llvmlite
import llvmlite.binding as llvm
import numpy as np

from controller.core.state import State
from plc_sim.compiled.emit import ENTRY, Source, emit
from plc_sim.compiled.graph import CompileError
from plc_sim.compiled.ir import WIDTH
from plc_sim.compiled.trace import layout, trace

T = TypeVar("T")
LEVEL = 2  # of LLVM's code generation: 1 and 3 give the same speed, 0 half of it
MAGIC = b"WTEKERNL"
DIGEST = 32
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


class CompiledStep:
    """A step of all plants of one registry, in place; keeps the registry's arrays alive."""

    def __init__(self, kernel: "Kernel", arrays: list[Any], batch: int) -> None:
        """Take the arrays in the order of the kernel's pointers."""
        self._kernel = kernel
        self._arrays = arrays
        self._pointers = np.array([array.ctypes.data for array in arrays], dtype=np.uint64)
        self._arguments = (self._pointers.ctypes.data, batch, 0, -(-batch // WIDTH))
        self._call = kernel.call

    def __call__(self) -> None:
        """Advance by the ``dt`` that was traced."""
        self._call(*self._arguments)


class Kernel:
    """Machine code of a step, for any registry of the layout it was traced on."""

    def __init__(self, source: Source, code: bytes, figures: Figures) -> None:
        """Load ``code``, which is the object code of ``source``."""
        self.figures = figures
        self._source = source
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        signature = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
        self.call: Callable[[int, int, int, int], None] = signature(self._engine.get_function_address(ENTRY))

    def bind(self, state: State) -> CompiledStep:
        """Return the step of ``state``; CompileError when its arrays are not those that were traced."""
        there = {slot.name: slot for slot in layout(state)}
        for slot in self._source.graph.slots:
            if there.get(slot.name) != slot:
                raise CompileError(
                    f"the step was compiled for {slot}, this state has {there.get(slot.name, 'no such array')}: "
                    "build both from one configuration"
                )
        slots = [state[slot.name] for slot in self._source.graph.slots]
        copies = [np.empty_like(slots[number]) for number in self._source.copied]
        return CompiledStep(self, [*slots, *self._source.graph.tables, *copies], state.batch)


def compile_step(subject: T, state: State, step: Callable[[T], object], *, cache: Path | None = None) -> Kernel:
    """Compile ``step(subject)``. ``state`` is the registry of the subject, for one plant.

    ``cache`` is the folder of object code, ``default_cache()`` if None. CompileError names the line of the physics that
    cannot be compiled.
    """
    start = time.perf_counter()
    program = trace(subject, state, step)
    source = emit(program)
    traced = time.perf_counter()
    folder = cache or default_cache()
    path = folder / f"{_key(source.text)}.o"
    code, problem = _read(path)
    compile_s = 0.0
    if code is None:
        if source.operations > SLOW:
            _log.warning(
                "compiling the plant's step: %d operations, up to half a minute; "
                "done once for a configuration and kept in %s", source.operations, folder,
            )  # fmt: skip
        code = _compile(source.text)
        compile_s = time.perf_counter() - traced
        problem = _write(path, code) or problem
    if problem:
        _log.warning("the cache of compiled steps: %s", problem)
    figures = Figures(source.operations, len(program.paths), traced - start, compile_s, len(code), problem)
    return Kernel(source, code, figures)


def default_cache() -> Path:
    """Return the user's folder for compiled kernels."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "wte" / "kernels"


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
    processor = f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"
    return hashlib.sha256(f"{versions}\n{processor}\n{text}".encode()).hexdigest()


def _read(path: Path) -> tuple[bytes | None, str]:
    """Return the object code if it stands in the cache, else None and, unless it is just not there, why not."""
    try:
        for place in (path.parent, path):
            status = place.stat()
            if status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                return None, f"{place}: others can write it, so it is not used"
        data = path.read_bytes()
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, f"{path}: cannot be read: {error.strerror}"
    code = data[len(MAGIC) + DIGEST :]
    if data[: len(MAGIC) + DIGEST] != MAGIC + hashlib.sha256(code).digest():
        return None, f"{path}: damaged, compiled again"
    return code, ""


def _write(path: Path, code: bytes) -> str:
    """Put the object code into the cache, whole or not at all; return what went wrong."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(MAGIC + hashlib.sha256(code).digest() + code)
        Path(file.name).replace(path)
    except OSError as error:
        return f"{path.parent}: cannot be written: {error.strerror}"
    return ""
