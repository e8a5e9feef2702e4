"""The state registry: all that a scan (or the simulator) remembers, as named arrays with keys.

One flat registry ``name -> array (n, batch)`` gives warm restart, snapshot, replay and determinism with one mechanism.
Retained arrays are restored **by key and by hash**: an item whose configuration hash is unchanged keeps its state, a
changed or new one starts cold, a removed one is named.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from controller.core.errors import StateError

FORMAT = 1
_MAGIC = b"WTESTATE"
_DIGEST = 32
_WIDE = 64  # columns from which an array's place matters
_LINE = 64  # bytes
_BLOCK = 32 << 20


@dataclass(slots=True)
class Slot:
    """One array of the registry: its keys and hashes name the rows of axis 0."""

    array: npt.NDArray[Any]
    keys: tuple[str, ...]
    hashes: tuple[str, ...]
    is_retained: bool
    is_shared: bool = False  # one column that all plants read


@dataclass(slots=True)
class Restored:
    """What a restore did: item keys, each as "name/key"."""

    kept: list[str] = field(default_factory=list[str])
    cold: list[str] = field(default_factory=list[str])  # new, or its own configuration hash changed
    removed: list[str] = field(default_factory=list[str])  # in the file, no longer in the configuration


class _Room:
    """Memory of a registry: wide arrays lie one behind the other, each beginning at a line of the processor's cache.

    numpy asks the kernel to back blocks this large with huge pages; what walks over all rows of a wide registry would
    look up the address of each page otherwise. Rows that nothing is written to take no memory.
    """

    def __init__(self) -> None:
        self._block = np.empty(0, dtype=np.uint8)

    def zeros(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Return an array of zeros."""
        size = int(np.prod(shape)) * dtype.itemsize
        if shape[-1] < _WIDE or not size:
            return np.zeros(shape, dtype=dtype)
        room = -(-size // _LINE) * _LINE
        if room > self._block.size:
            block = np.zeros(max(room, _BLOCK) + _LINE, dtype=np.uint8)
            start = -block.ctypes.data % _LINE
            self._block = block[start : start + max(room, _BLOCK)]
        own, self._block = self._block[:size], self._block[room:]
        return own.view(dtype).reshape(shape)


class State:
    """Named arrays that change in place. ``state["pid.integral"]`` is the array itself."""

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.scratch: dict[str, Any] = {}  # buffers of the functions that work on this state; never saved
        self.slots: dict[str, Slot] = {}
        self._room = _Room()

    def add(
        self,
        name: str,
        keys: Sequence[str],
        *,
        dtype: npt.DTypeLike = np.float64,
        fill: float | np.generic | npt.NDArray[Any] = 0,
        hashes: Sequence[str] | None = None,
        is_retained: bool = False,
        depth: int | None = None,
        is_shared: bool = False,
    ) -> npt.NDArray[Any]:
        """Add an array (len(keys), batch); a ring has ``depth`` in between; all plants share one of width 1."""
        if name in self.slots:
            raise StateError(f"state {name!r} exists already")
        width = 1 if is_shared else self.batch
        shape = (len(keys), width) if depth is None else (len(keys), depth, width)
        array = self._room.zeros(shape, np.dtype(dtype))
        if isinstance(fill, np.ndarray) or fill != 0:
            array[...] = fill
        own = tuple(hashes) if hashes is not None else ("",) * len(keys)
        self.slots[name] = Slot(array, tuple(keys), own, is_retained, is_shared)
        return array

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self.slots[name].array

    def save(self, *, retained_only: bool = False) -> bytes:
        """Return the registry as one checked block of bytes."""
        slots = {n: s for n, s in self.slots.items() if s.is_retained or not retained_only}
        body = msgspec.msgpack.encode(
            {
                "format": FORMAT,
                "batch": self.batch,
                "slots": {
                    name: {
                        "dtype": slot.array.dtype.str,
                        "shape": slot.array.shape,
                        "keys": slot.keys,
                        "hashes": slot.hashes,
                        "data": slot.array.tobytes(),
                    }
                    for name, slot in slots.items()
                },
            }
        )
        return _MAGIC + hashlib.sha256(body).digest() + body

    def restore(self, data: bytes) -> Restored:
        """Take over what ``data`` holds, row by row, by key and hash; StateError (and no change) if damaged."""
        saved = _checked(data)
        if saved["batch"] != self.batch:
            raise StateError(f"saved for a batch of {saved['batch']}, this one has {self.batch}")
        result = Restored()
        for name, entry in saved["slots"].items():
            slot = self.slots.get(name)
            if slot is None:
                result.removed.extend(f"{name}/{key}" for key in entry["keys"])
                continue
            _restore_slot(name, slot, entry, result)
        for name, slot in self.slots.items():
            if slot.is_retained and name not in saved["slots"]:
                result.cold.extend(f"{name}/{key}" for key in slot.keys)
        return result


def _checked(data: bytes) -> dict[str, Any]:
    head = len(_MAGIC) + _DIGEST
    if data[: len(_MAGIC)] != _MAGIC:
        raise StateError("not a state file of wte (wrong first bytes)")
    body = data[head:]
    if hashlib.sha256(body).digest() != data[len(_MAGIC) : head]:
        raise StateError("damaged: the checksum does not match")
    saved: dict[str, Any] = msgspec.msgpack.decode(body)
    if saved["format"] != FORMAT:
        raise StateError(f"format {saved['format']}, this program reads {FORMAT}")
    return saved


def _restore_slot(name: str, slot: Slot, entry: Mapping[str, Any], result: Restored) -> None:
    array = np.frombuffer(entry["data"], dtype=entry["dtype"]).reshape(entry["shape"])
    if array.dtype != slot.array.dtype or array.shape[1:] != slot.array.shape[1:]:
        result.cold.extend(f"{name}/{key}" for key in slot.keys)
        return
    if tuple(entry["keys"]) == slot.keys and tuple(entry["hashes"]) == slot.hashes:
        slot.array[...] = array
        result.kept.extend(f"{name}/{key}" for key in slot.keys)
        return
    rows = {key: row for row, key in enumerate(entry["keys"])}
    for row, (key, own) in enumerate(zip(slot.keys, slot.hashes, strict=True)):
        old = rows.pop(key, None)
        if old is not None and entry["hashes"][old] == own:
            slot.array[row] = array[old]
            result.kept.append(f"{name}/{key}")
        else:
            result.cold.append(f"{name}/{key}")
    result.removed.extend(f"{name}/{key}" for key in rows)
