"""Flue-gas cleaning of two lines at full load with its stores, driven by the tests as an operator would."""

from collections.abc import Mapping
from functools import cache

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.flue_gas_cleaning import Cleaned, FlueGasCleaning, Surroundings
from plc_sim.process.flue_gas_design import FlueGasDesign, LineParameters, design
from plc_sim.process.flue_gas_parameters import ReagentParameters
from plc_sim.process.flue_gas_start import idle_inputs, settle, start
from plc_sim.process.gas import Gas
from plc_sim.process.reagents import INPUTS as STORE_INPUTS
from plc_sim.process.reagents import SIGNALS as STORE_SIGNALS
from plc_sim.process.reagents import Reagents
from plc_sim.process.sncr import FurnaceGas
from tests.unit.plc_sim.flue_gas_numbers import COMMON, LINE

Floats = npt.NDArray[np.float64]

LINES = ("L1", "L2")
AMBIENT_K = 283.15
BAROMETRIC_PA = 93_200.0
ECONOMISER_PA = -500.0
AIR_PA = 0.65e6


def cleaning_design(lines: tuple[str, ...] = LINES) -> FlueGasDesign:
    return design({name: LineParameters.read(LINE) for name in lines}, barometric_pa=BAROMETRIC_PA)


@cache
def _at_full_load(batch: int) -> tuple[bytes, Floats]:
    """Return the state at full load and its final elements: found once for all tests."""
    rig = Rig(batch, is_cold=True)
    full = Rig.full_gas(batch)
    inputs = start(rig.cleaning, full, Rig.full_furnace(batch), ECONOMISER_PA, rig.around(), rig.signals)
    return rig.state.save(), inputs


class Rig:
    """Two lines; ``gas`` and ``furnace`` are what the boiler gives, and may be replaced between steps."""

    def __init__(self, batch: int = 1, *, is_cold: bool = False) -> None:
        self.state = State(batch)
        d = cleaning_design()
        self.cleaning = FlueGasCleaning.build(self.state, d, ambient_k=AMBIENT_K)
        self.reagents = Reagents.build(
            self.state, ReagentParameters.model_validate(COMMON["reagents"]), 0.12, AMBIENT_K
        )
        self.signals = np.zeros((len(self.cleaning.signals), len(LINES), batch))
        self.ambient = np.full((1, batch), AMBIENT_K)
        self.air_pa = np.full((1, batch), AIR_PA)
        self.bus = np.ones((1, batch))
        self.store_inputs = np.zeros((len(STORE_INPUTS), batch))
        self.store_signals = np.zeros((len(STORE_SIGNALS), batch))
        self.set_store({"slaker.command": 1.0, "ammonia_tank.valve": 1.0})
        if is_cold:
            one = np.ones((len(LINES), batch))
            nothing = Gas(*(0.0 * one for _ in Gas._fields))
            self.gas = nothing._replace(temperature=AMBIENT_K * one, o2=0.2078 * one)
            self.furnace = FurnaceGas(*(AMBIENT_K * one,) * 3)
            self.inputs = idle_inputs(self.cleaning, batch)
            settle(self.cleaning, self.gas, self.furnace, self.inputs, self.around(), self.signals)
        else:
            self.gas, self.furnace = self.full_gas(batch), self.full_furnace(batch)
            saved, inputs = _at_full_load(batch)
            self.state.restore(saved)
            self.inputs = inputs.copy()
            self.step(1e-9)

    @staticmethod
    def full_gas(batch: int = 1) -> Gas:
        return Gas(*(field * np.ones((1, batch)) for field in cleaning_design().gas))

    @staticmethod
    def full_furnace(batch: int = 1) -> FurnaceGas:
        raw, one = cleaning_design().line[0].raw_gas, np.ones((len(LINES), batch))
        return FurnaceGas(one * raw.roof_k, one * raw.plane_k, one * raw.pass_k)

    def around(self) -> Surroundings:
        return Surroundings(self.ambient, self.reagents.supply(self.store_inputs), self.air_pa, self.bus)

    def set(self, positions: Mapping[str, float], line: int | slice = slice(None)) -> None:
        for name, position in positions.items():
            self.inputs[self.cleaning.inputs[name], line] = position

    def set_store(self, positions: Mapping[str, float]) -> None:
        for name, position in positions.items():
            self.store_inputs[STORE_INPUTS.index(name)] = position

    def step(self, dt: float = 0.1) -> Cleaned:
        cleaned = self.cleaning.step(self.gas, self.furnace, self.inputs, self.around(), self.signals, dt)
        self.reagents.step(self.cleaning.rates, self.store_inputs, self.ambient, dt)
        self.reagents.publish(self.store_signals)
        return cleaned

    def run(self, seconds: float, dt: float = 0.5) -> Cleaned:
        for _ in range(round(seconds / dt) - 1):
            self.step(dt)
        return self.step(dt)

    def clean_bags(self) -> None:
        """One pulse for each compartment, 12 s apart."""
        for number in range(self.cleaning.design.compartments):
            self.set({f"filter.pulse_{number}": 1.0})
            self.step(1.0)
            self.set({f"filter.pulse_{number}": 0.0})
            self.run(11.0, 2.75)

    def value(self, name: str, line: int = 0) -> float:
        return float(self.signals[self.cleaning.signals[name], line, 0])

    def stored(self, name: str) -> float:
        return float(self.store_signals[STORE_SIGNALS.index(name), 0])

    def at_11(self, name: str) -> float:
        """Return a reading in mg/Nm3 dry at 11 % O2."""
        wet = self.value(f"cems.{name}")
        if name == "dust":
            wet *= self.value("stack.gas") / 273.15 * 101_300.0 / self.value("stack.pressure")
        return 1e6 * wet / (1.0 - self.value("cems.h2o")) * 10.0 / (21.0 - 100.0 * self.value("cems.o2"))

    def stack_at_11(self, cleaned: Cleaned, name: str) -> float:
        """Return a content of the gas behind the filter in mg/Nm3 dry at 11 % O2, before transport and analyser."""
        gas = cleaned.stack
        wet = getattr(gas, name)[0, 0] / gas.flow[0, 0]
        dry = 1.0 - gas.h2o[0, 0]
        return float(1e6 * wet / dry * 0.10 / (0.21 - gas.o2[0, 0] / dry))
