"""The frame: everything one scan produced. A copy: nothing in it is a view of the state."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.clock import MonoNs, UtcNs
from controller.core.command import Answer
from controller.core.event import Event
from controller.core.quality import Codes
from controller.core.tags import Floats, Times


@dataclass(frozen=True, slots=True)
class Frame:
    """Values of all rows after scan number ``scan``, and what happened in it.

    ``value``, ``quality`` are shaped (rows, batch), ``time`` (rows,) UTC ns. ``mv`` (outputs, batch) is what is to be
    written to the devices; NaN means: leave the device's value alone.
    """

    scan: int
    mono: MonoNs
    utc: UtcNs
    value: Floats
    quality: Codes
    time: Times
    mv: Floats
    events: tuple[Event, ...] = ()
    answers: tuple[Answer, ...] = ()
    is_failed: bool = False  # the host must write safe values and exit
    writes: npt.NDArray[np.bool_] | None = None  # (outputs,) which outputs may be written; None: all
