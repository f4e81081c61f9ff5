"""After the end of a connection, or of a namespace, nothing begins; what runs ends."""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable
from socket import SHUT_WR, SO_LINGER, SOL_SOCKET
from typing import Any

import gevent
import pytest
from gevent import GreenletExit
from gevent.event import Event

from tgext.socketio.engine.mixins import BroadcastMixin, RoomsMixin
from tgext.socketio.engine.namespace import BaseNamespace
from tgext.socketio.engine.namespaces.acks import ConnectionLost
from tgext.socketio.engine.websocket.group import Group
from tgext.socketio.engine.websocket.wsgi import WebSocket
from tgext.socketio.wire.socketio.packet import Packet

from ..clients import DEADLINE, Client, WebSocketClient, kinds, wait_for
from ..conftest import Live, Serve
from ..plain import serving
from ..sample_namespaces import Holding, fresh

websockets = pytest.mark.parametrize("kind", kinds("websocket"))


class Member(RoomsMixin, BroadcastMixin, Holding):
    """A namespace whose objects a test gets hold of.

    :cvar made: the objects, by order of connecting.
    """

    made: list[Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.made = []

    def recv_connect(self) -> None:
        self.made.append(self)


def reset(client: Client) -> None:
    """End the client's connection as a process that crashes does."""
    assert isinstance(client, WebSocketClient)
    raw = client.websocket.sock
    raw.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


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
    wait_for(lambda: not live.server.endings, "the handler ends")
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
    """What the old one still does is not the new one's."""

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
    """Tells the others, and in vain itself."""

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
    """Although it is one of those that end."""

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


# An overridden disconnect, as gevent-socketio's documentation has it


class Listed(BaseNamespace):
    """Keeps a list of who is here in its class."""

    users: list[Any]
    cleaned: list[str]

    def recv_connect(self) -> None:
        self.users.append(self)

    def disconnect(self, *args: Any, **kwargs: Any) -> None:
        self.cleaned.append(self.ns_name)
        self.users.remove(self)
        super().disconnect(*args, **kwargs)

    def on_bye(self) -> None:
        self.disconnect()


class ListedAndTold(Listed):
    def recv_disconnect(self) -> None:
        self.disconnect(silent=True)


class ListedUntold(Listed):
    def recv_disconnect(self) -> None: ...


class ListedAlone(Listed):
    """Does not call ours."""

    def disconnect(self, *args: Any, **kwargs: Any) -> None:
        self.cleaned.append(self.ns_name)
        self.users.remove(self)


def bye(live: Live, client: Client) -> None:
    client.emit("/chat", "bye")


def vanish(live: Live, client: Client) -> None:
    gone(client, "closed")


@pytest.mark.parametrize("cls", [Listed, ListedAndTold, ListedUntold])
@pytest.mark.parametrize(
    "end",
    [*ENDS.values(), bye, vanish],
    ids=[*ENDS, "a handler disconnects", "it vanishes"],
)
def test_a_disconnect_that_is_overridden_runs_once(
    serve: Serve,
    kind: str,
    cls: type[Listed],
    end: Callable[[Live, Client], object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    namespace = fresh(cls, users=[], cleaned=[])
    options = {"heartbeat_interval": 0.2, "heartbeat_timeout": 0.2}
    live = serve({"/chat": namespace, "/other": fresh(Member)}, **options)
    client = live.client(kind)
    client.join("/other")
    client.join("/chat")
    socket = live.socket(client)
    (kept,) = namespace.users
    with caplog.at_level(logging.WARNING):
        end(live, client)
        wait_for(lambda: "/chat" not in socket.active_ns, "it is left")
        kept.disconnect()
    assert namespace.cleaned == ["/chat"]
    assert namespace.users == []
    assert caplog.records == []


def test_a_disconnect_that_does_not_call_ours_leaves_all_the_same(
    serve: Serve, kind: str
) -> None:
    namespace = fresh(ListedAlone, users=[], cleaned=[])
    live = serve({"/chat": namespace, "/other": fresh(Member)})
    client = live.client(kind)
    client.join("/other")
    client.join("/chat")
    socket = live.socket(client)
    leave(live, client)
    wait_for(lambda: "/chat" not in socket.active_ns, "it is left")
    client.join("/chat")
    client.close()
    wait_for(lambda: not live.server.sockets, "the client leaves")
    assert namespace.cleaned == ["/chat"] * 2


def test_a_disconnect_cleans_up_after_who_left_while_connecting(
    serve: Serve, kind: str
) -> None:
    class Slow(ListedUntold):
        def recv_connect(self) -> None:
            super().recv_connect()
            assert go_on.wait(DEADLINE)

    go_on = Event()
    namespace = fresh(Slow, users=[], cleaned=[])
    live = serve({"/chat": namespace})
    client = live.client(kind)
    client.send(client.dialect.connect("/chat"))
    wait_for(lambda: namespace.users, "the namespace connects")
    live.socket(client).kill()
    go_on.set()
    wait_for(lambda: namespace.cleaned, "it is left")
    assert namespace.users == []


# What runs ends


class Endless(Member):
    """Handlers that do not return by themselves."""

    def on_wait(self) -> None:
        self.notes.append("begun")
        try:
            Event().wait()
        finally:
            self.notes.append("ended")

    def on_careless(self) -> None:
        self.notes.append("begun")
        while not self.go_on.is_set():
            try:
                self.go_on.wait()
            except BaseException:
                self.notes.append("caught")


def gone(client: Client, how: str) -> None:
    """Have a client's connections end, one way or another."""
    if how == "reset" and isinstance(client, WebSocketClient):
        reset(client)
    elif isinstance(client, WebSocketClient):
        client.websocket.close()
    else:
        client.gets.close()  # type: ignore[attr-defined]
        client.posts.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("how", ["reset", "closed", "kicked", "killed by another"])
def test_a_handler_whose_client_has_gone_is_interrupted(
    serve: Serve, kind: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    namespace = fresh(Endless)
    options = {"heartbeat_interval": 0.2, "heartbeat_timeout": 0.2}
    live = serve({"/chat": namespace}, shutdown_timeout=0.1, **options)
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "wait")
    wait_for(lambda: namespace.notes, "the handler runs")
    socket = live.socket(client)
    with caplog.at_level(logging.WARNING):
        if how == "kicked":
            socket.disconnect()
        elif how == "killed by another":
            socket.kill()
        else:
            gone(client, how)
        wait_for(lambda: namespace.left, "the namespace is told")
        wait_for(lambda: len(namespace.notes) == 2, "the handler ends")
    assert len(namespace.left) == 1
    assert live.server.interrupted == 1
    wait_for(lambda: not live.server.endings, "nothing runs")
    wait_for(lambda: not live.server._requests, "the connection is given back")
    texts = [each.getMessage() for each in caplog.records]
    assert [each.partition(":")[0] for each in texts] == [
        "Event wait of namespace /chat was interrupted"
    ]
    assert "shutdown_timeout, 0.1 s" in texts[0]


def test_a_handler_that_ends_in_time_is_not_interrupted(serve: Serve) -> None:
    namespace = fresh(Member)
    live = serve({"/chat": namespace}, heartbeat_interval=0.1)
    client = live.client()
    client.join("/chat")
    client.emit("/chat", "hold")
    assert namespace.entered.wait(DEADLINE)
    reset(client)
    wait_for(lambda: namespace.left, "the namespace is told")
    assert len(live.server.endings) == 1
    namespace.go_on.set()
    live.expect_nothing_left()
    assert live.server.interrupted == 0
    assert not live.server.endings


def test_a_handler_that_cannot_be_ended_is_reported_once(
    serve: Serve, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    namespace = fresh(Endless)
    live = serve({"/chat": namespace}, shutdown_timeout=0.1)
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "careless")
    wait_for(lambda: namespace.notes, "the handler runs")
    with caplog.at_level(logging.ERROR):
        live.socket(client).kill()
        wait_for(lambda: not live.server.endings, "it is given up")
    assert namespace.notes == ["begun", "caught"]
    assert live.server.sockets == {}
    assert ["cannot be ended" in each.getMessage() for each in caplog.records] == [True]
    namespace.go_on.set()
    wait_for(lambda: not live.server._requests, "the connection is given back")


@pytest.mark.parametrize("kind", kinds("websocket"))
def test_a_silent_client_is_noticed_while_a_handler_runs(
    serve: Serve, kind: str
) -> None:
    """Its connection is open, and nobody is behind it."""
    namespace = fresh(Endless)
    options = {"heartbeat_interval": 0.1, "heartbeat_timeout": 0.2}
    live = serve({"/chat": namespace}, shutdown_timeout=0.1, **options)
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "wait")
    wait_for(lambda: namespace.left, "the namespace is told")
    assert namespace.left == ["ping timeout"]
    wait_for(lambda: len(namespace.notes) == 2, "the handler ends")
    assert live.server.interrupted == 1


@pytest.mark.parametrize("kind", kinds("websocket"))
@pytest.mark.parametrize("end", [reset, lambda client: client.websocket.close()])
def test_the_end_behind_more_than_is_kept_is_noticed(
    serve: Serve, kind: str, end: Callable[[Client], None]
) -> None:
    namespace = fresh(Endless)
    live = serve(
        {"/chat": namespace},
        shutdown_timeout=0.1,
        heartbeat_interval=0.1,
        max_message_size=500,
    )
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "wait")
    wait_for(lambda: namespace.notes, "the handler runs")
    note = client.dialect.event("/chat", "note", ("x" * 400,), None)
    client.send(*[note] * 50)
    end(client)
    wait_for(lambda: namespace.left, "the namespace is told")
    wait_for(lambda: len(namespace.notes) == 2, "the handler ends")
    live.expect_nothing_left()


def test_a_server_that_stops_interrupts_handlers(serve: Serve, kind: str) -> None:
    namespace = fresh(Endless)
    live = serve({"/chat": namespace}, shutdown_timeout=0.1)
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "wait")
    wait_for(lambda: namespace.notes, "the handler runs")
    live.server.stop()
    wait_for(lambda: len(namespace.notes) == 2, "the handler ends")
    assert namespace.left == ["server shutting down"]
    wait_for(lambda: not live.server.endings, "nothing runs")


def test_a_handler_of_polling_is_interrupted_after_the_upgrade(serve: Serve) -> None:
    """What came by polling is handled before what comes by the WebSocket."""
    namespace = fresh(Endless)
    live = serve({"/chat": namespace}, shutdown_timeout=0.1)
    client = live.polling_5()
    client.join("/chat")
    client.emit("/chat", "wait")
    wait_for(lambda: namespace.notes, "the handler runs")
    target = f"/socket.io/?EIO=4&transport=websocket&sid={client.sid}"
    websocket = live.websocket(target)
    websocket.send("2probe")
    assert websocket.receive() == "3probe"
    websocket.send("5")
    transport = live.socket(client)
    wait_for(lambda: transport.transport.name == "websocket", "it is upgraded")  # type: ignore[union-attr]
    websocket.close()
    wait_for(lambda: namespace.left, "the namespace is told")
    wait_for(lambda: len(namespace.notes) == 2, "the handler ends")
    client.gets.close()
    client.posts.close()


def test_a_base_namespace_ends_as_any(serve: Serve) -> None:
    class Plain(BaseNamespace):
        def on_go(self) -> None:
            self.socket.disconnect()
            assert self.spawn(Event().wait).dead

    live = serve({"/chat": Plain})
    client = live.client()
    client.join("/chat")
    client.emit("/chat", "go")
    wait_for(lambda: not live.server.sockets, "the connection ends")


# Plain WebSockets


def test_an_application_that_does_not_notice_the_end_is_interrupted(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    def wait(websocket: WebSocket) -> None:
        group.add(websocket)
        notes.append("begun")
        try:
            Event().wait()
        finally:
            group.add(websocket)
            notes.append("ended")

    notes: list[str] = []
    group = Group()
    live = serve(application=serving(wait), shutdown_timeout=0.1)
    client = live.websocket("/")
    wait_for(lambda: notes, "the application runs")
    assert len(group) == 1
    with caplog.at_level(logging.WARNING):
        client.close()
        wait_for(lambda: len(notes) == 2, "the application ends")
    assert len(group) == 0
    assert live.server.interrupted == 1
    wait_for(lambda: not live.server._requests, "the connection is given back")
    texts = [each.getMessage() for each in caplog.records]
    assert [each.partition(":")[0] for each in texts] == [
        "The application of a WebSocket was interrupted"
    ]


@pytest.mark.parametrize("how", ["another receives", "another closes"])
def test_an_application_is_interrupted_though_another_greenlet_knows_of_the_end(
    serve: Serve, how: str
) -> None:
    def wait(websocket: WebSocket) -> None:
        websockets.append(websocket)
        reader = gevent.spawn(list, websocket)
        try:
            Event().wait()
        finally:
            gevent.sleep(0.01)  # it cleans up, and is not interrupted again
            reader.join()
            notes.append("ended")

    websockets: list[WebSocket] = []
    notes: list[str] = []
    live = serve(application=serving(wait), shutdown_timeout=0.1)
    client = live.websocket("/")
    wait_for(lambda: websockets, "the application runs")
    if how == "another closes":
        websockets[0].close(4000, "kicked")
        assert client.receive_close() == 4000
    client.close()
    wait_for(lambda: notes, "the application ends")
    assert live.server.interrupted == 1
    wait_for(lambda: not live.server._requests, "the connection is given back")


def test_who_was_busy_when_another_closed_is_told_as_none(serve: Serve) -> None:
    """Then the rest of the method is run, whatever ended the connection."""

    def take(websocket: WebSocket) -> None:
        websockets.append(websocket)
        received.append(websocket.receive())
        assert go_on.wait(DEADLINE)
        received.append(websocket.receive())

    websockets: list[WebSocket] = []
    received: list[Any] = []
    go_on = Event()
    live = serve(application=serving(take))
    client = live.websocket("/")
    client.send("hello")
    wait_for(lambda: received, "the application is busy")
    websockets[0].close(4000, "kicked")
    assert client.receive_close() == 4000
    go_on.set()
    wait_for(lambda: len(received) == 2, "it is told")
    assert received == ["hello", None]


def test_an_application_that_was_told_of_the_end_may_take_its_time(
    serve: Serve,
) -> None:
    def store(websocket: WebSocket) -> None:
        assert websocket.receive() is None
        told.set()
        assert go_on.wait(DEADLINE)
        notes.append("stored")

    notes: list[str] = []
    told, go_on = Event(), Event()
    live = serve(application=serving(store), shutdown_timeout=0.05)
    live.websocket("/").close()
    assert told.wait(DEADLINE)
    gevent.sleep(0.2)
    go_on.set()
    wait_for(lambda: notes, "the application ends")
    assert live.server.interrupted == 0


def test_what_came_before_the_end_is_received_and_answered(serve: Serve) -> None:
    """The peer may have closed its own half alone."""

    def answer(websocket: WebSocket) -> None:
        for message in websocket:
            gevent.sleep(0.02)
            websocket.send(message)

    live = serve(application=serving(answer))
    client = live.websocket("/")
    for each in "abc":
        client.send(each)
    client.sock.shutdown(SHUT_WR)
    assert [client.receive() for _ in range(3)] == list("abc")
