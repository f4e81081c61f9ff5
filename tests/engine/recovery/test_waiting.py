"""Sessions that wait for their clients: how many, how large, how long."""

from __future__ import annotations

import gevent

from tgext.socketio.engine.concurrency.heartbeat import Wheel
from tgext.socketio.engine.recovery import waiting
from tgext.socketio.engine.recovery.waiting import MOST, MOST_SESSIONS, Waiting


class Session:
    def __init__(self, weight: int = 0) -> None:
        self.weight = weight
        self.forgotten = False

    def forget(self) -> None:
        self.forgotten = True


def test_a_session_waits_for_its_time_only() -> None:
    timers = Wheel()
    sessions = Waiting(timers, 0.05)
    gone, back = Session(), Session()
    sessions.add(gone)
    sessions.add(back)
    sessions.remove(back)
    sessions.remove(back)
    with gevent.Timeout(10):
        while len(sessions):
            gevent.sleep(0.01)
    assert (gone.forgotten, back.forgotten) == (True, False)
    assert sessions.size == 0


def test_the_oldest_are_forgotten_when_they_are_too_large_together() -> None:
    sessions = Waiting(Wheel(), 60)
    some = [Session(MOST // 3) for _ in range(4)]
    for each in some:
        sessions.add(each)
    assert [each.forgotten for each in some] == [True, True, False, False]
    sessions.clear()
    assert all(each.forgotten for each in some)
    assert (len(sessions), sessions.size) == (0, 0)


def test_the_oldest_are_forgotten_when_there_are_too_many() -> None:
    sessions = Waiting(Wheel(), 60)
    some = [Session() for _ in range(MOST_SESSIONS + 1)]
    for each in some:
        sessions.add(each)
    assert [each.forgotten for each in some[:2]] == [True, False]
    assert len(sessions) == MOST_SESSIONS
    assert MOST_SESSIONS * waiting.OVERHEAD < MOST
    sessions.clear()
