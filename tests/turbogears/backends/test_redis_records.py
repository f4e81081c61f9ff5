"""Records that one process has at a time, in a real Redis."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.clients import wait_for
from tests.redis_server import RedisServer
from tgext.socketio.backends.redis_records import Record, Records

from .conftest import Connect

Of = Callable[[str], Records]


@pytest.fixture
def of(connect: Connect, server: RedisServer) -> Of:
    """The records, as a process has them."""
    server.client.flushall()
    backend = connect()
    return lambda owner: Records(backend.run, "tests/records", owner)


def test_a_record_has_one_owner(of: Of) -> None:
    ann, bob = of("ann"), of("bob")
    assert ann.read("x") is None
    assert ann.write({"x": "one", "y": "é"}, 30.0) == []
    assert bob.write({"x": "other", "z": "three"}, 30.0) == ["x"]
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
    assert ann.write({"x": "two"}, 30.0) == ["x"]
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
