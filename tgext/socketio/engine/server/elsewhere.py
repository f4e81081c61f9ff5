"""Requests of sessions that this process does not have: others may have them."""

from __future__ import annotations

from functools import partial
from socket import SHUT_RDWR
from typing import Any

from ..handover.handover import Gone, NotHere, Silent
from . import polling
from .errors import TEXT, HTTPError
from .request import Body, Request

_NOT_HERE = "this machine does not have the process of the session"
_MACHINES = "internal_address and socketio.cluster_secret, if another one has it"

#: What would help when a process does not answer.
_SILENT = "it is stopped or overloaded; its clients reconnect when it has ended"


def respond(request: Request) -> Body:
    """Hand a request over to the process of its session, or answer that there is none.

    :raises HTTPError: when the process does not answer, or the session is unknown.
    """
    connection = request.connection
    elsewhere = connection.server.elsewhere
    # What was handed over is answered here: it goes no further.
    if elsewhere is None or connection.handed:
        return polling.respond_unknown(request)
    process = elsewhere.find(request.route.sid)
    if process is None:
        return polling.respond_unknown(request)
    try:
        connection.leave_to(partial(elsewhere.give, process))
    except NotHere:
        return polling.respond_unknown(request, _NOT_HERE, _MACHINES)
    except Gone:
        return polling.respond_unknown(request)
    except Silent:
        raise _silent(request, process.token) from None
    return []


def _silent(request: Request, token: str) -> HTTPError:
    connection = request.connection
    connection.when_answered(partial(_end, connection.socket))
    connection.wsgi_input.abandon()
    text = b"The process of the session does not answer"
    headers = [TEXT, ("Connection", "close")]
    why = f"process {token}, which has the session, does not answer"
    return HTTPError("503 Service Unavailable", text, headers, why=why, allow=_SILENT)


def _end(sock: Any, sent: bool) -> None:
    # The silent process may have the descriptor, which keeps the connection open.
    try:
        sock.shutdown(SHUT_RDWR)
    except OSError:
        pass  # the client has left
