"""What ``wte run`` does so that a newcomer finds a plant that runs: users who may log in, loops that control."""

import asyncio
import secrets
from dataclasses import dataclass
from pathlib import Path

from controller.core.command import Answer, Command, Role
from controller.core.config import Config
from controller.core.plan import Mode, Plan
from controller.link.client import LinkClient
from hmi_server.opcua.users import Users

USERS_FILE = "users.json"
PASSWORD_BYTES = 12  # 96 bits, 16 characters
COMMAND_TRIES = 5  # a loop may need a few scans after the start until its cascade is ready
BETWEEN_TRIES_S = 0.5
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


async def put_loops_in_normal_mode(client: LinkClient, config: Config, plan: Plan) -> list[Answer]:
    """Put every loop into its configured normal mode, slaves first; return the refusals.

    The simulated plant starts anew with each ``wte run``, in a steady state that somebody has to hold. On a real plant
    that is an operator's decision: a controller that starts never does it by itself. So these are commands like any
    others, in the journal under the user "wte run".
    """
    refusals: list[Answer] = []
    for key in reversed(plan.loops.keys):
        answer = await _command_mode(client, key, Mode[config.loops[key].spec.normal])
        if not answer.is_accepted:
            refusals.append(answer)
    return refusals


async def _command_mode(client: LinkClient, loop: str, mode: Mode) -> Answer:
    """Command a mode until it is accepted, for as long as the cascade may take to be ready."""
    tries = 0
    while True:
        tries += 1
        wish = Command(f"{loop}-{tries}", f"{loop}.MODE", value=float(mode), user="wte run", role=Role.OPERATOR)
        answer = await client.send(wish)
        if answer.is_accepted or tries == COMMAND_TRIES:
            return answer
        await asyncio.sleep(BETWEEN_TRIES_S)
