"""What carries broadcasts between the processes of an application."""

from __future__ import annotations

import base64
import logging
import secrets
from collections.abc import Mapping
from typing import Any

from .channels import Channels, loads
from .engine.failures import ERRORS
from .engine.rooms import Rooms
from .wire.binary import put_back, take_out
from .wire.errors import ProtocolError
from .wire.packet import Packet

log = logging.getLogger(__name__)


class ClusterBus:
    """Carries packets between the processes of an application.

    A message is JSON: who sent it (``from``), the ``room``, the ``packet``, and the
    bytes that were in it (``binary``) in base64, which the packet has placeholders for
    as it has on the wire.

    :param rooms: the sockets of this process.
    :param channels: what carries the messages.
    :param channel: the channel that they are on.
    :raises BackendError: when it cannot be heard.
    """

    def __init__(self, rooms: Rooms, channels: Channels, channel: str) -> None:
        self._rooms = rooms
        self._channels = channels
        self._channel = channel
        #: By which our own messages are known when they come back.
        self._id = secrets.token_hex(8)
        channels.feed.listen(channel, self._hear)

    def publish(self, packet: Packet, room: str | None) -> None:
        """Send a packet to the other processes.

        :raises BackendError: when the broker does not take it within seconds.
        """
        self._channels.publish(self._channel, make_message(packet, room, self._id))

    def close(self) -> None:
        """Hear no more of the others."""
        self._channels.feed.unlisten(self._channel, self._hear)

    def _hear(self, data: Any) -> None:
        try:
            message = loads(data)
            if message["from"] == self._id:
                return
            packet, room = _packet(message), message["room"]
        except (ProtocolError, LookupError, TypeError, ValueError) as error:
            log.warning("Skipped what is on %s: %r: %.80r", self._channel, error, data)
            return
        try:
            self._rooms.deliver(packet, room)
        except ERRORS as error:
            log.warning("A broadcast of another process was not sent to all: %s", error)


def make_message(packet: Packet, room: str | None, sender: str = "") -> dict[str, Any]:
    """What goes over the bus; ``sender`` itself does not get it."""
    binary: list[bytes] = []
    args = take_out(packet["args"], binary)
    return {
        "from": sender,
        "room": room,
        "packet": {**packet, "args": args},
        "binary": [base64.b64encode(each).decode() for each in binary],
    }


def _packet(message: Mapping[str, Any]) -> Packet:
    packet: Packet = message["packet"]
    binary: list[bytes | None] = [
        base64.b64decode(each, validate=True) for each in message["binary"]
    ]
    if binary:
        packet["args"] = put_back(packet["args"], binary)
    if not isinstance(packet["endpoint"], str) or not isinstance(packet["args"], list):
        raise TypeError("this is no packet")
    return packet
