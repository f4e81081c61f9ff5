"""What both transports have in common: the heartbeat, and the end of slow clients."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.wire.socketio.reasons import CLIENT_LEFT, SERVER_LEFT

from ..clients import wait_for
from ..conftest import Serve
from ..sample_namespaces import Echo, Witness, fresh


@pytest.mark.parametrize(
    ("kind", "interval"),
    # Who is pinged is pinged in each interval. A client 2.x pings by itself: it is
    # looked at three times in the time that it waits for its pong.
    [
        ("0.9-websocket", 9.0),
        ("0.9-xhr-polling", 9.0),
        ("2-websocket", 2.0),
        ("2-polling", 2.0),
        ("4-websocket", 9.0),
        ("4-polling", 9.0),
    ],
)
def test_the_heartbeat_is_that_of_the_generation(
    serve: Serve, kind: str, interval: float
) -> None:
    live = serve({"/chat": Echo}, heartbeat_interval=9, heartbeat_timeout=6)
    client = live.client(kind)
    client.join("/chat")
    transport: Any = live.socket(client).transport
    assert transport.heartbeat.interval == interval


def test_a_heartbeat_ends_with_its_transport(serve: Serve, kind: str) -> None:
    namespace = fresh(Witness)
    live = serve({"/chat": namespace})
    client = live.client(kind)
    client.join("/chat")
    transport: Any = live.socket(client).transport
    assert transport.heartbeat.slot >= 0
    live.socket(client).kill()
    assert transport.closed
    assert transport.heartbeat.slot < 0


@pytest.mark.parametrize(
    ("reason", "last"),
    [(CLIENT_LEFT, []), (SERVER_LEFT, ["0::"]), ("ping timeout", ["7:::1+0"])],
)
def test_who_left_or_was_sent_away_does_not_come_again_by_itself(
    serve: Serve, reason: str, last: list[str]
) -> None:
    live = serve({"/chat": Echo})
    client = live.websocket_1()
    client.join("/chat")
    live.socket(client).kill(reason=reason)
    # The reference client of 0.9 connects again after an error with this advice.
    assert client.websocket.drain()[-1:] == last
    wait_for(lambda: not live.server.sockets, "the session ends")
