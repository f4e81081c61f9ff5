"""The metrics of all processes of a cluster."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest

from tests.engine.clients import wait_for
from tests.redis_server import RedisServer
from tests.turbogears.messaging.clusters import Start
from tests.turbogears.messaging.conftest import redis, start
from tgext.socketio.messaging.sealed import BusMessageError
from tgext.socketio.operation import gathering, snapshot
from tgext.socketio.operation.gathering import answer_others, gather, read, write
from tgext.socketio.operation.snapshot import Snapshot, take

__all__ = ["redis", "start"]

GOOD: dict[str, Any] = {
    "process": "host:1",
    "users": ["abc"],
    "values": {
        "connections": [[["3.x/4.x", "websocket"], 5]],
        "topics": [[[], 2]],
        "event_duration_seconds": [[["/chat", "ask"], [[1, 2], 0.5]]],
    },
}


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer is that of another process, as it would be without this test."""
    numbers = count()
    monkeypatch.setattr(snapshot, "name_of_process", lambda: f"host:{next(numbers)}")
    monkeypatch.setattr(gathering, "PATIENCE", 20.0)
    answer_others()


def test_an_application_alone_answers_for_itself() -> None:
    [own], missing = gather({})
    assert own.process == snapshot.name_of_process()
    assert missing == 0


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize("secret", [None, "a secret of the cluster"])
def test_all_processes_of_a_cluster_answer(start: Start, secret: str | None) -> None:
    options = {"socketio.cluster_secret": secret}
    first, second = start(**options), start(**options)
    first.join()
    second.join()
    peers = first.config["tg.app_globals"].socketio_peers
    wait_for(lambda: peers.alive, "the other process")
    snapshots, missing = gather(first.config)
    assert len(snapshots) == 3  # this one, and both have answered
    assert missing == 0
    for each in snapshots[1:]:
        assert sum(value for _, value in each.values["connections"]) >= 2


@pytest.mark.usefixtures("several")
def test_without_the_broker_a_process_answers_for_itself(
    start: Start, redis: RedisServer
) -> None:
    first, second = start(), start()
    first.join()
    second.join()
    peers = first.config["tg.app_globals"].socketio_peers
    wait_for(lambda: peers.alive, "the other process")
    redis.kill()
    try:
        snapshots, missing = gather(first.config)
    finally:
        redis.start()
    assert len(snapshots) == 1
    assert missing == 1


def test_what_is_written_is_read() -> None:
    own = take()
    other = read(json.loads(json.dumps(write(own))))
    assert (other.process, other.users) == (own.process, own.users)
    assert set(other.values) == set(own.values)
    assert read(GOOD).values["topics"] == [([], 2)]


def changed(**fields: Any) -> dict[str, Any]:
    return {**GOOD, **fields}


def value(name: str, each: Any) -> dict[str, Any]:
    return changed(values={name: each})


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "text",
        changed(process=1),
        changed(users="abc"),
        changed(users=[1]),
        changed(values=[]),
        value("topics", {}),
        value("topics", [[[], 1]] * 20_000),
        value("topics", [1]),
        value("topics", [[["label"], 1]]),
        value("topics", [[[], "1"]]),
        value("topics", [[[], True]]),
        value("topics", [[[], 1, 2]]),
        value("closed", [[[1], 1]]),
        value("closed", [[["x" * 10_000], 1]]),
        value("event_loop_lag_seconds", [[[], 1]]),
        value("event_loop_lag_seconds", [[[], [[1], "1"]]]),
        value("event_loop_lag_seconds", [[[], [["1"], 1]]]),
        value("event_loop_lag_seconds", [[[], ["1", 1]]]),
    ],
)
def test_an_answer_that_is_invalid_is_refused(answer: Any) -> None:
    with pytest.raises(BusMessageError):
        read(answer)


def test_metrics_of_another_version_are_skipped() -> None:
    assert read(value("of a later version", object())).values == {}
    escaped = read(changed(process="a\n" + "b" * 500)).process
    assert escaped.isprintable()
    assert len(escaped) < 100


def test_an_invalid_answer_leaves_a_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Guest:
        def ask(self, kind: str, data: Any, timeout: float) -> dict[str, Any]:
            return {"one": GOOD, "two": {"process": 1}}

    monkeypatch.setattr(gathering, "guest_of", lambda settings: Guest())
    globals_ = type("Globals", (), {})()
    settings = {"socketio.cluster": "true", "tg.app_globals": globals_}
    snapshots, _ = gather(settings)
    assert [type(each) for each in snapshots] == [Snapshot, Snapshot]
    assert snapshots[1].process == "host:1"
    assert "The metrics of process two are skipped" in caplog.text
