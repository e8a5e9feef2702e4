"""The status line says how the plant is, and when nobody knows."""

import io
import math
import time
from pathlib import Path

import numpy as np
from rich.console import Console

from controller.core.clock import MonoNs, UtcNs
from controller.core.compiler import compile_plan
from controller.core.config import load
from controller.core.event import Event, EventKind
from controller.core.plan import AlarmState, Mode, Plan, TripState
from controller.core.quality import BAD_NO_COMMUNICATION
from controller.core.tags import RowKind
from controller.link.client import LinkFrame
from wte.folders import shipped_plant
from wte.status import SILENT_S, Status

PLAN = compile_plan(load(shipped_plant()))


def frame(plan: Plan = PLAN) -> LinkFrame:
    """Return a frame in which everything is normal."""
    rows = len(plan.tags)
    return LinkFrame(
        scan=1, mono=MonoNs(0), utc=UtcNs(0), config_hash="", event_seq=0,
        value=np.zeros(rows), quality=np.zeros(rows, dtype=np.uint32), time=np.zeros(rows, dtype=np.int64),
    )  # fmt: skip


def shown(of: LinkFrame | None, age_s: float = 0.0) -> str:
    status = Status(PLAN, Path("nowhere"), Console(file=io.StringIO()))
    status._client.frame = of
    status._seen = time.monotonic() - age_s
    return status.line([]).plain


def test_it_shows_scan_loops_clients_alarms_and_trips() -> None:
    now = frame()
    now.value[PLAN.row("L1-LIC-1401.PV")] = -3.25
    now.value[PLAN.row("L1-LIC-1401.MODE_ACT")] = Mode.AUTO
    now.value[PLAN.system["sessions"]] = 2
    now.value[PLAN.row("L1-UZ-03.STATE")] = TripState.LATCHED
    now.value[PLAN.row("L1-UZ-04.STATE")] = TripState.CAUSE_SHOWN
    alarms = PLAN.span(RowKind.ALARM)
    now.value[alarms.start] = AlarmState.UNACKED
    now.value[alarms.start + 1] = AlarmState.SHELVED
    line = shown(now)
    for part in ("scan 0.00 ms", "L1-LIC-1401 -3.2 mm AUTO", "clients 2", "alarms 1", "trips 1"):
        assert part in line, line


def test_a_bad_value_is_no_number() -> None:
    now = frame()
    for key in ("L1-LIC-1401.PV", "L1-LIC-1401.MODE_ACT"):
        now.value[PLAN.row(key)] = math.nan
        now.quality[PLAN.row(key)] = BAD_NO_COMMUNICATION
    now.quality[PLAN.system["sessions"]] = BAD_NO_COMMUNICATION
    assert "L1-LIC-1401 - mm ?" in shown(now)
    assert "clients -" in shown(now)


def test_without_a_controller_it_says_so_instead_of_the_last_values() -> None:
    assert shown(None) == "waiting for the first frame"
    assert shown(frame(), age_s=SILENT_S + 3.0).startswith("no frame for 4 s")


def test_trips_and_crashes_are_shown_and_the_libraries_are_not() -> None:
    out = io.StringIO()
    status = Status(PLAN, Path("nowhere"), Console(file=out, width=200))
    status._show_event(Event(1, EventKind.TRIP_LATCHED, "L1-UZ-03", UtcNs(0), MonoNs(0), 1))
    status._show_event(Event(2, EventKind.COMMAND_ACCEPTED, "L1-LIC-1401.SP", UtcNs(0), MonoNs(0), 1))
    status.show_log("serve", {"event": "crashed", "level": "critical", "exception": "Traceback\n\nValueError: why"})
    status.show_log("serve", {"event": "noise", "level": "warning", "logger": "asyncua"})
    status.show_log("sim", {"event": "compiling", "level": "warning", "logger": "plc_sim.compiled.kernel"})
    status.show_log("serve", {"event": "ready", "level": "info"})
    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    assert "trip latched: L1-UZ-03 Drum level low-low" in lines[0]
    assert "crashed error=ValueError: why" in lines[1]
    assert lines[2].endswith("sim      compiling")
