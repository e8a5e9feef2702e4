"""Laws of protection that hold for any sequence of readings, quality, arming, resets and restarts."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from controller.core.command import Reason, Role
from controller.core.event import EventKind
from controller.core.quality import BAD_NO_COMMUNICATION, GOOD, UNCERTAIN
from tests.logic_plans import POLICIES, Bench, TripRow, Vote, make_plan
from tests.property.test_protection_votes import decide

CHANNELS = ("A-1", "A-2", "A-3", "B-1", "B-2")
CONDITION = ("OK", 1.0, 0.5)
ROWS = (
    TripRow("UZ-1", [Vote(2, CHANNELS[:3], delay_s=0.3)], "trip", "FIRE", reset=CONDITION, forces=[("V-1", 0, 5)]),
    TripRow(
        "UZ-2",
        [Vote(2, CHANNELS[:3], delay_s=2.0)],
        "excluded_trip_after_30s",
        reset=CONDITION,
        forces=[("V-2", 30, 5)],
    ),
    TripRow(
        "UZ-3",
        [Vote(1, ["B-1"], delay_s=0.2), Vote(1, ["B-2", "A-3"])],
        "excluded_alarm",
        "FIRE",
        reset=CONDITION,
        role=Role.ENGINEER,
        forces=[("V-1", 0, 5), ("V-3", 100, 4)],
    ),
    TripRow("UZ-4", [Vote(1, ["B-1", "B-2"])], "trip", latch=False, forces=[("V-4", 10, 5)]),
    TripRow(
        "UZ-5", [Vote(2, ["B-1", "B-2"])], "excluded_alarm", reset=CONDITION, group="turbine", forces=[("V-5", 0, 5)]
    ),
)
OUTPUTS = ("V-1", "V-2", "V-3", "V-4", "V-5")


def new_bench() -> Bench:
    bench = Bench(make_plan([*CHANNELS, "FIRE", "OK"], rows=ROWS, outputs=OUTPUTS))
    bench.put(OK=1.0)
    return bench


class Timer:
    """The delay and the 30 s of one vote, one plant, in plain words."""

    def __init__(self, vote: Vote, policy: str) -> None:
        self.vote, self.policy = vote, policy
        self.began: float | None = None
        self.all_bad_since: float | None = None

    def step(self, letters: str, now: float) -> bool:
        true, bad, size = letters.count("T"), letters.count("B"), len(letters)
        decision = decide(letters, self.vote.need, self.policy)
        if decision == "yes":
            self.began = now if self.began is None else self.began
        elif (true == 0 and bad < size) or true + bad < self.vote.need:  # the good channels deny it
            self.began = None
        if bad < size:
            self.all_bad_since = None
        elif self.all_bad_since is None:
            self.all_bad_since = now
        is_over = self.began is not None and now - self.began >= self.vote.delay_s - 1e-6
        bad_too_long = self.all_bad_since is not None and now - self.all_bad_since >= 30.0 - 1e-6
        return (decision == "yes" and is_over) or (decision == "later" and bad_too_long)


class ProtectionMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.bench = new_bench()
        self.letters: dict[str, str] = dict.fromkeys(CHANNELS, "H")
        self.fire = 0.0
        self.timers = [[Timer(vote, row.policy) for vote in row.votes] for row in ROWS]
        self.latched: set[str] = set()
        self.acting: set[str] = set()
        self.listed: dict[str, float] = {}  # first-out numbers given since the group was last clear

    # --- what can happen ---------------------------------------------------------------------------------------------

    @rule(channel=st.sampled_from(CHANNELS), letter=st.sampled_from("HTB"), usable=st.sampled_from([GOOD, UNCERTAIN]))
    def read(self, channel: str, letter: str, usable: int) -> None:
        self.letters[channel] = letter
        row = self.bench.plan.tags.index[channel]
        self.bench.value[row] = {"H": 99.0, "T": 100.0, "B": np.nan}[letter]
        self.bench.quality[row] = BAD_NO_COMMUNICATION if letter == "B" else usable
        self.step(0.1)

    @rule(fire=st.sampled_from([0.0, 1.0, None]))
    def arm(self, fire: float | None) -> None:
        self.fire = fire
        self.bench.put(FIRE=fire)
        self.step(0.1)

    @rule(is_met=st.sampled_from([0.0, 1.0, None]))
    def change_reset_condition(self, is_met: float | None) -> None:
        self.bench.put(OK=is_met)
        self.step(0.1)

    @rule(seconds=st.sampled_from([0.1, 0.2, 1.0, 29.8, 30.0, 3600.0]))
    def wait(self, seconds: float) -> None:
        self.step(seconds)

    @rule(number=st.integers(0, len(ROWS) - 1), role=st.sampled_from(list(Role)))
    def reset(self, number: int, role: Role) -> None:
        row = ROWS[number]
        may = row.latch and row.role <= role < Role.ADMIN
        is_clear = self.causes_are_clear(number)
        is_met = bool(self.bench.read("OK") >= 0.5)
        reason, _ = self.bench.reset(row.key, role)
        assert (reason is Reason.ACCEPTED) == (may and row.key in self.latched and is_clear and is_met)
        if reason is Reason.ACCEPTED:
            self.latched.discard(row.key)
            if not any(other.key in self.latched for other in ROWS if other.group == row.group):
                self.listed = {k: v for k, v in self.listed.items() if group_of(k) != row.group}
        self.step(0.1)

    @rule()
    def restart(self) -> None:
        before, self.bench = self.bench, new_bench()
        self.bench.state.restore(before.state.save(retained_only=True))
        self.bench.value[...], self.bench.quality[...] = before.value, before.quality
        self.bench.now_s = before.now_s
        self.timers = [[Timer(vote, row.policy) for vote in row.votes] for row in ROWS]
        self.step(0.5)

    # --- what follows ------------------------------------------------------------------------------------------------

    def causes_are_clear(self, number: int) -> bool:
        for vote in ROWS[number].votes:
            letters = "".join(self.letters[key] for key in vote.of)
            if decide(letters, vote.need, ROWS[number].policy) != "no" or set(letters) == {"B"}:
                return False
        return True

    def step(self, seconds: float) -> None:
        events = self.bench.step(seconds)
        now = self.bench.now_s
        tripped: set[str] = set()
        for row, timers in zip(ROWS, self.timers, strict=True):
            is_armed = row.armed is None or self.fire != 0.0
            acts = [timer.step("".join(self.letters[key] for key in timer.vote.of), now) for timer in timers]
            if any(acts) and is_armed:
                tripped.add(row.key)
        fresh = {row.key for row in ROWS if row.latch and row.key in tripped} - self.latched
        for group in {group_of(key) for key in fresh}:
            number = 1 + max((n for key, n in self.listed.items() if group_of(key) == group), default=0)
            self.listed |= {key: number for key in fresh if group_of(key) == group and key not in self.listed}
        self.latched |= fresh
        self.acting = self.latched | {row.key for row in ROWS if not row.latch and row.key in tripped}
        assert {e.source for e in events if e.kind is EventKind.TRIP_LATCHED} == fresh

    @invariant()
    def what_acts_is_what_the_words_say(self) -> None:
        acting = self.bench.state["protection.acting"][:, 0]
        assert {row.key for row, acts in zip(ROWS, acting, strict=True) if acts} == self.acting

    @invariant()
    def every_effect_of_an_acting_row_is_forced_and_no_other(self) -> None:
        expected = {force[0]: force[1] for row in ROWS if row.key in self.acting for force in row.forces}
        forced = {o: float(f) for o, f in zip(OUTPUTS, self.bench.forces[:, 0], strict=True) if np.isfinite(f)}
        assert forced == expected

    @invariant()
    def first_out_does_not_change_between_trip_and_reset(self) -> None:
        shown = {row.key: self.bench.read(f"{row.key}.FIRST_OUT") for row in ROWS}
        assert {key: rank for key, rank in shown.items() if rank} == self.listed


def group_of(key: str) -> str:
    return next(row.group for row in ROWS if row.key == key)


TestProtectionMachine = ProtectionMachine.TestCase
TestProtectionMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_column_of_a_batch_equals_the_same_plant_alone_bit_for_bit() -> None:
    batch, columns, scans = 64, (0, 17, 63), 40
    tags = [f"T-{n}" for n in range(48)]
    rows = [
        TripRow(
            f"UZ-{n}",
            [Vote(1 + n % 3, tags[3 * n : 3 * n + 3], delay_s=0.2 * (n % 3))],
            policy=POLICIES[n % 3],
            armed="ARM" if n % 2 else None,
            latch=n % 4 > 0,
            group=str(n % 3),
            forces=[(f"V-{n % 5}", float(n), n % 3), (f"V-{n % 7}", float(n), n % 3)],
        )
        for n in range(16)
    ]
    plan = make_plan([*tags, "ARM"], rows=rows, outputs=[f"V-{n}" for n in range(8)])
    wide = Bench(plan, batch=batch)
    alone = {column: Bench(plan) for column in columns}
    dice = np.random.default_rng(1)
    for scan in range(scans):
        value = dice.normal(97.0, 3.0, (len(tags) + 1, batch))
        value[-1] = dice.integers(0, 2, batch)
        is_bad = dice.random(value.shape) < 0.1
        value[is_bad] = np.nan
        for bench, take in [(wide, slice(None)), *((alone[c], slice(c, c + 1)) for c in columns)]:
            bench.value[: len(value)] = value[:, take]
            bench.quality[: len(value)] = np.where(is_bad[:, take], BAD_NO_COMMUNICATION, GOOD)
            bench.step(0.1)
            if scan % 10 == 9:
                for row in rows:
                    bench.reset(row.key, Role.ENGINEER)
        for column, bench in alone.items():
            assert wide.value[:, column].tobytes() == bench.value[:, 0].tobytes()
            assert wide.forces[:, column].tobytes() == bench.forces[:, 0].tobytes()
            for name, slot in bench.state.slots.items():
                if not slot.is_shared and name.startswith("protection."):
                    assert wide.state[name][:, column].tobytes() == slot.array[:, 0].tobytes(), name
    for column, bench in alone.items():
        mine = [(e.kind, e.source, e.fields) for e in wide.events if e.plant == column]
        assert mine == [(e.kind, e.source, e.fields) for e in bench.events]
        assert len(mine) > 20
