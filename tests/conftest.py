"""Fixtures that hold everywhere: no task is left behind, and decisions are tested without a network."""

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import pytest
import structlog

TESTS = Path(__file__).parent
WITHOUT_SOCKETS = (TESTS / "unit", TESTS / "property", TESTS / "scenario")


@pytest.fixture(autouse=True)
async def no_task_left_behind(request: pytest.FixtureRequest) -> AsyncGenerator[None]:
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left, f"{request.node.name} left running: {left}"


@pytest.fixture(autouse=True)
def no_socket_in_unit_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse network connections and listeners; local pairs of the event loop itself are no network."""
    if any(folder in request.path.parents for folder in WITHOUT_SOCKETS):

        def refuse(_: socket.socket, address: Any, *__: Any) -> None:
            pytest.fail(f"a unit test uses the network: {address}; it belongs into tests/interop")

        for name in ("connect", "connect_ex", "bind"):
            monkeypatch.setattr(socket.socket, name, refuse)


@pytest.fixture(autouse=True)
def no_log_settings_left_behind() -> Generator[None]:
    """Take back what a command sets for its process: its stderr is closed when its test ends."""
    hook = sys.excepthook
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
        logging.basicConfig(handlers=[], level=logging.WARNING, force=True)
        sys.excepthook = hook


@pytest.fixture(scope="session")
def repository() -> Path:
    return TESTS.parent
