"""Time as an argument. Only ``controller.runtime`` owns a real clock; everything else is handed ``Now``."""

from dataclasses import dataclass
from typing import NewType, Protocol

UtcNs = NewType("UtcNs", int)  # ns since 1970 UTC: stamps records, never measures a duration
MonoNs = NewType("MonoNs", int)  # ns of a clock that never steps: measures durations and delays
Seconds = NewType("Seconds", float)

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Now:
    """The instant of one scan.

    ``periods`` is the number of scan periods since the previous scan: 1 when in time, more after an overrun. ``dt`` is
    ``periods * period``, so a replay that records ``Now`` is exact.
    """

    mono: MonoNs
    utc: UtcNs
    periods: int = 1


class Clock(Protocol):
    """Where the host gets its time from: the real clock live, a virtual one in the rig."""

    def mono(self) -> MonoNs:
        """Return the monotonic time."""
        ...

    def utc(self) -> UtcNs:
        """Return the wall-clock time."""
        ...

    async def sleep_until(self, deadline: MonoNs) -> None:
        """Return at ``deadline`` or as soon after as the host can."""
        ...
