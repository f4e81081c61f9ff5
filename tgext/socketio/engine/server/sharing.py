"""Serves connections that other processes of the application hand over."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..handover.handover import HandOver, InternalOptions
from ..handover.offers import Origin
from ..handover.processes import Directory


def hand_over_of(server: Any, directory: Directory) -> HandOver:
    """What hands connections of a server over, and serves those that it is given.

    :param server: the :class:`~.server.SocketIOServer`.
    :param directory: knows the other processes.
    """
    settings, internal = server.settings, None
    if settings.internal_address is not None:
        internal = InternalOptions(
            settings.internal_address, settings.max_header_size, settings.header_timeout
        )
    return HandOver(directory, partial(_serve, server), internal)


def _serve(server: Any, sock: Any, origin: Origin, begun: bytes, alone: bool) -> None:
    if server.balance is not None:
        server.balance.opened(sock)
    # As pywsgi does it for a connection that it has accepted.
    server._spawn(_run, server, sock, origin, begun, alone)


def _run(server: Any, sock: Any, origin: Origin, begun: bytes, alone: bool) -> None:
    try:
        handler = server.handler_class(sock, origin.address, server)
        handler.begin_with(begun, origin.scheme, alone)
        handler.handle()
    finally:
        server.do_close(sock)
