"""Applications name what they have as they like: our names give way to theirs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest
from tg import MinimalApplicationConfigurator, TGController
from tg.predicates import Predicate

from tests.engine.clients import Client
from tests.engine.conftest import Live
from tests.engine.connections import wait_for
from tests.engine.sample_namespaces import Chat
from tgext.socketio import SocketIOController
from tgext.socketio.engine.mixins import BroadcastMixin, RoomsMixin
from tgext.socketio.engine.namespaces.names import API
from tgext.socketio.presence import PresenceMixin
from tgext.socketio.pubsub import PubSubTGNamespace

#: Names that tgext.socketio 0.0.3 had.
ORIGINAL = {"allow_only", "on_subscribe", "publish", "pubsub"}

#: Names that an application had used because they are common, or were ours once.
OTHERS = ["_send", "_leave", "_call", "_handler", "_rooms", "name", "state"]


class Invited(Predicate):
    message = "Who are you?"

    def evaluate(self, environ: Any, credentials: Any) -> None:
        if "HTTP_X_INVITED" not in environ:
            self.unmet()


class Room(Chat, PubSubTGNamespace, PresenceMixin):
    """Uses everything that a namespace can do."""

    allow_only = Invited()
    left: list[Any]

    def on_ask(self) -> None:
        self.emit("question", callback=self.answered)

    def answered(self, answer: Any) -> None:
        self.emit("answered", answer)

    def subscribe_news(self) -> None: ...

    def leave_news(self) -> None:
        self.left.append("news")

    def on_tell(self, text: str) -> None:
        self.publish("news", text)

    def on_use(self, name: str) -> Any:
        value = getattr(self, name)
        return value(1) if callable(value) else value

    def on_quit(self) -> None:
        self.disconnect()

    def recv_disconnect(self) -> None:
        self.left.append("recv_disconnect")
        self.disconnect(silent=True)


def as_method(self: Any, *args: Any) -> Any:
    return ["called", *args]


def on_the_class(name: str, value: Any) -> type[Room]:
    return type("Used", (Room,), {name: value})


def on_a_mixin(name: str, value: Any) -> type[Room]:
    """A mixin that comes after our classes."""
    mixin = type("Mixin", (), {name: value})
    return type("Used", (Room, mixin), {})


def on_the_instance(name: str, value: Any) -> type[Room]:
    def initialize(self: Any) -> None:
        setattr(self, name, value)

    return type("Used", (Room,), {"initialize": initialize})


def before_ours(name: str, value: Any) -> type[Room]:
    """Set in ``__init__``, before that of our classes."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        setattr(self, name, value)
        Room.__init__(self, *args, **kwargs)

    return type("Used", (Room,), {"__init__": __init__})


USES: dict[str, tuple[Callable[..., type[Room]], Any, Any]] = {
    "attribute of the class": (on_the_class, {"theirs": 1}, {"theirs": 1}),
    "method": (on_the_class, as_method, ["called", 1]),
    "attribute of a mixin": (on_a_mixin, "theirs", "theirs"),
    "method of a mixin": (on_a_mixin, as_method, ["called", 1]),
    "property": (on_the_class, property(lambda self: "theirs"), "theirs"),
    "attribute": (on_the_instance, ["theirs"], ["theirs"]),
    "attribute, set first": (before_ours, "theirs", "theirs"),
    "nothing": (on_the_instance, None, None),
}


def application(namespace: type[Room], /, **attributes: Any) -> Any:
    """An application with a namespace.

    :param attributes: those of its controller.
    """

    class SocketIO(SocketIOController):
        room = namespace

    for each, value in attributes.items():
        setattr(SocketIO, each, value)

    class Root(TGController):
        socketio = SocketIO()

    class Globals: ...

    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": Root(), "app_globals": Globals})
    return configurator.make_wsgi_app({}, {})


def expect_all_of(live: Live, name: str, found: Any, namespace: Any) -> None:
    """Expect that everything works, and that the application finds its own."""
    stranger = live.websocket_5()
    stranger.send(stranger.dialect.connect("/room"))
    assert stranger.read()["data"] == {"message": "Who are you?"}
    client, other = [live.websocket_5(headers={"X-Invited": "1"}) for _ in "ab"]
    for each in (client, other):
        each.join("/room")
        assert each.call("/room", "join", "A") == [None]
    if name != "on_unsubscribe":
        assert client.call("/room", "use", name) == [found]
    client.emit("/room", "ask")
    client.ack("/room", client.read()["id"], "fine")
    assert client.event("/room") == ["answered", "fine"]
    expect_others_to_hear(client, other)
    client.emit("/room", "quit")
    assert client.read() == {"type": "disconnect", "endpoint": "/room"}
    wait_for(lambda: len(namespace.left) == 2, "both have been called")
    assert sorted(namespace.left) == ["news", "recv_disconnect"]


def expect_others_to_hear(client: Client, other: Client) -> None:
    client.emit("/room", "say", "A", 1)
    assert other.event("/room") == ["said", 1]
    client.emit("/room", "shout", 2)
    for each in (client, other):
        assert each.event("/room") == ["shouted", 2]
    assert client.call("/room", "subscribe", "news") == ["news"]
    other.emit("/room", "tell", "hello")
    assert client.event("/room") == ["pubblication", "hello"]


@pytest.mark.parametrize("use", list(USES))
@pytest.mark.parametrize("name", [*API, *OTHERS])
def test_an_application_uses_a_name_of_ours(
    serve: Callable[..., Live], name: str, use: str
) -> None:
    make, value, found = USES[use]
    namespace: Any = make(name, value)
    namespace.left = []
    live = serve(application=application(namespace), resource="socketio")
    expect_all_of(live, name, found, namespace)


#: What a controller had of ours without the prefix, and names that a page may have.
OF_CONTROLLERS = ["_application", "_remember", "_servers", "namespace", "auth", "user"]


@pytest.mark.parametrize(
    "value", [as_method, {"theirs": 1}, None], ids=["method", "dict", "None"]
)
@pytest.mark.parametrize("name", OF_CONTROLLERS)
def test_a_controller_uses_a_name_of_ours(
    serve: Callable[..., Live], name: str, value: Any
) -> None:
    namespace = on_the_class("theirs", 1)
    namespace.left = []
    mounted = application(namespace, **{name: value})
    live = serve(application=mounted, resource="socketio")
    expect_all_of(live, "theirs", 1, namespace)


def test_a_controller_has_nothing_else_of_ours() -> None:
    ours = {*dir(SocketIOController())} - {*dir(TGController()), "__annotations__"}
    named = {each for each in ours if not each.startswith("_tgsio_")}
    assert named == {"allow_only", "namespace", "_default"}


def test_the_hook_of_a_mixin_decides() -> None:
    """A mixin after our classes may refuse clients: it must not be hidden."""

    class Deciding:
        def authorize_connect(self) -> None: ...

    class Own(PubSubTGNamespace, Deciding): ...

    class Derived(Own): ...

    for cls in (Own, Derived):
        assert cls.authorize_connect is Deciding.authorize_connect


def test_all_names_of_ours_are_known() -> None:
    """A name that gevent-socketio does not have is in the list, or has the prefix."""
    theirs = pytest.importorskip("socketio.namespace", reason="gevent-socketio")
    mixins = pytest.importorskip("socketio.mixins")
    known = {*dir(mixins.RoomsMixin), *dir(mixins.BroadcastMixin)}
    known |= {*dir(theirs.BaseNamespace), *ORIGINAL, "__annotations__"}
    known |= set(re.findall(r"self\.(\w+) =", inspect.getsource(theirs.BaseNamespace)))
    mixed = (RoomsMixin, BroadcastMixin, PresenceMixin)
    ours = {name for each in (PubSubTGNamespace, *mixed) for name in dir(each)}
    assert {each for each in ours - known if not each.startswith("_tgsio_")} == {*API}
