"""asyncua's client against the HMI server: what an operator's screen does, on the open and the encrypted endpoints."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.node import Node
from asyncua.crypto.security_policies import SecurityPolicyAes256Sha256RsaPss, SecurityPolicyBasic256Sha256
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from controller.core.command import Reason
from controller.core.plan import AlarmState, Mode
from hmi_server.opcua.certs import TrustList, self_signed
from hmi_server.opcua.ids import AttributeIds, ObjectIds, StatusCodes, node_id, standard, status
from tests.interop.opcua_plant import Served, served, until

URI = "urn:test:client"
pytestmark = pytest.mark.asyncio(loop_scope="module")

POLICIES = [SecurityPolicyBasic256Sha256, SecurityPolicyAes256Sha256RsaPss]
USERS = [("olga", "operator"), ("vera", "viewer"), ("egor", "engineer"), ("sasha", "shift_lead")]


@pytest.fixture(scope="session")
def client_key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("client")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(pem)
    (folder / "cert.der").write_bytes(self_signed(key, URI, "test client", is_server=False))
    return folder / "cert.der", folder / "key.pem"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_plant(tmp_path_factory: pytest.TempPathFactory, client_key: tuple[Path, Path]) -> AsyncGenerator[Served]:
    state_dir = tmp_path_factory.mktemp("state")
    TrustList(state_dir / "pki").add(client_key[0].read_bytes())
    async with served(state_dir, users=USERS) as running:
        await shown(running)
        yield running


@pytest.fixture
def plant(one_plant: Served) -> Iterator[Served]:
    """The server of this module, with a plant in which nobody has done anything yet."""
    one_plant.link.commands.clear()
    yield one_plant
    one_plant.link.answers_as = None
    one_plant.link.is_silent = False
    one_plant.link.inputs.clear()


async def shown(plant: Served) -> None:
    """Wait until every row has a value."""
    await until(lambda: plant.hmi.live.tick >= 15 and not plant.hmi.live.silence)


@asynccontextmanager
async def logged_in(
    plant: Served,
    key: tuple[Path, Path],
    user: str,
    password: str = "",
    policy: type = SecurityPolicyBasic256Sha256,
    locale: str = "en",
) -> AsyncGenerator[Client]:
    client = Client(plant.url)
    client.application_uri = URI
    client.set_user(user)
    client.set_password(password or f"password-of-{user}")
    client.set_locale([locale])
    await client.set_security(policy, certificate=str(key[0]), private_key=str(key[1]))
    async with client:
        yield client


def node(client: Client, key: str) -> Node:
    return client.get_node(node_id(key))


async def written(client: Client, key: str, value: object, kind: ua.VariantType = ua.VariantType.Double) -> int:
    """Write a value and return the status code."""
    item = ua.WriteValue()
    item.NodeId = node_id(key)
    item.AttributeId = AttributeIds.Value
    item.Value = value if isinstance(value, ua.DataValue) else ua.DataValue(ua.Variant(value, kind))
    params = ua.WriteParameters()
    params.NodesToWrite = [item]
    (status,) = await client.uaclient.write(params)
    return status.value


class Seen:
    """What a subscription brought."""

    def __init__(self) -> None:
        self.values: dict[str, list[Any]] = {}
        self.events: list[Any] = []
        self.changed = asyncio.Event()

    def datachange_notification(self, of: Node, _: object, data: Any) -> None:
        self.values.setdefault(str(of.nodeid.Identifier), []).append(data.monitored_item.Value)
        self.changed.set()

    def event_notification(self, event: Any) -> None:
        self.events.append(event)
        self.changed.set()

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not holds():
                self.changed.clear()
                await self.changed.wait()


async def test_the_open_endpoint_shows_the_whole_plant_and_lets_nobody_act(plant: Served) -> None:
    async with Client(plant.url) as client:
        root = await client.nodes.objects.get_child(["2:Plant"])
        folders = [(await child.read_browse_name()).Name for child in await root.get_children()]
        assert folders == ["C0", "L1", "L2", "Overview"]
        loop = await root.get_child(["2:L1", "2:14", "2:L1-LIC-1401"])
        members = {(await child.read_browse_name()).Name for child in await loop.get_children()}
        assert {"PV", "SP", "OP", "MODE", "MODE_ACT", "KP", "TI", "TD"} <= members
        level = await node(client, "L1-LT-1401").read_data_value()
        assert level.StatusCode is not None
        assert level.StatusCode.is_good()
        assert level.SourceTimestamp is not None
        units = await node(client, "L1-LT-1401").get_child(["0:EngineeringUnits"])
        assert (await units.read_value()).DisplayName.Text == "mm"
        assert (await (await node(client, "L1-LT-1401").get_child(["0:EURange"])).read_value()).High == 350.0
        states = await (await node(client, "L1-LIC-1401.MODE").get_child(["0:EnumValues"])).read_value()
        assert [state.DisplayName.Text for state in states][:2] != []
        assert await written(client, "L1-LIC-1401.SP", 10.0) == StatusCodes.BadUserAccessDenied
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await node(client, "L1-UZ-03").call_method(node_id("L1-UZ-03/Reset"))
    assert plant.link.commands == []


@pytest.mark.parametrize("policy", POLICIES)
async def test_an_operator_takes_a_loop_in_hand_over_an_encrypted_channel(
    plant: Served, client_key: tuple[Path, Path], policy: type
) -> None:
    async with logged_in(plant, client_key, "olga", policy=policy) as client:
        seen = Seen()
        subscription = await client.create_subscription(100, seen)
        await subscription.subscribe_data_change(node(client, "L1-LIC-1401.MODE"))
        await seen.until(lambda: seen.values)
        for mode in (Mode.MAN, Mode.AUTO):
            assert await written(client, "L1-LIC-1401.MODE", int(mode), ua.VariantType.Int32) == StatusCodes.Good
            await seen.until(lambda mode=mode: seen.values["L1-LIC-1401.MODE"][-1].Value.Value == mode)
        await subscription.delete()
    assert plant.link.commands[-1].user == "olga"
    assert plant.link.commands[-1].address == "127.0.0.1"


@pytest.mark.parametrize(
    ("key", "value", "kind", "status"),
    [
        ("L1-LIC-1401.SP", float("nan"), ua.VariantType.Double, StatusCodes.BadOutOfRange),
        ("L1-LIC-1401.SP", 1e9, ua.VariantType.Double, StatusCodes.BadOutOfRange),
        ("L1-LIC-1401.SP", 10.0, ua.VariantType.Float, StatusCodes.BadTypeMismatch),
        ("L1-LIC-1401.SP", "10", ua.VariantType.String, StatusCodes.BadTypeMismatch),
        ("L1-LIC-1401.SP", None, ua.VariantType.Null, StatusCodes.BadTypeMismatch),
        ("L1-LIC-1401.SP", [1.0, 2.0], ua.VariantType.Double, StatusCodes.BadTypeMismatch),
        ("L1-LT-1401", 10.0, ua.VariantType.Double, StatusCodes.BadNotWritable),
        ("L1-UZ-03", 1.0, ua.VariantType.Double, StatusCodes.BadNotWritable),
        ("L1-LIC-1401.KP", 2.0, ua.VariantType.Double, StatusCodes.BadUserAccessDenied),
        ("L1-NO-SUCH", 2.0, ua.VariantType.Double, StatusCodes.BadNodeIdUnknown),
    ],
)
async def test_a_wrong_write_gets_its_status_and_changes_nothing(
    plant: Served, client_key: tuple[Path, Path], key: str, value: object, kind: ua.VariantType, status: int
) -> None:
    async with logged_in(plant, client_key, "olga") as client:
        before = await node(client, "L1-LIC-1401.SP").read_value()
        assert await written(client, key, value, kind) == status
        assert await node(client, "L1-LIC-1401.SP").read_value() == before


async def test_a_write_with_a_time_a_status_or_an_index_range_is_refused(
    plant: Served, client_key: tuple[Path, Path]
) -> None:
    async with logged_in(plant, client_key, "olga") as client:
        bad = ua.DataValue(ua.Variant(1.0), StatusCode=status(StatusCodes.Uncertain))
        assert await written(client, "L1-LIC-1401.SP", bad) == StatusCodes.BadWriteNotSupported
        with pytest.raises(ua.uaerrors.BadWriteNotSupported):  # this client adds a time of its own to a plain value
            await node(client, "L1-LIC-1401.SP").write_value(1.0)
        item = ua.WriteValue(node_id("L1-LIC-1401.SP"), AttributeIds.Value, "0:1", ua.DataValue(ua.Variant(1.0)))
        params = ua.WriteParameters()
        params.NodesToWrite = [item]
        assert (await client.uaclient.write(params))[0].value == StatusCodes.BadIndexRangeNoData
    assert plant.link.commands == []


async def test_a_right_that_a_role_lacks_is_refused_by_the_scan_and_so_recorded(
    plant: Served, client_key: tuple[Path, Path]
) -> None:
    async with logged_in(plant, client_key, "vera") as client:
        assert await written(client, "L1-LIC-1401.SP", 10.0) == StatusCodes.BadUserAccessDenied
        access = await node(client, "L1-LIC-1401.SP").read_attribute(AttributeIds.UserAccessLevel)
        assert access.Value is not None
        assert access.Value.Value == 1
    assert plant.link.commands[-1].user == "vera"
    recorded = (await plant.link.events(0))[-1]
    assert (recorded.source, recorded.reason) == ("L1-LIC-1401.SP", Reason.NO_RIGHT.value)


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (Reason.NOT_RECORDED, StatusCodes.GoodCompletesAsynchronously),
        (Reason.WRONG_MODE, StatusCodes.BadInvalidState),
        (Reason.TOO_MANY, StatusCodes.BadTooManyOperations),
    ],
)
async def test_the_answer_of_the_scan_is_the_status_the_client_gets(
    plant: Served, client_key: tuple[Path, Path], reason: Reason, status: int
) -> None:
    plant.link.answers_as = reason
    async with logged_in(plant, client_key, "olga") as client:
        assert await written(client, "L1-LIC-1401.SP", 10.0) == status


async def test_a_trip_is_seen_reset_and_acknowledged(plant: Served, client_key: tuple[Path, Path]) -> None:
    async with logged_in(plant, client_key, "sasha") as client:
        seen = Seen()
        subscription = await client.create_subscription(100, seen)
        await subscription.subscribe_events(evtypes=[ObjectIds.AlarmConditionType, ObjectIds.BaseEventType])
        plant.link.inputs |= dict.fromkeys(("L1-LT-1401A", "L1-LT-1401B", "L1-LT-1401C"), -300.0)
        trip = node(client, "L1-UZ-03")
        await seen.until(lambda: any(e.SourceName == "L1-UZ-03" and e.Retain for e in seen.events))
        reset = node_id("L1-UZ-03/Reset")
        with pytest.raises(ua.uaerrors.BadInvalidState):
            await trip.call_method(reset)
        alarm = await _raised(seen, "L1-LT-1401.LOLO")
        assert alarm.Message.Text.startswith("Drum level: low-low")
        assert getattr(alarm, "ActiveState/Id")
        assert not getattr(alarm, "AckedState/Id")
        condition = node(client, "L1-LT-1401.LOLO")
        acknowledge = standard(ObjectIds.AcknowledgeableConditionType_Acknowledge)
        with pytest.raises(ua.uaerrors.BadEventIdUnknown):
            await condition.call_method(
                acknowledge, ua.Variant(b"guess", ua.VariantType.ByteString), ua.LocalizedText("x")
            )
        await condition.call_method(acknowledge, alarm.EventId, ua.LocalizedText("seen"))
        await seen.until(
            lambda: _last(seen, "L1-LT-1401.LOLO") and getattr(_last(seen, "L1-LT-1401.LOLO"), "AckedState/Id")
        )
        plant.link.inputs |= dict.fromkeys(("L1-LT-1401A", "L1-LT-1401B", "L1-LT-1401C"), 0.0)
        await _state(plant, "L1-UZ-03.STATE", 4)
        await trip.call_method(reset)
        await _state(plant, "L1-UZ-03.STATE", 0)
        await subscription.delete()


async def test_a_client_that_joins_later_gets_the_standing_alarms_in_its_language(
    plant: Served, client_key: tuple[Path, Path]
) -> None:
    plant.link.inputs |= dict.fromkeys(("L2-LT-1401A", "L2-LT-1401B", "L2-LT-1401C"), -300.0)
    row = plant.link.plan.row("L2-LT-1401.LOLO")
    await until(lambda: plant.hmi.live.value[row] == AlarmState.UNACKED)
    async with logged_in(plant, client_key, "vera", locale="ru-RU") as client:
        seen = Seen()
        subscription = await client.create_subscription(100, seen)
        await subscription.subscribe_events(evtypes=[ObjectIds.AlarmConditionType])
        await client.get_node(standard(ObjectIds.ConditionType)).call_method(
            standard(ObjectIds.ConditionType_ConditionRefresh),
            ua.Variant(subscription.subscription_id, ua.VariantType.UInt32),
        )
        alarm = await _raised(seen, "L2-LT-1401.LOLO")
        assert alarm.Message.Locale == "ru"
        assert alarm.Message.Text.startswith("Уровень")
        types = [event.EventType.Identifier for event in seen.events]
        assert types[0] == ObjectIds.RefreshStartEventType
        assert types[-1] == ObjectIds.RefreshEndEventType
        await subscription.delete()


async def test_an_alarm_is_shelved_for_a_time_and_back(plant: Served, client_key: tuple[Path, Path]) -> None:
    row = plant.link.plan.row("L2-LT-1401.HI")
    shelve = standard(ObjectIds.AlarmConditionType_ShelvingState_TimedShelve)
    unshelve = standard(ObjectIds.AlarmConditionType_ShelvingState_Unshelve)
    async with logged_in(plant, client_key, "olga") as client:
        await node(client, "L2-LT-1401.HI").call_method(shelve, ua.Variant(60_000.0, ua.VariantType.Double))
        await until(lambda: plant.hmi.live.value[row] == AlarmState.SHELVED)
        await node(client, "L2-LT-1401.HI").call_method(unshelve)
        await until(lambda: plant.hmi.live.value[row] == AlarmState.NORMAL)
    async with logged_in(plant, client_key, "vera") as client:
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await node(client, "L2-LT-1401.HI").call_method(shelve, ua.Variant(60_000.0, ua.VariantType.Double))


def _last(seen: Seen, condition: str) -> Any:
    found = [e for e in seen.events if getattr(e, "NodeId", None) == node_id(condition)]
    return found[-1] if found else None


async def _raised(seen: Seen, condition: str) -> Any:
    await seen.until(lambda: _last(seen, condition))
    return _last(seen, condition)


async def _state(plant: Served, key: str, wanted: int) -> None:
    row = plant.link.plan.row(key)
    await until(lambda: plant.hmi.live.value[row] == wanted)
