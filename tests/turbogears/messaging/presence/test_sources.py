"""What a process publishes of its entries; test_sharing.py has the processes."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.messaging.presence.members import Entry, Topic
from tgext.socketio.messaging.presence.replica import Replica
from tgext.socketio.messaging.presence.sources import TableSource

from .test_sharing import Broker, Clock

LOBBY: Topic = ("/chat", "lobby")


@pytest.fixture
def broker() -> Broker:
    return Broker(Clock())


def source(
    broker: Any, replica: Replica, name: str = "a", secret: str = "secret"
) -> TableSource:
    return TableSource(broker, replica, name, "x", secret, broker.clock)


def users(broker: Broker, name: str = "a", secret: str = "secret") -> set[str]:
    found = source(broker, Replica(), "reader", secret).read([name])
    return {each.user for whole in found.values() for each in whole.entries.values()}


def test_a_batch_changes_the_table(broker: Broker) -> None:
    replica = Replica()
    own = source(broker, replica)
    own.renew()
    reference = replica.add(Entry(LOBBY, "ann", {}))
    replica.add(Entry(LOBBY, "bob", {}))
    own.write(replica.take(10))
    assert users(broker) == {"ann", "bob"}
    replica.remove(reference)
    own.write(replica.take(10))
    assert users(broker) == {"bob"}


@pytest.mark.parametrize("how", ["lost", "flushed", "of another run"])
def test_a_table_that_is_not_what_it_should_be_is_written_anew(
    broker: Broker, how: str
) -> None:
    replica = Replica()
    own = source(broker, replica)
    replica.add(Entry(LOBBY, "ann", {}))
    own.write(replica.take(10))
    if how == "lost":
        own.lose()
    elif how == "flushed":
        broker.tables.clear()
    else:
        broker.write_whole("a x", 77, ())
    replica.add(Entry(LOBBY, "bob", {}))
    own.write(replica.take(10))
    assert users(broker) == {"ann", "bob"}
    broker.tables.clear()
    own.renew()
    assert users(broker) == {"ann", "bob"}


def test_tables_of_others_are_found(broker: Broker) -> None:
    for name in ("a x", "b x", "c y"):
        broker.write_whole(name, 1, ())
    own = source(broker, Replica())
    assert list(own.others()) == ["b"]
    assert own.read(["b", "gone"]).keys() == {"b"}
    own.end()
    assert set(broker.tables) == {"b x", "c y"}


def test_entries_are_signed_for_their_table(broker: Broker) -> None:
    replica = Replica()
    replica.add(Entry(LOBBY, "ann", {}))
    source(broker, replica).write(replica.take(10))
    broker.tables["b x"] = broker.tables["a x"]
    assert users(broker) == {"ann"}
    assert users(broker, "b") == set()
    assert users(broker, secret="another") == set()
