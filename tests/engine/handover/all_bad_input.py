"""All bad input reaches its session through another process, in each way.

``tox run -e workers`` runs it.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine import test_bad_input
from tests.engine.clients import Raw
from tests.engine.conftest import Serve
from tests.engine.sample_namespaces import Echo
from tests.vectors.smuggling import TRICKS, request
from tgext.socketio.engine.io.sockets import end_output

from .detours import Detour
from .streets import lost
from .test_handover_bad_input import CASES, certificate, serve

__all__ = ["certificate", "serve"]


@pytest.mark.parametrize(("vector", "kind"), CASES)
def test_the_outcome_is_the_same(
    serve: Serve, vector: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = test_bad_input.test_bad_input_is_answered_and_others_are_served
    send(serve, vector, kind, monkeypatch)


# Requests whose end is ambiguous


def answers(raw: Raw, stream: bytes) -> list[bytes]:
    """What is answered, without the dates."""
    raw.send_raw(stream)
    end_output(raw.sock)
    received = b"".join(iter(lambda: _receive(raw), b""))
    lines = received.split(b"\r\n")
    return [each for each in lines if not each.startswith(b"Date: ")]


def _receive(raw: Raw) -> bytes:
    try:
        data: bytes = raw.sock.recv(65536)
    except ConnectionResetError:
        return b""
    return data


@pytest.mark.parametrize("serve", ["here"], indirect=True)
@pytest.mark.parametrize("name", TRICKS)
def test_a_request_ends_where_it_would_end_in_one_process(
    serve: Serve, name: str
) -> None:
    live = serve({"/chat": Echo})
    assert isinstance(live, Detour)
    found = []
    for raw in (live.one.raw(), live.other.raw()):
        client = live.joined("4-polling")
        before = f"POST {client.target} HTTP/1.1\r\nHost: here\r\n"
        line = f"POST {client.target} HTTP/1.1\r\n".encode()
        stream = f"{before}Content-Length: 1\r\n\r\n3".encode()
        stream += request(*TRICKS[name], line)
        stream += b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
        found.append((answers(raw, stream), client.sid in live.server.sockets))
        lost(client)
        for each in list(live.server.sockets.values()):
            each.kill()
    assert found[0] == found[1]
