"""What the generations of clients write, and how they read what the server writes.

The clients are socket.io-client's. What the packets of both directions have in common
is read and written by :mod:`tgext.socketio.wire`, as the server does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from ..wire import json
from ..wire.limits import Limits
from ..wire.socketio import v1
from ..wire.socketio.generations import (
    SOCKETIO_1,
    SOCKETIO_4,
    SOCKETIO_5,
    Generation,
)
from ..wire.socketio.packet import Packet, event_packet

#: Clients accept messages of any size.
LIMITS: Final = Limits(max_message_size=100_000_000, max_attachments=10_000)

_PING, _PONG = "2", "3"
_CONNECT, _REFUSED = "40", "44"


class Dialect(ABC):
    """The clients of one generation: stateless.

    :cvar codec: the same generation, as the server knows it.
    :cvar handshake: whether a request of its own opens the session.
    :cvar main: whether the main namespace is connected without being asked for.
    :cvar pings: what the client sends once in an interval; empty if the server does.
    """

    codec: Generation
    handshake = False
    main = True
    pings = ""

    @abstractmethod
    def target(self, resource: str, sid: str) -> str:
        """The path and the query with which a WebSocket is asked for."""

    @abstractmethod
    def connect(self, endpoint: str, auth: Mapping[str, Any] | None) -> str:
        """The message that asks to be let into a namespace."""

    def disconnect(self, endpoint: str) -> str:
        """The message that leaves a namespace."""
        packet: Packet = {"type": "disconnect", "endpoint": endpoint}
        return self.codec.encode(packet, json.dumps).text

    def event(
        self, endpoint: str, name: str, args: Sequence[Any], number: int | None
    ) -> Iterator[str | bytes]:
        """The messages of an event.

        :param number: the number of the ack that is asked for; None for none.
        :raises TypeError: when an argument cannot be written as JSON.
        """
        packet = event_packet(endpoint, name, args)
        if number is not None:
            packet["id"] = number
            packet["ack"] = "data"
        return self._write(packet)

    def message(self, endpoint: str, data: Any, number: int) -> Iterator[str | bytes]:
        """The messages of what ``send`` sends; the ack ``number`` is asked for."""
        return self.event(endpoint, "message", [data], number)

    def ack(
        self, endpoint: str, number: int, args: Sequence[Any]
    ) -> Iterator[str | bytes]:
        """The messages of an ack."""
        packet: Packet = {"type": "ack", "endpoint": endpoint}
        packet["ackId"], packet["args"] = number, args
        return self._write(packet)

    def _write(self, packet: Packet) -> Iterator[str | bytes]:
        encoded = self.codec.encode(packet, json.dumps)
        yield encoded.text
        for each in encoded.attachments:
            yield encoded.prefix + each

    @abstractmethod
    def answer(self, text: str) -> str | None:
        """The answer to a ping; None to anything else."""

    def read(self, text: str) -> Packet:
        """Read a message: a packet; one with ``attachments`` waits for these.

        Engine.IO's ``open`` is a packet ``noop``.
        """
        return self.codec.decode(text, LIMITS, json.loads)


class _OnEngineIO(Dialect):
    """What clients on Engine.IO have in common."""

    version: int

    def target(self, resource: str, sid: str) -> str:
        return f"/{resource}/?EIO={self.version}&transport=websocket"

    def read(self, text: str) -> Packet:
        if text.startswith("0"):
            return {"type": "noop", "endpoint": ""}
        if not text.startswith(_REFUSED):
            return super().read(text)
        endpoint, data = "", text[len(_REFUSED) :]
        if data.startswith("/"):
            endpoint, _, data = data.partition(",")
        packet: Packet = {"type": "error", "endpoint": endpoint}
        told = json.loads(data)
        if isinstance(told, dict) and "message" in told:
            packet["reason"], packet["data"] = str(told["message"]), told.get("data")
        elif isinstance(told, str):
            packet["reason"], packet["data"] = told, None
        else:
            packet["reason"], packet["data"] = "", told
        return packet


class Dialect5(_OnEngineIO):
    """3.x and 4.x."""

    codec = SOCKETIO_5
    version = 4
    main = False

    def connect(self, endpoint: str, auth: Mapping[str, Any] | None) -> str:
        data = "" if auth is None else json.dumps(auth)
        return f"{_CONNECT}{endpoint and endpoint + ','}{data}"

    def answer(self, text: str) -> str | None:
        return _PONG + text[1:] if text.startswith(_PING) else None


class Dialect4(_OnEngineIO):
    """1.x and 2.x."""

    codec = SOCKETIO_4
    version = 3
    pings = _PING

    def connect(self, endpoint: str, auth: Mapping[str, Any] | None) -> str:
        return f"{_CONNECT}{endpoint}{_query(auth)}"

    def answer(self, text: str) -> str | None:
        return None


class Dialect1(Dialect):
    """0.9."""

    codec = SOCKETIO_1
    handshake = True

    def target(self, resource: str, sid: str) -> str:
        return f"/{resource}/1/" + (sid and f"websocket/{sid}")

    def connect(self, endpoint: str, auth: Mapping[str, Any] | None) -> str:
        return f"1::{endpoint}{_query(auth)}"

    def message(self, endpoint: str, data: Any, number: int) -> Iterator[str | bytes]:
        return self._write(
            {
                "type": "message" if isinstance(data, str) else "json",
                "endpoint": endpoint,
                "data": data,
                "id": number,
                "ack": "data",
            }
        )

    def answer(self, text: str) -> str | None:
        return v1.HEARTBEAT if text.startswith(v1.HEARTBEAT) else None


def _query(auth: Mapping[str, Any] | None) -> str:
    """The query string in which clients before 3.0 send what is their ``auth``."""
    return f"?{urlencode(auth, doseq=True)}" if auth else ""


#: The clients, by the versions that stand for their generations; the newest first.
DIALECTS: Final[Mapping[str, Dialect]] = {
    "4": Dialect5(),
    "2": Dialect4(),
    "0.9": Dialect1(),
}
