"""Log lines of refused requests and namespaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...wire.escape import escape
from ..logs import get_logger
from .upgrade import HandshakeRefused

log = get_logger(__name__)


def log_refusal(
    environ: Mapping[str, Any], path: str, status: str, why: str, allow: str = ""
) -> None:
    """Log that a request was refused: one line at INFO.

    :param environ: its WSGI environment.
    :param path: its path, without the session id.
    :param status: the HTTP status of the answer.
    :param why: the reason. Text of the client in it must be escaped.
    :param allow: what would allow the request; empty when nothing would.
    """
    log.info(
        "Refused %s %s of %s: %s, %s%s",
        escape(environ.get("REQUEST_METHOD", "")),
        escape(path),
        escape(environ.get("REMOTE_ADDR") or "a client"),
        status.partition(" ")[0],
        why,
        f" ({allow})" if allow else "",
    )


def log_handshake_refusal(
    environ: Mapping[str, Any], refused: HandshakeRefused
) -> None:
    """Log that the handshake of a plain WebSocket was refused, unless it was logged."""
    why, refused.why = refused.why, None
    if why is not None:
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        log_refusal(environ, path, refused.status, escape(why, 200))


def log_namespace_refusal(endpoint: str, session: str, why: str) -> None:
    """Log that a namespace refused a client: one line at INFO.

    :param session: the log name of the session, not its id.
    """
    log.info(
        "Refused namespace %s (session %s): %s", escape(endpoint or "/"), session, why
    )
