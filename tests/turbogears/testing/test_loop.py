"""Running the event loop from a test."""

from __future__ import annotations

import time

import gevent
import pytest
from gevent import socket

from tgext.socketio.testing import loop
from tgext.socketio.testing.loop import Changes, settle


def test_settling_runs_what_is_ready_and_what_follows() -> None:
    ours, theirs = socket.socketpair()
    done: list[bytes] = []

    def answer() -> None:
        theirs.sendall(theirs.recv(10) + b" answered")

    def ask() -> None:
        ours.sendall(b"asked")
        done.append(ours.recv(100))
        gevent.spawn(done.append, b"and more")

    gevent.spawn(answer)
    gevent.spawn(ask)
    settle()
    assert done == [b"asked answered", b"and more"]
    ours.close()
    theirs.close()


def test_settling_does_not_wait_for_those_who_wait() -> None:
    waiting = gevent.spawn(gevent.sleep, 100)
    settle()
    assert not waiting.dead
    waiting.kill()


def test_settling_gives_up_where_something_always_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "BUSY", 0.02)

    def run() -> None:
        while True:
            gevent.sleep(0)

    running = gevent.spawn(run)
    settle()
    running.kill()


def test_waiting_for_a_change() -> None:
    changes, values = Changes(), []

    def change() -> None:
        values.append(1)
        changes.tell()

    gevent.spawn(change)
    assert changes.wait_until(lambda: values, 30)


def test_waiting_in_vain() -> None:
    began = time.monotonic()
    assert not Changes().wait_until(lambda: False, 0.02)
    assert time.monotonic() - began >= 0.02


def test_changes_that_do_not_matter_do_not_end_the_wait() -> None:
    changes = Changes()
    gevent.spawn(changes.tell)
    assert not changes.wait_until(lambda: False, 0.02)
