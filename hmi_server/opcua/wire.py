"""The bytes of what is sent often: PublishResponse and its notifications, put together without asyncua's encoder.

Layouts: OPC UA Part 6 section 5.2, Part 4 sections 5.14.5 and 7.25.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from struct import Struct
from time import time_ns
from typing import Final

from asyncua import ua
from asyncua.ua.ua_binary import nodeid_to_binary, struct_to_binary

from hmi_server.opcua.ids import ObjectIds, standard, status
from hmi_server.opcua.live import ua_time

NO_SECURITY: Final = "http://opcfoundation.org/UA/SecurityPolicy#None"


def _type_id(number: int) -> bytes:
    return nodeid_to_binary(standard(number))


_PUBLISH_RESPONSE: Final = _type_id(ObjectIds.PublishResponse_Encoding_DefaultBinary)
_SERVICE_FAULT: Final = _type_id(ObjectIds.ServiceFault_Encoding_DefaultBinary)
_REPUBLISH_RESPONSE: Final = _type_id(ObjectIds.RepublishResponse_Encoding_DefaultBinary)
_DATA_CHANGE: Final = _type_id(ObjectIds.DataChangeNotification_Encoding_DefaultBinary)
_EVENT_LIST: Final = _type_id(ObjectIds.EventNotificationList_Encoding_DefaultBinary)

# Publish request: its type id, then the token as a NodeId of namespace 0 with a ByteString identifier.
_USUAL_PUBLISH: Final = _type_id(ObjectIds.PublishRequest_Encoding_DefaultBinary) + bytes([5, 0, 0])
_REQUEST_END: Final = Struct("<qIIiI3Bi")  # time, handle, diagnostics, audit id, time-out, additional header, acks
_NO_STRING: Final = -1

_HEADER: Final = Struct("<qII")  # timestamp, request handle, service result
_HEADER_END: Final = bytes([0]) + b"\xff\xff\xff\xff" + bytes([0, 0, 0])  # no diagnostics, strings, additional header
_BODY_IS_BYTES: Final = b"\x01"
_COUNT: Final = Struct("<i")
_NULL_ARRAY: Final = _COUNT.pack(-1)
_MESSAGE: Final = Struct("<Iqi")  # sequence number, publish time, number of notification bodies


def _uint32s(numbers: Sequence[int]) -> bytes:
    return Struct(f"<i{len(numbers)}I").pack(len(numbers), *numbers)


def _extension(type_id: bytes, body: bytes) -> bytes:
    return b"".join((type_id, _BODY_IS_BYTES, _COUNT.pack(len(body)), body))


@dataclass(frozen=True, slots=True)
class PublishFields:
    """What a Publish request says; ``acks`` are (subscription, sequence number)."""

    token: object
    handle: int
    timeout_ms: int
    acks: list[tuple[int, int]]


def usual_publish(body: bytes) -> PublishFields | None:
    """Read a Publish request as practically every client sends it, None when it is another or an unusual one.

    Usual is: a ByteString token (ours are), no audit entry id and no additional header. It is a hundred times a second
    what asyncua's decoder takes some 60 us for.
    """
    if not body.startswith(_USUAL_PUBLISH):
        return None
    end = len(_USUAL_PUBLISH) + 4 + int.from_bytes(body[len(_USUAL_PUBLISH) : len(_USUAL_PUBLISH) + 4], "little")
    if len(body) < end + _REQUEST_END.size:
        return None
    _, handle, _, audit, timeout_ms, *extension, count = _REQUEST_END.unpack_from(body, end)
    start = end + _REQUEST_END.size
    count = max(count, 0)
    if audit != _NO_STRING or any(extension) or len(body) != start + 8 * count:
        return None
    numbers = Struct(f"<{2 * count}I").unpack_from(body, start)
    token = body[len(_USUAL_PUBLISH) + 4 : end]
    return PublishFields(token, handle, timeout_ms, list(zip(numbers[::2], numbers[1::2], strict=True)))


def response_header(request_handle: int, code: int = 0) -> bytes:
    """Return a ResponseHeader."""
    return _HEADER.pack(ua_time(time_ns()), request_handle, code) + _HEADER_END


def service_fault(request_handle: int, code: int) -> bytes:
    """Return a ServiceFault: the whole request is refused."""
    return _SERVICE_FAULT + response_header(request_handle, code)


def data_change(count: int, items: Iterable[bytes]) -> bytes:
    """Return a DataChangeNotification of encoded MonitoredItemNotifications."""
    return _extension(_DATA_CHANGE, b"".join((_COUNT.pack(count), *items, _NULL_ARRAY)))


def event_list(events: Sequence[bytes]) -> bytes:
    """Return an EventNotificationList of encoded EventFieldLists."""
    return _extension(_EVENT_LIST, b"".join((_COUNT.pack(len(events)), *events)))


def status_change(code: int) -> bytes:
    """Return a StatusChangeNotification."""
    body = struct_to_binary(ua.StatusChangeNotification(status(code)))
    return _extension(_type_id(ObjectIds.StatusChangeNotification_Encoding_DefaultBinary), body)


def notification_message(sequence: int, bodies: Sequence[bytes]) -> bytes:
    """Return a NotificationMessage; without bodies it is a keep-alive."""
    return b"".join((_MESSAGE.pack(sequence, ua_time(time_ns()), len(bodies)), *bodies))


def publish_response(
    request_handle: int,
    subscription: int,
    available: Sequence[int],
    message: bytes,
    results: Sequence[int],
    *,
    more: bool,
) -> bytes:
    """Return a PublishResponse; ``results`` answer the request's acknowledgements."""
    return b"".join(
        (
            _PUBLISH_RESPONSE,
            response_header(request_handle),
            _uint32s((subscription,))[4:],
            _uint32s(available),
            bytes([more]),
            message,
            _uint32s(results),
            _NULL_ARRAY,
        )
    )


def republish_response(request_handle: int, message: bytes) -> bytes:
    """Return a RepublishResponse with a message that was sent before."""
    return _REPUBLISH_RESPONSE + response_header(request_handle) + message
