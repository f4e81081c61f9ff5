"""Who of several processes accepts a connection."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from gevent import socket
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.strategies import MANY
from tgext.socketio.engine.server import SocketIOServer
from tgext.socketio.engine.server.balance import (
    LEAD,
    NONE,
    PATIENCE,
    PAUSE,
    SHARE,
    Balance,
)

from ..clients import DEADLINE, Raw, WebSocket5, wait_for
from ..conftest import Serve
from ..sample_namespaces import Echo, fresh


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def counts_of(number: int) -> memoryview:
    counts = memoryview(bytearray(8 * number)).cast("q")
    for each in range(number):
        counts[each] = NONE
    return counts


def balances(number: int, clock: Clock) -> list[Balance]:
    counts = counts_of(number + 1)  # one index that nobody has
    return [Balance(counts, each, clock) for each in range(number)]


def test_one_alone_accepts_all(clock: Clock) -> None:
    [one] = balances(1, clock)
    for _ in range(100):
        assert one.may_accept()
        one.opened(object())


def test_who_has_more_lets_the_others_accept(clock: Clock) -> None:
    one, other = balances(2, clock)
    for _ in range(LEAD):
        assert one.may_accept()
        one.opened(object())
    assert not one.may_accept()
    other.opened(object())
    assert one.may_accept()


def accepted(one: Balance, most: int = 1000) -> int:
    """How many connections a process accepts at once."""
    for number in range(most):
        if not one.may_accept():
            return number
        one.opened(object())
    return most


def test_if_nobody_does_it_accepts_more_and_more(clock: Clock) -> None:
    one, _ = balances(2, clock)
    assert accepted(one) == LEAD
    clock.now += PATIENCE / 2
    assert accepted(one) == 0
    got = []
    for _ in range(5):
        clock.now += 1.1 * PATIENCE
        got.append(accepted(one))
    assert got == [1, 2, 4, 8, 16]


def test_as_long_as_others_accept_it_does_not(clock: Clock) -> None:
    one, other = balances(2, clock)
    for _ in range(20):
        one.opened(object())
    for _ in range(10):
        assert not one.may_accept()
        clock.now += 10 * PATIENCE
        other.opened(object())


def test_many_connections_need_not_be_as_many(clock: Clock) -> None:
    one, other = balances(2, clock)
    for _ in range(10 * SHARE):
        other.opened(object())
    assert accepted(one) == 10 * SHARE + LEAD + 10


def test_who_has_left_is_not_waited_for(clock: Clock) -> None:
    one, other = balances(2, clock)
    for _ in range(LEAD):
        one.opened(object())
    other.opened("a socket")
    other.leave()
    other.closed("a socket")
    one.opened(object())
    assert one.may_accept()
    assert other.connections == 0


def test_a_connection_counts_once(clock: Clock) -> None:
    [one] = balances(1, clock)
    for sock in ("a", "b", "a"):
        one.opened(sock)
    assert one.connections == 2
    for sock in ("a", "a", "c"):
        one.closed(sock)
    assert one.connections == 1


@given(st.lists(st.permutations(range(4)), max_size=50))
@MANY
def test_nobody_is_far_ahead_whoever_is_woken_first(orders: list[list[int]]) -> None:
    clock = Clock()
    all_of_them = balances(4, clock)
    for order in orders:
        accepts = next(each for each in order if all_of_them[each].may_accept())
        all_of_them[accepts].opened(object())
        clock.now += PAUSE / 10
        numbers = [each.connections for each in all_of_them]
        assert max(numbers) - min(numbers) <= LEAD


# In a server


@pytest.fixture
def shared(serve: Serve) -> Iterator[Callable[..., list[SocketIOServer]]]:
    """Makes servers in this process that share the listening socket of one."""
    made: list[SocketIOServer] = []

    def share(
        number: int, now: Callable[[], float] = time.monotonic
    ) -> list[SocketIOServer]:
        live = serve({"/chat": fresh(Echo)})
        counts = counts_of(number)
        servers = [live.server]
        for _ in range(1, number):
            listener = socket.socket(fileno=os.dup(live.server.socket.fileno()))
            other = SocketIOServer(listener, live.server.application)
            made.append(other)
            servers.append(other)
        for index, each in enumerate(servers):
            each.balance = Balance(counts, index, now)
            each.max_accept = 1
            each.start()
        return servers

    yield share
    for each in made:
        each.stop()


def connections(servers: list[SocketIOServer]) -> list[int]:
    return [each.balance.connections for each in servers if each.balance is not None]


def test_connections_are_shared_out(shared: Any, clock: Clock) -> None:
    servers = shared(3, clock)  # which stands still: all have time to accept
    opened = [Raw(servers[0].server_port) for _ in range(30)]
    wait_for(lambda: sum(connections(servers)) == 30, "all are accepted")
    assert max(connections(servers)) - min(connections(servers)) <= LEAD
    for each in opened:
        each.close()
    wait_for(lambda: connections(servers) == [0, 0, 0], "all have ended")


def test_a_websocket_is_one_connection(shared: Any) -> None:
    [server] = shared(1)
    client = WebSocket5(server.server_port)
    client.join("/chat")
    wait_for(lambda: connections([server]) == [1], "its request has ended")
    client.close()
    wait_for(lambda: connections([server]) == [0], "it has ended")


def test_one_that_hangs_leaves_no_connection_waiting(shared: Any) -> None:
    servers = shared(2)
    servers[1].stop_accepting()
    opened = [Raw(servers[0].server_port) for _ in range(20)]
    with gevent.Timeout(DEADLINE):
        wait_for(lambda: connections(servers) == [20, 0], "all are accepted")
    for each in opened:
        each.close()
