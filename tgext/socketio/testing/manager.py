"""One connection, which the namespaces of a client share: its ``Manager``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..wire.socketio.packet import Packet
from .connection import Connection

Open = Callable[[Callable[[Packet], object], Callable[[str], object]], Connection]


class Member(Protocol):
    """A client in one namespace."""

    def take(self, packet: Packet) -> None:
        """A packet of the namespace has come."""

    def ended(self, reason: str) -> None:
        """The connection has ended."""


class Manager:
    """Has the connection of its members, and opens another one when it has ended.

    :param open: opens a connection; see :class:`.Connection`.
    """

    def __init__(self, open: Open) -> None:
        self._open = open
        self._members: dict[str, Member] = {}
        self._connection: Connection | None = None
        #: That older clients are in the main namespace, which they did not ask for.
        self._main: Packet | None = None

    def join(self, endpoint: str, member: Member) -> Connection:
        """Give a member the packets of its namespace, until it leaves.

        :returns: the connection, opened if there is none.
        :raises ConnectRefused: when it is refused.
        :raises ValueError: when the namespace has a member.
        """
        if endpoint in self._members:
            where = endpoint or "/"
            raise ValueError(
                f"this connection is in {where} already: another client is one of "
                f"SocketIOTest.connect({where!r})"
            )
        connection = self._connection
        if connection is None or connection.ended:
            self._main = None
            connection = self._connection = self._open(self._take, self._ended)
        self._members[endpoint] = member
        if self._main is not None and not endpoint:
            member.take(self._main)
        return connection

    def leave(self, endpoint: str, reason: str) -> None:
        """A member leaves; the connection of the last one ends, for a reason."""
        self._members.pop(endpoint, None)
        if self._connection is not None and not self._members:
            self._connection.end(reason)

    def _take(self, packet: Packet) -> None:
        endpoint = packet["endpoint"]
        if packet["type"] == "connect" and not endpoint:
            self._main = packet
        member = self._members.get(endpoint)
        if member is not None:
            member.take(packet)

    def _ended(self, reason: str) -> None:
        members, self._members = self._members, {}
        for each in members.values():
            each.ended(reason)
