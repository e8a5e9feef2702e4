"""What faults change: arrays of the simulator in which each row is one thing, and how faults on one row combine.

A fault never writes such an array by itself. All that stand are put together from the neutral value every time one is
set, moves on or is cleared, so that a cleared fault leaves nothing behind and their order does not matter.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.config.words import did_you_mean
from controller.core.errors import PlantError
from controller.core.state import State
from plc_sim.disturbances import DISTURBANCES, Kind
from plc_sim.points import Points

Floats = npt.NDArray[np.float64]
SHOWN = 12  # names in a message
LOAD_SET_POINT = "turbine.load_setpoint"  # process input
DEVICE_EFFECTS: dict[str, tuple[str, Kind | None, str]] = {  # slot of the registry, kind, what a row is
    "transmitter.bad": ("instrument.bad", Kind.FLAG, "analogue input"),
    "transmitter.bad_raw": ("instrument.bad_raw", None, "analogue input"),
    "transmitter.frozen": ("instrument.frozen", Kind.FLAG, "input"),
    "transmitter.bias": ("instrument.bias", Kind.AMOUNT, "analogue input"),
    "transmitter.drift": ("instrument.drift_per_s", Kind.AMOUNT, "analogue input"),
    "transmitter.drifted": ("instrument.drift", None, "analogue input"),
    "transmitter.noise": ("instrument.noise_factor", Kind.FACTOR, "analogue input"),
    "output.stuck": ("actuator.stuck", Kind.FLAG, "output"),
    "output.position": ("actuator.position", None, "output"),
    "output.speed": ("actuator.speed", Kind.FACTOR, "output"),
    "output.stiction": ("actuator.stiction", Kind.AMOUNT, "output"),
    "output.slip": ("actuator.slip", Kind.AMOUNT, "output"),
    "device.silent": ("plc.silent", Kind.FLAG, "device"),
}
FROZEN = "transmitter.frozen"  # of any input
ANALOGUE = tuple(name for name, (_, _, what) in DEVICE_EFFECTS.items() if what == "analogue input")


@dataclass(frozen=True, slots=True)
class Effect:
    """One array that faults act on."""

    array: npt.NDArray[Any]  # (rows, batch)
    rows: Mapping[str, int]
    what: str  # a row is "analogue input"
    kind: Kind | None  # None: the fault's value simply stands, and nothing puts it back
    forms: Sequence[str] = ()  # of the registers behind the rows, where it matters

    def row(self, target: str) -> int:
        """Return the row of a target; PlantError naming what exists."""
        return place_of(target, self.rows, self.what)

    def reset(self, row: int) -> None:
        """Put a row where it stands without faults."""
        if self.kind is not None:
            self.array[row] = self.kind.neutral

    def apply(self, action: "Action") -> None:
        """Let one fault act on its row in those plants where it does."""
        cells = self.array[action.row]
        combined = action.value if self.kind is None else self.kind.combine(cells, action.value)
        np.copyto(cells, combined, where=action.acts, casting="unsafe")


def place_of(target: str, places: Mapping[str, int], what: str) -> int:
    """Return the place of a target; PlantError naming what exists."""
    if target in places:
        return places[target]
    keys = list(places)
    known = ", ".join(keys[:SHOWN]) + (f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else "")
    raise PlantError(f"no {what} {target!r}{did_you_mean(target, keys)}; there are {known}")


class Action(NamedTuple):
    """What a fault does to one row at one time."""

    effect: str
    row: int
    value: Floats  # (batch,) or (1,)
    acts: npt.NDArray[np.bool_] | bool  # in which plants


def effects(state: State, points: Points) -> dict[str, Effect]:
    """Return what faults can act on: disturbances, instruments, final elements, PLCs; each that the registry has."""
    found = {name: (f"disturbance.{name}", one.kind, f"target of {name}") for name, one in DISTURBANCES.items()}
    found |= {name: (slot, kind, what) for name, (slot, kind, what) in DEVICE_EFFECTS.items()}
    made = {
        name: Effect(state[slot], _rows(state.slots[slot].keys), what, kind)
        for name, (slot, kind, what) in found.items()
        if slot in state.slots
    }
    return made | _of_points(made, points)


def _of_points(made: Mapping[str, Effect], points: Points) -> dict[str, Effect]:
    """Return the effects that act on some of the rows only, or need to know what register is behind one."""
    forms = [p.form for p in points.inputs]
    analogue = {p.key: row for row, p in enumerate(points.inputs) if p.form != "bool"}
    loads = {p.key: row for row, p in enumerate(points.outputs) if p.actuator.drives == LOAD_SET_POINT}
    limited = {name: replace(made[name], rows=analogue) for name in ANALOGUE if name in made}
    if "transmitter.bad_raw" in made:
        limited["transmitter.bad_raw"] = replace(made["transmitter.bad_raw"], forms=forms)
    if "output.position" in made:
        limited["turbine.load"] = replace(made["output.position"], rows=loads)
    return limited


def _rows(keys: Iterable[str]) -> dict[str, int]:
    return {key: row for row, key in enumerate(keys)}
