"""Plain WebSockets."""

from __future__ import annotations

import pytest

from tgext.socketio.testing import ConnectRefused, NotReceived, SocketIOTest


def test_messages(io: SocketIOTest) -> None:
    live = io.websocket("/socketio/live")
    live.send("hello")
    live.send(b"\0")
    assert live.receive() == "hello"
    assert live.received() == ["hello", b"\0"]
    assert live.receive() == b"\0"


def test_a_message_that_does_not_come(io: SocketIOTest) -> None:
    live = io.websocket("/socketio/live")
    live.send("hello")
    live.receive()
    with pytest.raises(NotReceived) as raised:
        live.receive(timeout=0.01)
    assert str(raised.value) == (
        "/socketio/live: no message has come (in 0.01 s). Before: 'hello'."
    )


def test_subprotocols(io: SocketIOTest) -> None:
    live = io.websocket("/socketio/live?a=b", protocols=["other", "chat"])
    assert live.subprotocol == "chat"
    assert io.websocket("/socketio/live").subprotocol is None


def test_a_page_is_no_websocket(io: SocketIOTest) -> None:
    with pytest.raises(ConnectRefused) as refused:
        io.websocket("/tell?word=x")
    assert refused.value.status is not None


def test_closing(io: SocketIOTest) -> None:
    live = io.websocket("/socketio/live")
    live.close(4000, "bye")
    assert live.closed
    with pytest.raises(RuntimeError, match="has ended"):
        live.send("late")
    with pytest.raises(ValueError, match="1005"):
        live.close(1005)


def test_the_server_closes(io: SocketIOTest) -> None:
    live = io.websocket("/socketio/live")
    live.send("close")
    assert live.wait_closed() == 4001
    assert live.close_reason == "enough"
    with pytest.raises(NotReceived, match="it has ended: 4001 enough"):
        live.receive()


def test_one_that_does_not_end(io: SocketIOTest) -> None:
    with pytest.raises(NotReceived, match="has not ended"):
        io.websocket("/socketio/live").wait_closed(timeout=0.01)


def test_dropping(io: SocketIOTest) -> None:
    live = io.websocket("/socketio/live")
    live.drop()
    assert live.close_code == 1006
    assert not io.server.websockets
