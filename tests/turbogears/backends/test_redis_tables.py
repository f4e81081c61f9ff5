"""Tables of processes in a real Redis."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.clients import wait_for
from tests.redis_server import RedisServer
from tgext.socketio.backends import BrokerUnavailable
from tgext.socketio.backends.redis_tables import AT_ONCE, Table, Tables

from .conftest import Connect


@pytest.fixture
def tables(connect: Connect, server: RedisServer) -> Tables:
    server.client.flushall()
    return Tables(connect().run, "tests/presence", 30.0)


def entries_of(table: Table | None) -> dict[str, str]:
    assert table is not None
    return dict(table.entries)


def test_a_table_is_written_in_steps_of_its_number(tables: Tables) -> None:
    assert tables.read("a x") is None
    assert tables.names() == []
    tables.write_whole("a x", 5, iter({"1": "one", "2": "é"}.items()))
    assert tables.write("a x", 5, 6, {"3": "three"}, ["1", "9"])
    table = tables.read("a x")
    assert table is not None
    assert table.number == 6
    assert entries_of(table) == {"2": "é", "3": "three"}
    assert 0 < table.seconds <= 30
    assert tables.names() == ["a x"]


def test_a_table_with_another_number_is_not_changed(tables: Tables) -> None:
    tables.write_whole("a x", 5, iter({"1": "one"}.items()))
    assert not tables.write("a x", 4, 6, {"1": "other"})
    assert entries_of(tables.read("a x")) == {"1": "one"}
    assert not tables.write("b x", 0, 1)
    assert tables.read("b x") is None


def test_a_large_table_is_there_at_once(tables: Tables) -> None:
    tables.write_whole("a x", 5, iter({"old": "old"}.items()))
    seen: list[Table | None] = []

    def fields() -> Any:
        for number in range(3 * AT_ONCE):
            if number == 2 * AT_ONCE + 1:
                seen.append(tables.read("a x"))
            yield str(number), "entry"

    tables.write_whole("a x", 6, fields())
    assert seen == [None]
    assert len(entries_of(tables.read("a x"))) == 3 * AT_ONCE


@pytest.mark.parametrize("count", [0, 1, AT_ONCE, AT_ONCE + 1])
def test_a_whole_of_any_size(tables: Tables, count: int) -> None:
    expected = {str(number): "entry" for number in range(count)}
    tables.write_whole("a x", 7, iter(expected.items()))
    assert entries_of(tables.read("a x")) == expected


def test_a_table_that_is_not_renewed_is_gone(
    connect: Connect, server: RedisServer
) -> None:
    backend = connect()
    short, long = (
        Tables(backend.run, "tests/times", seconds) for seconds in (0.2, 30.0)
    )
    short.write_whole("a x", 1, iter({"1": "one"}.items()))
    long.write_whole("b x", 1, iter(()))
    wait_for(lambda: long.read("a x") is None, "its time is over")
    assert long.names() == ["b x"]
    for name in ("b x", "c x"):
        long.remove(name)
    assert long.names() == []
    # The list is cleared of those whose time is over by the next write.
    assert server.client.keys("tests/times*") == ["tests/times"]
    assert server.client.ttl("tests/times") > 0


def test_what_others_wrote_is_read_as_text(tables: Tables, server: RedisServer) -> None:
    tables.write_whole("a x", 1, iter(()))
    server.client.hset("tests/presence/a x", "1", b"\xff")
    assert entries_of(tables.read("a x")) == {"1": "\ufffd"}
    server.client.hset("tests/presence/a x", "#", "no number")
    assert tables.read("a x") is None


def test_a_lost_redis_is_told(connect: Connect, server: RedisServer) -> None:
    tables = Tables(connect().run, "tests/presence", 30.0)
    server.kill()
    try:
        with pytest.raises(BrokerUnavailable):
            tables.write("a x", 0, 1)
    finally:
        server.start()


def test_a_key_of_another_type_is_no_table(tables: Tables, server: RedisServer) -> None:
    """Its process writes it anew, as one that Redis has lost."""
    tables.write_whole("a x", 5, iter({"1": "one"}.items()))
    server.client.delete("tests/presence/a x")
    server.client.set("tests/presence/a x", "a text")
    assert tables.read("a x") is None
    assert not tables.write("a x", 5, 6)
    tables.write_whole("a x", 7, iter({"1": "one"}.items()))
    assert entries_of(tables.read("a x")) == {"1": "one"}
