"""Answers: their ends and their headers."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterable, Iterator
from struct import pack
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.event import Event

from tgext.socketio.engine.http import SENT_AT_ONCE, lingering

from ..clients import DEADLINE, wait_for
from ..conftest import Serve
from .exchanges import NEXT, Seen


def answering(
    *chunks: bytes, whole: bool = False
) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    """An application with one answer, whose size pywsgi may know."""

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


# The end of answers, and their headers


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
        raw.received += data
    if begun:
        assert (status, raw.received) == (200, b"5\r\nbegun\r\n")
    else:
        assert (status, raw.received) == (500, b"Internal Server Error")
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
    """A body that an application returns nevertheless is dropped."""
    application = answer_with(status, ("Content-Length", "5"), body=body)
    raw = serve(application=application).raw()
    raw.send_raw(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" + NEXT)
    code, headers = raw.receive_head()
    assert (code, headers["Content-Length"]) == (int(status[:3]), None)
    assert raw.receive_reply().text == "/next"


@pytest.mark.parametrize(
    "application",
    [
        # After 1xx the client would wait for another answer; the others are not HTTP.
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
        # Common mistakes.
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
        return  # a HEAD has no body that could be wrong
    assert (status, headers["Transfer-Encoding"]) == (500, None)
    while data := raw.sock.recv(65536):
        raw.received += data
    assert raw.received == (b"" if method == b"HEAD" else b"Internal Server Error")


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
    """Even if the client reads so fast that sending never waits."""
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
    """An application with one answer at one path, and the path as answer elsewhere."""

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
        raw.received += data
    assert raw.received == body


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
        raw.received += data
    assert raw.received == b"a page"


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
    monkeypatch.setattr(lingering, "LINGER", 0.1)
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
