"""gevent-socketio's modules and names exist in this package."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from unittest.mock import MagicMock

import pytest

from tgext.socketio.engine.virtsocket import Socket

#: The names that ``self.socket`` has and gevent-socketio's has not.
OF_SOCKETS = """
    STATE_FINISHING STATE_NEW accept account acks admission assembler attach
    awaits_transport base64 busy claimed deadline disconnect_reason dispatcher drain
    encode encodes_twice ended find_outbox finish generation hub log_name outbox
    recovering runner send_encoded send_when_room settle start_own_job transport
    wait_for_room writable
"""


@pytest.mark.parametrize(
    ("module", "name", "home"),
    [
        ("", "socketio_manage", ""),
        (".acks", "AckTimeout", ".namespaces.acks"),
        (".acks", "ConnectionLost", ".concurrency.failures"),
        (".handler", "SocketIOHandler", ".server.handler"),
        (".mixins", "BroadcastMixin", ".namespaces.mixins"),
        (".mixins", "RoomsMixin", ".namespaces.mixins"),
        (".namespace", "BaseNamespace", ".namespaces.base"),
        (".server", "SocketIOServer", ".server.server"),
        (".server", "serve", ".server.serving"),
        (".server", "serve_paste", ".server.serving"),
        (".threads", "WrongThread", ".concurrency.threads"),
        (".virtsocket", "Socket", ".session.session"),
        (".virtsocket", "default_error_handler", ".session.errors"),
    ],
)
def test_a_name_is_found_where_gevent_socketio_has_it(
    module: str, name: str, home: str
) -> None:
    engine = "tgext.socketio.engine"
    found = getattr(import_module(engine + module), name)
    assert found.__name__ == name
    assert found.__module__.startswith(engine + home)
    assert name in import_module(engine + module).__all__


def test_the_names_of_a_socket_are_known() -> None:
    """An application must not use them for attributes of its own."""
    theirs = pytest.importorskip("socketio.virtsocket", reason="gevent-socketio").Socket
    known = {*dir(theirs), *re.findall(r"self\.(\w+) =", inspect.getsource(theirs))}
    ours = {*dir(Socket(MagicMock(), {}))} - known
    public = {each for each in ours if not each.startswith("_")}
    assert public == {*OF_SOCKETS.split()}
