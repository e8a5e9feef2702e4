"""Measures what must stay fast: the scan by stage, lockstep speed, memory and start-up.

Each case runs in a process of its own, so that its memory and its start-up are its own. The plant runs at its initial
condition with the simulator in lockstep; only the scan itself is timed for the scan figures. The larger plant is the
same configuration with ten times as many instances of the template that has several.
"""

import gc
import json
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from controller.core.clock import NS_PER_S, MonoNs, Now, UtcNs
from controller.core.config import load
from controller.core.errors import PlantError
from controller.core.yaml import read
from controller.scan import scan
from wte.rig import EPOCH, Rig

BATCHES = (1, 100, 1000)
TIMES_LARGER = 10
STEPS = len(BATCHES) * 2  # cases in all
WARM_UP_SCANS = 30
CASE_S = 8.0  # a slow case ends after this time with fewer scans
FIRST_FREE_PORT = 20000  # of the added devices; nothing listens there, the bench opens no socket

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Times:
    """Of one stage, in ms."""

    median: float
    p99_9: float


@dataclass(frozen=True, slots=True)
class Case:
    """The figures of one plant size and batch. ``lockstep``: plant seconds per second, each of ``batch`` plants."""

    plant: str
    batch: int
    rows: int
    scans: int
    stages: dict[str, Times]
    lockstep: float
    memory_mb: float
    startup_s: dict[str, float]


def run(plant: Path, scans: int, progress: Progress) -> list[Case]:
    """Measure all cases."""
    cases: list[Case] = []
    with tempfile.TemporaryDirectory(prefix="wte-bench-") as folder:
        large = enlarge(plant, TIMES_LARGER, Path(folder) / "large")
        for name, place in (("shipped", plant), (f"{TIMES_LARGER} x", large)):
            for batch in BATCHES:
                cases.append(_case_in_own_process(name, place, batch, scans))
                progress(len(cases))
    return cases


def enlarge(plant: Path, times: int, folder: Path) -> Path:
    """Write a copy of a plant with ``times`` as many instances of its most used template, each with own devices."""
    folder.mkdir(parents=True)
    data: dict[str, Any] = read(plant / "plant.yaml", "plant.yaml").data
    instances: dict[str, dict[str, Any]] = data["instances"]
    templates = [instance["template"] for instance in instances.values()]
    template = max(templates, key=templates.count)
    prefix = re.sub(r"\d+$", "", next(n for n, i in instances.items() if i["template"] == template))
    model = next(i for i in instances.values() if i["template"] == template)
    port = FIRST_FREE_PORT
    for number in range(templates.count(template) + 1, templates.count(template) * times + 1):
        devices: dict[str, str] = {}
        for place, device in model["devices"].items():
            name, port = f"{prefix}{number}-{place}", port + 1
            data["devices"][name] = {**data["devices"][device], "port": port}
            devices[place] = name
        instances[f"{prefix}{number}"] = {**model, "devices": devices}
    (folder / "plant.yaml").write_text(json.dumps(data), encoding="utf-8")  # JSON is YAML
    for section in plant.iterdir():
        if section.is_dir():
            (folder / section.name).symlink_to(section.resolve())
    return folder


# --- one case --------------------------------------------------------------------------------------------------------


def _case_in_own_process(name: str, plant: Path, batch: int, scans: int) -> Case:
    command = [sys.executable, "-P", "-m", "wte.bench", name, str(plant), str(batch), str(scans)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise PlantError(f"the bench of {name} with batch {batch} failed:\n{done.stderr}")
    data: dict[str, Any] = json.loads(done.stdout)
    stages = {stage: Times(**times) for stage, times in data.pop("stages").items()}
    return Case(**data, stages=stages)


def measure(name: str, plant: Path, batch: int, scans: int) -> Case:
    """Measure one case in this process."""
    imports_s = time.process_time()  # what the interpreter and all imports took
    began = time.perf_counter()
    config = load(plant)
    loaded = time.perf_counter()
    rig = Rig(config, batch=batch)
    made = time.perf_counter()
    rig.step()
    first = time.perf_counter()
    for _ in range(WARM_UP_SCANS):
        rig.step()
    stages, wall_s = _timed_scans(rig, scans)
    done = len(next(iter(stages.values())))
    return Case(
        plant=name,
        batch=batch,
        rows=len(rig.plan.tags),
        scans=done,
        stages={stage: _times(values) for stage, values in stages.items()},
        lockstep=done * rig.plan.period_ns / NS_PER_S / wall_s,
        memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        startup_s={
            "imports": imports_s,
            "configuration": loaded - began,
            "compile and simulator": made - loaded,
            "first scan": first - made,
        },
    )


def _timed_scans(rig: Rig, scans: int) -> tuple[dict[str, list[float]], float]:
    """Run ``scans`` (fewer when they are slow) and return the ms of each stage and the wall time of everything."""
    stages: dict[str, list[float]] = {}
    mono = rig.state["rig.mono"]
    dt = rig.plan.period_ns / NS_PER_S
    last = 0

    def mark(stage: str) -> None:
        nonlocal last
        now = time.perf_counter_ns()
        stages.setdefault(stage, []).append((now - last) * 1e-6)
        last = now

    gc.collect()
    gc.freeze()
    gc.disable()  # as the live controller does; it collects in the slack of a scan
    began = time.perf_counter()
    for done in range(scans):
        mono += rig.plan.period_ns
        rig.io.step(dt)
        image = rig.io.read()
        now = Now(MonoNs(int(mono[0, 0])), UtcNs(EPOCH + int(mono[0, 0])))
        start = last = time.perf_counter_ns()
        frame = scan(rig.plan, rig.state, image, (), now, mark)
        stages.setdefault("whole scan", []).append((time.perf_counter_ns() - start) * 1e-6)
        rig.io.write(frame)
        if done > WARM_UP_SCANS and time.perf_counter() - began > CASE_S:
            break
    return stages, time.perf_counter() - began


def _times(values: Iterable[float]) -> Times:
    array = np.array(list(values))
    return Times(float(np.median(array)), float(np.percentile(array, 99.9)))


# --- showing ---------------------------------------------------------------------------------------------------------


def tables(cases: list[Case]) -> list[Table]:
    """Return the figures as tables."""
    return [_scan_table(cases), _other_table(cases)]


def _scan_table(cases: list[Case]) -> Table:
    table = Table(title="scan time, ms: median / p99.9")
    table.add_column("stage")
    for case in cases:
        table.add_column(f"{case.plant}\nbatch {case.batch}", justify="right")
    for stage in cases[0].stages:
        times = [case.stages[stage] for case in cases]
        table.add_row(stage, *(f"{t.median:.3f} / {t.p99_9:.3f}" for t in times), end_section=stage == "frame")
    return table


def _other_table(cases: list[Case]) -> Table:
    table = Table(title="other figures")
    for column in ("plant", "batch", "values", "scans", "plant-s per s", "x batch", "memory MB", "start-up s"):
        table.add_column(column, justify="left" if column == "plant" else "right")
    for case in cases:
        table.add_row(
            case.plant, str(case.batch), str(case.rows), str(case.scans), f"{case.lockstep:.1f}",
            f"{case.lockstep * case.batch:.0f}", f"{case.memory_mb:.0f}", f"{sum(case.startup_s.values()):.2f}",
        )  # fmt: skip
    return table


def write_json(cases: list[Case], file: Path) -> None:
    """Write all figures, and the machine they were measured on."""
    machine = {"python": platform.python_version(), "numpy": np.__version__, "machine": platform.machine()}
    summary = {**machine, "cases": [asdict(case) for case in cases]}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    print(json.dumps(asdict(measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))))  # noqa: T201
