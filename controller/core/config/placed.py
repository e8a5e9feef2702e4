"""What loading gives: every item of every instance under its full key, with the place in the file it comes from."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from controller.core import models
from controller.core.errors import Issue
from controller.core.models.emissions import EmissionFile
from controller.core.models.faults import FaultProgram
from controller.core.yaml import Document, show

T = TypeVar("T")

_AREA = re.compile(r"-(\d\d)\d\d")


@dataclass(frozen=True, slots=True)
class Placed(Generic[T]):
    """One item of one instance. All references in ``spec`` are full keys, its devices the plant's own."""

    key: str  # "L1-LT-1401A"; actions: "L1/A2"
    instance: str  # "L1"
    spec: T
    file: str  # relative to the plant folder
    line: int
    hash: str  # over the fields that decide behaviour, see ``behaviour_hash``


@dataclass(frozen=True, slots=True)
class Config:
    """A plant folder, checked and expanded. Items keep the order of instances, files and lines."""

    folder: Path
    plant: models.Plant
    hash: str
    tags: dict[str, Placed[models.Tag]]
    loops: dict[str, Placed[models.Loop]]
    actions: dict[str, Placed[models.ActionGroup]]
    protection: dict[str, Placed[models.ProtectionRow]]
    process: dict[str, dict[str, dict[str, float]]]  # instance -> area -> name -> value, SI
    faults: dict[str, Placed[FaultProgram]] = field(default_factory=dict[str, Placed[FaultProgram]])  # of the simulator
    emissions: EmissionFile = field(default_factory=EmissionFile)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an item is written: ``part`` ("tags") and the key under it, without the instance."""

    document: Document
    part: str
    key: str

    @property
    def line(self) -> int:
        """The line of the item's key."""
        return self.document.line((self.part, self.key))

    def issue(self, text: str, *path: str | int) -> Issue:
        """Return a mistake at ``path`` inside the item."""
        line = self.document.line((self.part, self.key, *path))
        return Issue(self.document.name, line, show((self.key, *path)), text)


@dataclass(frozen=True, slots=True)
class Item(Generic[T]):
    """One item while it is being checked: as written in a template, or placed in an instance."""

    key: str
    instance: str  # "" in a template
    spec: T
    origin: Origin

    def issue(self, text: str, *path: str | int) -> Issue:
        """Return a mistake at ``path`` inside the item."""
        return self.origin.issue(text, *path)

    @property
    def place(self) -> str:
        """Where the item is written, for messages about others: ``line/drum.yaml:7``."""
        return f"{self.origin.document.name}:{self.origin.line}"

    @property
    def name(self) -> str:
        """The key without the instance."""
        return self.key.removeprefix(f"{self.instance}-")

    def call(self, other: "Item[Any]") -> str:
        """Return another item as a reference in this one: ``LT-1401``, ``line/LT-1401``."""
        if other.instance == self.instance:
            return other.name
        return f"{other.origin.document.name.partition('/')[0]}/{other.name}"


def area_of(key: str) -> str:
    """Return the area number in the name of a tag or loop: ``14`` for ``L1-LT-1401A``; empty without one."""
    found = _AREA.search(key)
    return found[1] if found else ""
