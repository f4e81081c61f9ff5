"""Acks: of handlers that return, that fail, that refuse, and that wait."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.testing import EventError, NotReceived, SocketIOTest
from tgext.socketio.testing.loop import settle

from .shop import Queue


@pytest.mark.parametrize(
    ("event", "args", "name", "info"),
    [
        ("fail", (), "internal_error", "Internal server error"),
        ("count", ("x",), "invalid_method_args", {"number": "Invalid"}),
        ("nothing", (), "no_such_method", 'The method "on_nothing" was not found'),
    ],
)
def test_errors_of_events(
    app: Any, generation: str, event: str, args: tuple[Any, ...], name: str, info: Any
) -> None:
    with SocketIOTest(app, generation) as io:
        ann = io.connect("/queue")
        with pytest.raises(EventError) as raised:
            ann.emit(event, *args)
        assert (raised.value.name, raised.value.info) == (name, info)
        assert str(raised.value) == f"{name}: {info}"
        # It was told in an event, too, which nobody has to expect.
        assert ann.received("error") == [(name, info)]
        with pytest.raises(NotReceived):
            ann.expect("error", timeout=0)


@pytest.mark.parametrize(
    "value", [{"error": "x"}, {"error": {"name": "x"}}, {"error": None}, [{"error": 1}]]
)
def test_values_that_look_like_errors_are_values(io: SocketIOTest, value: Any) -> None:
    assert io.connect("/queue").emit("echo", value) == value


def test_none_after_an_error_of_an_earlier_event_is_none(app: Any) -> None:
    with SocketIOTest(app, "0.9") as io:
        ann = io.connect("/queue")
        with pytest.raises(EventError):
            ann.emit("fail")
        assert ann.emit("echo", None) is None


def test_handlers_that_wait_do_not_hang_the_test(io: SocketIOTest) -> None:
    Queue.go_on.clear()
    ann = io.connect("/queue", extra_environ={"REMOTE_USER": "ann"})
    bob = io.connect("/queue", extra_environ={"REMOTE_USER": "bob"})
    waits = ann.submit("wait")
    assert bob.emit("claim", 7) == (7, "bob")
    assert not waits.done
    with pytest.raises(NotReceived, match="'wait' has not been answered") as raised:
        waits.result(timeout=0.01)
    assert "claimed(7, 'bob')" in str(raised.value)
    Queue.go_on.set()
    assert waits.result() == "waited as ann"
    assert waits.done


def test_an_ack_that_the_end_of_the_connection_has_prevented(io: SocketIOTest) -> None:
    Queue.go_on.clear()
    ann = io.connect("/queue")
    waits = ann.submit("wait")
    ann.drop()
    Queue.go_on.set()
    with pytest.raises(NotReceived, match="the connection has ended: transport close"):
        waits.result()


def test_a_handler_that_waits_for_ever_does_not_hang_the_end(app: Any) -> None:
    Queue.go_on.clear()
    with SocketIOTest(app) as io:
        io.connect("/queue").submit("wait")
        settle()
    Queue.go_on.set()
    assert not io.server.sockets
    assert not io.server.hub.registry.endings
