"""mbpoll, a Modbus master written by other people on libmodbus, against the simulated PLCs."""

import asyncio
import re
from pathlib import Path

import pytest

from controller.core.config import load
from tests.interop.simulated_plcs import ANSWER_S, HOST, foreign_program, served

pytestmark = pytest.mark.foreign

ALMATY = Path(__file__).parents[2] / "config" / "almaty"
HALF_SCALE = 13824  # counts of 0 mm in -350..350 mm


@pytest.fixture
def mbpoll() -> str:
    return foreign_program("mbpoll")


async def ask(program: str, port: int, *words: str) -> tuple[int, str]:
    """Run mbpoll once, PDU addressing; return its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        program, "-m", "tcp", "-p", str(port), "-a", "1", "-0", "-1", "-q", *words[:-1], HOST, *words[-1].split(),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(ANSWER_S):
        out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


def values(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"^\[\d+\]:\s+(-?[\d.]+)", text, re.MULTILINE)]


async def test_mbpoll_reads_levels_and_moves_a_valve(mbpoll: str) -> None:
    async with served(load(ALMATY)) as plc:
        port = plc.ports["L1"]
        code, text = await ask(mbpoll, port, "-t", "3", "-r", "100", "-c", "3", "")
        assert code == 0, text
        assert all(abs(count - HALF_SCALE) < 2000 for count in values(text)), text
        code, text = await ask(mbpoll, port, "-t", "4", "-r", "100", "9000")
        assert code == 0, text
        code, text = await ask(mbpoll, port, "-t", "4", "-r", "100", "-c", "1", "")
        assert values(text) == [9000.0], text
        keys = [p.key for p in plc.simulator.points.outputs]
        assert plc.simulator.read_raw().readback[keys.index("L1-FV-1601.OP"), 0] == 9000


async def test_mbpoll_is_told_that_an_address_does_not_exist(mbpoll: str) -> None:
    async with served(load(ALMATY)) as plc:
        before = plc.simulator.read_raw().readback.copy()
        code, text = await ask(mbpoll, plc.ports["L1"], "-t", "4", "-r", "5000", "1")
        assert code != 0 or "illegal" in text.lower(), text
        assert "Illegal data address" in text, text
        assert (plc.simulator.read_raw().readback == before).all()
