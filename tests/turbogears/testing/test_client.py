"""Clients: their way in, events, and how they come and go."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.testing import ConnectRefused, NotReceived, SocketIOTest


def test_the_main_namespace(app: Any, generation: str) -> None:
    with SocketIOTest(app, generation) as io:
        assert io.connect().emit("echo", "a", 1) == ("a", 1)


def test_the_answers_of_handlers(app: Any, generation: str) -> None:
    with SocketIOTest(app, generation) as io:
        ann = io.connect("/queue")
        assert ann.emit("echo", {"a": [1, None]}) == {"a": [1, None]}
        assert ann.emit("echo", 1, 2) == (1, 2)
        assert ann.emit("echo", None) is None


@pytest.mark.parametrize("data", ["hello", {"a": [1]}])
def test_messages_that_are_no_events(app: Any, generation: str, data: Any) -> None:
    with SocketIOTest(app, generation) as io:
        ann = io.connect("/queue")
        assert ann.send(data) == ["heard", data]
        assert ann.expect("message") == (data,)


@pytest.mark.parametrize("generation", ["4", "2"])
def test_bytes(app: Any, generation: str) -> None:
    with SocketIOTest(app, generation) as io:
        ann, bob = io.connect("/queue"), io.connect("/queue")
        assert ann.emit("claim", [b"\0\xff"]) == ([b"\0\xff"], None)
        assert bob.expect("claimed") == ([b"\0\xff"], None)


def test_who_is_refused_is_told_so(app: Any) -> None:
    with SocketIOTest(app) as io, pytest.raises(ConnectRefused) as refused:
        io.connect("/queue", extra_environ={"REMOTE_USER": "mallory"})
    assert str(refused.value) == "/queue was refused: not mallory"
    assert (refused.value.message, refused.value.data) == ("not mallory", None)
    assert refused.value.status is None


@pytest.mark.parametrize("namespace", ["/queue", "/nowhere"])
def test_clients_of_all_generations_are_refused(
    app: Any, generation: str, namespace: str
) -> None:
    with SocketIOTest(app, generation) as io:
        with pytest.raises(ConnectRefused):
            io.connect(namespace, extra_environ={"REMOTE_USER": "mallory"})
        assert io.server.sockets == {}


def test_what_is_sent_while_connecting_arrives(io: SocketIOTest) -> None:
    ann = io.connect("/queue", extra_environ={"REMOTE_USER": "ann"})
    assert ann.received() == [("welcome", "ann")]


def test_auth(io: SocketIOTest) -> None:
    assert io.connect("/queue", auth={"token": 1}).emit("auth") == {"token": 1}


@pytest.mark.parametrize("generation", ["2", "0.9"])
def test_older_clients_send_a_query(app: Any, generation: str) -> None:
    with SocketIOTest(app, generation) as io:
        query = io.connect("/queue", auth={"token": "a b"}).emit("query")
    assert query.endswith("token=a+b")


def test_ids(app: Any) -> None:
    with SocketIOTest(app) as io:
        assert io.connect("/queue").id != io.connect("/queue").id
    with SocketIOTest(app, "2") as io:
        assert io.connect("/queue").id is None


def test_a_server_that_asks(app: Any, generation: str) -> None:
    with SocketIOTest(app, generation) as io:
        ann = io.connect("/queue")
        ann.on("question", lambda number: number * 7)
        assert ann.emit("ask") == 42
        assert ann.received("question") == [(6,)]


def test_events_are_expected_once_and_in_order(io: SocketIOTest) -> None:
    ann, bob = io.connect("/queue"), io.connect("/queue")
    for number in (1, 2, 3):
        ann.emit("claim", number)
    assert [bob.expect("claimed")[0] for _ in range(3)] == [1, 2, 3]
    with pytest.raises(NotReceived):
        bob.expect("claimed", timeout=0)
    assert [number for number, _ in bob.received("claimed")] == [1, 2, 3]


def test_a_client_that_is_dropped(io: SocketIOTest) -> None:
    ann = io.connect("/queue")
    bob = io.connect("/queue", extra_environ={"REMOTE_USER": "bob"})
    bob.drop()
    assert ann.received("left") == [("bob", "transport close")]
    assert not bob.connected
    assert bob.disconnect_reason == "transport close"
    with pytest.raises(RuntimeError, match="is not connected: transport close"):
        bob.emit("echo")


def test_a_client_that_is_back_has_what_it_missed(io: SocketIOTest) -> None:
    ann, bob = io.connect("/queue"), io.connect("/queue")
    id_before = bob.id
    assert not bob.recovered
    bob.drop()
    ann.emit("claim", 7)
    bob.reconnect()
    assert bob.recovered
    assert bob.id == id_before
    assert bob.expect("claimed") == (7, None)


@pytest.mark.parametrize("generation", ["2", "0.9"])
def test_older_clients_that_are_back_are_new(app: Any, generation: str) -> None:
    with SocketIOTest(app, generation) as io:
        ann, bob = io.connect("/queue"), io.connect("/queue")
        bob.drop()
        ann.emit("claim", 7)
        bob.reconnect()
        assert not bob.recovered
        assert bob.received("claimed") == []
        assert bob.emit("count", 1) == 2


def test_who_is_refused_when_it_comes_back_is_not_connected(app: Any) -> None:
    with SocketIOTest(app, max_connections=1) as io:
        ann = io.connect("/queue")
        ann.drop()
        bob = io.connect("/queue")
        with pytest.raises(ConnectRefused, match="Too many connections"):
            ann.reconnect()
        assert (ann.connected, ann.disconnect_reason) == (False, "transport close")
        bob.disconnect()
        ann.reconnect()
        assert ann.connected


def test_who_is_connected_cannot_reconnect(io: SocketIOTest) -> None:
    with pytest.raises(RuntimeError, match="is connected: drop"):
        io.connect("/queue").reconnect()


def test_a_client_that_leaves(app: Any, generation: str) -> None:
    with SocketIOTest(app, generation) as io:
        ann, bob = io.connect("/queue"), io.connect("/queue")
        bob.disconnect()
        bob.disconnect()  # no effect
        assert ann.received("left") == [(None, "client namespace disconnect")]
        assert bob.disconnect_reason == "io client disconnect"
        bob.reconnect()
        assert bob.emit("count", 1) == 2


def test_a_client_that_the_server_removes(io: SocketIOTest) -> None:
    ann = io.connect("/queue")
    pending = ann.submit("bye")
    with pytest.raises(NotReceived, match="has ended: io server disconnect"):
        pending.result()
    assert ann.disconnect_reason == "io server disconnect"
    assert repr(ann) == "<client 1 in /queue: io server disconnect>"


def test_what_is_no_json_is_refused_here(io: SocketIOTest) -> None:
    with pytest.raises(TypeError):
        io.connect("/queue").emit("echo", object())
