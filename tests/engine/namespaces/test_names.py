"""Names of this package that give way; all uses: tests/turbogears/test_own_names.py."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine.mixins import RoomsMixin
from tgext.socketio.engine.namespaces.base import BaseNamespace

from ..conftest import Serve
from ..sample_namespaces import Echo, RoomEvents

AUTH = '{"token":"sesame"}'


class Accounts:
    def auth(self, user: str) -> str:
        return f"auth of {user}"


class ByMixin(Echo, Accounts):
    def on_auth(self) -> Any:
        return self.auth("ann")


class Derived(ByMixin): ...


class ByItself(Accounts, Echo):
    def on_auth(self) -> Any:
        return self.auth("ann")


class Assigned(Echo):
    def recv_connect(self) -> None:
        self.auth = "auth of ann"

    def on_auth(self) -> Any:
        return self.auth


@pytest.mark.parametrize("cls", [ByMixin, Derived, ByItself, Assigned])
def test_the_name_of_an_application_wins(
    serve: Serve, kind: str, cls: type[BaseNamespace]
) -> None:
    client = serve({"/chat": cls}).client(kind)
    client.join("/chat")
    assert client.call("/chat", "auth") == ["auth of ann"]


def test_a_name_that_is_not_used_is_ours(serve: Serve) -> None:
    class Known(Echo):
        def on_known(self) -> Any:
            return self.auth, self.disconnect_reason

    client = serve({"/chat": Known}).client()
    client.send(f"40/chat,{AUTH}")
    assert client.read()["type"] == "connect"
    assert client.call("/chat", "known") == [{"token": "sesame"}, None]


@pytest.mark.parametrize("value", [None, "theirs", {"user": 1}])
def test_what_is_no_method_does_not_decide(serve: Serve, kind: str, value: Any) -> None:
    namespace: Any = type("Own", (Echo,), {"authorize_connect": value})
    client = serve({"/chat": namespace}).client(kind)
    client.join("/chat")
    assert client.call("/chat", "echo", 1) == [1]


class Identified(RoomEvents, RoomsMixin, Echo):
    def recv_connect(self) -> None:
        self.join("hall")
        self.emit("known", self.id, list(self.rooms))

    def on_known(self) -> Any:
        return self.id, self.socket.sessid

    def on_rooms(self) -> Any:
        return [type(self.rooms).__name__, *sorted(map(repr, self.rooms))]


def test_each_client_has_a_public_id_in_each_namespace(serve: Serve, kind: str) -> None:
    live = serve({"/chat": Identified, "/game": Identified})
    ids = set()
    for client in (live.client(kind), live.client(kind)):
        for endpoint in ("/chat", "/game"):
            client.send(client.dialect.connect(endpoint))
            told = client.read()
            assert told["type"] == "connect"
            name, sid, rooms = client.event(endpoint)
            assert (name, rooms) == ("known", ["hall"])
            assert client.call(endpoint, "known") == [sid, live.socket(client).sessid]
            # Clients of older generations are not told.
            assert told.get("data") == ({"sid": sid} if kind.startswith("4") else None)
            ids.add(sid)
    assert len(ids) == 4


def test_a_namespace_lists_the_rooms_of_its_client(serve: Serve, kind: str) -> None:
    client = serve({"/chat": Identified, "/game": Identified}).client(kind)
    for endpoint in ("/chat", "/game"):
        client.join(endpoint)
        client.event(endpoint)
    for room in ("7", 7):
        client.call("/chat", "join", room)
    client.call("/chat", "leave", "hall")
    assert client.call("/chat", "rooms") == [["set", "'7'", "7"]]
    assert client.call("/game", "rooms") == [["set", "'hall'"]]


class Members:
    """A mixin of an application."""

    def on_enter(self, room: str) -> None:
        enter = lambda: self  # noqa: E731  `self` is a cell then
        self.room = room
        enter()


class Login(Members, RoomEvents, RoomsMixin, Echo):
    """Asks for what it has not set yet, as with gevent-socketio."""

    room: Any
    user: Any

    def on_login(self, name: str, id: int) -> None:
        self.user, other = name, self
        other.id = id

    def on_who(self) -> Any:
        found = [getattr(self, each, None) for each in ("user", "room")]
        return [*found, hasattr(self, "user"), callable(self.socket_by_id)]


class Later(Login):
    """Inherits what it does not define."""


@pytest.mark.parametrize("cls", [Login, Later])
def test_what_an_application_assigns_is_missing_before(
    serve: Serve, cls: type[BaseNamespace]
) -> None:
    client = serve({"/chat": cls}).client()
    client.join("/chat")
    assert client.call("/chat", "who") == [[None, None, False, True]]
    client.call("/chat", "login", "ann", 5)
    client.call("/chat", "enter", "lobby")
    assert client.call("/chat", "who") == [["ann", "lobby", True, True]]


def test_what_an_application_assigns_elsewhere_is_ours(serve: Serve) -> None:
    class Other(Echo):
        def on_set(self) -> Any:
            message = type("Message", (), {})()
            message.user, message.id = "ann", 1
            self.message = message
            return callable(self.user), len(self.id)

    client = serve({"/chat": Other}).client()
    client.join("/chat")
    assert client.call("/chat", "set") == [True, 20]
    with pytest.raises(AttributeError, match="'Login' object has no attribute 'user'"):
        Login.user.__get__(object(), Login)
