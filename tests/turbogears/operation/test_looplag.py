"""How late the event loop is."""

from __future__ import annotations

import time
from typing import Any

import gevent

from tests.engine.clients import wait_for
from tgext.socketio.operation import looplag
from tgext.socketio.operation.looplag import LoopLag


def test_what_blocks_the_loop_is_seen() -> None:
    lag = LoopLag(0.01)
    timing = lag.ask()
    wait_for(lambda: timing.cumulative[-1], "a look")
    seen = timing.seconds
    _block(0.1)
    wait_for(lambda: timing.seconds > seen + 0.05, "the lag")


def test_it_looks_once_in_an_interval() -> None:
    """It once looked in each turn of the loop, which never slept again."""
    lag = LoopLag(0.05)
    timing = lag.ask()
    wait_for(lambda: timing.cumulative[-1], "a look")
    began, seen = time.monotonic(), timing.cumulative[-1]
    gevent.sleep(0.2)
    most = (time.monotonic() - began) / 0.05 + 1
    assert timing.cumulative[-1] - seen <= most


def _block(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def test_nobody_looks_when_nobody_asks(monkeypatch: Any) -> None:
    monkeypatch.setattr(looplag, "FORGOTTEN", 0.03)
    lag = LoopLag(0.01)
    timing = lag.ask()
    wait_for(lambda: timing.cumulative[-1], "a look")
    gevent.sleep(0.1)
    seen = timing.cumulative[-1]
    gevent.sleep(0.05)
    assert timing.cumulative[-1] == seen
    lag.ask()
    wait_for(lambda: timing.cumulative[-1] > seen, "a look after a question")
