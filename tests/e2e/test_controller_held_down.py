"""A controller that stays away longer than the PLC watchdog: the plant is safe, and stays so until a reset."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from controller.core.command import Action, Command, Role
from controller.core.compiler import compile_plan
from controller.core.config import load
from controller.core.plan import Mode, TripState
from controller.link.client import LinkClient
from tests.e2e.running import Places, running
from wte.folders import shipped_plant

pytestmark = pytest.mark.timeout(120)


async def test_fail_positions_then_a_latched_trip_then_a_reset_by_an_operator(tmp_path: Path) -> None:
    places = Places(tmp_path)
    plan = compile_plan(load(shipped_plant()))
    trip, release = plan.row("L1-UZ-45.STATE"), plan.row("L1-XC-1300")
    control = ["control", "--state", str(places.state_dir), *places.device_options]
    with running(["sim", *places.device_options], tmp_path / "sim") as sim:
        sim.wait_for("ready")
        with running(control, tmp_path / "first") as first:
            first.wait_for("ready")
            async with LinkClient(places.state_dir / "link") as link:
                frame = await link.next_frame()
                assert frame.value[release] == 1.0
                assert frame.value[trip] == TripState.HEALTHY
            await asyncio.sleep(1.0)
            os.kill(first.process.pid, signal.SIGKILL)
        await asyncio.sleep(plan.watchdog_ns * 1e-9 + 1.0)
        with running(control, tmp_path / "second") as second:
            second.wait_for("ready")
            async with LinkClient(places.state_dir / "link") as link:
                frame = await link.next_frame()
                frame = await link.next_frame()
                assert frame.value[trip] in {TripState.LATCHED, TripState.RESETTABLE}
                assert frame.value[release] == 0.0, "the PLC took the fire away, and the trip keeps it so"
                modes = frame.value[plan.loops.members["MODE_ACT"]]
                assert set(modes) <= {float(Mode.MAN), float(Mode.LO), float(Mode.IMAN)}
                await asyncio.sleep(1.0)
                answer = await link.send(
                    Command("reset", "L1-UZ-45", action=Action.RESET, user="operator", role=Role.OPERATOR)
                )
                assert answer.is_accepted, answer.text
                frame = await link.next_frame()
                frame = await link.next_frame()
                assert frame.value[trip] == TripState.HEALTHY
                assert frame.value[release] == 0.0, "after a reset nothing starts by itself"
            code, _ = second.end()
            assert code == 0
        code, _ = sim.end()
        assert code == 0
