"""What the turbine's supervision measures: vibration, bearing metal, displacement, expansion, hood temperature."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.cycle import Cycle
from plc_sim.process.first_order import lag
from plc_sim.process.motors import lettered

Floats = npt.NDArray[np.float64]

VIBRATION_S = 0.5
HOOD_S = 8.0
RESTING_M = 2e-6  # what a sensor shows at standstill
FULL_EXHAUST = 0.02  # share of full flow from which the hood has the steam's temperature
STEAM_J_KG_K = 2000.0


@dataclass(frozen=True, slots=True)
class Supervision:
    """Measured bearings are (bearings, batch), the rest (1, batch)."""

    vibration: Floats
    metal: Floats
    bodies: Floats  # (2, batch) K: rotor, casing
    hood: Floats  # K
    unbalance: Floats  # (bearings, batch) disturbance: factor on the vibration
    wear: Floats  # disturbance: axial displacement, m
    bearing_fault: Floats  # (bearings, batch) disturbance: more rise, K
    cycle: Cycle
    spread: Floats  # (bearings, 1)
    peak: float  # amplification of the criticals at nominal speed
    full_kg_s: float

    @classmethod
    def build(cls, state: State, cycle: Cycle, *, share: float, hood_k: float) -> "Supervision":
        """Add the state: settled at ``share`` of full flow at nominal speed, or cold at standstill for 0."""
        p = cycle.parameters.shaft
        names = lettered("bearing", p.bearings)
        spread = 1.0 + p.spread * np.linspace(-1.0, 1.0, p.bearings)[:, np.newaxis]
        ambient = cycle.parameters.cooling.ambient_k
        runs = float(share > 0.0)
        oil = cycle.parameters.oil.oil_k if runs else ambient
        warm = ambient + runs * (cycle.parameters.turbine_steam.inlet_k - ambient)
        return cls(
            vibration=state.add(
                "island.vibration", names, fill=RESTING_M + runs * (p.vibration_m - RESTING_M) * spread
            ),
            metal=state.add("island.bearing", names, fill=oil + runs * p.bearing_rise_k * spread),
            bodies=state.add("island.bodies", ("rotor", "casing"), fill=warm),
            hood=state.add("island.hood", ("exhaust",), fill=hood_k),
            unbalance=state.add("disturbance.unbalance", names, fill=1.0),
            wear=state.add("disturbance.thrust_wear", ("thrust",)),
            bearing_fault=state.add("disturbance.bearing", names),
            cycle=cycle,
            spread=spread,
            peak=float(_amplification(np.array(1.0), p.critical_1_hz / p.nominal_hz, p.critical_damping))
            + float(_amplification(np.array(1.0), p.critical_2_hz / p.nominal_hz, p.critical_damping)),
            full_kg_s=cycle.parameters.turbine_steam.full_flow_kg_s,
        )

    def step(
        self,
        speed: Floats,
        *,
        flow_share: Floats,
        inlet_k: Floats,
        saturation_k: Floats,
        superheat_k: Floats,
        exhaust_share: Floats,
        oil_k: Floats,
        dt: float,
    ) -> Floats:
        """Advance and return the churning power, W, that the rotor gives to the exhaust."""
        p = self.cycle.parameters.shaft
        ambient = self.cycle.parameters.cooling.ambient_k
        amplified = _amplification(speed, p.critical_1_hz / p.nominal_hz, p.critical_damping)
        amplified = amplified + _amplification(speed, p.critical_2_hz / p.nominal_hz, p.critical_damping)
        shaking = RESTING_M + (p.vibration_m - RESTING_M) * self.spread * (amplified * (1.0 / self.peak))
        target = RESTING_M + (shaking - RESTING_M) * self.unbalance
        self.vibration[...] += (target - self.vibration) * lag(dt, VIBRATION_S)
        rise = p.bearing_rise_k * self.spread * speed * (0.7 * speed + 0.3 * flow_share)
        metal = oil_k + rise + self.bearing_fault * speed
        self.metal[...] += (metal - self.metal) * lag(dt, p.bearing_s)
        # Steam heats both bodies the faster the more of it flows; without it they cool towards ambient.
        heats = np.sqrt(np.maximum(flow_share, 0.0))
        rates = dt * np.concatenate([heats / p.rotor_s, heats / p.casing_s])
        losses = dt / p.cooling_s * (1.0 - np.minimum(heats, 1.0))
        self.bodies[...] = (self.bodies + rates * inlet_k + losses * ambient) / (1.0 + rates + losses)
        churn_share = np.maximum(1.0 - exhaust_share / p.ventilation_share, 0.0)
        churn = p.ventilation_w * churn_share * speed * speed * speed
        hood = saturation_k + superheat_k * np.minimum(exhaust_share * (1.0 / FULL_EXHAUST), 1.0)
        hood = hood + churn / (p.hood_w_k + STEAM_J_KG_K * exhaust_share * self.full_kg_s)
        self.hood[...] += (hood - self.hood) * lag(dt, HOOD_S)
        return churn

    def axial(self, flow_share: Floats) -> Floats:
        """Return the axial displacement, m."""
        p = self.cycle.parameters.shaft
        return p.axial_m + p.axial_load_m * flow_share + self.wear

    def expansion(self, flow_share: Floats) -> Floats:
        """Return the differential expansion, m: the rotor is longer while it is hotter than the casing."""
        p = self.cycle.parameters.shaft
        return p.expansion_m_k * (self.bodies[0:1] - self.bodies[1:2]) + p.expansion_full_m * flow_share


def _amplification(speed: Floats, critical: float, damping: float) -> Floats:
    """Return r^2 / sqrt((1 - r^2)^2 + (2 d r)^2): unbalance response of one mode."""
    r2 = (speed / critical) ** 2
    return r2 / np.sqrt((1.0 - r2) ** 2 + 4.0 * damping * damping * r2)
