"""Feedwater: pumps on a common header, per line two parallel valves, and the economiser.

The header takes up little water per pressure, so its pressure is advanced linearly implicitly: stable at any flow.
Check valves stand behind each pump and before each drum. Arrays are (lines, batch) or (pumps, batch).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.reduce import ordered_sum
from controller.core.state import State
from plc_sim.process import water
from plc_sim.process.design import Design, Steady, column
from plc_sim.process.flow import checked_root, lag_share

Floats = npt.NDArray[np.float64]

BELOW_BOILING_J_KG = 45e3  # the economiser does not steam: about 10 K are kept


def pump_names(count: int) -> tuple[str, ...]:
    """Return the names of the pumps: pump_a, pump_b, ..."""
    return tuple(f"pump_{chr(ord('a') + number)}" for number in range(count))


class Feed(NamedTuple):
    """One step's results."""

    flow: Floats  # to each line, kg/s
    j_kg: Floats  # entering the drum
    before_valve_pa: Floats
    valve_dp_pa: Floats
    total: Floats  # of all pumps, (batch,)


@dataclass(frozen=True, slots=True)
class Feedwater:
    """Pumps, header, valves, economisers."""

    speed: Floats  # (pumps, batch), share of full speed
    header: Floats  # (1, batch), Pa
    economiser: Floats  # (lines, batch), J/kg of the water leaving it
    design: Design
    log_rangeability: Floats
    startup_share: Floats
    static_pa: Floats
    pipes_r: Floats  # dp = r * flow^2 of all but the valve
    pump_k: float  # kg/s = k * root(dp)
    economiser_kg: Floats
    enthalpy_to_k: water.LineTable

    @classmethod
    def build(cls, state: State, design: Design, start: Steady) -> "Feedwater":
        """Add the state, steady as ``start`` says: the first pumps run."""
        names = pump_names(design.common.pumps.count)
        runs = (np.arange(len(names)) < start.pumps_running)[:, np.newaxis]
        return cls(
            speed=state.add("feedwater.pump_speed", names, fill=runs * start.speed),
            header=state.add("feedwater.header_pressure", ("header",), fill=start.feedwater_pa),
            economiser=state.add("feedwater.economiser", design.lines, fill=start.economiser_j_kg),
            design=design,
            log_rangeability=np.log(column([p.feedwater.rangeability for p in design.line])),
            startup_share=column([p.feedwater.startup_valve_share for p in design.line]),
            static_pa=column([p.feedwater.static_pa for p in design.line]),
            pipes_r=design.upstream_r + design.downstream_r,
            pump_k=1.0 / math.sqrt(design.pump_b),
            economiser_kg=column([p.feedwater.economiser_kg for p in design.line]),
            enthalpy_to_k=water.liquid_temperature(),
        )

    def step(
        self,
        *,
        main: Floats,
        startup: Floats,
        running: Floats,
        speed: Floats,
        drum_pa: Floats,
        drum_water_j_kg: Floats,
        heat_w: Floats,
        dt: float,
    ) -> Feed:
        """Advance by ``dt``; valve positions and pump inputs 0..1, ``heat_w`` all heat of each line."""
        d = self.design
        pumps = d.common.pumps
        target = running * speed
        tau = np.where(target >= self.speed, pumps.speed_s, pumps.coast_s)
        self.speed[...] += (target - self.speed) * lag_share(dt, tau)

        rise = self.header - d.common.deaerator.pressure_pa
        per_pump, pump_slope = checked_root(pumps.shutoff_pa * self.speed * self.speed - rise)
        opening = d.valve_k * (self._opening(main) + self.startup_share * self._opening(startup))
        resisted = 1.0 + opening * opening * self.pipes_r
        conductance = opening / np.sqrt(resisted)
        drop = self.header - drum_pa - self.static_pa
        rooted, line_slope = checked_root(drop)
        flow, slope = conductance * rooted, conductance * line_slope
        pumped, pumped_slope = ordered_sum(per_pump) * self.pump_k, ordered_sum(pump_slope) * self.pump_k
        storage = pumps.storage_kg_pa * len(d.lines) / dt
        change = (pumped - ordered_sum(flow)) / (storage + pumped_slope + ordered_sum(slope))
        self.header[...] += change
        flow = np.maximum(flow + slope * change, 0.0)

        j_kg = self._heat(flow, drum_water_j_kg, heat_w, dt)
        return Feed(
            flow=flow,
            j_kg=j_kg,
            before_valve_pa=self.header - d.upstream_r * flow * flow,
            valve_dp_pa=np.maximum(drop + change, 0.0) / resisted,
            total=np.maximum(pumped - pumped_slope * change, 0.0),
        )

    def water_out_k(self) -> Floats:
        """Return the temperature of the water leaving the economisers."""
        return self.enthalpy_to_k.at(self.economiser)

    def _opening(self, position: Floats) -> Floats:
        """Equal percentage, shut tight at 0."""
        return np.expm1(position * self.log_rangeability) / np.expm1(self.log_rangeability)

    def _heat(self, flow: Floats, drum_water_j_kg: Floats, heat_w: Floats, dt: float) -> Floats:
        """Advance the economiser, one well-mixed mass, implicitly; without flow it heats up to near boiling."""
        share = dt / self.economiser_kg
        heated = self.economiser + share * (self.design.economiser_share * heat_w + flow * self.design.inlet_j_kg)
        self.economiser[...] = np.minimum(heated / (1.0 + share * flow), drum_water_j_kg - BELOW_BOILING_J_KG)
        return self.economiser
