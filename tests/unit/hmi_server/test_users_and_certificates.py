"""Accounts and certificates as files, and the guard against guessing."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from controller.core.command import Role
from hmi_server.opcua.certs import CertificateError, TrustList, application_uri, self_signed, thumbprint, uris
from hmi_server.opcua.users import LoginGuard, UserError, Users

PASSWORD = "correct horse battery"


@pytest.fixture
def users(tmp_path: Path) -> Users:
    return Users(tmp_path / "state" / "users.json")


def test_a_user_logs_in_until_the_password_is_changed_or_the_user_is_removed(users: Users, tmp_path: Path) -> None:
    users.add("olga", Role.OPERATOR, PASSWORD)
    elsewhere = Users(tmp_path / "state" / "users.json")
    assert elsewhere.verify("olga", PASSWORD) is Role.OPERATOR
    assert elsewhere.verify("olga", PASSWORD + "!") is None
    users.set_password("olga", "another long one")
    assert elsewhere.verify("olga", PASSWORD) is None
    assert elsewhere.verify("olga", "another long one") is Role.OPERATOR
    users.remove("olga")
    assert elsewhere.verify("olga", "another long one") is None
    assert elsewhere.all() == []


def test_the_file_holds_no_password_and_is_the_owners_alone(users: Users, tmp_path: Path) -> None:
    users.add("olga", Role.OPERATOR, PASSWORD)
    path = tmp_path / "state" / "users.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert PASSWORD not in path.read_text()
    assert "$argon2id$" in path.read_text()


@pytest.mark.parametrize(
    ("name", "role", "password", "words"),
    [
        ("olga", Role.OPERATOR, PASSWORD, "exists already.*wte users passwd olga"),
        ("o l", Role.OPERATOR, PASSWORD, "user name 'o l'"),
        ("vera", Role.OPERATOR, "short", "8 characters or more, found 5"),
        ("vera", Role.ANONYMOUS, PASSWORD, "nobody logs in as anonymous"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_in_words(
    users: Users, name: str, role: Role, password: str, words: str
) -> None:
    users.add("olga", Role.OPERATOR, PASSWORD)
    with pytest.raises(UserError, match=words):
        users.add(name, role, password)
    assert [user.name for user in users.all()] == ["olga"]


def test_a_damaged_file_is_named_and_not_overwritten(users: Users, tmp_path: Path) -> None:
    users.add("olga", Role.OPERATOR, PASSWORD)
    path = tmp_path / "state" / "users.json"
    path.write_text('{"users": {"olga": {"role": "king"}}}')
    for change in (users.all, lambda: users.remove("olga"), lambda: users.verify("olga", PASSWORD)):
        with pytest.raises(UserError, match=r"users\.json: cannot be read as users"):
            change()
    with pytest.raises(UserError, match="unknown"):
        Users(tmp_path / "none.json").remove("olga")


def test_guessing_is_slowed_then_locked_for_one_user_and_address_only() -> None:
    now = [0.0]
    guard = LoginGuard(lambda: now[0])
    waits: list[float | None] = []
    for _ in range(6):
        waits.append(guard.delay_s("olga", "10.0.0.1"))
        guard.failed("olga", "10.0.0.1")
    assert waits == [0.0, 1.0, 2.0, 4.0, 8.0, None]
    assert guard.delay_s("olga", "10.0.0.2") == 0.0
    assert guard.delay_s("vera", "10.0.0.1") == 0.0
    now[0] = 299.0
    assert guard.delay_s("olga", "10.0.0.1") is None
    now[0] = 301.0
    assert guard.delay_s("olga", "10.0.0.1") == 0.0


def test_a_right_password_forgets_the_wrong_ones() -> None:
    guard = LoginGuard(lambda: 0.0)
    guard.failed("olga", "a")
    guard.succeeded("olga", "a")
    assert guard.delay_s("olga", "a") == 0.0


# --- certificates ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def test_the_first_start_makes_a_certificate_and_later_ones_keep_it(tmp_path: Path) -> None:
    trust = TrustList(tmp_path / "pki")
    own = trust.own()
    made = own.certificate.read_bytes()
    assert own.uri == application_uri()
    assert uris(made) == [own.uri]
    assert stat.S_IMODE(own.key.stat().st_mode) == 0o600
    names = x509.load_der_x509_certificate(made).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    assert trust.own().certificate.read_bytes() == made


def test_a_certificate_is_refused_kept_trusted_and_refused_again(tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    trust = TrustList(tmp_path / "pki")
    trust.own()
    der = self_signed(key, "urn:a:client", "a client", is_server=False)
    mark = thumbprint(der)
    assert trust.check(der, datetime.now(UTC)) == "is not trusted"
    with pytest.raises(CertificateError, match=f"rejected are: {mark}"):
        trust.trust("00")
    assert trust.trust(mark[:8].upper()).is_trusted
    assert trust.check(der, datetime.now(UTC)) == ""
    assert [entry.thumbprint for entry in trust.entries()] == [mark]
    trust.reject(mark)
    assert trust.check(der, datetime.now(UTC)) == "is not trusted"


def test_expired_weak_and_unreadable_certificates_are_refused_although_trusted(
    tmp_path: Path, key: rsa.RSAPrivateKey
) -> None:
    trust = TrustList(tmp_path / "pki")
    trust.own()
    der = self_signed(key, "urn:a:client", "a client", is_server=False)
    trust.add(der)
    assert trust.check(der, datetime.now(UTC) + timedelta(days=6 * 365)).startswith("expired on")
    assert trust.check(der, datetime.now(UTC) - timedelta(days=1)).startswith("is not valid before")
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  too small is the point
    weak = self_signed(small, "urn:a:client", "a client", is_server=False)
    trust.add(weak)
    assert trust.check(weak, datetime.now(UTC)).startswith("has no RSA key of 2048 bits")
    assert trust.check(b"rubbish", datetime.now(UTC)) == "is no certificate"
