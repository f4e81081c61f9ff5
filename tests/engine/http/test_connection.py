"""Requests one after the other, and how answers leave.

What connections are given time for is in test_handler.py.
"""

from __future__ import annotations

import errno
import gc
import logging
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from struct import pack
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.event import Event

from tgext.socketio.engine.handler import SocketIOHandler
from tgext.socketio.engine.http import SENT_AT_ONCE, connection
from tgext.socketio.engine.http.body import DRAINED
from tgext.socketio.wire.websocket.handshake import accept_key

from ..clients import DEADLINE, RESOURCE, Raw, Reply, wait_for
from ..conftest import Live, Serve
from ..sample_namespaces import Echo
from .test_upgrade import KEY


def answering(
    *chunks: bytes, whole: bool = False
) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    """An application with one answer, of which pywsgi knows the size or not."""

    def application(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return list(chunks) if whole else iter(chunks)

    return application


def test_head_and_body_of_an_answer_leave_in_one_piece(serve: Serve) -> None:
    raw = serve(application=answering(b"a page", whole=True)).raw()
    raw.send_raw(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    assert raw.sock.recv(65536).endswith(b"\r\n\r\na page")


@pytest.mark.parametrize(
    "sizes",
    [(SENT_AT_ONCE,), (SENT_AT_ONCE + 1,), (10, 5_000_000, 0, 10)],
    ids=str,
)
@pytest.mark.parametrize("whole", [True, False])
def test_an_answer_of_any_size_arrives_whole(
    serve: Serve, sizes: tuple[int, ...], whole: bool
) -> None:
    chunks = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    live = serve(application=answering(*chunks, whole=whole))
    assert live.http().get("/").text.encode() == b"".join(chunks)


def test_the_open_packet_leaves_with_the_answer_to_the_handshake(serve: Serve) -> None:
    raw = serve({"/chat": Echo}).raw()
    raw.send_raw(
        f"GET {RESOURCE}/?EIO=4&transport=websocket HTTP/1.1\r\n"
        "Host: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n".encode()
    )
    head, _, frame = raw.sock.recv(65536).partition(b"\r\n\r\n")
    assert f"Sec-WebSocket-Accept: {accept_key(KEY)}".encode() in head
    assert frame[2:].startswith(b'0{"sid":')


def test_a_connection_that_has_ended_is_forgotten_without_the_collector(
    serve: Serve,
) -> None:
    """What its buffers hold is as large as all else of a connection."""
    handlers: weakref.WeakSet[SocketIOHandler] = weakref.WeakSet()

    class Counted(SocketIOHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            handlers.add(self)

    live = serve({"/chat": Echo})
    live.server.handler_class = Counted
    gc.disable()
    try:
        client, http = live.polling_5(), live.http()
        client.join("/chat")
        assert client.call("/chat", "echo", 1) == [1]
        assert http.get("/").text == "a page"
        assert len(handlers) == 3
        client.close()
        http.close()
        wait_for(lambda: not handlers, "all handlers are gone")
    finally:
        gc.enable()


# One request after the other


class Seen:
    """An application that notes what it is asked, and says it."""

    def __init__(self, reads: bool = True) -> None:
        self.requests: list[str] = []
        self._reads = reads

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> list[bytes]:
        body = environ["wsgi.input"].read() if self._reads else b""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.requests.append(f"{method} {path} {body.decode('latin-1')}".strip())
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [self.requests[-1].encode("latin-1")]


def ask(raw: Raw, *requests: bytes) -> list[Reply]:
    """Send requests in one piece, and take an answer to each."""
    raw.send_raw(b"".join(requests))
    return [raw.receive_reply() for _ in requests]


def post(fields: bytes = b"", method: bytes = b"POST", chunks: bool = False) -> bytes:
    """A request whose body could be taken for another one."""
    body = b"GET /hidden HTTP/1.1\r\nHost: here\r\n\r\n"
    if chunks:
        framing = b"Transfer-Encoding: chunked"
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    else:
        framing = b"Content-Length: %d" % len(body)
    return b"%b /form HTTP/1.1\r\nHost: here\r\n%b%b\r\n\r\n%b" % (
        method,
        fields,
        framing,
        body,
    )


FORM = "/form GET /hidden HTTP/1.1\r\nHost: here"
NEXT = b"GET /next HTTP/1.1\r\nHost: here\r\n\r\n"

UPGRADES = [
    b"",
    b"Connection: upgrade\r\n",
    b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
    b"Upgrade: websocket\r\n",
    b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
]


@pytest.mark.parametrize("reads", [True, False], ids=["read", "unread"])
@pytest.mark.parametrize("chunks", [False, True], ids=["sized", "chunked"])
@pytest.mark.parametrize("fields", UPGRADES, ids=repr)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD"])
def test_a_body_ends_where_it_says_whatever_the_connection_is_to_become(
    serve: Serve, method: str, fields: bytes, chunks: bool, reads: bool
) -> None:
    seen = Seen(reads)
    raw = serve(application=seen).raw()
    request = post(fields, method.encode(), chunks)
    raw.send_raw(request + NEXT)
    status, headers = raw.receive_head()
    assert status == 200
    if method != "HEAD":
        raw._received = raw._received[int(headers["Content-Length"]) :]
    served = [f"{method} {FORM if reads else '/form'}"]
    if b"Upgrade: websocket" in fields:
        # A proxy may tunnel from here on, whatever it was answered.
        assert headers["Connection"] == "close"
        raw.expect_end()
    else:
        assert raw.receive_reply().text == "GET /next"
        served.append("GET /next")
    assert seen.requests == served


@pytest.mark.parametrize("chunks", [False, True], ids=["sized", "chunked"])
def test_requests_that_come_byte_by_byte(serve: Serve, chunks: bool) -> None:
    seen = Seen()
    raw = serve(application=seen).raw()
    for byte in post(chunks=chunks) + b"\r\n" + NEXT:
        raw.send_raw(bytes([byte]))
        gevent.sleep(0)
    raw.receive_reply()
    assert raw.receive_reply().text == "GET /next"
    assert seen.requests == [f"POST {FORM}", "GET /next"]


def test_who_sends_many_requests_at_once_does_not_keep_others_waiting(
    serve: Serve,
) -> None:
    served: list[str] = []

    def application(environ: Any, start_response: Any) -> list[bytes]:
        end = time.perf_counter() + 0.001
        while time.perf_counter() < end:
            pass
        served.append(environ["PATH_INFO"])
        start_response("200 OK", [])
        return [b"a page"]

    live = serve(application=application)
    many, other = live.raw(), live.raw()
    ask(other, NEXT)
    many.send_raw(b"GET / HTTP/1.1\r\nHost:a\r\n\r\n" * 300)
    wait_for(lambda: len(served) > 1, "the first of them is served")
    ask(other, NEXT)
    assert served[1:].index("/next") < 150
    for _ in range(300):
        many.receive_reply()


@pytest.mark.parametrize("size", [100, 8000, 30_000])
def test_heads_of_all_sizes_are_followed_by_others(serve: Serve, size: int) -> None:
    raw = serve(application=Seen()).raw()
    head = b"GET /a HTTP/1.1\r\nHost: here\r\nX: %b\r\n\r\n" % (b"x" * size)
    replies = ask(raw, head, NEXT, head, head, NEXT)
    texts = ["GET /a", "GET /next", "GET /a", "GET /a", "GET /next"]
    assert [reply.text for reply in replies] == texts


def test_what_of_a_body_is_too_much_to_be_skipped_ends_the_connection(
    serve: Serve,
) -> None:
    seen = Seen(reads=False)
    raw = serve(application=seen).raw()
    head = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n"
    raw.send_raw(head % (DRAINED + 1) + NEXT * 10)
    reply = raw.receive_reply()
    assert (reply.text, reply.headers["Connection"]) == ("POST /", "close")
    raw.expect_end()
    assert seen.requests == ["POST /"]


def test_a_large_body_that_nobody_reads_does_not_hide_the_answer(serve: Serve) -> None:
    """Closing with unread input would reset the connection."""
    http = serve(application=Seen(reads=False)).http()
    reply = http.post("/", b"x" * 8 * DRAINED)
    assert reply.text == "POST /"
    assert reply.headers["Connection"] == "close"


def test_an_application_that_stops_reading_is_followed_by_no_other_request(
    serve: Serve,
) -> None:
    asked: list[str] = []

    def application(environ: Any, start_response: Any) -> list[bytes]:
        asked.append(environ["PATH_INFO"])
        with gevent.Timeout(0.05, False):  # type: ignore[arg-type]
            environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Length", "0")])
        return []

    raw = serve(application=application).raw()
    raw.send_raw(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\n12345")
    assert raw.receive_reply().headers["Connection"] == "close"
    raw.send_raw(b"67890" + NEXT)
    raw.expect_end()
    assert asked == ["/"]


@pytest.mark.parametrize(
    "chunk", [b"x\r\n", b"+5\r\nhello\r\n", b"5\r\nhello\n", b"5\nhello\r\n"], ids=repr
)
@pytest.mark.parametrize("reads", [True, False], ids=["read", "unread"])
def test_a_body_that_cannot_be_read_ends_the_connection(
    serve: Serve, caplog: pytest.LogCaptureFixture, chunk: bytes, reads: bool
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio.engine")
    raw = serve(application=Seen(reads)).raw()
    head = b"POST /a?b HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
    raw.send_raw(head + chunk + b"0\r\n\r\n" + NEXT)
    assert raw.receive_reply().status == (400 if reads else 200)
    raw.expect_end()
    [record] = caplog.records
    assert "chunk" in record.getMessage()
    assert record.getMessage().endswith("POST /a")


@pytest.mark.parametrize("fields", UPGRADES[1:5], ids=repr)
@pytest.mark.parametrize("kind", ["0.9-xhr-polling", "2-polling", "4-polling"])
def test_clients_that_poll_through_a_proxy_that_offers_upgrades(
    serve: Serve, kind: str, fields: bytes
) -> None:
    """As ``proxy_set_header Connection "upgrade"`` does on every request."""
    live = serve({"/chat": Echo})
    client: Any = live.client(kind)
    client.join("/chat")
    body = client.dialect.event("/chat", "echo", (1,), 1).encode()
    if kind.startswith("2"):
        body = b"%d:%b" % (len(body), body)
    head = f"POST {client.target} HTTP/1.1\r\nHost: here\r\n".encode()
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    raw = live.raw()
    raw.send_raw(head + fields + length + body)
    assert raw.receive_reply().status == 200
    assert client.read()["type"] == "ack"


def test_what_is_refused_is_logged_without_what_opens_a_session(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    live = serve()
    targets = [
        f"{RESOURCE}/?EIO=4&sid=secret",
        f"{RESOURCE}/1/xhr-polling/secret",
        f"http://here{RESOURCE}/1/xhr-polling/secret",
    ]
    for target in targets:
        raw = live.raw()
        raw.send_raw(f"GET {target} HTTP/1.1\r\nX\x1b: \r\n\r\n".encode())
        assert raw.receive_reply().status == 400
        raw.send_raw(f"GET {target} \x1b[2J\n\r\n\r\n".encode())
        raw.expect_end()
    assert len(caplog.records) == len(targets)
    assert "secret" not in caplog.text
    assert "\x1b" not in caplog.text


def test_a_request_for_no_page_in_particular(serve: Serve) -> None:
    raw = serve(application=Seen()).raw()
    [options, after] = ask(raw, b"OPTIONS * HTTP/1.1\r\nHost: here\r\n\r\n", NEXT)
    assert (options.status, after.text) == (204, "GET /next")
    assert "GET" in options.headers["Allow"]


def test_a_target_with_a_host_is_served_as_its_path(serve: Serve) -> None:
    raw = serve(application=Seen()).raw()
    request = b"GET http://there/page HTTP/1.1\r\nHost: here\r\n\r\n"
    assert [reply.text for reply in ask(raw, request, NEXT)] == [
        "GET /page",
        "GET /next",
    ]


def test_a_client_connects_with_a_target_with_a_host(serve: Serve) -> None:
    live = serve({"/chat": Echo}, handshake_timeout=0.3)
    target = f"http://127.0.0.1:{live.port}{RESOURCE}/?EIO=4&transport=websocket"
    assert live.websocket(target).status == 101
    assert live.http().get(target.replace("websocket", "polling")).status == 200


def test_an_idle_connection_keeps_nothing_of_its_last_request(serve: Serve) -> None:
    handlers: list[SocketIOHandler] = []

    class Kept(SocketIOHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            handlers.append(self)

    live = serve(application=Seen())
    live.server.handler_class = Kept
    raw = live.raw()
    assert ask(raw, NEXT)[0].text == "GET /next"
    wait_for(lambda: not handlers[0].environ, "the request ends")
    assert not hasattr(handlers[0], "head")
    assert ask(raw, NEXT)[0].text == "GET /next"


# 100 (Continue)

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def expecting(live: Live, version: str, body: bytes = b"", length: int = 5) -> Raw:
    raw = live.raw()
    raw.send_raw(
        f"POST / HTTP/{version}\r\nHost: here\r\nConnection: keep-alive\r\n"
        f"Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n".encode()
        + body
    )
    return raw


def test_a_client_is_told_to_continue_once_its_body_is_wanted(serve: Serve) -> None:
    raw = expecting(serve(application=Seen()), "1.1")
    assert raw.sock.recv(65536) == CONTINUE
    raw.send_raw(b"hello" + NEXT)
    assert raw.receive_reply().text == "POST / hello"
    assert raw.receive_reply().text == "GET /next"


def test_an_older_client_is_not_told(serve: Serve) -> None:
    raw = expecting(serve(application=Seen()), "1.0", b"hello")
    assert raw.receive_reply().text == "POST / hello"


@pytest.mark.parametrize("body", [b"", b"hello" + NEXT], ids=["waits", "sends"])
def test_a_client_whose_body_nobody_wants_is_answered_and_that_is_all(
    serve: Serve, body: bytes
) -> None:
    """It may send the body or not: what follows could be either."""
    seen = Seen(reads=False)
    raw = expecting(serve(application=seen), "1.1", body)
    reply = raw.receive_reply()
    assert (reply.text, reply.headers["Connection"]) == ("POST /", "close")
    raw.expect_end()
    assert seen.requests == ["POST /"]


def test_who_reads_the_body_while_answering_sends_no_100_in_between(
    serve: Serve,
) -> None:
    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", "10")])
        yield b"begun"
        yield environ["wsgi.input"].read()

    raw = expecting(serve(application=application), "1.1", b"hello")
    assert raw.receive_reply().text == "begunhello"
    raw.expect_end()


def test_an_answer_before_the_body_has_come(serve: Serve) -> None:
    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", "10")])
        yield b"begun"
        yield environ["wsgi.input"].read()

    live = serve(application=application)
    raw = live.raw()
    head = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\n"
    for _ in range(2):
        raw.send_raw(head)
        raw.receive_head()
        raw.send_raw(b"hello")
        while len(raw._received) < 10:
            raw._received += raw.sock.recv(65536)
        assert raw._received == b"begunhello"
        raw._received = b""


# Where answers end, and what they say


def failing(error: OSError, *, begun: bool = False) -> Any:
    """An application that raises an error at /, before or while it answers."""

    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        if environ["PATH_INFO"] != "/":
            return [b"a page"]
        return answer()

    def answer() -> Iterator[bytes]:
        if begun:
            yield b"begun"
        raise error

    return application


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        OSError(),
        BrokenPipeError(errno.EPIPE, "a pipe of its own"),
        ConnectionResetError(errno.ECONNRESET, "by its database"),
    ],
    ids=repr,
)
def test_an_application_that_fails_as_connections_do_is_answered_for(
    serve: Serve, caplog: pytest.LogCaptureFixture, error: OSError, begun: bool
) -> None:
    live = serve(application=failing(error, begun=begun))
    raw = live.raw()
    raw.send_raw(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    status, _ = raw.receive_head()
    while data := raw.sock.recv(65536):
        raw._received += data
    if begun:
        assert (status, raw._received) == (200, b"5\r\nbegun\r\n")
    else:
        assert (status, raw._received) == (500, b"Internal Server Error")
    [record] = [each for each in caplog.records if each.levelname == "ERROR"]
    assert record.getMessage() == "GET / failed"
    assert record.exc_info is not None
    assert record.exc_info[1] is error
    assert live.http().get("/page").text == "a page"


@pytest.mark.parametrize("begun", [False, True])
def test_a_client_that_leaves_while_it_sends_or_reads_is_no_failure(
    serve: Serve, caplog: pytest.LogCaptureFixture, begun: bool
) -> None:
    ended = Event()

    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        try:
            if not begun:
                environ["wsgi.input"].read()
            write = start_response("200 OK", [])
            while True:
                write(b"x" * 1_000_000)
        finally:
            ended.set()

    raw = serve(application=application).raw()
    raw.send_raw(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\n")
    gevent.sleep(0.05)
    raw.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, pack("ii", 1, 0))
    raw.close()
    assert ended.wait(DEADLINE)
    gevent.sleep(0.05)
    assert not [each for each in caplog.records if each.levelname != "INFO"]


def answer_with(status: str, *headers: tuple[str, Any], body: bytes = b"hello") -> Any:
    """An application with such an answer at /, and its path elsewhere."""

    def application(environ: Any, start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] != "/":
            start_response("200 OK", [])
            return [environ["PATH_INFO"].encode()]
        start_response(status, list(headers))
        return [body]

    return application


FRAMINGS: list[list[tuple[str, str]]] = [
    [("Transfer-Encoding", "chunked")],
    [("transfer-encoding", "chunked"), ("Content-Length", "5")],
    [("Transfer-Encoding", "identity")],
    [("Content-Length", "2"), ("Content-Length", "5")],
    [("Content-Length", "5"), ("content-length", "5")],
    [("Content-Length", "+5")],
    [("Content-Length", "5, 5")],
    [("Content-Length", "")],
    [("Content-Length", "\xb2")],
]


@pytest.mark.parametrize("headers", FRAMINGS, ids=repr)
def test_an_answer_has_one_end_whatever_the_application_says(
    serve: Serve, headers: list[tuple[str, str]]
) -> None:
    raw = serve(application=answer_with("200 OK", *headers)).raw()
    raw.send_raw(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" + NEXT)
    reply = raw.receive_reply()
    assert reply.text == "hello"
    assert reply.headers.get_all("Content-Length") == ["5"]
    assert "Transfer-Encoding" not in reply.headers
    assert raw.receive_reply().text == "/next"


@pytest.mark.parametrize("body", [b"", b"{}"])
@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_an_answer_that_can_have_no_body_has_none(
    serve: Serve, status: str, body: bytes
) -> None:
    """What an application returns beside it, such as an empty dict, is left out."""
    application = answer_with(status, ("Content-Length", "5"), body=body)
    raw = serve(application=application).raw()
    raw.send_raw(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" + NEXT)
    code, headers = raw.receive_head()
    assert (code, headers["Content-Length"]) == (int(status[:3]), None)
    assert raw.receive_reply().text == "/next"


@pytest.mark.parametrize(
    "application",
    [
        # What follows would be taken for the answer, or for no HTTP.
        answer_with("100 Continue"),
        answer_with("101 Switching Protocols", ("Upgrade", "websocket")),
        answer_with("199 "),
        *(answer_with(each) for each in ("99 x", "1000 x", "2_00 OK", "OK", "")),
        *(answer_with(f"200 a{each}b") for each in ("\0", "\r\n", "\x7f", "€")),
        *(
            answer_with("200 OK", ("X", f"a{each}b"))
            for each in ("\0", "\n", "\r", "€")
        ),
        *(answer_with("200 OK", (each, "a")) for each in ("", "X:", "X y", "X\n", "é")),
    ],
)
def test_what_would_be_no_answer_is_none(serve: Serve, application: Any) -> None:
    raw = serve(application=application).raw()
    raw.send_raw(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" + NEXT)
    assert raw.receive_reply().status == 500
    raw.expect_end()


def returning(result: Any, *, started: bool = True) -> Any:
    """An application that returns what a call returns at /, and its path elsewhere."""

    def application(environ: Any, start_response: Any) -> Any:
        at_root = environ["PATH_INFO"] == "/"
        if started or not at_root:
            start_response("200 OK", [])
        return result() if at_root else [environ["PATH_INFO"].encode()]

    return application


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"POST"])
@pytest.mark.parametrize(
    "application",
    [
        returning(list, started=False),
        returning(lambda: iter(()), started=False),
        returning(lambda: iter((b"",)), started=False),
        returning(lambda: None),
        # What a newcomer returns.
        returning(lambda: "text"),
        returning(lambda: b"bytes"),
        returning(lambda: ["text"]),
        returning(lambda: iter(["text"])),
        returning(lambda: [b"a", 5]),
        returning(lambda: 5),
    ],
)
def test_an_application_that_does_not_answer_is_answered_for(
    serve: Serve, application: Any, method: bytes
) -> None:
    raw = serve(application=application).raw()
    raw.send_raw(method + b" / HTTP/1.1\r\nHost: here\r\n\r\n" + NEXT)
    status, headers = raw.receive_head()
    if method == b"HEAD" and status == 200:
        return  # of what it cannot send it sends nothing
    assert (status, headers["Transfer-Encoding"]) == (500, None)
    while data := raw.sock.recv(65536):
        raw._received += data
    assert raw._received == (b"" if method == b"HEAD" else b"Internal Server Error")


class Chunks:
    """An answer that has a length of its own.

    :param again: what more there is each time that it is read, if it can be.
    """

    def __init__(self, *chunks: bytes, again: bytes | None = None) -> None:
        self._chunks = list(chunks)
        self._again = again
        self.closed = False

    def __len__(self) -> int:
        return len(self._chunks)

    def __iter__(self) -> Iterator[bytes]:
        if self._again is not None:
            self._chunks.append(self._again)
            yield from self._chunks
        while self._again is None and self._chunks:
            yield self._chunks.pop(0)

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("again", [None, b"more"])
def test_an_answer_is_read_once(serve: Serve, again: bytes | None) -> None:
    chunks = Chunks(b"one", b"two", again=again)
    live = serve(application=returning(lambda: chunks))
    assert live.http().get("/").body == b"onetwo" + (again or b"")
    assert chunks.closed


@pytest.mark.parametrize("written", [False, True])
def test_an_answer_of_many_pieces_does_not_keep_others_waiting(
    serve: Serve, written: bool
) -> None:
    """Where the client takes all that comes, and nothing has to wait for it."""
    turns = 0
    before = after = 0

    def tick() -> None:
        nonlocal turns
        while True:
            gevent.sleep(0.001)
            turns += 1

    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        nonlocal before, after
        write = start_response("200 OK", [])
        before = turns
        for _ in range(15_000):
            if written:
                write(b"x")
            else:
                yield b"x"
        after = turns

    ticking = gevent.spawn(tick)
    try:
        assert serve(application=application).http().get("/").text == "x" * 15_000
    finally:
        ticking.kill()
    assert after > before + 3


@pytest.mark.parametrize("value", ["close", "Close", "TE, close"])
def test_an_application_may_end_the_connection(serve: Serve, value: str) -> None:
    raw = serve(application=answer_with("200 OK", ("connection", value))).raw()
    raw.send_raw(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" + NEXT)
    assert raw.receive_reply().text == "hello"
    raw.expect_end()


def test_a_reason_may_be_left_out(serve: Serve) -> None:
    raw = serve(application=answer_with("200")).raw()
    raw.send_raw(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    assert raw.sock.recv(65536).startswith(b"HTTP/1.1 200 \r\n")


def test_the_access_log_shows_as_much_of_a_request_as_it_needs(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio.access")
    live = serve(application=Seen())
    method = "M" * 5000
    raw = live.raw()
    raw.send_raw(f"{method} /{'a' * 9000} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
    raw.receive_head()
    wait_for(lambda: caplog.records, "a line")
    line = caplog.records[-1].getMessage()
    assert f'"{"M" * 40}... /{"a" * 999}... HTTP/1.1" 200 ' in line


def saying(*chunks: bytes, length: int | None = None, path: str = "/") -> Any:
    """An application with an answer of its own at one path, and its path elsewhere."""

    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != path:
            start_response("200 OK", [])
            return [environ["PATH_INFO"].encode()]
        headers = [] if length is None else [("Content-Length", str(length))]
        start_response("200 OK", headers)
        return iter(chunks)

    return application


@pytest.mark.parametrize("length", [None, 6])
def test_an_answer_to_head_has_no_body(serve: Serve, length: int | None) -> None:
    raw = serve(application=saying(b"a page", length=length)).raw()
    raw.send_raw(b"HEAD / HTTP/1.1\r\nHost: here\r\n\r\n" + NEXT)
    assert raw.receive_head()[0] == 200
    assert raw.receive_reply().text == "/next"


@pytest.mark.parametrize(
    ("chunks", "length", "body"),
    [((b"a page",), 3, b"a p"), ((b"a ", b"page"), 5, b"a pag"), ((b"a",), 6, b"a")],
)
def test_an_answer_that_is_not_as_long_as_it_says_ends_the_connection(
    serve: Serve, chunks: tuple[bytes, ...], length: int, body: bytes
) -> None:
    raw = serve(application=saying(*chunks, length=length)).raw()
    raw.send_raw(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" + NEXT)
    assert raw.receive_head()[0] == 200
    while data := raw.sock.recv(65536):
        raw._received += data
    assert raw._received == body


def test_to_an_older_client_the_end_of_the_connection_ends_an_answer(
    serve: Serve,
) -> None:
    raw = serve(application=saying(b"a ", b"page")).raw()
    older = b" HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    raw.send_raw(b"GET /kept" + older)
    reply = raw.receive_reply()
    assert (reply.text, reply.headers["Connection"]) == ("/kept", "keep-alive")
    raw.send_raw(b"GET /" + older)
    assert raw.receive_head()[1]["Connection"] == "close"
    while data := raw.sock.recv(65536):
        raw._received += data
    assert raw._received == b"a page"


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n",
        b"POST / HTTP/1.0\r\n\r\n",  # a body without a length
    ],
)
def test_what_comes_behind_the_last_request_does_not_hide_the_answer(
    serve: Serve, head: bytes
) -> None:
    """Closing with unread input resets the connection (RFC 9112, 9.6)."""
    raw = serve(application=saying(b"a page", length=6)).raw()
    raw.send_raw(head + b"x" * 3_000_000)
    assert raw.receive_reply().text == "a page"
    assert raw.sock.recv(1) == b""


def test_who_sends_after_a_refusal_is_not_listened_to_for_ever(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LINGER", 0.1)
    raw = serve().raw()
    raw.send_raw(b"GET  / HTTP/1.1\r\n\r\n")
    assert raw.receive_reply().status == 400

    def trickle() -> None:
        try:
            while True:
                raw.send_raw(NEXT)
                gevent.sleep(0.02)
        except OSError:
            pass

    gevent.spawn(trickle).get(timeout=10)
    raw.expect_end()
