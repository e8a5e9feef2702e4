"""asyncua's server with our services in its seams: internal server, node table, sockets."""

import asyncio
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final, cast

from asyncua import ua
from asyncua.common.connection import TransportLimits
from asyncua.crypto import security_policies, uacrypto
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_session import InternalSession
from asyncua.server.server import Server
from asyncua.server.subscription_service import SubscriptionService

from controller.core.plan import Plan
from hmi_server.opcua.certs import Own
from hmi_server.opcua.commands import MAX_COMMANDS
from hmi_server.opcua.ids import NAMESPACE, ObjectIds, standard
from hmi_server.opcua.session import PlantSession
from hmi_server.opcua.space import NAMESPACE_URI, PlantNodes, PlantSpace
from hmi_server.opcua.subscribe import Subscriptions
from hmi_server.opcua.transport import PlantBinaryServer, Services
from hmi_server.opcua.view import MAX_CONTINUATION_POINTS

PRODUCT_URI: Final = "urn:wte"
MAX_CONNECTIONS: Final = 100
MAX_UNACTIVATED_S: Final = 10.0
MAX_SESSION_MS: Final = 600_000.0
MAX_CHUNK: Final = 65_536
MAX_CHUNKS: Final = 64
MAX_MESSAGE: Final = 4 * 1024 * 1024

SECURE_POLICIES: Final = (
    security_policies.SecurityPolicyAes256Sha256RsaPss,
    security_policies.SecurityPolicyBasic256Sha256,
)
_ANNOUNCED: Final = {  # what differs from the 10,000 of everything that asyncua announces
    ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerWrite: ua.Variant(
        MAX_COMMANDS, ua.VariantType.UInt32
    ),
    ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerMethodCall: ua.Variant(
        MAX_COMMANDS, ua.VariantType.UInt32
    ),
    ObjectIds.Server_ServerCapabilities_MaxBrowseContinuationPoints: ua.Variant(
        MAX_CONTINUATION_POINTS, ua.VariantType.UInt16
    ),
}
_UATCP: Final = "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary"
_NONE_URI: Final = security_policies.SecurityPolicyNone.URI


class PlantInternalServer(InternalServer):
    """asyncua's internal server; its own services serve only itself, ours serve the clients."""

    def __init__(self) -> None:
        super().__init__()
        self.user_manager = None  # logins are checked before asyncua's session is activated
        self.max_connections = MAX_CONNECTIONS
        self.max_pending_activation_seconds = MAX_UNACTIVATED_S
        self.max_session_timeout_ms = MAX_SESSION_MS

    def create_session(
        self,
        name: str,
        user: User = User(role=UserRole.Anonymous),  # noqa: ARG002, B008  asyncua's signature
        external: bool = False,  # noqa: ARG002, FBT001, FBT002
    ) -> InternalSession:
        """Make a client's session."""
        return PlantSession(self, name)

    def close_subscriptions_through(self, subscriptions: Subscriptions) -> None:
        """Let asyncua's sessions find and delete the subscriptions of ours."""
        self.subscription_service = cast("SubscriptionService", subscriptions)

    async def stop(self) -> None:
        """Close all sessions, also those whose connection is lost, and the clock, which would sleep for a second."""
        for session in list(self._external_sessions.values()):
            await session.close_session()
        if self.time_task is not None:
            self.time_task.cancel()
            await asyncio.wait([self.time_task])
            self.time_task = None
        await super().stop()

    @property
    def sessions(self) -> int:
        """How many client sessions are open."""
        return len(self._external_sessions)


class PlantServer(Server):
    """asyncua's server, with the endpoints and the sockets of the plant."""

    def __init__(self, plan: Plan, endpoint: str, own: Own, *, is_open: bool) -> None:
        self.plant = PlantInternalServer()
        super().__init__(iserver=self.plant)
        self.plan = plan
        self.space = PlantSpace(plan)
        self.is_open = is_open
        self.name = f"wte {plan.name}"
        self.manufacturer_name = "wte"
        self.application_type = ua.ApplicationType.Server
        self.product_uri = PRODUCT_URI
        self.limits = TransportLimits(MAX_CHUNK, MAX_CHUNK, MAX_CHUNKS, MAX_MESSAGE)
        self.set_endpoint(endpoint)
        self._application_uri = own.uri
        self._own = own
        self._services: Services | None = None

    async def init(self, shelf_file: Path | None = None) -> None:
        """Load the standard nodes, put the plant beside them, and load the certificate."""
        await super().init(shelf_file)
        index = await self.register_namespace(NAMESPACE_URI)
        assert index == NAMESPACE, index  # noqa: S101  NodeIds of clients' screens hold the number
        for number, limit in _ANNOUNCED.items():
            await self.get_node(standard(number)).write_value(limit)
        software = version("asyncua")
        await self.set_build_info(
            PRODUCT_URI, "wte", self.name, version("wte"), f"asyncua {software}", datetime.now(UTC)
        )
        nodes = PlantNodes(self.plant.aspace._nodes, self.space)  # noqa: SLF001  asyncua's seam for virtual nodes
        self.plant.aspace._nodes = nodes  # noqa: SLF001
        nodes[standard(ObjectIds.ObjectsFolder)].references.append(nodes.reference_to_plant())
        await self.load_certificate(self._own.certificate)
        await self.load_private_key(self._own.key)

    def use(self, services: Services) -> None:
        """Serve clients with these services."""
        self._services = services
        self.plant.close_subscriptions_through(services.subscriptions)

    async def start(self) -> None:
        """Listen; OSError when the address cannot be used."""
        assert self._services is not None  # noqa: S101  use() comes first
        await self._setup_server_nodes()
        await self.iserver.start()
        host, port = self._get_bind_socket_info()
        self.bserver = PlantBinaryServer(self.plant, host or "127.0.0.1", port or 0, self.limits, self._services)
        self.bserver.set_policies(self._policies)
        try:
            await self.bserver.start()
        except OSError:
            await self.iserver.stop()
            raise

    async def stop(self) -> None:
        """Close the sockets and everything behind them, in less than 2 s."""
        async with asyncio.timeout(2.0):
            await super().stop()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return 0 if self.bserver is None else self.bserver.port

    async def _setup_server_nodes(self) -> None:
        """Offer the endpoints: encrypted ones for people who log in, and the open one for looking on this machine."""
        for level, policy in enumerate(reversed(SECURE_POLICIES), start=100):
            self._offer(policy, ua.MessageSecurityMode.SignAndEncrypt, level, _login_token(policy.URI))
        if self.is_open:
            policy = security_policies.SecurityPolicyNone
            self._offer(policy, ua.MessageSecurityMode.None_, 0, _anonymous_token())

    def _offer(
        self,
        policy: type[security_policies.SecurityPolicy],
        mode: ua.MessageSecurityMode,
        level: int,
        token: ua.UserTokenPolicy,
    ) -> None:
        self._policies.append(
            security_policies.SecurityPolicyFactory(policy, mode, self.iserver.certificate, self.iserver.private_key)
        )
        self.iserver.add_endpoint(
            ua.EndpointDescription(
                EndpointUrl=self.endpoint.geturl(),
                Server=self._description(),
                ServerCertificate=uacrypto.der_from_x509(self.iserver.certificate),
                SecurityMode=mode,
                SecurityPolicyUri=policy.URI,
                UserIdentityTokens=[token],
                TransportProfileUri=_UATCP,
                SecurityLevel=ua.Byte(level),
            )
        )

    def _description(self) -> ua.ApplicationDescription:
        return ua.ApplicationDescription(
            ApplicationUri=self._application_uri,
            ProductUri=PRODUCT_URI,
            ApplicationName=ua.LocalizedText(self.name),
            ApplicationType=self.application_type,
            DiscoveryUrls=[self.endpoint.geturl()],
        )


def _login_token(policy_uri: str) -> ua.UserTokenPolicy:
    return ua.UserTokenPolicy(PolicyId="username", TokenType=ua.UserTokenType.UserName, SecurityPolicyUri=policy_uri)


def _anonymous_token() -> ua.UserTokenPolicy:
    return ua.UserTokenPolicy(PolicyId="anonymous", TokenType=ua.UserTokenType.Anonymous, SecurityPolicyUri=_NONE_URI)
