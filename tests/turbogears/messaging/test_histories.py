"""Which channels have a history, whoever publishes."""

from __future__ import annotations

from typing import Any

import pytest
from anypubsub.backends.memory import MemoryPubSub
from anypubsub.interfaces import PubSub

from tests.engine.clients import wait_for
from tests.redis_server import RedisServer
from tgext.socketio.backends import BrokerUnavailable
from tgext.socketio.messaging.histories import Histories, keep_of
from tgext.socketio.messaging.log import Keep, log_of_backend
from tgext.socketio.messaging.publishing import publish

from ..backends.conftest import Connect, connect, server  # noqa: F401

KEEP = Keep(5, 300.0)


@pytest.fixture(params=["memory", "redis"])
def backend(
    request: pytest.FixtureRequest,
    server: RedisServer,  # noqa: F811
    connect: Connect,  # noqa: F811
) -> PubSub:
    if request.param == "memory":
        return MemoryPubSub()
    server.client.flushall()
    return connect()


def kept(backend: PubSub, name: str = "news") -> list[str]:
    log = log_of_backend(backend)
    assert log is not None
    return [each.message for each in log.latest(name, 10).entries]


@pytest.mark.parametrize(
    ("history", "ttl", "keep"),
    [
        (5, 300, Keep(5, 300.0)),
        (5, 0.5, Keep(5, 0.5)),
        (0, 300, None),
        (-1, 300, None),
        (5, 0, None),
        (True, 300, None),
        (["theirs"], 300, None),
        (5, "theirs", None),
        (None, None, None),
    ],
)
def test_a_history_is_two_numbers(history: Any, ttl: Any, keep: Keep | None) -> None:
    assert keep_of(history, ttl) == keep


def test_who_publishes_with_a_history_is_kept(backend: PubSub) -> None:
    Histories(backend).publish("news", "1", KEEP)
    assert kept(backend) == ["1"]


def test_who_publishes_without_is_kept_once_it_was_declared(backend: PubSub) -> None:
    histories, others = Histories(backend), Histories(backend)
    others.publish("news", "1")
    assert kept(backend) == []
    histories.declare("news", KEEP)
    others.publish("news", "2")
    others.publish("other", "3")
    assert kept(backend) == ["2"]
    assert kept(backend, "other") == []


def test_a_key_needs_a_history(backend: PubSub) -> None:
    histories = Histories(backend)
    with pytest.raises(ValueError, match=r"key= needs a history, .*'news'"):
        histories.publish("news", "1", key="x")
    histories.declare("news", KEEP)
    for _ in range(2):
        histories.publish("news", "1", key="x")
    histories.publish("news", "2", KEEP, key="x")
    assert kept(backend) == ["1"]


class Other(PubSub):
    """A backend of another kind."""

    def __init__(self) -> None:
        self.published: list[tuple[str, str]] = []

    def publish(self, channel: str, message: str) -> None:
        self.published.append((channel, message))

    def subscribe(self, *channels: str) -> None: ...


def test_backends_without_a_log_say_so_once(caplog: pytest.LogCaptureFixture) -> None:
    backend = Other()
    histories = Histories(backend)
    for _ in range(2):
        histories.declare("news", KEEP)
        histories.publish("news", "1", KEEP)
    histories.publish("news", "2")
    assert backend.published == [("news", "1"), ("news", "1"), ("news", "2")]
    assert caplog.text.count("Channels have no history with") == 1
    with pytest.raises(ValueError, match="this backend cannot keep"):
        histories.publish("news", "1", key="x")


@pytest.fixture
def settings(server: RedisServer) -> dict[str, Any]:  # noqa: F811
    server.client.flushall()
    return {"anypubsub.backend": "redis", "anypubsub.port": str(server.port)}


def test_a_script_asks_for_a_history(
    connect: Connect,  # noqa: F811
    settings: dict[str, Any],
) -> None:
    backend = connect()
    publish("news", "plain", settings)
    assert kept(backend) == []
    publish("news", "1", settings, history=5, history_ttl=60)
    publish("news", {"b": b"2"}, settings, key="x")
    publish("news", "2", settings, key="x")
    assert len(kept(backend)) == 2


@pytest.mark.parametrize("wrong", [{"history": 0}, {"history": 5, "history_ttl": -1}])
def test_a_wrong_history_is_refused(
    settings: dict[str, Any], wrong: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="above 0"):
        publish("news", "1", settings, **wrong)


def test_a_user_who_may_only_publish_publishes(
    connect: Connect,  # noqa: F811
    server: RedisServer,  # noqa: F811
) -> None:
    rules = {"passwords": ["+secret"], "channels": ["*"], "keys": ["*"]}
    server.client.acl_setuser(
        "writer", enabled=True, commands=["+publish", "+ping"], **rules
    )
    backend, listening, heard = connect(), connect(), list[Any]()
    writer = connect(username="writer", password="secret")
    listening.listen("news", heard.append)
    Histories(writer).publish("news", "1")
    wait_for(lambda: heard, "it is heard")
    assert heard == [b"1"]
    with pytest.raises(BrokerUnavailable, match="refuses"):
        Histories(writer).publish("news", "1", key="x")
    assert kept(backend) == []
