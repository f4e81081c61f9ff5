"""Sessions: their namespaces, their end, and how they are shown in logs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent.event import Event

from tgext.socketio.engine.hub import registry as connections
from tgext.socketio.engine.mixins import RoomsMixin
from tgext.socketio.engine.namespaces.base import BaseNamespace, ConnectionRefused
from tgext.socketio.engine.virtsocket import Socket

from ..clients import DEADLINE, KINDS, Client, WebSocketClient, wait_for
from ..conftest import Live, Serve
from ..sample_namespaces import Echo, Witness, fresh


def test_nothing_is_left_of_a_refused_connect(serve: Serve) -> None:
    jobs: list[gevent.Greenlet[..., Any]] = []

    class Refusing(RoomsMixin, BaseNamespace):
        def initialize(self) -> None:
            jobs.append(self.spawn(gevent.sleep, DEADLINE))
            self.join("lobby")
            raise ConnectionRefused("No")

    live = serve({"/chat": Refusing})
    client = live.client()
    client.send("40/chat,")
    assert client.receive() == '44/chat,{"message":"No"}'
    assert live.server.rooms.members("/chat", "lobby") == []
    wait_for(lambda: jobs[0].dead, "the job ends")


def test_a_connection_that_ends_while_it_joins_is_left_again(serve: Serve) -> None:
    entered, go_on, done = Event(), Event(), Event()
    calls: list[str] = []

    class Slow(BaseNamespace):
        def initialize(self) -> None:
            entered.set()
            go_on.wait()
            gevent.spawn(done.set)

        def recv_connect(self) -> None:
            calls.append("connect")

        def recv_disconnect(self) -> None:
            calls.append("disconnect")

    live = serve({"/chat": Slow})
    client = live.client("4-polling")
    client.send("40/chat,")
    assert entered.wait(DEADLINE)
    live.socket(client).kill()
    go_on.set()
    assert done.wait(DEADLINE)
    assert calls in ([], ["connect", "disconnect"])
    assert live.server.rooms.members("/chat") == []


# Namespaces of a connection


def test_the_main_namespace_can_be_mounted(serve: Serve, kind: str) -> None:
    class Main(Echo):
        def recv_connect(self) -> None:
            self.emit("welcome", self.ns_name)

    live = serve({"": Main})
    client = live.client(kind, **({} if kind.startswith("4") else {"main": False}))
    if kind.startswith("4"):
        client.send("40")
    packet = client.read()
    assert (packet["type"], packet["endpoint"]) == ("connect", "")
    assert client.event("") == ["welcome", ""]
    assert client.call("", "echo", 1, number=2) == [1]
    assert str(live.socket(client)).endswith("in />")


def test_the_main_namespace_is_there_when_it_is_not_mounted(
    serve: Serve, kind: str
) -> None:
    client = serve({"/chat": Echo}).client(kind)
    if kind.startswith("4"):
        client.join("")
    client.emit("", "echo", 1)
    name, error, _ = client.event("")
    assert (name, error) == ("error", "no_such_namespace")
    client.join("/chat")
    assert client.call("/chat", "echo", 1) == [1]


@pytest.mark.cites(
    "Socket.IO 5, Connection to a namespace 4", "Socket.IO 1, Encoding 3"
)
def test_the_namespaces_of_a_connection_share_its_session(
    serve: Serve, kind: str
) -> None:
    class Sharing(BaseNamespace):
        def on_set(self, name: str, value: Any) -> None:
            self.session[name] = value

        def on_get(self, name: str) -> Any:
            return self.session.get(name)

    live = serve({"/chat": Sharing, "/game": Sharing})
    client, other = live.client(kind), live.client(kind)
    for each in (client, other):
        each.join("/chat")
        each.join("/game")
    client.call("/chat", "set", "user", "ann")
    assert client.call("/game", "get", "user") == ["ann"]
    assert other.call("/game", "get", "user") == [None]
    client.leave("/chat")
    client.join("/chat")
    assert client.call("/chat", "get", "user") == ["ann"]


def test_acks_are_counted_for_the_whole_connection(serve: Serve, kind: str) -> None:
    class Asking(BaseNamespace):
        def on_ask(self) -> None:
            self.emit("question", callback=lambda name: self.emit("answer", name))

    client = serve({"/chat": Asking, "/game": Asking}).client(kind)
    numbers = {}
    for endpoint in ("/chat", "/game"):
        client.join(endpoint)
        client.emit(endpoint, "ask")
        numbers[endpoint] = client.read()["id"]
    assert numbers["/chat"] != numbers["/game"]
    for endpoint, number in numbers.items():
        client.ack(endpoint, number, endpoint)
        assert client.event(endpoint) == ["answer", endpoint]


# The end


End = Callable[[Live, Client], object]


ENDS: dict[str, tuple[End, str | None]] = {
    "the client leaves the namespace": (
        lambda live, client: client.leave("/chat"),
        "client namespace disconnect",
    ),
    # A closed WebSocket says nothing, a polling client says that it leaves.
    "the client closes": (lambda live, client: client.close(), None),
    "the namespace disconnects": (
        lambda live, client: live.socket(client)["/chat"].disconnect(),
        "server namespace disconnect",
    ),
    "the socket disconnects": (
        lambda live, client: live.socket(client).disconnect(),
        "server namespace disconnect",
    ),
    "the socket disconnects without a word": (
        lambda live, client: live.socket(client).disconnect(silent=True),
        "server namespace disconnect",
    ),
    "the socket is killed": (
        lambda live, client: live.socket(client).kill(),
        "server namespace disconnect",
    ),
    "the socket is killed for a reason": (
        lambda live, client: live.socket(client).kill(reason="bad manners"),
        "bad manners",
    ),
    "the server stops": (
        lambda live, client: live.server.stop(),
        "server shutting down",
    ),
}


class Silent(Witness):
    """Does not call ``disconnect``, which gevent-socketio required."""

    def recv_disconnect(self) -> None:
        self.left.append(self.disconnect_reason)


class Raising(Witness):
    def recv_disconnect(self) -> None:
        self.left.append(self.disconnect_reason)
        raise RuntimeError


class TimingOut(Witness):
    def recv_disconnect(self) -> None:
        self.left.append(self.disconnect_reason)
        raise gevent.Timeout


class Retelling(Witness):
    """Ends everything a second time."""

    def recv_disconnect(self) -> None:
        self.left.append(self.disconnect_reason)
        self.disconnect()
        self.socket.disconnect()
        self.socket.kill(reason="again")


@pytest.mark.parametrize(
    ("cls", "end"),
    [
        *((Witness, end) for end in ENDS),
        *(
            (cls, end)
            for cls in (Silent, Raising, TimingOut, Retelling)
            for end in ("the client leaves the namespace", "the socket is killed")
        ),
    ],
)
def test_the_end_is_told_once_with_its_reason(
    serve: Serve, kind: str, cls: type[Witness], end: str
) -> None:
    namespace = fresh(cls)
    job: list[gevent.Greenlet[..., Any]] = []
    live = serve({"/chat": namespace}, shutdown_timeout=0.3)
    client = live.client(kind)
    client.join("/chat")
    job.append(live.socket(client)["/chat"].spawn(gevent.sleep, DEADLINE))
    function, reason = ENDS[end]
    function(live, client)
    wait_for(lambda: namespace.left, "the end is told")
    wait_for(lambda: job[0].dead, "the job ends")
    live.close_clients()
    live.expect_nothing_left()
    if reason is None:
        websocket = isinstance(client, WebSocketClient)
        reason = "transport close" if websocket else "client namespace disconnect"
    assert namespace.left == [reason]


def test_all_namespaces_learn_of_the_end_of_the_connection(
    serve: Serve, kind: str
) -> None:
    first, second = fresh(Raising), fresh(Witness)
    live = serve({"/chat": first, "/game": second})
    client = live.client(kind)
    client.join("/chat")
    client.join("/game")
    live.socket(client).kill(reason="bad manners")
    assert first.left == second.left == ["bad manners"]


@pytest.mark.cites("Socket.IO 4, DISCONNECT 1")
@pytest.mark.parametrize("silent", [True, False])
def test_a_client_is_told_that_it_is_disconnected(
    serve: Serve, kind: str, silent: bool
) -> None:
    live = serve({"/chat": Echo, "/game": Echo})
    client = live.client(kind)
    client.join("/chat")
    client.join("/game")
    live.socket(client).disconnect(silent=silent)
    if not (silent or kind.startswith("0.9")):
        for endpoint in ("/chat", "/game"):
            assert client.read() == {"type": "disconnect", "endpoint": endpoint}
    if isinstance(client, WebSocketClient):
        assert client.websocket.receive_close() == 1000


def test_a_client_that_was_thrown_out_for_no_fault_of_its_own_may_come_back(
    serve: Serve, kind: str
) -> None:
    live = serve({"/chat": Echo})
    client = live.client(kind)
    client.join("/chat")
    live.socket(client).kill(reason="server shutting down")
    assert client.receive() == ("7:::1+0" if kind.startswith("0.9") else "1")


@pytest.mark.parametrize("which", ["namespace", "socket"])
def test_jobs_of_a_connection_end_with_it(serve: Serve, kind: str, which: str) -> None:
    live = serve({"/chat": Echo})
    client = live.client(kind)
    client.join("/chat")
    socket = live.socket(client)
    owner: Any = socket if which == "socket" else socket["/chat"]
    short, long = owner.spawn(lambda: 1), owner.spawn(gevent.sleep, DEADLINE)
    assert short.get() == 1
    wait_for(lambda: owner.jobs == [long], "a job that is done is forgotten")
    client.close()
    wait_for(lambda: long.dead, "the other one ends")
    assert owner.jobs == []


@pytest.mark.parametrize(
    ("endpoint", "by"), [("/chat", "client"), ("/chat", "server"), ("", "client")]
)
@pytest.mark.parametrize("kind", ["4-websocket", "4-polling"])
def test_a_4_x_connection_in_no_namespace_ends_after_a_moment(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, kind: str, endpoint: str, by: str
) -> None:
    monkeypatch.setattr(connections, "NAMESPACE_TIMEOUT", 0.1)
    live = serve({"/chat": Echo})
    client = live.client(kind)
    client.join(endpoint)
    if by == "client":
        client.leave(endpoint)
    else:
        live.socket(client)[endpoint].disconnect()
    wait_for(lambda: not live.server.sockets, "the session ends")


@pytest.mark.parametrize("endpoint", ["/chat", "/other", ""])
@pytest.mark.parametrize("kind", ["4-websocket", "4-polling"])
def test_a_4_x_connection_that_joins_a_namespace_again_stays(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, kind: str, endpoint: str
) -> None:
    monkeypatch.setattr(connections, "NAMESPACE_TIMEOUT", 0.5)
    live = serve({"/chat": Echo, "/other": Echo})
    client = live.client(kind)
    client.join("/chat")
    client.leave("/chat")
    client.join(endpoint)
    # Another connection, which began later, has ended; this one has not.
    other = live.client()
    other.join("/chat")
    other.leave("/chat")
    assert isinstance(other, WebSocketClient)
    assert other.websocket.receive_close() == 1000
    client.emit(endpoint, "unheard")
    assert client.event(endpoint)[0] == "error"


@pytest.mark.cites("Socket.IO 5, Disconnection from a namespace 2")
@pytest.mark.parametrize("left", ["", "/chat"])
@pytest.mark.parametrize("kind", ["4-websocket", "4-polling"])
def test_a_4_x_connection_that_is_in_another_namespace_stays(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, kind: str, left: str
) -> None:
    monkeypatch.setattr(connections, "NAMESPACE_TIMEOUT", 0.1)
    live = serve({"/chat": Echo})
    client = live.client(kind)
    client.join("")
    client.join("/chat")
    client.leave(left)
    other = live.client()
    other.join("/chat")
    other.leave("/chat")
    assert isinstance(other, WebSocketClient)
    assert other.websocket.receive_close() == 1000
    stays = "/chat" if left == "" else ""
    client.emit(stays, "unheard")
    assert client.event(stays)[0] == "error"


@pytest.mark.parametrize("kind", [each for each in KINDS if each[0] != "4"])
def test_an_older_connection_is_always_in_the_main_namespace(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(connections, "NAMESPACE_TIMEOUT", 0.1)
    live = serve({"/chat": Echo})
    client = live.client(kind)
    client.join("/chat")
    client.leave("/chat")
    other = live.client()
    other.join("/chat")
    other.leave("/chat")
    assert isinstance(other, WebSocketClient)
    assert other.websocket.receive_close() == 1000
    client.join("/chat")
    assert client.call("/chat", "echo", 1) == [1]


# The object


def test_a_socket_says_what_it_is_but_not_its_session_id(
    serve: Serve, kind: str
) -> None:
    live = serve({"/chat": Echo})
    client = live.client(kind)
    socket = live.socket(client)
    name = {"0": "0.9", "2": "1.x/2.x", "4": "3.x/4.x"}[kind[0]]
    assert str(socket) == f"<Socket {name} CONNECTED in nothing>"
    client.join("/chat")
    assert str(socket) == f"<Socket {name} CONNECTED in /chat>"
    assert client.sid not in str(socket)
    assert client.sid == socket.sessid
    assert live.server.get_socket(client.sid) is socket
    client.close()
    wait_for(lambda: socket.state == Socket.STATE_DISCONNECTED, "it ends")
    assert live.server.get_socket(client.sid) is None


def test_session_ids_are_not_alike(serve: Serve) -> None:
    live = serve({})
    sids = {live.websocket_5().sid for _ in range(5)}
    sids |= {live.websocket_1().sid for _ in range(5)}
    assert len(sids) == 10
    # 128 bits, as base64 writes them.
    assert {len(sid) for sid in sids} == {22}


def test_a_namespace_that_nobody_is_in_cannot_be_looked_up(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    socket = live.socket(live.client())
    with pytest.raises(KeyError):
        socket["/chat"]
    socket.remove_namespace("/chat")  # has no effect


def test_a_socket_without_a_transport_sends_nowhere(serve: Serve) -> None:
    live = serve({"/chat": Echo}, handshake_timeout=0.1)
    sid = live.http().get("/socket.io/1/").text.partition(":")[0]
    socket = live.server.sockets[sid]
    assert socket.state == Socket.STATE_CONNECTING
    socket.error("too_early", "nobody is there")
    socket._save_ack_callback(1, print)  # noqa: SLF001  gevent-socketio's name
    wait_for(lambda: not live.server.sockets, "the session expires")
    assert socket.disconnect_reason == "transport close"
