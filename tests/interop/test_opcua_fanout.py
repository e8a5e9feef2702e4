"""The cost of many subscribers, measured on the server's own process clock while another process reads and checks."""

import asyncio
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time

import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from controller.core.clock import MonoNs, UtcNs
from controller.core.command import Answer, Command, Reason
from controller.core.event import Event
from controller.core.plan import Plan
from controller.core.tags import Row, RowKind, TagTable, Text
from controller.link.client import LinkFrame
from hmi_server.opcua.certs import TrustList, self_signed
from tests.interop.opcua_fanout_readers import STEP
from tests.interop.opcua_plant import Served, plan_almaty, served, until

READERS, ITEMS, SECONDS = 10, 1000, 5.0
CORE_SHARE = 0.05
WINDOWS = 3


def wide_plan() -> Plan:
    """The shipped plant with 1,000 more rows."""
    plan = plan_almaty()
    more = [Row(f"X-{n:04}", RowKind.SYSTEM, Text("", ""), hi=1e12, instance="C0") for n in range(ITEMS)]
    return replace(plan, tags=TagTable((*plan.tags.rows, *more)))


@dataclass
class CountingLink:
    """Ten frames a second in which every row changes: row n of X holds n * STEP + k in frame k."""

    plan: Plan
    count: int = 0

    def __post_init__(self) -> None:
        rows = len(self.plan.tags)
        self._start = np.zeros(rows)
        self._start[-ITEMS:] = np.arange(ITEMS) * float(STEP)
        self._due = asyncio.get_running_loop().time()

    async def next_frame(self) -> LinkFrame:
        self._due += 0.1
        await asyncio.sleep(self._due - asyncio.get_running_loop().time())
        self.count += 1
        rows = len(self.plan.tags)
        # The source time is 1601 + a multiple of STEP + k in its own 100 ns units, so that readers can check it too.
        stamp = (116_444_736_000_000_000 // STEP + 1) * STEP + self.count
        time = np.full(rows, (stamp - 116_444_736_000_000_000) * 100)
        value, quality = self._start + self.count, np.zeros(rows, dtype=np.uint32)
        return LinkFrame(
            self.count, MonoNs(0), UtcNs(0), self.plan.config_hash, 0, value, quality, time.astype(np.int64)
        )

    async def send(self, command: Command, timeout_s: float = 2.0) -> Answer:
        return Answer(command.ident, Reason.NOT_READY)

    async def events(self, since: int, limit: int = 1000) -> list[Event]:
        return []

    async def report(self, figures: dict[str, float]) -> None:
        pass


async def _measured(plant: Served, *security: str) -> tuple[dict[str, int], list[float]]:
    """Return what the readers counted, and the share of a core that the server used in each second of it."""
    readers = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.interop.opcua_fanout_readers",
        plant.url, str(READERS), str(ITEMS), str(SECONDS), *security,
        stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    subscriptions = plant.hmi.subscriptions.subscriptions
    await until(
        lambda: len(subscriptions) == READERS and all(len(s.data) == ITEMS for s in subscriptions.values()),
        seconds=60.0,
    )
    await asyncio.sleep(1.0)
    shares: list[float] = []
    for _ in range(WINDOWS):
        used, at = process_time(), asyncio.get_running_loop().time()
        await asyncio.sleep(1.0)
        shares.append((process_time() - used) / (asyncio.get_running_loop().time() - at))
    output, _ = await readers.communicate()
    return json.loads(output), shares


@pytest.mark.long
@pytest.mark.parametrize("is_encrypted", [False, True], ids=["none", "sign_and_encrypt"])
async def test_ten_subscribers_of_a_thousand_values_cost_a_twentieth_of_a_core(
    tmp_path: Path, *, is_encrypted: bool
) -> None:
    security: tuple[str, ...] = ()
    if is_encrypted:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        encodings = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        (tmp_path / "key.pem").write_bytes(key.private_bytes(*encodings))
        der = self_signed(key, "urn:test:readers", "readers", is_server=False)
        (tmp_path / "cert.der").write_bytes(der)
        TrustList(tmp_path / "pki").add(der)
        security = (str(tmp_path / "cert.der"), str(tmp_path / "key.pem"), "urn:test:readers")
    async with served(tmp_path, link=CountingLink(wide_plan()), users=[("olga", "operator")]) as plant:
        counted, shares = await _measured(plant, *security)
    share = min(shares)  # other programs on the same cores only add: the quietest second is nearest to what it costs
    figures = f"{counted} at {', '.join(f'{s:.1%}' for s in shares)} of a core"
    sys.stdout.write(f"\n{figures}\n")  # shown by pytest -s
    assert counted["wrong"] == 0
    assert counted["gaps"] == 0
    assert counted["values"] >= 0.98 * READERS * ITEMS * 10 * SECONDS
    assert share <= CORE_SHARE, figures
