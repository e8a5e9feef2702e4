"""Averaging periods in local time: every period is known by the UTC instant at which it begins.

Local time comes from a compiled table of offsets. A period begins where local time is a whole multiple of its length;
where the clocks change inside of one, it ends there and another begins. So no period of a day has the name of another,
and a day may have 46, 48 or 50 half-hours.
"""

import datetime as dt
from bisect import bisect_right
from typing import Final

from controller.core.clock import NS_PER_S
from controller.core.emission_plan import PERIOD_MIN, Zone

MINUTE_NS: Final = 60 * NS_PER_S
LENGTHS_NS: Final = tuple(minutes * MINUTE_NS for minutes in PERIOD_MIN)
HALF_HOUR_NS: Final = 30 * MINUTE_NS
DAY_NS: Final = 86_400 * NS_PER_S
_EPOCH: Final = dt.date(1970, 1, 1).toordinal()


def _part(zone: Zone, utc: int) -> int:
    return max(bisect_right(zone.since_ns, utc) - 1, 0)


def begin(zone: Zone, utc: int, length_ns: int) -> int:
    """Return when the period of ``length_ns`` began that ``utc`` is in."""
    part = _part(zone, utc)
    floor = utc - (utc + zone.offset_ns[part]) % length_ns
    return max(floor, zone.since_ns[part]) if part else floor


def end(zone: Zone, utc: int, length_ns: int) -> int:
    """Return when the period ends that ``utc`` is in."""
    part = _part(zone, utc)
    ceiling = utc - (utc + zone.offset_ns[part]) % length_ns + length_ns
    return min(ceiling, zone.since_ns[part + 1]) if part + 1 < len(zone.since_ns) else ceiling


def day_of(zone: Zone, utc: int) -> int:
    """Return the local day that ``utc`` is in, counted from 1970-01-01."""
    return (utc + zone.offset_ns[_part(zone, utc)]) // DAY_NS


def year_of(day: int) -> int:
    """Return the year of a local day."""
    return dt.date.fromordinal(_EPOCH + day).year


def name_of(day: int) -> str:
    """Return a local day as people write it: 2026-01-31."""
    return dt.date.fromordinal(_EPOCH + day).isoformat()
