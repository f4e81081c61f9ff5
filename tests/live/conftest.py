"""Fixtures around real processes: servers, and the clients that talk to them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from . import browsers, nodes, serving, system

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., serving.Server]]:
    """Makes servers (not started) that are gone at the end of the test."""
    made: list[serving.Server] = []

    def make(ini: Path = serving.LAB, **options: Any) -> serving.Server:
        output = tmp_path / f"server-{len(made)}.log"
        made.append(serving.Server(ini, output, **options))
        return made[-1]

    yield make
    for server in made:
        if server.running:
            server.kill()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[serving.Server]:
    """The fixture application, served for the whole session."""
    output = tmp_path_factory.mktemp("lab") / "server.log"
    with serving.Server(serving.LAB, output) as server:
        yield server


@pytest.fixture(scope="session")
def node_clients() -> Path:
    """The directory of the Socket.IO clients for Node, installed."""
    missing = [command for command in ("node", "npm") if not shutil.which(command)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    try:
        system.install_clients()
    except subprocess.CalledProcessError as failure:
        pytest.skip(f"npm could not install the clients: {failure}")
    return system.CLIENTS


@pytest.fixture
def wait() -> Iterator[Callable[..., nodes.Waiter]]:
    """Makes waiters that are gone at the end of the test."""
    with nodes.waiters() as start:
        yield start


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all pages of the session."""
    with browsers.chromium() as browser:
        yield browser
