"""Long random walks of many plants through readings, arming, bypasses, resets, manual trips and restarts.

After every scan each plant is compared with the oracle, and what must hold at any time is checked on all at once.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.command import Action, Command, Reason, Role
from controller.core.event import EventKind
from controller.core.quality import BAD_NO_COMMUNICATION, GOOD
from controller.logic import suspension, trip_commands
from tests import protection_oracle as oracle
from tests.logic_plans import Bench, TripRow, Vote, make_plan

CHANNELS = ("A-1", "A-2", "A-3", "B-1", "B-2", "C-1")
PLANTS, SCANS = 48, 90
OK = ("OK", 1.0, 0.5)
ROWS = (
    TripRow(
        "UZ-1", [Vote(2, CHANNELS[:3], delay_s=0.3)], armed="FIRE", reset=OK, forces=[("V-1", 0, 5)], channel_bypass=1
    ),
    TripRow(
        "UZ-2",
        [Vote(2, CHANNELS[:3], delay_s=2.0)],
        "excluded_trip_after_30s",
        reset=OK,
        forces=[("V-1", 9, 6)],
        channel_bypass=1,
    ),
    TripRow(
        "UZ-3",
        [Vote(1, ["B-1"], delay_s=0.2), Vote(1, ["B-2", "A-3"])],
        "excluded_alarm",
        "FIRE",
        reset=OK,
        function_bypass=True,
        channel_bypass=1,
        forces=[("V-2", 1, 5, 1.0)],
    ),
    TripRow(
        "UZ-4",
        [Vote(1, ["C-1"])],
        latch=False,
        more_resets=[("OK", 1.0, 0.5, 0.5)],
        forces=[("V-3", 10, 5)],
        function_bypass=True,
    ),
    TripRow(
        "UZ-5",
        [Vote(2, [], parts=[Vote(1, ["B-1", "B-2"]), Vote(2, ["A-1", "A-2"])], delay_s=0.2)],
        "excluded_trip_after_30s",
        reset=OK,
        group="turbine",
        forces=[("V-4", 0, 5)],
        channel_bypass=1,
    ),
    TripRow(
        "UZ-6",
        [Vote(2, [], parts=[Vote(1, ["C-1"]), Vote(1, ["B-2"])])],
        "trip",
        "FIRE",
        reset=OK,
        group="turbine",
        manual=Role.OPERATOR,
        forces=[("V-4", 5, 5)],
    ),
)
OUTPUTS = ("V-1", "V-2", "V-3", "V-4")
SUSPENDABLE = ("UZ-3", "UZ-4", "A-1", "A-2", "A-3", "B-1")
LIMIT = oracle.Limit("above", 100.0)


def oracle_row(row: TripRow) -> oracle.Row:
    votes = [
        oracle.Vote(
            str(number),
            vote.need if vote.parts else 1,
            [oracle.Part(part.need, list(part.of), LIMIT) for part in vote.leaves],
            bool(vote.parts),
            vote.delay_s,
            row.policy,
        )
        for number, vote in enumerate(row.votes)
    ]
    resets = [(tag, oracle.Limit("above", limit), for_s) for tag, _, limit, for_s in row.resets]
    return oracle.Row(
        key=row.key,
        group=row.group,
        votes=votes,
        armed=row.armed or "always",
        actions=[],
        latch=row.latch,
        resets=resets,
        reset_by="operator" if row.latch else None,
        function_bypass=row.function_bypass,
        channel_bypass=row.channel_bypass,
        manual=None,
        held=[None] * len(resets),
    )


class Walk:
    """Plants side by side and the oracle of each."""

    def __init__(self, seed: int, plants: int) -> None:
        self.dice = np.random.default_rng(seed)
        self.plants = plants
        self.bench = self.new_bench()
        self.rows = [[oracle_row(row) for row in ROWS] for _ in range(plants)]
        self.letters = np.full((len(CHANNELS), plants), "H")
        self.fire = np.ones(plants)
        self.ok = np.ones(plants)
        self.steps = 0
        self.is_tripped_by_hand = False

    def new_bench(self) -> Bench:
        bench = Bench(make_plan([*CHANNELS, "FIRE", "OK"], rows=ROWS, outputs=OUTPUTS), batch=self.plants)
        bench.put(FIRE=1.0, OK=1.0)
        return bench

    # --- what happens ------------------------------------------------------------------------------------------------

    def change(self) -> None:
        changes = self.dice.random(self.letters.shape) < 0.12
        self.letters = np.where(changes, self.dice.choice(list("HHTB"), self.letters.shape), self.letters)
        value = np.select([self.letters == "T", self.letters == "B"], [100.0, np.nan], 99.0)
        self.bench.value[: len(CHANNELS)] = value
        self.bench.quality[: len(CHANNELS)] = np.where(self.letters == "B", BAD_NO_COMMUNICATION, GOOD)
        for name, states in (("FIRE", self.fire), ("OK", self.ok)):
            flips = self.dice.random(self.plants) < 0.05
            states[flips] = self.dice.choice([0.0, 1.0, np.nan], int(flips.sum()))
            row = self.bench.plan.tags.index[name]
            self.bench.value[row] = states
            self.bench.quality[row] = np.where(np.isnan(states), BAD_NO_COMMUNICATION, GOOD)

    def command(self) -> None:
        state, plan, now = self.bench.state, self.bench.plan, round(self.bench.now_s * 1e9)
        match int(self.dice.integers(0, 8)):
            case 0 | 1:
                self.reset(int(self.dice.integers(0, len(ROWS))))
            case 2:
                reason, _ = trip_commands.trip(plan, state, 5, role=Role.OPERATOR)
                assert reason is Reason.ACCEPTED
                self.is_tripped_by_hand = True  # from the next scan on
            case 3 | 4:
                target, user = str(self.dice.choice(SUSPENDABLE)), str(self.dice.choice(["ann", "bob"]))
                seconds = float(self.dice.choice([0.5, 5.0, 60.0]))
                asked = Command("1", target, Action.ASK_BYPASS, seconds, "ann", Role.OPERATOR, "work")
                suspension.ask(plan, state, asked, now, self.bench.emit)
                granted = Command("2", target, Action.GRANT_BYPASS, 0.0, user, Role.SHIFT_LEAD)
                before = state["protection.left"].copy()
                reason, _ = suspension.grant(plan, state, granted, now, self.bench.emit)
                if user == "ann":
                    assert reason is not Reason.ACCEPTED
                    assert np.array_equal(before, state["protection.left"])
            case 5:
                target = str(self.dice.choice(SUSPENDABLE))
                suspension.end(
                    plan, state, Command("3", target, Action.END_BYPASS, role=Role.OPERATOR), self.bench.emit
                )
            case _:
                pass

    def reset(self, number: int) -> None:
        acting = self.bench.state["protection.acting"][number].copy()
        reason, _ = self.bench.reset(ROWS[number].key)
        cleared = acting & ~self.bench.state["protection.acting"][number]
        may = np.array([self.may_reset(rows[number]) for rows in self.rows])
        assert np.array_equal(cleared, may)
        assert (reason is Reason.ACCEPTED) == bool(may.any())
        for rows, is_cleared in zip(self.rows, cleared, strict=True):
            rows[number].acting = rows[number].acting and not is_cleared

    def may_reset(self, row: oracle.Row) -> bool:
        return row.latch and row.acting and row.is_clear and row.is_met

    def restart(self) -> None:
        before, gap = self.bench, float(self.dice.choice([0.2, 3.0]))
        self.bench = self.new_bench()
        self.bench.state.restore(before.state.save(retained_only=True))
        suspension.start(self.bench.plan, self.bench.state, gap)
        self.bench.value[...], self.bench.quality[...] = before.value, before.quality
        self.bench.now_s = before.now_s + gap
        for name in ("acting", "rank"):
            assert np.array_equal(before.state[f"protection.{name}"], self.bench.state[f"protection.{name}"])
        for rows in self.rows:
            for row in rows:
                row.held = [None] * len(row.resets)
                row.acting_since, row.is_met = -1e9, False
                for vote in row.votes:
                    vote.began = vote.bad_since = None

    # --- what must follow --------------------------------------------------------------------------------------------

    def scan(self) -> None:
        state = self.bench.state
        rank = state["protection.rank"].copy()
        latched = state["protection.acting"] & np.array([[row.latch] for row in ROWS])
        self.bench.step(float(self.dice.choice([0.1, 0.1, 0.3, 2.0, 31.0])))
        self.steps += self.plants
        self.judge()
        self.first_out_is_frozen(rank, latched)
        left = state["protection.left"]
        assert suspension.count(self.bench.plan, state) <= 3
        assert (left >= 0).all()

    def judge(self) -> None:
        bench = self.bench
        keys = suspension.slot_keys(bench.plan)
        active = {keys[n] for n in np.flatnonzero(bench.state["protection.left"])}
        out = active & set(CHANNELS)
        now = bench.now_s
        acting = bench.state["protection.acting"]
        for column, rows in enumerate(self.rows):
            readings: dict[str, Any] = {
                tag: (float(bench.value[n, column]), int(bench.quality[n, column]))
                for n, tag in enumerate((*CHANNELS, "FIRE", "OK"))
            }
            for number, row in enumerate(rows):
                was = row.acting
                row.acting = row.acting or (self.is_tripped_by_hand and number == 5)
                suspended = f"{row.key}.function" in active
                oracle.advance(row, readings, now, out, suspended=suspended)
                if row.acting and not was:
                    row.acting_since = now
                row.is_clear, row.is_met = oracle.clear(row, readings, out), oracle.resets_hold(row, readings, now)
                assert acting[number, column] == row.acting, (row.key, readings, active)
        self.is_tripped_by_hand = False
        forced = bench.forces
        for column in (0, self.plants - 1):
            expected = np.full(len(OUTPUTS), np.nan)
            best = np.full(len(OUTPUTS), -1)
            for row, spec in zip(self.rows[column], ROWS, strict=True):
                for output, value, priority, *after in spec.forces:
                    n = OUTPUTS.index(output)
                    if row.acting and priority > best[n] and now - row.acting_since >= (after or [0.0])[0] - 1e-6:
                        expected[n], best[n] = value, priority
            np.testing.assert_array_equal(forced[:, column], expected)

    def first_out_is_frozen(self, rank: np.ndarray, latched: np.ndarray) -> None:
        now = self.bench.state["protection.rank"]
        for group in ("boiler", "turbine"):
            rows = [n for n, row in enumerate(ROWS) if row.group == group]
            stood = latched[rows].any(axis=0)
            listed = (rank[rows] > 0) & stood
            assert (now[rows][listed] == rank[rows][listed]).all()


def walk(seed: int, plants: int, scans: int) -> int:
    one = Walk(seed, plants)
    for _ in range(scans):
        one.change()
        one.command()
        one.scan()
        if one.dice.random() < 0.03:
            one.restart()
    begun = [event for event in one.bench.events if event.kind is EventKind.BYPASS_BEGUN]
    assert all(event.fields["user"] == "bob" for event in begun)
    return one.steps


@settings(max_examples=24, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_walks_of_many_plants_follow_the_oracle(seed: int) -> None:
    assert walk(seed, PLANTS, SCANS) == PLANTS * SCANS


@pytest.mark.long
def test_a_million_steps_follow_the_oracle() -> None:
    assert sum(walk(seed, 200, 500) for seed in range(10)) == 1_000_000


def test_the_same_walk_gives_the_same_state() -> None:
    walks = [Walk(7, 8) for _ in range(2)]
    for one in walks:
        for _ in range(60):
            one.change()
            one.command()
            one.scan()
    first, second = (one.bench.state.save() for one in walks)
    assert first == second
