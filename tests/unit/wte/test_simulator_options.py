"""What people type to start a simulated plant: places, faults, snapshots."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from controller.core.config import Config, load
from controller.core.errors import PlantError
from wte.cli import app
from wte.service import _fault, placed, places_of

ALMATY = Path(__file__).parents[3] / "config" / "almaty"


@pytest.fixture(scope="module")
def almaty() -> Config:
    return load(ALMATY)


def test_the_maintenance_device_is_moved_like_any_other(almaty: Config) -> None:
    moved = placed(almaty, {"L2": ("10.0.0.2", 502), "SIM": ("10.0.0.9", 5555)})
    assert places_of(moved)["SIM"] == ("10.0.0.9", 5555)
    assert places_of(moved)["L2"] == ("10.0.0.2", 502)
    assert places_of(moved)["L1"] == places_of(almaty)["L1"]
    assert placed(load(ALMATY), places_of(moved)).plant == moved.plant


def test_a_plant_without_a_maintenance_device_gets_one_when_it_is_given_a_place(almaty: Config) -> None:
    bare = Config(
        almaty.folder, almaty.plant.model_copy(update={"simulator": None}), almaty.hash, almaty.tags, almaty.loops,
        almaty.actions, almaty.protection, almaty.process,
    )  # fmt: skip
    assert "SIM" not in places_of(placed(bare, places_of(bare)))
    assert places_of(placed(bare, {"SIM": ("127.0.0.1", 7)}))["SIM"] == ("127.0.0.1", 7)


def test_where_the_maintenance_device_stands_is_no_other_configuration(almaty: Config) -> None:
    assert placed(almaty, {"SIM": ("10.0.0.9", 5555)}).hash == almaty.hash


def test_a_fault_is_typed_as_its_name_and_arguments() -> None:
    assert _fault("waste line=L1 percent=-20") == ("waste", {"line": "L1", "percent": -20.0})
    assert _fault("F5  t_h=1e1 ") == ("F5", {"t_h": 10.0})
    assert _fault("disturbance on=torn_bags/L1/3 value=2") == ("disturbance", {"on": "torn_bags/L1/3", "value": 2.0})
    assert _fault("device_silent") == ("device_silent", {})


@pytest.mark.parametrize("words", ["waste L1", "waste percent=", "waste =5"])
def test_a_fault_that_cannot_be_read_is_refused_with_an_example(words: str) -> None:
    with pytest.raises(PlantError, match=r"expected ARGUMENT=VALUE, like tag=L1-LT-1401A or percent=-20"):
        _fault(words)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--snapshot", "x", "--initial", "60%"], "leave out --initial"),
        (["--snapshot", "x", "--seed", "3", "--initial", "60%"], "leave out --initial and --seed"),
        (["--device", "L9=127.0.0.1:1"], "it has L1, L2, C0, CEMS-1, CEMS-2, SIM"),
    ],
)
def test_options_that_contradict_each_other_are_refused(words: list[str], text: str) -> None:
    result = CliRunner().invoke(app, ["sim", *words], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert text in " ".join(result.output.replace("│", " ").split())


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--snapshot", "nowhere.snapshot"], "nowhere.snapshot: cannot be read: No such file or directory"),
        (["--fault", "transmitter_bat tag=L1-LT-1401A"], "no fault 'transmitter_bat'; there are F1, F2, F3"),
        (["--fault", "F5 line=L9"], "; there are L1, L2"),
        (["--fault", "waste percent=-101"], "fault waste: percent -101 is outside -30..40"),
        (["--speed", "2000"], "speed 2000: expected 0.1 to 1000"),
    ],
)
def test_a_start_that_is_impossible_says_what_is_possible(
    words: list[str], text: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    begins = [] if "--snapshot" in words else ["--initial", "cold"]
    result = CliRunner().invoke(app, ["sim", "--state", str(tmp_path), *begins, *words])
    assert result.exit_code == 1
    assert text in capfd.readouterr().err + result.output
