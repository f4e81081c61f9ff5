"""The generations of Socket.IO clients, and what a server does differently for each.

What is the same for all works on packets; what differs is a method of these classes.
"""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Literal, cast

from ..engineio import v3 as engineio_3
from ..engineio import v4 as engineio
from ..errors import PacketError, PayloadError
from ..json import Dumps, Loads
from ..limits import Limits
from . import v1 as socketio_1
from . import v3_4 as socketio_4
from . import v5 as socketio_5
from .binary import BINARY_TYPES, take_out
from .encoded import Encoded
from .packet import Packet, event_packet

#: Decoded from what is no packet of Socket.IO: it shows that the peer lives, or holds
#: the bytes of an attachment as text.
ALIVE: Final[Packet] = {"type": "heartbeat", "endpoint": ""}
#: Decoded from what ends the whole connection.
CLOSE: Final[Packet] = {"type": "disconnect", "endpoint": ""}

#: What nearly all messages begin with.
_EVENT = engineio.MESSAGE + socketio_5.EVENT

_ACK = engineio.MESSAGE + socketio_5.ACK
_ACKS = (
    _ACK,
    engineio.MESSAGE + socketio_5.BINARY_ACK,
)


class Generation(ABC):
    """One generation of clients: stateless, one instance for all connections."""

    #: How an error message names the generation.
    name: str
    #: The transports it can use here.
    transports: tuple[str, ...]
    #: What asks a client whether it lives; empty where clients ask.
    ping: str = ""
    #: What stands before the bytes of a message in a WebSocket frame.
    prefix: bytes = b""
    #: What answers a poll without saying anything.
    noop: str
    #: What answers a POST.
    post_answer: bytes
    #: Whether every connection is in the main namespace from the start.
    implicit_main: bool
    #: Whether clients send events to a namespace before they ask to connect to it.
    sends_early: bool = False

    @abstractmethod
    def encode(self, packet: Packet, dumps: Dumps) -> Encoded:
        """Write a packet as messages.

        :raises TypeError: when its data cannot be written.
        """

    def encode_ack(
        self, endpoint: str, number: int, args: list[Any], dumps: Dumps
    ) -> Encoded:
        """Write an ack; see :meth:`encode`.

        :param number: the id that it answers.
        :param args: what the client's callback is called with.
        """
        packet: Packet = {"type": "ack", "endpoint": endpoint}
        packet["ackId"] = number
        packet["args"] = args
        return self.encode(packet, dumps)

    def failure(self, name: str, info: Any) -> Any:
        """What answers an event that failed and whose ack is wanted."""
        return {"error": {"name": name, "info": info}}

    @abstractmethod
    def decode(self, text: str, limits: Limits, loads: Loads) -> Packet:
        """Read the text of a message.

        :returns: a packet, or :data:`ALIVE` or :data:`CLOSE` itself. One with
            ``attachments`` waits for as many messages of bytes.
        :raises ProtocolError: when it cannot be read.
        """

    @abstractmethod
    def binary(self, frame: bytes) -> bytes:
        """The bytes of the message in a binary WebSocket frame.

        :raises ProtocolError: when there is none.
        """

    def is_base64(self, text: str) -> bool:
        """Whether the text of a message is bytes in base64."""
        return False

    def bytes_in(self, text: str) -> bytes | None:
        """The bytes in the text of a message, if it holds any.

        :raises ProtocolError: when they cannot be read.
        """
        return None

    def pong(self, text: str) -> str | None:
        """What answers a message that was :data:`ALIVE`, if it wants an answer."""
        return None

    @abstractmethod
    def is_ack(self, text: str) -> bool:
        """Whether the text of a message is an ack."""

    @abstractmethod
    def is_close(self, text: str) -> bool:
        """Whether the text of a message ends the connection."""

    @abstractmethod
    def encode_payload(self, packets: Sequence[str | bytes]) -> bytes:
        """The body of a poll."""

    @abstractmethod
    def decode_payload(self, body: bytes, limits: Limits) -> Iterator[str | bytes]:
        """The messages in the body of a POST.

        :raises PayloadError: when it cannot be read; where one of them comes.
        """

    @abstractmethod
    def refusal(self, endpoint: str, message: str, data: Any) -> Packet:
        """The packet that refuses a namespace."""

    @abstractmethod
    def unknown_namespace(self, endpoint: str) -> Packet:
        """The packet that answers a connect to a namespace that isn't mounted."""

    @abstractmethod
    def farewell(self, come_back: bool) -> str | None:
        """The last message of a connection that the server ends.

        :param come_back: whether the client should connect again by itself.
        """

    @abstractmethod
    def closes(self, error: PacketError) -> bool:
        """Whether a packet that cannot be read ends the connection."""


class SocketIO1(Generation):
    """Clients 0.9."""

    name = "0.9"
    transports = (
        "websocket",
        "htmlfile",
        "xhr-multipart",
        "xhr-polling",
        "jsonp-polling",
    )
    ping = socketio_1.HEARTBEAT
    noop = socketio_1.NOOP
    post_answer = b"1"
    implicit_main = True
    sends_early = True

    def encode(self, packet: Packet, dumps: Dumps) -> Encoded:
        try:
            if isinstance(packet.get("data"), BINARY_TYPES):
                raise TypeError("bytes are no text")
            return Encoded(socketio_1.encode(packet, dumps))
        except TypeError:
            attachments: list[bytes] = []
            take_out(packet.get("args", packet.get("data")), attachments)
            if attachments:
                text = "a client 0.9 of Socket.IO cannot be sent bytes"
                raise TypeError(text) from None
            raise

    def failure(self, name: str, info: Any) -> None:
        """What gevent-socketio answers."""

    def decode(self, text: str, limits: Limits, loads: Loads) -> Packet:
        packet = socketio_1.decode(text, loads)
        kind = packet["type"]
        if kind in ("heartbeat", "noop"):
            return ALIVE
        if kind == "disconnect" and not packet["endpoint"]:
            return CLOSE
        return packet

    def binary(self, frame: bytes) -> bytes:
        raise PayloadError("clients 0.9 send no binary messages")

    def is_ack(self, text: str) -> bool:
        return text.startswith("6:")

    def is_close(self, text: str) -> bool:
        return text in (socketio_1.DISCONNECT, socketio_1.DISCONNECT_ALL)

    def encode_payload(self, packets: Sequence[str | bytes]) -> bytes:
        return socketio_1.encode_payload(cast("Sequence[str]", packets))

    def decode_payload(self, body: bytes, limits: Limits) -> Iterator[str]:
        return socketio_1.iter_payload(body, limits)

    def refusal(self, endpoint: str, message: str, data: Any) -> Packet:
        # The client fires `connect_failed` for this reason, and shows no other text.
        return {"type": "error", "endpoint": endpoint, "reason": "unauthorized"}

    def unknown_namespace(self, endpoint: str) -> Packet:
        info = f"The endpoint you tried to connect to doesn't exist: {endpoint}"
        return event_packet(endpoint, "error", ["no_such_namespace", info])

    def farewell(self, come_back: bool) -> str:
        return socketio_1.RECONNECT if come_back else socketio_1.DISCONNECT

    def closes(self, error: PacketError) -> bool:
        return False


class EngineIO(Generation):
    """What clients on Engine.IO have in common."""

    transports = ("polling", "websocket")
    noop = engineio.NOOP
    post_answer = b"ok"

    def encode(self, packet: Packet, dumps: Dumps) -> Encoded:
        if packet["type"] == "connect":
            packet = self._connected(packet)
        try:
            return Encoded(self._encode(packet, dumps, engineio.MESSAGE))
        except TypeError:
            # Bytes are not JSON: they may be what it is about.
            attachments: list[bytes] = []
            field: Literal["args", "data"] = "args" if "args" in packet else "data"
            rest = take_out(packet.get(field), attachments)
            if not attachments:
                raise
        binary: Packet = {**packet, "attachments": len(attachments)}
        binary[field] = rest
        text = self._encode(binary, dumps, engineio.MESSAGE)
        return Encoded(text, attachments, self.prefix)

    def encode_ack(
        self, endpoint: str, number: int, args: list[Any], dumps: Dumps
    ) -> Encoded:
        try:
            return Encoded(f"{_ACK}{endpoint and endpoint + ','}{number}{dumps(args)}")
        except TypeError:
            return super().encode_ack(endpoint, number, args, dumps)  # bytes?

    def _connected(self, packet: Packet) -> Packet:
        """The packet that tells a client of its connect packet that it is connected."""
        return {"type": "connect", "endpoint": packet["endpoint"]}

    #: Writes a packet after a text, as the data of an Engine.IO message.
    _encode: Callable[[Packet, Dumps, str], str]

    #: Reads a packet that begins at a character of a text.
    _decode: Callable[[str, Limits, Loads, int], Packet]

    def decode(self, text: str, limits: Limits, loads: Loads) -> Packet:
        if text.startswith(_EVENT):
            packet = socketio_5.plain_event(text, loads, len(_EVENT))
            if packet is not None:
                return packet
        if text.startswith(engineio.MESSAGE):
            return self._decode(text, limits, loads, 1)
        if text.startswith(engineio.BINARY_MARK):
            return ALIVE
        kind = engineio.check_packet(text)
        if kind == engineio.CLOSE:
            return CLOSE
        if kind in self._alive:
            return ALIVE
        raise PacketError(f"a client sends no Engine.IO packet {kind!r} here")

    #: The packets that only show that the client lives.
    _alive: tuple[str, ...]

    def is_base64(self, text: str) -> bool:
        return text.startswith(engineio.BINARY_MARK)

    def is_ack(self, text: str) -> bool:
        return text.startswith(_ACKS)

    def is_close(self, text: str) -> bool:
        return text == engineio.CLOSE

    def refusal(self, endpoint: str, message: str, data: Any) -> Packet:
        return {"type": "error", "endpoint": endpoint, "reason": message, "data": data}

    def unknown_namespace(self, endpoint: str) -> Packet:
        return self.refusal(endpoint, "Invalid namespace", None)

    def farewell(self, come_back: bool) -> str | None:
        # Who shall not come back has been sent disconnect packets, and handles a close
        # in the same payload before them.
        return engineio.CLOSE if come_back else None

    def closes(self, error: PacketError) -> bool:
        # The reference server ends the connection with the reason "parse error".
        return True


class SocketIO4(EngineIO):
    """Clients 1.x and 2.x: Engine.IO 3 under Socket.IO 3 and 4."""

    name = "1.x/2.x"
    prefix = bytes((int(engineio.MESSAGE),))
    implicit_main = True
    _alive = (engineio.PING, engineio.PONG, engineio.NOOP)
    _decode = staticmethod(socketio_4.decode)
    _encode = staticmethod(socketio_4.encode)

    def bytes_in(self, text: str) -> bytes | None:
        return engineio_3.decode_binary(text) if self.is_base64(text) else None

    def binary(self, frame: bytes) -> bytes:
        if not frame.startswith(self.prefix):
            raise PayloadError("only messages are binary")
        return frame[1:]

    def pong(self, text: str) -> str | None:
        # These clients ping, and the server answers with what came along.
        if text.startswith(engineio.PING):
            return engineio.PONG + text[1:]
        return None

    def encode_payload(self, packets: Sequence[str | bytes]) -> bytes:
        return engineio_3.encode_payload(packets)

    def decode_payload(self, body: bytes, limits: Limits) -> Iterator[str | bytes]:
        return engineio_3.iter_payload(body, limits)


class SocketIO5(EngineIO):
    """Clients 3.x and 4.x: Engine.IO 4 under Socket.IO 5."""

    name = "3.x/4.x"
    ping = engineio.PING
    implicit_main = False
    _alive = (engineio.PONG, engineio.NOOP)
    _decode = staticmethod(socketio_5.decode)
    _encode = staticmethod(socketio_5.encode)

    def _connected(self, packet: Packet) -> Packet:
        # The answer to a connect names the client's id in that namespace, which is
        # public; the session's id is not.
        sid = {"sid": secrets.token_urlsafe(15)}
        return {"type": "connect", "endpoint": packet["endpoint"], "data": sid}

    def bytes_in(self, text: str) -> bytes | None:
        return engineio.decode_base64(text[1:]) if self.is_base64(text) else None

    def binary(self, frame: bytes) -> bytes:
        return frame

    def encode_payload(self, packets: Sequence[str | bytes]) -> bytes:
        return engineio.encode_payload(packets)

    def decode_payload(self, body: bytes, limits: Limits) -> Iterator[str | bytes]:
        return engineio.iter_payload(body, limits)


SOCKETIO_1: Final = SocketIO1()
SOCKETIO_4: Final = SocketIO4()
SOCKETIO_5: Final = SocketIO5()
