"""Formulas on rows: compiled for one row and run over all, they are numpy's, whoever calculates which columns."""

import os
import signal
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from controller.core.state import State
from plc_sim.compiled import stages
from plc_sim.compiled.rows import Field, Part, Rows
from plc_sim.compiled.stages import CompiledStep
from plc_sim.instruments import Instruments, spike_reach
from tests.unit.plc_sim.equipment_rig import read

Floats = npt.NDArray[np.float64]

BATCH = 200
SIGNALS = {"L1/level": 0, "L1/flow": 1, "L1/open": 2}
POINTS = (
    read("L1-LT-1", "level", "m", 10.0, tau_s=1.0, noise=0.1),
    read("L1-FT-1", "flow", "m", 10.0, dead_time_s=0.4, noise=0.2),
    read("L1-FT-2", "flow", "m", 10.0, tau_s=0.5, dead_time_s=0.7),
    read("L1-XC-1", "open"),
    read("L1-LT-2", "level", "m", 10.0),
)


@dataclass(slots=True)
class Limits:
    """What a level may be."""

    low: Floats
    high: Floats


@dataclass(slots=True)
class Level:
    """A level that follows a flow, and how often it was limited."""

    limits: Limits
    flow: Floats
    level: Floats
    hits: npt.NDArray[np.uint32]

    def step(self) -> None:
        free = self.level + self.flow * 0.1
        self.level[...] = np.minimum(np.maximum(free, self.limits.low), self.limits.high)
        np.copyto(self.hits, self.hits + 1, where=self.level != free)


class Levels:
    """Some levels in a registry of their own."""

    def __init__(self, batch: int) -> None:
        state = State(batch)
        self.flow = state.add("flow", ("a", "b"), fill=np.linspace(-1.0, 1.0, 2 * batch).reshape(2, batch))
        self.level = state.add("level", ("1", "2", "3"), fill=0.5)
        self.hits = state.add("hits", ("1", "2", "3"), dtype=np.uint32)
        limits = Limits(np.array([[0.1], [0.2], [0.3]]), np.array([[0.7], [0.8], [0.9]]))
        self.rows = Rows(
            Level,
            {
                "limits": Part.constant(limits),
                "flow": Field(self.flow, np.array([1, 0, 1])),
                "level": Field(self.level),
                "hits": Field(self.hits),
            },
            Level.step,
        )


@pytest.mark.parametrize("batch", [1, 7, 64, BATCH])
def test_a_compiled_formula_is_that_of_numpy_and_knows_where_each_row_stands(batch: int) -> None:
    compiled, calculated = Levels(batch), Levels(batch)
    run = CompiledStep([compiled.rows.stage()], batch)
    for _ in range(20):
        run()
        calculated.rows.run()
    assert compiled.level.tobytes() == calculated.level.tobytes()
    assert np.array_equal(compiled.hits, calculated.hits)
    assert calculated.hits.any()


def test_rows_that_are_not_chosen_stay_as_they_are() -> None:
    levels = Levels(8)
    CompiledStep([levels.rows.stage(np.array([2, 0]))], 8)()
    assert (levels.level[1] == 0.5).all()
    assert (levels.level[[0, 2]] != 0.5).all()


@pytest.mark.parametrize(("group", "threads"), [(1, 1), (3, 2), (16, 2), (100, 3)])
def test_who_calculates_which_columns_changes_no_bit(monkeypatch: pytest.MonkeyPatch, group: int, threads: int) -> None:
    expected = Levels(BATCH)
    expected.rows.run()
    monkeypatch.setattr(stages, "GROUP", group)
    monkeypatch.setattr(stages, "_processors", lambda: threads)
    levels = Levels(BATCH)
    CompiledStep([levels.rows.stage()], BATCH)()
    assert levels.level.tobytes() == expected.level.tobytes()


class Measured:
    """Instruments on signals of their own."""

    def __init__(self, batch: int, *, is_compiled: bool) -> None:
        self.state = State(batch)
        self.signals: Any = self.state.add("signals", tuple(SIGNALS))
        self.made = Instruments(POINTS, SIGNALS, self.state, barometric_pa=93_200.0, period_s=0.1)
        self.made.start(self.signals, seed=5)
        self.is_compiled = is_compiled

    def run(self, first: int, last: int) -> None:
        """Measure from one step to another."""
        step = CompiledStep(self.made.stages(self.signals), self.state.batch) if self.is_compiled else None
        for number in range(first, last):
            spread = np.linspace(0.0, 9.0, BATCH)[: self.state.batch]
            self.signals[:] = np.abs(np.sin(number / 7.0)) * spread
            self.signals[2] = number // 5 % 2
            self.made.draw(5, number)
            if step is None:
                self.made.step(self.signals)
            else:
                step()

    def disturb(self) -> None:
        """Let all that faults do happen somewhere."""
        self.state["instrument.bias"][0] = 0.5
        self.state["instrument.drift_per_s"][1] = -0.1
        self.state["instrument.noise_factor"][0] = 3.0
        self.state["instrument.spike"][2] = 2.0
        self.state["instrument.spike_reach"][2] = spike_reach(60.0, 0.1)
        self.state["instrument.frozen"][3] = True
        self.state["instrument.bad_raw"][4] = -900.0
        self.state["instrument.bad"][4, ::2] = True


@pytest.mark.parametrize("batch", [1, BATCH])
def test_instruments_read_the_same_compiled_with_faults_and_without(batch: int) -> None:
    compiled, calculated = Measured(batch, is_compiled=True), Measured(batch, is_compiled=False)
    for first, act in ((1, None), (40, Measured.disturb), (80, None)):
        for one in (compiled, calculated):
            if act is not None:
                act(one)
                assert one.made.review()
            one.run(first, first + 40)
        for name, slot in compiled.state.slots.items():
            assert slot.array.tobytes() == calculated.state[name].tobytes(), name
    assert compiled.made.raw.any()


def test_an_instrument_without_a_fault_any_more_is_read_as_before() -> None:
    one, other = Measured(BATCH, is_compiled=True), Measured(BATCH, is_compiled=True)
    one.disturb()
    assert one.made.review(range(len(POINTS)))
    assert not one.made.review([0, 1]), "nothing new"
    one.run(1, 5)
    for name, neutral in (("bias", 0.0), ("drift_per_s", 0.0), ("drift", 0.0), ("noise_factor", 1.0), ("spike", 0.0),
                          ("spike_reach", 0.0), ("frozen", False), ("bad", False)):  # fmt: skip
        one.state[f"instrument.{name}"][...] = neutral
    assert one.made.review()
    assert len(one.made.stages(one.signals)) == len(other.made.stages(other.signals))
    one.run(5, 30)
    other.run(1, 30)
    assert one.made.raw.tobytes() == other.made.raw.tobytes()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # from Python 3.12 on, for any fork beside threads
def test_a_forked_process_calculates_with_threads_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "_processors", lambda: 2)
    levels = Levels(BATCH * 4)
    run = CompiledStep([levels.rows.stage()], BATCH * 4)
    run()
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        run()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
