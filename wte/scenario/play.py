"""Plays a scenario on the rig and judges it while it runs."""

import heapq
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from controller.core.clock import NS_PER_S
from controller.core.command import ROLE_NAMES, Action
from controller.core.config import Config
from controller.core.config.words import did_you_mean
from controller.core.errors import PlantError
from controller.core.event import Event
from controller.core.frame import Frame
from controller.core.plan import Mode, Plan
from controller.core.tags import Floats
from wte.rig import Rig
from wte.scenario.judge import Judge, Verdict
from wte.scenario.loop_figures import LoopFigures, LoopWatch
from wte.scenario.model import PersonsCommand, Ramp, Scenario, Step
from wte.scenario.watches import HALF_A_SCAN_S

LOOP_MEMBERS = ("PV", "SP_ACT", "OP", "MODE_ACT")  # recorded of a loop, where it has them
Progress = Callable[[float], None]  # told the plant time in s, after each scan


@dataclass(frozen=True, slots=True)
class Result:
    """What a run gave.

    The record is ``time_s`` (samples,) and ``value`` (samples, tags, plants) of ``tags``, NaN where bad. ``events`` are
    (s since the start, event). Equal ``frame_hash`` of two runs means: every frame was equal in every bit. ``figures``
    are of all loops when they were asked for.
    """

    scenario: Scenario
    verdicts: tuple[Verdict, ...]
    events: tuple[tuple[float, Event], ...]
    tags: tuple[str, ...]
    time_s: Floats
    value: Floats
    frame_hash: str
    figures: tuple[LoopFigures, ...] = ()

    @property
    def is_met(self) -> bool:
        """Return whether every expectation was met."""
        return all(verdict.is_met for verdict in self.verdicts)

    @property
    def worst(self) -> int:
        """The number of the plant that missed most expectations, the first of equals."""
        missed = np.zeros(self.scenario.plants)
        for verdict in self.verdicts:
            missed += [not finding.is_met for finding in verdict.findings]
        return int(np.argmax(missed))


def play(
    scenario: Scenario,
    plant: Path | Config,
    progress: Progress = lambda _: None,
    *,
    is_tolerant: bool = False,
    with_figures: bool = False,
) -> Result:
    """Run a scenario to its end. PlantError: an unknown tag, or a step answered in another way than it says.

    ``is_tolerant``: an expectation of a tag that the plant does not have is missed, and what it does not have is not
    recorded. ``with_figures``: also measure every loop of the plant.
    """
    rig = Rig(plant, batch=scenario.plants, seed=scenario.seed, initial=scenario.initial, is_hashed=True)
    player = _Player(scenario, rig, progress, is_tolerant=is_tolerant, with_figures=with_figures)
    while player.time_s < scenario.duration_s - HALF_A_SCAN_S:
        player.carry_out_due()
        player.step()
    return player.result()


@dataclass(order=True, slots=True)
class _Due:
    """A step that waits for its time; equal times go in the order they were asked for."""

    at_s: float
    number: int
    step: Step = field(compare=False)


class _Player:
    """A rig, and everything that looks at each of its scans."""

    def __init__(
        self, scenario: Scenario, rig: Rig, progress: Progress, *, is_tolerant: bool, with_figures: bool
    ) -> None:
        self.time_s = 0.0
        self._scenario, self._rig, self._progress = scenario, rig, progress
        index = rig.plan.tags.index
        record = [*scenario.record, *loop_tags(scenario.loops, index)]
        if not is_tolerant:
            looked_at = [e.tag for e in scenario.expect if e.tag is not None]
            check_tags([*record, *(f"{loop}.PV" for loop in scenario.loops), *looked_at], rig.plan)
        self._tags = tuple(dict.fromkeys(tag for tag in record if tag in index))
        self._rows = np.array([index[tag] for tag in self._tags], dtype=np.intp)
        self._judge = Judge(scenario.expect, rig.plan, scenario.duration_s, scenario.plants)
        self._loops = LoopWatch(rig.config, rig.plan, scenario.plants) if with_figures else None
        self._numbers = itertools.count()
        self._waiting: list[_Due] = []
        self._wait(scenario.steps)
        self._record_at = itertools.count(0.0, scenario.record_every_s)
        self._next_record = next(self._record_at)
        self._times: list[float] = []
        self._values: list[npt.NDArray[np.float64]] = []

    def step(self) -> None:
        """Let one scan pass and look at it."""
        self._look(self._rig.step())

    def carry_out_due(self) -> None:
        """Do what is due; each command takes one scan."""
        while self._waiting and self._waiting[0].at_s <= self.time_s + HALF_A_SCAN_S:
            self._carry_out(heapq.heappop(self._waiting).step)

    def result(self) -> Result:
        """Return the record and the verdicts."""
        events = tuple((event.mono / NS_PER_S, event) for event in self._rig.events)
        shape = (len(self._values), len(self._tags), self._scenario.plants)
        return Result(
            scenario=self._scenario,
            verdicts=self._judge.verdicts(events),
            events=events,
            tags=self._tags,
            time_s=np.array(self._times),
            value=np.array(self._values, dtype=np.float64).reshape(shape),
            frame_hash=self._rig.frame_hash,
            figures=self._loops.figures() if self._loops is not None else (),
        )

    def _wait(self, steps: Iterable[Step]) -> None:
        for step in steps:
            heapq.heappush(self._waiting, _Due(step.at_s, next(self._numbers), step))

    def _carry_out(self, step: Step) -> None:
        for tag, value in (step.set or {}).items():
            self._command(step.at_s, PersonsCommand(tag=tag, value=value, role="engineer"))
        for tag, ramp in (step.ramp or {}).items():
            self._begin(step.at_s, tag, ramp)
        if step.command is not None:
            self._command(step.at_s, step.command)
        if step.fault is not None:
            self._rig.fault(step.fault.name, **step.fault.args)
        if step.clear is not None:
            self._rig.clear(step.clear)

    def _begin(self, at_s: float, tag: str, ramp: Ramp) -> None:
        """Plan the writes of a ramp from where the first plant stands now."""
        check_tags([tag], self._rig.plan)
        start = self._rig.read(tag).value
        if start is None:
            raise PlantError(f"at {at_s:g} s: {tag} is bad, so nobody knows where the ramp begins")
        values = enumerate(ramp.values(start))
        self._wait(Step(at_s=at_s + number * ramp.every_s, set={tag: value}) for number, value in values)

    def _look(self, frame: Frame) -> None:
        self.time_s = self._rig.now
        self._judge.look(self.time_s, frame)
        if self._loops is not None:
            self._loops.look(frame)
        if self.time_s >= self._next_record - HALF_A_SCAN_S:
            self._next_record = next(self._record_at)
            self._times.append(self.time_s)
            self._values.append(frame.value[self._rows])
        self._progress(self.time_s)

    def _command(self, at_s: float, wish: PersonsCommand) -> None:
        role, action, value = ROLE_NAMES[wish.role], Action(wish.action), self._number_of(wish)
        answer = self._rig.command(wish.tag, value, user=wish.user, role=role, action=action, reason=wish.reason)
        assert self._rig.frame is not None  # noqa: S101  the command took a scan
        self._look(self._rig.frame)
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
        check_tags([wish.tag], self._rig.plan)
        row = self._rig.plan.tags.rows[self._rig.plan.row(wish.tag)]
        codes = {text.en: float(code) for code, text in row.states}
        if row.member == "MODE":
            codes = {mode.name: float(mode) for mode in Mode}
        if wish.value not in codes:
            raise PlantError(f"{wish.tag}: no state {wish.value!r}; it has {', '.join(codes) or 'no named states'}")
        return codes[wish.value]


def loop_tags(loops: Sequence[str], index: dict[str, int]) -> list[str]:
    """Return the rows of ``loops`` that are recorded."""
    return [tag for loop in loops for member in LOOP_MEMBERS if (tag := f"{loop}.{member}") in index]


def check_tags(tags: Sequence[str], plan: Plan) -> None:
    """Raise PlantError naming every tag that the plant does not have."""
    unknown = [f"{tag}{did_you_mean(tag, plan.tags.index)}" for tag in tags if tag not in plan.tags.index]
    if unknown:
        raise PlantError("the plant has no tag " + ", ".join(unknown))
