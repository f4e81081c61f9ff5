"""``environ['wsgi.websocket']``: gevent-websocket's interface, and our additions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import gevent
import pytest
from gevent.event import Event
from gevent.exceptions import ConcurrentObjectUseError
from geventwebsocket import WebSocketError as GeventWebSocketError
from geventwebsocket.resource import Resource, WebSocketApplication
from geventwebsocket.websocket import WebSocket as GeventWebSocket

from tgext.socketio.engine.handler import SocketIOHandler
from tgext.socketio.engine.websocket.wsgi import WebSocket, WebSocketError
from tgext.socketio.wire.websocket.frames import BINARY, CLOSE, PING, TEXT

from ..clients import DEADLINE, wait_for
from ..conftest import Serve
from ..plain import Held, Noted, echo, serving

StartResponse = Callable[..., Any]


# gevent-websocket's contract


def handler_loop(
    environ: dict[str, Any], start_response: StartResponse
) -> Iterable[bytes]:
    """The loop that most applications have."""
    ws = environ.get("wsgi.websocket")
    if not ws:
        start_response("400 Bad Request", [("Content-Type", "text/plain")])
        return [b"Invalid WebSocket request"]
    while True:
        message = ws.receive()
        if message is None:
            break
        ws.send(message)
    return []


def closed_loop(
    environ: dict[str, Any], start_response: StartResponse
) -> Iterable[bytes]:
    """The loop of gevent-websocket's own examples."""
    ws = environ["wsgi.websocket"]
    while not ws.closed:
        message = ws.receive()
        if message is not None:
            ws.send(message)
    start_response("200 OK", [])
    return [b"ignored"]


def generator(
    environ: dict[str, Any], start_response: StartResponse
) -> Iterator[bytes]:
    yield from handler_loop(environ, start_response)


@pytest.mark.parametrize("application", [handler_loop, closed_loop, generator])
def test_applications_of_gevent_websocket_run(serve: Serve, application: Any) -> None:
    websocket = serve(application=application).websocket("/")
    assert websocket.status == 101
    websocket.send("grüße ☃ 😀")
    websocket.send_frame(BINARY, b"\x00\xff")
    websocket.send("")
    assert websocket.receive() == "grüße ☃ 😀"
    assert websocket.receive_frame() == (BINARY, b"\x00\xff")
    assert websocket.receive() == ""
    websocket.leave()


def test_a_resource_of_gevent_websocket_runs(serve: Serve) -> None:
    told: list[Any] = []

    class Upper(WebSocketApplication):  # type: ignore[misc]
        def on_open(self) -> None:
            told.append("open")

        def on_message(self, message: str | None) -> None:
            if message is not None:
                self.ws.send(message.upper())

        def on_close(self, reason: str = "") -> None:
            told.append("close")

    def page(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [b"a page"]

    live = serve(application=Resource([("^/page", page), ("^/upper", Upper)]))
    assert live.http().get("/page").text == "a page"
    websocket = live.websocket("/upper")
    websocket.send("hello")
    assert websocket.receive() == "HELLO"
    websocket.leave()
    live.close_clients()
    live.expect_nothing_left()
    assert told == ["open", "close"]


def test_it_is_a_websocket_of_gevent_websocket(serve: Serve) -> None:
    held = Held()
    live = serve(application=serving(held))
    live.websocket("/path?a=b", headers={"Origin": live.origin})
    websocket = held.first()
    assert isinstance(websocket, GeventWebSocket)
    assert WebSocketError is GeventWebSocketError
    assert issubclass(WebSocketError, OSError)
    assert websocket.environ["QUERY_STRING"] == "a=b"
    assert websocket.environ["wsgi.websocket"] is websocket
    assert websocket.environ["wsgi.websocket_version"] == "13"
    assert isinstance(websocket.handler, SocketIOHandler)
    assert websocket.path == "/path"
    assert websocket.version == "13"
    assert websocket.origin == live.origin
    assert websocket.protocol is None
    assert not websocket.closed
    assert repr(websocket) == "<WebSocket /path open>"
    held.go_on.set()
    wait_for(lambda: websocket.closed, "the method returns")
    assert repr(websocket) == "<WebSocket /path closed>"
    assert websocket.environ["wsgi.websocket"] is None


@pytest.mark.parametrize(
    ("message", "binary", "frame"),
    [
        ("text", None, (TEXT, "text")),
        ("text", False, (TEXT, "text")),
        ("text", True, (BINARY, b"text")),
        (b"\xff", None, (BINARY, b"\xff")),
        (b"\xff", True, (BINARY, b"\xff")),
        (b"text", False, (TEXT, "text")),
        (bytearray(b"\xff"), None, (BINARY, b"\xff")),
        (memoryview(b"\xff"), None, (BINARY, b"\xff")),
        ("half \ud83d", None, (TEXT, "half ?")),
        ("", None, (TEXT, "")),
        (b"", None, (BINARY, b"")),
        ("x" * 70_000, None, (TEXT, "x" * 70_000)),
    ],
)
def test_a_message_is_sent_as_what_it_is(
    serve: Serve, message: Any, binary: bool | None, frame: tuple[int, Any]
) -> None:
    def say(websocket: WebSocket) -> None:
        websocket.send(message, binary)
        websocket.send_frame(message, TEXT if frame[0] == TEXT else BINARY)

    websocket = serve(application=serving(say)).websocket("/")
    assert websocket.receive_frame() == frame
    assert websocket.receive_frame() == frame
    assert websocket.receive_close() == 1000


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda ws: ws.send(5), TypeError, "str or bytes, not int; send_json"),
        (lambda ws: ws.send(None), TypeError, "not NoneType"),
        (lambda ws: ws.send(b"\xff", binary=False), UnicodeDecodeError, "utf-8"),
        (lambda ws: ws.send_json(object()), TypeError, "object"),
        (lambda ws: ws.send_frame(b"", CLOSE), ValueError, "opcode 8"),
        (lambda ws: ws.ping(b"x" * 126), ValueError, "125 bytes, not 126"),
        (lambda ws: ws.close(1005), ValueError, "close code 1005"),
        (lambda ws: ws.close(999), ValueError, "close code 999"),
        (lambda ws: ws.close(-1), ValueError, "close code -1"),
        (lambda ws: ws.close(70_000), ValueError, "close code 70000"),
        (lambda ws: ws.close("1000"), ValueError, "close code '1000'"),
    ],
)
def test_a_mistake_is_said_and_the_connection_lives(
    serve: Serve, call: Any, error: type[Exception], words: str
) -> None:
    def say(websocket: WebSocket) -> None:
        with pytest.raises(error, match=words):
            call(websocket)
        websocket.send("alive")

    websocket = serve(application=serving(say)).websocket("/")
    assert websocket.receive() == "alive"


# What is added


def test_iteration_ends_with_the_connection(serve: Serve) -> None:
    noted = Noted()
    websocket = serve(application=serving(noted)).websocket("/")
    websocket.send("a")
    websocket.send_frame(BINARY, b"b")
    websocket.send("")
    websocket.send_frame(CLOSE, b"\x0f\xa0gone fishing")
    assert noted.wait() == (4000, "gone fishing")
    assert noted.messages == ["a", b"b", ""]


def test_json_is_sent_and_received(serve: Serve) -> None:
    def add(websocket: WebSocket) -> None:
        while True:
            websocket.send_json({"sum": sum(websocket.receive_json(timeout=DEADLINE))})

    websocket = serve(application=serving(add)).websocket("/")
    websocket.send("[1, 2]")
    websocket.send_frame(BINARY, b"[3]")
    assert websocket.receive() == '{"sum":3}'
    assert websocket.receive() == '{"sum":3}'
    websocket.leave()


@pytest.mark.parametrize("broken", ["", "{", "[1] 2", "NaN"])
def test_invalid_json_ends_the_connection(serve: Serve, broken: str) -> None:
    raised: list[Exception] = []

    def read(websocket: WebSocket) -> None:
        try:
            websocket.receive_json()
        except WebSocketError as error:
            raised.append(error)
            raise

    websocket = serve(application=serving(read)).websocket("/")
    websocket.send(broken)
    assert websocket.receive_close() == 1007
    assert len(raised) == 1


def test_receive_waits_as_long_as_it_is_told(serve: Serve) -> None:
    def ask(websocket: WebSocket) -> None:
        with pytest.raises(TimeoutError, match=r"no message in 0\.01 s"):
            websocket.receive(timeout=0.01)
        with pytest.raises(TimeoutError):
            websocket.receive_json(timeout=0)
        websocket.send("now")
        websocket.send(websocket.receive(timeout=DEADLINE) or "")

    websocket = serve(application=serving(ask)).websocket("/")
    assert websocket.receive() == "now"
    websocket.send("in time")
    assert websocket.receive() == "in time"


def test_one_greenlet_at_a_time_receives(serve: Serve) -> None:
    held = Held()
    websocket = serve(application=serving(held)).websocket("/")
    mine = held.first()
    other = gevent.spawn(mine.receive)
    gevent.sleep(0)
    with pytest.raises(ConcurrentObjectUseError):
        mine.receive()
    websocket.send("for the first")
    assert other.get(timeout=DEADLINE) == "for the first"
    held.go_on.set()


def test_any_greenlet_may_send(serve: Serve) -> None:
    """Frames are written one at a time, and not mixed."""

    def shout(websocket: WebSocket) -> None:
        def repeat(letter: str) -> None:
            for _ in range(20):
                websocket.send(letter * 70_000)
                gevent.sleep(0)

        gevent.joinall([gevent.spawn(repeat, each) for each in "abc"])

    websocket = serve(application=serving(shout)).websocket("/")
    texts = [websocket.receive() for _ in range(60)]
    assert all(len(set(each)) == 1 and len(each) == 70_000 for each in texts)
    assert sorted(each[0] for each in texts) == ["a"] * 20 + ["b"] * 20 + ["c"] * 20


def test_a_ping_can_be_sent(serve: Serve) -> None:
    def ask(websocket: WebSocket) -> None:
        websocket.ping()
        websocket.ping("who?")
        websocket.send_frame(b"x" * 125, PING)

    websocket = serve(application=serving(ask)).websocket("/")
    frames = [websocket.receive_frame() for _ in range(3)]
    assert frames == [(PING, b""), (PING, b"who?"), (PING, b"x" * 125)]


# The end


@pytest.mark.parametrize(
    ("arguments", "payload"),
    [
        ((), b"\x03\xe8"),
        ((1000,), b"\x03\xe8"),
        ((3000, "enough"), b"\x0b\xb8enough"),
        ((4999, "x" * 200), b"\x13\x87" + b"x" * 123),
        ((1001, b"bytes"), b"\x03\xe9bytes"),
        ((1001, None), b"\x03\xe9"),
    ],
)
def test_closing_is_told_with_code_and_reason(
    serve: Serve, arguments: tuple[Any, ...], payload: bytes
) -> None:
    """RFC 6455, sections 5.5.1 and 7.1.2."""
    after: list[Any] = []

    def leave(websocket: WebSocket) -> None:
        websocket.close(*arguments)
        websocket.close(4000, "again")
        after.append((websocket.closed, websocket.close_code, websocket.close_reason))
        for call in (
            websocket.receive,
            lambda: websocket.send("x"),
            websocket.ping,
            websocket.receive_json,
        ):
            with pytest.raises(WebSocketError):
                call()
        assert list(websocket) == []

    websocket = serve(application=serving(leave)).websocket("/")
    assert websocket.receive_frame() == (CLOSE, payload)
    websocket.send_close()
    websocket.expect_end()
    code, reason = [*arguments, ""][:2] if arguments else (1000, "")
    text = reason.decode() if isinstance(reason, bytes) else reason or ""
    assert after == [(True, code, text)]


@pytest.mark.parametrize(
    ("payload", "seen"),
    [
        (b"\x03\xe8", (1000, "")),
        (b"", (1005, "")),
        (b"\x03\xe9bye", (1001, "bye")),
        (b"\x0f\xa0" + "☃".encode(), (4000, "☃")),
    ],
)
def test_the_code_of_the_client_is_seen(
    serve: Serve, payload: bytes, seen: tuple[int, str]
) -> None:
    """RFC 6455, sections 7.1.5 and 7.1.6."""
    noted = Noted()
    websocket = serve(application=serving(noted)).websocket("/")
    websocket.send_frame(CLOSE, payload)
    assert websocket.receive_frame() == (CLOSE, payload[:2] or b"\x03\xe8")
    websocket.expect_end()
    assert noted.wait() == seen


def test_the_end_is_told_once_as_none_then_as_an_error(serve: Serve) -> None:
    seen: list[Any] = []

    def read(websocket: WebSocket) -> None:
        seen.append(websocket.receive())
        with pytest.raises(WebSocketError, match="already closed"):
            websocket.receive()
        seen.append("raised")

    live = serve(application=serving(read))
    live.websocket("/").leave()
    wait_for(lambda: len(seen) == 2, "the method returns")
    assert seen == [None, "raised"]


def test_the_end_is_told_as_none_to_whoever_was_busy_when_it_came(
    serve: Serve,
) -> None:
    seen: list[Any] = []
    left = Event()

    def read(websocket: WebSocket) -> None:
        assert left.wait(DEADLINE)
        wait_for(lambda: websocket.closed, "the end is noticed")
        seen.append(websocket.receive())

    live = serve(application=serving(read))
    live.websocket("/").close()
    left.set()
    wait_for(lambda: seen, "the method returns")
    assert seen == [None]


@pytest.mark.parametrize("error", [ZeroDivisionError, gevent.Timeout])
def test_an_error_of_the_application_is_logged_and_told_with_a_code(
    serve: Serve, caplog: pytest.LogCaptureFixture, error: type[BaseException]
) -> None:
    def fail(websocket: WebSocket) -> None:
        raise error("on purpose")

    websocket = serve(application=serving(fail)).websocket("/")
    assert websocket.receive_close() == 1011
    websocket.send_close(1011)
    websocket.expect_end()
    assert "A WebSocket's application failed" in caplog.text
    assert "on purpose" in caplog.text


@pytest.mark.parametrize("how", ["closes", "vanishes"])
def test_a_client_that_leaves_is_no_error(
    serve: Serve, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    def send_on(websocket: WebSocket) -> None:
        while True:
            websocket.send("tick")
            gevent.sleep(0.001)

    live = serve(application=serving(send_on))
    websocket = live.websocket("/")
    assert websocket.receive() == "tick"
    if how == "closes":
        websocket.send_close()
    websocket.close()
    wait_for(lambda: not live.server.websockets, "the method ends")
    assert "Traceback" not in caplog.text


def test_a_connection_is_logged_in_one_line(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """The reason comes from the client; it cannot forge a log line."""
    caplog.set_level(logging.INFO, "tgext.socketio")
    live = serve(application=serving(echo))
    websocket = live.websocket("/where")
    websocket.send_frame(CLOSE, b"\x0f\xa0one\ntwo")
    assert websocket.receive_close() == 4000
    websocket.close()
    wait_for(lambda: caplog.records, "the request ends")
    [record] = caplog.records
    line = record.getMessage().strip()
    assert '"GET /where HTTP/1.1" 101 ' in line
    assert line.endswith("4000 'one\\ntwo'")


# A request that is not upgraded


def ignoring(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"a page"]


def streaming(
    environ: dict[str, Any], start_response: StartResponse
) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    try:
        yield b"a "
        yield b"page"
    finally:
        environ["test.closed"].append(True)


def failing(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    raise ZeroDivisionError("on purpose")


def test_an_application_may_ignore_it(serve: Serve) -> None:
    live = serve(application=ignoring)
    websocket = live.websocket("/")
    assert websocket.refusal().text == "a page"
    websocket.received = b""
    websocket.expect_end()


def test_an_answer_in_pieces_is_sent_and_closed(serve: Serve) -> None:
    closed: list[bool] = []

    def application(
        environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        environ["test.closed"] = closed
        return streaming(environ, start_response)

    websocket = serve(application=application).websocket("/")
    assert websocket.status == 200
    assert websocket.headers["Transfer-Encoding"] == "chunked"
    while not websocket.received.endswith(b"0\r\n\r\n"):
        websocket.received += websocket.sock.recv(65536)
    assert websocket.received == b"2\r\na \r\n4\r\npage\r\n0\r\n\r\n"
    assert closed == [True]


def test_an_error_before_the_handshake_is_an_ordinary_one(
    serve: Serve, unhandled: list[BaseException]
) -> None:
    websocket = serve(application=failing).websocket("/")
    assert websocket.status == 500
    live_errors = [type(each) for each in unhandled]
    unhandled.clear()
    assert set(live_errors) <= {ZeroDivisionError}


def test_what_was_answered_cannot_be_accepted_any_more(serve: Serve) -> None:
    kept: list[WebSocket] = []

    def keep(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        kept.append(environ["wsgi.websocket"])
        return ignoring(environ, start_response)

    live = serve(application=keep)
    assert live.websocket("/").refusal().text == "a page"
    [websocket] = kept
    assert websocket.closed
    assert not websocket.accepted
    assert (websocket.close_code, websocket.close_reason) == (None, "")
    for call in (websocket.accept, websocket.receive, lambda: websocket.send("x")):
        with pytest.raises(WebSocketError, match="answered over HTTP"):
            call()
    websocket.close()


def test_a_client_that_left_before_the_handshake_is_no_error(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    gone = Event()
    raised: list[Exception] = []

    def late(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        websocket = environ["wsgi.websocket"]
        assert gone.wait(DEADLINE)
        websocket.handler.socket.shutdown(1)
        try:
            websocket.accept()
        except WebSocketError as error:
            raised.append(error)
            raise
        return []

    live = serve(application=late)
    raw = live.raw()
    raw.send_raw(
        b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    gone.set()
    raw.expect_end()
    assert [str(each) for each in raised] == ["Socket is dead"]


@pytest.mark.parametrize("framing", ["Content-Length: 6", "Transfer-Encoding: chunked"])
def test_a_body_is_not_taken_for_frames_whatever_the_application_drops(
    serve: Serve, framing: str
) -> None:
    def forgetful(
        environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        environ.pop("CONTENT_LENGTH", None)
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["wsgi.websocket"].send("accepted")
        return []

    name, value = framing.split(": ")
    live = serve(application=forgetful)
    websocket = live.websocket("/", headers={name: value}, early=b"0\r\n\r\n\0")
    assert websocket.status == 400


def test_the_body_of_the_request_is_empty_for_the_application(serve: Serve) -> None:
    """Frames are not its body."""

    def read_all(
        environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        websocket = environ["wsgi.websocket"]
        websocket.send(body)
        websocket.send(websocket.receive())
        return []

    websocket = serve(application=read_all).websocket("/", early=b"")
    websocket.send("frame")
    assert websocket.receive_frame() == (BINARY, b"")
    assert websocket.receive() == "frame"
