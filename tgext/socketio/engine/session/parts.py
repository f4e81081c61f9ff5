"""The parts of a session refer to it; after its end, they do so without keeping it.

A session and its parts are a circle, which only the garbage collector would free. It
stops all clients while it looks at every object of the process.
"""

from __future__ import annotations

from weakref import proxy

from ..namespaces.roomnames import Session
from .connection import Connection


class Part:
    """A part of a session.

    :param socket: the session.
    """

    __slots__ = ("_socket",)

    def __init__(self, socket: Connection) -> None:
        self._socket = socket

    def let_go(self) -> None:
        """Called once, when nothing of the session runs any more.

        Whoever still holds the session finds its parts as they were.
        """
        self._socket = proxy(self._socket)


def let_go(socket: Connection) -> None:
    """Break the circles of a session: nothing of it runs any more."""
    socket.transport = None
    for part in (socket.assembler, socket.dispatcher, socket.admission, socket.runner):
        part.let_go()
    if isinstance(socket.session, Session):
        socket.session.let_go()
    environ = socket.environ
    if environ is not None and environ.get("socketio") is socket:
        environ["socketio"] = proxy(socket)
