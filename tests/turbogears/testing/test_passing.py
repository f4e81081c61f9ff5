"""Time that passes as a test says."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tgext.socketio.engine.concurrency import clock
from tgext.socketio.testing import EventError, SocketIOTest


def test_who_answers_pings_stays(app: Any, generation: str) -> None:
    with SocketIOTest(app, generation) as io:
        ann = io.connect("/queue")
        io.advance(600)
        assert ann.emit("count", 1) == 2


def test_who_answers_no_ping_is_disconnected(app: Any, generation: str) -> None:
    with SocketIOTest(app, generation) as io:
        ann = io.connect("/queue")
        bob = io.connect("/queue", extra_environ={"REMOTE_USER": "bob"})
        bob.freeze()
        io.advance(15)
        assert ann.received("left") == []
        io.advance(60)
        assert ann.received("left") == [("bob", "ping timeout")]


def test_an_hour_takes_no_time(io: SocketIOTest) -> None:
    began = time.monotonic()
    io.connect("/queue")
    io.advance(3600)
    assert time.monotonic() - began < 60


def test_presence_that_lingers(io: SocketIOTest) -> None:
    ann = io.connect("/here")
    ann.expect("presence_state")
    bob = io.connect("/here")
    joined = ann.expect("presence_diff")[0]["joins"]
    assert joined.keys() == {bob.id}
    bob.drop()
    io.advance(20)
    assert len(ann.received("presence_diff")) == 1
    io.advance(20)
    assert ann.expect("presence_diff")[0]["leaves"].keys() == {bob.id}


def test_who_comes_back_too_late_is_new(io: SocketIOTest) -> None:
    bob = io.connect("/queue")
    bob.drop()
    io.advance(24 * 3600)
    bob.reconnect()
    assert not bob.recovered


def test_rate_limits(io: SocketIOTest) -> None:
    ann = io.connect("/queue")
    assert ann.emit("seldom") == "now"
    with pytest.raises(EventError, match="rate_limited"):
        ann.emit("seldom")
    io.advance(61)
    assert ann.emit("seldom") == "now"


def test_the_clock_goes_forward(io: SocketIOTest) -> None:
    with pytest.raises(ValueError, match="-1 s"):
        io.advance(-1)


def test_the_clock_is_right_at_the_end(app: Any) -> None:
    with SocketIOTest(app) as io:
        with SocketIOTest(app) as inner:
            inner.advance(1000)
        assert clock.monotonic() > time.monotonic() + 999
        assert io.connect("/queue").emit("count", 1) == 2
    assert clock.monotonic() < time.monotonic() + 999
