"""Requests for a WebSocket: which are accepted, and with which answer."""

from __future__ import annotations

import pytest

from ..clients import handshake_1
from ..conftest import Live, Serve
from ..sample_namespaces import Echo

WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"


@pytest.mark.parametrize(
    ("offered", "answer"),
    [("chat", "chat"), ("b, a", "b"), (None, None), ("", None)],
)
def test_an_offered_subprotocol_is_chosen(
    serve: Serve, offered: str | None, answer: str | None
) -> None:
    """Browsers that offer some fail when none is chosen, unlike RFC 6455 (WHATWG)."""
    live = serve({"/chat": Echo})
    headers = {"Sec-WebSocket-Protocol": offered}
    polling = live.polling_5()
    sid = handshake_1(live.http())[0]
    for target in (
        WEBSOCKET,
        WEBSOCKET.replace("4", "3"),
        polling.target.replace("polling", "websocket"),
        f"/socket.io/1/websocket/{sid}",
    ):
        websocket = live.websocket(target, headers=headers)
        assert websocket.status == 101
        chosen = websocket.headers.get_all("Sec-WebSocket-Protocol", [])
        assert chosen == ([answer] if answer else [])
        websocket.close()


def test_extensions_that_nobody_can_read_are_not_looked_at(serve: Serve) -> None:
    """None is ever agreed on (RFC 6455, section 9.1)."""
    live = serve({"/chat": Echo})
    for offers in ("a; =b", ";", 'permessage-deflate; x="', "permessage-deflate"):
        websocket = live.websocket(
            WEBSOCKET, headers={"Sec-WebSocket-Extensions": offers}
        )
        assert websocket.status == 101
        assert websocket.headers["Sec-WebSocket-Extensions"] is None
        websocket.close()


def targets(live: Live) -> list[str]:
    """Where a WebSocket can be opened."""
    sid = live.http().get("/socket.io/1/").text.partition(":")[0]
    upgrade = live.polling_5().target.replace("polling", "websocket")
    return [WEBSOCKET, upgrade, f"/socket.io/1/websocket/{sid}"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upgrade": None}, 400),
        ({"Upgrade": "h2c"}, 400),
        ({"Connection": None}, 400),
        ({"Connection": "keep-alive"}, 400),
        ({"Sec-WebSocket-Version": None}, 426),
        ({"Sec-WebSocket-Version": "8"}, 426),
        ({"Sec-WebSocket-Key": None}, 400),
        ({"Sec-WebSocket-Key": "c2hvcnQ="}, 400),
        ({"Sec-WebSocket-Key": "not base64 at all !!"}, 400),
        ({"Sec-WebSocket-Key": "ä" * 24}, 400),
    ],
)
def test_a_websocket_handshake_that_cannot_be_accepted(
    serve: Serve, headers: dict[str, str | None], status: int
) -> None:
    live = serve({"/chat": Echo}, handshake_timeout=0.2)
    for target in targets(live):
        reply = live.websocket(target, headers=headers).refusal()
        assert (reply.status, reply.text) == (status, "Invalid WebSocket request")
        version = "13" if status == 426 else None
        assert reply.headers["Sec-WebSocket-Version"] == version
        # The HTTP connection and the session go on; another try succeeds.
        if target != WEBSOCKET:
            assert live.websocket(target).status == 101


def test_a_websocket_is_opened_by_a_get(serve: Serve) -> None:
    """RFC 6455, section 4.1: "The method of the request MUST be GET"."""
    live = serve({}, handshake_timeout=0.2)
    for target in targets(live):
        websocket = live.websocket(target, method="POST")
        assert websocket.status == 400


@pytest.mark.parametrize("upgrade", ["websocket", "WebSocket", "h2c, websocket"])
def test_header_values_are_read_as_http_has_them(serve: Serve, upgrade: str) -> None:
    headers = {"Upgrade": upgrade, "Connection": "Keep-Alive, UPGRADE"}
    live = serve({"/chat": Echo})
    client = live.websocket_5(headers=headers)
    client.join("/chat")
