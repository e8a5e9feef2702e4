"""Plays a scenario on the rig and judges it while it runs."""

import itertools
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from controller.core import quality
from controller.core.clock import NS_PER_S
from controller.core.command import ROLE_NAMES, Action
from controller.core.config import Config
from controller.core.config.words import did_you_mean
from controller.core.errors import PlantError
from controller.core.event import Event
from controller.core.plan import Mode, Plan
from controller.core.tags import Floats, Sample
from wte.rig import Rig
from wte.scenario.model import Condition, Expectation, Happening, Moment, PersonsCommand, Return, Scenario, Span, Step

HALF_A_SCAN_S = 0.05  # times are compared to within this; scans are 100 ms or a few less apart
Progress = Callable[[float], None]  # told the plant time in s, after each scan


@dataclass(frozen=True, slots=True)
class Verdict:
    """One expectation, judged; ``found`` says what was seen, also where it was met."""

    expected: str
    is_met: bool
    found: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a run gave.

    The record is ``time_s`` (samples,) and ``value`` (samples, tags), NaN where bad. ``events`` are (s since the start,
    event). Equal ``frame_hash`` of two runs means: every frame was equal in every bit.
    """

    scenario: Scenario
    verdicts: tuple[Verdict, ...]
    events: tuple[tuple[float, Event], ...]
    time_s: Floats
    value: Floats
    frame_hash: str

    @property
    def is_met(self) -> bool:
        """Return whether every expectation was met."""
        return all(verdict.is_met for verdict in self.verdicts)


def play(scenario: Scenario, plant: Path | Config, progress: Progress = lambda _: None) -> Result:
    """Run a scenario to its end. PlantError: an unknown tag, or a step answered in another way than it says."""
    player = _Player(scenario, Rig(plant, seed=scenario.seed, initial=scenario.initial), progress)
    steps = sorted(scenario.steps, key=lambda step: step.at_s)
    while player.time_s < scenario.duration_s - HALF_A_SCAN_S:
        while steps and steps[0].at_s <= player.time_s + HALF_A_SCAN_S:
            player.carry_out(steps.pop(0))
        player.step()
    return player.result()


class _Player:
    """A rig, and everything that looks at each of its scans."""

    def __init__(self, scenario: Scenario, rig: Rig, progress: Progress) -> None:
        self.time_s = 0.0
        self._scenario, self._rig, self._progress = scenario, rig, progress
        self._watches = [_watch(expectation, scenario.duration_s) for expectation in scenario.expect]
        self._tags = _tags(scenario)
        _check_tags(self._tags, rig.plan)
        self._record_at = itertools.count(0.0, scenario.record_every_s)
        self._next_record = next(self._record_at)
        self._times: list[float] = []
        self._rows: list[list[float]] = []

    def step(self) -> None:
        """Let one scan pass and look at it."""
        self._rig.step()
        self._look()

    def carry_out(self, step: Step) -> None:
        """Do what a step says; each command takes one scan."""
        for tag, value in (step.set or {}).items():
            self._command(step.at_s, PersonsCommand(tag=tag, value=value, role="engineer"))
        if step.command is not None:
            self._command(step.at_s, step.command)
        if step.fault is not None:
            self._rig.fault(step.fault.name, **step.fault.args)
        if step.clear is not None:
            self._rig.clear(step.clear)

    def result(self) -> Result:
        """Return the record and the verdicts."""
        events = tuple((event.mono / NS_PER_S, event) for event in self._rig.events)
        return Result(
            scenario=self._scenario,
            verdicts=tuple(watch.verdict(events) for watch in self._watches),
            events=events,
            time_s=np.array(self._times),
            value=np.array(self._rows, dtype=np.float64).reshape(len(self._rows), len(self._scenario.record)),
            frame_hash=self._rig.frame_hash,
        )

    def _look(self) -> None:
        self.time_s = self._rig.now
        samples = {tag: self._rig.read(tag) for tag in self._tags}
        for watch in self._watches:
            watch.look(self.time_s, samples)
        if self.time_s >= self._next_record - HALF_A_SCAN_S:
            self._next_record = next(self._record_at)
            self._times.append(self.time_s)
            self._rows.append([_number(samples[tag]) for tag in self._scenario.record])
        self._progress(self.time_s)

    def _command(self, at_s: float, wish: PersonsCommand) -> None:
        role, action, value = ROLE_NAMES[wish.role], Action(wish.action), self._number_of(wish)
        answer = self._rig.command(wish.tag, value, user=wish.user, role=role, action=action, reason=wish.reason)
        self._look()
        if answer.is_accepted is not wish.is_accepted:
            expected = "accepted" if wish.is_accepted else "refused"
            raise PlantError(
                f"at {at_s:g} s: {wish.action} {wish.tag} {wish.value} was expected to be {expected}"
                f" and was answered: {answer.reason.value}. {answer.text}"
            )

    def _number_of(self, wish: PersonsCommand) -> float:
        """Return the value to write; modes (AUTO) and names of states are looked up."""
        if not isinstance(wish.value, str):
            return wish.value
        _check_tags([wish.tag], self._rig.plan)
        row = self._rig.plan.tags.rows[self._rig.plan.row(wish.tag)]
        codes = {text.en: float(code) for code, text in row.states}
        if row.member == "MODE":
            codes = {mode.name: float(mode) for mode in Mode}
        if wish.value not in codes:
            raise PlantError(f"{wish.tag}: no state {wish.value!r}; it has {', '.join(codes) or 'no named states'}")
        return codes[wish.value]


def _tags(scenario: Scenario) -> list[str]:
    """Return every tag that must be read, each once."""
    conditions = [e.at or e.stays or e.returns for e in scenario.expect]
    return list(dict.fromkeys([*scenario.record, *(c.tag for c in conditions if c is not None)]))


def _check_tags(tags: Sequence[str], plan: Plan) -> None:
    unknown = [f"{tag}{did_you_mean(tag, plan.tags.index)}" for tag in tags if tag not in plan.tags.index]
    if unknown:
        raise PlantError("the plant has no tag " + ", ".join(unknown))


def _number(sample: Sample) -> float:
    return math.nan if sample.value is None else sample.value


# --- judging ---------------------------------------------------------------------------------------------------------


class _Watch(Protocol):
    """Looks at every scan for one expectation."""

    def look(self, time_s: float, samples: dict[str, Sample]) -> None:
        """Take note of one scan."""

    def verdict(self, events: Sequence[tuple[float, Event]]) -> Verdict:
        """Judge after the last scan."""
        ...


def _watch(expectation: Expectation, end_s: float) -> _Watch:
    if expectation.at is not None:
        return _At(expectation.at)
    if expectation.stays is not None:
        return _Stays(expectation.stays, end_s)
    if expectation.returns is not None:
        return _Returns(expectation.returns, end_s)
    if expectation.event is not None:
        return _Events(expectation.event, end_s, is_wanted=True)
    assert expectation.no_event is not None  # noqa: S101  the model lets nothing else through
    return _Events(expectation.no_event, end_s, is_wanted=False)


def _seen(sample: Sample) -> str:
    return quality.name(sample.quality) if sample.value is None else f"{sample.value:.4g}"


class _Mean:
    """What a condition looks at: each sample, or the mean over its last ``mean_s``; bad when one of them is bad."""

    def __init__(self, spec: Condition) -> None:
        self._spec = spec
        self._window: deque[tuple[float, Sample]] = deque()

    def take(self, time_s: float, samples: dict[str, Sample]) -> Sample:
        newest = samples[self._spec.tag]
        if not self._spec.mean_s:
            return newest
        self._window.append((time_s, newest))
        while self._window[0][0] <= time_s - self._spec.mean_s:
            self._window.popleft()
        values = [sample.value for _, sample in self._window if sample.value is not None]
        mean = math.fsum(values) / len(values) if len(values) == len(self._window) else None
        return Sample(mean, max(sample.quality for _, sample in self._window), newest.time)


class _At(_Watch):
    def __init__(self, spec: Moment) -> None:
        self._spec = spec
        self._mean = _Mean(spec)
        self._sample: Sample | None = None

    def look(self, time_s: float, samples: dict[str, Sample]) -> None:
        sample = self._mean.take(time_s, samples)
        if self._sample is None and time_s >= self._spec.at_s - HALF_A_SCAN_S:
            self._sample = sample

    def verdict(self, events: Sequence[tuple[float, Event]]) -> Verdict:
        del events
        spec, sample = self._spec, self._sample
        expected = f"{spec.tag} is {spec.words()} at {spec.at_s:g} s"
        if sample is None:
            return Verdict(expected, is_met=False, found="the scenario ends earlier")
        return Verdict(expected, spec.holds(sample), f"{_seen(sample)} ({quality.name(sample.quality)})")


class _Extremes:
    """The smallest and largest value seen, with their times."""

    def __init__(self) -> None:
        self.low = (math.inf, 0.0)
        self.high = (-math.inf, 0.0)

    def add(self, time_s: float, sample: Sample) -> None:
        if sample.value is not None:
            self.low = min(self.low, (sample.value, time_s))
            self.high = max(self.high, (sample.value, time_s))

    def __str__(self) -> str:
        if self.low[0] > self.high[0]:
            return "no value"
        return f"{self.low[0]:.4g} at {self.low[1]:.1f} s to {self.high[0]:.4g} at {self.high[1]:.1f} s"


class _Stays(_Watch):
    def __init__(self, spec: Span, end_s: float) -> None:
        self._spec = spec
        self._mean = _Mean(spec)
        self._to_s = end_s if spec.to_s is None else spec.to_s
        self._extremes = _Extremes()
        self._left: tuple[float, Sample] | None = None
        self._scans = 0

    def look(self, time_s: float, samples: dict[str, Sample]) -> None:
        sample = self._mean.take(time_s, samples)
        if not self._spec.from_s - HALF_A_SCAN_S <= time_s <= self._to_s + HALF_A_SCAN_S:
            return
        self._scans += 1
        self._extremes.add(time_s, sample)
        if self._left is None and not self._spec.holds(sample):
            self._left = (time_s, sample)

    def verdict(self, events: Sequence[tuple[float, Event]]) -> Verdict:
        del events
        spec = self._spec
        expected = f"{spec.tag} stays {spec.words()} from {spec.from_s:g} to {self._to_s:g} s"
        if self._left is None:
            return Verdict(expected, self._scans > 0, str(self._extremes))
        return Verdict(
            expected, is_met=False, found=f"{_seen(self._left[1])} at {self._left[0]:.1f} s; {self._extremes}"
        )


class _Returns(_Watch):
    def __init__(self, spec: Return, end_s: float) -> None:
        self._spec = spec
        self._mean = _Mean(spec)
        self._to_s = end_s if spec.to_s is None else spec.to_s
        self._since: float | None = None  # when it last came in
        self._last: Sample | None = None

    def look(self, time_s: float, samples: dict[str, Sample]) -> None:
        if time_s > self._to_s + HALF_A_SCAN_S:
            return
        self._last = self._mean.take(time_s, samples)
        if not self._spec.holds(self._last):
            self._since = None
        elif self._since is None:
            self._since = time_s

    def verdict(self, events: Sequence[tuple[float, Event]]) -> Verdict:
        del events
        spec = self._spec
        expected = f"{spec.tag} returns to {spec.words()} by {spec.by_s:g} s until {self._to_s:g} s"
        if self._since is not None:
            return Verdict(expected, self._since <= spec.by_s + HALF_A_SCAN_S, f"since {self._since:.1f} s")
        return Verdict(
            expected, is_met=False, found="nothing" if self._last is None else f"{_seen(self._last)} at the end"
        )


class _Events(_Watch):
    def __init__(self, spec: Happening, end_s: float, *, is_wanted: bool) -> None:
        self._spec = spec
        self._to_s = end_s if spec.to_s is None else spec.to_s
        self._is_wanted = is_wanted

    def verdict(self, events: Sequence[tuple[float, Event]]) -> Verdict:
        spec = self._spec
        hits = [
            (time_s, event)
            for time_s, event in events
            if event.kind is spec.kind
            and spec.source in {None, event.source}
            and spec.from_s - HALF_A_SCAN_S <= time_s <= self._to_s + HALF_A_SCAN_S
        ]
        what = " ".join(filter(None, [spec.kind.value, spec.source]))
        expected = f"{what} {'happens' if self._is_wanted else 'does not happen'} {spec.from_s:g} to {self._to_s:g} s"
        found = ", ".join(f"{event.source} at {time_s:.1f} s" for time_s, event in hits[:5]) or "none"
        return Verdict(expected, bool(hits) is self._is_wanted, found)
