"""Overridden ``disconnect`` and ``recv_disconnect``: once for each end of a client.

An application cleans up in ``disconnect``, as gevent-socketio's documentation has it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent.event import Event

from tgext.socketio.engine.namespaces.base import BaseNamespace, ConnectionRefused

from ...wire.strategies import FEWER
from ..clients import DEADLINE, KINDS, Client, wait_for
from ..conftest import Live, Serve
from ..sample_namespaces import Echo, fresh
from ..session.members import gone

# What an application overrides


class Listed(BaseNamespace):
    """Keeps a list of its clients in the class, and records how they are told."""

    users: list[Any]
    told: list[str]

    def recv_connect(self) -> None:
        self.users.append(self)

    def on_bye(self, *args: Any) -> None:
        self.disconnect(*args)

    def on_bye_in_job(self) -> None:
        self.spawn(self.disconnect)

    def on_kick_me(self) -> None:
        self.socket.disconnect()

    def on_kill_me(self) -> None:
        self.socket.kill()

    def on_kick(self) -> None:
        """Disconnect the client that came first."""
        self.users[0].socket.disconnect()


class CleansUp(Listed):
    def disconnect(self, *args: Any, **kwargs: Any) -> None:
        self.users.remove(self)
        self.told.append("disconnect")
        super().disconnect(*args, **kwargs)


class CleansUpLast(Listed):
    def disconnect(self, *args: Any, **kwargs: Any) -> None:
        super().disconnect(*args, **kwargs)
        self.users.remove(self)
        self.told.append("disconnect")


class CleansUpSlowly(CleansUp):
    def disconnect(self, *args: Any, **kwargs: Any) -> None:
        gevent.sleep(0.01)
        super().disconnect(*args, **kwargs)


class CleansUpAlone(Listed):
    """Does not call our method with ``super()``."""

    def disconnect(self, *args: Any, **kwargs: Any) -> None:
        self.users.remove(self)
        self.told.append("disconnect")


class CleansUpInAMixin:
    """Behind the namespace in the list of bases, its ``disconnect`` is not reached."""

    def initialize(self: Any) -> None:
        self.cleaner = self

    def disconnect(self: Any, *args: Any, **kwargs: Any) -> None:
        self.users.remove(self)
        self.told.append("disconnect")
        super().disconnect(*args, **kwargs)  # type: ignore[misc]


class Mixed(CleansUpInAMixin, Listed):
    pass


class _Told(Listed):
    def recv_disconnect(self) -> None:
        self.told.append("recv_disconnect")
        self.disconnect(silent=True)


class _ToldByDefault(Listed):
    def recv_disconnect(self) -> None:
        self.told.append("recv_disconnect")
        super().recv_disconnect()


class _ToldOnly(Listed):
    def recv_disconnect(self) -> None:
        self.told.append("recv_disconnect")


def both(told: type[Listed], cleans_up: type[Listed]) -> type[Listed]:
    return type(f"{told.__name__}{cleans_up.__name__}", (told, cleans_up), {})


CLEANING = [CleansUp, CleansUpLast, CleansUpSlowly, CleansUpAlone, Mixed]
TELLING = [_Told, _ToldByDefault, _ToldOnly]
BOTH = [both(told, cls) for told in TELLING for cls in (CleansUp, CleansUpLast)]

#: Classes, and what each of their clients' ends calls once.
OVERRIDES = {
    **{cls.__name__: (cls, ["disconnect"]) for cls in CLEANING},
    **{cls.__name__: (cls, ["disconnect", "recv_disconnect"]) for cls in BOTH},
}

# The ways of an end


def emitting(event: str, *args: Any) -> Callable[[Live, Client], object]:
    return lambda live, client: client.emit("/chat", event, *args)


def kicked_by_another(live: Live, client: Client) -> None:
    other = live.client()
    other.join("/chat")
    other.emit("/chat", "kick")
    wait_for(lambda: client.sid not in live.server.sockets, "it is kicked")
    other.close()
    wait_for(lambda: not live.server.sockets, "the other leaves")


def leave(live: Live, client: Client) -> None:
    client.leave("/chat")


def stop(live: Live, client: Client) -> None:
    live.server.stop(timeout=0.5)


def be_silent(live: Live, client: Client) -> None:
    """The heartbeat notices it."""


def while_leaving(end: Callable[[Any], object]) -> Callable[[Live, Client], None]:
    """Two greenlets end the same client."""

    def way(live: Live, client: Client) -> None:
        socket = live.socket(client)
        leaving = gevent.spawn(socket.active_ns["/chat"].disconnect)
        gevent.sleep(0)
        end(socket)
        leaving.join()

    return way


def left_while_kicked(live: Live, client: Client) -> None:
    kicking = gevent.spawn(live.socket(client).disconnect)
    gevent.sleep(0)
    client.leave("/chat")
    kicking.join()


WAYS: dict[str, Callable[[Live, Client], object]] = {
    "the client leaves the namespace": leave,
    "the client leaves altogether": lambda live, client: client.close(),
    "its connection is reset": lambda live, client: gone(client, "reset"),
    "its tab is closed": lambda live, client: gone(client, "closed"),
    "it is silent": be_silent,
    "the server stops": stop,
    "it is kicked": lambda live, client: live.socket(client).disconnect(),
    "it is killed": lambda live, client: live.socket(client).kill(),
    "it is kicked by its handler": emitting("kick me"),
    "it is killed by its handler": emitting("kill me"),
    "it is kicked by another's handler": kicked_by_another,
    "the namespace is disconnected": lambda live, client: (
        live.socket(client).active_ns["/chat"].disconnect()
    ),
    "a handler disconnects": emitting("bye"),
    "a handler disconnects silently": emitting("bye", True),
    "a job disconnects": emitting("bye in job"),
    "it is kicked while the namespace is disconnected": while_leaving(
        lambda socket: socket.disconnect()
    ),
    "it is killed while the namespace is disconnected": while_leaving(
        lambda socket: socket.kill()
    ),
    "it leaves while it is kicked": left_while_kicked,
}


#: Each way with each class. A ``disconnect`` without ``super()`` lets the client stay.
ENDS = [
    (way, name)
    for way in WAYS
    for name in OVERRIDES
    if name != "CleansUpAlone" or "disconnect" not in way
]


@pytest.mark.parametrize(("way", "name"), ENDS[::FEWER])
def test_an_end_is_told_once(
    serve: Serve, way: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    expect_one_end(serve, "0.9-websocket", WAYS[way], *OVERRIDES[name], caplog)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("kind", [each for each in KINDS if each != "0.9-websocket"])
def test_an_end_is_told_once_whatever_the_client(
    serve: Serve,
    kind: str,
    way: Callable[[Live, Client], object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    cls = both(_ToldByDefault, CleansUpSlowly)
    calls = ["disconnect", "recv_disconnect"]
    expect_one_end(serve, kind, way, cls, calls, caplog)


def expect_one_end(
    serve: Serve,
    kind: str,
    way: Callable[[Live, Client], object],
    cls: type[Listed],
    calls: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    namespace = fresh(cls, users=[], told=[])
    options = {"heartbeat_interval": 0.2, "heartbeat_timeout": 0.3}
    live = serve({"/chat": namespace, "/other": Echo}, shutdown_timeout=5, **options)
    client = live.client(kind)
    client.join("/other")
    client.join("/chat")
    socket = live.socket(client)
    (kept,) = namespace.users
    others = 1 if way is kicked_by_another else 0
    with caplog.at_level(logging.WARNING):
        way(live, client)
        wait_for(lambda: "/chat" not in socket.active_ns, "it is left")
        wait_for(lambda: len(namespace.told) == len(calls) * (1 + others), "the calls")
        kept.disconnect()
        live.close_clients()
        wait_for(lambda: socket.sessid not in live.server.sockets, "it ends")
    assert sorted(namespace.told) == sorted(calls * (1 + others))
    assert namespace.users == []
    assert [each.getMessage() for each in caplog.records] == []


def test_a_disconnect_that_does_not_call_ours_leaves_all_the_same(
    serve: Serve, kind: str
) -> None:
    namespace = fresh(CleansUpAlone, users=[], told=[])
    live = serve({"/chat": namespace, "/other": Echo})
    client = live.client(kind)
    client.join("/other")
    client.join("/chat")
    socket = live.socket(client)
    leave(live, client)
    wait_for(lambda: "/chat" not in socket.active_ns, "it is left")
    client.join("/chat")
    client.close()
    wait_for(lambda: not live.server.sockets, "the client leaves")
    assert namespace.told == ["disconnect"] * 2


def test_a_disconnect_that_lets_the_client_stay_runs_again(serve: Serve) -> None:
    """It decides; the end of the connection leaves it no choice."""

    class Deciding(CleansUp):
        def disconnect(self, *args: Any, **kwargs: Any) -> None:
            self.told.append("asked")
            if len(self.told) > 2:
                super().disconnect(*args, **kwargs)

    namespace = fresh(Deciding, users=[], told=[])
    live = serve({"/chat": namespace, "/other": Echo})
    client = live.client()
    client.join("/other")
    client.join("/chat")
    for _ in range(2):
        client.emit("/chat", "bye")
    assert client.call("/other", "echo", 1) == [1]
    assert "/chat" in live.socket(client).active_ns
    client.emit("/chat", "bye")
    assert client.read() == {"type": "disconnect", "endpoint": "/chat"}
    assert namespace.told == ["asked"] * 3 + ["disconnect"]


def test_a_disconnect_that_fails_is_logged_and_the_client_is_gone(
    serve: Serve, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    namespace = fresh(CleansUp, users=[], told=[])
    live = serve({"/chat": namespace})
    client = live.client(kind)
    client.join("/chat")
    namespace.users.clear()
    client.close()
    wait_for(lambda: not live.server.sockets, "the client leaves")
    wait_for(lambda: "list.remove(x)" in caplog.text, "the failure is logged")


# Refusals


class Refusing(CleansUp):
    """Sets up in ``initialize``, and does not let its client in."""

    go_on: Event

    def initialize(self) -> None:
        self.users.append(self)

    def recv_connect(self) -> None:
        raise ConnectionRefused

    def recv_disconnect(self) -> None:
        self.told.append("recv_disconnect")
        super().recv_disconnect()


class Failing(Refusing):
    def recv_connect(self) -> None:
        raise KeyError


class Denying(Refusing):
    def get_initial_acl(self) -> set[str]:
        return {"on_bye"}


class DisconnectingFirst(CleansUp):
    def initialize(self) -> None:
        self.users.append(self)
        self.disconnect()


class Disconnecting(Refusing):
    def recv_connect(self) -> None:
        self.disconnect()


class DisconnectingAndFailing(Refusing):
    def recv_connect(self) -> None:
        self.disconnect()
        raise ConnectionRefused


class Hesitating(Refusing):
    def recv_connect(self) -> None:
        assert self.go_on.wait(DEADLINE)


class HesitatingAndDisconnecting(Hesitating):
    def recv_connect(self) -> None:
        super().recv_connect()
        self.disconnect()


def nothing(live: Live, client: Client, namespace: Any) -> None:
    pass


def left_by_another(live: Live, client: Client, namespace: Any) -> None:
    namespace.disconnect()


def removed(live: Live, client: Client, namespace: Any) -> None:
    live.socket(client).remove_namespace("/chat")


def kicked(live: Live, client: Client, namespace: Any) -> None:
    live.socket(client).disconnect()


def killed(live: Live, client: Client, namespace: Any) -> None:
    live.socket(client).kill()


ENTERED = ["disconnect", "recv_disconnect"]


@pytest.mark.parametrize(
    ("cls", "meanwhile", "calls"),
    [
        (Refusing, nothing, ["disconnect"]),
        (Failing, nothing, ["disconnect"]),
        (Denying, nothing, ["disconnect"]),
        (DisconnectingFirst, nothing, ["disconnect"]),
        (Disconnecting, nothing, ENTERED),
        (DisconnectingAndFailing, nothing, ["disconnect"]),
        *((Hesitating, end, ENTERED) for end in (left_by_another, removed)),
        *((Hesitating, end, ENTERED) for end in (kicked, killed)),
        (HesitatingAndDisconnecting, nothing, ENTERED),
        *((HesitatingAndDisconnecting, end, ENTERED) for end in (removed, killed)),
    ],
)
def test_the_end_of_a_client_that_is_not_let_in_is_told_once(
    serve: Serve,
    kind: str,
    cls: type[Listed],
    meanwhile: Callable[[Live, Client, Any], None],
    calls: list[str],
) -> None:
    """What ``initialize`` has set up is cleaned up."""
    namespace = fresh(cls, users=[], told=[], go_on=Event())
    live = serve({"/chat": namespace, "/other": Echo})
    client = live.client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    if cls in (Hesitating, HesitatingAndDisconnecting):
        wait_for(lambda: namespace.users, "it connects")
        (made,) = namespace.users
        wait_for(lambda: made.socket.active_ns.get("/chat") is made, "it hesitates")
        meanwhile(live, client, made)
        namespace.go_on.set()
    wait_for(lambda: len(namespace.told) == len(calls), "the end")
    client.close()
    wait_for(lambda: not live.server.sockets, "the connection ends")
    assert sorted(namespace.told) == calls
    assert not namespace.users


def test_an_initialize_that_fails_has_set_up_nothing(serve: Serve) -> None:
    class Broken(Refusing):
        def initialize(self) -> None:
            raise KeyError

    namespace = fresh(Broken, users=[], told=[])
    live = serve({"/chat": namespace, "/other": Echo})
    client = live.client()
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    assert client.read()["type"] == "refused"
    assert client.call("/other", "echo", 1) == [1]
    assert namespace.told == []
