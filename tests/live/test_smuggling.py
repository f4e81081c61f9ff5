"""No visitor gets another visitor's answer: attacks through nginx and haproxy."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from .proxies import NGINX_CONFIGURATIONS, haproxy, nginx
from .serving import Server

#: The page that an attacker wants other visitors to get; it does not exist.
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: here\r\n"

UPGRADES = {
    "h2c": {"Connection": "Upgrade", "Upgrade": "h2c"},
    "websocket": {"Connection": "Upgrade", "Upgrade": "websocket"},
    "connection": {"Connection": "upgrade"},
}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

#: Lengths of the head that nginx may make of the attacker's second request.
HEADS = range(100, 240, 2)

DEADLINE = 15.0

MakeRaw = Callable[[int], socket.socket]


@pytest.fixture(params=["none", "haproxy", *NGINX_CONFIGURATIONS])
def port(request: pytest.FixtureRequest, lab: Server, tmp_path: Path) -> Iterator[int]:
    """The port for visitors."""
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
def test_tricks_reach_no_other_visitor(
    port: int, trick: bytes, make_raw: MakeRaw
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


#: Requests that lenient servers accept, with the status here; and legal requests.
REQUESTS: dict[str, tuple[bytes, int]] = {
    **{
        f"Content-Length:{value!r}": (
            b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length:%b\r\n\r\nhello" % value,
            400,
        )
        for value in (b" +5", b" 0_5", b" -0", b" \xa05", b" \x0b5", b" 5, 5")
    },
    **{
        f"Transfer-Encoding:{value!r}": (
            b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding:%b\r\n\r\n0\r\n\r\n"
            % value,
            400,
        )
        for value in (
            *(b" gzip, chunked", b" chunked, identity", b" \x0bchunked"),
            *(b" identity", b" xchunked", b" chunked\r\nContent-Length: 5"),
        )
    },
    "a coding on HTTP/1.0": (
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "HTTP/1.1.1": (b"GET / HTTP/1.1.1\r\nHost: here\r\n\r\n", 400),
    "HTTP/0.9": (b"GET / HTTP/0.9\r\nHost: here\r\n\r\n", 400),
    "no version": (b"GET /\r\n", 400),
    "a vertical tab": (b"GET\x0b/ HTTP/1.1\r\nHost: here\r\n\r\n", 400),
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "bare LF": (b"GET / HTTP/1.1\nHost: here\n\n", 400),
    "8 bits in a path": (b"GET /\xe9 HTTP/1.1\r\nHost: here\r\n\r\n", 400),
    "a path that is not UTF-8": (b"GET /%e9 HTTP/1.1\r\nHost: here\r\n\r\n", 400),
    "an overlong path": (b"GET /%c0%af HTTP/1.1\r\nHost: here\r\n\r\n", 400),
    "a long path": (b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n", 414),
    "large headers": (
        b"GET / HTTP/1.1\r\nHost: here\r\nX: " + b"x" * 5_900_000 + b"\r\n\r\n",
        431,
    ),
    "a long query": (
        b"GET /?" + b"&" * 14_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n",
        200,
    ),
    "many headers": (
        b"GET / HTTP/1.1\r\nHost: here\r\n" + b"X: y\r\n" * 120 + b"\r\n",
        200,
    ),
    "an absolute target": (b"GET http://there/ HTTP/1.1\r\nHost: here\r\n\r\n", 200),
    "an underscore": (
        b"GET / HTTP/1.1\r\nHost: here\r\nTransfer_Encoding: chunked\r\n\r\n",
        200,
    ),
    "OPTIONS *": (b"OPTIONS * HTTP/1.1\r\nHost: here\r\n\r\n", 204),
}


@pytest.mark.parametrize(("request_", "status"), REQUESTS.values(), ids=REQUESTS.keys())
def test_what_is_refused_is_closed_and_others_are_served(
    lab: Server, make_raw: MakeRaw, request_: bytes, status: int
) -> None:
    neighbour = make_raw(lab.port)
    raw = make_raw(lab.port)
    follows = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
    try:
        raw.sendall(request_ + follows)
    except ConnectionError:
        assert status == 431  # it was refused before all of it was sent
    neighbour.sendall(follows)
    assert read_answer(neighbour) == (200, b"lab")
    assert read_answer(raw)[0] == status
    if status < 400:
        assert read_answer(raw) == (200, b"lab")
    else:
        assert raw.recv(1) == b""


def read_answer(raw: socket.socket) -> tuple[int, bytes]:
    """The next answer on a connection."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = raw.recv(1)
        assert byte, head
        head += byte
    length = re.search(rb"\r\nContent-Length: ([0-9]+)", head)
    body = b""
    while length and len(body) < int(length[1]):
        body += raw.recv(int(length[1]) - len(body))
    return int(head.split()[1]), body


@pytest.fixture
def make_raw() -> Iterator[MakeRaw]:
    """Makes connections that are closed at the end of the test."""
    made: list[socket.socket] = []

    def connect(port: int) -> socket.socket:
        made.append(socket.create_connection(("127.0.0.1", port), timeout=DEADLINE))
        return made[-1]

    yield connect
    for each in made:
        each.close()
