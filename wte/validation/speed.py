"""Speed and memory of the plant alone, each batch measured in a process of its own."""

import json
import subprocess
import sys
import time
from pathlib import Path

from controller.core.config import load
from controller.core.errors import PlantError
from wte.validation.bench import Bench
from wte.validation.check import Check, Outcome, above, below

DT = 0.1
WARM_UP_STEPS = 20
MEASURED_S = 4.0
LEAST = {1: 250.0, 1000: 20_000.0}  # plant seconds per second, of all plants together
MOST_MB = {1: 300.0, 1000: 4096.0}


def _run(bench: Bench) -> Outcome:
    figures = []
    for batch, least in LEAST.items():
        speed, memory_mb = measured_apart(bench.config.folder, batch)
        figures.append(above(f"plant seconds per second, batch {batch}", speed, least))
        figures.append(below(f"memory, batch {batch}", memory_mb, MOST_MB[batch], "MB"))
    return Outcome(tuple(figures))


def measured_apart(folder: Path, batch: int) -> tuple[float, float]:
    """Return what ``measure`` finds in a process of its own."""
    command = [sys.executable, "-P", "-m", "wte.validation.speed", str(folder), str(batch)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise PlantError(f"the speed of a batch of {batch} could not be measured:\n{done.stderr}")
    speed, memory_mb = json.loads(done.stdout)
    return float(speed), float(memory_mb)


def measure(folder: Path, batch: int) -> tuple[float, float]:
    """Return plant seconds per second of all plants together, and the memory of this process in MB."""
    bench = Bench(load(folder))
    step = bench.compiled(bench.plant(batch=batch), DT)
    for _ in range(WARM_UP_STEPS):
        step()
    steps, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < MEASURED_S:
        step()
        steps += 1
    return batch * steps * DT / elapsed, most_memory_mb()


def most_memory_mb() -> float:
    """Return the greatest memory of this process. Unlike ``getrusage`` it does not begin with that of the parent."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024.0


CHECKS = (
    Check(
        key="speed",
        section="Speed and memory",
        title="The plant alone, both lines, steps of 0.1 s, one core",
        script="Standing at full load; each batch in a process of its own. Goals are 1,000 and 60,000 plant seconds "
        "per second.",
        run=_run,
        is_long=True,
    ),
)

if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]))))  # noqa: T201
