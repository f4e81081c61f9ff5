"""The end of a connection: nothing new begins, and each namespace is notified."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent import GreenletExit
from gevent.event import Event

from tgext.socketio.engine.namespaces.acks import ConnectionLost
from tgext.socketio.wire.socketio.packet import Packet

from ..clients import DEADLINE, Client, WebSocketClient, kinds, wait_for
from ..conftest import Live, Serve
from ..sample_namespaces import fresh
from .members import Member, reset

websockets = pytest.mark.parametrize("kind", kinds("websocket"))

# Nothing begins


def leave(live: Live, client: Client) -> None:
    client.send(client.dialect.leave("/chat"))


#: The ways in which a namespace ends while one of its objects is kept.
ENDS: dict[str, Callable[[Live, Client], object]] = {
    "the client leaves the namespace": leave,
    "the client says that it goes": lambda live, client: client.close(),
    "it is disconnected": lambda live, client: live.socket(client).disconnect(),
    "it is killed": lambda live, client: live.socket(client).kill(),
    "the namespace is disconnected": lambda live, client: (
        live.socket(client).active_ns["/chat"].disconnect()
    ),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_nothing_begins_after_the_end(
    serve: Serve, kind: str, end: Callable[[Live, Client], object]
) -> None:
    namespace = fresh(Member)
    live = serve({"/chat": namespace, "/other": fresh(Member)})
    client, other = live.client(kind), live.client(kind)
    client.join("/other")
    client.join("/chat")
    other.join("/chat")
    kept, socket = namespace.made[0], live.socket(client)
    end(live, client)
    wait_for(lambda: namespace.left, "the namespace ends")
    wait_for(lambda: "/chat" not in socket.active_ns, "it is left")

    ran: list[str] = []
    job = kept.spawn(ran.append, "a job")
    assert job.dead
    job.join()
    job.kill()
    kept.join("lobby")
    kept.emit("question", callback=ran.append)
    kept.emit("question", callback=ran.append, timeout=0.01)
    kept.send("question", callback=ran.append)
    with pytest.raises(ConnectionLost):
        kept.call("question")
    kept.broadcast_event("shouted", 1)

    assert other.event("/chat") == ["shouted", 1]
    assert ran == []
    assert kept.jobs == []
    assert kept.session["rooms"] == set()
    assert socket.ack_callbacks == {}
    assert live.server.rooms.members("/chat", "lobby") == []
    assert live.server.rooms.members("/chat") == [live.socket(other)]
    assert len(namespace.left) == 1


def test_nothing_begins_after_the_end_of_a_connection(serve: Serve) -> None:
    live = serve({"/chat": fresh(Member)})
    client = live.client()
    client.join("/chat")
    socket = live.socket(client)
    socket.kill()
    ran: list[str] = []
    assert socket.spawn(ran.append, "a job").dead
    live.server.rooms.join("/chat", None, socket)
    socket.send_packet({"type": "event", "name": "x", "args": [], "endpoint": ""})
    assert socket.jobs == ran == live.server.rooms.members("/chat") == []


@websockets
def test_a_handler_whose_client_left_begins_nothing(serve: Serve, kind: str) -> None:
    class Late(Member):
        def on_go(self) -> None:
            self.hold()
            self.join("lobby")
            self.spawn(self.notes.append, "a job")
            self.emit("question", callback=self.notes.append)

    namespace = fresh(Late)
    live = serve({"/chat": namespace}, heartbeat_interval=0.1)
    client = live.client(kind)
    client.join("/chat")
    socket = live.socket(client)
    client.emit("/chat", "go")
    assert namespace.entered.wait(DEADLINE)
    reset(client)
    wait_for(lambda: namespace.left, "the end is noticed")
    namespace.go_on.set()
    wait_for(lambda: not live.server.hub.registry.endings, "the handler ends")
    assert socket.ack_callbacks == {}
    assert namespace.notes == []
    live.expect_nothing_left()


def test_one_that_has_come_back_is_in_no_room_by_what_it_left(
    serve: Serve, kind: str
) -> None:
    namespace = fresh(Member)
    live = serve({"/chat": namespace, "/other": fresh(Member)})
    client = live.client(kind)
    client.join("/other")
    client.join("/chat")
    leave(live, client)
    wait_for(lambda: namespace.left, "the client leaves")
    client.join("/chat")
    old, new = namespace.made
    new.join("hall")
    old.join("lobby")
    assert old.spawn(Event().wait).dead
    old.disconnect()
    rooms = live.server.rooms
    assert rooms.members("/chat", "lobby") == []
    assert rooms.members("/chat", "hall") == [live.socket(client)]
    assert client.call("/chat", "echo", 1, number=1) == [1]


def test_a_client_comes_back_while_it_is_told_that_it_left(
    serve: Serve, kind: str
) -> None:
    """What the old connection still does has no effect on the new one."""

    class Slow(Member):
        def recv_disconnect(self) -> None:
            self.left.append(self.disconnect_reason)
            if len(self.left) == 1:
                self.hold()
            self.disconnect(silent=True)

    namespace = fresh(Slow)
    live = serve({"/chat": namespace, "/other": fresh(Member)})
    client = live.client(kind)
    client.join("/other")
    client.join("/chat")
    kicking = gevent.spawn(namespace.made[0].disconnect)
    assert client.read() == {"type": "disconnect", "endpoint": "/chat"}
    assert namespace.entered.wait(DEADLINE)
    client.join("/chat")
    namespace.made[1].join("hall")
    namespace.go_on.set()
    kicking.get(timeout=DEADLINE)
    socket = live.socket(client)
    assert socket.active_ns["/chat"] is namespace.made[1]
    assert live.server.rooms.members("/chat", "hall") == [socket]
    assert client.call("/chat", "echo", 1, number=1) == [1]


def test_a_namespace_that_ends_lets_go_of_whoever_waits_for_an_ack(
    serve: Serve, kind: str
) -> None:
    """Though the connection lives on."""
    namespace, other = fresh(Member), fresh(Member)
    live = serve({"/chat": namespace, "/other": other})
    client = live.client(kind)
    client.join("/chat")
    client.join("/other")

    def ask() -> None:
        with pytest.raises(ConnectionLost):
            namespace.made[0].call("question")

    lost = gevent.spawn(ask)
    answered = gevent.spawn(other.made[0].call, "question")
    questions = {each["endpoint"]: each for each in (client.read(), client.read())}
    namespace.made[0].disconnect()
    lost.get(timeout=DEADLINE)
    client.ack("/other", questions["/other"]["id"], "fine")
    assert answered.get(timeout=DEADLINE) == "fine"
    assert live.socket(client).ack_callbacks == {}


# recv_disconnect


class Telling(Member):
    """Broadcasts when it ends; it does not get the broadcast itself."""

    def on_enter(self, room: str) -> None:
        self.join(room)

    def recv_disconnect(self) -> None:
        self.left.append(self.disconnect_reason)
        for name in sorted(self.session["rooms"]):
            self.emit_to_room(name.partition("_")[2], "left room")
        self.emit("to myself")
        self.join("lobby")
        self.broadcast_event_not_me("left")
        self.broadcast_event("left all")
        self.disconnect(silent=True)


@websockets
def test_no_data_follows_the_close_frame(serve: Serve, kind: str) -> None:
    namespace = fresh(Telling)
    live = serve({"/chat": namespace})
    client, other = live.client(kind), live.client(kind)
    for each in (client, other):
        each.join("/chat")
        each.emit("/chat", "enter", "lobby")
    assert other.call("/chat", "echo", 1, number=1) == [1]
    assert client.call("/chat", "echo", 1, number=1) == [1]
    assert isinstance(client, WebSocketClient)
    client.websocket.leave()
    for event in ("left room", "left", "left all"):
        assert other.event("/chat") == [event]


def test_what_is_told_of_a_client_that_left_reaches_other_processes(
    serve: Serve, kind: str
) -> None:
    class Wire:
        def publish(self, packet: Packet, room: Any) -> None:
            told.append((packet["name"], room))

        def listen(self, endpoint: str, room: Any) -> None: ...

        def unlisten(self, endpoint: str, room: Any) -> None: ...

        def wait(self, endpoint: str, rooms: Any) -> None: ...

        def close(self) -> None: ...

    told: list[Any] = []
    live = serve({"/chat": fresh(Telling)})
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "enter", "lobby")
    assert client.call("/chat", "echo", 1, number=1) == [1]
    live.server.rooms.bus = Wire()
    client.close()
    wait_for(lambda: not live.server.sockets, "the client leaves")
    assert told == [("left room", "lobby"), ("left", None), ("left all", None)]


@pytest.mark.parametrize("kind", kinds("polling"))
def test_a_polling_client_that_left_is_told_nothing(serve: Serve, kind: str) -> None:
    namespace = fresh(Telling)
    live = serve({"/chat": namespace})
    client, other = live.client(kind), live.client(kind)
    for each in (client, other):
        each.join("/chat")
        each.emit("/chat", "enter", "lobby")
        assert each.call("/chat", "echo", 1, number=1) == [1]
    transport: Any = live.socket(client).transport
    client.close()
    for event in ("left room", "left", "left all"):
        assert other.event("/chat") == [event]
    assert len(transport.outbox) == 0


def test_a_recv_disconnect_that_never_returns_is_ended(
    serve: Serve, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Stuck(Member):
        def recv_disconnect(self) -> None:
            self.left.append(self.disconnect_reason)
            try:
                Event().wait()
            except GreenletExit:
                self.left.append("interrupted")
                raise

    namespace, other = fresh(Stuck), fresh(Member)
    live = serve({"/chat": namespace, "/other": other}, shutdown_timeout=0.1)
    client = live.client(kind)
    client.join("/chat")
    client.join("/other")
    with caplog.at_level(logging.WARNING):
        live.socket(client).disconnect()
    assert live.server.sockets == {}
    assert namespace.left == ["server namespace disconnect", "interrupted"]
    assert other.left == ["server namespace disconnect"]
    assert [each.getMessage()[:42] for each in caplog.records] == [
        "recv_disconnect of /chat was interrupted: "
    ]
    live.expect_nothing_left()


def test_a_job_that_disconnects_its_own_client_ends_all_of_it(
    serve: Serve, kind: str
) -> None:
    """Although it is one of the jobs that are ended."""

    class Waiting(Member):
        def on_go(self) -> None:
            self.spawn(self.socket.disconnect)

        def recv_disconnect(self) -> None:
            gevent.sleep(0.01)
            super().recv_disconnect()

    namespaces = fresh(Waiting), fresh(Waiting)
    live = serve({"/chat": namespaces[0], "/other": namespaces[1]})
    client = live.client(kind)
    client.join("/chat")
    client.join("/other")
    client.emit("/chat", "go")
    wait_for(lambda: not live.server.sockets, "the connection ends")
    assert [each.left for each in namespaces] == [["server namespace disconnect"]] * 2
