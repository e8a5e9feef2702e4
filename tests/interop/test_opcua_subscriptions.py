"""The subscription services request by request, as Part 4 words them, over one open connection."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, TypeVar

import pytest
import pytest_asyncio
from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua import uaprotocol_auto
from asyncua.ua.ua_binary import struct_from_binary

from hmi_server.opcua.ids import AttributeIds, ObjectIds, StatusCodes, node_id, standard
from tests.interop.opcua_plant import Served, protocol_of, served, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEVELS = ("L1-LT-1401A", "L1-LT-1401B", "L1-LT-1401C")
Response = TypeVar("Response")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plant(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Served]:
    async with served(tmp_path_factory.mktemp("state")) as running:
        await until(lambda: running.hmi.live.tick >= 15)
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(plant: Served) -> AsyncGenerator[Client]:
    async with Client(plant.url, timeout=10) as connected:
        yield connected


async def ask(client: Client, request: Any, kind: type[Response]) -> Response:
    return struct_from_binary(kind, await protocol_of(client).send_request(request))


async def subscribe(client: Client, **wanted: Any) -> ua.CreateSubscriptionResult:
    asked = {"RequestedPublishingInterval": 100, "RequestedLifetimeCount": 100, "RequestedMaxKeepAliveCount": 10}
    params = ua.CreateSubscriptionParameters(**(asked | wanted))
    answer = await ask(client, ua.CreateSubscriptionRequest(Parameters=params), ua.CreateSubscriptionResponse)
    return answer.Parameters


async def watch(client: Client, subscription: int, *items: Any, **asked: Any) -> list[ua.MonitoredItemCreateResult]:
    params = ua.CreateMonitoredItemsParameters(subscription, ua.TimestampsToReturn.Both)
    for handle, item in enumerate(items):
        node = item if isinstance(item, ua.ReadValueId) else ua.ReadValueId(node_id(item), AttributeIds.Value)
        wanted = ua.MonitoringParameters(handle, 100.0, **asked)
        params.ItemsToCreate.append(ua.MonitoredItemCreateRequest(node, ua.MonitoringMode.Reporting, wanted))
    return (
        await ask(client, ua.CreateMonitoredItemsRequest(Parameters=params), ua.CreateMonitoredItemsResponse)
    ).Results


async def publish(client: Client, *acks: tuple[int, int]) -> ua.PublishResult:
    params = ua.PublishParameters([ua.SubscriptionAcknowledgement(*ack) for ack in acks])
    return (await ask(client, ua.PublishRequest(Parameters=params), ua.PublishResponse)).Parameters


async def show(client: Client, plant: Served, key: str, value: float) -> None:
    """Give an input a value and wait until the server shows it."""
    plant.link.inputs[key] = value
    async with asyncio.timeout(5.0):
        while await client.get_node(node_id(key)).read_value() != value:  # noqa: ASYNC110  nobody there sets an event
            await asyncio.sleep(0.01)


async def changes(client: Client) -> tuple[ua.PublishResult, list[ua.MonitoredItemNotification]]:
    answer = await publish(client)
    items: list[ua.MonitoredItemNotification] = []
    for data in answer.NotificationMessage.NotificationData:
        items += getattr(data, "MonitoredItems", [])
    return answer, items


async def test_intervals_and_counts_are_revised_to_what_the_server_keeps(client: Client) -> None:
    fast = await subscribe(client, RequestedPublishingInterval=0.001, RequestedLifetimeCount=1)
    assert fast.RevisedPublishingInterval == 100.0
    assert fast.RevisedLifetimeCount >= 3 * fast.RevisedMaxKeepAliveCount
    slow = await subscribe(client, RequestedPublishingInterval=1e12, RequestedLifetimeCount=2**31)
    assert slow.RevisedPublishingInterval * slow.RevisedLifetimeCount <= 300_000.0


async def test_a_subscription_without_changes_says_that_it_lives(client: Client) -> None:
    await subscribe(client)
    first, second = await publish(client), await publish(client)
    for message in (first, second):
        assert message.NotificationMessage.NotificationData == []
        assert message.NotificationMessage.SequenceNumber == 1  # of the next message, not used up


async def test_messages_are_numbered_kept_acknowledged_and_repeated(client: Client, plant: Served) -> None:
    made = await subscribe(client)
    await watch(client, made.SubscriptionId, "L1-LT-1401A")
    first, items = await changes(client)
    assert first.NotificationMessage.SequenceNumber == 1
    assert len(items) == 1
    again = ua.RepublishRequest(Parameters=ua.RepublishParameters(made.SubscriptionId, 1))
    repeated = await ask(client, again, ua.RepublishResponse)
    assert repeated.NotificationMessage.SequenceNumber == 1
    plant.link.inputs["L1-LT-1401A"] = 11.0
    second = await publish(client, (made.SubscriptionId, 1), (made.SubscriptionId, 77), (9999, 1))
    assert [result.value for result in second.Results] == [
        StatusCodes.Good,
        StatusCodes.BadSequenceNumberUnknown,
        StatusCodes.BadSubscriptionIdInvalid,
    ]
    assert second.AvailableSequenceNumbers == [2]
    with pytest.raises(ua.uaerrors.BadMessageNotAvailable):
        await ask(client, again, ua.RepublishResponse)


async def test_a_message_holds_what_the_client_allows_and_says_that_there_is_more(client: Client) -> None:
    made = await subscribe(client, MaxNotificationsPerPublish=2)
    await watch(client, made.SubscriptionId, *LEVELS)
    first, items = await changes(client)
    second, rest = await changes(client)
    assert (len(items), first.MoreNotifications) == (2, True)
    assert (len(rest), second.MoreNotifications) == (1, False)


async def test_publishing_can_be_switched_off_and_on(client: Client, plant: Served) -> None:
    made = await subscribe(client, PublishingEnabled=False, RequestedMaxKeepAliveCount=1)
    await watch(client, made.SubscriptionId, "L1-LT-1401A")
    assert (await changes(client))[1] == []
    params = ua.SetPublishingModeParameters(True, [made.SubscriptionId, 9999])
    answer = await ask(client, ua.SetPublishingModeRequest(Parameters=params), ua.SetPublishingModeResponse)
    assert [status.value for status in answer.Parameters.Results] == [0, StatusCodes.BadSubscriptionIdInvalid]
    assert len((await changes(client))[1]) == 1


async def test_standard_nodes_properties_and_attributes_can_be_watched_too(client: Client) -> None:
    made = await subscribe(client)
    results = await watch(
        client,
        made.SubscriptionId,
        ua.ReadValueId(standard(ObjectIds.Server_ServerStatus_CurrentTime), AttributeIds.Value),
        ua.ReadValueId(standard(ObjectIds.Server_ServiceLevel), AttributeIds.Value),
        ua.ReadValueId(node_id("L1-LT-1401/EURange"), AttributeIds.Value),
        ua.ReadValueId(node_id("L1-LT-1401"), AttributeIds.DisplayName),
        ua.ReadValueId(node_id("L1-NO-SUCH"), AttributeIds.Value),
    )
    assert [result.StatusCode.value for result in results] == [0, 0, 0, 0, StatusCodes.BadNodeIdUnknown]
    _, items = await changes(client)
    found = {item.ClientHandle: item.Value.Value.Value for item in items}
    assert found[1] == 255
    assert found[2] == ua.Range(-350.0, 350.0)
    assert found[3].Text == "L1-LT-1401 Drum level"


@pytest.mark.parametrize(
    ("key", "wanted", "code"),
    [
        ("L1-LT-1401A", uaprotocol_auto.DataChangeFilter(1, 2, 10.0), StatusCodes.Good),
        ("L1-LT-1401A", uaprotocol_auto.DataChangeFilter(1, 2, 110.0), StatusCodes.BadDeadbandFilterInvalid),
        ("L1-LT-1401A", uaprotocol_auto.DataChangeFilter(1, 1, -1.0), StatusCodes.BadDeadbandFilterInvalid),
        ("L1-LIC-1401.MODE", uaprotocol_auto.DataChangeFilter(1, 1, 1.0), StatusCodes.BadFilterNotAllowed),
        ("L1-LT-1401A", uaprotocol_auto.AggregateFilter(), StatusCodes.BadMonitoredItemFilterUnsupported),
    ],
)
async def test_a_filter_is_taken_or_refused_by_item(client: Client, key: str, wanted: Any, code: int) -> None:
    made = await subscribe(client)
    (result,) = await watch(client, made.SubscriptionId, key, Filter=wanted)
    assert result.StatusCode.value == code


async def test_a_percent_deadband_counts_in_percent_of_the_range(client: Client, plant: Served) -> None:
    await show(client, plant, "L2-LT-1401A", 0.0)
    made = await subscribe(client)
    wanted = uaprotocol_auto.DataChangeFilter(1, 2, 10.0)  # 10 % of 700 mm
    await watch(client, made.SubscriptionId, "L2-LT-1401A", Filter=wanted, QueueSize=10)
    await changes(client)
    seen: list[float] = []
    for level in (60.0, 69.0, 72.0, 100.0, 143.0):
        await show(client, plant, "L2-LT-1401A", level)
    while not seen or seen[-1] != 143.0:
        seen += [item.Value.Value.Value for item in (await changes(client))[1]]
    assert seen == [72.0, 143.0]


async def test_items_are_changed_disabled_and_deleted_one_by_one(client: Client, plant: Served) -> None:
    made = await subscribe(client)
    first, second = await watch(client, made.SubscriptionId, *LEVELS[:2])
    await changes(client)
    params = ua.ModifyMonitoredItemsParameters(made.SubscriptionId, ua.TimestampsToReturn.Neither)
    for ident in (first.MonitoredItemId, 9999):
        params.ItemsToModify.append(
            ua.MonitoredItemModifyRequest(ident, ua.MonitoringParameters(42, 250.0, QueueSize=7))
        )
    changed = await ask(client, ua.ModifyMonitoredItemsRequest(Parameters=params), ua.ModifyMonitoredItemsResponse)
    assert changed.Results[0].RevisedSamplingInterval in {200.0, 300.0}
    assert changed.Results[1].StatusCode.value == StatusCodes.BadMonitoredItemIdInvalid
    mode = ua.SetMonitoringModeParameters(made.SubscriptionId, ua.MonitoringMode.Disabled, [second.MonitoredItemId])
    await ask(client, ua.SetMonitoringModeRequest(Parameters=mode), ua.SetMonitoringModeResponse)
    plant.link.inputs |= dict.fromkeys(LEVELS, 33.0)
    _, items = await changes(client)
    assert [(item.ClientHandle, item.Value.SourceTimestamp) for item in items] == [(42, None)]
    gone = ua.DeleteMonitoredItemsParameters(made.SubscriptionId, [first.MonitoredItemId, first.MonitoredItemId + 999])
    answer = await ask(client, ua.DeleteMonitoredItemsRequest(Parameters=gone), ua.DeleteMonitoredItemsResponse)
    assert [status.value for status in answer.Results] == [0, StatusCodes.BadMonitoredItemIdInvalid]


async def test_a_subscription_of_somebody_else_does_not_exist(client: Client, plant: Served) -> None:
    made = await subscribe(client)
    async with Client(plant.url) as other:
        request = ua.DeleteSubscriptionsRequest(Parameters=ua.DeleteSubscriptionsParameters([made.SubscriptionId]))
        answer = await ask(other, request, ua.DeleteSubscriptionsResponse)
        assert answer.Results[0].value == StatusCodes.BadSubscriptionIdInvalid
    mine = await ask(client, request, ua.DeleteSubscriptionsResponse)
    assert mine.Results[0].value == StatusCodes.Good


async def test_a_session_has_ten_subscriptions_and_requests_without_one_come_back(client: Client) -> None:
    with pytest.raises(ua.uaerrors.BadNoSubscription):
        await publish(client)
    for _ in range(10):
        await subscribe(client)
    with pytest.raises(ua.uaerrors.BadTooManySubscriptions):
        await subscribe(client)


async def test_a_subscription_nobody_asks_for_ends_and_says_so(client: Client, plant: Served) -> None:
    plant.link.scan_s, before = 0.001, plant.link.scan_s
    try:
        made = await subscribe(client, RequestedMaxKeepAliveCount=1, RequestedLifetimeCount=3)
        await until(lambda: made.SubscriptionId not in plant.hmi.subscriptions.subscriptions)
    finally:
        plant.link.scan_s = before
    last = await publish(client)
    (told,) = last.NotificationMessage.NotificationData
    assert last.SubscriptionId == made.SubscriptionId
    assert told.Status.value == StatusCodes.BadTimeout


async def test_a_silent_controller_shows_in_every_value_and_in_the_service_level(client: Client, plant: Served) -> None:
    made = await subscribe(client)
    level = ua.ReadValueId(standard(ObjectIds.Server_ServiceLevel), AttributeIds.Value)
    await watch(client, made.SubscriptionId, "L1-LT-1401", level, QueueSize=10)
    await changes(client)
    plant.link.is_silent = True
    statuses: list[int] = []
    levels: list[int] = []
    async with asyncio.timeout(8):
        while not statuses or statuses[-1] != StatusCodes.BadNoCommunication or 1 not in levels:
            for item in (await changes(client))[1]:
                if item.ClientHandle == 0:
                    statuses.append(item.Value.StatusCode.value)
                else:
                    levels.append(item.Value.Value.Value)
        plant.link.is_silent = False
        while statuses[-1] != StatusCodes.Good:
            statuses += [i.Value.StatusCode.value for i in (await changes(client))[1] if i.ClientHandle == 0]
    assert statuses == [StatusCodes.UncertainLastUsableValue, StatusCodes.BadNoCommunication, StatusCodes.Good]
