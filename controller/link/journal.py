"""The journal: every event, once, in order, on disk.

The scan hands events over and goes on; a thread writes them. Each record carries a SHA-256 over its own text and the
hash of the record before it, so that a later change to any record shows (``verify``). Storage trouble never stops the
scan: events wait in memory, what no longer fits is counted, and the gap stands in the table ``loss``.

    record(seq, body, chain)    body: the event as JSON text; chain = sha256(chain of the record before + body)
    loss(first, last, utc)      numbers that were never recorded
"""

import hashlib
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec
import structlog

from controller.core.errors import PlantError
from controller.core.event import Event
from controller.link import wire

# SQLite 3.7.0 to 3.51.2 can lose committed pages of a WAL file that several connections use ("WAL-reset race").
OLDEST_SOUND_SQLITE: Final = (3, 51, 3)
MAX_WAITING: Final = 10_000  # events in memory, about 5 MB: hours of normal running, minutes of the worst alarm flood
RETRY_S: Final = 1.0
BUSY_MS: Final = 200  # how long one attempt waits for a reader that locks the file

_GENESIS = bytes(32)  # "chain" before the first record
_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS record(seq INTEGER PRIMARY KEY, body TEXT NOT NULL, chain BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS loss(first INTEGER NOT NULL, last INTEGER NOT NULL, utc INTEGER NOT NULL) STRICT;
"""

_log = structlog.stdlib.get_logger("journal")


class Journal:
    """The events in ``path``. One thread appends and reads (the scan's), one of its own writes.

    ``on_durable`` is called in the writing thread after ``durable_seq`` has grown. PlantError when the file cannot be
    opened or SQLite is one that loses records.
    """

    def __init__(self, path: Path) -> None:
        require_sound_sqlite(apsw.sqlite_lib_version())
        try:
            self._writer = _open(path)
            self._reader = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
            self._last, self._chain = _newest(self._writer)
        except (apsw.Error, OSError) as error:
            raise PlantError(
                f"{path}: cannot be used as the journal of events ({error}); check that the folder is writable and has "
                "room, or move the damaged file away"
            ) from error
        self.newest_seq = self._last  # appended, on disk or not yet
        self.durable_seq = self._last  # on disk: survives a power failure
        self.lost = 0  # events dropped since the start because storage was in trouble for too long
        self.trouble = ""  # why the last attempt to write failed; empty when all is well
        self.on_durable: Callable[[], object] = lambda: None
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=2 * MAX_WAITING)
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._wakeup = threading.Condition()
        self._is_closing = False
        self._thread = threading.Thread(target=self._write_until_closed, name="journal", daemon=True)
        self._thread.start()

    def append(self, events: Iterable[Event]) -> None:
        """Take over ``events`` (rising ``seq``) and return at once; a number used before is refused and logged."""
        records: list[tuple[int, bytes]] = []
        for event in events:
            if event.seq <= self.newest_seq:
                self.lost += 1
                _log.error("event_number_reused", seq=event.seq, newest=self.newest_seq, kind=event.kind)
                continue
            self.newest_seq = event.seq
            records.append((event.seq, wire.encode_event(event)))
        if not records:
            return
        self._recent.extend(records)
        with self._wakeup:
            room = max(0, MAX_WAITING - len(self._waiting))
            self._waiting.extend(records[:room])
            self.lost += len(records[room:])
            self._wakeup.notify()

    def since(self, seq: int, limit: int) -> list[bytes]:
        """Return the bodies of up to ``limit`` events numbered above ``seq``, oldest first, on disk or not yet."""
        known = list(itertools.takewhile(lambda record: record[0] > seq, reversed(self._recent)))
        known.reverse()
        if not self._recent or seq + 1 < self._recent[0][0]:
            known = self._stored(seq, limit) + known
        return [body for _, body in known[:limit]]

    def close(self, timeout_s: float = 2.0) -> None:
        """Write what waits, for at most ``timeout_s``, and end the thread."""
        with self._wakeup:
            self._is_closing = True
            self._wakeup.notify()
        self._thread.join(timeout_s)
        if self._waiting:
            _log.error("events_not_recorded", count=len(self._waiting), trouble=self.trouble or "no time")
        if not self._thread.is_alive():  # a thread that hangs in the disk dies with the process
            self._writer.close()
        self._reader.close()

    def _stored(self, seq: int, limit: int) -> list[tuple[int, bytes]]:
        """Return records older than those in memory."""
        before = self._recent[0][0] if self._recent else self.newest_seq + 1
        query = "SELECT seq, body FROM record WHERE seq > ? AND seq < ? ORDER BY seq LIMIT ?"
        try:
            rows: list[tuple[Any, ...]] = self._reader.execute(query, (seq, before, limit)).fetchall()
        except apsw.Error as error:
            self._note(error)
            return []
        return [(number, body.encode()) for number, body in rows]

    def _write_until_closed(self) -> None:
        while batch := self._next_batch():
            try:
                self._store(batch)
            except (apsw.Error, OSError) as error:
                self._note(error)
                with self._wakeup:
                    if self._is_closing:
                        return
                    self._wakeup.wait_for(lambda: self._is_closing, RETRY_S)
                continue
            if self.trouble:
                _log.info("journal_recovered", seq=batch[-1][0], lost=self.lost)
                self.trouble = ""
            with self._wakeup:
                for _ in batch:
                    self._waiting.popleft()
            self.durable_seq = batch[-1][0]
            self.on_durable()

    def _next_batch(self) -> list[tuple[int, bytes]]:
        """Wait for records and return all that wait; none when closing and all is written."""
        with self._wakeup:
            self._wakeup.wait_for(lambda: self._waiting or self._is_closing)
            return list(self._waiting)

    def _store(self, batch: Sequence[tuple[int, bytes]]) -> None:
        """Write ``batch`` in one transaction."""
        last, chain = self._last, self._chain
        with self._writer as connection:
            for seq, body in batch:
                if last and seq != last + 1:
                    connection.execute("INSERT INTO loss VALUES (?, ?, ?)", (last + 1, seq - 1, time.time_ns()))
                chain = _link(chain, body)
                connection.execute("INSERT INTO record VALUES (?, ?, ?)", (seq, body.decode(), chain))
                last = seq
        self._last, self._chain = last, chain

    def _note(self, error: Exception) -> None:
        if not self.trouble:
            _log.error("journal_failed", error=str(error), waiting=len(self._waiting), retry_s=RETRY_S)
        self.trouble = str(error)


def verify(path: Path) -> list[str]:
    """Return what is wrong with a journal: each changed, missing or undeclared record; an empty list when it is whole.

    Records cut off at the end leave a whole, shorter chain: compare the newest number with the retained state.
    """
    problems: list[str] = []
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    losses: list[tuple[Any, ...]] = connection.execute("SELECT first, last FROM loss").fetchall()
    declared = {number for first, last in losses for number in range(first, last + 1)}
    records: Iterable[tuple[Any, ...]] = connection.execute("SELECT seq, body, chain FROM record ORDER BY seq")
    chain, expected = _GENESIS, 0
    for seq, text, own in records:
        body = text.encode()
        missing = [number for number in range(expected, seq) if number not in declared] if expected else []
        problems.extend(f"{path}: event {number} is missing" for number in missing)
        if own != _link(chain, body) or _number(body) != seq:
            problems.append(f"{path}: event {seq} was changed, or the one before it was")
        chain, expected = own, seq + 1
    connection.close()
    return problems


def require_sound_sqlite(version: str) -> None:
    """Raise PlantError when SQLite ``version`` ("3.54.1") may lose committed records."""
    if tuple(int(part) for part in version.split(".")) < OLDEST_SOUND_SQLITE:
        oldest = ".".join(str(part) for part in OLDEST_SOUND_SQLITE)
        raise PlantError(f"SQLite {version} can lose records of the journal; install apsw with SQLite >= {oldest}")


def _open(path: Path) -> apsw.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(BUSY_MS)
    connection.execute(_SCHEMA).fetchall()  # a pragma answers with a row: unread, the rest would not run
    path.chmod(0o600)  # names of people and what they did
    return connection


def _newest(connection: apsw.Connection) -> tuple[int, bytes]:
    row = connection.execute("SELECT seq, chain FROM record ORDER BY seq DESC LIMIT 1").fetchone()
    return (int(row[0]), bytes(row[1])) if row else (0, _GENESIS)


def _link(chain: bytes, body: bytes) -> bytes:
    return hashlib.sha256(chain + body).digest()


class _Numbered(msgspec.Struct):
    seq: int


def _number(body: bytes) -> int:
    """Return the number inside a record's text; -1 when there is none."""
    try:
        return msgspec.json.decode(body, type=_Numbered).seq
    except msgspec.MsgspecError:
        return -1
