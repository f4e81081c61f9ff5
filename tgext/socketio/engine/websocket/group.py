"""Sets of plain WebSockets to broadcast to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ...wire import json
from ...wire.websocket.broadcast import Broadcast
from ..concurrency.threads import get_ident
from .messages import outgoing
from .wsgi import WebSocket


class Group:
    """A set of connections to broadcast to.

    A connection leaves when it ends. Sending never waits: a client that is too far
    behind is disconnected, and the others get the message at once.

    :param json_dumps: writes JSON for :meth:`send_json`.
    """

    def __init__(self, json_dumps: Callable[[Any], str] = json.dumps) -> None:
        self._members: set[WebSocket] = set()
        self._json_dumps = json_dumps

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[WebSocket]:
        return iter(tuple(self._members))

    def __contains__(self, websocket: object) -> bool:
        return websocket in self._members

    def add(self, websocket: WebSocket) -> None:
        """Add a connection. No effect if it has ended."""
        if get_ident() != websocket.home.ident:
            websocket.home.ask(self.add, websocket)
        elif websocket.on_close(self.discard):
            self._members.add(websocket)

    def discard(self, websocket: WebSocket) -> None:
        """Remove a connection. No effect if it is not in the group."""
        self._members.discard(websocket)
        websocket.forget(self.discard)

    def send(self, message: str | bytes, binary: bool | None = None) -> None:
        """Send a message to all members; see :meth:`WebSocket.send`."""
        broadcast = Broadcast(*outgoing(message, binary))
        members = tuple(self._members)
        if members and get_ident() != members[0].home.ident:
            members[0].home.ask(self._deliver, members, broadcast)
        else:
            self._deliver(members, broadcast)

    def _deliver(self, members: tuple[WebSocket, ...], broadcast: Broadcast) -> None:
        for member in members:
            member.deliver(broadcast)

    def send_json(self, value: Any) -> None:
        """Send a value as JSON, in a text message.

        :raises TypeError: when it cannot be written as JSON.
        """
        self.send(self._json_dumps(value))
