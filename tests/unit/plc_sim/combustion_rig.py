"""Combustion of the reference plant alone, with the steam side and the draught as boundary, for tests."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.air import HeaterSteam
from plc_sim.process.combustion import NOISE, Boundary, Combustion, Fired
from plc_sim.process.combustion_parameters import CombustionParameters
from plc_sim.process.combustion_signals import INPUT, LINE_SIGNALS, SIGNAL
from plc_sim.process.furnace import Draught
from plc_sim.process.gas_heat import GasHeat
from tests.unit.plc_sim.combustion_numbers import BAROMETRIC_PA, LINES, PARAMETERS

Floats = npt.NDArray[np.float64]

WALL_K = 560.85
CHIMNEY_K = 473.15  # where heat to water and steam is counted to
HELD_SLOPE = 1e-3


def each(value: float, batch: int = 1) -> Floats:
    """Return one value for all lines."""
    return np.full((len(LINES), batch), value)


@dataclass(slots=True)
class Rig:
    """Combustion with inputs; line 1 is what the tests look at."""

    state: State
    combustion: Combustion
    inputs: Floats
    noise: Floats
    boundary: Boundary
    fired: Fired | None = None

    @classmethod
    def of(cls, batch: int = 1, parameters: CombustionParameters = PARAMETERS) -> "Rig":
        """Return the plant steady at full load."""
        state = State(batch)
        signals = np.zeros((len(LINE_SIGNALS), len(LINES), batch))
        combustion = Combustion.build(state, dict.fromkeys(LINES, parameters), signals, BAROMETRIC_PA)
        noise = np.zeros((len(NOISE), len(LINES), batch))
        return cls(state, combustion, np.repeat(combustion.full_load, batch, axis=2), noise, boundary(batch))

    def set(self, **inputs: float) -> None:
        """Move final elements of all lines; a double underscore in a name stands for its dot."""
        for name, value in inputs.items():
            self.inputs[INPUT[name.replace("__", ".")]] = value

    def scale(self, name: str, factor: float) -> None:
        self.inputs[INPUT[name]] = self.combustion.full_load[INPUT[name]] * factor

    def value(self, name: str) -> float:
        return float(self.combustion.signals[SIGNAL[name], 0, 0])

    def step(self, dt: float, draught: Draught | None = None) -> Fired:
        """Advance; the draught control holds the furnace pressure unless ``draught`` says else."""
        furnace = self.combustion.furnace
        if draught is None:
            furnace.pressure[...] = -furnace.draught_pa
            behind = -furnace.draught_pa - furnace.resistance * furnace.flow**2
            draught = Draught(behind, np.full_like(behind, HELD_SLOPE))
        self.fired = self.combustion.step(self.inputs, self.boundary._replace(draught=draught), self.noise, dt)
        return self.fired

    def run(self, seconds: float, dt: float = 1.0, act: Callable[[float], None] | None = None) -> "Course":
        """Run and return the course; ``act`` is called with the time before each step."""
        rows: list[tuple[float, ...]] = []
        for number in range(round(seconds / dt)):
            if act is not None:
                act(number * dt)
            fired = self.step(dt)
            useful = float(self.useful(fired)[0, 0])
            plane = self.value("furnace.plane")
            rows.append(
                (fired.power[0, 0], useful, fired.gas.o2[0, 0], plane, self.value("furnace.co"), fired.gas.h2o[0, 0])
            )
        power, useful, o2, plane_k, co, h2o = np.array(rows).T
        return Course(dt, power, useful, o2, plane_k, co, h2o)

    def useful(self, fired: Fired) -> Floats:
        """Return the heat to water and steam down to the usual gas temperature behind the economiser, W."""
        heat = GasHeat.of(fired.gas)
        rest = heat.enthalpy(fired.gas.temperature) - heat.enthalpy(np.full_like(fired.gas.flow, CHIMNEY_K))
        evaporator = fired.evaporator_w
        return evaporator[0] + evaporator[1] + evaporator[2] + evaporator[3] + fired.gas.flow * rest


@dataclass(slots=True)
class Course:
    """What line 1 did, one value a step."""

    dt: float
    power: Floats  # W
    useful: Floats  # W to water and steam
    o2: Floats  # wet volume share
    plane_k: Floats
    co: Floats  # kg/Nm3 dry
    h2o: Floats

    def at(self, what: Floats, seconds: float) -> float:
        """Return a value at a time, relative to the first one."""
        return float(what[round(seconds / self.dt) - 1] / what[0])

    def first(self, is_true: npt.NDArray[np.bool_]) -> float:
        """Return the time at which something becomes true, s; infinite when it does not."""
        return float(np.argmax(is_true)) * self.dt if is_true.any() else float("inf")


def boundary(batch: int = 1, wall_k: float = WALL_K, ambient_k: float = 283.15) -> Boundary:
    """Return the steam side at full load with still air behind the third pass."""
    return Boundary(
        wall_k=each(wall_k, batch),
        steam=HeaterSteam(each(461.15, batch), each(2.128e6, batch), each(wall_k, batch), each(1.492e6, batch)),
        draught=Draught(each(0.0, batch), each(0.0, batch)),
        ambient_k=each(ambient_k, batch),
        supply=each(1.0, batch),
        drum_pa=each(7.2e6, batch),
        drum_water_j_kg=each(1.2777e6, batch),
        sprayed_kg_s=each(0.0, batch),
        gas_share=each(1.0, batch),
        stopped=each(0.0, batch),
    )
