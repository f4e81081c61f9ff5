"""Bodies of requests. How their input is shared out is in test_turns.py."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from typing import Any

import pytest
from gevent import socket
from gevent.pywsgi import Input

from tgext.socketio.engine.input import InputTimeout, RequestBody


def body_of(sock: Any, seconds: float) -> RequestBody:
    source = Input(BytesIO(b"body"), 4, sock, False)
    return RequestBody(source, seconds, lambda: None)


def test_a_client_that_asks_is_told_to_continue() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert body_of(ours, 1.0).read() == b"body"
        assert theirs.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_a_client_that_takes_nothing_is_not_told_for_ever() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0)
        with suppress(BlockingIOError):
            while True:
                ours.send(b"x" * 65536)
        ours.settimeout(None)
        with pytest.raises(InputTimeout):
            body_of(ours, 0.05).read()
