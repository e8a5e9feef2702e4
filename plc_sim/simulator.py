"""The simulator: plant, instruments, actuators and PLCs as one object that is stepped. No sockets, no clock.

Lockstep and batch runs read and write whole arrays of raw numbers, in the order of the configuration's inputs and
outputs; the Modbus server serves the same numbers from registers.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.config import Config
from controller.core.errors import PlantError, StateError
from controller.core.state import State
from plc_sim.actuators import LIMIT_SWITCH, Actuators
from plc_sim.faults import FAULTS, Fault, Faults, Value
from plc_sim.instruments import Instruments
from plc_sim.noise import checked_seed
from plc_sim.plant import Plant
from plc_sim.plc import Plcs
from plc_sim.points import read_points

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Readings:
    """What a poll of all devices gives, copies. ``raw`` is counts, bits or numbers, as the registers hold them."""

    raw: Floats  # (inputs, batch)
    is_valid: Mask  # (inputs, batch) False where the device does not answer
    readback: Floats  # (outputs, batch) output registers, NaN where the device does not answer
    device_ok: Mask  # (devices, batch)


class Simulator:
    """A whole plant behind its PLCs; column k of a batch is the plant that ``seed + k`` gives alone."""

    def __init__(self, config: Config, *, batch: int = 1, seed: int = 0, initial: str = "100%") -> None:
        """Build the plant of ``config``, steady at ``initial``: a load in percent, "60%" to "110%" or so.

        ConfigError for parameters, instruments or actuators that do not fit; PlantError for an impossible load.
        """
        self.period_s = config.plant.period_ms / 1000.0
        self.points = read_points(config)
        self.state = State(batch)
        self._step: npt.NDArray[np.int64] = self.state.add("step", ("step",), dtype=np.int64)
        self._seed: npt.NDArray[np.int64] = self.state.add("seed", ("seed",), dtype=np.int64)
        self._seed[...] = checked_seed(seed, batch)
        self.plant = Plant(config.process, self.state, _load(initial))
        self.actuators = Actuators(
            self.points.outputs,
            self.plant.input_row,
            self.state,
            process_inputs=self.plant.inputs,
            period_s=self.period_s,
        )
        self.plcs = Plcs(
            self.points.outputs,
            self.points.devices,
            self.state,
            scaling=self.actuators.scaling,
            initial_raw=self.actuators.initial_raw,
            watchdog_s=config.plant.watchdog_s,
        )
        self._add_signals()
        self.instruments = Instruments(
            self.points.inputs,
            self.signal_row,
            self.state,
            barometric_pa=config.plant.site.barometric_pa,
            period_s=self.period_s,
        )
        self.instruments.start(self._collect(), seed)
        self.faults = Faults(self.points, self.plant, self.instruments, self.actuators, self.plcs)

    def step(self, dt: float | None = None) -> None:
        """Advance by one period: PLC logic, actuators, physics, instruments. ``dt`` can only be the period."""
        if dt is not None and abs(dt - self.period_s) > 1e-9:
            raise PlantError(
                f"the simulator is built for steps of {self.period_s} s, not {dt} s (plant.yaml: period_ms)"
            )
        self._step += 1
        self.plcs.step(self.period_s)
        self.actuators.step(self.plcs.registers_held())
        self.plant.step(self.period_s)
        self.instruments.step(self._collect(), int(self._seed[0, 0]), int(self._step[0, 0]))

    def read_raw(self) -> Readings:
        """Return what a poll of all devices gives now."""
        silent = self.plcs.is_silent
        return Readings(
            raw=self.instruments.raw.copy(),
            is_valid=~silent[self._input_device],
            readback=self.plcs.registers(),
            device_ok=~silent,
        )

    def write_raw(self, raw: Floats, *, heartbeat: int, planned_stop: bool = False) -> None:
        """Write all outputs, (outputs, batch) raw numbers, NaN to leave one alone, and the supervision block."""
        self.plcs.beat(float(heartbeat), planned_stop=planned_stop)
        self.plcs.write_outputs(raw)

    def fault(self, name: str, **args: Value) -> None:
        """Set a fault; PlantError naming what exists when ``name`` or an argument is unknown or impossible."""
        self.faults.set(name, **args)

    def clear(self, name: str, target: str | None = None) -> None:
        """Take a fault back, on one target or (None) wherever it stands."""
        self.faults.clear(name, target)

    @staticmethod
    def fault_table() -> dict[str, Fault]:
        """Return all faults by name, with their arguments and meaning."""
        return dict(FAULTS)

    def snapshot(self) -> bytes:
        """Return the whole state; ``restore`` continues from it bit by bit."""
        return self.state.save()

    def restore(self, data: bytes) -> None:
        """Take a snapshot back; StateError (and no change) when it is of another configuration or damaged."""
        before = self.state.save()
        result = self.state.restore(data)
        strange = [*result.cold, *result.removed]
        if strange or len(result.kept) != sum(len(slot.keys) for slot in self.state.slots.values()):
            self.state.restore(before)
            raise StateError(
                "the snapshot is of another configuration"
                + (f": {', '.join(strange[:5])} do not fit" if strange else ": it lacks items of this one")
            )
        self.plant.refresh()

    def signal(self, name: str) -> Floats:
        """Return a process signal or the position of an element, (batch,) in SI: "L1/drum.level"."""
        row = self.signal_row.get(name)
        if row is None:
            raise PlantError(f"no signal {name!r}; there are {', '.join(sorted(self.signal_row))}")
        return self._collect()[row].copy()

    def _add_signals(self) -> None:
        """Give a row to all that instruments can see: the process, positions, limit switches, the PLCs themselves."""
        keys = list(self.plant.signal_row)
        outputs = [(p.instance, p.key.removeprefix(f"{p.instance}-")) for p in self.points.outputs]
        for name in ("position", "limit.open", "limit.closed"):
            keys += [f"{instance}/{name}.{key}" for instance, key in outputs]
        for name in ("plc.heartbeat_age", "plc.watchdog_acted", "plc.cycles", "plc.simulated"):
            keys += [f"{device}/{name}" for device in self.points.devices]
        self.signal_row = {key: row for row, key in enumerate(keys)}
        self._signals: Floats = np.ones((len(keys), self.state.batch))
        devices = self.points.devices
        self._input_device = np.array([devices.index(p.device) for p in self.points.inputs], dtype=np.intp)

    def _collect(self) -> Floats:
        """Return all signals, (signals, batch)."""
        position, plcs = self.actuators.position, self.plcs
        row = 0
        for block in (
            self.plant.signals,
            position,
            position >= 1.0 - LIMIT_SWITCH,
            position <= LIMIT_SWITCH,
            plcs.age_s,
            plcs.has_acted,
            plcs.cycles,
        ):
            self._signals[row : row + block.shape[0]] = block
            row += block.shape[0]
        return self._signals


def _load(initial: str) -> float:
    try:
        load = float(initial.removesuffix("%")) / 100.0
    except ValueError:
        load = 0.0
    if not initial.endswith("%") or not 0.3 <= load <= 1.2:
        raise PlantError(f"initial condition {initial!r}: expected a load from 30% to 120%, for instance 100% or 60%")
    return load
