"""Stages of a step, run one behind the other for a few columns at a time, by as many threads as there are processors.

What a stage leaves is still near the processor when the next one needs it, and columns never meet: who calculates
which, and in what order, changes no bit.
"""

import ctypes
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import numpy.typing as npt

from plc_sim.compiled.emit import ENTRY_ARGUMENTS
from plc_sim.compiled.ir import LINE, WIDTH

Array = npt.NDArray[Any]
Run = Callable[[int, int, int, int, int, int], None]

GROUP = 16  # blocks that go through all stages together
RUN = f"""
define void @wte_run(ptr %stages, i64 %count, ptr %scratch, i64 %batch, i64 %first, i64 %last) {{
entry:
  br label %test
test:
  %stage = phi i64 [ 0, %entry ], [ %next, %body ]
  %has.more = icmp slt i64 %stage, %count
  br i1 %has.more, label %body, label %done
body:
  %place = mul i64 %stage, 3
  %function.at = getelementptr i64, ptr %stages, i64 %place
  %pointers.at = getelementptr i64, ptr %function.at, i64 1
  %rows.at = getelementptr i64, ptr %function.at, i64 2
  %function = load ptr, ptr %function.at
  %pointers = load ptr, ptr %pointers.at
  %rows = load i64, ptr %rows.at
  call void ({", ".join(part.split()[0] for part in ENTRY_ARGUMENTS.split(", "))}) %function({ENTRY_ARGUMENTS})
  %next = add i64 %stage, 1
  br label %test
done:
  ret void
}}
"""


class Stage:
    """A kernel on the arrays of one registry: a table of pointers (rows, arrays) for each row that it goes over."""

    def __init__(
        self, function: int, pointers: npt.NDArray[np.uint64], names: Sequence[str], scratch_lines: int,
        keeps: object, copies: Sequence[tuple[Array, Array]] = (),
    ) -> None:  # fmt: skip
        """Take the address of the kernel and the names of the first columns of the table.

        ``keeps`` is all that must live as long, ``copies`` are (copy, original): taken when a step begins.
        """
        self.function = function
        self.pointers = pointers
        self.scratch_lines = scratch_lines
        self.copies = tuple(copies)
        self._column = {name: number for number, name in enumerate(names)}
        self._keeps = keeps

    def place(self, name: str, addresses: npt.NDArray[np.uint64]) -> None:
        """Let the rows of an array stand elsewhere, (rows,)."""
        self.pointers[:, self._column[name]] = addresses


class CompiledStep:
    """Stages of all plants of one registry, in place."""

    def __init__(self, stages: Sequence[Stage], batch: int) -> None:
        self.stages = tuple(stages)
        self._batch = batch
        self._blocks = -(-batch // WIDTH)
        self._copies = [pair for stage in stages for pair in stage.copies]
        self._table = np.array([[s.function, s.pointers.ctypes.data, len(s.pointers)] for s in stages], dtype=np.uint64)
        self._lines = max(s.scratch_lines for s in stages) * min(GROUP, self._blocks)
        self._count = min(_processors(), -(-self._blocks // GROUP))
        self._scratch = [_scratch(self._lines) for _ in range(self._count)]
        self._first = (self._table.ctypes.data, len(stages), self._scratch[0].ctypes.data, batch, 0, self._blocks)
        self._call = _run()

    def __call__(self) -> None:
        """Advance by the ``dt`` that was traced."""
        for copy, original in self._copies:
            copy[...] = original
        if self._blocks <= GROUP:
            self._call(*self._first)
            return
        groups = list(range(0, self._blocks, GROUP))
        others = [_helpers().submit(self._work, groups, own) for own in self._scratch[1:]]
        try:
            self._work(groups, self._scratch[0])
        finally:
            for other in others:
                other.result()

    def _work(self, groups: list[int], scratch: Array) -> None:
        """Run groups of blocks until none is left; ``groups`` is shared with the other threads."""
        table, count, place = self._table.ctypes.data, len(self.stages), scratch.ctypes.data
        while True:
            try:
                first = groups.pop()
            except IndexError:
                return
            self._call(table, count, place, self._batch, first, min(first + GROUP, self._blocks))


def _scratch(lines: int) -> Array:
    """Return room for ``lines`` vectors, beginning at a line of memory."""
    room = np.empty((lines + 1) * LINE, dtype=np.uint8)
    start = -room.ctypes.data % LINE
    return room[start : start + max(lines, 1) * LINE]


def _processors() -> int:
    return len(os.sched_getaffinity(0))


@cache
def _helpers() -> ThreadPoolExecutor:
    """Return the threads that run groups beside the caller's; kernels let go of Python's lock while they run."""
    return ThreadPoolExecutor(max_workers=max(1, _processors() - 1), thread_name_prefix="wte-columns")


os.register_at_fork(after_in_child=_helpers.cache_clear)  # threads do not go along into a forked process


@cache
def _run() -> Run:
    """Return the function that calls stages for blocks first to last."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(opt=1, jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(RUN), machine)
    engine.finalize_object()
    _ENGINES.append(engine)
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    return ctypes.CFUNCTYPE(None, pointer, number, pointer, number, number, number)(
        engine.get_function_address("wte_run")
    )


_ENGINES: list[Any] = []  # whose code is in use
