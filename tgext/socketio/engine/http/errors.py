"""Errors of requests that are invalid HTTP."""

from __future__ import annotations

from gevent.pywsgi import _InvalidClientInput  # type: ignore[attr-defined]

BAD_REQUEST = "400 Bad Request"
TIMEOUT = "408 Request Timeout"
CONTENT_TOO_LARGE = "413 Content Too Large"
TOO_LONG = "414 URI Too Long"
EXPECTATION = "417 Expectation Failed"
TOO_LARGE = "431 Request Header Fields Too Large"
NOT_IMPLEMENTED = "501 Not Implemented"
VERSION = "505 HTTP Version Not Supported"


class RequestError(_InvalidClientInput):
    """A request is refused; nothing after it on its connection is read.

    It is an :class:`OSError`, which an application that reads the body expects.

    :param reason: what is wrong, without any text of the request.
    :param status: the status line of the answer.
    :param detail: what the log tells in addition; text of the request is escaped.

    :ivar reason: as given.
    :ivar status: as given.
    :ivar detail: as given.
    :ivar begun: the bytes of the request that had been read by then.
    """

    begun = b""

    def __init__(
        self, reason: str, status: str = BAD_REQUEST, detail: str = ""
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.detail = detail

    @property
    def why(self) -> str:
        """The reason, for the log."""
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


class BodyEnded(RequestError):
    """The connection ended in the middle of a body. The request was not refused."""

    def __init__(self) -> None:
        super().__init__("the body ended early")
