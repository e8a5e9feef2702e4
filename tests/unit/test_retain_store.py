"""The retentive store: what survives which damage, and the guard against restart storms."""

import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.core.clock import MonoNs, UtcNs
from controller.core.errors import PlantError
from controller.retain import End, Loaded, RetainStore


@dataclass
class Wall:
    """A clock the test moves."""

    seconds: float = 1000.0

    def mono(self) -> MonoNs:
        return MonoNs(round(self.seconds * 1e9))

    def utc(self) -> UtcNs:
        return UtcNs(round(1_800_000_000e9 + self.seconds * 1e9))

    async def sleep_until(self, deadline: MonoNs) -> None:
        raise AssertionError(f"the store never waits, but did for {deadline}")


@contextmanager
def opened(folder: Path, clock: Wall) -> Generator[RetainStore]:
    store = RetainStore(folder, clock, config_hash="c0ffee")
    try:
        yield store
    finally:
        store.close()


def saved(store: RetainStore, state: bytes) -> None:
    """Save and wait until it is on disk."""
    before = {path.name for path in store._folder.glob("state-*")}
    store.save(state)
    end = time.monotonic() + 5.0
    while {path.name for path in store._folder.glob("state-*") if path.suffix == ""} <= before:
        assert time.monotonic() < end, "not written within 5 s"
        time.sleep(0.001)


def run(folder: Path, clock: Wall, *states: bytes, end: End | None = None) -> None:
    """One run of a controller that saves ``states``, 1 s apart, and ends."""
    with opened(folder, clock) as store:
        store.begin()
        store.take_over()
        for state in states:
            clock.seconds += 1.0
            saved(store, state)
            store.beat()
        if end is not None:
            store.end = end


def loaded(folder: Path, clock: Wall) -> Loaded:
    with opened(folder, clock) as store:
        return store.load()


def newest(folder: Path) -> Path:
    return max(folder.glob("state-*"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "retain"


def test_a_first_start_is_cold_and_says_so(folder: Path) -> None:
    assert loaded(folder, Wall()) == Loaded(None, "no retained state")


def test_the_newest_state_comes_back_whatever_its_age(folder: Path) -> None:
    clock = Wall()
    run(folder, clock, b"one", b"two", b"three")
    clock.seconds += 7 * 86_400.0
    found = loaded(folder, clock)
    assert found.data == b"three"
    assert found.gap_s == pytest.approx(7 * 86_400.0, abs=1.0)
    assert not found.is_damaged


def test_two_generations_are_kept(folder: Path) -> None:
    run(folder, Wall(), b"one", b"two", b"three", b"four")
    assert len(list(folder.glob("state-*"))) == 2


def damage_truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def damage_empty(path: Path) -> None:
    os.truncate(path, 0)


def damage_one_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [damage_truncate, damage_empty, damage_one_bit])
@pytest.mark.parametrize(("age_s", "expected"), [(10.0, b"two"), (59.0, b"two"), (70.0, None)])
def test_a_damaged_newest_state_gives_way_to_the_older_one_of_the_last_minute(
    folder: Path, damage: object, age_s: float, expected: bytes | None
) -> None:
    clock = Wall()
    run(folder, clock, b"one", b"two", b"three")
    assert callable(damage)
    damage(newest(folder))
    clock.seconds += age_s - 1.0  # "two" is one second older than "three"
    found = loaded(folder, clock)
    assert found.data == expected
    assert found.is_damaged
    assert f"{newest(folder).name} is damaged" in found.reason


def test_with_both_states_damaged_the_start_is_cold_and_names_both(folder: Path) -> None:
    clock = Wall()
    run(folder, clock, b"one", b"two")
    names = [path.name for path in folder.glob("state-*")]
    for path in folder.glob("state-*"):
        damage_truncate(path)
    found = loaded(folder, clock)
    assert found.data is None
    assert all(f"{name} is damaged" in found.reason for name in names)


def test_a_power_failure_while_writing_leaves_the_old_state(folder: Path) -> None:
    clock = Wall()
    run(folder, clock, b"one")
    (folder / "state.new").write_bytes(b"half a sta")
    assert loaded(folder, clock).data == b"one"
    run(folder, clock, b"two")
    assert loaded(folder, clock).data == b"two"


def test_the_gap_counts_from_the_last_scan_not_from_the_last_save(folder: Path) -> None:
    clock = Wall()
    with opened(folder, clock) as store:
        store.begin()
        saved(store, b"state")
        clock.seconds += 0.9
        store.beat()
    clock.seconds += 1.3
    found = loaded(folder, clock)
    assert found.gap_s == pytest.approx(1.3)
    assert "saved 2.2 s ago" in found.reason


def test_more_than_five_failed_starts_in_a_minute_are_refused(folder: Path) -> None:
    clock = Wall()
    for _ in range(5):
        run(folder, clock, b"state")
        clock.seconds += 5.0
    with opened(folder, clock) as store, pytest.raises(PlantError, match="restart storm"):
        store.begin()
    clock.seconds += 60.0
    with opened(folder, clock) as store:
        assert store.begin() == 6


def test_orderly_restarts_are_no_storm(folder: Path) -> None:
    clock = Wall()
    for _ in range(12):
        run(folder, clock, b"state", end=End.PLANNED)
    with opened(folder, clock) as store:
        assert store.begin() == 13


@pytest.mark.parametrize("end", [End.PLANNED, End.SAFE, None])
def test_a_start_knows_how_the_run_before_it_ended(folder: Path, end: End | None) -> None:
    clock = Wall()
    run(folder, clock, b"state", end=end)
    with opened(folder, clock) as store:
        assert store.last_end is (end or End.KILLED)


def test_a_kill_leaves_the_end_unsaid(folder: Path) -> None:
    clock = Wall()
    run(folder, clock, b"state", end=End.PLANNED)
    with opened(folder, clock) as store:
        store.begin()
        store.take_over()
        text = (folder / "starts.json").read_text()
    assert '"last_end":"killed"' in text


def test_a_start_that_never_took_over_changes_nothing(folder: Path) -> None:
    clock = Wall()
    run(folder, clock, b"state", end=End.SAFE)
    for _ in range(12):  # stopped again and again while it waits for the field
        with opened(folder, clock) as store:
            store.begin()
            assert store.last_end is End.SAFE


def test_the_age_of_what_is_on_disk_is_known(folder: Path) -> None:
    clock = Wall()
    with opened(folder, clock) as store:
        clock.seconds += 3.0
        assert store.age_s == pytest.approx(3.0)
        saved(store, b"state")
        end = time.monotonic() + 5.0
        while store.age_s > 0.0:
            assert time.monotonic() < end
        clock.seconds += 0.5
        assert store.age_s == pytest.approx(0.5)


def test_a_folder_is_held_by_one_controller_at_a_time(folder: Path) -> None:
    with opened(folder, Wall()), pytest.raises(PlantError, match="another controller"):
        RetainStore(folder, Wall(), config_hash="")
    with opened(folder, Wall()):
        pass


def test_a_folder_that_cannot_be_made_is_named_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PlantError, match=r"file/retain.*--state"):
        RetainStore(tmp_path / "file" / "retain", Wall(), config_hash="")


def test_a_disk_that_fails_is_noted_and_the_next_save_succeeds(folder: Path) -> None:
    clock = Wall()
    with opened(folder, clock) as store:
        hidden = folder.with_name("gone")
        folder.rename(hidden)
        store.save(b"lost")
        end = time.monotonic() + 5.0
        while not store.trouble:
            assert time.monotonic() < end
            time.sleep(0.001)
        hidden.rename(folder)
        saved(store, b"kept")
    assert loaded(folder, clock).data == b"kept"
