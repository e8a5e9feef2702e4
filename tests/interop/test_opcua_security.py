"""Who gets in and who does not: certificates, channels, sessions and passwords over real sockets."""

import asyncio
import socket
import struct
from pathlib import Path

import pytest
import structlog
from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from controller.core.errors import PlantError
from hmi_server.opcua.certs import TrustList, self_signed, thumbprint
from hmi_server.opcua.ids import AttributeIds, ObjectIds, StatusCodes, node_id, standard
from hmi_server.server import HmiServer, serve
from tests.interop.opcua_plant import PlantLink, plan_almaty, protocol_of, served, until

URI = "urn:test:client"


@pytest.fixture(scope="session")
def key_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("client")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encodings = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(*encodings))
    (folder / "cert.der").write_bytes(self_signed(key, URI, "test client", is_server=False))
    return folder / "cert.der", folder / "key.pem"


async def secure_client(url: str, files: tuple[Path, Path], user: str = "olga", password: str = "") -> Client:
    client = Client(url, timeout=10)
    client.application_uri = URI
    client.set_user(user)
    client.set_password(password or f"password-of-{user}")
    await client.set_security(SecurityPolicyBasic256Sha256, certificate=str(files[0]), private_key=str(files[1]))
    return client


async def test_an_unknown_certificate_is_refused_logged_and_let_in_after_the_logged_command(
    tmp_path: Path, key_files: tuple[Path, Path]
) -> None:
    mark = thumbprint(key_files[0].read_bytes())
    with structlog.testing.capture_logs() as logs:
        async with served(tmp_path, users=[("olga", "operator")], is_open=False) as plant:
            stranger = await secure_client(plant.url, key_files)
            with pytest.raises((ConnectionError, ua.UaError, TimeoutError)):
                await stranger.connect()
            trust = TrustList(tmp_path / "pki")
            assert [entry.is_trusted for entry in trust.entries()] == [False]
            trust.trust(mark[:10])
            async with await secure_client(plant.url, key_files) as friend:
                assert await friend.nodes.server.read_browse_name()
    refused = next(line for line in logs if line["event"] == "certificate_refused")
    assert refused["to_trust_it"] == f"wte certs trust {mark}"
    assert "test client" in refused["name"]


async def test_without_the_open_endpoint_an_unencrypted_channel_finds_endpoints_and_gets_no_session(
    tmp_path: Path,
) -> None:
    async with served(tmp_path, is_open=False) as plant:
        offered = await Client(plant.url).connect_and_get_server_endpoints()
        assert {e.SecurityPolicyUri.split("#")[1] for e in offered} == {"Basic256Sha256", "Aes256_Sha256_RsaPss"}
        client = Client(plant.url)
        with pytest.raises(ua.UaError):
            await client.connect()
        assert plant.hmi.server.plant.sessions == 0


@pytest.mark.parametrize(("user", "password"), [("olga", "wrong-password"), ("nobody", "password-of-olga")])
async def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(
    tmp_path: Path, key_files: tuple[Path, Path], user: str, password: str
) -> None:
    TrustList(tmp_path / "pki").add(key_files[0].read_bytes())
    async with served(tmp_path, users=[("olga", "operator")]) as plant:
        client = await secure_client(plant.url, key_files, user, password)
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await client.connect()
        await client.disconnect()


async def test_a_session_cannot_be_taken_over_with_its_token(tmp_path: Path, key_files: tuple[Path, Path]) -> None:
    TrustList(tmp_path / "pki").add(key_files[0].read_bytes())
    async with (
        served(tmp_path, users=[("olga", "operator")]) as plant,
        await secure_client(plant.url, key_files) as olga,
        Client(plant.url) as thief,
    ):
        token = protocol_of(olga).authentication_token
        own = protocol_of(thief).authentication_token
        assert len(token.Identifier) == 32
        protocol_of(thief).authentication_token = token
        with pytest.raises(ua.UaError):
            await thief.uaclient.activate_session(ua.ActivateSessionParameters())
        with pytest.raises(ua.UaError):
            await thief.nodes.server.read_browse_name()
        assert await olga.nodes.server.read_browse_name()
        protocol_of(thief).authentication_token = own


async def test_a_session_survives_a_lost_connection_on_a_channel_of_the_same_certificate(
    tmp_path: Path, key_files: tuple[Path, Path]
) -> None:
    TrustList(tmp_path / "pki").add(key_files[0].read_bytes())
    async with served(tmp_path, users=[("olga", "operator")]) as plant:
        first = await secure_client(plant.url, key_files)
        await first.connect()
        await first.create_subscription(100, None)
        token, nonce = protocol_of(first).authentication_token, first._server_nonce
        protocol_of(first).transport.abort()
        await asyncio.sleep(0.1)
        assert plant.hmi.server.plant.sessions == 1
        second = await secure_client(plant.url, key_files)
        await second.connect_socket()
        await second.send_hello()
        await second.open_secure_channel()
        protocol_of(second).authentication_token, second._server_nonce = token, nonce
        second._policy_ids = first._policy_ids
        await second.activate_session("olga", "password-of-olga")
        assert await second.nodes.server.read_browse_name()
        second.disconnect_socket()
        await first.disconnect()


async def test_the_server_ends_in_two_seconds_with_clients_connected(
    tmp_path: Path, key_files: tuple[Path, Path]
) -> None:
    TrustList(tmp_path / "pki").add(key_files[0].read_bytes())
    loop = asyncio.get_running_loop()
    async with served(tmp_path, users=[("olga", "operator")]) as plant:
        client = await secure_client(plant.url, key_files)
        await client.connect()
        await client.create_subscription(100, None)
        stopping = loop.time()
    assert loop.time() - stopping < 2.0
    await client.disconnect()


async def test_a_port_in_use_is_named_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        endpoint = f"opc.tcp://127.0.0.1:{taken.getsockname()[1]}/wte"
        hmi = HmiServer(plan_almaty(), PlantLink(plan_almaty()), tmp_path, endpoint, is_open=True)
        with pytest.raises(PlantError, match=r"opc\.tcp://127\.0\.0\.1:\d+/wte.*--endpoint"):
            async with hmi:
                pass


def test_the_open_endpoint_is_for_this_machine_only(tmp_path: Path) -> None:
    with pytest.raises(PlantError, match=r"0\.0\.0\.0:4840.*this machine only"):
        HmiServer(plan_almaty(), PlantLink(plan_almaty()), tmp_path, "opc.tcp://0.0.0.0:4840/wte", is_open=True)


async def test_a_server_without_a_controller_starts_says_so_in_every_value_and_ends_when_cancelled(
    tmp_path: Path,
) -> None:
    listening = asyncio.Event()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    endpoint = f"opc.tcp://127.0.0.1:{port}/wte"
    running = asyncio.create_task(
        serve(plan_almaty(), state_dir=tmp_path, endpoint=endpoint, is_open=True, ready=listening.set)
    )
    await asyncio.wait_for(listening.wait(), 20)
    async with Client(endpoint) as client:
        value = await client.get_node(node_id("L1-LT-1401")).read_data_value(raise_on_bad_status=False)
        assert value.StatusCode is not None
        assert value.StatusCode.value == StatusCodes.BadWaitingForInitialData
        assert await client.get_node(standard(ObjectIds.Server_ServiceLevel)).read_value() == 1
    running.cancel()
    await asyncio.wait({running}, timeout=2)
    assert running.cancelled()


async def test_requests_before_hello_and_frames_too_long_close_the_connection(tmp_path: Path) -> None:
    async with served(tmp_path) as plant:
        for data in (b"OPNF" + struct.pack("<I", 12) + bytes(4), b"HELF" + struct.pack("<I", 1_000_000), bytes(8)):
            reader, writer = await asyncio.open_connection("127.0.0.1", plant.hmi.server.port)
            writer.write(data)
            async with asyncio.timeout(5):
                answer = await reader.read()
            assert answer == b"" or answer.startswith(b"ERR")
            writer.close()
            await writer.wait_closed()


async def test_a_malformed_body_is_answered_and_the_third_closes_the_connection(tmp_path: Path) -> None:
    async with served(tmp_path) as plant:
        client = Client(plant.url, timeout=5)
        await client.connect()
        protocol = protocol_of(client)
        read = ua.ReadRequest()
        read.RequestHeader.AuthenticationToken = protocol.authentication_token
        body = struct_to_binary(read)[:-4] + struct.pack("<i", 5_000)  # five thousand nodes that are not there
        codes: list[int] = []
        for _ in range(3):
            future = asyncio.get_running_loop().create_future()
            protocol._request_id += 1
            protocol._callbackmap[protocol._request_id] = future
            protocol.transport.write(protocol._connection.message_to_binary(body, request_id=protocol._request_id))
            fault = await asyncio.wait_for(future, 5)
            codes.append(struct_from_binary(ua.ServiceFault, fault).ResponseHeader.ServiceResult.value)
        assert codes == [StatusCodes.BadDecodingError] * 3
        await until(lambda: not plant.hmi.server.plant.sessions)
        await client.disconnect()


async def test_a_large_request_is_answered_after_login_and_refused_before(
    tmp_path: Path, key_files: tuple[Path, Path]
) -> None:
    TrustList(tmp_path / "pki").add(key_files[0].read_bytes())
    everything = ua.ReadParameters()
    everything.NodesToRead = [ua.ReadValueId(node_id("L1-LT-1401"), AttributeIds.DisplayName)] * 5000
    async with served(tmp_path, users=[("olga", "operator")]) as plant:
        async with await secure_client(plant.url, key_files) as olga:
            assert len(await olga.uaclient.read(everything)) == 5000
        stranger = Client(plant.url, timeout=5)
        await stranger.connect_socket()
        await stranger.send_hello()
        await stranger.open_secure_channel()
        with pytest.raises((ua.UaError, ConnectionError, TimeoutError)):
            await stranger.uaclient.read(everything)
        stranger.disconnect_socket()


async def test_nobody_changes_the_address_space_or_reads_history_by_the_open_endpoint(tmp_path: Path) -> None:
    async with served(tmp_path) as plant, Client(plant.url) as client:
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await client.uaclient.add_nodes([ua.AddNodesItem()])
        item = ua.HistoryReadValueId(NodeId=node_id("L1-LT-1401"))
        params = ua.HistoryReadParameters(HistoryReadDetails=ua.ReadRawModifiedDetails(), NodesToRead=[item])
        (result,) = await client.uaclient.history_read(params)
        assert result.StatusCode.value == StatusCodes.BadHistoryOperationUnsupported
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await client.get_node("ns=2;s=L1-LT-1401.HI").call_method(
                standard(ObjectIds.AcknowledgeableConditionType_Acknowledge), b"", ua.LocalizedText("")
            )
