"""The end of a process that has threads."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import atexit, threading, time
from tgext.socketio.server import check_patched
from tgext.socketio.shutdown import end_by

atexit.register(print, "atexit")
{threads}
end_by(time.monotonic() + {seconds})
"""


def run(threads: str, seconds: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(threads=threads, seconds=seconds)],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


@pytest.mark.parametrize("seconds", [0.1, -5])
def test_a_thread_that_lasts_is_named(seconds: float) -> None:
    done = run("threading.Timer(3600, print).start()", seconds)
    assert (done.returncode, done.stdout) == (0, "atexit\n"), done.stderr
    assert "Thread-1 (print, after 3600 s)" in done.stderr
    assert "Traceback" not in done.stderr


def test_threads_that_end_are_waited_for() -> None:
    threads = "threading.Timer(0.1, print, ['over']).start()"
    done = run(threads, 60)
    assert (done.returncode, done.stdout) == (0, "over\natexit\n"), done.stderr
    assert done.stderr == ""


def test_a_thread_that_nobody_can_wake_does_not_keep_the_process() -> None:
    done = run("threading.Thread(target=threading.Event().wait).start()", 1)
    assert (done.returncode, done.stdout) == (0, "atexit\n"), done.stderr


def test_the_first_of_two_deadlines_counts() -> None:
    done = run("threading.Timer(3600, print).start(); end_by(time.monotonic())", 60)
    assert (done.returncode, done.stdout) == (0, "atexit\n"), done.stderr
    assert done.stderr.count("without waiting") == 1
