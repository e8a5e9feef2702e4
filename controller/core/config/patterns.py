"""Equipment becomes tags: one entry and the tags of its pattern are the same as all of them written out.

A mistake is reported where it can be put right: in the pattern file, once for all its devices, or at the device's entry
when that gives the value which is wrong.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from controller.core import models
from controller.core.config.placed import Item, Origin
from controller.core.config.words import did_you_mean, issues_of, mistakes_of
from controller.core.errors import Issue
from controller.core.yaml import Document, Where, read, show

FOLDER = "patterns"  # beside the template folders

_PARAMETER = re.compile(r"\$([a-z][a-z0-9_]*)")

_TABLES: dict[tuple[str, bool], models.Table] = {
    ("input", False): "input",
    ("input", True): "discrete",
    ("output", False): "holding",
    ("output", True): "coil",
}
_STATED: dict[str, models.Table] = {table: table for table in _TABLES.values()}


@dataclass(slots=True)
class PatternFile:
    """One pattern with what it extends; each part with the file it is written in. A broken one makes no tags."""

    document: Document
    extends: str | None = None
    parameters: dict[str, tuple[Document, models.Parameter]] = field(
        default_factory=dict[str, tuple[Document, models.Parameter]]
    )
    tags: dict[str, tuple[Document, dict[str, Any]]] = field(default_factory=dict[str, tuple[Document, dict[str, Any]]])
    is_broken: bool = False
    is_used: bool = False


@dataclass(frozen=True, slots=True)
class Made(Origin):
    """Origin of a tag that a pattern makes. ``document`` and ``entry`` are the device's; ``key`` is the whole tag key.

    ``given`` maps a path inside the tag to the document and path of what was filled in there.
    """

    entry: str
    pattern: Document
    suffix: str
    given: Mapping[Where, tuple[Document, Where]]

    @property
    def line(self) -> int:
        """The line of the device's entry."""
        return self.document.line(("equipment", self.entry))

    def issue(self, text: str, *path: str | int) -> Issue:
        """Return a mistake at ``path`` inside the tag: where the value comes from, the whole tag at the device."""
        if not path:
            return Issue(self.document.name, self.line, self.key, text)
        for end in range(len(path), 0, -1):
            if path[:end] in self.given:
                document, where = self.given[path[:end]]
                full = (*where, *path[end:])
                shown = full[1:] if document is self.document else full  # parameters.safe.default, XV-1540.with.safe
                return Issue(document.name, document.line(full), show(shown), text)
        return self.pattern_issue(text, *path)

    def pattern_issue(self, text: str, *path: str | int) -> Issue:
        """Return a mistake of the pattern itself, in words that are the same for all its devices."""
        line = self.pattern.line(("tags", self.suffix, *path))
        return Issue(self.pattern.name, line, show((f"${self.suffix}", *path)), text.replace(self.entry, "$"))


def read_patterns(folder: Path, issues: list[Issue]) -> dict[str, PatternFile]:
    """Read the patterns of a plant folder by name; ``issues`` takes their mistakes."""
    patterns: dict[str, PatternFile] = {}
    for file in sorted((folder / FOLDER).glob("*.yaml")):
        document = read(file, f"{FOLDER}/{file.name}")
        mistakes = list(document.issues)
        pattern = PatternFile(document)
        try:
            spec = models.Pattern.model_validate(document.data)
        except ValidationError as exc:
            if document.data is not None or not mistakes:
                mistakes += issues_of(exc, models.Pattern, document.data, document, (), 0)
        else:
            pattern.extends = spec.extends
            pattern.parameters = {name: (document, one) for name, one in spec.parameters.items()}
            pattern.tags = {suffix: (document, one) for suffix, one in spec.tags.items()}
        pattern.is_broken = bool(mistakes)
        patterns[file.stem] = pattern
        issues += mistakes
    for name in patterns:
        _extend(patterns, (name,), issues)
    for pattern in patterns.values():
        mistakes = [] if pattern.is_broken else list(_parameter_issues(pattern))
        pattern.is_broken |= bool(mistakes)
        issues += mistakes
    return patterns


def _extend(patterns: Mapping[str, PatternFile], chain: tuple[str, ...], issues: list[Issue]) -> None:
    """Give the last pattern of ``chain`` what it extends; those before it wait for it."""
    pattern = patterns[chain[-1]]
    name, pattern.extends = pattern.extends, None
    if name is None:
        return
    document, where = pattern.document, ("extends",)
    base = patterns.get(name)
    if base is None or name in chain:
        text = f"{' -> '.join((*chain, name))} is a circle" if base else f"no file {name}.yaml in {FOLDER}"
        hint = "" if base else did_you_mean(name, patterns)
        issues.append(Issue(document.name, document.line(where), "extends", text + hint))
        pattern.is_broken = True
        return
    base.is_used = True
    _extend(patterns, (*chain, name), issues)
    pattern.is_broken |= base.is_broken
    for part, own, inherited in (
        ("parameters", pattern.parameters, base.parameters),
        ("tags", pattern.tags, base.tags),
    ):
        for key in own.keys() & inherited.keys():
            text = f"stands in the pattern {name} already; delete one"
            pattern.is_broken = True
            issues.append(Issue(document.name, document.line((part, key)), show((part, key)), text))
    pattern.parameters = base.parameters | pattern.parameters
    pattern.tags = base.tags | pattern.tags


def unused_issues(patterns: Mapping[str, PatternFile]) -> list[Issue]:
    """Return the patterns that no device uses: nobody would notice a mistake in them."""
    text = "no equipment uses this pattern; add some or move the file away"
    return [Issue(one.document.name, 1, "file", text) for one in patterns.values() if not one.is_used]


def make_tags(
    item: Item[models.Equipment], pattern: PatternFile
) -> tuple[list[Item[models.Tag]], list[str], list[Issue]]:
    """Return the tags of one device, the keys of those that have mistakes, and all mistakes."""
    issues = list(_entry_issues(item, pattern))
    if issues:
        return [], [item.key + suffix for suffix in pattern.tags], issues
    made: list[Item[models.Tag]] = []
    broken: list[str] = []
    for suffix, (document, template) in pattern.tags.items():
        filling = _Filling(item, pattern)
        data = filling.tag(template)
        origin = Made(item.origin.document, "tags", item.key + suffix, item.key, document, suffix, filling.given)
        try:
            tag = models.Tag.model_validate(data)
        except ValidationError as exc:
            broken.append(origin.key)
            for text, path in mistakes_of(exc, models.Tag, data):
                is_own = not path or (path in origin.given and text.startswith("unknown key"))  # the key, not its value
                issues.append(origin.pattern_issue(text, *path) if is_own else origin.issue(text, *path))
        else:
            made.append(Item(origin.key, "", tag, origin))
            if tag.group is not None:
                issues.append(origin.pattern_issue("a pattern has no groups; write the voted tag out", "group"))
    return made, broken, issues


# --- what stands in the files ----------------------------------------------------------------------------------------


def _parameter_issues(pattern: PatternFile) -> Iterator[Issue]:
    """Yield parameters that a tag names and nobody declares, and those that no tag names."""
    used: set[str] = set()
    for suffix, (document, template) in pattern.tags.items():
        for path, name in _parameters_in(template, ()):
            used.add(name)
            if name not in pattern.parameters:
                text = f"unknown parameter {name}{did_you_mean(name, pattern.parameters)}"
                full = ("tags", suffix, *path)
                yield Issue(document.name, document.line(full), show((f"${suffix}", *path)), text)
    for name, (document, _) in pattern.parameters.items():
        if name not in used:
            where = ("parameters", name)
            yield Issue(document.name, document.line(where), show(where), "no tag uses this parameter; delete it")


def _parameters_in(value: Any, path: Where) -> Iterator[tuple[Where, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _parameters_in(inner, (*path, str(key)))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _parameters_in(inner, (*path, number))
    elif isinstance(value, str) and (name := _PARAMETER.fullmatch(value)):
        yield path, name[1]


def _entry_issues(item: Item[models.Equipment], pattern: PatternFile) -> Iterator[Issue]:
    """Yield what the entry gives and the pattern does not take, and the reverse."""
    entry, name = item.spec, item.spec.pattern
    for one in entry.with_.keys() - pattern.parameters.keys():
        text = f"the pattern {name} has no parameter {one}{did_you_mean(one, pattern.parameters)}"
        yield item.issue(text, "with", one)
    for one, (_, parameter) in pattern.parameters.items():
        if one not in entry.with_ and "default" not in parameter.model_fields_set:
            yield item.issue(f"missing key: {parameter.about}", "with", one)
    used = {table for _, template in pattern.tags.values() for _, table in _places(template)}
    if bool(used) != (entry.device is not None):
        text = f"missing key: the pattern {name} has registers" if used else f"the pattern {name} has no registers"
        yield item.issue(text, "device")
    for table in sorted(used - entry.address.keys()):
        yield item.issue(f"missing key: the pattern {name} has registers there", "address", table)
    for table in sorted(entry.address.keys() - used):
        yield item.issue(f"the pattern {name} has no {table} registers; delete it", "address", table)


def _places(template: Mapping[str, Any]) -> Iterator[tuple[str, models.Table]]:
    """Yield where a tag of a pattern is read or written: ``input`` or ``output``, and the register table."""
    for part in ("input", "output"):
        place = template.get(part)
        if isinstance(place, dict):
            usual = _TABLES[part, place.get("form") == "bool"]
            yield part, _STATED.get(str(place.get("table")), usual)


@dataclass(slots=True)
class _Filling:
    """Fills one tag of a pattern for one device and remembers where each value came from."""

    item: Item[models.Equipment]
    pattern: PatternFile
    given: dict[Where, tuple[Document, Where]] = field(default_factory=dict[Where, tuple[Document, Where]])

    def tag(self, template: Mapping[str, Any]) -> dict[str, Any]:
        data: dict[str, Any] = _named(self._filled(template, ()), self.item.key)
        data["title"] = self._title(data.get("title"))
        data.setdefault("why", self.item.spec.why)
        for part, table in _places(template):
            place = data[part]
            place["device"] = self._entry(self.item.spec.device, (part, "device"), "device")
            offset = place.get("address")
            if type(offset) is int:  # true is no address
                first = self.item.spec.address[table]
                place["address"] = self._entry(first + offset, (part, "address"), "address", table)
        return data

    def _entry(self, value: Any, path: Where, *where: str) -> Any:
        origin = self.item.origin
        self.given[path] = (origin.document, (origin.part, origin.key, *where))
        return value

    def _filled(self, value: Any, path: Where) -> Any:
        if isinstance(value, dict):
            return {key: self._filled(inner, (*path, str(key))) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner, (*path, number)) for number, inner in enumerate(value)]
        name = _PARAMETER.fullmatch(value) if isinstance(value, str) else None
        return self._parameter(name[1], path) if name else value

    def _parameter(self, name: str, path: Where) -> Any:
        if name in self.item.spec.with_:
            return self._entry(self.item.spec.with_[name], path, "with", name)
        document, parameter = self.pattern.parameters[name]
        self.given[path] = (document, ("parameters", name, "default"))
        return parameter.default

    def _title(self, own: Any) -> Any:
        """Return the device's title with the tag's own after a comma, in both languages."""
        device = self.item.spec.title
        if own is None:
            return self._entry({"en": device.en, "ru": device.ru}, ("title",), "title")
        if not isinstance(own, dict):
            return own
        devices = {"en": device.en, "ru": device.ru}
        return {
            key: f"{devices[key]}, {text}" if key in devices and text and isinstance(text, str) else text
            for key, text in own.items()
        }


def _named(value: Any, key: str) -> Any:
    """Return ``value`` with the device's key for each ``$`` in a text."""
    if isinstance(value, dict):
        return {name: _named(inner, key) for name, inner in value.items()}
    if isinstance(value, list):
        return [_named(inner, key) for inner in value]
    return value.replace("$", key) if isinstance(value, str) else value
