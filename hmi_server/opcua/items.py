"""Monitored values of plant rows, as columns: one structured array holds all of a subscription's items.

``sample`` compares them with the newest frame in a few numpy calls and logs what changed, already in the form of the
wire; ``take`` hands the log out as one block of bytes. The log keeps the order of time; a queue is a limit on how many
records of one item it may hold.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from asyncua import ua

from controller.core import quality
from hmi_server.opcua.live import NO_VALUE, Live

DISABLED: Final = int(ua.MonitoringMode.Disabled)
SAMPLING: Final = int(ua.MonitoringMode.Sampling)
REPORTING: Final = int(ua.MonitoringMode.Reporting)
STATUS_VALUE: Final = int(ua.DataChangeTrigger.StatusValue)
STATUS_VALUE_TIME: Final = int(ua.DataChangeTrigger.StatusValueTimestamp)
OVERFLOW: Final = 0x0000_0480  # InfoType DataValue, Overflow: a queue has lost a value before this one

ITEM: Final = np.dtype(
    [
        ("ident", "u4"),
        ("handle", "u4"),  # the client's name for the item
        ("row", "i8"),
        ("mode", "u1"),
        ("every", "i8"),  # sampling interval in ticks
        ("queue", "i8"),  # records the item may have in the log
        ("oldest", "?"),  # whether the oldest record goes when the queue is full, or the newest but one stays out
        ("trigger", "u1"),
        ("deadband", "f8"),  # in the row's unit
        ("times", "u1"),  # bits of a DataValue's mask: 4 source, 8 server
    ]
)

# A MonitoredItemNotification: ClientHandle, then a DataValue of mask, Variant (type, value), status, source and server
# time (OPC UA Part 6 section 5.2.2.17). A shape tells which of its bytes are sent.
RECORD: Final = np.dtype(
    {
        "names": ["handle", "mask", "type", "value", "int", "bool", "status", "source", "server"],
        "formats": ["<u4", "u1", "u1", "<f8", "<i4", "u1", "<u4", "<i8", "<i8"],
        "offsets": [0, 4, 5, 6, 6, 6, 14, 18, 26],
        "itemsize": 34,
    }
)
_HAS_VALUE: Final = 0x01
_HAS_STATUS: Final = 0x02
_HAS_SOURCE: Final = 0x04
_HAS_SERVER: Final = 0x08
_VALUE_BYTES: Final = {NO_VALUE: 0, 1: 1, 6: 4, 11: 8}  # by type code


def _kept_bytes() -> npt.NDArray[np.bool_]:
    """Return, by (type code, times / 4), which of the 34 bytes are sent."""
    kept = np.zeros((12, 4, RECORD.itemsize), dtype=np.bool_)
    for code, width in _VALUE_BYTES.items():
        for times in range(4):
            row = kept[code, times]
            row[:5] = True
            row[5] = code != NO_VALUE
            row[6 : 6 + width] = True
            row[14:18] = True
            row[18:26] = bool(times & 1)
            row[26:34] = bool(times & 2)
    return kept


_KEPT: Final = _kept_bytes()
_FULL_WIDTHS: Final = {1: 26, 3: 34}  # doubles with source time, or both: the bytes stand side by side

Slots = npt.NDArray[np.intp]
Records = npt.NDArray[np.uint8]  # (n, 34): records as bytes; numpy copies those far faster than structures


def _fields(records: Records) -> npt.NDArray[np.void]:
    """Return the records as RECORD, to be written through."""
    return records.view(RECORD)[:, 0]


def encode(records: Records) -> bytes:
    """Return the records one after another, each without the bytes its shape does not send."""
    code, times = records[:, 5], records[:, 4] >> 2
    width = _FULL_WIDTHS.get(int(times[0]))
    if width and (code == 11).all() and (times == times[0]).all():
        return records[:, :width].tobytes()
    return records[_KEPT[code, times]].tobytes()


class DataItems:
    """The data items of one subscription and what they have to report.

    ``items`` is what clients asked for. What each sample touches stands apart in arrays of its own, so that a thousand
    items are compared in some 30 us; ``_settle`` makes them after every change of ``items``.
    """

    def __init__(self) -> None:
        self.items = np.zeros(0, dtype=ITEM)
        self._value = np.zeros(0)  # what was logged last, and what the next change is measured from
        self._quality = np.zeros(0, dtype=np.uint32)
        self._stamp = np.zeros(0, dtype=np.int64)
        self._fresh = np.zeros(0, dtype=np.bool_)  # to be reported whatever it is: just made, or just enabled
        self._slots: list[Slots] = []  # the log: which items, and their records
        self._records: list[Records] = []
        self._logged = 0
        self._depth = 0  # no item has more records than this in the log
        self._tick = 0
        self._settle()

    def __len__(self) -> int:
        return len(self.items)

    def _settle(self) -> None:
        items = self.items
        self._row, self._deadband = items["row"].copy(), items["deadband"].copy()
        self._every, self._trigger = items["every"].copy(), items["trigger"].copy()
        self._is_watched = items["mode"] != DISABLED
        self._all_report = bool((items["mode"] == REPORTING).all())
        self._is_plain = bool(
            (self._trigger == STATUS_VALUE).all() and (self._every == 1).all() and self._is_watched.all()
        )
        self._has_fresh = bool(self._fresh.any())
        self._blank = np.zeros((len(items), RECORD.itemsize), dtype=np.uint8)  # records without their values
        blank = _fields(self._blank)
        blank["handle"] = items["handle"]
        blank["mask"] = items["times"] | _HAS_VALUE | _HAS_STATUS

    # --- what clients ask for ----------------------------------------------------------------------------------------

    def add(self, new: npt.NDArray[np.void]) -> None:
        """Add items; each reports its value of the moment first."""
        count = len(new)
        self.items = np.concatenate([self.items, new])
        self._value = np.concatenate([self._value, np.full(count, np.nan)])
        self._quality = np.concatenate([self._quality, np.zeros(count, dtype=np.uint32)])
        self._stamp = np.concatenate([self._stamp, np.zeros(count, dtype=np.int64)])
        self._fresh = np.concatenate([self._fresh, np.ones(count, dtype=np.bool_)])
        self._settle()

    def slots_of(self, idents: Sequence[int]) -> Slots:
        """Return the slot of each item, -1 where there is none."""
        known = {int(ident): slot for slot, ident in enumerate(self.items["ident"])}
        return np.array([known.get(ident, -1) for ident in idents], dtype=np.intp)

    def change(self, slot: int, asked: Mapping[str, float]) -> None:
        """Change what a client asked for one item, by the names of ITEM."""
        for name, value in asked.items():
            self.items[name][slot] = value
        self._settle()

    def delete(self, slots: Slots) -> None:
        """Delete items and what they had to report."""
        stays = np.ones(len(self.items), dtype=np.bool_)
        stays[slots] = False
        self._keep_log(stays)
        moved = np.cumsum(stays) - 1
        self._slots = [moved[logged] for logged in self._slots]
        self.items = self.items[stays]
        self._value, self._quality, self._stamp = self._value[stays], self._quality[stays], self._stamp[stays]
        self._fresh = self._fresh[stays]
        self._settle()

    def set_mode(self, slots: Slots, mode: int) -> None:
        """Change the monitoring mode: a disabled item forgets its log, an enabled one reports at once."""
        was_disabled = self.items["mode"][slots] == DISABLED
        self.items["mode"][slots] = mode
        if mode == DISABLED:
            stays = np.ones(len(self.items), dtype=np.bool_)
            stays[slots] = False
            self._keep_log(stays)
        else:
            self._fresh[slots[was_disabled]] = True
        self._settle()

    def _keep_log(self, stays: npt.NDArray[np.bool_]) -> None:
        """Forget the records of the items that do not stay."""
        for position, logged in enumerate(self._slots):
            kept = stays[logged]
            self._records[position] = self._records[position][kept]
            self._slots[position] = logged[kept]
        self._logged = sum(len(logged) for logged in self._slots)

    # --- sampling ----------------------------------------------------------------------------------------------------

    def sample(self, live: Live, server_time: int) -> None:
        """Log what changed since it was logged last; ``server_time`` as an OPC UA DateTime."""
        before, self._tick = self._tick, live.tick
        if not len(self.items):
            return
        row = self._row
        value, code, stamp = live.value[row], live.quality[row], live.stamp[row]
        changed = np.abs(value - self._value) > self._deadband
        if not self._is_plain:
            changed &= self._trigger >= STATUS_VALUE
            changed |= (stamp != self._stamp) & (self._trigger == STATUS_VALUE_TIME)
        changed |= code != self._quality
        if not self._is_plain:
            changed &= live.tick // self._every > before // self._every
            changed &= self._is_watched
        if self._has_fresh:
            changed |= self._fresh & self._is_watched
            self._fresh &= ~self._is_watched
            self._has_fresh = bool(self._fresh.any())
        slots = np.flatnonzero(changed)
        if len(slots) == len(self.items):
            self._value, self._quality, self._stamp = value, code, stamp
        elif len(slots):
            value, code, stamp = value[slots], code[slots], stamp[slots]
            self._value[slots], self._quality[slots], self._stamp[slots] = value, code, stamp
        else:
            return
        records = self._filled(slots, value, code, live.type_code[row[slots]])
        _fields(records)["source"] = stamp
        _fields(records)["server"] = server_time
        self._slots.append(slots)
        self._records.append(records)
        self._logged += len(slots)
        self._depth += 1
        if self._depth > 1:
            self._trim()

    def _filled(
        self,
        slots: Slots,
        value: npt.NDArray[np.float64],
        code: npt.NDArray[np.uint32],
        type_code: npt.NDArray[np.uint8],
    ) -> Records:
        """Return records with value and status; a bad value is none."""
        records = self._blank.take(slots, axis=0)
        fields = _fields(records)
        fields["type"] = type_code
        fields["status"] = code
        fields["value"] = value
        is_bad = code >= quality.BAD
        if is_bad.any():
            fields["mask"][is_bad] ^= _HAS_VALUE
            fields["type"][is_bad] = NO_VALUE
        if (type_code != 11).any():
            whole, binary = (type_code == 6) & ~is_bad, (type_code == 1) & ~is_bad
            fields["int"][whole] = np.rint(value[whole])
            fields["bool"][binary] = value[binary] >= 0.5
        return records

    def _trim(self) -> None:
        """Enforce the queue sizes: each item keeps its newest records, or its first ones and the newest."""
        if (self.items["queue"] >= self._depth).all():
            return
        slots, records = np.concatenate(self._slots), np.concatenate(self._records)
        order = np.argsort(slots, kind="stable")
        ordered = slots[order]
        first = np.searchsorted(ordered, ordered, side="left")
        count = np.searchsorted(ordered, ordered, side="right") - first
        rank = np.arange(len(ordered)) - first  # 0 is the item's oldest record
        limit, drops_oldest = self.items["queue"][ordered], self.items["oldest"][ordered]
        over = count > limit
        from_newest = count - 1 - rank
        kept = np.where(drops_oldest, from_newest < limit, (rank < limit - 1) | (from_newest == 0))
        marked = over & (limit > 1) & np.where(drops_oldest, from_newest == limit - 1, from_newest == 0)
        _fields(records)["status"][order[marked]] |= OVERFLOW
        chosen = np.sort(order[kept | ~over])
        self._slots, self._records = [slots[chosen]], [records[chosen]]
        self._logged = len(chosen)
        self._depth = int(np.minimum(count, limit).max())

    # --- reporting ---------------------------------------------------------------------------------------------------

    def pending(self) -> int:
        """Return how many records wait to be reported."""
        if not self._logged or self._all_report:
            return self._logged
        return sum(int((self.items["mode"][slots] == REPORTING).sum()) for slots in self._slots)

    def take(self, limit: int) -> tuple[int, bytes]:
        """Return how many records are reported, at most ``limit``, and their bytes; the oldest first."""
        if not self._logged:
            return 0, b""
        slots, records = self._slots[0], self._records[0]
        if len(self._slots) > 1:
            slots, records = np.concatenate(self._slots), np.concatenate(self._records)
        self._slots, self._records, self._logged = [], [], 0
        depth, self._depth = self._depth, 0
        if self._all_report and len(slots) <= limit:
            return len(slots), encode(records)
        taken = np.flatnonzero(self.items["mode"][slots] == REPORTING)[:limit]
        if len(taken) < len(slots):
            left = np.ones(len(slots), dtype=np.bool_)
            left[taken] = False
            self._slots, self._records, self._logged = [slots[left]], [records[left]], int(left.sum())
            self._depth = depth
            records = records[taken]
        return len(taken), encode(records) if len(taken) else b""
