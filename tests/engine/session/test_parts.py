"""What refers to a session lets it go at its end."""

from __future__ import annotations

import gc
import weakref

import pytest

from ..clients import KINDS, wait_for
from ..conftest import Serve
from ..sample_namespaces import Echo


@pytest.mark.parametrize("kind", list(KINDS))
def test_an_ended_session_is_freed_with_its_last_reference(
    serve: Serve, kind: str
) -> None:
    live = serve({"/chat": Echo})
    client = live.joined(kind)
    socket = live.socket(client)
    parts = socket.admission, socket.dispatcher, socket.assembler
    known = weakref.ref(socket)
    gc.disable()
    try:
        client.close()
        wait_for(lambda: not live.server.hub.registry.endings, "nothing runs for it")
        live.server.hub.lingering.clear()
        wait_for(lambda: not live.server.hub.timers, "its transport ends")
        assert socket.admission is parts[0]
        assert socket.environ is not None
        assert socket.environ["socketio"].sessid == client.sid
        del socket
        wait_for(lambda: known() is None, "it is freed")
    finally:
        gc.enable()
    del parts
