"""Locks of files, which greenlets wait for."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import gevent.event
import pytest

from tests.engine.clients import DEADLINE


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], int]]:
    """Opens one file, each time anew: ``flock`` locks what was opened."""
    files: list[int] = []

    def open_file() -> int:
        files.append(os.open(tmp_path / "file", os.O_CREAT | os.O_RDWR))
        return files[-1]

    yield open_file
    for each in files:
        os.close(each)


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        (fcntl.LOCK_EX, fcntl.LOCK_EX),
        (fcntl.LOCK_EX, fcntl.LOCK_SH),
        (fcntl.LOCK_SH, fcntl.LOCK_EX),
    ],
)
def test_a_greenlet_waits_for_another(
    opened: Callable[[], int], held: int, wanted: int
) -> None:
    first, second = opened(), opened()
    fcntl.flock(first, held)
    waiting = gevent.spawn(fcntl.flock, second, wanted)
    gevent.sleep(0.01)
    assert not waiting.dead
    fcntl.flock(first, fcntl.LOCK_UN)
    waiting.get(timeout=DEADLINE)
    with pytest.raises(BlockingIOError):
        fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_readers_share(opened: Callable[[], int]) -> None:
    fcntl.flock(opened(), fcntl.LOCK_SH)
    fcntl.flock(opened(), fcntl.LOCK_SH)


def test_a_waiting_greenlet_can_be_interrupted(opened: Callable[[], int]) -> None:
    first, second = opened(), opened()
    fcntl.flock(first, fcntl.LOCK_EX)
    with gevent.Timeout(0.01, False):
        fcntl.flock(second, fcntl.LOCK_EX)
        pytest.fail("two have locked it")
    fcntl.flock(first, fcntl.LOCK_UN)
    fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_whoever_waits_for_nobody_is_told_at_once(opened: Callable[[], int]) -> None:
    fcntl.flock(opened(), fcntl.LOCK_EX)
    with pytest.raises(BlockingIOError):
        fcntl.flock(opened(), fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("lock", [fcntl.flock, fcntl.lockf])
def test_an_error_is_no_reason_to_wait(lock: Callable[[int, int], None]) -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        lock(1_000_000, fcntl.LOCK_EX)


def test_a_part_of_a_file_is_locked(opened: Callable[[], int]) -> None:
    """The other arguments of ``lockf`` are the length, the start and its meaning."""
    file = opened()
    fcntl.lockf(file, fcntl.LOCK_EX, 10, 5, os.SEEK_SET)
    child = os.fork()
    if child == 0:
        other = os.open(f"/proc/self/fd/{file}", os.O_RDWR)
        for start, free in ((0, True), (5, False), (14, False), (15, True)):
            try:
                fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, start)
                got = True
            except BlockingIOError:
                got = False
            if got is not free:
                os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("acquire", ["acquire_read_lock", "acquire_write_lock"])
def test_an_interrupted_wait_for_beaker_leaves_no_file_open(
    tmp_path: Path, acquire: str
) -> None:
    synchronization = pytest.importorskip("beaker.synchronization")
    lock = synchronization.file_synchronizer("value", lock_dir=str(tmp_path))
    lock.acquire_write_lock()
    before = os.listdir("/proc/self/fd")
    for _ in range(3):
        waiting = gevent.spawn(getattr(lock, acquire))
        gevent.sleep(0.005)
        assert not waiting.dead
        waiting.kill()
    assert os.listdir("/proc/self/fd") == before
    lock.release_write_lock()
    getattr(lock, acquire)()
    getattr(lock, acquire.replace("acquire", "release"))()
