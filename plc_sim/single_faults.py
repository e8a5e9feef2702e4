"""The single faults of the simulator: what can fail on one transmitter, final element, PLC or part of the process."""

from collections.abc import Callable

import numpy as np

from controller.core.errors import PlantError
from plc_sim.disturbances import DISTURBANCES
from plc_sim.effects import Action
from plc_sim.faults import Effects, Fault, Faults, Given, check_limit
from plc_sim.points import FULL_COUNTS

UNDER_COUNTS = (3.5 - 4.0) / 16.0 * FULL_COUNTS  # a broken wire or a transmitter that reports its failure (NE 43)
OVER_COUNTS = (21.5 - 4.0) / 16.0 * FULL_COUNTS
HOW = ("under", "over", "nan")
BAD_RAW = np.array([np.rint(UNDER_COUNTS), np.rint(OVER_COUNTS), np.nan])
SECONDS_PER_HOUR = 3600.0
ONE = np.ones(1)

Acts = Callable[[Effects, str, Given, float], list[Action]]
Targets = Callable[[Faults], list[str]]


def _of(effect: str) -> Targets:
    """Return a function that names the targets of an effect; none when the simulator has no such effect."""
    return lambda faults: list(faults.effects[effect].rows) if effect in faults.effects else []


def _inputs(faults: Faults) -> list[str]:
    """Name every input, so that one has the same number for all faults of transmitters; bools are refused later."""
    return _of("transmitter.frozen")(faults)


def _disturbances(faults: Faults) -> list[str]:
    return [f"{name}/{key}" for name in DISTURBANCES if name in faults.effects for key in faults.effects[name].rows]


def _simple(effect: str, arg: str | None = None, times: float = 1.0) -> Acts:
    """Return what a fault does that sets one row to its argument, or to 1."""

    def acts(effects: Effects, target: str, given: Given, _: float) -> list[Action]:
        value = ONE if arg is None else given[arg] * times
        return [Action(effect, effects[effect].row(target), value, acts=True)]

    return acts


def _analogue(effect: str) -> Callable[[Effects, str, Given], None]:
    """Return a check that the target is an analogue input."""

    def check(effects: Effects, target: str, _: Given) -> None:
        effects[effect].row(target)

    return check


def _bad(effects: Effects, target: str, given: Given, _: float) -> list[Action]:
    row = effects["transmitter.bad"].row(target)
    is_counts = effects["transmitter.bad_raw"].forms[row] == "raw"
    how = np.where(np.isnan(given["how"]), 1.0 if is_counts else 3.0, given["how"])
    code = BAD_RAW[how.astype(np.intp) - 1]
    return [Action("transmitter.bad", row, ONE, acts=True), Action("transmitter.bad_raw", row, code, acts=True)]


def _check_bad(effects: Effects, target: str, given: Given) -> None:
    form = effects["transmitter.bad_raw"].forms[effects["transmitter.bad"].row(target)]
    possible = ("under", "over") if form == "raw" else ("nan",) if form.startswith("float") else ()
    if not possible:
        raise PlantError(f"{target} is a whole number without a code for failure")
    for how in given["how"][~np.isnan(given["how"])]:
        if HOW[int(how) - 1] not in possible:
            raise PlantError(f"{target} can fail {' or '.join(possible)}, not {HOW[int(how) - 1]}")


def _stuck(effects: Effects, target: str, given: Given, _: float) -> list[Action]:
    row, position = effects["output.stuck"].row(target), given["position"] / 100.0
    return [Action("output.stuck", row, ONE, acts=True), Action("output.position", row, position, ~np.isnan(position))]


def _stiction(effects: Effects, target: str, given: Given, _: float) -> list[Action]:
    row = effects["output.stiction"].row(target)
    return [
        Action("output.stiction", row, given["band"] * 0.01, acts=True),
        Action("output.slip", row, given["jump"] * 0.01, acts=True),
    ]


def _governor(effects: Effects, _target: str, given: Given, t_s: float) -> list[Action]:
    return [
        action
        for output in effects["turbine.load"].rows
        for action in _stuck(effects, output, {"position": given["percent"]}, t_s)
    ]


def _disturb(effects: Effects, target: str, given: Given, _: float) -> list[Action]:
    name, key = _disturbance(effects, target)
    return [Action(name, effects[name].row(key), given["value"], acts=True)]


def _check_disturbance(effects: Effects, target: str, given: Given) -> None:
    one = DISTURBANCES[_disturbance(effects, target)[0]]
    check_limit("value", given["value"], one.lo, one.hi)


def _disturbance(effects: Effects, target: str) -> tuple[str, str]:
    name, _, key = target.partition("/")
    if name not in effects or name not in DISTURBANCES:
        raise PlantError(f"no disturbance {name!r}; there are {', '.join(d for d in DISTURBANCES if d in effects)}")
    return name, key


_TAG = {"tag": "full key of an analogue input, L1-LT-1401A"}

# Numbers below 100 are the programs'. Never again: 109 (steam demand), 110 (heat).
FAULTS: dict[str, Fault] = {
    "transmitter_bad": Fault(
        101,
        "the transmitter fails: current below 3.6 or above 21 mA, or NaN in a float register",
        _TAG | {"how": "under or over for counts, nan for floats"},
        _bad,
        frozenset({"how"}),
        targets=_inputs,
        choices={"how": HOW},
        check=_check_bad,
    ),
    "transmitter_frozen": Fault(
        102,
        "the register keeps its value",
        {"tag": "full key of an input"},
        _simple("transmitter.frozen"),
        targets=_inputs,
    ),
    "transmitter_bias": Fault(
        103,
        "the transmitter reads wrong by a constant",
        _TAG | {"by": "in the tag's unit"},
        _simple("transmitter.bias", "by"),
        targets=_inputs,
        check=_analogue("transmitter.bias"),
    ),
    "transmitter_drift": Fault(
        104,
        "the reading drifts away",
        _TAG | {"per_h": "in the tag's unit per hour"},
        _simple("transmitter.drift", "per_h", 1.0 / SECONDS_PER_HOUR),
        targets=_inputs,
        check=_analogue("transmitter.drift"),
    ),
    "transmitter_noise": Fault(
        105,
        "the noise grows",
        _TAG | {"times": "factor on the noise"},
        _simple("transmitter.noise", "times"),
        targets=_inputs,
        limits={"times": (0.0, 1000.0)},
        check=_analogue("transmitter.noise"),
    ),
    "valve_stuck": Fault(
        106,
        "the final element does not move",
        {"output": "full key of an output, L1-FV-1601.OP", "position": "where it stands, %; default: where it is"},
        _stuck,
        frozenset({"position"}),
        targets=_of("output.stuck"),
        limits={"position": (0.0, 100.0)},
    ),
    "pump_trip": Fault(
        107,
        "a feedwater pump stops and stays off",
        {"pump": "pump_a, pump_b, ..."},
        _simple("pump_tripped"),
        targets=_of("pump_tripped"),
    ),
    "feedwater_valve_shut": Fault(
        108,
        "no feedwater passes the valves of a line, whatever they show",
        {"line": "instance, L1"},
        _simple("valve_shut"),
        targets=_of("valve_shut"),
    ),
    "device_silent": Fault(
        111,
        "a PLC does not answer",
        {"device": "name of the device, L1"},
        _simple("device.silent"),
        targets=_of("device.silent"),
    ),
    "waste": Fault(
        112,
        "the waste at the ram outlet is wetter or drier",
        {"line": "instance, L1; default: all lines", "percent": "points of moisture added; 1 point is 0.2 MJ/kg less"},
        _simple("ram_moisture", "percent", 0.01),
        frozenset({"line"}),
        targets=_of("ram_moisture"),
        limits={"percent": (-30.0, 40.0)},
    ),
    "turbine_load": Fault(
        113,
        "the governor keeps a load set-point of its own, whatever it is told",
        {"percent": "of the range of the set-point"},
        _governor,
        limits={"percent": (0.0, 100.0)},
    ),
    "motor_trip": Fault(
        115,
        "the protection of a motor trips",
        {"motor": "full key of its run command, C0-P-3010A.CMD"},
        _simple("motor_fault"),
        targets=_of("motor_fault"),
    ),
    "valve_slow": Fault(
        116,
        "a final element moves slowly",
        {"output": "full key of an output, L1-FV-1601.OP", "percent": "of its stroke rate"},
        _simple("output.speed", "percent", 0.01),
        targets=_of("output.speed"),
        limits={"percent": (0.0, 100.0)},
    ),
    "valve_stiction": Fault(
        117,
        "a valve sticks and jumps",
        {
            "output": "full key of an output, L1-FV-1601.OP",
            "band": "S, dead band and stick band together, %",
            "jump": "J, by which it jumps when it comes loose, %",
        },
        _stiction,
        targets=_of("output.stiction"),
        limits={"band": (0.0, 50.0), "jump": (0.0, 50.0)},
    ),
    "disturbance": Fault(
        114,
        "one of the process's disturbances has a value",
        {"on": "disturbance/thing, wall_leak/L1", "value": "in its unit"},
        _disturb,
        targets=_disturbances,
        check=_check_disturbance,
    ),
}
