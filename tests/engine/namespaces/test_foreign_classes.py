"""What an application does with its classes while they have gevent-socketio's bases."""

from __future__ import annotations

from typing import Any, ClassVar

import gevent
import pytest

from ..clients import DEADLINE, wait_for
from ..conftest import Serve
from ..sample_namespaces import Echo

foreign = pytest.importorskip("socketio.namespace", reason="gevent-socketio")
mixins = pytest.importorskip("socketio.mixins", reason="gevent-socketio")

#: The classes that a metaclass has seen.
registry: list[type] = []


class Registered(type):
    def __init__(cls, name: str, bases: Any, members: Any) -> None:
        super().__init__(name, bases, members)
        registry.append(cls)


class Base(foreign.BaseNamespace, metaclass=Registered):  # type: ignore[misc, name-defined]
    players = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Nobody should, but many did; a further subclass would call itself.
        super(self.__class__, self).__init__(*args, **kwargs)

    def recv_connect(self) -> None:
        self.__class__.players += 1
        type(self).latest = self.session["name"] = f"player {Game.players}"

    def on_about(self) -> Any:
        return [
            type(self) is Game,
            self.__class__ is Game,
            Game.players,
            Game.latest,
            type(self).__subclasses__() == [],
        ]


class Game(Base):
    latest: ClassVar[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        foreign.BaseNamespace.__init__(self, *args, **kwargs)


def test_what_is_set_on_the_class_is_set_on_the_applications_own(
    serve: Serve, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Game, "players", 0)
    live = serve({"/game": Game, "/base": Base})
    for number in (1, 2):
        client = live.client(kind)
        client.join("/game")
        about = [True, True, number, f"player {number}", True]
        assert client.call("/game", "about", number=number) == [about]
    assert (Game.players, Base.players) == (2, 0)
    assert registry == [Base, Game]


def test_super_of_the_own_class_ends(serve: Serve, kind: str) -> None:
    client = serve({"/base": Base}).client(kind)
    client.join("/base")
    assert Base.players == 1
    Base.players = 0


# Methods that are called by the name of gevent-socketio's class


class Named(foreign.BaseNamespace, mixins.RoomsMixin, mixins.BroadcastMixin):  # type: ignore[misc, name-defined]
    ended: ClassVar[list[str]] = []

    def initialize(self) -> None:
        foreign.BaseNamespace.initialize(self)
        mixins.RoomsMixin.join(self, "all")
        foreign.BaseNamespace.emit(self, "early", 1)

    def process_packet(self, packet: Any) -> Any:
        return foreign.BaseNamespace.process_packet(self, packet)

    def process_event(self, packet: Any) -> Any:
        return foreign.BaseNamespace.process_event(self, packet)

    def call_method_with_acl(self, method_name: str, packet: Any, *args: Any) -> Any:
        return foreign.BaseNamespace.call_method_with_acl(
            self, method_name, packet, *args
        )

    def call_method(self, method_name: str, packet: Any, *args: Any) -> Any:
        return foreign.BaseNamespace.call_method(self, method_name, packet, *args)

    def recv_disconnect(self) -> None:
        self.ended.append("told")
        foreign.BaseNamespace.recv_disconnect(self)

    def disconnect(self, *args: Any, **kwargs: Any) -> None:
        foreign.BaseNamespace.disconnect(self, *args, **kwargs)

    def on_enter(self, room: str) -> None:
        mixins.RoomsMixin.join(self, room)

    def on_exit(self, room: str) -> None:
        mixins.RoomsMixin.leave(self, room)

    def on_say(self, room: str, word: str) -> None:
        mixins.RoomsMixin.emit_to_room(self, room, "said", word)

    def on_shout(self, word: str) -> None:
        mixins.BroadcastMixin.broadcast_event(self, "shouted", word)

    def on_shout_to_others(self, word: str) -> None:
        mixins.BroadcastMixin.broadcast_event_not_me(self, "shouted", word)

    def on_pair(self, first: Any, second: Any) -> Any:
        return first, second

    def on_ask(self) -> None:
        foreign.BaseNamespace.emit(self, "question", callback=self.emit)

    def on_lock(self) -> None:
        foreign.BaseNamespace.reset_acl(self)
        self.allowed_methods = set()

    def on_work(self) -> None:
        foreign.BaseNamespace.spawn(self, gevent.sleep, DEADLINE)

    def on_complain(self) -> None:
        foreign.BaseNamespace.error(self, "too_hot", "38 degrees")


def test_a_method_that_is_called_by_name_does_the_same(serve: Serve, kind: str) -> None:
    live = serve({"/chat": Named, "/other": Echo})
    speaker, listener = live.client(kind), live.client(kind)
    for each in (speaker, listener):
        each.join("/other")
        each.join("/chat")
        assert each.event("/chat") == ["early", 1]
    speaker.call("/chat", "say", "all", "a")
    assert listener.event("/chat") == ["said", "a"]
    listener.call("/chat", "enter", "den")
    speaker.call("/chat", "say", "den", "b", number=2)
    assert listener.event("/chat") == ["said", "b"]
    listener.call("/chat", "exit", "den", number=2)
    speaker.call("/chat", "say", "den", "nobody hears it", number=3)
    speaker.call("/chat", "shout_to_others", "c", number=4)
    assert listener.event("/chat") == ["shouted", "c"]
    assert speaker.call("/chat", "pair", 1, 2, number=5) == [1, 2]
    speaker.emit("/chat", "pair", 1)
    assert speaker.event("/chat")[:2] == ["error", "invalid_method_args"]
    speaker.emit("/chat", "complain")
    assert speaker.event("/chat") == ["error", "too_hot", "38 degrees"]
    speaker.emit("/chat", "ask")
    speaker.ack("/chat", speaker.read()["id"], "answered", 7)
    assert speaker.event("/chat") == ["answered", 7]
    speaker.call("/chat", "work", number=6)
    (job,) = live.socket(speaker)["/chat"].jobs
    speaker.call("/chat", "lock", number=7)
    speaker.emit("/chat", "pair", 1, 2)
    assert speaker.event("/chat")[:2] == ["error", "method_access_denied"]
    Named.ended.clear()
    speaker.leave("/chat")
    wait_for(lambda: job.dead, "the job ends")
    assert Named.ended == ["told"]
    assert "/chat" not in live.socket(speaker)


def test_objects_of_gevent_socketio_are_its_own() -> None:
    """The classes that were mounted here may be used with its own server, too."""

    class Sock:
        def __init__(self) -> None:
            self.session: dict[str, Any] = {}
            self.sent: list[Any] = []

        def send_packet(self, packet: Any) -> None:
            self.sent.append(packet)

    class Untouched(foreign.BaseNamespace, mixins.RoomsMixin):  # type: ignore[misc, name-defined]
        pass

    sock = Sock()
    namespace = Untouched({"socketio": sock}, "/chat")
    namespace.join("den")
    namespace.emit("hello", 1)
    assert sock.session == {"rooms": {"/chat_den"}}
    assert sock.sent == [
        {"type": "event", "name": "hello", "args": (1,), "endpoint": "/chat"}
    ]
