"""Publishing and emitting from native threads, in a process that gevent patched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from tg import MinimalApplicationConfigurator, TGController, request_local

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tests.native import STARTERS, Outcome
from tests.ports import free_port
from tests.redis_server import RedisServer, running_redis
from tgext.socketio import SocketIOController
from tgext.socketio.backends import BrokerUnavailable
from tgext.socketio.engine.concurrency.threads import WrongThread
from tgext.socketio.engine.mixins import RoomsMixin
from tgext.socketio.messaging.channels import channels_of
from tgext.socketio.pubsub import PubSubTGNamespace, publish

Start = Callable[[Callable[[], Any]], Outcome]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=STARTERS.values(), ids=STARTERS)
def start(request: pytest.FixtureRequest) -> Start:
    function: Start = request.param
    return function


class News(RoomsMixin, PubSubTGNamespace):
    here: list[PubSubTGNamespace] = []

    def recv_connect(self) -> None:
        self.here.append(self)
        self.join("A")

    def subscribe_news(self) -> None: ...

    def leave_news(self) -> None:
        self.emit("left news")


class SocketIO(SocketIOController):
    news = News


class Globals: ...


class Application:
    """Applications, each with a backend of its own."""

    def __init__(self, serve: Callable[..., Live]) -> None:
        self._serve = serve

    def start(self, **options: Any) -> Live:
        class RootController(TGController):
            socketio = SocketIO()

        configurator = MinimalApplicationConfigurator()
        configurator.update_blueprint(
            {"root_controller": RootController(), "app_globals": Globals, **options}
        )
        wsgi = configurator.make_wsgi_app({}, {})
        self.config = request_local.config.current_conf()
        News.here = []
        return self._serve(application=wsgi, resource="socketio")


@pytest.fixture
def application(serve: Callable[..., Live]) -> Application:
    return Application(serve)


@pytest.fixture(params=["memory", "redis", "cluster"])
def live(
    request: pytest.FixtureRequest, application: Application, redis: RedisServer
) -> Iterator[Live]:
    options: dict[str, Any] = {}
    if request.param != "memory":
        options = {"anypubsub.backend": "redis", "anypubsub.host": redis.url}
    if request.param == "cluster":
        options["socketio.cluster"] = "true"
    live = application.start(**options)
    yield live
    live.close_clients()
    live.server.stop(timeout=1)
    if options:
        channels: Any = channels_of(application.config)
        channels.backend.close()


def enter(live: Live) -> Any:
    client = live.client("4-websocket")
    client.join("/news")
    assert client.call("/news", "subscribe", "news") == ["news"]
    return client


def test_what_a_thread_publishes_is_heard(live: Live, start: Start) -> None:
    client, other = enter(live), enter(live)
    namespace = News.here[0]

    def talk() -> None:
        for number in range(50):
            publish("news", number)
            namespace.publish("news", [number])

    talking = [start(talk) for _ in range(3)]
    for outcome in talking:
        outcome.get()
    publish("news", "from here")
    for each in (client, other):
        heard = [each.event("/news")[1] for _ in range(301)]
        assert heard[-1] == "from here"
        for number in range(50):
            assert heard.count(number) == heard.count([number]) == 3


def test_what_a_thread_emits_is_heard(live: Live, start: Start) -> None:
    client, other = enter(live), enter(live)
    namespace, handle = News.here[0], SocketIO.namespace("/news")

    def talk() -> None:
        namespace.emit("told", 1)
        namespace.emit_on_commit("told", 2)
        namespace.emit_to_room("A", "told", 3)
        handle.emit("told", 4)
        handle.emit_to_room("A", "told", 5)
        namespace.unsubscribe("news")

    start(talk).get()
    assert [client.event("/news")[1] for _ in range(4)] == [1, 2, 4, 5]
    assert client.event("/news") == ["left news"]
    assert [other.event("/news")[1] for _ in range(3)] == [3, 4, 5]
    assert len(handle.sockets) == 2


def test_invalid_calls_raise_in_the_thread(live: Live, start: Start) -> None:
    client = enter(live)
    namespace = News.here[0]
    for call, error in (
        (lambda: publish("\ud800", 1), ValueError),
        (lambda: publish("news", object()), TypeError),
        (lambda: namespace.publish("a\0", 1), ValueError),
        (lambda: namespace.call("q"), WrongThread),
        (lambda: namespace.spawn(print), WrongThread),
        (lambda: SocketIO.namespace("/news").emit_to_room(None, "a"), TypeError),
    ):
        with pytest.raises(error):
            start(call).get()
    publish("news", "served")
    assert client.event("/news") == ["pubblication", "served"]


def test_a_broker_that_is_away_is_told_to_the_thread(
    application: Application, start: Start
) -> None:
    host = f"redis://127.0.0.1:{free_port()}"
    live = application.start(**{"anypubsub.backend": "redis", "anypubsub.host": host})
    client = live.client("4-websocket")
    client.join("/news")
    with pytest.raises(BrokerUnavailable, match=r"anypubsub\.host"):
        start(lambda: publish("news", 1)).get()
    with pytest.raises(BrokerUnavailable, match=r"anypubsub\.host"):
        start(lambda: News.here[0].publish("news", 1)).get()
    # The thread pool still works, and other events are still sent.
    assert gevent.get_hub().threadpool.apply(int) == 0
    SocketIO.namespace("/news").emit("served")
    assert client.event("/news") == ["served"]


def test_where_nobody_came_yet_a_handle_reaches_other_processes(
    application: Application, redis: RedisServer, start: Start
) -> None:
    options = {
        "anypubsub.backend": "redis",
        "anypubsub.host": redis.url,
        "socketio.cluster": "true",
    }
    live = application.start(**options)
    client = enter(live)

    class Elsewhere(SocketIOController):
        """The controller, as another process has it."""

        news = News
        __qualname__ = "SocketIO"

    start(lambda: Elsewhere.namespace("/news").emit("told", "all")).get()
    assert client.event("/news") == ["told", "all"]
    live.close_clients()
    live.server.stop(timeout=1)
    wait_for(lambda: redis.subscribers() == [], "nothing is subscribed")
