"""What a scenario leaves behind: tables on the terminal, a data file, a plot, a JSON summary."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from controller.core.compiler import compile_plan
from controller.core.config import Config
from controller.core.errors import PlantError
from controller.core.event import Event
from wte.scenario.play import Result

mpl.use("Agg")  # files only; must be chosen before pyplot is imported

import matplotlib.pyplot as plt

EVENTS_SHOWN = 60  # the data folder has all of them
PLOT_DPI = 110


def print_result(result: Result, console: Console) -> None:
    """Print the event log and the verdicts."""
    events = Table(title=f"{result.scenario.title}: events")
    for column in ("s", "event", "source", "value", "text"):
        events.add_column(column, justify="right" if column in {"s", "value"} else "left")
    for time_s, event in result.events[:EVENTS_SHOWN]:
        events.add_row(f"{time_s:.1f}", event.kind.value, event.source, _value(event), event.text or event.reason)
    if len(result.events) > EVENTS_SHOWN:
        events.add_row("", f"{len(result.events) - EVENTS_SHOWN} more", "", "", "")
    console.print(events)
    verdicts = Table(title="expectations")
    for column in ("", "expected", "found"):
        verdicts.add_column(column)
    for verdict in result.verdicts:
        mark = Text("met", style="green") if verdict.is_met else Text("NOT MET", style="bold red")
        verdicts.add_row(mark, verdict.expected, verdict.found)
    console.print(verdicts)


def _value(event: Event) -> str:
    return "" if event.value is None else f"{event.value:.4g}"


def write_data(result: Result, file: Path) -> None:
    """Write the record: Parquet when the name says so, else CSV (``time_s``, one column per tag, empty where bad)."""
    tags = result.scenario.record
    if file.suffix == ".parquet":
        import pyarrow as pa  # noqa: PLC0415  60 ms that a CSV does not need
        from pyarrow import parquet  # noqa: PLC0415  as above

        columns = {"time_s": result.time_s, **{tag: result.value[:, k] for k, tag in enumerate(tags)}}
        parquet.write_table(pa.table(columns), file)
        return
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["time_s", *tags])
        for time_s, row in zip(result.time_s, result.value, strict=True):
            writer.writerow([f"{time_s:.1f}", *("" if np.isnan(value) else repr(float(value)) for value in row)])


def write_plot(result: Result, units: Mapping[str, str], file: Path) -> None:
    """Draw one diagram per group of ``plots`` over one time axis (min); ``units`` by tag."""
    groups = result.scenario.plots or [[tag] for tag in result.scenario.record]
    figure, axes = plt.subplots(len(groups), 1, sharex=True, figsize=(10, 1.2 + 2.2 * len(groups)), squeeze=False)
    minutes = result.time_s / 60.0
    for axis, group in zip(axes[:, 0], groups, strict=True):
        for tag in group:
            axis.plot(minutes, result.value[:, result.scenario.record.index(tag)], label=tag, linewidth=1.2)
        for step in result.scenario.steps:
            axis.axvline(step.at_s / 60.0, color="0.6", linewidth=0.8, linestyle=":")
        axis.set_ylabel(units.get(group[0], ""))
        axis.legend(loc="best", fontsize="small")
        axis.grid(visible=True, alpha=0.3)
    axes[0, 0].set_title(result.scenario.title)
    axes[-1, 0].set_xlabel("time, min")
    figure.tight_layout()
    figure.savefig(file, dpi=PLOT_DPI)
    plt.close(figure)


def write_json(result: Result, file: Path) -> None:
    """Write the verdicts and events for machines."""
    summary: dict[str, Any] = {
        "title": result.scenario.title,
        "seed": result.scenario.seed,
        "is_met": result.is_met,
        "frame_hash": result.frame_hash,
        "expectations": [
            {"expected": verdict.expected, "is_met": verdict.is_met, "found": verdict.found}
            for verdict in result.verdicts
        ],
        "events": [
            {"time_s": round(time_s, 3), "kind": event.kind.value, "source": event.source, "value": event.value,
             "text": event.text}
            for time_s, event in result.events
        ],
    }  # fmt: skip
    file.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_files(result: Result, config: Config, folder: Path, stem: str, *, is_parquet: bool) -> list[Path]:
    """Write the data file and the plot into ``folder`` as ``stem.*``; PlantError when that cannot be done."""
    data, plot = folder / f"{stem}.{'parquet' if is_parquet else 'csv'}", folder / f"{stem}.png"
    units = {row.key: row.unit for row in compile_plan(config).tags.rows}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_data(result, data)
        write_plot(result, units, plot)
    except OSError as exc:
        raise PlantError(
            f"{exc.filename} cannot be written ({exc.strerror}): choose another folder with --out"
        ) from exc
    return [data, plot]
