"""Tests of namespaces: clients of Socket.IO beside WebTest's ``TestApp``.

::

    def test_claim(app):                                 # a webtest.TestApp
        with SocketIOTest(app) as io:
            ann = io.connect('/queue')
            assert ann.emit('claim', 7) == 'yours'       # the ack

See ``docs/testing.rst``. The functions in :mod:`.posted` are the way of tgext.socketio
0.0.3, which posts packets with WebTest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .errors import ConnectRefused, EventError, NotReceived
    from .posted import MARK, process_posted_packet
    from .session import GENERATIONS, SocketIOTest

__all__ = [
    "GENERATIONS",
    "MARK",
    "ConnectRefused",
    "EventError",
    "NotReceived",
    "SocketIOTest",
    "process_posted_packet",
]

_MODULES: Final = {
    "MARK": "posted",
    "process_posted_packet": "posted",
    "ConnectRefused": "errors",
    "EventError": "errors",
    "NotReceived": "errors",
    "GENERATIONS": "session",
    "SocketIOTest": "session",
}


def __getattr__(name: str) -> Any:
    # A server imports this package to know posted packets, and needs nothing else of
    # it; the pytest plugin has to patch the standard library before it imports more.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)
