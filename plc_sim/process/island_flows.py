"""What the turbine island exchanges: with its PLC, with the steam header, over its boundary, in one step."""

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from plc_sim.process.shaft import Controls, Taken

Floats = npt.NDArray[np.float64]


class Plc(Controls, Protocol):
    """The turbine's PLC as the island sees it: ``scan`` once in a step, then ``step`` every short step."""

    @property
    def pumps(self) -> Floats:
        """Return the orders for the oil pumps (4, batch): AC, DC, control oil A and B."""
        ...

    @property
    def is_reset(self) -> Floats:
        """Return (1, batch) 1: not tripped."""
        ...

    @property
    def mirror(self) -> Floats:
        """Return (6, batch) reset, first-out, mode, load target W, governor demand, barring runs."""
        ...

    def scan(self, inputs: Floats, dt: float) -> None:
        """Take the inputs (n, batch) over and run what needs no short step."""
        ...


class Demand(NamedTuple):
    """Steam that the island takes from the header in this step; (1, batch) unless said."""

    flow: Floats  # kg/s at the header's pressure of now
    slope: Floats  # its derivative by the pressure, kg/(s Pa)
    header_pa: Floats  # the pressure of now
    turbine: Taken
    users_k: Floats  # (5, batch) kg/(s Pa) of the others: bypass a, b, deaerator, drains, lost


class Users(NamedTuple):
    """Steam that the header really gave in this step, (1, batch) kg/s."""

    admitted: Floats  # to the turbine
    bypass: Floats  # (2, batch)
    auxiliary: Floats  # to the deaerator
    drains: Floats  # of the main steam pipe
    lost: Floats  # to ejectors, glands and other users that do not give it back


class Crossing(NamedTuple):
    """What crossed the island's boundary in a step, (1, batch): kg/s or W."""

    steam: Floats  # from the header, all users
    lost_steam: Floats  # of it: what is not given back
    relieved: Floats  # blown off by the condensers' reliefs
    relieved_w: Floats
    supplied: Floats  # net from the tank of demineralised water
    supplied_w: Floats
    air_heater_w: Floats  # extraction 1: heat to the air heaters
    power: Floats  # W from steam to shaft
    output: Floats  # W at the generator's terminals
    tower_w: Floats
    pipe_w: Floats
