"""Random days of two implementations: the calculation of the controller, and the oracle written from the text.

Gaps, restarts from the retained state, clocks set forward and back, changes between states, lost analysers, days with
46 to 50 half-hours, new year. Plants of one batch share the clock; their readings differ.
"""

import math
import random
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from controller.core.compiler.zone import zone_table
from controller.core.event import EventKind
from controller.core.quality import BAD
from controller.core.state import State
from controller.logic import emissions
from tests.emission_bench import RAW, SECOND, VALUE, Bench, sampled_every, shipped
from tests.emission_oracle import Line, Reading, Rules

SAMPLE_S = 20
RTOL = 1e-9
HOT = ("H2O", "O2")
RULES = {
    "NOX": Rules(HOT, 24.0, 400.0, 200.0, 120.0),
    "CO": Rules(HOT, 5.0, daily=50.0, ten=150.0),
    "HCL": Rules(HOT, 2.4, 60.0, 10.0, 6.0),
    "DUST": Rules(("T", "P", *HOT), 1.5, 30.0, 10.0, 5.0),
    "HG": Rules(HOT, 8.0, daily=20.0),
}
LEVEL = {"NOX": 60.0, "CO": 30.0, "HCL": 2.0, "DUST": 1.5, "HG": 2.0}
PEAK = {"NOX": 500.0, "CO": 300.0, "HCL": 80.0, "DUST": 60.0, "HG": 30.0}
REFERENCE = {"T": ("TT-2514", 140.0), "P": ("PT-2515", 92.8), "H2O": ("AT-2511", 18.0), "O2": ("AT-2510", 9.0)}
BEGINNINGS = (
    ("Asia/Almaty", 1_785_524_400),  # 2026-08-01 00:00
    ("Asia/Almaty", 1_709_208_000),  # 2024-02-29, 25 hours
    ("Europe/Berlin", 1_774_652_400),  # 2026-03-28; the next day has 23 hours
    ("Europe/Berlin", 1_792_792_800),  # 2026-10-24; the next day has 25 hours
    ("Asia/Almaty", 1_798_657_200),  # 2026-12-31, 00:00: new year after it
)


class Plant:
    """Readings of one plant: random walks, peaks, lost signals, times without waste."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  readings, no secrets
        self.level = {name: level * self.random.uniform(0.6, 2.5) for name, level in LEVEL.items()}
        self.peak = dict.fromkeys(LEVEL, 0)
        self.gone = dict.fromkeys((*LEVEL, *REFERENCE), 0)
        self.status, self.status_left = 0.0, 0
        self.has_feed, self.feed_left = True, self.random.randrange(500, 8000)
        self.pusher, self.celsius, self.burners = 0.0, 950.0, False
        self.otnoc = False

    def next(self) -> Reading:
        r = self.random
        for name in LEVEL:
            self.level[name] *= math.exp(r.gauss(0.0, 0.01))
            if self.peak[name] == 0 and r.random() < 0.0006:
                self.peak[name] = r.randrange(10, 240)
            self.peak[name] = max(self.peak[name] - 1, 0)
        for name in self.gone:
            if r.random() < 0.0004:
                self.gone[name] = r.randrange(1, 200)
            self.gone[name] = max(self.gone[name] - 1, 0)
        self._status()
        self._line()
        raw: dict[str, float | None] = {}
        for name in LEVEL:
            value = self.level[name] * r.uniform(0.9, 1.1) + (PEAK[name] * r.random() if self.peak[name] else 0.0)
            raw[name] = None if self.gone[name] else value
        reference = {
            name: None if self.gone[name] else usual * r.uniform(0.97, 1.03) for name, (_, usual) in REFERENCE.items()
        }
        if reference["O2"] is not None and not self.has_feed and r.random() < 0.1:
            reference["O2"] = 20.7
        return Reading(raw, reference, self.status, self.pusher, self.burners, self.celsius, self.otnoc)

    def _status(self) -> None:
        if self.status_left == 0 and self.random.random() < 0.0015:
            self.status = float(self.random.choice((1, 2, 3, 4)))
            self.status_left = self.random.randrange(5, 150)
        self.status_left = max(self.status_left - 1, 0)
        self.status = self.status if self.status_left else 0.0

    def _line(self) -> None:
        self.feed_left -= 1
        if self.feed_left <= 0:
            self.has_feed, self.feed_left = not self.has_feed, self.random.randrange(300, 4000)
        if self.has_feed and self.random.random() < 0.1:
            self.pusher = 60.0 - self.pusher
        target = 950.0 if self.has_feed else 300.0
        self.celsius += (target - self.celsius) * 0.002 + self.random.gauss(0.0, 0.5)
        if self.random.random() < 0.001:
            self.burners = not self.burners
        if self.random.random() < 0.001:
            self.otnoc = not self.otnoc


def times(rng: random.Random, begin: int, hours: float) -> list[tuple[int, bool]]:
    """Return (UTC s, is restarted before it) of every sample: gaps, restarts, and a clock that is set."""
    now, left, out = begin - rng.randrange(0, 7200), round(hours * 3600 / SAMPLE_S), list[tuple[int, bool]]()
    now -= now % SAMPLE_S
    while left > 0:
        left -= 1
        now += SAMPLE_S
        is_restarted = False
        if rng.random() < 0.0015:
            kind = rng.choice(("gap", "restart", "ahead", "back a little", "back", "back far"))
            reach = {
                "gap": rng.choice((60, 600, 3600, 9000)),
                "restart": rng.choice((20, 40, 400, 4000)),
                "ahead": rng.choice((20, 300, 2400)),
                "back a little": -rng.randrange(1, 61),
                "back": -rng.randrange(61, 1801),
                "back far": -rng.randrange(1801, 9000),
            }[kind]
            now += reach - reach % SAMPLE_S - SAMPLE_S * (-SAMPLE_S <= reach < 0)  # never the same instant again
            is_restarted = kind == "restart"
        out.append((now, is_restarted))
    return out


def compare(seed: int, plants: int, hours: float) -> None:
    """Run one sequence of times on ``plants`` plants and compare all that ended."""
    rng = random.Random(seed)  # noqa: S311  as above
    name, begin = BEGINNINGS[seed % len(BEGINNINGS)]
    plan = shipped().emissions
    assert plan is not None
    plan = replace(sampled_every(plan, SAMPLE_S), zone=zone_table(name))
    bench = Bench(plan, batch=plants)
    lines = [Line(RULES, ZoneInfo(name), SAMPLE_S) for _ in range(plants)]
    weather = [Plant(seed * 1000 + number) for number in range(plants)]
    rows = {tag: bench.tags.row(f"L1-{tag}") for tag in rows_read()}
    state_row = bench.tags.row("L1-XS-2522")
    bit = {substance: bench.tags.row(f"L1-{VALUE[substance]}.EXC") for substance in ("NOX", "CO", "HCL", "DUST")}
    for second, is_restarted in times(rng, begin, hours):
        if is_restarted:
            saved = bench.state.save(retained_only=True)
            bench.state = State(plants)
            emissions.prepare(plan, bench.state)
            bench.state.restore(saved)
        readings = [plant.next() for plant in weather]
        put(bench, rows, readings)
        bench.utc = second * SECOND
        bench.scan()
        has_ended = [line.feed(second, reading) for line, reading in zip(lines, readings, strict=True)]
        assert bench.values[state_row].tolist() == [line.state for line in lines], (seed, second)
        shown = bench.plan.rows
        is_bad = bench.quality[shown] >= BAD
        assert (np.isnan(bench.values[shown]) == is_bad).all(), (seed, second)  # a value, or a reason for none
        if has_ended[0]:
            for one, row in bit.items():
                expected = [line.substances[one].bit for line in lines]
                assert bench.values[row].tolist() == expected, (seed, one, second)
    for number, line in enumerate(lines):
        check_records(bench, line, number, seed)
        check_counters(bench, line, number)


def rows_read() -> list[str]:
    references = [tag for tag, _ in REFERENCE.values()]
    own = ["XS-2520", "ZT-1005A", "XI-1325", "TT-1310", "HV-2305A.ZSO"]
    return [*[RAW[one] for one in RULES], *references, *own]


def put(bench: Bench, rows: dict[str, int], readings: list[Reading]) -> None:
    """Show the readings to the controller."""

    def show(tag: str, numbers: list[float | None]) -> None:
        bench.values[rows[tag]] = [math.nan if one is None else one for one in numbers]

    for substance in RULES:
        show(RAW[substance], [one.raw[substance] for one in readings])
    for kind, (tag, _) in REFERENCE.items():
        show(tag, [one.reference[kind] for one in readings])
    show("XS-2520", [one.status for one in readings])
    show("ZT-1005A", [one.pusher for one in readings])
    show("TT-1310", [one.celsius for one in readings])
    show("XI-1325", [float(one.burners) for one in readings])
    # burners with waste are other than normal conditions as well
    show("HV-2305A.ZSO", [float(one.otnoc and not one.burners) for one in readings])
    for one in readings:
        one.otnoc = one.otnoc or one.burners


def check_records(bench: Bench, line: Line, number: int, seed: int) -> None:
    seen: list[tuple[object, ...]] = []
    for event in bench.events:
        if event.kind is not EventKind.EMISSION_RECORDED or event.plant != number or event.source != "L1":
            continue
        data, period = event.data, event.data["period"]
        for one in RULES:
            if period == "day":
                ten = (data.get(f"{one}.ten", 0), data.get(f"{one}.ten_above", 0))
                seen.append(("day", data["day"], one, data.get(one), data[f"{one}.n"], data[f"{one}.lost"], *ten))
            elif period == 30:
                clock = (data["run_h"], data["year_h"])
                seen.append((30, one, data.get(one), data.get(f"{one}.v"), *clock))
            elif period != 1:
                seen.append((period, one, data.get(one), data.get(f"{one}.v")))
    expected = [one if one[0] in (30, "day") else one[:4] for one in line.records]
    assert len(seen) == len(expected)
    for ours, theirs in zip(seen, expected, strict=True):
        assert [type(one) for one in ours[:2]] == [type(one) for one in theirs[:2]]
        for one, other in zip(ours, theirs, strict=True):
            if isinstance(other, float) and not isinstance(one, str) and one is not None:
                assert one == pytest.approx(other, rel=RTOL, abs=1e-9), (seed, number, ours, theirs)
            else:
                assert one == other, (seed, number, ours, theirs)


def check_counters(bench: Bench, line: Line, number: int) -> None:
    year = bench.state.scratch["emissions"].year
    plan = bench.plan
    for one, substance in line.substances.items():
        channel = plan.channels.index(f"L1/{one}")
        counted = [float(x) for x in year[:6, channel, number]]
        assert counted == list(substance.year.values()), one
    hours = bench.state.scratch["emissions"].hours[:, 0, number]
    assert hours == pytest.approx([line.run, line.year_h, line.otnoc_h], rel=RTOL, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_random_days_agree_with_the_oracle(seed: int) -> None:
    compare(seed, plants=12, hours=26.0)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 120))
def test_a_thousand_random_days_agree_with_the_oracle(seed: int) -> None:
    compare(seed, plants=50, hours=30.0)
