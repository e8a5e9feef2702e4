"""Plants for the checks: each check gets a plant of its own, standing at a firing."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from controller.core.config import Config
from controller.core.state import State
from plc_sim import initial
from plc_sim.compiled.kernel import CompiledStep, Kernel, compile_step
from plc_sim.equipment_parameters import without
from plc_sim.line_up import line_up, take_over
from plc_sim.plant import Plant, Process
from plc_sim.process.combustion_parameters import BURNERS
from plc_sim.process.combustion_start import Firing
from wte.validation.shift import Shift


class Fire(NamedTuple):
    """How both lines are fired."""

    t_d: float  # waste of a line
    lhv_mj_kg: float
    o2: float  # behind the economiser, wet volume share
    air_c: float  # primary
    burners: float = 0.0  # load of the first pair, share of a burner


@dataclass(slots=True)
class Bench:
    """Makes plants of one configuration. What has been brought to a firing once is kept."""

    config: Config
    _kernels: dict[float, Kernel] = field(default_factory=dict[float, Kernel])
    _standing: dict[Fire | float, Plant] = field(default_factory=dict["Fire | float", Plant])

    def plant(self, how: Fire | float = 1.0, batch: int = 1) -> Plant:
        """Return a new plant that stands at ``how``: a load, 1 at full throughput, or a firing."""
        if how not in self._standing:
            firing = self._firing(how) if isinstance(how, Fire) else how
            self._standing[how] = line_up(self._process, self._barometric_pa, firing)
        plant = Plant(self._process, State(batch), self._barometric_pa)
        take_over(plant, self._standing[how])
        return plant

    def at(self, condition: str) -> Plant:
        """Return a new plant at an initial condition by its name."""
        plant = Plant(self._process, State(batch=1), self._barometric_pa)
        initial.begin(plant, self._process, self._barometric_pa, condition)
        return plant

    def shift(self, how: Fire | float = 1.0, *, dt: float = 0.1, settle_s: float = 0.0) -> Shift:
        """Return a new plant with hands on it, after ``settle_s`` with all of them."""
        return self.hands(self.plant(how), dt=dt).run(settle_s)

    def hands(self, plant: Plant, *, dt: float = 0.1) -> Shift:
        """Return the hands on a plant, which goes in compiled steps."""
        return Shift(plant, dt=dt, step=self.compiled(plant, dt))

    def compiled(self, plant: Plant, dt: float) -> CompiledStep:
        """Return the compiled step of a plant."""
        if dt not in self._kernels:
            one = Plant(self._process, State(batch=1), self._barometric_pa)
            self._kernels[dt] = compile_step(one, one.state, lambda plant: plant.step(dt))
        return self._kernels[dt].bind(plant.state)

    @property
    def _process(self) -> Process:
        return without(self.config.process)

    @property
    def _barometric_pa(self) -> float:
        return self.config.plant.site.barometric_pa

    def _firing(self, fire: Fire) -> Firing:
        lines = {name: area for name, area in self.config.process.items() if "feed" in area}
        full_kg_s = np.array([[area["grate"]["feed_kg_s"]] for area in lines.values()])
        one = np.ones_like(full_kg_s)
        burners = np.zeros((BURNERS, *one.shape))
        burners[:2] = fire.burners
        kg_s = fire.t_d / 86.4
        return Firing(kg_s / full_kg_s, one * fire.lhv_mj_kg * 1e6, one * fire.o2, one * (fire.air_c + 273.15), burners)
