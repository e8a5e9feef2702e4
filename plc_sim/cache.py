"""What takes long to find and follows from configuration and code alone, kept in files between starts.

The cache saves time and nothing else. A file is used when its checksum is right and nobody but its owner could have
written it; what is damaged is found anew, with a line in the log. Of each kind the newest files are kept.
"""

import hashlib
import logging
import os
import platform
import stat
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

import controller.core

MAGIC = b"WTEKERNL"
DIGEST = 32
KEPT = 48  # files of a kind; the last used ones stay
LIBRARIES = ("numpy", "llvmlite", "seuif97")
SHARED = ("reduce.py", "state.py", "units.py")  # what the simulator calculates with and does not own

_log = logging.getLogger(__name__)


def default_folder() -> Path:
    """Return the user's folder for what is kept."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "wte" / "kernels"


def key_of(*what: str) -> str:
    """Return a file name for what follows from ``what``, the simulator's code and the libraries it calculates with."""
    return hashlib.sha256("\n".join([_code(), *what]).encode()).hexdigest()


def read(path: Path) -> tuple[bytes | None, str]:
    """Return what is kept in a file, else None and, unless it is just not there, why not."""
    try:
        for place in (path.parent, path):
            status = place.stat()
            if status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                return None, f"{place}: others can write it, so it is not used"
        data = path.read_bytes()
        os.utime(path)
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, f"{path}: cannot be read: {error.strerror}"
    body = data[len(MAGIC) + DIGEST :]
    if data[: len(MAGIC) + DIGEST] != MAGIC + hashlib.sha256(body).digest():
        return None, f"{path}: damaged, made again"
    return body, ""


def write(path: Path, body: bytes) -> str:
    """Keep ``body`` in a file, whole or not at all, and clear away the oldest of its kind; return what went wrong."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(MAGIC + hashlib.sha256(body).digest() + body)
        Path(file.name).replace(path)
        _clear(path)
    except OSError as error:
        return f"{path.parent}: cannot be written: {error.strerror}"
    return ""


def take(path: Path) -> bytes | None:
    """Return what is kept in a file, or None; what is wrong with it is logged."""
    body, problem = read(path)
    tell(problem)
    return body


def tell(problem: str) -> None:
    """Log what is wrong with the cache, if anything."""
    if problem:
        _log.warning("the cache of the simulated plant: %s", problem)


def _clear(path: Path) -> None:
    """Remove all but the last used files of the same kind."""
    used: list[tuple[float, Path]] = []
    for file in path.parent.glob(f"*{path.suffix}"):
        try:
            used.append((file.stat().st_mtime, file))
        except FileNotFoundError:  # another process clears away, too
            continue
    for _, file in sorted(used, reverse=True)[KEPT:]:
        file.unlink(missing_ok=True)


@cache
def _code() -> str:
    """Return a hash of the code that decides what is kept."""
    core = Path(controller.core.__file__).parent
    found = hashlib.sha256()
    for file in [*sorted(Path(__file__).parent.rglob("*.py")), *(core / name for name in SHARED)]:
        found.update(file.name.encode() + file.read_bytes())
    libraries = " ".join(version(name) for name in LIBRARIES)
    found.update(f"{libraries} {platform.python_version()} {platform.machine()}".encode())
    return found.hexdigest()
