"""Requests that travel to a process on another machine: signed, once, and soon.

It is the request of the client, unchanged, with one header before all others. The
header has who the client is, for which process the request is, when it was signed, a
number that is used once, and the SHA-256 of the request's own head; and the signature
of all that with the secret of the application. What follows the head is not signed: a
network between machines whose bytes others can change needs a tunnel.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final, Protocol

from .offers import Offer, OfferError, Origin, origin_of

#: The name of the header.
HEADER: Final = b"Tgext-Socketio-Handed-Over: "

#: The end of the head of a request.
END: Final = b"\r\n\r\n"

#: Seconds between signing and reading, at most; the clocks of two machines may differ
#: by so much.
WINDOW: Final = 15.0

#: The most bytes of the header.
LONGEST: Final = 2048


class Seal(Protocol):
    """Signs with the secret of an application."""

    def write(self, message: dict[str, Any]) -> str:
        """A signed message, as text of one line."""

    def read(self, data: Any) -> dict[str, Any]:
        """What was signed.

        :raises ValueError: when it was signed with another secret, or not at all.
        """


def sign(offer: Offer, seal: Seal, now: Callable[[], float] = time.time) -> bytes:
    """The bytes of a connection, signed for the process that has the session."""
    begun = offer.begun.removeprefix(b"\r\n")
    line, _, rest = begun.partition(b"\r\n")
    head, _, _ = begun.partition(END)
    address, scheme = offer.origin
    about = seal.write(
        {
            "to": offer.token,
            "address": address,
            "scheme": scheme,
            "time": now(),
            "once": secrets.token_hex(16),
            "head": sha256(head).hexdigest(),
        }
    )
    return b"".join((line, b"\r\n", HEADER, about.encode(), b"\r\n", rest))


class Reader:
    """Reads signed requests.

    :param token: that of this process.
    :param seal: checks the signatures.
    :param now: returns the time; clocks of machines agree on it, roughly.
    """

    def __init__(
        self, token: str, seal: Seal, now: Callable[[], float] = time.time
    ) -> None:
        self._token = token
        self._seal = seal
        self._now = now
        #: The numbers that were used, until they are too old to be used again.
        self._used: set[str] = set()
        self._until: deque[tuple[float, str]] = deque()

    def read(self, head: bytes) -> tuple[Origin, bytes]:
        """Read the head of a request.

        :param head: with the empty line at its end.
        :returns: where the request comes from, and its head as the client sent it.
        :raises OfferError: when it is not signed for this process, now, and for the
            first time; the message says what would allow it.
        """
        line, _, rest = head.partition(b"\r\n")
        header, _, fields = rest.partition(b"\r\n")
        if not header.startswith(HEADER):
            raise OfferError("it is not signed; only processes connect here")
        about = self._about(header.removeprefix(HEADER))
        own = line + b"\r\n" + fields
        if about.get("head") != sha256(own.partition(END)[0]).hexdigest():
            raise OfferError("it was changed after it was signed")
        origin = origin_of(about.get("address"), about.get("scheme"))
        self._use(about.get("time"), about.get("once"))
        return origin, own

    def statistics(self) -> int:
        """How many numbers are remembered."""
        return len(self._used)

    def _about(self, header: bytes) -> dict[str, Any]:
        try:
            about = self._seal.read(header.decode("ascii"))
        except ValueError as error:
            raise OfferError(
                f"{error}; all machines need the same socketio.cluster_secret"
            ) from None
        if about.get("to") != self._token:
            raise OfferError("it is for another process, or for one that has ended")
        return about

    def _use(self, signed: Any, once: Any) -> None:
        if type(signed) not in (int, float) or not isinstance(once, str):
            raise OfferError("it has no time, or no number")
        now = self._now()
        if not abs(now - signed) <= WINDOW:
            raise OfferError(
                f"it was signed {now - signed:.1f} s ago, more than {WINDOW:g}; the "
                "clocks of all machines have to agree"
            )
        while self._until and self._until[0][0] < now:
            self._used.discard(self._until.popleft()[1])
        if once in self._used:
            raise OfferError("it was sent before")
        self._used.add(once)
        self._until.append((now + 2 * WINDOW, once))
