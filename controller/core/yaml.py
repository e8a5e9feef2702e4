"""The strict YAML loader: plain data out, with the line and column of every node for messages.

PyYAML's C scanner and parser deliver events; the tree is composed here, because the stock loaders keep the second of
two equal keys without a word and read ``12:30`` as 750, ``010`` as 8 and ``on`` as true. Scalars follow the JSON schema
of YAML 1.2 (section 10.2) with ``~`` and the empty value as null: whatever is not plainly a number, ``true``, ``false``
or ``null`` stays text, and a model that expects a number then refuses it. Tags, anchors, aliases and merge keys are
refused: a file says what it says where it says it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from controller.core.errors import Issue

Where = tuple[str | int, ...]  # ("tags", "LT-1401", "range", "lo"): keys as text, list positions from 0

MAX_DEPTH = 40  # deeper nesting is a mistake, and would only exhaust the stack

_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})(\.[0-9]*)?([eE][-+]?[0-9]{1,4})?")
_NOT_FINITE = {".nan": "nan", ".inf": "inf", "+.inf": "inf", "-.inf": "-inf"}  # so that models can refuse them by name
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}

_Loader: type[Any] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # libyaml's parser is ten times faster


class Mark(NamedTuple):
    """Place of a node in its file, both counted from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Document:
    """One YAML file: its data, where each node stands, and what is wrong with it as YAML.

    ``marks`` of an entry of a mapping is the place of its key. ``data`` is None when the file cannot be used at all.
    """

    name: str
    data: Any = None
    marks: dict[Where, Mark] = field(default_factory=dict[Where, Mark])
    issues: list[Issue] = field(default_factory=list[Issue])

    def line(self, where: Where) -> int:
        """Return the line of a node, or of the nearest node around it that exists."""
        while where and where not in self.marks:
            where = where[:-1]
        return self.marks[where].line if where in self.marks else 1


def read(file: Path, name: str) -> Document:
    """Read one file; ``name`` is what messages call it. Never raises for what stands in the file."""
    document = Document(name)
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as exc:
        document.issues.append(Issue(name, 1, "file", f"cannot be read: {exc.strerror}; check its permissions"))
    except UnicodeDecodeError as exc:
        line = exc.object[: exc.start].count(b"\n") + 1
        document.issues.append(Issue(name, line, "file", "is not UTF-8 text; save it as UTF-8"))
    else:
        parse(text, document)
    return document


def parse(text: str, document: Document) -> None:
    """Compose ``text`` into ``document``; a syntax error is one issue and leaves no data."""
    try:
        _Composer(document, yaml.parse(text, Loader=_Loader)).compose()
    except yaml.MarkedYAMLError as exc:
        context = exc.context or ""
        # What was opened and never closed is found lines later; people look for where it was opened.
        is_open = exc.context_mark is not None and ("flow" in context or "quoted" in context)
        mark = exc.context_mark if is_open else exc.problem_mark
        around = f" ({context})" if context else ""
        document.data = None
        document.issues.append(Issue(document.name, mark.line + 1 if mark else 1, "YAML", f"{exc.problem}{around}"))
    except yaml.reader.ReaderError as exc:
        line = text[: exc.position].count("\n") + 1
        document.data = None
        document.issues.append(Issue(document.name, line, "YAML", f"forbidden character #x{exc.character:04x}"))


def show(where: Where) -> str:
    """Return a path the way people write it: ``LT-1401.group.channels``, ``votes.a.of[2]``."""
    text = ""
    for step in where:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if text else step
    return text


class _Composer:
    """Makes data of the parser's events and notes where each node begins."""

    def __init__(self, document: Document, events: Iterator[Any]) -> None:
        self.document = document
        self.events = events

    def compose(self) -> None:
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._report(event, (), "a second document begins here (---); one file holds one")
                    self.document.data = None
                    return
                self.document.data = self._node(next(self.events), ())

    def _node(self, event: Any, where: Where) -> Any:
        if where not in self.document.marks:
            self.document.marks[where] = Mark(event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.AliasEvent):
            self._report(event, where, f"alias *{event.anchor} is not allowed; write the value here")
            return None
        if event.anchor is not None:
            self._report(event, where, f"anchor &{event.anchor} is not allowed")
        if event.tag is not None:
            self._report(event, where, f"tag {event.tag} is not allowed")
        if len(where) > MAX_DEPTH:
            raise yaml.MarkedYAMLError(None, None, f"nested deeper than {MAX_DEPTH} levels", event.start_mark)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(where)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(where)
        return _value(event)

    def _sequence(self, where: Where) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self._node(event, (*where, len(items))))
        return items

    def _mapping(self, where: Where) -> dict[Any, Any]:
        items: dict[Any, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._key(event, where)
            here: Where = (*where, str(key))
            mark = Mark(event.start_mark.line + 1, event.start_mark.column + 1)
            if key in items:
                first = self.document.marks[here].line
                self._report(event, here, f"duplicate key, the first stands in line {first}")
            else:
                self.document.marks[here] = mark
            items.setdefault(key, self._node(next(self.events), here))
        return items

    def _key(self, event: Any, where: Where) -> Any:
        if not isinstance(event, yaml.ScalarEvent):
            raise yaml.MarkedYAMLError(None, None, "a key must be a plain word or number", event.start_mark)
        if event.anchor is not None or event.tag is not None:
            self._report(event, where, "anchors and tags are not allowed on a key")
        if event.value == "<<" and not event.style:
            self._report(event, (*where, "<<"), "merge keys are not allowed; write the entries here")
        return _value(event)

    def _report(self, event: Any, where: Where, text: str) -> None:
        line = event.start_mark.line + 1
        self.document.issues.append(Issue(self.document.name, line, show(where) or "file", text))


def _value(event: Any) -> Any:
    """Return what a scalar means; one in quotes or of several lines is text."""
    text: str = event.value
    if event.style:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if text.lower() in _NOT_FINITE:
        return float(_NOT_FINITE[text.lower()])
    return text
