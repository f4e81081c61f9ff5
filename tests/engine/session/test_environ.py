"""The query string with which a client connects to a namespace."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest

from tgext.socketio.engine.namespaces.base import BaseNamespace, ConnectionRefused
from tgext.socketio.engine.session.environ import environ_for, with_query
from tgext.socketio.wire.socketio.packet import Packet

from ..clients import KINDS
from ..conftest import Serve


@pytest.mark.parametrize(
    ("before", "query", "after"),
    [
        ("EIO=3&sid=x", "token=1", "EIO=3&sid=x&token=1"),
        ("", "token=1", "token=1"),
        ("EIO=3", "?token=1&name=a", "EIO=3&token=1&name=a"),
        ("EIO=3", "a?b", "EIO=3&a?b"),
        # Text that the client has escaped stays; the rest is escaped.
        ("EIO=3", "name=%C3%A9+%25&x[]=1", "EIO=3&name=%C3%A9+%25&x[]=1"),
        ("EIO=3", "name=é ☃\r\n", "EIO=3&name=%C3%A9%20%E2%98%83%0D%0A"),
        ("EIO=3", "name=\ud800", "EIO=3&name=?"),
    ],
)
def test_a_query_is_appended_to_the_environs(
    before: str, query: str, after: str
) -> None:
    environ = {"QUERY_STRING": before, "PATH_INFO": "/socket.io/"}
    assert with_query(environ, query) == {**environ, "QUERY_STRING": after}
    assert environ["QUERY_STRING"] == before


@pytest.mark.parametrize("query", ["", "?"])
def test_without_a_query_nothing_is_copied(query: str) -> None:
    environ = {"QUERY_STRING": "EIO=3"}
    assert with_query(environ, query) is environ


def tokens(environ: dict[str, Any]) -> list[str]:
    return parse_qs(environ["QUERY_STRING"]).get("token", [])


class Knowing(BaseNamespace):
    """Sends its query, when the client connects and later."""

    def initialize(self) -> None:
        if tokens(self.environ) == ["wrong"]:
            raise ConnectionRefused("wrong token")

    def recv_connect(self) -> None:
        self.emit("connected", tokens(self.environ))

    def on_tokens(self) -> list[str]:
        return tokens(self.environ)


#: Connect packets with a query, as the clients of a generation write them. For 0.9, the
#: first form is that of the specification, the second that of the client's parser.
CONNECTS = [
    *(
        (kind, text)
        for kind in KINDS
        if kind.startswith("0.9")
        for text in ("1::/chat?token=a%20b", "1::/chat:?token=a%20b")
    ),
    *((kind, "40/chat?token=a%20b,") for kind in KINDS if not kind.startswith("0.9")),
]


@pytest.mark.cites("Socket.IO 4, CONNECT 2")
@pytest.mark.parametrize(("kind", "connect"), CONNECTS)
def test_a_namespace_knows_the_query_it_was_connected_to_with(
    serve: Serve, kind: str, connect: str
) -> None:
    client = serve({"/chat": Knowing}).client(kind)
    client.send(connect)
    answer = client.read()
    assert answer["type"] == "connect"
    assert client.event("/chat") == ["connected", ["a b"]]
    assert client.call("/chat", "tokens") == [["a b"]]


@pytest.mark.parametrize(("kind", "connect"), CONNECTS)
def test_a_query_is_known_when_the_client_may_be_refused(
    serve: Serve, kind: str, connect: str
) -> None:
    client = serve({"/chat": Knowing}).client(kind)
    client.send(connect.replace("a%20b", "wrong"))
    assert client.read()["type"] == "refused"


def test_namespaces_of_one_connection_have_their_own_queries(
    serve: Serve, kind: str
) -> None:
    namespaces = {f"/{name}": Knowing for name in ("one", "two", "bare", "plain")}
    live = serve(namespaces)
    client = live.client(kind)
    for name in ("one", "two"):
        path = f"/{name}?token={name}"
        client.send(client.dialect.connect(path))
        assert client.read()["type"] == "connect"
        assert client.event(f"/{name}") == ["connected", [name]]
    for name in ("bare", "plain"):
        client.join(f"/{name}")
        assert client.event(f"/{name}") == ["connected", []]
    socket = live.socket(client)
    # Without a query, the environ is not copied.
    assert socket["/bare"].environ is socket["/plain"].environ is socket.environ
    for name in ("one", "two"):
        environ = socket[f"/{name}"].environ
        packet: Packet = {"type": "event", "endpoint": f"/{name}"}
        assert environ is environ_for(socket, packet)
        assert environ["socketio"] is socket
        assert environ["PATH_INFO"] == socket["/bare"].environ["PATH_INFO"]


def test_what_the_handshake_said_comes_first(serve: Serve) -> None:
    client = serve({"/chat": Knowing}).polling_4(query="token=handshake")
    client.send("40/chat?token=connect,")
    client.read()
    assert client.event("/chat") == ["connected", ["handshake", "connect"]]
