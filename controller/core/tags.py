"""The tag table: every value anyone can see is one row of one table.

Measured inputs, derived values, outputs, loop parameters, protection rows, alarms and system figures are all rows, in
this order of kinds, so that each kind is one contiguous slice. The values themselves are arrays shaped (rows, batch).
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from controller.core.command import Role
from controller.core.quality import Codes

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]


class RowKind(StrEnum):
    """Where a row's value comes from; also the order of the table."""

    INPUT = "input"  # measured, from a device
    DERIVED = "derived"  # calculated before protection
    EMISSION = "emission"  # result of the emission calculation, made before protection
    OUTPUT = "output"  # sent to a device: mv after arbitration
    LOOP = "loop"  # PV, SP, OP, MODE, tuning of a loop
    TRIP = "trip"  # state of a protection row, see TripState
    ALARM = "alarm"  # state of an alarm, see AlarmState
    SYSTEM = "system"  # figures of the controller itself


class DataType(StrEnum):
    """How a row looks to a client; inside it is always a float64."""

    FLOAT = "float"
    BOOL = "bool"
    INT = "int"


@dataclass(frozen=True, slots=True)
class Text:
    """Words for people, in both languages of the control room."""

    en: str
    ru: str


@dataclass(frozen=True, slots=True)
class Row:
    """What is known about one row before the plant runs."""

    key: str  # "L1-LIC-1401.SP"; the OPC UA NodeId's string; never changes for a tag
    kind: RowKind
    title: Text
    data_type: DataType = DataType.FLOAT
    unit: str = ""  # key of controller.core.units.UNITS; "" for none
    lo: float = 0.0  # range (EURange) in ``unit``
    hi: float = 1.0
    writers: frozenset[Role] = frozenset()  # roles that may write it; empty: read only
    states: tuple[tuple[int, Text], ...] = ()  # names of the codes of a multi-state row
    instance: str = ""  # "L1", "L2", "C0"
    area: str = ""  # "14": key of Plant.areas
    owner: str = ""  # object the row is part of ("L1-LIC-1401"); "" when it stands alone
    member: str = ""  # name inside the owner ("SP"); "" when it stands alone


@dataclass(frozen=True)
class TagTable:
    """All rows, their numbers by key, and the slice of each kind."""

    rows: tuple[Row, ...]

    @cached_property
    def index(self) -> dict[str, int]:
        """Row number by key."""
        return {row.key: number for number, row in enumerate(self.rows)}

    @cached_property
    def span(self) -> dict[RowKind, slice]:
        """The contiguous slice of each kind."""
        spans: dict[RowKind, slice] = {}
        for kind in RowKind:
            numbers = [number for number, row in enumerate(self.rows) if row.kind is kind]
            start = numbers[0] if numbers else (max((s.stop for s in spans.values()), default=0))
            spans[kind] = slice(start, start + len(numbers))
        return spans

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Image:
    """All inputs, frozen at the start of a scan, in the order of the INPUT rows; outputs as the devices hold them.

    ``value`` (inputs, batch) in engineering units, NaN exactly where quality is BAD; ``quality`` the same shape;
    ``time`` (inputs,) UTC ns of the measurement. ``readback`` (outputs, batch) is what each device says its output
    register holds, NaN where unknown. ``device_ok`` (devices,): connected, watchdog time verified, heard of within its
    stale time, and its program runs.
    """

    value: Floats
    quality: Codes
    time: Times
    readback: Floats
    device_ok: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sample:
    """One row at the edge: for tests, the rig and messages. ``value`` is None exactly when quality is BAD."""

    value: float | None
    quality: int
    time: int
