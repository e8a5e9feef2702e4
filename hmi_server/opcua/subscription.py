"""One subscription: its items, publishing cycles, keep-alive, lifetime and the messages a client may ask for again."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from asyncua import ua

from hmi_server.opcua import wire
from hmi_server.opcua.event_record import EventRecord
from hmi_server.opcua.ids import StatusCodes
from hmi_server.opcua.items import DataItems
from hmi_server.opcua.live import Live
from hmi_server.opcua.session import PlantSession
from hmi_server.opcua.slow_items import AttributeItem, EventItem, ReadItem

MAX_RETRANSMIT: Final = 20  # messages kept until they are acknowledged
MAX_NOTIFICATIONS: Final = 10_000  # in one message, when the client sets no limit: about 350 kB
MAX_LIFETIME_S: Final = 300.0
_MAX_SEQUENCE: Final = 0xFFFF_FFFF


@dataclass(slots=True)
class Cadence:
    """The revised numbers of a subscription; intervals in ticks, counts in publishing cycles."""

    every: int
    keep_alive: int
    lifetime: int
    max_notifications: int
    priority: int

    @staticmethod
    def revised(
        wanted: ua.CreateSubscriptionParameters | ua.ModifySubscriptionParameters, period_ms: float
    ) -> "Cadence":
        """Return what a client gets: whole ticks, a lifetime of at most 5 minutes and 3 keep-alives or more."""
        asked_ms = wanted.RequestedPublishingInterval
        longest = MAX_LIFETIME_S * 1000 / 3
        every = max(1, round(min(asked_ms, longest) / period_ms)) if asked_ms == asked_ms else 1  # noqa: PLR0124  NaN
        most = max(3, int(MAX_LIFETIME_S * 1000 / (every * period_ms)))
        keep_alive = max(1, min(wanted.RequestedMaxKeepAliveCount, most // 3))
        lifetime = min(max(wanted.RequestedLifetimeCount, 3 * keep_alive), most)
        limit = wanted.MaxNotificationsPerPublish
        return Cadence(
            every, keep_alive, lifetime, min(limit, MAX_NOTIFICATIONS) if limit else MAX_NOTIFICATIONS, wanted.Priority
        )


@dataclass(slots=True)
class Subscription:
    """State of one subscription; ``session`` is the one that owns it now."""

    ident: int
    session: PlantSession
    cadence: Cadence
    is_enabled: bool = True
    data: DataItems = field(default_factory=DataItems)
    attributes: dict[int, AttributeItem] = field(default_factory=dict[int, AttributeItem])
    events: dict[int, EventItem] = field(default_factory=dict[int, EventItem])
    sent: OrderedDict[int, bytes] = field(default_factory=OrderedDict[int, bytes])
    is_late: bool = False  # has something to send and waits for a Publish request
    _sequence: int = 0
    _quiet_cycles: int = 0
    _lonely_cycles: int = 0  # cycles without a Publish request of the client
    _is_first: bool = True

    @property
    def session_id(self) -> ua.NodeId:
        """The owner's id; asyncua's session looks for it."""
        return self.session.session_id

    def __len__(self) -> int:
        return len(self.data) + len(self.attributes) + len(self.events)

    # --- every tick --------------------------------------------------------------------------------------------------

    def sample(self, live: Live, server_time: int, read: ReadItem) -> None:
        """Compare all items with the newest values."""
        self.data.sample(live, server_time)
        for item in self.attributes.values():
            item.sample(live.tick, read)

    def offer(self, event: EventRecord) -> None:
        """Queue an event for the items that want it."""
        for item in self.events.values():
            item.offer(event)

    def cycle(self) -> None:
        """End a publishing cycle: there is something to send, or a keep-alive is due, or nothing."""
        self._lonely_cycles += 1
        self._quiet_cycles += 1
        if self._is_first or self._quiet_cycles >= self.cadence.keep_alive or self._has_notifications():
            self.is_late = True

    @property
    def is_expired(self) -> bool:
        """Whether the client has not asked for anything for the lifetime."""
        return self._lonely_cycles > self.cadence.lifetime

    def touch(self) -> None:
        """Start the lifetime anew: the client has shown that it is there."""
        self._lonely_cycles = 0

    def _has_notifications(self) -> bool:
        return self.is_enabled and bool(
            self.data.pending()
            or any(item.pending() for item in self.attributes.values())
            or any(item.pending() for item in self.events.values())
        )

    # --- messages ----------------------------------------------------------------------------------------------------

    def message(self) -> tuple[bytes, bool]:
        """Return the next NotificationMessage and whether another waits; a keep-alive when there is nothing."""
        bodies = self._bodies() if self.is_enabled else []
        following = self._sequence % _MAX_SEQUENCE + 1
        message = wire.notification_message(following, bodies)
        if bodies:
            self._sequence = following
            self.sent[following] = message
            if len(self.sent) > MAX_RETRANSMIT:
                self.sent.popitem(last=False)
        more = bool(bodies) and self._has_notifications()
        self._quiet_cycles, self._is_first, self.is_late = 0, False, more
        return message, more

    def _bodies(self) -> list[bytes]:
        room = self.cadence.max_notifications
        count, block = self.data.take(room)
        items = [block] if count else []
        for item in self.attributes.values():
            encoded = item.take(room - count)
            items += encoded
            count += len(encoded)
        bodies = [wire.data_change(count, items)] if count else []
        events: list[bytes] = []
        for item in self.events.values():
            events += item.take(room - count - len(events), self.session.locale)
        if events:
            bodies.append(wire.event_list(events))
        return bodies

    def acknowledge(self, sequence: int) -> int:
        """Forget a message the client has; returns the status code of this acknowledgement."""
        self.touch()
        if self.sent.pop(sequence, None) is None:
            return StatusCodes.BadSequenceNumberUnknown
        return StatusCodes.Good
