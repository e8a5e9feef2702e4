"""The turbine's own PLC at 20 ms: speed and load control, trips, oil pumps, synchroniser and breakers.

The controller sends set-points and orders; what must be faster than its scan happens here. On the grid the valves
follow the load set-point, corrected by the droop; off the grid they hold the speed, with the house load alone at
nominal. The isochronous order takes the load control off on the grid already, before its breaker opens. Arrays are
(1, batch) unless said. The PLC sees the process itself: its transmitters have no faults.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.island_rows import ORDERS, ROW, command_rows
from plc_sim.process.shaft import Orders, Shaft
from plc_sim.process.turbine_island import TurbineIsland

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

CAUSES = (
    "remote trip",
    "overspeed",
    "second overspeed channel",
    "lube oil",
    "control oil",
    "generator protection",
    "island overspeed",
)
SPEED_CAUSES = np.array([1, 2, 6], dtype=np.intp)  # rows of CAUSES
SHUT = 0.02  # valve position that counts as shut for a reset
TRIPPED, SPEED, LOAD, ISLAND = 0.0, 1.0, 2.0, 3.0  # modes


@dataclass(frozen=True, slots=True)
class TurbinePlc:
    """Governor, protection, synchroniser. ``is_reset`` is the trip relay: 1 set, 0 tripped."""

    is_reset: Floats
    first_out: Floats  # 0 none, else 1 + row of CAUSES
    causes: Floats  # (causes, batch) seen since the last reset
    standing_s: Floats  # (2, batch) how long lube and control oil have been too low
    integral: Floats  # governor valve position
    reference: Floats  # speed, share of nominal
    load: Floats  # W, ramped set-point
    demand: Floats  # governor valve position
    reverse_s: Floats
    pumps: Floats  # (4, batch) started by the PLC
    asked: Floats  # last scan's reset order
    syncing: Floats  # (2, batch) generator, grid breaker waits for the right moment
    mirror: Floats  # (6, batch)
    valves: Floats  # (3, batch) orders
    barring: Floats
    slowest: Floats  # share of nominal speed that the barring motor holds
    island: TurbineIsland
    speed_limits: Floats  # (3, batch) shares of nominal; the third is infinite unless the house is fed alone
    load_share: Floats  # 1/(W s): integral action on the load, 0 off the grid
    speed_share: Floats  # 1/s: integral action on the speed
    oil_limits: Floats  # (2, 1) trips: lube oil, control oil, Pa
    start_limits: Floats  # (2, 1) starts of pumps
    band: float  # dead band, share of nominal speed

    @classmethod
    def build(cls, state: State, island: TurbineIsland) -> "TurbinePlc":
        """Add the state, matched to where the island stands."""
        g, shaft = island.cycle.parameters.governor, island.shaft
        nominal = island.cycle.parameters.shaft.nominal_hz
        runs = (shaft.valves[1:2] > SHUT) * 1.0
        limits = np.array([[g.overspeed_hz], [g.second_overspeed_hz], [np.inf]]) / nominal
        return cls(
            is_reset=state.add("governor.reset", ("relay",), fill=runs),
            first_out=state.add("governor.first_out", ("cause",)),
            causes=state.add("governor.causes", CAUSES),
            standing_s=state.add("governor.oil_low_s", ("lube", "control")),
            integral=state.add("governor.integral", ("valves",), fill=shaft.valves[0:1]),
            reference=state.add("governor.reference", ("speed",), fill=shaft.speed),
            load=state.add("governor.load", ("setpoint",), fill=shaft.power),
            demand=state.add("governor.demand", ("valves",), fill=shaft.valves[0:1]),
            reverse_s=state.add("governor.reverse_s", ("generator",)),
            pumps=state.add("governor.pumps", ("ac", "dc", "control_a", "control_b")),
            asked=state.add("governor.asked", ("reset",)),
            syncing=state.add("governor.syncing", ("generator", "grid")),
            mirror=state.add("governor.mirror", ("reset", "first_out", "mode", "load", "demand", "barring")),
            valves=state.add("governor.valves", ("governor", "stop_a", "stop_b"), fill=shaft.valves),
            barring=state.add("governor.barring", ("motor",)),
            slowest=state.add("governor.slowest", ("shaft",)),
            island=island,
            speed_limits=state.add("governor.limits", ("first", "second", "island"), fill=limits),
            load_share=state.add("governor.load_share", ("integral",)),
            speed_share=state.add("governor.speed_share", ("integral",)),
            oil_limits=np.array([[g.lube_trip_pa], [g.control_trip_pa]]),
            start_limits=np.array([[g.lube_start_pa], [g.control_start_pa]]),
            band=g.dead_band_hz / nominal,
        )

    def scan(self, inputs: Floats, dt: float) -> None:
        """Take orders over and run trips, ramps and breakers that need no short step."""
        p, shaft = self.island.cycle.parameters, self.island.shaft
        g = p.governor
        ordered = inputs[: len(ORDERS)] >= 0.5
        self._protect(ordered, dt)
        self._start_oil_pumps(inputs)
        self._switch(ordered, shaft, dt)
        alone = shaft.alone()
        isochronous = np.maximum(alone, ordered[ROW["turbine.isochronous"]] * shaft.breakers[0:1])
        loaded = shaft.on_grid() * (1.0 - isochronous)
        self._ramp(inputs, loaded, isochronous, dt)
        self.load_share[...] = loaded * (1.0 / (p.shaft.rated_w * g.load_s))
        self.speed_share[...] = loaded * (1.0 / g.load_s) + (1.0 - loaded) * (1.0 / g.integral_s)
        mode = (SPEED + (LOAD - SPEED) * loaded + (ISLAND - SPEED) * isochronous) * self.is_reset
        self.barring[...] = ordered[ROW["turbine.barring.command"]] * self.island.grid.essential()
        self.slowest[...] = self.barring * (p.shaft.barring_hz / p.shaft.nominal_hz)
        mirrored = [self.is_reset, self.first_out, mode, self.load, self.demand, self.barring]
        self.mirror[...] = np.concatenate(mirrored)
        limit = p.governor.island_overspeed_hz / p.shaft.nominal_hz
        self.speed_limits[2:3] = np.where(alone >= 0.5, limit, np.inf)

    def step(self, dt: float) -> Orders:
        """Run overspeed protection, synchroniser and governor for one short step."""
        shaft, is_reset = self.island.shaft, self.is_reset
        is_over = shaft.speed >= self.speed_limits
        self.causes[SPEED_CAUSES] = np.maximum(self.causes[SPEED_CAUSES], is_over)
        is_reset[...] *= ~(is_over[0:1] | is_over[1:2] | is_over[2:3])
        self._close_in_phase(shaft)
        error = self.reference - shaft.speed
        error = self.island.cycle.parameters.governor.gain * (error - np.clip(error, -self.band, self.band))
        rate = (self.load - shaft.power) * self.load_share + error * self.speed_share
        self.integral[...] = np.minimum(np.maximum(self.integral + rate * dt, 0.0), is_reset)
        self.demand[...] = np.minimum(np.maximum(self.integral + error, 0.0), is_reset)
        self.valves[...] = np.concatenate([self.demand, is_reset, is_reset])
        return Orders(self.valves, self.slowest)

    def _protect(self, order: Mask, dt: float) -> None:
        """Latch trips and take resets."""
        p, shaft, oil = self.island.cycle.parameters, self.island.shaft, self.island.oil
        g = p.governor
        is_armed = self.is_reset * (shaft.speed * p.shaft.nominal_hz > g.armed_hz)
        self.standing_s[...] = (self.standing_s + dt) * (oil.pressure[0:2] <= self.oil_limits)
        oil_low = (self.standing_s >= g.oil_delay_s) * is_armed
        ordered = order[ROW["turbine.trip"]]
        now = np.concatenate([ordered, self.causes[1:3], oil_low, shaft.lock_out * is_armed, self.causes[6:7]])
        np.maximum(self.causes, now, out=self.causes)
        self._trip()
        asked = order[ROW["turbine.reset"]]
        edge = asked > self.asked
        self.asked[...] = asked
        self._reset(edge & ~ordered)

    def _trip(self) -> None:
        """Let the trip relay fall where a cause stands; the lowest cause of the first scan is the first-out."""
        code = np.zeros_like(self.first_out)
        for row in range(len(CAUSES) - 1, -1, -1):
            np.copyto(code, row + 1.0, where=self.causes[row : row + 1] > 0.0)
        np.copyto(self.first_out, code, where=self.first_out == 0.0)
        self.is_reset[...] *= code == 0.0

    def _reset(self, wanted: Mask) -> None:
        """Set the trip relay again where nothing stands against it and all valves are shut."""
        g, shaft, oil = self.island.cycle.parameters.governor, self.island.shaft, self.island.oil
        stands = (oil.pressure[0:1] <= g.lube_start_pa) | (oil.pressure[1:2] <= g.control_start_pa)
        stands |= (shaft.lock_out >= 0.5) | (shaft.speed >= 0.5 + 0.5 * self.speed_limits[0:1])
        for row in range(3):
            stands |= shaft.valves[row : row + 1] > SHUT
        resets = wanted & ~stands & (self.is_reset < 0.5)
        np.copyto(self.is_reset, 1.0, where=resets)
        np.copyto(self.causes, 0.0, where=resets)
        np.copyto(self.first_out, 0.0, where=resets)

    def _start_oil_pumps(self, inputs: Floats) -> None:
        """Start pumps on low pressure while the shaft turns; a started pump runs until an operator takes it over."""
        p, oil, motors = self.island.cycle.parameters, self.island.oil, self.island.motors
        turns = self.island.shaft.speed * p.shaft.nominal_hz > p.governor.armed_hz
        low = (oil.pressure[0:2] <= self.start_limits) & turns
        started = np.maximum(self.pumps, np.concatenate([low[0:1], low[0:1], low[1:2], low[1:2]]))
        self.pumps[...] = started * (inputs[command_rows(p)][motors.oil] < 0.5)

    def _ramp(self, inputs: Floats, loaded: Floats, isochronous: Floats, dt: float) -> None:
        """Move speed reference and load set-point at their rates; both start from where the shaft is."""
        p, shaft = self.island.cycle.parameters, self.island.shaft
        g = p.governor
        target = inputs[ROW["turbine.speed_setpoint"]] * (g.speed_span_hz / p.shaft.nominal_hz)
        aims = shaft.grid_speed + 0.5 * g.slip_hz / p.shaft.nominal_hz
        target = np.where(self.syncing[0:1] >= 0.5, aims, target)
        travel = g.speed_rate_hz_s / p.shaft.nominal_hz * dt
        moved = self.reference + np.minimum(np.maximum(target - self.reference, -travel), travel)
        # On the grid and with the house alone the reference is nominal; tripped, it follows the shaft down.
        np.copyto(moved, 1.0, where=loaded + isochronous >= 0.5)
        np.copyto(moved, aims, where=self.syncing[1:2] >= 0.5)
        self.reference[...] = np.where(self.is_reset >= 0.5, moved, shaft.speed)
        wanted = inputs[ROW["turbine.load_setpoint"]] * g.load_span_w
        step = g.load_rate_w_s * dt
        load = self.load + np.minimum(np.maximum(wanted - self.load, -step), step)
        self.load[...] = np.where(loaded >= 0.5, load, np.minimum(np.maximum(shaft.power, 0.0), wanted))

    def _switch(self, order: Mask, shaft: Shaft, dt: float) -> None:
        """Open breakers on orders and protection; remember which wait for closing."""
        p = self.island.cycle.parameters
        g = p.governor
        tripped = self.is_reset < 0.5
        self.reverse_s[...] = (self.reverse_s + dt) * (shaft.power <= -g.reverse_w)
        opens = order[ROW["generator_breaker.open"]] | (shaft.lock_out >= 0.5)
        opens |= (self.reverse_s >= g.reverse_s) | (tripped & (shaft.speed * p.shaft.nominal_hz < g.under_speed_hz))
        parts = order[ROW["grid_breaker.open"]] | (shaft.grid_lost >= 0.5)
        opened = np.concatenate([opens, parts])
        np.copyto(shaft.breakers, 0.0, where=opened)
        wants = np.concatenate([order[ROW["turbine.synchronise"]] & ~tripped, order[ROW["grid_breaker.close"]]])
        self.syncing[...] = wants & ~opened & (shaft.breakers < 0.5)
        # The grid's breaker needs no synchronising while the generator's is open.
        free = (self.syncing[1:2] >= 0.5) & (shaft.breakers[0:1] < 0.5)
        np.copyto(shaft.breakers[1:2], 1.0, where=free)
        np.copyto(self.syncing[1:2], 0.0, where=free)

    def _close_in_phase(self, shaft: Shaft) -> None:
        """Close the waiting breaker where voltage, slip and angle fit, or the bus behind is dead."""
        p = self.island.cycle.parameters
        g = p.governor
        slip = shaft.speed - shaft.grid_speed
        fits = (slip >= 0.0) & (slip <= g.slip_hz / p.shaft.nominal_hz) & (np.cos(shaft.angle) >= np.cos(g.angle_rad))
        # A generator breaker on a dead bus closes at once: the house is fed alone.
        fits = np.concatenate([fits | (shaft.breakers[1:2] < 0.5), fits])
        fits &= np.abs(shaft.voltage - 1.0) <= g.voltage_band
        closes = fits & (self.syncing >= 0.5)
        np.copyto(shaft.breakers, 1.0, where=closes)
        np.copyto(self.syncing, 0.0, where=closes)
