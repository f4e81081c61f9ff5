"""Which pages are answered, and how the others are refused."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine.server import SocketIOServer
from tgext.socketio.engine.server.answering import Answering
from tgext.socketio.engine.server.errors import HTTPError
from tgext.socketio.engine.server.opening import Refused
from tgext.socketio.engine.server.routes import Route, find_route

QUERY = "EIO=4&transport=polling&sid=unknown"
NO_STORE = ("Cache-Control", "no-store")
NOSNIFF = ("X-Content-Type-Options", "nosniff")


class Connection:
    """An HTTP connection whose answer is not sent."""

    handed = False

    def __init__(self, **options: Any) -> None:
        self.server = SocketIOServer(("127.0.0.1", 0), None, **options)
        self.status = ""
        self.headers: list[tuple[str, str]] = []

    def start(self, status: str, headers: Any) -> None:
        self.status, self.headers = status, list(headers)

    def answering(self, **variables: str) -> Answering:
        route = find_route("socket.io", "/socket.io/", QUERY)
        assert isinstance(route, Route)
        environ = {"REQUEST_METHOD": "GET", "HTTP_HOST": "here", **variables}
        connection: Any = self
        return Answering(connection, route, environ, self.start)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, "400 Bad Request"),
        ("http://here", "400 Bad Request"),
        ("http://listed.example", "400 Bad Request"),
        ("http://elsewhere.example", "403 Forbidden"),
    ],
)
def test_pages_that_may_connect_are_answered(origin: str | None, status: str) -> None:
    """Here, all are told that the session is unknown."""
    connection = Connection(allowed_origins=["http://listed.example"])
    variables = {} if origin is None else {"HTTP_ORIGIN": origin}
    body = connection.answering(**variables).begin()
    assert body is not None
    assert connection.status == status
    assert NOSNIFF in connection.headers
    readable = ("Access-Control-Allow-Origin", origin) in connection.headers
    assert readable == (origin == "http://listed.example")


def test_what_is_answered_is_not_cached() -> None:
    connection = Connection()
    answering = connection.answering(REQUEST_METHOD="OPTIONS")
    assert answering.begin() == []
    assert connection.status == "204 No Content"
    assert {NO_STORE, NOSNIFF} <= set(connection.headers)


def test_a_client_that_waits_is_answered_later() -> None:
    """What refuses it then is told as what refuses it at once."""
    connection = Connection()
    answering = connection.answering()
    assert answering.answer(lambda: None) is None
    assert connection.status == ""

    def refuse() -> Any:
        raise HTTPError("400 Bad Request", b"too late")

    assert answering.answer(refuse) == [b"too late"]
    assert connection.status == "400 Bad Request"
    assert connection.server.hub.counts.refused == {("request", "400"): 1}


def test_what_an_application_refuses_with_has_no_twins() -> None:
    connection = Connection()
    headers = [("x-content-type-options", "sniff"), ("Vary", "Cookie"), ("X-Own", "1")]

    def refuse() -> Any:
        raise Refused("401 Unauthorized", headers, b"log in", "it said so")

    answering = connection.answering()
    assert answering.answer(refuse) == [b"log in"]
    assert connection.headers == [("Vary", "Cookie"), ("X-Own", "1"), NOSNIFF]
