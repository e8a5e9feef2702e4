"""The motors of the turbine island: what runs, how fast, and what of it a dead bus leaves running."""

from dataclasses import dataclass
from string import ascii_lowercase

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.first_order import lag
from plc_sim.process.turbine_island_parameters import IslandParameters

Floats = npt.NDArray[np.float64]

RUNNING_SPEED = 0.05  # of full speed: below it the run feedback is gone


def lettered(name: str, count: int) -> tuple[str, ...]:
    """Return name_a, name_b, ..."""
    return tuple(f"{name}_{letter}" for letter in ascii_lowercase[:count])


def motor_names(p: IslandParameters) -> tuple[str, ...]:
    """Return all motors; the tower fans, which have a speed set-point, come first, the oil pumps last."""
    return (
        *lettered("cooling.fan", p.cooling.fans),
        *lettered("cooling.pump", p.cooling.pumps),
        *lettered("condensate.pump", p.condensate.count),
        *lettered("vacuum.pump", 2),
        "oil.ac_pump",
        "oil.dc_pump",
        *lettered("control_oil.pump", 2),
    )


OIL_PUMPS = 4  # the last motors: AC, DC, control oil A and B


@dataclass(frozen=True, slots=True)
class Motors:
    """Speeds as shares of full speed, (motors, batch)."""

    speed: Floats
    running: Floats  # 0/1
    tripped: Floats  # disturbance: 1 stops the motor
    names: tuple[str, ...]
    fans: slice
    cooling: slice
    condensate: slice
    vacuum: slice
    oil: slice
    on_bus: Floats  # (motors, 1) 1: fed by the house bus only
    on_diesel: Floats  # 1: by the house bus or the emergency diesel
    on_battery: Floats
    parameters: IslandParameters

    @classmethod
    def build(cls, state: State, p: IslandParameters, speed: Floats) -> "Motors":
        """Add the state; ``speed`` (motors, 1) is where everything stands."""
        names = motor_names(p)
        stops = np.cumsum([p.cooling.fans, p.cooling.pumps, p.condensate.count, 2, OIL_PUMPS])
        starts = np.concatenate([[0], stops[:-1]])
        fans, cooling, condensate, vacuum, oil = (slice(int(a), int(b)) for a, b in zip(starts, stops, strict=True))
        diesel = np.array([[float(name == "oil.ac_pump")] for name in names])
        battery = np.array([[float(name == "oil.dc_pump")] for name in names])
        return cls(
            speed=state.add("island.motor_speed", names, fill=speed),
            running=state.add("island.motor_running", names, fill=speed >= RUNNING_SPEED),
            tripped=state.add("disturbance.motor_tripped", names),
            names=names,
            fans=fans,
            cooling=cooling,
            condensate=condensate,
            vacuum=vacuum,
            oil=oil,
            on_bus=1.0 - diesel - battery,
            on_diesel=diesel,
            on_battery=battery,
            parameters=p,
        )

    def step(self, command: Floats, fan_speed: Floats, bus: Floats, essential: Floats, dt: float) -> None:
        """Advance; ``command`` (motors, batch), ``fan_speed`` (fans, batch), buses (1, batch) 1 alive."""
        o = self.parameters.oil
        supplied = self.on_bus * bus + self.on_diesel * essential + self.on_battery
        target = (command >= 0.5) * supplied * (1.0 - self.tripped)
        self.running[...] = target
        target[self.fans] *= fan_speed
        share = np.where(target >= self.speed, lag(dt, o.start_s), lag(dt, o.coast_s))
        self.speed[...] += (target - self.speed) * share
        self.running[...] *= self.speed >= RUNNING_SPEED
