"""Measurement noise as a function of (seed, plant, channel, step): no generator, nothing to keep in step.

A table of normal numbers is drawn once. A channel at a step begins at a hashed place of the table; plant k reads k
places further. So column k of a batch with seed s has the noise of a single plant with seed s + k, and a channel's
noise does not change when another channel is added.
"""

import hashlib
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from controller.core.errors import PlantError

Floats = npt.NDArray[np.float64]

SIZE = 1 << 20
_TABLE_SEED = 20_260_101
_STEP = 0x9E37_79B9_7F4A_7C15  # splitmix64
_SHIFT_1, _SHIFT_2, _SHIFT_3 = np.uint64(30), np.uint64(27), np.uint64(31)
_MIX_1 = np.uint64(0xBF58_476D_1CE4_E5B9)
_MIX_2 = np.uint64(0x94D0_49BB_1331_11EB)
_WORD = (1 << 64) - 1
_LAST = np.uint64(SIZE - 1)
_SPARE = 4096


class Noise:
    """Standard normal numbers for named channels; ``windows[start]`` are those of a batch."""

    def __init__(self, channels: Sequence[str], batch: int) -> None:
        """Take the table, or draw it (about 20 ms); ``channels`` are the keys of the rows."""
        self.windows: Floats = sliding_window_view(_table(-(-batch // _SPARE))[: SIZE + batch], batch)
        self._channel = np.array(
            [int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") for key in channels],
            dtype=np.uint64,
        )

    def at(self, seed: int, step: int) -> Floats:
        """Return the noise of one step, (channels, batch)."""
        return self.windows[self.starts(seed, step)]

    def starts(self, seed: int, step: int, rows: npt.NDArray[np.intp] | None = None) -> npt.NDArray[np.intp]:
        """Return where in the table the numbers of one step begin, of all channels or those of some rows."""
        channel = self._channel if rows is None else self._channel[rows]
        z = channel + np.uint64((step * _STEP) & _WORD)
        z ^= z >> _SHIFT_1
        z *= _MIX_1
        z ^= z >> _SHIFT_2
        z *= _MIX_2
        z ^= z >> _SHIFT_3
        z += np.uint64(seed)
        z &= _LAST
        return z.view(np.intp)


@cache
def _table(spare: int) -> Floats:
    """Return the numbers, and behind them as many of the first ones as batches reach over the end."""
    table = np.random.Generator(np.random.PCG64(_TABLE_SEED)).standard_normal(SIZE)
    return np.concatenate([table, table[: spare * _SPARE]])


def checked_seed(seed: int, batch: int) -> int:
    """Return ``seed``; PlantError when seed and batch reach beyond the plants that the table can tell apart."""
    if not 0 <= seed <= SIZE - batch:
        raise PlantError(f"seed {seed}: must be 0..{SIZE - batch} for a batch of {batch}")
    return seed
