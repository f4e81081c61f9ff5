"""Serves connections that other processes of the application hand over."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..handover.handover import HandOver, InternalOptions
from ..handover.offers import Origin
from ..handover.processes import Directory
from ..http.begun import Begun


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
    handed = Begun(begun, origin.scheme, alone, handed=True)
    server.connections.serve(sock, origin.address, handed)
