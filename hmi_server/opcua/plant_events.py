"""What happened in the plant, as OPC UA events: alarms and trips as conditions, commands as audit events."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from asyncua import ua

from controller.core.event import Event, EventKind
from controller.core.plan import AlarmInfo, TripInfo
from controller.core.tags import Text
from hmi_server.opcua.event_record import EventRecord, EventStamp, Field, base_fields, date_time
from hmi_server.opcua.ids import AttributeIds, ObjectIds, node_id, standard
from hmi_server.opcua.space import PlantSpace

_LEVELS: Final = {
    "hihi": (ObjectIds.ExclusiveLimitStateMachineType_HighHigh, "HighHighLimit", Text("HighHigh", "Верхний аварийный")),
    "hi": (ObjectIds.ExclusiveLimitStateMachineType_High, "HighLimit", Text("High", "Верхний")),
    "lo": (ObjectIds.ExclusiveLimitStateMachineType_Low, "LowLimit", Text("Low", "Нижний")),
    "lolo": (ObjectIds.ExclusiveLimitStateMachineType_LowLow, "LowLowLimit", Text("LowLow", "Нижний аварийный")),
}
_YES: Final = {
    "EnabledState": Text("Enabled", "Включена"),
    "ActiveState": Text("Active", "Активна"),
    "AckedState": Text("Acknowledged", "Квитирована"),
    "ConfirmedState": Text("Confirmed", "Подтверждена"),
    "SuppressedState": Text("Suppressed", "Подавлена"),
}
_NO: Final = {
    "EnabledState": Text("Disabled", "Отключена"),
    "ActiveState": Text("Inactive", "Неактивна"),
    "AckedState": Text("Unacknowledged", "Не квитирована"),
    "ConfirmedState": Text("Unconfirmed", "Не подтверждена"),
    "SuppressedState": Text("Unsuppressed", "Не подавлена"),
}
_SHELVED: Final = (ObjectIds.ShelvedStateMachineType_TimedShelved, Text("TimedShelved", "Отложена на время"))
_UNSHELVED: Final = (ObjectIds.ShelvedStateMachineType_Unshelved, Text("Unshelved", "Не отложена"))
_PROCESS_CLASS: Final = standard(ObjectIds.ProcessConditionClassType)

KIND_TEXT: Final = {
    EventKind.STARTED: Text("Controller started", "Контроллер запущен"),
    EventKind.STOPPED: Text("Controller stopped", "Контроллер остановлен"),
    EventKind.TRIP_LATCHED: Text("Trip", "Защита сработала"),
    EventKind.TRIP_ACTED: Text("Interlock acts", "Блокировка действует"),
    EventKind.TRIP_CLEARED: Text("Interlock cleared", "Блокировка снята"),
    EventKind.TRIP_RESET: Text("Trip reset", "Защита сброшена"),
    EventKind.BYPASS_ASKED: Text("Bypass asked for", "Запрошен вывод защиты"),
    EventKind.BYPASS_BEGUN: Text("Bypass begun", "Защита выведена"),
    EventKind.BYPASS_ENDS_SOON: Text("Bypass ends soon", "Вывод защиты скоро закончится"),
    EventKind.BYPASS_ENDED: Text("Bypass ended", "Вывод защиты окончен"),
    EventKind.COMMAND_ACCEPTED: Text("Command accepted", "Команда принята"),
    EventKind.COMMAND_REJECTED: Text("Command refused", "Команда отклонена"),
    EventKind.MODE_SHED: Text(
        "Loop left its mode: bad process value", "Контур вышел из режима: недостоверный параметр"
    ),
    EventKind.DEVICE_LOST: Text("Device lost", "Нет связи с устройством"),
    EventKind.DEVICE_BACK: Text("Device back", "Связь с устройством восстановлена"),
    EventKind.WRITE_MISMATCH: Text(
        "Device holds another output than was sent", "Выход устройства отличается от заданного"
    ),
    EventKind.SCAN_OVERRUN: Text("Scan overrun", "Превышено время цикла"),
    EventKind.EMISSION_RECORDED: Text("Emission mean recorded", "Записано среднее значение выбросов"),
    EventKind.EMISSION_EXCEEDED: Text("Emission limit exceeded", "Превышена норма выбросов"),
    EventKind.EMISSION_GAP: Text("Gap in the emission record", "Пропуск в учёте выбросов"),
    EventKind.CONTROL_FAILED: Text("Control failed: loops hold", "Отказ управления: контуры удерживают выход"),
}
_SYSTEM_TYPES: Final = {
    EventKind.DEVICE_LOST: ObjectIds.DeviceFailureEventType,
    EventKind.CONTROL_FAILED: ObjectIds.DeviceFailureEventType,
    EventKind.WRITE_MISMATCH: ObjectIds.DeviceFailureEventType,
}


@dataclass(frozen=True, slots=True)
class ConditionState:
    """Where one condition stands; ``comment`` and ``user`` are those of the last person who touched it."""

    is_active: bool = False
    is_acked: bool = True
    is_shelved: bool = False
    is_suppressed: bool = False
    comment: str = ""
    user: str = ""

    @property
    def is_retained(self) -> bool:
        """Whether an operator must still see it."""
        return (self.is_active or not self.is_acked) and not (self.is_shelved or self.is_suppressed)


def event_id(seq: int, key: str) -> bytes:
    """Return an EventId: the same for the same event whenever it is shown."""
    return seq.to_bytes(8, "big", signed=True) + blake2b(key.encode(), digest_size=8).digest()


class PlantEvents:
    """Builds the records of one plant's events."""

    def __init__(self, space: PlantSpace) -> None:
        self._space = space
        self._rows = space.plan.tags.rows
        self._index = space.plan.tags.index

    def alarm(self, info: AlarmInfo, state: ConditionState, stamp: EventStamp) -> EventRecord:
        """Return the event of an alarm that changed."""
        level = _LEVELS.get(info.kind)
        kind = standard(ObjectIds.OffNormalAlarmType if level is None else ObjectIds.ExclusiveLevelAlarmType)
        fields = base_fields(kind, stamp, node_id(info.source))
        fields |= _condition_fields(info.key, state)
        fields["InputNode"] = ua.Variant(node_id(info.source), ua.VariantType.NodeId)
        if level is not None:
            number, limit_name, words = level
            is_active = state.is_active
            fields["LimitState/CurrentState"] = words if is_active else _null()
            fields["LimitState/CurrentState/Id"] = _id(standard(number)) if is_active else _null()
            fields[limit_name] = ua.Variant(info.limit, ua.VariantType.Double)
        return EventRecord(kind, fields, condition=node_id(info.key))

    def alarm_message(self, info: AlarmInfo, value: float | None) -> Text:
        """Return what an operator reads: what, how much, what follows from it, what to do."""
        title = self._rows[self._index[info.key]].title
        unit = self._rows[self._index[info.source]].unit if info.source in self._index else ""
        measured = "" if value is None else f" {value:.5g} {unit}".rstrip()
        limit = "" if info.limit is None else f" ({info.limit:g} {unit})"
        return Text(
            _sentence(f"{title.en}{measured}{limit}", *(t.en for t in (info.consequence, info.response) if t)),
            _sentence(f"{title.ru}{measured}{limit}", *(t.ru for t in (info.consequence, info.response) if t)),
        )

    def trip(self, info: TripInfo, state: ConditionState, stamp: EventStamp) -> EventRecord:
        """Return the event of a protection row that began or ceased to act; people answer it with Reset."""
        kind = standard(ObjectIds.TripAlarmType)
        fields = base_fields(kind, stamp, node_id(info.key)) | _condition_fields(info.key, state)
        return EventRecord(kind, fields, condition=node_id(info.key))

    def trip_message(self, info: TripInfo, event: Event) -> Text:
        """Return what acted, by which channel and what it does."""
        words = KIND_TEXT[event.kind]
        channel = str(event.data.get("channel", ""))
        value = "" if event.value is None else f" {event.value:.5g}"
        cause = f": {channel}{value}" if channel else ""
        actions = "; ".join(info.actions)
        return Text(
            _sentence(f"{words.en}: {info.title.en}{cause}", actions),
            _sentence(f"{words.ru}: {info.title.ru}{cause}", actions),
        )

    def command(self, event: Event) -> EventRecord:
        """Return the audit event of a command."""
        is_write = event.data.get("action") == "write"
        kind = standard(ObjectIds.AuditWriteUpdateEventType if is_write else ObjectIds.AuditUpdateMethodEventType)
        words = KIND_TEXT[event.kind]
        done = f"{event.data.get('action', '')} {event.source}"
        value = "" if event.value is None else f" = {event.value:g}"
        detail = f"{done}{value} ({event.user or '-'})"
        text = Text(_sentence(f"{words.en}: {detail}", event.text), _sentence(f"{words.ru}: {detail}", event.text))
        stamp = EventStamp(event_id(event.seq, event.source), event.source, event.utc, event.severity, text)
        fields = base_fields(kind, stamp, self._source_node(event.source))
        fields |= {
            "ActionTimeStamp": date_time(event.utc),
            "Status": ua.Variant(event.kind is EventKind.COMMAND_ACCEPTED, ua.VariantType.Boolean),
            "ServerId": ua.Variant("wte", ua.VariantType.String),
            "ClientAuditEntryId": ua.Variant(str(event.data.get("why", "")), ua.VariantType.String),
            "ClientUserId": ua.Variant(event.user, ua.VariantType.String),
        }
        if is_write:
            fields["AttributeId"] = ua.Variant(AttributeIds.Value.value, ua.VariantType.UInt32)
            fields["NewValue"] = ua.Variant(event.value, ua.VariantType.Double)
        return EventRecord(kind, fields, is_audit=True)

    def other(self, event: Event) -> EventRecord:
        """Return a plain event: controller, devices, loops."""
        kind = standard(_SYSTEM_TYPES.get(event.kind, ObjectIds.SystemEventType))
        words = KIND_TEXT.get(event.kind, Text(str(event.kind), str(event.kind)))
        message = Text(
            _sentence(f"{words.en}: {event.source}", event.text), _sentence(f"{words.ru}: {event.source}", event.text)
        )
        stamp = EventStamp(event_id(event.seq, event.source), event.source, event.utc, event.severity, message)
        return EventRecord(kind, base_fields(kind, stamp, self._source_node(event.source)))

    def refresh(self, number: int, stamp: EventStamp) -> EventRecord:
        """Return RefreshStart or RefreshEnd."""
        kind = standard(number)
        return EventRecord(kind, base_fields(kind, stamp, standard(ObjectIds.Server)), is_refresh=True)

    def _source_node(self, source: str) -> ua.NodeId:
        """Return the plant node an event is about, else the server: a device or the controller is no node."""
        return standard(ObjectIds.Server) if self._space.node(source) is None else node_id(source)


def _condition_fields(key: str, state: ConditionState) -> dict[str, Field]:
    shelf_id, shelf = _SHELVED if state.is_shelved else _UNSHELVED
    fields: dict[str, Field] = {
        "ConditionClassId": _id(_PROCESS_CLASS),
        "ConditionClassName": Text("Process", "Процесс"),
        "ConditionName": ua.Variant(key, ua.VariantType.String),
        "BranchId": ua.Variant(ua.NodeId(), ua.VariantType.NodeId),
        "Retain": ua.Variant(state.is_retained, ua.VariantType.Boolean),
        "Quality": ua.Variant(ua.StatusCode(), ua.VariantType.StatusCode),
        "Comment": Text(state.comment, state.comment),
        "ClientUserId": ua.Variant(state.user, ua.VariantType.String),
        "SuppressedOrShelved": ua.Variant(state.is_shelved or state.is_suppressed, ua.VariantType.Boolean),
        "ShelvingState/CurrentState": shelf,
        "ShelvingState/CurrentState/Id": _id(standard(shelf_id)),
    }
    holds = {
        "EnabledState": True,
        "ActiveState": state.is_active,
        "AckedState": state.is_acked,
        "ConfirmedState": True,
        "SuppressedState": state.is_suppressed,
    }
    for name, value in holds.items():
        fields[name] = (_YES if value else _NO)[name]
        fields[f"{name}/Id"] = ua.Variant(value, ua.VariantType.Boolean)
    return fields


def _id(node: ua.NodeId) -> ua.Variant:
    return ua.Variant(node, ua.VariantType.NodeId)


def _null() -> ua.Variant:
    return ua.Variant(None, ua.VariantType.Null)


def _sentence(*parts: str) -> str:
    return ". ".join(part.strip().rstrip(".") for part in parts if part.strip())
