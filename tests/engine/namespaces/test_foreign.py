"""Namespaces that subclass gevent-socketio's own classes."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import gevent
import pytest
from gevent.event import Event

from tgext.socketio.engine.namespaces.base import BaseNamespace, ConnectionRefused
from tgext.socketio.engine.namespaces.events import event
from tgext.socketio.engine.namespaces.foreign import adapt, is_foreign
from tgext.socketio.wire.socketio.packet import event_packet

from ..clients import DEADLINE, KINDS, wait_for
from ..conftest import Serve
from ..sample_namespaces import Echo, RoomEvents

foreign = pytest.importorskip("socketio.namespace", reason="gevent-socketio")
mixins = pytest.importorskip("socketio.mixins", reason="gevent-socketio")

calls: list[Any] = []


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    calls.clear()


class Plain(foreign.BaseNamespace):  # type: ignore[misc, name-defined]
    """A namespace as applications of gevent-socketio have it."""

    def initialize(self) -> None:
        calls.append("initialize")
        self.session["greeting"] = "hello"

    def recv_connect(self) -> None:
        calls.append("recv_connect")
        self.emit("welcome", self.session["greeting"], self.ns_name)

    def recv_disconnect(self) -> None:
        calls.append("recv_disconnect")
        self.disconnect(silent=True)

    def on_echo(self, *args: Any) -> Any:
        return args

    def on_pair(self, first: Any, second: Any = "default") -> Any:
        return first, second

    def on_whole(self, packet: Any) -> Any:
        return packet["name"], packet["endpoint"]

    def on_fail(self) -> None:
        raise RuntimeError("the password is sesame")

    def on_ask(self) -> Any:
        return self.call("question", timeout=DEADLINE / 2)

    def on_wait(self) -> None:
        calls.append(self.spawn(gevent.sleep, DEADLINE))

    def helper(self) -> None:
        """No event."""


class Chat(RoomEvents, Plain, mixins.RoomsMixin, mixins.BroadcastMixin):  # type: ignore[misc, name-defined]
    pass


class Unseen(foreign.BaseNamespace):  # type: ignore[misc, name-defined]
    """No client comes."""


def test_only_classes_of_gevent_socketio_are_foreign() -> None:
    for base in (foreign.BaseNamespace, Unseen):
        assert is_foreign(base)
        assert is_foreign(type("Derived", (base, mixins.RoomsMixin), {}))
    for each in (BaseNamespace, Echo, object, Plain.__new__, "Plain", None):
        assert not is_foreign(each)


def test_a_class_of_that_name_elsewhere_is_not_foreign() -> None:
    """python-socketio has the package too."""
    namespace = type("Namespace", (), {"__module__": "socketio.namespace"})
    base = type("BaseNamespace", (), {"__module__": "socketio.base_namespace"})
    for each in (namespace, base):
        assert not is_foreign(type("Derived", (each,), {}))


def test_a_class_is_adapted_in_place_and_once() -> None:
    class Once(Plain):
        pass

    assert adapt(Once) is Once
    bases = Once.__bases__, Plain.__bases__
    assert adapt(Once) is Once
    assert (Once.__bases__, Plain.__bases__) == bases
    assert issubclass(Once, BaseNamespace)
    assert issubclass(Once, foreign.BaseNamespace)
    assert not is_foreign(Once)
    assert is_foreign(foreign.BaseNamespace)


def test_subclasses_of_an_adapted_class_have_handlers_of_their_own(
    serve: Serve,
) -> None:
    class Base(foreign.BaseNamespace):  # type: ignore[misc, name-defined]
        def on_who(self) -> str:
            return "base"

    class Before(Base):
        def on_who(self, packet: Any) -> str:
            return f"before {packet['name']}"

    client = serve({"/base": Base, "/before": Before}).client()
    client.join("/base")
    assert client.call("/base", "who") == ["base"]
    client.join("/before")
    assert client.call("/before", "who", number=2) == ["before who"]


def test_a_foreign_namespace_has_the_names_of_its_mixins(serve: Serve) -> None:
    class Accounts:
        def auth(self, user: str) -> str:
            return f"auth of {user}"

    class Own(Plain, Accounts):
        disconnect_reason = "theirs"

        def on_auth(self, user: str) -> Any:
            return self.auth(user), self.disconnect_reason

    client = serve({"/chat": Own}).client()
    client.join("/chat")
    client.event("/chat")
    assert client.call("/chat", "auth", "ann") == ["auth of ann", "theirs"]


def test_a_foreign_namespace_has_events_of_any_name(serve: Serve) -> None:
    class Quiet(Plain):
        unallowed_event_name_error = False

        @event("chat:message")
        def on_chat_message(self, text: str) -> str:
            return text

    client = serve({"/chat": Quiet}).client()
    client.join("/chat")
    client.event("/chat")
    client.emit("/chat", "chat-message")
    assert client.call("/chat", "chat:message", "hello") == ["hello"]


def test_a_mixin_alone_is_no_namespace() -> None:
    assert not is_foreign(mixins.RoomsMixin)


def test_a_foreign_namespace_serves_all_clients(serve: Serve, kind: str) -> None:
    client = serve({"/chat": Plain}).client(kind)
    client.join("/chat")
    assert client.event("/chat") == ["welcome", "hello", "/chat"]
    assert client.call("/chat", "echo", 1, {"a": [2]}) == [1, {"a": [2]}]
    assert client.call("/chat", "pair", 1, number=2) == [1, "default"]
    assert client.call("/chat", "whole", number=3) == ["whole", "/chat"]
    assert calls == ["initialize", "recv_connect"]


def test_errors_of_a_foreign_namespace_are_answered(serve: Serve, kind: str) -> None:
    client = serve({"/chat": Plain}).client(kind)
    client.join("/chat")
    client.event("/chat")
    for name, args, error in [
        ("unheard", (), "no_such_method"),
        ("helper", (), "no_such_method"),
        ("pair", (), "invalid_method_args"),
        ("pair", (1, 2, 3), "invalid_method_args"),
        ("no-name", (), "unallowed_event_name"),
        ("fail", (), "internal_error"),
    ]:
        client.emit("/chat", name, *args)
        assert client.event("/chat")[:2] == ["error", error]


def test_a_handler_of_a_foreign_namespace_may_ask_its_client(
    serve: Serve, kind: str
) -> None:
    client = serve({"/chat": Plain}).client(kind)
    client.join("/chat")
    client.event("/chat")
    client.emit("/chat", "ask", number=7)
    client.ack("/chat", client.read()["id"], "fine")
    assert client.read()["args"] == ["fine"]


@pytest.mark.parametrize("end", ["leave", "close", "kill", "disconnect"])
def test_the_end_is_told_to_a_foreign_namespace_once(
    serve: Serve, kind: str, end: str
) -> None:
    live = serve({"/chat": Plain, "/other": Echo})
    client = live.client(kind)
    client.join("/other")
    client.join("/chat")
    client.event("/chat")
    client.call("/chat", "wait")
    socket = live.socket(client)
    namespace: Any = socket["/chat"]
    if end == "leave":
        client.leave("/chat")
    elif end == "close":
        client.close()
    elif end == "kill":
        socket.kill(reason="bad manners")
    else:
        namespace.disconnect()
    wait_for(lambda: "recv_disconnect" in calls, "the end is told")
    job = calls[2]
    wait_for(lambda: job.dead, "the job ends")
    assert calls == ["initialize", "recv_connect", job, "recv_disconnect"]
    assert namespace.disconnect_reason is not None


def test_mixins_of_gevent_socketio_reach_members_and_nobody_else(
    serve: Serve,
) -> None:
    live = serve({"/chat": Chat, "/other": Chat})
    clients = [live.client(each) for each in KINDS]
    outsiders = [live.client(each) for each in KINDS]
    for endpoint, group in (("/chat", clients), ("/other", outsiders)):
        for client in group:
            client.join(endpoint)
            client.event(endpoint)
            client.call(endpoint, "join", "lobby")
    speaker = clients[0]
    speaker.call("/chat", "say", "lobby", "a")
    speaker.call("/chat", "shout_to_others", "b")
    for client in clients[1:]:
        assert client.event("/chat") == ["said", "a"]
        assert client.event("/chat") == ["shouted", "b"]
        client.call("/chat", "leave", "lobby")
        client.call("/chat", "leave", "lobby")
    speaker.call("/chat", "say", "lobby", "nobody hears it")
    speaker.emit("/chat", "shout", "c")
    for client in clients:
        assert client.event("/chat") == ["shouted", "c"]
        assert client.call("/chat", "echo", 1) == [1]
    for client in outsiders:
        assert client.call("/other", "echo", 1) == [1]
    assert live.socket(speaker).session["rooms"] == {"/chat_lobby"}


def test_foreign_and_own_namespaces_stand_side_by_side(serve: Serve) -> None:
    client = serve({"/chat": Plain, "/own": Echo}).client()
    client.join("/own")
    client.join("/chat")
    client.event("/chat")
    for endpoint in ("/own", "/chat"):
        assert client.call(endpoint, "echo", 1) == [1]


class Overriding(Plain):
    """Calls what it overrides."""

    def initialize(self) -> None:
        calls.append("own initialize")

    def get_initial_acl(self) -> Any:
        return {"recv_connect", "on_echo", "on_open"}

    def process_event(self, packet: Any) -> Any:
        calls.append(packet["name"])
        return super().process_event(packet)

    def emit(self, event: str, *args: Any, **kwargs: Any) -> None:
        super().emit(event.upper(), *args, **kwargs)

    def recv_connect(self) -> None:
        self.emit("welcome")

    def recv_disconnect(self) -> None:
        super().recv_disconnect()

    def on_open(self) -> None:
        self.add_acl_method("on_pair")


def test_what_an_application_overrides_comes_first(serve: Serve, kind: str) -> None:
    client = serve({"/chat": Overriding}).client(kind)
    client.join("/chat")
    assert client.event("/chat") == ["WELCOME"]
    assert client.call("/chat", "echo", 1) == [1]
    client.emit("/chat", "pair", 1)
    error = client.event("/chat")
    assert error[1:] == [
        "method_access_denied",
        'You do not have access to method "on_pair"',
    ]
    client.call("/chat", "open")
    assert client.call("/chat", "pair", 1, number=5) == [1, "default"]
    initialized = ["own initialize", "initialize"]
    assert calls == [*initialized, "echo", "pair", "open", "pair"]


class Watching(mixins.RoomsMixin, Plain):  # type: ignore[misc, name-defined]
    """Overrides each step, the mixin first, and initializes as old code does."""

    def __init__(self, environ: Any, ns_name: str, request: Any = None) -> None:
        foreign.BaseNamespace.__init__(self, environ, ns_name, request=request)
        self.session["rooms"] = set()

    def process_packet(self, packet: Any) -> Any:
        calls.append(packet["type"])
        return super().process_packet(packet)

    def call_method_with_acl(self, method_name: str, packet: Any, *args: Any) -> Any:
        calls.append(f"acl {method_name}")
        return super().call_method_with_acl(method_name, packet, *args)

    def call_method(self, method_name: str, packet: Any, *args: Any) -> Any:
        calls.append(method_name)
        return super().call_method(method_name, packet, *args)

    def join(self, room: str) -> None:
        super().join(room.lower())

    def disconnect(self, *args: Any, **kwargs: Any) -> None:
        calls.append("disconnect")
        super().disconnect(*args, **kwargs)

    def on_join(self, room: str) -> int:
        self.join(room)
        return len(self.socket.server.rooms.members(self.ns_name, "lobby"))


def test_what_is_overridden_can_be_called(serve: Serve, kind: str) -> None:
    client = serve({"/chat": Watching}).client(kind)
    client.join("/chat")
    assert client.event("/chat") == ["welcome", "hello", "/chat"]
    assert client.call("/chat", "join", "LOBBY") == [1]
    client.emit("/chat", "pair")
    assert client.event("/chat")[:2] == ["error", "invalid_method_args"]
    client.leave("/chat")
    wait_for(lambda: calls.count("disconnect") == 2, "the end is told")
    assert calls == [
        "initialize",
        *("connect", "acl recv_connect", "recv_connect", "recv_connect"),
        *("event", "acl on_join", "on_join"),
        *("event", "acl on_pair", "on_pair"),
        *("disconnect", "recv_disconnect", "recv_disconnect", "disconnect"),
    ]


def test_a_namespace_of_this_package_takes_mixins_of_gevent_socketio(
    serve: Serve,
) -> None:
    class Mixed(Echo, mixins.BroadcastMixin, mixins.RoomsMixin):  # type: ignore[misc, name-defined]
        def on_enter(self, room: str) -> None:
            self.join(room)

        def on_tell(self, room: str, word: str) -> None:
            self.emit_to_room(room, "told", word)

        def on_shout(self, word: str) -> None:
            self.broadcast_event("shouted", word)

    assert is_foreign(Mixed)
    live = serve({"/chat": Mixed, "/other": Echo})
    speaker, listener, outsider = (live.client() for _ in range(3))
    outsider.join("/other")
    for client in (speaker, listener):
        client.join("/chat")
        client.call("/chat", "enter", "lobby")
    speaker.call("/chat", "tell", "lobby", "a")
    speaker.emit("/chat", "shout", "b")
    assert speaker.event("/chat") == ["shouted", "b"]
    assert listener.event("/chat") == ["told", "a"]
    assert listener.event("/chat") == ["shouted", "b"]
    assert outsider.call("/other", "echo", 1) == [1]


def test_a_foreign_namespace_catches_its_errors(serve: Serve) -> None:
    class Caught(Plain):
        def exception_handler_decorator(self, function: Any) -> Any:
            def caught(*args: Any, **kwargs: Any) -> Any:
                try:
                    return function(*args, **kwargs)
                except RuntimeError as error:
                    return str(error)

            return caught

    client = serve({"/chat": Caught}).client()
    client.join("/chat")
    client.event("/chat")
    assert client.call("/chat", "fail") == ["the password is sesame"]


def test_a_foreign_namespace_refuses_a_client(serve: Serve, kind: str) -> None:
    class Refusing(Plain):
        def recv_connect(self) -> None:
            raise ConnectionRefused("No")

    live = serve({"/chat": Refusing})
    client = live.client(kind)
    client.send(client.dialect.connect("/chat"))
    assert client.read()["type"] == "refused"
    assert "/chat" not in live.socket(client)
    assert calls == ["initialize"]


def test_a_namespace_module_of_another_package_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = ModuleType("socketio.namespace")
    monkeypatch.setitem(sys.modules, "socketio.namespace", module)
    assert not is_foreign(Echo)


class Gate(Chat):
    """Starts everything that it can while it is admitted, waits, and fails."""

    entered: Event
    go_on: Event
    outcome: BaseException | None = None

    def initialize(self) -> None:
        self.session["greeting"] = "hello"
        self.join("staff")
        self.emit("early")

    def recv_connect(self) -> None:
        self.emit("welcome")
        self.spawn(gevent.sleep, DEADLINE)
        self.entered.set()
        assert self.go_on.wait(DEADLINE)
        if self.outcome is not None:
            raise self.outcome


@pytest.mark.parametrize("outcome", [None, KeyError("user"), SystemExit(1)])
def test_a_foreign_namespace_admits_or_keeps_out(
    serve: Serve, kind: str, outcome: BaseException | None
) -> None:
    attributes = {"entered": Event(), "go_on": Event(), "outcome": outcome}
    gate: Any = type("OneGate", (Gate,), attributes)
    live = serve({"/chat": gate, "/other": Echo})
    client = live.client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    assert gate.entered.wait(DEADLINE)
    rooms = live.server.rooms
    for room in (None, "staff"):
        rooms.broadcast(event_packet("/chat", "secret", []), room)
        assert rooms.members("/chat", room) == []
    gate.go_on.set()
    packet = client.read()
    socket = live.socket(client)
    if outcome is None:
        assert packet["type"] == "connect"
        assert client.event("/chat") == ["early"]
        assert client.event("/chat") == ["welcome"]
        assert client.call("/chat", "echo", 1) == [1]
        assert rooms.members("/chat", "staff") == [socket]
    else:
        assert packet["type"] == "refused"
        assert client.call("/other", "echo", 1) == [1]
        assert rooms.members("/chat", "staff") == []
        assert socket.session["rooms"] == set()
        assert "recv_disconnect" not in calls


def test_a_foreign_namespace_without_super_is_refused(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    class Orphan(Plain):
        def __init__(self, environ: Any, ns_name: str, request: Any = None) -> None:
            self.answer = 42

    client = serve({"/chat": Orphan}).client()
    client.send("40/chat,")
    assert client.read()["data"] == {"message": "Internal server error"}
    assert "Orphan.__init__ does not call super().__init__" in caplog.text
