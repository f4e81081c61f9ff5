"""The opening handshake of a plain WebSocket (RFC 6455, section 4.2)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from geventwebsocket.exceptions import WebSocketError

from tgext.socketio.engine.http.upgrade import HandshakeRefused
from tgext.socketio.engine.hub.hub import Hub
from tgext.socketio.engine.hub.settings import Settings
from tgext.socketio.engine.websocket.opening import Mistrusted, Opening, Terms
from tgext.socketio.wire.websocket.deflate import Deflate

ENVIRON = {
    "REQUEST_METHOD": "GET",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "192.0.2.1",
    "wsgi.url_scheme": "http",
    "PATH_INFO": "/",
    "HTTP_HOST": "here.example",
    "HTTP_UPGRADE": "websocket",
    "HTTP_CONNECTION": "Upgrade",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
    "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
}


class Request:
    """The handler of a request, which records the answer."""

    def __init__(self, settings: Settings, error: Exception | None = None) -> None:
        self.server: Any = SimpleNamespace(hub=Hub(settings))
        self.close_connection = False
        self.error = error
        self.answers: list[Any] = []

    def switch_protocols(self, key: str, headers: Any) -> tuple[str, bytes]:
        if self.error is not None:
            raise self.error
        self.answers.append((key, headers))
        return "the socket", b"early"


def opening(
    environ: dict[str, str], request: Any = None, **terms: Any
) -> tuple[Opening, Any]:
    request = request or Request(Settings())
    accepts: dict[str, Any] = {
        "subprotocols": (),
        "origins": None,
        "max_message_size": None,
        "ping_interval": None,
        "compression": None,
        **terms,
    }
    return Opening({**ENVIRON, **environ}, request, Terms(**accepts)), request


def test_what_is_agreed_on_is_in_the_answer() -> None:
    asked = {
        "HTTP_SEC_WEBSOCKET_PROTOCOL": "other, chat",
        "HTTP_SEC_WEBSOCKET_EXTENSIONS": "permessage-deflate",
    }
    made, request = opening(asked, subprotocols=("chat",), compression=Deflate())
    assert made.subprotocol == "chat"
    assert made.answer() == ("the socket", b"early")
    [(key, headers)] = request.answers
    assert key == ENVIRON["HTTP_SEC_WEBSOCKET_KEY"]
    assert dict(headers)["Sec-WebSocket-Protocol"] == "chat"
    extension = dict(headers)["Sec-WebSocket-Extensions"]
    assert extension.startswith("permessage-deflate")


def test_what_is_not_wanted_is_left_out() -> None:
    asked = {
        "HTTP_SEC_WEBSOCKET_PROTOCOL": "other",
        "HTTP_SEC_WEBSOCKET_EXTENSIONS": "permessage-deflate",
    }
    made, request = opening(asked, subprotocols=("chat",))
    made.answer()
    assert made.subprotocol is None
    assert request.answers == [(ENVIRON["HTTP_SEC_WEBSOCKET_KEY"], [])]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP_UPGRADE", "h2c"),
        ("HTTP_SEC_WEBSOCKET_VERSION", "8"),
        ("HTTP_SEC_WEBSOCKET_KEY", "short"),
        ("REQUEST_METHOD", "POST"),
        ("HTTP_ORIGIN", "http://there.example"),
    ],
)
def test_invalid_handshakes_and_other_origins_are_refused(
    name: str, value: str
) -> None:
    with pytest.raises(HandshakeRefused) as refused:
        opening({name: value})
    assert not isinstance(refused.value, Mistrusted)


@pytest.mark.parametrize("credentials", [{}, {"HTTP_COOKIE": "session=1"}])
def test_any_page_may_connect_without_cookies(credentials: dict[str, str]) -> None:
    environ = {"HTTP_ORIGIN": "http://there.example", **credentials}
    if credentials:
        with pytest.raises(Mistrusted):
            opening(environ, origins=["*"])
    else:
        opening(environ, origins=["*"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_message_size", 0),
        ("max_message_size", "1"),
        ("ping_interval", float("inf")),
        ("ping_interval", 0.0001),
    ],
)
def test_options_out_of_their_bounds_are_too(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name}: "):
        opening({}, **{name: value})


def test_origins_that_cannot_be_are_a_mistake_of_the_application() -> None:
    with pytest.raises(ValueError, match="origins"):
        opening({}, origins=["no origin"])


def test_there_are_places_for_so_many() -> None:
    request = Request(Settings(max_connections=1))
    made, _ = opening({}, request)
    place = made.reserve()
    with pytest.raises(HandshakeRefused) as refused:
        opening({}, request)[0].reserve()
    assert refused.value.why is not None
    assert "max_connections" in refused.value.why
    place.release()
    made.reserve()


def test_a_client_that_has_gone_is_told_as_a_dead_socket() -> None:
    made, request = opening({}, Request(Settings(), BrokenPipeError()))
    with pytest.raises(WebSocketError):
        made.answer()
    assert request.close_connection


def test_a_handshake_with_a_body_is_refused_by_the_connection() -> None:
    error = HandshakeRefused("400 Bad Request", "a body")
    made, request = opening({}, Request(Settings(), error))
    with pytest.raises(HandshakeRefused):
        made.answer()
    assert not request.close_connection
