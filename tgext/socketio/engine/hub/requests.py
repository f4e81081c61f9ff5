"""The requests that are being served: a server that stops waits for them."""

from __future__ import annotations

from gevent.event import Event


class Requests:
    """Counts requests, and what they became: WebSockets, handlers of polling clients.

    :ivar number: how many are being served.
    """

    def __init__(self) -> None:
        self.number = 0
        self._idle = Event()
        self._idle.set()

    def began(self) -> None:
        """One more is being served."""
        self.number += 1
        self._idle.clear()

    def ended(self) -> None:
        """One of those that :meth:`began` counted has ended."""
        self.number -= 1
        if not self.number:
            self._idle.set()

    def wait(self) -> None:
        """Wait until none is being served."""
        self._idle.wait()
