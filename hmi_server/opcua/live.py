"""The newest values, in the form every OPC UA answer needs, and what becomes of them when the controller is silent."""

from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from asyncua import ua

from controller.core import quality
from controller.core.clock import NS_PER_S
from controller.core.plan import Plan
from controller.core.quality import Codes
from controller.core.tags import DataType, Floats, Times
from hmi_server.opcua.ids import date_time, status

STALE_AFTER_NS: Final = NS_PER_S // 2  # older than this: UNCERTAIN_LAST_USABLE
LOST_AFTER_NS: Final = 2 * NS_PER_S  # older than this: BAD_NO_COMMUNICATION
SERVICE_LEVELS: Final = (255, 100, 1)  # OPC UA Part 4 section 6.6.2: healthy, degraded, no data

_UA_EPOCH_100NS: Final = 116_444_736_000_000_000  # 1970 counted from 1601, in the 100 ns of an OPC UA DateTime

# How a value looks on the wire: the codes of OPC UA's built-in types, 0 where there is no value.
NO_VALUE: Final = 0
TYPE_CODES: Final = {DataType.BOOL: 1, DataType.INT: 6, DataType.FLOAT: 11}


class FrameLike(Protocol):
    """What is needed of a frame of the link."""

    @property
    def scan(self) -> int:
        """Number of the scan."""
        ...

    @property
    def value(self) -> Floats:
        """Values (rows,), NaN where bad."""
        ...

    @property
    def quality(self) -> Codes:
        """Qualities (rows,)."""
        ...

    @property
    def time(self) -> Times:
        """UTC ns of the measurement (rows,)."""
        ...


def ua_time(utc_ns: int) -> int:
    """Return an OPC UA DateTime (100 ns since 1601) for nanoseconds since 1970."""
    return utc_ns // 100 + _UA_EPOCH_100NS


@dataclass(slots=True)
class Live:
    """Values of all rows as they are shown: arrays (rows,), changed in place once a tick.

    ``stamp`` is the source time as an OPC UA DateTime. ``tick`` counts scan periods, also while the controller is
    silent, and is what sampling and publishing intervals count in. ``silence`` is 0 while frames come, 1 when the
    values are stale, 2 when they are lost.
    """

    plan: Plan
    value: Floats = field(init=False)
    quality: Codes = field(init=False)
    stamp: Times = field(init=False)
    type_code: npt.NDArray[np.uint8] = field(init=False)
    tick: int = 0
    silence: int = 2
    _scan: int = -1
    _known: bool = False

    def __post_init__(self) -> None:
        rows = len(self.plan.tags)
        self.value = np.full(rows, np.nan)
        self.quality = np.full(rows, quality.BAD_WAITING_FOR_INITIAL_DATA, dtype=np.uint32)
        self.stamp = np.zeros(rows, dtype=np.int64)
        self.type_code = np.array([TYPE_CODES[row.data_type] for row in self.plan.tags.rows], dtype=np.uint8)

    @property
    def service_level(self) -> int:
        """OPC UA ServiceLevel of what is shown."""
        return SERVICE_LEVELS[self.silence]

    def take(self, frame: FrameLike) -> None:
        """Show a new frame; lost frames advance the tick as well."""
        self.tick += max(1, frame.scan - self._scan) if self._known else 1
        self._scan, self._known, self.silence = frame.scan, True, 0
        np.copyto(self.value, frame.value)
        np.copyto(self.quality, frame.quality)
        np.floor_divide(frame.time, 100, out=self.stamp)
        self.stamp += _UA_EPOCH_100NS

    def wait(self, age_ns: int, utc_ns: int) -> None:
        """Pass one period without a frame; ``age_ns`` is the time since the last one."""
        self.tick += 1
        if not self._known:
            return
        if age_ns > LOST_AFTER_NS and self.silence < 2:
            self.silence = 2
            self.value.fill(np.nan)
            self.quality.fill(quality.BAD_NO_COMMUNICATION)
            self.stamp.fill(ua_time(utc_ns))
        elif age_ns > STALE_AFTER_NS and self.silence < 1:
            self.silence = 1
            self.quality[~quality.is_bad(self.quality)] = quality.UNCERTAIN_LAST_USABLE

    def variant(self, row: int) -> ua.Variant:
        """Return a row's value in its OPC UA type, null when it is bad."""
        if self.quality[row] >= quality.BAD:
            return ua.Variant(None, ua.VariantType.Null)
        number = float(self.value[row])
        match int(self.type_code[row]):
            case 1:
                return ua.Variant(number >= 0.5, ua.VariantType.Boolean)
            case 6:
                return ua.Variant(round(number), ua.VariantType.Int32)
            case _:
                return ua.Variant(number, ua.VariantType.Double)

    def data_value(self, row: int) -> ua.DataValue:
        """Return a row's value with its status and source time."""
        return ua.DataValue(
            self.variant(row),
            StatusCode=status(int(self.quality[row])),
            SourceTimestamp=date_time(ua.win_epoch_to_datetime(int(self.stamp[row]))),
        )
