"""The decoder: from the messages of a client to its packets."""

from __future__ import annotations

from functools import partial
from typing import Any

from ...wire.errors import InvalidJSON, PacketError, ProtocolError
from ...wire.json import Dumps, Loads
from ...wire.socketio.binary import Reassembler
from ...wire.socketio.generations import ALIVE, CLOSE
from ...wire.socketio.packet import Packet
from ..concurrency.failures import FAILURES
from ..concurrency.interruption import Interrupted
from ..hub.account import cost
from ..logs import get_logger
from .connection import Connection
from .pacing import send_pong
from .parts import Part

log = get_logger(__name__)

#: The most characters of a packet that is kept decoded while it waits for its
#: attachments. In memory, decoded JSON may be 25 times as large as its text.
SMALL = 1024


def checked_loads(json_loads: Loads) -> Loads:
    """Wrap the application's JSON parser: its exceptions become :class:`InvalidJSON`.

    :param json_loads: takes a text; any exception means that the text is invalid.
    """
    return partial(_load, json_loads)


def _load(json_loads: Loads, text: str) -> Any:
    try:
        return json_loads(text)
    except Exception as error:
        raise InvalidJSON(f"invalid JSON: {str(error)[:80]}") from error
    except Interrupted:
        raise
    except FAILURES as error:
        log.exception("The application's json_loads failed")
        raise InvalidJSON("invalid JSON") from error


def checked_dumps(json_dumps: Dumps) -> Dumps:
    """The application's JSON writer.

    :raises TypeError: when it returns no ``str``: clients could not read the packets.
    """
    text: object = json_dumps([])
    if not isinstance(text, str):
        raise TypeError(
            f"json_dumps returned {type(text).__name__}, and has to return str; for "
            "orjson, give lambda value: orjson.dumps(value).decode()"
        )
    return json_dumps


class Assembler(Part):
    """Decodes messages, and inserts the attachments into their packets.

    :param socket: the session; its generation, limits and JSON parser are used.
    """

    __slots__ = ("_size", "partial")

    def __init__(self, socket: Connection) -> None:
        super().__init__(socket)
        self.partial: Reassembler | None = None
        #: Bytes that were charged to the account for `partial`.
        self._size = 0

    def clear(self) -> None:
        """Drop a packet whose attachments have not all come."""
        self.partial = None
        self._socket.account.release(self._size)
        self._size = 0

    def take(self, message: str | bytes) -> Packet | None:
        """Take the next message.

        A ping is answered with a pong.

        :returns: the packet that the message completes; None if it completes none.
        :raises ProtocolError: when the message is invalid, or not allowed at this
            point.
        """
        if isinstance(message, bytes):
            return self._attachment(message)
        socket = self._socket
        generation = socket.generation
        packet = generation.decode(message, socket.hub.limits, socket.json_loads)
        if packet is ALIVE:
            data = generation.bytes_in(message)
            if data is not None:
                return self._attachment(data)
            pong = generation.pong(message)
            if pong is not None:
                send_pong(socket, pong)
            return None
        if self.partial is not None:
            raise PacketError("a text came instead of an attachment")
        if "attachments" in packet:
            if packet["attachments"]:
                self._charge(message)
                self.partial = self._begin(message, packet)
                return None
            return Reassembler(packet, socket.hub.limits).packet()
        return packet

    def _begin(self, text: str, packet: Packet) -> Reassembler:
        socket = self._socket
        limits, loads = socket.hub.limits, socket.json_loads
        if len(text) <= SMALL:
            return Reassembler(packet, limits)
        # The packet is valid. It is kept as text, which needs less memory.
        anew = partial(socket.generation.decode, text, limits, loads)
        return Reassembler({"attachments": packet["attachments"]}, limits, anew)

    def _attachment(self, data: bytes) -> Packet | None:
        if self.partial is None:
            raise PacketError("an attachment came without a packet")
        self._charge(data)
        packet = self.partial.add(data)
        if packet is not None:
            self.clear()
        return packet

    def _charge(self, message: str | bytes) -> None:
        size = cost(message)
        self._socket.account.charge(size)
        self._size += size


class AckFilter:
    """Finds the acks among a client's messages, while a handler may wait for one.

    The callback of an ack is called in a greenlet of its own. An ack that nothing waits
    for, or that comes twice, is dropped.

    :param socket: the client's session.
    """

    def __init__(self, socket: Connection) -> None:
        self._socket = socket
        self._assembler = Assembler(socket)
        #: The ids of acks whose callbacks are about to be called.
        self._handed: set[int] = set()
        #: Whether the attachments of an ack have not all come.
        self.incomplete = False
        #: Whether the client sent a message that ends the connection.
        self._closes = False

    def reset(self) -> None:
        """Forget an incomplete ack."""
        self._assembler.clear()
        self.incomplete = False

    def take(self, message: str | bytes) -> bool:
        """Handle a message if it is a part of an ack, a ping, or the client's close.

        :returns: whether it was handled. An invalid message is not: it is answered
            later, in order. After the client's close, all messages are dropped.
        """
        if self._closes:
            return True
        if isinstance(message, bytes):
            return self.incomplete and self._take(message)
        generation = self._socket.generation
        if generation.is_base64(message):
            return self.incomplete and self._take(message)
        pong = generation.pong(message)
        if pong is not None:
            send_pong(self._socket, pong)
            return True
        if generation.is_close(message):
            self._closes = True
            self._socket.start_own_job(self._socket.dispatcher.handle, CLOSE)
            return True
        return generation.is_ack(message) and self._take(message)

    def _take(self, message: str | bytes) -> bool:
        try:
            packet = self._assembler.take(message)
        except ProtocolError:
            self.reset()
            return False
        self.incomplete = packet is None
        if packet is not None:
            self._hand_over(packet)
        return True

    def _hand_over(self, packet: Packet) -> None:
        waiting = self._socket.acks.callbacks
        number = packet["ackId"]
        if number not in waiting or number in self._handed:
            log.debug("Nothing waits for the ack with id %s", number)
            return
        if len(self._handed) > len(waiting):
            self._handed.intersection_update(waiting)
        self._handed.add(number)
        self._socket.start_own_job(self._socket.dispatcher.handle, packet)
