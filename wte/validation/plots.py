"""Plots of the page: small SVG files with the same bytes for the same courses."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from wte.validation.check import Check, Outcome, Panel

mpl.use("Agg")  # files only; must be chosen before pyplot is imported

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

MOST_POINTS = 240  # of a curve
FEW_POINTS = 20  # single figures of a reference, not a course
MINUTES_FROM_S = 600.0  # a longer course has minutes on its time axis
HOURS_FROM_S = 3 * 3600.0
SETTINGS: Any = {"svg.fonttype": "none", "svg.hashsalt": "wte", "font.size": 8.0}  # matplotlib types each key
COLOURS = ("#1f4e79", "#c55a11", "#548235", "#7f3f98", "#7f7f7f")


def draw(check: Check, outcome: Outcome, file: Path) -> Path:
    """Draw the panels of a check over one time axis."""
    panels = outcome.panels
    longest = max(float(course.time_s[-1]) for panel in panels for course in panel.curves.values())
    unit, scale = ("s", 1.0) if longest < MINUTES_FROM_S else ("min", 60.0)
    if longest >= HOURS_FROM_S:
        unit, scale = "h", 3600.0
    with mpl.rc_context(SETTINGS):
        figure, axes = plt.subplots(len(panels), 1, sharex=True, figsize=(6.4, 0.7 + 1.25 * len(panels)), squeeze=False)
        for axis, panel in zip(axes[:, 0], panels, strict=True):
            _draw_panel(axis, panel, scale)
        axes[-1, 0].set_xlabel(unit)
        figure.tight_layout(pad=0.4)
        figure.savefig(file, format="svg", metadata={"Date": None, "Title": check.title})
        plt.close(figure)
    return file


def _draw_panel(axis: Axes, panel: Panel, scale: float) -> None:
    for (label, course), colour in zip(panel.curves.items(), COLOURS, strict=False):
        kept = np.unique(np.linspace(0, course.time_s.size - 1, MOST_POINTS).astype(int))
        style = "o" if course.time_s.size < FEW_POINTS else "-"
        axis.plot(course.time_s[kept] / scale, course.value[kept], style, label=label, lw=1.0, ms=3.0, color=colour)
    axis.set_ylabel(panel.unit)
    axis.legend(loc="best", fontsize=7, frameon=False)
    axis.grid(visible=True, alpha=0.3, linewidth=0.5)
    axis.margins(x=0.0)
