"""Who gets in: client certificates, which channels may carry a session, and logins."""

import asyncio
from datetime import UTC, datetime, timedelta
from struct import unpack_from
from time import monotonic
from typing import Any, Final

import structlog
from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto import uacrypto
from asyncua.crypto.security_policies import SecurityPolicy

from controller.core.command import Role
from hmi_server.opcua import certs, wire
from hmi_server.opcua.ids import StatusCodes
from hmi_server.opcua.session import PlantSession
from hmi_server.opcua.users import LoginGuard, UserError, Users

MAX_SESSIONS: Final = 50
MIN_NONCE: Final = 32
MAX_PASSWORD_BYTES: Final = 1024
_RSA_OAEP: Final = "http://www.w3.org/2001/04/xmlenc#rsa-oaep"
_RSA_OAEP_SHA256: Final = "http://opcfoundation.org/UA/security/rsa-oaep-sha2-256"
_DECRYPT: Final = {_RSA_OAEP: uacrypto.decrypt_rsa_oaep, _RSA_OAEP_SHA256: uacrypto.decrypt_rsa_oaep_sha256}
_log = structlog.get_logger()


class Gate:
    """Decides about certificates, sessions and logins of one server."""

    def __init__(self, trust: certs.TrustList, users: Users, *, is_open: bool) -> None:
        self._trust = trust
        self._users = users
        self._is_open = is_open
        self._guard = LoginGuard(monotonic)
        self._verifying = asyncio.Semaphore(2)  # each takes 64 MiB and a core for some 50 ms
        self._key: Any = None

    def use_key(self, private_key: object) -> None:
        """Give the key that passwords are encrypted to."""
        self._key = private_key

    def warn_about_own(self, own: certs.Own) -> None:
        """Log when the server's own certificate ends soon."""
        left = own.expires - datetime.now(UTC)
        if left < timedelta(days=certs.WARN_DAYS):
            _log.warning("own_certificate_expires", path=str(own.certificate), days=left.days)

    # --- channels ----------------------------------------------------------------------------------------------------

    def refusal_of(self, certificate: bytes | None, address: str) -> str:
        """Return why a client's certificate is refused, "" when it is trusted; a refusal is logged with what to do."""
        der = certificate or b""
        problem = self._trust.check(der, datetime.now(UTC))
        if problem:
            thumbprint = certs.thumbprint(der)
            _log.warning(
                "certificate_refused",
                name=certs.name_of(der),
                thumbprint=thumbprint,
                address=address,
                reason=problem,
                to_trust_it=f"wte certs trust {thumbprint}" if problem == "is not trusted" else "not possible",
            )
        return problem

    def check_session(self, policy: SecurityPolicy, params: ua.CreateSessionParameters, sessions: int) -> None:
        """Refuse a session on a channel of a policy that is not offered, or of another certificate than it names."""
        if sessions >= MAX_SESSIONS:
            raise ServiceError(StatusCodes.BadTooManySessions)
        if policy.URI == wire.NO_SECURITY:
            if not self._is_open:
                raise ServiceError(StatusCodes.BadSecurityPolicyRejected)
            return
        if policy.Mode != ua.MessageSecurityMode.SignAndEncrypt:
            raise ServiceError(StatusCodes.BadSecurityModeRejected)
        if len(params.ClientNonce or b"") < MIN_NONCE:
            raise ServiceError(StatusCodes.BadNonceInvalid)
        if params.ClientCertificate != policy.peer_certificate:
            raise ServiceError(StatusCodes.BadCertificateInvalid)
        if params.ClientDescription.ApplicationUri not in certs.uris(params.ClientCertificate):
            raise ServiceError(StatusCodes.BadCertificateUriInvalid)

    # --- logins ------------------------------------------------------------------------------------------------------

    async def login(self, session: PlantSession, token: object, policy: SecurityPolicy) -> tuple[str, Role]:
        """Return the user's name and role; raises the status that the client gets when there is no such user."""
        is_secure = policy.URI != wire.NO_SECURITY
        if not isinstance(token, ua.UserNameIdentityToken):
            is_nobody = isinstance(token, ua.AnonymousIdentityToken) or (
                isinstance(token, ua.ExtensionObject) and token.TypeId.is_null()
            )
            if is_nobody and not is_secure and self._is_open:
                return "", Role.ANONYMOUS
            raise ServiceError(StatusCodes.BadIdentityTokenRejected)
        if not is_secure:
            raise ServiceError(StatusCodes.BadIdentityTokenRejected)  # no password over an open channel
        name = token.UserName or ""
        role = await self._checked(name, self._password(session, token), session.address)
        if role is None:
            _log.warning("login_refused", user=name[:64], address=session.address)
            raise ServiceError(StatusCodes.BadUserAccessDenied)
        return name, role

    async def _checked(self, name: str, password: str, address: str) -> Role | None:
        delay_s = self._guard.delay_s(name, address)
        if delay_s is None:
            _log.warning("login_locked", user=name[:64], address=address)
        elif delay_s:
            await asyncio.sleep(delay_s)  # only this connection waits
        try:
            async with self._verifying:
                role = await asyncio.to_thread(self._users.verify, name, password)
        except UserError as exc:
            _log.error("users_unreadable", error=str(exc))
            return None
        if role is None:
            self._guard.failed(name, address)
        if role is None or delay_s is None:
            return None
        self._guard.succeeded(name, address)
        return role

    def _password(self, session: PlantSession, token: ua.UserNameIdentityToken) -> str:
        """Return the password of a token, decrypted; the nonce at its end proves that it was made for this session."""
        raw = token.Password or b""
        try:
            if not token.EncryptionAlgorithm:
                return bytes(raw[:MAX_PASSWORD_BYTES]).decode()  # the channel itself is encrypted
            plain = _DECRYPT[token.EncryptionAlgorithm](self._key, raw)
            nonce = session.nonce or b""
            length = unpack_from("<I", plain)[0] - len(nonce)
            secret, given = plain[4 : 4 + length], plain[4 + length :]
            if not 0 <= length <= MAX_PASSWORD_BYTES or given != nonce:
                raise ServiceError(StatusCodes.BadIdentityTokenInvalid)
            return secret.decode()
        except (KeyError, ValueError, IndexError) as exc:
            raise ServiceError(StatusCodes.BadIdentityTokenInvalid) from exc

    @staticmethod
    def log_login(session: PlantSession) -> None:
        """Write down who has come."""
        _log.info(
            "session_activated",
            user=session.user_name or "anonymous",
            role=session.role.name.lower(),
            address=session.address,
        )
