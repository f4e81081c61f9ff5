"""Two applications, which a bus in memory joins to a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from anypubsub.backends.memory import MemoryPubSub
from webtest import TestApp

from tests.redis_server import running_redis
from tgext.socketio.testing import SocketIOTest
from tgext.socketio.testing.bus import MemoryBus, join
from tgext.socketio.testing.loop import settle

from .shop import make_app

Two = tuple[SocketIOTest, SocketIOTest]


@pytest.fixture
def two() -> Iterator[Two]:
    options = {"socketio.cluster": "true"}
    first, second = TestApp(make_app(**options)), TestApp(make_app(**options))
    with SocketIOTest(first) as one, SocketIOTest(second) as other:
        yield one, other


def test_broadcasts_reach_the_clients_of_the_other(two: Two) -> None:
    one, other = two
    ann, bob = one.connect("/queue"), other.connect("/queue")
    ann.emit("claim", 7)
    assert bob.expect("claimed") == (7, None)
    assert ann.received("claimed") == []


def test_pages_reach_the_clients_of_both(two: Two) -> None:
    one, other = two
    ann, bob = one.connect("/queue"), other.connect("/queue")
    one.app.get("/tell", {"word": "x"})
    assert ann.expect("told") == bob.expect("told") == ("x",)


def test_channels_and_their_history(two: Two) -> None:
    one, other = two
    ann, bob = one.connect("/news"), other.connect("/news")
    assert ann.emit("subscribe", "sports") == "sports"
    bob.emit("write", "won")
    assert ann.expect("pubblication")[0] == "won"
    late = one.connect("/news")
    late.emit("subscribe", "sports")
    assert late.expect("pubblication")[0] == "won"


def test_with_the_options_of_redis_they_use_redis(tmp_path: Path) -> None:
    with running_redis(tmp_path) as redis:
        options = {
            "socketio.cluster": "true",
            "anypubsub.backend": "redis",
            "anypubsub.host": redis.url,
        }
        first, second = make_app(**options), make_app(**options)
        with SocketIOTest(first) as one, SocketIOTest(second) as other:
            ann, bob = one.connect("/queue"), other.connect("/queue")
            assert redis.subscribers() != []
            ann.emit("claim", 7)
            assert bob.expect("claimed") == (7, None)


def test_applications_without_cluster_are_alone() -> None:
    with SocketIOTest(make_app()) as one, SocketIOTest(make_app()) as other:
        ann, bob = one.connect("/queue"), other.connect("/queue")
        ann.emit("claim", 7)
        assert bob.received("claimed") == []


class Globals: ...


def test_where_channels_are_in_memory_they_block_nothing() -> None:
    """anypubsub's own would, where the standard library is not patched."""
    kinds = None, MemoryPubSub(), MemoryBus(), object()
    made = [Globals() for _ in kinds]
    for each, backend in zip(made, kinds, strict=True):
        each.anypubsub = backend  # type: ignore[attr-defined]
    join([{"tg.app_globals": each} for each in made] + [{}])
    first, second, third, fourth = (vars(each)["anypubsub"] for each in made)
    assert isinstance(first, MemoryBus)
    assert isinstance(second, MemoryBus)
    assert first is not second
    assert third is kinds[2]
    assert fourth is kinds[3]


def test_other_backends_are_left_alone() -> None:
    made = Globals()
    join([{"tg.app_globals": made, "anypubsub.backend": "redis"}])
    assert vars(made) == {}


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


def test_messages_arrive_in_order(bus: MemoryBus) -> None:
    heard: list[str] = []
    hear: Callable[[str], None] = heard.append
    bus.listen("news", hear)
    assert [bus.publish("news", each) for each in "ab"] == [1, 1]
    assert heard == []  # not while they are published
    settle()
    assert heard == ["a", "b"]
    bus.unlisten("news", hear)
    assert bus.publish("news", "c") == 0


def test_subscribers_of_anypubsub(bus: MemoryBus) -> None:
    messages = bus.subscribe("news", "sports")
    bus.publish("news", "a")
    bus.publish("sports", "b")
    assert [next(messages), messages.next()] == ["a", "b"]
    assert iter(messages) is messages
