"""What administrators are told of the reports of several processes."""

from __future__ import annotations

from typing import Any

import gevent
import pytest

from tests.engine.clients import wait_for
from tgext.socketio.operation.admin.console import HERE, Console
from tgext.socketio.operation.admin.reporter import CHANGES, SOCKETS, STATS


class Reader:
    """The namespace of an administrator, who reads all."""

    def __init__(self, console: Console) -> None:
        self.told: list[list[Any]] = []
        self._greenlet = gevent.spawn(console.add(self).run)

    def emit(self, event: str, *args: Any) -> None:
        self.told.append([event, *args])

    def drain(self, timeout: float | None = None) -> bool:
        return True

    def wait_for(self, *expected: str) -> None:
        """Wait until it was told of these events, and forget them."""

        def told() -> list[str]:
            return [each[0] for each in self.told]

        wait_for(lambda: told() == [*expected], "it is told")
        self.told.clear()

    def leave(self) -> None:
        self._greenlet.kill()


def connected(sid: str) -> list[Any]:
    socket = {"id": sid, "nsp": "/chat", "rooms": [], "handshake": {"time": "now"}}
    return ["socket_connected", socket, "now"]


@pytest.fixture
def console() -> Console:
    return Console(most=3, shows_sockets=True)


def test_the_first_and_the_last_administrator(console: Console) -> None:
    noted: list[str] = []
    console.opened.append(lambda: noted.append("opened"))
    console.closed.append(lambda: noted.append("closed"))
    ann, bob = Reader(console), Reader(console)
    assert (noted, len(console)) == (["opened"], 2)
    for each in (ann, bob, bob):
        console.discard(each)
        each.leave()
    assert (noted, len(console)) == (["opened", "closed"], 0)
    console.hear(HERE, SOCKETS, [connected("a")])  # a late report: nobody looks
    eve = Reader(console)
    console.hear(HERE, STATS, {})
    eve.wait_for("server_stats")
    eve.leave()


def test_reports_of_several_processes(console: Console) -> None:
    ann = Reader(console)
    console.hear(HERE, SOCKETS, [connected("a")])
    ann.wait_for("all_sockets")
    console.hear("two", SOCKETS, [connected("b")])
    console.hear("two", CHANGES, [connected("c"), connected("too many")])
    ann.wait_for("socket_connected", "socket_connected")
    # Who comes later is told all at once.
    bob = Reader(console)
    bob.wait_for("all_sockets")
    # A process tells anew what it has: what the pages had of it is out of date.
    console.hear("two", SOCKETS, [connected("b")])
    for each in (ann, bob):
        each.wait_for("all_sockets")
    console.gone("two")
    for each in (ann, bob):
        each.wait_for("socket_disconnected")
        each.leave()
