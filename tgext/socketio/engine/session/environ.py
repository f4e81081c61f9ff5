"""Query strings with which clients connect to namespaces (``/chat?token=1``)."""

from __future__ import annotations

import string
from typing import Any
from urllib.parse import quote

from ...wire.socketio.packet import Packet
from .connection import Connection


def with_query(environ: dict[str, Any], query: str) -> dict[str, Any]:
    """A WSGI environment with ``query`` appended to its ``QUERY_STRING``.

    Of two values with the same name, webob's ``params`` show the last, which is that of
    the namespace. The reference server merges the queries in the same way.

    :param query: as the client wrote it, with or without a leading ``?``.
    :returns: a copy; without a query, ``environ`` itself.
    """
    query = query.removeprefix("?")
    if not query:
        return environ
    # In a request's URL, other characters would have been escaped already.
    escaped = quote(query, safe=string.punctuation, errors="replace")
    before = environ.get("QUERY_STRING", "")
    return {**environ, "QUERY_STRING": f"{before}&{escaped}" if before else escaped}


def environ_for(socket: Connection, packet: Packet) -> dict[str, Any]:
    """The WSGI environment of the namespace that a packet is for.

    It is the opening request's, except for a namespace that was connected to with a
    query string: that one has its own copy, see :func:`with_query`.
    """
    namespace = socket.active_ns.get(packet["endpoint"])
    if namespace is not None:
        return namespace.environ
    assert socket.environ is not None
    return with_query(socket.environ, packet.get("qs", ""))
