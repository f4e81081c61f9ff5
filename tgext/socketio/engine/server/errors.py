"""How Socket.IO's requests are refused."""

from __future__ import annotations

import json

from ...wire.socketio.generations import SOCKETIO_1, Generation
from ..http import HeaderList

#: Engine.IO's error codes, as the reference server words them.
TRANSPORT_UNKNOWN = (0, "Transport unknown")
UNKNOWN_SID = (1, "Session ID unknown")
BAD_METHOD = (2, "Bad handshake method")
BAD_REQUEST = (3, "Bad request")
FORBIDDEN = (4, "Forbidden")
UNSUPPORTED = (5, "Unsupported protocol version")

TEXT = ("Content-Type", "text/plain; charset=UTF-8")

#: A browser that looks at an answer itself may take what a client sent for a script.
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
        #: What the log says of it: None when it has said it, else the body by default.
        self.why = body.decode("utf-8", "replace") if why == "" else why
        self.allow = allow


def engine_error(
    code: tuple[int, str],
    status: str = "400 Bad Request",
    *,
    why: str | None = "",
    allow: str = "",
) -> HTTPError:
    """An error of Engine.IO 3 and 4."""
    error = {"code": code[0], "message": code[1]}
    body = json.dumps(error, separators=(",", ":")).encode()
    headers = [("Content-Type", "application/json")]
    why = code[1] if why == "" else why
    return HTTPError(status, body, headers, why=why, allow=allow)


def refusal(
    generation: Generation | None, code: tuple[int, str], why: str = "", allow: str = ""
) -> HTTPError:
    """An error as a generation's clients have it.

    :param why: what the log says of it; what the client is told by default.
    :param allow: what would allow it.
    """
    if generation is SOCKETIO_1:
        body = code[1].encode()
        return HTTPError("400 Bad Request", body, why=why, allow=allow)
    return engine_error(code, why=why, allow=allow)
