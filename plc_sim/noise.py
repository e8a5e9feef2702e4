"""Measurement noise as a function of (seed, plant, channel, step): no generator, nothing to keep in step.

A table of normal numbers is drawn once. A channel at a step begins at a hashed place of the table; plant k reads k
places further. So column k of a batch with seed s has the noise of a single plant with seed s + k, and a channel's
noise does not change when another channel is added.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from controller.core.errors import PlantError

Floats = npt.NDArray[np.float64]

SIZE = 1 << 20
_TABLE_SEED = 20_260_101
_STEP = 0x9E37_79B9_7F4A_7C15  # splitmix64
_MIX_1 = np.uint64(0xBF58_476D_1CE4_E5B9)
_MIX_2 = np.uint64(0x94D0_49BB_1331_11EB)
_WORD = (1 << 64) - 1


class Noise:
    """Standard normal numbers for named channels."""

    def __init__(self, channels: Sequence[str], batch: int) -> None:
        """Draw the table (about 20 ms); ``channels`` are the keys of the rows."""
        table = np.random.Generator(np.random.PCG64(_TABLE_SEED)).standard_normal(SIZE)
        self._windows = sliding_window_view(np.concatenate([table, table[:batch]]), batch)
        self._channel = np.array(
            [int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") for key in channels],
            dtype=np.uint64,
        )

    def at(self, seed: int, step: int) -> Floats:
        """Return the noise of one step, (channels, batch)."""
        z = self._channel + np.uint64((step * _STEP) & _WORD)
        z = (z ^ (z >> np.uint64(30))) * _MIX_1
        z = (z ^ (z >> np.uint64(27))) * _MIX_2
        z = z ^ (z >> np.uint64(31))
        start = (z + np.uint64(seed)) & np.uint64(SIZE - 1)
        return self._windows[start.astype(np.intp)]


def checked_seed(seed: int, batch: int) -> int:
    """Return ``seed``; PlantError when seed and batch reach beyond the plants that the table can tell apart."""
    if not 0 <= seed <= SIZE - batch:
        raise PlantError(f"seed {seed}: must be 0..{SIZE - batch} for a batch of {batch}")
    return seed
