"""The files of a plant folder: ``plant.yaml``, patterns, one folder of sections per template; each entry alone.

An entry with a mistake is left out but its key stays known, so that one typo is one message and not ten.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from controller.core import models
from controller.core.config.groups import expand
from controller.core.config.patterns import FOLDER, PatternFile, make_tags, read_patterns, unused_issues
from controller.core.config.placed import Item, Origin
from controller.core.config.words import describe, did_you_mean, issues_of
from controller.core.errors import Issue
from controller.core.yaml import Document, read

M = TypeVar("M", bound=BaseModel)

_KEY = TypeAdapter[str](models.Key)
_PARTS: dict[str, type[BaseModel]] = {
    "tags": models.Tag,
    "equipment": models.Equipment,
    "loops": models.Loop,
    "actions": models.ActionGroup,
    "protection": models.ProtectionRow,
}
_SPACES = {"actions": ("actions",), "equipment": ("equipment",)}  # of names; the other parts share one


@dataclass(slots=True)
class Template:
    """All sections of one template folder, equipment and groups of sensors expanded."""

    name: str
    tags: dict[str, Item[models.Tag]] = field(default_factory=dict[str, Item[models.Tag]])
    equipment: dict[str, Item[models.Equipment]] = field(default_factory=dict[str, Item[models.Equipment]])
    loops: dict[str, Item[models.Loop]] = field(default_factory=dict[str, Item[models.Loop]])
    actions: dict[str, Item[models.ActionGroup]] = field(default_factory=dict[str, Item[models.ActionGroup]])
    protection: dict[str, Item[models.ProtectionRow]] = field(default_factory=dict[str, Item[models.ProtectionRow]])
    process: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])
    sensors: dict[str, str] = field(default_factory=dict[str, str])  # channel of a group -> voted tag
    broken: dict[str, str] = field(default_factory=dict[str, str])  # key whose entry has a mistake of its own -> part

    def part(self, name: str) -> dict[str, Item[Any]]:
        """Return one part by its name in the file."""
        parts: dict[str, dict[str, Item[Any]]] = {
            "tags": self.tags,
            "equipment": self.equipment,
            "loops": self.loops,
            "actions": self.actions,
            "protection": self.protection,
        }
        return parts[name]


@dataclass(slots=True)
class Sources:
    """What the folder holds. ``plant`` is None when plant.yaml has mistakes.

    ``is_complete`` is False when a file could not be parsed: then nobody knows which references are wrong.
    """

    document: Document
    plant: models.Plant | None = None
    patterns: dict[str, PatternFile] = field(default_factory=dict[str, PatternFile])
    templates: dict[str, Template] = field(default_factory=dict[str, Template])
    issues: list[Issue] = field(default_factory=list[Issue])
    is_complete: bool = True


def read_folder(folder: Path) -> Sources:
    """Read and validate all files of a plant folder."""
    file = folder / "plant.yaml"
    sources = Sources(Document("plant.yaml"))
    if not file.is_file():
        text = f"not found in {folder}; a plant is a folder with plant.yaml and one folder for each template"
        sources.issues.append(Issue("plant.yaml", 1, "file", text))
        return sources
    sources.document = read(file, "plant.yaml")
    sources.issues += sources.document.issues
    if not sources.document.issues or sources.document.data is not None:
        sources.plant = _validated(models.Plant, sources.document.data, sources.document, sources.issues)
    sources.patterns = read_patterns(folder, sources.issues)
    for path in sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")):
        files = sorted(path.glob("*.yaml"))
        if files and path.name != FOLDER:
            sources.templates[path.name] = _read_template(path.name, files, sources)
    broken = {part for template in sources.templates.values() for part in template.broken.values()}
    if sources.is_complete and "equipment" not in broken:
        sources.issues += unused_issues(sources.patterns)
    return sources


def _validated(model: type[M], data: Any, document: Document, issues: list[Issue]) -> M | None:
    try:
        return model.model_validate(data)
    except ValidationError as exc:
        issues += issues_of(exc, model, data, document, (), 0)
        return None


def _read_template(name: str, files: list[Path], sources: Sources) -> Template:
    template, issues = Template(name), sources.issues
    for file in files:
        document = read(file, f"{name}/{file.name}")
        issues += [_without_part(issue) for issue in document.issues]
        if isinstance(document.data, dict):
            _add_section(template, document, sources)
        elif document.data is not None:
            sources.is_complete = False
            text = f"expected tags, equipment, loops, actions, protection or process, found {describe(document.data)}"
            issues.append(Issue(document.name, 1, "file", text))
        elif document.issues:
            sources.is_complete = False
        else:
            issues.append(Issue(document.name, 1, "file", "is empty; delete it or fill it"))
    return template


def _without_part(issue: Issue) -> Issue:
    """Return an issue of the YAML reader as the models' are shown: ``LT-1401.unit``, not ``tags.LT-1401.unit``."""
    part, _, where = issue.where.partition(".")
    return Issue(issue.file, issue.line, where, issue.text) if part in {*_PARTS, "process"} and where else issue


def _add_section(template: Template, document: Document, sources: Sources) -> None:
    issues = sources.issues
    for part, entries in document.data.items():
        if part not in {*_PARTS, "process"}:
            hint = did_you_mean(str(part), [*_PARTS, "process"])
            sources.is_complete = False
            issues.append(Issue(document.name, document.line((str(part),)), str(part), f"unknown key{hint}"))
        elif not isinstance(entries, dict):
            sources.is_complete = False
            text = f"expected entries of the form key: value, found {describe(entries)}"
            issues.append(Issue(document.name, document.line((part,)), part, text))
        elif part == "process":
            _add_process(template, entries, document, issues)
        else:
            for key, data in entries.items():
                _add_entry(template, Origin(document, part, str(key)), data, sources)


def _add_entry(template: Template, origin: Origin, data: Any, sources: Sources) -> None:
    key, model, issues = origin.key, _PARTS[origin.part], sources.issues
    if not _has_good_key(origin, issues):
        template.broken[key] = origin.part
        return
    if _is_taken(template, origin, issues):
        return
    try:
        spec = model.model_validate(data)
    except ValidationError as exc:
        template.broken[key] = origin.part
        issues += issues_of(exc, model, data, origin.document, (origin.part, key), 1)
        return
    if not isinstance(spec, models.Tag):
        template.part(origin.part)[key] = Item(key, "", spec, origin)
        if isinstance(spec, models.Equipment):
            _add_equipment(template, Item(key, "", spec, origin), sources)
        return
    item = Item(key, "", spec, origin)
    if spec.group is None:
        template.tags[key] = item
        return
    made, mistakes = expand(item, spec.group)
    issues += mistakes
    for part in made:
        if not _is_taken(template, Origin(origin.document, "tags", part.key), issues, shown=origin):
            template.tags[part.key] = part
        template.sensors[part.key] = key


def _add_equipment(template: Template, item: Item[models.Equipment], sources: Sources) -> None:
    pattern = sources.patterns.get(item.spec.pattern)
    if pattern is None:
        text = f"no file {item.spec.pattern}.yaml in {FOLDER}{did_you_mean(item.spec.pattern, sources.patterns)}"
        sources.issues.append(item.issue(text, "pattern"))
        template.broken[item.key] = "equipment"
        return
    pattern.is_used = True
    if pattern.is_broken:
        template.broken[item.key] = "equipment"
        return
    made, broken, mistakes = make_tags(item, pattern)
    sources.issues += mistakes
    template.broken |= dict.fromkeys(broken, "tags")
    for tag in made:
        if not _is_taken(template, tag.origin, sources.issues):
            template.tags[tag.key] = tag


def _has_good_key(origin: Origin, issues: list[Issue]) -> bool:
    if origin.part == "actions":
        return True
    if origin.part == "equipment" and "." in origin.key:
        issues.append(origin.issue("equipment has no point in its key; the pattern adds the members"))
        return False
    try:
        _KEY.validate_python(origin.key)
    except ValidationError:
        text = "a key is capital letters, '-' and digits with at most one member after a point: LT-1401A, FV-1601.OP"
        issues.append(origin.issue(text))
        return False
    return True


def _is_taken(template: Template, origin: Origin, issues: list[Issue], shown: Origin | None = None) -> bool:
    """Report a key that exists already; tags, loops and protection rows share one space of names."""
    key = origin.key
    for space in _SPACES.get(origin.part, ("tags", "loops", "protection")):
        first = template.part(space).get(key)
        if first is not None:
            text = f"{key} exists already as one of the {space} at {first.place}"
            issues.append((shown or origin).issue(text))
            return True
    return False


def _add_process(template: Template, areas: Mapping[Any, Any], document: Document, issues: list[Issue]) -> None:
    try:
        models.Section.model_validate({"process": areas})
    except ValidationError as exc:
        issues += issues_of(exc, models.Section, {"process": areas}, document, (), 1)
        return
    for area, parameters in areas.items():
        known = template.process.setdefault(area, {})
        for name, value in parameters.items():
            if name in known:
                line = document.line(("process", area, name))
                issues.append(Issue(document.name, line, f"{area}.{name}", "stands in another file of this template"))
            known[name] = float(value)
