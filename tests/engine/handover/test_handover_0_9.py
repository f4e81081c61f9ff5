"""The transports that only clients 0.9 have: their answers may never end."""

from __future__ import annotations

import pytest

from tests.engine.clients import RESOURCE, handshake_1, wait_for
from tests.engine.conftest import Serve

from .streets import two
from .test_handover import NAMESPACES


@pytest.mark.parametrize("transport", ["htmlfile", "xhr-multipart", "jsonp-polling"])
def test_they_open_and_end_anywhere(serve: Serve, transport: str) -> None:
    one, other = two(serve, NAMESPACES)
    sid, _ = handshake_1(one.http())
    raw = other.raw()
    target = f"{RESOURCE}/1/{transport}/{sid}?i=0"
    raw.send_raw(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    status, _ = raw.receive_head()
    assert status == 200
    while b"1::" not in raw.received:
        raw.received += raw.sock.recv(65536)
    assert sid in one.server.sockets
    assert other.http().get(f"{RESOURCE}/1//{sid}").status == 200
    wait_for(lambda: sid not in one.server.sockets, "it ends")
