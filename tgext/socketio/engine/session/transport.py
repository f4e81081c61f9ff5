"""What a session needs from the transport that carries its messages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from gevent import Greenlet

from ..concurrency.heartbeat import Heartbeat
from ..io.outbox import Outbox
from ..io.traffic import NOTHING, Traffic


class Transport(ABC):
    """Carries the messages of one session: polling, or a WebSocket.

    :ivar name: its name in URLs.
    :ivar outbox: where messages to the client go.
    :ivar heartbeat: watches whether the client lives; ``busy`` while a handler runs.
    :ivar earlier: what an earlier transport of the session has received and sent.
    """

    name: str
    outbox: Outbox
    heartbeat: Heartbeat
    earlier: Traffic = NOTHING

    @property
    @abstractmethod
    def received(self) -> tuple[int, int]:
        """How many messages were received, and their bytes."""

    @property
    def traffic(self) -> Traffic:
        """What the session has received and sent, over this transport and earlier."""
        outbox = self.outbox
        own = Traffic(*self.received, outbox.sent, outbox.sent_bytes)
        return self.earlier.plus(own)

    @abstractmethod
    def send_text(self, text: str) -> None:
        """Send a message of the protocol, such as a ping. It never disconnects a slow
        client.
        """

    @abstractmethod
    def expect_ack(self) -> None:
        """A handler is about to ask the client for an ack, and may wait for it."""

    @abstractmethod
    def handling(self) -> Sequence[Greenlet[..., Any]]:
        """The greenlets in which handlers of the session run now."""

    @abstractmethod
    def runs_in(self, greenlet: object) -> bool:
        """Whether handlers of the session run in a greenlet."""

    @abstractmethod
    def close(self, reason: str, code: int) -> None:
        """End the transport because the session ended.

        :param reason: why the session ended.
        :param code: the WebSocket close code (RFC 6455, section 7.4).
        """
