"""Clients that upgrade through another process, while messages flow both ways."""

from __future__ import annotations

import gevent
import pytest

from tests.engine.clients import PollingOfEngineIO
from tests.engine.conftest import Serve
from tests.engine.upgraders import NAME, Journey, Numbers, Upgrader

from .streets import in_turns, two

CLIENTS = 4


@pytest.mark.parametrize("kind", ["2-polling", "4-polling"])
def test_nothing_is_lost_and_all_is_in_order(serve: Serve, kind: str) -> None:
    one, other = two(serve, {NAME: Numbers})

    def travel(index: int) -> Journey:
        client = in_turns(one.client(kind), other, one)
        assert isinstance(client, PollingOfEngineIO)
        upgrade_at = 0.1 + 0.1 * index
        journey = Upgrader(client, 50, upgrade_at, 0.6).run(other.port)
        client.gets.close()
        client.posts.close()
        return journey

    journeys = [gevent.spawn(travel, index) for index in range(CLIENTS)]
    assert [each.get().faults() for each in journeys] == [[]] * CLIENTS
