"""A simulated plant in a file: it goes on bit by bit, and a wrong file says what it is of."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from controller.core.config import Config
from controller.core.errors import StateError
from plc_sim import snapshots
from plc_sim.simulator import Simulator


def run(sim: Simulator, steps: int) -> bytes:
    still = np.full((len(sim.points.outputs), 1), np.nan)
    for _ in range(steps):
        sim.write_raw(still, heartbeat=sim.steps + 1 & 0xFFFF)
        sim.step()
    return sim.snapshot()


def empty(_: bytes) -> bytes:
    return b""


def of_the_controller(data: bytes) -> bytes:
    return b"WTESTATE" + data[8:]


def cut_short(data: bytes) -> bytes:
    return data[:-1]


def one_bit_wrong(data: bytes) -> bytes:
    return data[:500] + bytes([data[500] ^ 1]) + data[501:]


def with_another_body(data: bytes) -> bytes:
    return data[:8] + hashlib.sha256(b"\x80").digest() + b"\x80"


def spoilt(file: Path, change: Callable[[bytes], bytes]) -> Path:
    file.write_bytes(change(file.read_bytes()))
    return file


def test_a_plant_with_faults_goes_on_from_its_file_bit_by_bit(config: Config, tmp_path: Path) -> None:
    sim, file = Simulator(config, seed=5), tmp_path / "new" / "folder" / "one.snapshot"
    sim.fault("transmitter_drift", tag="L1-LT-1401A", per_h=100.0)
    sim.fault("waste", percent=20.0)
    sim.fault("valve_stuck", output="L1-FV-1601.OP", position=40.0)
    run(sim, 20)
    snapshots.save(file, sim, config)
    standing = sim.faults.record.standing()
    expected = run(sim, 50)
    other = Simulator(config, seed=77, initial="cold")
    other.fault("device_silent", device="L1")
    snapshots.restore(file, other, config)
    assert other.faults.record.standing() == standing
    assert len(standing) == 4
    assert run(other, 50) == expected
    for name in ("transmitter_drift", "waste", "valve_stuck"):
        other.clear(name)
    assert other.faults.record.standing() == []


def test_the_same_state_gives_the_same_file(config: Config, tmp_path: Path) -> None:
    files = [tmp_path / "a", tmp_path / "b"]
    for file in files:
        sim = Simulator(config, seed=3)
        run(sim, 5)
        snapshots.save(file, sim, config)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_file_of_another_plant_says_what_it_is_of_and_changes_nothing(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    one, two = make_config("L1"), make_config("L1", "L2")
    sim, file = Simulator(one, initial="cold"), tmp_path / "x.snapshot"
    run(sim, 123)
    snapshots.save(file, sim, one)
    other = Simulator(two, initial="cold")
    before = other.snapshot()
    with pytest.raises(StateError) as caught:
        snapshots.restore(file, other, two)
    text = str(caught.value)
    assert f"x.snapshot: this is plant small (configuration {snapshots.fingerprint(one)}) at 12.3 s" in text
    assert f"running is small (configuration {snapshots.fingerprint(two)})" in text
    assert other.snapshot() == before


def test_what_the_simulator_does_not_know_does_not_spoil_a_file(make_config: Callable[..., Config]) -> None:
    config = make_config("L1")
    tag = config.tags["L1-LT-1401A"]
    config.tags["L1-LT-1401A"] = type(tag)(
        tag.key, tag.instance, tag.spec.model_copy(update={"why": "x"}), tag.file, tag.line, tag.hash
    )
    assert snapshots.fingerprint(config) == snapshots.fingerprint(make_config("L1"))


def test_another_parameter_of_the_process_is_another_plant(make_config: Callable[..., Config]) -> None:
    config = make_config("L1")
    before = snapshots.fingerprint(config)
    config.process["L1"] = {**config.process["L1"], "steam": {**config.process["L1"]["steam"], "line_dp_pa": 1.0}}
    assert snapshots.fingerprint(config) != before


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (empty, "no snapshot of a simulated plant"),
        (of_the_controller, "no snapshot of a simulated plant"),
        (cut_short, "damaged"),
        (one_bit_wrong, "damaged"),
        (with_another_body, "written by another program"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason_and_changes_nothing(
    config: Config, tmp_path: Path, change: Callable[[bytes], bytes], text: str
) -> None:
    sim, file = Simulator(config), tmp_path / "x.snapshot"
    snapshots.save(file, sim, config)
    before = sim.snapshot()
    with pytest.raises(StateError, match=text):
        snapshots.restore(spoilt(file, change), sim, config)
    assert sim.snapshot() == before


def test_a_missing_file_and_a_folder_that_cannot_be_written_are_named(config: Config, tmp_path: Path) -> None:
    sim = Simulator(config)
    with pytest.raises(StateError, match=r"nowhere\.snapshot: cannot be read: No such file"):
        snapshots.restore(tmp_path / "nowhere.snapshot", sim, config)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StateError, match="cannot be written"):
        snapshots.save(tmp_path / "file" / "x.snapshot", sim, config)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim, file = Simulator(config), tmp_path / "x.snapshot"
    snapshots.save(file, sim, config)
    before = file.read_bytes()
    run(sim, 3)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StateError, match=r"x\.snapshot: cannot be written: No space left on device"):
        snapshots.save(file, sim, config)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]
