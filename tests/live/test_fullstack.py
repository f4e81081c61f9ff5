"""What protects and serves a page protects and serves an event.

In a full-stack application with a database, a login, transactions, sessions and
languages. ``TGEXT_SOCKETIO_DATABASE=postgresql`` has it on PostgreSQL, else on SQLite.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine import clients

from .fullstack import Browser, Site

DENIED = ["error", "method_access_denied"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("fullstack")
    site = Site(directory, f"sqlite:///{directory}/database")
    with site.server:
        yield site


@pytest.fixture
def site(served: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The application, as if nobody had been there."""
    monkeypatch.setattr(clients, "RESOURCE", "/socketio")
    served.execute("DELETE FROM notes")
    served.execute("DELETE FROM visits")
    return served


def test_who_is_anonymous_is_refused_and_a_manager_is_not(site: Site) -> None:
    nobody = Browser(site).connect()
    nobody.emit("/notes", "manage")
    assert nobody.event("/notes")[:2] == DENIED
    ada = Browser(site).log_in("ada").connect()
    assert ada.call("/notes", "manage") == ["managed"]
