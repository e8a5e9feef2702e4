"""What cannot work is refused at once, with a message for the person who can put it right, and no traceback."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.e2e.running import WTE, Places, running, wait_until
from wte.folders import shipped_plant

pytestmark = pytest.mark.timeout(120)


def wte(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself."""
    return subprocess.run([*WTE, *words], check=False, capture_output=True, text=True, input=stdin, timeout=60)


def test_a_configuration_with_mistakes_names_each_line_and_starts_nothing(tmp_path: Path) -> None:
    plant = tmp_path / "plant"
    shutil.copytree(shipped_plant(), plant)
    drum = plant / "line" / "drum.yaml"
    drum.write_text(drum.read_text(encoding="utf-8").replace("action: reverse", "action: backwards", 1))
    (plant / "common" / "wrong.yaml").write_text("tags: {")
    for command in (("check", str(plant)), ("run", "--plant", str(plant), "--state", str(tmp_path / "state"))):
        done = wte(*command)
        assert done.returncode == 2
        assert "line/drum.yaml:" in done.stderr
        assert "common/wrong.yaml:" in done.stderr
        assert "2 mistakes" in done.stderr
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "state").exists()


def test_a_plant_folder_that_is_none_says_what_a_plant_is(tmp_path: Path) -> None:
    done = wte("check", str(tmp_path / "nowhere"))
    assert done.returncode == 2
    assert "plant.yaml" in done.stderr


def test_a_state_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    done = wte("run", "--state", str(tmp_path / "file" / "state"))
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "--state" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("text", ["L1", "L1=127.0.0.1", "L1=127.0.0.1:x", "=127.0.0.1:5020", "X9=127.0.0.1:5020"])
def test_a_device_option_that_means_nothing_says_what_was_expected(text: str) -> None:
    done = wte("sim", "--device", text)
    assert done.returncode == 2
    assert "expected NAME=HOST:PORT" in done.stderr or "the plant has no X9" in done.stderr


@pytest.mark.long  # whole starts of three processes
@pytest.mark.parametrize("taken", ["a PLC's port", "the OPC UA port"])
def test_a_port_in_use_ends_the_start_with_its_name(tmp_path: Path, taken: str) -> None:
    places = Places(tmp_path)
    port = places.devices["L2"] if taken == "a PLC's port" else places.endpoint_port
    with socket.create_server(("127.0.0.1", port)), running(places.run_options, tmp_path / "out") as run:
        assert run.process.wait(60) == 1
    assert str(port) in run.text
    assert "in use" in run.text
    assert "Traceback" not in run.text
    assert not run.children()


def test_only_one_run_uses_a_state_folder(tmp_path: Path) -> None:
    places = Places(tmp_path)
    with running(places.run_options, tmp_path / "first") as first:
        first.wait_for("PLCs")
        second = wte(*places.run_options)
        assert second.returncode == 1
        assert f"process {first.process.pid}" in second.stderr
        code, _ = first.end()
        assert code == 0


def test_users_are_added_changed_listed_and_removed(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "state"))
    assert wte("users", "add", "aigerim", "--role", "shift_lead", *state, stdin="long enough\n").returncode == 0
    assert "aigerim" in wte("users", "list", *state).stdout
    assert wte("users", "passwd", "aigerim", "--random", *state).returncode == 0
    assert wte("users", "remove", "aigerim", *state).returncode == 0
    refused = wte("users", "remove", "aigerim", *state)
    assert refused.returncode == 1
    assert "unknown" in refused.stderr
    short = wte("users", "add", "berik", "--role", "viewer", *state, stdin="short\n")
    assert short.returncode == 1
    assert "8 characters" in short.stderr


def test_a_certificate_nobody_has_seen_cannot_be_trusted(tmp_path: Path) -> None:
    done = wte("certs", "trust", "3f9a", "--state", str(tmp_path / "state"))
    assert done.returncode == 1
    assert "not there" in done.stderr


@pytest.mark.long  # whole starts of three processes
def test_a_plant_whose_launcher_is_killed_ends_by_itself_as_planned(tmp_path: Path) -> None:
    places = Places(tmp_path)
    with running(places.run_options, tmp_path / "out") as run:
        run.wait_for("clients")
        children = run.children()
        run.process.kill()
        run.process.wait()
        wait_until(lambda: not any(is_alive(pid) for pid in children.values()), 6.0, lambda: f"{children} live on")
    log = (places.state_dir / "log" / "control.jsonl").read_text(encoding="utf-8")
    assert '"end": "planned"' in log


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that has ended but was not collected by its new parent does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
