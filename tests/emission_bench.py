"""The emission calculation of the shipped plant alone: a table of tags, a clock, and the events it makes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from controller.core.clock import MonoNs, Now, UtcNs
from controller.core.compiler import compile_plan
from controller.core.config import load
from controller.core.emission_plan import EmissionPlan
from controller.core.event import EventKind
from controller.core.plan import Plan
from controller.core.quality import BAD_SENSOR_FAILURE, GOOD
from controller.core.state import State
from controller.logic import emissions

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MIDNIGHT = 1_767_207_600 * SECOND  # 2026-01-01 00:00 in Almaty (UTC+5)
SHIPPED = Path(__file__).parents[1] / "config" / "almaty"

# Plant at full load: gas in the state of the analysers, and what a line with waste shows.
STANDING = {
    "AT-2510": 11.0,
    "AT-2511": 0.0,
    "TT-2514": 0.0,
    "PT-2515": 101.3,
    "FT-2513": 100_000.0,
    "XS-2520": 0.0,
    "TT-1310": 950.0,
    "XI-1325": 0.0,
    "HV-2305A.ZSO": 0.0,
}
RAW = {
    "NOX": "AT-2501",
    "CO": "AT-2502",
    "SO2": "AT-2503",
    "HCL": "AT-2504",
    "HF": "AT-2505",
    "NH3": "AT-2506",
    "TOC": "AT-2507",
    "DUST": "AT-2508",
    "HG": "AT-2509",
}
VALUE = {name: tag.replace("AT", "AY") for name, tag in RAW.items()}


@cache
def shipped() -> Plan:
    """Return the plan of the shipped plant."""
    return compile_plan(load(SHIPPED))


def sampled_every(plan: EmissionPlan, seconds: int) -> EmissionPlan:
    """Return a plan that samples less often, for long tests: the samples of a minute are fewer, the rules the same."""
    return replace(
        plan,
        sample_ns=seconds * SECOND,
        sample_needs=np.full_like(plan.sample_needs, 40.0 / seconds - 1e-9),
        frozen_samples=plan.frozen_samples / seconds,
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """One event."""

    kind: EventKind
    source: str
    plant: int
    data: Mapping[str, str | float | int | bool]
    text: str
    utc: int


@dataclass
class Bench:
    """The calculation of one plan with ``batch`` plants; ``values`` are the shipped tags."""

    plan: EmissionPlan
    batch: int = 1
    utc: int = MIDNIGHT
    tags: Plan = field(default_factory=shipped)
    events: list[Seen] = field(default_factory=list[Seen])
    values: npt.NDArray[np.float64] = field(init=False)
    stroke: float = 0.0

    def __post_init__(self) -> None:
        self.state = State(self.batch)
        emissions.prepare(self.plan, self.state)
        rows = len(self.tags.tags)
        self.values = np.zeros((rows, self.batch))
        self.quality = np.zeros((rows, self.batch), dtype=np.uint32)
        self.time = np.zeros((rows, 1), dtype=np.int64)
        for line in ("L1", "L2"):
            for key, number in STANDING.items():
                self.put(f"{line}-{key}", number)
            for tag in RAW.values():
                self.put(f"{line}-{tag}", 1.0)

    def put(self, key: str, number: float | npt.NDArray[np.float64]) -> None:
        """Set a tag; NaN is BAD."""
        row = self.tags.row(key)
        self.values[row] = number
        self.quality[row] = np.where(np.isnan(self.values[row]), BAD_SENSOR_FAILURE, GOOD)

    def get(self, key: str, plant: int = 0) -> float:
        """Return what a tag shows."""
        return float(self.values[self.tags.row(key), plant])

    def code(self, key: str, plant: int = 0) -> int:
        """Return a tag's status code."""
        return int(self.quality[self.tags.row(key), plant])

    def feed(self) -> None:
        """Move the pushers of both lines by a stroke."""
        self.stroke = 50.0 - self.stroke
        for line in ("L1", "L2"):
            self.put(f"{line}-ZT-1005A", self.stroke)

    def scan(self) -> None:
        """Evaluate one scan at the present time."""
        now = Now(MonoNs(self.utc), UtcNs(self.utc))
        emissions.evaluate(self.plan, self.state, self.values, self.quality, self.time, now=now, emit=self.emit)

    def run_to_end(self, minutes: int) -> None:
        """Let whole minutes pass at the present readings; the last scan closes the last of them.

        The sample of that scan belongs to the next minute and is taken back, so that readings can change there.
        """
        for _ in range(minutes * MINUTE // self.plan.sample_ns):
            self._tremble()
            self.state["emission.sample"][...] = -1
            self.scan()
            self.utc += self.plan.sample_ns
        self.state["emission.sample"][...] = -1
        self.scan()
        self._forget_minute()

    def begin(self) -> None:
        """Put waste on the grates; no sample counts yet."""
        self.feed()
        self.scan()
        self.feed()
        self.state["emission.sample"][...] = -1
        self.scan()
        self._forget_minute()

    def _forget_minute(self) -> None:
        self.state["emission.minute"][...] = 0.0
        self.state["emission.minute_why"][...] = 0

    def run(self, minutes: float) -> None:
        """Let time pass, one scan per sample, readings moving by less than anybody sees."""
        for _ in range(round(minutes * MINUTE / self.plan.sample_ns)):
            self.utc += self.plan.sample_ns
            self._tremble()
            self.scan()

    def _tremble(self) -> None:
        """Let the readings move: an analyser that stands still is not believed."""
        sign = 1e-9 if self.utc // self.plan.sample_ns % 2 else -1e-9
        rows = self.plan.source
        self.values[rows] *= 1.0 + sign

    def emit(self, kind: EventKind, source: str, *, plant: int = 0, **more: object) -> None:
        """Keep an event."""
        data = more.get("data") or {}
        assert isinstance(data, dict)
        self.events.append(Seen(kind, source, plant, data, str(more.get("text", "")), self.utc))

    def recorded(self, period: int | str, source: str = "L1", plant: int = 0) -> list[Mapping[str, object]]:
        """Return the records of one period of one line."""
        return [
            one.data
            for one in self.events
            if one.kind is EventKind.EMISSION_RECORDED
            and one.data["period"] == period
            and one.source == source
            and one.plant == plant
        ]
