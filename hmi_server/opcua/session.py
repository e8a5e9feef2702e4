"""A client's session: who it is, what it was promised, and the Publish requests it has in hand."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_bytes
from time import monotonic
from typing import TYPE_CHECKING, Final

from asyncua import ua
from asyncua.server.internal_session import InternalSession

from controller.core.command import Role
from hmi_server.opcua import wire
from hmi_server.opcua.ids import StatusCodes
from hmi_server.opcua.view import OpenBrowses

if TYPE_CHECKING:
    from asyncua.server.internal_server import InternalServer

    from hmi_server.opcua.subscription import Subscription

TOKEN_BYTES: Final = 32
LANGUAGES: Final = ("en", "ru")
_SPARE_PUBLISH_REQUESTS: Final = 10

Send = Callable[[int, bytes], None]  # request id, body: sends one secure message on the request's own connection


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """A Publish request that waits for something to say."""

    request_id: int
    handle: int
    results: list[int]
    deadline: float  # monotonic seconds, inf: none
    send: Send


class PlantSession(InternalSession):
    """asyncua's session with a random token, bound to the certificate of the channel it was made on."""

    def __init__(self, server: "InternalServer", name: str) -> None:
        super().__init__(server, server.aspace, server.subscription_service, name, external=False)
        self.auth_token = ua.NodeId(ua.ByteString(token_bytes(TOKEN_BYTES)), ua.Int16(0), ua.NodeIdType.ByteString)
        self.external = True
        self.certificate: bytes | None = None
        self.address = ""
        self.role = Role.ANONYMOUS
        self.user_name = ""
        self.locale = "en"
        self.browses = OpenBrowses()
        self._leave: Callable[[], None] = lambda: None
        self._publish_requests: deque[PublishRequest] = deque()
        self._status_changes: deque[tuple[int, int]] = deque()
        server.register_external_session(self)

    def bind(self, certificate: bytes | None, address: str) -> None:
        """Tie the session to the channel it was made on."""
        self.certificate, self.address = certificate, address

    def carry(self, leave: Callable[[], None]) -> None:
        """Be carried by a new connection; the one before lets go, and what it had asked for is forgotten."""
        self._leave()
        self._leave = leave
        self.drop_publish_requests()

    def may_move_to(self, certificate: bytes | None) -> bool:
        """Whether a new channel may take the session over: only with the same certificate."""
        return self.certificate is not None and self.certificate == certificate

    def log_in(self, name: str, role: Role, locales: list[str] | None) -> None:
        """Give the session its user and its language."""
        self.user_name, self.role = name, role
        self.locale = next((found[:2] for found in locales or () if found and found[:2] in LANGUAGES), "en")

    @property
    def last_activity(self) -> float:
        """Monotonic seconds of the last request."""
        return self._last_activity

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody has logged in."""
        return self.role is Role.ANONYMOUS

    def announce(self, subscription: int, code: int) -> None:
        """Tell the client with its next Publish answer that a subscription is no longer its own."""
        self._status_changes.append((subscription, code))

    def add_publish_request(self, request: PublishRequest, subscriptions: int) -> None:
        """Keep a Publish request; beyond the limit the oldest is sent back."""
        self._publish_requests.append(request)
        if len(self._publish_requests) > subscriptions + _SPARE_PUBLISH_REQUESTS:
            self._refuse(self._publish_requests.popleft(), StatusCodes.BadTooManyPublishRequests)

    @property
    def has_announcements(self) -> bool:
        """Whether a Publish request would be answered although no subscription is left."""
        return bool(self._status_changes)

    def drop_publish_requests(self) -> None:
        """Forget the requests of a connection that is gone."""
        self._publish_requests.clear()

    def refuse_publish_requests(self, code: int) -> None:
        """Send all requests back."""
        while self._publish_requests:
            self._refuse(self._publish_requests.popleft(), code)

    def is_same_client(self, other: "PlantSession") -> bool:
        """Whether two sessions are of one user on one application; without a certificate nobody can tell."""
        return (
            self.certificate is not None
            and self.certificate == other.certificate
            and (self.user_name, self.role) == (other.user_name, other.role)
        )

    def serve(self, subscriptions: list["Subscription"]) -> None:
        """Answer waiting Publish requests for as long as a subscription has something to say."""
        while self._status_changes and (request := self._next_request()):
            ident, code = self._status_changes.popleft()
            message = wire.notification_message(1, [wire.status_change(code)])
            self._answer(request, ident, [], message, more=False)
        late = sorted((s for s in subscriptions if s.is_late), key=lambda s: -s.cadence.priority)
        for subscription in late:
            while subscription.is_late:
                request = self._next_request()
                if request is None:
                    return
                subscription.touch()
                message, more = subscription.message()
                self._answer(request, subscription.ident, list(subscription.sent), message, more=more)

    def _answer(self, request: PublishRequest, ident: int, available: list[int], message: bytes, *, more: bool) -> None:
        body = wire.publish_response(request.handle, ident, available, message, request.results, more=more)
        request.send(request.request_id, body)

    def _next_request(self) -> PublishRequest | None:
        while self._publish_requests:
            request = self._publish_requests.popleft()
            if monotonic() <= request.deadline:
                return request
            self._refuse(request, StatusCodes.BadTimeout)
        return None

    @staticmethod
    def _refuse(request: PublishRequest, code: int) -> None:
        request.send(request.request_id, wire.service_fault(request.handle, code))
