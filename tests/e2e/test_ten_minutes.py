"""Ten minutes with a client that wants everything at the speed of the scan: no scan is late."""

import asyncio
import time
from pathlib import Path

import pytest
from asyncua.client.client import Client
from asyncua.common.node import Node

from controller.core.compiler import compile_plan
from controller.core.config import load
from controller.link.client import LinkClient
from tests.e2e.running import Places, running
from wte.folders import shipped_plant

MINUTES = 10
pytestmark = [pytest.mark.long, pytest.mark.timeout(60 * (MINUTES + 3))]


class Counter:
    """Counts what a subscription brings."""

    def __init__(self) -> None:
        self.count = 0

    def datachange_notification(self, node: Node, val: object, data: object) -> None:
        self.count += 1


async def test_no_overrun_in_ten_minutes_with_a_client_subscribed_to_everything_at_100_ms(tmp_path: Path) -> None:
    places = Places(tmp_path)
    plan = compile_plan(load(shipped_plant()))
    counter = Counter()
    with running(places.run_options, tmp_path / "out") as run:
        await asyncio.to_thread(run.wait_for, "clients")
        async with Client(places.endpoint) as client, LinkClient(places.state_dir / "link") as link:
            index = await client.get_namespace_index("urn:wte:plant")
            subscription = await client.create_subscription(100, counter)
            await subscription.subscribe_data_change([client.get_node(f"ns={index};s={r.key}") for r in plan.tags.rows])
            began = time.monotonic()
            while time.monotonic() - began < 60 * MINUTES:
                frame = await link.next_frame()
                assert frame.value[plan.system["overruns"]] == 0
                await asyncio.sleep(1.0)
        code, _ = run.end()
        assert code == 0
    assert counter.count > 60 * MINUTES * 10
