"""An event leaves nothing that only the garbage collector could free.

The number of objects starts the collector, not their size: hundreds of events of a
megabyte each could wait for it.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from tg import MinimalApplicationConfigurator, TGController, require, validate
from tg.predicates import not_anonymous
from tg.validation import Convert

from tests.engine.conftest import Live, Serve
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.engine.mixins import RoomsMixin
from tgext.socketio.namespace import ConnectionRefused
from tgext.socketio.pubsub import PubSubTGNamespace

#: How often each test repeats its action.
TIMES = 20


class Chat(RoomsMixin, SocketIOTGNamespace):
    def on_echo(self, *args: Any) -> Any:
        return args

    def on_ask(self) -> None:
        self.emit("question", callback=lambda *args: self.emit("answered"))

    def on_consult(self) -> Any:
        return self.call("question")

    def on_break(self, value: Any) -> None:
        raise RuntimeError(value)

    @require(not_anonymous())
    def on_secret(self) -> None: ...

    @validate({"number": Convert(int, "Must be a number")})
    def on_double(self, number: int) -> int:
        return number * 2

    def on_join(self, room: str) -> str:
        self.join(room)
        return room


class News(PubSubTGNamespace):
    def subscribe_own(self, name: str) -> str:
        return f"own-{name}"

    def unsubscribe_own(self, name: str) -> str:
        return f"own-{name}"


class Closed(SocketIOTGNamespace):
    def initialize(self) -> None:
        raise ConnectionRefused


class SocketIO(SocketIOController):
    chat = Chat
    more = Chat
    closed = Closed
    news = News


class RootController(TGController):
    socketio = SocketIO()


@pytest.fixture
def live(serve: Serve) -> Live:
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": RootController()})
    wsgi = configurator.make_wsgi_app({}, {})
    return serve(application=wsgi, resource="socketio")


@pytest.fixture
def garbage(small_heap: None) -> Iterator[Callable[[], Counter[str]]]:
    """The objects since the last call that only the collector would free."""

    def collect() -> Counter[str]:
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        gc.set_debug(0)
        found = Counter(
            f"{type(each).__module__}.{type(each).__name__}" for each in gc.garbage
        )
        gc.garbage.clear()
        return found

    gc.collect()
    gc.disable()
    yield collect
    gc.set_debug(0)
    gc.enable()


def ask(client: Any, event: str) -> None:
    client.emit("/chat", event, number=5)
    question = client.read()
    client.ack("/chat", question["id"], "x" * 100)


def subscribe(client: Any) -> None:
    client.call("/news", "subscribe", "own", "a")
    client.call("/news", "unsubscribe", "own", "a")


def join_and_leave(client: Any) -> None:
    client.join("/more")
    client.call("/more", "join", "room")
    client.leave("/more")


def be_refused(client: Any) -> None:
    client.send(client.dialect.connect("/closed"))
    client.read()


#: What a client does, and how many messages answer it.
WAYS: dict[str, tuple[Callable[[Any], object], int]] = {
    "event": (lambda client: client.emit("/chat", "echo", "x" * 1000), 0),
    "event with an ack": (lambda client: client.call("/chat", "echo", 1), 0),
    "callback": (lambda client: ask(client, "ask"), 2),
    "call": (lambda client: ask(client, "consult"), 1),
    "failure": (lambda client: client.emit("/chat", "break", "x"), 1),
    "no handler": (lambda client: client.emit("/chat", "nothing"), 1),
    "denied": (lambda client: client.emit("/chat", "secret"), 1),
    "valid": (lambda client: client.call("/chat", "double", "5"), 0),
    "invalid": (lambda client: client.emit("/chat", "double", "x"), 1),
    "channel": (subscribe, 0),
    "namespace": (join_and_leave, 0),
    "refused": (be_refused, 0),
}


@pytest.mark.parametrize("kind", ["0.9-websocket", "4-websocket", "4-polling"])
@pytest.mark.parametrize("way", list(WAYS))
def test_nothing_waits_for_the_collector(
    live: Live, kind: str, way: str, garbage: Callable[[], Counter[str]]
) -> None:
    client: Any = live.client(kind)
    client.join("/chat")
    client.join("/news")
    act, answers = WAYS[way]
    for number in range(2 * TIMES):
        if number == TIMES:
            gevent.sleep(0.01)
            garbage()
        act(client)
        for _ in range(answers):
            client.receive()
    assert client.call("/chat", "echo", 1) == [1]
    gevent.sleep(0.01)
    found = garbage()
    ours = {name: count for name, count in found.items() if count >= TIMES}
    assert not ours


def test_what_was_parsed_of_a_handshake_is_not_kept(live: Live) -> None:
    """It may be forty times as large as the request (:data:`PARSED`)."""
    query = "EIO=4&transport=polling&" + "a&" * 1000
    cookie = {"Cookie": "a=1; b=2"}
    assert live.http().get(f"/socketio/?{query}", cookie).status == 200
    [socket] = live.server.sockets.values()
    kept: Any = socket.runner
    for environ in (socket.environ, kept.connection.environ):
        assert environ["QUERY_STRING"] == query
        assert not [name for name in environ if "_parsed" in name]
    assert len(socket.request.GET) == 1002  # it is parsed when it is asked for
    socket.kill()
