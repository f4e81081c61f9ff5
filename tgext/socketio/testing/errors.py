"""What the clients of a test raise."""

from __future__ import annotations

from typing import Any, Final

#: Characters of an answer in the text of an error.
_LONGEST: Final = 200


class ConnectRefused(Exception):
    """A client was not let in. It has what the client is told.

    :ivar message: the text; of an HTTP answer, its body.
    :ivar data: what the server has told besides; None without it. Clients 0.9 are told
        neither.
    :ivar status: the HTTP status, ``401``, of a refused connection; None when a
        namespace refused.
    """

    def __init__(
        self, who: str, message: str, data: Any = None, status: int | None = None
    ) -> None:
        cut = "..." if len(message) > _LONGEST else ""  # it is a page
        shown = message[:_LONGEST] + cut
        answer = "" if status is None else f"HTTP {status}: "
        more = "" if data is None else f" {data!r}"
        super().__init__(f"{who} was refused: {answer}{shown}{more}")
        self.message = message
        self.data = data
        self.status = status


class EventError(Exception):
    """An event was refused, or its handler failed.

    :ivar name: the name of the error, ``method_access_denied``.
    :ivar info: what the client is told about it; None for a client 0.9 that is told
        nothing.
    """

    def __init__(self, name: str, info: Any) -> None:
        super().__init__(f"{name}: {info}")
        self.name = name
        self.info = info


class NotReceived(AssertionError):
    """What a test waits for has not come; the text says what has."""
