"""The connection of one client of Socket.IO: packets in and out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import gevent

from ..wire.errors import ProtocolError
from ..wire.socketio.binary import Reassembler
from ..wire.socketio.generations import ALIVE, CLOSE
from ..wire.socketio.packet import Packet
from .dialects import LIMITS, Dialect
from .errors import ConnectRefused
from .link import Answer, Link

#: Why connections end, in the words of socket.io-client.
TRANSPORT_CLOSE = "transport close"
PARSE_ERROR = "parse error"


class Opener(Protocol):
    """Opens the links of one browser."""

    def link(self) -> Link:
        """Connect to the server."""

    def headers(self, target: str) -> Mapping[str, str]:
        """The headers of a request, cookies included."""

    def accept(self, target: str, answer: Answer) -> None:
        """Keep the cookies of an answer."""

    def each_interval(self, ping: Callable[[], bool]) -> None:
        """Call a function once in each interval of heartbeats, while it returns true.

        It must not block.
        """


class Connection:
    """One client's connection, over a WebSocket.

    :param opener: of its browser.
    :param dialect: of its generation.
    :param resource: the path of Socket.IO, without slashes around it.
    :param take: called with each packet.
    :param end: called at the end, with the reason.
    :raises ConnectRefused: when the server or the application refuses it.

    :ivar ended: why the connection has ended; empty while it is open.
    """

    def __init__(
        self,
        opener: Opener,
        dialect: Dialect,
        resource: str,
        take: Callable[[Packet], object],
        end: Callable[[str], object],
    ) -> None:
        self.dialect = dialect
        self.ended = ""
        self._frozen = False
        self._take = take
        self._end = end
        self._reassembler: Reassembler | None = None
        sid = self._handshake(opener, resource) if dialect.handshake else ""
        target = dialect.target(resource, sid)
        self._link = opener.link()
        answer = self._link.upgrade(target, opener.headers(target))
        self._check(opener, target, answer, 101)
        self._link.read(self._receive, self._closed)
        if dialect.pings:
            opener.each_interval(self._ping)

    def _handshake(self, opener: Opener, resource: str) -> str:
        target = self.dialect.target(resource, "")
        link = opener.link()
        try:
            answer = link.ask(target, opener.headers(target))
        finally:
            link.drop()
        self._check(opener, target, answer, 200)
        return answer.text.partition(":")[0]

    def _check(self, opener: Opener, target: str, answer: Answer, wanted: int) -> None:
        opener.accept(target, answer)
        if answer.status != wanted:
            path = target.partition("?")[0]
            raise ConnectRefused(path, answer.text, status=answer.status)

    def _receive(self, message: str | bytes) -> None:
        if self.ended:
            return  # it came with what has ended it
        try:
            packet = self._read(message)
        except ProtocolError as error:
            self.end(f"{PARSE_ERROR}: {error.reason}")
            return
        if packet is CLOSE:
            self.end(TRANSPORT_CLOSE)
        elif packet is not None:
            self._take(packet)

    def _read(self, message: str | bytes) -> Packet | None:
        if isinstance(message, bytes):
            return self._add(message)
        answer = self.dialect.answer(message)
        if answer is not None:
            self.send(answer)
            return None
        packet = self.dialect.read(message)
        if packet is ALIVE or packet["type"] == "noop":
            return None
        if packet.get("attachments"):
            self._reassembler = Reassembler(packet, LIMITS)
            return None
        return packet

    def _add(self, attachment: bytes) -> Packet | None:
        waiting = self._reassembler
        if waiting is None:
            raise ProtocolError("an attachment without a packet")
        packet = waiting.add(self.dialect.codec.binary(attachment))
        if packet is not None:
            self._reassembler = None
        return packet

    def send(self, message: str | bytes) -> None:
        """Send a message, unless the connection has ended."""
        if not self.ended:
            try:
                self._link.send(message)
            except OSError:
                pass  # its reader ends it

    def send_all(self, messages: Iterator[str | bytes]) -> None:
        """Send the messages of a packet."""
        for each in messages:
            self.send(each)

    def _ping(self) -> bool:
        if not self.ended and not self._frozen:
            gevent.spawn(self.send, self.dialect.pings)
        return not self.ended

    def _closed(self) -> None:
        self.end(TRANSPORT_CLOSE)

    def end(self, reason: str) -> None:
        """End the connection without a word; for the client, for this reason."""
        if not self.ended:
            self.ended = reason
            self._end(reason)
            self._link.drop()

    def freeze(self) -> None:
        """Read nothing more, answer no ping, and send none."""
        self._frozen = True
        self._link.freeze()
