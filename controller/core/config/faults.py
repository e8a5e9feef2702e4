"""``faults.yaml``: the plant's named programs of faults; a plant may have none.

What the single faults are called and what they can act on only the simulator knows; it checks that when it is built.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from controller.core import models
from controller.core.config.placed import Item, Origin
from controller.core.config.words import describe, did_you_mean, issues_of
from controller.core.errors import Issue
from controller.core.models.faults import FaultName, FaultProgram, OfArgument
from controller.core.yaml import Document, read

FILE = "faults.yaml"
PART = "faults"
_NAME = TypeAdapter[str](FaultName)


def read_faults(folder: Path, plant: models.Plant, issues: list[Issue]) -> dict[str, Item[FaultProgram]]:
    """Read and check the programs; mistakes are added to ``issues``, a program with one is left out."""
    file = folder / FILE
    if not file.is_file():
        return {}
    document = read(file, FILE)
    issues += document.issues
    entries = _entries(document, issues)
    found = {str(key): _program(Origin(document, PART, str(key)), data, issues) for key, data in entries.items()}
    items = {key: item for key, item in found.items() if item is not None}
    _check_numbers(items, issues)
    templates = {instance.template for instance in plant.instances.values()}
    for item in items.values():
        _check_target(item, templates, issues)
        _check_arguments(item, issues)
    return items


def _entries(document: Document, issues: list[Issue]) -> dict[Any, Any]:
    data = document.data
    if isinstance(data, dict) and set(data) == {PART} and isinstance(data[PART], dict):
        return data[PART]
    if data is not None or not document.issues:
        found = f"the keys {', '.join(map(str, data))}" if isinstance(data, dict) else describe(data)
        issues.append(Issue(FILE, 1, "file", f"expected one key {PART} with the programs below it, found {found}"))
    return {}


def _program(origin: Origin, data: Any, issues: list[Issue]) -> Item[FaultProgram] | None:
    model: type[BaseModel] = FaultProgram
    try:
        _NAME.validate_python(origin.key)
        return Item(origin.key, "", FaultProgram.model_validate(data), origin)
    except ValidationError as exc:
        if exc.title != FaultProgram.__name__:
            issues.append(
                origin.issue("a program is called F and a number below 100, with a letter or without: F8, F8b")
            )
        else:
            issues += issues_of(exc, model, data, origin.document, (PART, origin.key), 1)
    return None


def _check_numbers(items: dict[str, Item[FaultProgram]], issues: list[Issue]) -> None:
    first: dict[int, str] = {}
    for item in items.values():
        number = item.spec.number
        if number in first:
            issues.append(item.issue(f"{number} is the number of {first[number]} already", "number"))
        first.setdefault(number, item.key)


def _check_target(item: Item[FaultProgram], templates: Collection[str], issues: list[Issue]) -> None:
    target = item.spec.target
    if target is not None and target not in templates:
        text = f"no instance is made from a template {target}{did_you_mean(target, templates)}"
        issues.append(item.issue(text, "target"))
        return
    if target is not None and target in item.spec.args:
        issues.append(
            item.issue(f"{target} is the target of the program already; call the argument otherwise", "args", target)
        )
    for number, step in enumerate(item.spec.steps):
        wanted = step.on.partition("$")[2]
        if not wanted and target is not None and "$" in step.on:
            issues.append(item.issue(f"expected ${target} in {step.on}", "steps", number, "on"))
        elif wanted and (target is None or not wanted.startswith(target)):
            known = f"${target}" if target is not None else "no target, and takes no $"
            issues.append(item.issue(f"{step.on}: the program has {known}", "steps", number, "on"))


def _check_arguments(item: Item[FaultProgram], issues: list[Issue]) -> None:
    used: set[str] = set()
    for number, step in enumerate(item.spec.steps):
        for place, amount in step.amounts():
            if not isinstance(amount, OfArgument):
                continue
            used.add(amount.arg)
            if amount.arg not in item.spec.args:
                known = ", ".join(item.spec.args) or "none"
                hint = did_you_mean(amount.arg, item.spec.args)
                text = f"{place}: the program has no argument {amount.arg}{hint}; it has {known}"
                issues.append(item.issue(text, "steps", number))
    idle = item.spec.args.keys() - used if used <= item.spec.args.keys() else set[str]()  # else one is misspelt
    issues += [item.issue(f"no step uses the argument {arg}; use it or delete it", "args", arg) for arg in sorted(idle)]
