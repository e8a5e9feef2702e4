"""One service in its own process: simulator, controller or HMI server, from its description to its exit code.

``wte sim``, ``wte control`` and ``wte serve`` host a service in the terminal's process. ``wte run`` writes the
description of each into a file and starts ``python -m wte.service FILE``: a restarted service so runs exactly the
configuration that was checked at the start, not a file somebody has half edited, and starts without reading any YAML.

Exit codes: 0 ended as asked, 1 refused with a message (PlantError), anything else a crash.
"""

import asyncio
import ctypes
import logging
import os
import pickle
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar

import structlog

from controller.core.errors import PlantError

if TYPE_CHECKING:  # each process imports only what it runs: a controller must be back inside the PLC's watchdog time
    from controller.core.config import Config
    from controller.core.plan import Plan

REFUSED = 1
Ready = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Simulator:
    """The plant behind Modbus. ``speed`` is plant seconds per second."""

    name: ClassVar[str] = "sim"
    config: "Config"
    seed: int
    initial: str
    speed: float

    async def serve(self, ready: Ready) -> None:
        """Serve until cancelled."""
        from plc_sim.server import serve  # noqa: PLC0415  see TYPE_CHECKING above

        await serve(self.config, seed=self.seed, initial=self.initial, speed=self.speed, ready=ready)


@dataclass(frozen=True, slots=True)
class Controller:
    """The scan, its field and its records."""

    name: ClassVar[str] = "control"
    plan: "Plan"
    state_dir: Path

    async def serve(self, ready: Ready) -> None:
        """Serve until cancelled."""
        from controller.runtime import serve  # noqa: PLC0415  see TYPE_CHECKING above

        await serve(self.plan, state_dir=self.state_dir, ready=ready)


@dataclass(frozen=True, slots=True)
class HmiServer:
    """The OPC UA server. ``is_open``: also an endpoint without security, for browsing and reading only."""

    name: ClassVar[str] = "serve"
    plan: "Plan"
    state_dir: Path
    endpoint: str
    is_open: bool

    async def serve(self, ready: Ready) -> None:
        """Serve until cancelled."""
        from hmi_server.server import serve  # noqa: PLC0415  see TYPE_CHECKING above

        await serve(self.plan, state_dir=self.state_dir, endpoint=self.endpoint, is_open=self.is_open, ready=ready)


Service = Simulator | Controller | HmiServer


def host(service: Service) -> int:
    """Run a service until SIGTERM or SIGINT and return the exit code."""
    _configure_logs(service.name)
    log = structlog.get_logger()
    try:
        asyncio.run(_until_signal(service, lambda: log.info("ready")))
    except PlantError as exc:
        log.error("refused", text=str(exc))  # noqa: TRY400  a refusal is no crash: the message is all there is to see
        return REFUSED
    except BaseExceptionGroup as group:
        if (refused := refusal(group)) is None:
            raise
        log.error("refused", text=str(refused))  # noqa: TRY400  as above
        return REFUSED
    log.info("ended")
    return 0


def refusal(group: BaseExceptionGroup) -> PlantError | None:
    """Return a task group's PlantErrors as one message; None when it also holds something else, a bug."""
    refusals, others = group.split(PlantError)
    if refusals is None or others is not None:
        return None
    return PlantError("; ".join(_texts(refusals)))


def _texts(group: BaseExceptionGroup[PlantError]) -> list[str]:
    return [
        text
        for one in group.exceptions
        for text in (_texts(one) if isinstance(one, BaseExceptionGroup) else [str(one)])
    ]


async def _until_signal(service: Service, ready: Ready) -> None:
    """Serve; a signal cancels the service, which then ends in its own order."""
    task = asyncio.ensure_future(service.serve(ready))
    asked = False

    def ask() -> None:
        nonlocal asked
        asked = True
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask)
    try:
        await task
    except asyncio.CancelledError:
        if not asked:
            raise


# --- logs ------------------------------------------------------------------------------------------------------------


def _configure_logs(name: str) -> None:
    """Log to stderr: for people on a terminal, else one JSON object per line; libraries and crashes the same way."""
    is_terminal = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=not is_terminal),
    ]
    if not is_terminal:
        shared.append(structlog.processors.format_exc_info)
    renderer = structlog.dev.ConsoleRenderer() if is_terminal else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, renderer],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=name)
    handler = logging.StreamHandler(sys.stderr)
    library = [*shared, structlog.stdlib.add_logger_name]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=library))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    sys.excepthook = _log_crash


def _log_crash(kind: type[BaseException], exc: BaseException, trace: TracebackType | None) -> None:
    structlog.get_logger().critical("crashed", exc_info=(kind, exc, trace))


# --- started by wte run ----------------------------------------------------------------------------------------------


def write_description(service: Service, folder: Path) -> Path:
    """Write the file that ``python -m wte.service`` takes; only its owner may read it."""
    file = folder / f"{service.name}.service"
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        pickle.dump(service, out)
    return file


def _end_with_parent(parent: int) -> None:
    """Have the kernel send SIGTERM when the process that started us dies, so that no plant runs on unseen."""
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Host the service described in a file: ``python -m wte.service FILE PARENT_PID``."""
    file, parent = sys.argv[1:]
    with Path(file).open("rb") as source:
        service: Service = pickle.load(source)  # noqa: S301  written by our parent into a folder of mode 0700
    _end_with_parent(int(parent))
    sys.exit(host(service))


if __name__ == "__main__":
    main()
