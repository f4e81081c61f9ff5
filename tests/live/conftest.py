"""Fixtures around real processes: servers, and the clients that talk to them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from . import browsers, nodes, postgresql, serving, system
from . import reference as parsers

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from .fullstack import Site


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., serving.Server]]:
    """Makes servers (not started) that are stopped at the end of the test."""
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
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty database: on SQLite, unless another one is asked for."""
    if os.environ.get("TGEXT_SOCKETIO_DATABASE", "sqlite") == "postgresql":
        if not postgresql.is_installed():
            pytest.skip("not installed: postgresql")
        with postgresql.running() as url:
            yield url
    else:
        yield f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/database"


@pytest.fixture(scope="session")
def served_site(
    tmp_path_factory: pytest.TempPathFactory, database: str
) -> Iterator[Site]:
    """The full-stack application, served for the whole session."""
    from .fullstack import Site

    site = Site(tmp_path_factory.mktemp("fullstack"), database)
    with site.server:
        yield site
    site.engine.dispose()


@pytest.fixture
def site(served_site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The full-stack application, with its state reset."""
    monkeypatch.setattr("tests.engine.clients.RESOURCE", "/socketio")
    served_site.forget_everything()
    yield served_site
    served_site.send_all_home()


@pytest.fixture(scope="session")
def node_clients() -> Path:
    """The directory of the Socket.IO clients for Node, installed."""
    return installed(system.CLIENTS)


@pytest.fixture(scope="session")
def reference_parsers() -> Path:
    """The directory of the reference parsers, installed."""
    return installed(system.ORACLES)


@pytest.fixture(scope="session")
def admin_ui() -> Path:
    """The directory of Socket.IO Admin UI, installed."""
    return installed(system.ADMIN_UI)


def installed(folder: Path) -> Path:
    """A folder with packages of npm, which are installed there."""
    missing = [command for command in ("node", "npm") if not shutil.which(command)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    try:
        system.install(folder)
    except subprocess.CalledProcessError as failure:
        pytest.skip(f"npm could not install what is in {folder.name}: {failure}")
    return folder


@pytest.fixture
def wait() -> Iterator[Callable[..., nodes.Waiter]]:
    """Makes waiters that are ended at the end of the test."""
    with nodes.waiters() as start:
        yield start


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all pages of the session."""
    with browsers.chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def reference(reference_parsers: Path) -> Iterator[parsers.Oracle]:
    """The parsers of Socket.IO itself."""
    with parsers.oracle(reference_parsers) as asked:
        yield asked
