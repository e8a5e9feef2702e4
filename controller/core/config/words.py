"""Mistakes in a configuration file in the words of the engineer who edits it."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from controller.core.errors import Issue
from controller.core.yaml import Document, Where, show

_EXPECTED = {
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "entries of the form key: value",
    "model_type": "entries of the form key: value",
    "model_attributes_type": "entries of the form key: value",
    "finite_number": "a finite number",
}
_BOUNDS = {"greater_than": ">", "greater_than_equal": ">=", "less_than": "<", "less_than_equal": "<="}
_LOOK_ALIKE = str.maketrans("oil", "011")
_QUOTED = re.compile(r"'([^']*)'")


def did_you_mean(found: str, known: Iterable[str]) -> str:
    """Return `` (did you mean X?)`` for the known name most like ``found``, or nothing."""
    close = closest(found, known)
    return f" (did you mean {close}?)" if close else ""


def closest(found: str, known: Iterable[str]) -> str:
    """Return the known name most like ``found``; empty when none is near."""
    by_look = {_look(name): name for name in known}
    close = difflib.get_close_matches(_look(found), by_look, n=1, cutoff=0.6)
    return by_look[close[0]] if close else ""


def _look(name: str) -> str:
    return name.lower().translate(_LOOK_ALIKE)


def describe(found: Any) -> str:
    """Return what stands in the file, as a person would say it."""
    if found is None:
        return "nothing"
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, str):
        return f"text '{found}'"
    if isinstance(found, dict):
        return "entries of the form key: value"
    return "a list" if isinstance(found, list) else f"{found:g}" if isinstance(found, float) else str(found)


def issues_of(
    error: ValidationError, model: type[BaseModel], data: Any, document: Document, where: Where, shown: int
) -> list[Issue]:
    """Return the issues of one failed validation of ``data``, which stands at ``where`` in the file.

    The first ``shown`` steps of ``where`` are left out of what people read.
    """
    issues: list[Issue] = []
    for text, path in mistakes_of(error, model, data):
        full = (*where, *path)
        issues.append(Issue(document.name, document.line(full), show(full[shown:]) or "file", text))
    return issues


def mistakes_of(error: ValidationError, model: type[BaseModel], data: Any) -> list[tuple[str, Where]]:
    """Return each mistake of one failed validation and its path inside ``data``.

    The branches of a union fail one by one; people made one mistake, so errors at one place become one.
    """
    at: dict[Where, list[Mapping[str, Any]]] = {}
    for entry in error.errors(include_url=False):
        at.setdefault(_real_path(entry["loc"], data, entry["type"]), []).append(entry)
    extra = {path: _meant(path, model) for path, (entry, *_) in at.items() if entry["type"] == "extra_forbidden"}
    meant = {(*path[:-1], name) for path, name in extra.items() if name}
    return [
        (_text(entries, model, path), path)
        for path, entries in at.items()
        # One that is missing only because it is misspelt is said where it stands.
        if not (path in meant and entries[0]["type"] == "missing")
    ]


def _real_path(loc: Where, data: Any, kind: str) -> Where:
    """Return ``loc`` without the names that pydantic adds for branches of unions."""
    path: list[str | int] = []
    for number, step in enumerate(loc):
        if isinstance(data, dict) and step in data:
            data = data[step]
            path.append(str(step))  # a key is shown as written, a position is counted
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
            path.append(step)
        elif kind == "missing" and number == len(loc) - 1:
            path.append(step)
    return tuple(path)


def _text(entries: list[Mapping[str, Any]], model: type[BaseModel], path: Where) -> str:
    found = entries[0]["input"]
    expected = [text for text in (_expected(entry) for entry in entries) if text]
    if not expected:
        return _special(entries[0], model, path)
    choices = [word for text in expected for word in _QUOTED.findall(text)]
    hint = did_you_mean(found, choices) if isinstance(found, str) else ""
    return f"expected {' or '.join(dict.fromkeys(expected))}, found {describe(found)}{hint}"


def _expected(entry: Mapping[str, Any]) -> str:
    if entry["type"] == "literal_error":
        return str(entry["ctx"]["expected"])
    return _EXPECTED.get(entry["type"], "")


def _special(entry: Mapping[str, Any], model: type[BaseModel], path: Where) -> str:
    kind, found, context = entry["type"], entry["input"], entry.get("ctx", {})
    if kind == "missing":
        return "missing key"
    if kind == "extra_forbidden":
        meant = _meant(path, model)
        if found is None and not meant:  # {en: Level, low} reads as two entries
            return "unknown key; text with a comma inside { } needs quotes"
        return f"unknown key (did you mean {meant}?)" if meant else "unknown key"
    if kind in _BOUNDS:
        bound = next(iter(context.values()))
        return f"must be {_BOUNDS[kind]} {bound}, found {describe(found)}"
    if kind == "string_pattern_mismatch":
        return f"{describe(found)} does not have the form {context['pattern']}"
    if kind == "union_tag_invalid":
        known = context["expected_tags"]
        return f"unknown kind '{context['tag']}'{did_you_mean(context['tag'], _QUOTED.findall(known))}; known: {known}"
    if kind == "union_tag_not_found":
        return "missing key kind, which says what is calculated"
    if kind == "value_error":
        return str(context["error"])
    message = str(entry["msg"])
    return message[:1].lower() + message[1:]


def _meant(path: Where, model: type[BaseModel]) -> str:
    found = str(path[-1])
    name = closest(found, _known_keys(model, path[:-1]))
    return "" if name == found else name  # a key of another kind of calculation


def _known_keys(model: type[BaseModel], path: Where) -> set[str]:
    """Return the keys a mapping at ``path`` inside ``model`` may have."""
    models = [model]
    for step in path:
        models = [inner for owner in models for inner in _models_at(owner, step)] or models
    return {field.alias or name for one in models for name, field in one.model_fields.items()}


def _models_at(owner: type[BaseModel], key: str | int) -> list[type[BaseModel]]:
    owner.model_rebuild()  # fields of classes that are defined further down in the module
    fields = {field.alias or name: field.annotation for name, field in owner.model_fields.items()}
    return _models_in(fields.get(str(key)))


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]
