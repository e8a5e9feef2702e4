"""The pages of the control strategy say what the configuration says."""

from pathlib import Path

import pytest

from controller.core.config import load
from wte.strategy import page

INDEX = Path("docs/control.md")


@pytest.fixture(scope="module")
def fresh(repository: Path) -> dict[str, str]:
    return page.texts(load(repository / "config" / "almaty"), INDEX.stem, {})


def test_pages_and_drawings_are_those_of_the_configuration(repository: Path, fresh: dict[str, str]) -> None:
    folder = repository / INDEX.parent
    old = [
        name
        for name, text in fresh.items()
        if not (folder / name).is_file()
        or page.without_measured((folder / name).read_text(encoding="utf-8")) != page.without_measured(text)
    ]
    assert not old, f"the configuration has changed: make strategy writes {', '.join(sorted(old)[:5])} anew"


def test_there_is_no_page_of_what_is_gone(repository: Path, fresh: dict[str, str]) -> None:
    folder = repository / INDEX.with_suffix("")
    here = {f"{INDEX.stem}/{path.name}" for path in folder.iterdir()}
    assert here <= set(fresh), "make strategy"


def test_no_loop_is_unstable_on_the_process_that_it_declares(fresh: dict[str, str]) -> None:
    wrong = [f"{name}: {line}" for name, text in fresh.items() for line in text.splitlines() if "**unstable**" in line]
    assert not wrong, "\n".join(wrong)


def test_links_of_the_pages_lead_to_loops(repository: Path, fresh: dict[str, str]) -> None:
    del repository
    for name, text in fresh.items():
        for target in page.links(text):
            file, _, anchor = target.partition("#")
            path = str((Path(name).parent / file).as_posix()) if file else name
            path = path.replace(f"{INDEX.stem}/../", "")
            assert path in fresh, f"{name}: {target}"
            if anchor:
                assert f"## {anchor.upper()}\n" in fresh[path], f"{name}: {target}"


def test_every_loop_of_the_plant_is_on_a_page(repository: Path, fresh: dict[str, str]) -> None:
    config = load(repository / "config" / "almaty")
    sections = [line for text in fresh.values() for line in text.splitlines() if line.startswith("## ")]
    for loop in config.loops.values():
        assert f"## {loop.key.removeprefix(f'{loop.instance}-')}" in sections
