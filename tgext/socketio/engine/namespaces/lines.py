"""Log lines of clients that enter a namespace and leave it.

They are made only if the logger is enabled when the client enters.
"""

from __future__ import annotations

from logging import INFO
from time import monotonic
from typing import Protocol

from ...wire.socketio.generations import Generation
from ..io.traffic import NOTHING, Traffic
from ..lines import CONNECTIONS, Known, details_of
from ..logs import Line, get_logger

log = get_logger(CONNECTIONS)
_entered, _left = Line(log), Line(log)


class Carrier(Protocol):
    """The transport of a session."""

    @property
    def name(self) -> str: ...

    @property
    def traffic(self) -> Traffic: ...


class Session(Known, Protocol):
    """The session of a client."""

    generation: Generation

    @property
    def disconnect_reason(self) -> str | None: ...


class Entered(Protocol):
    """A namespace that a client is in.

    :ivar _tgsio_entered: when the client entered it; 0 if the log was not told.
    """

    ns_name: str
    _tgsio_entered: float
    _tgsio_reason: str | None


def entered(
    namespace: Entered,
    client: Session,
    transport: Carrier | None,
    recovered: bool,
) -> None:
    """Log that a client is in a namespace: one line at INFO."""
    if not log.isEnabledFor(INFO):
        return
    namespace._tgsio_entered = monotonic()
    if not _entered.is_due():
        return
    generation = client.generation.name
    by = "no transport" if transport is None else transport.name
    details = details_of(client, namespace.ns_name, generation=generation, transport=by)
    _entered.write(
        "%s %s (%s; client %s, %s)",
        "Recovered in" if recovered else "Connected to",
        details["socketio_namespace"],
        details.whose,
        generation,
        by,
        extra=details,
    )


def left(
    namespace: Entered, client: Session, transport: Carrier | None, reason: str
) -> None:
    """Log that a client is no longer in a namespace, if the log knows that it was."""
    since, namespace._tgsio_entered = namespace._tgsio_entered, 0.0
    if not since:
        return
    if not _left.is_due():
        return
    reason = namespace._tgsio_reason or client.disconnect_reason or reason
    traffic = NOTHING if transport is None else transport.traffic
    seconds = monotonic() - since
    details = details_of(
        client,
        namespace.ns_name,
        reason=reason,
        duration=round(seconds, 3),
        **traffic._asdict(),
    )
    _left.write(
        "Disconnected from %s: %s, after %.1f s; %d messages in, %d out (%s)",
        details["socketio_namespace"],
        details["socketio_reason"],
        seconds,
        traffic.received,
        traffic.sent,
        details.whose,
        extra=details,
    )
