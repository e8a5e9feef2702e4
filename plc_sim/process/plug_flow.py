"""Transport by plug flow: what enters leaves after one volume of the pipe has passed, whatever the flow does.

Each pipe is cut into slots of equal volume in a ring. A step fills the slot at the entrance and empties the one at the
exit by the same volume, so nothing is made or lost; a front is smeared over one slot. Arrays are (rows, lines, batch).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.state import State

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

TINY = 1e-300


@dataclass(frozen=True, slots=True)
class PlugFlow:
    """Pipes of one number of slots, each with a content and a flow of its own."""

    ring: Floats  # ((slots + 1) * rows * lines, batch) content of the full slots
    filling: Floats  # content of the entrance slot times its fill
    slot: Places  # the entrance slot
    fill: Floats  # how far it is filled
    first: Places  # places of the first slots in the flat ring
    slots: int

    @classmethod
    def build(cls, state: State, name: str, rows: Sequence[str], lines: Sequence[str], slots: int) -> "PlugFlow":
        """Add the state: a pipe of its own for each row of each line, two slots at least."""
        keys = [f"{line}/{row}" for row in rows for line in lines]
        shape = (len(rows), len(lines), state.batch)
        return cls(
            ring=state.add(f"{name}.ring", [f"{key}.{number}" for number in range(slots + 1) for key in keys]),
            filling=state.add(f"{name}.filling", keys).reshape(shape),
            slot=state.add(f"{name}.slot", keys, dtype=np.int64).reshape(shape),
            fill=state.add(f"{name}.fill", keys).reshape(shape),
            first=np.arange(len(keys) * state.batch).reshape(shape),
            slots=slots,
        )

    def settle(self, content: Floats) -> None:
        """Fill the pipe with ``content`` (rows, lines, batch)."""
        self.ring.reshape(self.slots + 1, *content.shape)[...] = content
        self.filling[...] = 0.0
        self.fill[...] = 0.0
        self.slot[...] = 0

    def step(self, entering: Floats, share: Floats) -> Floats:
        """Push ``share`` of the volume of the pipe through (at most one slot); return what leaves, as a mean."""
        passed = np.minimum(share * self.slots, 1.0)
        left = 1.0 - self.fill
        is_full = passed >= left
        into_this = np.minimum(passed, left)
        into_next = passed - into_this
        self.filling[...] += into_this * entering
        flat, size = self.ring.reshape(-1), self.first.size
        here = self.first + self.slot * size
        oldest = flat.take(here + size, mode="wrap")
        following = flat.take(here + 2 * size, mode="wrap")
        np.put(flat, here, np.where(is_full, self.filling, flat.take(here)))
        self.filling[...] = np.where(is_full, into_next * entering, self.filling)
        self.fill[...] = np.where(is_full, into_next, self.fill + passed)
        self.slot[...] = np.where(is_full, (self.slot + 1) % (self.slots + 1), self.slot)
        newer = np.where(into_next > 0.0, into_next / np.maximum(passed, TINY), 0.0)
        return oldest + (following - oldest) * newer
