"""The simulator dies and comes back: what the controller makes of a plant whose PLCs it cannot reach."""

import time

import numpy as np
import pytest

from controller.core.plan import Mode
from controller.core.quality import BAD
from tests.e2e.plant import Plant, frame_when, linked, settled

BUMP_PCT = 0.5  # of an output's span
pytestmark = pytest.mark.timeout(180)


async def test_a_killed_simulator_makes_values_bad_sheds_loops_trips_as_the_rows_say_and_returns_without_a_bump(
    plant: Plant,
) -> None:
    async with linked(plant) as link:
        await settled(plant, link)
        levels = [plant.row(f"{line}-LT-1401A") for line in ("L1", "L2")]
        plant.run.kill("sim")
        killed = time.monotonic_ns()
        bad = await frame_when(link, lambda f: bool((f.quality[levels] >= BAD).all()), 5.0)
        assert bad.mono - killed <= 1_000_000_000
        mode = plant.row("L1-LIC-1401.MODE_ACT")
        await frame_when(link, lambda f: f.value[mode] == Mode.MAN, 2.0)
        back = await frame_when(link, lambda f: bool((f.quality[levels] < BAD).all()), 20.0)
        # An unknown watchdog counts as acted: each line is tripped and stays so until an operator resets it.
        assert {"L1-UZ-45", "L2-UZ-45"} <= set(plant.trips(back))
        valves = [plant.row(f"{line}-FV-1601.OP") for line in ("L1", "L2")]  # no row forces these
        for _ in range(20):
            after = await link.next_frame()
            assert np.abs(after.value[valves] - back.value[valves]).max() < BUMP_PCT
