"""The requests that are being served: a server that stops waits for them."""

from __future__ import annotations

from gevent.event import Event


class Requests:
    """Counts requests, and the WebSockets and handlers that they started.

    :ivar number: how many are being served.
    """

    def __init__(self) -> None:
        self.number = 0
        #: Set when the number is 0; made when somebody waits for that.
        self._none: Event | None = None

    def began(self) -> None:
        """Count one more."""
        self.number += 1

    def ended(self) -> None:
        """Count one less."""
        self.number -= 1
        if not self.number and self._none is not None:
            self._none.set()
            self._none = None

    def wait(self) -> None:
        """Wait until the number is 0."""
        if self.number:
            if self._none is None:
                self._none = Event()
            self._none.wait()
