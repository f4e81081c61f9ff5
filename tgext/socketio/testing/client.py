"""A client of Socket.IO in a test, in one namespace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count
from typing import Any, Final

import gevent

from ..wire.socketio.packet import Packet, arguments
from .arrivals import Arrivals
from .errors import ConnectRefused, NotReceived
from .loop import settle
from .manager import Manager
from .pending import Pending

#: Why a client is no longer connected, in the words of socket.io-client.
_LEFT, _REMOVED = "io client disconnect", "io server disconnect"
_DROPPED: Final = "transport close"


class Client:
    """A client that is connected to a namespace.

    :param manager: has its connection.
    :param namespace: its name, ``'/chat'``; ``'/'`` for the main one.
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
        manager: Manager,
        namespace: str,
        auth: Mapping[str, Any] | None,
        timeout: float,
        who: str,
    ) -> None:
        self._manager = manager
        self._endpoint = f"/{namespace.strip('/')}".rstrip("/")
        self._auth = auth
        self._timeout = timeout
        self._client = who
        self._who = f"{who} in {self._endpoint or '/'}"
        self.id: str | None = None
        self.recovered = False
        self.disconnect_reason = ""
        self._pid: str | None = None
        self._offset: str | None = None
        self._numbers = count(1)
        self._pending: dict[int, Pending] = {}
        self._handlers: dict[str, Callable[..., Any]] = {}
        self._arrivals = Arrivals(self._who, lambda: self.disconnect_reason)
        self._join()

    def __repr__(self) -> str:
        return f"<{self._who}: {self.disconnect_reason or 'connected'}>"

    # Connecting

    def _join(self) -> None:
        self._refusal: ConnectRefused | None = None
        self.connected = self.recovered = False
        connection = self._manager.join(self._endpoint, self)
        self._connection, self.disconnect_reason = connection, ""
        dialect = connection.dialect
        if self._endpoint or not dialect.main:
            connection.send(dialect.connect(self._endpoint, self._identification()))
        self._arrivals.changes.wait_until(
            lambda: self.connected or self._refusal or self.disconnect_reason,
            self._timeout,
        )
        if self._refusal is not None:
            self._leave("refused")
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

    def of(self, namespace: str, *, auth: Mapping[str, Any] | None = None) -> Client:
        """Connect to another namespace, over the same connection.

        As a page does that calls ``io()`` twice: :meth:`drop` and :meth:`freeze` are
        for all namespaces of the connection, :meth:`reconnect` and :meth:`disconnect`
        for one; the connection ends with the last.

        :param auth: as for :meth:`.SocketIOTest.connect`.
        :raises ConnectRefused: when the namespace refuses the client.
        :raises ValueError: when the connection is in this namespace already.
        """
        return Client(self._manager, namespace, auth, self._timeout, self._client)

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
        """Leave the namespace, and close the connection if no other one has it."""
        if not self.disconnect_reason:
            connection = self._connection
            connection.send(connection.dialect.disconnect(self._endpoint))
            settle()
            self._leave(_LEFT)

    def _leave(self, reason: str) -> None:
        self.ended(reason)
        self._manager.leave(self._endpoint, reason)
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
        dialect = self._connection.dialect
        return self._ask(event, partial(dialect.event, self._endpoint, event, args))

    def send(self, data: Any, timeout: float | None = None) -> Any:
        """Send a message, as ``socket.send`` does, and wait for its ack.

        Clients 0.9 have messages of text and of JSON, which are no events; of later
        clients it is the event ``message``.

        :param timeout: seconds to wait at most.
        :returns: what the handler has returned, and errors, as of :meth:`emit`.
        """
        dialect = self._connection.dialect
        write = partial(dialect.message, self._endpoint, data)
        return self._ask("message", write).result(timeout)

    def _ask(
        self, event: str, write: Callable[[int], Iterator[str | bytes]]
    ) -> Pending:
        """Send what is written with the number of an ack."""
        if self.disconnect_reason:
            reason = self.disconnect_reason
            raise RuntimeError(f"{self._who} is not connected: {reason}")
        number = next(self._numbers)
        pending = Pending(event, self._arrivals, self._timeout)
        self._pending[number] = pending
        self._connection.send_all(write(number))
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

    def take(self, packet: Packet) -> None:
        """A packet of the namespace has come."""
        kind = packet["type"]
        if kind == "connect":
            self._accepted(packet)
        elif kind == "error":
            self._refuse(packet.get("reason", ""), packet.get("data"))
        elif kind == "disconnect":
            self.ended(_REMOVED)
            self._manager.leave(self._endpoint, _REMOVED)
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

    def ended(self, reason: str) -> None:
        """It is no longer connected, for a reason."""
        if not self.disconnect_reason:
            self.disconnect_reason = reason
        self.connected = False
        self._pending.clear()
        self._arrivals.changes.tell()
