"""Hand-made plans for the tests of protection, arbiter and alarms, and a bench that evaluates them scan by scan."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from controller.core.clock import MonoNs, Now, UtcNs
from controller.core.command import Reason, Role
from controller.core.event import EventKind
from controller.core.plan import TRIP_MEMBERS, AlarmPlan, LoopPlan, OutputPlan, Plan, ProtectionPlan
from controller.core.quality import BAD_SENSOR_FAILURE, GOOD
from controller.core.state import State
from controller.core.tags import Row as TagRow
from controller.core.tags import RowKind, TagTable, Text
from controller.logic import alarms, protection, trip_commands

POLICIES = ("trip", "excluded_alarm", "excluded_trip_after_30s")
NO_TEXT = Text("", "")
UTC0 = 1_800_000_000_000_000_000


@dataclass
class Vote:
    """``need`` of the channels ``of`` at ``>= limit`` (sign +1) or ``<= limit`` (sign -1)."""

    need: int
    of: Sequence[str]
    limit: float = 100.0
    sign: float = 1.0
    delay_s: float = 0.0
    parts: Sequence["Vote"] = ()  # a nested vote: ``need`` of them, ``of`` is empty
    policy: str | None = None  # None: as its row

    @property
    def leaves(self) -> "Sequence[Vote]":
        return self.parts or [self]


@dataclass
class TripRow:
    key: str
    votes: Sequence[Vote]
    policy: str = "trip"
    armed: str | None = None
    latch: bool = True
    reset: tuple[str, float, float] | None = None  # tag, sign, limit
    more_resets: Sequence[tuple[str, float, float, float]] = ()  # and these: tag, sign, limit, seconds
    role: Role = Role.OPERATOR
    group: str = "boiler"
    forces: Sequence[tuple[str, float, int] | tuple[str, float, int, float]] = ()  # output, value, priority, after
    manual: Role | None = None
    function_bypass: bool = False
    channel_bypass: int = 0
    start_up: tuple[str, float] | None = None  # tag that ends it, longest time

    @property
    def resets(self) -> list[tuple[str, float, float, float]]:
        return [*([(*self.reset, 0.0)] if self.reset else []), *self.more_resets]


@dataclass
class Alarm:
    key: str
    source: str
    limit: float = 100.0
    sign: float = 1.0
    on_bad: bool = False
    deadband: float = 0.0
    on_s: float = 0.0
    off_s: float = 0.0
    unless: str | None = None
    can_shelve: bool = True


def column(values: Sequence[float] | Sequence[bool], dtype: type = np.float64) -> np.ndarray:
    return np.array(values, dtype=dtype).reshape(-1, 1)


def seconds(values: Sequence[float]) -> np.ndarray:
    return column([round(v * 1e9) for v in values], np.int64)


def make_plan(
    inputs: Sequence[str],
    *,
    rows: Sequence[TripRow] = (),
    outputs: Sequence[str] = (),
    loop_of: Sequence[int] = (),
    alarm_list: Sequence[Alarm] = (),
) -> Plan:
    alarm_list = sorted(alarm_list, key=lambda a: (a.on_bad, a.sign < 0.0))  # as the compiler does
    table = [TagRow(key, RowKind.INPUT, NO_TEXT, unit="mm") for key in inputs]
    table += [TagRow(key, RowKind.OUTPUT, NO_TEXT) for key in outputs]
    table += [TagRow(f"{row.key}.{m}", RowKind.TRIP, NO_TEXT) for row in rows for m in TRIP_MEMBERS]
    table += [TagRow(alarm.key, RowKind.ALARM, NO_TEXT) for alarm in alarm_list]
    tags = TagTable(tuple(table))
    return Plan(
        name="test",
        title=NO_TEXT,
        config_hash="",
        period_ns=100_000_000,
        watchdog_ns=2_000_000_000,
        timezone="UTC",
        tags=tags,
        areas={},
        instances={},
        devices=(),
        inputs=(),
        outputs=(),
        derived=(),
        control=(),
        derived_time=np.empty(0, dtype=np.intp),
        loops=_no_loops(),
        protection=_protection(tags, rows, list(outputs)),
        alarms=_alarms(tags, alarm_list),
        output=OutputPlan(
            keys=tuple(outputs),
            lo=column([0.0] * len(outputs)),
            hi=column([100.0] * len(outputs)),
            safe=column([np.nan] * len(outputs)),
            end_state=column([np.nan] * len(outputs)),
            loop=np.array(list(loop_of) or [-1] * len(outputs), dtype=np.intp),
            rest=column([0.0] * len(outputs)),
        ),
        system={},
        alarm_info=(),
        trip_info=(),
    )


def _no_loops() -> LoopPlan:
    empty = {f.name: np.empty((0, 1)) for f in fields(LoopPlan)}
    return LoopPlan(**{**empty, "keys": (), "hashes": (), "groups": (), "members": {}})  # type: ignore[arg-type]


def _protection(tags: TagTable, rows: Sequence[TripRow], outputs: list[str]) -> ProtectionPlan:
    votes = [(number, vote) for number, row in enumerate(rows) for vote in row.votes]
    parts = [(number, part) for number, (_, vote) in enumerate(votes) for part in vote.leaves]
    channels = [(key, part) for _, part in parts for key in part.of]
    groups = list(dict.fromkeys(row.group for row in rows))
    resets = [row.resets or [(tags.rows[0].key, 1.0, -1e9, 0.0)] for row in rows]
    effects = sorted(
        (outputs.index(effect[0]), -effect[2], number, effect[1], effect[3] if len(effect) > 3 else 0.0)
        for number, row in enumerate(rows)
        for effect in row.forces
    )

    def index(values: Sequence[int]) -> np.ndarray:
        return np.array(values, dtype=np.intp)

    def starts(sizes: Sequence[int]) -> np.ndarray:
        return index([sum(sizes[:n]) for n in range(len(sizes))])

    return ProtectionPlan(
        keys=tuple(row.key for row in rows),
        hashes=("",) * len(rows),
        numbers=tuple(range(len(rows))),
        channel_row=index([tags.index[key] for key, _ in channels]),
        channel_limit=column([part.limit for _, part in channels]),
        channel_sign=column([part.sign for _, part in channels]),
        part_first=starts([len(part.of) for _, part in parts]),
        part_size=index([len(part.of) for _, part in parts]).reshape(-1, 1),
        part_need=index([part.need for _, part in parts]).reshape(-1, 1),
        part_vote=index([number for number, _ in parts]),
        vote_first=starts([len(vote.leaves) for _, vote in votes]),
        vote_size=index([len(vote.leaves) for _, vote in votes]).reshape(-1, 1),
        vote_need=index([vote.need if vote.parts else 1 for _, vote in votes]).reshape(-1, 1),
        vote_delay=seconds([vote.delay_s for _, vote in votes]),
        vote_unknown=column([POLICIES.index(vote.policy or rows[number].policy) for number, vote in votes], np.int64),
        vote_row=index([number for number, _ in votes]),
        row_first=starts([len(row.votes) for row in rows]),
        armed_row=index([-1 if row.armed is None else tags.index[row.armed] for row in rows]),
        latch=column([row.latch for row in rows], np.bool_),
        returns=column([not row.latch and bool(row.resets) for row in rows], np.bool_),
        reset_first=starts([len(each) for each in resets]),
        reset_row=index([tags.index[one[0]] for each in resets for one in each]),
        reset_sign=column([one[1] for each in resets for one in each]),
        reset_limit=column([one[2] for each in resets for one in each]),
        reset_hold=seconds([one[3] for each in resets for one in each]),
        reset_role=tuple(row.role if row.latch else None for row in rows),
        manual_role=tuple(row.manual for row in rows),
        function_bypass=tuple(row.function_bypass for row in rows),
        channel_bypass=tuple(row.channel_bypass for row in rows),
        start_up_ns=tuple(round(row.start_up[1] * 1e9) if row.start_up else 0 for row in rows),
        start_up_row=index([tags.index[row.start_up[0]] if row.start_up else 0 for row in rows]),
        group=index([groups.index(row.group) for row in rows]),
        groups=tuple(groups),
        members={m: index([tags.index[f"{row.key}.{m}"] for row in rows]) for m in TRIP_MEMBERS},
        effect_row=index([e[2] for e in effects]),
        effect_output=index([e[0] for e in effects]),
        effect_value=column([e[3] for e in effects]),
        effect_after=seconds([e[4] for e in effects]),
        action_keys=(),
        action_row=index([]),
        action_first=index([]),
        action_acts=index([]),
        bypass_limit=3,
        bypass_max_ns=8 * 3600 * 10**9,
    )


def _alarms(tags: TagTable, items: Sequence[Alarm]) -> AlarmPlan:
    return AlarmPlan(
        keys=tuple(a.key for a in items),
        hashes=tuple(f"{a.key} {a.limit}" for a in items),
        source=np.array([tags.index[a.source] for a in items], dtype=np.intp),
        row=np.array([tags.index[a.key] for a in items], dtype=np.intp),
        limit=column([a.limit for a in items]),
        sign=column([a.sign for a in items]),
        on_bad=column([a.on_bad for a in items], np.bool_),
        deadband=column([a.deadband for a in items]),
        on_ns=seconds([a.on_s for a in items]),
        off_ns=seconds([a.off_s for a in items]),
        severity=np.array([500] * len(items), dtype=np.int64),
        unless_row=np.array([tags.index[a.unless] if a.unless else -1 for a in items], dtype=np.intp),
        can_shelve=column([a.can_shelve for a in items], np.bool_),
    )


@dataclass
class Recorded:
    kind: EventKind
    source: str
    plant: int
    fields: dict[str, object]


@dataclass
class Bench:
    """Evaluates protection and alarms of a plan on a table that the test writes."""

    plan: Plan
    batch: int = 1
    now_s: float = 1000.0
    events: list[Recorded] = field(default_factory=list[Recorded])

    def __post_init__(self) -> None:
        self.state = State(self.batch)
        protection.add_state(self.plan, self.state)
        alarms.add_state(self.plan, self.state)
        self.work = protection.Work(self.plan, self.batch)
        self.alarm_work = alarms.Work(self.plan, self.batch)
        self.value = np.zeros((len(self.plan.tags), self.batch))
        self.quality = np.full((len(self.plan.tags), self.batch), GOOD, dtype=np.uint32)
        self.forces = np.full((len(self.plan.output.keys), self.batch), np.nan)

    @property
    def now(self) -> Now:
        ns = round(self.now_s * 1e9)
        return Now(MonoNs(ns), UtcNs(UTC0 + ns))

    def emit(self, kind: EventKind, source: str, *, plant: int = 0, **fields: object) -> None:
        self.events.append(Recorded(kind, source, plant, fields))

    def put(self, **values: float | None) -> None:
        """Write tags in every plant (``_`` in a name stands for ``-``); None makes a tag bad."""
        for name, x in values.items():
            self.write(name.replace("_", "-"), x, GOOD if x is not None else BAD_SENSOR_FAILURE)

    def write(self, key: str, x: float | None, quality: int) -> None:
        """Write one tag with its quality in every plant."""
        row = self.plan.tags.index[key]
        self.value[row] = np.nan if x is None else x
        self.quality[row] = quality

    def step(self, after_s: float = 0.1) -> list[Recorded]:
        """Let time pass, evaluate once; return the new events."""
        self.now_s += after_s
        before = len(self.events)
        self.forces = protection.evaluate(
            self.plan, self.state, self.work, self.value, self.quality, now=self.now, emit=self.emit
        )
        alarms.evaluate(self.plan, self.state, self.alarm_work, self.value, self.quality, now=self.now, emit=self.emit)
        return self.events[before:]

    def run(self, for_s: float) -> list[Recorded]:
        """Step every 0.1 s for a while; return the new events."""
        before = len(self.events)
        for _ in range(round(for_s * 10)):
            self.step()
        return self.events[before:]

    def read(self, key: str) -> float:
        return float(self.value[self.plan.tags.index[key], 0])

    def reset(self, key: str, role: Role = Role.OPERATOR) -> tuple[Reason, str]:
        row = self.plan.protection.keys.index(key)
        return trip_commands.reset(
            self.plan, self.state, self.value, self.quality, row, role=role, user="olga", emit=self.emit
        )
