"""The pages on driving the simulator: the register map is the program's own, and what the how-to prints runs."""

import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plc_sim.maintenance_page import page
from tests.interop.simulated_plcs import foreign_program
from wte.cli import app

DOCS = Path(__file__).parents[2] / "docs"
HOW_TO = DOCS / "how-to" / "drive-the-simulator.md"
REWRITE = (
    "from pathlib import Path; from plc_sim.maintenance_page import page;"
    " Path('docs/simulator-registers.md').write_text(page())"
)
PLACES = {5020: "L1", 5021: "L2", 5022: "C0", 5023: "CEMS-1", 5024: "CEMS-2", 5029: "SIM"}
START_S = 30.0


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", HOW_TO.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [text for of, text in found if of == language]


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(s.getsockname()[1]) for s in sockets]
    for s in sockets:
        s.close()
    return ports


def moved(text: str, ports: dict[int, int]) -> str:
    """Return the text with the ports of the page replaced by free ones."""
    for shown, free in ports.items():
        text = re.sub(rf"\b{shown}\b", str(free), text)
    return text


@contextmanager
def simulator(folder: Path, *words: str) -> Generator[dict[int, int]]:
    """Run ``wte sim`` on free ports; give them by the ports the page shows."""
    ports = dict(zip(PLACES, free_ports(len(PLACES)), strict=True))
    devices = [f"--device={PLACES[shown]}=127.0.0.1:{free}" for shown, free in ports.items()]
    log = folder / "sim.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "wte", "sim", *words, "--state", str(folder / "state"), *devices],
            stdout=out, stderr=subprocess.STDOUT, cwd=folder,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + START_S
        while '"ready"' not in log.read_text(encoding="utf-8"):
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield ports
    finally:
        process.terminate()
        assert process.wait(10.0) == 0, log.read_text(encoding="utf-8")


def test_the_committed_register_map_is_the_one_the_program_prints() -> None:
    committed = (DOCS / "simulator-registers.md").read_text(encoding="utf-8")
    assert committed == page(), f'write it again: python -c "{REWRITE}"'
    result = CliRunner().invoke(app, ["sim", "--map"])
    assert result.exit_code == 0
    assert result.output.startswith(committed)


def test_the_printed_map_has_every_register_and_target_of_the_plant() -> None:
    text = CliRunner().invoke(app, ["sim", "--map"]).output
    assert "| input | 100 | raw | L1-LT-1401A | -350..350 mm | 142 |" in text
    assert "| 5 | F5 | line: instance, L1 or L2 | [t_h]: leak at full pressure, t/h, 0..100; default 5 |" in text
    assert "| device_silent | 1 L1, 2 L2, 3 C0, 4 CEMS-1, 5 CEMS-2 |" in text
    (motors,) = re.findall(r"^\| motor_trip \| (.*) \|$", text, re.MULTILINE)
    assert "1 L1-M-3802.CMD" in motors.split(", "), "the place among the motors, not among all outputs"


@pytest.mark.long
def test_the_example_of_the_page_runs_and_leaves_its_snapshot_for_a_start(tmp_path: Path) -> None:
    (example,) = blocks("python")
    with simulator(tmp_path) as ports:
        file = tmp_path / "example.py"
        file.write_text(moved(example, ports), encoding="utf-8")
        done = subprocess.run([sys.executable, str(file)], check=False, capture_output=True, text=True, timeout=60.0)
        assert done.returncode == 0, done.stdout + done.stderr
    shutil.copy(tmp_path / "state/snapshots/slot-07.snapshot", tmp_path / "before-the-trip.snapshot")
    starts = [shlex.split(line)[2:] for line in blocks("")[0].splitlines() if "--map" not in line]
    assert len(starts) == 3
    for words in starts:
        with simulator(tmp_path, *words):
            pass


@pytest.mark.foreign
def test_the_shell_commands_of_the_page_set_the_fault_and_read_it(tmp_path: Path) -> None:
    foreign_program("mbpoll")
    with simulator(tmp_path, "--frozen") as ports:
        out = ""
        for line in blocks("")[1].splitlines():
            done = subprocess.run(
                shlex.split(moved(line, ports)), check=False, capture_output=True, text=True, timeout=20.0
            )
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
            out = done.stdout
    assert re.findall(r"\[10[01]\]:\s+(\d+)", out) == ["103", "142"]
