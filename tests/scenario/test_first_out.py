"""Faults of the plant with all rows live and no operator: which row comes first, and that no other latches with it."""

import pytest

from controller.core.event import EventKind
from wte.rig import Rig

ARMED_S = 20.0  # the ID fan's row is armed after 10 s of run feedback

FAST = (
    ("F9", {"line": "L1"}, 15.0, ["L1-UZ-07"]),
    ("F11", {"line": "L1"}, 20.0, ["L1-UZ-08"]),
    ("F18", {}, 15.0, ["C0-UZ-35"]),
    ("F22", {"line": "L1"}, 20.0, ["L1-UZ-24"]),
    ("F4", {"line": "L1"}, 20.0, ["L1-UZ-25"]),
    ("F8b", {}, 10.0, ["C0-UZ-12"]),
)
SLOW = (
    ("F8", {"line": "L1"}, 200.0, ["L1-UZ-03"]),
    ("F13", {"line": "L1"}, 300.0, []),
    ("F14", {"line": "L1"}, 300.0, []),
    ("F21", {}, 300.0, []),
    ("F31", {}, 660.0, ["C0-UZ-39"]),
)


def latched(name: str, where: dict[str, str], seconds: float) -> list[str]:
    rig = Rig()
    rig.run(ARMED_S)
    rig.fault(name, **where)
    rig.run(seconds)
    return [event.source for event in rig.events if event.kind is EventKind.TRIP_LATCHED]


@pytest.mark.parametrize(("name", "where", "seconds", "rows"), FAST, ids=str)
def test_a_fault_trips_its_row_and_no_other(name: str, where: dict[str, str], seconds: float, rows: list[str]) -> None:
    assert latched(name, where, seconds) == rows


@pytest.mark.long
@pytest.mark.parametrize(("name", "where", "seconds", "rows"), SLOW, ids=str)
def test_a_slow_fault_trips_its_row_and_no_other(
    name: str, where: dict[str, str], seconds: float, rows: list[str]
) -> None:
    assert latched(name, where, seconds) == rows


def test_the_loss_of_the_grid_makes_an_island_and_trips_nothing() -> None:
    rig = Rig()
    rig.run(ARMED_S)
    rig.fault("F20")
    rig.run(20.0)
    acted = [event.source for event in rig.events if event.kind in {EventKind.TRIP_ACTED, EventKind.TRIP_LATCHED}]
    assert acted == ["C0-UZ-36"]
    assert rig.read("C0-XC-3204").value == 1.0
