"""Asks the application about a connection, in a request like any other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..concurrency.failures import FAILURES
from ..concurrency.interruption import Interrupted
from ..http import HeaderList, check_headers
from ..logs import get_logger
from ..session.session import Socket

log = get_logger(__name__)

#: The beginnings of the status of an answer that decides nothing.
_ELSEWHERE = ("404", "2")

#: The transport of 0.9 that corresponds to one of Engine.IO.
_TRANSPORTS_OF_0_9 = {"polling": "xhr-polling"}


@dataclass(slots=True)
class Answer:
    """What the application answered."""

    status: str
    headers: HeaderList = field(default_factory=list)
    body: bytes = b""


def ask(
    application: Any,
    environ: dict[str, Any],
    socket: Socket,
    resource: str,
    transport: str,
) -> Answer:
    """Call the application, which accepts a connection with ``socketio_manage``.

    If it answers 404, or with a page, and has not called that, it is asked again with
    the path that gevent-socketio showed it: ``/<resource>/1/<transport>/<session id>``.
    A route such as ``/socket.io/<path:rest>`` does not match the path of today's
    handshakes, which is ``/socket.io/``, and a route for any page may match it.

    :param resource: the path of Socket.IO, without slashes around it.
    :param transport: the name of the client's transport; "" when it is not known yet.
    """
    first = dict(environ)
    answer = _call(application, environ, socket)
    if socket.namespaces is None and answer.status.startswith(_ELSEWHERE):
        environ.clear()  # frameworks keep what they found in it
        environ.update(first)
        name = _TRANSPORTS_OF_0_9.get(transport, "websocket")
        environ["PATH_INFO"] = f"/{resource}/1/{name}/{socket.sessid}"
        answer = _call(application, environ, socket)
    return answer


def is_accepted(socket: Socket, answer: Answer) -> bool:
    """Whether the application has accepted the connection.

    It has when it called ``socketio_manage``, whatever it answers: applications for
    gevent-socketio answer anything, since that server ignored it. Where a framework
    decides with its answer, an error or a redirection refuses nevertheless.
    """
    if socket.namespaces is None:
        return False
    return not socket.runner.answer_decides or answer.status[:1] not in "345"


def _call(application: Any, environ: dict[str, Any], socket: Socket) -> Answer:
    answer: tuple[str, HeaderList] | None = None
    written: list[bytes] = []

    def start_response(status: str, headers: HeaderList, exc_info: Any = None) -> Any:
        nonlocal answer
        check_headers(headers)
        answer = (status, list(headers))
        return written.append

    try:
        result = application(environ, start_response)
        try:
            written.extend(() if result is None else result)
        finally:
            if hasattr(result, "close"):
                result.close()
        body = b"".join(written)
    except Interrupted:
        raise
    except FAILURES:
        log.exception("The application failed while it opened a connection")
        return Answer("500 Internal Server Error")
    if answer is None:
        # gevent-socketio allows a view to return without an answer.
        managed = socket.namespaces is not None
        answer = ("200 OK" if managed else "500 Internal Server Error", [])
    return Answer(*answer, body)
