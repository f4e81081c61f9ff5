"""What a connection has received and sent."""

from __future__ import annotations

from typing import Any

from tgext.socketio.engine.io.traffic import NOTHING, Traffic

from ..clients import wait_for
from ..conftest import Live, Serve
from ..sample_namespaces import Echo
from ..transports.test_upgrade import upgraded

MANY = 20


def traffic(live: Live, client: Any) -> Traffic:
    transport = live.socket(client).transport
    assert transport is not None
    return transport.traffic


def test_a_connection_begins_with_nothing() -> None:
    assert NOTHING == (0, 0, 0, 0)


def test_messages_and_their_bytes_are_counted(serve: Serve, kind: str) -> None:
    live = serve({"/chat": Echo})
    client = live.joined(kind)
    wait_for(lambda: traffic(live, client).sent, "the answer")
    before = traffic(live, client)
    for number in range(MANY):
        assert client.call("/chat", "echo", "x" * 100, number=number + 1)
    after = traffic(live, client)
    received = after.received - before.received
    sent = after.sent - before.sent
    assert MANY <= received <= MANY + 2  # a heartbeat may come in between
    assert MANY <= sent <= MANY + 2
    assert after.received_bytes - before.received_bytes > MANY * 100
    assert after.sent_bytes - before.sent_bytes > MANY * 100


def test_what_the_kernel_takes_in_parts_is_counted_once(serve: Serve) -> None:
    live = serve({"/chat": Echo}, max_outbox=50_000_000)
    client = live.joined()
    before = traffic(live, client)
    size = 3_000_000
    live.socket(client)["/chat"].emit("large", "x" * size)
    live.socket(client)["/chat"].emit("small", "x")
    assert client.event("/chat") == ["large", "x" * size]
    assert client.event("/chat") == ["small", "x"]
    after = traffic(live, client)
    assert after.sent - before.sent == 2
    assert size < after.sent_bytes - before.sent_bytes < size + 200


def test_an_upgrade_keeps_what_was_counted(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    polling = live.polling_5()
    polling.join("/chat")
    assert polling.call("/chat", "echo", 1) == [1]
    before = traffic(live, polling)
    assert (before.received, before.sent) == (2, 2)
    upgraded(live, polling)
    wait_for(lambda: live.socket(polling).transport.name == "websocket", "the upgrade")
    after = traffic(live, polling)
    assert after.received == before.received
    assert all(new >= old for new, old in zip(after, before, strict=True))
