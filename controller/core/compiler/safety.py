"""Plans of protection rows and alarms, and the words that stand beside them."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from controller.core import models
from controller.core.command import ROLE_NAMES, Role
from controller.core.compiler.arrays import column, limit_of, mask, nanoseconds, rows, starts
from controller.core.compiler.table import LOW_KINDS, Alarm, Table, acts_key, text
from controller.core.config import Config, Placed
from controller.core.plan import TRIP_MEMBERS, AlarmInfo, AlarmPlan, ProtectionPlan, TripInfo

ON_UNKNOWN = ("trip", "excluded_alarm", "excluded_trip_after_30s")
SEVERITY = {"high": 800, "medium": 500, "low": 200}  # OPC UA Part 9: 667-1000 high, 334-666 medium, 1-333 low
NEVER = (0, np.inf, 1.0)  # the condition of a row that has none: table row, limit, sign

Row = Placed[models.ProtectionRow]
Effect = tuple[int, int, int, float, float]  # output, -priority, row, value, seconds after


def protection_plan(config: Config, table: Table, matrix: Sequence[Row], outputs: Sequence[str]) -> ProtectionPlan:
    """Return the cause-and-effect matrix as arrays; ``outputs`` are the keys of the outputs in row order."""
    votes = [(n, vote) for n, row in enumerate(matrix) for vote in row.spec.votes.values()]
    parts = [(n, part) for n, (_, vote) in enumerate(votes) for part in vote.leaves]
    channels = [(key, part) for _, part in parts for key in part.of]
    resets = [_resets(table, row.spec) for row in matrix]
    groups = list(dict.fromkeys(_group(row) for row in matrix))
    effects = _effects(config, matrix, outputs)
    acting = [(key, n) for n, row in enumerate(matrix) for key in all_actions(config, row.spec.actions)]
    users = {key: [n for one, n in acting if one == key] for key in dict.fromkeys(key for key, _ in acting)}
    return ProtectionPlan(
        keys=tuple(row.key for row in matrix),
        hashes=tuple(row.hash for row in matrix),
        numbers=tuple(row.spec.number for row in matrix),
        channel_row=rows(table.index[key] for key, _ in channels),
        channel_limit=column(limit_of(part)[0] for _, part in channels),
        channel_sign=column(limit_of(part)[1] for _, part in channels),
        part_first=rows(starts([len(part.of) for _, part in parts])),
        part_size=rows(len(part.of) for _, part in parts).reshape(-1, 1),
        part_need=rows(_need(part) for _, part in parts).reshape(-1, 1),
        part_vote=rows(n for n, _ in parts),
        vote_first=rows(starts([len(vote.leaves) for _, vote in votes])),
        vote_size=rows(len(vote.leaves) for _, vote in votes).reshape(-1, 1),
        vote_need=rows(_need(vote) if vote.parts else 1 for _, vote in votes).reshape(-1, 1),
        vote_delay=nanoseconds(vote.delay_s for _, vote in votes),
        vote_unknown=_unknown(vote.on_unknown or matrix[n].spec.on_unknown for n, vote in votes),
        vote_row=rows(n for n, _ in votes),
        row_first=rows(starts([len(row.spec.votes) for row in matrix])),
        armed_row=rows(-1 if row.spec.armed_when == "always" else table.index[row.spec.armed_when] for row in matrix),
        latch=mask(row.spec.latch for row in matrix),
        returns=mask(not row.spec.latch and bool(row.spec.resets) for row in matrix),
        reset_first=rows(starts([len(each) for each in resets])),
        reset_row=rows(one[0] for each in resets for one in each),
        reset_limit=column(one[1] for each in resets for one in each),
        reset_sign=column(one[2] for each in resets for one in each),
        reset_hold=nanoseconds(one[3] for each in resets for one in each),
        reset_role=tuple(_role(row.spec.reset_by) for row in matrix),
        manual_role=tuple(_role(row.spec.manual_trip) for row in matrix),
        function_bypass=tuple(row.spec.function_bypass for row in matrix),
        channel_bypass=tuple(row.spec.channel_bypass for row in matrix),
        start_up_ns=tuple(round(row.spec.start_up.max_s * 1e9) if row.spec.start_up else 0 for row in matrix),
        start_up_row=rows(table.index[row.spec.start_up.until] if row.spec.start_up else 0 for row in matrix),
        group=rows(groups.index(_group(row)) for row in matrix),
        groups=tuple(groups),
        members={m: rows(table.index[f"{row.key}.{m}"] for row in matrix) for m in TRIP_MEMBERS},
        effect_row=rows(e[2] for e in effects),
        effect_output=rows(e[0] for e in effects),
        effect_value=column(e[3] for e in effects),
        effect_after=nanoseconds(e[4] for e in effects),
        action_keys=tuple(users),
        action_row=rows(n for each in users.values() for n in each),
        action_first=rows(starts([len(each) for each in users.values()])),
        action_acts=rows(table.index[acts_key(key)] for key in users),
        bypass_limit=config.plant.bypasses.limit,
        bypass_max_ns=round(config.plant.bypasses.max_h * 3.6e12),
    )


def all_actions(config: Config, names: Sequence[str]) -> list[str]:
    """Return actions and all that they name in ``also``, each once, in order."""
    found: dict[str, None] = {}
    todo = list(names)
    while todo:
        name = todo.pop(0)
        if name not in found:
            found[name] = None
            todo += config.actions[name].spec.also
    return list(found)


def _need(spec: models.VoteSpec | models.PartSpec) -> int:
    return int(spec.vote.split("oo")[0])


def _unknown(names: Iterable[str]) -> npt.NDArray[np.int64]:
    return np.array([ON_UNKNOWN.index(name) for name in names], dtype=np.int64).reshape(-1, 1)


def _role(name: str | None) -> Role | None:
    return ROLE_NAMES[name] if name else None


def _resets(table: Table, spec: models.ProtectionRow) -> list[tuple[int, float, float, float]]:
    """Return (table row, limit, sign, seconds) of the reset conditions of a row, or the one that never holds."""
    return [(table.index[one.tag], *limit_of(one), one.for_s) for one in spec.resets] or [(*NEVER, 0.0)]


def _effects(config: Config, matrix: Sequence[Row], outputs: Sequence[str]) -> list[Effect]:
    """Return the effects sorted: of one output the highest priority first."""
    number = {key: n for n, key in enumerate(outputs)}
    return sorted(
        (number[output], -action.priority, n, *_value(force))
        for n, row in enumerate(matrix)
        for action in (config.actions[name].spec for name in all_actions(config, row.spec.actions))
        for output, force in action.force.items()
    )


def _value(force: float | models.Force) -> tuple[float, float]:
    return (force.to, force.after_s) if isinstance(force, models.Force) else (force, 0.0)


def alarm_plan(table: Table, alarms: Sequence[Alarm]) -> AlarmPlan:
    """Return all alarms as arrays."""
    spec = [alarm.spec for alarm in alarms]
    return AlarmPlan(
        keys=tuple(alarm.key for alarm in alarms),
        hashes=tuple(alarm.tag.hash for alarm in alarms),
        source=rows(table.index[alarm.source] for alarm in alarms),
        row=rows(table.index[alarm.key] for alarm in alarms),
        limit=column(s.limit if s.limit is not None else 0.5 for s in spec),
        sign=column(-1.0 if alarm.kind in LOW_KINDS else 1.0 for alarm in alarms),
        on_bad=mask(alarm.kind == "bad" for alarm in alarms),
        deadband=column(s.deadband for s in spec),
        on_ns=nanoseconds(s.on_s for s in spec),
        off_ns=nanoseconds(s.off_s for s in spec),
        severity=np.array([SEVERITY[s.priority] for s in spec], dtype=np.int64),
        unless_row=rows(table.index[s.unless] if s.unless else -1 for s in spec),
        can_shelve=mask(True for _ in alarms),
    )


def trip_info(config: Config, table: Table, placed: Row) -> TripInfo:
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
    words = [_part_words(table, part) for part in vote.leaves]
    what = f"{vote.vote} of {{{'; '.join(words)}}}" if vote.parts else words[0]
    return f"{what} for {vote.delay_s:g} s" if vote.delay_s else what


def _part_words(table: Table, part: models.VoteSpec | models.PartSpec) -> str:
    unit = table.rows[table.index[part.of[0]]].unit
    if part.is_bad:
        what = "bad"
    elif part.is_true or part.is_false:
        what = f"= {int(part.is_true)}"
    else:
        limit, sign = limit_of(part)
        what = f"{'>=' if sign > 0 else '<='} {limit:g} {unit}".rstrip()
    return f"{part.vote} of {', '.join(part.of)} {what}"


def _group(row: Row) -> str:
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
