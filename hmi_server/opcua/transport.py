"""One client connection: frames are checked before they are stored, and every request finds its service.

asyncua does the secure channel (chunks, signatures, encryption); what a request may do before a channel, before a
session and in a session is decided here.
"""

import asyncio
import ipaddress
from typing import TYPE_CHECKING, Any, Final, cast

import structlog
from asyncua import ua
from asyncua.common.connection import TransportLimits
from asyncua.common.utils import Buffer, ServiceError
from asyncua.server.binary_server_asyncio import BinaryServer, OPCUAProtocol
from asyncua.server.uaprocessor import UaProcessor
from asyncua.ua.ua_binary import header_from_binary, nodeid_from_binary, uatcp_to_binary
from cryptography.exceptions import InvalidSignature

from hmi_server.opcua import wire
from hmi_server.opcua.ids import ObjectIds, StatusCodes, status
from hmi_server.opcua.security import Gate
from hmi_server.opcua.services import DECODE_ERRORS, Malformed, Services, decode, decoded
from hmi_server.opcua.session import PlantSession

if TYPE_CHECKING:
    from hmi_server.opcua.server import PlantInternalServer

MAX_PER_ADDRESS: Final = 10  # connections, other than from this machine
MAX_FRAME: Final = 65_536
MIN_FRAME: Final = 8
MAX_BEFORE_LOGIN: Final = 65_536  # bytes of a message before a session is activated
MAX_MALFORMED: Final = 3
MAX_INCOMPLETE_S: Final = 5.0
MAX_SEND_BUFFER: Final = 1024 * 1024  # a client that reads slower than this is closed

_DISCOVERY: Final = frozenset(
    {
        ObjectIds.GetEndpointsRequest_Encoding_DefaultBinary,
        ObjectIds.FindServersRequest_Encoding_DefaultBinary,
        ObjectIds.CloseSecureChannelRequest_Encoding_DefaultBinary,
    }
)
_log = structlog.get_logger()


class PlantProcessor(UaProcessor):
    """Takes the messages of one connection."""

    def __init__(
        self, server: "PlantInternalServer", transport: asyncio.Transport, limits: TransportLimits, services: Services
    ) -> None:
        super().__init__(server, transport, limits)
        self._plant = server
        self._services = services
        self._gate: Gate = services.gate
        self._has_greeted = False
        self._malformed = 0
        self._own_limits = limits

    @property
    def _session(self) -> PlantSession | None:
        """The session this connection carries."""
        return self.session if isinstance(self.session, PlantSession) else None

    @property
    def address(self) -> str:
        """Where the client is."""
        return str(self.name[0])

    # --- the channel -------------------------------------------------------------------------------------------------

    async def process(self, header: ua.Header, body: Buffer) -> bool:
        """Take one message; False closes the connection."""
        is_hello = header.MessageType == ua.MessageType.Hello
        if is_hello == self._has_greeted:  # anything before Hello, or a second one
            self._send_error(StatusCodes.BadTcpMessageTypeInvalid, "expected one Hello, then the rest")
            return False
        self._has_greeted = True
        try:
            is_open = await super().process(header, body)
        except (InvalidSignature, ServiceError, ua.UaError, *DECODE_ERRORS) as exc:
            _log.warning("message_refused", address=self.address, error=repr(exc), exc_info=True)
            self._send_error(StatusCodes.BadSecurityChecksFailed, "the message cannot be accepted")
            return False
        if is_hello:  # asyncua now has the client's limits for answers; requests are held to ours
            self._limits.max_message_size = MAX_BEFORE_LOGIN
            self._limits.max_chunk_count = self._own_limits.max_chunk_count
        return bool(is_open)

    def open_secure_channel(self, algohdr: Any, seqhdr: Any, body: Buffer) -> None:
        """Open or renew the channel, for a certificate that is trusted."""
        certificate = algohdr.SenderCertificate
        if self._connection.security_policy.URI != wire.NO_SECURITY:
            refusal = self._gate.refusal_of(certificate, self.address)
            if refusal:
                raise ServiceError(StatusCodes.BadSecurityChecksFailed)
            if self._connection.is_open() and certificate != self._connection.security_policy.peer_certificate:
                raise ServiceError(StatusCodes.BadSecurityChecksFailed)
        super().open_secure_channel(algohdr, seqhdr, body)

    def _send_error(self, code: int, words: str) -> None:
        message = ua.ErrorMessage(status(code), ua.String(words))
        self._transport.write(uatcp_to_binary(cast("ua.MessageType", ua.MessageType.Error), message))

    # --- requests ----------------------------------------------------------------------------------------------------

    async def process_message(self, seqhdr: Any, body: Buffer) -> bool:
        """Answer one request; whatever is wrong with it becomes a ServiceFault."""
        header = ua.RequestHeader()
        try:
            if not self._connection.is_open():
                return False
            usual = wire.usual_publish(bytes(body))
            if usual is not None:
                header.RequestHandle = usual.handle
                self._publish(usual, seqhdr.RequestId)
            else:
                type_id = decode(nodeid_from_binary, body)
                header = decoded(ua.RequestHeader, body)
                await self._dispatch(type_id, header, seqhdr, body)
        except Malformed:
            self._malformed += 1
            self.fault(seqhdr.RequestId, header.RequestHandle, StatusCodes.BadDecodingError)
            return self._malformed < MAX_MALFORMED
        except (ServiceError, ua.UaStatusCodeError) as exc:
            self.fault(seqhdr.RequestId, header.RequestHandle, int(exc.code))
        except InvalidSignature:
            self.fault(seqhdr.RequestId, header.RequestHandle, StatusCodes.BadApplicationSignatureInvalid)
        return not self._transport.is_closing()

    async def _dispatch(self, type_id: ua.NodeId, header: ua.RequestHeader, seqhdr: Any, body: Buffer) -> None:
        number = type_id.Identifier if type_id.NamespaceIndex == 0 else 0
        match number:
            case number if number in _DISCOVERY:
                if not await self._process_message(type_id, header, seqhdr, body):
                    self._transport.close()
            case ObjectIds.CreateSessionRequest_Encoding_DefaultBinary:
                await self._create_session(type_id, header, seqhdr, body)
            case ObjectIds.ActivateSessionRequest_Encoding_DefaultBinary:
                await self._activate_session(header, seqhdr, body)
            case ObjectIds.CloseSessionRequest_Encoding_DefaultBinary:
                self._own_session(header.AuthenticationToken.Identifier)
                await self._process_message(type_id, header, seqhdr, body)
                self.session = None
            case ObjectIds.PublishRequest_Encoding_DefaultBinary:
                params = decoded(ua.PublishParameters, body)
                acks = [(ack.SubscriptionId, ack.SequenceNumber) for ack in params.SubscriptionAcknowledgements]
                token = header.AuthenticationToken.Identifier
                fields = wire.PublishFields(token, header.RequestHandle, header.TimeoutHint, acks)
                self._publish(fields, seqhdr.RequestId)
            case _:
                session = self._active_session(header.AuthenticationToken.Identifier)
                response = await self._services.answer(number, session, header, body)
                self.answer(seqhdr.RequestId, response)

    def _publish(self, fields: wire.PublishFields, request_id: int) -> None:
        self._services.publish(self._active_session(fields.token), fields, request_id, self.answer)

    def answer(self, request_id: int, body: bytes) -> None:
        """Send one secure message; a client that does not read is closed."""
        if self._transport.is_closing():
            return
        self._transport.write(self._connection.message_to_binary(body, request_id=request_id))
        if self._transport.get_write_buffer_size() > MAX_SEND_BUFFER:
            _log.warning("slow_client_closed", address=self.address, session=str(self._session))
            self._transport.abort()

    def fault(self, request_id: int, handle: int, code: int) -> None:
        """Refuse a whole request."""
        self.answer(request_id, wire.service_fault(handle, code))

    # --- sessions ----------------------------------------------------------------------------------------------------

    def _own_session(self, token: object) -> PlantSession:
        session = self._session
        if session is None or token != session.auth_token.Identifier:
            raise ServiceError(StatusCodes.BadSessionIdInvalid)
        session.touch()
        self.session_last_activity = session.last_activity
        return session

    def _active_session(self, token: object) -> PlantSession:
        session = self._own_session(token)
        if not session.is_activated():
            raise ServiceError(StatusCodes.BadSessionNotActivated)
        return session

    async def _create_session(self, type_id: ua.NodeId, header: Any, seqhdr: Any, body: Buffer) -> None:
        policy = self._connection.security_policy
        params = decoded(ua.CreateSessionParameters, body.copy())
        self._gate.check_session(policy, params, self._plant.sessions)
        if self._session is not None:
            raise ServiceError(StatusCodes.BadTooManySessions)
        await self._process_message(type_id, header, seqhdr, body)
        if self._session is not None:
            self._session.bind(policy.peer_certificate, self.address)
            self._session.carry(self._leave)

    async def _activate_session(self, header: ua.RequestHeader, seqhdr: Any, body: Buffer) -> None:
        """Log the user in; a session of a lost connection continues on a channel of the same certificate."""
        params = decoded(ua.ActivateSessionParameters, body)
        policy = self._connection.security_policy
        session = self._plant.lookup_external_session(header.AuthenticationToken)
        if not isinstance(session, PlantSession):
            raise ServiceError(StatusCodes.BadSessionIdInvalid)
        if session is not self._session and not session.may_move_to(policy.peer_certificate):
            raise ServiceError(StatusCodes.BadSecurityChecksFailed)
        if policy.host_certificate is not None:
            signed = policy.host_certificate + (session.nonce or b"")
            policy.asymmetric_cryptography.verify(signed, params.ClientSignature.Signature)
        name, role = await self._gate.login(session, params.UserIdentityToken, policy)
        if session is not self._session:
            if session.is_activated() and (name, role) != (session.user_name, session.role):
                raise ServiceError(StatusCodes.BadIdentityChangeNotSupported)
            session.carry(self._leave)
            self.session = session
        result = session.activate_session(params, policy.peer_certificate)
        session.log_in(name, role, params.LocaleIds)
        self._limits.max_message_size = self._own_limits.max_message_size
        response = ua.ActivateSessionResponse()
        response.Parameters = result
        self.send_response(header.RequestHandle, seqhdr, response)
        self._gate.log_login(session)

    def _leave(self) -> None:
        """Let go of a session that another connection carries from now on."""
        self.session = None

    async def close(self) -> None:
        """Clean up when the connection is gone."""
        if self._session is not None:
            self._session.drop_publish_requests()
        await super().close()

    def _should_close_session_on_transport_loss(self) -> bool:
        """End a session without a certificate with its connection: nobody could tell it from a stranger's."""
        if self._session is None or self._session.certificate is None:
            return True
        return super()._should_close_session_on_transport_loss()


class PlantProtocol(OPCUAProtocol):
    """The socket of one connection."""

    def __init__(
        self,
        server: "PlantInternalServer",
        policies: list[Any],
        clients: list[OPCUAProtocol],
        closing: list[asyncio.Task[Any]],
        limits: TransportLimits,
        services: Services,
    ) -> None:
        super().__init__(server, policies, clients, closing, limits)
        self._plant = server
        self._services = services
        self._received = bytearray()
        self._incomplete: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, unless its address has too many."""
        address = str(transport.get_extra_info("peername")[0])
        same = sum(client.peer_name[0] == address for client in self.clients)
        if same >= MAX_PER_ADDRESS and not ipaddress.ip_address(address).is_loopback:
            _log.warning("connection_refused", address=address, reason="too many connections from there")
            transport.close()
            return
        super().connection_made(transport)
        if self.transport is not None:
            self.processor = PlantProcessor(self._plant, self.transport, self.limits, self._services)
            self.processor.set_policies(self.policies)

    def data_received(self, data: bytes) -> None:
        """Cut the stream into frames; a frame that is too long is refused at its header."""
        self._received += data
        while len(self._received) >= MIN_FRAME:
            size = int.from_bytes(self._received[4:8], "little")
            if not MIN_FRAME <= size <= MAX_FRAME:
                self._give_up("frame of a size that was not agreed")
                return
            if len(self._received) < size:
                break
            frame = Buffer(bytes(self._received[:size]))
            del self._received[:size]
            try:
                self.messages.put_nowait((header_from_binary(frame), frame))
            except (asyncio.QueueFull, *DECODE_ERRORS):
                self._give_up("more requests than can be answered, or a header nobody understands")
                return
        self._watch_incomplete()

    def _watch_incomplete(self) -> None:
        """Close the connection when a frame that has begun is not complete in time."""
        if self._incomplete is not None:
            self._incomplete.cancel()
            self._incomplete = None
        if self._received:
            loop = asyncio.get_running_loop()
            self._incomplete = loop.call_later(MAX_INCOMPLETE_S, self._give_up, "frame not completed in time")

    def connection_lost(self, ex: BaseException | None) -> None:
        """Clean up."""
        if self._incomplete is not None:
            self._incomplete.cancel()
        super().connection_lost(ex)

    def _give_up(self, reason: str) -> None:
        _log.warning("connection_closed", address=str(self.peer_name), reason=reason)
        if self.transport is not None:
            self.transport.close()


class PlantBinaryServer(BinaryServer):
    """The listening socket."""

    def __init__(
        self, server: "PlantInternalServer", host: str, port: int, limits: TransportLimits, services: Services
    ) -> None:
        super().__init__(server, host, port, limits)
        self._plant = server
        self._plant_services = services

    def _make_protocol(self) -> PlantProtocol:
        return PlantProtocol(
            self._plant, self._policies, self.clients, self.closing_tasks, self.limits, self._plant_services
        )
