"""What only PostgreSQL can show of the application of test_fullstack.py.

``tox run -e services`` runs both.
"""

from __future__ import annotations

import time

import gevent

from .fullstack import Browser, Site

#: Seconds of a query that takes long.
LONG = 2.0


def test_a_long_query_delays_no_other_connection(site: Site) -> None:
    sleeper = Browser(site).log_in("bob").connect()
    other = Browser(site).log_in("ada").connect()
    sleeper.emit("/notes", "sleep_in_the_database", LONG, number=1)
    begin = time.monotonic()
    answered = 0
    while time.monotonic() < begin + LONG / 2:
        assert other.call("/notes", "manage") == ["managed"]
        answered += 1
    assert answered > 1
    assert sleeper.read()["args"] == ["slept"]
    assert time.monotonic() - begin >= LONG


def test_idle_connections_are_in_no_transaction(site: Site) -> None:
    connected = [Browser(site).log_in("bob").connect() for _ in range(5)]
    for bob in connected:
        assert bob.call("/notes", "who") == ["bob"]
    query = "SELECT state FROM pg_stat_activity WHERE datname = current_database()"
    states = [state for (state,) in site.select(query)]
    assert states.count("active") == 1  # who asks
    assert set(states) <= {"active", "idle"}


def test_events_that_exclude_each_other_are_tried_again(site: Site) -> None:
    both = [Browser(site).log_in(user).connect() for user in ("ada", "bob")]
    calls = [gevent.spawn(each.call, "/notes", "count_up") for each in both]
    # Both read that there are no notes; the one that wrote last had to read again.
    assert sorted(call.get() for call in calls) == [[1, 1], [2, 2]]
    assert sorted(text for _, text in site.notes()) == ["1", "2"]
