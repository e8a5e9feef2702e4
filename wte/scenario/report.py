"""What a scenario leaves behind: tables on the terminal, and a folder with data, plots and a page that shows them."""

import csv
import html
import json
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from controller.core.compiler import compile_plan
from controller.core.config import Config
from controller.core.errors import PlantError
from controller.core.event import Event, EventKind
from wte.scenario import plots
from wte.scenario.play import Result

EVENTS_SHOWN = 60  # on the terminal; the page has all of them
ROUTINE = frozenset({EventKind.EMISSION_RECORDED})  # every minute: in the JSON file only
PAGE = "index.html"
STYLE = (
    "body{font:14px/1.45 sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.2rem .5rem;text-align:left;vertical-align:top}"
    ".no{color:#c00000;font-weight:bold}.yes{color:#2e7d32}img{max-width:100%}"
)


def print_result(result: Result, console: Console) -> None:
    """Print the event log and the verdicts."""
    events = Table(title=f"{result.scenario.title}: events")
    for column in ("s", "event", "source", "value", "text"):
        events.add_column(column, justify="right" if column in {"s", "value"} else "left")
    shown = _events(result)
    for time_s, event in shown[:EVENTS_SHOWN]:
        events.add_row(f"{time_s:.1f}", event.kind.value, event.source, _value(event), event.text or event.reason)
    if len(shown) > EVENTS_SHOWN:
        events.add_row("", f"{len(shown) - EVENTS_SHOWN} more", "", "", "")
    console.print(events)
    verdicts = Table(title="expectations")
    for column in ("", "expected", "found"):
        verdicts.add_column(column)
    for row in _verdicts(result):
        mark = Text("met", style="green") if row[0] else Text("NOT MET", style="bold red")
        verdicts.add_row(mark, row[1], row[2])
    console.print(verdicts)


def _verdicts(result: Result) -> list[tuple[bool, str, str]]:
    """Return (met, expected, found) of every expectation; of several plants the worst, with its seed."""
    rows: list[tuple[bool, str, str]] = []
    for verdict in result.verdicts:
        seed = f" (seed {result.scenario.seed + verdict.worst})" if result.scenario.plants > 1 else ""
        expected = f"{verdict.what}: {verdict.expected}" if verdict.what else verdict.expected
        rows.append((verdict.is_met, expected, verdict.found + seed))
    return rows


def _events(result: Result) -> list[tuple[float, Event]]:
    """Return what happened in the worst plant, without what happens every minute."""
    plant = result.worst
    return [(at, event) for at, event in result.events if event.plant == plant and event.kind not in ROUTINE]


def _value(event: Event) -> str:
    return "" if event.value is None else f"{event.value:.4g}"


def write_data(result: Result, plant: int, file: Path) -> Path:
    """Write one plant's record: Parquet when the name says so, else CSV (a column per tag, empty where bad)."""
    if file.suffix == ".parquet":
        import pyarrow as pa  # noqa: PLC0415  60 ms that a CSV does not need
        from pyarrow import parquet  # noqa: PLC0415  as above

        columns = {"time_s": result.time_s, **{tag: result.value[:, k, plant] for k, tag in enumerate(result.tags)}}
        parquet.write_table(pa.table(columns), file)
        return file
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["time_s", *result.tags])
        for time_s, row in zip(result.time_s, result.value[:, :, plant], strict=True):
            writer.writerow([f"{time_s:.1f}", *("" if np.isnan(value) else repr(float(value)) for value in row)])
    return file


def write_json(result: Result, file: Path) -> None:
    """Write the verdicts and events for machines."""
    summary: dict[str, Any] = {
        "title": result.scenario.title,
        "seed": result.scenario.seed,
        "plants": result.scenario.plants,
        "is_met": result.is_met,
        "frame_hash": result.frame_hash,
        "expectations": [
            {"what": verdict.what, "expected": verdict.expected, "is_met": verdict.is_met, "found": verdict.found,
             "reached": [None if np.isnan(one.reached) else one.reached for one in verdict.findings]}
            for verdict in result.verdicts
        ],
        "events": [
            {"time_s": round(time_s, 3), "plant": event.plant, "kind": event.kind.value, "source": event.source,
             "value": event.value, "text": event.text}
            for time_s, event in result.events
        ],
    }  # fmt: skip
    file.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_folder(result: Result, config: Config, folder: Path, *, is_parquet: bool = False) -> list[Path]:
    """Write the page, first of the returned, data and plots of the worst plant; PlantError when that cannot be done."""
    rows = {row.key: row for row in compile_plan(config).tags.rows}
    units = {key: row.unit for key, row in rows.items()}
    plant, written = result.worst, list[Path]()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in [*folder.glob(f"*{plots.SUFFIX}"), *folder.glob("data.*")]:
            old.unlink()
        if result.tags:
            written.append(write_data(result, plant, folder / f"data.{'parquet' if is_parquet else 'csv'}"))
        if result.scenario.plots or result.scenario.record:
            written.append(plots.draw_groups(result, plant, units, folder / f"plots{plots.SUFFIX}"))
        for loop in result.scenario.loops:
            if loop in config.loops:
                pv = config.loops[loop].spec.pv
                file = folder / f"{loop}{plots.SUFFIX}"
                written.append(plots.draw_loop(result, plant, loop, (pv, loop), units.get(f"{loop}.PV", ""), file))
        page = folder / PAGE
        page.write_text(_page(result, config, [file.name for file in written]), encoding="utf-8")
    except OSError as exc:
        raise PlantError(
            f"{exc.filename} cannot be written ({exc.strerror}): choose another folder with --out"
        ) from exc
    return [page, *written]


def _page(result: Result, config: Config, files: list[str]) -> str:
    """Return the page of a run: verdicts, plots, events."""
    scenario, plain = result.scenario, html.escape
    seeds = f"{scenario.seed}" + (f" to {scenario.seed + scenario.plants - 1}" if scenario.plants > 1 else "")
    shown = f"; plots show seed {scenario.seed + result.worst}" if scenario.plants > 1 else ""
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{plain(scenario.title)}</title>",
        f"<style>{STYLE}</style><h1>{plain(scenario.title)}</h1>",
        f"<p>{plain(scenario.why or '')}</p>" if scenario.why else "",
        f"<p>From {plain(scenario.initial)}, {scenario.duration_s:g} s, seed {seeds}{shown}.</p>",
        "<h2>Expectations</h2><table><tr><th>met<th>expected<th>found",
        *(
            f"<tr><td class={'yes' if is_met else 'no'}>{'yes' if is_met else 'NO'}"
            f"<td>{plain(expected)}<td>{plain(found)}"
            for is_met, expected, found in _verdicts(result)
        ),
        "</table>",
    ]
    for file in files:
        stem = file.removesuffix(plots.SUFFIX)
        if stem in config.loops:
            parts.append(f"<h2>{plain(stem)}: {plain(config.loops[stem].spec.title.en)}</h2>")
        if file.endswith(plots.SUFFIX):
            parts.append(f'<p><img src="{plain(file)}" alt="{plain(stem)}">')
    parts += [
        "<h2>Events</h2><table><tr><th>s<th>event<th>source<th>value<th>text",
        *(
            f"<tr><td>{time_s:.1f}<td>{event.kind.value}<td>{plain(event.source)}<td>{_value(event)}"
            f"<td>{plain(event.text or event.reason)}"
            for time_s, event in _events(result)
        ),
        "</table></html>",
    ]
    return "\n".join(parts) + "\n"
