"""Channels as clients and applications use them."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from typing import Any

import gevent
import pytest
import tg
from gevent.event import Event
from tg import MinimalApplicationConfigurator, TGController, expose, require, validate
from tg.predicates import not_anonymous
from tg.validation import Convert

from tests.engine.clients import DEADLINE, KINDS, wait_for
from tests.engine.conftest import Live
from tests.engine.test_floods import PATIENCE, others
from tests.ports import free_port
from tgext.socketio import SocketIOController
from tgext.socketio import backends as backends_module
from tgext.socketio.backends import BackendOptionError
from tgext.socketio.messaging.channels import channels_of
from tgext.socketio.pubsub import PubSubTGNamespace, publish

from .apps import post

NOT_SPECIFIED = (
    "channel_not_specified",
    "You must specify the channel you want to subscribe",
)
NOT_AVAILABLE = (
    "channel_not_available",
    "Trying to subscribe to a channel not available",
)
REJECTED = (
    "subscription_rejected",
    "Your subscription has been rejected by server",
)


class Rooms(PubSubTGNamespace):
    subscribe_nothing = "no method"

    def initialize(self) -> None:
        self.left: list[Any] = []

    def subscribe_news(self) -> None: ...

    def subscribe_news_of_today(self) -> bool:
        return True

    def subscribe_room(self, number: str) -> str:
        return f"room-{number}"

    def subscribe_count(self, number: int) -> int:
        return number

    def subscribe_closed(self) -> bool:
        return False

    def subscribe_packet(self, packet: Any) -> str:
        return "packet " + " ".join(packet["args"])

    def subscribe_silent(self) -> str:
        return ""

    @require(not_anonymous())
    def subscribe_members(self) -> str:
        return "members"

    @validate({"number": Convert(int, "Must be a number")})
    def subscribe_table(self, number: Any) -> str:
        return f"table {number + 1}"

    def no_seat(self, number: Any) -> None:
        self.emit("no seat", number)

    @validate({"number": Convert(int, "Must be a number")}, error_handler=no_seat)
    def subscribe_seat(self, number: Any) -> None: ...

    def subscribe_broken(self) -> None:
        raise RuntimeError("broken")

    def subscribe_leaving(self) -> None:
        self.disconnect()

    def leave_room(self, channel: str) -> None:
        self.left.append(channel)

    def leave_news(self) -> None:
        self.left.append("news")

    def on_left(self) -> list[Any]:
        return self.left

    def on_say(self, channel: str, message: Any) -> None:
        self.publish(channel, message)

    def on_heard(self) -> list[str]:
        return self.channels

    def on_drop(self, channel: str) -> None:
        self.unsubscribe(channel)

    def on_user_message(self, message: Any) -> None:
        self.publish("news", message)


class Named(Rooms):
    pubblication_channel = True


class SocketIO(SocketIOController):
    chat = Rooms
    named = Named


class Globals: ...


class RootController(TGController):
    socketio = SocketIO()

    @expose()
    def announce(self, text: str) -> str:
        publish("news", text)
        return "announced"


class App:
    """A TurboGears application, and its configuration."""

    def __init__(self, **options: Any) -> None:
        configurator = MinimalApplicationConfigurator()
        configurator.update_blueprint(
            {
                "root_controller": RootController(),
                "app_globals": Globals,
                **options,
            }
        )
        self.wsgi = configurator.make_wsgi_app({}, {})
        self.config = tg.request_local.config.current_conf()

    @property
    def channels(self) -> Any:
        return channels_of(self.config)


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def live(serve: Callable[..., Live], app: App) -> Any:
    return serve(application=app.wsgi, resource="socketio")


def connect(live: Live, kind: str = "4-websocket", endpoint: str = "/chat") -> Any:
    client = live.client(kind)
    client.join(endpoint)
    return client


def subscribe(client: Any, *args: Any, endpoint: str = "/chat") -> Any:
    [answer] = client.call(endpoint, "subscribe", *args)
    return answer


# Subscribing


@pytest.mark.parametrize(
    ("args", "channel"),
    [
        (["news"], "news"),
        (["news of today"], "news of today"),
        (["news.of-today"], "news.of-today"),
        (["news:of_today"], "news:of_today"),
        (["room", "1"], "room-1"),
        (["count", 5], "count"),
        (["silent"], "silent"),
        (["packet", "a", "b"], "packet a b"),
        (["table", "1"], "table 2"),
        (["seat", "1"], "seat"),
    ],
)
def test_a_client_hears_what_the_method_says(args: list[Any], channel: str) -> None:
    posted = post(Rooms, "subscribe", *args)
    assert posted.errors == []
    assert posted.namespace.channels == [channel]
    posted.namespace.kill_local_jobs()


@pytest.mark.parametrize(
    ("args", "errors"),
    [
        ([], [NOT_SPECIFIED]),
        (["closed"], [REJECTED]),
        (["unheard of"], [NOT_AVAILABLE]),
        (["nothing"], [NOT_AVAILABLE]),
        ([""], [NOT_AVAILABLE]),
        ([5], [NOT_AVAILABLE]),
        ([None], [NOT_AVAILABLE]),
        ([["news"]], [NOT_AVAILABLE]),
        ([{"news": 1}], [NOT_AVAILABLE]),
        (["news\n"], [NOT_AVAILABLE]),
        (["news/of/today"], [NOT_AVAILABLE]),
        (["ñews"], [NOT_AVAILABLE]),
        (
            ["members"],
            [
                (
                    "method_access_denied",
                    'You do not have access to method "subscribe_members"',
                )
            ],
        ),
        (["room"], [("invalid_method_args", 'subscribe_room misses "number"')]),
        (["table", "x"], [("invalid_method_args", {"number": "Must be a number"})]),
        (["seat", "x"], []),
    ],
)
def test_a_client_that_may_not_hears_nothing(
    args: list[Any], errors: list[Any]
) -> None:
    posted = post(Rooms, "subscribe", *args)
    assert posted.errors == errors
    assert posted.namespace.channels == []


def test_a_requirement_that_is_met_lets_in() -> None:
    posted = post(Rooms, "subscribe", "members", user="ada")
    assert posted.namespace.channels == ["members"]
    posted.namespace.kill_local_jobs()


def test_a_name_that_cannot_be_is_not_looked_up() -> None:
    looked_up: list[str] = []

    class Curious(Rooms):
        def __getattr__(self, name: str) -> Any:
            if name.startswith("subscribe_"):
                looked_up.append(name)
            raise AttributeError(name)

    post(Curious, "subscribe", "a/b")
    assert looked_up == []
    post(Curious, "subscribe", "a-b")
    assert looked_up == ["subscribe_a_b"]


def test_as_many_channels_as_are_allowed_and_one_more(
    serve: Callable[..., Live], app: App, caplog: pytest.LogCaptureFixture
) -> None:
    """Over all namespaces of a connection; one that it hears already is none more."""
    live = serve(application=app.wsgi, resource="socketio", max_channels=3)
    client = connect(live)
    client.join("/named")
    assert subscribe(client, "room", "1") == "room-1"
    assert subscribe(client, "room", "2") == "room-2"
    assert subscribe(client, "room", "1", endpoint="/named") == "room-1"
    with caplog.at_level("INFO", "tgext.socketio.pubsub"):
        client.emit("/named", "subscribe", "news", number=5)
        assert client.event("/named") == ["error", *NOT_AVAILABLE]
    assert client.read()["args"] == [False]
    [line] = caplog.messages
    assert line == "max_channels: a client hears as many; refused: news"
    assert subscribe(client, "room", "2") == "room-2"
    assert client.call("/chat", "unsubscribe", "room-2") == [True]
    assert subscribe(client, "news", endpoint="/named") == "news"
    # A name that leads elsewhere now is one more.
    assert len(live.server.sockets) == 1


def test_who_hears_very_many_channels_leaves_them_in_turns(
    serve: Callable[..., Live], app: App
) -> None:
    live = serve(application=app.wsgi, resource="socketio", max_channels=10**6)
    client = connect(live)
    namespace: Any = live.socket(client)["/chat"]
    for number in range(2000):
        namespace._subscribe(f"room-{number}", "room")
    assert len(app.channels) == 2000
    with others() as gaps:
        client.close()
        wait_for(lambda: len(namespace.left) == 2000, "all are left")
    assert not len(app.channels)
    assert gaps.longest < PATIENCE


def test_the_ack_is_the_channel_or_false(live: Live, kind: str) -> None:
    client = connect(live, kind)
    assert subscribe(client, "news") == "news"
    assert subscribe(client, "room", "1") == "room-1"
    client.emit("/chat", "subscribe", "closed", number=1)
    assert client.event("/chat") == ["error", *REJECTED]
    assert client.read()["args"] == [False]


def test_a_method_that_raises_subscribes_to_nothing(live: Live, app: App) -> None:
    client = connect(live)
    client.emit("/chat", "subscribe", "broken")
    assert client.event("/chat") == ["error", "internal_error", "Internal server error"]
    assert client.call("/chat", "heard") == [[]]
    assert len(app.channels) == 0


def test_who_left_meanwhile_is_not_subscribed(live: Live, app: App) -> None:
    client = connect(live)
    other = connect(live)
    client.emit("/chat", "subscribe", "leaving")
    assert client.read()["type"] == "disconnect"
    assert other.call("/chat", "heard") == [[]]
    assert len(app.channels) == 0


# Hearing


def test_a_message_reaches_all_who_hear_the_channel(live: Live) -> None:
    clients = [connect(live, kind) for kind in KINDS]
    outsider = connect(live)
    subscribe(outsider, "news")
    for client in clients:
        subscribe(client, "room", "1")
    outsider.call("/chat", "say", "room-1", {"text": "grüße ☃", "n": [1, None]})
    for client in clients:
        assert client.event("/chat") == [
            "pubblication",
            {"text": "grüße ☃", "n": [1, None]},
        ]
    assert outsider.call("/chat", "heard") == [["news"]]


def test_messages_come_in_order(live: Live, kind: str) -> None:
    client = connect(live, kind)
    speaker = connect(live)
    subscribe(client, "news")
    for number in range(50):
        speaker.emit("/chat", "say", "news", number)
    heard = [client.event("/chat") for _ in range(50)]
    assert heard == [["pubblication", number] for number in range(50)]


def test_subscribing_twice_delivers_once(live: Live) -> None:
    client = connect(live)
    assert [subscribe(client, "room", "1") for _ in range(2)] == ["room-1"] * 2
    client.call("/chat", "say", "room-1", "hello")
    assert client.event("/chat") == ["pubblication", "hello"]
    assert client.call("/chat", "heard") == [["room-1"]]


def test_several_namespaces_use_one_channel(live: Live, app: App) -> None:
    plain, named = connect(live), connect(live, endpoint="/named")
    subscribe(plain, "room", "1")
    subscribe(named, "room", "1", endpoint="/named")
    assert len(app.channels) == 1
    plain.call("/chat", "say", "room-1", "hello")
    assert plain.event("/chat") == ["pubblication", "hello"]
    assert named.event("/named") == ["pubblication", "hello", "room-1"]


def test_a_message_does_not_run_within_a_request(live: Live) -> None:
    contexts: list[str] = []

    def default(item: Any) -> str:
        try:
            contexts.append(tg.request.path)
        except TypeError:
            contexts.append("no request")
        return json.dumps(item)

    client = connect(live)
    subscribe(client, "news")
    live.socket(client).json_dumps = default
    connect(live).call("/chat", "say", "news", "hello")
    assert client.event("/chat") == ["pubblication", "hello"]
    assert contexts == ["no request"]


# Leaving


@pytest.mark.parametrize("name", ["room-1", "room"])
def test_a_client_unsubscribes(live: Live, app: App, name: str, kind: str) -> None:
    client = connect(live, kind)
    subscribe(client, "room", "1")
    subscribe(client, "news")
    assert client.call("/chat", "unsubscribe", name) == [True]
    assert client.call("/chat", "heard") == [["news"]]
    assert client.call("/chat", "left") == [["room-1"]]
    client.call("/chat", "say", "room-1", "unheard")
    client.call("/chat", "say", "news", "heard")
    assert client.event("/chat") == ["pubblication", "heard"]
    assert len(app.channels) == 1
    assert client.call("/chat", "unsubscribe", name) == [False]


@pytest.mark.parametrize("args", [[], [5], [None], [["news"]], ["unheard of"]])
def test_what_is_not_heard_cannot_be_unsubscribed(live: Live, args: list[Any]) -> None:
    client = connect(live)
    subscribe(client, "news")
    assert client.call("/chat", "unsubscribe", *args) == [False]
    assert client.call("/chat", "heard") == [["news"]]


def test_the_server_unsubscribes(live: Live) -> None:
    client = connect(live)
    subscribe(client, "news")
    client.call("/chat", "drop", "news")
    client.call("/chat", "drop", "news")
    assert client.call("/chat", "heard") == [[]]
    assert client.call("/chat", "left") == [["news"]]


def test_who_disconnects_leaves(
    live: Live, app: App, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[str] = []
    monkeypatch.setattr(Rooms, "leave_room", lambda self, name: left.append(name))
    client = connect(live, kind)
    for number in "12":
        subscribe(client, "room", number)
    client.close()
    wait_for(lambda: len(left) == 2, "both are left")
    assert sorted(left) == ["room-1", "room-2"]
    assert len(app.channels) == 0


def test_leaving_goes_on_after_a_method_that_raised(
    live: Live, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave(self: Any, channel: str) -> None:
        raise RuntimeError("cannot leave")

    monkeypatch.setattr(Rooms, "leave_room", leave)
    client = connect(live)
    for number in "123":
        subscribe(client, "room", number)
    client.close()
    wait_for(lambda: not live.server.sockets, "it has left")
    assert len(app.channels) == 0


def test_who_leaves_the_namespace_hears_nothing(live: Live, app: App) -> None:
    client = connect(live)
    client.join("/named")
    subscribe(client, "news")
    client.leave("/chat")
    client.call("/named", "say", "news", "unheard")
    assert client.call("/named", "heard") == [[]]
    assert len(app.channels) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_left_leaves_nothing_of_what_came_later(
    live: Live, app: App, kind: str
) -> None:
    client = connect(live, kind)
    client.join("/named")
    subscribe(client, "news")
    left = live.socket(client).active_ns["/chat"]
    assert isinstance(left, Rooms)
    listener = left._listener()
    client.leave("/chat")
    client.join("/chat")
    left._subscribe("news", "news")
    assert left.channels == []
    assert len(app.channels) == 0
    subscribe(client, "news")
    app.channels.unsubscribe("news", listener)
    client.emit("/named", "say", "news", "heard")
    assert client.event("/chat") == ["pubblication", "heard"]


def test_who_publishes_when_it_leaves_does_not_hear_it(live: Live) -> None:
    client, other = connect(live), connect(live)
    for each in (client, other):
        each.join("/named")
        subscribe(each, "news")
    left: Any = live.socket(client).active_ns["/chat"]
    left.recv_disconnect = lambda: left.publish("news", "left")
    client.leave("/chat")
    assert other.event("/chat") == ["pubblication", "left"]
    # Nothing was sent to it before this.
    assert client.call("/named", "heard") == [[]]
    assert left.left == ["news"]


# Publishing from elsewhere


def test_a_page_publishes(live: Live) -> None:
    client = connect(live)
    subscribe(client, "news")
    assert live.http().get("/announce?text=hello").text == "announced"
    assert client.event("/chat") == ["pubblication", "hello"]


def test_a_greenlet_of_the_application_publishes(live: Live, app: App) -> None:
    client = connect(live)
    subscribe(client, "news")
    gevent.spawn(publish, "news", "hello", app.config).get(timeout=DEADLINE)
    assert client.event("/chat") == ["pubblication", "hello"]


def test_dates_travel_as_in_pages(live: Live, app: App) -> None:
    import datetime

    client = connect(live)
    subscribe(client, "news")
    publish("news", datetime.date(2030, 1, 2), app.config)
    assert client.event("/chat") == ["pubblication", "2030-01-02"]


@pytest.fixture
def _no_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends_module, "_shared", {})


@pytest.mark.usefixtures("_no_shared")
def test_without_an_application_memory_reaches_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    publish("news", "hello", {})
    assert "reaches this process alone" in caplog.text
    assert len(backends_module._shared) == 1
    publish("news", "hello", {"anypubsub.backend": "memory"})
    assert len(backends_module._shared) == 1


def test_without_an_application_nor_settings_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tgext.socketio.pubsub.config", {})
    with pytest.raises(LookupError, match="give publish the configuration"):
        publish("news", "hello")


def test_what_is_no_json_is_refused(app: App) -> None:
    with pytest.raises(TypeError):
        publish("news", object(), app.config)


# The backend


def test_a_broker_that_is_away_is_told_and_leaves_nothing(
    serve: Callable[..., Live], caplog: pytest.LogCaptureFixture
) -> None:
    options = {"anypubsub.backend": "redis", "anypubsub.port": str(free_port())}
    app = App(**options)
    client = connect(serve(application=app.wsgi, resource="socketio"))
    for _ in range(2):
        client.emit("/chat", "subscribe", "news")
        failed = ["error", "internal_error", "Internal server error"]
        assert client.event("/chat") == failed
    assert client.call("/chat", "heard") == [[]]
    assert "anypubsub.host: Redis at localhost" in caplog.text
    assert len(app.channels) == 0


def test_the_backend_is_kept_where_it_always_was(live: Live, app: App) -> None:
    subscribe(connect(live), "news")
    backend = app.config["tg.app_globals"].anypubsub
    assert type(backend).__module__ == "anypubsub.backends.memory"
    assert app.channels.backend is backend


def test_an_application_may_bring_its_own_backend(live: Live, app: App) -> None:
    from anypubsub.backends.memory import MemoryPubSub

    own = app.config["tg.app_globals"].anypubsub = MemoryPubSub()
    client = connect(live)
    subscribe(client, "news")
    own.publish("news", '"hello"')
    assert client.event("/chat") == ["pubblication", "hello"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"anypubsub.backend": "carrier pigeons"},
            r"anypubsub\.backend: there is no backend 'carrier pigeons'",
        ),
        ({"anypubsub.host": "localhost"}, r"backend memory: .*'host'"),
    ],
)
def test_a_wrong_option_is_named_and_leaves_nothing_locked(
    options: dict[str, Any], message: str
) -> None:
    app = App(**options)
    for _ in range(2):
        with gevent.Timeout(DEADLINE), pytest.raises(BackendOptionError, match=message):
            publish("news", "hello", app.config)
    del app.config[next(iter(options))]
    with gevent.Timeout(DEADLINE):
        publish("news", "hello", app.config)


@pytest.mark.parametrize("name", ["redis", "amqp"])
def test_a_backend_whose_library_is_missing_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"tgext.socketio.backends.{name}", raising=False)
    monkeypatch.delitem(sys.modules, "tgext.socketio.backends.redis_listener", False)
    message = rf"anypubsub\.backend: {name} needs a library .*pip install .*\[{name}\]"
    with pytest.raises(BackendOptionError, match=message):
        backends_module.create_backend({"anypubsub.backend": name})


def test_a_backend_is_made_once(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    go_on = Event()

    def create(settings: Any) -> Any:
        made.append(settings)
        go_on.wait(DEADLINE)
        return object()

    monkeypatch.setattr(backends_module, "create_backend", create)
    jobs = [gevent.spawn(backends_module.backend_of, app.config) for _ in range(3)]
    wait_for(lambda: made, "one makes it")
    go_on.set()
    gevent.joinall(jobs, timeout=DEADLINE)
    assert len({id(job.value) for job in jobs}) == len(made) == 1


#: What somebody may publish who does not use this package.
RAW_MESSAGES: dict[str, Any] = {
    "nothing": "",
    "text": "hello",
    "bytes that are no text": b"\xff\xfe",
    "a number": 5,
    "None": None,
    "not a number": "NaN",
    "infinity": "[-Infinity]",
    "a number too long to read": "9" * 5000,
    "deep": "[" * 100_000,
    "deep to the end": "[" * 100_000 + "]" * 100_000,
    "deep objects": '{"a":' * 50_000 + "1" + "}" * 50_000,
    "a control character": '"\x00"',
    "half a surrogate pair": b'"\xed\xa0\x80"',
    "an escaped half of a surrogate pair": '"\\ud800"',
    "an escaped NUL": '"\\u0000"',
    "line separators": '"\u2028\\u2029"',
    "a number past 64 bits": str(2**70),
    "a number past all": "1e999",
    "a placeholder": '{"_placeholder":true,"num":0}',
    "a key twice": '{"a":1,"a":2}',
    "nested": "[" * 200 + "]" * 200,
    "what ends a frame of 0.9": '"\ufffd5\ufffd5:::x"',
}


def test_whatever_is_published_nobody_is_disconnected(live: Live, app: App) -> None:
    clients = [connect(live, kind) for kind in KINDS]
    for client in clients:
        assert subscribe(client, "news") == "news"
    for raw in RAW_MESSAGES.values():
        app.channels.backend.publish("news", raw)
    app.channels.publish("news", "end")
    for client in clients:
        heard = []
        while not heard or heard[-1] != ["pubblication", "end"]:
            heard.append(client.event("/chat"))
        # It is JSON, or it is skipped.
        assert 5 < len(heard) < len(RAW_MESSAGES)
        assert client.call("/chat", "heard", number=9) == [["news"]]
