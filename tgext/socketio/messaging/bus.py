"""Broadcasts to the other processes of an application, and from them."""

from __future__ import annotations

import secrets
from typing import Any

from ..backends.channelnames import OwnName
from ..engine.concurrency.failures import ERRORS
from ..engine.hub.rooms import Rooms
from ..engine.logs import get_logger
from ..wire.escape import escape
from ..wire.socketio.packet import Packet
from .busmessage import BusCodec, Room
from .channels import Channels
from .peers import Peers
from .sealed import BusMessageError
from .throttle import ThrottledWarnings

log = get_logger(__name__)


class ClusterBus:
    """Carries packets between the processes of an application.

    :param rooms: the sockets of this process.
    :param channels: their backend carries the messages.
    :param channel: the channel of the messages.
    :param secret: the key that signs messages; empty when they are not signed.
    :param controller: the name of the controller that the sockets have connected to.
    :param peers: the other processes, held until :meth:`close`.
    :raises BackendError: when the backend cannot listen to the channel.
    """

    def __init__(
        self,
        rooms: Rooms,
        channels: Channels,
        channel: OwnName,
        secret: str = "",
        controller: str = "",
        peers: Peers | None = None,
    ) -> None:
        self._rooms = rooms
        self._channels = channels
        self._channel = channel
        self._controller = controller
        self._codec = BusCodec(channel, secret)
        # The backend delivers our own messages too. This id identifies them.
        self._id = secrets.token_hex(8)
        self._warnings = ThrottledWarnings(log)
        self._peers = peers
        channels.feed.listen(channel, self._hear)
        if peers is not None:
            try:
                peers.hold()
            except BaseException:
                channels.feed.unlisten(channel, self._hear)
                raise

    def publish(self, packet: Packet, room: Room) -> None:
        """Send a packet to the other processes.

        :raises TypeError: when an argument cannot be written as JSON.
        :raises ValueError: when the message would be larger than 16 MiB.
        :raises BackendError: when the broker does not accept it within seconds.
        """
        message = self._codec.write(packet, room, self._id, self._controller)
        self._channels.backend.publish(self._channel, message)

    def close(self) -> None:
        """Stop listening to the other processes."""
        self._channels.feed.unlisten(self._channel, self._hear)
        if self._peers is not None:
            self._peers.release()

    def _hear(self, data: Any) -> None:
        try:
            sender, room, packet, controller = self._codec.read(data)
        except BusMessageError as error:
            reason = f"{escape(error)}: {_shown(data)}"
            text = f"Skipped a message of {self._channel}: {reason}"
            self._warnings.warn(error.kind, text)
            return
        if sender == self._id or controller not in ("", self._controller):
            return
        try:
            self._rooms.deliver(packet, room)
        except ERRORS as error:
            text = (
                f"A broadcast of another process was not sent to all: {escape(error)}"
            )
            self._warnings.warn("not sent", text)


def _shown(data: Any) -> str:
    return escape(data) if isinstance(data, (str, bytes)) else type(data).__name__
