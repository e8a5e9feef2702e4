"""Named rows of one array: what final elements do to the process, and what instruments can see of it.

A block is a group of names that a piece of the process works on at once, as (names, instances, batch). Blocks lie one
behind the other in one array of the state registry, keyed "L1/drum.level".
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.state import State

Floats = npt.NDArray[np.float64]


class Block(NamedTuple):
    """Names of one piece, each for all instances."""

    names: Sequence[str]
    instances: Sequence[str]


class Board:
    """One array with its blocks.

    ``array`` is (rows, batch), ``rows`` says where "L1/drum.level" stands, ``by_name`` gives (instances, batch) views.
    """

    def __init__(self, state: State, slot: str, blocks: Sequence[Block]) -> None:
        """Add the array to the registry; ValueError when two pieces use one name."""
        keys = [f"{instance}/{name}" for block in blocks for name in block.names for instance in block.instances]
        if len(set(keys)) != len(keys):
            twice = sorted({key for key in keys if keys.count(key) > 1})
            raise ValueError(f"{slot}: used by two pieces of the process: {', '.join(twice)}")
        self.array: Floats = state.add(slot, keys)
        self.rows = {key: row for row, key in enumerate(keys)}
        self.blocks: list[Floats] = []
        self.by_name: dict[str, Floats] = {}
        first = 0
        for block in blocks:
            count = len(block.names) * len(block.instances)
            part = self.array[first : first + count].reshape(len(block.names), len(block.instances), state.batch)
            self.blocks.append(part)
            self.by_name |= dict(zip(block.names, part, strict=True))
            first += count

    def __getitem__(self, name: str) -> Floats:
        """Return the rows of a name, (instances, batch), to read or to write into."""
        return self.by_name[name]
