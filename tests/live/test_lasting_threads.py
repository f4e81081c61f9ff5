"""Threads that are running when a real server is told to stop."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.clients import wait_for

from .serving import APPLICATIONS, LAB, Server

MakeServer = Callable[..., Server]

#: The lab, with a thread that the application has started.
APPLICATION = """
import atexit
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import lab


def last_for_hours():
    print("began", flush=True)
    time.sleep(3600)


def last_for_a_moment():
    print("began", flush=True)
    time.sleep(1)
    print("finished", flush=True)


def count_for_hours():
    print("began", flush=True)
    while True:
        time.sleep(0.01)


def make_app(global_conf, **settings):
    atexit.register(print, "atexit")
    {thread}
    return lab.make_app(global_conf, **settings)
"""

#: Threads that do not end in time, and how the log names them.
LASTING = {
    "thread": (
        'threading.Thread(target=last_for_hours, name="the watcher").start()',
        "the watcher",
    ),
    "unnamed": (
        "threading.Thread(target=count_for_hours).start()",
        "(count_for_hours)",
    ),
    "timer": (
        "threading.Timer(3600, last_for_hours).start(); print('began', flush=True)",
        "(last_for_hours, after 3600 s)",
    ),
    "executor": (
        'pool = ThreadPoolExecutor(1, "the pool"); pool.submit(last_for_hours)',
        "the pool_0",
    ),
    "two": (
        'threading.Thread(target=last_for_hours, name="one").start(); '
        'threading.Thread(target=last_for_hours, name="another").start()',
        "one, another",
    ),
}

#: Threads for which nobody has to wait longer than they take.
HARMLESS = {
    "daemon": "threading.Thread(target=last_for_hours, daemon=True).start()",
    "brief": "threading.Thread(target=last_for_a_moment).start()",
    "idle executor": "pool = ThreadPoolExecutor(2); pool.submit(print, 'began')",
}


@pytest.fixture
def start(serve: MakeServer, tmp_path: Path) -> Callable[[str, float], Server]:
    """Starts a server whose application starts a thread."""

    def start(thread: str, timeout: float) -> Server:
        (tmp_path / "lasting.py").write_text(APPLICATION.format(thread=thread))
        ini = tmp_path / "lasting.ini"
        text = LAB.read_text().replace("lab:make_app", "lasting:make_app")
        ini.write_text(
            text.replace("host = ", f"shutdown_timeout = {timeout}\nhost = ")
        )
        server = serve(ini, importable=(*APPLICATIONS, tmp_path))
        server.start()
        server.wait_until_serving()
        server.wait_until_logged("began")
        return server

    return start


@pytest.mark.parametrize("kind", LASTING)
def test_the_server_ends_without_it_and_says_so(
    start: Callable[[str, float], Server], kind: str
) -> None:
    thread, name = LASTING[kind]
    server = start(thread, 0.5)
    ended = server.stop()
    assert ended.code == 0, server.output
    [line] = [each for each in server.errors.splitlines() if "without waiting" in each]
    assert name in line
    assert "MainThread" not in line
    assert "Traceback" not in server.output
    assert "atexit" in server.output


@pytest.mark.parametrize("kind", HARMLESS)
def test_a_thread_that_ends_in_time_is_waited_for(
    start: Callable[[str, float], Server], kind: str
) -> None:
    server = start(HARMLESS[kind], 3600)
    ended = server.stop()
    assert ended.code == 0, server.output
    assert "without waiting" not in server.output
    assert ("finished" in server.output) is (kind == "brief")
    assert "atexit" in server.output


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return True
    return False


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=str)
def test_a_second_signal_ends_the_server_at_once(
    start: Callable[[str, float], Server], how: signal.Signals
) -> None:
    thread, _ = LASTING["thread"]
    server = start(thread, 3600)
    server.process.send_signal(signal.SIGTERM)
    wait_for(lambda: refuses(server.port), "the server does not listen")
    server.stop(how)


def test_a_server_that_cannot_start_ends_too(serve: MakeServer, tmp_path: Path) -> None:
    thread, name = LASTING["thread"]
    (tmp_path / "lasting.py").write_text(APPLICATION.format(thread=thread))
    ini = tmp_path / "lasting.ini"
    text = LAB.read_text().replace("lab:make_app", "lasting:make_app")
    ini.write_text(text.replace("host = ", "max_rooms = none\nhost = "))
    server = serve(ini, importable=(*APPLICATIONS, tmp_path))
    server.start()
    ended = server.wait_until_ended()
    assert ended.code == 1, server.output
    assert "max_rooms" in server.output
    assert name in server.output
