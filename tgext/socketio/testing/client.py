"""A client of Socket.IO in a test: one namespace, over a connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final

import gevent

from ..wire.socketio.packet import Packet, arguments
from .arrivals import Arrivals
from .connection import Connection
from .errors import ConnectRefused, NotReceived
from .loop import settle
from .pending import Pending

#: Why a client is no longer connected, in the words of socket.io-client.
_LEFT, _REMOVED = "io client disconnect", "io server disconnect"
_DROPPED: Final = "transport close"

Open = Callable[[Callable[[Packet], object], Callable[[str], object]], Connection]


class Client:
    """A client that is connected to a namespace.

    :param open: opens a connection; see :class:`.Connection`.
    :param endpoint: the namespace, ``'/chat'``; ``''`` for the main one.
    :param auth: what the client tells of itself when it connects.
    :param timeout: seconds to wait for anything, where no others are given.
    :param who: the client, for texts.
    :raises ConnectRefused: when it is not let in.

    :ivar id: the public id of the client, ``self.id`` of its namespace; None for
        clients before 3.0, which are not told.
    :ivar connected: whether it is connected now.
    :ivar recovered: whether the server has restored an earlier session of the client.
    :ivar disconnect_reason: why the client is not connected, in the words of
        socket.io-client; empty while it is.
    """

    def __init__(
        self,
        open: Open,
        endpoint: str,
        auth: Mapping[str, Any] | None,
        timeout: float,
        who: str,
    ) -> None:
        self._open = open
        self._endpoint = endpoint
        self._auth = auth
        self._timeout = timeout
        self._who = who
        self.id: str | None = None
        self.recovered = False
        self.disconnect_reason = ""
        self._pid: str | None = None
        self._offset: str | None = None
        self._numbers = count(1)
        self._pending: dict[int, Pending] = {}
        self._handlers: dict[str, Callable[..., Any]] = {}
        self._arrivals = Arrivals(who, lambda: self.disconnect_reason)
        self._join()

    def __repr__(self) -> str:
        return f"<{self._who}: {self.disconnect_reason or 'connected'}>"

    # Connecting

    def _join(self) -> None:
        self._refusal: ConnectRefused | None = None
        self.connected = self.recovered = False
        connection = self._open(self._take, self._ended)
        self._connection, self.disconnect_reason = connection, ""
        dialect = connection.dialect
        if self._endpoint or not dialect.main:
            connection.send(dialect.connect(self._endpoint, self._identification()))
        self._arrivals.changes.wait_until(
            lambda: self.connected or self._refusal or self.disconnect_reason,
            self._timeout,
        )
        if self._refusal is not None:
            connection.end("refused")
            settle()
            raise self._refusal
        if not self.connected:
            what = "the server has not answered the connect"
            raise NotReceived(self._arrivals.failure(what, self._timeout))
        settle()  # what it is sent at once

    def _identification(self) -> Mapping[str, Any] | None:
        """The ``auth`` of a connect, with that of a session to be recovered."""
        if self._pid is None:
            return self._auth
        back = {"pid": self._pid}
        if self._offset is not None:
            back["offset"] = self._offset
        return {**(self._auth or {}), **back}

    def drop(self) -> None:
        """Lose the connection, as when a network is lost: the server is told nothing.

        Returns when the server has noticed that.
        """
        self._connection.end(_DROPPED)
        settle()

    def reconnect(self) -> None:
        """Connect again, as a client does by itself when it has lost its connection.

        In a namespace with ``recovery = True`` it asks for its session: then
        :attr:`recovered` tells whether it has it back, and what it has missed arrives.

        :raises ConnectRefused: when it is not let in.
        """
        if not self.disconnect_reason:
            raise RuntimeError(f"{self._who} is connected: drop() it, or disconnect()")
        self._join()

    def disconnect(self) -> None:
        """Leave the namespace, and close the connection."""
        if not self.disconnect_reason:
            connection = self._connection
            connection.send(connection.dialect.disconnect(self._endpoint))
            settle()
            self._ended(_LEFT)
            connection.end(_LEFT)
            settle()

    def freeze(self) -> None:
        """Read nothing more, and answer no ping: the client's computer sleeps."""
        self._connection.freeze()

    # Events

    def emit(self, event: str, *args: Any, timeout: float | None = None) -> Any:
        """Emit an event, and wait for its ack.

        :param timeout: seconds to wait at most.
        :returns: what the handler has returned. A tuple is several values.
        :raises EventError: when the event was refused, or its handler failed.
        :raises NotReceived: when the ack has not come in time.
        """
        return self.submit(event, *args).result(timeout)

    def submit(self, event: str, *args: Any) -> Pending:
        """Emit an event, and go on: its :meth:`~.Pending.result` waits for the ack.

        :raises TypeError: when an argument cannot be written as JSON.
        """
        if self.disconnect_reason:
            reason = self.disconnect_reason
            raise RuntimeError(f"{self._who} is not connected: {reason}")
        number = next(self._numbers)
        pending = Pending(event, self._arrivals, self._timeout)
        self._pending[number] = pending
        connection = self._connection
        connection.send_all(
            connection.dialect.event(self._endpoint, event, args, number)
        )
        return pending

    def expect(self, event: str, timeout: float | None = None) -> tuple[Any, ...]:
        """Wait for an event of the server, each of which is returned once, in order.

        :param timeout: seconds to wait at most.
        :returns: its arguments.
        :raises NotReceived: when it has not come in time; the text says what has.
        """
        seconds = self._timeout if timeout is None else timeout
        return self._arrivals.expect(event, seconds)

    def received(self, event: str | None = None) -> list[tuple[Any, ...]]:
        """What has arrived so far, whether it was expected or not.

        What is on its way arrives before. Handlers that wait are not waited for.

        :param event: the name of an event; all events without it.
        :returns: the arguments of each event; of all events, after its name.
        """
        if event is None:
            return self._arrivals.everything()
        return self._arrivals.named(event)

    def on(self, event: str, handler: Callable[..., Any]) -> None:
        """Call a function with the arguments of each event of a name.

        It answers a server that asks for an ack: with what the function returns.
        """
        self._handlers[event] = handler

    # Packets

    def _take(self, packet: Packet) -> None:
        if packet["endpoint"] != self._endpoint:
            return  # the main namespace, which older clients are always in
        kind = packet["type"]
        if kind == "connect":
            self._accepted(packet)
        elif kind == "error":
            self._refuse(packet.get("reason", ""), packet.get("data"))
        elif kind == "disconnect":
            self._connection.end(_REMOVED)
        elif kind == "ack":
            pending = self._pending.pop(packet["ackId"], None)
            if pending is not None:
                pending.answer(arguments(packet), self._connection.dialect.codec)
        elif kind == "event":
            self._event(packet["name"], list(arguments(packet)), packet.get("id"))
        elif kind in ("message", "json"):
            self._event("message", [packet["data"]], packet.get("id"))

    def _accepted(self, packet: Packet) -> None:
        told = packet.get("data") or {}
        before, self._pid = self._pid, told.get("pid")
        self.recovered = before is not None and before == self._pid
        if not self.recovered:
            self._offset = None
        self.id = told.get("sid")
        self.connected = True
        self._arrivals.changes.tell()

    def _refuse(self, message: str, data: Any) -> None:
        self._refusal = ConnectRefused(self._endpoint or "/", message, data)
        self._arrivals.changes.tell()

    def _event(self, name: str, args: list[Any], number: int | None) -> None:
        if not self.connected and name == "error" and len(args) == 2:
            # What a client 0.9 is told of a namespace that there is not.
            self._refuse(args[1], None)
            return
        positioned = self._pid is not None and number is None and args
        if positioned and isinstance(args[-1], str):
            self._offset = args.pop()  # its position
        self._arrivals.add(name, tuple(args))
        handler = self._handlers.get(name)
        if handler is not None:
            gevent.spawn(self._handle, handler, args, number)

    def _handle(
        self, handler: Callable[..., Any], args: list[Any], number: int | None
    ) -> None:
        result = handler(*args)
        if number is not None:
            answer = list(result) if isinstance(result, tuple) else [result]
            connection = self._connection
            connection.send_all(connection.dialect.ack(self._endpoint, number, answer))

    def _ended(self, reason: str) -> None:
        if not self.disconnect_reason:
            self.disconnect_reason = reason
        self.connected = False
        self._pending.clear()
        self._arrivals.changes.tell()
