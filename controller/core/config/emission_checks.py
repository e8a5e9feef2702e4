"""``emissions.yaml``: read, and checked against the tags it reads and those that show its results."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from controller.core import models
from controller.core.config.placed import Item, Origin
from controller.core.config.places import Draft
from controller.core.config.words import did_you_mean, issues_of
from controller.core.errors import Issue
from controller.core.models.emissions import (
    ChannelFigure,
    EmissionChannel,
    EmissionFile,
    Limits,
    Monitor,
    MonitorFigure,
    Profile,
)
from controller.core.yaml import Document, read, show

FILE = "emissions.yaml"
CERTIFIED = 1.5  # times the daily limit: the low range of an analyser reaches no higher

_CHANNEL, _MONITOR = frozenset(get_args(ChannelFigure)), frozenset(get_args(MonitorFigure))
_BOOLS = frozenset(
    {"forecast_above", "exceeded", "run_back", "otnoc", "waste", "no_waste", "is_valid"}
)  # the other figures are numbers
_UNITS = {
    "minutes_to_limit": "min",
    "mass_flow": "kg/h",
    "mass_year": "t",
    "share_b": "%",
    "share_days": "%",
    "run_h": "h",
    "year_h": "h",
    "otnoc_h": "h",
    "silent_h": "h",
}
_CONCENTRATIONS = frozenset(
    {"value", "m1", "m10", "m20", "m30", "v10", "v30", "day", "day_last", "forecast"}
)  # in the channel's unit
_AT_REFERENCE = {"mg/Nm³": "mg/Nm³", "µg/Nm³": "µg/Nm³", "mg/m³": "mg/Nm³", "ppm": "mg/Nm³"}


def resolve(instance: str, ref: str) -> str:
    """Return the full key of a reference of a monitor: a tag of its own instance, or ``C0/TAG`` of another."""
    where, _, key = ref.rpartition("/")
    return f"{where or instance}-{key}"


def unit_of(raw: models.Tag) -> str:
    """Return the unit of a channel's results: that of its analyser, at reference conditions."""
    return _AT_REFERENCE.get(raw.unit, raw.unit)


def read_emissions(folder: Path, issues: list[Issue]) -> Item[EmissionFile] | None:
    """Read the file; None where the plant has none, or one with mistakes, which ``issues`` takes."""
    file = folder / FILE
    if not file.is_file():
        return None
    document = read(file, FILE)
    issues += document.issues
    if document.data is None:
        return None
    try:
        spec = EmissionFile.model_validate(document.data)
    except ValidationError as exc:
        issues += issues_of(exc, EmissionFile, document.data, document, (), 0)
        return None
    return Item(FILE, "", spec, Origin(document, "monitors", ""))


def check_emissions(draft: Draft, item: Item[EmissionFile] | None) -> None:
    """Report mistakes of profiles and monitors, and tags that show what is not calculated."""
    if item is not None:
        draft.issues += _Check(draft, item.spec, item.origin.document).issues()
    elif any(issue.file == FILE for issue in draft.issues):
        return  # the file has mistakes of its own: nobody knows what it calculates
    monitors = {} if item is None else item.spec.monitors
    for tag in draft.tags.values():
        if tag.spec.emission is not None:
            draft.issues += _figure_issues(draft, tag, tag.spec.emission, monitors)


class _Check:
    """Checks of the file itself."""

    def __init__(self, draft: Draft, spec: EmissionFile, document: Document) -> None:
        self.draft, self.spec, self.document = draft, spec, document

    def issue(self, text: str, *path: str | int) -> Issue:
        return Issue(FILE, self.document.line(path), show(path), text)

    def issues(self) -> Iterator[Issue]:
        for name, profile in self.spec.profiles.items():
            yield from self._profile(name, profile)
        templates = {instance.template for instance in self.draft.plant.instances.values()}
        for template, monitor in self.spec.monitors.items():
            if template not in templates:
                text = f"no instance is made from a template {template}{did_you_mean(template, templates)}"
                yield self.issue(text, "monitors", template)
                continue
            yield from self._monitor(template, monitor)
            for name, instance in self.draft.plant.instances.items():
                if instance.template == template:
                    yield from self._references(template, name, monitor)
        yield from self._hand_over()

    def _profile(self, name: str, profile: Profile) -> Iterator[Issue]:
        for substance, limits in profile.limits.items():
            path = ("profiles", name, "limits", substance)
            if limits.low_range is not None and limits.daily is not None:
                most = CERTIFIED * limits.daily
                if limits.low_range > most * (1 + 1e-9):
                    text = f"{limits.low_range:g} is more than {CERTIFIED:g} times the daily limit, {most:g}"
                    yield self.issue(text, *path, "low_range")
            yield from self._high_range(limits, path)

    def _high_range(self, limits: Limits, path: tuple[str, ...]) -> Iterator[Issue]:
        highest = max((one for one in (limits.half_hour_a, limits.ten_minute) if one is not None), default=0.0)
        if limits.high_range is not None and limits.high_range < highest:
            yield self.issue(f"{limits.high_range:g} does not cover the limit {highest:g}", *path, "high_range")

    def _monitor(self, template: str, monitor: Monitor) -> Iterator[Issue]:
        path = ("monitors", template)
        profile = self.spec.profiles.get(monitor.profile)
        if profile is None:
            known = ", ".join(self.spec.profiles) or "none"
            hint = did_you_mean(monitor.profile, self.spec.profiles)
            yield self.issue(f"no profile {monitor.profile}{hint}; there are: {known}", *path, "profile")
        for substance, channel in monitor.channels.items():
            at = (*path, "channels", substance)
            if profile is not None and substance not in profile.limits:
                text = f"profile {monitor.profile} says nothing about {substance}; write {{}} there for no limits"
                yield self.issue(text, *at)
            yield from self._calibrations(channel, at)

    def _calibrations(self, channel: EmissionChannel, at: tuple[str, ...]) -> Iterator[Issue]:
        for number, function in enumerate(channel.calibrations):
            if function.last < function.first:
                yield self.issue(f"ends before it begins, {function.first}", *at, "calibrations", number, "last")
        for number, (one, following) in enumerate(pairwise(channel.calibrations), 1):
            if following.first <= one.last:
                text = f"{following.first} is before the one above it ends, {one.last}"
                yield self.issue(text, *at, "calibrations", number, "first")

    def _references(self, template: str, instance: str, monitor: Monitor) -> Iterator[Issue]:
        wanted: list[tuple[tuple[str | int, ...], str, str]] = [
            (("o2",), monitor.o2, "%"),
            (("h2o",), monitor.h2o, "%"),
            (("temperature",), monitor.temperature, "°C"),
            (("pressure",), monitor.pressure, "kPa(a)"),
            (("flow",), monitor.flow, "Nm³/h"),
            (("status", "tag"), monitor.status.tag, ""),
            (("state", "burners"), monitor.state.burners, "bool"),
            (("state", "temperature"), monitor.state.temperature, "°C"),
            *[(("state", "strokes", n), ref, "any") for n, ref in enumerate(monitor.state.strokes)],
            *[(("state", "otnoc", n), ref, "bool") for n, ref in enumerate(monitor.state.otnoc)],
        ]
        if monitor.state.mass is not None:
            wanted.append((("state", "mass"), monitor.state.mass, "t"))
        for substance, channel in monitor.channels.items():
            place = ("channels", substance)
            wanted.append(((*place, "raw"), channel.raw, "raw"))
            if channel.qal is not None:
                wanted.append(((*place, "qal"), channel.qal, ""))
        for path, ref, unit in wanted:
            tag = self.draft.tags.get(resolve(instance, ref))
            at = ("monitors", template, *path)
            if tag is None:
                known = [key.removeprefix(f"{instance}-") for key in self.draft.tags if key.startswith(f"{instance}-")]
                yield self.issue(f"unknown tag {ref}{did_you_mean(ref, known)}", *at)
            elif text := _unit_text(ref, tag.spec, unit):
                yield self.issue(text, *at)
        yield from self._molar_masses(template, instance, monitor)

    def _molar_masses(self, template: str, instance: str, monitor: Monitor) -> Iterator[Issue]:
        for substance, channel in monitor.channels.items():
            raw = self.draft.tags.get(resolve(instance, channel.raw))
            at = ("monitors", template, "channels", substance)
            if raw is None:
                continue
            if (raw.spec.unit == "ppm") != (channel.molar_mass is not None):
                text = "missing key: " if channel.molar_mass is None else "only for analysers in ppm: "
                yield self.issue(f"{text}{channel.raw} is in {raw.spec.unit}", *at, "molar_mass")
            if (raw.spec.unit == "mg/m³") != (channel.gas == "in_situ"):
                yield self.issue(f"{channel.raw} is in {raw.spec.unit}; in_situ measures mg/m³", *at, "gas")

    def _hand_over(self) -> Iterator[Issue]:
        for name, start in self.spec.hand_over.items():
            instance = self.draft.plant.instances.get(name)
            monitor = None if instance is None else self.spec.monitors.get(instance.template)
            if monitor is None:
                known = [n for n, one in self.draft.plant.instances.items() if one.template in self.spec.monitors]
                text = f"no instance {name} with a monitor{did_you_mean(name, known)}"
                yield self.issue(text, "hand_over", name)
                continue
            for substance in start.channels.keys() - monitor.channels.keys():
                text = f"no channel {substance}{did_you_mean(substance, monitor.channels)}"
                yield self.issue(text, "hand_over", name, "channels", substance)


def _unit_text(ref: str, tag: models.Tag, wanted: str) -> str:
    """Return what is wrong with the kind of a tag, or nothing."""
    if tag.bool_ != (wanted == "bool"):
        return f"{ref} is a bool tag" if tag.bool_ else f"{ref} is no bool tag"
    if wanted == "raw":
        known = ", ".join(_AT_REFERENCE)
        return "" if tag.unit in _AT_REFERENCE else f"{ref} is in {tag.unit or 'no unit'}; an analyser is in {known}"
    if wanted in {"any", "bool"} or tag.unit == wanted:
        return ""
    return f"{ref} is in {tag.unit or 'no unit'}, expected {wanted or 'a code without unit'}"


def _figure_issues(draft: Draft, tag: Item[models.Tag], shown: Any, monitors: dict[str, Monitor]) -> Iterator[Issue]:
    """Yield what is wrong with a tag that shows a figure."""
    template = draft.plant.instances[tag.instance].template
    monitor = monitors.get(template)
    if monitor is None:
        yield tag.issue(f"{FILE} has no monitor for the template {template}", "emission")
        return
    figure, channel = shown.figure, shown.channel
    if channel is None and figure not in _MONITOR:
        yield tag.issue(f"{figure} is of one channel: missing key channel", "emission")
        return
    if channel is not None and channel not in monitor.channels:
        known = ", ".join(monitor.channels)
        yield tag.issue(
            f"no channel {channel}{did_you_mean(channel, monitor.channels)}; there are: {known}", "emission", "channel"
        )
        return
    if channel is not None and figure not in _CHANNEL:
        yield tag.issue(f"{figure} is of the whole monitor; delete channel", "emission", "channel")
        return
    if (figure in _BOOLS) != tag.spec.bool_:
        text = f"{figure} is true or false; write bool: true" if figure in _BOOLS else f"{figure} is a number, no bool"
        yield tag.issue(text, "emission", "figure")
        return
    raw = draft.tags.get(resolve(tag.instance, monitor.channels[channel].raw)) if channel is not None else None
    wanted = _UNITS.get(figure, "")
    if figure in _CONCENTRATIONS:
        wanted = tag.spec.unit if raw is None else unit_of(raw.spec)
    if tag.spec.unit != wanted:
        yield tag.issue(f"{figure} is in {wanted or 'no unit'}, not {tag.spec.unit or 'without'}", "unit")
