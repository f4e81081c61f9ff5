"""How a client is told of an error."""

from __future__ import annotations

from logging import INFO
from typing import Any

from ...wire.socketio.packet import event_packet
from ..concurrency.failures import FAILURES
from ..concurrency.interruption import Interrupted
from ..http.refusals import log_namespace_refusal
from ..lines import details_of
from ..logs import get_logger
from .connection import Connection

log = get_logger(__name__)


def default_error_handler(
    socket: Connection,
    error_name: str,
    error_message: Any,
    endpoint: str | None,
    msg_id: int | None,
    quiet: bool,
) -> None:
    """Send an ``error`` event; ``error_handler`` of ``socketio_manage`` replaces this.

    :param quiet: send nothing, only log.
    """
    if not quiet:
        args = [error_name, error_message]
        socket.send_packet(event_packet(endpoint or "", "error", args))
    if log.isEnabledFor(INFO):
        where = endpoint or "/"
        details = details_of(socket, where, error=error_name, reason=error_message)
        told = error_name, error_message, where
        log.info("%s: %s (namespace %s)", *told, extra=details)


def tell_error(
    socket: Connection,
    error_name: str,
    error_message: Any,
    endpoint: str | None,
    msg_id: int | None,
    quiet: bool,
) -> Any:
    """Call the error handler, which may send to a client that is not admitted yet."""
    if not quiet:
        socket.hub.counts.tell_error(error_name)
    with socket.admission.telling():
        return socket.error_handler(
            socket, error_name, error_message, endpoint, msg_id, quiet
        )


def note_refusal(socket: Connection, endpoint: str, why: str) -> None:
    """Count and log that a client was refused by a namespace.

    :param why: the reason. Text of the client in it must be escaped.
    """
    socket.hub.counts.refuse("namespace")
    log_namespace_refusal(endpoint, socket, why)


#: The message to a client when connecting it to a namespace failed.
FAILED = "Internal server error"


def text_of(message: object) -> str:
    """The message of a refusal as text. The application may give any object."""
    try:
        return str(message)
    except Interrupted:
        raise
    except FAILURES:
        log.exception("The message of a refusal could not be converted to text")
        return FAILED
