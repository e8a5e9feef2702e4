"""Final elements: what an output register does to the process, for all outputs at once.

Dead band of the positioner, then travel at the stroke rate, and sticking as a fault. Positions are shares of the range,
0..1, (outputs, batch).
"""

import numpy as np
import numpy.typing as npt

from controller.core.errors import ConfigError, Issue
from controller.core.state import State
from plc_sim.points import OutputPoint, Scaling

Floats = npt.NDArray[np.float64]

AT_ONCE = 1e9  # strokes per second of an element without stroke time
LIMIT_SWITCH = 0.02  # from an end of the stroke


class Actuators:
    """Valves, drives and switches behind all outputs."""

    def __init__(
        self,
        points: tuple[OutputPoint, ...],
        input_row: dict[str, int],
        state: State,
        *,
        process_inputs: Floats,
        period_s: float,
    ) -> None:
        """Add the state; every element stands where the process's initial condition wants it."""
        keys = [p.key for p in points]
        self._inputs = process_inputs
        self._row = np.array(_input_rows(points, input_row), dtype=np.intp)
        self.scaling = Scaling(points, saturates=False)
        self._opens = _column([_travel(p.actuator.stroke_s, period_s) for p in points])
        self._closes = _column(
            [
                _travel(p.actuator.stroke_s if p.actuator.close_s is None else p.actuator.close_s, period_s)
                for p in points
            ]
        )
        self._dead_band = _column([p.actuator.dead_band_pct / 100.0 for p in points])
        self.initial_raw: Floats = self.scaling.raw_of_fraction(process_inputs[self._row])
        initial = self.scaling.fraction(self.initial_raw)
        self.accepted: Floats = state.add("actuator.accepted", keys, fill=initial)
        self.position: Floats = state.add("actuator.position", keys, fill=initial)
        self.is_stuck: npt.NDArray[np.bool_] = state.add("actuator.stuck", keys, dtype=np.bool_)

    def step(self, raw: Floats) -> None:
        """Move for one period towards ``raw``, the output registers, and act on the process."""
        demand = self.scaling.fraction(raw)
        np.copyto(self.accepted, demand, where=np.abs(demand - self.accepted) > self._dead_band)
        travel = np.minimum(np.maximum(self.accepted - self.position, -self._closes), self._opens)
        np.add(self.position, travel, out=self.position, where=~self.is_stuck)
        self._inputs[self._row] = self.position


def _travel(stroke_s: float, period_s: float) -> float:
    return period_s / stroke_s if stroke_s > 0.0 else AT_ONCE


def _column(values: list[float]) -> Floats:
    return np.array(values, dtype=np.float64).reshape(-1, 1)


def _input_rows(points: tuple[OutputPoint, ...], input_row: dict[str, int]) -> list[int]:
    """Return the row of the process input that each output drives; each is driven once."""
    rows: list[int] = []
    issues: list[Issue] = []
    driven: dict[int, str] = {}
    for point in points:
        name = point.actuator.drives
        row = input_row.get(f"{point.instance}/{name}")
        if row is None:
            known = sorted(key.split("/", 1)[1] for key in input_row if key.startswith(f"{point.instance}/"))
            text = f"the simulated plant has no input {name!r}; {point.instance} has {', '.join(known)}"
            issues.append(point.issue("actuator.drives", text))
        elif row in driven:
            issues.append(point.issue("actuator.drives", f"{driven[row]} drives {name} already"))
        else:
            driven[row] = point.key
            rows.append(row)
    if issues:
        raise ConfigError(issues)
    return rows
