"""From templates to the plant: each instance gets its own copy of its template's items, references as full keys.

A reference is written as in ``controller.core.models``: ``X`` in the same instance, ``line/X`` in every instance of a
template, ``C0/X`` in one instance. An unknown reference is reported here, once, and stays in the item as it would have
been resolved; the checks afterwards pass over keys that do not exist.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from controller.core import models
from controller.core.config.files import Sources, Template
from controller.core.config.placed import Item
from controller.core.config.words import did_you_mean
from controller.core.errors import Issue
from controller.core.loop_plan import LOOP_MEMBERS
from controller.core.plan import TRIP_MEMBERS
from controller.core.yaml import Document, show

Part = Literal["tags", "loops", "actions", "members"]

VALUES: Final[tuple[Part, ...]] = ("tags", "members")
"""What a calculation may read: tags, and what the program makes under loops, protection rows and actions."""

_LOOP_REFS: Final = {  # fields of the parts of a loop that name one tag
    "sp": ("from_", "lo_from", "hi_from"),
    "feedforward": ("of",),
    "initial": ("at",),
    "track": ("when",),
    "block": ("raise_", "lower"),
}
_MEMBERS: Final = {"loops": LOOP_MEMBERS, "protection": TRIP_MEMBERS, "actions": ("ACT",)}


@dataclass(slots=True)
class Draft:
    """The placed plant before it is checked."""

    plant: models.Plant
    document: Document  # plant.yaml
    templates: dict[str, Template]
    tags: dict[str, Item[models.Tag]] = field(default_factory=dict[str, Item[models.Tag]])
    loops: dict[str, Item[models.Loop]] = field(default_factory=dict[str, Item[models.Loop]])
    actions: dict[str, Item[models.ActionGroup]] = field(default_factory=dict[str, Item[models.ActionGroup]])
    protection: dict[str, Item[models.ProtectionRow]] = field(default_factory=dict[str, Item[models.ProtectionRow]])
    process: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict[str, dict[str, dict[str, float]]])
    sensors: dict[str, str] = field(default_factory=dict[str, str])  # channel -> voted tag, full keys
    issues: list[Issue] = field(default_factory=list[Issue])

    def plant_issue(self, text: str, *path: str | int) -> None:
        """Report a mistake in plant.yaml."""
        line = self.document.line(path)
        self.issues.append(Issue(self.document.name, line, show(path) or "file", text))

    def has_broken(self, part: str) -> bool:
        """Return whether an entry of this part is missing because of its own mistakes."""
        return any(part in template.broken.values() for template in self.templates.values())


def place(sources: Sources, plant: models.Plant) -> Draft:
    """Make the items of every instance; unknown templates, devices and references are issues of the draft."""
    draft = Draft(plant, sources.document, sources.templates)
    for name, instance in plant.instances.items():
        template = sources.templates.get(instance.template)
        if template is None:
            hint = did_you_mean(instance.template, sources.templates)
            text = f"no folder {instance.template} with .yaml files in the plant folder{hint}"
            draft.plant_issue(text, "instances", name, "template")
        else:
            _place_instance(draft, name, instance, template)
    used = {instance.template for instance in plant.instances.values()}
    for name in sources.templates.keys() - used:
        draft.plant_issue(f"no instance uses the template folder {name}; add one or move the folder away", "instances")
    return draft


def _place_instance(draft: Draft, name: str, instance: models.Instance, template: Template) -> None:
    place = _Place(draft, name, instance, template)
    for tag in template.tags.values():
        draft.tags[f"{name}-{tag.key}"] = place.tag(tag)
    for loop in template.loops.values():
        draft.loops[f"{name}-{loop.key}"] = place.loop(loop)
    for action in template.actions.values():
        draft.actions[f"{name}/{action.key}"] = place.action(action)
    for row in template.protection.values():
        draft.protection[f"{name}-{row.key}"] = place.row(row)
    draft.process[name] = {area: dict(values) for area, values in template.process.items()}
    draft.sensors |= {f"{name}-{channel}": f"{name}-{voted}" for channel, voted in template.sensors.items()}


class _Place:
    """Copies items into one instance."""

    def __init__(self, draft: Draft, name: str, instance: models.Instance, template: Template) -> None:
        self.draft = draft
        self.name = name
        self.instance = instance
        self.template = template

    def tag(self, item: Item[models.Tag]) -> Item[models.Tag]:
        spec = item.spec
        changes: dict[str, Any] = {}
        for part in ("input", "output", "system"):
            source = getattr(spec, part)
            if source is not None and source.device is not None:
                device = self._device(item, source.device, part)
                changes[part] = source.model_copy(update={"device": device})
        if spec.derived is not None:
            changes["derived"] = self._derived(item, spec.derived)
        if spec.alarms is not None:
            changes["alarms"] = self._alarms(item, spec.alarms)
        return self._placed(item, changes)

    def loop(self, item: Item[models.Loop]) -> Item[models.Loop]:
        spec = item.spec
        changes: dict[str, Any] = {
            "pv": self._one(item, spec.pv, VALUES, "pv"),
            "outputs": [
                one.model_copy(update={"to": self._one(item, one.to, ("tags", "loops"), "outputs", n, "to")})
                for n, one in enumerate(spec.outputs)
            ],
        }
        if spec.output is not None:
            changes["output"] = self._one(item, spec.output, ("tags", "loops"), "output")
        if spec.tuning is not None and spec.tuning.schedule is not None:
            schedule = self._refs(item, spec.tuning.schedule, ("of",), "tuning", "schedule")
            changes["tuning"] = spec.tuning.model_copy(update={"schedule": schedule})
        for part, names in _LOOP_REFS.items():
            inner = getattr(spec, part)
            if inner is not None:
                changes[part] = self._refs(item, inner, names, part)
        if spec.initial is not None:
            unless = self._list(item, spec.initial.unless, ("loops",), "initial", "unless")
            changes["initial"] = changes["initial"].model_copy(update={"unless": unless})
        for name in ("reset_from", "start_when"):
            if (ref := getattr(spec, name)) is not None:
                changes[name] = self._one(item, ref, VALUES, name)
        return self._placed(item, changes)

    def _refs(self, item: Item[Any], part: Any, names: Iterable[str], *path: str) -> Any:
        """Return a part of an item with the references in its fields ``names`` resolved."""
        written = {name: getattr(part, name) for name in names}
        aliases = {name: type(part).model_fields[name].alias or name for name in names}
        found = {
            name: self._one(item, ref, VALUES, *path, aliases[name]) for name, ref in written.items() if ref is not None
        }
        return part.model_copy(update=found)

    def action(self, item: Item[models.ActionGroup]) -> Item[models.ActionGroup]:
        force = {
            key: value
            for ref, value in item.spec.force.items()
            for key in self._many(item, ref, ("tags",), "force", ref)
        }
        placed = self._placed(item, {"force": force, "also": self._list(item, item.spec.also, ("actions",), "also")})
        return Item(f"{self.name}/{item.key}", self.name, placed.spec, item.origin)

    def row(self, item: Item[models.ProtectionRow]) -> Item[models.ProtectionRow]:
        spec = item.spec
        changes: dict[str, Any] = {
            "votes": {name: self._vote(item, name, vote) for name, vote in spec.votes.items()},
            "actions": self._list(item, spec.actions, ("actions",), "actions"),
        }
        if spec.armed_when != "always":
            changes["armed_when"] = self._one(item, spec.armed_when, ("tags",), "armed_when")
        if isinstance(spec.reset_when, list):
            changes["reset_when"] = [self._reset(item, one, n) for n, one in enumerate(spec.reset_when)]
        elif spec.reset_when is not None:
            changes["reset_when"] = self._reset(item, spec.reset_when)
        if spec.start_up is not None:
            until = self._one(item, spec.start_up.until, ("tags",), "start_up", "until")
            changes["start_up"] = spec.start_up.model_copy(update={"until": until})
        return self._placed(item, changes)

    def _vote(self, item: Item[models.ProtectionRow], name: str, vote: models.VoteSpec) -> models.VoteSpec:
        of = self._list(item, vote.of, ("tags",), "votes", name, "of")
        parts = [
            part.model_copy(update={"of": self._list(item, part.of, ("tags",), "votes", name, "parts", n, "of")})
            for n, part in enumerate(vote.parts)
        ]
        return vote.model_copy(update={"of": of, "parts": parts})

    def _reset(self, item: Item[models.ProtectionRow], one: models.ResetWhen, *number: int) -> models.ResetWhen:
        return one.model_copy(update={"tag": self._one(item, one.tag, ("tags",), "reset_when", *number, "tag")})

    def _placed(self, item: Item[Any], changes: Mapping[str, Any]) -> Item[Any]:
        spec = item.spec.model_copy(update=changes) if changes else item.spec
        return Item(f"{self.name}-{item.key}", self.name, spec, item.origin)

    def _derived(self, item: Item[models.Tag], derived: models.Derived) -> models.Derived:
        changes: dict[str, Any] = {}
        for name in models.REFERENCES:
            value = getattr(derived, name, None) if name in type(derived).model_fields else None
            if isinstance(value, str):
                changes[name] = self._one(item, value, VALUES, "derived", name)
            elif isinstance(value, dict):
                refs = cast("dict[str, str]", value)
                changes[name] = {key: self._one(item, ref, VALUES, "derived", name, key) for key, ref in refs.items()}
            elif isinstance(value, list) and not isinstance(derived, models.Sum):
                changes[name] = self._list(item, cast("list[str]", value), VALUES, "derived", name)
        if isinstance(derived, models.Sum):
            changes |= self._terms(item, derived)
        return derived.model_copy(update=changes)

    def _terms(self, item: Item[models.Tag], derived: models.Sum) -> dict[str, Any]:
        """Return the terms of a sum; a reference that means several tags gives its gain to each."""
        if len(derived.gains) != len(derived.of):
            text = f"{len(derived.gains)} gains for {len(derived.of)} inputs; each input needs its own"
            self.draft.issues.append(item.issue(text, "derived", "gains"))
        of: list[str] = []
        gains: list[float] = []
        for number, (ref, gain) in enumerate(zip(derived.of, derived.gains, strict=False)):
            keys = self._many(item, ref, VALUES, "derived", "of", number)
            of += keys
            gains += [gain] * len(keys)
        return {"of": of, "gains": gains}

    def _alarms(self, item: Item[models.Tag], alarms: models.Alarms) -> models.Alarms:
        changes: dict[str, models.AlarmSpec] = {}
        for kind in models.Alarms.model_fields:
            spec: models.AlarmSpec | None = getattr(alarms, kind)
            if spec is not None and spec.unless is not None:
                unless = self._one(item, spec.unless, ("tags",), "alarms", kind, "unless")
                changes[kind] = spec.model_copy(update={"unless": unless})
        return alarms.model_copy(update=changes) if changes else alarms

    def _device(self, item: Item[Any], device: str, part: str) -> str:
        users = [one for one in self.draft.plant.instances.values() if one.template == self.template.name]
        known = {name for one in users for name in one.devices}
        if device not in known:
            hint = did_you_mean(device, known)
            text = f"unknown device {device}{hint}; the instances of {self.template.name} name: {_names(known)}"
            self.draft.issues.append(item.issue(text, part, "device"))
        elif device not in self.instance.devices:
            text = f"the template {self.template.name} needs a device called {device}"
            self.draft.plant_issue(text, "instances", self.name, "devices")
        return self.instance.devices.get(device, device)

    def _list(self, item: Item[Any], refs: Iterable[str], parts: tuple[Part, ...], *path: str | int) -> list[str]:
        return [key for number, ref in enumerate(refs) for key in self._many(item, ref, parts, *path, number)]

    def _one(self, item: Item[Any], ref: str, parts: tuple[Part, ...], *path: str | int) -> str:
        keys = self._many(item, ref, parts, *path)
        if len(keys) > 1:
            text = f"{ref} means {len(keys)} items, one of each instance; one is expected here"
            self.draft.issues.append(item.issue(text, *path))
        return keys[0]

    def _many(self, item: Item[Any], ref: str, parts: tuple[Part, ...], *path: str | int) -> list[str]:
        """Return the full keys a reference means, at least one; report it when it means nothing."""
        where, _, key = ref.rpartition("/")
        join = "/" if parts == ("actions",) else "-"
        instances = self._instances(where)
        if not instances:
            known = {*self.draft.plant.instances, *self.draft.templates}
            text = f"unknown template or instance {where}{did_you_mean(where, known)}; known: {_names(known)}"
            self.draft.issues.append(item.issue(text, *path))
            return [f"{where}{join}{key}"]
        template = self.draft.templates.get(self.draft.plant.instances[instances[0]].template)
        if template is not None and not _exists(template, key, parts):
            known = {name for part in parts for name in _names_of(template, part)}
            text = f"unknown {_kinds(parts)} {ref}{did_you_mean(key, known)}"
            self.draft.issues.append(item.issue(text, *path))
        return [f"{instance}{join}{key}" for instance in instances]

    def _instances(self, where: str) -> list[str]:
        if not where:
            return [self.name]
        if where in self.draft.plant.instances:
            return [where]
        return [name for name, one in self.draft.plant.instances.items() if one.template == where]


def _names_of(template: Template, part: Part) -> Collection[str]:
    if part != "members":
        return template.part(part)
    return {
        f"{key}.{member}" for owner, members in _MEMBERS.items() for key in template.part(owner) for member in members
    }


def _exists(template: Template, key: str, parts: tuple[Part, ...]) -> bool:
    if any(key in _names_of(template, part) for part in parts):
        return True
    # What a broken entry would have made is not unknown: LT-1401A and LT-1401.DEV of the group LT-1401, all that the
    # pattern of P-3010A or of HV-2310 adds.
    owner = key.partition(".")[0]
    return not template.broken.keys().isdisjoint({key, key[:-1], key.removesuffix(".DEV"), owner, owner[:-1]})


def _kinds(parts: tuple[Part, ...]) -> str:
    words = {"tags": "tag", "loops": "loop", "actions": "action"}
    return " or ".join(words[part] for part in parts if part in words)


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
