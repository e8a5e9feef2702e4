"""Loops of a line take a running plant over without a bump, and leave a standing one alone."""

import numpy as np
import pytest

from tests.takeover import AUTOMATIC, BUMP_PCT, assert_taken_over
from wte.rig import Rig

TAKEN_OVER = [
    "UIC-1001",
    "XIC-1005",
    "LIC-1102",
    "HIC-1005",
    "XIC-1101",
    "XIC-1102",
    "XIC-1103",
    "XIC-1104",
    "PIC-1110",
    "FIC-1111",
    "FIC-1112",
    "FIC-1113",
    "FIC-1114",
    "FIC-1115",
    "TIC-1120",
    "FIC-1210",
    "AIC-1601",
    "PIC-1301",
    "TIC-1310",
    "LIC-1401",
    "FIC-1601",
    "TIC-1503",
    "TIC-1521",
    "ZIC-1521",
    "TIC-1520",
    "TIC-1511",
    "TIC-1010",
    "LIC-1121",
    "LIC-3801",
]
OUTPUTS = [
    "SC-1005",
    "SC-1101",
    "SC-1102",
    "SC-1103",
    "SC-1104",
    "FV-1111.OP",
    "FV-1112.OP",
    "FV-1113.OP",
    "FV-1114.OP",
    "FV-1115.OP",
    "TV-1120A.OP",
    "TV-1120B.OP",
    "K-1110.SPD_SP",
    "K-1210.SPD_SP",
    "K-2401.SPD_SP",
    "FV-1601.OP",
    "FV-1602.OP",
    "TV-1511.OP",
    "TV-1521.OP",
    "TV-1010.OP",
    "LV-1121.OP",
]


def keys(names: list[str]) -> list[str]:
    return [f"{line}-{name}" for line in ("L1", "L2") for name in names]


@pytest.mark.parametrize(
    "load", ["100%", pytest.param("60%", marks=pytest.mark.long), pytest.param("110%", marks=pytest.mark.long)]
)
def test_a_running_line_is_taken_over_without_a_bump(load: str) -> None:
    assert_taken_over(Rig(initial=load, seed=5), keys(OUTPUTS), keys(TAKEN_OVER))


@pytest.mark.parametrize("state", ["cold", "hot standby"])
def test_a_standing_line_waits_in_manual(state: str) -> None:
    rig = Rig(initial=state, seed=5)
    rig.run(20.0)
    outputs = [name for name in OUTPUTS if name != "K-1210.SPD_SP"]  # a trip takes it to purge
    assert np.abs(rig.read_many(keys(outputs))).max() < BUMP_PCT
    waiting = [name for name in TAKEN_OVER if not name.startswith(("LIC-1401", "FIC-1601", "LIC-3801"))]
    for loop in keys(waiting):
        assert rig.read(f"{loop}.MODE_ACT").value not in AUTOMATIC, loop
