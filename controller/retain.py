"""The retentive store: what the controller must still know after a restart, and how its earlier runs ended.

    retain/state-0000000042   the newest state; the one before it is kept as well
    retain/pulse              when the last scan was: tells a restart within the PLC's watchdog time from a later one
    retain/starts.json        how often the controller was started, and which starts have not ended in order

A state file is checked as a whole (SHA-256). It is written as a new file, synced, renamed, and the folder is synced, so
a power failure leaves the old or the new one. All of that happens in a thread: the scan only hands bytes over.
"""

import fcntl
import hashlib
import math
import os
import threading
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Final

import msgspec
import structlog

from controller.core.clock import NS_PER_S, Clock
from controller.core.errors import PlantError

FORMAT: Final = 1
GENERATIONS: Final = 2
OLDER_S: Final = 60.0  # an older generation than the newest may be used up to this age
STORM_STARTS: Final = 5  # more starts than this in STORM_S that did not end in order: stay stopped
STORM_S: Final = 60.0

_MAGIC = b"WTERETAIN"
_DIGEST = 32
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_log = structlog.stdlib.get_logger("retain")


class End(StrEnum):
    """How a run of the controller ended."""

    PLANNED = "planned"  # each output in its declared end state
    SAFE = "safe"  # it failed and drove its outputs to their safe values
    KILLED = "killed"  # nothing was said: killed, power lost, or it runs


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a start finds. ``data`` is None at a cold start; ``reason`` says in words what was found and done."""

    data: bytes | None
    reason: str
    gap_s: float | None = None  # since the last scan of the run that saved it; None without data
    is_damaged: bool = False  # something that should have been used could not be


class _Record(msgspec.Struct, array_like=True):
    format: int
    sequence: int
    utc: int
    mono: int
    boot_id: str  # monotonic times compare within one boot only
    config_hash: str
    state: bytes


class _Start(msgspec.Struct):
    utc: int
    mono: int
    boot_id: str


class _Starts(msgspec.Struct):
    total: int = 0
    last_end: End = End.KILLED
    unfinished: list[_Start] = []


class RetainStore:
    """The folder ``retain/`` of one plant, held by one process. PlantError when it cannot be used."""

    def __init__(self, folder: Path, clock: Clock, *, config_hash: str) -> None:
        self.trouble = ""  # why the last save failed; empty when all is well
        self._folder = folder
        self._clock = clock
        self._config_hash = config_hash
        self._boot_id = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _locked(folder)
            self._sequence = max((_sequence(path) for path in self._generations()), default=0)
            self._starts = self._read_starts()
            self._write_starts()
        except OSError as error:
            raise PlantError(
                f"{folder}: the retained state cannot be kept here ({error.strerror}); "
                "make the folder writable for this user or choose another state folder (--state)"
            ) from error
        self.last_end = self._starts.last_end  # how the run before this one ended
        self.end = self.last_end  # how this run ends; written by ``close``
        self._has_begun = self._is_in_charge = False
        self._saved_mono = clock.mono()
        self._offered: _Record | None = None
        self._pulse = 0
        self._is_closing = False
        self._wakeup = threading.Condition()
        self._thread = threading.Thread(target=self._save_until_closed, name="retain", daemon=True)
        self._thread.start()

    # --- at the start ------------------------------------------------------------------------------------------------

    def begin(self) -> int:
        """Note this start and return how many there were, this one included.

        PlantError when the controller has started more than ``STORM_STARTS`` times in ``STORM_S`` without an orderly
        end: something fails at once each time, and a plant is not helped by a controller that keeps grabbing it.
        """
        recent = [start for start in self._starts.unfinished if self._age_s(start) < STORM_S]
        if len(recent) >= STORM_STARTS:
            raise PlantError(
                f"restart storm: {len(recent)} starts in {STORM_S:.0f} s, each ended by a failure; the controller "
                "stays stopped and the PLC watchdogs hold the plant safe. Read the log for the cause of the first "
                f"failure, then start again after {STORM_S:.0f} s"
            )
        this = _Start(self._clock.utc(), self._clock.mono(), self._boot_id)
        self._starts = _Starts(self._starts.total + 1, self.last_end, [*recent, this])
        self._write_starts()
        self._has_begun = True
        return self._starts.total

    def take_over(self) -> None:
        """Note that this run writes to the plant from now on; until then, the end of the run before it counts."""
        self._is_in_charge = True
        self.end = self._starts.last_end = End.KILLED
        self._write_starts()

    def load(self) -> Loaded:
        """Return the newest whole state; an older one only up to ``OLDER_S``; else none, and why."""
        found: list[str] = []
        for path in sorted(self._generations(), key=_sequence, reverse=True):
            record = _decoded(path)
            if isinstance(record, str):
                found.append(f"{path.name} {record}")
                continue
            age_s = self._age_s(record)
            if found and age_s > OLDER_S:
                found.append(f"{path.name} is {age_s:.0f} s old, older than {OLDER_S:.0f} s")
                continue
            reason = "; ".join([*found, f"{path.name} used, saved {age_s:.1f} s ago"])
            return Loaded(record.state, reason, min(age_s, self._pulse_age_s()), is_damaged=bool(found))
        return Loaded(None, "; ".join(found) or "no retained state", is_damaged=bool(found))

    # --- while running -----------------------------------------------------------------------------------------------

    def beat(self) -> None:
        """Note that a scan has just ended."""
        with self._wakeup:
            self._pulse = self._clock.mono()
            self._wakeup.notify()

    def save(self, state: bytes) -> None:
        """Hand ``state`` to the saving thread and return at once; of several that wait only the newest is written."""
        self._sequence += 1
        now = (self._clock.utc(), self._clock.mono(), self._boot_id)
        record = _Record(FORMAT, self._sequence, *now, self._config_hash, state)
        with self._wakeup:
            self._offered = record
            self._wakeup.notify()

    @property
    def age_s(self) -> float:
        """How long ago this run saved a state that is now on disk; before the first, how long it has been running."""
        return (self._clock.mono() - self._saved_mono) / NS_PER_S

    def close(self, timeout_s: float = 2.0) -> None:
        """Write what waits, for at most ``timeout_s``, and note how this run ends (``end``)."""
        with self._wakeup:
            self._is_closing = True
            self._wakeup.notify()
        self._thread.join(timeout_s)
        if self._thread.is_alive() or self.trouble:
            _log.error("state_not_retained", trouble=self.trouble or f"no answer from the disk in {timeout_s:g} s")
        else:
            if self.end is End.PLANNED and self._is_in_charge:
                self._starts.unfinished = []
            elif self._has_begun and not self._is_in_charge:  # it ended while it waited for the field: no harm done
                self._starts.unfinished.pop()
            self._starts.last_end = self.end
            self._write_starts()
        self._lock.close()

    # --- the thread --------------------------------------------------------------------------------------------------

    def _save_until_closed(self) -> None:
        while True:
            with self._wakeup:
                self._wakeup.wait_for(lambda: self._offered is not None or self._pulse or self._is_closing)
                record, self._offered = self._offered, None
                pulse, self._pulse = self._pulse, 0
            if record is None and not pulse:
                return
            try:
                self._write(record, pulse)
            except OSError as error:
                if not self.trouble:
                    _log.error("retain_failed", folder=str(self._folder), error=str(error))
                self.trouble = str(error)

    def _write(self, record: _Record | None, pulse: int) -> None:
        if pulse:
            (self._folder / "pulse").write_text(
                f"{pulse} {self._boot_id}\n"
            )  # not synced: it is of use in one boot only
        if record is not None:
            _write_synced(self._folder / f"state-{record.sequence:010d}", _encoded(record))
            for path in sorted(self._generations(), key=_sequence)[:-GENERATIONS]:
                path.unlink()
            self.trouble = ""
            self._saved_mono = record.mono

    # --- files -------------------------------------------------------------------------------------------------------

    def _generations(self) -> list[Path]:
        return [path for path in self._folder.glob("state-*") if path.name.removeprefix("state-").isdecimal()]

    def _read_starts(self) -> _Starts:
        try:
            return msgspec.json.decode((self._folder / "starts.json").read_bytes(), type=_Starts)
        except FileNotFoundError:
            return _Starts()
        except msgspec.MsgspecError as error:
            _log.warning("starts_unreadable", folder=str(self._folder), error=str(error))
            return _Starts()

    def _write_starts(self) -> None:
        _write_synced(self._folder / "starts.json", msgspec.json.encode(self._starts))

    def _pulse_age_s(self) -> float:
        """Return how long ago the last scan was; infinite when that is not known."""
        try:
            mono, _, boot_id = (self._folder / "pulse").read_text().strip().partition(" ")
        except OSError:
            return math.inf
        if boot_id != self._boot_id or not mono.isdecimal():
            return math.inf
        return (self._clock.mono() - int(mono)) / NS_PER_S

    def _age_s(self, moment: _Record | _Start) -> float:
        if moment.boot_id == self._boot_id:
            return (self._clock.mono() - moment.mono) / NS_PER_S
        return max(0.0, (self._clock.utc() - moment.utc) / NS_PER_S)


def _locked(folder: Path) -> IO[bytes]:
    """Return the folder's lock file, locked for as long as it is open: the kernel lets go when the process ends."""
    lock = (folder / "lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise PlantError(
            f"{folder.parent}: another controller uses this state folder; stop it or choose another folder (--state)"
        ) from error
    return lock


def _sequence(path: Path) -> int:
    return int(path.name.removeprefix("state-"))


def _encoded(record: _Record) -> bytes:
    body = msgspec.msgpack.encode(record)
    return _MAGIC + hashlib.sha256(body).digest() + body


def _decoded(path: Path) -> _Record | str:
    """Return the record in ``path``, or in words why there is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    body = data[len(_MAGIC) + _DIGEST :]
    if data[: len(_MAGIC)] != _MAGIC or hashlib.sha256(body).digest() != data[len(_MAGIC) : len(_MAGIC) + _DIGEST]:
        return "is damaged"
    try:
        record = msgspec.msgpack.decode(body, type=_Record)
    except msgspec.MsgspecError as error:
        return f"is of another program ({error})"
    return record if record.format == FORMAT else f"has format {record.format}, this program reads {FORMAT}"


def _write_synced(path: Path, data: bytes) -> None:
    """Replace ``path`` such that a power failure leaves the old or the new content."""
    new = path.with_name(path.name.split("-")[0] + ".new")  # one name per kind: a crash leaves at most one behind
    new.touch(mode=0o600)
    with new.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
