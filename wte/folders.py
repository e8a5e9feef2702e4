"""Where the shipped plant stands and where a running plant keeps its state."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from controller.core.errors import PlantError

SHIPPED = "almaty"


def shipped_plant(name: str = SHIPPED) -> Path:
    """Return the folder of a plant that comes with wte: inside the installed package, or ``config/`` of a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "plants" / name
    return installed if installed.is_dir() else package.parent / "config" / name


def state_folder(plant: str) -> Path:
    """Return the default state folder of a plant: ``$XDG_STATE_HOME/wte/<plant>`` or below ``~/.local/state``."""
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "wte" / plant


def prepare_state(folder: Path) -> None:
    """Make the state folder (for this user only) and prove that it can be written; PlantError says what to do."""
    probe = folder / ".probe"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as exc:
        raise PlantError(
            f"state folder {folder} cannot be written ({exc.strerror}): make it writable for this user,"
            " or give another one with --state DIR"
        ) from exc


@contextmanager
def only_user(folder: Path) -> Generator[None]:
    """Hold the state folder's lock file; PlantError names the process that has it. The kernel frees it at any end."""
    with (folder / "lock").open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            lock.seek(0)
            raise PlantError(
                f"state folder {folder} is in use by another wte run (process {lock.read().strip() or 'unknown'}):"
                " end that one first, or give another folder with --state DIR"
            ) from exc
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
