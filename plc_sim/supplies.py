"""What motors and valves live on: house bus, emergency diesel, instrument air, as the process shows them."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from plc_sim.equipment_parameters import EquipmentParameters

Floats = npt.NDArray[np.float64]

AIR, BUS, DIESEL = "air.pressure", "house.voltage", "diesel.running"


class Supply(NamedTuple):
    """One step's supplies, (1, batch), 1 there and 0 not."""

    air: Floats
    bus: Floats
    diesel: Floats  # or the bus: what emergency motors need


class Supplies:
    """The rows of the signals; a plant that does not show one of them always has it."""

    def __init__(
        self, signal_row: Mapping[str, int], common: str, p: EquipmentParameters | None, barometric_pa: float
    ) -> None:
        """Find the signals of the common part."""
        self._row = {name: signal_row.get(f"{common}/{name}") for name in (AIR, BUS, DIESEL)} if p is not None else {}
        self._least = {} if p is None else {AIR: p.air_least_pa + barometric_pa, BUS: p.bus_least, DIESEL: 0.5}

    def read(self, signals: Floats) -> Supply:
        """Return what is there; ``signals`` are those of the process, (signals, batch)."""
        bus = self._is_there(signals, BUS)
        return Supply(self._is_there(signals, AIR), bus, np.maximum(bus, self._is_there(signals, DIESEL)))

    def _is_there(self, signals: Floats, name: str) -> Floats:
        row = self._row.get(name)
        if row is None:
            return np.ones_like(signals[:1])
        return np.where(signals[row : row + 1] >= self._least[name], 1.0, 0.0)
