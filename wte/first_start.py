"""What ``wte run`` does at its first start: users who may log in."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from controller.core.command import Role
from hmi_server.opcua.users import Users

USERS_FILE = "users.json"
PASSWORD_BYTES = 12  # 96 bits, 16 characters
FIRST = (("operator", Role.OPERATOR), ("shiftlead", Role.SHIFT_LEAD), ("engineer", Role.ENGINEER))


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user just made; the only moment at which the password is known."""

    name: str
    role: str
    password: str


def random_password() -> str:
    """Return a password nobody has thought of."""
    return secrets.token_urlsafe(PASSWORD_BYTES)


def make_first_users(state_dir: Path) -> list[NewUser]:
    """Make the first users when the state folder has no users file yet; return them, else none."""
    file = state_dir / USERS_FILE
    if file.exists():
        return []
    users = Users(file)
    made = [NewUser(name, role.name.lower(), random_password()) for name, role in FIRST]
    for user, (_, role) in zip(made, FIRST, strict=True):
        users.add(user.name, role, user.password)
    return made
