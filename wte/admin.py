"""``wte users`` and ``wte certs``: thin over the OPC UA server's own files, which it reads anew at each login."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from controller.core.command import ROLE_NAMES
from wte.folders import SHIPPED, prepare_state, state_folder
from wte.terminal import plain_errors

if TYPE_CHECKING:
    from hmi_server.opcua.certs import TrustList
    from hmi_server.opcua.users import Users

StateDir = Annotated[
    Path | None, typer.Option("--state", help="State folder of the plant. Default: that of the shipped plant.")
]
UserName = Annotated[str, typer.Argument(help="Name of the user.")]
RoleName = Annotated[
    Literal["viewer", "operator", "shift_lead", "engineer", "admin"],
    typer.Option("--role", help="What the user may do."),
]
Random = Annotated[bool, typer.Option("--random", help="Make a random password and show it once.")]
Thumbprint = Annotated[str, typer.Argument(help="Thumbprint of the certificate, or enough of its first digits.")]

users_app = typer.Typer(help="Who may log in to the OPC UA server.", no_args_is_help=True, rich_markup_mode="markdown")
certs_app = typer.Typer(
    help="Which OPC UA client certificates are trusted.", no_args_is_help=True, rich_markup_mode="markdown"
)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def _state(state: Path | None) -> Path:
    folder = state or state_folder(SHIPPED)
    prepare_state(folder)
    return folder


# --- users -----------------------------------------------------------------------------------------------------------


def _users(state: Path | None) -> "Users":
    from hmi_server.opcua.users import Users
    from wte.first_start import USERS_FILE

    return Users(_state(state) / USERS_FILE)


def _password(name: str, is_random: bool) -> str:
    """Return the new password: random, typed twice at a terminal, or the first line of a pipe."""
    from wte.first_start import random_password

    if is_random:
        password = random_password()
        console.print(f"password of {name}, shown this once: {password}", markup=False)
        return password
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=True))


@users_app.command("list")
def list_users(state: StateDir = None) -> None:
    """Show all users and their roles.

    Example: `wte users list`
    """
    with plain_errors(errors):
        table = Table("user", "role")
        for user in _users(state).all():
            table.add_row(user.name, user.role.name.lower())
        console.print(table)


@users_app.command("add")
def add_user(name: UserName, role: RoleName, is_random: Random = False, state: StateDir = None) -> None:
    """Add a user. The password is asked for, or read from a pipe.

    Example: `wte users add aigerim --role shift_lead`
    """
    with plain_errors(errors):
        _users(state).add(name, ROLE_NAMES[role], _password(name, is_random))
        console.print(f"{name} may log in as {role}")


@users_app.command("passwd")
def change_password(name: UserName, is_random: Random = False, state: StateDir = None) -> None:
    """Give a user a new password.

    Example: `wte users passwd operator --random`
    """
    with plain_errors(errors):
        _users(state).set_password(name, _password(name, is_random))
        console.print(f"{name} has a new password")


@users_app.command("remove")
def remove_user(name: UserName, state: StateDir = None) -> None:
    """Remove a user. Sessions that are open stay so until they end.

    Example: `wte users remove aigerim`
    """
    with plain_errors(errors):
        _users(state).remove(name)
        console.print(f"{name} may no longer log in")


# --- certificates ----------------------------------------------------------------------------------------------------


def _trust_list(state: Path | None) -> "TrustList":
    from hmi_server.opcua.certs import TrustList

    return TrustList(_state(state) / "pki")


@certs_app.command("list")
def list_certificates(state: StateDir = None) -> None:
    """Show the client certificates that are trusted, and those that were refused.

    Example: `wte certs list`
    """
    with plain_errors(errors):
        table = Table("state", "thumbprint", "name", "valid until")
        for entry in _trust_list(state).entries():
            status = "trusted" if entry.is_trusted else "refused"
            table.add_row(status, entry.thumbprint, entry.name, f"{entry.expires:%Y-%m-%d}")
        console.print(table)


@certs_app.command("trust")
def trust_certificate(thumbprint: Thumbprint, state: StateDir = None) -> None:
    """Trust a client that was refused: it may connect from now on, and still has to log in.

    Example: `wte certs trust 3f9a62c1`
    """
    with plain_errors(errors):
        entry = _trust_list(state).trust(thumbprint)
        console.print(f"trusted: {entry.name} ({entry.thumbprint})", markup=False)


@certs_app.command("reject")
def reject_certificate(thumbprint: Thumbprint, state: StateDir = None) -> None:
    """Trust a client no longer. A connection that is open stays so until it ends.

    Example: `wte certs reject 3f9a62c1`
    """
    with plain_errors(errors):
        entry = _trust_list(state).reject(thumbprint)
        console.print(f"no longer trusted: {entry.name} ({entry.thumbprint})", markup=False)
