"""A plain WebSocket of a test."""

from __future__ import annotations

from collections.abc import Sequence

from ..wire.websocket.close import check_code
from .arrivals import shown
from .connection import Opener
from .errors import ConnectRefused, NotReceived
from .loop import Changes, settle


class WebSocket:
    """A client's plain WebSocket.

    :param opener: of its browser.
    :param target: the path, and the query.
    :param protocols: the subprotocols that the client offers, the best first.
    :param timeout: seconds to wait for anything, where no others are given.
    :raises ConnectRefused: when it is not accepted.

    :ivar subprotocol: the one that was chosen; None without one.
    """

    def __init__(
        self, opener: Opener, target: str, protocols: Sequence[str], timeout: float
    ) -> None:
        self._path = target.partition("?")[0]
        self._timeout = timeout
        self._all: list[str | bytes] = []
        self._taken = 0
        self._changes = Changes()
        self._link = opener.link()
        answer = self._link.upgrade(
            target, opener.headers(target), ", ".join(protocols)
        )
        opener.accept(target, answer)
        if answer.status != 101:
            raise ConnectRefused(self._path, answer.text, status=answer.status)
        self.subprotocol: str | None = answer.headers["Sec-WebSocket-Protocol"]
        self._link.read(self._take, self._changes.tell)
        settle()  # what it is sent at once

    def _take(self, message: str | bytes) -> None:
        self._all.append(message)
        self._changes.tell()

    @property
    def closed(self) -> bool:
        """Whether the connection has ended."""
        return self._link.closed

    @property
    def close_code(self) -> int | None:
        """How the connection has ended: 1006 without a close frame; None before."""
        return self._link.close_code

    @property
    def close_reason(self) -> str:
        """The text that goes with :attr:`close_code`."""
        return self._link.close_reason

    def send(self, message: str | bytes) -> None:
        """Send a message.

        :raises RuntimeError: when the connection has ended.
        """
        if self.closed:
            raise RuntimeError(f"the WebSocket {self._path} has ended ({self._end()})")
        self._link.send(message)

    def receive(self, timeout: float | None = None) -> str | bytes:
        """Wait for the next message.

        :param timeout: seconds to wait at most.
        :raises NotReceived: when none has come in time.
        """
        seconds = self._timeout if timeout is None else timeout
        self._changes.wait_until(
            lambda: self._taken < len(self._all) or self.closed, seconds
        )
        if self._taken == len(self._all):
            why = f"it has ended: {self._end()}" if self.closed else f"in {seconds:g} s"
            before = ", ".join(map(shown, self._all[-5:])) or "none"
            text = f"{self._path}: no message has come ({why}). Before: {before}."
            raise NotReceived(text)
        message = self._all[self._taken]
        self._taken += 1
        return message

    def received(self) -> list[str | bytes]:
        """All messages that have come so far."""
        settle()
        return list(self._all)

    def _end(self) -> str:
        return f"{self.close_code} {self.close_reason}".strip()

    def wait_closed(self, timeout: float | None = None) -> int:
        """Wait for the end of the connection.

        :returns: :attr:`close_code`.
        :raises NotReceived: when it has not ended in time.
        """
        seconds = self._timeout if timeout is None else timeout
        self._changes.wait_until(lambda: self.closed, seconds)
        if self.close_code is None:
            raise NotReceived(f"{self._path}: it has not ended (in {seconds:g} s).")
        return self.close_code

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection, and wait until the server has closed it, too.

        :raises ValueError: when the code is invalid.
        """
        check_code(code)
        self._link.close(code, reason)
        self.wait_closed()

    def drop(self) -> None:
        """Lose the connection, as when a network is lost."""
        self._link.drop()
        settle()
