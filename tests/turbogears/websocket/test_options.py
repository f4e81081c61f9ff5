"""The options of a plain WebSocket."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.conftest import Live, Serve
from tgext.socketio.websocket import websocket
from tgext.socketio.wire.websocket.deflate import Inflater
from tgext.socketio.wire.websocket.frames import PING, FrameReader

from .conftest import Root, connected, make_app


@pytest.mark.parametrize(
    ("asked", "chosen"), [("v1.chat, v2.chat", "v1.chat"), ("v3.chat", None)]
)
def test_subprotocols(live: Live, asked: str, chosen: str | None) -> None:
    client = connected(live, "/spoken", **{"Sec-WebSocket-Protocol": asked})
    assert client.headers["Sec-WebSocket-Protocol"] == chosen
    assert client.receive() == str(chosen)


def test_max_message_size(live: Live) -> None:
    client = connected(live, "/short")
    client.send("x" * 10)
    client.send("x" * 11)
    assert client.receive_close() == 1009


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://friend.example", 101), ("https://elsewhere.example", 403)],
)
def test_origins(live: Live, origin: str, status: int) -> None:
    assert live.websocket("/friends", headers={"Origin": origin}).status == status


@pytest.mark.parametrize(
    ("path", "origin", "user"),
    [
        ("/anyone", "http://HOST", "ada"),
        ("/anyone", None, "ada"),
        ("/anyone", "https://listed.example", "ada"),
        ("/anyone", "https://elsewhere.example", "nobody"),
        ("/anyone_again", "https://elsewhere.example", "nobody"),
        ("/lazily", "https://listed.example", "ada"),
    ],
)
def test_any_page_may_connect_but_not_with_its_users_cookies(
    serve: Serve, root: Root, path: str, origin: str | None, user: str
) -> None:
    """As with Socket.IO, ``*`` does not list a page."""
    live = serve(application=make_app(root), allowed_origins=["https://listed.example"])
    host = f"127.0.0.1:{live.port}"
    headers = {
        "Cookie": "user=ada",
        "Origin": origin and origin.replace("HOST", host),
    }
    client = live.websocket(path, headers=headers)
    assert client.status == 101
    assert client.receive() == user


def test_who_must_be_known_cannot_come_from_any_page(live: Live) -> None:
    headers = {"Cookie": "user=ada", "Origin": "https://elsewhere.example"}
    assert live.websocket("/known", headers=headers).status == 401
    headers["Origin"] = f"http://127.0.0.1:{live.port}"
    assert live.websocket("/known", headers=headers).receive() == "ada"


def test_ping_interval(live: Live, root: Root) -> None:
    assert connected(live, "/pinged").receive_frame() == (PING, b"")
    root.go_on.set()


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("/compressed", "permessage-deflate"),
        ("/compressed_so", "permessage-deflate; server_no_context_takeover"),
        ("/echo", None),
    ],
)
def test_compression(live: Live, target: str, answer: str | None) -> None:
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate"}
    client = live.websocket(target, headers=offer)
    assert client.headers["Sec-WebSocket-Extensions"] == answer
    if answer is not None:
        client.reader = FrameReader(masked=False, inflater=Inflater())
        client.send("Hello")
        assert client.receive() == "Hello" * 100


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"subprotocols": "chat"}, TypeError, "subprotocols: 'chat' is not a list"),
        ({"origins": "*"}, TypeError, r"origins: '\*' is not a list"),
        ({"origins": ["x.org"]}, ValueError, "^origins: 'x.org' has no scheme"),
        ({"max_message_size": 0}, ValueError, "max_message_size: 0 is not greater"),
        ({"max_message_size": "1"}, ValueError, "max_message_size: '1' is not a whole"),
        ({"max_message_size": 1.5}, ValueError, "max_message_size: 1.5 is not a whole"),
        ({"ping_interval": -1}, ValueError, "ping_interval: -1 is not greater"),
        (
            {"ping_interval": float("inf")},
            ValueError,
            "ping_interval: inf is more than",
        ),
        ({"ping_interval": True}, ValueError, "ping_interval: True is not a number"),
        ({"compression": "gzip"}, TypeError, "compression: 'gzip' is not a bool"),
    ],
)
def test_an_invalid_option_is_named(
    options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        websocket(**options)
