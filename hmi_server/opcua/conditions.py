"""Alarms and conditions: the state of each as the event stream tells it, ConditionRefresh, and what people do to them.

The controller owns alarms; here is only what OPC UA Part 9 needs on top: which event of a condition a client may
acknowledge, and what is replayed to a client that joins. A condition's id is the NodeId of its row (of its trip).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from time import time_ns
from typing import Final

from asyncua import ua

from controller.core.command import Action
from controller.core.event import Event, EventKind
from controller.core.plan import AlarmInfo, AlarmState, TripInfo, TripState
from controller.core.tags import Text
from hmi_server.opcua.commands import Commands, MethodHandler
from hmi_server.opcua.event_record import EventRecord, EventStamp
from hmi_server.opcua.ids import ObjectIds, StatusCodes, key_of, standard, status
from hmi_server.opcua.live import Live
from hmi_server.opcua.plant_events import ConditionState, PlantEvents, event_id
from hmi_server.opcua.session import PlantSession
from hmi_server.opcua.space import PlantSpace
from hmi_server.opcua.subscribe import Subscriptions
from hmi_server.opcua.subscription import Subscription

MAX_EVENT_IDS: Final = 100  # events of one activation a client may name when it acknowledges
MAX_COMMENT: Final = 4096  # characters
TRIP_SEVERITY: Final = 900

_ALARM_KINDS: Final = frozenset(
    {
        EventKind.ALARM_RAISED,
        EventKind.ALARM_CLEARED,
        EventKind.ALARM_ACKED,
        EventKind.ALARM_CONFIRMED,
        EventKind.ALARM_SHELVED,
        EventKind.ALARM_UNSHELVED,
    }
)
_TRIP_KINDS: Final = frozenset(
    {EventKind.TRIP_LATCHED, EventKind.TRIP_ACTED, EventKind.TRIP_CLEARED, EventKind.TRIP_RESET}
)
_ACTING: Final = frozenset({TripState.ACTIVE, TripState.LATCHED, TripState.RESETTABLE})


@dataclass(slots=True)
class _Condition:
    """One alarm or trip: where it stands, its last event, and the EventIds of its present activation."""

    state: ConditionState = field(default_factory=ConditionState)
    last: EventRecord | None = None
    event_ids: list[bytes] = field(default_factory=list[bytes])
    value: float | None = None


class Conditions:
    """All conditions of the plant."""

    def __init__(self, space: PlantSpace, commands: Commands, subscriptions: Subscriptions) -> None:
        self._plan = plan = space.plan
        self._commands = commands
        self._subscriptions = subscriptions
        self._events = PlantEvents(space)
        self._alarms = {info.key: info for info in plan.alarm_info}
        self._trips = {info.key: info for info in plan.trip_info}
        self._conditions = {key: _Condition() for key in (*self._alarms, *self._trips)}
        self.methods: dict[int, MethodHandler] = {
            ObjectIds.ConditionType_ConditionRefresh: self._refresh,
            ObjectIds.ConditionType_ConditionRefresh2: self._refresh,
            ObjectIds.AcknowledgeableConditionType_Acknowledge: self._acknowledge,
            ObjectIds.AcknowledgeableConditionType_Confirm: self._confirm,
            ObjectIds.AlarmConditionType_ShelvingState_TimedShelve: self._shelve,
            ObjectIds.ShelvedStateMachineType_TimedShelve: self._shelve,
            ObjectIds.AlarmConditionType_ShelvingState_Unshelve: self._unshelve,
            ObjectIds.ShelvedStateMachineType_Unshelve: self._unshelve,
        }

    # --- from the controller -----------------------------------------------------------------------------------------

    def join(self, live: Live, seq: int) -> None:
        """Take the conditions as the first frame shows them; events tell what happens from then on."""
        for key, info in self._alarms.items():
            row = self._plan.row(key)
            code = live.value[row]
            state = _state_of(AlarmState(round(code))) if code == code else ConditionState()  # noqa: PLR0124  NaN
            text = self._events.alarm_message(info, None)
            stamp = EventStamp(event_id(seq, key), info.source, time_ns(), info.severity, text)
            self._change(key, state, self._events.alarm(info, state, stamp), stamp.event_id)
        for key, info in self._trips.items():
            code = live.value[self._plan.row(f"{key}.STATE")]
            state = ConditionState(is_active=bool(code in _ACTING))
            stamp = EventStamp(event_id(seq, key), key, time_ns(), TRIP_SEVERITY, info.title)
            self._change(key, state, self._events.trip(info, state, stamp), stamp.event_id)

    def show(self, event: Event) -> None:
        """Follow one event of the controller and offer it to the subscribers; the emission record is for reports."""
        if event.kind is EventKind.EMISSION_RECORDED:
            return
        if event.kind in _ALARM_KINDS and event.source in self._alarms:
            record = self._alarm_changed(self._alarms[event.source], event)
        elif event.kind in _TRIP_KINDS and event.source in self._trips:
            record = self._trip_changed(self._trips[event.source], event)
        elif event.kind in {EventKind.COMMAND_ACCEPTED, EventKind.COMMAND_REJECTED}:
            record = self._events.command(event)
        else:
            record = self._events.other(event)
        self._subscriptions.emit(record)

    def _alarm_changed(self, info: AlarmInfo, event: Event) -> EventRecord:
        condition = self._conditions[info.key]
        before = condition.state
        hidden = bool(event.data.get("hidden", False))
        match event.kind:
            case EventKind.ALARM_RAISED:
                state = replace(before, is_active=True, is_acked=False, is_suppressed=hidden and not before.is_shelved)
                condition.event_ids.clear()
            case EventKind.ALARM_CLEARED:
                state = replace(before, is_active=False, is_acked=before.is_acked or hidden)
            case EventKind.ALARM_ACKED | EventKind.ALARM_CONFIRMED:
                state = replace(before, is_acked=True, comment=event.text, user=event.user)
            case EventKind.ALARM_SHELVED:
                state = replace(before, is_shelved=True, comment=event.text, user=event.user)
            case _:
                state = replace(before, is_shelved=False, comment=event.text, user=event.user)
        if event.value is not None and event.kind in {EventKind.ALARM_RAISED, EventKind.ALARM_CLEARED}:
            condition.value = event.value
        text = self._events.alarm_message(info, condition.value)
        stamp = EventStamp(event_id(event.seq, info.key), info.source, event.utc, info.severity, text)
        return self._change(info.key, state, self._events.alarm(info, state, stamp), stamp.event_id)

    def _trip_changed(self, info: TripInfo, event: Event) -> EventRecord:
        state = ConditionState(is_active=event.kind in {EventKind.TRIP_LATCHED, EventKind.TRIP_ACTED}, user=event.user)
        text = self._events.trip_message(info, event)
        stamp = EventStamp(event_id(event.seq, info.key), info.key, event.utc, event.severity, text)
        return self._change(info.key, state, self._events.trip(info, state, stamp), stamp.event_id)

    def _change(self, key: str, state: ConditionState, record: EventRecord, ident: bytes) -> EventRecord:
        condition = self._conditions[key]
        condition.state, condition.last = state, record
        condition.event_ids.append(ident)
        del condition.event_ids[:-MAX_EVENT_IDS]
        return record

    # --- from people -------------------------------------------------------------------------------------------------

    async def _acknowledge(self, session: PlantSession, call: ua.CallMethodRequest) -> ua.CallMethodResult:
        return await self._answer_event(session, call, Action.ACK)

    async def _confirm(self, session: PlantSession, call: ua.CallMethodRequest) -> ua.CallMethodResult:
        return await self._answer_event(session, call, Action.CONFIRM)

    async def _answer_event(
        self, session: PlantSession, call: ua.CallMethodRequest, action: Action
    ) -> ua.CallMethodResult:
        """Acknowledge or confirm the event a client names: it must be one of the present activation."""
        condition, given = self._condition_of(call.ObjectId), call.InputArguments or []
        if condition is None:
            return _result(StatusCodes.BadNodeIdUnknown)
        if len(given) != 2:
            return _result(_wrong_count(len(given), 2))
        ident, comment = given[0].Value, given[1].Value
        if not isinstance(ident, bytes) or not isinstance(comment, ua.LocalizedText | None):
            return _result(StatusCodes.BadInvalidArgument)
        words = (comment.Text or "") if comment is not None else ""
        if len(words) > MAX_COMMENT or any(ord(letter) < 32 for letter in words):
            return _result(StatusCodes.BadOutOfRange)
        key, found = condition
        if ident not in found.event_ids:
            return _result(StatusCodes.BadEventIdUnknown)
        if action is Action.ACK and found.state.is_acked:
            return _result(StatusCodes.BadConditionBranchAlreadyAcked)
        if action is Action.CONFIRM:  # nothing here asks for a second step
            return _result(StatusCodes.BadConditionBranchAlreadyConfirmed)
        return ua.CallMethodResult(await self._commands.send(session, key, action, words=words))

    async def _shelve(self, session: PlantSession, call: ua.CallMethodRequest) -> ua.CallMethodResult:
        """Shelve for a time given in milliseconds (an OPC UA Duration)."""
        condition, given = self._condition_of(call.ObjectId), call.InputArguments or []
        if condition is None:
            return _result(StatusCodes.BadNodeIdUnknown)
        if len(given) != 1:
            return _result(_wrong_count(len(given), 1))
        if given[0].VariantType != ua.VariantType.Double or given[0].is_array:
            return _result(StatusCodes.BadInvalidArgument)
        return ua.CallMethodResult(
            await self._commands.send(session, condition[0], Action.SHELVE, given[0].Value / 1000.0)
        )

    async def _unshelve(self, session: PlantSession, call: ua.CallMethodRequest) -> ua.CallMethodResult:
        condition = self._condition_of(call.ObjectId)
        if condition is None:
            return _result(StatusCodes.BadNodeIdUnknown)
        return ua.CallMethodResult(await self._commands.send(session, condition[0], Action.UNSHELVE))

    def _condition_of(self, node: ua.NodeId) -> tuple[str, _Condition] | None:
        """Return the alarm a method is called on: its row, or its row's ShelvingState."""
        key = (key_of(node) or "").partition("/")[0]
        return (key, self._conditions[key]) if key in self._alarms else None

    # --- a client that joins -----------------------------------------------------------------------------------------

    async def _refresh(self, session: PlantSession, call: ua.CallMethodRequest) -> ua.CallMethodResult:
        """Replay the retained conditions to the event items of one subscription, or to one of them."""
        given = [argument.Value for argument in call.InputArguments or []]
        wants_one = call.MethodId == standard(ObjectIds.ConditionType_ConditionRefresh2)
        if len(given) != 1 + wants_one or not all(isinstance(number, int) for number in given):
            return _result(StatusCodes.BadInvalidArgument)
        try:
            subscription = self._subscriptions.owned(session, given[0])
        except ua.UaStatusCodeError as refused:
            return _result(int(refused.code))
        if wants_one and given[1] not in subscription.events:
            return _result(StatusCodes.BadMonitoredItemIdInvalid)
        self._replay(subscription, given[1] if wants_one else None)
        return ua.CallMethodResult()

    def _replay(self, subscription: Subscription, item: int | None) -> None:
        for record in self._refreshed():
            for number, wanted in subscription.events.items():
                if item is None or number == item:
                    wanted.offer(record)

    def _refreshed(self) -> Iterator[EventRecord]:
        yield self._events.refresh(ObjectIds.RefreshStartEventType, _refresh_stamp("start"))
        for condition in self._conditions.values():
            if condition.last is not None and condition.state.is_retained:
                yield condition.last
        yield self._events.refresh(ObjectIds.RefreshEndEventType, _refresh_stamp("end"))


def _refresh_stamp(part: str) -> EventStamp:
    now = time_ns()
    return EventStamp(event_id(now, f"refresh {part}"), "Server", now, 1, Text("Condition refresh", "Обновление"))


def _state_of(code: AlarmState) -> ConditionState:
    return ConditionState(
        is_active=code in {AlarmState.UNACKED, AlarmState.ACKED},
        is_acked=code not in {AlarmState.UNACKED, AlarmState.RETURNED_UNACKED},
        is_shelved=code is AlarmState.SHELVED,
        is_suppressed=code in {AlarmState.SUPPRESSED, AlarmState.OUT_OF_SERVICE},
    )


def _result(code: int) -> ua.CallMethodResult:
    return ua.CallMethodResult(status(code))


def _wrong_count(given: int, needed: int) -> int:
    return StatusCodes.BadArgumentsMissing if given < needed else StatusCodes.BadTooManyArguments
