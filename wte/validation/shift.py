"""The shift: simple PI hands on the simulated plant's own signals that hold it while something else is disturbed.

They stand for the control loops where the process alone is under test. Every hand can be taken off by name; all act
once a second on every plant of the batch. Without "level" the feedwater flow is held where it was. Gains are per SI
unit, so ``gain`` 2e-4 for a pressure is 0.2 % per 10 Pa.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from plc_sim.plant import Plant
from wte.validation.course import Course, Recorder

Floats = npt.NDArray[np.float64]
Script = Callable[["Shift"], None]


class Hand(NamedTuple):
    """One PI hand: ``input`` rises with the error (set-point less signal) times ``gain``, negative for direct."""

    signal: str
    input: str
    gain: float
    integral_s: float
    least: float = 0.0
    most: float = 1.0


LINE = {
    "feedwater": Hand("feedwater.flow", "feedwater.valve", 0.01, 4.0),
    "draught": Hand("furnace.pressure", "id_fan.speed", -3e-4, 10.0, 0.15),
    "oxygen": Hand("economiser.gas_o2", "sa_fan.demand", 3.0, 40.0, 0.2),
    "sp1": Hand("superheater.sh2_out", "spray.sp1_valve", -0.01, 90.0),
    "sp2": Hand("steam.temperature", "spray.sp2_valve", -0.01, 80.0),
    "air_temperature": Hand("pa.temperature", "heater.drum_valve", 0.01, 90.0),
    "reactor": Hand("reactor.gas_out", "reactor.dilution_valve", -0.01, 20.0),
    "oil": Hand("hydraulics.temperature", "hydraulics.cooler", -0.05, 120.0),
    "drain": Hand("heater.level", "heater.drain_valve", -1.0, 60.0),
}
COMMON = {
    "pumps": Hand("feedwater_header.pressure", "pumps.speed", 2e-8, 8.0),
    "inlet": Hand("turbine.inlet_pressure", "turbine.load_setpoint", -1.2e-6, 120.0),
    "deaerator_pressure": Hand("deaerator.pressure", "deaerator.extraction_valve", 2e-6, 60.0),
    "deaerator_level": Hand("deaerator.level", "condensate.valve", 0.5, 640.0),
    "hotwell": Hand("hotwell.level", "make_up.valve", 0.5, 260.0),
    "tower": Hand("cooling.inlet_temperature", "cooling.fan_a.speed", -0.02, 400.0),
}
LEVEL_KG_S_M = 60.0  # feedwater for each metre of level
LEVEL_INTEGRAL_S = 320.0
ACT_S = 1.0


@dataclass(slots=True)
class Shift:
    """Hands on a plant; set-points are where the plant stands when a hand first acts, unless given before."""

    plant: Plant
    off: set[str] = field(default_factory=set[str])
    set_points: dict[str, Floats] = field(default_factory=dict[str, Floats])
    dt: float = 0.1
    hands: dict[str, Hand] = field(default_factory=lambda: LINE | COMMON)
    before_step: Script | None = None  # what disturbs the plant, or noise
    step: Callable[[], object] | None = None  # the plant's compiled step
    steps: int = 0
    _last: dict[str, Floats] = field(default_factory=dict[str, Floats])
    _level: Floats | None = None

    @property
    def time_s(self) -> float:
        """How long the plant has been stepped."""
        return self.steps * self.dt

    def run(self, seconds: float) -> "Shift":
        """Step the plant with the hands on it."""
        every = round(ACT_S / self.dt)
        for _ in range(round(seconds / self.dt)):
            if self.before_step is not None:
                self.before_step(self)
            if self.step is not None:
                self.step()
            else:
                self.plant.step(self.dt)
            self.steps += 1
            if self.steps % every == 0:
                self.act()
        return self

    def watch(self, names: Sequence[str], seconds: float, every_s: float = 1.0) -> dict[str, Course]:
        """Run, and return the courses of signals of the first plant from now on."""
        rows = [self.plant.signal_row[name] for name in names]
        recorder, start = Recorder(names), self.time_s
        recorder.note(0.0, self.plant.signals[rows, 0])
        for _ in range(round(seconds / every_s)):
            self.run(every_s)
            recorder.note(self.time_s - start, self.plant.signals[rows, 0])
        return recorder.courses()

    def value(self, name: str) -> float:
        """Return a signal of the first plant by its full name, "L1/drum.level"."""
        return float(self.plant.signals[self.plant.signal_row[name], 0])

    def put_on(self, name: str, hand: Hand) -> None:
        """Put a hand on; it begins where its input stands."""
        self.hands[name] = hand
        self.set_points.pop(name, None)
        self._last.pop(name, None)

    def put(self, name: str, value: float) -> None:
        """Set an input by its full name."""
        self.plant.inputs[self.plant.input_row[name]] = value

    def turn(self, name: str, factor: float) -> None:
        """Multiply an input of all lines, "pa_fan.demand"."""
        self.plant.input_board[name][...] *= factor

    def act(self) -> None:
        """Move all final elements that have a hand on them."""
        if not {"feedwater", "level"} & self.off:
            self._hold_level()
        for name, hand in self.hands.items():
            if name in self.off:
                continue
            signal, position = self.plant.signal_board[hand.signal], self.plant.input_board[hand.input]
            if name not in self.set_points:
                self.set_points[name] = signal.copy()
            error = self.set_points[name] - signal
            before = self._last.get(name, error)
            move = hand.gain * (error - before + error * ACT_S / hand.integral_s)
            position[...] = np.minimum(np.maximum(position + move, hand.least), hand.most)
            self._last[name] = error.copy()

    def _hold_level(self) -> None:
        """Ask for the feedwater that the steam takes, corrected by the level."""
        board = self.plant.signal_board
        level = board["drum.level"]
        if self._level is None:
            self._level = -board["steam.flow"] + board["feedwater.flow"]
        self._level = self._level - LEVEL_KG_S_M * level * (ACT_S / LEVEL_INTEGRAL_S)
        self.set_points["feedwater"] = board["steam.flow"] + self._level - LEVEL_KG_S_M * level
