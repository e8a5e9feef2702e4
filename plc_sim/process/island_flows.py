"""What the turbine island exchanges: with its PLC, with the steam header, over its boundary, between its two rates."""

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from plc_sim.process.shaft import Controls, Taken

Floats = npt.NDArray[np.float64]


class Plc(Controls, Protocol):
    """The turbine's PLC as the island sees it: ``scan`` once in a step, then ``step`` every short step."""

    pumps: Floats  # (4, batch) orders for the oil pumps: AC, DC, control oil A and B
    is_reset: Floats  # (1, batch) 1: not tripped
    mirror: Floats  # (6, batch) reset, first-out, mode, load target W, governor demand, barring runs

    def scan(self, inputs: Floats, dt: float) -> None:
        """Take the inputs (n, batch) over and run what needs no short step."""
        ...


class Demand(NamedTuple):
    """Steam from the header, (1, batch): kg/s at its pressure now, and the derivative, kg/(s Pa)."""

    flow: Floats
    slope: Floats


class Crossing(NamedTuple):
    """What crossed the island's boundary in the last thermal step, means, (1, batch): kg/s or W."""

    steam: Floats  # from the header, all users
    lost_steam: Floats  # of it: to ejectors, glands and other users that do not give it back
    relieved: Floats  # blown off by the condensers' reliefs
    relieved_w: Floats
    supplied: Floats  # net from the tank of demineralised water
    supplied_w: Floats
    air_heater_w: Floats  # extraction 1: heat to the air heaters
    power: Floats  # W from steam to shaft
    output: Floats  # W at the generator's terminals
    tower_w: Floats
    pipe_w: Floats


class Half(NamedTuple):
    """What ``demand`` leaves for ``step``."""

    taken: Taken
    header_pa: Floats
    users_k: Floats  # (5, batch) kg/(s Pa): bypass a, b, deaerator, drains, lost


class Mean(NamedTuple):
    """Means since the last thermal step, (1, batch); flows kg/s, ``_w`` their enthalpy flows."""

    flow: Floats  # into the first stages
    power: Floats
    ideal: Floats  # power at nominal speed
    output: Floats
    admitted: Floats
    bypass: Floats  # (2, batch)
    auxiliary: Floats
    drains: Floats
    lost: Floats
    admitted_w: Floats
    bypass_w: Floats  # (2, batch)
    auxiliary_w: Floats
    drains_w: Floats
    lost_w: Floats
    air_heater: Floats
    drum: Floats
    feedwater: Floats
    drum_w: Floats
    header_pa: Floats

    @classmethod
    def of(cls, sums: Floats) -> "Mean":
        """Split the means by rows."""
        return cls(*(sums[rows] for rows in MEAN_ROWS))


MEAN_WIDTHS = [2 if name.startswith("bypass") else 1 for name in Mean._fields]
MEAN_ROWS = [slice(sum(MEAN_WIDTHS[:n]), sum(MEAN_WIDTHS[: n + 1])) for n in range(len(MEAN_WIDTHS))]
