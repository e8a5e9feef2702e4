"""The maintenance block: a Modbus device of the simulator itself, by which a rig in any language drives the plant.

It is a device of its own, not a part of the PLCs' registers, for three reasons: those are the registers of real PLCs,
and the maps of a real plant must stay usable word for word; time, snapshots and initial conditions belong to the plant
as a whole; and a PLC that a fault has silenced could not be told to speak again.

A rig writes what a command needs, then the command's number, and reads the command register until it is 0; result and
text then say what became of it. Most commands are done when the write is answered; steps and initial conditions take
time. Another command meanwhile is refused as busy.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from controller.core.config import Config
from controller.core.errors import PlantError, StateError
from plc_sim import maintenance_map as block
from plc_sim import snapshots
from plc_sim.fault_record import MOST_ARGS
from plc_sim.faults import Fault, Value, by_number
from plc_sim.maintenance_map import COMMAND, HOLDING, ORDER, Command, Condition, Field, Result
from plc_sim.modbus_tcp import Refusal
from plc_sim.pace import Pace
from plc_sim.registers import WORD, Writable, from_words, to_words, width
from plc_sim.simulator import Simulator

_DWORD = 0xFFFF_FFFF
_MOST_FLOAT = 3.4e38
_FIELDS = {field.name: field for field in HOLDING}
_WRITABLE = Writable(HOLDING)


class _RefusedError(Exception):
    def __init__(self, result: Result, text: str) -> None:
        super().__init__(text)
        self.result = result


class Maintenance:
    """The device's tables, and what its commands do."""

    is_silent = False

    def __init__(
        self, config: Config, simulator: Simulator, pace: Pace, folder: Path | None, changed: Callable[[], None]
    ) -> None:
        """``folder`` keeps the snapshots; ``changed`` is told when ``pace`` or ``wanted`` is another than before."""
        self.wanted: str | None = None  # the initial condition somebody waits for; ``finish`` answers
        self._config = config
        self._simulator = simulator
        self._pace = pace
        self._folder = folder
        self._changed = changed
        self._table = simulator.fault_table()
        self._names = by_number(self._table)
        self._fingerprint = int(snapshots.fingerprint(config)[:8], 16)
        self._words = [0] * block.HOLDING_END
        self._result = self._error = Result.OK
        self._answered = 0
        self._text = ""
        self._do: dict[Command, Callable[[], str | None]] = {
            Command.SET_FAULT: self._set_fault,
            Command.CLEAR_FAULT: self._clear_fault,
            Command.CLEAR_ALL_FAULTS: self._clear_all_faults,
            Command.FREEZE: self._freeze,
            Command.RUN: self._run,
            Command.STEP: self._step,
            Command.SET_SPEED: self._set_speed,
            Command.SAVE: self._save,
            Command.RESTORE: self._restore,
            Command.INITIAL: self._initial,
            Command.NAME_FAULT: self._name_fault,
            Command.NAME_TARGET: self._name_target,
        }

    # --- the tables ---------------------------------------------------------------------------------------------------

    def read(self, table: str, address: int, count: int) -> list[int] | None:
        """Return words, None when the table does not reach that far."""
        self._settle()
        words = {"holding": self._words, "input": self._inputs() if table == "input" else []}.get(table, [])
        return None if address + count > len(words) else words[address : address + count]

    def write(self, table: str, address: int, values: Sequence[int]) -> Refusal | None:
        """Write words, and carry out the command when it is among them; a refused write changes nothing."""
        touched = _WRITABLE.touched(address, len(values)) if table == "holding" else None
        if touched is None:
            return Refusal.ILLEGAL_ADDRESS
        words = self._words.copy()
        words[address : address + len(values)] = values
        is_command = address == COMMAND.address
        if not all(_is_possible(HOLDING[n], words) for n in touched):
            return Refusal.ILLEGAL_VALUE
        self._settle()
        running = self._words[COMMAND.address]
        if is_command and running and not (running == Command.STEP and values[0] == Command.NONE):
            return Refusal.BUSY
        self._words = words
        if is_command and running:
            self._pace.freeze()
            self.finish(Result.CANCELLED, "no more steps")
        elif is_command and values[0]:
            self._carry_out(Command(values[0]))
        return None

    def finish(self, result: Result, text: str = "") -> None:
        """Answer the command that is being carried out."""
        self._words[COMMAND.address] = Command.NONE
        self._answered = self._answered + 1 & WORD
        self._result, self._text = result, text
        self._error = result or self._error
        self.wanted = None

    def _settle(self) -> None:
        """Answer the command that steps when all its steps are made."""
        if self._words[COMMAND.address] == Command.STEP and self._pace.steps_left == 0:
            self.finish(Result.OK)

    def _carry_out(self, command: Command) -> None:
        try:
            text = self._do[command]()
        except _RefusedError as exc:
            self.finish(exc.result, str(exc))
        else:
            if text is not None:
                self.finish(Result.OK, text)
        self._changed()

    def _inputs(self) -> list[int]:
        words = [0] * block.INPUT_END
        step, period_ms = self._simulator.steps, round(self._simulator.period_s * 1000.0)
        pace, standing = self._pace, self._simulator.faults.record.standing()
        condition = Condition.STEPS if pace.steps_left else Condition.FROZEN if pace.is_frozen else Condition.RUNS
        values: tuple[float, ...] = (
            block.VERSION, self._result, self._error, self._answered, condition, period_ms, step * period_ms % 1000,
            len(standing), step * period_ms // 1000 & _DWORD, step & _DWORD, pace.steps_left, pace.speed, pace.reached,
            self._fingerprint,
        )  # fmt: skip
        for field, value in zip(block.INPUT, values, strict=True):
            words[field.address : field.address + width(field.form)] = to_words(value, field.form, ORDER)
        text = self._text.encode("ascii", "replace")[: 2 * block.TEXT_WORDS].ljust(2 * block.TEXT_WORDS, b"\0")
        words[block.TEXT : block.TEXT + block.TEXT_WORDS] = [
            int.from_bytes(text[i : i + 2], "big") for i in range(0, len(text), 2)
        ]
        for place, one in enumerate(standing):
            row = [one.fault, one.target, *(word for arg in one.args for word in _argument_words(arg))]
            first = block.STANDING + place * block.STANDING_WORDS
            words[first : first + block.STANDING_WORDS] = row
        return words

    def _value(self, name: str) -> float:
        return _read(_FIELDS[name], self._words)

    # --- faults -------------------------------------------------------------------------------------------------------

    def _set_fault(self) -> str:
        name, fault = self._fault()
        args: dict[str, Value] = {}
        target = self._target(fault, is_needed=next(iter(fault.args), "") not in fault.optional)
        if target is not None:
            args[next(iter(fault.args))] = target
        count = int(self._value("arguments"))
        if count > len(fault.numbers):
            takes = ", ".join(fault.numbers) or "none"
            raise _RefusedError(Result.BAD_ARGUMENT, f"{name}: {count} arguments given, it takes {takes}")
        for arg, field in zip(fault.numbers[:count], block.ARGUMENTS, strict=False):
            args[arg] = _choice(fault, arg, _read(field, self._words))
        try:
            self._simulator.fault(name, **args)
        except PlantError as exc:
            raise _RefusedError(Result.BAD_ARGUMENT, str(exc)) from exc
        return " ".join([name, *(f"{arg}={value}" for arg, value in args.items())])

    def _clear_fault(self) -> str:
        name, fault = self._fault()
        target = self._target(fault, is_needed=False)
        self._simulator.clear(name, target)
        return f"{name} {target or ''}".rstrip()

    def _clear_all_faults(self) -> str:
        standing = {one.fault for one in self._simulator.faults.record.standing()}
        for number in sorted(standing & self._names.keys()):
            self._simulator.clear(self._names[number])
        return ""

    def _name_fault(self) -> str:
        name, fault = self._fault()
        return f"{name}({', '.join(fault.args)})"

    def _name_target(self) -> str:
        return self._target(self._fault()[1], is_needed=True) or ""

    def _fault(self) -> tuple[str, Fault]:
        number = int(self._value("fault"))
        name = self._names.get(number)
        if name is None:
            known = ", ".join(str(one) for one in sorted(self._names))
            raise _RefusedError(Result.UNKNOWN_FAULT, f"no fault {number}; there are {known}")
        return name, self._table[name]

    def _target(self, fault: Fault, *, is_needed: bool) -> str | None:
        """Return the key of the target register; None for 0, where that is allowed, and for a fault without targets."""
        number, keys = int(self._value("target")), fault.targets(self._simulator.faults) if fault.targets else ()
        if number > len(keys) or (number == 0 and is_needed and keys):
            known = f"targets are 1..{len(keys)}" if keys else "it has none, write 0"
            raise _RefusedError(Result.UNKNOWN_TARGET, f"{self._names[fault.number]}: no target {number}; {known}")
        return keys[number - 1] if number else None

    # --- time ---------------------------------------------------------------------------------------------------------

    def _freeze(self) -> str:
        self._pace.freeze()
        return ""

    def _run(self) -> str:
        self._pace.run()
        return ""

    def _step(self) -> None:
        count = int(self._value("steps"))
        if count == 0:
            raise _RefusedError(Result.BAD_STEPS, "0 steps; write 1 or more")
        self._pace.step(count)

    def _set_speed(self) -> str:
        try:
            self._pace.set_speed(self._value("speed"))
        except PlantError as exc:
            raise _RefusedError(Result.BAD_SPEED, str(exc)) from exc
        return ""

    # --- the whole state ----------------------------------------------------------------------------------------------

    def _save(self) -> str:
        try:
            snapshots.save(self._slot(), self._simulator, self._config)
        except StateError as exc:
            raise _RefusedError(Result.CANNOT_SAVE, str(exc)) from exc
        return f"slot {self._value('slot'):.0f} saved"

    def _restore(self) -> str:
        path = self._slot()
        if not path.exists():
            raise _RefusedError(Result.EMPTY_SLOT, f"slot {self._value('slot'):.0f} is empty: {path}")
        try:
            snapshots.restore(path, self._simulator, self._config)
        except StateError as exc:
            raise _RefusedError(Result.BAD_SNAPSHOT, str(exc)) from exc
        return f"slot {self._value('slot'):.0f} restored"

    def _slot(self) -> Path:
        number = int(self._value("slot"))
        if not 1 <= number <= block.SLOTS:
            raise _RefusedError(Result.EMPTY_SLOT, f"no slot {number}; slots are 1..{block.SLOTS}")
        if self._folder is None:
            raise _RefusedError(Result.CANNOT_SAVE, "the simulator was started without a folder for snapshots")
        return self._folder / f"slot-{number:02d}.snapshot"

    def _initial(self) -> None:
        number = int(self._value("initial condition"))
        if number not in block.INITIAL_CONDITIONS:
            known = ", ".join(f"{n} {name}" for n, name in block.INITIAL_CONDITIONS.items())
            raise _RefusedError(Result.BAD_INITIAL, f"no initial condition {number}; there are {known}")
        self.wanted = block.INITIAL_CONDITIONS[number]


def _read(field: Field, words: Sequence[int]) -> float:
    return from_words(words[field.address : field.address + width(field.form)], field.form, ORDER)


def _argument_words(arg: float | None) -> list[int]:
    """Return an argument of a standing fault; a number that no register holds is shown at the end of the scale."""
    shown = math.nan if arg is None else max(min(arg, _MOST_FLOAT), -_MOST_FLOAT)
    return to_words(shown, "float32", ORDER)


def _is_possible(field: Field, words: Sequence[int]) -> bool:
    """Return whether the register can hold this at all; what a command makes of it is the command's answer."""
    value = _read(field, words)
    if field is COMMAND:
        return value in {command.value for command in Command}
    return math.isfinite(value) and (field.name != "arguments" or value <= MOST_ARGS)


def _choice(fault: Fault, arg: str, value: float) -> Value:
    """Return an argument; one that is a choice is the name at place ``value``."""
    choices = fault.choices.get(arg)
    if choices is None:
        return value
    if value not in range(1, len(choices) + 1):
        known = ", ".join(f"{n} {choice}" for n, choice in enumerate(choices, start=1))
        raise _RefusedError(Result.BAD_ARGUMENT, f"{arg}: no choice {value:g}; there are {known}")
    return choices[int(value) - 1]
