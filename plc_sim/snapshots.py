"""The whole state of a simulated plant in one file, which says what it is of and cannot be read half.

Eight bytes of name, SHA-256 of the rest, then a record (MessagePack) around the state. A file fits a simulator when
plant, period, process parameters, tags and their instruments and actuators are the same; the controller's settings may
differ.
"""

import contextlib
import hashlib
import json
import os
from pathlib import Path

import msgspec

from controller.core.config import Config
from controller.core.errors import StateError
from plc_sim.simulator import Simulator

FORMAT = 1
_MAGIC = b"WTEPLANT"
_DIGEST = 32
_SIMULATED = {"unit", "range", "input", "output", "instrument", "actuator"}  # of a tag, what the simulator knows


class _Record(msgspec.Struct, frozen=True):
    format: int
    plant: str
    configuration: str
    step: int
    period_s: float
    state: bytes

    @property
    def time_s(self) -> float:
        return self.step * self.period_s


def fingerprint(config: Config) -> str:
    """Return 64 bits over all of the configuration that the simulator depends on, as hex."""
    tags = {key: tag.spec.model_dump(mode="json", include=_SIMULATED) for key, tag in config.tags.items()}
    plant = [config.plant.name, config.plant.period_ms, config.plant.watchdog_s, config.plant.site.barometric_pa]
    text = json.dumps([plant, config.process, tags], sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def save(path: Path, simulator: Simulator, config: Config) -> None:
    """Write the state; a crash or a full disk leaves the old file or the new one. StateError: it cannot be written."""
    record = _Record(
        FORMAT, config.plant.name, fingerprint(config), simulator.steps, simulator.period_s, simulator.snapshot()
    )
    body = msgspec.msgpack.encode(record)
    new = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            _write(new, _MAGIC + hashlib.sha256(body).digest() + body)
            new.replace(path)
        finally:
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)
    except OSError as exc:
        raise StateError(f"{path}: cannot be written: {exc.strerror}") from exc


def restore(path: Path, simulator: Simulator, config: Config) -> None:
    """Put the state of the file into ``simulator``; StateError, and no change, when the file is not of this plant."""
    record = _read(path)
    mine = fingerprint(config)
    if (record.plant, record.configuration) != (config.plant.name, mine):
        raise StateError(
            f"{path}: this is plant {record.plant} (configuration {record.configuration}) at {record.time_s:.1f} s;"
            f" running is {config.plant.name} (configuration {mine}). Start the plant it is of, or save a new one"
        )
    try:
        simulator.restore(record.state)
    except StateError as exc:
        raise StateError(f"{path}: this is plant {record.plant} at {record.time_s:.1f} s, but {exc}") from exc


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> _Record:
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise StateError(f"{path}: cannot be read: {exc.strerror}") from exc
    body = data[len(_MAGIC) + _DIGEST :]
    if data[: len(_MAGIC)] != _MAGIC:
        raise StateError(f"{path}: this is no snapshot of a simulated plant (wrong first bytes)")
    if hashlib.sha256(body).digest() != data[len(_MAGIC) : len(_MAGIC) + _DIGEST]:
        raise StateError(f"{path}: damaged: the checksum does not match")
    try:
        record = msgspec.msgpack.decode(body, type=_Record)
    except msgspec.MsgspecError as exc:
        raise StateError(f"{path}: written by another program ({exc})") from exc
    if record.format != FORMAT:
        raise StateError(f"{path}: format {record.format}, this program reads {FORMAT}")
    return record
