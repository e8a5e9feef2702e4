"""Monitored items that are few or rare, as objects: attributes of standard nodes, and events."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary

from hmi_server.opcua.attributes import stamped
from hmi_server.opcua.event_filter import CompiledFilter
from hmi_server.opcua.event_record import EventRecord
from hmi_server.opcua.ids import status
from hmi_server.opcua.items import DISABLED, OVERFLOW, REPORTING

ReadItem = Callable[[ua.ReadValueId], ua.DataValue]


@dataclass(slots=True)
class AttributeItem:
    """One attribute of any node that is no plant value, compared each ``every`` ticks."""

    ident: int
    handle: int
    node: ua.ReadValueId
    mode: int
    every: int
    queue: int
    drops_oldest: bool
    trigger: int
    times: ua.TimestampsToReturn
    waiting: deque[ua.DataValue] = field(default_factory=deque[ua.DataValue])
    _last: ua.DataValue | None = None
    _next_tick: int = 0

    def sample(self, tick: int, read: ReadItem) -> None:
        """Queue the value when it is due and has changed."""
        if self.mode == DISABLED or tick < self._next_tick:
            return
        self._next_tick = tick + self.every
        value = read(self.node)
        if self._last is None or self._differs(value, self._last):
            self._last = value
            self._queue(stamped(value, self.node.AttributeId, self.times))

    def _differs(self, value: ua.DataValue, last: ua.DataValue) -> bool:
        if value.StatusCode != last.StatusCode:
            return True
        if self.trigger >= ua.DataChangeTrigger.StatusValue and value.Value != last.Value:
            return True
        is_timed = self.trigger == ua.DataChangeTrigger.StatusValueTimestamp
        return is_timed and value.SourceTimestamp != last.SourceTimestamp

    def _queue(self, value: ua.DataValue) -> None:
        if len(self.waiting) >= self.queue:
            if self.drops_oldest:
                self.waiting.popleft()
                if self.waiting:
                    _mark(self.waiting[0])
            else:
                self.waiting.pop()
                if self.waiting:
                    _mark(value)
        self.waiting.append(value)

    def set_mode(self, mode: int) -> None:
        """Change the monitoring mode: disabled forgets what waits, enabled again reports at once."""
        if mode == DISABLED:
            self.waiting.clear()
        elif self.mode == DISABLED:
            self._last, self._next_tick = None, 0
        self.mode = mode

    def pending(self) -> int:
        """Return how many values wait to be reported."""
        return len(self.waiting) if self.mode == REPORTING else 0

    def take(self, limit: int) -> list[bytes]:
        """Return at most ``limit`` encoded MonitoredItemNotifications."""
        count = min(limit, self.pending())
        taken = [self.waiting.popleft() for _ in range(count)]
        return [struct_to_binary(ua.MonitoredItemNotification(self.handle, value)) for value in taken]


def _mark(value: ua.DataValue) -> None:
    code = 0 if value.StatusCode is None else value.StatusCode.value
    value.StatusCode = status(code | OVERFLOW)


MAX_EVENT_QUEUE: Final = 1000


@dataclass(slots=True)
class EventItem:
    """Events of the Server object that pass a filter, as the client selected their fields."""

    ident: int
    handle: int
    mode: int
    queue: int
    filter: CompiledFilter
    waiting: deque[EventRecord] = field(default_factory=deque[EventRecord])

    def set_mode(self, mode: int) -> None:
        """Change the monitoring mode; a disabled item forgets what waits."""
        if mode == DISABLED:
            self.waiting.clear()
        self.mode = mode

    def offer(self, event: EventRecord) -> None:
        """Queue an event that passes the filter; when the queue is full the oldest goes."""
        if self.mode == DISABLED or not self.filter.passes(event):
            return
        if len(self.waiting) >= self.queue:
            self.waiting.popleft()
        self.waiting.append(event)

    def pending(self) -> int:
        """Return how many events wait to be reported."""
        return len(self.waiting) if self.mode == REPORTING else 0

    def take(self, limit: int, locale: str) -> list[bytes]:
        """Return at most ``limit`` encoded EventFieldLists."""
        taken = [self.waiting.popleft() for _ in range(min(limit, self.pending()))]
        return [struct_to_binary(ua.EventFieldList(self.handle, self.filter.select(event, locale))) for event in taken]
