"""Log lines of refused requests and namespaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from logging import INFO
from typing import Any
from urllib.parse import unquote

from ...wire.escape import Escaped, escape
from ..lines import REFUSALS, Details, Known, address_of, details_of
from ..logs import get_logger
from .upgrade import HandshakeRefused

log = get_logger(REFUSALS)


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
    if not log.isEnabledFor(INFO):
        return
    status = status.partition(" ")[0]
    log.info(
        "Refused %s %s of %s: %s, %s%s",
        escape(environ.get("REQUEST_METHOD", "")),
        escape(path),
        escape(environ.get("REMOTE_ADDR") or "a client"),
        status,
        why,
        f" ({allow})" if allow else "",
        extra=Details(
            address=address_of(environ),
            user=environ.get("REMOTE_USER"),
            method=environ.get("REQUEST_METHOD"),
            path=path,
            status=status,
            reason=Escaped(why),
            allow=Escaped(allow) if allow else None,
        ),
    )


def log_invalid_request(
    address: str | None, request: str, status: str, why: str
) -> None:
    """Log that a request was refused because it is invalid HTTP: one line at INFO.

    :param request: its first line, as far as it may be shown.
    :param status: the HTTP status of the answer.
    :param why: the reason.
    """
    if log.isEnabledFor(INFO):
        said = status, why, escape(address or "-"), request
        log.info(
            "HTTP request refused, %s: %s; from %s: %s",
            *said,
            extra=Details(
                address=address,
                request=request,
                status=status.partition(" ")[0],
                reason=why,
            ),
        )


def without_session(text: str, resources: Iterable[str]) -> str:
    """The first line of a request, or a part of it, for the log.

    It is cut before the session id, with which readers of the log could use the
    session.

    :param resources: the paths of Socket.IO.
    """
    line, _, _ = text.lstrip("\r\n").partition("\n")
    line, _, _ = line.rstrip("\r").partition("?")
    decoded = unquote(line)  # as the path is compared
    for each in resources:
        before, own, _ = decoded.partition(f"/{each}/")
        if own:
            return escape(before + own)
    return escape(line)


def log_handshake_refusal(
    environ: Mapping[str, Any], refused: HandshakeRefused
) -> None:
    """Log that the handshake of a plain WebSocket was refused, unless it was logged."""
    why, refused.why = refused.why, None
    if why is not None:
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        log_refusal(environ, path, refused.status, escape(why, 200))


def log_namespace_refusal(endpoint: str, client: Known, why: str) -> None:
    """Log that a namespace refused a client: one line at INFO.

    :param client: its session.
    """
    if not log.isEnabledFor(INFO):
        return
    details = details_of(client, endpoint, reason=Escaped(why))
    told = details["socketio_namespace"], details.whose, why
    log.info("Refused namespace %s (%s): %s", *told, extra=details)
