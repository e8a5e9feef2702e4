"""What people do to protection rows: reset, trip by hand; and the words for why a reset is refused."""

from typing import Any, Final

import numpy as np

from controller.core.clock import NS_PER_S
from controller.core.command import Reason, Role
from controller.core.event import EventKind
from controller.core.plan import Plan
from controller.core.quality import BAD, GOOD_LOCAL_OVERRIDE, Codes, name
from controller.core.state import State
from controller.core.tags import Floats
from controller.logic import protection
from controller.logic.emit import Emit

_SUB_CODE_MASK: Final = 0xFFFF  # limit and info bits, below a status code's sub-code


def reset(
    plan: Plan, state: State, value: Floats, quality: Codes, row: int, *, role: Role, user: str, emit: Emit
) -> tuple[Reason, str]:
    """Reset a latched row by hand; return the reason and, for a refusal, what stands in the way.

    Accepted once per latch, when no cause of the row is true or unknown and its reset condition is met by a value that
    is not bad, all as of the last evaluation. ``value`` and ``quality`` are its table and serve the words only. In a
    batch it acts on every plant in which it may, and is accepted when that is at least one.
    """
    p, key = plan.protection, plan.protection.keys[row]
    needed = p.reset_role[row]
    if needed is None:
        return Reason.NOT_WRITABLE, f"{key} follows its cause: there is nothing to reset"
    if not needed <= role < Role.ADMIN:  # an admin has no process rights
        return Reason.NO_RIGHT, f"{key} is reset by {needed.name.lower()} or higher, not by {role.name.lower()}"
    acting, resettable = state["protection.acting"], state["protection.resettable"]
    if not acting[row].any():
        return Reason.WRONG_MODE, f"{key} is not latched: there is nothing to reset"
    if not resettable[row].any():
        return Reason.CAUSE_STANDS, _obstacle(plan, state, value, quality, row)
    columns = np.flatnonzero(resettable[row])
    acting[row, columns] = False
    resettable[row] = False
    protection.release_first_out(state, np.flatnonzero(p.group == p.group[row]), acting & p.latch)
    for column in columns:
        emit(EventKind.TRIP_RESET, key, plant=int(column), severity=protection.SEVERITY_ENDED, user=user)
    return Reason.ACCEPTED, f"{key} is reset"


def trip(plan: Plan, state: State, row: int, *, role: Role) -> tuple[Reason, str]:
    """Trip a row by hand, in all plants of the batch; armed or not, bypassed or not."""
    key, needed = plan.protection.keys[row], plan.protection.manual_role[row]
    if needed is None:
        return Reason.NOT_WRITABLE, f"{key}: this row has no manual trip"
    if not needed <= role < Role.ADMIN:
        return Reason.NO_RIGHT, f"{key} is tripped by {needed.name.lower()} or higher, not by {role.name.lower()}"
    state["protection.manual"][row] = True
    return Reason.ACCEPTED, f"{key} is tripped"


def holder(plan: Plan, state: State, output: int) -> str:
    """Return the key of the row that forces an output (in any plant of the batch); "" when none does."""
    p, acting = plan.protection, state["protection.acting"]
    effects = np.flatnonzero(p.effect_output == output)
    return next((p.keys[row] for row in p.effect_row[effects] if acting[row].any()), "")


def _obstacle(plan: Plan, state: State, value: Floats, quality: Codes, row: int) -> str:
    """Return the words for why a latched row cannot be reset, of the first plant in which it is latched."""
    p, key = plan.protection, plan.protection.keys[row]
    column = int(np.flatnonzero(state["protection.acting"][row])[0])
    if not state["protection.cause"][row, column]:
        end = p.reset_first[row + 1] if row + 1 < len(p.keys) else len(p.reset_row)
        return f"{key}: reset needs " + "; ".join(
            _condition(plan, value, quality, number, column) for number in range(p.reset_first[row], end)
        )
    channels = np.flatnonzero(np.repeat(p.vote_row[p.part_vote], p.part_size[:, 0]) == row)
    standing = [_standing(plan, value, quality, int(channel), column) for channel in channels]
    return f"{key}: cause still stands: {'; '.join(filter(None, standing))}"


def _condition(plan: Plan, value: Floats, quality: Codes, number: int, column: int) -> str:
    """Return the words for one reset condition and what it is now."""
    p, source = plan.protection, int(plan.protection.reset_row[number])
    needed = _comparison(plan, source, p.reset_sign[number, 0], p.reset_limit[number, 0])
    held = f" for {p.reset_hold[number, 0] / NS_PER_S:g} s" if p.reset_hold[number, 0] else ""
    return f"{plan.tags.rows[source].key} {needed}{held}, it is {_reading(plan, source, value, quality, column)}"


def _standing(plan: Plan, value: Floats, quality: Codes, channel: int, column: int) -> str:
    """Return the words for a channel that is not healthy, "" for one that is."""
    p = plan.protection
    source, sign, limit = int(p.channel_row[channel]), p.channel_sign[channel, 0], p.channel_limit[channel, 0]
    code = int(quality[source, column])
    if sign * value[source, column] < sign * limit and code & ~_SUB_CODE_MASK != GOOD_LOCAL_OVERRIDE:
        return ""
    reading = _reading(plan, source, value, quality, column)
    return f"{plan.tags.rows[source].key} is {reading} (acts {_comparison(plan, source, sign, limit)})"


def _reading(plan: Plan, source: int, value: Floats, quality: Codes, column: int) -> str:
    code = int(quality[source, column])
    number = f"{value[source, column]:g} {plan.tags.rows[source].unit}".rstrip()
    return name(code) if code >= BAD else number


def _comparison(plan: Plan, source: int, sign: Any, limit: Any) -> str:
    return f"{'>=' if sign > 0 else '<='} {limit:g} {plan.tags.rows[source].unit}".rstrip()
