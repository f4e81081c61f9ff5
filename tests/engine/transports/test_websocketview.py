"""``environ['wsgi.websocket']`` of a 0.9 client's session."""

from __future__ import annotations

from typing import Any

import pytest
from geventwebsocket.exceptions import WebSocketError

from ..clients import RESOURCE, Client, wait_for
from ..conftest import Live, Serve
from ..sample_namespaces import Echo, Witness, fresh


def view_of(live: Live, client: Client) -> Any:
    environ = live.socket(client).environ
    assert environ is not None
    return environ["wsgi.websocket"]


def test_it_shows_the_request(serve: Serve) -> None:
    live = serve({})
    client = live.websocket_1(headers={"Origin": live.origin})
    view = view_of(live, client)
    assert view.path == f"{RESOURCE}/1/websocket/{client.sid}"
    assert (view.origin, view.version) == (live.origin, "13")
    plain = view_of(live, live.websocket_1())
    assert plain.origin is None


def test_it_sends_a_packet_as_it_is(serve: Serve) -> None:
    live = serve({})
    client = live.websocket_1()
    view_of(live, client).send('5:::{"name":"a"}')
    assert client.event("") == ["a"]


def test_the_session_reads_it(serve: Serve) -> None:
    live = serve({})
    client = live.websocket_1()
    with pytest.raises(WebSocketError, match="recv_message"):
        view_of(live, client).receive()


def test_closing_it_ends_the_connection(serve: Serve) -> None:
    namespace = fresh(Witness)
    live = serve({"/chat": namespace})
    client = live.websocket_1()
    client.join("/chat")
    view = view_of(live, client)
    assert not view.closed
    view.close()
    wait_for(lambda: not live.server.sockets, "the session ends")
    assert view.closed
    assert len(namespace.left) == 1
    with pytest.raises(WebSocketError):
        view.send("2::")


@pytest.mark.parametrize("code", [-1, 5, 1005, 2999, 70000, "1000", None])
def test_an_invalid_code_closes_nothing(serve: Serve, code: Any) -> None:
    """Not half of it either: the client goes on, and leaves nothing behind."""
    live = serve({"/chat": Echo})
    client = live.websocket_1()
    client.join("/chat")
    with pytest.raises(ValueError, match="is invalid"):
        view_of(live, client).close(code)
    assert client.call("/chat", "echo", 1) == [1]
