"""Certificates: the server's own, made at the first start, and the list of clients that are trusted.

``pki/own`` holds the certificate and its key, ``pki/trusted`` and ``pki/rejected`` one DER file per client certificate,
named by its thumbprint (SHA-1, as OPC UA names certificates).
"""

import ipaddress
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from controller.core.errors import PlantError

KEY_BITS: Final = 2048
MIN_KEY_BITS: Final = 2048
VALID_DAYS: Final = 5 * 365
WARN_DAYS: Final = 30
MAX_REJECTED: Final = 100  # kept to be trusted later; the oldest go
_WEAK_HASHES: Final = (hashes.MD5, hashes.SHA1)


class CertificateError(PlantError):
    """A certificate that is not there, or that nobody should trust."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One client certificate of the trust list."""

    thumbprint: str
    name: str
    expires: datetime
    is_trusted: bool


@dataclass(frozen=True, slots=True)
class Own:
    """The server's certificate and key, as files."""

    certificate: Path
    key: Path
    uri: str
    expires: datetime


def application_uri() -> str:
    """Return the URI this server is known by."""
    return f"urn:{socket.gethostname()}:wte"


def thumbprint(der: bytes) -> str:
    """Return a certificate's name among certificates."""
    digest = hashes.Hash(hashes.SHA1())  # noqa: S303  a name, not a protection: OPC UA Part 6 section 6.2.2
    digest.update(der)
    return digest.finalize().hex()


class TrustList:
    """The ``pki`` folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._own = folder / "own"
        self._trusted = folder / "trusted"
        self._rejected = folder / "rejected"

    # --- the server's own --------------------------------------------------------------------------------------------

    def own(self) -> Own:
        """Return the server's certificate; the first call makes it."""
        for folder in (self._own, self._trusted, self._rejected):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        paths = self._own / "certificate.der", self._own / "key.pem"
        if not all(path.exists() for path in paths):
            self._make(*paths)
        try:
            certificate = x509.load_der_x509_certificate(paths[0].read_bytes())
        except (OSError, ValueError) as exc:
            raise CertificateError(
                f"{paths[0]}: is no certificate ({exc}); remove the folder {self._own} and start again, "
                "a new one is made"
            ) from exc
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uri = names.get_values_for_type(x509.UniformResourceIdentifier)[0]
        return Own(*paths, uri, certificate.not_valid_after_utc)

    @staticmethod
    def _make(certificate_path: Path, key_path: Path) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with os.fdopen(os.open(key_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(pem)
        certificate_path.write_bytes(self_signed(key, application_uri(), "wte", is_server=True))

    # --- clients -----------------------------------------------------------------------------------------------------

    def entries(self) -> list[Entry]:
        """Return all client certificates, the trusted ones first."""
        trusted = [_entry(path, is_trusted=True) for path in sorted(self._trusted.glob("*.der"))]
        return trusted + [_entry(path, is_trusted=False) for path in sorted(self._rejected.glob("*.der"))]

    def trust(self, beginning: str) -> Entry:
        """Trust the rejected certificate whose thumbprint begins so."""
        return self._move(beginning, self._rejected, self._trusted, "rejected")

    def reject(self, beginning: str) -> Entry:
        """Trust a certificate no longer; open connections stay until they end."""
        return self._move(beginning, self._trusted, self._rejected, "trusted")

    def add(self, der: bytes) -> Entry:
        """Trust a certificate that was brought as a file."""
        self._trusted.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._trusted / f"{thumbprint(der)}.der"
        x509.load_der_x509_certificate(der)
        path.write_bytes(der)
        return _entry(path, is_trusted=True)

    def _move(self, beginning: str, source: Path, target: Path, state: str) -> Entry:
        wanted = beginning.lower().replace(":", "").replace(" ", "")
        found = [path for path in source.glob("*.der") if wanted and path.name.startswith(wanted)]
        if len(found) != 1:
            known = ", ".join(path.stem for path in sorted(source.glob("*.der"))) or "none"
            problem = "several begin so" if found else "not there"
            raise CertificateError(f"{state} certificate {beginning!r}: {problem}; {state} are: {known}")
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        moved = found[0].replace(target / found[0].name)
        return _entry(moved, is_trusted=target == self._trusted)

    def check(self, der: bytes, now: datetime) -> str:
        """Return why a client's certificate is not accepted, "" when it is; one not trusted is kept for ``trust``."""
        try:
            certificate = x509.load_der_x509_certificate(der)
            problem = _problem(certificate, now)
        except ValueError:
            return "is no certificate"
        if problem:
            return problem
        if (self._trusted / f"{thumbprint(der)}.der").exists():
            return ""
        self._keep_rejected(der)
        return "is not trusted"

    def _keep_rejected(self, der: bytes) -> None:
        path = self._rejected / f"{thumbprint(der)}.der"
        if not path.exists():
            path.write_bytes(der)
        kept = sorted(self._rejected.glob("*.der"), key=lambda found: found.stat().st_mtime_ns)
        for oldest in kept[:-MAX_REJECTED]:
            oldest.unlink()


def self_signed(key: rsa.RSAPrivateKey, uri: str, name: str, *, is_server: bool) -> bytes:
    """Return a self-signed application certificate (OPC UA Part 6 section 6.2.2) for this host, DER encoded."""
    host = socket.gethostname()
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, host)]
    )
    hosts = [x509.DNSName(found) for found in dict.fromkeys((host, "localhost"))]
    names = [x509.UniformResourceIdentifier(uri), *hosts, x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    usage = ExtendedKeyUsageOID.SERVER_AUTH if is_server else ExtendedKeyUsageOID.CLIENT_AUTH
    start = datetime.now(UTC) - timedelta(hours=1)
    issuer_key = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(issuer_key, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key), critical=False)
        .add_extension(_key_usage(), critical=True)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,  # a self-signed certificate signs itself
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _problem(certificate: x509.Certificate, now: datetime) -> str:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < MIN_KEY_BITS:
        return f"has no RSA key of {MIN_KEY_BITS} bits or more"
    if isinstance(certificate.signature_hash_algorithm, _WEAK_HASHES):
        return "is signed with a weak hash; SHA-256 or better is needed"
    if now < certificate.not_valid_before_utc:
        return f"is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
    if now > certificate.not_valid_after_utc:
        return f"expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    return ""


def uris(der: bytes) -> list[str]:
    """Return the application URIs a certificate names."""
    try:
        names = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (ValueError, x509.ExtensionNotFound):
        return []
    return names.value.get_values_for_type(x509.UniformResourceIdentifier)


def name_of(der: bytes) -> str:
    """Return the subject of a certificate, for people."""
    try:
        return x509.load_der_x509_certificate(der).subject.rfc4514_string()
    except ValueError:
        return "(unreadable)"


def _entry(path: Path, *, is_trusted: bool) -> Entry:
    certificate = x509.load_der_x509_certificate(path.read_bytes())
    return Entry(path.stem, certificate.subject.rfc4514_string(), certificate.not_valid_after_utc, is_trusted)
