"""The plant's programs of faults: each step of ``faults.yaml`` is a single fault whose value follows a course."""

import itertools
from collections.abc import Mapping
from functools import partial

import numpy as np
import numpy.typing as npt

from controller.core.config import Config, Placed
from controller.core.errors import ConfigError, Issue, PlantError
from controller.core.models.faults import Amount, CoursePoint, FaultProgram, FaultStep, OfArgument
from plc_sim.effects import Action
from plc_sim.faults import Effects, Fault, Faults, Given
from plc_sim.single_faults import FAULTS, HOW

Floats = npt.NDArray[np.float64]
WHEN_S = 1e-6  # times are compared to within this


def programs(config: Config) -> dict[str, Fault]:
    """Return the programs of the plant as faults; ConfigError for a step that names no single fault."""
    issues: list[Issue] = []
    made: dict[str, Fault] = {}
    for name, placed in config.faults.items():
        spec = placed.spec
        for number, step in enumerate(spec.steps, start=1):
            if step.act not in FAULTS:
                text = f"no single fault {step.act!r}; there are {', '.join(FAULTS)}"
                issues.append(Issue(placed.file, placed.line, f"{name}.steps[{number}].act", text))
        instances = [key for key, one in config.plant.instances.items() if one.template == spec.target]
        made[name] = _fault(spec, tuple(instances))
    if issues:
        raise ConfigError(issues)
    return made


def check(config: Config, faults: Faults) -> None:
    """Check every step of every program on every target with its usual arguments; ConfigError with all mistakes."""
    issues: list[Issue] = []
    for name, placed in config.faults.items():
        fault = faults.table[name]
        usual = {arg: np.array([fault.defaults[arg]]) for arg in fault.numbers}
        for target in fault.targets(faults) if fault.targets is not None else ("",):
            issues += _mistakes(placed, faults.effects, target, usual)
    if issues:
        raise ConfigError(issues)


def _mistakes(placed: Placed[FaultProgram], effects: Effects, target: str, given: Given) -> list[Issue]:
    issues: list[Issue] = []
    for number, step in enumerate(placed.spec.steps, start=1):
        try:
            _check_step(step, placed.spec.target, effects, target, given)
        except PlantError as exc:
            issues.append(Issue(placed.file, placed.line, f"{placed.key}.steps[{number}]", f"{step.act}: {exc}"))
    return issues


def _fault(spec: FaultProgram, instances: tuple[str, ...]) -> Fault:
    target = {} if spec.target is None else {spec.target: f"instance, {' or '.join(instances)}"}
    args = {name: f"{arg.title.en}, {arg.unit}" if arg.unit else arg.title.en for name, arg in spec.args.items()}
    return Fault(
        spec.number,
        spec.title.en,
        target | args,
        partial(_acts, spec),
        frozenset(spec.args),
        targets=None if spec.target is None else lambda _: instances,
        limits={name: (arg.lo, arg.hi) for name, arg in spec.args.items()},
        defaults={name: arg.default for name, arg in spec.args.items()},
        check=partial(_check, spec),
        moves=True,
    )


def _acts(spec: FaultProgram, effects: Effects, target: str, given: Given, t_s: float) -> list[Action]:
    """Return what the program does so many seconds after it was set."""
    return [
        action._replace(acts=action.acts & acts)
        for step in spec.steps
        for since_s, acts in (_since(step, given, t_s),)
        for action in FAULTS[step.act].acts(effects, _on(step, spec.target, target), _given(step, given, since_s), t_s)
    ]


def _check(spec: FaultProgram, effects: Effects, target: str, given: Given) -> None:
    for step in spec.steps:
        _check_step(step, spec.target, effects, target, given)


def _check_step(step: FaultStep, name: str | None, effects: Effects, target: str, given: Given) -> None:
    """Raise PlantError when a step cannot act, or leaves the limits of its single fault."""
    fault, on = FAULTS[step.act], _on(step, name, target)
    numbers = [arg for arg in fault.numbers if arg not in fault.choices]
    if (step.value is not None or step.course is not None) != bool(numbers) and not fault.optional >= set(numbers):
        takes = f"it needs a value: {fault.args[numbers[0]]}" if numbers else "it takes no value"
        raise PlantError(takes)
    for point in step.course or [None]:
        one = _values(fault, step, _amount(point.value if point else step.value, given), given)
        fault.check_limits(one)
        fault.check(effects, on, one)
    fault.acts(effects, on, _given(step, given, 0.0), 0.0)


def _on(step: FaultStep, name: str | None, target: str) -> str:
    return step.on if name is None else step.on.replace(f"${name}", target)


def _since(step: FaultStep, given: Given, t_s: float) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return how long ago the step, or its last repetition, began, and in which plants it acts."""
    since = t_s + WHEN_S - _amount(step.at_s, given)
    acts = since >= 0.0
    if step.repeat is not None:
        every, times = _amount(step.repeat.every_s, given), _amount(step.repeat.times, given)
        since = since - every * np.clip(np.floor(since / every), 0.0, np.maximum(times - 1.0, 0.0))
    if step.lasts_s is not None:
        acts = acts & (since < _amount(step.lasts_s, given))
    return since, acts


def _given(step: FaultStep, given: Given, since_s: Floats | float) -> dict[str, Floats]:
    """Return the arguments of the step's single fault."""
    value = _amount(step.value, given) if step.course is None else _course(step.course, given, since_s)
    return _values(FAULTS[step.act], step, value, given)


def _values(fault: Fault, step: FaultStep, value: Floats, given: Given) -> dict[str, Floats]:
    width = max((len(one) for one in given.values()), default=1)
    how = np.nan if step.how is None else HOW.index(step.how) + 1.0
    return {
        arg: np.full(width, how) if arg in fault.choices else np.broadcast_to(value, (width,)) for arg in fault.numbers
    }


def _course(points: list[CoursePoint], given: Given, since_s: Floats | float) -> Floats:
    """Return the value on the straight lines between the points; before the first and after the last it stays."""
    value = _amount(points[0].value, given)
    for before, after in itertools.pairwise(points):
        start, end = _amount(before.after_s, given), _amount(after.after_s, given)
        span = np.maximum(end - start, WHEN_S)
        share = np.minimum(np.maximum((since_s - start) / span, 0.0), 1.0)
        value = value + (_amount(after.value, given) - _amount(before.value, given)) * share
    return value


def _amount(amount: Amount | None, given: Given) -> Floats:
    if isinstance(amount, OfArgument):
        return given[amount.arg] * amount.times + amount.plus
    return np.array([np.nan if amount is None else amount])


def table_of(config: Config) -> Mapping[str, Fault]:
    """Return every fault that a plant's simulator has: single ones and programs."""
    return {**programs(config), **FAULTS}
