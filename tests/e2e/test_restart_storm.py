"""A controller that keeps dying is not started for ever: it stays down, says so, and the rest goes on."""

from pathlib import Path

import pytest

from tests.e2e.running import Places, running, wait_until

KILLS = 5  # the sixth start within 60 s is one too many
pytestmark = [pytest.mark.timeout(120), pytest.mark.long]


def test_the_sixth_start_in_a_minute_is_refused_and_the_operators_keep_their_screens(tmp_path: Path) -> None:
    places = Places(tmp_path)
    log = places.state_dir / "log" / "control.jsonl"

    def starts() -> int:
        return log.read_text(encoding="utf-8").count('"event": "ready"') if log.exists() else 0

    with running(places.run_options, tmp_path / "out") as run:
        run.wait_for("clients")
        for number in range(KILLS):
            wait_until(lambda n=number: starts() == n + 1, 30.0, lambda: run.text)
            run.kill("control")
        run.wait_for("refused")
        assert "starts" in log.read_text(encoding="utf-8").splitlines()[-1]
        assert set(run.children()) == {"sim", "serve"}
        assert "Traceback" not in run.text
        code, _ = run.end()
        assert code == 0
