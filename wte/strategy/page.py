"""Writes the pages of the control strategy: an index of all loops, and a page for each area of each kind of instance.

Instances of one template have the same loops, so each template is described once, on its first instance. What was
measured of a loop in a proof stands between two marks: pages are equal when all else is.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from controller.core.config import Config
from controller.core.config.placed import Placed, area_of
from controller.core.errors import PlantError
from controller.core.models import Loop
from wte.strategy.drawing import draw
from wte.strategy.graph import Atlas, targets
from wte.strategy.margins import margins, simc
from wte.strategy.words import model_words, number, short, tuning_words, unit_of

INTRODUCTION = """\
# Control strategy

Written by `wte strategy` from the configuration; do not edit. Each area has a page: every loop as a drawing, what it is
made of, its tuning with the process model it was tuned for, what stops it, and what it reached.

How to read a drawing: a circle is a measurement, a rounded box a calculated tag, a framed box a loop, the thick one the
loop in question; valve and motor are final elements. A dashed line is a condition; a dotted one is read one scan later,
against the direction of the drawing. A box with … reads tags that are left out.

Margins are those of the declared model with the tuning of the configuration, a PID in the ISA form and half a scan of
dead time: gain margin, phase margin, and Ms, the largest sensitivity. λ is the closed-loop time constant that the gain
stands for by the SIMC rule. Usual are a gain margin from 3, a phase margin from 40°, Ms up to 1.8. Levels and other
integrating processes are often slower than the rule.
"""
MEASURED, MEASURED_END = "<!-- measured -->", "<!-- /measured -->"
FIGURES = "control-proof/loops.json"  # beside the index page
ROLES = {"MAN": "to manual until a person returns it", "HOLD": "holds and returns by itself"}


@dataclass(frozen=True, slots=True)
class Page:
    """The loops of one area of one template, on one page."""

    template: str
    area: str
    title: str
    loops: tuple[Placed[Loop], ...]

    @property
    def file(self) -> str:
        """The name of the page."""
        words = re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")
        return f"{self.area}-{words}.md"


def write(config: Config, file: Path) -> list[Path]:
    """Write the index to ``file`` and, in a folder of its name, pages and drawings; return what was written."""
    folder = file.with_suffix("")
    measured = read_measured(file.parent / FIGURES)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in [*folder.glob("*.svg"), *folder.glob("*.md")]:
            old.unlink()
        written = {file.parent / name: text for name, text in texts(config, file.stem, measured).items()}
        for path, text in written.items():
            path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise PlantError(f"{exc.filename} cannot be written ({exc.strerror}): choose another file with --out") from exc
    return list(written)


def texts(config: Config, name: str, measured: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """Return all files by their path from the folder of the index, which is called ``name``."""
    atlas, pages = Atlas(config), pages_of(config)
    files = {f"{name}.md": _index(config, pages, name)}
    for page in pages:
        files[f"{name}/{page.file}"] = _area(atlas, pages, page, name, measured)
        for loop in page.loops:
            files[f"{name}/{short(loop.key)}.svg"] = draw(config, atlas.graph(loop.key))
    return files


def without_measured(text: str) -> str:
    """Return a page without what was measured."""
    return re.sub(f"{MEASURED}.*?{MEASURED_END}", "", text, flags=re.DOTALL)


def links(text: str) -> list[str]:
    """Return what a page links to."""
    return re.findall(r"\]\(([^)]+)\)", text)


def read_measured(file: Path) -> dict[str, list[Any]]:
    """Return the figures of a proof by loop, nothing when there was none."""
    if not file.is_file():
        return {}
    data: dict[str, list[Any]] = json.loads(file.read_text(encoding="utf-8"))["loops"]
    return data


def pages_of(config: Config) -> list[Page]:
    """Return the pages: templates in the order of the plant, areas by number, loops by key."""
    first = {instance.template: name for name, instance in reversed(config.plant.instances.items())}
    loops = [loop for loop in config.loops.values() if loop.instance in first.values()]
    order = list(config.plant.instances)
    loops.sort(key=lambda loop: (order.index(loop.instance), area_of(loop.key), loop.key))
    pages: list[Page] = []
    for (instance, area), group in groupby(loops, key=lambda loop: (loop.instance, area_of(loop.key))):
        template = config.plant.instances[instance].template
        title = config.plant.areas[area].en if area in config.plant.areas else template
        pages.append(Page(template, area, title, tuple(group)))
    return pages


# --- index -----------------------------------------------------------------------------------------------------------


def _index(config: Config, pages: Sequence[Page], name: str) -> str:
    parts = [INTRODUCTION]
    for template, group in groupby(pages, key=lambda page: page.template):
        users = [key for key, instance in config.plant.instances.items() if instance.template == template]
        titles = ", ".join(config.plant.instances[key].title.en for key in users)
        parts.append(f"\n## {titles} ({', '.join(users)})\n")
        for page in group:
            parts += [
                f"\n### [{page.area} {page.title}]({name}/{page.file})\n",
                "\n| loop | controls | by | moves | normal |\n| --- | --- | --- | --- | --- |\n",
            ]
            for loop in page.loops:
                moves = ", ".join(short(to, loop.instance) for to, _ in targets(loop.spec)) or "calculated tags"
                link = f"[{short(loop.key)}]({name}/{page.file}#{short(loop.key).lower()})"
                parts.append(f"| {link} | {loop.spec.title.en} | {_law(loop.spec)} | {moves} | {loop.spec.normal} |\n")
    return "".join(parts)


def _law(loop: Loop) -> str:
    if loop.law != "pid" or loop.tuning is None:
        return loop.law.replace("_", "-")
    return "P" + ("I" if loop.tuning.ti_s else "") + ("D" if loop.tuning.td_s else "")


# --- a page ----------------------------------------------------------------------------------------------------------


def _area(atlas: Atlas, pages: Sequence[Page], page: Page, name: str, measured: Mapping[str, Sequence[Any]]) -> str:
    config = atlas.config
    users = [key for key, instance in config.plant.instances.items() if instance.template == page.template]
    parts = [
        f"# {page.area} {page.title}: control\n\n",
        f"Written by `wte strategy`; do not edit. Loops of {', '.join(users)}. [All loops](../{name}.md)\n",
    ]
    where = {loop.key: each.file for each in pages for loop in each.loops}
    for loop in page.loops:
        parts += ["\n", *_loop(atlas, loop, where, measured.get(short(loop.key), ()))]
    return "".join(parts)


def _loop(atlas: Atlas, loop: Placed[Loop], where: Mapping[str, str], measured: Sequence[Any]) -> list[str]:
    """Return the section of one loop."""
    spec, key = loop.spec, short(loop.key)
    rows = [*_structure(atlas, loop, where), *_tuning(atlas.config, loop)]
    lines = [
        f"## {key}\n\n**{spec.title.en}** ({spec.title.ru})\n\n",
        f"![{key}]({key}.svg)\n\n| what | |\n| --- | --- |\n",
        *(f"| {what} | {text.replace('|', '/')} |\n" for what, text in rows if text),
    ]
    if spec.why:
        lines.append(f"\n{spec.why.strip()}\n")
    lines += [f"\n{MEASURED}\n", *_measured(measured), f"{MEASURED_END}\n"]
    return lines


def _structure(atlas: Atlas, loop: Placed[Loop], where: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what the loop is made of: (name, text), without text where there is nothing."""
    config, spec, home = atlas.config, loop.spec, loop.instance

    def name(ref: str) -> str:
        node = atlas.node_of(ref)
        text = short(ref, home)
        return f"[{text}]({where[node]}#{short(node).lower()})" if node in where else text

    unit = unit_of(config, spec.pv)
    period_ms = config.plant.period_ms * spec.rate
    outputs = [f"{name(to)}{f' over {at}' if at else ''}" for to, at in targets(spec)]
    limits = f"{spec.op.lo:g} to {spec.op.hi:g} %" + (f", {spec.op.rate_per_s:g} %/s" if spec.op.rate_per_s else "")
    masters = [f"{name(master)}{f' ({at})' if at else ''}" for master, at in atlas.masters(loop.key)]
    rows = [
        ("process value", f"{name(spec.pv)} {unit}".strip()),
        ("set-point", _set_point(spec, unit, masters, name)),
        ("output", (", ".join(outputs) or "read by " + _readers(atlas, loop, name)) + f"; {limits}"),
        ("action", f"{spec.action}: output {'falls' if spec.action == 'reverse' else 'rises'} when the value rises"),
        ("modes", f"{', '.join(spec.permitted)}; normal {spec.normal}; starts in {_start(spec, name)}"),
        ("bad process value", ROLES.get(spec.shed, spec.shed)),
        ("runs every", f"{period_ms:g} ms"),
    ]
    if spec.law == "station":
        rows = [row for row in rows if row[0] not in {"action", "set-point"}]
    if spec.feedforward is not None:
        rows.append(("feed-forward", f"{spec.feedforward.gain:g} × {name(spec.feedforward.of)}"))
    if spec.correction is not None:
        base = "the feed-forward" if spec.correction.of == "feedforward" else "the output's span"
        rows.append(("adds to it", f"{spec.correction.lo:g} to {spec.correction.hi:g} % of {base}"))
    if spec.reset_from is not None:
        rows.append(("override", f"follows {name(spec.reset_from)} while it is not selected"))
    if spec.initial is not None:
        rows.append(("waits", f"at {name(spec.initial.at)} unless {_any(spec.initial.unless, name)} controls"))
    if spec.track is not None:
        rows.append(("goes to", f"{spec.track.at:g} % while {name(spec.track.when)}"))
    if spec.block is not None:
        stops = [("raise", spec.block.raise_), ("lower", spec.block.lower)]
        rows.append(("may not", ", ".join(f"{what} while {name(ref)}" for what, ref in stops if ref is not None)))
    rows.append(("forced by", ", ".join(_forcing(config, loop.key, home))))
    return rows


def _any(refs: Sequence[str], name: Any) -> str:
    return " or ".join(name(ref) for ref in refs)


def _set_point(spec: Loop, unit: str, masters: Sequence[str], name: Any) -> str:
    if spec.sp is None:
        return ""
    sources = [*masters, *([] if spec.sp.from_ is None else [name(spec.sp.from_)])]
    text = f"{spec.sp.default:g} {unit}, {spec.sp.lo:g} to {spec.sp.hi:g}"
    if spec.sp.rate_per_s:
        text += f", {spec.sp.rate_per_s:g} {unit}/s"
    limits = [
        f"{words} {name(ref)}"
        for words, ref in (("not below", spec.sp.lo_from), ("not above", spec.sp.hi_from))
        if ref is not None
    ]
    return "; ".join([text, *(f"in CAS from {source}" for source in sources), *limits])


def _start(spec: Loop, name: Any) -> str:
    return spec.start if spec.start_when is None else f"{spec.start} where {name(spec.start_when)}, else MAN"


def _readers(atlas: Atlas, loop: Placed[Loop], name: Any) -> str:
    readers = dict.fromkeys(key for key, reference in atlas.readers(loop.key) if reference.ref.endswith(".OP"))
    return ", ".join(name(key) for key in readers) or "nobody"


def _forcing(config: Config, key: str, home: str) -> list[str]:
    """Return the protection rows that force what the loop moves."""
    finals = {to for to, _ in targets(config.loops[key].spec)}
    groups = {name for name, action in config.actions.items() if finals & _forced(action.spec)}
    return [short(row, home) for row, placed in config.protection.items() if groups & _groups(placed.spec)]


def _forced(action: Any) -> set[str]:
    return set(action.force)


def _groups(row: Any) -> set[str]:
    return set(row.actions)


def _tuning(config: Config, loop: Placed[Loop]) -> list[tuple[str, str]]:
    """Return tuning, declared model and what follows from both."""
    spec, rows = loop.spec, list[tuple[str, str]]()
    unit = unit_of(config, spec.pv)
    if spec.law == "two_position" and spec.dead_band is not None:
        rows.append(("on and off", f"±{spec.dead_band:g} {unit} about the set-point"))
    if spec.tuning is None:
        return rows
    rows.append(("tuning", tuning_words(spec.tuning)))
    if (gap := spec.tuning.gap) is not None:
        rows.append(("gap", f"within ±{gap.band:g} {unit} the error counts {gap.gain:g} times"))
    if (schedule := spec.tuning.schedule) is not None:
        points = ", ".join(
            f"{number(at)}: Kp × {number(kp)}, Ti × {number(ti)}"
            for at, kp, ti in zip(schedule.at, schedule.kp, schedule.ti, strict=False)
        )
        rows.append(("tuning over", f"{short(schedule.of, loop.instance)} at {points}"))
    if spec.process is None:
        return rows
    period_s = config.plant.period_ms * spec.rate / 1000.0
    rows.append(("process model", model_words(spec.process)))
    found = margins(spec.tuning, spec.process, period_s)
    gain = "no limit" if math.isinf(found.gain) else number(found.gain)
    phase = "no limit" if math.isinf(found.phase) else f"{found.phase:.0f}°"
    stable = "" if found.is_stable else " **unstable**"
    rows.append(("margins", f"gain {gain}, phase {phase}, Ms {found.peak:.2f}{stable}"))
    rule = simc(spec.tuning, spec.process, period_s)
    if rule is not None:
        rows.append(("SIMC", f"λ {number(rule.lambda_s)} s; rule: Kp {number(rule.kp)}, Ti {number(rule.ti_s)} s"))
    return rows


def _measured(rows: Sequence[Any]) -> list[str]:
    """Return the table of what was reached, of each case the worst line and seed."""
    if not rows:
        return []
    lines = [
        "\n| reached in | σ of the error | mean abs. error | valve travel | normal mode | at a limit | oscillation |\n",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    ]
    for row in rows:
        cells = [
            f"{_shown(row['sigma'])} {row['unit']}".strip(), f"{_shown(row['iae_pct'])} %",
            f"{_shown(row['travel_pct_h'])} %/h", f"{_shown(row['normal_pct'])} %", f"{_shown(row['limited_pct'])} %",
            _shown(row["oscillation"]),
        ]  # fmt: skip
        lines.append(f"| {row['case']} | " + " | ".join(cells) + " |\n")
    return [*lines, "\n"]


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
