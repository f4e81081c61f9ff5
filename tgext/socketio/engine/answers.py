"""How Socket.IO's requests are refused."""

from __future__ import annotations

import json

from .generations import SOCKETIO_1, Generation
from .http import HeaderList

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
        self, status: str, body: bytes = b"", headers: HeaderList | None = None
    ) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = headers or [TEXT]


def engine_error(code: tuple[int, str], status: str = "400 Bad Request") -> HTTPError:
    """An error of Engine.IO 3 and 4."""
    error = {"code": code[0], "message": code[1]}
    body = json.dumps(error, separators=(",", ":")).encode()
    return HTTPError(status, body, [("Content-Type", "application/json")])


def refusal(generation: Generation | None, code: tuple[int, str]) -> HTTPError:
    """An error as a generation's clients have it."""
    if generation is SOCKETIO_1:
        return HTTPError("400 Bad Request", code[1].encode())
    return engine_error(code)
