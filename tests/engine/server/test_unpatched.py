"""What is said where the standard library is not patched."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ..conftest import Serve

LINE = "This process is not patched for gevent"

#: What a test would do next is to wait for the server, for ever.
SERVER = """
from tgext.socketio.engine.server import SocketIOServer
SocketIOServer(("127.0.0.1", 0)).start()
"""


def test_a_server_that_a_client_would_wait_for_says_so_at_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVER], capture_output=True, text=True, check=True
    )
    assert done.stderr.startswith(LINE)
    assert done.stderr.count("\n") == 1


def test_where_it_is_patched_nothing_is_said(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    serve({})
    assert LINE not in caplog.text
