"""Tracing: what is state and what is constant, which branches may be, and what is said of what cannot be compiled."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from controller.core.state import State
from plc_sim import cache
from plc_sim.compiled.emit import emit
from plc_sim.compiled.graph import CompileError
from plc_sim.compiled.kernel import compile_step
from plc_sim.compiled.trace import trace
from tests.unit.plc_sim.compiled_rig import Twins, columns, compiled, rows


class Piece:
    """A level and what a test wants to do with it."""

    def __init__(self, state: State, act: Callable[["Piece"], None]) -> None:
        self.level = rows(state, "level", np.array([[1.0], [2.0]]))
        self.first = self.level[0]
        self.count = rows(state, "count", np.array([[0]]), is_shared=True)
        self.clock = rows(state, "clock", np.array([[0.0]]), is_shared=True)
        self.slow = rows(state, "slow", np.array([[0.0]]))
        self.ring = rows(state, "ring", np.arange(8.0).reshape(8, 1))
        self.slot = rows(state, "slot", np.array([[0]]))
        self.gain = np.array([[0.5], [0.25]])
        self.kept: Any = self.level * 2.0
        self.steps = 0
        self.act = act

    def step(self) -> None:
        self.act(self)


def twins(act: Callable[[Piece], None], cache: Path, batch: int = 10) -> Twins:
    kernel = compiled(lambda state: Piece(state, act), Piece.step, cache)
    both = Twins.of(kernel, lambda state: Piece(state, act), Piece.step, batch)
    for piece in (both.numpys, both.compileds):
        piece.level += np.linspace(0.0, 1.0, batch)
    return both


def refused(act: Callable[[Piece], object]) -> str:
    state = State(1)

    def do(piece: Piece) -> None:
        act(piece)

    with pytest.raises(CompileError) as error:
        trace(Piece(state, do), state, Piece.step)
    message = str(error.value)
    assert re.match(r".*test_compiled_trace\.py:\d+: ", message), message
    return message


def test_an_operation_that_cannot_be_compiled_is_named_with_its_line() -> None:
    assert "np.arctan2 cannot be compiled" in refused(lambda p: np.arctan2(p.level, 1.0))
    assert "np.median cannot be compiled" in refused(lambda p: np.median(p.level))
    assert "np.add.reduce cannot be compiled; the order of adding" in refused(lambda p: p.level.sum(axis=0))


def test_a_branch_on_what_differs_between_plants_is_refused() -> None:
    assert "a branch on what differs between plants" in refused(lambda p: 1.0 if p.level[0, 0] > 0.5 else 2.0)


@pytest.mark.parametrize("convert", [float, int])
def test_a_number_taken_out_of_the_state_is_refused(convert: Callable[[Any], Any]) -> None:
    assert "takes a number out" in refused(lambda p: convert(p.level[0, 0]))


def test_what_a_step_keeps_outside_the_registry_is_found() -> None:
    def keeps(p: Piece) -> None:
        p.level[...] = p.kept
        p.kept = p.level * 0.5

    message = refused(keeps)
    assert "a value of an earlier step, made at" in message
    assert message.count("test_compiled_trace.py:") == 2


def test_what_a_step_counts_outside_the_registry_is_found() -> None:
    def counts(p: Piece) -> None:
        p.steps += 1
        p.level += p.steps * 0.1

    assert "something is counted or kept outside the state registry" in refused(counts)


def test_other_mistakes_are_named() -> None:
    def reads_nothing(p: Piece) -> None:
        new = np.empty((2, 1))
        p.level[...] = new

    def writes_a_constant(p: Piece) -> None:
        np.multiply(p.level, 2.0, out=p.gain)

    def fills_a_constant(p: Piece) -> None:
        p.gain[...] = p.level * 2.0

    def stores_in_a_branch(p: Piece) -> None:
        if p.count[0, 0] == 0:
            np.put(p.ring.reshape(-1), p.slot.reshape(-1), p.level[0])

    def index_of_a_calculation(p: Piece) -> None:
        p.level[0] = (p.ring * 2.0).reshape(-1).take(p.slot.reshape(-1))

    assert "before anything is written" in refused(reads_nothing)
    assert "into a constant array" in refused(writes_a_constant)
    assert "into a constant array" in refused(fills_a_constant)
    assert "np.array of values of the state" in refused(lambda p: p.level + np.array([p.first[0], p.first[0]]))
    assert "an index that differs between plants" in refused(lambda p: p.ring[p.slot[0]])
    assert "no registry array as it stands" in refused(index_of_a_calculation)
    assert "truth values cannot be subtracted" in refused(lambda p: (p.level > 0.0) - (p.level > 1.0))
    state = State(1)
    with pytest.raises(CompileError, match="a store through an index inside a branch"):
        emit(trace(Piece(state, stores_in_a_branch), state, Piece.step))
    with pytest.raises(CompileError, match="on one plant: expected a state of batch 1, found 3"):
        trace(Piece(wide := State(3), keeps_nothing), wide, Piece.step)


def keeps_nothing(p: Piece) -> None:
    p.level *= 1.5


def test_numpy_is_itself_again_after_a_trace_that_failed() -> None:
    refused(lambda p: np.median(p.level))
    assert type(np.empty(3)) is type(np.zeros(3)) is type(np.ones(3)) is type(np.full(3, 1.0)) is np.ndarray


def test_views_of_the_registry_are_state_and_other_arrays_are_constants(tmp_path: Path) -> None:
    def act(p: Piece) -> None:
        p.first[...] = p.level[1] * p.gain[1]
        p.level += p.gain * p.first

    both = twins(act, tmp_path)
    for _ in range(20):
        both.both()
    assert both.difference() == 0.0
    assert (both.compileds.level[0] != 1.0).all()


def test_rows_that_change_places_are_read_before_they_are_written(tmp_path: Path) -> None:
    def act(p: Piece) -> None:
        p.level[...] = p.level[::-1].copy()

    both = twins(act, tmp_path)
    before = both.compileds.level.copy()
    both.both()
    assert np.array_equal(both.compileds.level, before[::-1])


def test_a_branch_on_shared_state_goes_both_ways(tmp_path: Path) -> None:
    def act(p: Piece) -> None:
        p.level += 0.1 * p.slow
        p.count += 1
        if p.count[0, 0] == 5:
            p.count[...] = 0
            p.slow[...] = np.exp(-p.level[:1])
        clock = p.clock[0, 0] + 0.1
        if clock > 0.65:
            p.slow += clock
            clock = 0.0
        p.clock[...] = clock

    kernel = compiled(lambda state: Piece(state, act), Piece.step, tmp_path)
    assert kernel.figures.paths == 4
    both = twins(act, tmp_path)
    for _ in range(40):
        both.both()
        assert both.difference() < 1e-15


def test_a_question_that_saves_work_is_answered_with_work(tmp_path: Path) -> None:
    def act(p: Piece) -> None:
        is_high = p.level > 1.6
        if is_high.any():
            np.copyto(p.level, 0.0, where=is_high)
        if not (p.level > 0.5).all():
            p.level += 0.1

    both = twins(act, tmp_path)
    both.both()
    assert (both.compileds.level[0, :6] > 1.0).all()
    assert (both.compileds.level[1] == 0.1).all()


def test_rings_are_read_and_written_at_each_plants_own_place(tmp_path: Path) -> None:
    def act(p: Piece) -> None:
        flat, slot = p.ring.reshape(-1), p.slot
        width = p.ring.shape[1]
        here = slot * width + np.arange(width)
        leaving = flat.take(here + width, mode="wrap")
        np.put(flat, here, np.where(p.level[1:] > 2.5, p.level[:1], flat.take(here)))
        np.copyto(slot, (slot + 1) % 8, where=p.level[1:] > 2.2)
        p.level[0] = p.level[0] * 0.9 + 0.1 * leaving[0]

    # The place of a plant in a flat ring depends on the batch: numpy's step of one plant is the measure.
    kernel = compiled(lambda state: Piece(state, act), Piece.step, tmp_path)
    wide = State(10)
    piece = Piece(wide, act)
    piece.level += np.linspace(0.0, 1.0, 10)
    run = kernel.bind(wide)
    singles = [Twins.of(kernel, lambda state: Piece(state, act), Piece.step, 1) for _ in range(10)]
    for number, single in enumerate(singles):
        single.numpys.level += np.linspace(0.0, 1.0, 10)[number]
    for _ in range(30):
        run()
        for single in singles:
            single.both()
    for number, single in enumerate(singles):
        for name, slot in single.states[0].slots.items():
            assert np.array_equal(wide[name][:, 0 if name in ("count", "clock") else number], slot.array[:, 0]), name


def test_two_traces_give_the_same_text() -> None:
    def text() -> str:
        state = State(1)
        return emit(trace(Piece(state, keeps_nothing), state, Piece.step)).text

    assert text() == text()


def test_a_state_of_another_shape_is_not_taken(tmp_path: Path) -> None:
    kernel = compiled(lambda state: Piece(state, keeps_nothing), Piece.step, tmp_path)
    other = State(4)
    rows(other, "level", np.zeros((3, 1)))
    with pytest.raises(CompileError, match=r"compiled for Slot\(name='level', rows=2.*build both from one"):
        kernel.bind(other)


def test_object_code_is_taken_from_the_cache_and_damage_costs_only_time(tmp_path: Path) -> None:
    folder = tmp_path / "kernels"

    def start() -> tuple[float, str, bytes]:
        state = State(1)
        kernel = compile_step(Piece(state, keeps_nothing), state, Piece.step, cache=folder)
        kernel.bind(state)()
        return kernel.figures.compile_s, kernel.figures.cache_problem, columns(state)["level"]

    expected = np.array([1.5, 3.0]).tobytes()
    seconds, problem, level = start()
    assert seconds > 0.0
    assert (problem, level) == ("", expected)
    assert start() == (0.0, "", expected)
    (file,) = folder.iterdir()
    file.write_bytes(file.read_bytes()[:-7])
    seconds, problem, level = start()
    assert seconds > 0.0
    assert "damaged" in problem
    assert level == expected
    assert start() == (0.0, "", expected)
    file.chmod(0o666)
    seconds, problem, level = start()
    assert seconds > 0.0
    assert "others can write it" in problem
    assert level == expected


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    state = State(1)
    kernel = compile_step(Piece(state, keeps_nothing), state, Piece.step, cache=blocked / "kernels")
    assert "cannot be" in kernel.figures.cache_problem
    kernel.bind(state)()
    assert state["level"][0, 0] == 1.5


def test_the_default_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.default_folder() == tmp_path / "wte" / "kernels"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.default_folder() == Path.home() / ".cache" / "wte" / "kernels"
