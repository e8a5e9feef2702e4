"""The state of the line for the record: off, start-up without waste, operating, shut-down without waste; and OTNOC.

Operating while waste lies on the grate: until long after the last stroke of the feeder, or while the estimate of the
mass on the grate says so. The time after a stroke runs by samples, not by the clock on the wall: an hour in which
nobody calculated, or by which the clock was set, does not burn out a grate.
"""

import numpy as np

from controller.core.clock import NS_PER_S
from controller.core.emission_plan import PlantPhase
from controller.core.quality import Mask
from controller.core.tags import Floats
from controller.logic.emissions.figures import F
from controller.logic.emissions.work import RISE_MIN, T, Work

_OFF, _START_UP, _OPERATING, _SHUT_DOWN = (float(phase) for phase in PlantPhase)


def update(w: Work, value: Floats) -> None:
    """Find the state of each line from one sample."""
    p = w.plan.state
    moved, has_any = _strokes(w, value)
    np.subtract(w.waste_s, w.plan.sample_ns / NS_PER_S, out=w.waste_s, where=has_any)
    np.maximum(w.waste_s, 0.0, out=w.waste_s)
    np.copyto(w.waste_s, p.hold_s, where=moved)
    has_waste = w.waste_s > 0.0
    mass = value.take(p.mass_row, axis=0)
    has_waste |= (mass > p.mass_above) & (p.mass_row >= 0)[:, np.newaxis]
    celsius = value.take(p.temperature_row, axis=0, out=w.celsius, mode="clip")
    oldest = w.temperature[int(w.time[T.SLOT]) % RISE_MIN]  # overwritten next
    has_fire = value.take(p.burner_row, axis=0) >= 0.5
    starts = has_fire & ((celsius > oldest) | ~w.fed)
    # An unknown temperature keeps the state: it neither starts nor ends anything.
    is_cold = np.where(np.isnan(celsius), w.phase == _OFF, celsius < p.off_below)
    resting = np.where(is_cold, _OFF, _SHUT_DOWN)
    w.phase[...] = np.where(has_waste, _OPERATING, np.where(starts, _START_UP, resting))
    np.logical_or(w.fed, has_waste, out=w.fed)
    np.logical_and(w.fed, w.phase != _OFF, out=w.fed)
    w.otnoc[...] = _otnoc(w, value) & has_waste
    show(w)


def show(w: Work) -> None:
    """Show the state."""
    is_waste = w.phase == _OPERATING
    for figure, shown in ((F.STATE, w.phase), (F.OTNOC, w.otnoc), (F.WASTE, is_waste), (F.NO_WASTE, ~is_waste)):
        w.shown_monitor[figure] = shown
        w.code_monitor[figure] = 0


def note_minute(w: Work) -> None:
    """Keep the temperature of a minute that has ended, to see whether it rises."""
    w.temperature[int(w.time[T.SLOT]) % RISE_MIN] = w.celsius


def _strokes(w: Work, value: Floats) -> tuple[Mask, Mask]:
    """Return for each monitor whether a pusher has moved by a stroke, and whether any can be seen."""
    p = w.plan.state
    position = value.take(p.stroke_row, axis=0)
    way = p.stroke.take(p.stroke_of, axis=0)
    is_seen = ~np.isnan(position)
    moved = np.abs(position - w.anchor) >= way
    np.copyto(w.anchor, position, where=moved | np.isnan(w.anchor))
    both = np.logical_or.reduceat(np.stack([moved, is_seen]), p.stroke_first, axis=1)
    return both[0], both[1]


def _otnoc(w: Work, value: Floats) -> Mask:
    p = w.plan.state
    found = np.zeros(w.phase.shape, dtype=np.bool_)
    if len(p.otnoc_row):
        np.logical_or.at(found, p.otnoc_of, value.take(p.otnoc_row, axis=0) >= 0.5)
    return found
