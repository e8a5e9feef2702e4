"""Named faults with typed arguments; several may stand at once, and each ends as if it had never been.

Single faults stand in ``plc_sim.single_faults``, the plant's programs in its ``faults.yaml``. A number may also be one
value per plant of the batch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from controller.core.errors import PlantError
from plc_sim.effects import Action, Effect, place_of
from plc_sim.fault_record import MOST_ARGS, Record

Floats = npt.NDArray[np.float64]
Number = float | Sequence[float] | Floats
Value = str | Number
Effects = Mapping[str, Effect]
Touched = set[tuple[str, int]]  # rows of effects
Given = Mapping[str, Floats]  # arguments, (batch,), NaN where one that has no default is not given
DRIFT, DRIFTED = "transmitter.drift", "transmitter.drifted"


def nothing_to_check(effects: Effects, target: str, given: Given) -> None:
    """Accept every argument inside the limits."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault. ``args`` are names and meanings; the first names the target, if there is one."""

    number: int  # never given to another fault: registers and the programs behind them know it
    meaning: str
    args: Mapping[str, str]
    acts: Callable[[Effects, str, Given, float], list[Action]]  # on a target, so many seconds after it was set
    optional: frozenset[str] = frozenset()
    targets: "Callable[[Faults], Sequence[str]] | None" = None  # what the first argument may name
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    defaults: Mapping[str, float] = field(default_factory=dict[str, float])
    check: Callable[[Effects, str, Given], None] = nothing_to_check  # PlantError for what cannot be
    moves: bool = False  # what it does changes with time

    @property
    def numbers(self) -> list[str]:
        """The arguments that are numbers or choices: all but the target."""
        return list(self.args)[0 if self.targets is None else 1 :]

    def value(self, arg: str, value: Value) -> Number:
        """Return an argument as a number: a choice is its place in the list, from 1."""
        if not isinstance(value, str):
            return value
        if value not in self.choices.get(arg, ()):
            known = ", ".join(self.choices.get(arg, ()))
            raise PlantError(f"{arg}: {f'no choice {value!r}; there are {known}' if known else _not_a_number(value)}")
        return self.choices[arg].index(value) + 1

    def check_limits(self, given: Given) -> None:
        """Raise PlantError when a number is outside its limits."""
        for arg, (least, most) in self.limits.items():
            check_limit(arg, given[arg], least, most)


class Faults:
    """All faults of one simulator: those it has, and those that stand."""

    def __init__(
        self, effects: Effects, table: Mapping[str, Fault], record: Record, *, batch: int, period_s: float
    ) -> None:
        """Take the table of faults; PlantError when two have the same number."""
        self.effects = effects
        self.table = dict(table)
        self.record = record
        self.changed: Touched = Touched()  # rows that somebody who keeps an eye on them has not seen yet
        self._names = by_number(self.table)
        self._batch = batch
        self._period_s = period_s

    def set(self, name: str, step: int, **args: Value) -> None:
        """Set a fault at a step; PlantError when it, an argument or its target does not exist."""
        fault = self.table.get(name)
        if fault is None:
            raise PlantError(f"no fault {name!r}; there are {', '.join(self.table)}")
        try:
            self._set(fault, step, args)
        except PlantError as exc:
            raise PlantError(f"fault {name}: {exc}") from exc

    def clear(self, name: str, target: str | None, step: int) -> None:
        """Take a fault back, on one target or wherever it stands."""
        if name not in self.table:
            raise PlantError(f"no fault {name!r}; there are {', '.join(self.table)}")
        fault = self.table[name]
        rows = self.record.rows_of(fault.number, self._target_numbers(fault, target))
        touched = {place for row in rows for place in self._touched(row, step)}
        self.record.remove(rows)
        self._put_together(touched, self._all_actions(step))
        for effect, row in touched:
            if effect == DRIFT and not self.effects[DRIFT].array[row].any():
                self.effects[DRIFTED].array[row] = 0.0  # what nobody drifts any more reads right again

    def name_of(self, number: int) -> str:
        """Return the name of the fault with a number."""
        return self._names[number]

    def advance(self, step: int) -> None:
        """Let the faults that change with time do what they do at ``step``."""
        used = self.record.used()
        if not any(self.table[self.name_of(self.record.fault_of(row)[0])].moves for row in used):
            return
        actions = self._all_actions(step)
        self._put_together({(action.effect, action.row) for action in actions}, actions)

    def _set(self, fault: Fault, step: int, args: Mapping[str, Value]) -> None:
        for arg in args:
            if arg not in fault.args:
                raise PlantError(f"no argument {arg!r}; it takes {', '.join(fault.args) or 'none'}")
        missing = [arg for arg in fault.args if arg not in args and arg not in fault.optional]
        if missing:
            raise PlantError("missing " + "; ".join(f"{arg} ({fault.args[arg]})" for arg in missing))
        target = None if fault.targets is None else args.get(next(iter(fault.args)))
        numbers = self._target_numbers(fault, target)
        values = {arg: self._numbers(arg, fault.value(arg, args[arg])) for arg in fault.numbers if arg in args}
        given = self._with_defaults(fault, values)
        fault.check_limits(given)
        for number in numbers:
            fault.check(self.effects, self._target(fault, number), given)
        for row, number in zip(self.record.rows_for(fault.number, numbers), numbers, strict=True):
            before = self._touched(row, step) if row in self.record.used() else Touched()
            places = {fault.numbers.index(arg): value for arg, value in values.items()}
            self.record.note(row, fault.number, number, step, places)
            self._put_together(before | self._touched(row, step), self._all_actions(step))

    def _numbers(self, arg: str, value: Number) -> Floats:
        found = np.atleast_1d(np.asarray(value))
        if found.dtype.kind not in "fiu" or not np.isfinite(found).all():
            raise PlantError(f"{arg}: {_not_a_number(value)}")
        if found.shape not in ((1,), (self._batch,)):
            raise PlantError(f"{arg}: {len(found)} values for {self._batch} plants; give one, or one for each plant")
        return found.astype(np.float64)

    # --- what stands --------------------------------------------------------------------------------------------------

    def _put_together(self, touched: Touched, actions: list[Action]) -> None:
        """Work out anew the touched rows (effect, row) from all actions of what stands, in the order of the record."""
        self.changed |= touched
        for effect, row in touched:
            self.effects[effect].reset(row)
        for action in actions:
            if (action.effect, action.row) in touched:
                self.effects[action.effect].apply(action)

    def _all_actions(self, step: int) -> list[Action]:
        return [action for row in self.record.used() for action in self._actions(row, step)]

    def _touched(self, row: int, step: int) -> Touched:
        return {(action.effect, action.row) for action in self._actions(row, step)}

    def _actions(self, row: int, step: int) -> list[Action]:
        number, target, since = self.record.fault_of(row)
        fault = self.table[self.name_of(number)]
        values = {arg: self.record.arg(row, place) for place, arg in enumerate(fault.numbers)}
        given = self._with_defaults(fault, values)
        return fault.acts(self.effects, self._target(fault, target), given, (step - since) * self._period_s)

    def _with_defaults(self, fault: Fault, values: Given) -> dict[str, Floats]:
        """Return all number arguments, (batch,)."""
        none = np.full(self._batch, np.nan)
        given = {
            arg: none + 0.0 if arg not in values else np.broadcast_to(values[arg], none.shape) for arg in fault.numbers
        }
        return {arg: np.where(np.isnan(v), fault.defaults.get(arg, np.nan), v) for arg, v in given.items()}

    def _target(self, fault: Fault, number: int) -> str:
        return fault.targets(self)[number - 1] if fault.targets is not None else ""

    def _target_numbers(self, fault: Fault, target: Value | None) -> list[int]:
        """Return the number of the target, of all targets when none is named, [0] for a fault without."""
        if fault.targets is None:
            if target is not None:
                raise PlantError(f"it has no target; found {target!r}")
            return [0]
        keys = fault.targets(self)
        if target is None:
            return list(range(1, len(keys) + 1))
        if not isinstance(target, str):
            raise PlantError(f"{next(iter(fault.args))}: expected a name, found {target!r}")
        return [place_of(target, {key: place for place, key in enumerate(keys, 1)}, next(iter(fault.args)))]


def by_number(table: Mapping[str, Fault]) -> dict[int, str]:
    """Return the names of faults by number; PlantError when two have the same or one takes too many arguments."""
    names: dict[int, str] = {}
    for name, fault in table.items():
        if fault.number in names or not 0 < fault.number < 1 << 16:
            other = f"fault {names[fault.number]} has it" if fault.number in names else "it must be 1..65535"
            raise PlantError(f"fault {name}: number {fault.number} cannot be used: {other}")
        if len(fault.numbers) > MOST_ARGS:
            raise PlantError(f"fault {name}: {len(fault.numbers)} arguments, and no more than {MOST_ARGS} can be given")
        names[fault.number] = name
    return names


def check_limit(arg: str, value: Floats, least: float, most: float) -> None:
    """Raise PlantError when a number is outside its limits."""
    if ((value < least) | (value > most)).any():
        raise PlantError(f"{arg} {_shown(value)} is outside {least:g}..{most:g}")


def _not_a_number(found: object) -> str:
    return f"expected a finite number (or one for each plant), found {found!r}"


def _shown(value: Floats) -> str:
    return f"{value[0]:g}" if len(set(value.tolist())) == 1 else ", ".join(f"{one:g}" for one in value[:8])
