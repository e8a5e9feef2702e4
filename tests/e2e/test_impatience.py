"""People press Ctrl-C twice, and kernels send a signal twice: the end is the same."""

import json
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.running import Places, running

pytestmark = pytest.mark.timeout(60)


def test_a_second_signal_does_not_cut_the_end_short(tmp_path: Path) -> None:
    places = Places(tmp_path)
    with running(["sim", *places.device_options], tmp_path / "sim") as sim:
        sim.wait_for("ready")
        control = ["control", "--state", str(places.state_dir), *places.device_options]
        with running(control, tmp_path / "control") as run:
            run.wait_for("ready")
            run.process.send_signal(signal.SIGTERM)
            time.sleep(0.01)  # the end has begun: its last writes are on their way
            run.process.send_signal(signal.SIGTERM)
            assert run.process.wait(5.0) == 0
        stopped = [json.loads(line) for line in run.text.splitlines() if '"controller_stopped"' in line]
        assert [line["end"] for line in stopped] == ["planned"]
