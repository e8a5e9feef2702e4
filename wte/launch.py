"""``wte run``: the whole plant on one machine, as three processes that this one starts, watches and ends.

The order matters. The simulator comes first so that the controller finds its field; the end goes the other way round:
the controller writes its declared end states while the field still answers, then the HMI server, then the simulator.
"""

import asyncio
import contextlib
import ipaddress
import shutil
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from controller.core.compiler import compile_plan
from controller.core.config import Config
from controller.core.plan import Plan
from wte.child import Child
from wte.first_start import NewUser, make_first_users
from wte.folders import only_user, prepare_state, state_folder
from wte.service import Controller, HmiServer, Simulator, places_of, refusal
from wte.status import Status, live

GRACE_S = {"control": 2.0, "serve": 1.5, "sim": 1.0}  # in the order of stopping; together less than 5 s
PLAIN_STATUS_S = 10.0  # between two status lines when the output is no terminal


@dataclass(frozen=True, slots=True)
class Options:
    """What ``wte run`` was asked for; ``state_dir`` None is the default folder of the plant."""

    state_dir: Path | None
    endpoint: str
    seed: int
    initial: str


def run(config: Config, options: Options, console: Console) -> int:
    """Run the plant until SIGTERM or SIGINT; return the exit code. PlantError: it could not be started."""
    plan = compile_plan(config)
    state_dir = options.state_dir or state_folder(plan.name)
    prepare_state(state_dir)
    with only_user(state_dir):
        return asyncio.run(_Launcher(options, config, plan, state_dir, console).operate())


def is_loopback(endpoint: str) -> bool:
    """Return whether only this machine can reach the endpoint."""
    host = urlsplit(endpoint).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _copied(plant: Path, state_dir: Path) -> str:
    """Copy the plant's files, so that what is restarted later is what was checked now; return the copy's folder."""
    copy = state_dir / "plant"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(plant, copy)
    return str(copy)


class _Launcher:
    def __init__(self, options: Options, config: Config, plan: Plan, state_dir: Path, console: Console) -> None:
        self._options, self._plan = options, plan
        self._state_dir, self._console = state_dir, console
        self._is_open = is_loopback(options.endpoint)
        self._began = time.monotonic()
        self._status = Status(plan, state_dir / "link", console)
        self._own = config.plant.simulator
        plant, places = _copied(config.folder, state_dir), places_of(config)
        sim = Simulator(plant, places, options.seed, options.initial, str(state_dir / "snapshots"))
        control = Controller(plant, places, str(state_dir))
        serve = HmiServer(plant, places, str(state_dir), options.endpoint, self._is_open)
        self._sim, self._control, self._serve = (
            Child(service, state_dir, show=self._status.show_log, is_critical=service is control)
            for service in (sim, control, serve)
        )
        self._children = (self._control, self._serve, self._sim)  # in the order of stopping

    async def operate(self) -> int:
        work = asyncio.ensure_future(self._work())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, work.cancel)
        try:
            await work
        except asyncio.CancelledError:
            self._console.print("ending: controller first, then HMI server and simulator")
        except BaseExceptionGroup as group:
            if (refused := refusal(group)) is None:
                raise
            raise refused from None
        finally:
            for child in self._children:
                await child.stop(GRACE_S[child.name])
        self._console.print("ended")
        return 0

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._sim.keep())
            tasks.create_task(self._serve.keep())
            new_users = await asyncio.to_thread(make_first_users, self._state_dir)  # slow by design: password hashes
            tasks.create_task(self._status.follow())
            await self._sim.ready.wait()
            tasks.create_task(self._control.keep())
            await self._serve.ready.wait()
            self._welcome(new_users)
            await self._show_status()

    async def _show_status(self) -> None:
        if self._console.is_terminal:
            with live(self._console, self._status, self._children):
                await asyncio.Event().wait()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._status.is_heard.wait(), PLAIN_STATUS_S)
        while True:
            self._console.print(self._status.line(self._children), soft_wrap=True)
            await asyncio.sleep(PLAIN_STATUS_S)

    def _welcome(self, new_users: Sequence[NewUser]) -> None:
        """Say where to connect and who may log in."""
        facts = Table.grid(padding=(0, 2))
        facts.add_row("OPC UA", Text(self._options.endpoint, style="bold"))
        facts.add_row("", "user and password over SignAndEncrypt (Basic256Sha256, Aes256_Sha256_RsaPss)")
        if self._is_open:
            facts.add_row("", "None with Anonymous: browse and read only, from this machine only")
        facts.add_row("PLCs", ", ".join(f"{d.name} {d.host}:{d.port}" for d in self._plan.devices) + " (simulated)")
        if (own := self._own) is not None:
            facts.add_row("simulator", f"{own.host}:{own.port} sets faults, freezes, steps, keeps snapshots (Modbus)")
        facts.add_row("state", Text(str(self._state_dir)))
        facts.add_row("logs", Text(str(self._state_dir / "log")))
        title = f"{self._plan.title.en}: running after {time.monotonic() - self._began:.1f} s; Ctrl-C ends it"
        self._console.print(Panel(facts, title=title, expand=False))
        if new_users:
            users = Table(title="First start: these users may log in. The passwords are shown this once.")
            for column in ("user", "role", "password"):
                users.add_column(column)
            for user in new_users:
                users.add_row(user.name, user.role, Text(user.password, style="bold"))
            self._console.print(users)
        else:
            self._console.print("Who may log in: wte users list. A forgotten password: wte users passwd NAME.")
