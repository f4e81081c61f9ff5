"""gevent-socketio's modules and names exist in this package."""

from __future__ import annotations

from importlib import import_module

import pytest


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
