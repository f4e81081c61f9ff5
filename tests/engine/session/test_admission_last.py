"""The application takes a client out of its last namespace: the connection ends.

So does gevent-socketio, and a client 0.9 comes back then by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from tgext.socketio.engine.hub import registry
from tgext.socketio.wire.socketio.v1 import RECONNECT

from ..clients import Client, Polling1, WebSocketClient, wait_for
from ..conftest import Live, Serve
from ..sample_namespaces import Echo


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections without a namespace do not stay for a second."""
    monkeypatch.setattr(registry, "NAMESPACE_TIMEOUT", 0.1)


class Parting(Echo):
    def on_part(self, silent: bool) -> None:
        self.disconnect(silent=silent)

    def on_part_by_word(self) -> None:
        self.disconnect(True)

    def on_part_in_job(self, silent: bool) -> None:
        self.spawn(self.disconnect, silent)

    def on_remove(self) -> None:
        self.socket.remove_namespace(self.ns_name)


class Leaving(Echo):
    """Lets its client go as soon as it has come."""

    def recv_connect(self) -> None:
        self.emit("welcome")
        self.disconnect()


def by_another(live: Live, client: Client) -> None:
    live.socket(client)["/chat"].disconnect()


def emitting(event: str, *args: Any) -> Callable[[Live, Client], None]:
    return lambda live, client: client.emit("/chat", event, *args)


#: How, and whether the client is told.
WAYS: dict[str, tuple[Callable[[Live, Client], None], bool]] = {
    "a handler": (emitting("part", False), True),
    "a handler, silently": (emitting("part", True), False),
    "a handler, with a positional argument": (emitting("part by word"), False),
    "a job": (emitting("part in job", False), True),
    "a job, silently": (emitting("part in job", True), False),
    "remove_namespace": (emitting("remove"), False),
    "another": (by_another, True),
}


def expect_closed(client: Client) -> None:
    """Expect the end of the connection, and nothing that forbids to come back."""
    if isinstance(client, WebSocketClient):
        assert client.websocket.receive_close() == 1000
    elif isinstance(client, Polling1):
        assert client.receive() == RECONNECT


@pytest.mark.parametrize(("way", "told"), WAYS.values(), ids=WAYS)
def test_without_the_last_namespace_the_connection_ends(
    serve: Serve, kind: str, way: Callable[[Live, Client], None], told: bool
) -> None:
    live = serve({"/chat": Parting, "/other": Echo})
    client = live.client(kind)
    client.join("/chat")
    client.join("/other")
    socket = live.socket(client)
    socket.remove_namespace("/other")
    assert client.call("/chat", "echo", "still here") == ["still here"]
    way(live, client)
    if told:
        assert client.read() == {"type": "disconnect", "endpoint": "/chat"}
    expect_closed(client)
    wait_for(lambda: not live.server.sockets, "the connection ends")
    assert not socket.connected


def test_a_0_9_connection_ends_at_once(serve: Serve) -> None:
    live = serve({"/chat": Parting})
    client = live.websocket_1()
    client.join("/chat")
    socket = live.socket(client)
    socket["/chat"].disconnect()
    assert (socket.connected, live.server.sockets) == (False, {})


def test_who_leaves_as_soon_as_it_has_come(serve: Serve, kind: str) -> None:
    live = serve({"/chat": Leaving})
    client = live.client(kind)
    client.join("/chat")
    assert client.event("/chat") == ["welcome"]
    assert client.read() == {"type": "disconnect", "endpoint": "/chat"}
    expect_closed(client)
    wait_for(lambda: not live.server.sockets, "the connection ends")


def test_in_another_namespace_the_client_stays(serve: Serve, kind: str) -> None:
    live = serve({"/chat": Parting, "/other": Echo})
    client = live.client(kind)
    client.join("/other")
    client.join("/chat")
    client.emit("/chat", "part", False)
    assert client.read() == {"type": "disconnect", "endpoint": "/chat"}
    client.join("/chat")
    live.socket(client)["/other"].disconnect()
    assert client.read() == {"type": "disconnect", "endpoint": "/other"}
    assert client.call("/chat", "echo", 1) == [1]


@pytest.mark.parametrize("kind", ["2-websocket", "2-polling", "4-websocket"])
def test_a_client_may_go_to_another_namespace(serve: Serve, kind: str) -> None:
    live = serve({"/chat": Parting, "/other": Echo})
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "part", False)
    assert client.read() == {"type": "disconnect", "endpoint": "/chat"}
    client.join("/other")
    assert not live.server.hub.timers or live.socket(client).deadline is None
    assert client.call("/other", "echo", 1) == [1]


@pytest.mark.parametrize("kind", ["0.9-websocket", "0.9-xhr-polling", "2-websocket"])
def test_a_client_that_leaves_by_itself_stays_connected(
    serve: Serve, kind: str
) -> None:
    """A 0.9 client would come back, and into the namespace that it has left."""
    live = serve({"/chat": Parting})
    client = live.client(kind)
    client.join("/chat")
    client.leave("/chat")
    socket = live.socket(client)
    wait_for(lambda: not socket.active_ns, "it leaves")
    assert socket.deadline is None
    client.join("/chat")
    assert client.call("/chat", "echo", 1) == [1]


def test_a_job_of_the_last_namespace_ends_with_it(serve: Serve, kind: str) -> None:
    ended: list[str] = []

    class Working(Parting):
        def on_work(self) -> None:
            self.spawn(self.work)

        def work(self) -> None:
            try:
                while True:
                    self.emit("tick")
                    gevent.sleep(0.01)
            finally:
                ended.append("ended")

    live = serve({"/chat": Working})
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "work")
    assert client.event("/chat") == ["tick"]
    client.emit("/chat", "part", True)
    wait_for(lambda: ended, "the job ends")
    wait_for(lambda: not live.server.sockets, "the connection ends")


# socket.disconnect()


@pytest.mark.parametrize("silent", [True, False])
@pytest.mark.parametrize("kind", ["0.9-websocket", "0.9-xhr-polling"])
def test_a_0_9_connection_that_is_disconnected_is_only_closed(
    serve: Serve, kind: str, silent: bool
) -> None:
    live = serve({"": Echo, "/chat": Echo, "/game": Echo})
    client = live.client(kind)
    client.join("/chat")
    client.join("/game")
    live.socket(client).disconnect(silent=silent)
    expect_closed(client)


def test_recv_disconnect_may_still_send(serve: Serve, kind: str) -> None:
    """As in gevent-socketio, when the application disconnects the connection."""

    class Polite(Parting):
        def recv_disconnect(self) -> None:
            self.emit("farewell")
            super().recv_disconnect()

        def disconnect(self, *args: Any, **kwargs: Any) -> None:
            self.emit("goodbye", kwargs)
            super().disconnect(*args, **kwargs)

    live = serve({"/chat": Polite})
    client = live.client(kind)
    client.join("/chat")
    live.socket(client).disconnect()
    assert client.event("/chat") == ["farewell"]
    assert client.event("/chat") == ["goodbye", {"silent": True}]
    if not kind.startswith("0.9"):
        assert client.read() == {"type": "disconnect", "endpoint": "/chat"}
    expect_closed(client)
