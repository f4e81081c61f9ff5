"""Locks of files: those of beaker's caches and sessions, and an application's own.

Two requests need one lock, and who holds it waits. A thread that blocks for the other
one would never let the first one go on.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.engine.clients import DEADLINE, WebSocket5, wait_for

from .quickstart import Browser
from .serving import HERE, Server

CACHES = HERE / "fixtureapps" / "caches.ini"

#: Where beaker keeps values, or sessions, and locks files.
KINDS = ["file", "dbm", "ext:database"]

MakeServer = Callable[..., Server]


class Client:
    """A client of the application's namespace."""

    def __init__(self, server: Server) -> None:
        self._socket = WebSocket5(server.port)
        self._socket.join("/values")

    def ask(self, event: str, *args: Any) -> Any:
        [answer] = self._socket.call("/values", event, *args)
        return answer


@pytest.fixture
def start(
    serve: MakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Server]:
    monkeypatch.setattr("tests.engine.clients.RESOURCE", "/socketio")

    def start(sessions: str = "memory") -> Server:
        variables = {"data": tmp_path, "sessions": sessions}
        server = serve(CACHES, variables=variables)
        server.start()
        server.wait_until_serving()
        return server

    return start


def together(server: Server, *deeds: Callable[[], str]) -> list[str]:
    """What all get that do something at the same time, while others are served."""
    browser = Browser(server.url, DEADLINE)
    with ThreadPoolExecutor(len(deeds)) as pool:
        running: list[Future[str]] = []
        for count, deed in enumerate(deeds, start=1):
            running.append(pool.submit(deed))
            wait_for(_have_started(browser, count), "all have asked")
        assert browser.visit("/") == "values"
        browser.visit("/go")
        return [each.result(DEADLINE) for each in running]


def _have_started(browser: Browser, count: int) -> Callable[[], bool]:
    return lambda: int(browser.visit("/started")) == count


@pytest.mark.parametrize("kind", [*KINDS, "memory"])
def test_a_value_is_made_once(start: Callable[..., Server], kind: str) -> None:
    server = start()
    page = f"/value?kind={kind}"
    values = together(
        server,
        lambda: Browser(server.url, DEADLINE).visit(page),
        lambda: Client(server).ask("value", kind),
        lambda: Browser(server.url, DEADLINE).visit(page),
        lambda: Client(server).ask("value", kind),
    )
    assert values == [f"{kind} 1"] * 4


@pytest.mark.parametrize("kind", [*KINDS, "memory"])
def test_a_session_is_locked(start: Callable[..., Server], kind: str) -> None:
    server = start(sessions=kind)
    browser = Browser(server.url, DEADLINE)
    browser.visit("/remember")
    visits = together(server, *[lambda: browser.visit("/visit")] * 3)
    assert visits == ["visited"] * 3


@pytest.mark.parametrize("function", ["flock", "lockf"])
def test_a_file_is_locked_by_a_page_and_an_event(
    start: Callable[..., Server], function: str
) -> None:
    server = start()
    done = together(
        server,
        lambda: Browser(server.url, DEADLINE).visit(f"/lock?function={function}"),
        lambda: Client(server).ask("lock", function),
    )
    assert done == [function] * 2


@pytest.mark.parametrize("function", ["flock", "lockf"])
def test_a_file_is_locked_by_another_process(
    start: Callable[..., Server], tmp_path: Path, function: str
) -> None:
    server = start()
    with (tmp_path / "locked").open("w") as file:
        getattr(fcntl, function)(file, fcntl.LOCK_EX)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(lambda: Client(server).ask("lock", function))
            browser = Browser(server.url, DEADLINE)
            wait_for(lambda: browser.visit("/started") == "1", "the event waits")
            browser.visit("/go")
            assert not waiting.done()
            getattr(fcntl, function)(file, fcntl.LOCK_UN)
            assert waiting.result(DEADLINE) == function
