"""One visitor's answer is not another one's: attacks through nginx and haproxy."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from .proxies import NGINX_CONFIGURATIONS, haproxy, nginx
from .serving import Server

#: What the attacker wants others to be answered with: there is no such page.
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: here\r\n"

UPGRADES = {
    "h2c": {"Connection": "Upgrade", "Upgrade": "h2c"},
    "websocket": {"Connection": "Upgrade", "Upgrade": "websocket"},
    "connection": {"Connection": "upgrade"},
}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

#: How long the head of a request may be that nginx makes of the attacker's second one.
HEADS = range(100, 240, 2)

DEADLINE = 15.0


@pytest.fixture(params=["none", "haproxy", *NGINX_CONFIGURATIONS])
def port(request: pytest.FixtureRequest, lab: Server, tmp_path: Path) -> Iterator[int]:
    """Where visitors come in."""
    if request.param == "none":
        yield lab.port
    elif request.param == "haproxy":
        with haproxy(tmp_path, lab.port) as proxy:
            yield proxy.port
    else:
        configuration = NGINX_CONFIGURATIONS[request.param]
        with nginx(tmp_path, lab.port, *configuration) as proxy:
            yield proxy.port


def ask(
    port: int,
    method: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes]:
    """A request of a visitor with a connection of its own."""
    connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    try:
        connection.request(method, "/", body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("upgrade", UPGRADES.values(), ids=UPGRADES.keys())
def test_nobody_is_answered_with_what_an_attacker_asked(
    port: int, upgrade: dict[str, str]
) -> None:
    """The first body is skipped twice by a server that takes it for an upgrade's: the
    head of the second request is gone then, and its body is served as a request."""
    served = (200, b"lab")
    for length in HEADS:
        first = b"a=" + b"x" * (length - 2)
        assert ask(port, "POST", first, {**FORM, **upgrade}) == served
        assert ask(port, "POST", HIDDEN + b"X: ", FORM) == served
        assert ask(port, "GET") == served


@pytest.mark.parametrize("upgrade", UPGRADES.values(), ids=UPGRADES.keys())
def test_clients_poll_whatever_the_proxy_says_of_upgrades(
    port: int, upgrade: dict[str, str]
) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE)

    def polled(method: str, sid: str = "", body: str | None = None) -> str:
        path = f"/socketio/?EIO=4&transport=polling{sid}"
        connection.request(method, path, body, upgrade if body else {})
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read().decode()

    try:
        sid = "&sid=" + json.loads(polled("GET")[1:])["sid"]
        assert polled("POST", sid, "40") == "ok"
        assert polled("GET", sid).startswith("40")
        assert polled("POST", sid, "1") == "ok"
    finally:
        connection.close()


STREAMS: dict[str, bytes] = {
    "CL.TE": b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a sign": b"Content-Length: +%d\r\n\r\n",
    "an underscore": b"Transfer_Encoding: chunked\r\n\r\n",
    "identity": b"Transfer-Encoding: identity\r\n\r\n",
    "a bare LF": b"X: y\nContent-Length: %d\r\n\r\n",
    "a chunk with a sign": b"Transfer-Encoding: chunked\r\n\r\n+%x\r\n",
    "an extension with a bare LF": b"Transfer-Encoding: chunked\r\n\r\n0;\n\r\n",
}


@pytest.mark.parametrize("trick", STREAMS.values(), ids=STREAMS.keys())
def test_tricks_reach_nobody_else(
    port: int, trick: bytes, make_raw: Callable[[int], socket.socket]
) -> None:
    hidden = HIDDEN + b"X: "
    if b"%" in trick:
        trick %= len(hidden)
    for _ in range(5):
        raw = make_raw(port)
        raw.sendall(b"POST / HTTP/1.1\r\nHost: here\r\n" + trick + hidden)
        answer = HTTPResponse(raw, method="POST")
        answer.begin()
        assert answer.status in (200, 400, 501)
        answer.read()
        for _ in range(3):
            assert ask(port, "GET") == (200, b"lab")


@pytest.fixture
def make_raw() -> Iterator[Callable[[int], socket.socket]]:
    """Makes connections that are closed at the end of the test."""
    made: list[socket.socket] = []

    def connect(port: int) -> socket.socket:
        made.append(socket.create_connection(("127.0.0.1", port), timeout=DEADLINE))
        return made[-1]

    yield connect
    for each in made:
        each.close()
