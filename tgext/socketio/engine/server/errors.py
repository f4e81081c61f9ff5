"""The error answers to Socket.IO requests."""

from __future__ import annotations

from ...wire.socketio.generations import SOCKETIO_5, Generation
from ..http import HeaderList

#: Engine.IO's error codes, with the texts of the reference server.
TRANSPORT_UNKNOWN = (0, "Transport unknown")
UNKNOWN_SID = (1, "Session ID unknown")
BAD_METHOD = (2, "Bad handshake method")
BAD_REQUEST = (3, "Bad request")
FORBIDDEN = (4, "Forbidden")
UNSUPPORTED = (5, "Unsupported protocol version")

TEXT = ("Content-Type", "text/plain; charset=UTF-8")

#: Without it, a browser may guess that an answer is a script, and run text that a
#: client sent.
NOSNIFF = ("X-Content-Type-Options", "nosniff")


class HTTPError(Exception):
    """A request is refused with an HTTP error."""

    def __init__(
        self,
        status: str,
        body: bytes = b"",
        headers: HeaderList | None = None,
        *,
        why: str | None = "",
        allow: str = "",
    ) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = headers or [TEXT]
        #: The reason, for the log: by default the body; None when it was logged before.
        self.why = body.decode("utf-8", "replace") if why == "" else why
        self.allow = allow


def engine_error(
    code: tuple[int, str],
    status: str = "400 Bad Request",
    *,
    why: str | None = "",
    allow: str = "",
) -> HTTPError:
    """An error of Engine.IO, for a client whose generation is not known."""
    return _error(SOCKETIO_5, code, status, why, allow)


def refusal(
    generation: Generation | None, code: tuple[int, str], why: str = "", allow: str = ""
) -> HTTPError:
    """An error in the format of a generation.

    :param why: the reason, for the log; by default the text that the client receives.
    :param allow: what would allow the request, for the log.
    """
    return _error(generation or SOCKETIO_5, code, "400 Bad Request", why, allow)


def _error(
    generation: Generation,
    code: tuple[int, str],
    status: str,
    why: str | None,
    allow: str,
) -> HTTPError:
    content_type, body = generation.error_body(*code)
    headers = [("Content-Type", content_type)]
    why = code[1] if why == "" else why
    return HTTPError(status, body, headers, why=why, allow=allow)
