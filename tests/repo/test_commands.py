"""What the documents tell people to type exists and works."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from wte.cli import app

PAGES = ("README.md", "docs/architecture.md", "docs/how-to/contribute.md", "tests/README.md")
GROUPS = {"users": {"add", "remove", "passwd", "list"}, "certs": {"list", "trust", "reject"}}


def commands() -> set[str]:
    return set(getattr(get_command(app), "commands"))  # noqa: B009  click's group is untyped here


def test_every_wte_command_in_the_documents_exists(repository: Path) -> None:
    for page in PAGES:
        text = (repository / page).read_text(encoding="utf-8")
        for word in re.findall(r"(?:`|\.venv/bin/)wte ([a-z]+)", text):
            assert word in commands(), f"{page}: wte {word}"


def test_every_path_in_the_documents_exists(repository: Path) -> None:
    for page in PAGES:
        text = (repository / page).read_text(encoding="utf-8")
        for name in re.findall(r"`((?:controller|hmi_server|plc_sim|wte|config|tests)/[\w./-]+)`", text):
            assert (repository / name).exists(), f"{page}: {name}"


def test_every_make_target_in_the_documents_exists(repository: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (repository / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"run", "test", "test-long", "lint", "lock", "bench"} <= targets
    for page in PAGES:
        for word in re.findall(r"(?:`|^)make ([a-z-]+)", (repository / page).read_text(encoding="utf-8"), re.MULTILINE):
            assert word in targets, f"{page}: make {word}"


@pytest.mark.parametrize("command", sorted(commands() - set(GROUPS)))
def test_every_command_has_an_example_in_its_help(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert f"Example: wte {command}" in result.output


@pytest.mark.parametrize(("group", "command"), [(g, c) for g, cs in GROUPS.items() for c in sorted(cs)])
def test_every_command_of_a_group_has_an_example_in_its_help(group: str, command: str) -> None:
    result = CliRunner().invoke(app, [group, command, "--help"])
    assert result.exit_code == 0
    assert f"Example: wte {group} {command}" in result.output


def test_every_shipped_scenario_can_be_read(repository: Path) -> None:
    from wte.scenario import load_scenario  # noqa: PLC0415  with its imports only here

    files = sorted((repository / "scenarios").glob("*.yaml"))
    assert files
    for file in files:
        assert load_scenario(file).expect


def test_the_wheel_carries_the_plant_and_runs_from_any_folder(repository: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns(".git", ".venv", "node_modules", "__pycache__", ".*_cache", "out", "dist")
    shutil.copytree(repository, source, ignore=ignored)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    shutil.rmtree(source)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    program = "from wte.folders import shipped_plant; from wte.cli import main; print(shipped_plant()); main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, "check"],
        cwd=elsewhere, env={"PYTHONPATH": str(tmp_path / "site"), "COLUMNS": "120"},
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path / "site" / "wte" / "plants")), done.stdout
    assert "no mistakes" in done.stdout
