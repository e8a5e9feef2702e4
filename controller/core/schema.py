"""JSON Schemas of the configuration files, so that editors complete keys and mark mistakes while people type.

The first line of each YAML file names its schema. The schemas know one file at a time; what needs all of them is
checked by ``controller.core.config``.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from controller.core import models

_FILES: dict[str, type[BaseModel]] = {"plant.json": models.Plant, "section.json": models.Section}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schema of each kind of file by its file name."""
    return {name: {"$schema": _DIALECT, **model.model_json_schema(by_alias=True)} for name, model in _FILES.items()}


def write_schemas(folder: Path) -> None:
    """Write the schemas into ``folder`` (``config/schema``), made if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (folder / name).write_text(schema_text(schema), encoding="utf-8")


def schema_text(schema: dict[str, Any]) -> str:
    """Return a schema as it stands in its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
