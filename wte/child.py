"""One service as a child process of ``wte run``: started, followed through its log file, restarted, stopped.

A child writes its log straight into ``<state>/log/<name>.jsonl`` and we read that file: a pipe that nobody empties
would stop a controller in the middle of a scan. Each child has its own process group, so Ctrl-C reaches us alone and
we end them in the right order.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from controller.core.errors import PlantError
from wte.service import Service, write_description

BACK_OFF_S = (0.0, 0.5, 1.0, 2.0, 5.0)  # before the 1st, 2nd, ... restart; the last one repeats
CRASHES_AT_START = 2  # that are forgiven before a service was ever ready
CALM_S = 60.0  # a process that lived this long starts the back-off anew
FOLLOW_S = 0.05
LOG_LIMIT = 10_000_000  # bytes; a larger log is put aside at the next start of wte run

LogLine = dict[str, Any]


class Child:
    """A service that is kept running.

    ``state`` is what people read: starting, running, restarting, refused, ended. A service that refuses (ends with a
    message of its own) or keeps crashing before it was ever ready ends ``keep`` with a PlantError. Later it is started
    again, each time after a longer pause. One that ``is_critical`` (the controller) is started at once, because the
    PLCs wait two seconds for it, and not again when it refuses: it counts its starts and knows when that is not safe.
    """

    def __init__(
        self, service: Service, state_dir: Path, *, show: Callable[[str, LogLine], None], is_critical: bool
    ) -> None:
        self.name = service.name
        self.state = "starting"
        self.ready = asyncio.Event()
        self.log = state_dir / "log" / f"{service.name}.jsonl"
        self.log.parent.mkdir(exist_ok=True, mode=0o700)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".jsonl.1"))
        self._file = write_description(service, state_dir)
        self._show = show
        self._is_critical = is_critical
        self._process: asyncio.subprocess.Process | None = None
        self._refusal = ""
        self._position = 0

    async def keep(self) -> None:
        """Keep the service running until cancelled, which leaves the process alone: ``stop`` ends it."""
        crashes = 0
        while True:
            began = time.monotonic()
            code = await self._run()
            crashes = 1 if time.monotonic() - began > CALM_S else crashes + 1
            if not self.ready.is_set() and (self._refusal or crashes > CRASHES_AT_START):
                raise PlantError(self._refusal or f"{self.name} cannot start ({_how(code)}); its log is {self.log}")
            if self._refusal and self._is_critical:
                self.state = f"refused: {self._refusal}"
                self._show(self.name, {"event": self.state, "level": "critical"})
                return
            delay = 0.0 if self._is_critical else BACK_OFF_S[min(crashes, len(BACK_OFF_S)) - 1]
            self.state = f"restarting ({_how(code)})"
            when = f"in {delay:g} s" if delay else "at once"
            self._show(self.name, {"event": f"ended by itself: {_how(code)}; starts again {when}"})
            await asyncio.sleep(delay)

    async def stop(self, grace_s: float) -> None:
        """Ask the process to end (SIGTERM) and make it end after ``grace_s`` (SIGKILL)."""
        process = self._process
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), grace_s)
            except TimeoutError:
                self._show(self.name, {"event": f"did not end within {grace_s:g} s of SIGTERM and was killed"})
                process.kill()
                await process.wait()
            self._read_log()
        self.state = "ended"
        self._file.unlink(missing_ok=True)

    async def _run(self) -> int:
        self._refusal = ""
        with self.log.open("ab") as log:
            self._position = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "wte.service", str(self._file), str(os.getpid()),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, process_group=0,
            )  # fmt: skip
        exit_code = asyncio.ensure_future(self._process.wait())
        try:
            while not exit_code.done():
                await asyncio.wait([exit_code], timeout=FOLLOW_S)
                self._read_log()
            return exit_code.result()
        finally:
            if not exit_code.done():
                exit_code.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await exit_code

    def _read_log(self) -> None:
        """Take the whole lines that have been written since the last look."""
        with self.log.open("rb") as log:
            log.seek(self._position)
            data = log.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._position += len(whole)
        for raw in whole.decode("utf-8", errors="replace").splitlines():
            self._take(_parse(raw))

    def _take(self, line: LogLine) -> None:
        if line.get("event") == "ready":
            self.state = "running"
            self.ready.set()
        elif line.get("event") == "refused":
            self._refusal = str(line.get("text", ""))
        self._show(self.name, line)


def _parse(raw: str) -> LogLine:
    """Return the log line; what is no JSON object (an interpreter's last words) becomes the event of one."""
    try:
        line = json.loads(raw)
    except ValueError:
        line = None
    return line if isinstance(line, dict) else {"event": raw, "level": "debug"}


def _how(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
