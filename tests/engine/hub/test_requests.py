"""A server that stops waits for the requests that are being served."""

from __future__ import annotations

import gevent

from tgext.socketio.engine.hub.requests import Requests

from ..clients import DEADLINE


def test_nothing_is_waited_for_when_nothing_is_served() -> None:
    Requests().wait()


def test_the_last_one_ends_the_wait() -> None:
    requests = Requests()
    for _ in range(2):
        requests.began()
    waiting = gevent.spawn(requests.wait)
    gevent.idle()
    requests.ended()
    gevent.idle()
    assert requests.number == 1
    assert not waiting.dead
    requests.ended()
    waiting.get(timeout=DEADLINE)


def test_a_request_that_begins_is_waited_for_again() -> None:
    requests = Requests()
    requests.began()
    requests.ended()
    requests.began()
    waiting = gevent.spawn(requests.wait)
    gevent.idle()
    assert not waiting.dead
    requests.ended()
    waiting.get(timeout=DEADLINE)
    assert requests.number == 0
