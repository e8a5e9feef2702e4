"""Who may log in: ``users.json`` in the state folder, and what slows down people who guess passwords.

The file holds names, roles and Argon2id hashes. It is read again when it has changed, so that ``wte users`` acts on a
running server.
"""

import json
import os
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_urlsafe
from typing import Final

import argon2
from argon2.exceptions import VerificationError

from controller.core.command import ROLE_NAMES, Role
from controller.core.errors import PlantError

MIN_PASSWORD: Final = 8
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class UserError(PlantError):
    """A users file that cannot be used, or a change to it that makes no sense."""


@dataclass(frozen=True, slots=True)
class User:
    """One person, as the file knows them."""

    name: str
    role: Role
    hash: str


class Users:
    """The users file. Every method reads what is on disk now."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hasher = argon2.PasswordHasher()  # Argon2id, RFC 9106 low-memory profile: 64 MiB, 3 passes, 4 lanes
        self._decoy = self._hasher.hash(token_urlsafe(16))  # what an unknown user's password is compared with
        self._read_at: tuple[int, int] | None = None
        self._users: dict[str, User] = {}

    def all(self) -> list[User]:
        """Return all users by name."""
        return [user for _, user in sorted(self._load().items())]

    def add(self, name: str, role: Role, password: str) -> None:
        """Add a user; UserError when the name exists or cannot be used."""
        users = self._load()
        if not _NAME.fullmatch(name):
            raise UserError(f"user name {name!r}: expected up to 64 letters, digits and . _ -, beginning with a letter")
        if name in users:
            raise UserError(f"user {name!r} exists already; change the password with: wte users passwd {name}")
        if role is Role.ANONYMOUS:
            raise UserError(f"user {name!r}: nobody logs in as anonymous; give a role of {_role_names()}")
        self._store({**users, name: User(name, role, self._hashed(name, password))})

    def remove(self, name: str) -> None:
        """Remove a user; UserError when there is none."""
        users = self._load()
        self._known(users, name)
        self._store({key: user for key, user in users.items() if key != name})

    def set_password(self, name: str, password: str) -> None:
        """Give a user a new password; UserError when there is no such user."""
        users = self._load()
        user = self._known(users, name)
        self._store({**users, name: User(name, user.role, self._hashed(name, password))})

    def verify(self, name: str, password: str) -> Role | None:
        """Return the user's role when the password is right; takes as long for a name nobody has."""
        user = self._load().get(name)
        try:
            self._hasher.verify(self._decoy if user is None else user.hash, password)
        except (VerificationError, argon2.exceptions.InvalidHashError):
            return None
        return None if user is None else user.role

    def _hashed(self, name: str, password: str) -> str:
        if len(password) < MIN_PASSWORD:
            raise UserError(f"password of {name!r}: expected {MIN_PASSWORD} characters or more, found {len(password)}")
        return self._hasher.hash(password)

    def _known(self, users: dict[str, User], name: str) -> User:
        if name not in users:
            raise UserError(f"user {name!r}: unknown; {self._path} has {', '.join(sorted(users)) or 'no users'}")
        return users[name]

    def _load(self) -> dict[str, User]:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._users, self._read_at = {}, None
            return {}
        if self._read_at != (found.st_mtime_ns, found.st_ino):
            self._users = self._parsed()
            self._read_at = (found.st_mtime_ns, found.st_ino)
        return self._users

    def _parsed(self) -> dict[str, User]:
        try:
            entries = json.loads(self._path.read_text(encoding="utf-8"))["users"]
            return {name: User(name, ROLE_NAMES[entry["role"]], entry["hash"]) for name, entry in entries.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
            raise UserError(
                f'{self._path}: cannot be read as users ({exc}); expected {{"users": {{name: {{role, hash}}}}}} with a '
                f"role of {_role_names()}; restore it or remove it and add the users again with: wte users add"
            ) from exc

    def _store(self, users: dict[str, User]) -> None:
        """Replace the file whole, readable by its owner only."""
        entries = {name: {"role": user.role.name.lower(), "hash": user.hash} for name, user in sorted(users.items())}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump({"users": entries}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


def _role_names() -> str:
    return ", ".join(name for name, role in ROLE_NAMES.items() if role is not Role.ANONYMOUS)


# --- guessing --------------------------------------------------------------------------------------------------------

MAX_FAILURES: Final = 5
WINDOW_S: Final = 300.0  # failures are counted, and a lock lasts, this long
_MAX_TRACKED: Final = 10_000


@dataclass(slots=True)
class LoginGuard:
    """Slows down and locks out guessing, for each pair of user and address; others do not notice.

    ``clock`` returns seconds of a monotonic clock.
    """

    clock: Callable[[], float]
    _failures: dict[tuple[str, str], deque[float]] = field(default_factory=dict[tuple[str, str], deque[float]])

    def delay_s(self, user: str, address: str) -> float | None:
        """Return how long to wait before the next try is looked at: 0, 1, 2, 4, 8 s; None while it is locked."""
        failed = len(self._recent(user, address))
        if failed >= MAX_FAILURES:
            return None
        return 0.0 if failed == 0 else float(2 ** (failed - 1))

    def failed(self, user: str, address: str) -> None:
        """Count a wrong password."""
        if len(self._failures) >= _MAX_TRACKED:
            self._failures.pop(next(iter(self._failures)))
        self._failures.setdefault((user, address), deque(maxlen=MAX_FAILURES)).append(self.clock())

    def succeeded(self, user: str, address: str) -> None:
        """Forget the failures."""
        self._failures.pop((user, address), None)

    def _recent(self, user: str, address: str) -> deque[float]:
        failures = self._failures.get((user, address), deque[float]())
        while failures and self.clock() - failures[0] > WINDOW_S:
            failures.popleft()
        return failures
