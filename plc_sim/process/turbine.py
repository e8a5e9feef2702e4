"""The turbine's admission: control valves and the PI controller of the inlet pressure in the turbine's own PLC.

"Turbine follows boiler": the valves take the steam that keeps the inlet pressure at its set-point. A given steam demand
(a disturbance) takes its steam instead and lets the pressure go. Arrays are (1, batch).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.design import Design, Steady

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Admission:
    """Position of the control valves and the integral of the pressure controller."""

    position: Floats
    integral: Floats
    demand: Floats  # kg/s that the turbine must take; NaN: the pressure controller acts
    flow: Floats  # kg/s
    design: Design

    @classmethod
    def build(cls, state: State, design: Design, start: Steady) -> "Admission":
        """Add the state, steady as ``start`` says."""
        flow = design.turbine_k * start.admission * start.header_pa
        return cls(
            position=state.add("turbine.position", ("turbine",), fill=start.admission),
            integral=state.add("turbine.integral", ("turbine",), fill=start.admission),
            demand=state.add("turbine.demand", ("turbine",), fill=np.nan),
            flow=state.add("turbine.flow", ("turbine",), fill=flow),
            design=design,
        )

    def inlet_pa(self, header_pa: Floats) -> Floats:
        """Return the inlet pressure."""
        share = self.flow / self.design.turbine_kg_s
        return header_pa - self.design.common.turbine.inlet_dp_pa * share * share

    def step(self, header_pa: Floats, dt: float) -> Floats:
        """Advance by ``dt`` and return the turbine's steam flow (batch,)."""
        p = self.design.common.turbine
        error = self.inlet_pa(header_pa) - p.inlet_pa  # direct acting: more pressure, more steam
        is_demand = ~np.isnan(self.demand)
        wanted = self.demand / np.maximum(self.design.turbine_k * header_pa, 1e-9)
        target = np.where(is_demand, wanted, p.gain_per_pa * error + self.integral)
        target = np.minimum(np.maximum(target, 0.0), 1.0)
        travel = dt / p.admission_s
        self.position[...] += np.minimum(np.maximum(target - self.position, -travel), travel)
        integral = self.integral + p.gain_per_pa * error * dt / p.integral_s
        integral = np.minimum(np.maximum(integral, 0.0), 1.0)
        # Under a demand the integral follows the position, so that the pressure controller takes over without a bump.
        np.copyto(integral, self.position - p.gain_per_pa * error, where=is_demand)
        self.integral[...] = integral
        self.flow[...] = self.design.turbine_k * self.position * header_pa
        return self.flow[0]
