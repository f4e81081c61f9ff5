"""Log lines about clients: who, from where, in which namespace.

What a line says of its client, the record has as attributes too, for formatters that
write JSON. Their names begin with ``socketio_``, so that they collide with none that an
application adds to its records.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from ..wire.escape import Escaped, escape

#: The loggers of what operators look for. All others have the names of their modules.
CONNECTIONS: Final = "tgext.socketio.connections"
REFUSALS: Final = "tgext.socketio.refusals"
SLOW: Final = "tgext.socketio.slow"

PREFIX: Final = "socketio_"


class Known(Protocol):
    """A session, as log lines know it.

    :ivar environ: of the request that opened it; None when no application accepted it.
    """

    environ: dict[str, Any] | None

    @property
    def log_name(self) -> str:
        """Digits of a hash of the session id, which is a secret."""

    @property
    def _tgsio_user(self) -> str | None:
        """The user; None when it is anonymous."""


class Details(dict[str, Any]):
    """The ``extra`` of a record.

    :param known: values by name, without :data:`PREFIX`. All but numbers become text,
        escaped and cut; a value None is left out.
    """

    def __init__(self, **known: Any) -> None:
        super().__init__(
            (PREFIX + name, value if isinstance(value, (int, float)) else escape(value))
            for name, value in known.items()
            if value is not None
        )

    @property
    def whose(self) -> Escaped:
        """The client, for the text of a line: user, session and address."""
        user = self.get("socketio_user")
        parts = ["anonymous" if user is None else f"user {user}"]
        if "socketio_session" in self:
            parts.append(f"session {self['socketio_session']}")
        parts.append(self.get("socketio_address", "address unknown"))
        return Escaped(", ".join(parts))


def address_of(environ: Mapping[str, Any] | None) -> str | None:
    """The address of the client of a request; None when it has none."""
    return (environ or {}).get("REMOTE_ADDR") or None


def details_of(client: Known, namespace: str | None = None, **more: Any) -> Details:
    """What a line about a client says. Tests of applications replace it by any object.

    :param namespace: the name of a namespace.
    :param more: further details.
    """
    return Details(
        session=getattr(client, "log_name", None),
        user=getattr(client, "_tgsio_user", None),
        address=address_of(getattr(client, "environ", None)),
        namespace=None if namespace is None else namespace or "/",
        **more,
    )
