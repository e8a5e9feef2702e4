"""Continuous emission monitoring of each stack, and the standby unit that one stack at a time can have.

Sampling line (dead time) and equal lags bring the gas of the stack to the analysers; drift, cross sensitivity to water
and ranges make the reading. A zero or span cycle and maintenance hold the readings. Raw values in the state that the
analyser measures, SI: hot-wet gases kg/Nm3, dust kg per actual m3. Arrays are (analysers, lines, batch) unless said.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.design import column
from plc_sim.process.flow import lag_share
from plc_sim.process.flue_gas_design import FlueGasDesign
from plc_sim.process.flue_gas_names import GASES
from plc_sim.process.flue_gas_parameters import ANALYSERS
from plc_sim.process.gas import density_factor
from plc_sim.process.plug_flow import PlugFlow

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

OK, MAINTENANCE, CALIBRATION, FAULT, STANDBY = (float(code) for code in range(5))  # status
DUST, O2, H2O, CO2 = (ANALYSERS.index(name) for name in ("dust", "o2", "h2o", "co2"))
FTIR = np.array([name in ("nox", "co", "so2", "hcl", "hf", "nh3", "h2o", "co2") for name in ANALYSERS]).reshape(
    -1, 1, 1
)
SLOTS = 12  # of the sampling lines
BACK_TO_LOW = 0.9  # of the low range
DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Cems:
    """The analysers of all stacks."""

    line: PlugFlow
    lagged: Floats  # (lags, analysers, lines, batch)
    error: Floats  # (2, analysers, lines, batch) zero and span, share of the low range and of the reading
    shown: Floats
    is_high: Floats  # (analysers of GASES, lines, batch) 1: high range in use
    qal: Floats  # QAL3 state that the last cycle found: 0 good, 1 warning, 2 out of control
    due_s: Floats  # (2, lines, batch) until the next zero and span cycle
    busy_s: Floats  # (lines, batch) left of the running cycle
    ordered: Floats  # (lines, batch) last order to calibrate
    owner: Floats  # (1, batch) stack that has the standby unit: 1, 2, ...; 0 none
    waiting_s: Floats  # (lines, batch) until the standby unit shows the gas of this stack
    failed: Floats  # (lines, batch) disturbances: 1: FTIR out of order; 1: starts a cycle; drift added, 1/s
    forced: Floats  # (lines, batch)
    drift_added: Floats  # (2, analysers, lines, batch)
    is_dry: Floats
    low: Floats
    high: Floats
    dead_s: Floats
    lag_s: Floats
    cross: Floats
    drift_per_s: Floats  # (2, analysers, lines, 1)
    full_h2o: Floats  # (lines, 1) as all below unless said
    every_s: Floats  # (2, lines, 1)
    cycle_s: Floats  # (2, lines, 1)
    changeover_s: Floats
    number: Floats
    qal_limits: Floats  # (2, lines, 1) share of the low range
    barometric: Floats  # Pa

    @classmethod
    def build(cls, state: State, design: FlueGasDesign) -> "Cems":
        """Add the state: freshly calibrated, showing nothing."""
        lines, units = design.lines, [p.cems for p in design.line]
        lags = max(p.lags for p in units)

        def of(name: str) -> Floats:
            rows = [[float(getattr(p.analysers[key], name)) for p in design.line] for key in ANALYSERS]
            return np.array(rows)[..., np.newaxis]

        def add(name: str, rows: tuple[str, ...], fill: Floats | float = 0.0) -> Floats:
            keys = [f"{line}/{row}" for row in rows for line in lines]
            array = state.add(name, keys).reshape(len(rows), len(lines), -1)
            array[...] = fill
            return array

        both = tuple(f"{kind}.{key}" for kind in ("zero", "span") for key in ANALYSERS)
        chain = tuple(f"{number}.{key}" for number in range(lags) for key in ANALYSERS)
        changeover = column([p.changeover_s for p in units])
        shape = (-1, len(ANALYSERS), len(lines), state.batch)
        every = np.stack([column([p.zero_every_s for p in units]), column([p.span_every_s for p in units])])
        return cls(
            line=PlugFlow.build(state, "cems.line", ANALYSERS, lines, SLOTS),
            lagged=add("cems.lagged", chain).reshape(shape),
            error=add("cems.error", both).reshape(shape),
            shown=add("cems.shown", ANALYSERS),
            is_high=add("cems.high_range", GASES),
            qal=add("cems.qal", ANALYSERS),
            due_s=add("cems.due", ("zero", "span"), every),
            busy_s=state.add("cems.busy", lines),
            ordered=state.add("cems.ordered", lines),
            owner=state.add("cems.standby_owner", ("standby",)),
            waiting_s=state.add("cems.waiting", lines, fill=changeover),
            failed=state.add("disturbance.cems_failed", lines),
            forced=state.add("disturbance.cems_calibration", lines),
            drift_added=add("disturbance.cems_drift", both).reshape(shape),
            is_dry=of("is_dry"),
            low=of("low"),
            high=of("high"),
            dead_s=of("dead_s"),
            lag_s=(of("response_s") - of("dead_s")) / rise_time(lags),
            cross=of("humidity_cross") * of("low"),
            drift_per_s=np.stack([of("zero_drift_per_day"), of("span_drift_per_day")]) / DAY_S,
            full_h2o=column([p.h2o for p in units]),
            every_s=every,
            cycle_s=np.stack([column([p.zero_s for p in units]), column([p.span_s for p in units])]),
            changeover_s=changeover,
            number=np.arange(1.0, len(lines) + 1.0)[:, np.newaxis],
            qal_limits=np.stack([column([p.warning_share for p in units]), column([p.out_share for p in units])]),
            barometric=np.full((len(lines), 1), design.barometric_pa),
        )

    def step(
        self, gas: Floats, *, gas_k: Floats, standby: Floats, calibrate: Floats, maintenance: Floats, dt: float
    ) -> Floats:
        """Advance by ``dt`` and return the status (lines, batch); ``gas`` is wet, per Nm3."""
        cell = self._cell(gas, gas_k, dt)
        is_busy = self._cycle(np.maximum(calibrate, self.forced), dt)
        has, is_standby = self._standby(standby, dt)
        is_maintained = (maintenance >= 0.5) | has
        is_failed = self.failed >= 0.5
        self._read(cell, is_standby, (is_busy | is_maintained) & ~is_standby, is_failed & ~is_standby, dt)
        status = np.where(is_busy, CALIBRATION, OK)
        status = np.where(is_maintained, MAINTENANCE, status)
        status = np.where(is_failed, FAULT, status)
        return np.where(is_standby, STANDBY, status)

    def _cell(self, gas: Floats, gas_k: Floats, dt: float) -> Floats:
        """Bring the gas through sampling line and lags; return what stands in the analysers, in their own state."""
        entering = gas * (1.0 + self.is_dry * (gas[H2O] / (1.0 - gas[H2O])))
        entering[DUST] /= density_factor(gas_k, self.barometric)
        x = self.line.step(entering, dt / self.dead_s)
        for lagged in self.lagged:
            lagged[...] += (x - lagged) * lag_share(dt, self.lag_s)
            x = lagged
        return x

    def _read(self, cell: Floats, is_standby: Flags, is_held: Flags, is_failed: Flags, dt: float) -> None:
        """Make the readings, but where they are held or the FTIR is out of order; the standby unit does not drift."""
        self.error[...] += (self.drift_per_s + self.drift_added) * dt
        reading = cell + self.cross * (cell[H2O] - self.full_h2o)
        drifted = reading + self.error[0] * self.low + self.error[1] * cell
        reading = np.minimum(np.maximum(np.where(is_standby, reading, drifted), 0.0), self.high)
        np.copyto(self.shown, reading, where=~(is_held | (is_failed & FTIR)))
        gases, low = self.shown[: len(GASES)], self.low[: len(GASES)]
        self.is_high[...] = (gases > low) | ((self.is_high >= 0.5) & (gases > BACK_TO_LOW * low))

    def _cycle(self, calibrate: Floats, dt: float) -> Flags:
        """Run the zero and span cycles; return where one is running. A cycle finds the drift and takes it away."""
        self.due_s[...] -= dt
        is_ordered = (calibrate >= 0.5) & (self.ordered < 0.5)
        self.ordered[...] = calibrate
        starts = (self.due_s <= 0.0) | is_ordered
        np.copyto(self.due_s, self.every_s, where=starts)
        zero_s, span_s = self.cycle_s * starts
        lasts = np.where(starts[1], self.cycle_s[0] + span_s, zero_s)  # a span cycle begins with a zero cycle
        self.busy_s[...] = np.maximum(np.maximum(self.busy_s - dt, 0.0), lasts)
        drift = np.abs(self.error) * starts[:, np.newaxis]
        found = np.maximum(drift[0], drift[1])
        warns, is_out = found >= self.qal_limits[0], found >= self.qal_limits[1]
        np.copyto(self.qal, 1.0 * warns + 1.0 * is_out, where=starts[0] | starts[1])
        self.error[...] *= ~starts[:, np.newaxis]
        return self.busy_s > 0.0

    def _standby(self, ordered: Floats, dt: float) -> tuple[Flags, Flags]:
        """Give the standby unit to the first stack that orders it; return who has it and who can read it."""
        wants = ordered >= 0.5
        keeps = (wants & (self.owner == self.number)).any(axis=0)
        np.copyto(self.owner, 0.0, where=~keeps)
        np.copyto(self.owner, wants.argmax(axis=0) + 1.0, where=~keeps & wants.any(axis=0))
        has = self.owner == self.number
        self.waiting_s[...] = np.where(has, np.maximum(self.waiting_s - dt, 0.0), self.changeover_s)
        return has, has & (self.waiting_s <= 0.0)


def rise_time(lags: int) -> float:
    """Return the time in units of one lag in which ``lags`` equal lags reach 63.2 % of a step."""
    low, high = 0.0, 10.0 * lags
    for _ in range(100):
        middle = 0.5 * (low + high)
        left = math.exp(-middle) * sum(middle**k / math.factorial(k) for k in range(lags))
        low, high = (middle, high) if left > math.exp(-1.0) else (low, middle)
    return 0.5 * (low + high)
