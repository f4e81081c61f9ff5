"""A namespace whose admission goes on when a test says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
from gevent import GreenletExit
from gevent.event import Event

from tgext.socketio.engine.namespaces.base import BaseNamespace, ConnectionRefused
from tgext.socketio.engine.virtsocket import Socket
from tgext.socketio.wire.socketio.packet import event_packet

from ..clients import DEADLINE, Client, wait_for
from ..conftest import Live, Serve
from ..runners import around
from ..sample_namespaces import Chat, Echo, fresh


class Gate(Chat):
    """A namespace whose admission continues, and ends, as a test says.

    :cvar step: where it waits: ``__init__``, ``initialize`` or ``recv_connect``.
    :cvar outcome: called with the namespace at that step, after it waited.
    :cvar calls: what was called of it.
    :cvar instances: those that were made.
    """

    step = "recv_connect"
    entered: Event
    go_on: Event
    outcome: Callable[[Any], object] = staticmethod(lambda namespace: None)
    calls: list[str]
    instances: list[Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.entered, cls.go_on = Event(), Event()
        cls.calls, cls.instances = [], []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instances.append(self)
        self.own_calls: list[str] = []
        self.take("__init__")

    def initialize(self) -> None:
        self.take("initialize")

    def recv_connect(self) -> None:
        self.take("recv_connect")
        self.calls.append("recv_connect")
        self.own_calls.append("recv_connect")

    def recv_disconnect(self) -> None:
        self.calls.append("recv_disconnect")
        self.own_calls.append("recv_disconnect")
        super().recv_disconnect()

    def take(self, step: str) -> None:
        if step == self.step:
            self.ask()
            self.entered.set()
            assert self.go_on.wait(DEADLINE)
            self.outcome(self)

    def ask(self) -> None:
        """Start everything that a namespace can start."""
        self.join("staff")
        self.join("lobby")
        self.leave("lobby")
        self.spawn(self.chatter)
        self.emit("welcome", 1)
        self.emit("question", callback=print)
        self.send("hello")

    def chatter(self) -> None:
        self.join("late")
        self.emit("from a job")
        gevent.sleep(DEADLINE)


STEPS = ["__init__", "initialize", "recv_connect"]


#: What the client is sent by `Gate.ask`, by the names of the events.
OWN = ["welcome", "question", "message", "from a job"]


def refused(namespace: Any) -> None:
    raise ConnectionRefused("No")


def failing(error: BaseException) -> Callable[[Any], None]:
    def fail(namespace: Any) -> None:
        raise error

    return fail


def attack(live: Live, speaker: Client, victim: Socket) -> None:
    """Send to several clients in all ways of a namespace."""
    speaker.call("/chat", "shout to others", "secret")
    speaker.call("/chat", "say", "staff", "secret")
    speaker.call("/chat", "say", "late", "secret")
    rooms = live.server.rooms
    packet = event_packet("/chat", "secret", ["salary"])
    rooms.broadcast(packet, skip=live.socket(speaker))
    rooms.broadcast(packet, "staff")
    for socket in live.server.sockets.values():
        if socket is victim:
            socket.send_packet(packet)
    assert victim not in rooms.members("/chat")
    assert victim not in rooms.members("/chat", "staff")


def names_until(client: Client, last: str) -> list[str]:
    """The names or types of the packets that the client gets, up to one of them."""
    seen: list[str] = []
    while not seen or seen[-1] != last:
        packet = client.read()
        seen.append(packet.get("name") or packet["type"])
    return seen


def expect_nothing_of(live: Live, namespace: type[Gate], socket: Socket) -> None:
    rooms = live.server.rooms
    assert "/chat" not in socket.active_ns
    assert socket.admission.asking == {}
    assert socket.ack_callbacks == {}
    assert list(rooms.rooms_of("/chat", socket)) == []
    assert socket.session.get("rooms", set()) == set()
    for each in namespace.instances:
        wait_for(lambda each=each: not each.jobs, "its jobs end")


class Scene:
    """A client that is being admitted, and one that is admitted already."""

    def __init__(self, serve: Serve, kind: str, **attributes: Any) -> None:
        self.namespace = fresh(Gate, step="")
        self.live = serve({"/chat": self.namespace, "/other": Chat})
        self.speaker = self.live.client()
        self.speaker.join("/chat")
        for name, value in {"step": "recv_connect", **attributes}.items():
            setattr(self.namespace, name, value)
        self.namespace.calls.clear()
        self.namespace.instances.clear()
        self.client = self.live.client(kind)
        self.client.join("/other")
        self.socket = self.live.socket(self.client)

    def ask(self) -> None:
        self.client.send(self.client.dialect.connect("/chat"))
        assert self.namespace.entered.wait(DEADLINE)

    def attack(self) -> None:
        attack(self.live, self.speaker, self.socket)

    def expect_nothing(self) -> None:
        """Expect that the client got nothing more, though it is still served."""
        assert self.client.call("/other", "echo", 1) == [1]
        expect_nothing_of(self.live, self.namespace, self.socket)
        assert self.speaker.call("/chat", "echo", 2) == [2]


ENDS: dict[str, tuple[Any, str]] = {
    "refuses": (refused, "No"),
    "KeyError": (failing(KeyError("user")), "Internal server error"),
    "GreenletExit": (failing(GreenletExit()), "Internal server error"),
    "Timeout": (failing(gevent.Timeout(1)), "Internal server error"),
    "SystemExit": (failing(SystemExit(1)), "Internal server error"),
    "KeyboardInterrupt": (failing(KeyboardInterrupt()), "Internal server error"),
    "GeneratorExit": (failing(GeneratorExit()), "Internal server error"),
}


def refusal(kind: str, message: str) -> dict[str, Any]:
    """The packet for a client that ``/chat`` refuses."""
    data: Any = {"message": message}
    if kind.startswith("2"):
        data = message
    if kind.startswith("0.9"):
        return {"type": "refused", "endpoint": "/chat"}
    return {"type": "refused", "endpoint": "/chat", "data": data}


def expect_refusal(client: Client, kind: str, message: str) -> None:
    packet = client.read()
    expected = refusal(kind, message)
    assert {name: packet.get(name) for name in expected} == expected


def serve_around(
    serve: Serve, namespace: type[BaseNamespace], function: Callable[..., Any]
) -> Live:
    namespaces = {"/chat": namespace, "/other": Echo}
    return serve(application=around(namespaces, function))
