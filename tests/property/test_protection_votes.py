"""Every vote up to three channels, in every combination of value, quality, policy, arming and delay.

The oracle is written from the rule's words, one plant and one row at a time, and shares nothing with the code.
"""

import itertools

import numpy as np
import pytest

from controller.core.plan import TripState
from controller.core.quality import BAD_NO_COMMUNICATION, GOOD, GOOD_LOCAL_OVERRIDE, UNCERTAIN
from tests.logic_plans import POLICIES, Bench, TripRow, Vote, make_plan

LIMIT = 100.0
READINGS = tuple(itertools.product((99.0, LIMIT, 250.0), (GOOD, UNCERTAIN, BAD_NO_COMMUNICATION)))
ARMING = (None, "ARMED", "DISARMED", "UNKNOWN")
DELAYS = (0.0, 5.0)
TIMES = (0.0, 0.1, 4.9, 5.0, 29.9, 30.0, 36.0)  # s since the readings appeared


def judge(reading: tuple[float, int]) -> str:
    value, quality = reading
    if quality == BAD_NO_COMMUNICATION:
        return "B"
    return "T" if value >= LIMIT else "H"


def decide(channels: str, need: int, policy: str) -> str:
    """Return yes, no, or later (after 30 s), as the table of votes says it."""
    size, bad, true = len(channels), channels.count("B"), channels.count("T")
    if bad == size:
        return {"trip": "yes", "excluded_alarm": "no", "excluded_trip_after_30s": "later"}[policy]
    match f"{need}oo{size}", bad, policy == "trip":
        case _, 0, _:
            holds = true >= need
        case "1oo2", 1, True:
            holds = True
        case "2oo2", 1, True:
            holds = true >= 1  # the other decides
        case "2oo3", 1, True:
            holds = true >= 1  # 1oo2 on the rest
        case "1oo2" | "2oo2", 1, False:
            holds = true >= 1  # 1oo1 on the rest
        case "2oo3", 1, False:
            holds = true >= 2  # 2oo2 on the rest
        case _, _, True:
            holds = true >= need - bad
        case _:
            holds = true >= min(need, size - bad)
    return "yes" if holds else "no"


def acts(decision: str, delay_s: float, after_s: float) -> bool:
    return (decision == "yes" and after_s >= delay_s) or (decision == "later" and after_s >= 30.0)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_combination_of_channels_acts_as_the_table_says(size: int) -> None:
    tags = ["A-1", "A-2", "A-3"][:size]
    cases = list(itertools.product(range(1, size + 1), POLICIES, ARMING, DELAYS))
    rows = [
        TripRow(f"UZ-{number:03d}", [Vote(need, tags, LIMIT, delay_s=delay)], policy=policy, armed=armed, latch=False)
        for number, (need, policy, armed, delay) in enumerate(cases)
    ]
    combinations = list(itertools.product(READINGS, repeat=size))
    plan = make_plan([*tags, "ARMED", "DISARMED", "UNKNOWN"], rows=rows)
    bench = Bench(plan, batch=len(combinations))
    bench.put(ARMED=1.0, DISARMED=0.0, UNKNOWN=None)
    bench.step()  # everything healthy
    for channel in range(size):
        readings = [combination[channel] for combination in combinations]
        bench.quality[channel] = [quality for _, quality in readings]
        bench.value[channel] = [np.nan if quality == BAD_NO_COMMUNICATION else value for value, quality in readings]

    letters = ["".join(judge(reading) for reading in combination) for combination in combinations]
    began = bench.now_s + 0.1
    for after_s in TIMES:
        bench.now_s = began + after_s
        bench.step(0.0)
        acting = bench.state["protection.acting"]
        for number, (need, policy, armed, delay) in enumerate(cases):
            expected = [
                armed != "DISARMED" and acts(decide(channels, need, policy), delay, after_s) for channels in letters
            ]
            assert list(acting[number]) == expected, (cases[number], after_s)


@pytest.mark.parametrize("policy", POLICIES)
def test_many_channels_follow_the_general_rule(policy: str) -> None:
    tags = [f"A-{n}" for n in range(8)]
    rows = [TripRow(f"UZ-{need}", [Vote(need, tags, LIMIT)], policy=policy, latch=False) for need in range(1, 9)]
    counts = [(true, bad) for true in range(9) for bad in range(9 - true)]
    bench = Bench(make_plan(tags, rows=rows), batch=len(counts))
    letters = ["T" * true + "B" * bad + "H" * (8 - true - bad) for true, bad in counts]
    meaning = {"T": (250.0, GOOD), "H": (0.0, GOOD), "B": (np.nan, BAD_NO_COMMUNICATION)}
    for channel in range(8):
        bench.value[channel] = [meaning[text[channel]][0] for text in letters]
        bench.quality[channel] = [meaning[text[channel]][1] for text in letters]
    bench.step()
    for need in range(1, 9):
        expected = [acts(decide(text, need, policy), 0.0, 0.0) for text in letters]
        assert list(bench.state["protection.acting"][need - 1]) == expected


def test_the_cause_row_tells_true_from_unknown() -> None:
    tags = ["A-1", "A-2", "A-3"]
    rows = [TripRow(f"UZ-{policy}", [Vote(2, tags)], policy=policy) for policy in POLICIES]
    letters = ["".join(c) for c in itertools.product("HTB", repeat=3)]
    bench = Bench(make_plan(tags, rows=rows), batch=len(letters))
    for channel in range(3):
        bench.value[channel] = [{"H": 0.0, "T": 250.0, "B": np.nan}[text[channel]] for text in letters]
        bench.quality[channel] = [BAD_NO_COMMUNICATION if text[channel] == "B" else GOOD for text in letters]
    bench.step()
    for number, policy in enumerate(POLICIES):
        shown = bench.value[bench.plan.protection.members["CAUSE"][number]]
        for text, cause in zip(letters, shown, strict=True):
            true, bad = text.count("T"), text.count("B")
            if policy == "trip":
                expected = 1 if true >= 2 else 2 if true + bad >= 2 else 0
            else:
                expected = 2 if bad == 3 else int(true >= min(2, 3 - bad))
            assert cause == expected, (policy, text)


def test_a_value_written_by_hand_never_counts_as_healthy() -> None:
    rows = [TripRow("UZ-1", [Vote(1, ["A-1"])]), TripRow("UZ-2", [Vote(1, ["A-1"])], policy="excluded_alarm")]
    bench = Bench(make_plan(["A-1"], rows=rows))
    bench.write("A-1", 0.0, GOOD_LOCAL_OVERRIDE | 0x500)
    bench.step()
    assert bench.read("UZ-1.STATE") == TripState.LATCHED
    assert bench.read("UZ-2.STATE") == TripState.DEGRADED
    bench.write("A-1", 250.0, GOOD_LOCAL_OVERRIDE)
    bench.step()
    assert bench.read("UZ-2.STATE") == TripState.LATCHED


def test_a_number_that_is_none_is_bad_whatever_its_quality_says() -> None:
    bench = Bench(make_plan(["A-1"], rows=[TripRow("UZ-1", [Vote(1, ["A-1"])])]))
    bench.value[0] = np.nan
    bench.step()
    assert bench.read("UZ-1.STATE") == TripState.LATCHED
    assert bench.read("UZ-1.BAD") == 1


def test_a_value_written_by_hand_counts_once() -> None:
    tags = ["A-1", "A-2", "A-3"]
    bench = Bench(make_plan(tags, rows=[TripRow("UZ-1", [Vote(2, tags)])]))
    bench.write("A-1", 250.0, GOOD_LOCAL_OVERRIDE)
    bench.step()
    assert (bench.read("UZ-1.STATE"), bench.read("UZ-1.BAD")) == (TripState.HEALTHY, 0)


def test_a_bad_channel_is_not_true_even_if_it_shows_a_number() -> None:
    tags = ["A-1", "A-2"]
    bench = Bench(make_plan(tags, rows=[TripRow("UZ-1", [Vote(1, tags)], policy="excluded_alarm")]))
    bench.write("A-1", 250.0, BAD_NO_COMMUNICATION)
    bench.step()
    assert bench.read("UZ-1.STATE") == TripState.DEGRADED
