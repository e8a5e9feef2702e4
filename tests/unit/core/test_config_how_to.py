"""The examples of the how-to pages load as they are printed, in a copy of the shipped plant."""

import re
import shutil
from pathlib import Path

import pytest

from controller.core.config import load

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("page", "keys"),
    [
        ("add-a-tag.md", {"L1-TT-1609A", "L1-TT-1609", "L1-TT-1609.DEV", "L2-TDY-1609"}),
        ("add-equipment.md", {"L1-FV-1609.OP", "L2-FV-1609.ZT"}),
        ("add-a-loop.md", {"L1-PIC-1541", "L2-PIC-1541"}),
        ("add-a-trip.md", {"L1-TT-1610B", "L1-UZ-99", "L2-UZ-99"}),
    ],
)
def test_the_example_of_a_page_loads_as_printed(page: str, keys: set[str], tmp_path: Path) -> None:
    text = (ROOT / "docs" / "how-to" / page).read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    folder = tmp_path / "plant"
    shutil.copytree(ROOT / "config" / "almaty", folder)
    (folder / "line" / "example.yaml").write_text(example, encoding="utf-8")
    config = load(folder)
    assert keys <= {*config.tags, *config.loops, *config.protection}


@pytest.mark.parametrize("page", ["add-a-tag.md", "add-equipment.md", "add-a-loop.md", "add-a-trip.md"])
def test_every_page_ends_with_a_test_that_exists(page: str) -> None:
    last = (ROOT / "docs" / "how-to" / page).read_text(encoding="utf-8").rstrip().splitlines()[-1]
    assert last.startswith("The test to run: `.venv/bin/python -m pytest ")
    for path in re.findall(r"tests/\S+?(?=[\s`])", last):
        assert (ROOT / path).exists()
