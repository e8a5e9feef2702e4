"""The subscription and monitored-item services."""

from collections.abc import Callable, Iterator
from time import time_ns
from typing import Final

import numpy as np
from asyncua import ua
from asyncua.ua import uaprotocol_auto

from controller.core.tags import DataType
from hmi_server.opcua.attributes import Attributes
from hmi_server.opcua.event_filter import CompiledFilter, compile_filter
from hmi_server.opcua.event_record import EventRecord
from hmi_server.opcua.ids import AttributeIds, ObjectIds, StatusCodes, key_of, standard, status
from hmi_server.opcua.items import ITEM, STATUS_VALUE
from hmi_server.opcua.live import Live, ua_time
from hmi_server.opcua.session import PlantSession
from hmi_server.opcua.slow_items import MAX_EVENT_QUEUE, AttributeItem, EventItem
from hmi_server.opcua.space import PlantSpace
from hmi_server.opcua.subscription import Cadence, Subscription
from hmi_server.opcua.view import Views

MAX_SUBSCRIPTIONS: Final = 10  # of a session
MAX_ITEMS: Final = 5_000  # of a subscription
MAX_QUEUE: Final = 100
SLOW_SAMPLING_MS: Final = 1000.0  # attributes that are no plant value are compared no faster

_TIMES_BITS: Final = {
    ua.TimestampsToReturn.Source: 4,
    ua.TimestampsToReturn.Server: 8,
    ua.TimestampsToReturn.Both: 12,
    ua.TimestampsToReturn.Neither: 0,
}
_SERVER: Final = standard(ObjectIds.Server)
_DATA_FILTER: Final = uaprotocol_auto.DataChangeFilter  # what asyncua decodes a filter to


def _fault(code: int) -> ua.UaStatusCodeError:
    return ua.UaStatusCodeError(code)


class Subscriptions:
    """All subscriptions of the server; ``tick`` drives them."""

    def __init__(self, space: PlantSpace, live: Live, attributes: Attributes, views: Views) -> None:
        self.subscriptions: dict[int, Subscription] = {}
        self._space = space
        self._live = live
        self._attributes = attributes
        self._views = views
        self._period_ms = space.plan.period_ns / 1e6
        self._last_subscription = 0
        self._last_item = 0
        self._last_tick = live.tick

    # --- driven by the frames ----------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Sample all items, end the publishing cycles that are due, and answer what can be answered."""
        before, self._last_tick = self._last_tick, self._live.tick
        server_time = ua_time(time_ns())
        for sub in list(self.subscriptions.values()):
            sub.sample(self._live, server_time, self._reader(sub.session))
            every, offset = sub.cadence.every, sub.ident  # the offset spreads slow subscriptions over the ticks
            if (self._last_tick + offset) // every > (before + offset) // every:
                sub.cycle()
            if sub.is_expired:
                self._drop(sub)
                sub.session.announce(sub.ident, StatusCodes.BadTimeout)
        for session in {id(sub.session): sub.session for sub in self.subscriptions.values() if sub.is_late}.values():
            session.serve(self.of(session))

    def _reader(self, session: PlantSession) -> Callable[[ua.ReadValueId], ua.DataValue]:
        return lambda item: self._attributes.read_item(item, session.locale, session.role)

    def emit(self, event: EventRecord) -> None:
        """Offer an event of the Server object to every subscription."""
        for sub in self.subscriptions.values():
            sub.offer(event)

    def of(self, session: PlantSession) -> list[Subscription]:
        """Return the subscriptions a session owns."""
        return [sub for sub in self.subscriptions.values() if sub.session is session]

    def owned(self, session: PlantSession, ident: int) -> Subscription:
        """Return a session's subscription; one of somebody else does not exist."""
        sub = self.subscriptions.get(ident)
        if sub is None or sub.session is not session:
            raise _fault(StatusCodes.BadSubscriptionIdInvalid)
        sub.touch()
        return sub

    def _drop(self, sub: Subscription) -> None:
        self.subscriptions.pop(sub.ident, None)

    # --- subscriptions -----------------------------------------------------------------------------------------------

    def create(self, session: PlantSession, params: ua.CreateSubscriptionParameters) -> ua.CreateSubscriptionResult:
        """Create a subscription."""
        if len(self.of(session)) >= MAX_SUBSCRIPTIONS:
            raise _fault(StatusCodes.BadTooManySubscriptions)
        cadence = Cadence.revised(params, self._period_ms)
        self._last_subscription += 1
        sub = Subscription(self._last_subscription, session, cadence, params.PublishingEnabled)
        self.subscriptions[sub.ident] = sub
        return ua.CreateSubscriptionResult(
            sub.ident, cadence.every * self._period_ms, cadence.lifetime, cadence.keep_alive
        )

    def modify(self, session: PlantSession, params: ua.ModifySubscriptionParameters) -> ua.ModifySubscriptionResult:
        """Change intervals and limits of a subscription."""
        sub = self.owned(session, params.SubscriptionId)
        sub.cadence = cadence = Cadence.revised(params, self._period_ms)
        return ua.ModifySubscriptionResult(cadence.every * self._period_ms, cadence.lifetime, cadence.keep_alive)

    def set_publishing(self, session: PlantSession, params: ua.SetPublishingModeParameters) -> list[ua.StatusCode]:
        """Start or stop the notifications of subscriptions; keep-alives go on."""
        results: list[ua.StatusCode] = []
        for ident in params.SubscriptionIds:
            found = self._find(session, ident)
            if found is not None:
                found.is_enabled = params.PublishingEnabled
            results.append(_status_of(found, StatusCodes.BadSubscriptionIdInvalid))
        return results

    def delete(self, session: PlantSession, idents: list[int]) -> list[ua.StatusCode]:
        """Delete subscriptions; when the last is gone the waiting Publish requests are sent back."""
        results: list[ua.StatusCode] = []
        for ident in idents:
            found = self._find(session, ident)
            if found is not None:
                self._drop(found)
            results.append(_status_of(found, StatusCodes.BadSubscriptionIdInvalid))
        if not self.of(session):
            session.refuse_publish_requests(StatusCodes.BadNoSubscription)
        return results

    async def delete_subscriptions(self, ids: list[int]) -> list[ua.StatusCode]:
        """Delete subscriptions of a session that is being closed (called by asyncua's session)."""
        return [_status_of(self.subscriptions.pop(i, None), StatusCodes.BadSubscriptionIdInvalid) for i in ids]

    def transfer(self, session: PlantSession, params: ua.TransferSubscriptionsParameters) -> list[ua.TransferResult]:
        """Hand subscriptions to another session of the same user and the same client certificate."""
        results: list[ua.TransferResult] = []
        for ident in params.SubscriptionIds:
            sub = self.subscriptions.get(ident)
            if sub is None:
                results.append(ua.TransferResult(status(StatusCodes.BadSubscriptionIdInvalid)))
            elif not session.is_same_client(sub.session):
                results.append(ua.TransferResult(status(StatusCodes.BadUserAccessDenied)))
            else:
                sub.session.announce(sub.ident, StatusCodes.GoodSubscriptionTransferred)
                sub.session = session
                sub.touch()
                results.append(ua.TransferResult(ua.StatusCode(), list(sub.sent)))
        return results

    def _find(self, session: PlantSession, ident: int) -> Subscription | None:
        sub = self.subscriptions.get(ident)
        if sub is None or sub.session is not session:
            return None
        sub.touch()
        return sub

    def acknowledge(self, session: PlantSession, acks: list[tuple[int, int]]) -> list[int]:
        """Answer the acknowledgements of a Publish request: pairs of subscription and sequence number."""
        results: list[int] = []
        for ident, sequence in acks:
            sub = self._find(session, ident)
            unknown = StatusCodes.BadSubscriptionIdInvalid
            results.append(unknown if sub is None else sub.acknowledge(sequence))
        return results

    def republish(self, session: PlantSession, params: ua.RepublishParameters) -> bytes:
        """Return a message that was sent and not acknowledged."""
        message = self.owned(session, params.SubscriptionId).sent.get(params.RetransmitSequenceNumber)
        if message is None:
            raise _fault(StatusCodes.BadMessageNotAvailable)
        return message

    # --- monitored items ---------------------------------------------------------------------------------------------

    def create_items(
        self, session: PlantSession, params: ua.CreateMonitoredItemsParameters
    ) -> list[ua.MonitoredItemCreateResult]:
        """Create monitored items; each is answered on its own."""
        sub = self.owned(session, params.SubscriptionId)
        if params.TimestampsToReturn not in _TIMES_BITS:
            raise _fault(StatusCodes.BadTimestampsToReturnInvalid)
        columns: list[tuple[object, ...]] = []
        results: list[ua.MonitoredItemCreateResult] = []
        for wanted in params.ItemsToCreate:
            result = ua.MonitoredItemCreateResult()
            try:
                if len(sub) + len(columns) >= MAX_ITEMS:
                    raise _fault(StatusCodes.BadTooManyMonitoredItems)
                self._create_item(sub, wanted, params.TimestampsToReturn, columns, result)
            except ua.UaStatusCodeError as refused:
                result.StatusCode = status(refused.code)
            results.append(result)
        if columns:
            sub.data.add(np.array(columns, dtype=ITEM))
        return results

    def _create_item(
        self,
        sub: Subscription,
        wanted: ua.MonitoredItemCreateRequest,
        times: ua.TimestampsToReturn,
        columns: list[tuple[object, ...]],
        result: ua.MonitoredItemCreateResult,
    ) -> None:
        node, asked = wanted.ItemToMonitor, wanted.RequestedParameters
        key = key_of(node.NodeId)
        row = self._space.plan.tags.index.get(key, -1) if key is not None else -1
        ident = self._last_item + 1
        every = self._every(asked.SamplingInterval, sub, is_slow=False)
        queue = max(1, min(asked.QueueSize, MAX_QUEUE))
        if node.AttributeId == AttributeIds.EventNotifier and node.NodeId == _SERVER:
            queue, every = max(1, min(asked.QueueSize or MAX_EVENT_QUEUE, MAX_EVENT_QUEUE)), 0
            chosen = self._event_filter(asked.Filter, sub.session)
            sub.events[ident] = EventItem(ident, asked.ClientHandle, int(wanted.MonitoringMode), queue, chosen)
        elif row >= 0 and node.AttributeId == AttributeIds.Value and not node.IndexRange:
            trigger, deadband = self._data_filter(asked.Filter, row)
            bits = _TIMES_BITS[times]
            mode = int(wanted.MonitoringMode)
            columns.append(
                (ident, asked.ClientHandle, row, mode, every, queue, asked.DiscardOldest, trigger, deadband, bits)
            )
        else:
            self._check_attribute(sub.session, node)
            every = self._every(asked.SamplingInterval, sub, is_slow=True)
            trigger, _ = self._data_filter(asked.Filter, -1)
            sub.attributes[ident] = AttributeItem(
                ident, asked.ClientHandle, node, int(wanted.MonitoringMode), every, queue, asked.DiscardOldest,
                trigger, times,
            )  # fmt: skip
        self._last_item = ident
        result.MonitoredItemId = ident
        result.RevisedSamplingInterval = every * self._period_ms
        result.RevisedQueueSize = queue

    def _check_attribute(self, session: PlantSession, node: ua.ReadValueId) -> None:
        """Refuse an item on something that cannot be read; a value that is bad now may be good later."""
        never = {
            StatusCodes.BadNodeIdUnknown,
            StatusCodes.BadAttributeIdInvalid,
            StatusCodes.BadNotReadable,
            StatusCodes.BadIndexRangeInvalid,
            StatusCodes.BadIndexRangeNoData,
            StatusCodes.BadDataEncodingInvalid,
            StatusCodes.BadDataEncodingUnsupported,
        }
        status = self._attributes.read_item(node, session.locale, session.role).StatusCode
        if status is not None and status.value in never:
            raise _fault(status.value)

    def _every(self, interval_ms: float, sub: Subscription, *, is_slow: bool) -> int:
        """Return a sampling interval in ticks; negative means the publishing interval, 0 the fastest."""
        if not interval_ms >= 0:
            every = sub.cadence.every
        else:
            every = max(1, round(min(interval_ms, 3_600_000.0) / self._period_ms))
        return max(every, round(SLOW_SAMPLING_MS / self._period_ms)) if is_slow else every

    def _data_filter(self, wanted: object, row: int) -> tuple[int, float]:
        """Return the trigger and the deadband in the row's unit."""
        if isinstance(wanted, ua.ExtensionObject) and wanted.TypeId.is_null():
            return STATUS_VALUE, 0.0
        if not isinstance(wanted, _DATA_FILTER):
            is_event = isinstance(wanted, ua.EventFilter)
            raise _fault(StatusCodes.BadFilterNotAllowed if is_event else StatusCodes.BadMonitoredItemFilterUnsupported)
        trigger, deadband = int(wanted.Trigger), float(wanted.DeadbandValue)
        if wanted.DeadbandType == ua.DeadbandType.None_:
            return trigger, 0.0
        spec = self._space.plan.tags.rows[row] if row >= 0 else None
        if spec is None or spec.data_type is DataType.BOOL or spec.states:
            raise _fault(StatusCodes.BadFilterNotAllowed)
        if not 0.0 <= deadband < np.inf:
            raise _fault(StatusCodes.BadDeadbandFilterInvalid)
        if wanted.DeadbandType == ua.DeadbandType.Absolute:
            return trigger, deadband
        if wanted.DeadbandType != ua.DeadbandType.Percent or deadband > 100.0:
            raise _fault(StatusCodes.BadDeadbandFilterInvalid)
        return trigger, deadband / 100.0 * (spec.hi - spec.lo)

    def _event_filter(self, wanted: object, session: PlantSession) -> CompiledFilter:
        if not isinstance(wanted, ua.EventFilter):
            raise _fault(StatusCodes.BadEventFilterInvalid)
        return compile_filter(wanted, self._views, sees_audit=not session.is_anonymous)

    def modify_items(
        self, session: PlantSession, params: ua.ModifyMonitoredItemsParameters
    ) -> list[ua.MonitoredItemModifyResult]:
        """Change sampling, queue and filter of items."""
        sub = self.owned(session, params.SubscriptionId)
        if params.TimestampsToReturn not in _TIMES_BITS:
            raise _fault(StatusCodes.BadTimestampsToReturnInvalid)
        results: list[ua.MonitoredItemModifyResult] = []
        for wanted in params.ItemsToModify:
            result = ua.MonitoredItemModifyResult()
            try:
                self._modify_item(sub, wanted, params.TimestampsToReturn, result)
            except ua.UaStatusCodeError as refused:
                result.StatusCode = status(refused.code)
            results.append(result)
        return results

    def _modify_item(
        self,
        sub: Subscription,
        wanted: ua.MonitoredItemModifyRequest,
        times: ua.TimestampsToReturn,
        result: ua.MonitoredItemModifyResult,
    ) -> None:
        ident, asked = wanted.MonitoredItemId, wanted.RequestedParameters
        queue = max(1, min(asked.QueueSize, MAX_QUEUE))
        slow, event = sub.attributes.get(ident), sub.events.get(ident)
        every = 0
        if event is not None:
            queue = max(1, min(asked.QueueSize or MAX_EVENT_QUEUE, MAX_EVENT_QUEUE))
            event.filter = self._event_filter(asked.Filter, sub.session)
            event.handle, event.queue = asked.ClientHandle, queue
        elif slow is not None:
            every = self._every(asked.SamplingInterval, sub, is_slow=True)
            slow.trigger, _ = self._data_filter(asked.Filter, -1)
            slow.handle, slow.queue, slow.every, slow.times = asked.ClientHandle, queue, every, times
            slow.drops_oldest = asked.DiscardOldest
        else:
            slot = int(sub.data.slots_of([ident])[0])
            if slot < 0:
                raise _fault(StatusCodes.BadMonitoredItemIdInvalid)
            trigger, deadband = self._data_filter(asked.Filter, int(sub.data.items["row"][slot]))
            every = self._every(asked.SamplingInterval, sub, is_slow=False)
            sub.data.change(
                slot,
                {
                    "handle": asked.ClientHandle,
                    "every": every,
                    "queue": queue,
                    "oldest": asked.DiscardOldest,
                    "trigger": trigger,
                    "deadband": deadband,
                    "times": _TIMES_BITS[times],
                },
            )
        result.RevisedSamplingInterval = every * self._period_ms
        result.RevisedQueueSize = queue

    def set_monitoring(self, session: PlantSession, params: ua.SetMonitoringModeParameters) -> list[ua.StatusCode]:
        """Disable, sample or report items."""
        sub = self.owned(session, params.SubscriptionId)
        mode = int(params.MonitoringMode)
        slots = sub.data.slots_of(params.MonitoredItemIds)
        sub.data.set_mode(slots[slots >= 0], mode)
        for ident in params.MonitoredItemIds:
            for item in _slow_items(sub, ident):
                item.set_mode(mode)
        return list(self._item_states(sub, params.MonitoredItemIds, slots))

    def delete_items(self, session: PlantSession, params: ua.DeleteMonitoredItemsParameters) -> list[ua.StatusCode]:
        """Delete items."""
        sub = self.owned(session, params.SubscriptionId)
        slots = sub.data.slots_of(params.MonitoredItemIds)
        results = list(self._item_states(sub, params.MonitoredItemIds, slots))
        sub.data.delete(slots[slots >= 0])
        for ident in params.MonitoredItemIds:
            sub.attributes.pop(ident, None)
            sub.events.pop(ident, None)
        return results

    @staticmethod
    def _item_states(sub: Subscription, idents: list[int], slots: np.ndarray) -> Iterator[ua.StatusCode]:
        for ident, slot in zip(idents, slots, strict=True):
            found = slot >= 0 or next(_slow_items(sub, ident), None)
            yield _status_of(found or None, StatusCodes.BadMonitoredItemIdInvalid)


def _slow_items(sub: Subscription, ident: int) -> Iterator[AttributeItem | EventItem]:
    for items in (sub.attributes, sub.events):
        if ident in items:
            yield items[ident]


def _status_of(found: object | None, code_when_none: int) -> ua.StatusCode:
    return status(code_when_none) if found is None else ua.StatusCode()
