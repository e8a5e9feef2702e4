"""The JSON Schemas for editors are those of the models."""

from pathlib import Path

import pytest

from controller.core.schema import schema_text, schemas, write_schemas

CONFIG = Path(__file__).parents[3] / "config"
REWRITE = (
    "from pathlib import Path; from controller.core.schema import write_schemas; write_schemas(Path('config/schema'))"
)


@pytest.mark.parametrize("name", ["plant.json", "section.json"])
def test_the_committed_schema_is_current(name: str) -> None:
    committed = (CONFIG / "schema" / name).read_text(encoding="utf-8")
    assert committed == schema_text(schemas()[name]), (
        f'the models have changed; write the schemas again: python -c "{REWRITE}"'
    )


def test_the_schemas_are_written_where_they_are_wanted(tmp_path: Path) -> None:
    write_schemas(tmp_path / "new")
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == sorted(schemas())


def test_every_shipped_file_names_its_schema() -> None:
    for file in sorted((CONFIG / "almaty").rglob("*.yaml")):
        first = file.read_text(encoding="utf-8").splitlines()[0]
        place = first.removeprefix("# yaml-language-server: $schema=")
        assert (file.parent / place).resolve().parent == (CONFIG / "schema").resolve(), file
        assert (file.parent / place).is_file()


def test_a_tag_is_written_with_the_key_bool() -> None:
    tag = schemas()["section.json"]["$defs"]["Tag"]
    assert "bool" in tag["properties"]
    assert "bool_" not in tag["properties"]
    assert tag["additionalProperties"] is False
