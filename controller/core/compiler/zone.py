"""Local time as a table of offsets, so that the scan needs no zone data.

The data are those of the pinned ``tzdata`` package, never the system's: an older file shifts every daily mean.
"""

import datetime as dt
import importlib.resources
from bisect import bisect_right
from functools import cache
from zoneinfo import ZoneInfo

from controller.core.clock import NS_PER_S
from controller.core.emission_plan import Zone

FIRST_YEAR, LAST_YEAR = 2020, 2070
_DAY_S = 86_400


@cache
def zone_table(name: str) -> Zone:
    """Return when (UTC) which offset of the zone ``name`` begins to hold, from 2020 to 2070."""
    package, _, file = f"tzdata/zoneinfo/{name}".rpartition("/")
    with importlib.resources.files(package.replace("/", ".")).joinpath(file).open("rb") as data:
        zone = ZoneInfo.from_file(data, key=name)
    first = int(dt.datetime(FIRST_YEAR, 1, 1, tzinfo=dt.UTC).timestamp())
    last = int(dt.datetime(LAST_YEAR + 1, 1, 1, tzinfo=dt.UTC).timestamp())
    since, offsets = [0], [_offset(zone, first)]
    for second in range(first, last, _DAY_S):
        following = _offset(zone, second + _DAY_S)
        if following != offsets[-1]:
            since.append(_change(zone, second, second + _DAY_S) * NS_PER_S)
            offsets.append(following)
    return Zone(tuple(since), tuple(offset * NS_PER_S for offset in offsets))


def midnight(zone: Zone, day: dt.date) -> int:
    """Return the UTC ns at which a local day begins."""
    local = (day.toordinal() - dt.date(1970, 1, 1).toordinal()) * _DAY_S * NS_PER_S
    candidates = [local - offset for offset in sorted(set(zone.offset_ns), reverse=True)]
    found = (utc for utc in candidates if utc + zone.offset_ns[bisect_right(zone.since_ns, utc) - 1] == local)
    return next(found, candidates[-1])  # none: the clocks are put on over midnight


def _offset(zone: ZoneInfo, second: int) -> int:
    offset = dt.datetime.fromtimestamp(second, zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds())


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """Return the first second with the offset of ``after``."""
    wanted = _offset(zone, after)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == wanted:
            after = middle
        else:
            before = middle
    return after
