"""Ram feeder and its hydraulics: pushers that stroke in turn, oil pressure, oil temperature. Arrays (lines, batch)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.combustion_parameters import PUSHERS, FeedParameters, values
from plc_sim.process.flow import lag_share

Floats = npt.NDArray[np.float64]

STANDING = 0.5  # share of the least hydraulic pressure at which nothing moves
PUMP_PA_SHARE = 0.03  # by which a second pump raises the pressure


@dataclass(frozen=True, slots=True)
class Feeder:
    """Pushers and hydraulics of all lines."""

    phase: Floats  # (PUSHERS, lines, batch) 0..1 of the cycle; forward first
    pressure: Floats  # Pa gauge
    oil: Floats  # K
    level: Floats  # share of the tank
    fault: Floats  # disturbance: 1 the pumps do not deliver
    stuck: Floats  # disturbance: 1 the pushers do not move
    leak: Floats  # disturbance: oil lost, share of the tank a second
    set_1_s: Floats
    forward: Floats  # share of the cycle of a pusher
    stroke: Floats  # the same, of all pushers
    normal_pa: Floats
    least_pa: Floats
    rise_s: Floats
    fall_s: Floats
    oil_s: Floats
    oil_rise_k: Floats
    cooling: Floats  # of the oil by the open cooler, relative to its loss without
    water_k: Floats

    @classmethod
    def build(cls, state: State, lines: tuple[str, ...], feed: list[FeedParameters]) -> "Feeder":
        """Add the state: pressure up, oil warm, pushers evenly spread over their cycle."""
        keys = [f"{line}/{number + 1}" for number in range(PUSHERS) for line in lines]
        normal = values(feed, "hydraulic_pa")
        oil, water, rise = (values(feed, name) for name in ("oil_k", "water_k", "oil_rise_k"))
        phases = (np.arange(PUSHERS) / PUSHERS).repeat(len(lines))[:, np.newaxis]
        return cls(
            phase=state.add("feeder.phase", keys, fill=phases).reshape(PUSHERS, len(lines), -1),
            pressure=state.add("hydraulics.pressure", lines, fill=normal),
            oil=state.add("hydraulics.oil", lines, fill=oil),
            level=state.add("hydraulics.level", lines, fill=values(feed, "oil_level")),
            fault=state.add("disturbance.hydraulics", lines),
            stuck=state.add("disturbance.pusher_stuck", lines),
            leak=state.add("disturbance.oil_leak", lines),
            set_1_s=values(feed, "set_1_s"),
            forward=values(feed, "forward_share"),
            stroke=PUSHERS * values(feed, "forward_share"),
            normal_pa=normal,
            least_pa=values(feed, "hydraulic_least_pa"),
            rise_s=values(feed, "hydraulic_s"),
            fall_s=values(feed, "accumulator_s"),
            oil_s=values(feed, "oil_s"),
            oil_rise_k=rise,
            cooling=(rise / (oil - water) - 1.0) / values(feed, "oil_cooler"),
            water_k=water,
        )

    def strength(self) -> Floats:
        """Return how well the hydraulics move pushers and grate, 0..1."""
        share = (self.pressure / self.least_pa - STANDING) / (1.0 - STANDING)
        return np.minimum(np.maximum(share, 0.0), 1.0)

    def positions(self) -> Floats:
        """Return the pushers' positions, (PUSHERS, lines, batch), 0 back and 1 forward."""
        return np.minimum(self.phase / self.forward, (1.0 - self.phase) / (1.0 - self.forward))

    def press(self, pumps: Floats, cooler: Floats, dt: float) -> None:
        """Advance pressure, temperature and level of the oil; ``pumps`` is how many run, ``cooler`` a valve 0..1."""
        running = pumps * (1.0 - self.fault) * (self.level > 0.0)
        target = self.normal_pa * np.minimum(running, 1.0 + PUMP_PA_SHARE * (running - 1.0))
        tau = np.where(target > self.pressure, self.rise_s, self.fall_s)
        self.pressure[...] += (target - self.pressure) * lag_share(dt, tau)
        self.level[...] = np.maximum(self.level - self.leak * dt, 0.0)
        cooled = 1.0 + self.cooling * cooler
        warm = self.water_k + self.oil_rise_k * np.minimum(running, 1.0) / cooled
        self.oil[...] += (warm - self.oil) * lag_share(dt, self.oil_s / cooled)

    def step(self, demand: Floats, strength: Floats, set_kg: Floats, available: Floats, dt: float) -> Floats:
        """Advance the pushers and return the waste pushed on the grate, kg/s; ``set_kg`` a stroke of all moves."""
        rate = self.set_1_s * demand * strength * (1.0 - self.stuck)
        phase = self.phase
        forward = (phase < self.forward) * 1.0
        flow = (forward[0] + forward[1] + forward[2] + forward[3] + forward[4]) * (rate * set_kg / self.stroke)
        phase += rate * dt
        phase -= phase >= 1.0
        return np.minimum(flow, available / dt)
