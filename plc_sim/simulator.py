"""The simulator: plant, instruments, actuators and PLCs as one object that is stepped. No sockets, no clock.

Lockstep and batch runs read and write whole arrays of raw numbers, in the order of the configuration's inputs and
outputs; the Modbus server serves the same numbers from registers.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.config import Config
from controller.core.errors import PlantError, StateError
from controller.core.state import State
from plc_sim.actuators import Actuators, Board
from plc_sim.burner_plc import BurnerPlc
from plc_sim.burner_plc import orders as burner_orders
from plc_sim.compiled.kernel import Kernel, compile_step, known_step
from plc_sim.compiled.stages import CompiledStep
from plc_sim.effects import ANALOGUE, FROZEN, effects
from plc_sim.equipment import Equipment
from plc_sim.equipment_parameters import equipment, without
from plc_sim.fault_programs import check, table_of
from plc_sim.fault_record import Record
from plc_sim.faults import Fault, Faults, Value
from plc_sim.initial import COLD, begin
from plc_sim.instruments import Instruments, signal_rows
from plc_sim.noise import Noise, checked_seed
from plc_sim.plant import Plant
from plc_sim.plc import Plcs
from plc_sim.points import read_points
from plc_sim.supplies import Supplies

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_kernels: dict[str, tuple[Kernel, ...]] = {}  # by what they follow from


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
        """Build the plant of ``config``, at an initial condition of ``plc_sim.initial``: "cold", "100%", ...

        ConfigError for parameters, instruments or actuators that do not fit; PlantError for an impossible load.
        """
        self.period_s = config.plant.period_ms / 1000.0
        self.points = read_points(config)
        self.state = State(batch)
        self._step: npt.NDArray[np.int64] = self.state.add("step", ("step",), dtype=np.int64)
        self._seed: npt.NDArray[np.int64] = self.state.add("seed", ("seed",), dtype=np.int64)
        self._seed[...] = checked_seed(seed, batch)
        process, barometric_pa = without(config.process), config.plant.site.barometric_pa
        self.plant = Plant(process, self.state, barometric_pa)
        begin(self.plant, process, barometric_pa, initial)
        self._waste_noise = Noise(self.state.slots["process.noise"].keys, batch)
        self._add_equipment(config)
        self.plcs = Plcs(
            self.points.outputs,
            self.points.devices,
            self.state,
            scaling=self.actuators.scaling,
            initial_raw=self.actuators.initial_raw,
            watchdog_s=config.plant.watchdog_s,
            period_s=self.period_s,
        )
        self._add_signals()
        self.instruments = Instruments(
            self.points.inputs,
            self._seen_row,
            self.state,
            barometric_pa=config.plant.site.barometric_pa,
            period_s=self.period_s,
        )
        self._collect()
        self.instruments.start(self._signals, seed)
        self._kernels = self._compiled(config)
        self._run = self._bound()
        acting = effects(self.state, self.points)
        self.faults = Faults(acting, table_of(config), Record(self.state), batch=batch, period_s=self.period_s)
        check(config, self.faults)

    def step(self, dt: float | None = None) -> None:
        """Advance by one period: PLC logic, actuators, physics, instruments. ``dt`` can only be the period."""
        if dt is not None and abs(dt - self.period_s) > 1e-9:
            raise PlantError(
                f"the simulator is built for steps of {self.period_s} s, not {dt} s (plant.yaml: period_ms)"
            )
        self._step += 1
        self.faults.advance(self.steps)
        self._look_for_faults()
        self.plant.noise[...] = self._waste_noise.at(self.seed, self.steps)
        self.instruments.draw(self.seed, self.steps)
        self._run()

    def advance(self) -> None:
        """Step everything by numpy: what the compiled step is made of, and judged by."""
        self.before_outputs()
        self.plcs.outputs.run()
        self.actuators.elements(self.plcs.output).run()
        self.behind_outputs()
        self.instruments.step(self._signals)

    def before_outputs(self) -> None:
        """Run the PLCs' watchdogs and see whether there is air."""
        self.plcs.watch()
        self.actuators.feel(self.supplies.read(self.plant.signals).air)

    def behind_outputs(self) -> None:
        """Step what the final elements act on."""
        self.actuators.act()
        if self.equipment is not None:
            self.equipment.step(self.actuators.position, self.supplies.read(self.plant.signals))
        if self.burners is not None:
            self.burners.step()
        self.plant.step(self.period_s)
        self._collect()

    def _compiled(self, config: Config) -> tuple[Kernel, ...]:
        """Return the kernels of what stands before and behind the outputs; found once in a process for a plant."""
        plant = config.plant
        figures = (plant.period_ms, plant.watchdog_s, plant.site.barometric_pa)
        what = hashlib.sha256(repr((self.points, config.process, figures)).encode()).hexdigest()
        if what not in _kernels:
            names = [f"{what} {part.__name__}" for part in PARTS]
            known = [known_step(name) for name in names]
            if None not in known:
                _kernels[what] = tuple(kernel for kernel in known if kernel is not None)
            elif self.state.batch == 1:
                _kernels[what] = tuple(
                    compile_step(self, self.state, part, known_as=name) for part, name in zip(PARTS, names, strict=True)
                )
            else:
                Simulator(config, initial=COLD)  # one plant: its step is that of every plant of a batch
        return _kernels[what]

    def _bound(self) -> CompiledStep:
        """Return ``advance`` compiled, for the faults that stand now."""
        before, behind = (kernel.stage(self.state) for kernel in self._kernels)
        outputs, elements = self.plcs.outputs.stage(), self.actuators.elements(self.plcs.output).stage()
        stages = [before, outputs, elements, behind, *self.instruments.stages(self._signals)]
        return CompiledStep(stages, self.state.batch)

    def _look_for_faults(self) -> None:
        """Let the instruments know what faults have changed."""
        if self.faults.changed:
            rows = sorted({row for effect, row in self.faults.changed if effect in ANALOGUE or effect == FROZEN})
            self.faults.changed.clear()
            if self.instruments.review(rows):
                self._run = self._bound()

    @property
    def steps(self) -> int:
        """Periods since the initial condition."""
        return int(self._step[0, 0])

    @property
    def seed(self) -> int:
        """The seed of the first plant."""
        return int(self._seed[0, 0])

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
        self.faults.set(name, self.steps, **args)

    def clear(self, name: str, target: str | None = None) -> None:
        """Take a fault back, on one target or (None) wherever it stands."""
        self.faults.clear(name, target, self.steps)

    def fault_table(self) -> dict[str, Fault]:
        """Return all faults by name, with their arguments and meaning."""
        return dict(self.faults.table)

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
        if self.instruments.review():
            self._run = self._bound()

    def signal(self, name: str) -> Floats:
        """Return a process signal or the position of an element, (batch,) in SI: "L1/drum.level"."""
        row = self.signal_row.get(name)
        if row is None:
            raise PlantError(f"no signal {name!r}; there are {', '.join(sorted(self.signal_row))}")
        return self._all_signals()[row]

    def _add_equipment(self, config: Config) -> None:
        """Add what stands between outputs and process: final elements, motors, the burners' PLC."""
        plant, outputs = self.plant, self.points.outputs
        inputs, signals = Board(plant.inputs, plant.input_row), Board(plant.signals, plant.signal_row)
        barometric_pa = config.plant.site.barometric_pa
        parameters = equipment(config.process)
        self.supplies = Supplies(plant.signal_row, plant.common, parameters, barometric_pa)
        self.burners: BurnerPlc | None = None
        if burner_orders(outputs):
            self.burners = BurnerPlc(
                outputs,
                config.process,
                common=plant.common,
                inputs=inputs,
                signals=signals,
                state=self.state,
                period_s=self.period_s,
                barometric_pa=barometric_pa,
            )
        boards = [inputs] if self.burners is None else [inputs, self.burners.board]
        self.actuators = Actuators(outputs, boards, self.state, period_s=self.period_s)
        self.equipment: Equipment | None = None
        if parameters is not None:
            self.equipment = Equipment(
                self.points,
                parameters,
                config.process,
                inputs=inputs,
                signals=signals,
                state=self.state,
                period_s=self.period_s,
                barometric_pa=barometric_pa,
            )

    def _add_signals(self) -> None:
        """Give a row to all that instruments can see: the process, positions, limit switches, the PLCs themselves."""
        keys = [f"{device}/plc.simulated" for device in self.points.devices] + list(self.plant.signal_row)
        for name in ("position", "limit.open", "limit.closed"):
            keys += [f"{p.instance}/{name}.{p.name}" for p in self.points.outputs]
        for name in ("plc.heartbeat_age", "plc.watchdog_acted", "plc.cycles"):
            keys += [f"{device}/{name}" for device in self.points.devices]
        for part in (self.equipment, self.burners):
            keys += part.signal_names if part is not None else []
        self.signal_row = {key: row for row, key in enumerate(keys)}
        self._seen = np.unique(np.array(signal_rows(self.points.inputs, self.signal_row), dtype=np.intp))
        seen = [keys[row] for row in self._seen]
        self._seen_row = {key: row for row, key in enumerate(seen)}
        self._signals: Floats = self.state.add("simulator.signals", seen)
        devices = self.points.devices
        self._input_device = np.array([devices.index(p.device) for p in self.points.inputs], dtype=np.intp)

    def _collect(self) -> None:
        """Fill the signals that instruments see, (signals, batch)."""
        self._signals[...] = self._all_signals()[self._seen]

    def _all_signals(self) -> Floats:
        """Return all signals, in the order of their names."""
        actuators, plcs = self.actuators, self.plcs
        blocks = (
            np.ones_like(plcs.age_s),  # this is a simulator
            self.plant.signals,
            actuators.position,
            actuators.is_open,
            actuators.is_closed,
            plcs.age_s,
            plcs.has_acted,
            plcs.cycles,
            *(part.signals() for part in (self.equipment, self.burners) if part is not None),
        )
        return np.concatenate([block.astype(np.float64) for block in blocks])


PARTS: tuple[Callable[[Simulator], None], ...] = (Simulator.before_outputs, Simulator.behind_outputs)  # compiled apart
