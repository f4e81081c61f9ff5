"""What an application gives a session, in one call or by gevent-socketio's names."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from tgext.socketio.engine.virtsocket import Socket, default_error_handler

from ..sample_namespaces import Echo

ENVIRON = {"PATH_INFO": "/socket.io/"}
NAMESPACES = {"": Echo}


def handler(*args: Any) -> None:
    """Tells nobody."""


@pytest.fixture
def socket() -> Socket:
    return Socket(SimpleNamespace(sockets={}), {})


def given(socket: Socket) -> list[Any]:
    return [socket.environ, socket.namespaces, socket.request, socket.error_handler]


def test_it_is_given_in_one_call(socket: Socket) -> None:
    assert given(socket) == [None, None, None, default_error_handler]
    socket.accept(ENVIRON, NAMESPACES, "request")
    assert given(socket) == [ENVIRON, NAMESPACES, "request", default_error_handler]
    socket.accept(ENVIRON, NAMESPACES, None, handler, json.loads, json.dumps)
    assert given(socket) == [ENVIRON, NAMESPACES, None, handler]


def test_or_by_gevent_socketios_names(socket: Socket) -> None:
    for name, value in {
        "_set_environ": ENVIRON,
        "_set_namespaces": NAMESPACES,
        "_set_request": "request",
        "_set_error_handler": handler,
        "_set_json_loads": lambda text: [text],
        "_set_json_dumps": lambda value: f"<{value}>",
    }.items():
        getattr(socket, name)(value)
    assert given(socket) == [ENVIRON, NAMESPACES, "request", handler]
    assert socket.json_loads("a") == ["a"]
    assert socket.json_dumps("a") == "<a>"


def test_a_json_writer_is_checked(socket: Socket) -> None:
    with pytest.raises(TypeError, match="json_dumps returned bytes"):
        socket.accept(ENVIRON, NAMESPACES, None, json_dumps=lambda value: b"")  # type: ignore[arg-type, return-value]
    assert socket.namespaces is None


def test_an_error_handler_may_come_with_the_session() -> None:
    assert Socket(SimpleNamespace(), {}, handler).error_handler is handler
