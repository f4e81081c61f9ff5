from __future__ import annotations

import gevent
import pytest
from gevent.exceptions import ConcurrentObjectUseError

from tgext.socketio.engine.concurrency.wakeup import Waiting

from ..clients import DEADLINE


def test_who_waits_is_woken() -> None:
    waiting = Waiting()
    assert not waiting
    waiter = gevent.spawn(waiting.wait, DEADLINE)
    gevent.sleep(0)
    assert waiting
    waiting.wake()
    waiter.get(timeout=DEADLINE)
    assert not waiting


def test_waking_nobody_has_no_effect() -> None:
    waiting = Waiting()
    waiting.wake()
    waiting.switch()
    with pytest.raises(TimeoutError, match=r"in 0\.01 s"):
        waiting.wait(0.01)


def test_only_one_waits() -> None:
    waiting = Waiting()
    waiter = gevent.spawn(waiting.wait, None)
    gevent.sleep(0)
    with pytest.raises(ConcurrentObjectUseError):
        waiting.wait(None)
    waiting.wake()
    waiter.get(timeout=DEADLINE)
