"""Which service answers which request: one table."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from inspect import isawaitable
from time import monotonic
from typing import Any, Final, TypeVar

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary

from hmi_server.opcua import wire
from hmi_server.opcua.attributes import Attributes
from hmi_server.opcua.commands import Commands, Methods
from hmi_server.opcua.ids import ObjectIds, StatusCodes, status
from hmi_server.opcua.security import Gate
from hmi_server.opcua.session import PlantSession, PublishRequest, Send
from hmi_server.opcua.subscribe import Subscriptions
from hmi_server.opcua.view import Views

MAX_OPERATIONS: Final = 10_000  # of one request: what OperationLimits announces
_HISTORY: Final = StatusCodes.BadHistoryOperationUnsupported

# What decoding a body that is not what it says can raise in asyncua's decoder.
DECODE_ERRORS: Final = (
    ua.UaError,
    struct.error,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    RecursionError,
    MemoryError,
)
Decoded = TypeVar("Decoded")


class Malformed(Exception):  # noqa: N818  a fact about a message, answered with BadDecodingError
    """A body that cannot be decoded."""


def decode(read: Callable[[Buffer], Decoded], body: Buffer) -> Decoded:
    """Decode a part of a message; Malformed when it is not what it should be."""
    try:
        return read(body)
    except DECODE_ERRORS as exc:
        raise Malformed from exc


def decoded(kind: type[Decoded], body: Buffer) -> Decoded:
    """Decode one structure; Malformed when it is none."""
    return decode(lambda data: struct_from_binary(kind, data), body)


@dataclass(frozen=True, slots=True)
class Service:
    """How one request is decoded, answered and encoded; ``result`` names the response's field, dotted."""

    params: type[Any]
    handler: Callable[[PlantSession, Any], Any]
    response: type
    result: str = "Results"


class Services:
    """Everything a session may ask for, but sessions themselves and Publish's waiting."""

    def __init__(
        self,
        gate: Gate,
        attributes: Attributes,
        views: Views,
        subscriptions: Subscriptions,
        commands: Commands,
        methods: Methods,
    ) -> None:
        self.gate = gate
        self.subscriptions = subscriptions
        subs = subscriptions
        self._table: dict[int, Service] = {
            ObjectIds.ReadRequest_Encoding_DefaultBinary: Service(
                ua.ReadParameters, lambda s, p: attributes.read(p, s.locale, s.role), ua.ReadResponse
            ),
            ObjectIds.WriteRequest_Encoding_DefaultBinary: Service(
                ua.WriteParameters, commands.write, ua.WriteResponse
            ),
            ObjectIds.CallRequest_Encoding_DefaultBinary: Service(ua.CallParameters, methods.call, ua.CallResponse),
            ObjectIds.BrowseRequest_Encoding_DefaultBinary: Service(
                ua.BrowseParameters, lambda s, p: views.browse_for(p, s.browses, s.locale), ua.BrowseResponse
            ),
            ObjectIds.BrowseNextRequest_Encoding_DefaultBinary: Service(
                ua.BrowseNextParameters,
                lambda s, p: views.browse_next_for(p, s.browses),
                ua.BrowseNextResponse,
                "Parameters.Results",
            ),
            ObjectIds.TranslateBrowsePathsToNodeIdsRequest_Encoding_DefaultBinary: Service(
                ua.TranslateBrowsePathsToNodeIdsParameters,
                lambda _s, p: views.translate_browsepaths_to_nodeids(p.BrowsePaths),
                ua.TranslateBrowsePathsToNodeIdsResponse,
            ),
            ObjectIds.RegisterNodesRequest_Encoding_DefaultBinary: Service(
                ua.RegisterNodesParameters,
                _registered,
                ua.RegisterNodesResponse,
                "Parameters.RegisteredNodeIds",
            ),
            ObjectIds.UnregisterNodesRequest_Encoding_DefaultBinary: Service(
                ua.UnregisterNodesParameters, lambda _s, _p: None, ua.UnregisterNodesResponse, ""
            ),
            ObjectIds.HistoryReadRequest_Encoding_DefaultBinary: Service(
                ua.HistoryReadParameters,
                lambda _s, p: [ua.HistoryReadResult(status(_HISTORY)) for _ in p.NodesToRead],
                ua.HistoryReadResponse,
            ),
            ObjectIds.CreateSubscriptionRequest_Encoding_DefaultBinary: Service(
                ua.CreateSubscriptionParameters, subs.create, ua.CreateSubscriptionResponse, "Parameters"
            ),
            ObjectIds.ModifySubscriptionRequest_Encoding_DefaultBinary: Service(
                ua.ModifySubscriptionParameters, subs.modify, ua.ModifySubscriptionResponse, "Parameters"
            ),
            ObjectIds.SetPublishingModeRequest_Encoding_DefaultBinary: Service(
                ua.SetPublishingModeParameters, subs.set_publishing, ua.SetPublishingModeResponse, "Parameters.Results"
            ),
            ObjectIds.DeleteSubscriptionsRequest_Encoding_DefaultBinary: Service(
                ua.DeleteSubscriptionsParameters,
                lambda s, p: subs.delete(s, p.SubscriptionIds),
                ua.DeleteSubscriptionsResponse,
            ),
            ObjectIds.TransferSubscriptionsRequest_Encoding_DefaultBinary: Service(
                ua.TransferSubscriptionsParameters,
                subs.transfer,
                ua.TransferSubscriptionsResponse,
                "Parameters.Results",
            ),
            ObjectIds.CreateMonitoredItemsRequest_Encoding_DefaultBinary: Service(
                ua.CreateMonitoredItemsParameters, subs.create_items, ua.CreateMonitoredItemsResponse
            ),
            ObjectIds.ModifyMonitoredItemsRequest_Encoding_DefaultBinary: Service(
                ua.ModifyMonitoredItemsParameters, subs.modify_items, ua.ModifyMonitoredItemsResponse
            ),
            ObjectIds.SetMonitoringModeRequest_Encoding_DefaultBinary: Service(
                ua.SetMonitoringModeParameters, subs.set_monitoring, ua.SetMonitoringModeResponse, "Parameters.Results"
            ),
            ObjectIds.DeleteMonitoredItemsRequest_Encoding_DefaultBinary: Service(
                ua.DeleteMonitoredItemsParameters, subs.delete_items, ua.DeleteMonitoredItemsResponse
            ),
        }

    async def answer(self, number: object, session: PlantSession, header: ua.RequestHeader, body: Buffer) -> bytes:
        """Return the encoded response of one request; raises the status of the whole request."""
        if number == ObjectIds.RepublishRequest_Encoding_DefaultBinary:
            wanted = decoded(ua.RepublishParameters, body)
            return wire.republish_response(header.RequestHandle, self.subscriptions.republish(session, wanted))
        service = self._table.get(number) if isinstance(number, int) else None
        if service is None:
            raise ua.UaStatusCodeError(_refusal_of(number))
        params = decoded(service.params, body)
        _check_size(params)
        result = service.handler(session, params)
        if isawaitable(result):
            result = await result
        response = service.response()
        response.ResponseHeader.RequestHandle = header.RequestHandle
        _put(response, service.result, result)
        return struct_to_binary(response)

    def publish(self, session: PlantSession, fields: wire.PublishFields, request_id: int, send: Send) -> None:
        """Take a Publish request; it is answered when there is something to say."""
        owned = self.subscriptions.of(session)
        if not owned and not session.has_announcements:
            raise ua.UaStatusCodeError(StatusCodes.BadNoSubscription)
        results = self.subscriptions.acknowledge(session, fields.acks)
        deadline = monotonic() + fields.timeout_ms / 1000 if fields.timeout_ms else float("inf")
        session.add_publish_request(PublishRequest(request_id, fields.handle, results, deadline, send), len(owned))
        for subscription in owned:
            subscription.touch()
        session.serve(owned)


def _registered(_session: PlantSession, params: ua.RegisterNodesParameters) -> list[ua.NodeId]:
    """Return the nodes as they are: a plant NodeId costs one look-up already."""
    return params.NodesToRegister


def _put(response: Any, path: str, result: object) -> None:
    if not path:
        return
    *parents, name = path.split(".")
    for parent in parents:
        response = getattr(response, parent)
    setattr(response, name, result)


def _check_size(params: Any) -> None:
    """Refuse a request whose list of things to do is empty, or too long."""
    for name, value in ((name, getattr(params, name)) for name in getattr(params, "__slots__", ())):
        if name in _OPERATION_LISTS:
            if not value:
                raise ua.UaStatusCodeError(StatusCodes.BadNothingToDo)
            if len(value) > MAX_OPERATIONS:
                raise ua.UaStatusCodeError(StatusCodes.BadTooManyOperations)


_OPERATION_LISTS: Final = frozenset(
    {
        "NodesToRead", "NodesToWrite", "NodesToBrowse", "BrowsePaths", "MethodsToCall", "ItemsToCreate",
        "ItemsToModify", "MonitoredItemIds", "SubscriptionIds", "ContinuationPoints", "NodesToRegister",
        "NodesToUnregister",
    }
)  # fmt: skip

_NODE_MANAGEMENT: Final = frozenset(
    {
        ObjectIds.AddNodesRequest_Encoding_DefaultBinary,
        ObjectIds.DeleteNodesRequest_Encoding_DefaultBinary,
        ObjectIds.AddReferencesRequest_Encoding_DefaultBinary,
        ObjectIds.DeleteReferencesRequest_Encoding_DefaultBinary,
    }
)


def _refusal_of(number: object) -> int:
    """Return the status for a service there is not: nobody may change the address space, the rest is unsupported."""
    if number in _NODE_MANAGEMENT:
        return StatusCodes.BadUserAccessDenied
    return StatusCodes.BadServiceUnsupported
