"""Commands: the only way in for a person. One function of the scan checks them; every one is answered.

A command names a row of the tag table and what to do with it. The answer's ``Reason`` is the same word for the client
(as an OPC UA status), the audit record and the test.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Role(IntEnum):
    """Who may do what (a session has one). Each right names the roles it is given to; admin has no process rights."""

    ANONYMOUS = 0
    VIEWER = 1
    OPERATOR = 2
    SHIFT_LEAD = 3
    ENGINEER = 4
    ADMIN = 5


ROLE_NAMES = {role.name.lower(): role for role in Role}


class Action(StrEnum):
    """What a command does to the row it names."""

    WRITE = "write"  # loop rows: SP, OP, MODE, tuning
    RESET = "reset"  # trip rows
    TRIP = "trip"  # manual trip of a protection row that has one
    ASK_BYPASS = "ask_bypass"  # of a protection row or a channel of one; value = seconds, with a reason
    GRANT_BYPASS = "grant_bypass"  # by a second person
    END_BYPASS = "end_bypass"
    TEST = "test"  # of a protection row; value = seconds
    ACK = "ack"  # alarm rows
    CONFIRM = "confirm"
    SHELVE = "shelve"  # value = seconds
    UNSHELVE = "unshelve"


class Reason(StrEnum):
    """Why a command was refused, or that it was not. The order of the checks is the order of this list."""

    ACCEPTED = "accepted"
    NOT_RECORDED = "accepted, not yet recorded"  # done; the journal did not confirm within 1 s
    UNKNOWN_TAG = "unknown tag"
    NO_RIGHT = "role has no right to this"
    NOT_WRITABLE = "not writable"
    WRONG_TYPE = "wrong type"
    OUT_OF_RANGE = "out of range or not finite"
    WRONG_MODE = "mode does not permit it"
    INTERLOCKED = "interlock or latched trip does not permit it"
    CAUSE_STANDS = "cause still stands"
    TOO_MANY = "too many commands"
    NOT_READY = "controller is not ready"


@dataclass(frozen=True, slots=True)
class Command:
    """A wish of a person or a test. ``value`` in the row's engineering unit; ``ident`` is unique per sender."""

    ident: str
    target: str  # row key: "L1-LIC-1401.SP", "L1-UZ-03", "L1-LT-1401.HIHI"
    action: Action = Action.WRITE
    value: float = 0.0
    user: str = ""
    role: Role = Role.ANONYMOUS
    reason: str = ""
    address: str = ""  # where the session comes from, for the audit


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command; ``text`` says the tag, the value, the limit and the next thing to do."""

    ident: str
    reason: Reason
    text: str = ""
    seq: int = 0  # the event that records it

    @property
    def is_accepted(self) -> bool:
        """Return whether the command acted."""
        return self.reason in {Reason.ACCEPTED, Reason.NOT_RECORDED}
