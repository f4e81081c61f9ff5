"""A server whose clients reach it through another process, whatever they ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from ssl import create_default_context
from typing import Any

import pytest

from tests.engine import clients, connections
from tests.engine.clients import (
    Client,
    Http,
    PollingClient,
    PollingOfEngineIO,
    WebSocket,
    WebSocket1,
    WebSocketClient,
    handshake_1,
)
from tests.engine.conftest import Live, Namespaces, Serve

from .streets import Stamp, Street

#: Where the other process is: on this machine; also there, and it speaks TLS; on
#: another machine.
WAYS = ("here", "tls", "machine")


class Opened1(WebSocket1):
    """A client 0.9 whose WebSocket opens at another process than its session."""

    def __init__(self, one: Live, other: Live) -> None:
        http = Http(one.port)
        self.sid, self.handshake = handshake_1(http)
        http.close()
        target = f"{clients.RESOURCE}/1/websocket/{self.sid}"
        self.websocket = WebSocket(other.port, target)
        assert self.receive() == "1::"


class Upgraded(WebSocketClient):
    """A client whose session began by polling, and that upgraded elsewhere.

    :param kind: of the client that polls.
    """

    def __init__(self, kind: str, one: Live, other: Live) -> None:
        before = clients.KINDS[kind](one.port)
        assert isinstance(before, PollingOfEngineIO)
        self.sid, self.dialect = before.sid, before.dialect
        self.prefix = b"\x04" if before.version == 3 else b""
        poll = one.waiting_poll(before)
        target = before.target.replace("polling", "websocket")
        self.websocket = WebSocket(other.port, target)
        self.websocket.send("2probe")
        assert self.websocket.receive() == "3probe"
        poll.get()
        self.websocket.send("5")
        before.gets.close()
        before.posts.close()


def elsewhere(kind: str, one: Live, other: Live) -> Client:
    """A client whose session one server has, and whose requests another one gets."""
    if kind == "0.9-websocket":
        return Opened1(one, other)
    if kind.endswith("websocket"):
        return Upgraded(kind.replace("websocket", "polling"), one, other)
    client = clients.KINDS[kind](one.port)
    assert isinstance(client, PollingClient)
    client.gets.close()
    client.posts.close()
    client.gets, client.posts = Http(other.port), Http(other.port)
    return client


class Detour(Live):
    """A server as its clients see it who come through another one.

    :ivar one: has all sessions.
    :ivar other: gets all requests, apart from those that open a session.
    """

    def __init__(self, one: Live, other: Live) -> None:
        super().__init__(one.server, ExitStack())
        self.one, self.other = one, other
        self.port = other.port

    def client(self, kind: str = "4-websocket", **options: Any) -> Any:
        return self._keep(elsewhere(kind, self.one, self.other))


@contextmanager
def detours(serve: Serve, way: str, certificate: tuple[Path, Path]) -> Iterator[Serve]:
    """Starts servers behind another one.

    :param way: one of :data:`WAYS`.
    :param certificate: where they speak TLS, and its key.
    """
    made: list[Detour] = []
    added: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as environment:
        if way == "tls":
            certfile, keyfile = map(str, certificate)
            context = create_default_context(cafile=certfile)
            environment.setattr(connections, "TLS", context)
            added = {"certfile": certfile, "keyfile": keyfile}
        if way == "machine":
            added = {"internal_address": "127.0.0.1"}

        def start(namespaces: Namespaces, **options: Any) -> Detour:
            street = Street(far=way == "machine")
            one, other = (
                serve(namespaces, directory=street.join(Stamp()), **options, **added)
                for _ in range(2)
            )
            made.append(Detour(one, other))
            return made[-1]

        yield start
        for each in made:
            each.close_clients()
