"""JSON Schemas of the configuration files, so that editors complete keys and mark mistakes while people type.

The first line of each YAML file names its schema. The schemas know one file at a time; what needs all of them is
checked by ``controller.core.config``.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from controller.core import models
from controller.core.models.emissions import EmissionFile
from controller.core.models.faults import FaultFile

_FILES: dict[str, type[BaseModel]] = {
    "plant.json": models.Plant,
    "section.json": models.Section,
    "faults.json": FaultFile,
    "emissions.json": EmissionFile,
}
_FILLED = {"type": "string", "pattern": r"\$"}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schema of each kind of file by its file name."""
    made = {name: {"$schema": _DIALECT, **model.model_json_schema(by_alias=True)} for name, model in _FILES.items()}
    made["pattern.json"] = _pattern_schema()
    return made


def _pattern_schema() -> dict[str, Any]:
    """Return the schema of a pattern: tags in which ``$`` stands for what each device fills in."""
    schema = models.Pattern.model_json_schema(by_alias=True)
    tag = models.Tag.model_json_schema(by_alias=True)
    parts: dict[str, Any] = {name: _fillable(part) for name, part in tag.pop("$defs").items()}
    for part in (parts["Input"], parts["Output"]):
        del part["properties"]["device"]  # stands at the device's entry
        part["required"] = [name for name in part.get("required", []) if name != "device"]
    own = _fillable(tag)
    own["required"] = [name for name in own["required"] if name != "title"]
    (suffix,) = schema["properties"]["tags"]["patternProperties"]
    schema["properties"]["tags"]["patternProperties"] = {suffix: own}
    return {"$schema": _DIALECT, **schema, "$defs": schema["$defs"] | parts}


def _fillable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return ``schema`` with each value replaceable by a text with ``$``."""
    filled = dict(schema)
    for name, part in schema.get("properties", {}).items():
        filled["properties"] = {**filled["properties"], name: {"anyOf": [_fillable(part), _FILLED]}}
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            filled[name] = {"anyOf": [_fillable(schema[name]), _FILLED]}
    if "anyOf" in schema:
        filled["anyOf"] = [_fillable(branch) for branch in schema["anyOf"]]
    return filled


def write_schemas(folder: Path) -> None:
    """Write the schemas into ``folder`` (``config/schema``), made if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (folder / name).write_text(schema_text(schema), encoding="utf-8")


def schema_text(schema: dict[str, Any]) -> str:
    """Return a schema as it stands in its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
