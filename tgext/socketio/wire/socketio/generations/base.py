"""The interface of a generation of clients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...errors import PacketError
from ...json import Dumps, Loads
from ...limits import Limits
from ..encoded import Encoded
from ..packet import Packet

#: The result for a message that is not a packet of Socket.IO: a ping or pong, or the
#: bytes of an attachment in base64.
ALIVE: Final[Packet] = {"type": "heartbeat", "endpoint": ""}
#: The result for a message that ends the whole connection.
CLOSE: Final[Packet] = {"type": "disconnect", "endpoint": ""}


@dataclass(frozen=True)
class Opening:
    """The parameters that the server sends when a session opens. Times are in seconds.

    :ivar transports: the transports that the server offers to this generation.
    :ivar upgrades: the transports to which the client may upgrade from this one.
    :ivar close_timeout: the time within which a disconnected client has to reconnect.
    """

    sid: str
    transports: Sequence[str]
    upgrades: Sequence[str]
    heartbeat_interval: float
    heartbeat_timeout: float
    close_timeout: float
    max_message_size: int


class Generation(ABC):
    """One generation of clients: stateless, one instance for all connections."""

    #: Its versions, for messages.
    name: str

    # Connections

    #: The transports that the server supports for it.
    transports: tuple[str, ...]
    #: Whether the request that opens a session also opens a transport; it is a GET
    #: then. Otherwise it is a separate request, and may be a POST.
    opens_with_transport: bool
    #: Whether a session that began with polling can be upgraded to a WebSocket.
    upgrades: bool
    #: Whether clients send polls, or POSTs, before the previous one is answered.
    overlaps: bool
    #: The default of ``heartbeat_timeout``, in seconds.
    heartbeat_timeout: float
    #: The server's ping; empty if the clients ping, not the server.
    ping: str = ""
    #: The message that answers a poll without any content.
    noop: str
    #: The answer to a POST.
    post_answer: bytes
    #: The answer to a polling client whose session is unknown; None if it is an HTTP
    #: error.
    unknown_session: str | None = None
    #: The bytes before an attachment in a WebSocket frame.
    prefix: bytes = b""
    #: Whether a connection that the application ends is closed without disconnect
    #: packets, as gevent-socketio does; its client connects again.
    ends_by_closing: bool = False
    #: Whether every connection is in the main namespace from the start.
    implicit_main: bool
    #: Whether an ack tells that its event was refused or failed; see :meth:`failure`.
    acks_tell: bool = True
    #: Names of events that its clients keep to themselves: ``emit`` sends none of them.
    keeps: frozenset[str] = frozenset()
    #: Whether clients send events to a namespace before they ask to connect to it.
    sends_early: bool = False
    #: Whether clients recover: they take the last argument of an event, if it is a
    #: text, for a position, and send it when they come back.
    recovers: bool = False

    @abstractmethod
    def opening(self, opening: Opening) -> str:
        """The message that opens a session."""

    @abstractmethod
    def farewell(self, come_back: bool) -> str | None:
        """The last message of a connection that the server ends; None without one.

        :param come_back: whether the client should connect again by itself.
        """

    # Messages out

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
        :param args: the arguments of the client's callback.
        """
        packet: Packet = {"type": "ack", "endpoint": endpoint}
        packet["ackId"] = number
        packet["args"] = args
        return self.encode(packet, dumps)

    def failure(self, name: str, info: Any) -> Any:
        """The ack's argument for an event that was refused or failed."""
        return {"error": {"name": name, "info": info}}

    @abstractmethod
    def refusal(self, endpoint: str, message: str, data: Any) -> Packet:
        """The packet that refuses a namespace."""

    @abstractmethod
    def unknown_namespace(self, endpoint: str) -> Packet:
        """The packet that answers a connect to a namespace that is not mounted."""

    # Messages in

    @abstractmethod
    def decode(self, text: str, limits: Limits, loads: Loads) -> Packet:
        """Read the text of a message.

        :returns: a packet, or :data:`ALIVE` or :data:`CLOSE` itself. One with
            ``attachments`` waits for as many messages of bytes.
        :raises ProtocolError: when it is invalid.
        """

    @abstractmethod
    def binary(self, frame: bytes) -> bytes:
        """The bytes of the message in a binary WebSocket frame.

        :raises ProtocolError: when the frame has no message.
        """

    def is_base64(self, text: str) -> bool:
        """Whether the text of a message is bytes in base64."""
        return False

    def bytes_in(self, text: str) -> bytes | None:
        """The bytes in the text of a message, if it holds any.

        :raises ProtocolError: when they are invalid.
        """
        return None

    def pong(self, text: str) -> str | None:
        """The answer to a message that is :data:`ALIVE`; None for all but pings."""
        return None

    @abstractmethod
    def is_ack(self, text: str) -> bool:
        """Whether the text of a message is an ack."""

    @abstractmethod
    def is_close(self, text: str) -> bool:
        """Whether the text of a message ends the connection."""

    @abstractmethod
    def closes(self, error: PacketError) -> bool:
        """Whether an invalid packet ends the connection."""

    # HTTP

    #: The function that a JSONP answer calls, before its number.
    jsonp_function: str

    @abstractmethod
    def encode_payload(
        self, messages: Sequence[str | bytes], twice: bool = False
    ) -> bytes:
        """The body of a poll, as text.

        :param twice: whether the client decodes its text from UTF-8 twice.
        """

    def encode_binary_payload(self, messages: Sequence[str | bytes]) -> bytes | None:
        """The body of a poll in bytes; None where text is used for these messages."""
        return None

    @abstractmethod
    def decode_payload(
        self, body: bytes, limits: Limits, binary: bool = False
    ) -> Iterator[str | bytes]:
        """The messages in the body of a POST.

        :param binary: whether its type is that of bytes; not all generations have one.
        :raises PayloadError: when it is invalid; the messages before that are yielded.
        """

    def is_encoded_twice(self, body: bytes) -> bool:
        """Whether the text in the body of a POST was encoded to UTF-8 twice."""
        return False

    @abstractmethod
    def form_text(self, text: str) -> str:
        """The body of a POST, read from the field ``d`` of a JSONP form.

        :raises ValueError: when it is invalid.
        """

    @abstractmethod
    def error_body(self, code: int, message: str) -> tuple[str, bytes]:
        """The type and the body of the answer to a request that is refused.

        :param code: Engine.IO's number of the error.
        """
