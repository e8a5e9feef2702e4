"""A step of a few formulas on a registry, compiled and calculated by numpy side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.compiled.kernel import CompiledStep, Kernel, compile_step

Floats = npt.NDArray[np.float64]
T = TypeVar("T")


def rows(state: State, name: str, values: Any, **how: Any) -> Any:
    """Add an array of the shape of ``values`` (..., 1), the last axis as wide as the batch; return the view."""
    values = np.asarray(values)
    count = int(np.prod(values.shape[:-1]))
    array = state.add(name, [f"{number}" for number in range(count)], dtype=values.dtype, **how)
    view = array.reshape(*values.shape[:-1], array.shape[-1])
    view[...] = values
    return view


class Formulas:
    """``out`` row by row from two inputs, each by its function."""

    def __init__(self, state: State, functions: Sequence[Callable[[Any, Any], Any]]) -> None:
        self.x = rows(state, "x", np.zeros((1, 1)))
        self.y = rows(state, "y", np.zeros((1, 1)))
        self.out = rows(state, "out", np.zeros((len(functions), 1)))
        self.functions = tuple(functions)

    def step(self) -> None:
        for row, function in enumerate(self.functions):
            self.out[row : row + 1] = function(self.x, self.y)


def compiled(make: Callable[[State], T], step: Callable[[T], object], cache: Path) -> Kernel:
    """Return the kernel of a piece that ``make`` adds to a registry."""
    state = State(1)
    return compile_step(make(state), state, step, cache=cache)


@dataclass
class Twins:
    """One piece twice: ``numpys`` is stepped by numpy, ``compileds`` by the kernel."""

    numpys: Any
    compileds: Any
    states: tuple[State, State]
    run: CompiledStep
    step: Callable[[Any], object]

    @classmethod
    def of(cls, kernel: Kernel, make: Callable[[State], Any], step: Callable[[Any], object], batch: int) -> "Twins":
        states = State(batch), State(batch)
        made = make(states[0]), make(states[1])
        return cls(*made, states, kernel.bind(states[1]), step)

    def both(self) -> None:
        with np.errstate(all="ignore"):
            self.step(self.numpys)
        self.run()

    def difference(self) -> float:
        """Return the greatest difference of all state, relative to the value or to a thousandth of its array's."""
        worst = 0.0
        for name, slot in self.states[0].slots.items():
            a, b = slot.array.astype(np.float64), self.states[1][name].astype(np.float64)
            assert np.array_equal(np.isfinite(a), np.isfinite(b)), name
            finite = np.isfinite(a)
            if finite.any():
                size = np.maximum(np.abs(a[finite]), 1e-3 * np.abs(a[finite]).max())
                apart = np.abs(a[finite] - b[finite])
                worst = max(worst, float((apart / np.where(apart > 0.0, size, 1.0)).max()))
        return worst


def columns(state: State) -> dict[str, bytes]:
    """Return each array's first column, bit by bit."""
    return {name: np.ascontiguousarray(slot.array[..., 0]).tobytes() for name, slot in state.slots.items()}
