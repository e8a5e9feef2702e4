"""The shipped cause-and-effect matrix against its YAML: every cause in every state, pairs of causes, arming, resets.

The oracle reads the files itself (``tests.protection_oracle``). Cases stand side by side as plants of one batch.
"""

import copy
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from controller.core.command import Reason, Role
from controller.core.compiler import compile_plan
from controller.core.config import load
from controller.core.plan import Plan
from controller.core.quality import (
    BAD_NO_COMMUNICATION,
    BAD_SENSOR_FAILURE,
    GOOD,
    GOOD_LOCAL_OVERRIDE,
    UNCERTAIN,
)
from tests import protection_oracle as oracle
from tests.logic_plans import Bench

FOLDER = Path(__file__).parents[2] / "config" / "almaty"
WIDTH = 256  # plants side by side
Table = dict[str, tuple[float, int]]


@cache
def plan() -> Plan:
    return compile_plan(load(FOLDER))


@cache
def matrix() -> oracle.Matrix:
    return oracle.read(FOLDER)


@cache
def calm() -> dict[str, float]:
    return oracle.healthy(matrix())


@cache
def users() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in matrix().rows.values():
        for tag in row.tags:
            found.setdefault(tag, []).append(row.key)
    return found


@cache
def causes() -> tuple[tuple[str, oracle.Limit], ...]:
    """Every channel with every limit that some vote puts on it."""
    found = {
        (tag, part.limit.side, part.limit.number): part.limit
        for row in matrix().rows.values()
        for vote in row.votes
        for part in vote.parts
        for tag in part.of
    }
    return tuple((tag, limit) for (tag, _, _), limit in found.items())


def tripping(tag: str, limit: oracle.Limit) -> float:
    match limit.side:
        case "above" | "below":
            return limit.number
        case "is_true":
            return 1.0
        case "is_false":
            return 0.0
        case _:
            return calm()[tag]


def states(tag: str, limit: oracle.Limit) -> dict[str, tuple[float, int]]:
    """Return a reading of a channel for each state that a person can name."""
    good, trip = calm()[tag], tripping(tag, limit)
    beside = np.nextafter(trip, good) if limit.side in {"above", "below"} else good
    return {
        "normal": (good, GOOD),
        "a hair off": (float(beside), GOOD),
        "trip": (trip, GOOD),
        "trip, uncertain": (trip, UNCERTAIN),
        "bad": (np.nan, BAD_SENSOR_FAILURE),
        "under-range": (np.nan, BAD_SENSOR_FAILURE | 0x100),
        "over-range": (np.nan, BAD_SENSOR_FAILURE | 0x200),
        "not a number": (np.nan, GOOD),
        "stale": (trip, BAD_NO_COMMUNICATION),
        "frozen": (good, BAD_SENSOR_FAILURE),
        "forced": (good, GOOD_LOCAL_OVERRIDE),
        "forced to trip": (trip, GOOD_LOCAL_OVERRIDE),
    }


ALL_STATES = tuple(states("L1-LT-1401A", oracle.Limit("below", -250.0)))


def bench_of(tables: Sequence[Table], of: Plan | None = None) -> Bench:
    """Return a bench whose plants hold these readings over the calm ones."""
    bench = Bench(of or plan(), batch=len(tables))
    write(bench, [{tag: (value, GOOD) for tag, value in calm().items()}] * len(tables))
    bench.step()
    bench.step(1000.0)
    assert not bench.state["protection.acting"].any()
    write(bench, tables)
    return bench


def write(bench: Bench, tables: Sequence[Table]) -> None:
    index = bench.plan.tags.index
    for column, table in enumerate(tables):
        for tag, (value, quality) in table.items():
            bench.value[index[tag], column], bench.quality[index[tag], column] = value, quality


def times(rows: Iterable[oracle.Row]) -> list[float]:
    """Return the moments at which any of the rows could act, and one scan before each."""
    delays = {vote.delay_s for row in rows for vote in row.votes} | {30.0}
    return sorted({0.0, 1.0} | delays | {max(d - 0.1, 0.0) for d in delays})


def compare(tables: Sequence[Table], of: Plan | None = None) -> int:
    """Run all cases through the matrix and the oracle; return how many rows acted."""
    acted = 0
    for start in range(0, len(tables), WIDTH):
        acted += _compare(tables[start : start + WIDTH], of)
    return acted


def _compare(tables: Sequence[Table], of: Plan | None) -> int:
    bench = bench_of(tables, of)
    touched = [sorted({key for tag in table for key in users()[tag]}) for table in tables]
    mine = [{key: copy.deepcopy(matrix().rows[key]) for key in keys} for keys in touched]
    full = [
        {tag: table.get(tag, (calm()[tag], GOOD)) for key in keys for tag in matrix().rows[key].tags}
        for keys, table in zip(touched, tables, strict=True)
    ]
    calm_table = {tag: (value, GOOD) for tag, value in calm().items()}
    began = bench.now_s + 0.1
    for each in mine:  # what was calm before
        for row in each.values():
            oracle.advance(row, calm_table, began - 1000.0)
            oracle.advance(row, calm_table, began - 0.1)
    acted = 0
    moments = [set(times(each.values())) for each in mine]  # between its own nothing changes
    expected: list[set[str]] = [set()] * len(tables)
    for after in sorted(set().union(*moments)):
        bench.now_s = began + after
        bench.step(0.0)
        acting = bench.state["protection.acting"]
        shown: list[set[str]] = [set() for _ in tables]
        for n, column in np.argwhere(acting):
            shown[column].add(bench.plan.protection.keys[n])
        for column, (each, table) in enumerate(zip(mine, full, strict=True)):
            if after in moments[column]:
                expected[column] = {key for key, row in each.items() if oracle.advance(row, table, bench.now_s)}
            assert shown[column] == expected[column], (tables[column], after, sorted(shown[column] ^ expected[column]))
            acted += len(expected[column])
    forces = bench.forces
    outputs = bench.plan.output.keys
    for column, each in enumerate(mine):
        since = {key: row.acting_since for key, row in each.items() if row.acting}
        forced = {outputs[n]: forces[n, column] for n in np.flatnonzero(np.isfinite(forces[:, column]))}
        assert forced == matrix().forced(since, bench.now_s), tables[column]
    return acted


def test_the_matrix_has_the_rows_of_its_files_and_no_other() -> None:
    assert sorted(plan().protection.keys) == sorted(matrix().rows)
    numbers = set(plan().protection.numbers)
    assert numbers == set(range(1, 52))


ARMING = {"armed": 1.0, "not armed": 0.0, "arming unknown": None}


def cases(armed: float | None, wanted: Iterable[str], lines: Sequence[str]) -> list[Table]:
    """Return one table per cause of these instances and state, with what arms its rows as given."""
    tables: list[Table] = []
    for tag, limit in causes():
        table: Table = {}
        for key in users()[tag]:
            row = matrix().rows[key]
            if row.armed != "always" and armed != 1.0:
                table[row.armed] = (np.nan, BAD_SENSOR_FAILURE) if armed is None else (armed, GOOD)
        if tag[:2] in lines:
            readings = states(tag, limit)
            tables += [table | {tag: readings[name]} for name in wanted]
    return tables


@pytest.mark.parametrize("armed", ARMING)
def test_every_cause_in_every_state(armed: str) -> None:
    wanted = ALL_STATES if armed == "armed" else ("trip", "bad")
    assert compare(cases(ARMING[armed], wanted, ("L1", "C0"))) > 0


@pytest.mark.long
@pytest.mark.parametrize("armed", ARMING)
def test_every_cause_of_every_line_in_every_state(armed: str) -> None:
    assert compare(cases(ARMING[armed], ALL_STATES, ("L1", "L2", "C0"))) > 0


def votes() -> list[tuple[str, oracle.Vote]]:
    return [(row.key, vote) for row in matrix().rows.values() if row.key[:2] != "L2" for vote in row.votes]


def combinations(vote: oracle.Vote) -> list[Table]:
    """Return up to three channels of a vote in three states each, the others calm."""
    channels = [(tag, part.limit) for part in vote.parts for tag in part.of]
    tables: list[Table] = []
    for chosen in itertools.combinations(channels, min(3, len(channels))) if len(channels) < 6 else [channels[:3]]:
        for letters in itertools.product("HTB", repeat=len(chosen)):
            table: Table = {}
            for (tag, limit), letter in zip(chosen, letters, strict=True):
                if letter != "H":
                    table[tag] = (tripping(tag, limit), GOOD) if letter == "T" else (np.nan, BAD_SENSOR_FAILURE)
            tables.append(table or {channels[0][0]: (calm()[channels[0][0]], GOOD)})
    return tables


def test_every_vote_in_every_combination_of_its_channels() -> None:
    assert compare([table for _, vote in votes() for table in combinations(vote)]) > 0


def tripped(row: oracle.Row) -> Table:
    """Return readings with which the first vote of a row is true."""
    vote = row.votes[0]
    return {
        tag: (np.nan, BAD_SENSOR_FAILURE) if part.limit.side == "is_bad" else (tripping(tag, part.limit), GOOD)
        for part in vote.parts
        for tag in part.of
    }


@pytest.mark.long
def test_every_pair_of_causes() -> None:
    rows = [row for row in matrix().rows.values() if row.key[:2] != "L2"]
    pairs = [tripped(one) | tripped(other) for one, other in itertools.combinations(rows, 2)]
    assert compare(pairs) > 0


def test_pairs_of_causes_that_share_an_output() -> None:
    rows = [row for row in matrix().rows.values() if row.key[:2] != "L2"]
    dice = np.random.default_rng(6)
    pairs = [pair for pair in itertools.combinations(rows, 2) if dice.random() < 0.15]
    assert compare([tripped(one) | tripped(other) for one, other in pairs]) > 0


def test_every_row_trips_acts_latches_and_is_reset_as_its_columns_say() -> None:
    rows = list(matrix().rows.values())
    bench = bench_of([tripped(row) for row in rows])
    for _ in range(3):
        bench.step(2000.0)
    number = {key: n for n, key in enumerate(bench.plan.protection.keys)}
    acting = bench.state["protection.acting"]
    assert all(acting[number[row.key], column] for column, row in enumerate(rows))
    for row in rows:
        if row.latch:
            assert bench.reset(row.key, Role.ENGINEER)[0] is Reason.CAUSE_STANDS, row.key
    write(bench, [{tag: (value, GOOD) for tag, value in calm().items()}] * len(rows))
    bench.step()
    bench.step(2000.0)
    for column, row in enumerate(rows):
        assert acting[number[row.key], column] == row.latch, row.key
    roles = {"operator": Role.OPERATOR, "shift_lead": Role.SHIFT_LEAD, "engineer": Role.ENGINEER}
    for row in rows:
        if row.latch:
            role = roles[str(row.reset_by)]
            assert bench.reset(row.key, Role(role - 1))[0] is Reason.NO_RIGHT
            assert bench.reset(row.key, role)[0] is Reason.ACCEPTED, row.key
            assert not acting[number[row.key]].any()
    bench.step()
    assert not acting.any()
    assert not np.isfinite(bench.forces).any()


def test_the_shown_action_is_true_while_a_row_with_it_acts() -> None:
    rows = list(matrix().rows.values())
    bench = bench_of([tripped(row) for row in rows])
    bench.step()
    bench.step(2000.0)
    names = sorted(matrix().forces)
    for column in range(len(rows)):
        found = {bench.plan.protection.keys[n] for n in np.flatnonzero(bench.state["protection.acting"][:, column])}
        expected = {name for key in found for name in matrix().all_actions(matrix().rows[key].actions)}
        shown = {name for name in names if bench.value[plan().tags.index[f"{name.replace('/', '-')}.ACT"], column] == 1}
        assert shown == expected


def changed(name: str, number: int, value: float) -> Plan:
    """Return the plan with one number of its protection wrong."""
    array = getattr(plan().protection, name).copy()
    array[number] = value
    return replace(plan(), protection=replace(plan().protection, **{name: array}))


ROW = "L1-UZ-04"  # 2oo3 above 250 for 10 s, trip, armed, latched
PLANTED = (
    ("channel_limit", "channel", 250.5),
    ("channel_limit", "channel", 249.5),
    ("channel_sign", "channel", -1.0),
    ("channel_row", "channel", 0.0),
    ("part_need", "part", 1.0),
    ("part_need", "part", 3.0),
    ("vote_delay", "vote", 9.8e9),
    ("vote_delay", "vote", 10.2e9),
    ("vote_delay", "vote", 0.0),
    ("vote_unknown", "vote", 1.0),
    ("vote_unknown", "vote", 2.0),
    ("armed_row", "row", -1.0),
    ("armed_row", "row", 0.0),
    ("effect_value", "effect", 77.0),
    ("effect_output", "effect", 0.0),
    ("effect_after", "effect", 1e15),
    ("effect_row", "effect", 0.0),
    ("reset_limit", "reset", -400.0),
    ("reset_sign", "reset", 1.0),
    ("latch", "row", 0.0),
)


@pytest.mark.parametrize(("name", "what", "value"), PLANTED)
def test_a_planted_error_is_found(name: str, what: str, value: float) -> None:
    p = plan().protection
    row = p.keys.index(ROW)
    vote = int(p.row_first[row])
    part = int(p.vote_first[vote])
    effect = int(np.flatnonzero(p.effect_row == row)[-1])
    number = {
        "row": row, "vote": vote, "part": part, "channel": int(p.part_first[part]), "effect": effect,
        "reset": int(p.reset_first[row]),
    }[what]  # fmt: skip
    wrong = changed(name, number, value)
    spec = matrix().rows[ROW]
    beside = (float(np.nextafter(250.0, 0.0)), GOOD)  # one channel a hair off, the others tripped or calm
    close = [{one: beside, other: (250.0, GOOD)} for one, other in itertools.permutations(spec.votes[0].parts[0].of, 2)]
    tables = [*combinations(spec.votes[0]), *close, tripped(spec)]
    tables += [table | {spec.armed: (0.0, GOOD)} for table in tables]
    with pytest.raises(AssertionError):
        judge(tables, wrong)


def judge(tables: Sequence[Table], of: Plan) -> None:
    compare(tables, of)
    resets_as_written(of)


def resets_as_written(of: Plan) -> None:
    """Trip the row, let its cause go, and find it latched and to be reset where the reset condition holds."""
    spec = matrix().rows[ROW]
    tag, limit, _ = spec.resets[0]
    beside = limit.number + 1.0
    bench = bench_of([tripped(spec)], of)
    bench.step()
    bench.step(100.0)
    for value, answer in ((beside, Reason.CAUSE_STANDS), (limit.number, Reason.ACCEPTED)):
        write(bench, [dict.fromkeys((*spec.votes[0].parts[0].of, tag), (value, GOOD))])
        bench.step()
        assert bench.reset(ROW)[0] is answer


def test_what_is_not_planted_passes_the_same_checks() -> None:
    spec = matrix().rows[ROW]
    judge([*combinations(spec.votes[0]), tripped(spec)], plan())
