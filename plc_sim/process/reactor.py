"""Semi-dry reactor: water from atomiser and quench nozzles evaporates in the gas; and the rotary atomiser itself.

The gas in the reactor and what follows its temperature is one heat capacity, advanced linearly implicitly. Water that
is not atomised, or falls through gas too cold to dry it, leaves at the bottom. Arrays are (lines, batch).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.design import column
from plc_sim.process.flow import lag_share
from plc_sim.process.flue_gas_design import WATER, FlueGasDesign
from plc_sim.process.gas import KMOL_NM3, Gas
from plc_sim.process.gas_heat import REFERENCE_K, GasHeat, vapour_enthalpy

Floats = npt.NDArray[np.float64]

VAPOUR_NM3_KG = KMOL_NM3 / WATER
EVAPORATION_J_KG = 2441.7e3  # of water at 25 C
WATER_J_KG_K = 4186.0
RUNNING_SPEED = 0.05  # of full speed: below it the atomiser's run feedback is gone


class Evaporated(NamedTuple):
    """One step's results."""

    water: Floats  # vapour, kg/s
    drained: Floats  # share of the atomiser's water and slurry that leaves at the bottom


@dataclass(frozen=True, slots=True)
class Reactor:
    """The reactors of all lines."""

    temperature: Floats  # K, leaving
    speed: Floats  # of the atomiser, share of full
    bearing: Floats  # K
    tripped: Floats  # disturbances: 1 stops the atomiser; m/s at full speed
    vibration_added: Floats
    capacity_j_k: Floats
    wet_k: Floats
    dry_span_k: Floats
    evaporation_j_kg: Floats  # from the water fed to vapour at 25 C
    start_s: Floats
    coast_s: Floats
    coarse: Floats
    fine_span: Floats
    full_hz: Floats
    vibration_m_s: Floats
    rise_k: Floats
    bearing_s: Floats

    @classmethod
    def build(cls, state: State, design: FlueGasDesign, ambient_k: float) -> "Reactor":
        """Add the state: cold, at rest."""
        parameters = [p.reactor for p in design.line]

        def of(name: str) -> Floats:
            return column([getattr(p, name) for p in parameters])

        gas = design.gas
        heat = GasHeat.of(gas).capacity(of("full_out_k"))
        return cls(
            temperature=state.add("reactor.temperature", design.lines, fill=ambient_k),
            speed=state.add("atomiser.speed", design.lines),
            bearing=state.add("atomiser.bearing", design.lines, fill=ambient_k),
            tripped=state.add("disturbance.atomiser_tripped", design.lines),
            vibration_added=state.add("disturbance.atomiser_vibration", design.lines),
            capacity_j_k=of("thermal_s") * gas.flow * heat,
            wet_k=of("wet_k"),
            dry_span_k=of("dry_k") - of("wet_k"),
            evaporation_j_kg=EVAPORATION_J_KG
            - WATER_J_KG_K * (column([p.dosing.water_k for p in design.line]) - REFERENCE_K),
            start_s=of("atomiser_start_s"),
            coast_s=of("atomiser_coast_s"),
            coarse=of("coarse_share"),
            fine_span=of("fine_share") - of("coarse_share"),
            full_hz=of("atomiser_hz"),
            vibration_m_s=of("vibration_m_s"),
            rise_k=of("bearing_rise_k"),
            bearing_s=of("bearing_s"),
        )

    def step(self, gas: Gas, entering_k: Floats, *, water: Floats, quench: Floats, dt: float) -> Evaporated:
        """Advance the gas by ``dt``; ``water`` to the atomiser and ``quench`` to the nozzles, kg/s."""
        heat = GasHeat.of(gas)
        t = self.temperature
        drying = np.minimum(np.maximum((t - self.wet_k) / self.dry_span_k, 0.0), 1.0)
        fine = np.minimum(np.maximum((self.speed - self.coarse) / self.fine_span, 0.0), 1.0)
        sprayed = fine * water + quench
        steam = drying * sprayed
        taken = vapour_enthalpy(t) * VAPOUR_NM3_KG + self.evaporation_j_kg
        missing = gas.flow * (heat.enthalpy(entering_k) - heat.enthalpy(t)) - steam * taken
        slope = gas.flow * heat.capacity(t) + sprayed * (taken / self.dry_span_k) * ((drying > 0.0) & (drying < 1.0))
        self.temperature[...] = t + missing * dt / (self.capacity_j_k + slope * dt)
        return Evaporated(steam, 1.0 - fine * drying)

    def water_for(self, gas: Gas, entering_k: Floats, leaving_k: Floats) -> Floats:
        """Return the water in kg/s that cools ``gas`` to ``leaving_k``, all of it evaporated."""
        heat = GasHeat.of(gas)
        taken = vapour_enthalpy(leaving_k) * VAPOUR_NM3_KG + self.evaporation_j_kg
        return np.maximum(gas.flow * (heat.enthalpy(entering_k) - heat.enthalpy(leaving_k)) / taken, 0.0)

    def run_atomiser(self, is_on: Floats, ambient_k: Floats, dt: float) -> None:
        """Advance speed and bearing temperature of the atomiser by ``dt``; ``is_on`` 1: commanded and supplied."""
        target = is_on * (1.0 - self.tripped)
        lag_s = np.where(target >= self.speed, self.start_s, self.coast_s)
        self.speed[...] += (target - self.speed) * lag_share(dt, lag_s)
        warm = ambient_k + self.rise_k * self.speed
        self.bearing[...] += (warm - self.bearing) * lag_share(dt, self.bearing_s)

    def is_running(self) -> Floats:
        """Return the run feedback of the atomiser, 0 or 1."""
        return np.where(self.speed >= RUNNING_SPEED, 1.0, 0.0)

    def vibration(self) -> Floats:
        """Return the vibration of the atomiser, m/s; a disturbance shakes with the square of the speed."""
        square = self.speed * self.speed
        return (self.vibration_m_s + self.vibration_added) * square
