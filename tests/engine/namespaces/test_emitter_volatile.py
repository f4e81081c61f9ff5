"""Volatile events: a client gets them when it reads, and misses them when it does not.

What is dropped is not encoded: an argument that no JSON can carry is not noticed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.native import start_in_pool
from tgext.socketio.engine.namespace import BaseNamespace

from ..clients import WebSocketClient, wait_for
from ..conftest import Live, Serve
from ..sample_namespaces import Chat, fresh

SIZE = 100_000
#: Bytes of output that waits for a client that does not read.
ENOUGH = 500_000

NOT_ENCODED: Any = object()

#: How an event is sent to a client, by one that is in the room with it. The first is
#: the namespace of the receiver, the second that of the other.
Ways = Callable[[Any, Any, Any], object]
WAYS: dict[str, Ways] = {
    "emit": lambda own, other, word: own.emit("at", word, volatile=True),
    "to a room": lambda own, other, word: other.emit_to_room(
        "all", "at", word, volatile=True
    ),
    "to all": lambda own, other, word: other.broadcast_event("at", word, volatile=True),
    "to others": lambda own, other, word: other.broadcast_event_not_me(
        "at", word, volatile=True
    ),
    "from a thread": lambda own, other, word: start_in_pool(
        partial(own.emit, "at", word, volatile=True)
    ).get(),
}


def both(live: Live, kind: str) -> tuple[Any, Any, Any]:
    """A client, its namespace, and the namespace of another client."""
    other, client = live.joined("4-websocket"), live.joined(kind)
    for each in (other, client):
        each.call("/chat", "join", "all")
    own, others = (live.socket(each)["/chat"] for each in (client, other))
    return client, own, others


def stop_reading(client: Any, own: Any) -> int:
    """Let output of a client wait; returns how many events it will get."""
    if not isinstance(client, WebSocketClient):
        own.emit("large")
        return 1
    count = 0
    # The kernel may take some more for a moment; not as much as this.
    while own.socket.outbox.size < ENOUGH:
        own.emit("large", "x" * SIZE)
        own.socket.hub.batcher.flush()
        count += 1
    assert not own.socket.writable
    return count


@pytest.mark.parametrize("way", WAYS)
def test_a_client_whose_output_waits_misses_it(
    serve: Serve, kind: str, way: str
) -> None:
    live = serve({"/chat": fresh(Chat)})
    client, own, other = both(live, kind)
    count = stop_reading(client, own)
    if way != "to all":  # the other client gets that
        WAYS[way](own, other, NOT_ENCODED)
    WAYS[way](own, other, "missed")
    for _ in range(count):
        assert client.event("/chat")[0] == "large"
    if isinstance(client, WebSocketClient):
        wait_for(lambda: own.socket.writable, "the client has read all")
        WAYS[way](own, other, "read")
        assert client.event("/chat") == ["at", "read"]
    else:
        poll = live.waiting_poll(client)
        WAYS[way](own, other, "read")
        [message] = poll.get()
        assert client.dialect.read(message)["args"] == ["read"]
    assert client.call("/chat", "echo", 1) == [1]


def test_a_client_that_is_not_admitted_yet_misses_it(serve: Serve, kind: str) -> None:
    class Greeting(Chat):
        def recv_connect(self) -> None:
            self.emit("at", NOT_ENCODED, volatile=True)
            self.broadcast_event("at", NOT_ENCODED, volatile=True)
            self.emit("hello")

    client = serve({"/chat": Greeting}).joined(kind)
    assert client.event("/chat") == ["hello"]


def test_after_the_end_it_has_no_effect(serve: Serve) -> None:
    live = serve({"/chat": fresh(Chat)})
    client = live.joined()
    namespace: BaseNamespace = live.socket(client)["/chat"]
    client.close()
    wait_for(lambda: not live.server.sockets, "the connection ends")
    namespace.emit("at", NOT_ENCODED, volatile=True)


def test_it_has_no_ack(serve: Serve) -> None:
    live = serve({"/chat": fresh(Chat)})
    namespace = live.socket(live.joined())["/chat"]
    with pytest.raises(ValueError, match="no ack comes"):
        namespace.emit("at", callback=print, volatile=True)
