"""Named faults with typed arguments. Each is a change of arrays that act on the next step; several may stand at once.

A number may also be one value per plant of the batch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.errors import PlantError
from plc_sim.actuators import Actuators
from plc_sim.instruments import Instruments
from plc_sim.plant import Plant
from plc_sim.plc import Plcs
from plc_sim.points import FULL_COUNTS, Points

Floats = npt.NDArray[np.float64]
Number = float | Sequence[float] | Floats
Value = str | Number

UNDER_COUNTS = (3.5 - 4.0) / 16.0 * FULL_COUNTS  # a broken wire or a transmitter that reports its failure (NE 43)
OVER_COUNTS = (21.5 - 4.0) / 16.0 * FULL_COUNTS
HOW = ("under", "over", "nan")


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault. ``args`` are names and meanings; the first names the target, if there is one."""

    meaning: str
    args: Mapping[str, str]
    set: "Callable[[Faults, Mapping[str, Value]], None]"
    clear: "Callable[[Faults, str | None], None]"
    optional: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Faults:
    """The parts of the simulator that faults act on."""

    points: Points
    plant: Plant
    instruments: Instruments
    actuators: Actuators
    plcs: Plcs

    def set(self, name: str, **args: Value) -> None:
        """Set a fault; PlantError when it, an argument or its target does not exist."""
        fault = _fault(name)
        for arg in args:
            if arg not in fault.args:
                raise PlantError(f"fault {name}: no argument {arg!r}; it takes {', '.join(fault.args) or 'none'}")
        missing = [arg for arg in fault.args if arg not in args and arg not in fault.optional]
        if missing:
            text = "; ".join(f"{arg} ({fault.args[arg]})" for arg in missing)
            raise PlantError(f"fault {name}: missing {text}")
        fault.set(self, args)

    def clear(self, name: str, target: str | None) -> None:
        """Take a fault back, on one target or wherever it stands."""
        _fault(name).clear(self, target)

    def input_rows(self, target: Value | None, *, analogue: bool = True) -> npt.NDArray[np.intp]:
        """Return the row of an input, or all rows for None."""
        keys = [p.key for p in self.points.inputs if not (analogue and p.form == "bool")]
        rows = {p.key: row for row, p in enumerate(self.points.inputs)}
        return _rows(target, keys, rows, "analogue input" if analogue else "input")

    def output_rows(self, target: Value | None) -> npt.NDArray[np.intp]:
        """Return the row of an output, or all rows for None."""
        rows = {p.key: row for row, p in enumerate(self.points.outputs)}
        return _rows(target, list(rows), rows, "output")

    def line_rows(self, target: Value | None) -> npt.NDArray[np.intp]:
        """Return the row of a line, or all rows for None."""
        rows = {name: row for row, name in enumerate(self.plant.lines)}
        return _rows(target, list(rows), rows, "line")

    def pump_rows(self, target: Value | None) -> npt.NDArray[np.intp]:
        """Return the row of a pump, or all rows for None."""
        rows = {name: row for row, name in enumerate(self.plant.pumps)}
        return _rows(target, list(rows), rows, "pump")

    def device_rows(self, target: Value | None) -> npt.NDArray[np.intp]:
        """Return the row of a device, or all rows for None."""
        rows = {name: row for row, name in enumerate(self.plcs.devices)}
        return _rows(target, list(rows), rows, "device")


def _fault(name: str) -> Fault:
    if name not in FAULTS:
        raise PlantError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
    return FAULTS[name]


def _rows(target: Value | None, keys: list[str], rows: Mapping[str, int], what: str) -> npt.NDArray[np.intp]:
    if target is None:
        return np.array([rows[key] for key in keys], dtype=np.intp)
    if not isinstance(target, str) or target not in keys:
        raise PlantError(f"no {what} {target!r}; there are {', '.join(keys)}")
    return np.array([rows[target]], dtype=np.intp)


def _number(args: Mapping[str, Value], name: str) -> Floats:
    value = np.atleast_1d(np.asarray(args[name]))
    if value.dtype.kind not in "fiu" or not np.isfinite(value).all():
        raise PlantError(f"{name}: expected a finite number (or one for each plant), found {args[name]!r}")
    return value.astype(np.float64)


# --- transmitters ----------------------------------------------------------------------------------------------------


def _set_bad(f: Faults, args: Mapping[str, Value]) -> None:
    rows = f.input_rows(args["tag"])
    is_counts = f.points.inputs[int(rows[0])].form == "raw"
    how = args.get("how", "under" if is_counts else "nan")
    if how not in (("under", "over") if is_counts else ("nan",)):
        raise PlantError(
            f"transmitter_bad: {args['tag']} can fail {'under or over' if is_counts else 'nan'}, not {how}"
        )
    if not is_counts and not f.points.inputs[int(rows[0])].form.startswith("float"):
        raise PlantError(f"transmitter_bad: {args['tag']} is a whole number without a code for failure")
    f.instruments.bad_raw[rows] = {"under": np.rint(UNDER_COUNTS), "over": np.rint(OVER_COUNTS), "nan": np.nan}[
        str(how)
    ]
    f.instruments.is_bad[rows] = True


def _clear_bad(f: Faults, target: str | None) -> None:
    f.instruments.is_bad[f.input_rows(target)] = False


def _set_frozen(f: Faults, args: Mapping[str, Value]) -> None:
    f.instruments.is_frozen[f.input_rows(args["tag"], analogue=False)] = True


def _clear_frozen(f: Faults, target: str | None) -> None:
    f.instruments.is_frozen[f.input_rows(target, analogue=False)] = False


def _set_bias(f: Faults, args: Mapping[str, Value]) -> None:
    f.instruments.bias[f.input_rows(args["tag"])] = _number(args, "by")


def _clear_bias(f: Faults, target: str | None) -> None:
    f.instruments.bias[f.input_rows(target)] = 0.0


def _set_drift(f: Faults, args: Mapping[str, Value]) -> None:
    f.instruments.drift_per_s[f.input_rows(args["tag"])] = _number(args, "per_h") / 3600.0


def _clear_drift(f: Faults, target: str | None) -> None:
    rows = f.input_rows(target)
    f.instruments.drift_per_s[rows] = 0.0
    f.instruments.drift[rows] = 0.0


def _set_noise(f: Faults, args: Mapping[str, Value]) -> None:
    f.instruments.noise_factor[f.input_rows(args["tag"])] = _number(args, "times")


def _clear_noise(f: Faults, target: str | None) -> None:
    f.instruments.noise_factor[f.input_rows(target)] = 1.0


# --- final elements, pumps, devices ----------------------------------------------------------------------------------


def _set_stuck(f: Faults, args: Mapping[str, Value]) -> None:
    rows = f.output_rows(args["output"])
    if "position" in args:
        position = _number(args, "position") / 100.0
        if (position < 0.0).any() or (position > 1.0).any():
            raise PlantError(f"valve_stuck: position {args['position']!r} is outside 0..100 %")
        f.actuators.position[rows] = position
    f.actuators.is_stuck[rows] = True


def _clear_stuck(f: Faults, target: str | None) -> None:
    f.actuators.is_stuck[f.output_rows(target)] = False


def _set_pump_trip(f: Faults, args: Mapping[str, Value]) -> None:
    f.plant.disturbances.pump_tripped[f.pump_rows(args["pump"])] = 1.0


def _clear_pump_trip(f: Faults, target: str | None) -> None:
    f.plant.disturbances.pump_tripped[f.pump_rows(target)] = 0.0


def _set_silent(f: Faults, args: Mapping[str, Value]) -> None:
    f.plcs.is_silent[f.device_rows(args["device"])] = True


def _clear_silent(f: Faults, target: str | None) -> None:
    f.plcs.is_silent[f.device_rows(target)] = False


# --- process ---------------------------------------------------------------------------------------------------------


def _set_demand(f: Faults, args: Mapping[str, Value]) -> None:
    admission = f.plant.admission
    admission.demand[...] = admission.flow * (1.0 + _number(args, "percent") / 100.0)


def _clear_demand(f: Faults, target: str | None) -> None:
    if target is not None:
        raise PlantError(f"steam_demand has no target; found {target!r}")
    f.plant.admission.demand[...] = np.nan


def _set_heat(f: Faults, args: Mapping[str, Value]) -> None:
    f.plant.disturbances.heat[f.line_rows(args.get("line"))] = 1.0 + _number(args, "percent") / 100.0


def _clear_heat(f: Faults, target: str | None) -> None:
    f.plant.disturbances.heat[f.line_rows(target)] = 1.0


def _set_no_feedwater(f: Faults, args: Mapping[str, Value]) -> None:
    f.plant.disturbances.valve_shut[f.line_rows(args["line"])] = 1.0


def _clear_no_feedwater(f: Faults, target: str | None) -> None:
    f.plant.disturbances.valve_shut[f.line_rows(target)] = 0.0


_TAG = {"tag": "full key of an analogue input, L1-LT-1401A"}

FAULTS: dict[str, Fault] = {
    "transmitter_bad": Fault(
        "the transmitter fails: current below 3.6 or above 21 mA, or NaN in a float register",
        _TAG | {"how": "under or over for counts, nan for floats"},
        _set_bad,
        _clear_bad,
        frozenset({"how"}),
    ),
    "transmitter_frozen": Fault(
        "the register keeps its value", {"tag": "full key of an input"}, _set_frozen, _clear_frozen
    ),
    "transmitter_bias": Fault(
        "the transmitter reads wrong by a constant", _TAG | {"by": "in the tag's unit"}, _set_bias, _clear_bias
    ),
    "transmitter_drift": Fault(
        "the reading drifts away", _TAG | {"per_h": "in the tag's unit per hour"}, _set_drift, _clear_drift
    ),
    "transmitter_noise": Fault("the noise grows", _TAG | {"times": "factor on the noise"}, _set_noise, _clear_noise),
    "valve_stuck": Fault(
        "the final element does not move",
        {"output": "full key of an output, L1-FV-1601.OP", "position": "where it stands, %; default: where it is"},
        _set_stuck,
        _clear_stuck,
        frozenset({"position"}),
    ),
    "pump_trip": Fault(
        "a feedwater pump stops and stays off", {"pump": "pump_a, pump_b, ..."}, _set_pump_trip, _clear_pump_trip
    ),
    "feedwater_valve_shut": Fault(
        "no feedwater passes the valves of a line, whatever they show",
        {"line": "instance, L1"},
        _set_no_feedwater,
        _clear_no_feedwater,
    ),
    "steam_demand": Fault(
        "the turbine takes a changed steam flow and lets the pressure go",
        {"percent": "change of its present flow"},
        _set_demand,
        _clear_demand,
    ),
    "heat": Fault(
        "the fire gives more or less heat",
        {"line": "instance, L1; default: all lines", "percent": "change of the heat"},
        _set_heat,
        _clear_heat,
        frozenset({"line"}),
    ),
    "device_silent": Fault("a PLC does not answer", {"device": "name of the device, L1"}, _set_silent, _clear_silent),
}
