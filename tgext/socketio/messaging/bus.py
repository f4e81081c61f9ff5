"""Broadcasts to the other processes of an application, and from them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from functools import lru_cache, partial
from typing import Any, Final

from gevent.event import Event

from ..backends.channelnames import OwnName
from ..backends.feeds import Heard
from ..backends.logs.entries import read_logged
from ..engine.concurrency.failures import ERRORS
from ..engine.hub.roomkeys import Room
from ..engine.hub.rooms import Rooms
from ..engine.hub.selection import Receivers
from ..engine.logs import get_logger
from ..request.tracing import find_tracer, publishing, receiving
from ..wire.escape import escape
from ..wire.socketio.packet import Packet
from .busmessage import BusCodec, BusMessage, beginning_of
from .channels import Channels
from .listening import Carrier, Listening, Plain
from .peers import Peers
from .sealed import BusMessageError
from .throttle import ThrottledWarnings
from .topics import naming_of, room_of

log = get_logger(__name__)

#: Codecs that are kept, one for each of the topics that were used last.
_KEPT: Final = 1024


class ClusterBus:
    """Carries packets between the processes of an application.

    Each topic has a channel of its own at backends to which a further channel costs
    little. With others all topics share the channel of the cluster.

    :param rooms: the sockets of this process.
    :param channels: their backend carries the messages.
    :param channel: the channel of the cluster.
    :param secret: the key that signs messages; empty when they are not signed.
    :param controller: the name of the controller that the sockets have connected to.
    :param peers: the other processes, held until :meth:`close`.
    :param carriers: how topics of some namespaces travel; the backend publishes those
        of all others.
    :param traced: whether there are spans, where OpenTelemetry is set up.
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
        carriers: Mapping[str, Carrier] | None = None,
        traced: bool = True,
    ) -> None:
        self._rooms = rooms
        self._controller = controller
        # The backend delivers our own messages too. This id identifies them.
        self._id = secrets.token_hex(8)
        self._beginning = beginning_of(self._id)
        self._warnings = ThrottledWarnings(log)
        self._peers = peers
        self._traced = traced
        self._plain = Plain(channels)
        self._carriers = carriers or {}
        self._name_of = naming_of(channels.backend, channel)
        self._codec_of = lru_cache(_KEPT)(partial(BusCodec, secret=secret))
        self._publishing: set[Event] = set()
        self._listening = Listening(self._name_of, self._carrier_of, self._ear_of)
        if peers is not None:
            peers.hold()
        for endpoint, room in rooms.occupied():
            self.listen(endpoint, room)

    def __len__(self) -> int:
        return len(self._listening)

    def _carrier_of(self, endpoint: str) -> Carrier:
        return self._carriers.get(endpoint, self._plain)

    def _ear_of(self, topic: OwnName) -> Heard:
        return partial(self._hear, self._codec_of(topic))

    def publish(self, packet: Packet, receivers: Receivers) -> None:
        """Send a packet to the other processes.

        :raises TypeError: when an argument cannot be written as JSON.
        :raises ValueError: when the message would be larger than 16 MiB.
        :raises BackendError: when the broker does not accept it within seconds.
        """
        endpoint = packet["endpoint"]
        topic = self._name_of(endpoint, room_of(receivers))
        tracer = find_tracer() if self._traced else None
        name = endpoint or "/"
        with publishing(tracer, f"publish {name}", socketio_namespace=name) as parent:
            if parent is not None:
                packet = {**packet, "trace": parent}
            message = self._codec_of(topic).write(
                packet, receivers, self._id, self._controller
            )
            sent = Event()
            self._publishing.add(sent)
            try:
                self._carrier_of(endpoint).publish(topic, message)
            finally:
                self._publishing.discard(sent)
                sent.set()

    def listen(self, endpoint: str, room: Room | None) -> None:
        """Listen to a topic; see :meth:`.Bus.listen`."""
        self._listening.begin(endpoint, room)

    def unlisten(self, endpoint: str, room: Room | None) -> None:
        """End a :meth:`listen`."""
        self._listening.end(endpoint, room)

    def wait(self, endpoint: str, rooms: Iterable[Room | None]) -> bool:
        """Wait until this process hears topics; see :meth:`.Bus.wait`."""
        return self._listening.wait(endpoint, rooms)

    def since(self, endpoint: str, room: Room | None) -> int:
        """Since when a topic is heard; see :meth:`.Bus.since`."""
        return self._listening.since(endpoint, room)

    def flush(self) -> None:
        """Wait until the broker has, or has refused, what is being published."""
        for each in list(self._publishing):
            each.wait()

    def close(self) -> None:
        """Stop listening to the other processes."""
        self._listening.close()
        if self._peers is not None:
            self._peers.release()

    def _hear(self, codec: BusCodec, data: Any) -> None:
        if codec.begins(data, self._beginning):
            return  # it is our own: half of all messages need not be read
        try:
            sender, receivers, packet, controller = _read(codec, data)
        except BusMessageError as error:
            reason = f"{escape(error)}: {_shown(data)}"
            text = f"Skipped a message of {codec.channel}: {reason}"
            self._warnings.warn(error.kind, text)
            return
        if sender == self._id or controller not in ("", self._controller):
            return
        parent = packet.pop("trace", None)
        tracer = find_tracer() if parent is not None and self._traced else None
        name = packet["endpoint"] or "/"
        try:
            with receiving(tracer, parent, f"deliver {name}", socketio_namespace=name):
                self._rooms.hear(packet, receivers)
        except ERRORS as error:
            text = (
                f"A broadcast of another process was not sent to all: {escape(error)}"
            )
            self._warnings.warn("not sent", text)


def _read(codec: BusCodec, data: Any) -> BusMessage:
    """Read a message, also of a log.

    A script may find that a namespace is logged, when it no longer is in this process.
    """
    try:
        return codec.read(data)
    except BusMessageError:
        logged = read_logged(data)
        if logged is None:
            raise
        return codec.read(logged[1])


def _shown(data: Any) -> str:
    return escape(data) if isinstance(data, (str, bytes)) else type(data).__name__
