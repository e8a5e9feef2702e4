"""Judges the expectations of a scenario while it runs, for all plants side by side."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from controller.core.event import Event
from controller.core.frame import Frame
from controller.core.plan import Plan
from wte.scenario.model import Expectation, Happening, Mean, Sigma, Span
from wte.scenario.watches import HALF_A_SCAN_S, KINDS, Channels, Finding, Watch

Events = Sequence[tuple[float, Event]]  # with s since the start

MOST_NAMED = 5  # events in a verdict


@dataclass(frozen=True, slots=True)
class Verdict:
    """One expectation, judged. ``found`` says what the worst plant showed, also where it was met."""

    expected: str
    what: str
    findings: tuple[Finding, ...]  # of each plant

    @property
    def is_met(self) -> bool:
        """Return whether it was met in every plant."""
        return all(finding.is_met for finding in self.findings)

    @property
    def worst(self) -> int:
        """The number of the plant that missed it, or came closest to it."""
        order = [(finding.is_met, finding.distance) for finding in self.findings]
        return order.index(min(order))

    @property
    def found(self) -> str:
        """What the worst plant showed."""
        return self.findings[self.worst].found


class Judge:
    """Looks at every scan for all expectations; those of a tag that the plant does not have are missed."""

    def __init__(self, expectations: Sequence[Expectation], plan: Plan, end_s: float, plants: int) -> None:
        """Sort ``expectations`` by kind; ``end_s`` is where those without an end of their own end."""
        self._expectations = tuple(expectations)
        self._plants = plants
        self._end_s = end_s
        known = [e for e in expectations if e.tag is None or e.tag in plan.tags.index]
        seen = [e for e in known if e.tag is not None]
        channels = dict.fromkeys(_channel(e) for e in seen)
        self._channels = Channels(list(channels), plan, plants)
        number = {channel: place for place, channel in enumerate(channels)}
        self._watches: list[Watch] = []
        self._place: dict[int, tuple[Watch, int]] = {}  # of an expectation by its id
        for kind, make in KINDS:
            mine = [e for e in seen if getattr(e, kind) is not None]
            if not mine:
                continue
            watch = make([getattr(e, kind) for e in mine], [number[_channel(e)] for e in mine], end_s, plants)
            self._watches.append(watch)
            self._place |= {id(e): (watch, place) for place, e in enumerate(mine)}

    def look(self, time_s: float, frame: Frame) -> None:
        """Take note of one scan."""
        value, severity = self._channels.take(frame)
        for watch in self._watches:
            watch.look(time_s, value, severity)

    def verdicts(self, events: Events) -> tuple[Verdict, ...]:
        """Judge after the last scan, in the order of the file."""
        return tuple(self._verdict(expectation, events) for expectation in self._expectations)

    def _verdict(self, expectation: Expectation, events: Events) -> Verdict:
        happening = expectation.event or expectation.no_event
        if happening is not None:
            return _event_verdict(expectation, happening, events, self._end_s, self._plants)
        if id(expectation) not in self._place:
            text = f"the plant has no tag {expectation.tag}"
            return Verdict(
                _expected(expectation, self._end_s), expectation.what,
                (Finding(is_met=False, found=text, reached=math.nan, distance=-math.inf),) * self._plants,
            )  # fmt: skip
        watch, place = self._place[id(expectation)]
        findings = tuple(watch.finding(place, plant) for plant in range(self._plants))
        return Verdict(_expected(expectation, self._end_s), expectation.what, findings)


def _channel(expectation: Expectation) -> tuple[str, float]:
    """Return the tag an expectation looks at and over how many seconds its mean."""
    condition = expectation.at or expectation.stays or expectation.returns
    return expectation.tag or "", 0.0 if condition is None else condition.mean_s


def _expected(expectation: Expectation, end_s: float) -> str:
    """Return the expectation as people say it."""
    if (at := expectation.at) is not None:
        return f"{at.tag} is {at.words()} at {at.at_s:g} s"
    if (spec := expectation.stays) is not None:
        share = "" if spec.share >= 1.0 else f" {100.0 * spec.share:g} % of the time"
        return f"{spec.tag} stays {spec.words()}{share} {_window(spec, end_s)}"
    if (spec := expectation.returns) is not None:
        to_s = end_s if spec.to_s is None else spec.to_s
        return f"{spec.tag} returns to {spec.words()} by {spec.by_s:g} s until {to_s:g} s"
    if (spec := expectation.mean) is not None:
        return f"mean of {spec.tag} is {spec.between.words()} {_window(spec, end_s)}"
    assert expectation.sigma is not None  # noqa: S101  the model lets nothing else through
    spec = expectation.sigma
    unit = " % of its mean" if spec.of_mean else ""
    return f"standard deviation of {spec.tag} is at most {spec.at_most:g}{unit} {_window(spec, end_s)}"


def _window(spec: Span | Mean | Sigma, end_s: float) -> str:
    return f"from {spec.from_s:g} to {end_s if spec.to_s is None else spec.to_s:g} s"


def _event_verdict(expectation: Expectation, spec: Happening, events: Events, end_s: float, plants: int) -> Verdict:
    """Judge whether something happened, or did not."""
    is_wanted, to_s = expectation.event is not None, end_s if spec.to_s is None else spec.to_s
    hits = [
        (time_s, event)
        for time_s, event in events
        if event.kind is spec.kind
        and spec.source in {None, event.source}
        and spec.from_s - HALF_A_SCAN_S <= time_s <= to_s + HALF_A_SCAN_S
    ]
    findings: list[Finding] = []
    for plant in range(plants):
        mine = [(time_s, event) for time_s, event in hits if event.plant == plant]
        found = ", ".join(f"{event.source} at {time_s:.1f} s" for time_s, event in mine[:MOST_NAMED]) or "none"
        findings.append(Finding(bool(mine) is is_wanted, found, float(len(mine)), -float(len(mine))))
    what = " ".join(filter(None, [spec.kind.value, spec.source]))
    expected = f"{what} {'happens' if is_wanted else 'does not happen'} {spec.from_s:g} to {to_s:g} s"
    return Verdict(expected, expectation.what, tuple(findings))
