"""``wte`` as processes on free ports, for tests that start, kill and stop it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

WTE = [sys.executable, "-P", "-m", "wte"]
DEVICES = ("L1", "L2", "C0", "CEMS-1", "CEMS-2", "SIM")
START_S = 90.0  # patience, not the bar: a test machine may be busy
USERS = re.compile(r"│\s*(operator|shiftlead|engineer)\s*│\s*\w+\s*│\s*(\S+)\s*│")


def free_ports(count: int) -> list[int]:
    """Return ports nobody listens on at this moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Places:
    """Where a plant of one test listens and keeps its state; the same for each of its starts."""

    def __init__(self, folder: Path) -> None:
        self.state_dir = folder / "state"
        *devices, endpoint = free_ports(len(DEVICES) + 1)
        self.devices = dict(zip(DEVICES, devices, strict=True))
        self.endpoint = f"opc.tcp://127.0.0.1:{endpoint}/wte"
        self.endpoint_port = endpoint

    @property
    def device_options(self) -> list[str]:
        return [word for name, port in self.devices.items() for word in ("--device", f"{name}=127.0.0.1:{port}")]

    @property
    def run_options(self) -> list[str]:
        return ["run", "--state", str(self.state_dir), "--endpoint", self.endpoint, *self.device_options]


class Running:
    """A started ``wte`` command; its output so far is ``text``."""

    def __init__(self, words: list[str], out: Path) -> None:
        self._out = out
        self.began = time.monotonic()
        with out.open("wb") as file:
            self.process = subprocess.Popen(
                [*WTE, *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, "COLUMNS": "200"},
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        return self._out.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, words: str, timeout_s: float = START_S) -> Self:
        """Wait until the output holds ``words``."""
        wait_until(lambda: words in self.text or self.process.poll() is not None, timeout_s, lambda: self.text)
        assert words in self.text, f"ended with {self.process.poll()}:\n{self.text}"
        return self

    def end(self, timeout_s: float = 10.0) -> tuple[int, float]:
        """Send SIGTERM; return the exit code and how many seconds the end took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s), time.monotonic() - began

    def children(self) -> dict[str, int]:
        """Return the process ids of the services by name."""
        found: dict[str, int] = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                parent = int(re.findall(r"^PPid:\s+(\d+)", (entry / "status").read_text(), re.MULTILINE)[0])
                words = (entry / "cmdline").read_bytes().decode().split("\0")
            except (OSError, IndexError):
                continue  # it ended while we looked
            if parent == self.process.pid and "wte.service" in words:
                found[Path(words[words.index("wte.service") + 1]).stem] = int(entry.name)
        return found

    def kill(self, service: str) -> None:
        """Kill one service as a crash would, so that nothing of it can clean up."""
        os.kill(self.children()[service], signal.SIGKILL)

    def passwords(self) -> dict[str, str]:
        """Return the passwords that the first start showed."""
        return dict(USERS.findall(self.text))


@contextmanager
def running(words: list[str], out: Path) -> Generator[Running]:
    """Start a command, and leave nothing of it behind."""
    started = Running(words, out)
    try:
        yield started
    finally:
        left = list(started.children().values())
        if started.process.poll() is None:
            started.process.kill()
            started.process.wait()
        for pid in left:  # they end with their parent; this is for the test that proves the contrary
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def wait_until(is_so: Callable[[], bool], timeout_s: float, words: Callable[[], str]) -> None:
    """Look every 20 ms until ``is_so``; fail with ``words`` after ``timeout_s``."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, words()
        time.sleep(0.02)
