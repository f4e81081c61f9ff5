"""Connections that have become WebSockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import gevent.event
import pytest

from tgext.socketio.engine.hub.hub import Hub
from tgext.socketio.engine.server.upgraded import UpgradedConnections

from ..connections import wait_for


class Connection:
    closed = False

    def close(self) -> None:
        self.closed = True


class Later:
    """A WebSocket that goes on without a greenlet."""

    end: Callable[[], object]

    def when_ended(self, function: Callable[[], object]) -> None:
        self.end = function


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    yield made
    made.pool.close()
    gevent.sleep(0)


@pytest.fixture
def upgraded(hub: Hub) -> UpgradedConnections:
    return UpgradedConnections(SimpleNamespace(hub=hub, balance=None))  # type: ignore[arg-type]


def is_open(upgraded: UpgradedConnections, hub: Hub, sock: Connection) -> bool:
    states = {sock in upgraded, not sock.closed, hub.requests.number == 1}
    assert len(states) == 1
    return states.pop()


def test_it_is_open_until_its_function_returns(
    upgraded: UpgradedConnections, hub: Hub
) -> None:
    go_on, sock = gevent.event.Event(), Connection()

    def run() -> None:
        go_on.wait()

    upgraded.add(sock, run)
    assert is_open(upgraded, hub, sock)
    gevent.sleep(0.01)
    assert is_open(upgraded, hub, sock)
    go_on.set()
    wait_for(lambda: sock.closed, "it is closed")
    assert not is_open(upgraded, hub, sock)


def test_what_goes_on_without_a_greenlet_tells_of_its_end(
    upgraded: UpgradedConnections, hub: Hub
) -> None:
    later, sock = Later(), Connection()
    upgraded.add(sock, lambda: later)
    wait_for(lambda: hasattr(later, "end"), "it has begun")
    assert is_open(upgraded, hub, sock)
    later.end()
    assert not is_open(upgraded, hub, sock)


def test_a_failure_closes_it(
    upgraded: UpgradedConnections, hub: Hub, unhandled: list[BaseException]
) -> None:
    sock, error = Connection(), LookupError()

    def fail() -> Any:
        raise error

    upgraded.add(sock, fail)
    wait_for(lambda: sock.closed, "it is closed")
    assert not is_open(upgraded, hub, sock)
    assert unhandled == [error]
