"""Tests of namespaces that post packets with WebTest.

An application of tgext.socketio 0.0.3 tests a namespace without a server: its root
controller puts a socket whose ``error`` and ``send_packet`` are mocks into the WSGI
environment, and the test posts one packet, as JSON, to the path of the namespace::

    class RootController(BaseController):
        socketio = SocketIO()

        def __call__(self, *args, **kw):
            socket = request.environ['socketio'] = Socket(MockServer(), {})
            socket.error, socket.send_packet = MagicMock(), MagicMock()
            return super().__call__(*args, **kw)

    packet = {'type': 'event', 'name': 'ping', 'endpoint': '/chat', 'args': []}
    response = app.post('/socketio/chat', json.dumps(packet))
    response.req.environ['socketio'].send_packet.assert_called_with(...)

The namespace is ``environ['socketio.namespace']``. Its ``jobs`` has one job for each
channel that it subscribed to; joining a job lets the messages of the channels arrive.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gevent.event import Event

from ..engine.namespaces.base import BaseNamespace
from ..wire.socketio import v1
from ..wire.socketio.encoded import Encoded
from ..wire.socketio.packet import event_packet

#: A key that WebTest puts into the WSGI environment of each of its requests.
MARK = "paste.testing_variables"


def process_posted_packet(
    namespaces: Mapping[str, type[BaseNamespace]], name: str, request: Any
) -> bool:
    """Process the packet that a WebTest request posts in its namespace.

    :param namespaces: the namespace classes of the controller, by name.
    :param name: the name of the namespace, ``'/chat'``; ``''`` for the main one.
    :param request: the TurboGears request. Its WSGI environment has the test's socket
        as ``socketio``; the namespace is added as ``socketio.namespace``.
    :returns: whether there is such a namespace.
    :raises ValueError: when the body is not JSON.
    """
    if name not in namespaces:
        return False
    cls = namespaces[name]
    environ = request.environ
    _show_what_is_sent_to_many(environ["socketio"])
    namespace = cls(environ, name, request)
    environ["socketio.namespace"] = namespace
    namespace.process_packet(json.loads(request.body))
    # Version 0.0.3 had one greenlet for each channel, which heard its messages.
    for _ in getattr(namespace, "_tgsio_heard", ()):
        namespace.spawn(Event().wait)
    return True


def _show_what_is_sent_to_many(socket: Any) -> None:
    """Make a socket pass broadcasts and messages of channels to ``send_packet``.

    They are encoded once for all receivers, and do not pass through ``send_packet``
    otherwise. The test's mock has to see them as packets.
    """

    def send_encoded(encoded: Encoded, endpoint: str) -> None:
        packet = v1.decode(encoded.text)
        args = tuple(packet["args"])
        socket.send_packet(event_packet(endpoint, packet["name"], args))

    socket.send_encoded = send_encoded
