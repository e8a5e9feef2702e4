"""A stage for faults: the plant's physics at a load, the shift's hands on it, and the plant's own fault programs.

Final elements and transmitters stand in as rows that faults act on: a stuck output holds its process input whatever the
hands do, and ``bias`` and ``frozen`` say what transmitters would show.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from controller.core.config import Config, load
from controller.core.state import State
from plc_sim.compiled.kernel import Kernel, compile_step
from plc_sim.effects import effects
from plc_sim.equipment_parameters import without
from plc_sim.fault_programs import table_of
from plc_sim.fault_record import Record
from plc_sim.faults import Faults, Value
from plc_sim.line_up import line_up, take_over
from plc_sim.plant import Plant, Process
from plc_sim.points import read_points
from wte.validation.shift import COMMON, LINE, Shift

Floats = npt.NDArray[np.float64]
CONFIG = Path(__file__).parents[1] / "config" / "almaty"
CELSIUS = 273.15
HANDS = {*LINE, *COMMON}  # all that the shift has


def between(found: float, low: float, high: float, share: float = 0.3) -> bool:
    """Return whether a figure lies in a given range, widened by a share of its ends."""
    return low - share * abs(low) <= found <= high + share * abs(high)


def when(condition: npt.NDArray[np.bool_]) -> int:
    """Return the second at which a course first meets a condition; AssertionError when it never does."""
    found = np.flatnonzero(condition)
    assert found.size, "never"
    return int(found[0]) + 1


@cache
def config() -> Config:
    """Return the plant's configuration, loaded once."""
    return load(CONFIG)


def process() -> Process:
    """Return the parameters of the physics."""
    return without(config().process)


@cache
def _standing(load_share: float) -> Plant:
    return line_up(process(), config().plant.site.barometric_pa, load_share)


@cache
def _kernel(dt: float) -> Kernel:
    """Return the compiled step; found once for all stages."""
    stage = Stage(None, dt=dt, is_compiled=False)
    return compile_step(stage.plant, stage.plant.state, lambda plant: plant.step(dt))


class Stage:
    """The plant at a load (None: cold) with hands on it; time in seconds since it was built."""

    def __init__(
        self,
        load_share: float | None = 1.0,
        *,
        dt: float = 0.1,
        batch: int = 1,
        off: set[str] | None = None,
        is_compiled: bool = True,
    ) -> None:
        barometric = config().plant.site.barometric_pa
        self.plant = Plant(process(), State(batch), barometric)
        if load_share is not None:
            take_over(self.plant, _standing(load_share))
            self.plant.step(1e-9)
        self.shift = Shift(self.plant, off=off or set(), dt=dt)
        self.step = 0
        self.dt = dt
        self._points = read_points(config())
        self._add_devices(self.plant.state)
        acting = effects(self.plant.state, self._points)
        self.faults = Faults(acting, table_of(config()), Record(self.plant.state), batch=batch, period_s=dt)
        places = [f"{p.instance}/{p.actuator.drives}" for p in self._points.outputs]
        self._driven = [self.plant.input_row.get(place) for place in places]
        self._orders: dict[int, Floats] = {}
        self._advance: Callable[[], None] = lambda: self.plant.step(dt)
        if is_compiled:
            self._advance = _kernel(dt).bind(self.plant.state)
        self._watched: dict[str, list[float]] = {}
        self.shift.act()  # takes the set-points

    def fault(self, name: str, **args: Value) -> "Stage":
        """Set a fault now."""
        self.faults.set(name, self.step, **args)
        return self

    def clear(self, name: str, target: str | None = None) -> None:
        """Take a fault back."""
        self.faults.clear(name, target, self.step)

    def watch(self, *signals: str) -> "Stage":
        """Keep the course of signals, one value a second from now on."""
        self._watched |= {name: [] for name in signals}
        return self

    def course(self, name: str) -> Floats:
        """Return what was watched, one value a second."""
        return np.array(self._watched[name])

    def run(self, seconds: float, script: Callable[[], None] = lambda: None) -> "Stage":
        """Let time pass; ``script`` is called before every step."""
        for _ in range(round(seconds / self.dt)):
            script()
            self.step += 1
            self.faults.advance(self.step)
            self._hold_stuck()
            self._advance()
            if self.step % round(1.0 / self.dt) == 0:
                self.shift.act()
                for name, values in self._watched.items():
                    values.append(self.value(name))
        return self

    def value(self, name: str) -> float:
        """Return a signal of the first plant."""
        return self.shift.value(name)

    def celsius(self, name: str) -> float:
        """Return a temperature signal in degrees Celsius."""
        return self.shift.value(name) - CELSIUS

    def put(self, name: str, value: float) -> None:
        """Move a final element to a position, or give an order."""
        self.shift.put(name, value)

    def position(self, name: str) -> float:
        """Return where a final element stands."""
        return float(self.plant.inputs[self.plant.input_row[name], 0])

    def bias(self, tag: str) -> float:
        """Return by how much a transmitter reads wrong."""
        effect = self.faults.effects["transmitter.bias"]
        return float(effect.array[effect.row(tag), 0])

    def is_frozen(self, tag: str) -> bool:
        """Return whether a transmitter keeps its value."""
        effect = self.faults.effects["transmitter.frozen"]
        return bool(effect.array[effect.row(tag), 0])

    def _add_devices(self, state: State) -> None:
        """Add rows for what stands between the process and its registers, as the simulator has them."""
        outputs, inputs = [p.key for p in self._points.outputs], [p.key for p in self._points.inputs]
        for name in ("instrument.bias", "instrument.frozen"):
            state.add(name, inputs)
        self._stuck: Floats = state.add("actuator.stuck", outputs)
        self._position: Floats = state.add("actuator.position", outputs)
        self._motors = [row for row, p in enumerate(self._points.outputs) if p.key.endswith(".CMD")]
        self._tripped: Floats = state.add("disturbance.motor_fault", [outputs[row] for row in self._motors])
        state.add("plc.silent", self._points.devices)

    def _hold_stuck(self) -> None:
        """Hold what is stuck or tripped; what has come loose goes back to its order."""
        stuck = {int(row): self._position[row] for row in np.flatnonzero(self._stuck[:, 0])}
        stuck |= {self._motors[number]: np.zeros(1) for number in np.flatnonzero(self._tripped[:, 0])}
        for row in self._orders.keys() - stuck.keys():
            self.plant.inputs[self._driven[row]] = self._orders.pop(row)
        for row, position in stuck.items():
            driven = self._driven[row]
            assert driven is not None, f"{self._points.outputs[row].key} drives nothing of the process"
            self._orders.setdefault(row, self.plant.inputs[driven].copy())
            self.plant.inputs[driven] = position
