"""A server without a port: its connections are pairs of sockets in this process."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from gevent import socket

from ..engine.server.server import SocketIOServer

#: Where the server seems to listen, as WebTest has it.
ADDRESS = ("localhost", 80)


class Host(SocketIOServer):
    """Serves what :meth:`connect` connects to it.

    :ivar extra_environ: what the WSGI environments of connections have besides, by the
        ports that these seem to come from.
    """

    def __init__(self, application: Any, resource: str, **options: Any) -> None:
        super().__init__(ADDRESS, application, resource=resource, **options)
        self.extra_environ: dict[int, Mapping[str, Any]] = {}
        self._ports = count(40_000)

    def environ_of(self, peer: Any) -> dict[str, Any]:
        environ = super().environ_of(peer)
        environ.update(self.extra_environ.get(peer[1], {}))
        return environ

    def init_socket(self) -> None:
        self.update_environ()

    def start_accepting(self) -> None:
        """No effect: it does not listen."""

    def connect(self, extra_environ: Mapping[str, Any]) -> Any:
        """Open a connection to the server.

        :param extra_environ: what the WSGI environments of its requests have besides.
        :returns: the client's end, a gevent socket.
        """
        ours, theirs = socket.socketpair()
        port = next(self._ports)
        self.extra_environ[port] = extra_environ
        self.do_handle(theirs, ("127.0.0.1", port))
        return ours
