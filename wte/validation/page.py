"""Runs the checks and writes the page: one table for each section, the plots, the causes of contradictions."""

import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from rich.table import Table

from controller.core.errors import PlantError
from wte.validation.bench import Bench
from wte.validation.check import FACTOR, Check, Figure, Outcome, bar, reached
from wte.validation.plots import draw

Progress = Callable[[float], None]

INTRODUCTION = """\
# Validation of the simulated plant

Written by `wte validate`; do not edit. Each check brings a plant of its own to rest, moves final elements by a script,
and reads figures from the plant's signals. Simple PI hands stand for the control loops, except those that a check takes
off. `accepted` is the range in which a figure must lie: what the reference design allows or, where it gives a size or a
time, that within a factor of {factor}. Where a figure is missed for a reason, the reason stands below its table. Tests
run the same checks.

Measured on: {machine}.
"""
MARK = {True: "yes", False: "**no**"}


@dataclass(frozen=True, slots=True)
class Done:
    """A check and what it found."""

    check: Check
    outcome: Outcome

    @property
    def is_met(self) -> bool:
        """Whether all figures are met."""
        return all(figure.is_met for figure in self.outcome.figures)

    @property
    def surprises(self) -> list[str]:
        """What the tests would not accept."""
        return self.check.surprises(self.outcome)


def run(checks: Sequence[Check], bench: Bench, progress: Progress) -> list[Done]:
    """Run ``checks`` one after the other; what the plant cannot do is a missed figure, not the end of the run."""
    done: list[Done] = []
    for check in checks:
        try:
            outcome = check.run(bench)
        except PlantError as exc:
            outcome = Outcome((Figure(f"could not be run: {exc}", math.nan, 0.0, 0.0),))
        done.append(Done(check, outcome))
        progress(float(len(done)))
    return done


def write(done: Sequence[Done], file: Path) -> list[Path]:
    """Write ``file`` and, in a folder of its name beside it, the plots; PlantError when that cannot be done."""
    folder = file.with_suffix("")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.svg"):
            old.unlink()
        plots = [draw(one.check, one.outcome, folder / f"{one.check.key}.svg") for one in done if one.outcome.panels]
        file.write_text(_text(done, folder.name), encoding="utf-8")
    except OSError as exc:
        raise PlantError(f"{exc.filename} cannot be written ({exc.strerror}): choose another file with --out") from exc
    return [file, *plots]


def tables(done: Sequence[Done]) -> list[Table]:
    """Return what was reached, for a terminal: every check in a row, and every figure that is missed."""
    summary = Table(title="checks")
    for column in ("check", "figures", "met"):
        summary.add_column(column, justify="left" if column == "check" else "right")
    missed = Table(title="missed")
    for column in ("check", "what", "accepted", "reached", "cause"):
        missed.add_column(column)
    for one in done:
        figures = one.outcome.figures
        summary.add_row(one.check.key, str(len(figures)), str(sum(figure.is_met for figure in figures)))
        for figure in figures:
            if not figure.is_met:
                cause = "known" if figure.what in one.check.causes else "[red]unknown"
                missed.add_row(one.check.key, figure.what, bar(figure), reached(figure), cause)
    return [summary, missed] if missed.rows else [summary]


def _text(done: Sequence[Done], folder: str) -> str:
    figures = [figure for one in done for figure in one.outcome.figures]
    met = sum(figure.is_met for figure in figures)
    parts = [
        INTRODUCTION.format(factor=f"{FACTOR:g}", machine=machine()),
        f"\n{met} of {len(figures)} figures of {len(done)} checks are met.\n",
    ]
    for section, group in groupby(done, key=lambda one: one.check.section):
        parts.append(f"\n## {section}\n")
        parts += [_check(one, folder) for one in group]
    return "".join(parts)


def _check(done: Done, folder: str) -> str:
    check, outcome = done.check, done.outcome
    lines = ["", f"### {check.title}", "", check.script, ""]
    lines += ["| what | reference | accepted | reached | ok |", "| --- | ---: | ---: | ---: | --- |"]
    lines += [_row(figure) for figure in outcome.figures]
    missed = {figure.what for figure in outcome.figures if not figure.is_met}
    for what, cause in check.causes.items():
        if what in missed:
            lines += ["", f"*{what}:* {cause}"]
    if outcome.panels:
        lines += ["", f"![{check.title}]({folder}/{check.key}.svg)"]
    return "\n".join([*lines, ""])


def _row(figure: Figure) -> str:
    reference = f"{figure.reference} {figure.unit}".rstrip() if figure.reference else ""
    return f"| {figure.what} | {reference} | {bar(figure)} | {reached(figure)} | {MARK[figure.is_met]} |"


def chosen(checks: Iterable[Check], only: Sequence[str]) -> list[Check]:
    """Return the checks with one of the words in their key or section, all without words; PlantError without any."""
    every = list(checks)
    found = [c for c in every if not only or any(word.lower() in f"{c.key} {c.section.lower()}" for word in only)]
    if not found:
        raise PlantError(f"no check has {' or '.join(only)} in its name; there are {', '.join(c.key for c in every)}")
    return found


def machine() -> str:
    """Return CPU model and core count: what a measured speed depends on."""
    model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            model = value.strip()
            break
    return f"{model}, {os.cpu_count()} cores"
