"""The PLCs between controller and plant: output registers and the watchdog that guards them.

Rows are outputs or devices, (rows, batch). ``output`` is the one truth about output registers: the controller writes
it, the watchdog overwrites it, a read-back shows it, actuators follow it.

The watchdog is armed by the first heartbeat: a PLC that just powered up holds its outputs. When the heartbeat stands
still for the time in the watchdog register, the PLC ignores writes and drives each output to its fail position: held
for ``hold_s``, then moved at ``rate_per_min`` (0: at once); position ``hold`` never moves. It lets go after the
heartbeat has moved for a second again. A planned-stop mark disarms it, a watchdog register of 0 switches it off.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.compiled.rows import Field, Part, Rows
from plc_sim.points import OutputPoint, Scaling

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

RECOVERY_S = 1.0  # the heartbeat must move this long before the watchdog lets go
STILL_S = 0.5  # a heartbeat older than this does not move
CYCLE_S = 0.02  # of the PLC: what its counter counts


@dataclass(slots=True)
class Output:
    """One output register as the watchdog leaves it; all of them at once are the same formula on (outputs, batch)."""

    output: Floats
    has_acted: Mask  # the watchdog of its PLC
    acted_s: Floats  # that long ago
    fail_raw: Floats
    hold_s: Floats
    travel: Floats  # in a period

    def drive_to_fail(self) -> None:
        """Move for one period where the watchdog has acted."""
        is_due = self.has_acted & (self.acted_s >= self.hold_s)
        step = np.minimum(np.maximum(self.fail_raw - self.output, -self.travel), self.travel)
        np.copyto(self.output, self.output + step, where=is_due)


class Plcs:
    """All PLCs of the plant."""

    def __init__(
        self,
        outputs: tuple[OutputPoint, ...],
        devices: tuple[str, ...],
        state: State,
        *,
        scaling: Scaling,
        initial_raw: Floats,
        watchdog_s: float,
        period_s: float,
    ) -> None:
        """Add the state; output registers hold ``initial_raw`` at power-up."""
        keys = [p.key for p in outputs]
        self.devices = devices
        self._device_of = np.array([devices.index(p.device) for p in outputs], dtype=np.intp)
        self._scaling = scaling
        self._period_s = period_s
        self.output: Floats = state.add("plc.output", keys, fill=initial_raw)
        self.heartbeat: Floats = state.add("plc.heartbeat", devices)
        self.planned_stop: Mask = state.add("plc.planned_stop", devices, dtype=np.bool_)
        self.watchdog_s: Floats = state.add("plc.watchdog_s", devices, fill=watchdog_s)
        self.age_s: Floats = state.add("plc.heartbeat_age", devices)
        self.cycles: Floats = state.add("plc.cycles", devices)
        self.is_silent: Mask = state.add("plc.silent", devices, dtype=np.bool_)  # the link is dead, the PLC is not
        self.has_acted: Mask = state.add("plc.watchdog_acted", devices, dtype=np.bool_)
        self._acted_s: Floats = state.add("plc.acted_s", devices)
        self._moving_s: Floats = state.add("plc.heartbeat_moving_s", devices)
        self._is_armed: Mask = state.add("plc.armed", devices, dtype=np.bool_)
        self._has_moved: Mask = state.add("plc.heartbeat_moved", devices, dtype=np.bool_)
        self._fields = {
            "output": Field(self.output),
            "has_acted": Field(self.has_acted, self._device_of),
            "acted_s": Field(self._acted_s, self._device_of),
        } | {name: Field.constant(array) for name, array in self._fails(outputs).items()}

    def write_outputs(self, raw: Floats) -> None:
        """Write output registers, (outputs, batch); NaN leaves one as it is. A PLC that has acted takes nothing."""
        deaf = (self.is_silent | self.has_acted)[self._device_of]
        np.copyto(self.output, self._scaling.rounded(raw), where=~(np.isnan(raw) | deaf))

    def beat(self, heartbeat: Floats | float, *, planned_stop: Mask | bool = False) -> None:
        """Write heartbeat and planned-stop mark of all devices, each (devices, batch) or one value."""
        heard = ~self.is_silent
        self._has_moved |= heard & (self.heartbeat != heartbeat)
        np.copyto(self.heartbeat, heartbeat, where=heard)
        np.copyto(self.planned_stop, planned_stop, where=heard)

    def beat_one(self, device: int, heartbeat: float) -> None:
        """Write the heartbeat register of one device."""
        self._has_moved[device] |= self.heartbeat[device] != heartbeat
        self.heartbeat[device] = heartbeat

    def register_fields(self) -> dict[str, Field | Part]:
        """Return all output registers as fields of a formula: what they hold, what they can hold, who is deaf."""
        return {
            "scaling": Part.constant(self._scaling),
            "output": Field(self.output),
            "is_silent": Field(self.is_silent, self._device_of),
            "has_acted": Field(self.has_acted, self._device_of),
        }

    @property
    def outputs(self) -> Rows[Output]:
        """All output registers under the watchdog."""
        return Rows(Output, self._fields, Output.drive_to_fail)

    def step(self) -> None:
        """Run the PLCs' own logic for one period."""
        self.watch()
        self.outputs.run()

    def watch(self) -> None:
        """Run the watchdogs for one period."""
        dt = self._period_s
        self.cycles += round(dt / CYCLE_S)
        self.age_s += dt
        np.copyto(self.age_s, 0.0, where=self._has_moved)
        self._is_armed |= self._has_moved
        self._is_armed &= ~self.planned_stop
        np.copyto(self.age_s, 0.0, where=~self._is_armed)  # nobody is expected to beat: nothing is late
        self._has_moved[...] = False
        self._moving_s += dt
        np.copyto(self._moving_s, 0.0, where=self.age_s > STILL_S)

        self._acted_s += dt
        is_late = (self.age_s >= self.watchdog_s - 1e-9) & (self.watchdog_s > 0.0)
        silence = self._is_armed & ~self.has_acted & is_late
        np.copyto(self._acted_s, 0.0, where=silence)
        self.has_acted |= silence
        self.has_acted &= self._moving_s < RECOVERY_S

    def registers_held(self) -> Floats:
        """Return what the output registers hold: a slow drift to the fail position moves in whole counts."""
        return self._scaling.rounded(self.output)

    def registers(self) -> Floats:
        """Return what a read-back of the output registers shows, NaN where the device does not answer."""
        raw = self.registers_held()
        np.copyto(raw, np.nan, where=self.is_silent[self._device_of])
        return raw

    def _fails(self, outputs: tuple[OutputPoint, ...]) -> dict[str, Floats]:
        """Return what the watchdog does with each output."""
        fails = [p.fail for p in outputs]
        ends = [0.0 if f.position == "hold" else f.position for f in fails]
        rates = _column([f.rate_per_min if f.rate_per_min > 0.0 else np.inf for f in fails])
        return {
            "fail_raw": self._scaling.raw(_column(ends)),
            "hold_s": _column([np.inf if f.position == "hold" else f.hold_s for f in fails]),
            "travel": rates * self._scaling.gain * (self._period_s / 60.0),
        }


def _column(values: Sequence[float]) -> Floats:
    return np.array(values, dtype=np.float64).reshape(-1, 1)
