"""One request, and its answer."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from gevent import socket

from tgext.socketio.engine.http.headers import parse_head
from tgext.socketio.engine.http.upgrade import HandshakeRefused
from tgext.socketio.engine.io.sockets import below
from tgext.socketio.engine.server import SocketIOServer
from tgext.socketio.engine.server.exchange import Exchange, Outcome
from tgext.socketio.engine.server.routes import Route, find_route

from ..conftest import Serve
from ..sample_namespaces import Echo

GET = "GET /socket.io/?EIO=4&transport=polling{} HTTP/1.1\r\nHost: here\r\n{}\r\n"
SID = "&sid=unknown"
BODY = "Content-Length: 3\r\n"


class Lab:
    """A server without clients, and the ends of one connection."""

    def __init__(self) -> None:
        self.server = SocketIOServer(("127.0.0.1", 0), None)
        self.server.environ |= {"SERVER_NAME": "here", "SERVER_PORT": "80"}
        self.ours, self.theirs = socket.socketpair()

    def exchange(self, text: str, rest: bytes = b"") -> tuple[Exchange, Route]:
        raw = text.encode()
        head = parse_head(raw)
        route = find_route("socket.io", head.path, head.query)
        assert route is not None
        lower, peer = below(self.ours), ("10.0.0.1", 5000)
        args = (head, raw, rest, "", False)
        return Exchange(self.server, self.ours, lower, peer, *args), route


@pytest.fixture
def lab() -> Iterator[Lab]:
    made = Lab()
    yield made
    made.ours.close()
    made.theirs.close()


def test_only_an_application_gets_the_environment_of_the_server(lab: Lab) -> None:
    exchange, route = lab.exchange(GET.format("", ""))
    opening = exchange.environ(route)
    exchange, route = lab.exchange(GET.format(SID, ""))
    session = exchange.environ(route)
    assert session.items() <= {**opening, "QUERY_STRING": route_query(SID)}.items()
    assert session["REMOTE_ADDR"] == "10.0.0.1"
    assert session["wsgi.url_scheme"] == "http"
    assert {"wsgi.input", "SERVER_NAME", "wsgi.errors"} <= set(opening) - set(session)
    assert opening["wsgi.input"].read() == b""


def route_query(more: str) -> str:
    return f"EIO=4&transport=polling{more}"


@pytest.mark.parametrize(
    ("text", "rest", "outcome", "left"),
    [
        (GET.format(SID, ""), b"", Outcome.ANSWERED, b""),
        (GET.format(SID, ""), b"GET /next", Outcome.ANSWERED, b"GET /next"),
        (GET.format(SID, BODY), b"abcGET /next", Outcome.ANSWERED, b"GET /next"),
        (GET.format(SID, "Connection: close\r\n"), b"", Outcome.ENDS, None),
    ],
    ids=["nothing follows", "a request follows", "a body was unread", "the last"],
)
def test_what_follows_a_request_is_left(
    lab: Lab, text: str, rest: bytes, outcome: Outcome, left: bytes | None
) -> None:
    exchange, route = lab.exchange(text, rest)
    assert exchange.serve(route) is outcome
    assert left is None or exchange.incoming.rest == left
    assert lab.theirs.recv(65536).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert lab.server.hub.requests.number == 0


def test_a_request_with_a_body_becomes_no_websocket(lab: Lab) -> None:
    """Two parsers would see frames, or a body."""
    exchange, _ = lab.exchange(GET.format("", BODY), b"abc")
    with pytest.raises(HandshakeRefused):
        exchange.switch_protocols("key", [])


def test_the_first_frame_leaves_with_the_acceptance(lab: Lab) -> None:
    exchange, _ = lab.exchange(GET.format("", ""), b"early")
    assert exchange.switch_protocols("key", [("X-A", "b")], b"frame") == (
        lab.ours,
        b"early",
    )
    answer = lab.theirs.recv(65536)
    assert answer.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert answer.endswith(b"\r\nX-A: b\r\n\r\nframe")


def test_debugging_shows_the_answer(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "tgext.socketio.engine.server.exchange")
    live = serve({"/chat": Echo})
    target = "/socket.io/?EIO=4&transport=polling&sid=unknown"
    assert live.http().get(target).status == 400
    assert f'"GET {target} HTTP/1.1" 400 41' in caplog.text
