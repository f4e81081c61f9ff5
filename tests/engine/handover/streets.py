"""Servers that know each other, as processes of one application do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.engine.clients import Client, Http, PollingClient, Reply
from tests.engine.conftest import Live, Namespaces, Serve
from tgext.socketio.engine.handover.processes import Process
from tgext.socketio.engine.handover.signed import Seal


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
