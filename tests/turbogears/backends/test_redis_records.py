"""Records that one process has at a time, in a real Redis."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.clients import wait_for
from tests.redis_server import RedisServer
from tgext.socketio.backends.errors import BrokerRefused
from tgext.socketio.backends.redis_records import Record, Records, Written

from .conftest import Connect

Of = Callable[[str], Records]

#: All records are written.
ALL = Written([], [], [])


@pytest.fixture
def of(connect: Connect, server: RedisServer) -> Of:
    """The records, as a process has them."""
    server.client.flushall()
    backend = connect()
    return lambda owner: Records(backend.run, "tests/records", owner)


def test_a_record_has_one_owner(of: Of) -> None:
    ann, bob = of("ann"), of("bob")
    assert ann.read("x") is None
    assert ann.write({"x": "one", "y": "é"}, 30.0) == ALL
    assert bob.write({"x": "other", "z": "three"}, 30.0) == Written(["x"], [], [])
    assert bob.read("x") == Record("ann", "one")
    assert bob.read("y") == Record("ann", "é")
    assert bob.read("z") == Record("bob", "three")
    bob.remove(["x", "z", "none"])
    assert ann.read("x") == Record("ann", "one")
    assert ann.read("z") is None


def test_a_record_that_lacks_a_part_is_none(of: Of, server: RedisServer) -> None:
    server.client.hset("tests/records/x", "owner", "ann")
    server.client.hset("tests/records/y", "text", "one")
    assert of("ann").read("x") is None
    assert of("ann").read("y") is None


def test_another_process_takes_a_record(of: Of) -> None:
    ann, bob, eve = of("ann"), of("bob"), of("eve")
    ann.write({"x": "one"}, 30.0)
    assert bob.take("x", "ann", 30.0) == "one"
    assert eve.take("x", "ann", 30.0) is None
    assert ann.write({"x": "two", "y": ""}, 30.0) == Written(["x"], ["y"], [])
    assert ann.write({"x": ""}, 30.0) == Written(["x"], [], [])
    assert bob.read("x") == Record("bob", "one")
    assert bob.take("none", "ann", 30.0) is None


def test_a_record_expires_if_nobody_renews_it(of: Of, server: RedisServer) -> None:
    ann = of("ann")
    ann.write({"x": "one", "y": "one"}, 0.05)
    ann.write({"y": "one"}, 30.0)
    wait_for(lambda: ann.read("x") is None, "it has expired")
    assert ann.read("y") == Record("ann", "one")
    of("bob").take("y", "ann", 60.0)
    assert server.client.pttl("tests/records/y") > 30_000


def test_a_record_is_renewed_without_its_text(of: Of, server: RedisServer) -> None:
    ann = of("ann")
    ann.write({"x": "one"}, 30.0)
    assert ann.write({"x": "", "y": "two"}, 60.0) == ALL
    assert ann.read("x") == Record("ann", "one")
    assert server.client.pttl("tests/records/x") > 30_000
    server.client.hdel("tests/records/y", "text")
    assert ann.write({"y": "", "z": ""}, 30.0) == Written([], ["y", "z"], [])


def test_a_key_of_another_type_is_no_record(of: Of, server: RedisServer) -> None:
    """It is left as it is, and does not keep others from being written."""
    ann, bob = of("ann"), of("bob")
    server.client.set("tests/records/x", "a text")
    refused = Written([], [], ["x"])
    assert ann.write({"w": "one", "x": "one", "y": "one"}, 30.0) == refused
    assert ann.write({"x": "", "y": ""}, 30.0) == refused
    assert bob.read("y") == Record("ann", "one")
    assert bob.read("x") is None
    assert bob.take("x", "ann", 30.0) is None
    ann.remove(["x", "y"])
    assert bob.read("y") is None
    assert server.client.get("tests/records/x") == "a text"


def test_a_redis_that_takes_nothing(of: Of, server: RedisServer) -> None:
    """That does not concern one record: who writes tries again."""
    server.client.config_set("maxmemory", 1)
    try:
        with pytest.raises(BrokerRefused, match="maxmemory"):
            of("ann").write({"x": "one"}, 30.0)
    finally:
        server.client.config_set("maxmemory", 0)
    assert of("ann").write({"x": "one"}, 30.0) == ALL
