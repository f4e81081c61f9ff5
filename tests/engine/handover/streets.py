"""Servers that know each other, as processes of one application do."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

from tests.engine.clients import (
    MASK,
    Client,
    Http,
    PollingClient,
    Raw,
    Reply,
    WebSocket,
    wait_for,
)
from tests.engine.conftest import Live, Namespaces, Serve
from tgext.socketio.engine.handover.processes import Process
from tgext.socketio.engine.handover.signed import Seal
from tgext.socketio.wire.websocket.frames import TEXT, encode_frame


class Stamp:
    """Signs so that everybody can; implements :class:`.signed.Seal`."""

    def __init__(self, secret: str = "secret") -> None:
        self._secret = secret

    def write(self, message: dict[str, Any]) -> str:
        return f"{self._secret} {json.dumps(message)}"

    def read(self, data: Any) -> dict[str, Any]:
        secret, _, text = data.partition(" ")
        if secret != self._secret:
            raise ValueError("it is signed with another secret")
        message = json.loads(text)
        return message if isinstance(message, dict) else {}


class Street:
    """The processes, as each of them knows the others.

    :param far: whether each is on a machine of its own.
    """

    def __init__(self, far: bool = False) -> None:
        self.processes: dict[str, Process] = {}
        self.far = far

    def join(self, seal: Seal | None = None) -> Resident:
        return Resident(self, seal)


class Resident:
    """Implements :class:`tgext.socketio.engine.handover.processes.Directory`."""

    def __init__(self, street: Street, seal: Seal | None) -> None:
        self._street = street
        self.seal = seal

    def open(self, own: Process, gone: Callable[[Process], object]) -> None:
        self.own = own
        self.gone = gone
        self._street.processes[own.token] = own

    def find(self, token: str) -> Process | None:
        found = self._street.processes.get(token)
        if found is not None and self._street.far:
            return replace(found, path="/of/another/machine")
        return found

    def close(self) -> None:
        self._street.processes.pop(self.own.token, None)


def two(serve: Serve, namespaces: Namespaces, **options: Any) -> tuple[Live, Live]:
    """Two servers with the same namespaces."""
    street = Street()
    one, other = (
        serve(namespaces, directory=street.join(), **options) for _ in range(2)
    )
    return one, other


class Turns(Http):
    """HTTP connections to several servers, each of which gets a request in its turn."""

    def __init__(self, *lives: Live) -> None:
        super().__init__(lives[0].port)
        self._all = [self, *(Http(each.port) for each in lives[1:])]
        self._next = 0

    def request(self, *args: Any, **options: Any) -> Reply:
        self._next = (self._next + 1) % len(self._all)
        chosen = self._all[self._next]
        return Http.request(chosen, *args, **options)

    def close(self) -> None:
        for each in self._all:
            Http.close(each)


def in_turns(client: Client, *lives: Live) -> Client:
    """A client whose further requests go to each server in its turn."""
    assert isinstance(client, PollingClient)
    client.gets.close()
    client.posts.close()
    client.gets, client.posts = Turns(*lives), Turns(*lives)
    return client


def lost(client: PollingClient) -> None:
    """The session is gone, and so there is no goodbye."""
    client.gets.close()
    client.posts.close()


def get(target: str, to: Live) -> bytes:
    """A GET, as it is sent to a server."""
    return f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{to.port}\r\n\r\n".encode()


def poll_through(other: Live, one: Live, client: Any) -> Raw:
    """A connection to a server, with a poll that waits at that of its session."""
    raw: Raw = other.raw()
    raw.send_raw(get(client.target, other))
    transport: Any = one.socket(client).transport
    wait_for(lambda: transport.polling, "a poll waits")
    return raw


def upgrade_through(other: Live, one: Live, client: Any) -> None:
    """Upgrade at another server than that of the session, talk, and leave."""
    poll = one.waiting_poll(client)
    target = client.target.replace("polling", "websocket")
    probe = encode_frame(TEXT, b"2probe", MASK)
    with closing(WebSocket(other.port, target, early=probe)) as websocket:
        assert websocket.receive() == "3probe"
        poll.get()
        websocket.send("5")
        websocket.send('42/chat,7["echo","there"]')
        assert websocket.receive() == '43/chat,7["there"]'
        assert other.server.sockets == {}
        websocket.send("1")
        wait_for(lambda: not one.server.sockets, "it ends")
    lost(client)
