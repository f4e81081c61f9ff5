"""A project of ``gearbox quickstart``, with the edits of docs/start.rst."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.ports import free_port

from . import nodes
from .quickstart import Browser, Project
from .serving import Server

#: The oldest client and the newest.
clients = pytest.mark.parametrize("client", ["0.9", "4"])

#: A module of the project: events that tell what they are given, and pages to compare.
PROBE = """
from tg import expose, request, session

from newcomer.lib.base import BaseController
from tgext.socketio import SocketIOTGNamespace


class Probe(SocketIOTGNamespace):
    def on_who(self):
        identity = request.identity
        return identity and [identity["user"].user_name, identity["permissions"]]

    def on_recall(self):
        return session.get("colour")

    def on_remember(self):
        session["colour"] = "red"
        session.save()
        return session["colour"]


class ProbeController(BaseController):
    @expose(content_type="text/plain")
    def recall(self):
        return session.get("colour", "none")

    @expose()
    def fail(self):
        raise LookupError("no such colour")

    @expose(content_type="text/plain")
    def remember(self, colour):
        session["colour"] = colour
        session.save()
        return colour
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The project, served, with the page's namespace and one for the tests."""
    directory = tmp_path_factory.mktemp("quickstart")
    project = Project(directory)
    port = free_port()
    project.apply_edits(port)
    project.mount("probe", PROBE)
    output = directory / "server.log"
    where = {"cwd": project.home, "importable": (project.home,)}
    with Server(project.ini, output, port=port, **where) as server:
        yield server


@pytest.fixture
def browser(server: Server) -> Browser:
    """A browser whose user has logged in as the manager."""
    browser = Browser(server.url)
    browser.visit("/login_handler", login="manager", password="managepass")
    return browser


@pytest.fixture
def ask(server: Server, node_clients: Path) -> Callable[..., dict[str, Any]]:
    """Asks events of the namespace ``/probe``, with the cookies of a browser."""

    def ask(browser: Browser, client: str, *events: str) -> dict[str, Any]:
        connection = {"client": client, "transport": "websocket", "url": server.url}
        return nodes.run(
            node_clients,
            "ask.js",
            **connection,
            namespace="/probe",
            cookie=browser.cookies,
            event=events,
        )

    return ask


def warnings(server: Server) -> list[str]:
    """The log lines about sessions that could not be saved."""
    lines = server.errors.splitlines()
    return [each for each in lines if "[tgext.socketio.request.wrappers]" in each]


@clients
def test_the_namespace_of_the_page_answers(
    server: Server, browser: Browser, node_clients: Path, client: str
) -> None:
    play = nodes.player(node_clients, server.url, client, "websocket")
    assert play("ping", "fireball", cookie=browser.cookies) == {
        "ping": {"sound": {"sound": "pong"}},
        "fireball": {"sounds": ["bang!"] * 10 + ["pong"]},
    }


@clients
def test_an_event_knows_who_logged_in(
    browser: Browser, ask: Callable[..., dict[str, Any]], client: str
) -> None:
    assert ask(browser, client, "who") == {"who": [["manager", ["manage"]]]}


def test_an_event_of_who_did_not_log_in_is_nobodys(
    server: Server, ask: Callable[..., dict[str, Any]]
) -> None:
    assert ask(Browser(server.url), "4", "who") == {"who": [None]}


def test_an_event_reads_the_session_and_cannot_save_it(
    server: Server, browser: Browser, ask: Callable[..., dict[str, Any]]
) -> None:
    browser.visit("/probe/remember", colour="blue")
    assert ask(browser, "4", "recall") == {"recall": ["blue"]}
    assert warnings(server) == []

    asked = ask(browser, "4", "remember", "recall", "remember")
    assert asked == {"remember": ["red"], "recall": ["blue"]}
    assert browser.visit("/probe/recall") == "blue"
    [warning] = warnings(server)
    assert "session.type = cookie" in warning
    assert "Set session.type to file, memory, ext:database, ext:redis" in warning


def test_the_traceback_of_a_page_has_lines(server: Server, browser: Browser) -> None:
    with pytest.raises(HTTPError, match="500"):
        browser.visit("/probe/fail")
    server.wait_until_logged("\n  | LookupError: no such colour\n")
