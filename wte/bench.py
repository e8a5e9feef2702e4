"""Measures what must stay fast: the scan by stage, lockstep speed, the simulator, memory and start-up.

Each case runs in a process of its own, so that its memory and its start-up are its own. The plant stands at its initial
condition; only the scan itself is timed for the scan figures. The larger plant is the same configuration with ten times
as many instances of the template that has several: its controller is real, its field is that of the shipped plant,
whose first line all added lines repeat, so that no larger plant has to be compiled.
"""

import gc
import json
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from controller.core.clock import NS_PER_S, MonoNs, Now, UtcNs
from controller.core.compiler import compile_plan
from controller.core.config import Config, load
from controller.core.errors import PlantError
from controller.core.frame import Frame
from controller.core.tags import Image
from controller.core.yaml import read
from controller.scan import scan
from plc_sim.simulator import Simulator
from wte.rig import EPOCH, Rig
from wte.validation import speed

BATCHES = (1, 100, 1000)
LARGE_BATCHES = (1, 100)
TIMES_LARGER = 10
STEPS = len(BATCHES) * 2 + len(LARGE_BATCHES)  # measurements in all
WARM_UP_SCANS = 30
SIMULATOR_S = 4.0
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
    """The figures of one plant size and batch.

    ``lockstep``: plant seconds per second of controller and simulator together, each of ``batch`` plants; None for the
    larger plant, whose field is a smaller one.
    """

    plant: str
    batch: int
    rows: int
    scans: int
    stages: dict[str, Times]
    lockstep: float | None
    memory_mb: float
    startup_s: dict[str, float]


@dataclass(frozen=True, slots=True)
class Speed:
    """Plant seconds per second of the shipped plant without a controller, each of ``batch`` plants, and the memory."""

    batch: int
    physics: float  # process alone, compiled
    physics_mb: float
    simulator: float  # with PLCs, final elements, burner logic, instruments and noise
    simulator_mb: float


@dataclass(frozen=True, slots=True)
class Figures:
    """All that was measured."""

    cases: list[Case]
    speeds: list[Speed]


def run(plant: Path, scans: int, progress: Progress) -> Figures:
    """Measure all cases."""
    figures = Figures([], [])
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        progress(done)

    for batch in BATCHES:
        figures.speeds.append(_speed(plant, batch))
        count()
    with tempfile.TemporaryDirectory(prefix="wte-bench-") as folder:
        large = enlarge(plant, TIMES_LARGER, Path(folder) / "large")
        for name, place, batches in (("shipped", plant, BATCHES), (f"{TIMES_LARGER} x", large, LARGE_BATCHES)):
            for batch in batches:
                figures.cases.append(_case(name, place, plant, batch, scans))
                count()
    return figures


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
    for part in plant.iterdir():
        if part.name != "plant.yaml":
            (folder / part.name).symlink_to(part.resolve())
    return folder


# --- one measurement -------------------------------------------------------------------------------------------------


def _case(name: str, plant: Path, field: Path, batch: int, scans: int) -> Case:
    data: dict[str, Any] = _in_own_process("case", name, str(plant), str(field), str(batch), str(scans))
    stages = {stage: Times(**times) for stage, times in data.pop("stages").items()}
    return Case(**data, stages=stages)


def _speed(plant: Path, batch: int) -> Speed:
    physics, physics_mb = speed.measured_apart(plant, batch)
    simulator, simulator_mb = _in_own_process("simulator", str(plant), str(batch))
    return Speed(batch, physics / batch, physics_mb, simulator, simulator_mb)


def _in_own_process(*words: str) -> Any:
    command = [sys.executable, "-P", "-m", "wte.bench", *words]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise PlantError(f"the bench failed at: {' '.join(words)} (exit code {done.returncode}; its words stand above)")
    return json.loads(done.stdout)


def measure(name: str, plant: Path, field: Path, batch: int, scans: int) -> Case:
    """Measure the scan of ``plant`` in this process, with the simulated plant ``field`` as its field."""
    imports_s = time.process_time()  # what the interpreter and all imports took
    began = time.perf_counter()
    config = load(plant)
    loaded = time.perf_counter()
    own = Rig(load(field) if plant != field else config, batch=batch)
    made = time.perf_counter()
    rig = own if plant == field else Rig(config, batch=batch, io=Repeated(own, config))
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
        lockstep=done * rig.plan.period_ns / NS_PER_S / wall_s if rig is own else None,
        memory_mb=speed.most_memory_mb(),
        startup_s={
            "imports": imports_s,
            "configuration": loaded - began,
            "plan and simulator": made - loaded,
            "first scan": first - made,
        },
    )


def measure_simulator(plant: Path, batch: int) -> tuple[float, float]:
    """Return plant seconds per second of each of ``batch`` simulated plants, and the memory of this process in MB."""
    simulator = Simulator(load(plant), batch=batch)
    for _ in range(WARM_UP_SCANS):
        simulator.step()
    steps, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < SIMULATOR_S:
        simulator.step()
        steps += 1
    return steps * simulator.period_s / elapsed, speed.most_memory_mb()


class Repeated:
    """A RigIo: the field of a larger plant. What was added sees the first instance of its template, moves nothing."""

    def __init__(self, field: Rig, large: Config) -> None:
        self._field = field
        templates = {name: one.template for name, one in reversed(field.config.plant.instances.items())}
        first = {template: name for name, template in templates.items()}
        model = {
            name: name if name in templates else first[one.template] for name, one in large.plant.instances.items()
        }

        def like(key: str) -> str:
            instance, _, tag = key.partition("-")
            return f"{model[instance]}-{tag}"

        small, plan = field.plan, compile_plan(large)
        inputs = {point.key: row for row, point in enumerate(small.inputs)}
        outputs = {point.key: row for row, point in enumerate(small.outputs)}
        self._inputs = [inputs[like(point.key)] for point in plan.inputs]
        self._outputs = [outputs[like(point.key)] for point in plan.outputs]
        rows = {point.key: row for row, point in enumerate(plan.outputs)}
        self._moved = [rows[point.key] for point in small.outputs]
        seen = {point.device: small.inputs[row].device for point, row in zip(plan.inputs, self._inputs, strict=True)}
        self._devices = [seen[number] for number in range(len(plan.devices))]

    def step(self, dt: float) -> None:
        """Let the plant's time pass."""
        mono = self._field.state["rig.mono"]
        mono += round(dt * NS_PER_S)
        self._field.io.step(dt)

    def read(self) -> Image:
        """Return all inputs."""
        seen, rows = self._field.io.read(), self._inputs
        return Image(
            seen.value[rows], seen.quality[rows], seen.time[rows], seen.readback[self._outputs],
            seen.device_ok[self._devices],
        )  # fmt: skip

    def write(self, frame: Frame) -> None:
        """Give the plant the outputs it has."""
        writes = None if frame.writes is None else frame.writes[self._moved]
        self._field.io.write(replace(frame, mv=frame.mv[self._moved], writes=writes))


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


def tables(figures: Figures) -> list[Table]:
    """Return the figures as tables."""
    return [_speed_table(figures), _scan_table(figures.cases), _other_table(figures.cases)]


def _speed_table(figures: Figures) -> Table:
    lockstep = {case.batch: case.lockstep for case in figures.cases if case.lockstep is not None}
    table = Table(title="plant seconds per second, of all plants together")
    for column in ("plants", "physics", "MB", "simulator", "MB", "simulator and controller"):
        table.add_column(column, justify="right")
    for s in figures.speeds:
        together = s.batch * lockstep[s.batch] if s.batch in lockstep else float("nan")
        table.add_row(
            str(s.batch), f"{s.physics * s.batch:,.0f}", f"{s.physics_mb:.0f}",
            f"{s.simulator * s.batch:,.0f}", f"{s.simulator_mb:.0f}", f"{together:,.0f}",
        )  # fmt: skip
    return table


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
    table = Table(title="controller with its field")
    for column in ("plant", "batch", "values", "scans", "memory MB", "start-up s"):
        table.add_column(column, justify="left" if column == "plant" else "right")
    for case in cases:
        table.add_row(
            case.plant, str(case.batch), str(case.rows), str(case.scans),
            f"{case.memory_mb:.0f}", f"{sum(case.startup_s.values()):.2f}",
        )  # fmt: skip
    return table


def write_json(figures: Figures, file: Path) -> None:
    """Write all figures, and the machine they were measured on."""
    machine = {"python": platform.python_version(), "numpy": np.__version__, "machine": platform.machine()}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({**machine, **asdict(figures)}, indent=2) + "\n", encoding="utf-8")


def _main(kind: str, *words: str) -> None:
    """Measure in this process and print the figures."""
    if kind == "simulator":
        plant, batch = words
        print(json.dumps(measure_simulator(Path(plant), int(batch))))  # noqa: T201  the answer to the parent
    else:
        name, plant, field, batch, scans = words
        case = measure(name, Path(plant), Path(field), int(batch), int(scans))
        print(json.dumps(asdict(case)))  # noqa: T201  as above


if __name__ == "__main__":
    _main(*sys.argv[1:])
