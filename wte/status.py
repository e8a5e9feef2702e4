"""What ``wte run`` shows while the plant runs: a status line from the frames, and the events people must see."""

import asyncio
import math
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.text import Text

from controller.core import quality
from controller.core.event import Event, EventKind
from controller.core.plan import AlarmState, Mode, Plan, TripState
from controller.core.tags import RowKind
from controller.link.client import LinkClient, LinkFrame
from wte.child import Child, LogLine

SILENT_S = 1.0  # a frame older than this is no longer the plant's state
HIGH_ALARM = 700  # OPC UA severity from which an alarm is shown on the terminal
LOUD = {
    EventKind.TRIP_LATCHED: "bold red",
    EventKind.TRIP_ACTED: "red",
    EventKind.TRIP_RESET: "green",
    EventKind.TRIP_CLEARED: "green",
    EventKind.DEVICE_LOST: "red",
    EventKind.DEVICE_BACK: "green",
    EventKind.CONTROL_FAILED: "bold red",
    EventKind.WRITE_MISMATCH: "yellow",
    EventKind.MODE_SHED: "yellow",
}
ACTING = (TripState.ACTIVE, TripState.LATCHED, TripState.RESETTABLE)
STANDING = (AlarmState.UNACKED, AlarmState.ACKED, AlarmState.RETURNED_UNACKED)
LEVELS = {"warning": "yellow", "error": "red", "critical": "bold red"}


class Status:
    """The terminal's view of a running plant, read from the link like any other client."""

    def __init__(self, plan: Plan, link: Path, console: Console) -> None:
        self._plan = plan
        self._client = LinkClient(link)
        self._console = console
        self.is_heard = asyncio.Event()  # a first frame has come
        self._seen = 0.0  # time.monotonic() of the newest frame
        loops = plan.loops
        leads = set(loops.ends.loop[loops.ends.slave >= 0].tolist())
        self._masters = [number for number in sorted(leads) if loops.master[number] < 0]
        self._titles = {row.key: row.title.en for row in plan.tags.rows}
        self._titles.update({info.key: info.title.en for info in (*plan.trip_info, *plan.alarm_info)})
        states = [row.key.endswith(".STATE") for row in plan.tags.rows[plan.span(RowKind.TRIP)]]
        self._trip_rows = np.flatnonzero(states) + plan.span(RowKind.TRIP).start

    async def follow(self) -> None:
        """Read frames until cancelled, and show each event that people must see."""
        async with self._client as client:
            shown: int | None = None
            while True:
                frame = await client.next_frame()
                self._seen = time.monotonic()
                self.is_heard.set()
                if shown is None:
                    shown = frame.event_seq
                while shown < frame.event_seq:
                    events = await client.events(shown)
                    if not events:
                        break
                    for event in events:
                        self._show_event(event)
                    shown = events[-1].seq

    def show_log(self, service: str, line: LogLine) -> None:
        """Show a service's log line when it matters to people; libraries' own lines stay in the file."""
        style = LEVELS.get(str(line.get("level", "warning")))
        if style is None or not _is_ours(line) or line.get("event") == "refused":
            return
        rest = {key: value for key, value in line.items() if key not in _LOG_KEYS}
        if "exception" in line:
            rest["error"] = str(line["exception"]).strip().rsplit("\n", 1)[-1]
        words = " ".join([str(line["event"]), *(f"{key}={value}" for key, value in rest.items())])
        self.say(f"{service:8} {words}", style)

    def line(self, children: Sequence[Child]) -> Text:
        """Return the status line of this moment."""
        stopped = [f"{child.name}: {child.state}" for child in children if child.state != "running"]
        parts = [Text(text, style="yellow") for text in stopped]
        frame = self._client.frame
        if frame is None:
            parts.append(Text("waiting for the first frame"))
        elif time.monotonic() - self._seen > SILENT_S:
            parts.append(Text(f"no frame for {time.monotonic() - self._seen:.0f} s", style="red"))
        else:
            parts.extend(self._figures(frame))
        line = Text("  ").join(parts)
        line.no_wrap, line.overflow = True, "ellipsis"
        return line

    def _figures(self, frame: LinkFrame) -> list[Text]:
        scan, overruns = self._system(frame, "scan_ms"), self._system(frame, "overruns")
        alarms = _count(frame.value[self._plan.span(RowKind.ALARM)], STANDING)
        trips = _count(frame.value[self._trip_rows], ACTING)
        return [
            Text(datetime.now().astimezone().strftime("%H:%M:%S")),
            Text(f"scan {_number(scan, 2)} ms"),
            Text(f"overruns {_number(overruns, 0)}", style="yellow" if overruns > 0 else ""),
            Text(f"clients {_number(self._system(frame, 'sessions'), 0)}"),
            Text(f"alarms {alarms}", style="yellow" if alarms else ""),
            Text(f"trips {trips}", style="bold red" if trips else ""),
            *(Text(self._loop(frame, number)) for number in self._masters),  # a narrow terminal cuts these
        ]

    def _loop(self, frame: LinkFrame, number: int) -> str:
        loops = self._plan.loops
        pv = int(loops.members["PV"][number])
        actual = float(frame.value[loops.members["MODE_ACT"][number]])
        mode = Mode(int(actual)).name if math.isfinite(actual) else "?"
        unit = self._plan.tags.rows[pv].unit
        return f"{loops.keys[number]} {_number(float(frame.value[pv]), 1)} {unit} {mode}"

    def _system(self, frame: LinkFrame, figure: str) -> float:
        row = self._plan.system.get(figure)
        return math.nan if row is None or frame.quality[row] >= quality.BAD else float(frame.value[row])

    def _show_event(self, event: Event) -> None:
        style = LOUD.get(event.kind)
        if event.kind is EventKind.ALARM_RAISED and event.severity >= HIGH_ALARM:
            style = "yellow"
        if style is None:
            return
        title = self._titles.get(event.source, "")
        self.say(f"{event.kind.value.replace('_', ' ')}: {event.source} {title} {event.text}".rstrip(), style)

    def say(self, words: str, style: str) -> None:
        """Print one line with the time of day."""
        clock = datetime.now().astimezone().strftime("%H:%M:%S")
        self._console.print(Text(f"{clock} {words}", style=style), soft_wrap=True)


_LOG_KEYS = frozenset({"event", "level", "timestamp", "service", "exception", "logger"})
_PACKAGES = ("controller", "hmi_server", "plc_sim", "wte")


def _is_ours(line: LogLine) -> bool:
    """Return whether a line is not a library's, which says so under ``logger``."""
    return str(line.get("logger", "wte")).split(".", maxsplit=1)[0] in _PACKAGES


def live(console: Console, status: Status, children: Sequence[Child]) -> Live:
    """Return the context that keeps the status line at the bottom of a terminal."""
    return Live(console=console, get_renderable=lambda: status.line(children), refresh_per_second=4)


def _count(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], states: Sequence[int]) -> int:
    return int(np.isin(values, [float(state) for state in states]).sum())


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"
