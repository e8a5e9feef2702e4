"""Folders are found, locked and refused in words; the larger plant of the bench is a plant."""

import stat
from pathlib import Path

import pytest

from controller.core.compiler import compile_plan
from controller.core.config import Config, load
from controller.core.errors import PlantError
from controller.core.event import EventKind
from controller.core.plan import Mode
from wte.bench import Repeated, enlarge
from wte.folders import only_user, prepare_state, shipped_plant, state_folder
from wte.launch import is_loopback
from wte.rig import Rig


def test_the_shipped_plant_is_found() -> None:
    assert (shipped_plant() / "plant.yaml").is_file()


def test_the_state_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_folder("almaty") == tmp_path / "wte" / "almaty"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert state_folder("almaty") == Path.home() / ".local" / "state" / "wte" / "almaty"


def test_a_new_state_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    prepare_state(tmp_path / "state")
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert not list((tmp_path / "state").iterdir())


def test_a_state_folder_has_one_user_at_a_time_and_is_free_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with only_user(tmp_path), pytest.raises(PlantError, match="in use by another wte run"), only_user(tmp_path):
            pytest.fail("two users")


@pytest.mark.parametrize(
    ("endpoint", "is_local"),
    [
        ("opc.tcp://127.0.0.1:4840/wte", True),
        ("opc.tcp://localhost:4840/wte", True),
        ("opc.tcp://[::1]:4840/wte", True),
        ("opc.tcp://0.0.0.0:4840/wte", False),
        ("opc.tcp://192.0.2.7:4840/wte", False),
        ("opc.tcp://plant.example:4840/wte", False),
    ],
)
def test_only_loopback_endpoints_may_be_open(endpoint: str, is_local: bool) -> None:
    assert is_loopback(endpoint) is is_local


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return load(enlarge(shipped_plant(), 10, tmp_path_factory.mktemp("bench") / "large"))


def test_the_larger_plant_is_ten_times_the_lines_without_a_mistake(large: Config) -> None:
    shipped, plan = compile_plan(load(shipped_plant())), compile_plan(large)
    lines = sum(row.instance.startswith("L") for row in shipped.tags.rows)
    assert sum(row.instance.startswith("L") for row in plan.tags.rows) == 10 * lines
    assert len({device.port for device in plan.devices}) == len(plan.devices)


def test_the_added_lines_see_the_first_one_and_move_nothing(large: Config) -> None:
    rig = Rig(large, io=Repeated(Rig(), large))
    rig.run(1.0)
    rig.command("L3-FIC-1601.MODE", Mode.MAN)
    rig.command("L3-FIC-1601.OP", 0.0)
    rig.run(5.0)
    for tag in ("LT-1401A", "FT-1501", "FV-1601.ZT"):
        assert rig.read(f"L20-{tag}") == rig.read(f"L3-{tag}") == rig.read(f"L1-{tag}")
    position, other = rig.read("L1-FV-1601.ZT").value, rig.read("L2-FV-1601.ZT").value
    assert position is not None
    assert position > 40.0
    assert position != other
    assert not [event for event in rig.events if event.kind is EventKind.TRIP_LATCHED]
