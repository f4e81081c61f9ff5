"""Each refused request leaves one line in the log."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from tgext.socketio.engine.http.refusals import without_session
from tgext.socketio.engine.namespaces.base import BaseNamespace, ConnectionRefused
from tgext.socketio.engine.server.opening import ANSWERED_BY

from ..clients import Http, wait_for
from ..conftest import Live, Serve, manage
from ..sample_namespaces import Echo

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}

#: A request, and what the log says of it.
REFUSED: list[Any] = [
    ("GET", "/socket.io/?EIO=5", {}, "400, Unsupported protocol version (EIO is 3"),
    ("GET", "/socket.io/?EIO=4", {}, "400, transport  is not served (transports is"),
    (
        "GET",
        "/socket.io/?EIO=4&transport=a%0Ab",
        {},
        r"400, transport a\nb is not served (transports is polling, websocket)",
    ),
    ("GET", "/socket.io/1/flash/x", {}, "400, transport flash is not served"),
    (
        "GET",
        "/socket.io/?EIO=3&transport=polling&j=al%0Aert",
        {},
        r"400, the JSONP callback al\nert is not a number",
    ),
    ("POST", "/socket.io/?EIO=4&transport=polling", {}, "400, Bad handshake method"),
    (
        "PUT",
        "/socket.io/?EIO=4&transport=polling&sid=secret",
        {},
        "405, the method is not GET, POST or OPTIONS",
    ),
    (
        "GET",
        "/socket.io/?EIO=4&transport=polling&sid=secret",
        {},
        "400, the session has ended, or belongs to another process",
    ),
    (
        "GET",
        "/socket.io/?EIO=4&transport=websocket",
        {},
        "400, Invalid WebSocket request",
    ),
    (
        "GET",
        "/socket.io/?EIO=4&transport=websocket",
        {**UPGRADE, "Sec-WebSocket-Version": "8"},
        "426, Invalid WebSocket request: Sec-WebSocket-Version is not 13",
    ),
    (
        "GET",
        "/socket.io/?EIO=4&transport=polling",
        {"Origin": "http://elsewhere.example"},
        "http://elsewhere.example",
    ),
    (
        "GET",
        "/socket.io/?EIO=4&transport=polling",
        {"X-Answer": "403 Forbidden"},
        "403, the application answered 403 Forbidden",
    ),
    (
        "GET",
        "/socket.io/1/",
        {"X-Answer": "302 Found"},
        "401, the application answered 302 Found",
    ),
    (
        "GET",
        "/socket.io/?EIO=4&transport=polling",
        {"X-Answer": "200 OK"},
        "400, the application answered 200 OK and did not call socketio_manage "
        "(socketio_resource must be the path of the SocketIOController)",
    ),
    (
        "GET",
        "/socket.io/?EIO=4&transport=polling",
        {"X-Answer": "404 Not Found", "X-Who": "the view chat"},
        "404, the view chat answered 404 Not Found (mount it elsewhere)",
    ),
    (
        "GET",
        "/socket.io/1/",
        {"X-Answer": "200 OK", "X-Who": "the view chat"},
        "400, the view chat answered 200 OK and did not call socketio_manage "
        "(mount it elsewhere)",
    ),
    (
        "GET",
        "/socket.io/1/",
        {"X-Answer": "503 Closed", "X-Who": "the view chat"},
        "503, the view chat answered 503 Closed",
    ),
]


def answering(environ: dict[str, Any], start_response: Any) -> Any:
    answer = environ.get("HTTP_X_ANSWER")
    if answer is None:
        return manage({"/chat": Echo})(environ, start_response)
    who = environ.get("HTTP_X_WHO")
    if who is not None:
        environ[ANSWERED_BY] = who, "mount it elsewhere"
    start_response(answer, [])
    return []


def refusals(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.getMessage().startswith("Refused ")
    ]


@pytest.fixture
def live(serve: Serve, caplog: pytest.LogCaptureFixture) -> Live:
    caplog.set_level(logging.INFO, "tgext.socketio")
    return serve(application=answering)


@pytest.mark.parametrize(("method", "target", "headers", "said"), REFUSED)
def test_a_refused_request_leaves_one_line(
    live: Live,
    method: str,
    target: str,
    headers: Mapping[str, str],
    said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert Http(live.port).request(method, target, headers=headers).status >= 400
    [line] = refusals(caplog)
    assert said in line
    assert "secret" not in caplog.text


def test_a_session_0_9_that_has_ended_leaves_one_line(
    live: Live, caplog: pytest.LogCaptureFixture
) -> None:
    reply = Http(live.port).get("/socket.io/1/xhr-polling/secret")
    assert (reply.status, reply.text) == (200, "7:::1+0")
    [line] = refusals(caplog)
    assert "/socket.io/1/xhr-polling of" in line
    assert "the session has ended" in line
    assert "secret" not in caplog.text
    # To end a session that has ended is not logged.
    Http(live.port).get("/socket.io/1/xhr-polling/secret?disconnect=1")
    assert refusals(caplog) == [line]


@pytest.mark.parametrize("option", ["max_connections", "max_connections_per_address"])
def test_one_connection_too_many_names_the_option(
    serve: Serve, option: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio")
    live = serve({"/chat": Echo}, **{option: 1})
    live.websocket_5()
    for target in ("/socket.io/1/", "/socket.io/?EIO=4&transport=polling"):
        assert Http(live.port).get(target).status == 503
    first, second = refusals(caplog)
    assert first == f"Refused GET /socket.io/1/ of 127.0.0.1: 503, {option} is 1"
    assert second == f"Refused GET /socket.io/ of 127.0.0.1: 503, {option} is 1"


def test_what_is_too_large_or_too_slow_names_the_option(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio")
    live = serve({"/chat": Echo}, max_message_size=1000, body_timeout=0.1)
    client = live.polling_5()
    assert Http(live.port).post(client.target, b"x" * 1001).status == 413
    [line] = refusals(caplog)
    assert line.endswith("(max_message_size is 1000)")
    client = live.polling_5()
    slow = live.raw()
    head = f"POST {client.target} HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\n"
    slow.send_raw(head.encode())
    assert slow.receive_head()[0] == 408
    assert refusals(caplog)[1].endswith(
        "408, the body takes too long (body_timeout is 0.1)"
    )
    assert client.sid not in caplog.text


def test_a_refused_namespace_leaves_one_line(
    serve: Serve, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Refusing(BaseNamespace):
        def initialize(self) -> None:
            raise ConnectionRefused("full\nup")

    caplog.set_level(logging.INFO, "tgext.socketio")
    live = serve({"/chat": Refusing})
    client = live.client(kind)
    socket = live.socket(client)
    client.send(client.dialect.connect("/chat"))
    wait_for(lambda: refusals(caplog), "the line")
    client.send(client.dialect.connect("/unheard"))
    wait_for(lambda: len(refusals(caplog)) == 2, "the line")
    who = f"(anonymous, session {socket.log_name}, 127.0.0.1)"
    assert refusals(caplog) == [
        f"Refused namespace /chat {who}: full\\nup",
        f"Refused namespace /unheard {who}: nothing is mounted there",
    ]
    assert socket.sessid not in caplog.text


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("GET /socket.io/1/xhr-polling/secret HTTP/1.1", "GET /socket.io/"),
        ("\r\nGET /socket.io/1/websocket/secret", "GET /socket.io/"),
        ("GET /socket%2eio/1/xhr-polling/secret HTTP/9", "GET /socket.io/"),
        ("GET /socket.io%2F1/xhr-polling/secret", "GET /socket.io/"),
        ("GET http://h/%73ocket.io/1/x/secret", "GET http://h/socket.io/"),
        ("GET /socket.io/?EIO=4&sid=secret HTTP/1.1", "GET /socket.io/"),
        ("POST /pages/%0d?secret HTTP/1.1", "POST /pages/%0d"),
    ],
)
def test_a_refused_line_has_no_session_id_however_it_is_written(
    line: str, shown: str
) -> None:
    assert without_session(line, ["socket.io", "other"]) == shown
