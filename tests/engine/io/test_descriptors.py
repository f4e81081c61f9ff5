"""What the event loop keeps of a connection that another process has."""

from __future__ import annotations

import os
import re
from pathlib import Path

import gevent
import pytest
from gevent import get_hub, socket

from tgext.socketio.engine.io.descriptors import forget


def watched() -> set[int]:
    """The descriptors that the epoll of the event loop has."""
    text = Path(f"/proc/self/fdinfo/{get_hub().loop.fileno()}").read_text()
    return {int(each) for each in re.findall(r"tfd:\s+(\d+)", text)}


@pytest.mark.skipif(get_hub().loop.backend != "epoll", reason="only of epoll")
def test_it_keeps_nothing() -> None:
    one, other = socket.socketpair()
    with one, other:
        reading = gevent.spawn(one.recv, 10)
        gevent.sleep(0.01)
        number = one.fileno()
        assert number in watched()
        other.sendall(b"x")
        reading.get()
        elsewhere = os.dup(number)
        forget(one)
        one.close()
        assert number not in watched()
        os.close(elsewhere)


def test_one_that_nobody_waited_for_is_no_error() -> None:
    one, other = socket.socketpair()
    with one, other:
        forget(one)
