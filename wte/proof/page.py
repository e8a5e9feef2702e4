"""The page of the proof: every bar of every case with what each seed reached, and the loops that deserve a look."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from controller.core.compiler import compile_plan
from controller.core.config import Config
from controller.core.errors import PlantError
from wte.proof.run import Done
from wte.scenario import Result, Verdict, plots
from wte.scenario.loop_figures import OSCILLATES, LoopFigures
from wte.strategy.words import short
from wte.validation.check import shown
from wte.validation.page import MARK, machine

INTRODUCTION = """\
# What the control holds

Written by `wte proof`; do not edit. The whole plant, closed: the shipped configuration on the simulated plant with its
noise and with the disturbance model of the waste, several seeds side by side. Each case is a file in `scenarios/proof`.
A column has what one seed reached: the value nearest to its limit, a share of the time, a mean, a count. The verdict is
that of the worst seed; plots show the seed that missed most.

Measured on: {machine}.
"""
LOOPS, RESULTS = "loops.json", "results.json"
FEW_NORMAL, MUCH_LIMITED = 95.0, 5.0  # % of the time; loops beyond are listed


def write(done: Sequence[Done], config: Config, file: Path) -> list[Path]:
    """Write the page and, in a folder of its name beside it, plots and figures; PlantError when that cannot be done."""
    folder = file.with_suffix("")
    units = {row.key: row.unit for row in compile_plan(config).tags.rows}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"*{plots.SUFFIX}"):
            old.unlink()
        drawn = {one.case.name: _plots(one, config, units, folder) for one in done}
        (folder / LOOPS).write_text(_json({"loops": _loops(done, units)}), encoding="utf-8")
        (folder / RESULTS).write_text(_json({"cases": [_summary(one) for one in done]}), encoding="utf-8")
        file.write_text(_text(done, drawn, folder.name), encoding="utf-8")
    except OSError as exc:
        raise PlantError(f"{exc.filename} cannot be written ({exc.strerror}): choose another file with --out") from exc
    return [file, *(path for paths in drawn.values() for path in paths)]


def tables(done: Sequence[Done]) -> list[Table]:
    """Return the outcome for a terminal: each case, and each bar that is missed."""
    summary = Table(title="cases")
    for column in ("case", "bars", "met", "plant h", "seeds", "took"):
        summary.add_column(column, justify="left" if column == "case" else "right")
    missed = Table(title="missed")
    for column in ("case", "bar", "worst seed", "found"):
        missed.add_column(column)
    for one in done:
        scenario, verdicts = one.case.scenario, () if one.result is None else one.result.verdicts
        met = sum(verdict.is_met for verdict in verdicts)
        summary.add_row(
            one.case.name, str(len(scenario.expect)), str(met), f"{scenario.duration_s / 3600.0:.3g}",
            _seeds(scenario.seed, scenario.plants), f"{one.took_s:.0f} s",
        )  # fmt: skip
        if one.error:
            missed.add_row(one.case.name, "could not be played", "", one.error)
        for verdict in verdicts:
            if not verdict.is_met:
                seed = str(scenario.seed + verdict.worst)
                missed.add_row(one.case.name, verdict.what or verdict.expected, seed, verdict.found)
    return [summary, missed] if missed.rows else [summary]


def _seeds(first: int, count: int) -> str:
    return f"{first}" if count == 1 else f"{first}–{first + count - 1}"


# --- the page --------------------------------------------------------------------------------------------------------


def _text(done: Sequence[Done], drawn: dict[str, list[Path]], folder: str) -> str:
    parts = [INTRODUCTION.format(machine=machine())]
    parts.append("\n| case | bars met | plant time | seeds |\n| --- | ---: | ---: | ---: |\n")
    for one in done:
        scenario = one.case.scenario
        met = 0 if one.result is None else sum(verdict.is_met for verdict in one.result.verdicts)
        parts.append(
            f"| [{scenario.title}](#{_anchor(scenario.title)}) | {met} of {len(scenario.expect)} | "
            f"{scenario.duration_s / 3600.0:.3g} h | {_seeds(scenario.seed, scenario.plants)} |\n"
        )
    for one in done:
        parts += ["\n", *_case(one, drawn[one.case.name], folder)]
    return "".join(parts)


def _anchor(title: str) -> str:
    """Return the anchor that a heading gets."""
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c in "-_")


def _case(done: Done, drawn: Sequence[Path], folder: str) -> list[str]:
    scenario, result = done.case.scenario, done.result
    lines = [f"## {scenario.title}\n\n", f"{scenario.why.strip()}\n\n" if scenario.why else ""]
    lines.append(f"From {scenario.initial}, `scenarios/proof/{done.case.name}.yaml`.\n\n")
    if result is None:
        return [*lines, f"Could not be played: {done.error}\n"]
    seeds = range(scenario.seed, scenario.seed + scenario.plants)
    lines.append(f"| bar | {' | '.join(f'seed {seed}' for seed in seeds)} | ok | worst |\n")
    lines.append(f"| --- |{' ---: |' * len(seeds)} --- | --- |\n")
    lines += [_bar(verdict, scenario.seed) for verdict in result.verdicts]
    lines += [f"\n![{path.stem}]({folder}/{path.name})\n" for path in drawn]
    return [*lines, *_looks(result)]


def _bar(verdict: Verdict, first_seed: int) -> str:
    cells = " | ".join("–" if math.isnan(one.reached) else shown(one.reached, 3) for one in verdict.findings)
    what = f"{verdict.what}: {verdict.expected}" if verdict.what else verdict.expected
    seed = f" (seed {first_seed + verdict.worst})" if len(verdict.findings) > 1 else ""
    return f"| {what} | {cells} | {MARK[verdict.is_met]} | {verdict.found}{seed} |\n"


def _looks(result: Result) -> list[str]:
    """Return the table of loops that oscillate, stand at a limit or left their normal mode, in their worst seed."""
    rows: list[str] = []
    for key, figures in _by_loop(result.figures).items():
        worst = max(figures, key=_bother)
        if _bother(worst) > 1.0:
            cells = (worst.sigma_pct, worst.travel_pct_h, worst.normal_pct, worst.limited_pct, worst.oscillation)
            rows.append(f"| {key} | {' | '.join('–' if math.isnan(c) else f'{c:.3g}' for c in cells)} |\n")
    if not rows:
        return []
    words = (
        f"\nLoops that were less than {FEW_NORMAL:g} % of the time in their normal mode, more than {MUCH_LIMITED:g} % "
        f"at a limit, or oscillate (index from {OSCILLATES:g}), in their worst seed:\n\n"
    )
    head = "| loop | σ, % of range | travel, %/h | normal mode, % | at a limit, % | oscillation |\n"
    return [words, head, "| --- | ---: | ---: | ---: | ---: | ---: |\n", *rows]


def _bother(figures: LoopFigures) -> float:
    """Return by how much a loop is beyond the worst of its bars, 1 at a bar."""
    shares = (
        (100.0 - figures.normal_pct) / (100.0 - FEW_NORMAL),
        figures.limited_pct / MUCH_LIMITED,
        figures.oscillation / OSCILLATES,
    )
    return max(0.0 if math.isnan(share) else share for share in shares)


def _by_loop(figures: Iterable[LoopFigures]) -> dict[str, list[LoopFigures]]:
    found: dict[str, list[LoopFigures]] = {}
    for one in figures:
        found.setdefault(one.key, []).append(one)
    return found


def _plots(done: Done, config: Config, units: dict[str, str], folder: Path) -> list[Path]:
    """Draw the groups and the loops that the scenario names, of the seed that missed most."""
    result, name = done.result, done.case.name
    if result is None or not result.tags:
        return []
    plant, drawn = result.worst, list[Path]()
    if any(tag in result.tags for tag in result.scenario.record):
        drawn.append(plots.draw_groups(result, plant, units, folder / f"{name}{plots.SUFFIX}"))
    for loop in result.scenario.loops:
        if loop in config.loops:
            alarms = (config.loops[loop].spec.pv, loop)
            file = folder / f"{name}-{loop}{plots.SUFFIX}"
            drawn.append(plots.draw_loop(result, plant, loop, alarms, units.get(f"{loop}.PV", ""), file))
    return drawn


# --- for machines ----------------------------------------------------------------------------------------------------


def _loops(done: Sequence[Done], units: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Return, by loop without its instance, the figures of each case: those of the worst line and seed."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in done:
        if one.result is None:
            continue
        groups: dict[str, list[LoopFigures]] = {}
        for figures in one.result.figures:
            groups.setdefault(short(figures.key), []).append(figures)
        for key, group in groups.items():
            worst = max(group, key=lambda figures: -1.0 if math.isnan(figures.sigma_pct) else figures.sigma_pct)
            numbers = {
                name: (None if isinstance(value, float) and math.isnan(value) else value)
                for name, value in asdict(worst).items()
            }
            row = {"case": one.case.scenario.title, "unit": units.get(f"{worst.key}.PV", ""), **numbers}
            found.setdefault(key, []).append(row)
    return found


def _summary(done: Done) -> dict[str, Any]:
    scenario, result = done.case.scenario, done.result
    verdicts = () if result is None else result.verdicts
    return {
        "case": done.case.name,
        "title": scenario.title,
        "hours": scenario.duration_s / 3600.0,
        "seeds": list(range(scenario.seed, scenario.seed + scenario.plants)),
        "is_met": done.is_met,
        "error": done.error,
        "bars": [
            {
                "what": verdict.what,
                "expected": verdict.expected,
                "is_met": verdict.is_met,
                "reached": [None if math.isnan(one.reached) else one.reached for one in verdict.findings],
                "worst_seed": scenario.seed + verdict.worst,
                "found": verdict.found,
            }
            for verdict in verdicts
        ],
    }


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"
