"""Plays the cases of a proof, each in a process of its own, as many at once as there are cores."""

import multiprocessing as mp
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.core.config import Config, load
from controller.core.errors import PlantError
from wte.scenario import Result, Scenario, load_scenario, play
from wte.scenario.model import Expectation

POLL_S = 0.2
LATEST = 0.5  # part of a shortened case after which every expectation looks
FOLDER = Path("scenarios/proof")
Progress = Callable[[float], None]  # told the plant seconds of all cases

_passed: list[Any] = []  # in a worker: the plant time of each case, shared with the parent


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario of a proof, by the name of its file."""

    name: str
    scenario: Scenario


@dataclass(frozen=True, slots=True)
class Done:
    """A case and what it gave; ``error`` when it could not be played to its end."""

    case: Case
    result: Result | None
    error: str
    took_s: float

    @property
    def is_met(self) -> bool:
        """Return whether every expectation was met."""
        return self.result is not None and self.result.is_met


def cases(folder: Path, only: Sequence[str], hours: float | None, seeds: tuple[int, int] | None) -> list[Case]:
    """Return the scenarios of a folder whose names have one of the words of ``only``; all without words.

    ``hours`` cuts each short, and then all is judged from half of it on at the latest; ``seeds`` (first, last) replaces
    its own. PlantError when there is none.
    """
    files = sorted(folder.glob("*.yaml"))
    chosen = [file for file in files if not only or any(word.lower() in file.stem.lower() for word in only)]
    if not chosen:
        words = f" with {' or '.join(only)} in its name" if only else ""
        raise PlantError(f"{folder} has no scenario{words}; there are {', '.join(f.stem for f in files) or 'none'}")
    return [Case(file.stem, _changed(load_scenario(file), hours, seeds)) for file in chosen]


def _changed(scenario: Scenario, hours: float | None, seeds: tuple[int, int] | None) -> Scenario:
    changes: dict[str, object] = {}
    if hours is not None and hours * 3600.0 < scenario.duration_s:
        changes["duration_s"] = hours * 3600.0
        changes["expect"] = [_earlier(one, hours * 3600.0 * LATEST) for one in scenario.expect]
    if seeds is not None:
        changes |= {"seed": seeds[0], "plants": seeds[1] - seeds[0] + 1}
    return scenario.model_copy(update=changes)


def _earlier(expectation: Expectation, from_s: float) -> Expectation:
    """Return an expectation that looks from ``from_s`` at the latest, so that it has something to judge."""
    for name in ("stays", "mean", "sigma"):
        spec = getattr(expectation, name)
        if spec is not None and spec.from_s > from_s:
            return expectation.model_copy(update={name: spec.model_copy(update={"from_s": from_s})})
    return expectation


def seeds_of(text: str) -> tuple[int, int]:
    """Read ``1-5`` or ``3``; PlantError when it is neither."""
    numbers = [int(part) if part.isdigit() else -1 for part in text.split("-")]
    if len(numbers) > 2 or not 0 <= numbers[0] <= numbers[-1]:
        raise PlantError(f"--seeds {text}: expected one number or a range such as 1-5")
    return numbers[0], numbers[-1]


def run(chosen: Sequence[Case], config: Config, jobs: int, progress: Progress) -> list[Done]:
    """Play all cases, longest first; a case that the plant refuses is done with an error."""
    context = mp.get_context("spawn")
    passed = context.Array("d", len(chosen), lock=False)
    order = sorted(range(len(chosen)), key=lambda number: -_work(chosen[number].scenario))
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_share, initargs=(passed,)) as pool:
        waiting: dict[int, Future[Done]] = {
            number: pool.submit(_play, number, chosen[number], config.folder) for number in order
        }
        while not all(future.done() for future in waiting.values()):
            progress(sum(at * case.scenario.plants for at, case in zip(passed, chosen, strict=True)))
            time.sleep(POLL_S)
        return [waiting[number].result() for number in range(len(chosen))]


def total_s(chosen: Sequence[Case]) -> float:
    """Return the plant seconds of all cases and plants."""
    return sum(_work(case.scenario) for case in chosen)


def cores() -> int:
    """Return how many processes can work at once."""
    return len(os.sched_getaffinity(0))


def _work(scenario: Scenario) -> float:
    return scenario.duration_s * scenario.plants


def _share(passed: Any) -> None:
    """Keep the shared array in a worker."""
    _passed[:] = [passed]


def _play(number: int, case: Case, folder: Path) -> Done:
    """Play one case in a worker."""
    passed, began = _passed[0], time.monotonic()

    def tell(time_s: float) -> None:
        passed[number] = time_s

    try:
        result = play(case.scenario, load(folder), tell, is_tolerant=True, with_figures=True)
    except PlantError as exc:
        return Done(case, None, str(exc), time.monotonic() - began)
    return Done(case, result, "", time.monotonic() - began)
