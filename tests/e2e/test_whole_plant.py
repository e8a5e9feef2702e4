"""``wte run`` as a person meets it: it comes up, an operator works with it, parts of it die, it ends."""

import asyncio
import os
import re
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest
from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.node import Node
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.ua.status_codes import StatusCodes
from cryptography.x509.oid import ExtendedKeyUsageOID

from controller.core.command import Command, Role
from tests.e2e.plant import Plant, frame_when, linked, settled
from tests.e2e.running import WTE, running, wait_until

COME_UP_S = 30.0
END_S = 5.0
BACK_S = 2.0  # the PLC's watchdog time
BUMP_PCT = 0.5  # of an output's span
NAMESPACE = "urn:wte:plant"
pytestmark = pytest.mark.timeout(180)


# --- a newcomer's first minutes ---------------------------------------------------------------------------------------


def test_it_comes_up_in_time_and_says_where_to_connect_and_who_may_log_in(plant: Plant) -> None:
    text = plant.run.text
    took = re.search(r"running after ([\d.]+) s", text)
    assert took is not None
    others = os.getloadavg()[0] / (os.cpu_count() or 1)  # work of others on this machine stretches the time
    assert float(took[1]) <= COME_UP_S * max(1.0, others)
    assert plant.places.endpoint in text
    assert set(plant.run.passwords()) == {"operator", "shiftlead", "engineer"}
    assert (plant.places.state_dir / "users.json").stat().st_mode & 0o077 == 0


async def has_value(node: Node) -> None:
    """Read until the server has seen its first frame, which comes at its own time."""
    async with asyncio.timeout(20.0):
        while True:
            answer = await node.read_data_value(raise_on_bad_status=False)
            if answer.StatusCode is not None and answer.StatusCode.is_good():
                return
            await asyncio.sleep(0.05)


async def test_anybody_on_this_machine_may_read_but_not_write(plant: Plant) -> None:
    async with Client(plant.places.endpoint) as client:
        node = await plant_node(client, "L1-LIC-1401.SP")
        await has_value(node)
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await node.write_value(value_alone(5.0))
        assert refused.value.code in {StatusCodes.BadUserAccessDenied, StatusCodes.BadNotWritable}


async def test_an_operator_logs_in_once_the_certificate_is_trusted_and_changes_the_level(
    plant: Plant, tmp_path: Path
) -> None:
    client = Client(plant.places.endpoint)
    client.application_uri = "urn:wte:test:operator"
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.der"
    await setup_self_signed_certificate(
        key, certificate, client.application_uri, "localhost", [ExtendedKeyUsageOID.CLIENT_AUTH], {}
    )
    await client.set_security(SecurityPolicyBasic256Sha256, str(certificate), str(key))
    client.set_user("operator")
    client.set_password(plant.run.passwords()["operator"])
    with pytest.raises((ua.UaError, ConnectionError, TimeoutError)):
        await client.connect()
    thumbprint = await asyncio.to_thread(trust_the_refused_client, plant.places.state_dir)
    assert len(thumbprint) == 40
    async with client:
        node = await plant_node(client, "L1-LIC-1401.SP")
        await node.write_value(value_alone(12.0))
        async with linked(plant) as link:
            row = plant.row("L1-LIC-1401.SP")
            await frame_when(link, lambda f: f.value[row] == 12.0, 20.0)
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await node.write_value(value_alone(1000.0))
        assert refused.value.code == StatusCodes.BadOutOfRange


def trust_the_refused_client(state_dir: Path) -> str:
    """Do what the server's log says; return the thumbprint."""
    log = state_dir / "log" / "serve.jsonl"
    found: list[str] = []

    def is_refused() -> bool:
        found[:] = re.findall(r"wte certs trust ([0-9a-f]{40})", log.read_text(encoding="utf-8"))
        return bool(found)

    wait_until(is_refused, 5.0, lambda: log.read_text(encoding="utf-8"))
    subprocess.run([*WTE, "certs", "trust", found[0], "--state", str(state_dir)], check=True, capture_output=True)
    return found[0]


def value_alone(value: float) -> ua.DataValue:
    """Return a value without status and times, which are not the client's to say."""
    return ua.DataValue(ua.Variant(value, ua.VariantType.Double))


async def plant_node(client: Client, key: str) -> Node:
    index = await client.get_namespace_index(NAMESPACE)
    return client.get_node(f"ns={index};s={key}")


# --- processes die ----------------------------------------------------------------------------------------------------


async def test_a_killed_controller_is_back_inside_the_watchdog_time_and_nothing_has_moved(plant: Plant) -> None:
    async with linked(plant) as link:
        before = await settled(plant, link)
        sp = plant.row("L1-LIC-1401.SP")
        plant.run.kill("control")
        after = await frame_when(link, lambda f: f.mono > before.mono + 300_000_000, 20.0)
        assert (after.mono - before.mono) * 1e-9 <= BACK_S
        assert plant.trips(after) == plant.trips(before)
        assert after.value[sp] == before.value[sp]
        modes = plant.plan.loops.members["MODE"]
        assert list(after.value[modes]) == list(before.value[modes])
        assert float(np.nanmax(np.abs(plant.outputs_pct(after) - plant.outputs_pct(before)))) < BUMP_PCT


async def test_a_killed_hmi_server_is_not_noticed_by_the_scan_and_no_event_is_missing(plant: Plant) -> None:
    async with linked(plant) as link:
        first = await settled(plant, link)
        overruns = plant.plan.system["overruns"]
        plant.run.kill("serve")
        await asyncio.sleep(1.0)
        command = Command("during", "L1-LIC-1401.SP", value=3.0, user="test", role=Role.OPERATOR)
        assert (await link.send(command)).is_accepted
        last = await link.next_frame()
        assert last.value[overruns] == first.value[overruns]
        elapsed = round((last.mono - first.mono) / plant.plan.period_ns)
        assert last.scan - first.scan == elapsed
        events = await link.events(first.event_seq - 1)
        assert [event.seq for event in events] == list(range(first.event_seq, first.event_seq + len(events)))
        assert any(event.source == "L1-LIC-1401.SP" for event in events)
    await asyncio.to_thread(wait_until, lambda: can_connect(plant.places.endpoint_port), 20.0, lambda: plant.run.text)


def can_connect(port: int) -> bool:
    with socket.socket() as s:
        s.settimeout(0.5)
        return s.connect_ex(("127.0.0.1", port)) == 0


# --- the end, which comes last in this file ---------------------------------------------------------------------------


def test_the_end_takes_less_than_five_seconds_and_the_next_start_is_no_trip(plant: Plant, tmp_path: Path) -> None:
    children = plant.run.children()
    assert set(children) == {"sim", "control", "serve"}
    code, took = plant.run.end()
    assert code == 0, plant.run.text
    assert took <= END_S
    assert not any(Path(f"/proc/{pid}").exists() for pid in children.values())
    with running(plant.places.run_options, tmp_path / "second") as again:
        again.wait_for("clients")
        assert "trips 0" in again.text
        assert not again.passwords()
        assert "wte users list" in again.text
        code, _ = again.end()
        assert code == 0
