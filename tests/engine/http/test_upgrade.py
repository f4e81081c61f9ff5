"""The opening handshake of a plain WebSocket, by the sections of RFC 6455."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tgext.socketio.engine.websocket.wsgi import WebSocket
from tgext.socketio.wire.websocket.deflate import Deflate, Inflater
from tgext.socketio.wire.websocket.frames import (
    COMPRESSED,
    TEXT,
    FrameReader,
    encode_frame,
)

from ..clients import MASK, wait_for
from ..conftest import Serve
from ..plain import Noted, echo, serving

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def test_a_handshake_is_answered(serve: Serve) -> None:
    """Section 4.2.2, item 5; the client checks Sec-WebSocket-Accept."""
    live = serve(application=serving(echo))
    websocket = live.websocket("/anywhere?a=b")
    assert websocket.status == 101
    assert websocket.headers["Upgrade"] == "websocket"
    assert websocket.headers["Connection"] == "Upgrade"
    assert websocket.headers["Sec-WebSocket-Protocol"] is None
    assert websocket.headers["Sec-WebSocket-Extensions"] is None
    websocket.send("hällo")
    assert websocket.receive() == "hällo"
    websocket.leave()


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Upgrade": "WebSocket"}, id="4.2.1 any case"),
        pytest.param({"Connection": "UPGRADE"}, id="4.2.1 any case of the connection"),
        pytest.param({"Upgrade": "h2c, websocket"}, id="4.2.1 among others"),
        pytest.param({"Origin": None}, id="4.2.1 no browser has no origin"),
        pytest.param({"Sec-WebSocket-Extensions": "x-unknown; a=b"}, id="9.1 unknown"),
        pytest.param({"Sec-WebSocket-Extensions": "a; =b"}, id="9.1 of no use here"),
        pytest.param({"X-Anything": "else"}, id="4.2.1 other headers"),
    ],
)
def test_a_handshake_may_be_spelled_so(
    serve: Serve, headers: dict[str, str | None]
) -> None:
    websocket = serve(application=serving(echo)).websocket("/", headers=headers)
    assert websocket.status == 101
    websocket.leave()


REFUSED = [
    pytest.param({"Sec-WebSocket-Key": None}, 400, id="4.2.1 no key"),
    pytest.param({"Sec-WebSocket-Key": "AAAA"}, 400, id="4.2.1 a short key"),
    pytest.param({"Sec-WebSocket-Key": "!" * 24}, 400, id="4.2.1 a wrong key"),
    pytest.param({"Sec-WebSocket-Version": None}, 426, id="4.2.1 no version"),
    pytest.param({"Sec-WebSocket-Version": "12"}, 426, id="4.4 version 12"),
    pytest.param({"Sec-WebSocket-Version": "13, 8"}, 426, id="4.4 two versions"),
    pytest.param({"Host": None}, 400, id="4.2.1 no host"),
    pytest.param({"Content-Length": "5"}, 400, id="a body"),
    pytest.param({"Sec-WebSocket-Protocol": "a b"}, 400, id="4.1 no token"),
    pytest.param({"Sec-WebSocket-Protocol": "a, a"}, 400, id="4.1 a token twice"),
    pytest.param({"Origin": "http://elsewhere.example"}, 403, id="10.2 an origin"),
]


@pytest.mark.parametrize(("headers", "status"), REFUSED)
def test_a_handshake_that_cannot_be_accepted_is_refused(
    serve: Serve,
    headers: dict[str, str | None],
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Section 4.2.1: with an HTTP status. The server keeps nothing of it."""
    caplog.set_level(logging.INFO, "tgext.socketio")
    noted = Noted()
    live = serve(application=serving(noted))
    websocket = live.websocket("/", headers=headers)
    assert websocket.status == status
    assert websocket.headers["Upgrade"] == ("websocket" if status == 426 else None)
    assert websocket.headers["Sec-WebSocket-Version"] == (
        "13" if status == 426 else None
    )
    assert noted.ended is None
    websocket.close()
    wait_for(lambda: f" {status} " in caplog.text, "the request is logged")
    # The log has a line with the reason.
    said = [record.getMessage() for record in caplog.records]
    assert sum("refused" in each.lower() for each in said) == 1


def test_the_refusal_says_what_is_wrong(serve: Serve) -> None:
    live = serve(application=serving(echo))
    headers: dict[str, str | None] = {"Sec-WebSocket-Key": None}
    refusal = live.websocket("/", headers=headers).refusal()
    assert refusal.text == "Invalid WebSocket request"
    headers = {"Sec-WebSocket-Protocol": "a b"}
    assert "'a b' is not a list of tokens" in (
        live.websocket("/", headers=headers).refusal().text
    )


@pytest.mark.parametrize("version", [14, 13])
def test_no_request_follows_a_refusal(serve: Serve, version: int) -> None:
    """A proxy that did not look at the answer would pass them on unseen, whole frames
    for all that it knows. A client may ask again (section 4.4), with a connection."""
    seen: list[str] = []

    def application(environ: Any, start_response: Any) -> Any:
        seen.append(environ["PATH_INFO"])
        if version == 14:
            environ["wsgi.websocket"].accept()
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"no WebSocket"]

    live = serve(application=application)
    raw = live.raw()
    request = (
        "GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: {version}\r\n\r\n"
    )
    behind = b"GET /hidden HTTP/1.1\r\nHost: here\r\n\r\n" + b"x" * 1_000_000
    raw.send_raw(request.encode() + behind)
    reply = raw.receive_reply()
    assert reply.status == (404 if version == 13 else 426)
    assert "close" in reply.headers.get_all("Connection", [])
    raw.expect_end()
    assert "/hidden" not in seen


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        pytest.param("GET", {"Upgrade": None}, id="no upgrade"),
        pytest.param("GET", {"Upgrade": "h2c"}, id="another upgrade"),
        pytest.param("GET", {"Connection": "keep-alive"}, id="no connection upgrade"),
        pytest.param("POST", {}, id="4.2.1 not a GET"),
        pytest.param("HEAD", {}, id="4.2.1 a HEAD"),
    ],
)
def test_a_request_that_is_no_handshake_is_ordinary(
    serve: Serve, method: str, headers: dict[str, str | None]
) -> None:
    noted = Noted()
    live = serve(application=serving(noted))
    websocket = live.websocket("/", headers=headers, method=method)
    assert websocket.status == 200
    assert noted.ended is None


def test_http_1_0_cannot_be_upgraded(serve: Serve) -> None:
    """Section 4.2.1, item 1: HTTP/1.1 or higher."""
    raw = serve(application=serving(echo)).raw()
    raw.send_raw(
        b"GET / HTTP/1.0\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY.encode() + b"\r\n\r\n"
    )
    assert raw.receive_head()[0] == 400


HEAD = "GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        pytest.param(
            [f"Sec-WebSocket-Key: {KEY}"] * 2 + ["Sec-WebSocket-Version: 13"],
            400,
            id="11.3.1 two keys",
        ),
        pytest.param(
            [f"Sec-WebSocket-Key: {KEY}"] + ["Sec-WebSocket-Version: 13"] * 2,
            426,
            id="11.3.5 two versions",
        ),
        pytest.param(
            [
                f"Sec-WebSocket-Key: {KEY}",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Protocol: other",
                "Sec-WebSocket-Protocol: chat",
                "Sec-WebSocket-Extensions: other",
                "Sec-WebSocket-Extensions: permessage-deflate",
            ],
            101,
            id="11.3.2 and 11.3.4 lists on several lines",
        ),
    ],
)
def test_headers_may_or_may_not_come_twice(
    serve: Serve, lines: list[str], status: int
) -> None:
    options: dict[str, Any] = {"subprotocols": ["chat"], "compression": Deflate()}
    raw = serve(application=serving(echo, **options)).raw()
    raw.send_raw((HEAD + "\r\n".join([*lines, "", ""])).encode())
    found, headers = raw.receive_head()
    assert found == status
    if status == 101:
        assert headers["Sec-WebSocket-Protocol"] == "chat"
        assert headers["Sec-WebSocket-Extensions"] == "permessage-deflate"


def test_frames_may_come_with_the_handshake(serve: Serve) -> None:
    live = serve(application=serving(echo))
    frames = encode_frame(TEXT, b"early", MASK) + encode_frame(TEXT, b"half", MASK)[:5]
    websocket = live.websocket("/", early=frames)
    assert websocket.receive() == "early"
    websocket.send_raw(encode_frame(TEXT, b"half", MASK)[5:])
    assert websocket.receive() == "half"


# What is negotiated


@pytest.mark.parametrize(
    ("asked", "spoken", "chosen"),
    [
        ("chat, superchat", ["superchat", "chat"], "chat"),
        ("other, superchat", ["superchat", "chat"], "superchat"),
        ("other", ["chat"], None),
        (None, ["chat"], None),
        ("chat", [], None),
        ("Chat", ["chat"], None),
    ],
)
def test_a_subprotocol_is_the_clients_favourite(
    serve: Serve, asked: str | None, spoken: list[str], chosen: str | None
) -> None:
    """Section 4.2.2, item 5: one that the client named, or none."""

    def say(websocket: WebSocket) -> None:
        websocket.send(str(websocket.subprotocol))

    live = serve(application=serving(say, subprotocols=spoken))
    headers = {"Sec-WebSocket-Protocol": asked}
    websocket = live.websocket("/", headers=headers)
    assert websocket.headers["Sec-WebSocket-Protocol"] == chosen
    assert websocket.receive() == str(chosen)


@pytest.mark.parametrize(
    ("offer", "deflate", "answer"),
    [
        ("permessage-deflate", Deflate(), "permessage-deflate"),
        ("permessage-deflate", None, None),
        ("permessage-deflate; unknown", Deflate(), None),
        (None, Deflate(), None),
        (
            "x-unknown, permessage-deflate; client_max_window_bits",
            Deflate(client_max_window_bits=10, server_no_context_takeover=True),
            "permessage-deflate; server_no_context_takeover; client_max_window_bits=10",
        ),
    ],
)
def test_compression_is_agreed_on_where_both_have_it(
    serve: Serve, offer: str | None, deflate: Deflate | None, answer: str | None
) -> None:
    """RFC 7692, section 5."""
    live = serve(application=serving(echo, compression=deflate))
    headers = {"Sec-WebSocket-Extensions": offer}
    websocket = live.websocket("/", headers=headers)
    assert websocket.headers["Sec-WebSocket-Extensions"] == answer
    if answer is None:
        websocket.send("Hello")
        assert websocket.receive() == "Hello"
        return
    websocket.reader = FrameReader(masked=False, inflater=Inflater())
    websocket.send_frame(TEXT | COMPRESSED, bytes.fromhex("f248cdc9c90700"))
    assert websocket.receive() == "Hello"
    websocket.send("Hello" * 100)
    assert websocket.receive() == "Hello" * 100


def test_offers_that_cannot_be_read_are_refused_where_one_is_wanted(
    serve: Serve,
) -> None:
    """Section 9.1."""
    live = serve(application=serving(echo, compression=Deflate()))
    websocket = live.websocket("/", headers={"Sec-WebSocket-Extensions": "a; =b"})
    assert websocket.status == 400
    assert "is not a list of extensions" in websocket.refusal().text


@pytest.mark.parametrize(
    ("server", "method", "origin", "status"),
    [
        ([], None, "http://HOST", 101),
        ([], None, "http://other.example", 403),
        (["http://other.example"], None, "http://other.example", 101),
        (["http://other.example"], [], "http://other.example", 403),
        ([], ["http://other.example"], "http://other.example", 101),
        ([], ["*"], "http://any.example", 101),
        ([], ["http://other.example"], "http://HOST", 101),
    ],
)
def test_the_origin_decides(
    serve: Serve,
    server: list[str],
    method: list[str] | None,
    origin: str,
    status: int,
) -> None:
    """Section 10.2: the server's own pages, and those that are listed."""
    options: dict[str, Any] = {} if method is None else {"origins": method}
    live = serve(application=serving(echo, **options), allowed_origins=server)
    headers = {"Origin": origin.replace("HOST", f"127.0.0.1:{live.port}")}
    assert live.websocket("/", headers=headers).status == status


@pytest.mark.parametrize(
    "option", [{"max_connections": 2}, {"max_connections_per_address": 2}]
)
def test_plain_websockets_count_as_connections(
    serve: Serve, option: dict[str, int]
) -> None:
    live = serve({}, application=serving(echo), **option)
    first, second = live.websocket("/"), live.websocket("/")
    assert (first.status, second.status) == (101, 101)
    assert live.websocket("/").status == 503
    first.leave()
    while live.websocket("/").status == 503:
        pass
    assert live.server.hub.registry.is_full("127.0.0.1")
