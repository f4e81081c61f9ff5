"""The answers to requests of Socket.IO that are refused."""

from __future__ import annotations

from ...wire.socketio.generations import SOCKETIO_5, Generation
from ..http import HeaderList

#: Engine.IO's error codes, as the reference server words them.
TRANSPORT_UNKNOWN = (0, "Transport unknown")
UNKNOWN_SID = (1, "Session ID unknown")
BAD_METHOD = (2, "Bad handshake method")
BAD_REQUEST = (3, "Bad request")
FORBIDDEN = (4, "Forbidden")
UNSUPPORTED = (5, "Unsupported protocol version")

TEXT = ("Content-Type", "text/plain; charset=UTF-8")

#: A browser that guesses the type of an answer may run what a client sent as a script.
NOSNIFF = ("X-Content-Type-Options", "nosniff")


class HTTPError(Exception):
    """A request that is answered with an error."""

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
        #: For the log: the body by default, None when it has been logged.
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
    """An error as a generation's clients read it.

    :param why: for the log; what the client is told by default.
    :param allow: for the log: what would allow it.
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
