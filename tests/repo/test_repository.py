"""The repository itself: what people read is complete and true, and nothing in it points outside."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

MAX_LINES = 400
WRITTEN_BY_PROGRAMS = ("docs/validation.md", "docs/control")  # how their paths begin
LOCKS = {"requirements.lock", "package-lock.json"}
RULES = 12
FORBIDDEN = {
    "a registry's host": re.compile(r"(pypi\.org|pythonhosted\.org|npmjs\.(org|com)|deb\.debian\.org)", re.IGNORECASE),
    "a machine's path": re.compile(r"(?<![\w.])/(work|root|opt/pypi|home/\w+)/"),
    "a folder outside": re.compile(r"\.\./shared\b"),
    "how it was made": re.compile(r"\b(as the issue (says|demands)|issue #?\d+|TODO|FIXME|XXX)\b"),
}


def tracked(repository: Path) -> list[Path]:
    """Return every file that is, or would be, under version control."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=repository, check=True, capture_output=True, text=True,
    )  # fmt: skip
    files = [repository / name for name in listed.stdout.splitlines()]
    return [file for file in files if file.is_file() and file.suffix not in {".png", ".der", ".bin"}]


def test_nothing_points_outside_the_repository(repository: Path) -> None:
    found: list[str] = []
    for file in tracked(repository):
        if file == Path(__file__):
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            found += [
                f"{file.relative_to(repository)}:{number}: {what}: {line.strip()[:100]}"
                for what, pattern in FORBIDDEN.items()
                if pattern.search(line)
            ]
    assert not found, "\n".join(found)


def test_every_source_file_is_short(repository: Path) -> None:
    long = {
        str(file.relative_to(repository)): count
        for file in tracked(repository)
        if file.suffix in {".py", ".js", ".mjs", ".md", ".sh"}
        and not str(file.relative_to(repository)).startswith(WRITTEN_BY_PROGRAMS)
        and (count := len(file.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    }
    assert not long


def test_decisions_are_numbered_without_a_gap_and_complete(repository: Path) -> None:
    pages = sorted((repository / "docs/adr").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        assert re.fullmatch(r"\d{4}-[a-z0-9]+(-[a-z0-9]+)*\.md", page.name), page.name
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(page.name[:4])}. "), f"{page.name}: the heading carries the number"
        for heading in ("## Context", "## Decision", "## Consequences"):
            assert heading in text, f"{page.name}: {heading} is missing"
        assert re.search(r"^(Accepted|Superseded by \d{4}), \d{4}-\d\d-\d\d$", text, re.MULTILINE), page.name


def test_quality_page_judges_each_house_rule(repository: Path) -> None:
    rules = yaml.safe_load((repository / "docs/quality.yaml").read_text(encoding="utf-8"))
    assert len(rules) == RULES
    for name, entry in rules.items():
        assert set(entry) == {"rule", "status", "comment"}, name
        assert entry["status"] in {"done", "todo", "exempt"}, name
        assert entry["comment"], name


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md", "docs/how-to/contribute.md", "tests/README.md"])
def test_links_lead_somewhere(repository: Path, page: str) -> None:
    text = (repository / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (repository / page).parent.joinpath(target).exists(), f"{page}: {target} does not exist"


def test_how_to_pages_end_with_the_test_to_run(repository: Path) -> None:
    for page in (repository / "docs/how-to").glob("*.md"):
        end = page.read_text(encoding="utf-8").rstrip()[-400:]
        assert "make test" in end or "pytest" in end, f"{page.name} does not say which test to run"


def test_lock_file_covers_every_dependency_with_hashes(repository: Path) -> None:
    lock = (repository / "requirements.lock").read_text(encoding="utf-8")
    project = (repository / "pyproject.toml").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-zA-Z0-9])", lock[lock.index("\n") :])
    locked = {block.split("==")[0].lower() for block in blocks if "==" in block}
    wanted = {name.lower() for name in re.findall(r'^    "([A-Za-z0-9_-]+)[=><]', project, re.MULTILINE)}
    assert wanted <= locked, wanted - locked
    assert all("--hash=sha256:" in block for block in blocks if "==" in block.split("\n")[0])
