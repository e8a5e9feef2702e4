"""Files kept between starts: they save time and nothing else, whatever has happened to them."""

import logging
import os
from pathlib import Path

import numpy as np
import pytest

from controller.core.config import Config
from controller.core.state import State
from plc_sim import cache, initial
from plc_sim.compiled.kernel import compile_step, known_step
from plc_sim.simulator import Simulator


class Doubled:
    """A number that doubles."""

    def __init__(self, state: State) -> None:
        self.x = state.add("x", ("x",), fill=1.0)
        self.gain = np.array([[2.0]])

    def step(self) -> None:
        self.x[...] = self.x * self.gain


def make(folder: Path, known_as: str) -> None:
    state = State(1)
    compile_step(Doubled(state), state, Doubled.step, cache=folder, known_as=known_as)


def doubled(folder: Path, known_as: str) -> float | None:
    """Return what a known step makes of 1, None when no start knows it."""
    kernel = known_step(known_as, cache=folder)
    if kernel is None:
        return None
    state = State(3)
    piece = Doubled(state)
    kernel.bind(state)()
    return float(piece.x[0, 2])


def test_a_step_is_known_by_what_it_follows_from(tmp_path: Path) -> None:
    folder = tmp_path / "kernels"
    assert doubled(folder, "plant") is None
    make(folder, "plant")
    assert doubled(folder, "plant") == 2.0
    assert doubled(folder, "another plant") is None


@pytest.mark.parametrize("kind", [".o", ".step"])
def test_a_damaged_or_missing_file_is_said_and_made_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    folder = tmp_path / "kernels"
    make(folder, "plant")
    (file,) = folder.glob(f"*{kind}")
    file.write_bytes(file.read_bytes()[:-3])
    with caplog.at_level(logging.WARNING):
        assert doubled(folder, "plant") is None
    assert f"{file}: damaged, made again" in caplog.text
    make(folder, "plant")
    assert doubled(folder, "plant") == 2.0
    file.unlink()
    assert doubled(folder, "plant") is None


def test_the_last_used_files_of_a_kind_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "KEPT", 3)
    folder = tmp_path / "kernels"
    for number in range(5):
        path = folder / f"{number}.o"
        assert cache.write(path, b"code") == ""
        os.utime(path, (number, number))
    assert cache.write(folder / "x.step", b"step") == ""
    assert {file.name for file in folder.iterdir()} == {"2.o", "3.o", "4.o", "x.step"}
    assert cache.read(folder / "2.o") == (b"code", "")
    assert cache.write(folder / "5.o", b"code") == ""
    assert {file.name for file in folder.glob("*.o")} == {"2.o", "4.o", "5.o"}


def test_an_initial_condition_is_found_once(
    whole: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = Simulator(whole, initial="hot standby").snapshot()
    monkeypatch.setattr(cache, "default_folder", lambda: tmp_path / "kernels")
    found: list[str] = []
    search = initial._found

    def counted(process: str, barometric_pa: float, name: str) -> initial.Plant:
        found.append(name)
        return search(process, barometric_pa, name)

    monkeypatch.setattr(initial, "_found", counted)
    for _ in range(2):
        initial._standing.cache_clear()
        assert Simulator(whole, initial="hot standby").snapshot() == first
    assert found == ["hot standby"]
    (file,) = (tmp_path / "kernels").glob("*.initial")
    file.write_bytes(b"nothing")
    initial._standing.cache_clear()
    with caplog.at_level(logging.WARNING):
        assert Simulator(whole, initial="hot standby").snapshot() == first
    assert "damaged, made again" in caplog.text
    assert found == ["hot standby"] * 2
