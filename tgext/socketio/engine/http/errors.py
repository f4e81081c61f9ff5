"""How a request is refused that HTTP itself does not allow."""

from __future__ import annotations

from gevent.pywsgi import _InvalidClientInput  # type: ignore[attr-defined]

BAD_REQUEST = "400 Bad Request"
TIMEOUT = "408 Request Timeout"
TOO_LONG = "414 URI Too Long"
EXPECTATION = "417 Expectation Failed"
TOO_LARGE = "431 Request Header Fields Too Large"
NOT_IMPLEMENTED = "501 Not Implemented"
VERSION = "505 HTTP Version Not Supported"


class RequestError(_InvalidClientInput):
    """A request that is refused; nothing that follows it on its connection is read.

    It is an :class:`OSError`, which is what an application that reads the body expects.

    :param reason: what is wrong, in words that quote nothing of the request.
    :param status: the status line of the answer.

    :ivar reason: the same.
    :ivar status: the same.
    :ivar begun: what had been read of it when it was refused.
    """

    begun = b""

    def __init__(self, reason: str, status: str = BAD_REQUEST) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class BodyEnded(RequestError):
    """The client left in the middle of a body; nobody refused it."""

    def __init__(self) -> None:
        super().__init__("the body ended early")
