"""The journal: complete, in order, tamper-evident, and never in the way of the scan."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import apsw
import numpy as np
import pytest

from controller.core.clock import MonoNs, UtcNs
from controller.core.errors import PlantError
from controller.core.event import Event, EventKind
from controller.link import journal as journal_module
from controller.link import wire
from controller.link.journal import Journal, require_sound_sqlite, verify

PATIENCE_S = 10.0


def event(seq: int) -> Event:
    return Event(
        seq,
        EventKind.TRIP_LATCHED,
        "L1-UZ-03",
        UtcNs(1_800_000_000_000_000_000 + seq),
        MonoNs(seq),
        scan=seq,
        severity=900,
        value=-251.5,
        limit=-250.0,
        user="оператор",
        data={"first_out": 1, "channel": "L1-LT-1401A", "is_test": False, "after_s": 5.0},
    )


def events(first: int, last: int) -> list[Event]:
    return [event(seq) for seq in range(first, last + 1)]


@contextmanager
def opened(path: Path) -> Generator[Journal]:
    journal = Journal(path)
    try:
        yield journal
    finally:
        journal.close()


def wait_for(journal: Journal, seq: int) -> None:
    """Wait until the events up to ``seq`` are on disk."""
    done = threading.Event()

    def check() -> None:
        if journal.durable_seq >= seq:
            done.set()

    journal.on_durable = check
    check()
    assert done.wait(PATIENCE_S)


def append_and_wait(journal: Journal, new: list[Event]) -> None:
    journal.append(new)
    wait_for(journal, new[-1].seq)


def numbers(bodies: list[bytes]) -> list[int]:
    return [wire.decode_event(body).seq for body in bodies]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def test_an_event_comes_back_as_it_was(path: Path) -> None:
    with opened(path) as journal:
        append_and_wait(journal, [event(1)])
    with opened(path) as journal:
        assert [wire.decode_event(body) for body in journal.since(0, 10)] == [event(1)]


def test_numbers_of_numpy_are_kept_as_plain_ones(path: Path) -> None:
    odd = Event(1, EventKind.STARTED, "x", UtcNs(0), MonoNs(0), 0, value=np.float64(2.5), data={"n": np.int64(3)})  # type: ignore[dict-item]
    with opened(path) as journal:
        append_and_wait(journal, [odd])
        assert journal.since(0, 1)[0].count(b'"value":2.5') == 1


def test_events_are_seen_at_once_and_only_those_asked_for(path: Path) -> None:
    with opened(path) as journal:
        journal.append(events(1, 50))
        assert numbers(journal.since(0, 1000)) == list(range(1, 51))
        assert numbers(journal.since(30, 5)) == [31, 32, 33, 34, 35]
        assert numbers(journal.since(50, 5)) == []


def test_a_restart_continues_the_record_without_a_gap(path: Path) -> None:
    with opened(path) as journal:
        append_and_wait(journal, events(1, 20))
    with opened(path) as journal:
        assert journal.newest_seq == journal.durable_seq == 20
        append_and_wait(journal, events(21, 30))
        assert numbers(journal.since(5, 1000)) == list(range(6, 31))
        assert numbers(journal.since(5, 20)) == list(range(6, 26))
        assert numbers(journal.since(25, 20)) == list(range(26, 31))
    assert verify(path) == []


@pytest.mark.parametrize("seq", [1, 7, 20])
def test_one_flipped_byte_is_found(path: Path, seq: int) -> None:
    with opened(path) as journal:
        append_and_wait(journal, events(1, 20))
    forger = apsw.Connection(str(path))
    forger.execute("UPDATE record SET body = replace(body, '-251.5', '-241.5') WHERE seq = ?", (seq,))
    forger.close()
    assert verify(path) == [f"{path}: event {seq} was changed, or the one before it was"]


def test_a_deleted_record_is_found_also_when_it_is_declared_lost(path: Path) -> None:
    with opened(path) as journal:
        append_and_wait(journal, events(1, 9))
    forger = apsw.Connection(str(path))
    forger.execute("DELETE FROM record WHERE seq = 4")
    assert verify(path) == [
        f"{path}: event 4 is missing",
        f"{path}: event 5 was changed, or the one before it was",
    ]
    forger.execute("INSERT INTO loss VALUES (4, 4, 0)")
    forger.close()
    assert verify(path) == [f"{path}: event 5 was changed, or the one before it was"]


def test_a_renumbered_record_is_found(path: Path) -> None:
    with opened(path) as journal:
        append_and_wait(journal, events(1, 3))
    forger = apsw.Connection(str(path))
    forger.execute("UPDATE record SET seq = 5 WHERE seq = 3")
    forger.close()
    assert f"{path}: event 5 was changed, or the one before it was" in verify(path)


def test_numbers_that_never_arrived_are_declared_lost(path: Path) -> None:
    with opened(path) as journal:
        append_and_wait(journal, events(1, 3))
        append_and_wait(journal, events(8, 9))
    assert verify(path) == []
    reader = apsw.Connection(str(path))
    assert reader.execute("SELECT first, last FROM loss").fetchall() == [(4, 7)]
    reader.close()


def test_a_used_number_is_refused_and_harms_nothing(path: Path) -> None:
    with opened(path) as journal:
        append_and_wait(journal, events(1, 5))
        journal.append(events(4, 6))
        append_and_wait(journal, [event(7)])
        assert journal.lost == 2
    assert verify(path) == []


def test_storage_trouble_is_told_and_nothing_is_lost_when_it_ends(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "RETRY_S", 0.02)
    monkeypatch.setattr(journal_module, "BUSY_MS", 1)
    with opened(path) as journal:
        append_and_wait(journal, events(1, 2))
        other = apsw.Connection(str(path))
        other.execute("BEGIN IMMEDIATE")  # somebody locks the file
        journal.append(events(3, 400))
        end = time.monotonic() + PATIENCE_S
        while not journal.trouble:
            assert time.monotonic() < end
        assert journal.durable_seq == 2
        assert numbers(journal.since(2, 3)) == [3, 4, 5]
        other.execute("ROLLBACK")
        other.close()
        append_and_wait(journal, events(401, 402))
        assert journal.trouble == ""
    assert verify(path) == []


def test_what_no_longer_fits_is_counted_and_the_gap_recorded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "RETRY_S", 0.02)
    monkeypatch.setattr(journal_module, "BUSY_MS", 1)
    monkeypatch.setattr(journal_module, "MAX_WAITING", 10)
    with opened(path) as journal:
        other = apsw.Connection(str(path))
        other.execute("BEGIN IMMEDIATE")
        journal.append(events(1, 15))
        assert journal.lost == 5
        other.execute("ROLLBACK")
        other.close()
        wait_for(journal, 10)
        append_and_wait(journal, [event(16)])
    assert verify(path) == []
    reader = apsw.Connection(str(path))
    assert reader.execute("SELECT first, last FROM loss").fetchall() == [(11, 15)]
    reader.close()


def test_closing_writes_what_waits(path: Path) -> None:
    with opened(path) as journal:
        journal.append(events(1, 3000))
    with opened(path) as journal:
        assert journal.durable_seq == 3000


@pytest.mark.parametrize(("version", "is_sound"), [("3.40.1", False), ("3.51.2", False), ("3.51.3", True)])
def test_a_sqlite_that_loses_records_is_refused(version: str, is_sound: bool) -> None:
    if is_sound:
        require_sound_sqlite(version)
    else:
        with pytest.raises(PlantError, match=r"3\.51\.3"):
            require_sound_sqlite(version)


def test_a_file_that_is_no_journal_is_named_and_left_alone(path: Path) -> None:
    path.write_text("this is not a database, but somebody's notes " * 100)
    with pytest.raises(PlantError, match=r"journal\.sqlite.*move the damaged file away"):
        Journal(path)
    assert path.read_text().startswith("this is not")
