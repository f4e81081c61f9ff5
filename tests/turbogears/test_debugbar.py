"""The section of tgext.debugbar; tests/live/test_debugbar.py shows it in a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import tg
from tg import MinimalApplicationConfigurator, TGController, expose
from tg.appwrappers.base import ApplicationWrapper
from tgext.debugbar.sections import __sections__

from tests.engine.conftest import Live
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.debugbar import (
    EVENTS,
    QUERIES,
    TEXT,
    EventsSection,
    plugme,
)
from tgext.socketio.engine.namespaces.errors import EventRefused


class Ada(ApplicationWrapper):
    """Logs a user in."""

    def __call__(self, controller: Any, environ: Any, context: Any) -> Any:
        environ["repoze.who.identity"] = {"repoze.who.userid": "<ada>"}
        return self.next_handler(controller, environ, context)


class Lab(SocketIOTGNamespace):
    def on_plain(self, *args):
        return "done"

    def on_fail(self):
        raise LookupError

    def on_exit(self):
        raise SystemExit

    def on_abort(self):
        tg.abort(404)

    def on_refuse(self):
        raise EventRefused("not_today", "It is Sunday")

    def on_ask(self, count):
        tg.request.tgdb_sqla_queries = [
            {"duration": 1.25, "statement": f"SELECT <{each}>\n  FROM t"}
            for each in range(count)
        ]
        tg.request.tgdb_ming_cursors = {
            1: {"duration": 0.5, "collection": "User", "command": "find"}
        }

    def on_query(self, text):
        query = {"duration": 1, "statement": f"SELECT {text}"}
        tg.request.tgdb_sqla_queries = [query]


class SocketIO(SocketIOController):
    lab = Lab


class RootController(TGController):
    socketio = SocketIO()

    @expose()
    def section(self):
        section = EventsSection()
        return section.content() if section.is_active else "none"


@pytest.fixture(autouse=True)
def _unplugged(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Applications of other tests have no debugbar."""
    kept = list(__sections__)
    monkeypatch.setattr("tg.hooks._hooks", {})
    yield
    __sections__[:] = kept


@pytest.fixture
def start(serve: Callable[..., Live]) -> Callable[..., Live]:
    def start(*wrappers: Any, debug: bool = True) -> Live:
        configurator = MinimalApplicationConfigurator()
        configurator.update_blueprint({"root_controller": RootController()})
        assert plugme(configurator) == {"appid": "tgext.socketio.debugbar"}
        for wrapper in wrappers:
            configurator.register_application_wrapper(wrapper)
        application = configurator.make_wsgi_app({}, {"debug": debug})
        return serve(application=application, resource="socketio")

    return start


def rows(live: Live) -> list[list[str]]:
    """The cells of the section: the last event first."""
    html = live.http().get("/section").text
    found = re.findall(r"<tr class=.tgdb_row.>(.*?)</tr>", html)
    return [re.findall("<td>(.*?)</td>", row) for row in found]


def joined(live: Live) -> Any:
    client = live.websocket_5()
    client.join("/lab")
    return client


def test_an_event_is_a_row(start: Callable[..., Live]) -> None:
    live = start()
    assert joined(live).call("/lab", "plain") == ["done"]
    event, *connecting = rows(live)
    at, namespace, name, user, took, failure, queries = event
    assert re.fullmatch(r"\d\d:\d\d:\d\d", at)
    assert [namespace, name, user] == ["/lab", "plain", "anonymous"]
    assert re.fullmatch(r"\d+\.\d ms", took)
    assert [failure, queries] == ["", ""]
    # ``initialize`` and ``recv_connect``
    assert [each[1:4] for each in connecting] == [
        ["/lab", "(connect)", "anonymous"]
    ] * 2


@pytest.mark.parametrize(
    ("event", "failure"),
    [
        ("fail", "LookupError"),
        ("exit", "Failed"),
        ("abort", "404 Not Found"),
        ("refuse", "not_today"),
        ("nothing", "no_such_method"),
    ],
)
def test_a_failure_is_named(
    start: Callable[..., Live], event: str, failure: str
) -> None:
    live = start()
    client = joined(live)
    client.emit("/lab", event)
    assert client.event("/lab")[0] == "error"
    assert [rows(live)[0][2], rows(live)[0][5]] == [event, failure]


def test_what_was_chosen_outside_is_escaped_and_cut(start: Callable[..., Live]) -> None:
    live = start(Ada)
    client = joined(live)
    client.emit("/lab", "<b>" + "x" * 1000)
    assert client.event("/lab")[0] == "error"
    row = rows(live)[0]
    assert row[2] == "&lt;b&gt;" + "x" * (TEXT - 3) + "..."
    assert row[3] == "&lt;ada&gt;"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (r"\ud800", r"\ud800"),
        (r"\udfff<b>", r"\udfff&lt;b&gt;"),
        (r"\u0000\n", r"\x00\n"),
        (r"\u202e", r"\u202e"),
        (r"\ud83d\ude00", "\U0001f600"),
    ],
)
def test_a_name_that_cannot_be_encoded_is_shown(
    start: Callable[..., Live], name: str, shown: str
) -> None:
    live = start()
    client = joined(live)
    client.send(f'42/lab,["{name}"]')
    assert client.event("/lab")[0] == "error"
    assert rows(live)[0][2] == shown


def test_a_query_that_cannot_be_encoded_is_shown(start: Callable[..., Live]) -> None:
    live = start()
    client = joined(live)
    client.send('42/lab,1["query","\\udfff"]')
    assert client.read()["type"] == "ack"
    assert rows(live)[0][6] == r"1.0 ms: SELECT \udfff"


def test_the_queries_that_the_debugbar_noted(start: Callable[..., Live]) -> None:
    live = start()
    client = joined(live)
    client.call("/lab", "ask", 1)
    assert rows(live)[0][6].split("<br/>") == [
        "1.2 ms: SELECT &lt;0&gt; FROM t",
        "0.5 ms: User find",
    ]
    client.call("/lab", "ask", QUERIES + 4)
    queries = rows(live)[0][6].split("<br/>")
    assert len(queries) == QUERIES + 1
    assert queries[-1] == "and 5 more"


def test_the_last_events_are_kept(start: Callable[..., Live]) -> None:
    live = start()
    client = joined(live)
    for number in range(EVENTS + 1):
        client.call("/lab", "plain", number)
    assert [row[2] for row in rows(live)] == ["plain"] * EVENTS


def test_nothing_is_kept_without_debug(start: Callable[..., Live]) -> None:
    live = start(debug=False)
    joined(live).call("/lab", "plain")
    assert live.http().get("/section").text == "none"


def test_the_section_is_added_once(start: Callable[..., Live]) -> None:
    start(), start()
    assert [type(each) for each in __sections__].count(EventsSection) == 1


def test_clients_are_counted(start: Callable[..., Live]) -> None:
    live = start()
    assert "Connected to this process: 0" in live.http().get("/section").text
    for _ in range(2):
        joined(live)
    section = live.http().get("/section").text
    assert "Connected to this process: 2" in section
    assert "<tr><th>/lab</th><td>2</td></tr>" in section
