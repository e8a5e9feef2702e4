"""One formula for many rows: by numpy on all of them at once, or compiled for one row and run over all.

A class with arrays as fields holds the formula; where the rows of each field stand is a ``Field``. Compiled, a thousand
rows are a loop over one small function instead of a thousand times its text, and a row that is found elsewhere costs
nothing: its address is looked up once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.compiled.kernel import Kernel, compile_step
from plc_sim.compiled.stages import Stage

T = TypeVar("T")
Array = npt.NDArray[Any]
Places = npt.NDArray[np.intp]

_kernels: dict[Any, Kernel] = {}  # by formula and kinds of fields


@dataclass(frozen=True, slots=True)
class Field:
    """Where the rows of a field stand: all rows of an array (rows, batch) in order, or those named.

    A constant has one column that all plants read. Of named rows it must be said whether the formula writes them.
    """

    array: Array
    rows: Places | None = None
    is_constant: bool = False
    is_written: bool = False

    @classmethod
    def constant(cls, array: Array) -> "Field":
        """Return a field of constants, (rows, 1)."""
        return cls(np.ascontiguousarray(array), is_constant=True)

    def addresses(self) -> npt.NDArray[np.uint64]:
        """Return where each row begins in memory, (rows,)."""
        rows = np.arange(len(self.array)) if self.rows is None else self.rows
        return (self.array.ctypes.data + rows * self.array.strides[0]).astype(np.uint64)


@dataclass(frozen=True, slots=True)
class Part:
    """A field that is an object with fields of its own."""

    make: Callable[..., Any]
    fields: Mapping[str, Field]

    @classmethod
    def constant(cls, constants: Any) -> "Part":
        """Return a dataclass of constants, (rows, 1) each."""
        return cls(type(constants), {f.name: Field.constant(getattr(constants, f.name)) for f in fields(constants)})


class Rows(Generic[T]):
    """A formula on rows: ``make`` takes what is ``given`` by name, ``step`` writes into it in place."""

    def __init__(self, make: Callable[..., T], given: Mapping[str, Field | Part], step: Callable[[T], object]) -> None:
        self._make = make
        self._parts = {name: part for name, part in given.items() if isinstance(part, Part)}
        self._fields = {name: field for name, field in given.items() if isinstance(field, Field)}
        for name, part in self._parts.items():
            self._fields |= {f"{name}.{own}": field for own, field in part.fields.items()}
        self._step = step

    def run(self) -> None:
        """Calculate all rows by numpy; named rows are fetched, and put back where they are written."""
        taken = {name: f.array if f.rows is None else f.array[f.rows] for name, f in self._fields.items()}
        self._step(self._made(taken))
        for name, field in self._fields.items():
            if field.rows is not None and field.is_written:
                field.array[field.rows] = taken[name]

    def stage(self, rows: Places | None = None) -> Stage:
        """Return the compiled formula on some rows (None: all)."""
        found = {name: field.addresses() for name, field in self._fields.items()}
        chosen = found if rows is None else {name: address[rows] for name, address in found.items()}
        return self._kernel().rows_stage(chosen, [field.array for field in self._fields.values()])

    def _made(self, arrays: Mapping[str, Array]) -> T:
        """Return the object that holds the formula, with these arrays."""
        own = {name: array for name, array in arrays.items() if "." not in name}
        for name, part in self._parts.items():
            own[name] = part.make(**{field: arrays[f"{name}.{field}"] for field in part.fields})
        return self._make(**own)

    def _kernel(self) -> Kernel:
        """Return the formula compiled for one row; found once in a process."""
        kinds = tuple((name, field.array.dtype.str, field.is_constant) for name, field in self._fields.items())
        key = (self._make, self._step, *(part.make for part in self._parts.values()), kinds)
        if key not in _kernels:
            state = State(batch=1)
            for name, field in self._fields.items():
                state.add(name, ("row",), dtype=field.array.dtype, is_shared=field.is_constant)
            one = self._made({name: state[name] for name in self._fields})
            _kernels[key] = compile_step(one, state, self._step)
        return _kernels[key]
