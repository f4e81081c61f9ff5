"""Who owns which connection."""

from __future__ import annotations

from typing import Any

import gevent.pool

from ..clients import wait_for
from ..conftest import Serve
from ..sample_namespaces import Echo
from .test_sharing import Counting

OPENING = "/socket.io/?EIO=4&transport=polling"


def owners(live: Any) -> dict[str, int]:
    connections = live.server.connections
    return {
        "direct": len(connections.direct),
        "idle": len(connections.idle),
        "upgraded": len(connections.upgraded),
    }


def expect(live: Any, **numbers: int) -> None:
    wanted = {"direct": 0, "idle": 0, "upgraded": 0, **numbers}
    wait_for(lambda: owners(live) == wanted, f"{wanted}")


def test_a_connection_goes_to_who_can_serve_its_requests(serve: Serve) -> None:
    live = serve({"/chat": Echo}, handshake_timeout=0.2)
    balance: Any = Counting()
    live.server.balance = balance
    expect(live)
    http = live.http()
    for target, owner in [
        (OPENING, "direct"),
        ("/page", "idle"),
        ("/page", "idle"),
        (OPENING, "direct"),
        (OPENING, "direct"),
        ("/page", "idle"),
    ]:
        assert http.get(target).status == 200
        expect(live, **{owner: 1})
        assert len(balance.open) == 1
    http.close()
    expect(live)
    assert balance.open == []


def test_a_websocket_goes_on_by_itself(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    balance: Any = Counting()
    live.server.balance = balance
    client = live.client("4-websocket")
    client.join("/chat")
    expect(live, upgraded=1)
    assert len(balance.open) == 1
    client.close()
    expect(live)
    assert balance.open == []


def test_pages_are_served_in_the_greenlets_of_the_pool_that_was_given(
    serve: Serve,
) -> None:
    pool = gevent.pool.Pool(10)
    live = serve({"/chat": Echo}, spawn=pool)
    http = live.http()
    assert http.get("/page").status == 200
    assert len(pool) == 1
    http.close()
    wait_for(lambda: not len(pool), "it ends")


def test_only_who_owns_none_is_closed_from_outside(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    raw = live.raw()
    wait_for(lambda: live.server.connections.direct, "it is open")
    (sock,) = live.server.connections.direct
    assert sock in live.server.connections
    live.server.do_close(sock)
    raw.send_raw(b"GET /page HTTP/1.1\r\nHost: here\r\n\r\n")
    assert raw.receive_reply().text == "a page"
