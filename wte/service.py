"""One service in its own process: simulator, controller or HMI server, from its description to its exit code.

``wte sim``, ``wte control`` and ``wte serve`` host a service in the terminal's process. ``wte run`` writes the
description of each into a file and starts ``python -m wte.service FILE``. The plant it names is a copy made at the
start: a restarted service so runs the configuration that was checked, not a file somebody has half edited.

Exit codes: 0 ended as asked, 1 refused with a message (PlantError), anything else a crash.
"""

import asyncio
import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import ClassVar

import msgspec
import structlog

from controller.core import models
from controller.core.compiler import compile_plan
from controller.core.config import Config, load, with_devices
from controller.core.errors import PlantError

REFUSED = 1
Ready = Callable[[], None]
Places = dict[str, tuple[str, int]]  # device, or SIM -> host and port, where another than the configuration's


class _Description(msgspec.Struct, frozen=True, tag=True):
    """What all services are told: the plant's folder and where its devices are."""

    plant: str
    devices: Places

    def config(self) -> Config:
        """Load the configuration; ConfigError names its mistakes."""
        return placed(load(Path(self.plant)), self.devices)


class Simulator(_Description, frozen=True, tag=True):
    """The plant behind Modbus.

    It begins at ``initial``, or where the file ``snapshot`` says; then ``faults`` are set, each in words as people type
    them. ``speed`` is plant seconds per second, 0 as fast as possible; ``snapshots`` is the folder of the slots.
    """

    name: ClassVar[str] = "sim"
    seed: int
    initial: str
    snapshots: str
    speed: float = 1.0
    is_frozen: bool = False
    snapshot: str = ""
    faults: tuple[str, ...] = ()

    async def serve(self, ready: Ready) -> None:
        """Serve until cancelled."""
        from plc_sim import server, simulator, snapshots  # noqa: PLC0415  a process imports what it runs
        from plc_sim.pace import Pace  # noqa: PLC0415  as above

        config = self.config()
        plant = simulator.Simulator(config, seed=self.seed, initial="cold" if self.snapshot else self.initial)
        if self.snapshot:
            snapshots.restore(Path(self.snapshot), plant, config)
        for words in self.faults:
            name, args = _fault(words)
            plant.fault(name, **args)
        pace = Pace(plant.period_s, speed=self.speed, is_frozen=self.is_frozen)
        await server.serve(config, plant, pace=pace, snapshots=Path(self.snapshots), ready=ready)


def _fault(words: str) -> tuple[str, dict[str, str | float]]:
    """Return name and arguments of a fault as people type it: ``transmitter_bias tag=L1-LT-1401A by=50``."""
    name, *pairs = words.split() or [""]
    args: dict[str, str | float] = {}
    for pair in pairs:
        arg, is_given, text = pair.partition("=")
        if not (arg and is_given and text):
            raise PlantError(f"fault {words!r}: {pair}: expected ARGUMENT=VALUE, like tag=L1-LT-1401A or percent=-20")
        try:
            args[arg] = float(text)
        except ValueError:
            args[arg] = text
    return name, args


class Controller(_Description, frozen=True, tag=True):
    """The scan, its field and its records."""

    name: ClassVar[str] = "control"
    state_dir: str

    async def serve(self, ready: Ready) -> None:
        """Serve until cancelled."""
        from controller.runtime import serve  # noqa: PLC0415  a process imports what it runs: restarts must be quick

        await serve(compile_plan(self.config()), state_dir=Path(self.state_dir), ready=ready)


class HmiServer(_Description, frozen=True, tag=True):
    """The OPC UA server. ``is_open``: also an endpoint without security, for browsing and reading only."""

    name: ClassVar[str] = "serve"
    state_dir: str
    endpoint: str
    is_open: bool

    async def serve(self, ready: Ready) -> None:
        """Serve until cancelled."""
        from hmi_server.server import serve  # noqa: PLC0415  as above

        plan = compile_plan(self.config())
        folder = Path(self.state_dir)
        await serve(plan, state_dir=folder, endpoint=self.endpoint, is_open=self.is_open, ready=ready)


Service = Simulator | Controller | HmiServer


def places_of(config: Config) -> Places:
    """Return where the configuration's devices are, and the simulator's maintenance device."""
    places = {name: (device.host, device.port) for name, device in config.plant.devices.items()}
    own = config.plant.simulator
    return places if own is None else {**places, own.name: (own.host, own.port)}


def placed(config: Config, places: Mapping[str, tuple[str, int]]) -> Config:
    """Return ``config`` with its devices, and the simulator's maintenance device, where ``places`` says."""
    moved = with_devices(config, {name: place for name, place in places.items() if name != models.Simulator.name})
    if models.Simulator.name not in places:
        return moved
    host, port = places[models.Simulator.name]
    own = config.plant.simulator
    unit_id = 1 if own is None else own.unit_id
    simulator = models.Simulator(host=host, port=port, unit_id=unit_id)
    return replace(moved, plant=moved.plant.model_copy(update={"simulator": simulator}))


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
    """Serve; the first signal cancels the service, which then ends in its own order, whatever comes after it.

    A second one is usual: the kernel sends the parent-death signal once for each thread of a dying parent.
    """
    task = asyncio.ensure_future(service.serve(ready))
    asked = False

    def ask() -> None:
        nonlocal asked
        if not asked:
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
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)  # until the process is gone: all that had to be done is done


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
    """Write the file that ``python -m wte.service`` takes."""
    file = folder / f"{service.name}.service"
    file.write_bytes(msgspec.json.encode(service))
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
    _end_with_parent(int(parent))
    sys.exit(host(msgspec.json.decode(Path(file).read_bytes(), type=Service)))


if __name__ == "__main__":
    main()
