"""Requirements, validators and transactions while a client is being admitted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import tg
import transaction
from sqlalchemy import create_engine
from tg import MinimalApplicationConfigurator, TGController, predicates, require
from tg.appwrappers.transaction_manager import TransactionApplicationWrapper
from tg.decorators import validate
from tg.validation import TGValidationError
from transaction.interfaces import TransientError
from webob.exc import HTTPGone

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tests.engine.sample_namespaces import Chat
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.engine.hub.rooms import Rooms
from tgext.socketio.messaging.channels import channels_of
from tgext.socketio.pubsub import PubSubTGNamespace


class Number:
    """Accepts only numbers."""

    def to_python(self, value: Any, state: Any = None) -> int:
        if value is None:
            raise TGValidationError("Which number?")
        return int(value)


class Open(Chat, SocketIOTGNamespace):
    """Broadcasts everything to its clients."""

    def recv_disconnect(self) -> None:
        raise AssertionError


class Required(Open):
    @require(predicates.not_anonymous("Members only"))
    def recv_connect(self) -> None:
        raise AssertionError


class AllowOnly(Open):
    allow_only = predicates.not_anonymous("Members only")


class Listed(Open):
    def get_initial_acl(self) -> set[str]:
        return {"on_echo"}


class Validated(Open):
    @validate({"number": Number()})
    def recv_connect(self, number: Any = None) -> None:
        raise AssertionError


class Explained(Open):
    def explain(self, number: Any = None) -> None:
        self.emit("explained")

    @validate({"number": Number()}, error_handler=explain)
    def recv_connect(self, number: Any = None) -> None:
        raise AssertionError


class Aborted(Open):
    def recv_connect(self) -> None:
        self.emit("welcome")
        tg.abort(403, "Not today")


class Redirected(Open):
    def recv_connect(self) -> None:
        self.emit("welcome")
        tg.redirect("/login", params={"came_from": "/chat"})


class Gone(Open):
    def recv_connect(self) -> None:
        raise HTTPGone("No more")


class WithoutDatabase(Open):
    def recv_connect(self) -> None:
        self.emit("welcome")
        create_engine("sqlite:////nowhere/at/all/database").connect()


class Broken(Open):
    def recv_connect(self) -> None:
        self.emit_on_commit("welcome")
        raise KeyError("user")


def forgiving(cls: Any) -> Any:
    """A subclass that catches the exceptions of its handlers and of its steps."""

    class Forgiving(cls):  # type: ignore[misc]
        def exception_handler_decorator(
            self, function: Callable[..., Any]
        ) -> Callable[..., Any]:
            def decorated(*args: Any, **kwargs: Any) -> Any:
                try:
                    return function(*args, **kwargs)
                except Exception:
                    return None

            return decorated

        def call_method_with_acl(self, *args: Any) -> Any:
            try:
                return super().call_method_with_acl(*args)
            except Exception:
                return None

        def process_packet(self, packet: Any) -> Any:
            try:
                return super().process_packet(packet)
            except Exception:
                return None

    return Forgiving


class Manager:
    """A data manager that does not commit."""

    transaction_manager = None

    def abort(self, current: Any) -> None: ...

    def tpc_begin(self, current: Any) -> None: ...

    def commit(self, current: Any) -> None: ...

    def tpc_vote(self, current: Any) -> None:
        raise RuntimeError("serialization failure")

    def tpc_finish(self, current: Any) -> None: ...

    def tpc_abort(self, current: Any) -> None: ...

    def sortKey(self) -> str:
        return "manager"


class Uncommitted(Open):
    def recv_connect(self) -> None:
        self.emit("welcome")
        self.join("staff")
        self.emit_on_commit("welcome")
        transaction.get().join(Manager())


class Doomed(Open):
    def recv_connect(self) -> None:
        self.emit("welcome")
        transaction.doom()


class DoomedAtFirst(Open):
    def initialize(self) -> None:
        transaction.doom()


class Vetoed(Open):
    def recv_connect(self) -> None:
        self.join("staff")
        tg.response.status = "500 Not so"


def veto(environ: Any, status: str, headers: Any) -> bool:
    return status.startswith("500")


class Retried(Chat, PubSubTGNamespace):
    """Is admitted at the third attempt."""

    attempts = 0

    def subscribe_news(self) -> None: ...

    def recv_connect(self) -> None:
        type(self).attempts += 1
        name = f"attempt {self.attempts}"
        self.emit(name)
        self.join(name)
        self.emit_on_commit(f"committed {name}")
        news = {"type": "event", "name": "subscribe", "args": ["news"]}
        self.process_event({**news, "endpoint": self.ns_name})  # type: ignore[typeddict-item]
        self.publish("news", name)
        if self.attempts < 3:
            raise TransientError

    def recv_disconnect(self) -> None:
        self.disconnect(silent=True)


class Subscribing(PubSubTGNamespace):
    """Subscribes to a channel while it is being admitted, and is refused."""

    def subscribe_news(self) -> None: ...

    def recv_connect(self) -> None:
        news = {"type": "event", "name": "subscribe", "args": ["news"]}
        self.process_event({**news, "endpoint": self.ns_name})  # type: ignore[typeddict-item]
        assert self.channels == ["news"]
        self.publish("news", "secret")
        tg.abort(403, "No news")


class SocketIO(SocketIOController):
    redirected, gone, without_database = Redirected, Gone, WithoutDatabase
    redirected_and_caught = forgiving(Redirected)
    required, allowonly, listed = Required, AllowOnly, Listed
    validated, explained = Validated, Explained
    aborted, broken, uncommitted = Aborted, Broken, Uncommitted
    doomed, doomedatfirst, vetoed = Doomed, DoomedAtFirst, Vetoed
    retried, subscribing = Retried, Subscribing
    required_and_caught, listed_and_caught = forgiving(Required), forgiving(Listed)
    validated_and_caught = forgiving(Validated)
    explained_and_caught = forgiving(Explained)
    aborted_and_caught, broken_and_caught = forgiving(Aborted), forgiving(Broken)
    chat = Chat


@pytest.fixture
def live(serve: Callable[..., Live], monkeypatch: pytest.MonkeyPatch) -> Live:
    monkeypatch.setattr(Retried, "attempts", 0)

    class RootController(TGController):
        socketio = SocketIO()

    configurator = MinimalApplicationConfigurator()
    configurator.register_application_wrapper(TransactionApplicationWrapper)
    options = {"tm.enabled": True, "tm.attempts": 3, "tm.commit_veto": veto}
    configurator.update_blueprint({"root_controller": RootController(), **options})
    application = configurator.make_wsgi_app({}, {})
    return serve(application=application, resource="socketio")


DENIED = 'You do not have access to method "recv_connect"'


def rooms_of(live: Live) -> Rooms:
    """The rooms of the controller; the first are those of the server."""
    _, rooms = live.server.hub.all_rooms
    return rooms


@pytest.mark.parametrize(
    ("endpoint", "told"),
    [
        ("/required", "Members only"),
        ("/allowonly", "Members only"),
        ("/listed", DENIED),
        ("/validated", "Which number?"),
        ("/explained", "Connection refused"),
        ("/aborted", "Not today"),
        ("/redirected", "{'redirect': '/login?came_from=%2Fchat'}"),
        ("/redirected_and_caught", "{'redirect': '/login?came_from=%2Fchat'}"),
        ("/gone", "No more"),
        ("/without_database", "Internal server error"),
        ("/broken", "Internal server error"),
        ("/uncommitted", "Internal server error"),
        ("/doomed", "Connection refused"),
        ("/doomedatfirst", "Connection refused"),
        ("/vetoed", "Connection refused"),
        ("/required_and_caught", "Members only"),
        ("/listed_and_caught", DENIED),
        ("/validated_and_caught", "Which number?"),
        ("/explained_and_caught", "Connection refused"),
        ("/aborted_and_caught", "Not today"),
        ("/broken_and_caught", "Internal server error"),
    ],
)
def test_clients_that_are_not_allowed_are_refused(
    live: Live, kind: str, endpoint: str, told: str
) -> None:
    client = live.client(kind)
    client.join("/chat")
    client.send(client.dialect.connect(endpoint))
    packet = client.read()
    assert (packet["type"], packet["endpoint"]) == ("refused", endpoint)
    if not kind.startswith("0.9"):  # 0.9 has only three reasons
        assert told in str(packet["data"])
    socket = live.socket(client)
    assert endpoint not in socket
    rooms = rooms_of(live)
    assert rooms.members(endpoint) == []
    rooms.broadcast(
        {"type": "event", "endpoint": endpoint, "name": "secret", "args": ["salary"]}
    )
    assert client.call("/chat", "echo", 1) == [1]
    client.emit(endpoint, "echo", 1)
    assert client.event(endpoint)[:2] == ["error", "no_such_namespace"]


def test_who_comes_in_at_the_third_attempt_sees_that_one(live: Live, kind: str) -> None:
    client = live.client(kind)
    client.join("/retried")
    assert client.event("/retried") == ["attempt 3"]
    assert client.event("/retried") == ["committed attempt 3"]
    socket = live.socket(client)
    rooms = rooms_of(live).rooms_of("/retried", socket)
    assert set(rooms) == {None, "attempt 3"}
    namespace: Any = socket["/retried"]
    assert namespace.channels == ["news"]
    namespace.publish("news", "for those who are in")
    messages = []
    while messages[-1:] != [["pubblication", "for those who are in"]]:
        messages.append(client.event("/retried"))


def test_nothing_is_heard_of_a_channel_on_the_way_in(live: Live, kind: str) -> None:
    client = live.client(kind)
    client.join("/chat")
    client.send(client.dialect.connect("/subscribing"))
    assert client.read()["type"] == "refused"
    assert client.call("/chat", "echo", 1) == [1]
    config = live.socket(client).runner.config  # type: ignore[attr-defined]
    wait_for(lambda: len(channels_of(config)) == 0, "nobody hears it")
