"""The table of local time says what the zone data say, at every instant."""

import datetime as dt
import random
from zoneinfo import ZoneInfo

import pytest

from controller.core.compiler.zone import midnight, zone_table
from controller.logic.emissions import periods

NS = 1_000_000_000
ZONES = ("Asia/Almaty", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")


@pytest.mark.parametrize("name", ZONES)
def test_local_days_and_half_hours_are_those_of_the_zone(name: str) -> None:
    zone, table = ZoneInfo(name), zone_table(name)
    rng = random.Random(name)  # noqa: S311  instants, no secrets
    changes = [at // NS + away for at in table.since_ns[1:40] for away in (-1, 0, 1, 1799, 1800, 3600)]
    for second in [*changes, *[rng.randrange(1_577_836_800, 3_187_296_000) for _ in range(500)]]:
        local = dt.datetime.fromtimestamp(second, zone)
        assert periods.day_of(table, second * NS) == local.date().toordinal() - dt.date(1970, 1, 1).toordinal()
        begin = periods.begin(table, second * NS, periods.HALF_HOUR_NS) // NS
        assert second - begin <= (local.minute * 60 + local.second) % 1800
        end = periods.end(table, second * NS, periods.HALF_HOUR_NS) // NS
        assert begin <= second < end <= begin + 1800
        assert periods.begin(table, end * NS, periods.HALF_HOUR_NS) == end * NS


def test_almaty_changed_to_plus_five_in_march_2024() -> None:
    table = zone_table("Asia/Almaty")
    for text, local in (
        ("2024-02-29 17:30", "2024-02-29 23:30"),
        ("2024-02-29 18:30", "2024-02-29 23:30"),
        ("2024-02-29 19:30", "2024-03-01 00:30"),
    ):
        utc = int(dt.datetime.fromisoformat(f"{text}+00:00").timestamp()) * NS
        wanted = dt.datetime.fromisoformat(f"{local}+00:00").timestamp()
        offset = wanted * NS - utc
        assert offset == table.offset_ns[0 if utc < table.since_ns[1] else 1]
        assert periods.name_of(periods.day_of(table, utc)) == local[:10]


@pytest.mark.parametrize("name", ZONES)
def test_midnight_is_where_the_day_begins(name: str) -> None:
    zone, table = ZoneInfo(name), zone_table(name)
    for number in range(0, 4000, 7):
        day = dt.date(2024, 1, 1) + dt.timedelta(days=number)
        at = dt.datetime.fromtimestamp(midnight(table, day) // NS, zone)
        assert (at.date(), at.hour, at.minute) == (day, 0, 0)
