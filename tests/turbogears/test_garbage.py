"""Events and ended connections leave nothing that only the garbage collector frees.

The number of objects starts the collector, not their size: hundreds of events of a
megabyte each could wait for it.
"""

from __future__ import annotations

import gc
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

import gevent
import pytest
from tg import (
    MinimalApplicationConfigurator,
    TGController,
    expose,
    request,
    require,
    validate,
)
from tg.predicates import not_anonymous
from tg.validation import Convert

from tests.engine.clients import wait_for
from tests.engine.conftest import Live, Serve
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.engine.mixins import RoomsMixin
from tgext.socketio.namespace import ConnectionRefused
from tgext.socketio.pubsub import PubSubTGNamespace
from tgext.socketio.websocket import websocket

#: How often each test repeats its action.
TIMES = 20

#: How often each test opens and ends a connection.
CONNECTIONS = 5

NEWEST = ("4-websocket", "4-polling")


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

    @expose()
    def page(self) -> str:
        return "a page"

    @expose()
    @websocket
    def echo(self) -> None:
        for message in request.websocket:
            request.websocket.send(message)
            if message == "the last":
                return


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


@pytest.mark.parametrize("kind", ["0.9-websocket", *NEWEST])
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


def use(client: Any) -> None:
    """What a client may do while it is connected."""
    for endpoint in ("/chat", "/more", "/news"):
        client.join(endpoint)
    client.call("/chat", "join", "room")
    client.call("/news", "subscribe", "own", "a")
    ask(client, "ask")
    client.receive()
    client.emit("/chat", "secret")
    client.receive()
    client.emit("/chat", "ask")  # it never answers
    client.receive()


def server(method: str) -> Callable[[Live, Any], object]:
    return lambda live, client: getattr(live.socket(client), method)()


#: How a connection ends.
ENDS: dict[str, Callable[[Live, Any], object]] = {
    "the client closes": lambda live, client: client.close(),
    "the client leaves": lambda live, client: [
        client.leave(endpoint) for endpoint in ("/chat", "/more", "/news")
    ],
    "disconnected": server("disconnect"),
    "killed": server("kill"),
}


@pytest.mark.parametrize("kind", ["0.9-websocket", "0.9-xhr-polling", *NEWEST])
@pytest.mark.parametrize("end", list(ENDS))
def test_an_ended_connection_does_not_wait_for_the_collector(
    live: Live, kind: str, end: str, garbage: Callable[[], Counter[str]]
) -> None:
    hub = live.server.hub
    for number in range(2 * CONNECTIONS):
        if number == CONNECTIONS:
            garbage()
        client: Any = live.client(kind)
        use(client)
        ENDS[end](live, client)
        if end == "the client leaves":
            client.close()  # clients of some generations may connect elsewhere
        wait_for(lambda: not live.server.sockets, "the session ends")
        client.close()
        wait_for(lambda: not hub.registry.endings, "nothing runs for it")
        hub.lingering.clear()  # its last packets will not be fetched
        wait_for(lambda: not hub.timers, "its transport ends")
    found = garbage()
    ours = {name: count for name, count in found.items() if count >= CONNECTIONS}
    assert not ours


def show_page(live: Live) -> None:
    assert live.http().get("/page").status == 200


def be_unknown(live: Live) -> None:
    client = live.http()
    assert client.get("/socketio/?EIO=4&transport=polling&sid=none").status == 400
    client.close()


def come_from_elsewhere(live: Live) -> None:
    origin = {"Origin": "http://elsewhere.example"}
    client = live.http()
    target = "/socketio/?EIO=4&transport=polling"
    assert client.get(target, origin).status == 403
    client.close()


def upgrade(live: Live) -> None:
    client = live.polling_5()
    client.join("/chat")
    poll = live.waiting_poll(client)
    over: Any = live.websocket(client.target.replace("polling", "websocket"))
    over.send("2probe")
    assert over.receive() == "3probe"
    poll.get()
    over.send("5")
    over.send('42/chat,1["echo","x"]')
    assert over.receive() == '43/chat,1["x"]'
    over.close()
    client.close()


def chat_plainly(live: Live, last: str) -> None:
    client = live.websocket("/echo")
    client.send(last)
    assert client.receive() == last
    client.close()


def be_gone(live: Live) -> None:
    client = live.websocket("/echo")
    client.send("x")
    client.receive()
    client.sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


#: What else connects to the server.
OTHERS: dict[str, Callable[[Live], object]] = {
    "page": show_page,
    "unknown session": be_unknown,
    "another origin": come_from_elsewhere,
    "upgrade": upgrade,
    "plain WebSocket": lambda live: chat_plainly(live, "x"),
    "its method returns": lambda live: chat_plainly(live, "the last"),
    "it is reset": be_gone,
}


@pytest.mark.parametrize("other", list(OTHERS))
def test_what_else_connects_does_not_wait_for_the_collector(
    live: Live, other: str, garbage: Callable[[], Counter[str]]
) -> None:
    server = live.server
    for number in range(2 * CONNECTIONS):
        if number == CONNECTIONS:
            garbage()
        OTHERS[other](live)
        wait_for(lambda: not (server.sockets or server.websockets), "all has ended")
        live.close_clients()
        wait_for(lambda: not server.hub.registry.endings, "nothing runs for it")
        server.hub.lingering.clear()
        gevent.sleep(0.01)
    found = garbage()
    ours = {name: count for name, count in found.items() if count >= CONNECTIONS}
    assert not ours


def test_who_keeps_an_ended_connection_finds_it_as_it_was(live: Live) -> None:
    client: Any = live.client()
    client.join("/chat")
    client.call("/chat", "join", "room")
    socket = live.socket(client)
    namespace = socket["/chat"]
    socket.kill()
    wait_for(lambda: not live.server.hub.registry.endings, "nothing runs for it")
    assert namespace.socket is socket
    assert namespace.environ["socketio"] == socket
    assert namespace.request.environ["socketio"].sessid == client.sid
    assert namespace.session == {"rooms": {"_room"}} or "rooms" in namespace.session
    assert namespace.run_in_app(lambda: 7) == 7
    # None of this is sent, and nothing begins.
    namespace.emit("late")
    namespace.join("room")
    namespace.error("late", "late")
    namespace.session["rooms"] = {"late"}
    assert namespace.spawn(print).ready()
    namespace.disconnect()
    socket.disconnect()
    socket.kill()
    assert not live.server.hub.registry.endings
    assert not live.server.hub.rooms.statistics()[0]


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
