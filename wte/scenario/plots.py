"""Plots of a scenario as SVG: groups of recorded tags; a loop with set-point, output and mode."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np

from controller.core.event import Event, EventKind
from controller.core.plan import Mode
from controller.core.tags import Floats
from wte.scenario.model import Scenario
from wte.scenario.play import Result
from wte.validation.plots import COLOURS, HOURS_FROM_S, MINUTES_FROM_S, SETTINGS

mpl.use("Agg")  # files only; must be chosen before pyplot is imported

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

BINS = 300  # of the time axis; in each the smallest and the largest value are drawn, so no peak is lost
MODE_COLOURS = {
    Mode.OOS: "#7f7f7f", Mode.LO: "#c00000", Mode.MAN: "#ffc000", Mode.AUTO: "#70ad47", Mode.CAS: "#2e75b6",
    Mode.RCAS: "#7f3f98", Mode.IMAN: "#bfbfbf",
}  # fmt: skip
TRIPS = (EventKind.TRIP_LATCHED, EventKind.TRIP_ACTED)
SUFFIX = ".svg"


def draw_groups(result: Result, plant: int, units: Mapping[str, str], file: Path) -> Path:
    """Draw one diagram per group of ``plots`` over one time axis, of one plant; ``units`` by tag."""
    groups = result.scenario.plots or [[tag] for tag in result.scenario.record]
    groups = [[tag for tag in group if tag in result.tags] for group in groups]
    groups = [group for group in groups if group]
    scale, unit = _time_scale(result.scenario)
    with mpl.rc_context(SETTINGS):
        height = 0.7 + 1.25 * len(groups)
        figure, axes = plt.subplots(len(groups), 1, sharex=True, figsize=(6.4, height), squeeze=False)
        for axis, group in zip(axes[:, 0], groups, strict=True):
            for tag, colour in zip(group, COLOURS * (1 + len(group) // len(COLOURS)), strict=False):
                _line(axis, result, tag, plant, scale, colour)
            _marks(axis, result, plant, scale, ())
            _dress(axis, units.get(group[0], ""))
        axes[-1, 0].set_xlabel(unit)
        axes[-1, 0].set_xlim(0.0, result.scenario.duration_s / scale)
        figure.tight_layout(pad=0.4)
        figure.savefig(file, format="svg", metadata={"Date": None, "Title": result.scenario.title})
        plt.close(figure)
    return file


def draw_loop(result: Result, plant: int, loop: str, alarms_of: Sequence[str], unit: str, file: Path) -> Path:
    """Draw a loop: PV and set-point, the output, a band with its mode.

    ``alarms_of`` are the tags whose alarms are marked, ``unit`` is that of the PV. Dotted lines are the scenario's
    steps, red ones trips.
    """
    scale, time_unit = _time_scale(result.scenario)
    with mpl.rc_context(SETTINGS):
        figure, axes = plt.subplots(
            3, 1, sharex=True, figsize=(6.4, 3.3), gridspec_kw={"height_ratios": [10, 6, 1]}, squeeze=False
        )
        value, output, band = axes[:, 0]
        _line(value, result, f"{loop}.PV", plant, scale, COLOURS[0])
        _line(value, result, f"{loop}.SP_ACT", plant, scale, COLOURS[1])
        _line(output, result, f"{loop}.OP", plant, scale, COLOURS[2])
        for axis in (value, output):
            _marks(axis, result, plant, scale, alarms_of)
        _dress(value, unit)
        _dress(output, "%")
        _mode_band(band, result, f"{loop}.MODE_ACT", plant, scale)
        band.set_xlabel(time_unit)
        band.set_xlim(0.0, result.scenario.duration_s / scale)
        figure.tight_layout(pad=0.4)
        figure.savefig(file, format="svg", metadata={"Date": None, "Title": f"{loop}: {result.scenario.title}"})
        plt.close(figure)
    return file


def _time_scale(scenario: Scenario) -> tuple[float, str]:
    """Return how many seconds a unit of the time axis has, and its name."""
    if scenario.duration_s < MINUTES_FROM_S:
        return 1.0, "s"
    return (60.0, "min") if scenario.duration_s < HOURS_FROM_S else (3600.0, "h")


def _line(axis: Axes, result: Result, tag: str, plant: int, scale: float, colour: str) -> None:
    if tag in result.tags:
        kept = envelope(result.value[:, result.tags.index(tag), plant])
        axis.plot(
            result.time_s[kept] / scale, result.value[kept, result.tags.index(tag), plant],
            label=tag, lw=1.0, color=colour,
        )  # fmt: skip


def envelope(value: Floats) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return which samples to draw: of each of ``BINS`` parts the smallest and the largest, in order of time."""
    if value.size <= 2 * BINS:
        return np.arange(value.size)
    edges = np.linspace(0, value.size, BINS + 1).astype(np.intp)
    kept = {0, value.size - 1}
    for start, end in pairwise(edges):
        part = value[start:end]
        if np.isnan(part).all():
            kept.add(int(start))
            continue
        kept |= {int(start + np.nanargmin(part)), int(start + np.nanargmax(part))}
    return np.array(sorted(kept), dtype=np.intp)


def _marks(axis: Axes, result: Result, plant: int, scale: float, alarms_of: Sequence[str]) -> None:
    """Mark the scenario's steps, trips, and alarms of some tags."""
    for step in result.scenario.steps:
        axis.axvline(step.at_s / scale, color="0.6", lw=0.7, ls=":")
    for time_s, event in result.events:
        if event.plant != plant:
            continue
        if event.kind in TRIPS:
            axis.axvline(time_s / scale, color="#c00000", lw=0.9)
        elif _is_alarm_of(event, alarms_of):
            axis.plot([time_s / scale], [0.97], "v", transform=axis.get_xaxis_transform(), ms=4.0, color="#c55a11")


def _is_alarm_of(event: Event, tags: Sequence[str]) -> bool:
    return event.kind is EventKind.ALARM_RAISED and event.source.rpartition(".")[0] in tags


def _dress(axis: Axes, unit: str) -> None:
    axis.set_ylabel(unit)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(loc="best", fontsize=7, frameon=False)
    axis.grid(visible=True, alpha=0.3, linewidth=0.5)


def _mode_band(axis: Axes, result: Result, tag: str, plant: int, scale: float) -> None:
    """Draw the actual mode as a coloured band with its names."""
    axis.set_yticks([])
    if tag not in result.tags or not result.time_s.size:
        return
    mode = result.value[:, result.tags.index(tag), plant]
    changes = np.flatnonzero(np.diff(mode, prepend=np.nan) != 0.0)
    ends = [*result.time_s[changes[1:]], result.time_s[-1]]
    for start, end in zip(changes, ends, strict=True):
        if np.isnan(mode[start]):
            continue
        here, began = Mode(int(mode[start])), result.time_s[start]
        axis.axvspan(began / scale, end / scale, color=MODE_COLOURS[here], lw=0.0)
        if end - began > 0.06 * result.scenario.duration_s:
            axis.text((began + end) / 2.0 / scale, 0.5, here.name, fontsize=6.5, ha="center", va="center")
    axis.set_ylim(0.0, 1.0)
