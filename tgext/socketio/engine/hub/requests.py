"""The requests that are being served: a server that stops waits for them."""

from __future__ import annotations

from gevent.event import Event


class Requests:
    """Counts requests, and the WebSockets and handlers that they started.

    :ivar number: how many are being served.
    """

    def __init__(self) -> None:
        self.number = 0
        self._idle = Event()
        self._idle.set()

    def began(self) -> None:
        """Count one more."""
        self.number += 1
        self._idle.clear()

    def ended(self) -> None:
        """Count one less."""
        self.number -= 1
        if not self.number:
            self._idle.set()

    def wait(self) -> None:
        """Wait until the number is 0."""
        self._idle.wait()
