"""Namespaces of gevent-socketio's own classes, mounted in a SocketIOController."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest
import tg
from tg import MinimalApplicationConfigurator, TGController, predicates, require

from tests.engine.clients import DEADLINE, KINDS, Client, wait_for
from tests.engine.conftest import Live
from tests.engine.sample_namespaces import RoomEvents
from tgext.socketio import SocketIOController, SocketIOTGNamespace

foreign = pytest.importorskip("socketio.namespace", reason="gevent-socketio")
mixins = pytest.importorskip("socketio.mixins", reason="gevent-socketio")

#: For each ended connection, what its `recv_disconnect` saw.
departures: list[Any] = []


@pytest.fixture(autouse=True)
def _no_departures() -> None:
    departures.clear()


class Chat(  # type: ignore[misc]
    RoomEvents,
    foreign.BaseNamespace,  # type: ignore[name-defined]
    mixins.RoomsMixin,  # type: ignore[name-defined]
    mixins.BroadcastMixin,  # type: ignore[name-defined]
):
    """A namespace of gevent-socketio, with some features of TurboGears."""

    def initialize(self) -> None:
        self.seen = [self._context("initialize")]

    def get_initial_acl(self) -> Any:
        return {"recv_connect", "recv_disconnect", "on_log_in"}

    def call_method(self, method_name: str, packet: Any, *args: Any) -> Any:
        tg.tmpl_context.method = method_name
        return super().call_method(method_name, packet, *args)

    def recv_connect(self) -> None:
        self.seen.append(self._context("recv_connect"))
        self.emit("welcome", self.ns_name)

    def recv_disconnect(self) -> None:
        departures.append([self.nick, *self._context("recv_disconnect")])
        self.disconnect(silent=True)

    def _context(self, where: str) -> list[Any]:
        return [where, tg.request.environ["REMOTE_ADDR"], tg.config["answer"]]

    nick = ""

    def on_log_in(self, nick: str) -> list[str]:
        self.nick = nick
        self.lift_acl_restrictions()
        return [nick, tg.tmpl_context.method]

    def on_history(self) -> Any:
        return self.seen

    def on_lock(self) -> None:
        self.reset_acl()

    def on_pair(self, first: Any, second: Any = "default") -> Any:
        return first, second

    def on_ask(self) -> None:
        def answered(word: str) -> None:
            self.emit("answered", word, *self._context("callback"))

        self.emit("question", callback=answered)

    def on_complain(self) -> None:
        self.error("too_hot", "38 degrees")

    def on_work(self) -> None:
        self.spawn(self._work)

    def _work(self) -> None:
        self.emit("working")
        gevent.sleep(DEADLINE)

    def on_go_away(self) -> None:
        self.disconnect()


class Own(SocketIOTGNamespace, mixins.BroadcastMixin):  # type: ignore[misc, name-defined]
    """A half-ported namespace, whose mixin is still gevent-socketio's."""

    def on_echo(self, value: Any) -> Any:
        return value

    @require(predicates.not_anonymous())
    def on_secret(self) -> None:
        """No client of this test may call it."""

    def on_shout(self, word: str) -> None:
        self.broadcast_event("shouted", word)


class SocketIO(SocketIOController):
    chat = Chat
    lobby = Chat
    own = Own


@pytest.fixture
def live(serve: Callable[..., Live]) -> Live:
    class RootController(TGController):
        socketio = SocketIO()

    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": RootController(), "answer": 42})
    application = configurator.make_wsgi_app({}, {})
    return serve(application=application, resource="socketio")


@pytest.fixture(params=list(KINDS))
def client(request: pytest.FixtureRequest, live: Live) -> Client:
    """A client in ``/chat``."""
    client = live.client(request.param)
    client.join("/chat")
    assert client.event("/chat") == ["welcome", "/chat"]
    return client


def log_in(client: Client, endpoint: str = "/chat") -> None:
    answer = client.call(endpoint, "log_in", "ada")
    assert answer == [["ada", "on_log_in"]]


def test_it_runs_in_a_context_of_turbogears(client: Client) -> None:
    log_in(client)
    assert client.call("/chat", "history") == [
        [["initialize", "127.0.0.1", 42], ["recv_connect", "127.0.0.1", 42]]
    ]
    client.emit("/chat", "ask")
    client.ack("/chat", client.read()["id"], "fine")
    assert client.event("/chat") == ["answered", "fine", "callback", "127.0.0.1", 42]


def test_acks_and_errors(client: Client) -> None:
    log_in(client)
    assert client.call("/chat", "pair", 1, number=2) == [1, "default"]
    client.emit("/chat", "pair")
    assert client.event("/chat")[:2] == ["error", "invalid_method_args"]
    client.emit("/chat", "complain")
    assert client.event("/chat") == ["error", "too_hot", "38 degrees"]


def test_its_acl(client: Client) -> None:
    denied = [
        "error",
        "method_access_denied",
        'You do not have access to method "on_pair"',
    ]
    client.emit("/chat", "pair", 1)
    assert client.event("/chat") == denied
    log_in(client)
    assert client.call("/chat", "pair", 1) == [1, "default"]
    client.call("/chat", "lock")
    client.emit("/chat", "pair", 1)
    assert client.event("/chat") == denied


def test_its_rooms_and_broadcasts(live: Live) -> None:
    clients = {kind: live.client(kind) for kind in KINDS}
    outsider = live.client()
    for endpoint, group in (("/chat", clients.values()), ("/lobby", [outsider])):
        for each in group:
            each.join(endpoint)
            each.event(endpoint)
            log_in(each, endpoint)
            each.call(endpoint, "join", "kitchen")
    speaker, *others = clients.values()
    quitter = others[0]
    quitter.call("/chat", "leave", "kitchen")
    speaker.call("/chat", "say", "kitchen", "dinner")
    speaker.call("/chat", "shout_to_others", "b")
    speaker.emit("/chat", "shout", "c")
    assert speaker.event("/chat") == ["shouted", "c"]
    for each in others:
        heard = [each.event("/chat") for _ in range(2 if each is quitter else 3)]
        said = [] if each is quitter else [["said", "dinner"]]
        assert heard == [*said, ["shouted", "b"], ["shouted", "c"]]
    assert outsider.call("/lobby", "pair", 1) == [1, "default"]


@pytest.mark.parametrize("end", ["leave", "close", "go_away"])
def test_its_end_is_told_once_and_ends_its_jobs(
    live: Live, client: Client, end: str
) -> None:
    log_in(client)
    client.emit("/chat", "work")
    assert client.event("/chat") == ["working"]
    namespace = live.socket(client)["/chat"]
    (job,) = namespace.jobs
    if end == "leave":
        client.leave("/chat")
    elif end == "close":
        client.close()
    else:
        client.emit("/chat", "go_away")
        assert client.read()["type"] == "disconnect"
    wait_for(lambda: departures, "the end is told")
    wait_for(lambda: job.dead, "the job ends")
    client.close()
    wait_for(lambda: not live.server.sockets, "the session ends")
    assert departures == [["ada", "recv_disconnect", "127.0.0.1", 42]]


def test_own_namespaces_stand_beside_it(live: Live, client: Client) -> None:
    outsider = live.client()
    outsider.join("/chat")
    outsider.event("/chat")
    client.join("/own")
    assert client.call("/own", "echo", "here") == ["here"]
    client.emit("/own", "secret")
    assert client.event("/own")[:2] == ["error", "method_access_denied"]
    client.emit("/own", "shout", "hello")
    assert client.event("/own") == ["shouted", "hello"]
    log_in(client)
    log_in(outsider)  # which has received nothing
