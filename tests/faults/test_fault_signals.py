"""Faults of transmitters and of the link to the controller: what they change, and that the process does not notice.

What the vote, the median and the watchdog make of it are the tests of the controller and of the simulated PLCs.
"""

import numpy as np
import pytest

from tests.fault_stage import Stage

DEVICES = ("L1", "L2", "C0", "CEMS-1", "CEMS-2")


def silent(s: Stage) -> list[str]:
    """Return the devices that do not answer."""
    effect = s.faults.effects["device.silent"]
    return [name for name, row in effect.rows.items() if effect.array[row, 0]]


def test_f13_one_thermocouple_of_three_drifts_away() -> None:
    s, other = Stage(), Stage()
    s.fault("F13", line="L1", minutes=1.0).run(30.0)
    assert s.bias("L1-TT-1310A") == pytest.approx(-20.0, abs=0.1)
    s.run(60.0)
    other.run(90.0)
    assert [s.bias(f"L1-TT-1310{channel}") for channel in "ABC"] == [-40.0, 0.0, 0.0]
    assert np.array_equal(s.plant.signals, other.plant.signals)


def test_f14_a_frozen_level_transmitter_keeps_its_value() -> None:
    s = Stage(None).fault("F14", line="L2")
    assert [s.is_frozen(f"L2-LT-1401{channel}") for channel in "ABC"] == [True, False, False]
    assert not s.is_frozen("L1-LT-1401A")
    s.clear("F14")
    assert not s.is_frozen("L2-LT-1401A")


def test_f35_no_plc_hears_the_controller_for_a_while() -> None:
    s = Stage(None).fault("F35", seconds=1.5)
    assert silent(s) == list(DEVICES)
    s.run(1.4)
    assert silent(s) == list(DEVICES)
    s.run(0.2)
    assert silent(s) == []
