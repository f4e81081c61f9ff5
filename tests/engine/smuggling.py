"""One stream of requests, read by the server and by h11.

h11 is another strict parser. The server has to serve the same requests that h11 reads,
one after the other, or to refuse one, close, and serve nothing more. It may refuse a
request that h11 accepts, but must not accept one that h11 refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import unquote_to_bytes

import gevent
import h11
from gevent import socket

from tgext.socketio.engine.handler import SocketIOHandler
from tgext.socketio.engine.server import SocketIOServer

#: Seconds for a stream; many times what any needs.
DEADLINE = 20.0

#: Statuses of requests that are refused before the application sees them.
REFUSALS = {400, 414, 417, 431, 501, 505}

#: How the application reads a body: at once, in pieces, by lines, 3 bytes, or not.
WAYS = ("all", "pieces", "lines", "some", "none")


@dataclass
class Request:
    """A request as it was read.

    :ivar variables: its header fields, as WSGI has them.
    :ivar body: None where it was not read to its end.
    """

    method: str
    path: str
    query: str
    version: str
    variables: dict[str, str]
    body: bytes | None = None

    def head(self) -> tuple[Any, ...]:
        coding = "HTTP_TRANSFER_ENCODING"
        if coding in self.variables:
            self.variables[coding] = self.variables[coding].lower()  # as h11 has it
        return self.method, self.path, self.query, self.version, self.variables


# h11's reading


def read_with_h11(stream: bytes) -> list[Request]:
    """The requests of a stream that ends; the last may lack its body."""
    requests: list[Request] = []
    while stream:
        # The server skips an empty line before a request (RFC 9112, 2.2), h11 does not.
        stream = stream.removeprefix(b"\r\n")
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        connection.receive_data(stream)
        connection.receive_data(b"")
        body = bytearray()
        request: Request | None = None
        try:
            while not isinstance(event := connection.next_event(), h11.EndOfMessage):
                if isinstance(event, h11.Request):
                    request = _request(event)
                    requests.append(request)
                elif isinstance(event, h11.Data):
                    body += event.data
                else:
                    return requests  # the end, or an upgrade
        except h11.RemoteProtocolError:
            return requests
        assert request is not None
        request.body = bytes(body)
        if not _keeps_alive(request):
            break
        stream = connection.trailing_data[0]
    return requests


def _request(event: h11.Request) -> Request:
    variables: dict[str, str] = {}
    for raw_name, raw_value in event.headers.raw_items():
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        key = name.upper().replace("-", "_")
        if not key.startswith("CONTENT_") or key not in (
            "CONTENT_TYPE",
            "CONTENT_LENGTH",
        ):
            key = f"HTTP_{key}"
        if "_" in name:
            continue
        if key not in variables:
            variables[key] = value
        elif key != "CONTENT_TYPE":
            variables[key] += ("; " if key == "HTTP_COOKIE" else ",") + value
    target = event.target.decode()
    absolute = re.fullmatch(r"https?://([^/?]*)(.*)", target, re.I)
    if absolute:
        variables["HTTP_HOST"] = absolute[1]
        target = absolute[2] if absolute[2].startswith("/") else f"/{absolute[2]}"
    path, _, query = target.partition("?")
    return Request(
        event.method.decode(),
        unquote_to_bytes(path).decode("latin-1"),
        query,
        f"HTTP/{event.http_version.decode()}",
        variables,
    )


def _keeps_alive(request: Request) -> bool:
    value = request.variables.get("HTTP_CONNECTION", "").lower()
    options = [each.strip() for each in value.split(",")]
    upgrades = request.variables.get("HTTP_UPGRADE", "").lower().split(",")
    if "websocket" in [each.strip() for each in upgrades]:
        return False  # a proxy may take for frames what follows
    if "close" in options:
        return False
    return request.version == "HTTP/1.1" or "keep-alive" in options


# This server's reading


@dataclass
class Reading:
    """What the server read in a stream.

    :ivar requests: what its application was asked.
    :ivar statuses: those of its answers, but for 100.
    :ivar closing: whether the last answer said that it was the last.
    """

    requests: list[Request] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    closing: bool = False


class _Handler(SocketIOHandler):
    def handle_one_response(self) -> None:
        self.application = self.server.application  # for `OPTIONS *` too
        super().handle_one_response()


class Server:
    """A server without a port: it serves one end of a pair of sockets."""

    def __init__(self) -> None:
        self._way = "all"
        self._reading = Reading()
        self._server = SocketIOServer(
            ("127.0.0.1", 0), self._application, handler_class=_Handler, log=None
        )
        self._server.environ |= {"SERVER_NAME": "here", "SERVER_PORT": "80"}

    def read(self, pieces: Iterable[bytes], way: str) -> Reading:
        """Serve a stream that ends after its last piece."""
        self._reading, self._way = Reading(), way
        ours, theirs = socket.socketpair()
        with ours, theirs, gevent.Timeout(DEADLINE):
            serving = gevent.spawn(self._server.handle, ours, ("127.0.0.1", 1))
            sending = gevent.spawn(_send, theirs, pieces)
            answers = b"".join(iter(lambda: _receive(theirs), b""))
            serving.get()
            sending.get()
        methods = [request.method for request in self._reading.requests]
        for status, closing in _statuses(answers, methods):
            self._reading.statuses.append(status)
            self._reading.closing = closing
        return self._reading

    def _application(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        request = Request(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"],
            environ["QUERY_STRING"],
            environ["SERVER_PROTOCOL"],
            {
                key: value
                for key, value in environ.items()
                if key.startswith(("HTTP_", "CONTENT_"))
            },
        )
        self._reading.requests.append(request)
        request.body = _read_body(environ["wsgi.input"], self._way)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"answered"]


def _read_body(body: Any, way: str) -> bytes | None:
    if way == "all":
        data: bytes = body.read()
    elif way == "pieces":
        data = b"".join(iter(lambda: body.read(7), b""))
    elif way == "lines":
        data = b"".join(body)
    else:
        if way == "some":
            body.read(3)
        return None
    return data


def _send(sock: Any, pieces: Iterable[bytes]) -> None:
    try:
        for piece in pieces:
            sock.sendall(piece)
            gevent.sleep(0)
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it has refused a request, and closed


def _receive(sock: Any) -> bytes:
    try:
        data: bytes = sock.recv(65536)
    except ConnectionResetError:
        return b""
    return data


def _statuses(answers: bytes, methods: list[str]) -> Iterator[tuple[int, bool]]:
    """The status of each answer, and whether it is the last."""
    asked = iter(methods)
    while answers:
        head, end, answers = answers.partition(b"\r\n\r\n")
        assert end, head
        status = int(re.match(rb"HTTP/1\.1 ([0-9]{3}) ", head)[1])  # type: ignore[index]
        if status == 100:
            continue
        length = re.search(rb"\r\nContent-Length: ([0-9]+)", head)
        assert length is not None, head
        if next(asked, None) != "HEAD":
            assert len(answers) >= int(length[1])
            answers = answers[int(length[1]) :]
        yield status, b"\r\nConnection: close" in head


@cache
def server() -> Server:
    """One server for all examples."""
    return Server()


# Both


def compare(stream: bytes, pieces: Iterable[bytes], way: str = "all") -> Reading:
    """Let both read a stream, and check that they agree.

    :param pieces: the stream as it arrives.
    :param way: one of :data:`WAYS`.
    :returns: the server's reading.
    :raises AssertionError: when they disagree.
    """
    theirs = read_with_h11(stream)
    ours = server().read(pieces, way)
    context = (ours, theirs, stream)
    assert len(ours.requests) <= len(theirs), context
    refused = len(ours.statuses) > len(ours.requests)
    if refused:
        assert len(ours.statuses) == len(ours.requests) + 1, context
        assert ours.statuses[-1] in REFUSALS, context
    for number, (one, other) in enumerate(zip(ours.requests, theirs, strict=False), 1):
        assert one.head() == other.head(), context
        last = number == len(ours.requests)
        if one.body is not None:
            assert one.body == other.body, context
        elif way in ("all", "pieces", "lines"):
            # The application could not read it: it ended early, or was refused.
            assert last, context
            assert not refused, context
    if len(ours.requests) < len(theirs) and way in ("all", "pieces", "lines"):
        # It has said that it closes. (The faults of a body that the application does
        # not read are found after the answer.)
        assert ours.closing, context
    return ours
