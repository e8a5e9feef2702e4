"""node-opcua, a client written by other people in another language, against the HMI server."""

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from hmi_server.opcua.certs import TrustList, self_signed
from tests.interop.opcua_plant import served

FOLDER = Path(__file__).parent / "node"
URI = "urn:test:node"
LEVELS = ("L1-LT-1401A", "L1-LT-1401B", "L1-LT-1401C")

pytestmark = pytest.mark.foreign


@pytest.fixture(scope="module")
def node() -> str:
    """Return the node program, with the client's packages installed beside the script."""
    program = shutil.which("node")
    npm = shutil.which("npm")
    if program is None or npm is None:
        _missing("node and npm are not on PATH")
    if not (FOLDER / "node_modules" / "node-opcua-client").is_dir():
        done = subprocess.run([npm, "ci", "--no-progress"], cwd=FOLDER, capture_output=True, text=True, check=False)
        if done.returncode:
            _missing(f"npm ci failed: {done.stderr[-500:]}")
    return program


def _missing(what: str) -> NoReturn:
    if os.environ.get("WTE_FOREIGN") == "1":
        pytest.fail(f"{what}, and WTE_FOREIGN=1 asks for this test")
    pytest.skip(f"{what}; WTE_FOREIGN=1 makes this a failure")


def _client_files(folder: Path) -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encodings = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(*encodings))
    der = self_signed(key, URI, "node client", is_server=False)
    pem = x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)
    (folder / "cert.pem").write_bytes(pem)
    TrustList(folder / "pki").add(der)
    return {"certificate": str(folder / "cert.pem"), "key": str(folder / "key.pem"), "uri": URI}


@pytest.mark.parametrize("policy", ["Basic256Sha256", "Aes256_Sha256_RsaPss"])
async def test_a_foreign_client_browses_reads_writes_subscribes_and_answers_alarms(
    node: str, tmp_path: Path, policy: str
) -> None:
    files = _client_files(tmp_path)
    async with served(tmp_path, users=[("sasha", "shift_lead")]) as plant:
        wanted = {
            **files,
            "url": plant.url,
            "user": "sasha",
            "password": "password-of-sasha",
            "policy": policy,
            "folder": str(tmp_path / "node-pki"),
        }
        client = await asyncio.create_subprocess_exec(
            node, "client.mjs", json.dumps(wanted), cwd=FOLDER,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert client.stderr is not None
        assert client.stdout is not None
        said: list[str] = []
        async for line in client.stderr:
            said.append(line.decode())
            if "ready for the alarm" in said[-1]:
                plant.link.inputs |= dict.fromkeys(LEVELS, -300.0)
        output = await client.stdout.read()
        assert await client.wait() == 0, "".join(said)[-3000:]
    seen = json.loads(output.splitlines()[-1])
    assert sorted(seen["endpoints"]) == [
        ["Aes256_Sha256_RsaPss", ["UserName"]],
        ["Basic256Sha256", ["UserName"]],
        ["None", ["Anonymous"]],
    ]
    assert "L1-LIC-1401.PV" in seen["overview"]
    assert seen["first_page"] == 5
    assert {"PV", "SP", "OP", "MODE", "KP"} <= set(seen["members"])
    assert seen["level"] == {"status": "Good", "hasTime": True}
    assert seen["range"] == [-350.0, 350.0]
    assert seen["anonymous_write"] == "BadUserAccessDenied"
    assert seen["writes"] == {
        "good": "Good",
        "range": "BadOutOfRange",
        "type": "BadTypeMismatch",
        "measured": "BadNotWritable",
    }
    assert [seen["values"][str(n)]["type"] for n in range(4)] == ["Double", "Int32", "Boolean", "DateTime"]
    assert seen["refresh"] == "Good"
    assert seen["alarm"]["condition"] == "L1-LT-1401.LOLO"
    assert seen["alarm"]["message"].startswith("Drum level: low-low")
    assert seen["acknowledge"] == "Good"
    assert seen["reset"] == "BadInvalidState"  # the cause stands
