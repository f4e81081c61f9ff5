"""Namespaces that record how they end."""

from __future__ import annotations

import struct
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

from tgext.socketio.engine.mixins import BroadcastMixin, RoomsMixin

from ..clients import Client, WebSocketClient
from ..sample_namespaces import Holding


class Member(RoomsMixin, BroadcastMixin, Holding):
    """A namespace whose objects the test can use.

    :cvar made: the objects, by order of connecting.
    """

    made: list[Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.made = []

    def recv_connect(self) -> None:
        self.made.append(self)


def reset(client: Client) -> None:
    """End the client's connection as a process that crashes does."""
    assert isinstance(client, WebSocketClient)
    raw = client.websocket.sock
    raw.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


def gone(client: Client, how: str) -> None:
    """End a client's connections in one of several ways."""
    if how == "reset" and isinstance(client, WebSocketClient):
        reset(client)
    elif isinstance(client, WebSocketClient):
        client.websocket.close()
    else:
        client.gets.close()  # type: ignore[attr-defined]
        client.posts.close()  # type: ignore[attr-defined]
