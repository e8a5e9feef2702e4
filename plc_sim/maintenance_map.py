"""The registers of the maintenance block: what stands where, and what the numbers mean. Version 1.

A number that was given once keeps its meaning; what is added later gets new addresses and new numbers.
"""

from dataclasses import dataclass
from enum import IntEnum

from plc_sim.fault_record import MOST, MOST_ARGS

VERSION = 1
ORDER = "ABCD"  # of 32-bit values: high word first, each word high byte first
SLOTS = 99
INITIAL_CONDITIONS = {1: "cold", 2: "hot standby", 3: "60%", 4: "100%", 5: "110%"}


class Command(IntEnum):
    """What is written into the command register."""

    NONE = 0
    SET_FAULT = 1
    CLEAR_FAULT = 2
    CLEAR_ALL_FAULTS = 3
    FREEZE = 10
    RUN = 11
    STEP = 12
    SET_SPEED = 13
    SAVE = 20
    RESTORE = 21
    INITIAL = 22
    NAME_FAULT = 30
    NAME_TARGET = 31


COMMANDS = {
    Command.NONE: "nothing; while steps are being made: make no more",
    Command.SET_FAULT: "set `fault` on `target` with the first `arguments` of `argument 1..4`",
    Command.CLEAR_FAULT: "take `fault` back on `target`; target 0: wherever it stands",
    Command.CLEAR_ALL_FAULTS: "take all faults back",
    Command.FREEZE: "the plant's time stands still; registers can be read and written",
    Command.RUN: "the plant's time runs at the speed set",
    Command.STEP: "freeze, and let `steps` periods pass as fast as possible",
    Command.SET_SPEED: "let time run at `speed`; what is frozen stays frozen",
    Command.SAVE: "save the whole state into `slot`",
    Command.RESTORE: "take the whole state from `slot`, standing faults included",
    Command.INITIAL: "begin anew at `initial condition`, without faults; takes as long as building the plant",
    Command.NAME_FAULT: "the text says the name of `fault` and its arguments",
    Command.NAME_TARGET: "the text says the name of `target` of `fault`",
}


class Result(IntEnum):
    """What became of a command."""

    OK = 0
    UNKNOWN_FAULT = 1
    UNKNOWN_TARGET = 2
    BAD_ARGUMENT = 3
    EMPTY_SLOT = 4
    BAD_SNAPSHOT = 5
    CANNOT_SAVE = 6
    BAD_INITIAL = 7
    BAD_SPEED = 8
    BAD_STEPS = 9
    CANCELLED = 10


RESULTS = {
    Result.OK: "done",
    Result.UNKNOWN_FAULT: "there is no fault of this number",
    Result.UNKNOWN_TARGET: "the fault has no target of this number, needs one, or has none at all",
    Result.BAD_ARGUMENT: "too many, too few or impossible arguments, or too many faults at once",
    Result.EMPTY_SLOT: f"slots are 1..{SLOTS}, and one that is restored must have been saved",
    Result.BAD_SNAPSHOT: "the slot's file is damaged or of another plant",
    Result.CANNOT_SAVE: "the slot's file cannot be written",
    Result.BAD_INITIAL: "there is no such initial condition, or this plant cannot be built in it",
    Result.BAD_SPEED: "a speed that cannot be asked for",
    Result.BAD_STEPS: "steps are 1 and more",
    Result.CANCELLED: "command 0 was written before all steps were made",
}


class Condition(IntEnum):
    """What the plant's time does."""

    RUNS = 0
    FROZEN = 1
    STEPS = 2


@dataclass(frozen=True, slots=True)
class Field:
    """One value of the block."""

    address: int
    name: str
    form: str
    meaning: str


COMMAND = Field(0, "command", "uint16", "write it last (or with the rest in one request); 0 again when it is answered")
ARGUMENTS = tuple(Field(4 + 2 * n, f"argument {n + 1}", "float32", "of the fault") for n in range(MOST_ARGS))
HOLDING = (
    COMMAND,
    Field(1, "fault", "uint16", "number of a fault"),
    Field(2, "target", "uint16", "number of a target, 0: none or all"),
    Field(3, "arguments", "uint16", f"how many of the arguments count, 0..{MOST_ARGS}; the rest keep their defaults"),
    *ARGUMENTS,
    Field(12, "slot", "uint16", f"of a snapshot, 1..{SLOTS}"),
    Field(13, "initial condition", "uint16", "; ".join(f"{n}: {name}" for n, name in INITIAL_CONDITIONS.items())),
    Field(14, "steps", "uint32", "periods to step"),
    Field(16, "speed", "float32", "plant seconds per second, 0.1 to 1000; 0: as fast as possible"),
)
INPUT = (
    Field(0, "version", "uint16", f"of this map: {VERSION}"),
    Field(1, "result", "uint16", "of the last command"),
    Field(2, "last error", "uint16", "the last result that was not 0"),
    Field(3, "answered", "uint16", "commands answered so far, modulo 65536"),
    Field(4, "condition", "uint16", "; ".join(f"{one.value}: {one.name.lower()}" for one in Condition)),
    Field(5, "period", "uint16", "plant milliseconds of a step"),
    Field(6, "milliseconds", "uint16", "of the plant's time"),
    Field(7, "standing faults", "uint16", f"how many stand now, at most {MOST}"),
    Field(8, "seconds", "uint32", "of the plant's time since its initial condition"),
    Field(10, "step", "uint32", "periods since the initial condition"),
    Field(12, "steps left", "uint32", "of the command that steps"),
    Field(14, "speed", "float32", "asked for"),
    Field(16, "speed reached", "float32", "in the last second"),
    Field(
        18,
        "configuration",
        "uint32",
        "first 32 bits of the configuration's fingerprint: numbers of targets belong to it",
    ),
)
TEXT = 20  # first input register of the text, two characters each, the first in the high byte, filled up with 0
TEXT_WORDS = 60
STANDING = 100  # first input register of the standing faults
STANDING_WORDS = 2 + 2 * MOST_ARGS  # fault, target, arguments
HOLDING_END = 18
INPUT_END = STANDING + MOST * STANDING_WORDS
