"""One event as it is offered to subscribers: named fields, words still in both languages."""

from dataclasses import dataclass

from asyncua import ua

from controller.core.tags import Text
from hmi_server.opcua.live import ua_time
from hmi_server.opcua.space import localized

Field = ua.Variant | Text


@dataclass(frozen=True, slots=True)
class EventRecord:
    """``fields`` by browse path ("AckedState/Id"); ``condition`` is the ConditionId of a condition's event."""

    event_type: ua.NodeId
    fields: dict[str, Field]
    condition: ua.NodeId | None = None
    is_audit: bool = False  # not shown to anonymous sessions
    is_refresh: bool = False  # RefreshStart and RefreshEnd pass every filter

    def value(self, path: str, locale: str) -> ua.Variant:
        """Return a field, null when the event has none of this name."""
        found = self.fields.get(path)
        if found is None:
            return ua.Variant(None, ua.VariantType.Null)
        if isinstance(found, Text):
            return ua.Variant(localized(found, locale), ua.VariantType.LocalizedText)
        return found


@dataclass(frozen=True, slots=True)
class EventStamp:
    """What every event has."""

    event_id: bytes
    source_key: str
    utc_ns: int
    severity: int
    message: Text


def base_fields(event_type: ua.NodeId, stamp: EventStamp, source: ua.NodeId) -> dict[str, Field]:
    """Return the fields of BaseEventType."""
    time = date_time(stamp.utc_ns)
    return {
        "EventId": ua.Variant(stamp.event_id, ua.VariantType.ByteString),
        "EventType": ua.Variant(event_type, ua.VariantType.NodeId),
        "SourceNode": ua.Variant(source, ua.VariantType.NodeId),
        "SourceName": ua.Variant(stamp.source_key, ua.VariantType.String),
        "Time": time,
        "ReceiveTime": time,
        "Message": stamp.message,
        "Severity": ua.Variant(max(1, min(stamp.severity, 1000)), ua.VariantType.UInt16),
    }


def date_time(utc_ns: int) -> ua.Variant:
    """Return a DateTime for nanoseconds since 1970."""
    return ua.Variant(ua.win_epoch_to_datetime(ua_time(utc_ns)), ua.VariantType.DateTime)
