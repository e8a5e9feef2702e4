"""Plans of protection rows and alarms, and the words that stand beside them."""

from collections.abc import Sequence

import numpy as np

from controller.core import models
from controller.core.command import ROLE_NAMES
from controller.core.compiler.arrays import column, limit_of, mask, nanoseconds, rows, starts
from controller.core.compiler.table import TRIP_MEMBERS, Alarm, Table, text
from controller.core.config import Config, Placed
from controller.core.plan import AlarmInfo, AlarmPlan, ProtectionPlan, TripInfo

ON_UNKNOWN = ("trip", "excluded_alarm", "excluded_trip_after_30s")
SEVERITY = {"high": 800, "medium": 500, "low": 200}  # OPC UA Part 9: 667-1000 high, 334-666 medium, 1-333 low


def protection_plan(
    config: Config, table: Table, matrix: Sequence[Placed[models.ProtectionRow]], outputs: Sequence[str]
) -> ProtectionPlan:
    """Return the cause-and-effect matrix as arrays; ``outputs`` are the keys of the outputs in row order."""
    votes = [(n, vote) for n, row in enumerate(matrix) for vote in row.spec.votes.values()]
    channels = [(key, vote) for _, vote in votes for key in vote.of]
    sizes = [len(vote.of) for _, vote in votes]
    votes_per_row = [len(row.spec.votes) for row in matrix]
    groups = list(dict.fromkeys(_group(row) for row in matrix))
    resets = [row.spec.reset_when for row in matrix]
    effects = _effects(config, matrix, outputs)
    return ProtectionPlan(
        keys=tuple(row.key for row in matrix),
        hashes=tuple(row.hash for row in matrix),
        numbers=tuple(row.spec.number for row in matrix),
        channel_row=rows(table.index[key] for key, _ in channels),
        channel_limit=column(limit_of(vote)[0] for _, vote in channels),
        channel_sign=column(limit_of(vote)[1] for _, vote in channels),
        vote_first=rows(starts(sizes)),
        vote_size=rows(sizes).reshape(-1, 1),
        vote_need=rows(int(vote.vote.split("oo")[0]) for _, vote in votes).reshape(-1, 1),
        vote_delay=nanoseconds(vote.delay_s for _, vote in votes),
        vote_of_row=rows(n for n, _ in votes),
        row_first=rows(starts(votes_per_row)),
        armed_row=rows(-1 if row.spec.armed_when == "always" else table.index[row.spec.armed_when] for row in matrix),
        on_unknown=np.array([ON_UNKNOWN.index(row.spec.on_unknown) for row in matrix], dtype=np.int64).reshape(-1, 1),
        latch=mask(row.spec.latch for row in matrix),
        reset_row=rows(table.index[r.tag] if r else 0 for r in resets),
        reset_limit=column(limit_of(r)[0] if r else 0.0 for r in resets),
        reset_sign=column(limit_of(r)[1] if r else 1.0 for r in resets),
        reset_role=tuple(ROLE_NAMES[row.spec.reset_by] if row.spec.reset_by else None for row in matrix),
        group=rows(groups.index(_group(row)) for row in matrix),
        groups=tuple(groups),
        members={m: rows(table.index[f"{row.key}.{m}"] for row in matrix) for m in TRIP_MEMBERS},
        effect_row=rows(e[2] for e in effects),
        effect_output=rows(e[0] for e in effects),
        effect_value=column(e[3] for e in effects),
    )


def _effects(
    config: Config, matrix: Sequence[Placed[models.ProtectionRow]], outputs: Sequence[str]
) -> list[tuple[int, int, int, float]]:
    """Return (output, -priority, row, value), sorted: of one output the highest priority first."""
    return sorted(
        (outputs.index(output), -action.priority, n, value)
        for n, row in enumerate(matrix)
        for action in (config.actions[name].spec for name in row.spec.actions)
        for output, value in action.force.items()
    )


def alarm_plan(table: Table, alarms: Sequence[Alarm]) -> AlarmPlan:
    """Return all alarms as arrays."""
    spec = [alarm.spec for alarm in alarms]
    return AlarmPlan(
        keys=tuple(alarm.key for alarm in alarms),
        hashes=tuple(alarm.tag.hash for alarm in alarms),
        source=rows(table.index[alarm.source] for alarm in alarms),
        row=rows(table.index[alarm.key] for alarm in alarms),
        limit=column(s.limit if s.limit is not None else 0.5 for s in spec),
        sign=column(-1.0 if alarm.kind in {"lo", "lolo"} else 1.0 for alarm in alarms),
        on_bad=mask(alarm.kind == "bad" for alarm in alarms),
        deadband=column(s.deadband for s in spec),
        on_ns=nanoseconds(s.on_s for s in spec),
        off_ns=nanoseconds(s.off_s for s in spec),
        severity=np.array([SEVERITY[s.priority] for s in spec], dtype=np.int64),
        unless_row=rows(table.index[s.unless] if s.unless else -1 for s in spec),
        can_shelve=mask(True for _ in alarms),
    )


def trip_info(config: Config, table: Table, placed: Placed[models.ProtectionRow]) -> TripInfo:
    """Return the words beside a protection row."""
    spec = placed.spec
    return TripInfo(
        key=placed.key,
        number=spec.number,
        title=text(spec.title),
        group=_group(placed),
        causes=tuple(_cause_words(table, vote) for vote in spec.votes.values()),
        actions=tuple(f"{name} {config.actions[name].spec.title.en}" for name in spec.actions),
        reset_role=ROLE_NAMES[spec.reset_by] if spec.reset_by else None,
    )


def _cause_words(table: Table, vote: models.VoteSpec) -> str:
    unit = table.rows[table.index[vote.of[0]]].unit
    if vote.is_true or vote.is_false:
        what = f"= {int(vote.is_true)}"
    else:
        limit, sign = limit_of(vote)
        what = f"{'>=' if sign > 0 else '<='} {limit:g} {unit}".rstrip()
    delay = f" for {vote.delay_s:g} s" if vote.delay_s else ""
    return f"{vote.vote} of {', '.join(vote.of)} {what}{delay}"


def _group(row: Placed[models.ProtectionRow]) -> str:
    return f"{row.instance}-{row.spec.group}"


def alarm_info(alarm: Alarm) -> AlarmInfo:
    """Return the words beside an alarm."""
    spec = alarm.spec
    return AlarmInfo(
        key=alarm.key,
        source=alarm.source,
        kind=alarm.kind,  # pyright: ignore[reportArgumentType]  one of ALARM_KINDS
        severity=SEVERITY[spec.priority],
        limit=spec.limit,
        title=text(alarm.tag.spec.title),
        consequence=text(spec.consequence) if spec.consequence else None,
        response=text(spec.response) if spec.response else None,
    )
