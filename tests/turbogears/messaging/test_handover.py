"""The processes of a cluster know who has which sessions."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from tests.engine.clients import wait_for
from tests.redis_server import RedisServer
from tgext.socketio.engine.handover.processes import Process
from tgext.socketio.engine.server.server import SocketIOServer
from tgext.socketio.messaging.handover import (
    PATIENCE,
    Announcements,
    Circle,
    share_sessions,
)
from tgext.socketio.messaging.peers import Peers

from .clusters import Globals
from .test_peers import Cluster, cluster

__all__ = ["cluster"]


def process(name: str) -> Process:
    return Process(name.ljust(8, "_"), f"/tmp/{name}/connections", ("10.0.0.1", 9000))


class Member:
    """A process, with what it knows of the others."""

    def __init__(self, peers: Peers, own: Process) -> None:
        self.peers = peers
        self.own = own
        self.gone: list[Process] = []
        self.circle = Circle(peers, own, self.gone.append)

    @property
    def known(self) -> set[Process]:
        return set(self.circle.processes.values())


class Members:
    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.made: list[Member] = []

    def start(self, name: str, secret: str = "") -> Member:
        peers = self.cluster.make(secret)
        peers.hold()
        member = Member(peers, process(name))
        self.made.append(member)
        member.circle.introduce()
        return member

    def stop(self, member: Member) -> None:
        self.made.remove(member)
        member.circle.close()

    def wait_until_all_know_all(self) -> None:
        everybody = {each.own for each in self.made}
        for each in self.made:
            others = everybody - {each.own}
            wait_for(lambda each=each, o=others: each.known == o, "all know all")


@pytest.fixture
def members(cluster: Cluster) -> Iterator[Members]:
    members = Members(cluster)
    yield members
    cluster.broker.lost = False
    for each in list(members.made):
        members.stop(each)


@pytest.mark.parametrize("secret", ["", "a secret"])
def test_all_know_all_until_they_end(members: Members, secret: str) -> None:
    one, other = members.start("one", secret), members.start("other", secret)
    members.wait_until_all_know_all()
    third = members.start("third", secret)
    members.wait_until_all_know_all()
    members.stop(other)
    members.wait_until_all_know_all()
    assert one.gone == third.gone == [other.own]


def test_one_that_is_silent_is_unknown_and_comes_back(members: Members) -> None:
    one, other = members.start("one"), members.start("other")
    members.wait_until_all_know_all()
    for _ in range(4):
        members.cluster.wait(1, one.peers)
    assert one.known == set()
    assert one.gone == [other.own]
    other.peers.beat()
    members.wait_until_all_know_all()


def test_after_a_pause_of_the_broker_they_are_told_again(members: Members) -> None:
    one = members.start("one")
    members.cluster.broker.lost = True
    peers = members.cluster.make()
    members.cluster.broker.lost = False
    peers.hold()
    members.cluster.broker.lost = True
    other = Member(peers, process("other"))
    members.made.append(other)
    other.circle.introduce()
    assert other.known == set()
    members.cluster.broker.lost = False
    members.cluster.wait(4, one.peers, other.peers)
    members.wait_until_all_know_all()


def test_who_starts_waits_until_the_others_know_it(
    members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker says how many have received the question."""
    broker = members.cluster.broker
    publish = broker.publish

    def count(channel: str, message: Any) -> int:
        publish(channel, message)
        return len(broker.heard.get(channel, ()))

    monkeypatch.setattr(broker, "publish", count)
    others = [members.start(name) for name in ("one", "two", "three")]
    last = members.start("last")
    for each in others:
        assert last.own in each.known
    assert last.known == {each.own for each in others}
    # Of a process that does not answer, it does not depend.
    members.cluster.start()
    begin = time.monotonic()
    members.start("late")
    assert time.monotonic() - begin >= PATIENCE


BAD: list[Any] = [
    None,
    [],
    {},
    {"token": "x" * 8, "path": "/a"},
    {"token": "x" * 8, "path": "/a", "answer": "no"},
    {"token": 1, "path": "/a", "answer": False},
    {"token": "x" * 9, "path": "/a", "answer": False},
    {"token": "../../..", "path": "/a", "answer": False},
    {"token": "x" * 8, "path": "a", "answer": False},
    {"token": "x" * 8, "path": "/a\0", "answer": False},
    {"token": "x" * 8, "path": "/" + "a" * 107, "answer": False},
    {"token": "x" * 8, "path": None, "answer": False},
    {"token": "x" * 8, "path": "/a", "address": "a:1", "answer": False},
    {"token": "x" * 8, "path": "/a", "address": ["a"], "answer": False},
    {"token": "x" * 8, "path": "/a", "address": ["a", "1"], "answer": False},
    {"token": "x" * 8, "path": "/a", "address": ["a b", 1], "answer": False},
]


@pytest.mark.parametrize("data", BAD, ids=repr)
def test_what_is_invalid_is_skipped(
    data: Any, members: Members, caplog: pytest.LogCaptureFixture
) -> None:
    one = members.start("one")
    stranger = members.cluster.start()
    stranger.tell("sessions", data)
    assert one.known == set()
    assert any("sessions" in each for each in caplog.messages)


def test_a_process_cannot_take_the_token_of_another(members: Members) -> None:
    one, other = members.start("one"), members.start("other")
    members.wait_until_all_know_all()
    stranger = members.cluster.start()
    for each in (one, other):
        token = each.own.token
        stranger.tell("sessions", {"token": token, "path": "/x", "answer": False})
    assert one.known == {other.own}
    assert other.known == {one.own}


# With a broker


def config(url: str, **options: Any) -> dict[str, Any]:
    return {
        "anypubsub.backend": "redis",
        "anypubsub.host": url,
        "socketio.cluster": "true",
        "tg.app_globals": Globals(),
        **options,
    }


def test_a_broker_that_comes_later_is_joined_then(tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    processes = [process("one"), process("other")]
    made = [Announcements([config(redis.url)]) for _ in processes]
    for announcements, own in zip(made, processes, strict=True):
        announcements.open(own, lambda _: None)
    try:
        assert made[0].find(processes[1].token) is None
        redis.start()
        for announcements, own in zip(made, reversed(processes), strict=True):
            wait_for(lambda a=announcements, o=own: a.find(o.token) == o, "known")
            assert announcements.find("x" * 8) is None
    finally:
        for announcements in made:
            announcements.close()
        redis.kill()


def test_without_a_broker_that_others_have_nothing_is_handed_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    options = config("", **{"anypubsub.backend": "memory"})
    del options["anypubsub.host"]
    announcements = Announcements([options])
    announcements.open(process("one"), lambda _: None)
    (line,) = caplog.messages
    assert line.startswith("No requests are handed over")
    assert "use redis" in line
    announcements.close()


@pytest.mark.parametrize(
    ("value", "shared"), [(None, False), ("false", False), ("?", False), ("true", True)]
)
def test_sessions_are_shared_in_a_cluster(value: str | None, shared: bool) -> None:
    server = SocketIOServer(("127.0.0.1", 0))
    options = {} if value is None else {"socketio.cluster": value}
    share_sessions(server, [{}, options])
    assert (server.elsewhere is not None) is shared


def test_the_log_tells_nothing_when_all_is_well(
    members: Members, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    members.start("one")
    members.start("other")
    gevent.sleep(0)
    assert caplog.messages == []
