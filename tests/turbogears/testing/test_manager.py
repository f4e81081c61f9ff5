"""Several namespaces over one connection, as in a page that calls ``io()`` twice."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.testing import ConnectRefused, SocketIOTest
from tgext.socketio.testing.client import Client


@pytest.fixture
def ann(io: SocketIOTest) -> Client:
    return io.connect("/queue")


def test_they_share_a_connection(app: Any, generation: str) -> None:
    with SocketIOTest(app, generation) as io:
        queue = io.connect("/queue")
        main, here = queue.of("/"), queue.of("here")
        assert len(io.server.sockets) == 1
        assert queue.emit("echo", 1) == 1
        assert main.emit("echo", 2) == 2
        assert here.expect("presence_state")
        assert queue.received("presence_state") == []
        assert repr(here) == "<client 1 in /here: connected>"


def test_it_may_begin_in_the_main_namespace(app: Any, generation: str) -> None:
    with SocketIOTest(app, generation) as io:
        main = io.connect()
        queue = main.of("/queue")
        assert (main.emit("echo", 1), queue.emit("echo", 2)) == (1, 2)
        assert len(io.server.sockets) == 1


def test_one_namespace_is_left(io: SocketIOTest, ann: Client) -> None:
    here, other = ann.of("/here"), io.connect("/queue")
    ann.disconnect()
    assert ann.disconnect_reason == "io client disconnect"
    assert other.received("left") == [(None, "client namespace disconnect")]
    assert here.connected
    assert len(io.server.sockets) == 2
    ann.reconnect()
    assert ann.emit("echo", 1) == 1
    assert len(io.server.sockets) == 2
    ann.disconnect()
    here.disconnect()
    assert len(io.server.sockets) == 1


def test_the_server_ends_one(io: SocketIOTest, ann: Client) -> None:
    main = ann.of("/")
    ann.submit("bye")
    assert ann.received("bye") == []
    assert ann.disconnect_reason == "io server disconnect"
    assert main.emit("echo", 1) == 1


def test_who_is_refused_in_one_is_in_the_others(app: Any) -> None:
    mallory = {"REMOTE_USER": "mallory"}
    with SocketIOTest(app) as io:
        main = io.connect(extra_environ=mallory)
        with pytest.raises(ConnectRefused, match="not mallory"):
            main.of("/queue")
        assert main.emit("echo", 1) == 1
        with pytest.raises(ConnectRefused, match="not mallory"):
            main.of("/queue")


def test_all_are_lost_and_come_back(io: SocketIOTest, ann: Client) -> None:
    main = ann.of("/")
    main.drop()
    assert ann.disconnect_reason == main.disconnect_reason == "transport close"
    ann.reconnect()
    assert ann.recovered
    assert not main.connected
    main.reconnect()
    assert len(io.server.sockets) == 1
    assert (ann.emit("echo", 1), main.emit("echo", 2)) == (1, 2)


def test_a_connection_is_in_a_namespace_once(ann: Client) -> None:
    with pytest.raises(ValueError, match="in /queue already"):
        ann.of("/queue")
    assert ann.emit("echo", 1) == 1
