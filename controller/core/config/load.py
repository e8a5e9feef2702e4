"""``load``: a plant folder in, a checked ``Config`` out, or every mistake of every file at once."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from controller.core.config.derived_checks import check_derived
from controller.core.config.emission_checks import check_emissions, read_emissions
from controller.core.config.faults import read_faults
from controller.core.config.files import read_folder
from controller.core.config.loop_checks import check_loops
from controller.core.config.placed import Config, Item, Placed
from controller.core.config.places import Draft, place
from controller.core.config.plant_checks import check_plant
from controller.core.config.protection_checks import check_protection
from controller.core.config.register_checks import check_registers
from controller.core.config.tag_checks import check_tags
from controller.core.errors import ConfigError, Issue
from controller.core.models.emissions import EmissionFile
from controller.core.models.faults import FaultProgram

M = TypeVar("M", bound=BaseModel)

# Fields that people read, and those that only the simulator reads: changing one must not cold-start anything.
_NO_BEHAVIOUR = frozenset(
    {"title", "states", "consequence", "response", "why", "source", "instrument", "actuator", "expect", "process"}
)
_PLANT_ONLY = frozenset({"areas", "host", "port"})  # names, and where a device stands in the network


def load(folder: Path) -> Config:
    """Read, check and expand the plant in ``folder``; ConfigError carries every mistake of all files."""
    sources = read_folder(folder)
    if sources.plant is None or not sources.is_complete:
        raise ConfigError(sources.issues)
    draft = place(sources, sources.plant)
    draft.issues += sources.issues
    faults = read_faults(folder, sources.plant, draft.issues)
    emissions = read_emissions(folder, draft.issues)
    check_plant(draft)
    check_tags(draft)
    check_registers(draft)
    check_derived(draft)
    check_loops(draft)
    check_protection(draft)
    check_emissions(draft, emissions)
    if draft.issues:
        raise ConfigError(draft.issues)
    return _config(folder, draft, faults, EmissionFile() if emissions is None else emissions.spec)


def with_devices(config: Config, where: Mapping[str, tuple[str, int]]) -> Config:
    """Return ``config`` with other hosts and ports for some devices: for tests, rigs and a second site."""
    unknown = sorted(where.keys() - config.plant.devices.keys())
    if unknown:
        text = f"unknown device; known: {', '.join(sorted(config.plant.devices))}"
        raise ConfigError([Issue("plant.yaml", 1, f"devices.{name}", text) for name in unknown])
    moved = {name: {"host": host, "port": port} for name, (host, port) in where.items()}
    devices = {name: one.model_copy(update=moved.get(name, {})) for name, one in config.plant.devices.items()}
    return Config(
        folder=config.folder,
        plant=config.plant.model_copy(update={"devices": devices}),
        hash=config.hash,
        tags=config.tags,
        loops=config.loops,
        actions=config.actions,
        protection=config.protection,
        process=config.process,
        faults=config.faults,
        emissions=config.emissions,
    )


def behaviour_hash(spec: BaseModel) -> str:
    """Return 128 bits over the fields of ``spec`` that decide what the controller does, as hex."""
    return _digest(_behaviour(spec.model_dump(mode="json", by_alias=True), _NO_BEHAVIOUR))


def _config(folder: Path, draft: Draft, faults: Mapping[str, Item[FaultProgram]], emissions: EmissionFile) -> Config:
    tags, loops = _placed(draft.tags), _placed(draft.loops)
    actions, protection = _placed(draft.actions), _placed(draft.protection)
    plant = _behaviour(draft.plant.model_dump(mode="json"), _NO_BEHAVIOUR | _PLANT_ONLY)
    parts: list[dict[str, Placed[Any]]] = [tags, loops, actions, protection]
    items = [[(key, placed.hash) for key, placed in part.items()] for part in parts]
    simulated = [
        (key, tag.spec.model_dump(mode="json", include={"instrument", "actuator"})) for key, tag in tags.items()
    ]
    programs = _placed(faults)
    named = {key: one.hash for key, one in programs.items()}
    whole = _digest([plant, items, draft.process, simulated, named, behaviour_hash(emissions)])
    return Config(folder, draft.plant, whole, tags, loops, actions, protection, draft.process, programs, emissions)


def _placed(items: Mapping[str, Item[M]]) -> dict[str, Placed[M]]:
    return {
        key: Placed(
            key, item.instance, item.spec, item.origin.document.name, item.origin.line, behaviour_hash(item.spec)
        )
        for key, item in items.items()
    }


def _behaviour(value: Any, left_out: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {key: _behaviour(inner, left_out) for key, inner in value.items() if key not in left_out}
    if isinstance(value, list):
        return [_behaviour(inner, left_out) for inner in value]
    return value


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
