"""Feedwater: pumps on a common header, and two parallel valves before the economiser of each line.

The header takes up little water per pressure, so its pressure is advanced linearly implicitly: stable at any flow.
Check valves stand behind each pump and before each drum. Spray water leaves in front of the valves; the small loss
that it causes on its way there is left out.
Arrays are (lines, batch) or (pumps, batch).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.reduce import ordered_sum
from controller.core.state import State
from plc_sim.process.design import Design, column
from plc_sim.process.flow import checked_root, lag_share

Floats = npt.NDArray[np.float64]

WATER_KG_M3 = 935.0  # in the pumps, about 130 °C


def pump_names(count: int) -> tuple[str, ...]:
    """Return the names of the pumps: pump_a, pump_b, ..."""
    return tuple(f"pump_{chr(ord('a') + number)}" for number in range(count))


class Feed(NamedTuple):
    """One step's results."""

    flow: Floats  # through the valves of each line, kg/s
    before_valve_pa: Floats
    valve_dp_pa: Floats
    total: Floats  # of all pumps, (1, batch)
    recirculated: Floats  # of it back to the tank, (1, batch)
    power_w: Floats  # electrical, of all pumps, (1, batch)


@dataclass(frozen=True, slots=True)
class Feedwater:
    """Pumps, header, valves."""

    speed: Floats  # (pumps, batch), share of full speed
    header: Floats  # (1, batch), Pa
    design: Design
    log_rangeability: Floats
    startup_share: Floats
    static_pa: Floats
    pump_k: float  # kg/s = k * root(dp)
    least_k: float  # the same of one open minimum-flow valve

    @classmethod
    def build(cls, state: State, design: Design) -> "Feedwater":
        """Add the state: pumps at rest, the header at the pressure of a cold tank."""
        p = design.common.pumps
        return cls(
            speed=state.add("feedwater.pump_speed", pump_names(p.count)),
            header=state.add("feedwater.header_pressure", ("header",), fill=design.barometric_pa),
            design=design,
            log_rangeability=np.log(column([p.feedwater.rangeability for p in design.line])),
            startup_share=column([p.feedwater.startup_valve_share for p in design.line]),
            static_pa=column([p.feedwater.static_pa for p in design.line]),
            pump_k=1.0 / math.sqrt(design.pump_b),
            least_k=p.least_flow_share * p.rated_share * float(design.feedwater_kg_s.sum()) / math.sqrt(p.rated_pa),
        )

    def step(
        self,
        *,
        main: Floats,
        startup: Floats,
        running: Floats,
        speed: Floats,
        least_valves: Floats,
        suction: Floats,
        tank_pa: Floats,
        drum_pa: Floats,
        spray: Floats,
        dt: float,
    ) -> Feed:
        """Advance by ``dt``; valves and pump inputs 0..1, ``suction`` 1 when the tank has water, ``spray`` kg/s."""
        d = self.design
        pumps = d.common.pumps
        target = running * speed
        tau = np.where(target >= self.speed, pumps.speed_s, pumps.coast_s)
        self.speed[...] += (target - self.speed) * lag_share(dt, tau)

        rise = self.header - tank_pa
        per_pump, pump_slope = checked_root(pumps.shutoff_pa * self.speed * self.speed - rise)
        least, least_slope = checked_root(rise)
        least_k = ordered_sum(least_valves * (self.speed > 0.0))[np.newaxis] * self.least_k
        opening = d.valve_k * (self._opening(main) + self.startup_share * self._opening(startup))
        resisted = 1.0 + opening * opening * (d.downstream_r + d.upstream_r)
        conductance = opening / np.sqrt(resisted)
        drop = self.header - drum_pa - self.static_pa
        rooted, line_slope = checked_root(drop)
        flow, slope = conductance * rooted, conductance * line_slope
        pumped = ordered_sum(per_pump)[np.newaxis] * (self.pump_k * suction)
        pumped_slope = ordered_sum(pump_slope)[np.newaxis] * (self.pump_k * suction)
        storage = pumps.storage_kg_pa * len(d.lines) / dt
        taken = ordered_sum(flow + spray)[np.newaxis] + least_k * least
        change = (pumped - taken) / (storage + pumped_slope + ordered_sum(slope)[np.newaxis] + least_k * least_slope)
        self.header[...] = np.maximum(self.header + change, d.barometric_pa)
        flow = np.maximum(flow + slope * change, 0.0)
        total = np.maximum(pumped - pumped_slope * change, 0.0)
        return Feed(
            flow=flow,
            before_valve_pa=self.header - d.upstream_r * flow * flow,
            valve_dp_pa=np.maximum(drop + change, 0.0) / resisted,
            total=total,
            recirculated=least_k * least,
            power_w=total * np.maximum(rise, 0.0) * (1.0 / (WATER_KG_M3 * pumps.efficiency)),
        )

    def _opening(self, position: Floats) -> Floats:
        """Equal percentage, shut tight at 0."""
        return np.expm1(position * self.log_rangeability) / np.expm1(self.log_rangeability)
